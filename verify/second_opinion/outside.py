"""v_0 on boxes of the nonlinear variables: where it exceeds the level, nothing else is claimed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

from flint import arb, arb_mat, fmpq_mat

from . import exact
from .forms import Form, quadratic
from .networks import Features, with_displacement

Ends = Sequence[float]


@dataclass(frozen=True, slots=True)
class Outer:
    """The least of u^T M u + |p_V0|^2 over all M, and over the entries of u that are not among xi.

    ``names``: the states and moments among xi, as in ``Network.inputs``; ``rows``: their places in xi.
    """

    features: Features
    names: tuple[int, ...]
    rows: tuple[int, ...]
    matrices: tuple[arb_mat, ...]

    def value(self, lower: Ends, upper: Ends) -> arb:
        """Enclose it over a box of xi."""
        u = Form.variables([lower[k] for k in self.rows], [upper[k] for k in self.rows])
        v = with_displacement(self.features.v0, self.names, u)
        return least(quadratic(v, m) for m in self.matrices)


def outer(features: Features, cores: Sequence[fmpq_mat]) -> Outer | None:
    """Return v_0 over xi from the matrices over (x, moments read); None if xi holds none of these.

    Raises
    ------
    ValueError
        If the block of the other entries is not positive definite.
    """
    system, moments = features.system, features.moments
    n, m = system.n, len(moments)
    states = [j for j in system.xi if j < n]
    names = (*states, *moments)
    if not names:
        return None
    order = [*states, *range(n, n + m), *(j for j in range(n) if j not in states)]
    outputs = len(features.v0.weights[-1]) if features.v0 else 0
    found = []
    for core in cores:
        moved = fmpq_mat([[core[i, j] for j in order] for i in order])
        left = exact.complement(moved, len(names))
        if left is None:
            message = "the block of the states that are linear is not positive definite"
            raise ValueError(message)
        found.append(bordered(exact.balls(left), outputs))
    last = len(system.xi)
    return Outer(features, names, (*range(len(states)), *range(last, last + m)), tuple(found))


def least(values: Iterable[arb]) -> arb:
    """Enclose the least of several values."""
    return reduce(lambda a, b: a.min(b), values)


def bordered(core: arb_mat, outputs: int) -> arb_mat:
    """Return the matrix of v_0 over (u, p_V0)."""
    form, n = core.tolist(), core.nrows()
    size = range(n + outputs)
    return arb_mat(
        [[form[a][b] if max(a, b) < n else arb(int(a == b)) for b in size] for a in size]
    )
