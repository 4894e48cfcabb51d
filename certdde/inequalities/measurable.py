"""The dissipation for a delay that may vary in any measurable way in [0, h] (docs/math.md, section 2).

V is that of the constant delay h: its moments are those of the whole window [t - h, t]. alpha = tau / h
splits the window, with moments v1 on [t - tau, t] and v2 on [t - h, t - tau]. D is a polynomial in alpha
once 1/alpha and 1/(1 - alpha) are replaced by tangents; on each piece of alpha its Bernstein coefficients
decide.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import comb

import numpy as np
import torch

from certdde.inequalities.dissipation import Layout
from certdde.inequalities.features import Features
from certdde.inequalities.legendre import moment_rates

# On a piece [0, b] the tangent of 1/alpha at c = TOUCH b is used; any c > 0 is sound.
TOUCH = Fraction(7, 10)


def degree(order: int) -> int:
    """Return the degree of D in alpha."""
    return max(2 * order - 1, 1)


def alpha_pieces(lower: float, upper: float, count: int = 20) -> list[float]:
    """Return break points of [lower, upper] in [0, 1], finer towards 0 and 1."""
    unit = (1 - np.cos(np.pi * np.linspace(0, 1, count + 1))) / 2
    unit[0], unit[-1] = 0.0, 1.0
    inside = [float(u) for u in unit if lower < u < upper]
    return [lower, *inside, upper]


@lru_cache(maxsize=32)
def window_coefficients(order: int) -> tuple[tuple[tuple[tuple[Fraction, ...], ...], ...], ...]:
    """Return (C1, C2): moment k of the whole window from moment m of a sub-window, as polynomials in alpha.

    C1[k][m] = (2m + 1) int L_k(1 - alpha + alpha s) L_m(s) ds, C2[k][m] the same with L_k((1 - alpha) s);
    without the factors alpha and 1 - alpha.
    """
    first, second = [], []
    for k in range(order):
        legendre = _legendre(k)
        first.append(tuple(_projected(legendre, m, inner=True) for m in range(order)))
        second.append(tuple(_projected(legendre, m, inner=False) for m in range(order)))
    return tuple(first), tuple(second)


def _legendre(k: int) -> list[Fraction]:
    """Return the coefficients of the shifted Legendre polynomial L_k, lowest first."""
    return [Fraction((-1) ** (k + i) * comb(k, i) * comb(k + i, i)) for i in range(k + 1)]


def _projected(legendre: Sequence[Fraction], m: int, *, inner: bool) -> tuple[Fraction, ...]:
    """Return (2m + 1) int_0^1 L(argument) L_m(s) ds as a polynomial in alpha."""
    size = len(legendre)
    result = [Fraction(0)] * size
    other = _legendre(m)
    for i, coefficient in enumerate(legendre):
        # argument^i: (1 - alpha (1 - s))^i, or ((1 - alpha) s)^i
        for j in range(i + 1):
            weight = coefficient * comb(i, j) * (-1) ** j
            integral = _moment(other, j, i, inner=inner)
            result[j] += weight * integral * (2 * m + 1)
    return tuple(result)


def _moment(other: Sequence[Fraction], j: int, i: int, *, inner: bool) -> Fraction:
    """Return int_0^1 (1 - s)^j L_m(s) ds, or int_0^1 s^i L_m(s) ds."""
    if not inner:
        return sum((c / (i + p + 1) for p, c in enumerate(other)), Fraction(0))
    total = Fraction(0)
    for q in range(j + 1):
        total += (
            (-1) ** q
            * comb(j, q)
            * sum((c / (q + p + 1) for p, c in enumerate(other)), Fraction(0))
        )
    return total


@dataclass(frozen=True, slots=True)
class Window:
    """Row matrices that pick x, y, z, f, q and the sub-window moments from the vector of D."""

    head: int
    x: torch.Tensor
    y: torch.Tensor
    z: torch.Tensor
    f: torch.Tensor
    q: torch.Tensor
    first: tuple[torch.Tensor, ...]
    second: tuple[torch.Tensor, ...]


def window_of(features: Features, order: int) -> Window:
    """Return the rows for features: components (v, x and y outside xi, z, v1, v2).

    W must have no network: it would make z nonlinear.
    """
    base = Layout.of(features, 0)
    n, inner = base.x.shape
    size = inner + n * (1 + 2 * order)
    eye = torch.eye(size, dtype=base.x.dtype)[inner:]
    blocks = [eye[k * n : (k + 1) * n] for k in range(1 + 2 * order)]

    def wide(rows: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.pad(rows, (0, size - inner))

    first, second = tuple(blocks[1 : 1 + order]), tuple(blocks[1 + order :])
    x, y, f, q = (wide(rows) for rows in (base.x, base.y, base.f, base.q))
    return Window(base.head, x, y, blocks[0], f, q, first, second)


def linear_window(present: torch.Tensor, delayed: torch.Tensor, order: int) -> Window:
    """Return the rows for x' = present x + delayed y: components (x, y, z, v1, v2)."""
    n = present.shape[0]
    eye = torch.eye(n * (3 + 2 * order), dtype=present.dtype)
    blocks = [eye[k * n : (k + 1) * n] for k in range(3 + 2 * order)]
    x, y, z = blocks[:3]
    first, second = tuple(blocks[3 : 3 + order]), tuple(blocks[3 + order :])
    return Window(0, x, y, z, present @ x + delayed @ y, torch.zeros_like(x), first, second)


