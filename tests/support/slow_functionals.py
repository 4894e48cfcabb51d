"""Functionals for a delay of bounded rate, and V from its definition by quadrature, for tests."""

import numpy as np
from scipy.special import eval_sh_legendre

from certdde.functionals.slow import SlowFunctional, sizes

NODES, WEIGHTS = np.polynomial.legendre.leggauss(30)


def random_slow(n, order, seed, window=1.0):
    """Random symmetric P0, P1 and positive definite others."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, size in sizes(n, order).items():
        a = rng.normal(size=(size, size))
        found[name] = (a + a.T) / 2 if name in ("P0", "P1") else a @ a.T + 0.1 * np.eye(size)
    return SlowFunctional(order, window, **found)


def moments(x, start, end, order):
    """Legendre moments of [start, end] by quadrature; of a point, those of a constant."""
    u = (NODES + 1) / 2
    values = x(start + (end - start) * u)
    return [(WEIGHTS / 2 * eval_sh_legendre(k, u)) @ values for k in range(order)]


def integral(function, start, end):
    s = start + (end - start) * (NODES + 1) / 2
    return (end - start) * float(WEIGHTS / 2 @ function(s))


def energy(v, x, dx, alpha, t):
    """V from its definition, in the time of the window."""
    n = v.order
    a = alpha(t)
    near, all_ = moments(x, t - a, t, n), moments(x, t - 1, t, n)
    w = np.concatenate([x(t), x(t - a), x(t - 1), *(a * m for m in near), *all_])
    square = lambda q: lambda s: np.einsum("si,ij,sj->s", both(s), q, both(s))  # noqa: E731
    both = lambda s: np.concatenate([x(s), dx(s)], axis=-1)  # noqa: E731
    rate = lambda r: lambda s: np.einsum("si,ij,sj->s", dx(s), r, dx(s))  # noqa: E731
    total = w @ (v.P0 + a * v.P1) @ w
    total += integral(square(v.Q1), t - a, t) + integral(square(v.Q2), t - 1, t - a)
    total += integral(lambda s: (s - t + 1) * rate(v.R1)(s), t - a, t)
    total += integral(lambda s: (s - t + 1) * rate(v.R2)(s), t - 1, t - a)
    return total + integral(lambda s: (s - t + a) * rate(v.U)(s), t - a, t)


def features(x, dx, alpha, t, order):
    a = alpha(t)
    parts = [x(t), x(t - a), x(t - 1), dx(t - a), dx(t - 1), dx(t)]
    return np.concatenate([*parts, *moments(x, t - a, t, order), *moments(x, t - 1, t - a, order)])
