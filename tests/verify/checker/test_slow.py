"""Kind "slow": what is accepted, what is refused, and the exact forms against those of the engine."""

from __future__ import annotations

import copy
from fractions import Fraction

import numpy as np
import pytest
from slow_functionals import random_slow

from certdde.inequalities import slow as words
from certdde.verify.checker import bernstein, check_file, slow_forms
from certdde.verify.checker.dissipation import rational
from certdde.verify.checker.refusal import Refused
from certdde.verify.checker.system import System

from . import maker, slow_maker, writer
from .mutations import check_each_field
from .slow_maker import PLANAR, SCALAR
from .test_reject import refused


@pytest.fixture(scope="module")
def two() -> slow_maker.Draft:
    """The scalar equation, the rate bounded on both sides."""
    return slow_maker.draft(SCALAR, [0.0, 1.45], [-0.5, 0.5])


@pytest.fixture(scope="module")
def one() -> slow_maker.Draft:
    """The same, bounded above only."""
    return slow_maker.draft(SCALAR, [0.0, 1.35], [None, 0.5])


# ---- accepted


def test_both_sides(tmp_path, two):
    seen = []
    result = check_file(two.save(tmp_path / "a"), lambda done, total: seen.append((done, total)))
    assert result.valid, result
    assert result.claim == (
        "For every locally absolutely continuous delay tau(t) with values in [0.0, 1.45] and rate tau'(t) in"
        " [-0.5, 0.5] almost everywhere, the equilibrium x = 0.0 of x' = -x(t - tau) is globally asymptotically"
        " stable."
    )
    assert result.boxes == 2 * (len(two.arrays["breaks"]) - 1) == seen[-1][0] == seen[-1][1]


def test_one_side(tmp_path, one):
    result = check_file(one.save(tmp_path / "a"))
    assert result.valid, result
    assert "rate tau'(t) at most 0.5 almost everywhere" in result.claim


@pytest.mark.parametrize("order", [0, 2])
@pytest.mark.parametrize("rate", [[-0.3, 0.2], [None, 0.2], [-2, 0.9], [0, 0]])
def test_orders_and_rates(tmp_path, order, rate):
    draft = slow_maker.draft(SCALAR, [0.0, 1.2 if order else 0.9], rate, order)
    assert check_file(draft.save(tmp_path / "a")).valid


def test_two_states(tmp_path):
    draft = slow_maker.draft(PLANAR, [0.0, 4.5], [-0.1, 0.1])
    assert check_file(draft.save(tmp_path / "a")).valid


@pytest.mark.parametrize("ends", [[0.3, 1.3], [1.2, 1.2], [0.1, 0.7]])
def test_ranges_that_do_not_begin_at_zero(tmp_path, ends):
    """Also 0.7, whose binary64 is below the decimal: the window is longer."""
    draft = slow_maker.draft(SCALAR, ends, [-0.4, 0.4])
    assert Fraction(draft.arrays["window"][0]) >= Fraction(str(ends[1]))
    assert check_file(draft.save(tmp_path / "a")).valid


def test_an_equilibrium_elsewhere_and_parameters(tmp_path):
    draft = slow_maker.draft(
        ["x' = -k*(x(t - tau) - 3)"],
        [0.0, 2.8],
        [-0.2, 0.2],
        parameters={"k": 0.5},
        equilibrium={"x": 3},
    )
    result = check_file(draft.save(tmp_path / "a"))
    assert result.valid, result
    assert "x = 3.0 of x' = -k*(x(t - tau) - 3) with k = 0.5 is globally" in result.claim


def test_weaker_claims_are_true_too(tmp_path, two, one):
    for draft in (two, one):
        low = draft.document["delay"]["rate"][0]
        for delay in (
            {"range": [0.2, 1.0]},
            {"range": [1, 1]},
            {"rate": [0, 0]},
            {"rate": [-0.1, 0.25]},
            {"rate": [low, 0.125]},
        ):
            assert check_file(draft.changed(**delay).save(tmp_path / "a")).valid, delay


# ---- false claims


