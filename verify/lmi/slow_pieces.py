"""D on pieces of alpha = tau/h for a functional that is given: Bernstein coefficients in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from math import comb

import numpy as np

from certdde.functionals.slow import SlowFunctional
from certdde.inequalities.slow import (
    SlowRows,
    degree,
    dissipation_terms,
    linear_rows,
    slope_degree,
    slope_terms,
    value,
)

CAP = 100.0  # 1/alpha at points nearer to 0 than 1/CAP
TOUCH = 0.7  # on a piece [0, b] the tangent of 1/alpha at TOUCH b is used
SMALL = 1e-10  # relative: what an eigenvalue in binary64 is good for
NARROWEST = 2.0**-11
MOST_PIECES = 600
MOST_FAILED = 8


@dataclass(frozen=True, slots=True)
class SlowQuestion:
    """x' = present x + delayed x(t - tau), tau = alpha window, alpha in [first, 1].

    Attributes
    ----------
    present, delayed : (n, n) arrays
    order : int
    window : float
        h.
    first : float
        The least alpha.
    rates : (float or None, float)
        Bounds of tau'; None for no lower bound.
    vertices : tuple of (present, delayed)
        Of the slopes of a nonlinear system on its domain, of which the above is the linearisation; empty if it is
        linear.
    faces : tuple of float
        For each state the distance of the nearer face of the domain; empty for a global claim.
    """

    present: np.ndarray
    delayed: np.ndarray
    order: int
    window: float
    first: float
    rates: tuple[float | None, float]
    vertices: tuple[tuple[np.ndarray, np.ndarray], ...] = ()
    faces: tuple[float, ...] = ()

    @property
    def rows(self) -> list[SlowRows]:
        """The rows of the inequality at every vertex; a linear system is its own."""
        matrices = self.vertices or ((self.present, self.delayed),)
        return [linear_rows(a, b, self.order, self.window) for a, b in matrices]

    def scaled(self, states: np.ndarray) -> SlowQuestion:
        """Return the question in z, x = diag(states) z."""
        factor = np.outer(1 / states, states)
        vertices = tuple((factor * a, factor * b) for a, b in self.vertices)
        faces = tuple(float(f / k) for f, k in zip(self.faces, states, strict=bool(self.faces)))
        present, delayed = factor * self.present, factor * self.delayed
        return replace(self, present=present, delayed=delayed, vertices=vertices, faces=faces)

    @property
    def ends(self) -> list[float]:
        """The rates at which D is imposed."""
        return sorted({rate for rate in self.rates if rate is not None})


def capped(alpha: float) -> tuple[float, float]:
    """Return numbers not above 1/alpha and 1/(1 - alpha), and finite."""
    return 1 / max(alpha, 1 / CAP), 1 / max(1 - alpha, 1 / CAP)


@dataclass(frozen=True)
class Pieces:
    """What has to be negative on every piece of alpha, for one functional."""

    question: SlowQuestion
    functional: SlowFunctional

    def examine(self) -> tuple[list[float], list[float]]:
        """Return break points at which every coefficient is negative, and values of alpha where that fails."""
        first = self.question.first
        start = [first, *(k / 8 for k in range(1, 8) if k / 8 > first), 1.0]
        done, failed, waiting = [first], [], list(pairwise(start))[::-1]
        while waiting:
            a, b = waiting.pop()
            middle = (a + b) / 2
            if self.negative(a, b):
                done.append(b)
            elif b - a < NARROWEST or len(done) > MOST_PIECES or not self.holds(middle):
                failed.append(middle)
                if len(failed) >= MOST_FAILED:
                    break
            else:
                waiting += [(middle, b), (a, middle)]
        return done, failed

    def negative(self, a: float, b: float) -> bool:
        """Tell whether all Bernstein coefficients on [a, b] are negative definite."""
        near, far = tangent(a, b), tangent(1 - b, 1 - a)[::-1]
        return all(_below(family.on(a, b, near, far)) for family in self._families)

    def holds(self, alpha: float) -> bool:
        """Tell whether D is negative at one alpha."""
        weights = capped(alpha)
        return all(_below(family.at(alpha, weights)[None]) for family in self._families)

    @cached_property
    def _families(self) -> list[_Family]:
        q, matrices = self.question, self.functional.matrices

        def decrease(
            rows: SlowRows, rate: float
        ) -> Callable[[float, tuple[float, float]], np.ndarray]:
            return lambda a, weights: value(dissipation_terms(rows, a, rate, weights), matrices)

        def slope(alpha: float, weights: tuple[float, float]) -> np.ndarray:
            return -value(slope_terms(len(q.present), q.order, alpha, weights[0]), matrices)

        found = [
            _Family(degree(q.order), decrease(rows, rate)) for rate in q.ends for rows in q.rows
        ]
        return [*found, _Family(slope_degree(q.order), slope)] if q.rates[0] is None else found


@dataclass(frozen=True)
class _Family:
    """A form: a polynomial in alpha, less both weights times constant forms."""

    degree: int
    at: Callable[[float, tuple[float, float]], np.ndarray]

    @cached_property
    def parts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The Bernstein coefficients on [0, 1] without weights, and what a unit of each weight adds."""
        nodes = np.arange(self.degree + 1) / self.degree
        values = np.array([self.at(t, (0.0, 0.0)) for t in nodes])
        inverse = np.linalg.inv(_bernstein(self.degree, nodes))
        near, far = (self.at(0.0, w) - values[0] for w in ((1.0, 0.0), (0.0, 1.0)))
        return np.tensordot(inverse, values, 1), near, far

    def on(
        self, a: float, b: float, near: tuple[float, float], far: tuple[float, float]
    ) -> np.ndarray:
        """Return the Bernstein coefficients on [a, b], the weights affine with these values at the ends."""
        fixed, per_near, per_far = self.parts
        t = (np.arange(self.degree + 1) / self.degree)[:, None, None]
        found = np.tensordot(restriction(self.degree, a, b), fixed, 1)
        found = found + (near[0] + (near[1] - near[0]) * t) * per_near
        return np.asarray(found + (far[0] + (far[1] - far[0]) * t) * per_far)


def restriction(d: int, a: float, b: float) -> np.ndarray:
    """Return the matrix from Bernstein coefficients on [0, 1] to those on [a, b] (polar forms)."""
    left, right = np.zeros((d + 1, d + 1)), np.zeros((d + 1, d + 1))
    for k in range(d + 1):
        for j in range(k + 1):
            left[k, j] = comb(k, j) * a**j * (1 - a) ** (k - j)
            right[k, j] = comb(k, j) * b**j * (1 - b) ** (k - j)
    return np.array(
        [np.convolve(right[i, : i + 1], left[d - i, : d - i + 1]) for i in range(d + 1)]
    )


def tangent(a: float, b: float) -> tuple[float, float]:
    """Return the values at both ends of an affine function that is nowhere above 1/alpha on [a, b]."""
    c = (a + b) / 2 if a > 0 else TOUCH * b
    return 2 / c - a / c**2, 2 / c - b / c**2


def _bernstein(d: int, nodes: np.ndarray) -> np.ndarray:
    return np.array([[comb(d, j) * t**j * (1 - t) ** (d - j) for j in range(d + 1)] for t in nodes])


def _below(forms: np.ndarray) -> bool:
    return float(np.linalg.eigvalsh(forms)[:, -1].max()) < -SMALL * float(np.abs(forms).max())
