"""Boxes of delays: a functional with several windows for one box, and what speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import inf, nextafter, prod

import numpy as np

from certdde.certificates.windows import WindowsPart
from certdde.functionals.windows import WindowedFunctional
from certdde.inequalities.legendre import delay_pieces
from certdde.inequalities.windows import linear_rows, window_forms
from certdde.learning.ellipsoid import largest_level, largest_radius
from certdde.verify.lmi.windows import LaggedSystem, windows_lmi
from certdde.verify.spectral import several_abscissa

RATIOS = (1.25, 1.4, 1.6, 2.0, 3.0, inf)
CORNERS = 81  # of the grid of breaks of a box
RESERVE = 1e-11  # of the size of a matrix, for roundings


@dataclass(frozen=True, slots=True)
class Box:
    """Values of the delays, lower[j] <= tau_j <= upper[j]."""

    lower: tuple[float, ...]
    upper: tuple[float, ...]

    @classmethod
    def around(cls, ranges: Sequence[tuple[float, float]]) -> Box:
        """Return the smallest binary64 box that holds ranges read as decimals: the root in a certificate."""
        ends = [(_below(a), _above(b)) for a, b in ranges]
        return cls(tuple(a for a, _ in ends), tuple(b for _, b in ends))

    def halves(self, axis: int) -> tuple[Box, Box]:
        """Return both halves, the lower first."""
        low, high = list(self.lower), list(self.upper)
        low[axis] = high[axis] = 0.5 * (self.lower[axis] + self.upper[axis])
        return Box(self.lower, tuple(high)), Box(tuple(low), self.upper)

    def middle(self) -> Box:
        """Return its middle, a box of one point."""
        point = tuple(0.5 * (a + b) for a, b in self._ends())
        return Box(point, point)

    def grids(self) -> list[list[list[float]]]:
        """Return break points for each delay that cover the box: its ends, then as fine as corners allow.

        From 0 to b the bound 1/b of 1/tau is exact where it matters most, at b; often the ends will do.
        """
        grids = [[_pieces(a, b, ratio) for a, b in self._ends()] for ratio in RATIOS]
        fine = [grid for grid in grids if prod(map(len, grid)) <= CORNERS]
        return [grids[-1], *(fine[:1] if fine[:1] != grids[-1:] else [])]

    def points(self, count: int) -> list[tuple[float, ...]]:
        """Return an even grid of delays, corners included, ``count`` values a delay."""
        axes = [np.linspace(a, b, count if b > a else 1).tolist() for a, b in self._ends()]
        return list(product(*axes))

    def _ends(self) -> list[tuple[float, float]]:
        return list(zip(self.lower, self.upper, strict=True))


def _below(value: float) -> float:
    """Return the largest binary64 that is no larger than the decimal that ``value`` is printed as."""
    return nextafter(value, -inf) if Fraction(value) > Fraction(repr(float(value))) else value


def _above(value: float) -> float:
    return nextafter(value, inf) if Fraction(value) < Fraction(repr(float(value))) else value


def _pieces(lower: float, upper: float, ratio: float) -> list[float]:
    if not lower < upper:  # a delay that is known
        return [max(0.0, nextafter(lower, -inf)), nextafter(upper, inf)]
    if ratio == inf:
        return [lower, upper]
    return delay_pieces(lower, upper, ratio)


def windows_part(
    system: LaggedSystem, order: int, breaks: Sequence[Sequence[float]]
) -> WindowsPart | None:
    """Look for one functional for all delays between the breaks.

    Parameters
    ----------
    system : LaggedSystem
    order : int
    breaks : sequence of sequences of float
        For each delay.

    Returns
    -------
    WindowsPart or None
        None where the program finds nothing, or what it finds does not stand.

    Soundness
    ---------
    float64, with a reserve; the checker shows all of it exactly.
    """
    longest = max([k * breaks[j][-1] for j, k in system.lags], default=breaks[0][-1])
    unit = 4.0 ** round(np.log(longest) / np.log(4.0))
    states = 2.0 ** np.round(np.log2(system.faces or (1.0,) * len(system.present)))
    scaled = [[t / unit for t in ends] for ends in breaks]
    fast = system.scaled(unit, states)
    found = windows_lmi(fast, order, scaled)
    if found is None:
        return None
    functional = found[0]
    positive = [functional.bessel([ends[-1] for ends in scaled]), *functional.S, *functional.R]
    negative = [
        form
        for present, *delayed in fast.matrices
        for form in -window_forms(linear_rows(present, delayed, order), functional, scaled)
    ]
    if not all(_definite(m) for m in [*negative, *positive]):
        return None
    functional = functional.unscaled(unit, states)
    return (
        _bounded(system, functional, breaks) if system.faces else WindowsPart.of(functional, breaks)
    )


def _bounded(
    system: LaggedSystem, functional: WindowedFunctional, breaks: Sequence[Sequence[float]]
) -> WindowsPart | None:
    """Return the part with the level 1 and its radius; None if that is too small for binary64."""
    longest = [ends[-1] for ends in breaks]
    level = largest_level([functional.bessel(longest)], system.faces)
    if not 0 < level < inf:
        return None
    functional = functional.times(1 / level)
    rate = float(sum(np.abs(m) for m in (system.present, *system.delayed)).sum(1).max())

    def bound(rho: float, rho_rate: float) -> float:
        return functional.upper_bound(rho, rho_rate, longest)

    radius = largest_radius(bound, rate, min(system.faces), 1.0)
    return radius and WindowsPart.of(functional, breaks, 1.0, radius)


def _definite(matrix: np.ndarray) -> bool:
    """Tell whether a symmetric matrix is positive definite by more than its roundings."""
    values = np.linalg.eigvalsh(matrix)
    return bool(values[0] > RESERVE * values[-1] > 0)


def abscissa_at(system: LaggedSystem, delays: Sequence[float], nodes: int = 32) -> float:
    """Return the spectral abscissa for values of the delays, in float64."""
    lags = [(k * delays[j], one) for (j, k), one in zip(system.lags, system.delayed, strict=True)]
    return several_abscissa(system.present, lags or [(0.0, 0 * system.present)], nodes)
