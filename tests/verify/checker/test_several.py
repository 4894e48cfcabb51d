"""Kind "several", and multiples of a delay: what is accepted, what is refused, and the forms against quadrature."""

from __future__ import annotations

import copy
import json
from fractions import Fraction

import numpy as np
import pytest

from certdde.functionals.windows import WindowedFunctional
from certdde.inequalities.legendre import reciprocal_minorant
from certdde.inequalities.windows import linear_rows, window_forms
from certdde.verify.checker import check_file, windows
from certdde.verify.checker.dissipation import rational
from certdde.verify.checker.refusal import Refused
from certdde.verify.checker.system import System
from certdde.verify.spectral import several_abscissa

from . import maker, several_maker, spectral_maker, writer
from .mutations import check_each_field
from .test_reject import refused


@pytest.fixture(scope="module")
def pair() -> several_maker.Draft:
    return several_maker.pair()


@pytest.fixture(scope="module")
def tree() -> several_maker.Draft:
    return several_maker.tree()


@pytest.fixture(scope="module")
def multiples() -> spectral_maker.Draft:
    return several_maker.multiples()


# ---- accepted


def test_two_delays(tmp_path, pair):
    seen = []
    result = check_file(pair.save(tmp_path / "a"), lambda done, total: seen.append((done, total)))
    assert result.valid, result
    assert result.rigor == "rigorous"
    assert result.claim == (
        "For all constant delays tau1 in [0.0, 1.25], tau2 in [0.0, 1.25], the equilibrium x = 0.0 of"
        " x' = -0.7*x(t - tau1) - 0.4*x(t - tau2) is globally asymptotically stable."
    )
    assert seen == [(1, 1)]


@pytest.mark.parametrize("order", [0, 2, 3])
def test_orders(tmp_path, order):
    assert check_file(several_maker.pair(1.2, order).save(tmp_path / "a")).valid


def test_a_tree_of_boxes(tmp_path, tree):
    result = check_file(tree.save(tmp_path / "a"))
    assert result.valid, result
    assert result.boxes == 3


def test_two_states(tmp_path):
    assert check_file(several_maker.benchmark().save(tmp_path / "a")).valid


def test_smaller_ranges_and_known_delays(tmp_path, pair):
    for ranges in ([[0.1, 0.2], [0, 1]], [[0.5, 0.5], [0.3, 1.25]], [[1.25, 1.25], [1.1, 1.1]]):
        assert check_file(pair.claiming(*ranges).save(tmp_path / "a")).valid


def test_multiples_in_several_windows(tmp_path):
    """One delay taken once and twice, and another one three times; an equilibrium elsewhere, a parameter."""
    one = np.eye(1)
    matrices = (0 * one, {(0, 1): -0.5 * one, (0, 2): -0.25 * one, (1, 3): -0.25 * one})
    draft = several_maker.draft(
        ["x' = -k*(x(t - a) - 3) - (x(t - 2*a) - 3)/4 - 0.25*(x(t - 3 * b) - 3)"],
        matrices,
        {"a": [0, 0.5], "b": [0.25, 0.5]},
        [[[0, 0.5], [0.25, 0.5]]],
        [254],
        parameters={"k": 0.5},
        equilibrium={"x": 3},
    )
    result = check_file(draft.save(tmp_path / "a"))
    assert result.valid, result
    assert "with k = 0.5 is globally" in result.claim
    wrong = draft.about("x' = -k*(x(t - 9*a) - 3) - (x(t - 2*a) - 3)/4 - 0.25*(x(t - 3 * b) - 3)")
    refused(wrong.save(tmp_path / "a"))


def test_one_delay_with_multiples(tmp_path):
    draft = several_maker.draft(
        several_maker.FRICTION_TEXT,
        several_maker.FRICTION,
        {"tau": [0.4, 0.6]},
        [[[0.375, 0.625]]],
        [254],
        order=2,
    )
    result = check_file(draft.save(tmp_path / "a"))
    assert result.valid, result
    assert result.claim.startswith("For every constant delay tau in [0.4, 0.6], the equilibrium")


