"""How large the slopes of F may be for x[t+1] = x[t] - F(x[t - d]) to be stable: bounds that the checker proves."""

import math
from fractions import Fraction
from functools import lru_cache

from certdde.verify.schemes.peaks import contracts

UNITS = 10**6  # of a bound: six decimals


@lru_cache(maxsize=512)
def largest_gain(delay: int) -> float:
    """Return the largest q of six decimals with Phi(q) < 1 for every sequence of delays in 0 .. delay.

    Sharp for sequences (docs/math.md, section on schemes); a constant delay allows more.

    Parameters
    ----------
    delay : int
        In steps; 0 counts as 1.

    Soundness
    ---------
    Decided in exact arithmetic by the condition that the checker proves for kind ``scheme``, functional ``peaks``.

    Examples
    --------
    >>> [largest_gain(k) for k in (1, 2, 5)]
    [0.999999, 0.585786, 0.271286]
    """
    low, high = 0, 2 * UNITS
    while high - low > 1:
        middle = (low + high) // 2
        if contracts(Fraction(middle, UNITS), max(delay, 1)):
            low = middle
        else:
            high = middle
    return low / UNITS


def constant_gain(delay: int) -> float:
    """Return 2 cos(k pi / (2k + 1)): the linear scheme x[t+1] = x[t] - q x[t-k] is stable for 0 < q < this.

    Parameters
    ----------
    delay : int
        k, in steps.

    Soundness
    ---------
    float64, and of linear schemes; what is trained below it is certified by other means.

    Examples
    --------
    >>> [round(constant_gain(k), 6) for k in (1, 2, 5)]
    [1.0, 0.618034, 0.28463]
    """
    return 2 * math.cos(delay * math.pi / (2 * delay + 1))
