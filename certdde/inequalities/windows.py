"""The dissipation of a functional with several windows, affine in the delays (docs/math.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from certdde.functionals.windows import WindowedFunctional
from certdde.inequalities.legendre import reciprocal_minorant


@dataclass(frozen=True, slots=True)
class WindowRows:
    """Row matrices (n, M) that pick x, the y_l, f and the moments of every window out of zeta.

    The linear case is :func:`linear_rows`; rows over features would serve nonlinear systems.
    """

    x: np.ndarray
    y: tuple[np.ndarray, ...]
    f: np.ndarray
    moments: tuple[tuple[np.ndarray, ...], ...]

    def rates(self, window: int) -> list[np.ndarray]:
        """Return G_0 .. G_N of a window: G_k = x - (-1)^k y - sum_{j<k} (2j+1)(1 - (-1)^{k+j}) Omega_j."""
        x, y, moments = self.x, self.y[window], self.moments[window]
        return [
            x - (-1) ** k * y - sum(2 * (2 * j + 1) * moments[j] for j in range(k) if (k + j) % 2)
            for k in range(len(moments) + 1)
        ]


def linear_rows(present: np.ndarray, delayed: Sequence[np.ndarray], order: int) -> WindowRows:
    """Return the rows of x' = present x + sum_l delayed_l y_l over (x, y_1, .., moments of window 1, ..)."""
    n, count = len(present), len(delayed)
    eye = np.eye(n * (1 + count * (1 + order)))
    rows = [eye[i : i + n] for i in range(0, len(eye), n)]
    x, y = rows[0], tuple(rows[1 : 1 + count])
    f = present @ x
    for matrix, row in zip(delayed, y, strict=True):
        f = f + matrix @ row
    start = 1 + count
    moments = tuple(tuple(rows[start + a * order : start + (a + 1) * order]) for a in range(count))
    return WindowRows(x, y, f, moments)


def window_forms(
    rows: WindowRows, functional: WindowedFunctional, breaks: Sequence[Sequence[float]]
) -> np.ndarray:
    """Return the matrices of D, (..., E, M, M), at all corners of the grid of breaks, the last delay fastest.

    D = D_0 + sum_j (tau_j E_j - kappa_j(tau_j) F_j) with kappa_j <= 1/tau_j affine between breaks, so D is affine on
    each cell of the grid: negative at the corners, it is negative for all delays between the first and
    last breaks.

    Parameters
    ----------
    rows : WindowRows
    functional : WindowedFunctional
        Its matrices may have leading batch dimensions, which the result then has too.
    breaks : sequence of sequences
        For each delay.
    """
    constant, tau, kappa = _affine(rows, functional, len(breaks))
    minorants = [reciprocal_minorant(ends) for ends in breaks]
    forms = []
    for corner in product(*(range(len(ends)) for ends in breaks)):
        form = constant
        for j, i in enumerate(corner):
            form = form + breaks[j][i] * tau[j] - minorants[j][i] * kappa[j]
        forms.append(form)
    return np.stack(forms, axis=-3)


def _affine(
    rows: WindowRows, v: WindowedFunctional, delays: int
) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """Return D_0, the E_j and the F_j."""
    n, order = v.dimension, v.order
    rates = [rows.rates(a) for a in range(len(v.lags))]
    change = np.concatenate([rows.f, *(g for one in rates for g in one[:-1])])
    derivative = v.P @ change
    constant = 2 * rows.x.T @ derivative[..., :n, :]
    zero = np.zeros_like(constant)
    tau, kappa = [zero] * delays, [zero] * delays
    for a, (j, multiple) in enumerate(v.lags):
        s, r = v.S[..., a, :, :], v.R[..., a, :, :]
        constant = constant + rows.x.T @ s @ rows.x - rows.y[a].T @ s @ rows.y[a]
        grown = rows.f.T @ r @ rows.f
        for k, moment in enumerate(rows.moments[a]):
            at = n * (1 + a * order + k)
            grown = grown + 2 * moment.T @ derivative[..., at : at + n, :]
        tau[j] = tau[j] + multiple * grown
        damping = sum((2 * k + 1) * g.T @ r @ g for k, g in enumerate(rates[a]))
        kappa[j] = kappa[j] + damping / multiple
    return _symmetric(constant), [_symmetric(m) for m in tau], [_symmetric(m) for m in kappa]


def _symmetric(matrix: np.ndarray) -> np.ndarray:
    return (matrix + np.swapaxes(matrix, -1, -2)) / 2