def test_multiples_in_kind_spectral(tmp_path, multiples):
    result = check_file(multiples.save(tmp_path / "a"))
    assert result.valid, result
    assert "x(t - 2*tau) is globally asymptotically stable" in result.claim
    near = several_maker.undelayed()
    assert check_file(near.save(tmp_path / "a")).valid


# ---- refused: false claims


UNSTABLE = (
    "x' = 0.7*x(t - tau1) - 0.4*x(t - tau2)",
    "x' = -0.7*x(t - tau1) + 0.8*x(t - tau2)",
    "x' = -0.9*x(t - tau1) - 0.9*x(t - tau2)",
    "x' = x - 0.7*x(t - tau1) - 0.4*x(t - tau2)",
    "x' = -0.7*x(t - 2*tau1) - 0.4*x(t - 2*tau2)",
    "x' = -0.7*x(t - tau1) - 0.4*x(t - 9*tau2)",
    "x' = 0*x(t - tau1) - 0*x(t - tau2)",
)


@pytest.mark.parametrize("equation", UNSTABLE)
def test_unstable_equations(tmp_path, pair, equation):
    refused(pair.about(equation).save(tmp_path / "a"))


def test_delays_beyond_stability(tmp_path, pair):
    """The square is stable up to pi/2.2 = 1.42799: neither wider claims nor wider breaks pass."""
    for end in (1.2500001, 1.4, 1.5, 3.0):
        wider = pair.claiming([0, end], [0, 1.25])
        assert "do not cover" in refused(wider.save(tmp_path / "a")).reason
    for end in (1.43, 1.5, 3.0):
        both = pair.claiming([0, end], [0, end])
        ends = np.array([0, several_maker.above(end)])
        assert (
            "D is not"
            in refused(both.changed(breaks0=ends, breaks1=ends).save(tmp_path / "a")).reason
        )
        with pytest.raises(ValueError, match="no solution"):
            several_maker.pair(end, 3)


def test_the_trap_between_points(tmp_path):
    """Stable for tau1 = tau2 = 6, but not for tau1 = tau2 = pi: a proof at points would not do."""
    matrices = (np.array([[0.0, 1], [-1, -1]]), {})
    for j in (0, 1):
        matrices[1][j, 1] = np.array([[0, 0], [0, -0.5]])
    text = ["x' = v", "v' = -x - v - 0.5*v(t - tau1) - 0.5*v(t - tau2)"]
    delays = {"tau1": [5.9, 6.0], "tau2": [5.9, 6.0]}
    good = several_maker.draft(text, matrices, delays, [[[5.9, 6.0]] * 2], [254], order=4)
    point = good.changed(breaks0=np.array([5.875, 6.0]), breaks1=np.array([5.875, 6.0]))
    assert check_file(point.save(tmp_path / "a")).valid
    wide = good.claiming([0, 6], [0, 6])
    for breaks in ([0.0, 6.0], np.linspace(0, 6, 41)):
        ends = np.array(breaks)
        refused(wide.changed(breaks0=ends, breaks1=ends).save(tmp_path / "a"))


def test_stable_samples_of_whatever_is_accepted(tmp_path):
    """Random systems and data, right and bent: where the checker agrees, the spectrum does, all over the box."""
    rng, accepted = np.random.default_rng(0), 0
    for trial in range(60):
        n, m = int(rng.integers(1, 3)), int(rng.integers(1, 3))
        names = [f"t{j}" for j in range(m)]
        states = [f"s{i}" for i in range(n)]
        present = np.round(rng.normal(size=(n, n)) - 1.2 * np.eye(n), 2)
        delayed = {(j, 1): np.round(rng.normal(size=(n, n)), 2) for j in range(m)}
        ends = np.round(rng.uniform(0.05, 1.5, m), 2).tolist()
        text = [
            f"{states[i]}' = "
            + " + ".join(f"({present[i, k]})*{states[k]}" for k in range(n))
            + "".join(
                f" + ({delayed[j, 1][i, k]})*{states[k]}(t - {names[j]})"
                for j in range(m)
                for k in range(n)
            )
            for i in range(n)
        ]
        try:
            draft = several_maker.draft(
                text,
                (present, delayed),
                dict(zip(names, [[0, end] for end in ends], strict=True)),
                [[[0, several_maker.above(end)] for end in ends]],
                [254],
            )
        except ValueError:
            continue
        if trial % 3 == 0:  # another system than the data are for
            change = 1 + rng.normal() / 2
            draft = draft.about(*(t.replace(")*", f")*{change:.3f}*", 1) for t in text))
            present = present.copy()
            present[:, 0] *= float(f"{change:.3f}")
        if not check_file(draft.save(tmp_path / "a")).valid:
            continue
        accepted += 1
        for _ in range(12):
            lags = [(rng.uniform(0, end), delayed[j, 1]) for j, end in enumerate(ends)]
            assert several_abscissa(present, lags) < 0
    assert accepted > 10


