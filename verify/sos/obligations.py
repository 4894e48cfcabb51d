"""What has to be a sum of squares: the dissipation, the window's part of V, V on the faces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from certdde.inequalities.legendre import reciprocal_minorant
from certdde.verify.sos.gram import Form, bernstein, split, wall
from certdde.verify.sos.model import Interval
from certdde.verify.sos.polynomial import Polynomial, combine, degree
from certdde.verify.sos.program import Weight
from certdde.verify.sos.space import Space

INNER = 0.01  # the share of the margin that multipliers must have
Terms = list[tuple[int, Polynomial]]


@dataclass(frozen=True, slots=True)
class Obligation:
    """constant + sum_k u_k target_k > 0 on a box, by a sum of squares.

    Attributes
    ----------
    name : str
        As in a certificate.
    target : list of (int, Polynomial)
    constant : Polynomial
    form : Form
    box : sequence of (Fraction, Fraction)
        The intervals of all its variables.
    flips : sequence of tuple of int
        The symmetries that it has.
    margin : float
        The share of the program's margin that the main Gram matrix must have.
    """

    name: str
    target: Terms
    constant: Polynomial
    form: Form
    box: Sequence[Interval]
    flips: Sequence[tuple[int, ...]]
    margin: float

    def weights(self) -> list[tuple[int | None, Weight]]:
        """Return the terms of the identity, each with its variable (None: the main one)."""
        one: Polynomial = {(0,) * len(self.box): 1.0}
        result: list[tuple[int | None, Weight]] = [
            (None, Weight(one, block, self.margin)) for block in split(self.form.basis, self.flips)
        ]
        for k, factor in self.walls().items():
            blocks = split(self.form.multipliers[k], self.flips)
            result += [(k, Weight(factor, block, INNER * self.margin)) for block in blocks]
        return result

    def value(self, u: np.ndarray) -> Polynomial:
        """Return the polynomial for a functional."""
        return combine([(1.0, self.constant), *((u[k], p) for k, p in self.target if u[k])])

    def walls(self) -> dict[int, Polynomial]:
        """Return g_l for each multiplier."""
        return {k: wall(k, len(self.box), self.box[k]) for k in self.form.multipliers}


def all_obligations(space: Space, breaks: Sequence[float], relax: int) -> list[Obligation]:
    """Return all obligations over the constant delays between the breaks, with level 1 on the faces."""
    return [
        *dissipation(space, breaks, relax),
        window(space, relax),
        *faces(space, breaks[-1], relax),
    ]


def dissipation(space: Space, breaks: Sequence[float], relax: int) -> Iterator[Obligation]:
    """Yield -D > 0: the Bernstein coefficients of D in tau on each piece."""
    model, rates = space.model, list(space.rates())
    order = max(1, *(m[-2] for _, p in rates for m in p))
    inner = _nonlinear(space)
    outer = [k for k in range(model.variables) if k not in inner]
    for j, (s, t) in enumerate(pairwise(breaks)):
        kappas = reciprocal_minorant((s, t))
        for e in range(order + 1):
            kappa = kappas[0] + (kappas[1] - kappas[0]) * e / order
            taus = [bernstein(k, order, e, (s, t)) for k in range(order + 1)]
            target = [(k, _coefficient(p, taus, kappa)) for k, p in rates]
            half = -(-max(degree(p) for _, p in target) // 2) + relax
            form = Form.of(model.variables, inner, outer, half, constant=False)
            yield Obligation(f"D{j}_{e}", target, {}, form, model.box, model.flips, 1.0)


def window(space: Space, relax: int) -> Obligation:
    """Return x^T (S - B) x + q(x) >= 0 on the domain."""
    n, target = space.model.dimension, list(space.slack())
    inner = list(space.window) if any(name == "q" for name, _ in space.keys) else []
    outer = [k for k in range(n) if k not in inner]
    half = -(-max(degree(p) for _, p in target) // 2) + (relax if inner else 0)
    form = Form.of(n, inner, outer, half, constant=False)
    return Obligation("W", target, {}, form, space.model.box[:n], space.model.flips, INNER)


def faces(space: Space, longest: float, relax: int, level: float = 1.0) -> Iterator[Obligation]:
    """Yield w^T (P + Bessel(B)) w + p(w) - level > 0 on the faces of the domain, two for each state."""
    model, count, n = space.model, space.components, space.model.dimension
    lower, box = list(space.lower(longest)), integrals(space, longest)
    half = max(1, -(-space.degree // 2)) + relax
    sees = [*range(n), *(k for k in space.seen if k >= n)]
    for i in range(n):
        inner = [k for k in sees if k != i]
        outer = [k for k in range(count) if k not in (*inner, i)]
        form = Form.of(count, inner, outer, half if inner else 1, constant=True)
        flips = [flip for flip in model.flips if flip[i] > 0]
        for side, end in enumerate(model.box[i]):
            target = [(k, _restricted(p, i, float(end))) for k, p in lower]
            constant = {(0,) * count: -level}
            yield Obligation(f"face{2 * i + side}", target, constant, form, box, flips, INNER)


def integrals(space: Space, longest: float) -> list[Interval]:
    """Return the intervals of w = (x, tau Omega_0, ..) for delays up to the longest."""
    from fractions import Fraction

    n, box, unit = space.model.dimension, space.model.box, Fraction(longest)
    return [*box[:n], *((unit * lo, unit * hi) for lo, hi in box[2 * n :])]


def _nonlinear(space: Space) -> list[int]:
    """Return the variables that enter D with higher powers than squares."""
    n, found = space.model.dimension, set(space.model.nonlinear)
    names = {name for name, _ in space.keys}
    if "p" in names:
        found |= {k if k < n else k + n for k in space.seen}
    if "q" in names:
        found |= {k + shift for k in space.window for shift in (0, n)}
    return sorted(found)


def _coefficient(polynomial: Polynomial, taus: Sequence[float], kappa: float) -> Polynomial:
    """Return -D with the powers of tau, and kappa, replaced by Bernstein coefficients."""
    factors = ((m[:-2], c * (kappa if m[-1] else taus[m[-2]])) for m, c in polynomial.items())
    return _collected((m, -c) for m, c in factors)


def _restricted(polynomial: Polynomial, index: int, end: float) -> Polynomial:
    """Return a polynomial on the face where one variable has a value."""
    parts = ((m[:index], m[index], m[index + 1 :], c) for m, c in polynomial.items())
    return _collected(((*a, 0, *b), c * end**k) for a, k, b, c in parts)


def _collected(terms: Iterable[tuple[tuple[int, ...], float]]) -> Polynomial:
    return combine([(1.0, {m: c}) for m, c in terms])
