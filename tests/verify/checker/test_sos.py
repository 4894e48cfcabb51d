"""Kind "sos": what is accepted, what is refused, and its lemmas against quadrature and samples."""

from __future__ import annotations

import copy
import functools
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from example_systems import hutchinson, logistic
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import Polynomial as Series
from numpy.polynomial.legendre import Legendre

from certdde.systems.delay_system import DelaySystem
from certdde.verify.checker import check_file, polynomial, sos_forms, sos_part
from certdde.verify.checker.refusal import Refused
from certdde.verify.checker.system import System
from certdde.verify.checker.tree import Node

from . import sos_maker, writer
from .mutations import check_each_field, replaced
from .test_reject import refused


def van_der_pol(size: float = 1.25) -> DelaySystem:
    return DelaySystem.from_equations(
        ["x1' = -x2", "x2' = x1 - (1 - x1^2)*x2(t - tau)"],
        domain={"x1": [-size, size], "x2": [-size, size]},
    )


@functools.cache
def _good(name: str) -> sos_maker.Draft:
    if name == "plain":
        part = sos_maker.part(hutchinson(), 0.3, 0.6, 1)
        return sos_maker.draft(hutchinson(), [part], [0.3, 0.6])
    if name == "moments":
        part = sos_maker.part(hutchinson(), 1.2, 1.3, 2, moments=1)
        return sos_maker.draft(hutchinson(), [part], [1.2, 1.3])
    if name == "two parts":
        parts = [sos_maker.part(logistic(), *ends, 1) for ends in ((0.0, 0.2), (0.2, 0.5))]
        return sos_maker.draft(logistic(), parts, [0.0, 0.5])
    part = sos_maker.part(van_der_pol(), 0.0, 0.5, 1)
    return sos_maker.draft(van_der_pol(), [part], [0.0, 0.5])


def good(name: str = "plain") -> sos_maker.Draft:
    return copy.deepcopy(_good(name))


@pytest.mark.parametrize("name", ["plain", "moments", "two parts", "two states"])
def test_a_true_certificate_is_accepted(name, tmp_path):
    draft = good(name)
    result = check_file(draft.save(tmp_path / "a"))
    assert result.valid, result
    assert result.claim == draft.document["claim"]
    assert result.boxes == sum(
        sum(key.endswith(".gram") for key in arrays) for arrays in draft.arrays
    )


# ---- claims that are false


@pytest.mark.parametrize(
    "equation",
    [
        "x' = (1 + x)*x(t - tau)",
        "x' = -(1 + 9*x)*x(t - tau)",
        "x' = -5*(1 + x)*x(t - tau)",
        "x' = 0*x*x(t - tau)",
        "x' = -x*x(t - tau)",
        "x' = -(1 + x)*x(t - tau) + 2*x",
        "x' = -(1 + x)*x(t - tau) + x^2*x(t - tau)^4",
    ],
)
def test_other_equations_are_refused(equation, tmp_path):
    draft = good()
    draft.document["system"]["equations"] = [equation]
    refused(draft.save(tmp_path / "a"))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("delay", "range"), [0.2, 0.6]),
        (("delay", "range"), [0.3, 0.7]),
        (("region", "level"), [1.1]),
        (("region", "level"), [1e-9]),
        (("region", "level"), [0.9, 0.9]),
        (("region", "level"), [-0.5]),
        (("region", "level"), None),
        (("region", "radius"), {"rho": 0.49, "rho_rate": 5.0}),
        (("region", "radius"), {"rho": 0.6, "rho_rate": 0.001}),
        (("region", "radius"), None),
        (("functional", "parts"), [{"degree": 2}]),
        (("functional", "parts"), [{"degree": 3}]),
        (("functional", "parts"), [{"degree": 22}]),
        (("functional", "parts"), []),
        (("functional", "parts"), [{"degree": 4}, {"degree": 4}]),
        (("functional", "order"), 2),
        (("functional", "order"), 0),
        (("proof", "nonlinear"), {"states": ["x"], "delayed": []}),
        (("delay", "class"), "measurable"),
    ],
)
def test_larger_claims_are_refused(path, value, tmp_path):
    draft = good()
    draft.document = replaced(draft.document, path, value)
    try:
        claim = writer.claim(draft.document)
    except (TypeError, KeyError):
        claim = good().document["claim"]
    file = writer.write(tmp_path / "a", draft.document | {"claim": claim}, draft.entries())
    refused(file)


