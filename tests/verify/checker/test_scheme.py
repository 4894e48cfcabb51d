"""Kind "scheme": what is accepted, what is refused, and its rules against exact arithmetic and iteration."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certdde.verify.checker import check_file
from certdde.verify.checker.scheme_forms import decrease, integral
from certdde.verify.checker.scheme_peaks import largest_peak

from . import scheme_maker as maker
from . import writer
from .mutations import at, paths, replaced, variants
from .scheme_maker import lifted

GOOD = {
    "constant": maker.constant,
    "varying": maker.varying,
    "local": maker.local,
    "peaks": maker.peaks,
    "local peaks": maker.local_peaks,
}


def accepted(draft, tmp_path):
    result = check_file(draft.save(tmp_path / "a"))
    assert result.valid, result
    assert result.rigor == "rigorous"
    return result


def refused(draft, tmp_path, where=""):
    result = check_file(draft.save(tmp_path / "a"))
    assert not result.valid
    assert result.claim == ""
    assert result.where.startswith(where), result
    assert "Error" not in result.reason, result  # refused, and not by accident
    return result


# ---- accepted


@pytest.mark.parametrize("name", GOOD)
def test_good_certificates(name, tmp_path):
    draft = GOOD[name]()
    result = accepted(draft, tmp_path)
    assert result.claim == maker.sentence(draft.document)


def test_the_sentences(tmp_path):
    claim = accepted(maker.constant(), tmp_path).claim
    assert claim.startswith(
        "For every constant delay tau in {0, .., 3}, the equilibrium x = 0.0 of x[t+1] = "
    )
    claim = accepted(maker.peaks(0.999, 1), tmp_path).claim
    assert claim.startswith("For every sequence of delays tau(t) in {0, 1}, the equilibrium")
    assert accepted(maker.constant(low=2, high=2), tmp_path).claim.startswith(
        "For every constant delay tau in {2},"
    )
    assert "V_i <= c_i, c = (" in accepted(fixed_local(), tmp_path).claim


def fixed_local() -> maker.Draft:
    """The tanh scheme with an unknown constant delay 1 or 2."""
    q = 0.27
    one = np.eye(1)
    arrays = {f"P{d}": maker.lyapunov(lifted(one, -q * one, d, d)) for d in (1, 2)}
    data = maker.document(
        [maker.TANH],
        ("constant", 1, 2),
        domain={"x": [-1.0, 1.0]},
        nonlinear=([], ["x"]),
        level=[1.0, 1.0],
        rho=0.1,
    )
    return maker.Draft(data, arrays)


def test_the_exact_margin_of_a_constant_delay(tmp_path):
    for k in (1, 2, 5, 10):
        limit = 2 * np.cos(k * np.pi / (2 * k + 1))
        accepted(maker.constant(round(0.995 * limit, 6), k, k), tmp_path)


def test_two_states_and_an_equilibrium_elsewhere(tmp_path):
    equations = [
        "x[t+1] = 0.5*x + 0.1*y[t-tau] + 0.45",
        "y[t+1] = 0.4*y[t] - 0.2*x[t-tau] + 0.7",
    ]
    data = maker.document(equations, ("constant", 0, 2), equilibrium={"x": 1.1, "y": 0.8})
    a, b = np.diag([0.5, 0.4]), np.array([[0, 0.1], [-0.2, 0]])
    arrays = {f"P{d}": maker.lyapunov(lifted(a, b, d, d)) for d in range(3)}
    refused(maker.Draft(data, arrays), tmp_path, "equation of x")
    equations[0] = equations[0].replace("0.45", "0.47")
    equations[1] = equations[1].replace("0.7", "0.7")
    accepted(maker.Draft(data, arrays), tmp_path)


# ---- refused


@pytest.mark.parametrize(
    ("present", "delayed"),
    [(1.0, 0.0), (1.0, 0.1), (1.1, -0.01), (1.0, -1.3), (-1.0, 0.0), (0.0, 1.0)],
)
@pytest.mark.parametrize("kind", ["constant", "measurable"])
def test_unstable_schemes_with_plausible_data(present, delayed, kind, tmp_path):
    text = f"x[t+1] = {present!r}*x[t] + {delayed!r}*x[t-tau]"
    data = maker.document([text], (kind, 1, 1))
    for scale in (1.0, 0.97, 0.9, 0.5):
        form = maker.lyapunov(scale * lifted(np.eye(1) * 0.4, -np.eye(1) * 0.3, 1, 1))
        arrays = {"P1": form}
        if kind == "measurable":
            arrays = {"P": form[None], "step": np.zeros((1, 1), dtype=np.int64)}
        refused(maker.Draft(data, arrays), tmp_path, "scheme.P")


@pytest.mark.parametrize("k", [1, 2, 3, 5, 10])
def test_the_sharp_condition_ends_where_a_word_of_delays_destabilises(k, tmp_path):
    limits = {1: 1.0, 2: 2 - 2**0.5, 3: 0.4226497308, 5: 0.2712864461, 10: 1 / 7}
    accepted(maker.peaks(round(limits[k] - 1e-6, 7), k), tmp_path)
    refused(maker.peaks(round(limits[k] + 1e-6, 7), k), tmp_path, "delay.range")
    refused(maker.peaks(round(limits[k] + 1e-6, 7), k, "constant"), tmp_path, "delay.range")


@pytest.mark.parametrize(
    "text",
    [
        "x[t+1] = 0.9*x[t] - 0.1*x[t-tau]",
        "x[t+1] = x[t] + 0.1*x[t-tau]",
        "x[t+1] = x[t]",
        "x[t+1] = 1.01*x[t] - 0.1*x[t-tau]",
        "x[t+1] = -x[t] - 0.1*x[t-tau]",
        "x[t+1] = -0.1*x[t-tau]",
    ],
)
def test_the_sharp_condition_is_for_its_form_only(text, tmp_path):
    draft = maker.peaks(0.1)
    draft.document["system"] |= {"equations": [text], "parameters": {}}
    refused(draft, tmp_path, "system.equations")


def test_another_gain_than_the_forms_are_made_for(tmp_path):
    refused(maker.constant(0.4452, 3, 3, solved=0.44), tmp_path, "scheme.P3")
    refused(maker.varying(0.7), tmp_path, "scheme.P")


def test_every_delay_counts(tmp_path):
    draft = maker.varying()
    draft.document["delay"]["range"] = [0, 3]
    refused(draft, tmp_path, "scheme")
    draft = maker.constant(low=1, high=3)
    draft.document["delay"]["range"] = [0, 3]
    refused(draft, tmp_path, "scheme")
    draft.document["delay"]["range"] = [1, 2]
    refused(draft, tmp_path, "scheme")


@pytest.mark.parametrize(
    "ends",
    [[0.5, 2], [0, 2.5], [-1, 2], [2, 1], [0, 0], [0, 401], [0, True], [0], [0, 1, 2], ["0", 2]],
)
def test_ranges(ends, tmp_path):
    draft = maker.varying()
    draft.document["delay"]["range"] = ends
    result = check_file(draft_saved(draft, tmp_path))
    assert not result.valid


def draft_saved(draft, tmp_path):
    return draft.save(tmp_path / "a", claim=False)


@pytest.mark.parametrize(
    "step",
    [
        np.array([[0, 0, 2], [0, 0, 1]]),
        np.array([[0, 0, -1], [0, 0, 1]]),
        np.array([[0, 0], [0, 0]]),
        np.array([[0, 0, 1]]),
        np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]]),
        np.array([0, 0, 1]),
        np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]),
        np.zeros((2, 0), dtype=np.int64),
    ],
)
def test_a_graph_has_an_edge_to_a_node_for_each_delay(step, tmp_path):
    refused(maker.varying().changed(step=step), tmp_path, "scheme.step")


def test_edges_are_where_the_table_says(tmp_path):
    draft = maker.varying()
    other = np.stack([maker.SHARED, 3 * maker.SHARED])  # V grows on the edge to the second node
    refused(draft.changed(P=other), tmp_path, "scheme.P, node 0")
    back = np.array([[0, 0, 0], [0, 0, 0]])
    accepted(draft.changed(P=other, step=back), tmp_path)


@pytest.mark.parametrize("name", ["varying", "constant"])
def test_matrices(name, tmp_path):
    draft = GOOD[name]()
    key = "P" if name == "varying" else "P3"
    form = draft.arrays[key]
    changes = [
        -form,
        0 * form,
        form[..., :-1],
        form[..., None],
        form.astype(np.float32),
        form.astype(">f8"),
        form + np.triu(np.ones(form.shape[-2:]), 1),
        form * np.where(np.arange(form.shape[-1]) == 0, -1, 1),
        form * np.nan,
        form + np.inf,
        np.zeros((0, *form.shape[1:])),
    ]
    for changed in changes:
        result = check_file(draft.changed(**{key: changed}).save(tmp_path / "a"))
        assert not result.valid
        assert result.where.startswith(("scheme", "archive")), result


def test_other_arrays(tmp_path):
    refused(maker.varying().changed(Q=np.eye(2)), tmp_path, "scheme")
    refused(maker.constant().changed(P4=np.eye(5)), tmp_path, "scheme")
    refused(maker.Draft(maker.varying().document, {"P": maker.SHARED[None]}), tmp_path, "scheme")
    refused(maker.Draft(maker.varying().document, None), tmp_path, "archive")
    refused(maker.Draft(maker.peaks().document, {"P": np.eye(1)}), tmp_path, "archive")


@pytest.mark.parametrize(
    "text",
    [
        "x' = -x(t - tau)",
        "x[t+1] = x(t) - 0.3*x(t - tau)",
        "x[t+2] = x[t] - 0.3*x[t-tau]",
        "x[t] = x[t] - 0.3*x[t-tau]",
        "x[t+1] = x[t] - 0.3*x[t-sigma]",
        "x[t+1] = x[t] - 0.3*x[t-2*tau]",
        "x[t+1] = x[t] - 0.3*x[t-tau",
        "x[t+1] = x[t] - 0.3*x[t+tau]",
        "x[t+1] = x[t] - 0.3*x[t-1]",
        "x[t+1] = x[t-tau]*x[t]",
        "y[t+1] = x[t] - 0.3*x[t-tau]",
        "x[t+1] = x[t] - 0.3*x[t-tau] + 1",
        "x[t+1] = x[t] - 0.3*tanh[x[t-tau]]",
        "x[t+1] == x[t] - 0.3*x[t-tau]",
    ],
)
def test_equations(text, tmp_path):
    draft = maker.varying()
    draft.document["system"] |= {"equations": [text], "parameters": {}}
    refused(draft, tmp_path)
    if text.startswith("x'"):
        from . import maker as continuous

        other = continuous.linear_scalar(1)
        other.document["system"]["equations"] = ["x[t+1] = x[t] - 0.3*x[t-tau]"]
        assert not check_file(other.save(tmp_path / "b")).valid


@pytest.mark.parametrize(
    "change", [{"level": [1.3]}, {"level": [5.0]}, {"rho": 0.6}, {"rho": 1.1, "level": [1.0]}]
)
def test_regions_that_are_too_large(change, tmp_path):
    accepted(maker.local(), tmp_path)
    draft = maker.local(change.get("level", [1.0])[0], change.get("rho", 0.2))
    refused(draft, tmp_path, "scheme.P" if "level" in change and "rho" not in change else "region")


@pytest.mark.parametrize(
    "region",
    [
        {"level": None},
        {"level": []},
        {"level": [1.0, 1.0]},
        {"level": [0.0]},
        {"level": [-1.0]},
        {"level": 1.0},
        {"radius": None},
        {"radius": {"rho": 0.0}},
        {"radius": {"rho": -0.1}},
        {"radius": {"rho": 0.1, "rho_rate": 1.0}},
        {"radius": {}},
    ],
)
def test_regions(region, tmp_path):
    draft = maker.local()
    draft.document["region"] |= region
    result = check_file(draft_saved(draft, tmp_path))
    assert not result.valid
    draft = maker.varying()
    draft.document["region"] |= region
    if any(v is not None for v in region.values()):
        assert not check_file(draft_saved(draft, tmp_path)).valid


def test_slopes_over_a_larger_domain_are_not_covered(tmp_path):
    draft, p = maker.local(), maker.SHARED
    for end in (1.5, 3.0, 15.0):  # slopes of tanh down to tanh(end)/end
        steps = [np.diag([1.0, 1.0], -1) for _ in range(3)]
        for d, a in enumerate(steps):
            a[0, 0] = 1.0
            a[0, d] -= 0.3 * np.tanh(end) / end
        holds = all(np.linalg.eigvalsh(a.T @ p @ a - p)[-1] < 0 for a in steps)
        assert holds == (end < 10)
        draft.document["system"]["domain"] = {"x": [-end, end]}
        draft.document["region"]["domain"] = {"x": [-end, end]}
        result = check_file(draft.save(tmp_path / "a"))
        assert result.valid == holds


def test_a_nonlinear_variable_has_to_be_named(tmp_path):
    draft = maker.local()
    draft.document["proof"]["nonlinear"]["delayed"] = []
    refused(draft, tmp_path, "proof.nonlinear")
    draft = maker.local()
    draft.document["system"]["domain"] = draft.document["region"]["domain"] = None
    draft.document["region"] |= {"level": None, "radius": None}
    refused(draft, tmp_path, "system.domain")


def test_functions_that_are_not_smooth_on_the_domain(tmp_path):
    for text in (
        "x[t+1] = x[t] - 0.3*log(1 + x[t-tau])",
        "x[t+1] = x[t] - 0.3*x[t-tau]/(1 + x[t-tau])",
    ):
        draft = maker.local()
        draft.document["system"]["equations"] = [text]
        refused(draft, tmp_path, "equation 0")


@pytest.mark.parametrize("rho", [0.0, 0.63, 1.0, 5.0])
def test_balls_that_are_too_large(rho, tmp_path):
    accepted(maker.local_peaks(0.624), tmp_path)
    draft = maker.local_peaks(rho)
    assert not check_file(draft_saved(draft, tmp_path)).valid
    if rho:
        refused(draft, tmp_path, "region.radius")


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("claim",), "For every constant delay tau in {0, .., 3}, all is well."),
        (("status",), "unknown"),
        (("kind",), "krasovskii"),
        (("kind",), "schemes"),
        (("functional", "kind"), "quadratic"),
        (("functional", "nodes"), 1),
        (("delay", "class"), "slow"),
        (("delay", "rate"), 1),
        (("proof", "more"), 1),
        (("system", "states"), ["y"]),
        (("system", "equilibrium"), {"x": 0.5}),
        (("delay", "name"), "t"),
    ],
)
def test_each_field_counts(name, path, value, tmp_path):
    draft = GOOD[name]()
    place = draft.document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert not check_file(draft_saved(draft, tmp_path)).valid


def test_a_claim_about_a_larger_class(tmp_path):
    draft = maker.constant(high=1)
    draft.document["delay"]["class"] = "measurable"
    refused(draft, tmp_path, "scheme")


# ---- the rules


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 2), st.integers(0, 3), st.data())
def test_the_decrease_is_that_of_the_lifted_matrix(seed, n, window, data):
    delay = data.draw(st.integers(0, window))
    rng = np.random.default_rng(seed)
    p, after = (m + m.T for m in rng.normal(size=(2, n * (window + 1), n * (window + 1))))
    a, b = rng.integers(-9, 10, size=(2, n, n)).astype(float)
    [first, second], unit = integral(np.stack([p, after]))
    scale = 7
    found = decrease(first, second, delay, (np.hstack([a, b]).astype(int).astype(object), scale))
    matrix = lifted(a / scale, b / scale, delay, window)
    wanted = p - matrix.T @ after @ matrix
    got = np.array([[float(v * unit / scale**2) for v in row] for row in found.tolist()])
    assert np.allclose(got, wanted, rtol=1e-12, atol=1e-11)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.integers(1, 60), st.integers(0, 10))
def test_the_largest_peak_is_a_maximum(k, gain, share):
    q, b = Fraction(gain, 40), Fraction(3, 2)
    rho = b * share / 10
    found = largest_peak(q, k, b, rho)

    def value(a):
        return q * sum(max(rho, min(b, a + j * q * b)) for j in range(k + 1)) - a

    grid = [b * i / 200 for i in range(401)]
    assert found >= max(map(value, grid))
    assert found <= max(map(value, grid)) + (1 + q * (k + 1)) * b / 200


@pytest.mark.parametrize("k", [1, 2, 3, 6])
def test_peaks_fall_for_every_sequence_that_is_tried(k):
    """Greedy delays and gains: each next value is the largest, or the smallest, that the class allows."""
    limit = max(
        Fraction(i, 2000)
        for i in range(1, 2001)
        if largest_peak(Fraction(i, 2000), k, Fraction(1), Fraction(0)) < 1
    )
    rng, q = np.random.default_rng(k), float(limit)
    for trial in range(200):
        past = list(rng.uniform(-1, 1, k + 1)) if trial % 2 else [1.0] * (k + 1)
        for _ in range(400):
            window = past[-k - 1 :]
            push = rng.random() < (0.5 if trial % 3 else 1.0)
            target = (
                (min if past[-1] > past[-2] else max)(window)
                if push
                else window[rng.integers(k + 1)]
            )
            low = q if trial % 5 else rng.uniform(0.5 * q, q)
            past.append(past[-1] - low * target)
        size = np.abs(past)
        assert size[-60:].max() <= max(size[60:120].max(), 1e-12)


def test_the_ball_holds_for_all_words_of_delays_from_its_corners():
    """Every sequence of delays for some steps, from corners of the ball, then the longest: |x| <= b always."""
    k, b = 2, 1.0
    q = 0.5
    rho = next(
        r / 1000 for r in range(1000, 0, -1) if ball(Fraction(q), k, Fraction(r, 1000), Fraction(1))
    )
    worst = 0.0
    for corner in itertools.product((-rho, rho), repeat=k + 1):
        for word in itertools.product(range(k + 1), repeat=7):
            past = list(corner)
            for d in word:
                past.append(past[-1] - q * past[-1 - d])
            worst = max(worst, *map(abs, past))
    assert 0.8 * b <= worst <= b


def ball(q, k, rho, b) -> bool:
    return rho * (1 + k * q) <= b and largest_peak(q, k, b, rho) <= b


@pytest.mark.parametrize("reclaim", [False, True])
@pytest.mark.parametrize(
    "name", [n if n == "local" else pytest.param(n, marks=pytest.mark.slow) for n in GOOD]
)
def test_any_change_of_any_field(name, reclaim, tmp_path):
    """Refused, by a rule and not by accident, but for information and claims that are true as well."""
    draft = GOOD[name]()
    base = draft.document | {"claim": maker.sentence(draft.document)}
    entries = {} if draft.arrays is None else {"scheme.npz": writer.npz_bytes(draft.arrays)}
    free = {("rigor",), ("engine",), ("statistics",), ("versions",), ("seed",)}
    for path in paths(base):
        if not path or path[:1] in free or path[:2] in {("region", "area"), ("system", "name")}:
            continue
        for new in variants(at(base, path)):
            document = replaced(base, path, new)
            if path != ("claim",) and reclaim:
                try:
                    document = document | {"claim": maker.sentence(document)}
                except (KeyError, TypeError, ValueError, AttributeError, OverflowError, IndexError):
                    continue
            if "claim" not in document:
                continue
            result = check_file(writer.write(tmp_path / "a", document, entries))
            assert result.where != "checker", (path, new, result)
            if result.valid:
                assert reclaim, (path, new)
                assert still_true(name, path, at(base, path), new), (path, new)


def still_true(name: str, path: tuple, old, new) -> bool:
    """Whether the new claim follows from the old one, or is the same or another true one."""
    if path[:2] == ("region", "level") or path == ("region", "radius", "rho"):
        return 0 < new < (0.45 if name == "local" and path[1] == "radius" else old + 1e-6)
    if path[:2] == ("system", "parameters"):
        low, high = {"varying": (0.2, 0.35), "peaks": (0.0, 0.5858)}.get(name, (0.39999, 0.40001))
        return isinstance(new, dict) or low < new < high
    if path == ("delay", "class"):
        return name == "local peaks" or name == "peaks"
    if path[:2] == ("delay", "range"):
        return name in ("peaks", "local peaks") and 0 <= new <= 3
    if path[:2] in {("system", "domain"), ("region", "domain")}:
        return False
    return path[:2] == ("system", "equations") and new.strip() == old
