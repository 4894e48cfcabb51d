"""The sharp condition for x[t+1] = x[t] - s y, y = x[t - d(t)], m <= s <= q, d in 0..k (spec, kind "scheme").

Lemma 1. If x_{n+1} > x_n then y_n < 0, so some x_z <= 0 with n - k <= z <= n; take the last, a = -x_z. Let M bound
|x| from z - 2k to n. Terms with a delayed time after z lower x; at the step z + r a delayed time j <= z is at least
z + r - k, and -x_j <= min(M, a + (k - r) q M), by going back from z to j. So x_{n+1} is at most

    -a + q sum_{j=0..k} min(M, a + j q M) <= M Phi(q),    Phi(q) = max_{a >= 0} -a + q sum_{j=0..k} min(1, a + j q).

Lemma 2. If Phi(q) < 1 then every peak of |x| is at most Phi times the largest |x| of the 3k + 1 values before it; if
there is none, x keeps its sign and |x| falls by at least m times itself. So x tends to 0, uniformly.

Lemma 3. Let |x| <= rho at first. A peak before which x had no zero is at most rho (1 + k q); another is at most
-a + q sum_j max(rho, min(b, a + j q b)) if |x| <= b before. If both are at most b, |x| <= b for ever.

Both maxima are of piecewise linear functions of a that decrease in the end: they are at a break or at 0.
"""

from fractions import Fraction

from .refusal import require
from .scheme_forms import Rows
from .system import System

ONE = Fraction(1)


def slopes_of_feedback(system: System, rows: Rows) -> tuple[Fraction, Fraction]:
    """m, q: the least and the largest s of x[t+1] = x[t] - s y; refused if the scheme has not this form."""
    require(system.n == 1, "system.states", "must be one state")
    require(
        rows[0][0] == (ONE, ONE),
        "system.equations",
        "must be x[t] plus a function of the delayed value",
    )
    low, high = rows[0][1]
    require(high < 0, "system.equations", "must have negative slopes in the delayed value")
    return -high, -low


def largest_peak(q: Fraction, k: int, b: Fraction, rho: Fraction) -> Fraction:
    """The largest value over a >= 0 of -a + q sum_{j=0..k} max(rho, min(b, a + j q b)), exactly, for 0 <= rho <= b."""
    steps = [j * q * b for j in range(k + 1)]
    breaks = {Fraction(0)} | {end - step for step in steps for end in (b, rho) if end > step}
    return max(q * sum(max(rho, min(b, a + step)) for step in steps) - a for a in breaks)


def check_contraction(q: Fraction, k: int) -> None:
    """Phi(q) < 1 (Lemma 2)."""
    falls = largest_peak(q, k, ONE, Fraction(0)) < 1
    require(falls, "delay.range", "reaches beyond the sharp condition")


def check_ball(q: Fraction, k: int, rho: Fraction, b: Fraction) -> None:
    """Histories within rho have solutions within b (Lemma 3)."""
    first = rho > 0 and rho * (1 + k * q) <= b
    require(first and largest_peak(q, k, b, rho) <= b, "region.radius", "does not follow")