def test_a_larger_domain_is_refused(tmp_path):
    for wide in ([-0.6, 1.0], [-0.5, 1.2]):
        draft = good()
        for section in ("system", "region"):
            draft.document[section]["domain"] = {"x": wide}
        refused(draft.save(tmp_path / "a"))


def test_a_linear_system_without_a_domain_is_refused(tmp_path):
    draft = good()
    draft.document["system"] |= {"equations": ["x' = -x(t - tau)"], "domain": None}
    draft.document["region"] = {"domain": None, "level": None, "radius": None, "area": None}
    draft.document["proof"]["nonlinear"] = {"states": [], "delayed": []}
    assert refused(draft.save(tmp_path / "a")).where == "system.domain"


def test_equations_that_are_no_polynomials_are_refused(tmp_path):
    for term in ("sin(x)", "x/(1 + x)", "exp(x(t - tau)) - 1", "(1 + x)^(-1) - 1"):
        draft = good()
        draft.document["system"]["equations"] = [f"x' = -(1 + x)*x(t - tau) + {term}"]
        assert "not a polynomial" in refused(draft.save(tmp_path / "a")).reason


def test_a_gap_between_parts_is_refused(tmp_path):
    draft = good("two parts")
    draft.arrays[1]["breaks"] = draft.arrays[1]["breaks"] + 1e-9
    assert refused(draft.save(tmp_path / "a")).where == "delay.range"


# ---- arrays


@pytest.mark.parametrize("name", ["plain", "two states"])
def test_each_array_is_needed_and_of_its_type(name, tmp_path):
    arrays = good(name).arrays[0]
    kept = [key for k, key in enumerate(arrays) if name == "plain" or k % 9 == 0]
    for key in kept:
        array = arrays[key]
        others = [None, array.astype("<f4"), array[:-1], array[None]]
        others += [array.astype("<i8" if array.dtype.kind == "f" else "<f8")]
        if array.dtype.kind == "f" and array.size:
            others += [np.full_like(array, np.nan), np.full_like(array, np.inf)]
            others += [-array, 0 * array, array + 1.0, array - 1.0]
        else:
            others += [array + 1, array - 1, np.concatenate([array, array])]
        for k, other in enumerate(others):
            if other is not None and other.dtype == array.dtype and np.array_equal(other, array):
                continue
            draft = good(name).changed(**{key.replace(".", "__"): other})
            result = check_file(draft.save(tmp_path / "a"))
            assert result.where != "checker", (key, k, result)
            spare = key in ("S", "V0.values", "W.values", "R", "B", "P") and k >= 8
            mended = ".gram" in key and k >= 7  # where every monomial has one entry
            assert not result.valid or spare or mended, (key, k)


def test_unknown_arrays_are_refused(tmp_path):
    for key in ("extra", "D9_0.basis", "W.basis9", "face2.gram", "V0.gram", "codes"):
        draft = good()
        draft.arrays[0][key] = np.ones((1, 1))
        assert "unknown arrays" in refused(draft.save(tmp_path / "a")).reason


def test_a_basis_without_a_variable_or_with_one_is_refused(tmp_path):
    draft = good()
    basis, gram = draft.arrays[0]["D0_0.basis"], draft.arrays[0]["D0_0.gram"]
    last = basis.sum(1).tolist().index(1)
    rest = [k for k in range(len(basis)) if k != last]
    refused(
        draft.changed(D0_0__basis=basis[rest], D0_0__gram=gram[np.ix_(rest, rest)]).save(
            tmp_path / "a"
        )
    )
    more = np.vstack([basis, np.zeros((1, 3), dtype=np.int64)])
    wide = np.eye(len(more))
    wide[:-1, :-1] = gram
    refused(draft.changed(D0_0__basis=more, D0_0__gram=wide).save(tmp_path / "a"))


def test_the_faces_need_a_margin(tmp_path):
    """Without 1 among the monomials nothing keeps the bound of V away from the level."""
    draft = good("two states")
    basis, gram = draft.arrays[0]["face0.basis"], draft.arrays[0]["face0.gram"]
    keep = basis.sum(1) > 0
    other = draft.changed(face0__basis=basis[keep], face0__gram=gram[np.ix_(keep, keep)])
    refused(other.save(tmp_path / "a"))


