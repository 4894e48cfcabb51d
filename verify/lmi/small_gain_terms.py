"""Nonlinear terms as a linear law and a departure from it of bounded gain on the domain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import linprog

from certdde.systems.delay_system import DelaySystem
from certdde.systems.exact_values import linear_split
from certdde.systems.expressions import Expression, Variable, evaluate, variables
from certdde.systems.torch_functions import apply_function
from certdde.verify.bound_propagation.slopes import Slope
from certdde.verify.bound_propagation.taylor import Taylor
from certdde.verify.lmi.sector_units import require_plain
from certdde.verify.lmi.slopes import WIDER, separate

PIECES = 2**16
SAMPLES = 21  # of each axis, where the law is fitted; fewer where there are many axes
MOST = 5000


@dataclass(frozen=True, slots=True)
class Term:
    """h(v) = slopes . v + p, |p| <= gain |v / sides| on the domain; f has factors h.

    Attributes
    ----------
    columns : tuple of int
        The places of v in (x, y).
    sides : array
        Half the sides of the domain of v.
    factors : (n,) array
    slopes : array
    gain : float
    """

    columns: tuple[int, ...]
    sides: np.ndarray
    factors: np.ndarray
    slopes: np.ndarray
    gain: float


def terms_of(system: DelaySystem) -> tuple[np.ndarray, tuple[Term, ...]]:
    """Return the linear part (n, 2 n) of f, on (x, y), and the nonlinear terms.

    Raises
    ------
    ProblemError
        If the equations are not those that the baselines take.

    Soundness
    ---------
    float64: a gain is a bound over pieces of the domain, not rounded outward; the law is fitted, and may be any.
    """
    require_plain(system)
    columns = [Variable(s) for s in system.states]
    columns += [Variable(s, system.single_delay()) for s in system.states]
    domain = dict(zip(system.states, system.domain or (), strict=False))
    linear, factors = np.zeros((system.dimension, len(columns))), dict[Expression, np.ndarray]()
    for i, split in enumerate(map(linear_split, system.rhs)):
        for v, a in split.coefficients.items():
            linear[i, columns.index(v)] = float(a)
        for factor, core in separate(split.remainder):
            factors.setdefault(core, np.zeros(system.dimension))[i] += float(factor)
    terms = []
    for core, weights in factors.items():
        xi = [v for v in columns if v in variables(core)]
        ends = [(float(domain[v.name][0]), float(domain[v.name][1])) for v in xi]
        sides = np.array([max(-lo, hi) for lo, hi in ends])
        slopes = fitted_law(core, xi, ends, sides)
        gain = gain_of(core, xi, ends, sides, slopes)
        terms.append(Term(tuple(columns.index(v) for v in xi), sides, weights, slopes, gain))
    return linear, tuple(terms)


def fitted_law(
    core: Expression, xi: Sequence[Variable], ends: Sequence[tuple[float, float]], sides: np.ndarray
) -> np.ndarray:
    """Return the slopes with the least gain of the departure from them, on a grid of points (a linear program)."""
    count = max(3, min(SAMPLES, int(MOST ** (1 / len(xi)))))
    axes = [torch.linspace(*end, count, dtype=torch.float64) for end in ends]
    points = torch.cartesian_prod(*axes).reshape(-1, len(xi))
    origin = torch.zeros(1, len(xi), dtype=torch.float64)
    near = 1e-3 * torch.as_tensor(sides) * torch.cat([torch.eye(len(xi)), -torch.eye(len(xi))])
    points = torch.cat([points, near])
    values = (_values(core, xi, points) - _values(core, xi, origin)).numpy()
    sizes = (points / torch.as_tensor(sides)).norm(dim=1).numpy()
    kept = (sizes > 1e-9) & np.isfinite(values)
    v, h, r = (
        points.numpy()[kept] / sizes[kept, None],
        values[kept] / sizes[kept],
        np.ones(kept.sum()),
    )
    cost = np.append(np.zeros(len(xi)), 1.0)
    rows = np.concatenate([np.column_stack([v, -r]), np.column_stack([-v, -r])])
    found = linprog(cost, A_ub=rows, b_ub=np.concatenate([h, -h]), bounds=(None, None))
    return np.asarray(found.x[:-1]) if found.x is not None else np.zeros(len(xi))


def gain_of(
    core: Expression,
    xi: Sequence[Variable],
    ends: Sequence[tuple[float, float]],
    sides: np.ndarray,
    slopes: np.ndarray,
) -> float:
    """Return a bound of |h(v) - h(0) - slopes . v| / |v / sides| over the domain.

    On each piece by slopes from the origin or, away from it, by ranges: the better of the two. NaN where there is
    none.
    """
    count = int(PIECES ** (1 / len(xi)) + 1e-9)
    axes = [torch.linspace(*end, count + 1, dtype=torch.float64) for end in ends]
    low = torch.cartesian_prod(*(a[:-1] for a in axes)).reshape(-1, len(xi))
    high = torch.cartesian_prod(*(a[1:] for a in axes)).reshape(-1, len(xi))
    law, d = torch.as_tensor(slopes), torch.as_tensor(sides)
    slope = _enclosed(core, xi, Slope.identity(low, high))
    at_zero = _values(core, xi, torch.zeros(1, len(xi), dtype=torch.float64))
    off = torch.maximum((slope.slo - law[:, None]).abs(), (slope.shi - law[:, None]).abs())
    by_slopes = (off * d[:, None]).square().sum(0).sqrt()
    form = _enclosed(core, xi, Taylor.identity(low, high))
    for k in range(len(xi)):
        form = form + Taylor.identity(low, high).column(k) * (-float(law[k]))
    lowest, highest = form.bounds()
    change = torch.maximum((lowest - at_zero).abs(), (highest - at_zero).abs())
    nearest = (torch.maximum(low, -high).clamp(min=0) / d).norm(dim=1)
    by_ranges = torch.where(nearest > 0, change / nearest, torch.inf)
    bound: float = torch.fmin(by_slopes, by_ranges).max().item()
    return bound * (1 + WIDER)


def _enclosed(core: Expression, xi: Sequence[Variable], box: Slope | Taylor) -> Slope | Taylor:
    def call(name: str, z: Slope | Taylor | float) -> object:
        return apply_function(name, z) if isinstance(z, float) else z.call(name)

    found: Slope | Taylor = evaluate(core, {v: box.column(k) for k, v in enumerate(xi)}, call)
    return found


def _values(core: Expression, xi: Sequence[Variable], points: torch.Tensor) -> torch.Tensor:
    values = {v: points[:, k] for k, v in enumerate(xi)}
    found: torch.Tensor = evaluate(core, values, apply_function)
    return found
