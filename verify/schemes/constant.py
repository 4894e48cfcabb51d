"""An unknown but constant delay: the Lyapunov equation of each delay, which is exact for a linear scheme."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import solve_discrete_lyapunov

from certdde.verify.schemes.graphs import single
from certdde.verify.schemes.lifted import LiftedScheme, spectral_radius
from certdde.verify.schemes.path_complete import NodeForms, recomputed, search


def search_constant(
    scheme: LiftedScheme, delay: int, *, seconds: float = np.inf, radii: Sequence[float] = ()
) -> NodeForms | None:
    """Return one form for one delay, in its own window: P - A^T P A = I, or an LMI over several vertices.

    Parameters
    ----------
    scheme : LiftedScheme
    delay : int
    seconds, radii
        As in :func:`certdde.verify.schemes.path_complete.search`.

    Returns
    -------
    NodeForms or None
        None if the scheme is not stable at this delay (float64), or the solver gave up.
    """
    if len(scheme.vertices) > 1 or radii:
        return search(scheme, delay, delay, single(1), seconds=seconds, radii=radii)
    if not spectral_radius(scheme, [delay]) < 1:
        return None
    [a] = scheme.matrices(delay, delay)
    form = solve_discrete_lyapunov(a.T, np.eye(len(a)))
    if not np.isfinite(form).all():
        return None
    return recomputed(scheme, form[None] / np.abs(form).max(), single(1), (delay,))
