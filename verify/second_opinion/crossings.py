"""No characteristic root on a box of frequencies and delays, in complex balls (section 8 of the format)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import acb, acb_mat, arb

from certdde.verify.checker.system import System

from .balls import ball


@dataclass(frozen=True, slots=True)
class Pencil:
    """M(w, tau) = i w - A_0 - A_1 e^(-i w tau); ``frequency`` bounds the roots with real part >= 0."""

    present: acb_mat
    delayed: acb_mat
    frequency: Fraction

    def regular(self, lower: Sequence[float], upper: Sequence[float]) -> bool:
        """Whether M is shown to be regular on a box.

        By the mean value theorem M lies in M_0 + M_w dw + M_tau dtau; preconditioned by an approximate
        inverse of M_0 it is I + E, regular if the rows of |E| add up to less than 1 (or the determinant is not 0).
        """
        (w0, w), (t0, t) = (_centred(a, b) for a, b in zip(lower, upper, strict=True))
        n, i = self.present.nrows(), acb(0, 1)
        one = acb_mat(n, n)
        for k in range(n):
            one[k, k] = acb(1)
        middle = i * w0 * one - self.present - self.delayed * (-i * w0 * t0).exp()
        turn = (-i * w * t).exp() if (w * t).rad() < 1 else acb(arb(0, 1), arb(0, 1))
        by_w, by_t = i * one + self.delayed * (i * t * turn), self.delayed * (i * w * turn)
        try:
            inverse = middle.mid().inv().mid()
        except ZeroDivisionError:
            return False
        found = inverse * middle + (inverse * by_w) * (w - w0) + (inverse * by_t) * (t - t0)
        rest = found - one
        sums = [sum((rest[a, b].abs_upper() for b in range(n)), arb(0)) for a in range(n)]
        return all(s < 1 for s in sums) or not found.det().contains(0)


def _centred(low: float, high: float) -> tuple[acb, acb]:
    """Return the middle and the range of an interval, as complex balls."""
    a, b = arb(low), arb(high)
    return acb((a + b) / 2), acb(a.union(b))


def pencil(system: System) -> Pencil:
    """Return the matrices of a linear system, and the bound of its frequencies."""
    n = system.n
    rows = [[row.get(j, Fraction(0)) for j in range(2 * n)] for row in system.linear]
    present, delayed = (
        acb_mat([[acb(ball(v)) for v in row[start : start + n]] for row in rows])
        for start in (0, n)
    )
    size = [[abs(row[j]) + abs(row[n + j]) for j in range(n)] for row in rows]
    frequency = min(max(map(sum, size)), max(map(sum, zip(*size, strict=True))))
    return Pencil(present, delayed, frequency)
