"""Exact solutions that the tests measure against."""

import math

import torch
from torch import Tensor

DOUBLE = torch.float64


def times(*values: float) -> Tensor:
    return torch.tensor(values, dtype=DOUBLE)


def ones(n: int = 1) -> Tensor:
    return torch.ones(n, dtype=DOUBLE)


def pure_delay(t: float, tau: Tensor, rate: float = 1.0) -> Tensor:
    """x' = rate x(t - tau), x = 1 for t <= 0: sum of rate^n (t - (n - 1) tau)^n / n!, n = 0 .. [t / tau] + 1."""
    terms = int(t / float(tau.detach().min()) + 1e-12) + 2
    parts = [
        torch.where(
            t - (n - 1) * tau > 0,
            rate**n * (t - (n - 1) * tau) ** n / float(math.factorial(n)),
            0.0,
        )
        for n in range(1, terms)
    ]
    return 1 + sum(parts, torch.zeros_like(tau))


def pure_delay_after_jump(t: float, tau: Tensor) -> Tensor:
    """u' = -u(t - tau), u(0) = 1, u = 0 before: sum of (-1)^n (t - n tau)^n / n!, n = 0 .. [t / tau]."""
    parts = [
        torch.where(t - n * tau > 0, (-1) ** n * (t - n * tau) ** n / math.factorial(n), 0.0)
        for n in range(1, int(t / float(tau.detach().min())) + 1)
    ]
    return 1 + sum(parts, torch.zeros_like(tau))


def pantograph(t: float, a: float, q: float) -> float:
    """x' = a x(q t), x(0) = 1: sum of a^n q^(n (n - 1) / 2) t^n / n!."""
    return sum(a**n * q ** (n * (n - 1) / 2) * t**n / math.factorial(n) for n in range(60))


def minus_delayed(_t: Tensor, _x: Tensor, past: list[Tensor]) -> Tensor:
    return -past[0]


def delayed(_t: Tensor, _x: Tensor, past: list[Tensor]) -> Tensor:
    return past[0]