def test_a_functional_that_is_negative_somewhere_is_refused(tmp_path):
    draft = good()
    for key in ("P", "B", "R"):
        refused(draft.changed(**{key: -10 * np.abs(draft.arrays[0][key])}).save(tmp_path / "a"))
    p = draft.arrays[0]["V0.values"]
    refused(draft.changed(V0__values=p - 100).save(tmp_path / "a"))
    q = draft.arrays[0]["W.values"]
    refused(draft.changed(W__values=q - 100).save(tmp_path / "a"))


@pytest.mark.parametrize("reclaim", [False, True])
def test_each_field(tmp_path, reclaim):
    """Any change is refused, except of information, or where the new claim follows as well."""
    draft = good()
    base, entries = draft.document, draft.entries()
    check_each_field(
        tmp_path / "a",
        base,
        entries,
        writer.claim,
        _follows,
        reclaim=reclaim,
        unseen=("degree", "equilibrium"),
    )


def _follows(path: tuple, old: object, new: object) -> bool:
    """Whether a changed claim is no more than the old one."""
    if path == ("delay", "range", 0):
        return old <= new <= 0.6
    if path == ("delay", "range", 1):
        return 0.3 <= new <= old
    if path[:2] in {("region", "level"), ("region", "radius")}:
        return path[-1] in (0, "rho", "rho_rate") and 0 < new < old * 1.001
    if path[-1] == "degree":
        return new % 2 == 0 and 4 <= new <= 20
    if path[:2] == ("system", "equations") and len(path) == 3:
        return new.strip() == old
    if path == ("system", "parameters"):
        return new == {"extra": 1}  # it is not used
    return path == ("system", "equilibrium") and new == {}


# ---- sums of squares


def _terms(values: dict) -> polynomial.Terms:
    return {m: Fraction(c) for m, c in values.items()}


def test_polynomials_multiply_as_numbers_do():
    x, y = (polynomial.variable(k, 2) for k in range(2))
    one = polynomial.constant(Fraction(1, 3), 2)
    z = (x + one) * (x + -y) * y.apply("pow", 3)
    for a, b in ((Fraction(2), Fraction(-1, 7)), (Fraction(0), Fraction(5))):
        value = sum(c * a ** m[0] * b ** m[1] for m, c in z.terms.items())
        assert value == (a + Fraction(1, 3)) * (a - b) * b**3


def test_powers_and_functions_of_constants():
    two = polynomial.constant(Fraction(2), 1)
    assert two.apply("pow", -3).terms == {(0,): Fraction(1, 8)}
    assert polynomial.constant(Fraction(1), 1).apply("log").terms == {}
    for name, exponent in (("sin", 0), ("pow", -1), ("exp", 0)):
        with pytest.raises(Refused):
            polynomial.variable(0, 1).apply(name, exponent)


def _arrays(basis: list, gram: np.ndarray, **more: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "I.basis": np.array(basis, dtype=np.int64),
        "I.gram": np.array(gram, dtype=float),
        **more,
    }


BOX = ((Fraction(-1), Fraction(1)),)


def test_a_square_is_recognised_though_the_stored_matrix_is_rounded():
    target = _terms({(2,): 3, (4,): Fraction(1, 3)})
    gram = np.array([[2.9999, 0.0], [0.0, 0.3333]])
    assert polynomial.check_squares(target, _arrays([(1,), (2,)], gram), "I", BOX) == [(1,), (2,)]


def test_what_is_positive_on_the_box_alone_needs_a_multiplier():
    target = _terms(
        {(2,): 1, (4,): Fraction(-1, 2)}
    )  # x^2 - x^4/2 = x^2 (1 - x^2) * .6 + .4 x^2 + .1 x^4
    plain = _arrays([(1,), (2,)], np.eye(2))
    with pytest.raises(Refused):
        polynomial.check_squares(target, dict(plain), "I", BOX)
    more = {"I.basis0": np.array([[1]]), "I.gram0": np.array([[0.6]])}
    polynomial.check_squares(target, plain | more, "I", BOX)
    with pytest.raises(Refused):  # a multiplier must be positive, whatever it proves
        polynomial.check_squares(
            _terms({(2,): -1, (4,): 2}),
            plain | {"I.basis0": np.array([[1]]), "I.gram0": np.array([[-1.5]])},
            "I",
            BOX,
        )


