"""From quadratic functions of the lifted state to a set of histories that never leaves the domain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from certdde.verify.schemes.mean_square import MeanForm
from certdde.verify.schemes.path_complete import NodeForms

INSIDE = 1 - 1e-9  # what exact arithmetic may find less


def level_and_radius(found: NodeForms | MeanForm, radii: Sequence[float]) -> tuple[float, float]:
    """Return c with {V_v <= c} inside |x_i| < radii[i] at every node, and the radius of a cube inside {V_0 <= c}."""
    inverse = np.linalg.inv(found.forms)
    spread = np.diagonal(inverse, axis1=1, axis2=2)[:, : len(radii)]
    level = float((np.square(radii) / spread).min()) * INSIDE
    radius = float(np.sqrt(level / np.abs(found.forms[0]).sum())) * INSIDE
    return level, min(radius, *(r * INSIDE for r in radii))
