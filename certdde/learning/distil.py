"""A polynomial functional as a neural one: its higher terms as squares of quadratic forms (docs/math.md, section 2).

With m(u) the monomials of degree 1 and 2 in u = (x, tau Omega_0, ..), as far as p sees them, p(u) = m^T G m - u^T G_1 u
for a G >= 0 whose block of degree 1 is G_1; then V0 = w^T P w + p(u) = w^T (P - G_1) w + |psi(u)|^2, G = F F^T,
psi = F^T m, a network with one hidden layer of squares. G is found by a small semidefinite program: a fit on the
box, exact where that is possible. Nothing rests on it: the functional is proved afterwards.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from certdde.functionals import Functional, Network
from certdde.functionals.polynomial import Monomial, PolynomialFunctional
from certdde.verify.lmi.failure import PANIC

POINTS = 400
DEFINITE = 0.1  # how much of the least eigenvalues of P + Bessel and of S has to remain
SMALL = 1e-7  # weight of the trace of G

NEGLIGIBLE = 1e-9  # eigenvalues of G below this share of the largest are left out


@dataclass(frozen=True, slots=True)
class Distilled:
    """A neural functional, and how far it is from the polynomial one: the root mean square of the relative error."""

    functional: Functional
    error: float


def distilled(
    functional: PolynomialFunctional,
    domain: Sequence[tuple[float, float]],
    delay: float,
    longest: float,
    seed: int = 0,
) -> Distilled | None:
    """Return the neural functional nearest to a polynomial one of degree up to 4.

    Parameters
    ----------
    functional : PolynomialFunctional
    domain : sequence of (float, float)
        In deviations.
    delay : float
        For which tau Omega is replaced by a multiple of Omega, where p sees moments.
    longest : float
        P + Bessel(S) stays positive definite for it.
    seed : int
        Of the points of the fit.

    Returns
    -------
    Distilled or None
        None where the program has no solution, or p or q has a degree above 4.
    """
    n = functional.dimension
    seen = [*range(n), *functional.moments()]
    if any(sum(m) > 4 for m in (*functional.p, *functional.q)):
        return None
    rng = np.random.default_rng(seed)
    present = _Quartic.of(functional.p, seen, _reaches(seen, domain, delay), rng)
    inside = sorted({i for monomial in functional.q for i, e in enumerate(monomial) if e}) or [0]
    stored = _Quartic.of(functional.q, inside, _reaches(inside, domain, delay), rng)
    found = _fit(functional, present, stored, longest)
    if found is None:
        return None
    first, second, p, s = found
    units = torch.tensor([delay if i >= n else 1.0 for i in seen], dtype=torch.float64)
    v0, w = (
        present.network(first, units),
        stored.network(second, torch.ones(len(inside), dtype=torch.float64)),
    )
    whole = Functional(
        functional.order, torch.as_tensor(p), torch.as_tensor(s), functional.R, v0, w
    )
    return Distilled(whole, float(np.hypot(present.error(first), stored.error(second))))


def _reaches(
    seen: Sequence[int], domain: Sequence[tuple[float, float]], delay: float
) -> list[tuple[float, float]]:
    """Return the interval of each component of w: a moment above the zeroth has a quarter of the width."""
    n, found = len(domain), []
    for i in seen:
        (lo, hi), k = domain[i % n], i // n - 1
        if k > 0:
            lo, hi = -(hi - lo) / 4, (hi - lo) / 4
        found.append((lo, hi) if k < 0 else (delay * lo, delay * hi))
    return found


@dataclass(frozen=True, slots=True)
class _Quartic:
    """A polynomial of degrees 3 and 4 in u, at points: its values and slopes over those of the products of monomials.

    Attributes
    ----------
    places : list of int
        The components of w that are u.
    scale : (k,) array
        z = u / scale has the size 1.
    basis : list of tuple of int
        The monomials of degree 1, then 2, in z.
    table : (rows, b, b) array
        What an entry of G gives at the points: values and slopes of cubic and quartic products.
    target : (rows,) array
    """

    places: list[int]
    scale: np.ndarray
    basis: list[tuple[int, ...]]
    table: np.ndarray
    target: np.ndarray

    @classmethod
    def of(
        cls,
        terms: Mapping[Monomial, float],
        places: Sequence[int],
        box: Sequence[tuple[float, float]],
        rng: np.random.Generator,
    ) -> _Quartic:
        k = len(places)
        scale = np.array([max(-lo, hi) for lo, hi in box])
        z = np.array(box)[:, 0] + rng.uniform(size=(POINTS, k)) * np.diff(np.array(box))[:, 0]
        z = z / scale
        single = [tuple(int(j == i) for j in range(k)) for i in range(k)]
        pairs = itertools.combinations_with_replacement(range(k), 2)
        double = [tuple((i == a) + (i == b) for i in range(k)) for a, b in pairs]
        basis = [*single, *double]
        size = len(basis)
        rows = POINTS * (1 + k)
        table, target = np.zeros((rows, size, size)), np.zeros(rows)
        for i, j in itertools.product(range(size), repeat=2):
            power = tuple(a + b for a, b in zip(basis[i], basis[j], strict=True))
            if sum(power) > 2:
                table[:, i, j] = _relative(power, z)
        for monomial, value in terms.items():
            power = tuple(monomial[i] for i in places)
            target += value * np.prod(scale**power) * _relative(power, z)
        return cls(list(places), scale, basis, table, target)

    def quadratic(self, gram: Any) -> Any:
        """Return G_1 in the coordinates u."""
        k = len(self.places)
        return np.diag(1 / self.scale) @ gram[:k, :k] @ np.diag(1 / self.scale)

    def squares(self, gram: Any) -> Any:
        """Return the mean square of the error, as an expression in G."""
        import cvxpy as cp

        gap = self.table.reshape(len(self.target), -1) @ cp.vec(gram, order="C") - self.target
        return cp.sum_squares(gap) / len(self.target)

    def error(self, gram: np.ndarray) -> float:
        """Return the root mean square of the error of values over |z|^2 and slopes over |z|."""
        gap = np.tensordot(self.table, gram, 2) - self.target
        return float(np.sqrt(np.mean(gap**2)))

    def network(self, gram: np.ndarray, units: torch.Tensor) -> Network | None:
        """Return psi with |psi|^2 = m^T G m, of u = units * inputs; None if G is 0."""
        values, vectors = np.linalg.eigh(gram)
        kept = values > max(NEGLIGIBLE * values[-1], 1e-14)
        if not kept.any():
            return None
        factors = (vectors[:, kept] * np.sqrt(values[kept])).T
        k = len(self.places)
        pairs = list(itertools.combinations(range(k), 2))
        first, bias = np.zeros((2 * k + len(pairs), k)), np.zeros(2 * k + len(pairs))
        last = np.zeros((len(factors), len(first)))
        for i in range(k):  # z_i^2, and (z_i + 1)^2 - 1 = z_i^2 + 2 z_i
            square = self.basis.index(tuple(2 * int(j == i) for j in range(k)))
            first[[i, k + i], i], bias[k + i] = 1.0, 1.0
            last[:, k + i] = factors[:, i] / 2
            last[:, i] += factors[:, square] - factors[:, i] / 2
        for place, (a, b) in enumerate(pairs, 2 * k):  # (z_a + z_b)^2 = z_a^2 + z_b^2 + 2 z_a z_b
            mixed = self.basis.index(tuple((i == a) + (i == b) for i in range(k)))
            first[place, [a, b]] = 1.0
            last[:, place] = factors[:, mixed] / 2
            last[:, [a, b]] -= factors[:, [mixed]] / 2
        weights = torch.as_tensor(first / self.scale) * units, torch.as_tensor(last)
        return Network(tuple(self.places), weights, (torch.as_tensor(bias),), "square")


def _relative(power: Sequence[int], z: np.ndarray) -> np.ndarray:
    """Return a monomial over |z|^2, and its slopes over |z|, at points, one list after the other."""
    exponents, size = np.array(power), np.linalg.norm(z, axis=1)
    rows = [np.prod(z**exponents, axis=1) / size**2]
    for i, e in enumerate(power):
        lower = exponents - (np.arange(len(power)) == i)
        rows.append(e * np.prod(z ** lower.clip(0), axis=1) / size)
    return np.concatenate(rows)


def _fit(
    functional: PolynomialFunctional, present: _Quartic, stored: _Quartic, longest: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None:
    """Return the two Gram matrices, P and S."""
    import cvxpy as cp

    both = (present, stored)
    grams = [cp.Variable((len(q.basis),) * 2, PSD=True) for q in both]
    whole = functional.P.numpy(), functional.S.numpy()
    p, s = (
        m - np.eye(len(m))[:, q.places] @ q.quadratic(g) @ np.eye(len(m))[q.places, :]
        for m, q, g in zip(whole, both, grams, strict=True)
    )
    sizes = np.array([_size(present, i, len(whole[1])) for i in range(len(whole[0]))])
    least = [float(np.linalg.eigvalsh(m)[0]) for m in _positive(*whole, sizes, longest)]
    if min(least) <= 0:
        return None
    conditions = [
        m >> DEFINITE * floor * np.eye(m.shape[0])
        for m, floor in zip(_positive(p, s, sizes, longest), least, strict=True)
    ]
    cost = sum(q.squares(g) + SMALL * cp.trace(g) for q, g in zip(both, grams, strict=True))
    problem = cp.Problem(cp.Minimize(cost), conditions)
    if not _solved(problem) or any(g.value is None for g in grams):
        return None
    return grams[0].value, grams[1].value, _symmetric(p.value), _symmetric(s.value)


def _positive(p: Any, s: Any, sizes: np.ndarray, longest: float) -> tuple[Any, Any]:
    """Return P + Bessel(S) and S, numbers or expressions, in units of the sizes of w."""
    n, total = s.shape[0], len(sizes)
    width = np.diag(sizes[:n])
    for k in range(total // n - 1):
        block = np.eye(total)[:, n * (k + 1) : n * (k + 2)]
        p = p + (2 * k + 1) / longest * (block @ s @ block.T)
    return np.diag(sizes) @ p @ np.diag(sizes), width @ s @ width


def _solved(problem: Any) -> bool:
    """Solve; a solver that breaks off, or whose numbers are not finite, has found nothing."""
    try:
        problem.solve(solver="CLARABEL")
    except BaseException as error:
        if type(error).__name__ not in ("SolverError", PANIC):
            raise
        return False
    return all(v.value is not None and np.isfinite(v.value).all() for v in problem.variables())


def _size(present: _Quartic, component: int, n: int) -> float:
    """Return the size of a component of w: that of u where p sees it, else that of its state."""
    if component in present.places:
        return float(present.scale[present.places.index(component)])
    return float(present.scale[component % n])


def _symmetric(matrix: np.ndarray) -> np.ndarray:
    return (matrix + matrix.T) / 2
