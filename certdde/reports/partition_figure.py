"""The partition of the domain of the nonlinear variables, by the test that proved each box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch

from certdde.inequalities.features import Features
from certdde.inequalities.inequality import box
from certdde.reports.dialect import Fragment
from certdde.reports.figure import Figure
from certdde.reports.numbers import count
from certdde.reports.style import WIDTH, Theme, canvas, delayed_label, dress, label, legend
from certdde.reports.subject import Piece, Subject
from certdde.verify.bound_propagation.forest import COLLAPSED, OUTSIDE, STAR

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

MOST_PANELS, MOST_POLYGONS, PIXELS = 3, 6000, 500
LEGIBLE = 0.1  # of an axis: star boxes that together are smaller are shown in an inset
ENDS = np.array([-1.0, 1.0])
TESTS = {COLLAPSED: "collapsed test", STAR: "star test", OUTSIDE: "V above the level"}


@dataclass(frozen=True, slots=True)
class Boxes:
    """Boxes over one or two variables, ends (k, 1 or 2) in the user's coordinates, and the code of each."""

    lower: np.ndarray
    upper: np.ndarray
    kinds: np.ndarray
    names: tuple[str, ...]
    title: str

    @property
    def star(self) -> np.ndarray:
        """Which the star test closed."""
        return self.kinds == STAR


def partition_figure(subject: Subject) -> Figure | None:
    """Return the figure of the partition; None if there is no nonlinear variable."""
    pieces = [piece for piece in subject.pieces if piece.forest is not None]
    if not pieces:
        return None
    shown = [_boxes(subject, piece) for piece in pieces[:MOST_PANELS]]

    def draw(theme: Theme) -> Canvas:
        return _draw(shown, theme)

    dimension = len(subject.data["proof"]["nonlinear"]["states"]) + len(
        subject.data["proof"]["nonlinear"]["delayed"]
    )
    return Figure(
        "partition",
        "The proof, box by box",
        tuple(_caption(pieces, dimension)),
        draw,
        wide=len(shown) > 1,
    )


def _caption(pieces: list[Piece], dimension: int) -> list[Fragment]:
    leaves = sum(p.forest.leaves for p in pieces if p.forest)
    stars = sum(p.forest.stars for p in pieces if p.forest)
    outside = sum(p.forest.outside for p in pieces if p.forest)
    text = (
        f"The domain of the nonlinear variables in {count(leaves)} boxes, by the test that proved each: the collapsed"
        f" test {count(leaves - stars - outside)}, the star test, which holds at the equilibrium too, {count(stars)}."
    )
    if outside:
        text += (
            f" On {count(outside)} boxes V exceeds the level, so that nothing need be proved there."
        )
    if dimension > 2:
        text += " Shown are the boxes that a plane through the equilibrium cuts."
    if len(pieces) > 1:
        rest = ", the first three shown" if len(pieces) > MOST_PANELS else ""
        text += f" One partition for each part of the delay range{rest}."
    return [text]


def _boxes(subject: Subject, piece: Piece) -> Boxes:
    features = Features.of(subject.system, piece.functional)
    low, high = box(subject.system, features)
    forest = piece.forest
    if forest is None:
        raise ValueError("no partition")
    lower, upper, kinds = forest.boxes(low, high)
    variables = features.structure.nonlinear
    hidden = range(2, features.dimension)
    cut = torch.ones(len(lower), dtype=torch.bool)
    for axis in hidden:
        cut &= (lower[:, axis] <= 0) & (upper[:, axis] > 0)
    for axis in range(
        features.dimension, lower.shape[1]
    ):  # constants: a plane through their middle
        middle = (low[axis] + high[axis]) / 2
        cut &= (lower[:, axis] <= middle) & (upper[:, axis] > middle)
    rest = [
        float(subject.system.equilibrium[subject.system.states.index(v.name)])
        for v in variables[:2]
    ]
    shift = torch.tensor(rest, dtype=torch.float64)
    names = tuple(
        label(v.name) if v.delay is None else delayed_label(v.name, v.delay) for v in variables[:2]
    )
    title = f"{label(subject.delay.name)} in [{piece.breaks[0]:.4g}, {piece.longest:.4g}]"
    ends = [(e[cut][:, :2] + shift).numpy() for e in (lower, upper)]
    return Boxes(
        ends[0],
        ends[1],
        kinds[cut.numpy()],
        names,
        title if len(subject.pieces) > 1 else "",
    )


def _draw(shown: list[Boxes], theme: Theme) -> Canvas:
    flat = len(shown[0].names) == 1
    height = (1.3 if flat else 2.9) + 0.5
    figure = canvas(theme, WIDTH if len(shown) == 1 else 2.4 * len(shown), height)
    for axes, boxes in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        if flat:
            _strip(axes, boxes, theme)
        elif len(boxes.star) > MOST_POLYGONS:
            _image(axes, boxes, theme)
        else:
            _rectangles(axes, boxes, theme)
    handles = [
        Patch(facecolor=_fill(theme, kind), edgecolor=theme.ink, linewidth=0.4, label=text)
        for kind, text in TESTS.items()
        if kind != OUTSIDE or any((boxes.kinds == OUTSIDE).any() for boxes in shown)
    ]
    legend(figure, theme, handles, loc="outside lower center", ncols=len(handles))
    return figure