def tangents(
    lower: Fraction | float, upper: Fraction | float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the values at both ends of affine functions below 1/alpha and 1/(1 - alpha)."""
    return _tangent(lower, upper), tuple(reversed(_tangent(1 - upper, 1 - lower)))  # type: ignore[return-value]


def _tangent(lower: float, upper: float) -> tuple[float, float]:
    c = (lower + upper) / 2 if lower > 0 else float(TOUCH) * upper
    return 2 / c - lower / c**2, 2 / c - upper / c**2


def form_at(
    window: Window,
    P: torch.Tensor,
    S: torch.Tensor,
    R: torch.Tensor,
    h: float,
    alpha: float,
    weights: tuple[float, float],
    networks: float = 1.0,
) -> torch.Tensor:
    """Return the matrix of D at one alpha, with 1/alpha and 1/(1 - alpha) replaced by the weights."""
    moments = _moments(window, alpha)
    rates = moment_rates(window.x, window.z, moments)
    w = torch.cat([window.x, *(h * row for row in moments)])
    form = (
        2 * w.T @ P @ torch.cat([window.f, *rates[: len(moments)]])
        + networks * 2 * window.q.T @ window.f
    )
    form = (
        form + window.x.T @ S @ window.x - window.z.T @ S @ window.z + h * window.f.T @ R @ window.f
    )
    for rows, weight in (
        ((window.x, window.y, window.first), weights[0]),
        ((window.y, window.z, window.second), weights[1]),
    ):
        for k, rate in enumerate(moment_rates(*rows)):
            form = form - weight / h * (2 * k + 1) * rate.T @ R @ rate
    return (form + form.mT) / 2


def _moments(window: Window, alpha: float) -> list[torch.Tensor]:
    """Return the rows of the whole window's moments, from those of the sub-windows."""
    first, second = window_coefficients(len(window.first))
    rows = []
    for k in range(len(window.first)):
        row = torch.zeros_like(window.x)
        for m in range(len(window.first)):
            row = row + alpha * _value(first[k][m], alpha) * window.first[m]
            row = row + (1 - alpha) * _value(second[k][m], alpha) * window.second[m]
        rows.append(row)
    return rows


def _value(polynomial: Sequence[Fraction], alpha: float) -> float:
    return float(sum(float(c) * alpha**i for i, c in enumerate(polynomial)))


def measurable_forms(
    window: Window,
    P: torch.Tensor,
    S: torch.Tensor,
    R: torch.Tensor,
    h: float,
    breaks: Sequence[float],
    networks: float = 1.0,
) -> torch.Tensor:
    """Return the Bernstein coefficients of D on every piece of alpha, (..., pieces (d + 1), M, M).

    P, S, R may have leading batch dimensions.
    """
    size = degree(len(window.first))
    to_bernstein = torch.linalg.inv(_bernstein(size))
    forms = []
    for a, b in itertools.pairwise(breaks):
        (k0, k1), (l0, l1) = tangents(a, b)
        values = []
        for i in range(size + 1):
            s = i / size
            weights = (k0 + (k1 - k0) * s, l0 + (l1 - l0) * s)
            values.append(form_at(window, P, S, R, h, a + (b - a) * s, weights, networks))
        forms.append(torch.einsum("ij,...jmn->...imn", to_bernstein, torch.stack(values, dim=-3)))
    return torch.cat(forms, dim=-3)


def _bernstein(size: int) -> torch.Tensor:
    """Return B[i, j] = value of the Bernstein polynomial j at i / size."""
    nodes = np.arange(size + 1) / size
    return torch.tensor(
        [[comb(size, j) * s**j * (1 - s) ** (size - j) for j in range(size + 1)] for s in nodes],
        dtype=torch.float64,
    )