# ---- refused: altered files


def test_codes(tmp_path, tree):
    for codes in (
        [254],
        [0, 254, 254],
        [0, 254, 1, 254],
        [0, 254, 1, 254, 254, 254],
        [1, 254, 0, 254, 254],
        [0, 1, 254, 254, 254],
        [0, 254, 2, 254, 254],
        [0, 255, 1, 254, 254],
        [0, 254, 253, 254, 254],
        [],
    ):
        bad = copy.deepcopy(tree)
        bad.codes = codes
        refused(bad.save(tmp_path / "a"))


def test_parts_that_change_places_or_are_missing(tmp_path, tree):
    for order in ([1, 0, 2], [0, 2, 1], [0, 1], [0, 1, 2, 2], [2, 1, 0]):
        bad = copy.deepcopy(tree)
        bad.parts = [tree.parts[i] for i in order]
        bad.document["functional"]["parts"] = [{"networks": {}}] * len(order)
        refused(bad.save(tmp_path / "a"))


def test_delays_that_change_places(tmp_path):
    draft = several_maker.benchmark()
    bad = copy.deepcopy(draft)
    bad.document["delay"]["delays"].reverse()
    refused(bad.save(tmp_path / "a"))


def test_a_gap_in_the_breaks(tmp_path, tree):
    for name, ends in (
        ("breaks0", [0.0, 0.49]),
        ("breaks0", [0.01, 0.5]),
        ("breaks1", [0.0, 0.4, 1.2]),
        ("breaks1", [1e-9, 0.4, 1.25]),
    ):
        assert (
            "do not cover"
            in refused(tree.changed(**{name: np.array(ends)}).save(tmp_path / "a")).reason
        )


def test_a_decimal_just_beyond_the_last_break_is_seen(tmp_path, pair):
    """0.3 as a binary64 is below 3/10: breaks up to that number do not reach the decimal."""
    small = pair.claiming([0, 0.3], [0, 1])
    near = small.changed(breaks0=np.array([0.0, 0.3]))
    assert "do not cover" in refused(near.save(tmp_path / "a")).reason
    above = small.changed(breaks0=np.array([0.0, np.nextafter(0.3, 1)]))
    assert check_file(above.save(tmp_path / "a")).valid


def test_arrays(tmp_path, tree):
    for name, array in tree.parts[0].items():
        others = [array[None], array.astype(np.float32), array.astype(np.int32), np.array(3.0)]
        others += [array.astype(">f8"), array[:0], np.append(array, array), array * np.nan]
        others += [-array, 0 * array, np.full(array.shape, np.inf), array[::-1]]
        if array.ndim > 1:
            others += [array + np.triu(np.full(array.shape[-2:], 1e-9), 1)] * (array.shape[-1] > 1)
        for bad in others:
            if bad.shape == array.shape and np.array_equal(bad, array):
                continue
            if name in ("S", "R") and np.array_equal(bad, array[::-1]):
                continue  # the two delays' matrices exchanged may serve as well
            refused(tree.changed(**{name: bad}).save(tmp_path / "a"))
        lacking = copy.deepcopy(tree)
        del lacking.parts[0][name]
        refused(lacking.save(tmp_path / "a"))
        refused(tree.changed(**{name + "2": array}).save(tmp_path / "a"))
    wide = np.linspace(0, 1.25, 400)
    assert (
        "too many" in refused(tree.changed(breaks0=wide, breaks1=wide).save(tmp_path / "a")).reason
    )