def test_a_monomial_that_the_basis_does_not_produce_is_refused():
    target = _terms({(2,): 1, (3,): 1, (6,): 1})
    with pytest.raises(Refused, match="does not produce"):
        polynomial.check_squares(target, _arrays([(1,), (2,)], np.eye(2)), "I", BOX)
    with pytest.raises(Refused, match="does not produce"):  # no constant, no linear term without 1
        polynomial.check_squares(_terms({(1,): 1, (2,): 1}), _arrays([(1,)], np.eye(1)), "I", BOX)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-3, 3), min_size=5, max_size=5),
    st.lists(st.floats(-2, 2), min_size=9, max_size=9),
    st.floats(0, 2),
)
def test_no_gram_matrix_proves_what_is_false(coefficients, entries, multiplier):
    """Whatever is accepted is positive at all points of the box but 0."""
    target = {(k + 2,): Fraction(c) for k, c in enumerate(coefficients) if c}
    half = np.array(entries).reshape(3, 3)
    arrays = _arrays([(1,), (2,), (3,)], half + half.T + 3 * np.eye(3))
    arrays |= {"I.basis0": np.array([[1]]), "I.gram0": np.array([[multiplier]])}
    try:
        polynomial.check_squares(target, arrays, "I", BOX)
    except Refused:
        return
    for x in np.linspace(-1, 1, 41):
        value = sum(float(c) * x ** m[0] for m, c in target.items())
        assert value > 0 or abs(x) < 1e-9


# ---- the derivative


def _system() -> System:
    """x1' = y2 - x1 + x1^2 y2 / 3, x2' = -x1 - y1 y2, of both states' delayed values."""
    var = [Node("var", value=Fraction(k)) for k in range(4)]
    third = Node("const", value=Fraction(1, 3))
    square = Node("*", (var[0], var[0]))
    rest = (
        Node("*", (third, Node("*", (square, var[3])))),
        Node("neg", (Node("*", (var[2], var[3])),)),
    )
    linear = ({3: Fraction(1), 0: Fraction(-1)}, {0: Fraction(-1)})
    return System(2, (0, 2, 3), linear, rest, ((Fraction(-1), Fraction(1)),) * 2)


def _functional(order: int, rng: np.random.Generator) -> sos_forms.Functional:
    def matrix(size: int) -> list[list[Fraction]]:
        half = rng.integers(-4, 5, (size, size))
        return [[Fraction(int(a), 8) for a in row] for row in half + half.T]

    m = 2 * (order + 1)
    v0 = {}
    for _ in range(5):
        exponents = [0] * m
        for _ in range(int(rng.integers(3, 5))):
            exponents[int(rng.integers(m))] += 1
        v0[tuple(exponents)] = Fraction(int(rng.integers(-8, 9)), 8)
    w = {(3, 0): Fraction(1, 4), (1, 2): Fraction(-1, 2), (0, 4): Fraction(1)}
    return sos_forms.Functional(matrix(m), matrix(2), matrix(2), v0, w)


def _value(v: sos_forms.Functional, path, tau: float, at_: float, order: int) -> float:
    """V at time at_ by Gauss quadrature on both sides of 0, where the path has a corner."""
    nodes, weights = np.polynomial.legendre.leggauss(24)
    pieces = [(at_ - tau, 0.0), (0.0, at_)] if at_ > 0 else [(at_ - tau, at_)]
    x = path(at_)[0]
    moments, inside = [np.zeros(2) for _ in range(order)], 0.0
    for a, b in pieces:
        for node, weight in zip(nodes, weights, strict=True):
            s, ds = (a + b) / 2 + (b - a) / 2 * node, weight * (b - a) / 2
            state, slope = path(s)
            u = (s - at_ + tau) / tau
            for k in range(order):
                moments[k] = moments[k] + ds * Legendre.basis(k)(2 * u - 1) * state
            inside += ds * (
                _form(v.s, state) + _poly(v.w, state) + (s - at_ + tau) * _form(v.r, slope)
            )
    w = np.concatenate([x, *moments])
    return _form(v.p, w) + _poly(v.v0, w) + inside