def test_larger_rates(tmp_path, two, one):
    """What was found for one rate does not hold for another one that is much larger."""
    for draft in (two, one):
        low = draft.document["delay"]["rate"][0]
        assert refused(draft.changed(rate=[low, 0.99]).save(tmp_path / "a")).where != "delay.rate"
    assert "wrong sign" in refused(two.changed(rate=[-20, 0.5]).save(tmp_path / "a")).reason
    unbounded = refused(two.changed(rate=[None, 0.5]).save(tmp_path / "a"))
    assert "the slope in the rate has the wrong sign" in unbounded.reason


@pytest.mark.parametrize(
    "rate",
    [
        [None, 1],
        [-0.5, 1],
        [-0.5, 1.5],
        [None, -0.1],
        [0.1, 0.5],
        [0.5],
        [],
        [0, 0, 0],
        None,
        0.5,
        ["a", 0.5],
        [None, None],
        [0, None],
        [True, 0.5],
        [[0], 0.5],
        {"a": 1},
    ],
)
def test_rates_that_are_none(tmp_path, two, rate):
    document = copy.deepcopy(two.document)
    document["delay"]["rate"] = rate
    result = refused(writer.write(tmp_path / "a", document, two.entries()))
    assert "delay.rate" in result.where


def test_delays_beyond_the_window(tmp_path, two):
    for range_ in ([0, 1.4500001], [0, 1.6], [0, 100]):
        assert "after the window" in refused(two.changed(range=range_).save(tmp_path / "a")).reason
    longer = two.changed({"window": np.array([1.58])}, range=[0, 1.58])
    assert "wrong sign" in refused(longer.save(tmp_path / "a")).reason


def test_delays_before_the_first_break(tmp_path):
    draft = slow_maker.draft(SCALAR, [0.3, 1.3], [-0.4, 0.4])
    result = refused(draft.changed(range=[0.299, 1.3]).save(tmp_path / "a"))
    assert "before the first break" in result.reason


def test_unstable_equations(tmp_path, two, one):
    for draft in (two, one):
        for equation in ("x' = x(t)", "x' = x(t - tau)", "x' = -2*x(t - tau)", "x' = 0*x"):
            other = draft.changed()
            other.document["system"]["equations"] = [equation]
            assert "wrong sign" in refused(other.save(tmp_path / "a")).reason


def test_no_engine_answer_passes_beyond_the_constant_margin(tmp_path):
    """Constant delays belong to the class: beyond pi/2 there is nothing to find."""
    with pytest.raises(ValueError, match="no solution"):
        slow_maker.draft(SCALAR, [0.0, 1.571], [-0.01, 0.01], 2)


# ---- altered files


def test_each_array_changed(tmp_path, two, one):
    for draft in (two, one):
        for name in ("P0", "P1", "Q1", "Q2", "R1", "R2", "U"):
            array = draft.arrays[name]
            size = np.abs(array).max()
            bent = array + 10 * size * np.diag(np.arange(len(array)) % 2 - 0.5)
            skew = array + np.triu(np.full(array.shape, 1e-300), 1)
            bads = [bent, array[None], array.astype(np.float32), array[:0], array.T[:, :-1]]
            bads += [] if name == "P1" else [-array]  # P(0) + P(1) > 0 allows many P1
            bads += [skew] if len(array) > 1 and np.any(skew != array) else []
            for bad in bads:
                refused(draft.changed({name: bad}).save(tmp_path / "a"))
            lacking = copy.deepcopy(draft)
            del lacking.arrays[name]
            refused(lacking.save(tmp_path / "a"))
            refused(draft.changed({name + "3": array}).save(tmp_path / "a"))


def test_asymmetry_is_seen_in_the_last_digit(tmp_path, two):
    for name in ("P0", "P1", "Q1", "Q2"):
        bad = two.arrays[name].copy()
        bad[0, 1] = np.nextafter(bad[0, 1], np.inf)
        assert "symmetric" in refused(two.changed({name: bad}).save(tmp_path / "a")).reason


def test_nothing_but_numbers(tmp_path, two):
    for name, array in two.arrays.items():
        for value in (np.nan, np.inf):
            bad = array.copy()
            bad.flat[0] = value
            refused(two.changed({name: bad}).save(tmp_path / "a"))


