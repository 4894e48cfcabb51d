"""A figure of a report: it can be drawn in either theme."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from certdde.reports.dialect import Fragment
from certdde.reports.style import DARK, LIGHT, Theme, encoded

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

FOLDER = "figures"
NAMES = (
    *("region", "law", "trajectories", "escape", "values", "partition", "training"),
    *("learning", "delays", "predictions"),  # of what was learnt from data
)


@dataclass(frozen=True, slots=True)
class Figure:
    """What is shown, and how to draw it.

    Attributes
    ----------
    name : str
        Of the files; one of ``NAMES``.
    title : str
    caption : tuple of Fragment
    draw : callable
        From a theme to a matplotlib figure.
    wide : bool
        Whether it is wider than a column.
    """

    name: str
    title: str
    caption: tuple[Fragment, ...]
    draw: Callable[[Theme], Canvas]
    wide: bool = False


@dataclass(frozen=True, slots=True)
class DrawnFigure:
    """A figure with its images."""

    figure: Figure
    light: bytes
    dark: bytes
    pdf: bytes


def drawn(figure: Figure) -> DrawnFigure:
    """Draw a figure in both themes, and for print."""
    light, dark = figure.draw(LIGHT), figure.draw(DARK)
    return DrawnFigure(figure, encoded(light, "png"), encoded(dark, "png"), encoded(light, "pdf"))


def write_figures(figures: list[DrawnFigure], directory: Path) -> dict[str, Path]:
    """Write the files of the figures, and remove those of an earlier report that this one does not have."""
    folder = directory / FOLDER
    files = {}
    for one in figures:
        folder.mkdir(parents=True, exist_ok=True)
        for kind, content in (("png", one.light), ("pdf", one.pdf)):
            files[f"{one.figure.name}.{kind}"] = folder / f"{one.figure.name}.{kind}"
            files[f"{one.figure.name}.{kind}"].write_bytes(content)
    for name in NAMES:
        for kind in ("png", "pdf"):
            if f"{name}.{kind}" not in files:
                (folder / f"{name}.{kind}").unlink(missing_ok=True)
    return files
