"""Static gains for a plant with a delay: LQR, its predictor, and gains tuned on the characteristic roots."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.linalg
from scipy.optimize import minimize

from certdde.delays.classes import Constant
from certdde.systems.controller_problem import ControllerProblem
from certdde.systems.feedforward import Feedforward, Step
from certdde.verify.spectral import spectral_abscissa

PRICES = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)  # of the inputs against the states
NODES, DELAYS = 20, 5
RANK = 1e-9


@dataclass(frozen=True, slots=True)
class Loop:
    """The linearised loop x' = (A + sum K_ij A_ij) x(t) + (B + sum K_ij B_ij) x(t - tau), u = K w.

    Attributes
    ----------
    present, delayed : (n, n) arrays
        A and B.
    present_gain, delayed_gain : (m, p, n, n) arrays
        A_ij and B_ij.
    delays : tuple of float
        At which the roots count.
    widths : (n,) array
        Of the domain.
    """

    present: np.ndarray
    delayed: np.ndarray
    present_gain: np.ndarray
    delayed_gain: np.ndarray
    delays: tuple[float, ...]
    widths: np.ndarray

    @classmethod
    def of(cls, problem: ControllerProblem, delay: Constant) -> Loop:
        """Linearise the plant of a problem at its equilibrium."""
        shape = problem.outputs, problem.inputs
        first = _matrices(problem, np.zeros(shape))
        gains = np.zeros((2, *shape, *first[0].shape))
        for i, j in np.ndindex(*shape):
            one = np.zeros(shape)
            one[i, j] = 1.0
            gains[:, i, j] = _matrices(problem, one) - first
        ends = problem.build(linear(np.zeros(shape))).domain or ()
        widths = np.array([float(max(-lo, hi)) for lo, hi in ends])
        return cls(first[0], first[1], gains[0], gains[1], sampled(delay), widths)

    def at(self, delay: Constant) -> Loop:
        """Return the loop for another range of delays."""
        return replace(self, delays=sampled(delay))

    def abscissa(self, gains: np.ndarray) -> float:
        """Return the largest real part of the characteristic roots over the delays (float64)."""
        present = self.present + np.tensordot(gains, self.present_gain, 2)
        delayed = self.delayed + np.tensordot(gains, self.delayed_gain, 2)
        return max(float(spectral_abscissa(present, delayed, t, NODES)) for t in self.delays)

    def regulators(self, *, predictor: bool) -> Iterator[np.ndarray]:
        """Yield gains of linear-quadratic regulators without delay, for several prices; none if there is no such form.

        With ``predictor`` each is K exp(A tau): the regulator of the state that the plant alone would reach.
        """
        whole = self.present_gain + self.delayed_gain
        m, p, n, _ = whole.shape
        left, values, right = np.linalg.svd(whole.transpose(0, 2, 1, 3).reshape(m * n, p * n))
        if values[0] == 0 or (len(values) > 1 and values[1] > RANK * values[0]):
            return  # not b_i c_j: called with several arguments
        inputs = (left[:, 0] * values[0]).reshape(m, n).T
        outputs = right[0].reshape(p, n)
        plant = self.present + self.delayed
        ahead = scipy.linalg.expm(plant * max(self.delays)) if predictor else np.eye(n)
        prices = np.diag(1 / self.widths**2)
        unit = np.linalg.norm(inputs, 2) ** 2
        for price in PRICES:
            try:
                value = scipy.linalg.solve_continuous_are(
                    plant, inputs, prices, price * unit * np.eye(m)
                )
            except (np.linalg.LinAlgError, ValueError):
                continue
            state = -np.linalg.solve(price * unit * np.eye(m), inputs.T @ value)
            yield state @ ahead @ np.linalg.pinv(outputs)

    def start(self, kind: str) -> np.ndarray:
        """Return gains (m, p): the best of ``lqr``, of ``predictor``, or of both and then ``tuned``."""
        candidates: list[np.ndarray] = []
        for predictor in (False, True):
            if kind in ("tuned", ("lqr", "predictor")[predictor]):
                candidates += self.regulators(predictor=predictor)
        best = min(candidates or [np.zeros(self.present_gain.shape[:2])], key=self.abscissa)
        return self.tuned(best) if kind == "tuned" else best

    def tuned(self, gains: np.ndarray) -> np.ndarray:
        """Return gains with a smaller abscissa, by the simplex method of Nelder and Mead from ``gains``."""
        step = np.abs(gains).max() or 1.0

        def value(z: np.ndarray) -> float:
            return self.abscissa(step * z.reshape(gains.shape))

        found = self._simplex(value, gains.ravel() / step)
        return step * found.reshape(gains.shape)

    def _simplex(self, value: Callable[[np.ndarray], float], start: np.ndarray) -> np.ndarray:
        options: dict[str, Any] = {
            "maxiter": 200 * len(start),
            "xatol": 1e-4,
            "fatol": 1e-4 * (1 + abs(value(start))),
        }
        found: np.ndarray = minimize(value, start, method="Nelder-Mead", options=options).x
        return found


def sampled(delay: Constant) -> tuple[float, ...]:
    """Return a few delays of a range, the longest first."""
    count = DELAYS if delay.upper > delay.lower else 1
    return tuple(np.linspace(delay.upper, delay.lower, count).tolist())


def linear(gains: np.ndarray) -> Feedforward:
    """Return the network u = K w."""
    return Feedforward(gains.shape[1], (Step("affine", (0,), gains, np.zeros(len(gains))),))


def _matrices(problem: ControllerProblem, gains: np.ndarray) -> np.ndarray:
    """Return df/dx and df/dy at the equilibrium, (2, n, n)."""
    return np.stack([m.numpy() for m in problem.build(linear(gains)).jacobians()])