def _form(matrix, x) -> float:
    return float(x @ np.array(matrix, dtype=float) @ x)


def _poly(terms, x) -> float:
    return sum(float(c) * float(np.prod(np.power(x, m))) for m, c in terms.items())


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_the_derivative_is_that_of_v(order):
    """For histories whose derivative is a polynomial of degree <= N Bessel's inequality is an equality: dV/dt = D."""
    rng, system, tau = np.random.default_rng(order), _system(), 0.7
    v = _functional(order, rng)
    form = sos_forms.dissipation(system, v, order)
    history = [Series(rng.normal(size=order + 2)) for _ in range(2)]
    slopes = [h.deriv() for h in history]
    x, y = (np.array([h(s) for h in history]) for s in (0.0, -tau))
    f = np.array([y[1] - x[0] + x[0] ** 2 * y[1] / 3, -x[0] - y[0] * y[1]])

    def path(s: float):
        if s > 0:
            return x + s * f, f
        return np.array([h(s) for h in history]), np.array([d(s) for d in slopes])

    nodes, weights = np.polynomial.legendre.leggauss(24)
    u = (1 + nodes) / 2
    moments = [
        np.array(
            [np.sum(weights / 2 * Legendre.basis(k)(nodes) * h(tau * (u - 1))) for h in history]
        )
        for k in range(order)
    ]
    point = np.concatenate([x, y, *moments, [tau, 1 / tau]])
    h = 1e-4  # a one-sided difference of second order
    values = [_value(v, path, tau, k * h, order) for k in range(3)]
    slope = (-3 * values[0] + 4 * values[1] - values[2]) / (2 * h)
    assert _poly(form, point) == pytest.approx(slope, rel=2e-4, abs=2e-4)


@pytest.mark.parametrize("order", [1, 2])
def test_the_coefficients_bound_the_derivative(order):
    rng, breaks = (
        np.random.default_rng(1),
        [Fraction(0), Fraction(1, 4), Fraction(1, 2), Fraction(1)],
    )
    v = _functional(order, rng)
    r = np.array(v.r, dtype=float)
    v = sos_forms.Functional(v.p, v.s, [[Fraction(a) for a in row] for row in (r @ r)], v.v0, v.w)
    form = sos_forms.dissipation(_system(), v, order)
    found = dict(sos_forms.coefficients(form, breaks))
    degree = len(found) // 3 - 1
    for j, (s, t) in enumerate(((0, 0.25), (0.25, 0.5), (0.5, 1))):
        for tau in np.linspace(s, t, 5)[1:]:
            point = rng.normal(size=2 * (order + 2))
            value = _poly(form, [*point, tau, 1 / tau])
            largest = max(_poly(found[f"D{j}_{e}"], point) for e in range(degree + 1))
            assert value <= largest + 1e-9 * (1 + abs(largest))


def test_bernstein_coefficients_of_powers():
    s, t = Fraction(1, 3), Fraction(2)
    for degree in (1, 3, 5):
        for k in range(degree + 1):
            tau = Fraction(3, 4)
            u = (tau - s) / (t - s)
            value = sum(
                comb(degree, e)
                * u**e
                * (1 - u) ** (degree - e)
                * sos_forms.bernstein(k, degree, e, s, t)
                for e in range(degree + 1)
            )
            assert value == tau**k


def test_the_ranges_of_moments_hold_for_random_histories():
    rng, domain = np.random.default_rng(0), ((Fraction(-1, 2), Fraction(2)),)
    box = sos_part.moments(domain, 4, Fraction(3))
    u = (np.arange(400) + 0.5) / 400
    for trial in range(200):
        raw = rng.uniform(-0.5, 2.0, 400)
        steps = np.where(np.sin(rng.uniform(0, 20) * u + trial) > 0, -0.5, 2.0)
        values = steps if trial % 2 else raw
        for k, (lo, hi) in enumerate(box):
            moment = 3 * float(np.mean(Legendre.basis(k)(2 * u - 1) * values))
            assert lo <= moment <= hi
    assert sos_part.moments(domain, 0, Fraction(3)) == ()
