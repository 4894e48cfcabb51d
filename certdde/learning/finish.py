"""From a proposed functional to a proved part: dissipation on the domain, level on its faces, radius."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import inf, nextafter

import numpy as np
import torch

from certdde.certificates.part import Part, Radius
from certdde.functionals import Functional
from certdde.inequalities.inequality import dissipation
from certdde.inequalities.legendre import delay_pieces
from certdde.inequalities.level import outside
from certdde.inequalities.measurable import alpha_pieces
from certdde.inequalities.reduction import (
    ConstantDelay,
    ExactDelay,
    MeasurableDelay,
    Reduction,
    as_reduction,
)
from certdde.learning.levels import LEAST, NOWHERE, Leveled, LevelSearch
from certdde.learning.region import largest_radius, prove_level, round_down, sampled_level
from certdde.systems.delay_system import DelaySystem
from certdde.verify.answers import Answer, Proved, Refuted, Unknown
from certdde.verify.bound_propagation.branch import Encloser, Settings, by_intervals


@dataclass(frozen=True, slots=True)
class Finished:
    """A proved part, or the answer that was given instead.

    ``failing``: points (k, d) of the domain with v_0 <= 1 at which the inequality fails, as far as they were met; there
    are such points where the level of the part is below 1.
    """

    part: Part | None
    answer: Answer
    failing: torch.Tensor = field(default_factory=lambda: NOWHERE)


def covering_breaks(
    lower: float, upper: float, ratio: float = 1.25, first: float = 0.3
) -> list[float]:
    """Return break points whose hull holds [lower, upper] when the two are read as decimals."""
    breaks = delay_pieces(lower, upper, ratio, first)
    if len(breaks) == 1:
        return [max(0.0, nextafter(lower, -inf)), nextafter(upper, inf)]
    if Fraction(breaks[0]) > Fraction(repr(lower)):
        breaks[0] = nextafter(lower, -inf)
    if Fraction(breaks[-1]) < Fraction(repr(upper)):
        breaks[-1] = nextafter(upper, inf)
    return breaks


def finish(
    system: DelaySystem,
    functional: Functional,
    cover: Sequence[float] | Reduction,
    settings: Settings,
    *,
    enclose: Encloser = by_intervals,
    least: float = LEAST,
    progress: Callable[[int, int], None] | None = None,
) -> Finished:
    """Prove a functional, in the user's coordinates, where it is at most a level, for the whole delay class.

    The functional is first scaled so that the least v_0 on the faces of the domain is about 1. The level is the
    largest that is found, up to that, and not below ``least`` (:class:`LevelSearch`). Soundness: float64; the checker
    repeats everything.
    """
    reduction = as_reduction(cover)
    longest = reduction.longest
    bounded = system.domain is not None and _needs_domain(system, functional)
    if not _positive(functional, longest):
        return Finished(
            None,
            Unknown("the functional is not positive definite", torch.zeros(0, system.dimension), 0),
        )
    if bounded:
        functional = functional.times(1 / sampled_level(system, functional, reduction))
    built = dissipation(system, functional, reduction)
    if not built.eliminated < 0:
        return Finished(
            None,
            Unknown(
                "the block of the moments is not negative definite",
                torch.zeros(0, built.inequality.dimension),
                0,
            ),
        )
    if built.inequality.dimension == 0:
        return Finished(
            _part(functional, reduction, {}, None, None, {"leaves": 0, "star": 0, "face": 0}),
            Proved(None),
        )  # type: ignore[arg-type]
    beyond = outside(system, functional, reduction, 1.0)
    search = LevelSearch(built.inequality, beyond, settings, enclose, least, progress)
    found = search.run()
    if not isinstance(found.answer, Proved):
        return Finished(None, found.answer, found.failing)
    return _with_region(system, functional, reduction, found, settings)


def _with_region(
    system: DelaySystem,
    functional: Functional,
    reduction: Reduction,
    found: Leveled,
    settings: Settings,
) -> Finished:
    """Show a level on the faces that is at most the one for which dissipation is proved."""
    longest, answer = reduction.longest, found.answer
    for share in (1.0, 0.99, 0.95, 0.8):
        level = round_down(share * found.level)
        shown = prove_level(system, functional, reduction, level, settings)
        radius = largest_radius(system, functional, longest, level)
        if shown is not None and radius is not None:
            break
    else:
        return Finished(
            None,
            Unknown(
                "no level could be shown on the faces of the domain",
                torch.zeros(0, system.dimension),
                0,
            ),
        )
    if not isinstance(answer, Proved):
        raise TypeError(type(answer).__name__)
    forest = answer.proof
    arrays = {
        "grid": np.asarray(forest.grid, dtype=np.int64),
        "blocks": np.asarray(forest.blocks, dtype=np.int64),
        "codes": forest.codes,
        "face_codes": shown.face_codes,
    }
    counts: Mapping[str, int] = {
        "leaves": forest.leaves,
        "star": forest.stars,
        "outside": forest.outside,
        "face": shown.leaves,
    }
    part = _part(functional, reduction, arrays, level, radius, counts)
    return Finished(part, answer, found.failing)


def _part(
    functional: Functional,
    reduction: Reduction,
    arrays: Mapping[str, np.ndarray],
    level: float | None,
    radius: Radius | None,
    counts: Mapping[str, int],
) -> Part:
    """Return the part, with the window of a measurable delay among its arrays."""
    window = (
        {"window": np.array([reduction.longest])} if isinstance(reduction, MeasurableDelay) else {}
    )
    return Part(
        functional,
        reduction.breaks,
        reduction.windows(),
        {**window, **arrays},
        level,
        radius,
        counts,
    )


def constant_cover(lower: float, upper: float) -> Reduction:
    """Return the class of constant delays in [lower, upper]."""
    return ConstantDelay(tuple(covering_breaks(lower, upper)))


def exact_cover(lower: float, upper: float) -> Reduction:
    """Return the class of constant delays in [lower, upper], lower > 0, for a V0 that may read moments."""
    return ExactDelay(tuple(covering_breaks(lower, upper, 1.1)))


def measurable_cover(lower: float, upper: float) -> Reduction:
    """Return the class of measurable delays in [lower, upper], read as decimals."""
    longest = upper if Fraction(upper) >= Fraction(repr(upper)) else nextafter(upper, inf)
    first = lower / longest
    while Fraction(first) > Fraction(repr(lower)) / Fraction(longest):
        first = nextafter(first, -inf)
    return MeasurableDelay(longest, tuple(alpha_pieces(max(0.0, first), 1.0)))


Cover = Callable[[float, float], Reduction]
COVERS: dict[str, Cover] = {"constant": constant_cover, "measurable": measurable_cover}


def _needs_domain(system: DelaySystem, functional: Functional) -> bool:
    from certdde.systems.structure import structure

    return functional.kind == "neural" or bool(structure(system).nonlinear)


def _positive(functional: Functional, longest: float) -> bool:
    """Check in float64 what the checker will show exactly."""
    matrices = (functional.S, functional.R, functional.bessel(longest))
    return all(
        bool(torch.isfinite(m).all()) and float(torch.linalg.eigvalsh(m)[0]) > 0 for m in matrices
    )


def where_it_failed(answer: Answer, names: Sequence[str]) -> str:
    """Say in words where an inequality is open or fails."""
    if isinstance(answer, Proved):
        return ""
    points = answer.points if isinstance(answer, Refuted) else answer.where
    if not points.numel():
        return answer.why if isinstance(answer, Unknown) else ""
    place = ", ".join(
        f"{name} = {value:.4g}" for name, value in zip(names, points[0].tolist(), strict=True)
    )
    return (
        f"{answer.why} near {place}"
        if isinstance(answer, Unknown)
        else f"dV/dt <= D fails at {place}"
    )
