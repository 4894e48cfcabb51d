"""The linear system that the paths of a delay are searched on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from jaxtyping import Float

from certdde.errors import ProblemError
from certdde.systems.delay_system import DelaySystem
from certdde.verify.spectral import spectral_abscissa

TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Matrices:
    """x'(t) = A x(t) + B x(t - tau(t)): a linear system, or the linearisation at the equilibrium.

    Attributes
    ----------
    present, delayed : (n, n) arrays
        A and B, in float64.
    """

    present: Float[np.ndarray, "n n"]
    delayed: Float[np.ndarray, "n n"]

    @classmethod
    def of(cls, system: DelaySystem) -> Matrices:
        """Return the matrices of a differential equation with one delay.

        Raises
        ------
        ProblemError
            If it is a scheme, has several delays or multiples of one, or constants known in intervals; or if it is
            not stable without the delay, so that no range from 0 on is stable.
        """
        wrong = _objection(system)
        if wrong:
            raise ProblemError(wrong[0], where="system", wanted=wrong[1])
        present, delayed = (m.numpy() for m in system.jacobians())
        found = cls(present, delayed)
        if found.abscissa(0.0) >= 0.0:
            raise ProblemError(
                "the system is not stable without the delay",
                where="system.equations",
                wanted="one that is: the study is about delays in [0, h]",
            )
        return found

    @property
    def size(self) -> int:
        """The number of states."""
        return len(self.present)

    @property
    def speed(self) -> float:
        """A bound of |x'| by the largest of |x| and |x(t - tau)|: the sum of the spectral norms."""
        return float(np.linalg.norm(self.present, 2) + np.linalg.norm(self.delayed, 2)) + TINY

    def scaled(self, time: float) -> Matrices:
        """Return the system in units of time so long: a delay range [0, time] becomes [0, 1], rates stay."""
        return Matrices(time * self.present, time * self.delayed)

    def held(self, step: float) -> tuple[Float[np.ndarray, "n n"], Float[np.ndarray, "n n"]]:
        """Return E, F with x(t + step) = E x(t) + F y where the delayed state y does not change meanwhile: exact."""
        n = self.size
        block = np.zeros((2 * n, 2 * n))
        block[:n, :n], block[:n, n:] = step * self.present, step * self.delayed
        found = scipy.linalg.expm(block)
        return found[:n, :n], found[:n, n:]

    def abscissa(self, delay: float) -> float:
        """Return the largest real part of the characteristic roots at a constant delay, in float64."""
        nodes = 24 + int(min(self.speed * delay, 200.0))
        return spectral_abscissa(self.present, self.delayed, delay, nodes)


def _objection(system: DelaySystem) -> tuple[str, str] | None:
    if system.time == "discrete":
        return "it is a scheme", "a differential equation, as in x' = -x(t - tau)"
    if system.family is not None:
        return "a constant is known in an interval only", "numbers: --set system.parameters.NAME=1"
    if len(system.lags) != 1:
        return "it has more than one delayed time", "equations with one, as in x' = -x(t - tau)"
    return None