def test_entries(tmp_path, pair):
    document, entries = pair.document, pair.entries()
    document["claim"] = several_maker.claim(document)
    tables = (
        {"codes": np.array([[254]], "u1")},
        {"codes": np.array([254])},
        {},
        {"box": np.eye(2)},
    )
    for bad in (
        {"part0.npz": entries["part0.npz"]},
        {"several.npz": entries["several.npz"]},
        entries | {"part1.npz": entries["part0.npz"]},
        entries | {"x": b""},
        {"part0.npz": entries["several.npz"], "several.npz": entries["part0.npz"]},
        *(entries | {"several.npz": writer.npz_bytes(table)} for table in tables),
    ):
        refused(writer.write(tmp_path / "a", document, bad))


@pytest.mark.parametrize("reclaim", [False, True])
def test_each_field(tmp_path, pair, reclaim):
    """Any change is refused, except of information, or where a weaker or equal claim is still true."""
    base, entries = copy.deepcopy(pair.document), pair.entries()
    base["claim"] = several_maker.claim(base)
    check_each_field(
        tmp_path / "a", base, entries, several_maker.claim, still_true, reclaim=reclaim
    )


def still_true(path: tuple, old, new) -> bool:
    """Whether the new claim follows from the old one, or is the same."""
    if path[-2:-1] == ("range",):
        return 0 <= new <= 1.25
    if path == ("system", "parameters"):
        return new == old | {"extra": 1}
    return path[:2] == ("system", "equations") and new.strip() == old


def test_a_global_claim_is_for_a_linear_system(tmp_path, pair):
    for equation in (
        "x' = -0.7*x(t - tau1) - 0.4*sin(x(t - tau2))",
        "x' = -0.7*x(t - tau1) - 0.4*x(t - tau2)*(1 + x)",
    ):
        refused(pair.about(equation).save(tmp_path / "a"))
    bad = copy.deepcopy(pair)
    bad.document["system"]["domain"] = bad.document["region"]["domain"] = {"x": [-1, 1]}
    found = writer.write(tmp_path / "a", bad.document, bad.entries())
    assert refused(found).where == "region.level"
    bad = copy.deepcopy(pair)
    bad.document["proof"]["nonlinear"] = {"states": ["x"], "delayed": []}
    refused(bad.save(tmp_path / "a"))


def test_names_and_numbers_of_delays(tmp_path, pair):
    for names in (("tau1", "tau1"), ("x", "tau2"), ("sin", "tau2"), ("tau2", "tau1")):
        bad = copy.deepcopy(pair)
        for one, name in zip(bad.document["delay"]["delays"], names, strict=True):
            one["name"] = name
        result = check_file(bad.save(tmp_path / "a"))
        assert not result.valid, names
    none, many = copy.deepcopy(pair), copy.deepcopy(pair)
    none.document["delay"]["delays"] = []
    listed = [{"name": f"d{j}", "class": "constant", "range": [0, 1]} for j in range(9)]
    many.document["delay"]["delays"] += listed
    for bad in (none, many):
        bad.document["claim"] = "?"
        refused(writer.write(tmp_path / "a", bad.document, bad.entries()))


# ---- multiples


def test_other_kinds_refuse_multiples(tmp_path):
    draft = maker.linear_scalar(1)
    for text in ("x' = -x(t - 2*tau)", "x' = -0.5*x(t - tau) - 0.5*x(t - 64*tau)"):
        draft.document["system"]["equations"] = [text]
        assert "multiple" in refused(draft.save(tmp_path / "a")).reason
    draft.document["system"]["equations"] = ["x' = -x(t - 1*tau)"]
    assert check_file(draft.save(tmp_path / "a")).valid


@pytest.mark.parametrize(
    "argument", ["0*tau", "65*tau", "1.0*tau", "2", "tau*2", "2*", "2*2*tau", "-2*tau", "2e0*tau"]
)
def test_what_is_no_multiple(tmp_path, argument):
    draft = several_maker.undelayed()
    draft.document["system"]["equations"] = [f"x' = -x(t - tau) - 0.5*x(t - {argument})"]
    assert refused(draft.save(tmp_path / "a")).where == "equation of x"


