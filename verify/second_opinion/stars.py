"""The test of a star leaf: in a frame that suits the inequality, and without one where that does not do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb_mat

from .forms import Frame, star
from .networks import Features

Ends = Sequence[float]


@dataclass(frozen=True, slots=True)
class Star:
    """Whether v^T H v < 0 at all xi != 0 of a box, for every H.

    With v = Sl eta and xi = T eta it is eta^T (Sl^T H Sl) eta. Any T will do: Sl holds S T for some S, so if T is
    singular, a matrix in Sl^T H Sl is, and the test fails; if it is not, every xi is T eta for some eta.
    """

    features: Features
    forms: Sequence[arb_mat]
    frame: Frame | None

    @classmethod
    def of(cls, features: Features, forms: Sequence[arb_mat]) -> Star:
        """Return the test in the frame that turns the mean of the forms at 0 into -1, if it is definite there."""
        return cls(features, forms, frame(features, forms))

    def __call__(self, lower: Ends, upper: Ends) -> bool:
        """Return whether it is shown on a box."""
        shown = self.frame is not None and self._in(lower, upper, self.frame)
        return shown or self._in(lower, upper, None)

    def _in(self, lower: Ends, upper: Ends, frame: Frame | None) -> bool:
        slopes = self.features.slopes(lower, upper, frame)
        return all(star(slopes, h) for h in self.forms)


def frame(features: Features, forms: Sequence[arb_mat]) -> Frame | None:
    """Return T with T^T Sl^T H Sl T near -1 at xi = 0, H the mean of the forms; None where that is not definite.

    In floating point, from the middles of balls: nothing rests on it.
    """
    point = [0.0] * features.size + [float((a + b) / 2) for a, b in features.system.spans]
    s = np.array([[float(x.mid()) for x in row] for row in features.slopes(point, point)])
    h = np.mean(
        [[[float(x.mid()) for x in row] for row in form.tolist()] for form in forms], axis=0
    )
    with np.errstate(all="ignore"):
        try:
            found = np.linalg.inv(np.linalg.cholesky(-(s.T @ h @ s))).T
        except np.linalg.LinAlgError:
            return None
    return found.tolist() if np.isfinite(found).all() else None