def _fill(theme: Theme, kind: int) -> str:
    return {STAR: theme.orange, COLLAPSED: theme.blue + "55"}.get(kind, theme.paper)


def _rectangles(axes: Axes, boxes: Boxes, theme: Theme) -> None:
    _polygons(axes, boxes, theme)
    axes.set(xlim=_span(boxes, 0), ylim=_span(boxes, 1))
    dress(axes, theme, *boxes.names, title=boxes.title)
    if not boxes.star.any():
        return
    near, far = (e(0) for e in (boxes.lower[boxes.star].min, boxes.upper[boxes.star].max))
    size = boxes.upper.max(0) - boxes.lower.min(0)
    if ((far - near) / size).max() > LEGIBLE:
        return
    inset = axes.inset_axes((0.62, 0.62, 0.36, 0.36))
    _polygons(inset, boxes, theme)
    centre, reach = (near + far) / 2, 1.5 * (far - near)
    inset.set(
        xlim=centre[0] + reach[0] * ENDS, ylim=centre[1] + reach[1] * ENDS, xticks=[], yticks=[]
    )
    dress(inset, theme)
    axes.indicate_inset_zoom(inset, edgecolor=theme.ink, alpha=1.0, linewidth=0.7)


def _polygons(axes: Axes, boxes: Boxes, theme: Theme) -> None:
    (x0, y0), (x1, y1) = boxes.lower.T, boxes.upper.T
    corners = np.stack([np.stack(c, -1) for c in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))], axis=1)
    colours = [_fill(theme, int(kind)) for kind in boxes.kinds]
    width = 0.35 if len(boxes.star) < 1500 else 0.15
    polygons = PolyCollection(
        list(corners), facecolors=colours, edgecolors=theme.ink, linewidths=width
    )
    axes.add_collection(polygons)


def _span(boxes: Boxes, axis: int) -> tuple[float, float]:
    return boxes.lower[:, axis].min(), boxes.upper[:, axis].max()


def _strip(axes: Axes, boxes: Boxes, theme: Theme) -> None:
    """Draw boxes of one variable as bars, as high as they are wide on a logarithmic scale."""
    low, width = boxes.lower[:, 0], (boxes.upper - boxes.lower)[:, 0]
    colours = [_fill(theme, int(kind)) for kind in boxes.kinds]
    axes.bar(low, width, width, align="edge", color=colours, edgecolor=theme.ink, linewidth=0.3)
    axes.set_yscale("log")
    axes.set(xlim=(low.min(), boxes.upper.max()), ylim=(width.min() / 2, width.max() * 1.5))
    dress(axes, theme, boxes.names[0], "width of the box", boxes.title)


def _image(axes: Axes, boxes: Boxes, theme: Theme) -> None:
    """Draw too many boxes for polygons as pixels, darker where the boxes are smaller."""
    pixels = painted(boxes, PIXELS)
    blue, orange, paper = (np.array(to_rgb(c)) for c in (theme.blue, theme.orange, theme.paper))
    depth = np.clip(0.25 + 0.75 * pixels[..., 1:2], 0, 1) * (1 - pixels[..., 2:])
    colour = np.where(pixels[..., :1] > 0, orange, blue)
    (x0, y0), (x1, y1) = boxes.lower.min(0), boxes.upper.max(0)
    shown = paper + depth * (colour - paper)
    axes.imshow(
        shown, origin="lower", extent=(x0, x1, y0, y1), aspect="auto", interpolation="nearest"
    )
    dress(axes, theme, *boxes.names, title=boxes.title)


def painted(boxes: Boxes, pixels: int) -> np.ndarray:
    """Return (pixels, pixels, 3), first axis up: whether a star box, how small the box (0 to 1), whether outside."""
    low, high = boxes.lower.min(0), boxes.upper.max(0)
    scale = pixels / (high - low)
    first = np.clip(np.floor((boxes.lower - low) * scale), 0, pixels - 1).astype(int)
    last = np.clip(np.ceil((boxes.upper - low) * scale), first + 1, pixels).astype(int)
    area = np.log(np.prod(boxes.upper - boxes.lower, axis=1))
    small = (area.max() - area) / max(float(np.ptp(area)), 1e-9)
    beyond = (boxes.kinds == OUTSIDE).astype(float)
    value = np.stack([boxes.star.astype(float), small, beyond], axis=-1)
    image = np.zeros((pixels, pixels, 3))
    tiny = (last - first).max(1) <= 1
    image[first[tiny, 1], first[tiny, 0]] = value[tiny]
    for (i, j), (k, m), v in zip(first[~tiny], last[~tiny], value[~tiny], strict=True):
        image[j:m, i:k] = v
    return image
