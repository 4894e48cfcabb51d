"""The formulas of docs/certificate-format.md, section 4: V, its moments, its networks, and its lower bound."""

from __future__ import annotations

from certdde.functionals import Functional, Network
from certdde.reports.dialect import Dialect, Equation, Fragment
from certdde.reports.equations import Term, pack
from certdde.systems.delay_system import DelaySystem


def functional_equations(dialect: Dialect, functional: Functional, delay: str) -> list[Equation]:
    """Return the definition of V, of w, and of the moments that occur."""
    d = dialect
    terms = [Term(False, _product(d, d.word("w"), "P"), 8)]
    if functional.V0 is not None:
        terms.append(Term(False, _squared(d, "V0", d.call(d.vector("x"), d.word("t"))), 14))
    terms += [Term(False, _stored(d, functional, delay), 34), Term(False, _rates(d, delay), 34)]
    left = d.call(d.word("V"), _arguments(d, delay))
    equations = [Equation(left, pack(d, "equal", terms, 50)), _lifted(d, functional.order, delay)]
    if functional.order:
        equations.append(_moment(d, delay))
    return equations


def network_equation(
    dialect: Dialect, system: DelaySystem, name: str, network: Network
) -> Equation:
    """Return p = psi(inputs) - psi(0), with the inputs by their names."""
    d = dialect
    psi = d.sub(d.word("psi"), d.words(name))
    inputs = d.join([network_input(d, system, i) for i in network.inputs])
    right = d.row(d.call(psi, inputs), d.symbol("minus"), d.call(psi, d.number("0")))
    left = d.call(d.sub(d.word("p"), d.words(name)), d.vector("x"))
    return Equation(left, pack(d, "equal", [Term(False, right, 30)]))


def network_sizes(network: Network) -> str:
    """Return the sizes of the layers, as in ``2, 16 tanh, 4`` or ``2, 5 square + 16 tanh, 4``."""
    groups = [network.groups(l) for l in range(len(network.biases))]
    hidden = [" + ".join(f"{count} {name}" for name, count in layer) for layer in groups]
    return ", ".join([str(len(network.inputs)), *hidden, str(network.outputs)])


def network_input(dialect: Dialect, system: DelaySystem, index: int) -> str:
    """Return what a network reads: a state's deviation, or a moment of it."""
    moment, state = divmod(index, system.dimension)
    name = deviation(dialect, system, state)
    if not moment:
        return name
    return dialect.call(dialect.sub(dialect.word("Omega"), dialect.number(str(moment - 1))), name)


def deviation(dialect: Dialect, system: DelaySystem, state: int) -> str:
    """Return a state's deviation from the equilibrium, as in theta or x - 1."""
    name, rest = dialect.name(system.states[state]), float(system.equilibrium[state])
    if rest == 0:
        return name
    sign = dialect.symbol("minus" if rest > 0 else "plus")
    return dialect.row(name, sign, dialect.number(repr(abs(rest))))


def deviation_vector(dialect: Dialect, system: DelaySystem) -> str:
    """Return x = (theta, omega)."""
    d = dialect
    entries = d.join([deviation(d, system, i) for i in range(system.dimension)])
    return d.row(d.vector("x"), d.symbol("equal"), d.fence(entries))


def interval(dialect: Dialect, lower: float, upper: float) -> str:
    """Return [lower, upper] with the numbers as Python writes them."""
    d = dialect
    return d.fence(d.join([d.number(repr(float(lower))), d.number(repr(float(upper)))]), "[", "]")


def equals(left: Fragment, value: float, relation: str = "equal") -> Fragment:
    """Return left = value as a formula; ``left`` is a name or a formula."""

    def formula(d: Dialect) -> str:
        name = d.word(left) if isinstance(left, str) else left(d)
        return d.row(name, d.symbol(relation), d.number(repr(float(value))))

    return formula


def letter(name: str, index: str = "") -> Fragment:
    """Return a letter of the mathematics as a formula."""
    return lambda d: d.sub(d.word(name), d.words(index)) if index else d.word(name)


