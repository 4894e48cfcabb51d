"""Values, derivatives and ranges of the functions of an expression, in float64 torch.

Nothing here is rounded outward: it finds proofs, the checker confirms them. Where a function is
not smooth the range is NaN,
which no test accepts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

Range = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Unary:
    """phi, phi' and the ranges of phi' and phi'' over an interval [lo, hi]."""

    value: Callable[[torch.Tensor], torch.Tensor]
    slope: Callable[[torch.Tensor], torch.Tensor]
    range: Callable[[torch.Tensor, torch.Tensor], Range]
    slope_range: Callable[[torch.Tensor, torch.Tensor], Range]
    curvature: Callable[[torch.Tensor, torch.Tensor], Range]


def _monotone(
    f: Callable[[torch.Tensor], torch.Tensor], turns: tuple[float, ...] = ()
) -> Callable[[torch.Tensor, torch.Tensor], Range]:
    """Return the range of f, monotone between the given turning points."""

    def over(lo: torch.Tensor, hi: torch.Tensor) -> Range:
        a, b = f(lo), f(hi)
        low, high = torch.minimum(a, b), torch.maximum(a, b)
        for turn in turns:
            inside = (lo < turn) & (turn < hi)
            extreme = f(torch.full((), turn, dtype=lo.dtype, device=lo.device))
            low = torch.where(inside, torch.minimum(low, extreme), low)
            high = torch.where(inside, torch.maximum(high, extreme), high)
        return low, high

    return over


def _where(
    valid: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    over: Callable[[torch.Tensor, torch.Tensor], Range],
) -> Callable[[torch.Tensor, torch.Tensor], Range]:
    def guarded(lo: torch.Tensor, hi: torch.Tensor) -> Range:
        good = valid(lo, hi)
        low, high = over(lo, hi)
        nan = torch.full_like(low, math.nan)
        return torch.where(good, low, nan), torch.where(good, high, nan)

    return guarded


def _holds(lo: torch.Tensor, hi: torch.Tensor, phase: float) -> torch.Tensor:
    """Return where [lo, hi] holds phase + 2 pi k for an integer k."""
    return torch.floor((hi - phase) / (2 * math.pi)) >= torch.ceil((lo - phase) / (2 * math.pi))


def _wave(a: torch.Tensor, b: torch.Tensor, top: torch.Tensor, bottom: torch.Tensor) -> Range:
    one = torch.ones_like(a)
    return torch.where(bottom, -one, torch.minimum(a, b)), torch.where(
        top, one, torch.maximum(a, b)
    )


def sine_range(lo: torch.Tensor, hi: torch.Tensor) -> Range:
    """Return the range of sin over [lo, hi]."""
    quarter = math.pi / 2
    return _wave(torch.sin(lo), torch.sin(hi), _holds(lo, hi, quarter), _holds(lo, hi, -quarter))


def cosine_range(lo: torch.Tensor, hi: torch.Tensor) -> Range:
    """Return the range of cos over [lo, hi]."""
    return _wave(torch.cos(lo), torch.cos(hi), _holds(lo, hi, 0.0), _holds(lo, hi, math.pi))


def _minus(
    over: Callable[[torch.Tensor, torch.Tensor], Range],
) -> Callable[[torch.Tensor, torch.Tensor], Range]:
    def negated(lo: torch.Tensor, hi: torch.Tensor) -> Range:
        low, high = over(lo, hi)
        return -high, -low

    return negated


def _positive(lo: torch.Tensor, _hi: torch.Tensor) -> torch.Tensor:
    return lo > 0


def _branch_centre(lo: torch.Tensor, hi: torch.Tensor) -> torch.Tensor:
    return torch.round((lo + hi) / (2 * math.pi)) * math.pi


def _one_branch(lo: torch.Tensor, hi: torch.Tensor) -> torch.Tensor:
    middle = _branch_centre(lo, hi)
    return (lo > middle - math.pi / 2) & (hi < middle + math.pi / 2)


def _tan1_range(lo: torch.Tensor, hi: torch.Tensor) -> Range:
    """Return the range of 1 + tan^2, least (1) at the centre of each branch, not only at 0."""
    low, high = _monotone(_tan1)(lo, hi)
    middle = _branch_centre(lo, hi)
    return torch.where((lo <= middle) & (middle <= hi), torch.ones_like(low), low), high


def _sech2(z: torch.Tensor) -> torch.Tensor:
    return 1 - torch.tanh(z) ** 2


def _tanh2(z: torch.Tensor) -> torch.Tensor:
    return -2 * torch.tanh(z) * _sech2(z)


def _sigmoid1(z: torch.Tensor) -> torch.Tensor:
    s = torch.sigmoid(z)
    return s * (1 - s)


def _sigmoid2(z: torch.Tensor) -> torch.Tensor:
    s = torch.sigmoid(z)
    return s * (1 - s) * (1 - 2 * s)


def _softplus(z: torch.Tensor) -> torch.Tensor:
    return torch.logaddexp(z, torch.zeros_like(z))


def _tan1(z: torch.Tensor) -> torch.Tensor:
    return 1 + torch.tan(z) ** 2


def _tan2(z: torch.Tensor) -> torch.Tensor:
    return 2 * torch.tan(z) * _tan1(z)


def _atan1(z: torch.Tensor) -> torch.Tensor:
    return 1 / (1 + z * z)


def _atan2(z: torch.Tensor) -> torch.Tensor:
    return -2 * z / (1 + z * z) ** 2


_TANH_TURN = math.atanh(1 / math.sqrt(3))
_SIGMOID_TURN = math.log((3 + math.sqrt(3)) / (3 - math.sqrt(3)))
_ATAN_TURN = 1 / math.sqrt(3)

UNARY: dict[str, Unary] = {
    "sin": Unary(torch.sin, torch.cos, sine_range, cosine_range, _minus(sine_range)),
    "cos": Unary(
        torch.cos, lambda z: -torch.sin(z), cosine_range, _minus(sine_range), _minus(cosine_range)
    ),
    "tan": Unary(
        torch.tan,
        _tan1,
        _where(_one_branch, _monotone(torch.tan)),
        _where(_one_branch, _tan1_range),
        _where(_one_branch, _monotone(_tan2)),
    ),
    "tanh": Unary(
        torch.tanh,
        _sech2,
        _monotone(torch.tanh),
        _monotone(_sech2, (0.0,)),
        _monotone(_tanh2, (-_TANH_TURN, _TANH_TURN)),
    ),
    "sigmoid": Unary(
        torch.sigmoid,
        _sigmoid1,
        _monotone(torch.sigmoid),
        _monotone(_sigmoid1, (0.0,)),
        _monotone(_sigmoid2, (-_SIGMOID_TURN, _SIGMOID_TURN)),
    ),
    "softplus": Unary(  # of networks, not of the grammar
        _softplus,
        torch.sigmoid,
        _monotone(_softplus),
        _monotone(torch.sigmoid),
        _monotone(_sigmoid1, (0.0,)),
    ),
    "atan": Unary(
        torch.atan,
        _atan1,
        _monotone(torch.atan),
        _monotone(_atan1, (0.0,)),
        _monotone(_atan2, (-_ATAN_TURN, _ATAN_TURN)),
    ),
    "exp": Unary(
        torch.exp, torch.exp, _monotone(torch.exp), _monotone(torch.exp), _monotone(torch.exp)
    ),
    "log": Unary(
        torch.log,
        torch.reciprocal,
        _where(_positive, _monotone(torch.log)),
        _where(_positive, _monotone(torch.reciprocal)),
        _where(_positive, _monotone(lambda z: -1 / (z * z))),
    ),
    "sqrt": Unary(
        torch.sqrt,
        lambda z: 0.5 / torch.sqrt(z),
        _where(_positive, _monotone(torch.sqrt)),
        _where(_positive, _monotone(lambda z: 0.5 / torch.sqrt(z))),
        _where(_positive, _monotone(lambda z: -0.25 / (z * torch.sqrt(z)))),
    ),
}


def power(exponent: int) -> Unary:
    """Return z^k; for k < 0 only where the interval does not hold 0."""
    k = exponent

    def derivative(order: int) -> Callable[[torch.Tensor], torch.Tensor]:
        factor = math.prod(k - i for i in range(order))
        return lambda z: factor * z ** (k - order) if factor else torch.zeros_like(z)

    def over(order: int) -> Callable[[torch.Tensor, torch.Tensor], Range]:
        plain = _monotone(derivative(order), (0.0,) if k - order > 0 else ())
        return plain if k >= 0 else _where(lambda lo, hi: (lo > 0) | (hi < 0), plain)

    return Unary(derivative(0), derivative(1), over(0), over(1), over(2))
