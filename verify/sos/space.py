"""The unknown polynomial functional as one vector, and its derivative as polynomials linear in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from certdde.verify.sos.model import Model
from certdde.verify.sos.polynomial import (
    Monomial,
    Polynomial,
    combine,
    monomials,
    multiply,
    variable,
)

Key = tuple[str, tuple[int, ...]]
MATRICES = ("P", "S", "B", "R")
Linear = Iterator[tuple[int, Polynomial]]


@dataclass(frozen=True, slots=True)
class Space:
    """V = w^T P w + p(w) + int [x^T S x + q(x)] + int (s - t + tau) x'^T R x', w = (x, tau Omega_0, ..).

    B serves the lower bound: x^T S x + q(x) >= x^T B x on the domain.

    Attributes
    ----------
    model : Model
    degree : int
        Of p and q.
    seen, window : tuple of int
        The components of w in p, and the states in q.
    keys : tuple
        The entries of the vector: ``(name, (i, j))``, i <= j, for the matrices P, S, B, R; ``(name, exponents)`` for
        the terms of p and q, of degree 3 and more.
    """

    model: Model
    degree: int
    seen: tuple[int, ...]
    window: tuple[int, ...]
    keys: tuple[Key, ...]

    @classmethod
    def of(cls, model: Model, degree: int, seen: Sequence[int], window: Sequence[int]) -> Space:
        """Return the space of the functionals that the symmetries of the system leave alone."""
        n, components = model.dimension, model.dimension * (model.order + 1)
        keys: list[Key] = []
        for name in MATRICES:
            size = components if name == "P" else n
            pairs = ((i, j) for i in range(size) for j in range(i, size))
            keys += [(name, (i, j)) for i, j in pairs if model.invariant(_pair((i, j), components))]
        for name, places, count in (("p", seen, components), ("q", window, n)):
            wanted = monomials(list(places), count, 3, degree)
            keys += [(name, m) for m in wanted if model.invariant(m)]
        return cls(model, degree, tuple(seen), tuple(window), tuple(keys))

    @property
    def count(self) -> int:
        """Length of the vector."""
        return len(self.keys)

    @property
    def components(self) -> int:
        """Number of components of w."""
        return self.model.dimension * (self.model.order + 1)

    def size(self, name: str) -> int:
        """Rows of a matrix."""
        return self.components if name == "P" else self.model.dimension

    def matrix(self, name: str, vector: np.ndarray) -> np.ndarray:
        """Return one of the matrices."""
        return np.tensordot(vector, self.units(name), 1)

    def terms(self, name: str, vector: np.ndarray) -> dict[Monomial, float]:
        """Return p or q."""
        pairs = zip(self.keys, vector.tolist(), strict=True)
        return {key[1]: value for key, value in pairs if key[0] == name}

    def units(self, name: str) -> np.ndarray:
        """Return a matrix at each unit vector, (count, k, k)."""
        result = np.zeros((self.count, self.size(name), self.size(name)))
        for k, (kind, (i, j, *_)) in enumerate((a, (*b, 0)) for a, b in self.keys):
            if kind == name:
                result[k, i, j] = result[k, j, i] = 1.0
        return result

    def lower(self, longest: float) -> Linear:
        """Yield w^T (P + Bessel(B)) w + p(w), entry by entry, as polynomials in w."""
        n, count = self.model.dimension, self.components
        for k, (name, key) in enumerate(self.keys):
            if name == "P":
                yield k, {_pair(key, count): _twice(*key)}
            elif name == "B":
                terms = {}
                for m in range(self.model.order):
                    places = [(m + 1) * n + i for i in key]
                    terms[_pair(places, count)] = _twice(*key) * (2 * m + 1) / longest
                yield k, terms
            elif name == "p":
                yield k, {key: 1.0}

    def slack(self) -> Linear:
        """Yield x^T (S - B) x + q(x), entry by entry, as polynomials in x."""
        n = self.model.dimension
        for k, (name, key) in enumerate(self.keys):
            if name in ("S", "B"):
                yield k, {_pair(key, n): _twice(*key) * (1 if name == "S" else -1)}
            elif name == "q":
                yield k, {key: 1.0}

    def rates(self) -> Linear:
        """Yield D, entry by entry, as polynomials in (x, y, Omega, tau, kappa): docs/certificate-format.md."""
        symbols = _Symbols.of(self.model)
        for k, (name, key) in enumerate(self.keys):
            yield k, getattr(symbols, name)(*key) if name in MATRICES else symbols.term(name, key)


@dataclass(frozen=True, slots=True)
class _Symbols:
    """The variables, the components of w and their derivatives, as polynomials in (x, y, Omega, tau, kappa)."""

    n: int
    order: int
    x: list[Polynomial]
    y: list[Polynomial]
    f: list[Polynomial]
    g: list[Polynomial]
    w: list[Polynomial]

    @classmethod
    def of(cls, model: Model) -> _Symbols:
        n, order, count = model.dimension, model.order, model.variables
        v = [variable(k, count + 2) for k in range(count + 2)]
        f = [{(*m, 0, 0): float(c) for m, c in row.items()} for row in model.f]
        g = [
            combine(
                [
                    (1.0, v[i]),
                    (-((-1.0) ** k), v[n + i]),
                    *(
                        (-(2 * j + 1) * (1.0 - (-1) ** (k + j)), v[(2 + j) * n + i])
                        for j in range(k)
                    ),
                ]
            )
            for k in range(order + 1)
            for i in range(n)
        ]
        w = v[:n] + [multiply(v[-2], item) for item in v[2 * n : count]]
        return cls(n, order, v[:n], v[n : 2 * n], f, g, w)

    def P(self, i: int, j: int) -> Polynomial:
        dw = [*self.f, *self.g]
        return combine((2, multiply(self.w[a], dw[b])) for a, b in {(i, j), (j, i)})

    def S(self, i: int, j: int) -> Polynomial:
        pairs = ((1, self.x), (-1, self.y))
        return combine((_twice(i, j) * s, multiply(v[i], v[j])) for s, v in pairs)

    def B(self, _i: int, _j: int) -> Polynomial:
        return {}

    def R(self, i: int, j: int) -> Polynomial:
        count = self.n * (self.order + 2)
        tau, kappa = (variable(count + k, count + 2) for k in (0, 1))
        squares = [
            (2 * k + 1, multiply(self.g[k * self.n + i], self.g[k * self.n + j]))
            for k in range(self.order + 1)
        ]
        gain = multiply(tau, multiply(self.f[i], self.f[j]))
        loss = multiply(kappa, combine(squares))
        return combine([(_twice(i, j), gain), (-_twice(i, j), loss)])

    def term(self, name: str, exponents: Monomial) -> Polynomial:
        """Return grad p . (f, G) or q(x) - q(y) for one monomial."""
        if name == "q":
            return combine([(1.0, _power(self.x, exponents)), (-1.0, _power(self.y, exponents))])
        parts, dw = [], [*self.f, *self.g]
        for k, power in enumerate(exponents):
            if power:
                lower = [e - (i == k) for i, e in enumerate(exponents)]
                parts.append((power, multiply(_power(self.w, lower), dw[k])))
        return combine(parts)


def _power(variables: Sequence[Polynomial], exponents: Sequence[int]) -> Polynomial:
    """Return the monomial in these variables, each a monomial itself."""
    total = [0] * len(next(iter(variables[0])))
    for polynomial, power in zip(variables, exponents, strict=True):
        [monomial] = polynomial
        total = [a + power * b for a, b in zip(total, monomial, strict=True)]
    return {tuple(total): 1.0}


def _pair(places: Sequence[int], count: int) -> Monomial:
    return tuple(sum(k == i for i in places) for k in range(count))


def _twice(i: int, j: int) -> float:
    return 1.0 if i == j else 2.0