def test_breaks(tmp_path, two):
    breaks = two.arrays["breaks"]
    for bad in (
        [0.0],
        [],
        [1.0],
        [0.0, 0.5],
        [0.1, 1.0],
        [0.0, 1.0, 1.0],
        [0.0, 0.7, 0.3, 1.0],
        [0.0, 2.0],
        [-0.5, 1.0],
        breaks[:-1],
        breaks[1:],
        breaks[::-1],
        np.linspace(0, 1, 5000),
    ):
        refused(two.changed({"breaks": np.array(bad, dtype=float)}).save(tmp_path / "a"))
    coarse = two.changed({"breaks": np.array([0.0, 1.0])})
    assert "wrong sign" in refused(coarse.save(tmp_path / "a")).reason
    finer = np.sort(np.concatenate([breaks, (breaks[1:] + breaks[:-1]) / 2]))
    assert check_file(two.changed({"breaks": finer}).save(tmp_path / "a")).valid


def test_windows(tmp_path, two):
    for bad in ([0.0], [-1.45], [1.0], [1e300], [1.45, 1.45], []):
        refused(two.changed({"window": np.array(bad, dtype=float)}).save(tmp_path / "a"))


def test_other_kinds_and_entries(tmp_path, two):
    entries, document = two.entries(), two.document | {"claim": slow_maker.claim(two.document)}
    for bad in ({}, {"part0.npz": entries["slow.npz"]}, entries | {"x": b""}):
        refused(writer.write(tmp_path / "a", document, bad))
    for kind in ("krasovskii", "spectral", "several"):
        refused(writer.write(tmp_path / "a", document | {"kind": kind}, entries))
    other = maker.linear_scalar(1)
    other.document["kind"] = "slow"
    refused(other.save(tmp_path / "a"))
    for name in ("constant", "measurable", "several"):
        delay = document["delay"] | {"class": name}
        refused(writer.write(tmp_path / "a", document | {"delay": delay}, entries))


def test_a_global_claim_is_for_a_linear_system(tmp_path, two):
    for region in (
        {"domain": None, "level": [1], "radius": None, "area": None},
        {"domain": None, "level": None, "radius": {"rho": 1, "rho_rate": 1}, "area": None},
        {"domain": {"x": [-1, 1]}, "level": None, "radius": None, "area": None},
    ):
        draft = two.changed()
        draft.document["region"] = region
        draft.document["system"]["domain"] = region["domain"]
        refused(writer.write(tmp_path / "a", draft.document, draft.entries()))
    for equation in ("x' = -sin(x(t - tau))", "x' = -x(t - tau) + x^3", "x' = -x(t - 2*tau)"):
        draft = two.changed()
        draft.document["system"]["equations"] = [equation]
        refused(draft.save(tmp_path / "a"))
        draft.document["proof"]["nonlinear"] = {"states": ["x"], "delayed": ["x"]}
        refused(draft.save(tmp_path / "a"))
    for order in (0, 2, 7, 1.5, -1):
        draft = two.changed()
        draft.document["functional"]["order"] = order
        refused(draft.save(tmp_path / "a"))


@pytest.mark.parametrize("reclaim", [False, True])
def test_each_field(tmp_path, two, reclaim):
    """Any change is refused, except of information, or where a weaker or equal claim is still true."""
    base, entries = copy.deepcopy(two.document), two.entries()
    base["claim"] = slow_maker.claim(base)
    check_each_field(tmp_path / "a", base, entries, slow_maker.claim, still_true, reclaim=reclaim)


def still_true(path: tuple, old, new) -> bool:
    """Whether the new claim follows from the old one, or is the same."""
    if path[:2] == ("delay", "range"):
        return 0 <= new <= 1.45
    if path[:2] == ("delay", "rate"):
        return -0.55 <= new <= 0.55  # the form has some room beyond 0.5
    if path == ("system", "parameters"):
        return new == old | {"extra": 1}
    return path[:2] == ("system", "equations") and new.strip() == old


# ---- the forms


def exact_functional(v, n):
    matrices = [rational(v.matrices[k]) for k in ("P0", "P1", "Q1", "Q2", "R1", "R2", "U")]
    return slow_forms.Slow(n, v.order, Fraction(v.window), *matrices)


