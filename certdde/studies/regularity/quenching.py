"""Quenching: a delay that varies fast acts like a distributed one, and may stabilise what its mean does not."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from certdde.studies.regularity.floquet import Mesh, floquet
from certdde.studies.regularity.matrices import Matrices
from certdde.verify.spectral import several_abscissa


@dataclass(frozen=True, slots=True)
class Switching:
    """tau(t) is mean + half for the first half of each period 2 pi/frequency, mean - half for the second.

    As the frequency grows the solutions tend to those of the average,
    x' = A x + B (x(t - mean - half) + x(t - mean + half))/2: a delay with a distribution.

    References
    ----------
    Louisell (2001), Kybernetika 37; Michiels, Van Assche, Niculescu (2005), IEEE Transactions on Automatic Control 50;
    Papachristodoulou, Peet, Niculescu (2007), IEEE Conference on Decision and Control.

    Examples
    --------
    >>> minus = Matrices(np.zeros((1, 1)), -np.eye(1))
    >>> fast = Switching(1.8, 1.0)
    >>> bool(minus.abscissa(1.8) > 0 > fast.average(minus))
    True
    """

    mean: float
    half: float

    def average(self, matrices: Matrices) -> float:
        """Return the spectral abscissa of the averaged system."""
        lags = [(self.mean + s * self.half, matrices.delayed / 2) for s in (-1, 1)]
        return several_abscissa(matrices.present, lags, 48)

    def exponent(self, matrices: Matrices, frequency: float, density: int = 6) -> float:
        """Return the largest Floquet exponent: growth of log |x| in a unit of time, in float64."""
        period = 2 * math.pi / frequency
        pieces = 2 * max(1, math.ceil(density * period / 2))
        repeats = math.ceil((self.mean + self.half) / period + 1 / pieces)
        mesh = Mesh(np.linspace(0, repeats * period, repeats * pieces + 1))
        first = np.remainder(mesh.points, period) < period / 2
        delay = np.where(first, self.mean + self.half, self.mean - self.half)
        return floquet(matrices, mesh, delay).growth / mesh.period

    def exponents(
        self, matrices: Matrices, frequencies: Float[np.ndarray, " frequencies"]
    ) -> Float[np.ndarray, " frequencies"]:
        """Return the exponent at each frequency."""
        return np.array([self.exponent(matrices, float(w)) for w in frequencies])
