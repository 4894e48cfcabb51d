"""Delays drawn anew at each step: a quadratic function of the lifted state whose mean falls, and the moments.

References
----------
Costa, Fragoso, Marques 2005 (mean-square stability and the Lyapunov equation of jump linear systems).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import ArpackError, eigs, splu

from certdde.verify.schemes.lifted import LiftedScheme
from certdde.verify.schemes.path_complete import SHARE
from certdde.verify.schemes.semidefinite import SymmetricProgram, Term, congruence, expansion

COMBINATIONS = 256  # of vertices, one a delay; the checker takes 1024
DENSE, MOST = 400, 20_000  # unknowns, up to which all eigenvalues are computed, and one
RESTARTS, SUBSPACE = 300, 40  # of the iteration for one eigenvalue


@dataclass(frozen=True, slots=True)
class Drawn:
    """A delay d that is drawn with a probability, for a lifted state that reaches back ``window`` steps."""

    scheme: LiftedScheme
    delays: tuple[int, ...]
    probabilities: tuple[float, ...]
    window: int

    @property
    def size(self) -> int:
        """Of the lifted state."""
        return self.scheme.dimension * (self.window + 1)

    def matrices(self) -> list[list[np.ndarray]]:
        """Return A for each delay, one a vertex."""
        return [self.scheme.matrices(d, self.window) for d in self.delays]


@dataclass(frozen=True, slots=True)
class MeanForm:
    """V(X) = X^T form X, bounds Q_d of A^T form A over the vertices or none, and the least eigenvalue of all."""

    form: np.ndarray
    bounds: np.ndarray | None
    margin: float

    @property
    def found(self) -> bool:
        """Whether all inequalities hold in float64; the checker decides."""
        return self.margin > 0

    @property
    def forms(self) -> np.ndarray:
        """V as the only node of a graph."""
        return self.form[None]


def mean_growth(drawn: Drawn) -> float:
    """Return the spectral radius of E[A]: the factor a step of the mean of X, in the long run (first vertex)."""
    mean = sum(p * a[0] for p, a in zip(drawn.probabilities, drawn.matrices(), strict=True))
    return float(np.abs(np.linalg.eigvals(mean)).max())


def second_moment_growth(drawn: Drawn) -> float | None:
    """Return the spectral radius of E[A kron A]: the factor a step of E|X|^2, in the long run (first vertex).

    None if the window is too long, or the iteration for long windows does not converge. The map keeps the cone of
    positive semidefinite matrices, so its radius is an eigenvalue: the one with the largest real part.
    """
    if drawn.size * (drawn.size + 1) // 2 > MOST:
        return None
    operator = _second_moment(drawn)
    if operator.shape[0] <= DENSE:
        return float(np.abs(np.linalg.eigvals(operator.toarray())).max())
    try:
        found = eigs(
            operator,
            k=1,
            ncv=SUBSPACE,
            which="LR",
            v0=_identity(drawn.size),
            maxiter=RESTARTS,
            return_eigenvectors=False,
        )
    except ArpackError:
        return None
    return float(found.real.max())


def second_moments(drawn: Drawn, steps: int) -> list[float]:
    """Return E|X(t)|^2 for t = 0, .., ``steps``, where X(0) has uncorrelated entries of variance 1 (first vertex)."""
    operator, unit = _second_moment(drawn), _identity(drawn.size)
    state, found = unit, []
    for _ in range(steps + 1):
        found.append(float(unit @ state))
        state = operator @ state
    return found


def search_linear(drawn: Drawn) -> MeanForm | None:
    """Solve P - sum_d p_d A_d^T P A_d = I: there is a P > 0 if and only if the scheme is stable in mean square.

    Returns
    -------
    MeanForm or None
        None if the equation is singular in float64; the margin may be negative.
    """
    operator = sparse.eye_array(drawn.size * (drawn.size + 1) // 2) - _second_moment(drawn).T
    try:
        solved = splu(sparse.csc_matrix(operator)).solve(_identity(drawn.size))
    except RuntimeError:  # exactly singular
        return None
    form = (expansion(drawn.size) @ solved).reshape(drawn.size, drawn.size)
    if not np.isfinite(form).all() or not np.abs(form).max() > 0:
        return None
    return recomputed(drawn, form / np.abs(form).max(), None)


def search_vertices(
    drawn: Drawn, *, seconds: float = np.inf, radii: Sequence[float] = ()
) -> MeanForm | None:
    """Look for P > 0 whose mean falls for all slopes, by an LMI.

    Parameters
    ----------
    drawn : Drawn
        Where there are few combinations of one vertex for each delay, each has an inequality; else there are bounds.
    seconds : float
        A limit for the solver.
    radii : sequence of float
        Of the domain: P is found, then another of a tenth of its margin whose level set inside it is large.

    Returns
    -------
    MeanForm or None
        With a negative margin if there is none; None if the solver gave up.
    """
    program, identity = SymmetricProgram(), sparse.eye_array(drawn.size, format="csr")
    p = program.unknown(drawn.size)
    program.positive(Term(p, identity))
    maps = [[sparse.csr_array(a) for a in one] for one in drawn.matrices()]
    bounds = [] if few(drawn) else [program.unknown(drawn.size) for _ in drawn.delays]
    if bounds:
        _bounded(program, drawn, maps, p, bounds)
    else:
        for choice in product(*maps):
            terms = zip(choice, drawn.probabilities, strict=True)
            program.positive(Term(p, identity), *(Term(p, a, -share) for a, share in terms))
    solved = program.solve([p], seconds)
    found = None if solved is None else _read(drawn, solved, p, bounds)
    if found is None or not found.found or not radii:
        return found
    level = program.unknown(1)
    for i, radius in enumerate(radii):
        row = np.eye(drawn.size)[i : i + 1] / radius
        program.positive(Term(p, identity), Term(level, row, -1.0))
    solved = program.solve([p], seconds, largest=level, margin=found.margin * SHARE)
    larger = None if solved is None else _read(drawn, solved, p, bounds)
    return larger if larger is not None and larger.found else found


def few(drawn: Drawn) -> bool:
    """Whether every combination of one vertex for each delay gets an inequality of its own."""
    return len(drawn.scheme.vertices) ** len(drawn.delays) <= COMBINATIONS


def recomputed(drawn: Drawn, form: np.ndarray, bounds: np.ndarray | None) -> MeanForm:
    """Return the form with the margin of all inequalities, by eigenvalues."""
    form = (form + form.T) / 2
    images = [np.stack([a.T @ form @ a for a in one]) for one in drawn.matrices()]
    least = float(np.linalg.eigvalsh(form).min())
    if bounds is None:
        for choice in product(*images):
            mean = sum(p * image for p, image in zip(drawn.probabilities, choice, strict=True))
            least = min(least, float(np.linalg.eigvalsh(form - mean).min()))
        return MeanForm(form, None, least)
    bounds = (bounds + bounds.swapaxes(1, 2)) / 2
    for bound, one in zip(bounds, images, strict=True):
        least = min(least, float(np.linalg.eigvalsh(bound - one).min()))
    mean = np.tensordot(np.array(drawn.probabilities), bounds, 1)
    return MeanForm(form, bounds, min(least, float(np.linalg.eigvalsh(form - mean).min())))


def _bounded(
    program: SymmetricProgram,
    drawn: Drawn,
    maps: list[list[sparse.csr_array]],
    p: int,
    bounds: list[int],
) -> None:
    """Q_d >= A^T P A at each vertex, and sum_d p_d Q_d <= P."""
    identity = sparse.eye_array(drawn.size, format="csr")
    for bound, one in zip(bounds, maps, strict=True):
        for a in one:
            program.positive(Term(bound, identity), Term(p, a, -1.0))
    shares = zip(bounds, drawn.probabilities, strict=True)
    program.positive(Term(p, identity), *(Term(q, identity, -share) for q, share in shares))


def _read(drawn: Drawn, solved: list[np.ndarray], p: int, bounds: list[int]) -> MeanForm:
    return recomputed(drawn, solved[p], np.stack([solved[q] for q in bounds]) if bounds else None)


def _second_moment(drawn: Drawn) -> sparse.csr_array:
    """Return the matrix of svec(S) -> svec(sum_d p_d A_d S A_d^T)."""
    pairs = zip(drawn.probabilities, drawn.matrices(), strict=True)
    return sparse.csr_array(sum(p * sparse.csr_array(congruence(a[0].T)) for p, a in pairs))


def _identity(size: int) -> np.ndarray:
    return np.asarray(expansion(size).T @ np.eye(size).ravel())
