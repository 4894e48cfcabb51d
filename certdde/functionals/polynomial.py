"""Polynomial Lyapunov-Krasovskii functionals (docs/math.md, section 2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import torch

Monomial = tuple[int, ...]
Terms = Mapping[Monomial, float]

SAMPLES = 256


@dataclass(frozen=True, slots=True)
class PolynomialFunctional:
    """V = w^T P w + p(w) + int [x^T S x + q(x)] + int (s - t + tau) x'^T R x', w = (x, tau Omega_0, ..).

    Attributes
    ----------
    order : int
        Number of Legendre moments N.
    degree : int
        Of p and q at most; even.
    P : (n (N + 1), n (N + 1)) Tensor
    S, B, R : (n, n) Tensor
        x^T S x + q(x) >= x^T B x on the domain.
    p, q : mapping from exponents to float
        The terms of degree 3 and more: p in w, q in x.
    """

    order: int
    degree: int
    P: torch.Tensor
    S: torch.Tensor
    B: torch.Tensor
    R: torch.Tensor
    p: Terms
    q: Terms

    @property
    def kind(self) -> str:
        """``polynomial``."""
        return "polynomial"

    @property
    def dimension(self) -> int:
        """Number of states n."""
        return self.S.shape[-1]

    def moments(self) -> tuple[int, ...]:
        """Return the components of w beyond the state that p sees."""
        n = self.dimension
        return tuple(sorted({k for m in self.p for k, e in enumerate(m) if e and k >= n}))

    def unscaled(self, state: torch.Tensor, time: float) -> PolynomialFunctional:
        """Return V in x = diag(state) z, t = time * s, from V in (z, s); exact for powers of two."""
        lift = torch.cat([state, *[state * time] * self.order])
        square = torch.outer(state, state)
        return replace(
            self,
            P=self.P / torch.outer(lift, lift),
            S=self.S / square / time,
            B=self.B / square / time,
            R=self.R / square,
            p=_scaled(self.p, lift.tolist(), 1.0),
            q=_scaled(self.q, state.tolist(), time),
        )

    def bessel(self, longest: float) -> torch.Tensor:
        """Return P + blkdiag(0, B/tau, 3B/tau, ..), tau = longest."""
        n, total = self.dimension, self.P.clone()
        for k in range(self.order):
            place = slice(n * (k + 1), n * (k + 2))
            total[place, place] += (2 * k + 1) * self.B / longest
        return total

    def on_constant_histories(self, x: torch.Tensor, delay: float) -> torch.Tensor:
        """Return V of the constant history x (deviations, shape (..., n)) for one value of the delay."""
        higher = [torch.zeros_like(x)] * (self.order - 1)
        w = torch.cat([x, delay * x, *higher], dim=-1) if self.order else x
        inside = _square(self.S, x) + _evaluate(self.q, x)
        return _square(self.P, w) + _evaluate(self.p, w) + delay * inside

    def lower_bound(self, x: torch.Tensor, longest: float) -> torch.Tensor:
        """Return the least of w^T (P + Bessel(B)) w + p(w) over the moments: V is not below it, in float64.

        Exact where p sees the state alone; else the least over sampled moments that p sees.
        """
        n, full = self.dimension, self.bessel(longest)
        seen = list(self.moments())
        rest = [k for k in range(n, len(full)) if k not in seen]
        kept = [*range(n), *seen]
        core = full[kept][:, kept]
        if rest:
            cross = full[kept][:, rest]
            core = core - cross @ torch.linalg.solve(full[rest][:, rest], cross.T)
        generator = torch.Generator().manual_seed(0)
        spread = 2 * torch.rand(SAMPLES, len(seen), generator=generator, dtype=x.dtype) - 1
        size = longest * float(x.abs().max()) if x.numel() else 0.0
        least = torch.full(x.shape[:-1], torch.inf, dtype=x.dtype)
        for row in spread if seen else spread[:1]:
            moments = (size * row).expand(*x.shape[:-1], len(seen))
            w = torch.zeros(*x.shape[:-1], len(full), dtype=x.dtype)
            w[..., kept] = torch.cat([x, moments], dim=-1)
            least = torch.minimum(least, _square(core, w[..., kept]) + _evaluate(self.p, w))
        return least

    def upper_bound(self, rho: float, rho_rate: float, longest: float) -> float:
        """Bound V over histories within rho with rates within rho_rate (docs/certificate-format.md)."""
        n = self.dimension
        w = torch.tensor([rho] * n + [longest * rho] * (n * self.order), dtype=self.P.dtype)
        present = w @ self.P.abs() @ w + _evaluate(_absolute(self.p), w)
        inside = rho**2 * self.S.abs().sum() + _evaluate(_absolute(self.q), w[:n])
        rates = longest**2 / 2 * rho_rate**2 * self.R.abs().sum()
        return float(present + longest * inside + rates)


def _square(matrix: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return torch.einsum("...i,ij,...j->...", x, matrix, x)


def _evaluate(terms: Terms, x: torch.Tensor) -> torch.Tensor:
    total = torch.zeros(x.shape[:-1], dtype=x.dtype)
    for monomial, value in terms.items():
        factor = torch.full_like(total, value)
        for k, power in enumerate(monomial):
            if power:
                factor = factor * x[..., k] ** power
        total = total + factor
    return total


def _absolute(terms: Terms) -> Terms:
    return {monomial: abs(value) for monomial, value in terms.items()}


def _scaled(terms: Terms, units: Iterable[float], by: float) -> Terms:
    """Return the polynomial, divided by ``by``, in the variables units * z."""
    scales = list(units)
    result = {}
    for monomial, value in terms.items():
        factor = by
        for unit, power in zip(scales, monomial, strict=True):
            factor *= unit**power
        result[monomial] = value / factor
    return result
