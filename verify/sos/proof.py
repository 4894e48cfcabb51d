"""Identities of sums of squares: bases and Gram matrices, and what they leave over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from certdde.verify.sos.polynomial import Monomial, Polynomial, combine

Block = tuple[tuple[Monomial, ...], np.ndarray]


@dataclass(frozen=True, slots=True)
class Identity:
    """target = z^T G z + sum over l of g_l z_l^T G_l z_l, up to what the projection of G will mend.

    Attributes
    ----------
    main : (tuple of Monomial, array)
        z and G.
    multipliers : mapping from variable to the same
        z_l and G_l, for g_l = (x_l - lo_l)(hi_l - x_l).
    """

    main: Block
    multipliers: Mapping[int, Block]

    def rest(self, target: Polynomial, walls: Mapping[int, Polynomial]) -> Polynomial:
        """Return target - sum over l of g_l z_l^T G_l z_l, in float64."""
        parts = [(1.0, target)]
        for variable, block in self.multipliers.items():
            square = form(block)
            parts += [(-c, _shifted(square, m)) for m, c in walls[variable].items()]
        return combine(parts)

    def least_eigenvalue(self, target: Polynomial, walls: Mapping[int, Polynomial]) -> float:
        """Return the least eigenvalue of all Gram matrices after the projection; -inf if it is impossible."""
        basis, gram = self.main
        mended = projected(basis, gram, self.rest(target, walls))
        if mended is None:
            return -np.inf
        grams = [mended, *(g for _, g in self.multipliers.values())]
        return min(float(np.linalg.eigvalsh(g)[0]) for g in grams if g.size)

    def scaled(self, units: Sequence[float], by: float = 1.0) -> Identity:
        """Return the identity divided by ``by``, in variables x = units * z; exact for powers of two."""
        multipliers = {
            k: _scaled(block, units, by * units[k] ** 2) for k, block in self.multipliers.items()
        }
        return replace(self, main=_scaled(self.main, units, by), multipliers=multipliers)

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """Return the arrays of a certificate."""
        blocks = {"": self.main, **{str(k): block for k, block in self.multipliers.items()}}
        result = {}
        for suffix, (basis, gram) in blocks.items():
            result[f"{name}.basis{suffix}"] = np.array(basis, dtype=np.int64)
            result[f"{name}.gram{suffix}"] = np.asarray(gram, dtype=np.float64)
        return result


def form(block: Block) -> Polynomial:
    """Return z^T G z."""
    basis, gram = block
    total: Polynomial = {}
    for a, row in zip(basis, gram.tolist(), strict=True):
        for b, value in zip(basis, row, strict=True):
            monomial = tuple(map(sum, zip(a, b, strict=True)))
            total[monomial] = total.get(monomial, 0.0) + value
    return total


def projected(basis: Sequence[Monomial], gram: np.ndarray, rest: Polynomial) -> np.ndarray | None:
    """Return the nearest G with z^T G z = rest, in float64; None if a monomial of the rest does not occur."""
    places: dict[Monomial, list[tuple[int, int]]] = {}
    for i, a in enumerate(basis):
        for j, b in enumerate(basis):
            places.setdefault(tuple(map(sum, zip(a, b, strict=True))), []).append((i, j))
    if any(m not in places and c != 0 for m, c in rest.items()):
        return None
    result = gram.copy()
    for monomial, entries in places.items():
        gap = rest.get(monomial, 0.0) - sum(gram[e] for e in entries)
        for entry in entries:
            result[entry] += gap / len(entries)
    return result


def _shifted(polynomial: Polynomial, monomial: Monomial) -> Polynomial:
    return {tuple(map(sum, zip(m, monomial, strict=True))): c for m, c in polynomial.items()}


def _scaled(block: Block, units: Sequence[float], by: float) -> Block:
    basis, gram = block
    factors = np.array([np.prod(np.power(units, m)) for m in basis])
    return basis, gram / np.outer(factors, factors) / by
