"""The LMI method for several constant delays: a functional for each box of delays, boxes halved where one fails.

For nonlinear equations the LMI holds at all vertices of the slopes on the domain.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from scipy.optimize import minimize

from certdde.certificates.windows import LEAF, WindowsPart, several_certified
from certdde.delays.classes import Several
from certdde.functionals.windows import WindowedFunctional
from certdde.learning.boxes import Box, abscissa_at, windows_part
from certdde.learning.ellipsoid import share_within
from certdde.learning.outcome import Outcome, extra
from certdde.learning.task import Task
from certdde.systems.delay_system import DelaySystem
from certdde.systems.linear import linear_matrices
from certdde.verify.lmi.positivity import nearest_faces
from certdde.verify.lmi.slopes import SlopePolytope, slope_polytope
from certdde.verify.lmi.windows import LaggedSystem, too_large

MAX_PARTS = 512
SMALLEST = 1 / 64  # of the width of a delay's range: smaller boxes are not tried
SAMPLES = {1: 33, 2: 7, 3: 4}  # values a delay at which a box is looked at; 2 for more delays


@dataclass(slots=True)
class Tree:
    """A partition of a box of delays, found level by level.

    Attributes
    ----------
    codes : list of int
        In level order: the number of the delay that is halved, or 254.
    parts : list of WindowsPart
        Those of the leaves, in the same order.
    open_ : list of Box
        The boxes of the next level.
    """

    open_: list[Box]
    codes: list[int] = field(default_factory=list)
    parts: list[WindowsPart] = field(default_factory=list)


def lagged_system(system: DelaySystem, delay: Several) -> LaggedSystem:
    """Return the matrices of a linear system by the numbers of its delays."""
    found = linear_matrices(system)
    if found is None:
        raise ValueError("not a linear system")
    present, matrices = found
    number = {one.name: j for j, one in enumerate(delay.delays)}
    by_lag = {(number[name], k): _array(matrix) for (name, k), matrix in matrices.items()}
    lags = tuple(sorted(by_lag))
    return LaggedSystem(_array(present), lags, tuple(by_lag[lag] for lag in lags))


def polytopic_system(system: DelaySystem, delay: Several, box: SlopePolytope) -> LaggedSystem:
    """Return the linearisation of a nonlinear system, the vertices of its slopes and its domain."""
    number = {one.name: j for j, one in enumerate(delay.delays)}
    lags = [(number[name], k) for name, k in box.lags]
    order = sorted(range(len(lags)), key=lags.__getitem__)
    present, matrices = system.linearisation()
    at_rest = {(number[name], k): m.numpy() for (name, k), m in matrices}
    ordered = tuple(lags[i] for i in order)
    return LaggedSystem(
        present.numpy(),
        ordered,
        tuple(at_rest[lag] for lag in ordered),
        tuple((v[0], *(v[1 + i] for i in order)) for v in box.matrices()),
        tuple(nearest_faces(system)),
    )


def _array(matrix: Sequence[Sequence[object]]) -> np.ndarray:
    return np.array(matrix, dtype=np.float64)


def by_boxes(task: Task) -> Outcome:
    """Look for a certificate of kind ``several``."""
    delay = task.delay if isinstance(task.delay, Several) else Several((task.delay,))
    began = time.monotonic()
    root = Box.around([(one.lower, one.upper) for one in delay.delays])
    tree = Tree([root])
    if task.system.linear:
        system = lagged_system(task.system, delay)
    else:
        box = task.timed("slopes", lambda: slope_polytope(task.system))
        if box.objection:
            return Outcome(None, box.objection)
        system = polytopic_system(task.system, delay, box)
    why = task.timed("lmi", lambda: _grow(task, system, tree, delay.names, root))
    share = None if why or not system.faces else _share(task.system, system.lags, tree.parts)
    task.baselines.append(
        {
            "method": "lmi",
            "order": task.settings.order,
            "status": "not proved" if why else "proved",
            "boxes": len(tree.parts),
            "area": share,
            "seconds": round(time.monotonic() - began, 3),
        }
    )
    if why:
        return Outcome(None, why)
    about = extra(task, "lmi", {"leaves": len(tree.parts), "star": 0, "face": 0})
    return Outcome(several_certified(task.system, delay, tree.parts, tree.codes, **about))


def _share(
    system: DelaySystem, lags: tuple[tuple[int, int], ...], parts: Sequence[WindowsPart]
) -> float:
    """Return the share of the domain's constant histories with V <= level at the corners of every box."""
    forms = []
    for part in parts:
        functional = WindowedFunctional(part.order, lags, *(part.arrays[k] for k in "PSR"))
        breaks = [part.arrays[f"breaks{j}"] for j in range(len(part.arrays) - 3)]
        corners = product(*((ends[0], ends[-1]) for ends in breaks))
        forms += [functional.on_constant_histories(corner) for corner in corners]
    return share_within(system, forms)


