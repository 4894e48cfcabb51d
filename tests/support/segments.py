"""Functionals evaluated from their definition: smooth histories, solutions by a Runge-Kutta method of
order 8, integrals by Gauss quadrature, networks written out again. Nothing here uses the reduction.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.integrate import solve_ivp
from scipy.special import eval_sh_legendre

from certdde.functionals import Functional, Network
from certdde.systems import DelaySystem

NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)


# An entry a hidden layer, for layers of 5 and 4 units.
MIXED = ((("square", 2), ("tanh", 3)), (("softplus", 1), ("sin", 3)))
ACTIVATIONS = ("tanh", "sin", "square", "softplus", MIXED)
PHI = {
    "tanh": np.tanh,
    "sin": np.sin,
    "square": np.square,
    "softplus": lambda z: np.logaddexp(z, 0),
}


def random_network(inputs, seed, hidden=(5,), outputs=2, activation="tanh") -> Network:
    generator = torch.Generator().manual_seed(seed)
    sizes = [len(inputs), *hidden, outputs]
    weights = tuple(
        torch.randn(b, a, generator=generator, dtype=torch.float64)
        for a, b in itertools.pairwise(sizes)
    )
    biases = tuple(torch.randn(b, generator=generator, dtype=torch.float64) for b in hidden)
    return Network(tuple(inputs), weights, biases, activation)


def random_functional(
    n, order, *, seed, neural=False, v0=None, w=None, hidden=(5,), positive=False
) -> Functional:
    """P symmetric (not definite unless asked for), S and R positive definite, networks on all states."""
    generator = torch.Generator().manual_seed(1000 + seed)

    def square(size):
        a = torch.randn(size, size, generator=generator, dtype=torch.float64)
        return a @ a.T / size + 0.1 * torch.eye(size, dtype=torch.float64)

    p = torch.randn(n * (order + 1), n * (order + 1), generator=generator, dtype=torch.float64)
    p = square(n * (order + 1)) if positive else (p + p.T) / 2
    everything = tuple(range(n))
    v0 = everything if v0 is None and neural else v0
    w = everything if w is None and neural else w
    return Functional(
        order,
        p,
        square(n),
        square(n),
        random_network(v0, 10 + seed, hidden) if v0 else None,
        random_network(w, 20 + seed, hidden) if w else None,
    )


def displacement(network: Network | None, x: np.ndarray) -> np.ndarray:
    """psi(x) - psi(0) for x of shape (..., n), in numpy."""
    if network is None:
        return np.zeros((*x.shape[:-1], 1))

    def psi(value):
        pairs = zip(network.weights[:-1], network.biases, strict=True)
        for level, (weight, bias) in enumerate(pairs):
            z, parts = value @ weight.numpy().T + bias.numpy(), []
            for name, count in network.groups(level):
                parts.append(PHI[name](z[..., :count]))
                z = z[..., count:]
            value = np.concatenate(parts, -1)
        return value @ network.weights[-1].numpy().T

    inputs = x[..., list(network.inputs)]
    return psi(inputs) - psi(np.zeros_like(inputs))


@dataclass(frozen=True)
class Motion:
    """The solution through a polynomial history: x(s) = sum_k coefficients[k] (s / delay)^k for s <= 0."""

    system: DelaySystem
    delay: float
    coefficients: np.ndarray
    until: float

    def _past(self, s):
        u = np.asarray(s)[..., None] / self.delay
        return sum(c * u**k for k, c in enumerate(self.coefficients))

    def _past_rate(self, s):
        u = np.asarray(s)[..., None] / self.delay
        rates = [k * c * u ** (k - 1) for k, c in enumerate(self.coefficients) if k]
        return sum(rates, 0 * u * self.coefficients[0]) / self.delay

    def f(self, x, y):
        return self.system.deviation_function()(torch.as_tensor(x), torch.as_tensor(y)).numpy()

    @cached_property
    def _solution(self):
        return solve_ivp(
            lambda t, x: self.f(x, self._past(t - self.delay)),
            (0.0, self.until),
            self._past(0.0),
            method="DOP853",
            rtol=3e-14,
            atol=1e-15,
            max_step=self.until / 8,
            dense_output=True,
        ).sol

    def x(self, s):
        """The state at times s <= until < delay."""
        s = np.asarray(s, dtype=float)
        flat = np.atleast_1d(s)
        late = np.moveaxis(self._solution(np.clip(flat, 0, self.until)), 0, -1)
        return np.where(flat[..., None] <= 0, self._past(flat), late).reshape(*s.shape, -1)

    def rate(self, s):
        s = np.asarray(s, dtype=float)[..., None]
        flat = s[..., 0]
        late = self.f(self.x(flat), self._past(np.minimum(flat, self.delay) - self.delay))
        return np.where(s <= 0, self._past_rate(flat), late)

    def nodes(self, t):
        """Gauss nodes and weights on [t - delay, t], in two pieces that meet where the motion is not smooth."""
        ends = [t - self.delay, min(t, 0.0), t]
        pairs = [
            ((b + a) / 2 + (b - a) / 2 * NODES, (b - a) / 2 * WEIGHTS)
            for a, b in itertools.pairwise(ends)
            if b > a
        ]
        return np.concatenate([s for s, _ in pairs]), np.concatenate([w for _, w in pairs])

    def moments(self, t, order):
        """Omega_0 .. Omega_{order - 1} at time t."""
        s, weights = self.nodes(t)
        u = (s - t + self.delay) / self.delay
        return [
            (weights[:, None] * eval_sh_legendre(k, u)[:, None] * self.x(s)).sum(0) / self.delay
            for k in range(order)
        ]

    def value(self, functional: Functional, t: float) -> float:
        """V at time t, from its definition."""
        tau, (s, weights) = self.delay, self.nodes(t)
        now, path, rate = self.x(t), self.x(s), self.rate(s)
        w = np.concatenate([now, *(tau * m for m in self.moments(t, functional.order))])
        S, R = functional.S.numpy(), functional.R.numpy()
        stored = np.einsum("ki,ij,kj->k", path, S, path)
        stored = stored + (displacement(functional.W, path) ** 2).sum(-1)
        energy = (s - t + tau) * np.einsum("ki,ij,kj->k", rate, R, rate)
        return float(
            w @ functional.P.numpy() @ w
            + (displacement(functional.V0, now) ** 2).sum()
            + weights @ (stored + energy)
        )

    def derivative(self, quantity, t: float, step: float):
        """The derivative of quantity(t), at 0 from the right, with an error of order step^8."""
        offsets = np.arange(9) if t == 0 else np.arange(-4, 5)
        table = np.linalg.solve(np.vander(offsets, 9, increasing=True).T, np.eye(9)[1])
        return (
            sum(c * np.asarray(quantity(t + k * step)) for k, c in zip(offsets, table, strict=True))
            / step
        )
