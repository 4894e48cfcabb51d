"""Exact rational arithmetic: LDL^T elimination, and values of expressions at the equilibrium."""

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

from .refusal import Refused

Matrix = list[list[Fraction]]
AT_ZERO = {"sin": 0.0, "tan": 0.0, "tanh": 0.0, "atan": 0.0, "exp": 1.0, "cos": 1.0, "sigmoid": 0.5}
MAX_BITS = 100_000


def schur(matrix: Matrix, last: int) -> Matrix | None:
    """Eliminate the `last` rows of the symmetric [[A, B], [B^T, Q]]: A - B Q^-1 B^T.

    Lemma (LDL^T): Q is positive definite if and only if every pivot is positive; then the matrix
    is positive definite if and only if the result is. None if a pivot is not positive.
    """
    work = [row[: i + 1] for i, row in enumerate(matrix)]
    for p in range(len(work) - 1, len(work) - 1 - last, -1):
        row = work.pop()
        if not row[p] > 0:
            return None
        for i in range(p):
            if row[i] != 0:
                factor = row[i] / row[p]
                for j in range(i + 1):
                    work[i][j] -= factor * row[j]
    size = len(work)
    return [[work[max(i, j)][min(i, j)] for j in range(size)] for i in range(size)]


def positive_definite(matrix: Matrix) -> bool:
    """Whether a symmetric rational matrix is positive definite (all pivots positive)."""
    return schur(matrix, len(matrix)) is not None


@dataclass(frozen=True, slots=True)
class Exact:
    """A rational value of an expression; what is not certainly rational is refused."""

    value: Fraction

    def __post_init__(self) -> None:
        size = max(self.value.numerator.bit_length(), self.value.denominator.bit_length())
        if size > MAX_BITS:
            raise Refused("system.equations", "has a value with too many digits")

    def __add__(self, other: "Exact") -> "Exact":
        return Exact(self.value + other.value)

    def __mul__(self, other: "Exact") -> "Exact":
        return Exact(self.value * other.value)

    def __neg__(self) -> "Exact":
        return Exact(-self.value)

    def apply(self, name: str, exponent: int = 0) -> "Exact":
        """An integer power, or a value that is known: at 0, log 1, the root of a square."""
        if name == "pow" and (exponent >= 0 or self.value != 0):
            return Exact(self.value**exponent)
        if name == "relu":
            return Exact(max(self.value, Fraction(0)))
        if name in AT_ZERO and self.value == 0:
            return Exact(Fraction(AT_ZERO[name]))
        if name == "log" and self.value == 1:
            return Exact(Fraction(0))
        if name == "sqrt" and self.value >= 0:
            root = Fraction(isqrt(self.value.numerator), isqrt(self.value.denominator))
            if root * root == self.value:
                return Exact(root)
        raise Refused("system.equations", f"needs a value of {name} that is not known exactly")