def _grow(task: Task, system: LaggedSystem, tree: Tree, names: Sequence[str], root: Box) -> str:
    """Find the tree; return why not, or nothing."""
    if too_large(system, task.settings.order, 2 ** len(names)):
        return f"the program of order {task.settings.order} is too large: a lower order may do"
    while tree.open_:
        level, tree.open_ = tree.open_, []
        for k, box in enumerate(level):
            if task.progress:
                task.progress("boxes", {"proved": len(tree.parts), "open": len(level) - k})
            part = _part(system, task.settings.order, box)
            if part is not None:
                tree.codes.append(LEAF)
                tree.parts.append(part)
                continue
            axis = _axis(system, box, root)
            why = _objection(task, system, tree, names, box, axis)
            if axis is None or why:
                return why
            tree.codes.append(axis)
            tree.open_ += box.halves(axis)
    return ""


def _objection(
    task: Task,
    system: LaggedSystem,
    tree: Tree,
    names: Sequence[str],
    box: Box,
    axis: int | None,
) -> str:
    """Say why a box on which no functional was found is not halved along the axis; "" if it may be."""
    worst, at = _worst(system, box, refine=axis is None)
    if worst >= 0:
        return f"the system seems unstable at the delays {_place(names, at)}"
    order, late = task.settings.order, task.late()
    many = len(tree.parts) + len(tree.open_) >= MAX_PARTS
    if axis is None or late or many:
        end = "out of time" if late else "too many boxes" if many else "in a small box"
        slow = f"where the spectral abscissa is {worst:.3g}"
        return f"no functional of order {order} was found ({end}) near {_place(names, at)}, {slow}"
    if system.faces and _part(system, order, box.middle()) is None:
        middle = _place(names, box.middle().lower)
        return f"no functional of order {order} was found even at the delays {middle}"
    return ""


def _place(names: Sequence[str], delays: Sequence[float]) -> str:
    return ", ".join(f"{n} = {t:.6g}" for n, t in zip(names, delays, strict=True))


def _part(system: LaggedSystem, order: int, box: Box) -> WindowsPart | None:
    """Return a part for a box, by the coarsest breaks that do."""
    found = (windows_part(system, order, breaks) for breaks in box.grids())
    return next((part for part in found if part is not None), None)


def _axis(system: LaggedSystem, box: Box, root: Box) -> int | None:
    """Return the delay to halve: the widest, weighted by the matrices that it is in; None if none can be."""
    weights = np.zeros(len(box.lower))
    for (j, multiple), one in zip(system.lags, system.delayed, strict=True):
        weights[j] += multiple * np.abs(one).sum()
    widths = np.subtract(box.upper, box.lower)
    axis = int(np.argmax(weights * widths))
    low, high = box.lower[axis], box.upper[axis]
    wide = widths[axis] > SMALLEST * (root.upper[axis] - root.lower[axis])
    return axis if wide and low < 0.5 * (low + high) < high else None


def _worst(
    system: LaggedSystem, box: Box, *, refine: bool = False
) -> tuple[float, tuple[float, ...]]:
    """Return the largest spectral abscissa at sampled delays of a box, and where; ``refine`` climbs from there."""
    points = box.points(SAMPLES.get(len(box.lower), 2) // 2 + 1)
    values = [abscissa_at(system, point) for point in points]
    worst = int(np.argmax(values))
    if not refine:
        return values[worst], points[worst]
    bounds = list(zip(box.lower, box.upper, strict=True))
    climbed = minimize(
        lambda point: -abscissa_at(system, point),
        points[worst],
        method="Nelder-Mead",
        bounds=bounds,
        options={"maxfev": 200},
    )
    return -float(climbed.fun), tuple(float(t) for t in climbed.x)


def unstable_delays(system: DelaySystem, delay: Several) -> tuple[tuple[float, ...], float] | None:
    """Return sampled delays at which the linearisation has a root with positive real part, and that part."""
    present, matrices = system.linearisation()
    number = {one.name: j for j, one in enumerate(delay.delays)}
    lags = tuple((number[name], k) for (name, k), _ in matrices)
    lagged = LaggedSystem(present.numpy(), lags, tuple(m.numpy() for _, m in matrices))
    box = Box(tuple(d.lower for d in delay.delays), tuple(d.upper for d in delay.delays))
    points = box.points(SAMPLES.get(len(box.lower), 2))[::-1]
    for point in points:
        abscissa = abscissa_at(lagged, point)
        if abscissa > 1e-6:
            return point, abscissa
    return None
