"""How figures look: two themes, colours that colour-blind readers can tell apart, and labels from a user's names."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas

from certdde.reports.dialect import GREEK
from certdde.reports.escape import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 220
SIZE = 8.0  # points; a figure is 3.6 in wide where it fills a column
WIDTH = 3.6


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a figure (those of Okabe and Ito, made lighter on dark paper)."""

    paper: str
    ink: str
    faint: str
    blue: str
    orange: str
    green: str
    red: str
    purple: str


LIGHT = Theme(
    "#ffffff", "#1d1f23", "#c3c7cd", "#0072b2", "#c77c00", "#00805c", "#c24a00", "#a4568a"
)
DARK = Theme("#1b1e24", "#e4e6ea", "#4a505b", "#56b4e9", "#e69f00", "#2dc39a", "#ff8a4c", "#d99ac5")


def canvas(theme: Theme, width: float = WIDTH, height: float = 2.7) -> Canvas:
    """Return an empty figure on the theme's paper."""
    figure = Canvas(figsize=(width, height), layout="constrained", facecolor=theme.paper)
    FigureCanvasAgg(figure)
    return figure


def dress(axes: Axes, theme: Theme, xlabel: str = "", ylabel: str = "", title: str = "") -> None:
    """Give axes their labels and the theme's colours."""
    axes.set_facecolor(theme.paper)
    axes.set_xlabel(xlabel, fontsize=SIZE + 1, color=theme.ink)
    axes.set_ylabel(ylabel, fontsize=SIZE + 1, color=theme.ink)
    axes.set_title(title, fontsize=SIZE + 0.5, color=theme.ink)
    axes.tick_params(which="both", labelsize=SIZE, color=theme.ink, labelcolor=theme.ink, width=0.6)
    axes.tick_params(which="minor", width=0.4)
    for spine in axes.spines.values():
        spine.set(color=theme.ink, linewidth=0.6)


def legend(owner: Any, theme: Theme, handles: list[Any], **where: Any) -> None:
    """Put a legend on axes or below a figure."""
    if not handles:
        return
    box = owner.legend(
        handles=handles,
        fontsize=SIZE - 0.5,
        labelcolor=theme.ink,
        facecolor=theme.paper,
        edgecolor=theme.faint,
        handlelength=2.0,
        **where,
    )
    box.get_frame().set(linewidth=0.5, alpha=0.9)


def label(name: str) -> str:
    """Return a user's name as mathtext: theta becomes a letter, x1 gets an index; other names stay as they are."""
    head, digits = name.rstrip("0123456789"), name[len(name.rstrip("0123456789")) :]
    head = head[:-1] if digits and head.endswith("_") else head
    if not (head.isascii() and head.isalpha()):
        return printable(name).replace("\\", r"\\").replace("$", r"\$")
    letters = "\\" + head if head in GREEK else head if len(head) == 1 else rf"\mathrm{{{head}}}"
    return f"${letters}_{{{digits}}}$" if digits else f"${letters}$"


def delayed_label(name: str, delay: str) -> str:
    """Return the label of a state at t - delay."""
    return f"{label(name)}$(t-${label(delay)}$)$"


def encoded(figure: Canvas, kind: str) -> bytes:
    """Return the bytes of a figure, ``png`` or ``pdf``, the same for the same figure."""
    buffer = io.BytesIO()
    plain: Mapping[str, None] = {"CreationDate": None} if kind == "pdf" else {"Software": None}
    # Publishers refuse the Type 3 fonts that matplotlib embeds by default.
    with rc_context({"pdf.fonttype": 42}):
        figure.savefig(
            buffer, format=kind, dpi=DPI, facecolor=figure.get_facecolor(), metadata=dict(plain)
        )
    return buffer.getvalue()
