"""Which networks a search trains: what they read, their layers, and the symmetry V(-x) = V(x)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from certdde.errors import ProblemError
from certdde.learning.neural import Shape
from certdde.systems.delay_system import DelaySystem
from certdde.systems.expressions import (
    ZERO,
    Add,
    Call,
    Divide,
    Expression,
    Multiply,
    NetworkOutput,
    Number,
    Power,
    Variable,
)
from certdde.systems.feedforward import Feedforward, as_array
from certdde.verify.sos.model import right_hand_side

if TYPE_CHECKING:
    from certdde.learning.settings import CegisSettings
    from certdde.systems.network_fields import NetworkFields

ODD, EVEN, NEITHER = -1, 1, 0
ODD_FUNCTIONS = ("sin", "tan", "tanh", "atan")


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user says of the networks; None leaves the default.

    Attributes
    ----------
    activation : str
        Of all hidden layers.
    symmetry : str
        ``even`` builds in V(-x) = V(x): biases that are 0 with an odd activation (tanh, sin) or squares. No variable
        becomes nonlinear by it; the network has fewer parameters and can express less. ``auto`` is ``none``: on
        the pendulum it certified the same (docs/decisions/0007-activations.md).
    reads : tuple of str, optional
        The states that V0 reads; each becomes a nonlinear variable. Default: all.
    stored : tuple of str, optional
        The states that W reads; each makes its present and its delayed value nonlinear. Default: the state of a
        scalar system, whose two values are nonlinear anyway; none else.
    start : str
        ``roomy``: of the quadratic functionals for the longest and for shorter delays, the one with the largest
        level set; ``sos``: where the system is polynomial, from a functional found by sums of squares
        (:mod:`.polynomial_start`);
        W then reads the states that occur in its integral, and their two values become nonlinear. ``auto``: so where
        V0 reads no moments. ``quadratic``: from a quadratic functional.
    """

    activation: str = "tanh"
    symmetry: str = "none"
    reads: tuple[str, ...] | None = None
    stored: tuple[str, ...] | None = None
    start: str = "auto"

    @classmethod
    def of(cls, spec: NetworkFields) -> Choices:
        """Take the choices out of a problem."""
        return cls(spec.activation, spec.symmetry, spec.reads, spec.stored, spec.start)


def check_choices(system: DelaySystem, choices: Choices, kind: str = "constant") -> None:
    """Refuse choices that a system, or a delay of this class, does not allow.

    Raises
    ------
    ProblemError
        If a state is unknown or named twice, V0 reads nothing, W reads what it cannot, or ``even`` does not fit.
    """
    for key, names in (("reads", choices.reads), ("stored", choices.stored)):
        _check_names(system, key, names or ())
    if choices.reads == ():
        raise _refused("reads", "V0 reads nothing", "a state at least")
    if choices.stored and kind != "constant":
        what = f"for a {kind} delay W acts on x(t - h), which would become nonlinear"
        raise _refused("stored", what, "no such key")
    if choices.symmetry != "even":
        return
    if choices.activation == "softplus":
        raise _refused("symmetry", "softplus is neither odd nor even", "tanh, sin or square")
    if system.time == "continuous" and not symmetric(system):
        what = "the system is not odd, or its domain not symmetric about the equilibrium"
        raise _refused("symmetry", what, 'symmetry = "none"')


def _check_names(system: DelaySystem, key: str, names: tuple[str, ...]) -> None:
    unknown = [name for name in names if name not in system.states]
    if unknown:
        wanted = f"states: {', '.join(system.states)}"
        raise _refused(key, f"there is no state {unknown[0]}", wanted)
    if len(set(names)) < len(names):
        raise _refused(key, "a state is named twice", "each state once")


def _refused(key: str, what: str, wanted: str) -> ProblemError:
    return ProblemError(what, where=f"certify.{key}", wanted=wanted)


def default_shape(system: DelaySystem, settings: CegisSettings) -> Shape:
    """V0 reads every state; W is neural only for a scalar system, where its two variables are nonlinear anyway.

    For planar systems a neural W doubled the nonlinear variables and gave nothing in our trials.
    """
    n, choices = system.dimension, settings.choices
    places = {name: i for i, name in enumerate(system.states)}
    reads = [places[s] for s in choices.reads or system.states]
    window = system.states if n == 1 else ()
    stored = tuple(places[s] for s in (window if choices.stored is None else choices.stored))
    count = min(settings.moments, settings.order)
    read = (*reads, *(n * (k + 1) + i for k in range(count) for i in reads))
    shape = Shape(read, stored, settings.hidden, settings.outputs)
    return replace(shape, activation=choices.activation, even=choices.symmetry == "even")


def symmetric(system: DelaySystem) -> bool:
    """Tell whether f(-x, -y) = -f(x, y), by its exact polynomial or its syntax, and the domain is symmetric."""
    if system.domain is None or any(-lo != hi for lo, hi in system.domain):
        return False
    rows = right_hand_side(system) if system.one_lag else None
    if rows is not None:
        return all(sum(monomial) % 2 for row in rows for monomial in row)
    return all(e == ZERO or parity(e) == ODD for e in system.rhs)


def parity(expression: Expression) -> int:
    """Return ``ODD`` or ``EVEN`` if the syntax shows that an expression in the variables is that, else ``NEITHER``."""
    match expression:
        case Number():
            return EVEN
        case Variable():
            return ODD
        case Add(a, b):
            first, second = parity(a), parity(b)
            return first if first == second else NEITHER
        case Multiply(a, b) | Divide(a, b):
            return parity(a) * parity(b)
        case Power(a, k):
            return EVEN if k == 0 else parity(a) ** k if k > 0 else parity(a) ** -k
        case Call(name, a):
            inner = parity(a)
            if inner == ODD:
                return ODD if name in ODD_FUNCTIONS else EVEN if name == "cos" else NEITHER
            return inner
        case NetworkOutput(network, _, arguments):
            found = {parity(a) for a in arguments}
            if found == {ODD} and odd_network(network):
                return ODD
            return EVEN if found == {EVEN} else NEITHER
    return NEITHER


def odd_network(network: Feedforward) -> bool:
    """Tell whether a network is odd by its form: no biases, no products, and tanh alone."""
    return network.origin is None and all(
        step.operation in ("tanh", "sum")
        or (step.operation in ("affine", "scale") and not as_array(step.bias).any())
        for step in network.steps
    )
