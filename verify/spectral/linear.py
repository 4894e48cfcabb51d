"""The matrices of a linear system with one constant delay, exact."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import inf, nextafter

import numpy as np

from certdde.errors import ProblemError
from certdde.systems.delay_system import DelaySystem
from certdde.systems.linear import Matrix, linear_matrices


@dataclass(frozen=True, slots=True)
class LinearDelaySystem:
    """x'(t) = A_0 x(t) + sum_k A_k x(t - k tau), in deviations from the equilibrium.

    Attributes
    ----------
    terms : tuple of matrices
        A_0, A_1, .. of rationals, each n by n: at least two, up to the largest multiple that occurs.
    """

    terms: tuple[Matrix, ...]

    @classmethod
    def of(cls, system: DelaySystem) -> LinearDelaySystem | None:
        """Return the matrices of a system with one delay and its multiples; None if f is not linear by its syntax."""
        found = linear_matrices(system)
        if found is None:
            return None
        (present, delayed), delay = found, system.delay()
        zero = tuple((Fraction(0),) * len(row) for row in present)
        largest = max((k for _, k in delayed), default=1)
        return cls(
            (present, *(delayed.get((delay, k), zero) for k in range(1, largest + 1))),
        )

    @property
    def multiples(self) -> tuple[int, ...]:
        """The k whose A_k is not zero."""
        return tuple(k for k, term in enumerate(self.terms) if k and any(map(any, term)))

    @classmethod
    def required(cls, system: DelaySystem) -> LinearDelaySystem:
        """Return the matrices.

        Raises
        ------
        ProblemError
            If f is not linear by its syntax, or has more than one delay.
        """
        found = cls.of(system)
        if found is None:
            raise ProblemError(
                "the spectral method takes linear equations only",
                where="certify.method",
                wanted="another method, as in method = 'auto'",
            )
        return found

    @property
    def arrays(self) -> np.ndarray:
        """The matrices in binary64, (m + 1, n, n)."""
        return np.array([[[float(v) for v in row] for row in term] for term in self.terms])

    @property
    def frequency(self) -> float:
        """W >= |s| for every root s with Re s >= 0: the bound of the certificate format, rounded up."""
        size = range(len(self.terms[0]))
        absolute = [[sum(abs(term[i][j]) for term in self.terms) for j in size] for i in size]
        columns = zip(*absolute, strict=True)
        exact = min(max(map(sum, absolute)), max(map(sum, columns)))
        nearest = float(exact)
        return nextafter(nearest, inf) if Fraction(nearest) < exact else nearest