def test_delays_beyond_a_commensurate_margin(tmp_path):
    """x' = -x(t - tau) - x(t - 2 tau)/2 is stable up to 0.940870."""
    draft = several_maker.undelayed()
    for end in (0.9409, 1.0, 2.0):
        with pytest.raises((ValueError, Refused), match=r"does not end|too small"):
            spectral_maker.partition(spectral_maker.read(draft.document), [0, end], [1, 1])
        delay = draft.document["delay"] | {"range": [0, end]}
        delays = {"delays": np.array([0.0, np.nextafter(end, 3)])}
        wider = draft.changed(spectral=delays, delay=delay)
        assert "not proved" in refused(wider.save(tmp_path / "a")).reason


def test_anchors_with_multiples(tmp_path, multiples):
    """Without its windows, or with others, the anchor proves nothing; P alone is for the delay 0."""
    for name, array in multiples.part.items():
        for bad in (-array, 0 * array, array[:-1]):
            refused(multiples.changed(part={name: bad}).save(tmp_path / "a"))
    for ends in ([0.0, 0.19], [0.95, 1.0]):
        refused(multiples.changed(part={"breaks0": np.array(ends)}).save(tmp_path / "a"))
    alone = copy.deepcopy(multiples)
    alone.part = {"P": np.eye(2)}
    assert "decrease" in refused(alone.save(tmp_path / "a")).reason
    near = several_maker.undelayed()
    for bad in (-np.eye(1), 0 * np.eye(1), np.eye(2), np.eye(1, dtype=np.float32)):
        refused(near.changed(part={"P": bad}).save(tmp_path / "a"))
    refused(near.changed(spectral={"delays": np.array([0.1, 0.95])}).save(tmp_path / "a"))
    other = copy.deepcopy(near)
    other.document["system"]["equations"] = ["x' = x(t - tau) - 0.5*x(t - 2*tau)"]
    refused(other.save(tmp_path / "a"))


# ---- the forms


def linear(present: np.ndarray, lags: list[tuple[int, int]], delayed: np.ndarray) -> System:
    """A system as the checker has it."""
    n, rows = len(present), []
    for i in range(n):
        row = {j: Fraction(v) for j, v in enumerate(present[i].tolist())}
        for (j, k), matrix in zip(lags, delayed.tolist(), strict=True):
            row |= {n * (64 * j + k) + c: Fraction(v) for c, v in enumerate(matrix[i])}
        rows.append(row)
    return System(n, (), tuple(rows), (None,) * n, None)


@pytest.mark.parametrize(("n", "order"), [(1, 0), (1, 3), (2, 1), (2, 2), (3, 1)])
def test_the_exact_forms_are_those_of_the_engine(n, order):
    """Two implementations, one exact: D at random breaks, and the order of the lags."""
    rng = np.random.default_rng(10 * n + order)
    lags = [(0, 1), (0, 3), (1, 2)]
    present, delayed = rng.normal(size=(n, n)), rng.normal(size=(3, n, n))
    system = linear(present, lags, delayed)
    assert [(q.delay, q.multiple) for q in windows.lags(system)] == lags
    p, s, r = (
        rng.normal(size=(*k, c, c)) for k, c in (((), n * (1 + 3 * order)), ((3,), n), ((3,), n))
    )
    p, s, r = (m + np.swapaxes(m, -1, -2) for m in (p, s, r))
    breaks = [[0.0, 0.3, 1.0], [0.25, 2.0]]
    found = window_forms(
        linear_rows(present, delayed, order),
        WindowedFunctional(order, tuple(lags), p, s, r),
        breaks,
    )
    exact = windows.Windows(
        "part0",
        windows.lags(system),
        rational(p),
        [rational(one) for one in s],
        [rational(one) for one in r],
        [[Fraction(t) for t in ends] for ends in breaks],
    )
    constant, tau, kappa = windows._forms(exact, system.linear, order)
    minorants = [reciprocal_minorant(ends) for ends in breaks]
    corners = [(i, j) for i in range(3) for j in range(2)]
    for form, (i, j) in zip(found, corners, strict=True):
        total = constant + breaks[0][i] * tau[0] + breaks[1][j] * tau[1]
        total = total - minorants[0][i] * kappa[0] - minorants[1][j] * kappa[1]
        assert np.allclose(total.astype(float), form, rtol=1e-12, atol=1e-10)


def test_a_file_of_the_certificate_is_json(pair):
    assert json.loads(json.dumps(pair.document))["kind"] == "several"
