"""Shapes as plain values, for files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from certdde.studies.regularity.ascent import Family, Shape
from certdde.studies.regularity.courses import (
    Knots,
    LipschitzCourses,
    SmoothCourses,
    Wave,
)
from certdde.studies.regularity.gaps import Samples
from certdde.studies.regularity.matrices import Matrices
from certdde.studies.regularity.words import Words


def plain(family: Family[Any], shape: Shape[Any]) -> dict[str, Any]:
    """Return a shape in plain values."""
    point, kept = shape.point, {"scale": shape.scale}
    if isinstance(point, Knots):
        return {**kept, "form": "knots", "period": point.period, "values": point.values.tolist()}
    if isinstance(point, Wave):
        lists = {"cosines": point.cosines.tolist(), "sines": point.sines.tolist()}
        return {**kept, "form": "wave", "period": point.period, "mean": point.mean, **lists}
    form = "word" if isinstance(family, Words) else "gaps"
    return {**kept, "form": form, "steps": family.steps, "letters": np.asarray(point).tolist()}


def family_of(
    kept: Mapping[str, Any], matrices: Matrices, rate: float | None, one_sided: bool
) -> tuple[Family[Any], Any]:
    """Return the family of a kept shape, with a finer mesh where there is one, and its point."""
    if kept["form"] == "knots":
        knots = Knots(kept["period"], np.array(kept["values"]))
        return LipschitzCourses(matrices, rate or 1.0, one_sided, fine=2), knots
    if kept["form"] == "wave":
        wave = Wave(
            kept["period"], kept["mean"], np.array(kept["cosines"]), np.array(kept["sines"])
        )
        terms = len(wave.cosines)
        return SmoothCourses(matrices, rate or 1.0, one_sided, terms, fine=2), wave
    kind = Words if kept["form"] == "word" else Samples
    return kind(matrices, kept["steps"]), np.array(kept["letters"])