def numbers(matrix):
    return np.array([[float(value) for value in row] for row in matrix])


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_the_forms_are_those_of_the_engine(order):
    """Which are compared with V itself in tests/inequalities/test_slow.py; the two share no code."""
    n, rng = 2, np.random.default_rng(order)
    v = random_slow(n, order, order, window=1.75)
    present, delayed = rng.integers(-4, 5, (2, n, n)) / 4
    table = tuple(
        {j: Fraction(float(c)) for j, c in enumerate([*present[i], *delayed[i]]) if c != 0}
        for i in range(n)
    )
    system, exact = System(n, (), table, (None,) * n, None), exact_functional(v, n)
    rows = words.linear_rows(present, delayed, order, v.window)
    for alpha, rate in ((0.25, 0.5), (0.0, -0.75), (1.0, 0.25)):
        a, r = Fraction(alpha), Fraction(rate)
        ours = words.value(words.dissipation_terms(rows, alpha, rate, (0.75, 1.5)), v.matrices)
        near, far = map(numbers, slow_forms.damping(exact, r))
        theirs = (
            numbers(slow_forms.dissipation(exact, system.linear, a, r)) - 0.75 * near - 1.5 * far
        )
        np.testing.assert_allclose(theirs, ours, atol=1e-10)
        ours = words.value(words.slope_terms(n, order, alpha, 0.75), v.matrices)
        theirs = numbers(slow_forms.slope(exact, a))
        theirs = theirs + 0.75 * numbers(slow_forms.slope_damping(exact))
        np.testing.assert_allclose(theirs, ours, atol=1e-10)
        s1, s2 = (
            q[:n, :n] - q[:n, n:] @ np.linalg.solve(q[n:, n:], q[n:, :n]) for q in (v.Q1, v.Q2)
        )
        low = words.positivity_terms(n, order, alpha)
        ours = words.value(low, v.matrices | {"S1": s1, "S2": s2})
        np.testing.assert_allclose(numbers(slow_forms.lower(exact, a)), ours, atol=1e-9)


def polynomial(values, at_):
    """The value at a point of the polynomial through values at 0, 1/d, .., 1."""
    points = bernstein.nodes(len(values) - 1)
    total = Fraction(0)
    for i, value in enumerate(values):
        weight = Fraction(1)
        for j, p in enumerate(points):
            if j != i:
                weight *= (at_ - p) / (points[i] - p)
        total += weight * value
    return total


@pytest.mark.parametrize("degree", [1, 2, 4, 6])
def test_bernstein_coefficients_on_a_piece_are_exact(degree):
    from math import comb

    rng = np.random.default_rng(degree)
    values = [Fraction(int(k)) for k in rng.integers(-9, 10, degree + 1)]
    a, b = Fraction(1, 7), Fraction(5, 8)
    change = bernstein.to_bernstein(degree)
    whole = [sum(c * v for c, v in zip(row, values, strict=True)) for row in change]
    on_piece = [
        sum(c * v for c, v in zip(row, whole, strict=True))
        for row in bernstein.restriction(degree, a, b)
    ]
    for s in (Fraction(0), Fraction(1, 3), Fraction(1)):
        mixed = sum(
            comb(degree, j) * s**j * (1 - s) ** (degree - j) * c for j, c in enumerate(on_piece)
        )
        assert mixed == polynomial(values, a + (b - a) * s)
    assert all(sum(row) == 1 for row in bernstein.restriction(degree, a, b))


def test_families_of_numbers():
    """c - 1/alpha style forms: positive only where a piece shows it."""

    def form(values, near, far):
        square = [[[Fraction(v)]] for v in values]
        return bernstein.family(square, [[Fraction(near)]], [[Fraction(far)]], 1)

    count = lambda _: None  # noqa: E731
    fine, rough = [Fraction(k, 16) for k in range(17)], [Fraction(0), Fraction(1)]
    bernstein.check(form([-1, 0, 1], 1, 0), fine, "it", count)  # 2 alpha - 1 + 1/alpha > 0
    for values, near, far, breaks in (
        ([0, 0, 0], 0, 0, fine),
        ([1, -1, 1], 0, 0, fine),
        ([-5, -5, -5], 1, 0, fine),
        ([-3.75] * 3, 1, 1, rough),  # true: 1/alpha + 1/(1 - alpha) >= 4
        ([1, 0, 0], 0, 0, fine),
    ):
        with pytest.raises(Refused, match="wrong sign"):
            bernstein.check(form(values, near, far), breaks, "it", count)
    bernstein.check(form([-3.75] * 3, 1, 1), fine, "it", count)
