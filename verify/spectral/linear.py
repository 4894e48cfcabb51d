"""The matrices of a linear system with one constant delay, exact."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import inf, nextafter

import numpy as np

from certdde.errors import ProblemError
from certdde.systems.delay_system import DelaySystem
from certdde.systems.expressions import Variable, linear_split, variables

Matrix = tuple[tuple[Fraction, ...], ...]


@dataclass(frozen=True, slots=True)
class LinearDelaySystem:
    """x'(t) = A_0 x(t) + sum_k A_k x(t - k tau), in deviations from the equilibrium.

    Attributes
    ----------
    terms : tuple of matrices
        A_0, A_1, .. of rationals, each n by n. Systems in text have A_0 and A_1 only, since the
        grammar knows no multiples of a delay; everything here and in the checker takes more.
    """

    terms: tuple[Matrix, ...]

    @classmethod
    def of(cls, system: DelaySystem) -> LinearDelaySystem | None:
        """Return the matrices of a system with one delay; None if f is not linear by its syntax."""
        splits = [linear_split(expression) for expression in system.rhs]
        if any(variables(split.remainder) for split in splits):
            return None
        delay = system.delay()

        def matrix(name: str | None) -> Matrix:
            columns = [Variable(state, name) for state in system.states]
            return tuple(
                tuple(Fraction(split.coefficients.get(v, 0)) for v in columns) for split in splits
            )

        return cls((matrix(None), matrix(delay)))

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
