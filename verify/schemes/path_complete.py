"""A quadratic function of the lifted state at each node of a graph, decreasing along every edge.

References
----------
Ahmadi, Jungers, Parrilo, Roozbehani 2014 (path-complete graphs and joint spectral radius).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from certdde.verify.schemes.lifted import LiftedScheme
from certdde.verify.schemes.semidefinite import SymmetricProgram, Term

SHARE = 0.1  # of the largest margin, when the level set is to be large


@dataclass(frozen=True, slots=True)
class NodeForms:
    """V_v(X) = X^T forms[v] X, and the edges; ``margin`` is the least eigenvalue of all inequalities.

    Attributes
    ----------
    forms : (N, m, m) array
    steps : (N, D) array of int
        The node after ``delays[j]``.
    delays : tuple of int
    margin : float
        Recomputed from ``forms`` in float64.
    """

    forms: np.ndarray
    steps: np.ndarray
    delays: tuple[int, ...]
    margin: float

    @property
    def found(self) -> bool:
        """Whether all inequalities hold in float64; the checker decides."""
        return self.margin > 0


def search(
    scheme: LiftedScheme,
    lower: int,
    upper: int,
    steps: np.ndarray,
    *,
    seconds: float = np.inf,
    radii: Sequence[float] = (),
) -> NodeForms | None:
    """Look for forms on a graph, for every sequence of delays in lower .. upper.

    Parameters
    ----------
    scheme : LiftedScheme
    lower, upper : int
    steps : (N, upper - lower + 1) array of int
        See :mod:`certdde.verify.schemes.graphs`.
    seconds : float
        A limit for the solver.
    radii : sequence of float
        Of the domain: forms are found, then others of a tenth of their margin whose level set inside it is large.

    Returns
    -------
    NodeForms or None
        With a negative margin if there is none; None if the solver gave up.
    """
    delays = tuple(range(lower, upper + 1))
    size = scheme.dimension * (upper + 1)
    maps = [[sparse.csr_array(a) for a in scheme.matrices(d, upper)] for d in delays]
    program, identity = SymmetricProgram(), sparse.eye_array(size, format="csr")
    nodes = [program.unknown(size) for _ in steps]
    for v in nodes:
        program.positive(Term(v, identity))
        for j, after in enumerate(steps[v]):
            for a in maps[j]:
                program.positive(Term(v, identity), Term(int(after), a, -1.0))
    solved = program.solve(nodes, seconds)
    found = None if solved is None else recomputed(scheme, np.stack(solved), steps, delays)
    if found is None or not found.found or not radii:
        return found
    level = program.unknown(1)
    for v in nodes:
        for i, radius in enumerate(radii):
            program.positive(Term(v, identity), Term(level, np.eye(size)[i : i + 1] / radius, -1.0))
    solved = program.solve(nodes, seconds, largest=level, margin=found.margin * SHARE)
    if solved is None:
        return found
    larger = recomputed(scheme, np.stack(solved[:-1]), steps, delays)
    return larger if larger.found else found


def recomputed(
    scheme: LiftedScheme, forms: np.ndarray, steps: np.ndarray, delays: tuple[int, ...]
) -> NodeForms:
    """Return the forms with the margin of all inequalities, by eigenvalues."""
    forms = (forms + forms.swapaxes(1, 2)) / 2
    least = float(np.linalg.eigvalsh(forms).min())
    window = forms.shape[-1] // scheme.dimension - 1
    for j, delay in enumerate(delays):
        for a in scheme.matrices(delay, window):
            gaps = forms - a.T @ forms[steps[:, j]] @ a
            least = min(least, float(np.linalg.eigvalsh(gaps).min()))
    return NodeForms(forms, steps, delays, least)