def derivative_below(dialect: Dialect) -> str:
    """Return dV/dt <= D."""
    d = dialect
    differential = d.symbol("differential")
    left = d.fraction(d.row(differential, d.word("V")), d.row(differential, d.word("t")))
    return d.row(left, d.symbol("at most"), d.word("D"))


def face_bound(dialect: Dialect, *, network: bool) -> str:
    """Return v_0(x) = x^T Ph x + |p_V0(x)|^2, the lower bound of V."""
    d = dialect
    value = _product(d, d.vector("x"), "Ph")
    if network:
        value = d.row(value, d.symbol("plus"), _squared(d, "V0", d.vector("x")))
    left = d.call(d.sub(d.word("v"), d.number("0")), d.vector("x"))
    return d.row(left, d.symbol("equal"), value)


def _product(d: Dialect, vector: str, matrix: str) -> str:
    middle = d.sub(d.word("P"), d.words("h")) if matrix == "Ph" else d.word(matrix)
    between = d.symbol("times")
    return d.row(d.sup(vector, d.symbol("transpose")), between, middle, between, vector)


def _squared(d: Dialect, name: str, argument: str) -> str:
    inner = d.call(d.sub(d.word("p"), d.words(name)), argument)
    return d.sup(d.fence(inner, "|", "|"), d.number("2"))


def _arguments(d: Dialect, delay: str) -> str:
    return d.join([d.sub(d.word("x"), d.word("t")), d.name(delay)])


def _window(d: Dialect, delay: str) -> str:
    start = d.row(d.word("t"), d.symbol("minus"), d.name(delay))
    return d.integral(start, d.word("t"))


def _differential(d: Dialect, variable: str) -> str:
    return d.row(d.symbol("times"), d.symbol("differential"), d.word(variable))


def _form(d: Dialect, vector: str, matrix: str) -> str:
    """Return v(s)^T M v(s)."""
    at = d.fence(d.word("s"))
    between = d.symbol("times")
    first = d.row(d.sup(vector, d.symbol("transpose")), at)
    return d.row(first, between, d.word(matrix), between, vector, at)


def _stored(d: Dialect, functional: Functional, delay: str) -> str:
    inner = _form(d, d.vector("x"), "S")
    if functional.W is not None:
        past = d.call(d.vector("x"), d.word("s"))
        inner = d.fence(d.row(inner, d.symbol("plus"), _squared(d, "W", past)), "[", "]")
    return d.row(_window(d, delay), inner, _differential(d, "s"))


def _rates(d: Dialect, delay: str) -> str:
    age = d.row(d.word("s"), d.symbol("minus"), d.word("t"), d.symbol("plus"), d.name(delay))
    form = _form(d, d.dot(d.vector("x")), "R")
    return d.row(_window(d, delay), d.fence(age), d.symbol("times"), form, _differential(d, "s"))


def _lifted(d: Dialect, order: int, delay: str) -> Equation:
    parts = [d.call(d.vector("x"), d.word("t"))]
    shown = range(order) if order <= 3 else (0, order - 1)
    for k in shown:
        if k == order - 1 and order > 3:
            parts.append(d.symbol("dots"))
        omega = d.sub(d.word("Omega"), d.number(str(k)))
        parts.append(d.row(d.name(delay), d.symbol("times"), omega))
    right = d.fence(d.join(parts)) if order else parts[0]
    return Equation(d.word("w"), pack(d, "equal", [Term(False, right, 20)]))


def _moment(d: Dialect, delay: str) -> Equation:
    u, tau, between = d.word("u"), d.name(delay), d.symbol("times")
    legendre = d.call(d.sub(d.word("L"), d.word("k")), u)
    time = d.row(d.word("t"), d.symbol("minus"), tau, d.symbol("plus"), u, between, tau)
    past = d.call(d.vector("x"), time)
    inner = d.row(legendre, between, past, _differential(d, "u"))
    right = d.row(d.integral(d.number("0"), d.number("1")), inner)
    left = d.sub(d.word("Omega"), d.word("k"))
    return Equation(left, pack(d, "equal", [Term(False, right, 30)]))
