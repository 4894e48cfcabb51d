"""Butcher tableaux, each with the continuous extension that a delay equation needs.

A method of order p keeps its order on a delay equation if its continuous extension is off by O(h^p), uniformly
on the step, and if no breaking point lies inside a step.

References
----------
Bellen and Zennaro, Numerical Methods for Delay Differential Equations, Oxford 2003, chapters 5 and 6.
Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, Springer 1993, II.5, II.6 and II.17.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from certdde.solvers.errors import SolverError


@dataclass(frozen=True, slots=True)
class Tableau:
    """A Runge-Kutta method x1 = x + h sum b_i k_i, k_i = f(t + c_i h, x + h sum a_ij k_j).

    Attributes
    ----------
    name : str
    order : int
        Of the step, and of the method on a delay equation.
    a : tuple of tuple of float
        Row i holds a_i0 .. a_i,i-1, and a_ii as its last entry if stage i is implicit.
    b, c : tuple of float
    error : tuple of float, or None
        b - b_hat of the embedded method; None for a fixed-step method.
    dense : tuple of tuple of float
        Row j - 1 holds the weights of k_i in the coefficient of theta^j: x(t + theta h) = x + h sum theta^j dense_ji
        k_i.
    diagonal : float
        a_ii of the implicit stages; 0 for an explicit method.
    last_is_first : bool
        The last stage is f at the end of the step, so the next step can take it over.
    """

    name: str
    order: int
    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]
    c: tuple[float, ...]
    error: tuple[float, ...] | None
    dense: tuple[tuple[float, ...], ...]
    diagonal: float = 0.0
    last_is_first: bool = False

    @property
    def stages(self) -> int:
        """Number of evaluations of f in one step."""
        return len(self.b)

    @property
    def degree(self) -> int:
        """Degree of the continuous extension in theta."""
        return len(self.dense)

    @property
    def moments(self) -> tuple[float, ...]:
        """The different c, in the order in which they first occur."""
        return tuple(dict.fromkeys(self.c))


def _hermite(b: Sequence[float]) -> tuple[tuple[float, ...], ...]:
    """Weights of the cubic with the slopes of the first and the last stage at its ends.

    For rk4 this is its natural continuous extension (Bellen and Zennaro, 5.2): off by O(h^4), from the stages of this
    step alone, so nothing that happens at the end of the step (a breaking point, a jump) can spoil it.
    """
    first, last, weights = np.eye(len(b))[0], np.eye(len(b))[-1], np.asarray(b)
    rows = (first, 3 * weights - 2 * first - last, -2 * weights + first + last)
    return tuple(tuple(float(v) for v in row) for row in rows)


def _esdirk3() -> Tableau:
    """Build the L-stable, stiffly accurate ESDIRK3(2)4L[2]SA of Kennedy and Carpenter from its order conditions."""
    g = 0.43586652150845899942  # the middle root of 6 g^3 - 18 g^2 + 9 g - 1: L-stability
    c = np.array([0.0, 2 * g, 0.6, 1.0])
    a32 = (0.18 - g * 0.6) / (2 * g)  # stage order 2: sum a_3j c_j = c_3^2 / 2
    third = (0.6 - a32 - g, a32, g)
    b = np.linalg.solve(
        np.vander(c[:3], 3, increasing=True).T, np.array([1 - g, 0.5 - g, 1 / 3 - g])
    )
    weights = (*b.tolist(), g)
    hat_4 = 0.36  # embedded weights of order 2: this one and the second are free
    hat_3 = np.linalg.solve(
        np.array([[1, 1, 1], c[:3], [0, 1, 0]]), np.array([1 - hat_4, 0.5 - hat_4, weights[1]])
    )
    error = tuple(float(v) for v in np.asarray(weights) - np.array([*hat_3, hat_4]))
    a = ((), (g, g), third, weights)
    return Tableau(
        "esdirk3",
        3,
        a,
        weights,
        tuple(c.tolist()),
        error,
        _hermite(weights),
        diagonal=g,
        last_is_first=True,
    )


EULER = Tableau("euler", 1, ((),), (1.0,), (0.0,), None, ((1.0,),))
HEUN = Tableau("heun", 2, ((), (1.0,)), (0.5, 0.5), (0.0, 1.0), None, ((1.0, 0.0), (-0.5, 0.5)))
RK4 = Tableau(
    "rk4",
    4,
    ((), (0.5,), (0.0, 0.5), (0.0, 0.0, 1.0)),
    (1 / 6, 1 / 3, 1 / 3, 1 / 6),
    (0.0, 0.5, 0.5, 1.0),
    None,
    _hermite((1 / 6, 1 / 3, 1 / 3, 1 / 6)),
)
DOPRI5 = Tableau(
    "dopri5",
    5,
    (
        (),
        (1 / 5,),
        (3 / 40, 9 / 40),
        (44 / 45, -56 / 15, 32 / 9),
        (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
        (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
        (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
    ),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84, 0.0),
    (0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0),
    (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40),
    # Shampine 1986; Hairer, Norsett and Wanner, II.6: the extension of order 4.
    (
        (1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        (
            -8048581381 / 2820520608,
            0.0,
            131558114200 / 32700410799,
            -1754552775 / 470086768,
            127303824393 / 49829197408,
            -282668133 / 205662961,
            40617522 / 29380423,
        ),
        (
            8663915743 / 2820520608,
            0.0,
            -68118460800 / 10900136933,
            14199869525 / 1410260304,
            -318862633887 / 49829197408,
            2019193451 / 616988883,
            -110615467 / 29380423,
        ),
        (
            -12715105075 / 11282082432,
            0.0,
            87487479700 / 32700410799,
            -10690763975 / 1880347072,
            701980252875 / 199316789632,
            -1453857185 / 822651844,
            69997945 / 29380423,
        ),
    ),
    last_is_first=True,
)
ESDIRK3 = _esdirk3()

TABLEAUX = {tableau.name: tableau for tableau in (EULER, HEUN, RK4, DOPRI5, ESDIRK3)}


def tableau_named(method: str) -> Tableau:
    """Return the method of this name.

    Raises
    ------
    SolverError
        If there is none.
    """
    if method not in TABLEAUX:
        raise SolverError(
            f"unknown method {method!r}", where="method", wanted=f"one of {', '.join(TABLEAUX)}"
        )
    return TABLEAUX[method]
