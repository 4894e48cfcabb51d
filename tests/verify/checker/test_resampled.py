"""Kind "resampled": what is accepted, what is refused, and its rules against exact arithmetic and simulation."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certdde.verify.checker import check_file
from certdde.verify.checker.exact import positive_definite
from certdde.verify.checker.refusal import Refused
from certdde.verify.checker.resampled import Forms, check_bounds, check_combinations
from certdde.verify.checker.scheme_forms import integral

from . import resampled_maker as maker
from . import writer
from .mutations import check_each_field

GOOD = {
    "scalar": maker.scalar,
    "weighted": maker.weighted,
    "local": maker.local,
    "bounds": lambda: maker.local(bounds=True),
    "often": maker.often,
    "pair": maker.pair,
    "pair, bounds": lambda: maker.pair(bounds=True),
}
LIMITS = {1: 1.236068, 2: 0.952371, 3: 0.783323, 5: 0.584173}


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
    assert accepted(draft, tmp_path).claim == maker.sentence(draft.document)


def test_the_sentences(tmp_path):
    claim = accepted(maker.scalar(), tmp_path).claim
    assert claim.startswith(
        "For delays tau(t) drawn at each step, independently, uniformly from {0, .., 3}, the equilibrium x = 0.0 of"
    )
    assert "mean square" in claim
    claim = accepted(maker.weighted(), tmp_path).claim
    assert "from {0, .., 3} with probabilities proportional to 0.1, 0.2, 0.0, 0.3," in claim
    assert "from {2}," in accepted(maker.scalar(0.5, 2, 2), tmp_path).claim
    assert "with probability at least 1 - delta" in accepted(maker.local(), tmp_path).claim


@pytest.mark.parametrize(("k", "limit"), LIMITS.items())
def test_the_limits_are_where_the_second_moment_grows(k, limit, tmp_path):
    """The published numbers are computed again here, and the checker takes forms up to them."""

    def radius(q):
        moment = maker.second_moment(maker.scalar_matrices(q, 0, k), [1.0] * (k + 1))
        return np.abs(np.linalg.eigvals(moment)).max()

    low, high = 0.9 * limit, 1.1 * limit
    assert radius(low) < 1 < radius(high)
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if radius(middle) < 1 else (low, middle)
    assert abs(low - limit) < 1e-6
    accepted(maker.scalar(limit - 1e-4, 0, k), tmp_path)
    for form in (limit - 1e-4, limit - 1e-5, limit + 1e-4):
        refused(maker.scalar(limit + 1e-4, 0, k, solved=form), tmp_path, "resampled.P")


@pytest.mark.parametrize("q", [1.3, 1.9])
def test_a_mean_that_tends_to_zero_is_not_enough(q, tmp_path):
    """E[x] tends to 0 up to q = 2 for d = 0, 1; the mean square grows from 1.236 on."""
    matrices = maker.scalar_matrices(q, 0, 1)
    assert np.abs(np.linalg.eigvals(sum(matrices) / 2)).max() < 1
    for solved in (0.3, 0.9, 1.2):
        refused(maker.scalar(q, 0, 1, solved=solved), tmp_path, "resampled.P")


def test_a_weight_of_zero_is_a_delay_that_never_occurs(tmp_path):
    """x[t+1] = x[t] - 1.5 x[t-d]: stable for d = 0, not for d = 1."""
    accepted(maker.scalar(1.5, 0, 1, [1, 0]), tmp_path)
    draft = maker.scalar(1.5, 0, 1, [1, 0])
    draft.document["delay"]["weights"] = [0, 1]
    refused(draft, tmp_path, "resampled.P")
    draft.document["delay"]["weights"] = [1, 1]
    refused(draft, tmp_path, "resampled.P")


# ---- refused


@pytest.mark.parametrize(
    ("weights", "where"),
    [
        ([1, 1, 1], "delay.weights"),
        ([1, 1, 1, 1, 1], "delay.weights"),
        ([], "delay.weights"),
        ([1, 1, 1, -1], "delay.weights"),
        ([0, 0, 0, 0], "delay.weights"),
        ([1, 1, 1, "1"], "certificate.json.delay.weights"),
        ([1, 1, 1, None], "certificate.json.delay.weights"),
        ([1, 1, 1, True], "certificate.json.delay.weights"),
        (1, "certificate.json.delay.weights"),
    ],
)
def test_weights(weights, where, tmp_path):
    draft = maker.scalar()
    draft.document["delay"]["weights"] = weights
    result = check_file(draft.save(tmp_path / "a", claim=False))
    assert not result.valid
    assert result.where.startswith(where), result


def test_other_weights_than_the_form_is_made_for(tmp_path):
    draft = maker.scalar(0.78, 0, 3)
    accepted(draft, tmp_path)
    draft.document["delay"]["weights"] = [1, 1, 1, 1.2]
    refused(draft, tmp_path, "resampled.P")
    draft.document["delay"]["weights"] = [2, 2, 2, 2]
    accepted(draft, tmp_path)


@pytest.mark.parametrize(
    ("ends", "where"),
    [
        ([0.5, 3], "delay.range"),
        ([0, 3.5], "delay.range"),
        ([-1, 3], "delay.range"),
        ([3, 0], "delay.range"),
        ([0, 0], "delay.range"),
        ([0, 401], "delay.range"),
        ([0, 2], "delay.weights"),
        ([1, 3], "delay.weights"),
        ([0, 4], "delay.weights"),
        ([1, 4], "resampled.P"),
    ],
)
def test_ranges(ends, where, tmp_path):
    draft = maker.scalar()
    draft.document["delay"]["range"] = ends
    refused(draft, tmp_path, where)


def test_a_window_of_more_entries_than_the_format_takes(tmp_path):
    draft = maker.scalar(0.001, 0, 1)
    draft.document["delay"] |= {"range": [0, 256], "weights": [1.0] * 257}
    assert "larger" in refused(draft.changed(P=np.eye(257)), tmp_path, "resampled.P").reason


def test_matrices(tmp_path):
    draft = maker.local(bounds=True)
    for name in ("P", "Q"):
        form = draft.arrays[name]
        for changed in (
            -form,
            0 * form,
            form[..., :-1],
            form[..., None],
            form.astype(np.float32),
            form.astype(">f8"),
            form + np.triu(np.ones(form.shape[-2:]), 1),
            form * np.nan,
            form + np.inf,
            form[:2],
        ):
            result = check_file(draft.changed(**{name: changed}).save(tmp_path / "a"))
            assert not result.valid
            assert result.where.startswith("resampled"), result
    refused(draft.changed(R=np.eye(3)), tmp_path, "resampled")
    refused(maker.Draft(draft.document, {"Q": draft.arrays["Q"]}), tmp_path, "resampled")


def test_whole_numbers_are_not_the_type_of_the_format(tmp_path):
    draft = maker.scalar()
    whole = np.rint(1000 * draft.arrays["P"])
    accepted(draft.changed(P=whole), tmp_path)
    found = refused(draft.changed(P=whole.astype("<i8")), tmp_path, "resampled.P")
    assert "wrong type" in found.reason


def test_a_form_that_is_not_symmetric(tmp_path):
    draft = maker.local(bounds=True)
    for name in ("P", "Q"):
        changed = draft.arrays[name].copy()
        changed[..., 0, 1] += 1e-12
        found = refused(draft.changed(**{name: changed}), tmp_path, f"resampled.{name}")
        assert "is not symmetric" in found.reason


def test_small_changes_of_a_form_that_is_just_enough(tmp_path):
    draft = maker.scalar(LIMITS[3] - 1e-4, 0, 3)
    form, rng = draft.arrays["P"], np.random.default_rng(0)
    for _ in range(20):
        noise = rng.normal(size=form.shape) * np.abs(form).max() * 1e-2
        refused(draft.changed(P=form + noise + noise.T), tmp_path, "resampled.P")


def test_bounds_have_to_bound_and_to_leave_a_decrease(tmp_path):
    draft = maker.local(bounds=True)
    bounds = draft.arrays["Q"]
    for d in range(3):
        lower, higher = bounds.copy(), bounds.copy()
        lower[d] -= 1e-3 * np.eye(3)
        higher[d] += 3 * np.eye(3)
        found = refused(draft.changed(Q=lower), tmp_path, "resampled.Q") if d < 2 else None
        assert found is None or f"is no bound at the delay {d}" in found.reason
        found = refused(draft.changed(Q=higher), tmp_path, "resampled.Q")
        assert "does not leave" in found.reason
    refused(draft.changed(Q=bounds[[2, 1, 0]]), tmp_path, "resampled.Q")


def test_the_decrease_that_bounds_leave_is_weighted(tmp_path):
    """Bounds that are raised by a half all alike, where less than that is left, with weights of 2, 4 and 1 in 7."""
    draft = maker.pair(bounds=True)
    form, bounds = draft.arrays["P"], draft.arrays["Q"]
    left = form - (2 * bounds[0] + 4 * bounds[1] + bounds[3]) / 7
    assert 0 < np.linalg.eigvalsh(left).min() < 0.5
    found = refused(draft.changed(Q=bounds + 0.5 * np.eye(10)), tmp_path, "resampled.Q")
    assert "does not leave" in found.reason


def test_a_bound_has_to_hold_at_every_vertex():
    """What bounds the form at one vertex only is refused, whichever vertex it is."""
    slopes = [Fraction(1, 10), Fraction(9, 20)]
    vertices = [
        (np.array([[s.denominator, -s.numerator]], dtype=object), s.denominator) for s in slopes
    ]
    form = np.array([[5.0, -0.4], [-0.4, 1.0]])
    for slope, vertex in zip(slopes, vertices, strict=True):
        images = [
            a.T @ form @ a + 1e-3 * np.eye(2) for a in maker.scalar_matrices(float(slope), 0, 1)
        ]
        whole, unit = integral(np.stack([form, *((q + q.T) / 2 for q in images)]))
        forms = Forms(whole[0], unit, (0, 1), (1, 1), tuple(whole[1:]))
        check_bounds(forms, [vertex])
        with pytest.raises(Refused, match="no bound at the delay"):
            check_bounds(forms, vertices)


def test_too_many_combinations_need_bounds(tmp_path):
    draft = maker.local()
    draft.document["delay"] |= {"range": [0, 11], "weights": [1] * 12}
    form = np.eye(12)
    found = refused(draft.changed(P=form), tmp_path, "resampled")
    assert "needs Q" in found.reason


@pytest.mark.parametrize("end", [2.0, 3.0, 10.0])
def test_slopes_over_a_larger_domain_are_not_covered(end, tmp_path):
    """Q holds for slopes of tanh on [-1, 1], and not for those on a larger box, at its end least."""
    draft = maker.local(bounds=True)
    form, flattest = draft.arrays["P"], maker.HIGH * np.tanh(end) / end
    steps = zip(maker.scalar_matrices(flattest, 0, 2), draft.arrays["Q"], strict=True)
    assert max(np.linalg.eigvalsh(a.T @ form @ a - q)[-1] for a, q in steps) > 0
    draft.document["system"]["domain"] = {"x": [-end, end]}
    draft.document["region"]["domain"] = {"x": [-end, end]}
    refused(draft, tmp_path, "resampled.Q")


@pytest.mark.parametrize("slope", [0.3, 0.5, 0.7, 0.9])
def test_a_form_for_the_flattest_slopes_only(slope, tmp_path):
    """x[t+1] = x[t] - 2.2 tanh(x[t-d]) does not even tend to 0 with probability 1 near 0; far out it is flatter."""
    draft = maker.often(1.1, 2.0)
    form = maker.stein(maker.scalar_matrices(slope, 0, 1), [1, 1])
    draft.document["system"]["equations"] = ["x[t+1] = x[t] - 2.2*tanh(x[t-tau])"]
    level = 0.999 * 4 / float(np.linalg.inv(form)[0, 0])
    rho = 0.99 * float(np.sqrt(level / np.abs(form).sum()))
    draft.document["region"] |= {"level": [level], "radius": {"rho": rho}}
    found = refused(draft.changed(P=form), tmp_path, "resampled.P")
    assert "does not decrease" in found.reason


def test_every_combination_of_vertices_counts():
    """A form that falls in the mean at the vertices used alike for all delays, and not where they differ, is refused.

    The sum over the delays takes a slope of its own for each delay, so that equal vertices are not enough.
    """
    slopes = [Fraction(1, 10), Fraction(9, 20)]
    vertices = [
        (np.array([[s.denominator, -s.numerator]], dtype=object), s.denominator) for s in slopes
    ]
    [p], unit = integral(np.array([[[5.0, -0.4], [-0.4, 1.0]]]))
    forms = Forms(p, unit, (0, 1), (1, 1), ())
    assert all(falls(forms, [vertex]) for vertex in vertices)
    assert not falls(forms, vertices)


def falls(forms, vertices) -> bool:
    try:
        check_combinations(forms, vertices)
    except Refused:
        return False
    return True


@pytest.mark.parametrize(
    "change", [{"level": 1.001}, {"level": 4.0}, {"rho": 1.01}, {"rho": 2.0}, {"rho": 1e3}]
)
def test_regions_that_are_too_large(change, tmp_path):
    draft = maker.local()
    accepted(draft, tmp_path)
    region = draft.document["region"]
    region["level"] = [
        region["level"][0] * change.get("level", 1.0) * (1.002 if "level" in change else 1)
    ]
    region["radius"] = {"rho": region["radius"]["rho"] * change.get("rho", 0.1)}
    refused(draft, tmp_path, "resampled.P" if "level" in change else "region")


@pytest.mark.parametrize(
    ("region", "where"),
    [
        ({"level": None}, "region.level"),
        ({"level": []}, "region.level"),
        ({"level": [1.0, 1.0]}, "region.level"),
        ({"level": [0.0]}, "region"),
        ({"level": [-1.0]}, "region"),
        ({"level": 1.0}, "region.level"),
        ({"level": ["1"]}, "region.level"),
        ({"radius": None}, "region.radius"),
        ({"radius": {"rho": 0.0}}, "region"),
        ({"radius": {"rho": -0.1}}, "region"),
        ({"radius": {"rho": "0.1"}}, "region.radius.rho"),
        ({"radius": {"rho": 0.1, "rho_rate": 1.0}}, "region.radius"),
        ({"radius": {}}, "region.radius"),
    ],
)
def test_regions(region, where, tmp_path):
    """The place says that it is the region that is refused, and not the claim, which some of them cannot have."""
    draft = maker.local()
    draft.document["region"] |= region
    result = check_file(draft.save(tmp_path / "a", claim=False))
    assert (result.valid, result.where) == (False, where)
    draft = maker.scalar()
    draft.document["region"] |= region
    if any(v is not None for v in region.values()):
        refused(draft, tmp_path, "region")


@pytest.mark.parametrize("level", [[1.0], None])
def test_no_level_or_radius_without_a_domain(level, tmp_path):
    draft = maker.scalar()
    draft.document["region"] |= {"level": level, "radius": {"rho": 0.1} if level is None else None}
    refused(draft, tmp_path, "region")


DOMAINS = [
    ("x", [0.25, 3.0], "resampled.P"),
    ("x", [0.2, 1.75], "resampled.P"),
    ("x", [0.2, 1.1], "region.radius"),
    ("x", [0.9, 3.0], "region.radius"),
    ("y", [-2.72, -1.3], "resampled.P"),
    ("y", [-2.7, -1.0], "resampled.P"),
    ("y", [-2.1, -1.0], "region.radius"),
    ("y", [-2.72, -1.9], "region.radius"),
]


@pytest.mark.parametrize(("state", "ends", "where"), DOMAINS)
def test_every_face_of_a_domain_counts(state, ends, where, tmp_path):
    """The level set has to keep to both sides of each state, the slopes to hold on all of the domain."""
    draft = maker.pair()
    for part in ("system", "region"):
        draft.document[part]["domain"] = {**draft.document[part]["domain"], state: ends}
    refused(draft, tmp_path, where)


def test_a_linear_scheme_keeps_to_its_domain_too(tmp_path):
    """Linear equations with a domain: the same claim, the same conditions."""
    domain = {"x": [-1.0, 2.0]}
    draft = maker.scalar(0.5, 0, 2)
    form = draft.arrays["P"]
    level = 0.999 / float(np.linalg.inv(form)[0, 0])
    rho = 0.999 * float(np.sqrt(level / np.abs(form).sum()))
    draft.document["system"]["domain"] = domain
    draft.document["region"] |= {"domain": domain, "level": [level], "radius": {"rho": rho}}
    assert "with probability at least 1 - delta" in accepted(draft, tmp_path).claim
    draft.document["region"] |= {"level": [1.01 * level]}
    refused(draft, tmp_path, "resampled.P")
    draft.document["region"] |= {"level": [level], "radius": {"rho": 1.01 * rho}}
    refused(draft, tmp_path, "region.radius")


def test_the_bound_of_a_delay_that_is_never_drawn_is_not_used(tmp_path):
    """d = 3 has the weight 0; the bounds of the others are at their own delays, and so are the weights."""
    draft = maker.pair(bounds=True)
    bounds = draft.arrays["Q"].copy()
    bounds[2] = -np.eye(10)
    accepted(draft.changed(Q=bounds), tmp_path)
    for other in ([1, 0, 2, 3], [0, 1, 3, 2], [2, 1, 0, 3]):
        refused(draft.changed(Q=bounds[other]), tmp_path, "resampled.Q")
    bounds[2], bounds[3] = draft.arrays["Q"][3], -np.eye(10)
    found = refused(draft.changed(Q=bounds), tmp_path, "resampled.Q")
    assert "is no bound at the delay 4" in found.reason


def test_a_nonlinear_variable_has_to_be_named(tmp_path):
    draft = maker.local()
    draft.document["proof"]["nonlinear"]["delayed"] = []
    refused(draft, tmp_path, "proof.nonlinear")
    draft = maker.local()
    draft.document["system"]["domain"] = draft.document["region"]["domain"] = None
    draft.document["region"] |= {"level": None, "radius": None}
    refused(draft, tmp_path, "system.domain")


@pytest.mark.parametrize("role", ["parameter", "state", "delay"])
def test_delta_is_no_name_on_a_domain(role, tmp_path):
    draft, old = maker.local(), {"parameter": "0.5", "state": "x", "delay": "tau"}[role]
    system, region = draft.document["system"], draft.document["region"]
    system["equations"] = [maker.TANH.replace("tanh", "TANH").replace(old, "delta")]
    system["equations"] = [system["equations"][0].replace("TANH", "tanh")]
    if role == "parameter":
        system["parameters"] = {"delta": 0.5}
    if role == "delay":
        draft.document["delay"]["name"] = "delta"
    if role == "state":
        system["states"] = draft.document["proof"]["nonlinear"]["delayed"] = ["delta"]
        system["domain"] = region["domain"] = {"delta": [-1.0, 1.0]}
    assert "means a probability" in refused(draft, tmp_path, "system").reason


@pytest.mark.parametrize("equation", ["x' = -x(t - tau)", "x[t+1] = x[t] - 0.3*x[t-2*tau]"])
def test_equations(equation, tmp_path):
    draft = maker.scalar()
    draft.document["system"] |= {"equations": [equation], "parameters": {}}
    refused(draft, tmp_path)


def test_a_multiple_of_the_delay_is_not_left_out(tmp_path):
    """x[t+1] = 0.5 x[t] would be stable; 2 tau is no delay of this kind."""
    draft = maker.scalar(0.5, 0, 1, [1, 0])
    accepted(draft, tmp_path)
    equations = ["x[t+1] = q*x[t] - 0.9*x[t-2*tau]"]
    draft.document["system"]["equations"] = equations
    refused(draft, tmp_path, "system.equations")


@pytest.mark.parametrize(
    "interval", [{"parameters": {"q": [0.5, 0.6]}}, {"equilibrium": {"x": [-0.1, 0.1]}}]
)
def test_intervals_are_not_of_this_kind(interval, tmp_path):
    draft = maker.scalar()
    draft.document["system"] |= interval
    result = check_file(draft.save(tmp_path / "a", claim=False))
    assert (result.valid, result.where) == (False, "system")
    assert "interval" in result.reason


@pytest.mark.parametrize("other", ["constant", "measurable", "slow"])
def test_a_claim_about_another_class(other, tmp_path):
    draft = maker.scalar()
    draft.document["delay"]["class"] = other
    refused(draft, tmp_path, "certificate.json.delay.class")
    draft.document["kind"] = "scheme"
    del draft.document["delay"]["weights"]
    result = check_file(draft.save(tmp_path / "a", claim=False))
    assert not result.valid
    assert result.where in ("certificate.json.delay.class", "archive")


# ---- the rules


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 3), st.integers(0, 40), st.lists(st.integers(1, 9), min_size=4, max_size=4))
def test_the_mean_decrease_is_that_of_exact_matrix_products(k, gain, weights):
    q, shares = Fraction(gain, 23), [Fraction(w) for w in weights[: k + 1]]
    m = k + 1
    rng = np.random.default_rng(gain)
    noise = rng.normal(size=(m, m)) / 10
    form = np.eye(m) + noise + noise.T
    if gain % 2 and q < Fraction(1, 2):
        form = maker.stein(maker.scalar_matrices(float(q) or 0.1, 0, k), [float(s) for s in shares])
    [p], unit = integral(form[None])
    vertex = (np.array([[q.denominator, -q.numerator]], dtype=object), q.denominator)
    forms = Forms(p, unit, tuple(range(k + 1)), tuple(int(s) for s in shares), ())
    assert falls(forms, [vertex]) == positive_definite(maker.exact_decrease(q, shares, form))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_bounds_imply_all_combinations(seed):
    """What Q proves, the combinations prove too."""
    rng = np.random.default_rng(seed)
    slopes = sorted(Fraction(int(v), 50) for v in rng.integers(10, 30, size=2))
    vertices = [
        (np.array([[s.denominator, -s.numerator]], dtype=object), s.denominator) for s in slopes
    ]
    middle, half = float(sum(slopes)) / 2, float(slopes[1] - slopes[0]) / 2
    matrices = maker.scalar_matrices(middle, 0, 2)
    form = maker.stein(matrices, [1, 1, 1])
    given_bounds = [maker.young(a, form, d, half) for d, a in enumerate(matrices)]
    whole, unit = integral(np.stack([form, *given_bounds]))
    forms = Forms(whole[0], unit, (0, 1, 2), (1, 1, 1), tuple(whole[1:]))
    try:
        check_bounds(forms, vertices)
    except Refused:
        return
    check_combinations(forms, vertices)


def test_the_martingale_bound_by_simulation(tmp_path):
    """Of solutions from V = delta c, a share of at most delta leaves the level set; the others tend to 0."""
    draft = maker.local()
    accepted(draft, tmp_path)
    form, [level] = draft.arrays["P"], draft.document["region"]["level"]
    rng, count, steps = np.random.default_rng(5), 4000, 150
    for delta in (0.05, 0.3, 0.8):
        state = rng.normal(size=(3, count))
        size = np.einsum("ib,ij,jb->b", state, form, state)
        state = state * np.sqrt(delta * level / size)
        state = state[:, np.abs(state).max(0) <= 1]
        left = np.zeros(state.shape[1], dtype=bool)
        for delays in rng.integers(0, 3, size=(steps, state.shape[1])):
            past = state[delays, np.arange(state.shape[1])]
            state = np.vstack([state[0] - 0.5 * np.tanh(past), state[:2]])
            left |= np.einsum("ib,ij,jb->b", state, form, state) > level
            left |= np.abs(state[0]) > 1
        share, spread = left.mean(), 4 * np.sqrt(delta * (1 - delta) / len(left))
        assert share <= delta + spread
        assert np.abs(state[:, ~left]).max() < 1e-3


@pytest.mark.parametrize("delta", [0.1, 0.6])
def test_the_martingale_bound_where_many_leave(delta, tmp_path):
    """From V = delta c in any direction the share that leaves is at most delta, and not a small part of it."""
    draft, ways, count = maker.often(), 30, 600
    accepted(draft, tmp_path)
    form, [level] = draft.arrays["P"], draft.document["region"]["level"]
    angle, rng = np.linspace(0, np.pi, ways), np.random.default_rng(2)
    state = np.stack([np.cos(angle), np.sin(angle)])
    state *= np.sqrt(delta * level / np.einsum("ib,ij,jb->b", state, form, state))
    state = np.repeat(state[:, np.abs(state).max(0) <= 0.3], count, axis=1)
    left = np.zeros(state.shape[1], dtype=bool)
    for delays in rng.integers(0, 2, size=(100, state.shape[1])):
        past = state[delays, np.arange(state.shape[1])]
        state = np.vstack([state[0] - 1.15 * np.tanh(past), state[:1]])
        left |= np.einsum("ib,ij,jb->b", state, form, state) > level
    worst = left.reshape(-1, count).mean(axis=1).max()
    assert delta / 10 < worst <= delta + 5 * np.sqrt(delta * (1 - delta) / count)
    assert np.abs(state[:, ~left]).max() < 1e-3


def pair_step(x, y, past_x, past_y):
    """The equations of the pair, written out; arrays of one size."""
    return 1 + 0.5 * (x - 1) + 0.2 * (past_y + 2), -2 + 0.6 * (y + 2) - 0.2 * np.sin(past_x - 1)


def test_two_states_elsewhere_by_simulation():
    """V of the pair falls in the mean at points of the domain; from V = delta c at most a share of delta leaves."""
    draft = maker.pair()
    form, [level] = draft.arrays["P"], draft.document["region"]["level"]
    rho, rest = draft.document["region"]["radius"]["rho"], np.array([1.0, -2.0])[:, None, None]
    shares, rng = np.array([1.0, 2.0, 0.5]) / 3.5, np.random.default_rng(3)

    def size(state):
        flat = (state - rest).transpose(1, 0, 2).reshape(10, -1)
        return np.einsum("ib,ij,jb->b", flat, form, flat)

    def step(state, d):
        past = state[:, d, np.arange(state.shape[2])]
        return np.concatenate(
            [np.stack(pair_step(*state[:, 0], *past))[:, None], state[:, :-1]], axis=1
        )

    low, high = np.array([0.2, -2.72])[:, None, None], np.array([3.0, -1.0])[:, None, None]
    state = rng.uniform(low, high, size=(2, 5, 2000))
    mean = sum(share * size(step(state, d)) for share, d in zip(shares, (1, 2, 4), strict=True))
    assert (mean < size(state)).all()
    assert (size(rest + rho * rng.choice([-1.0, 1.0], size=(2, 5, 2000))) <= level).all()
    state = rest + rng.normal(size=(2, 5, 2000)) * np.eye(5)[0][:, None]
    state = rest + (state - rest) * np.sqrt(0.5 * level / size(state))
    left = np.zeros(2000, dtype=bool)
    for d in rng.choice([1, 2, 4], p=shares, size=(80, 2000)):
        state = step(state, d)
        left |= size(state) > level
        assert ((state[:, 0] >= low[:, 0]) & (state[:, 0] <= high[:, 0])).all(axis=0)[~left].all()
    assert left.mean() <= 0.5 + 4 * np.sqrt(0.25 / 2000)
    assert np.abs(state - rest)[..., ~left].max() < 1e-3


def test_the_mean_falls_step_by_step_whatever_the_slopes():
    """E V(X+) < V(X) by enumeration of the delays, at random points of the domain."""
    draft = maker.local()
    form, rng = draft.arrays["P"], np.random.default_rng(1)
    state = rng.uniform(-1, 1, size=(3, 5000))
    now = np.einsum("ib,ij,jb->b", state, form, state)
    after = np.zeros_like(now)
    for d in range(3):
        new = np.vstack([state[0] - 0.5 * np.tanh(state[d]), state[:2]])
        after += np.einsum("ib,ij,jb->b", new, form, new) / 3
    assert (after < now).all()


@pytest.mark.parametrize("reclaim", [False, True])
@pytest.mark.parametrize("name", ["weighted", pytest.param("local", marks=pytest.mark.slow)])
def test_any_change_of_any_field(name, reclaim, tmp_path):
    draft = GOOD[name]()
    base = draft.document | {"claim": maker.sentence(draft.document)}
    entries = {"resampled.npz": writer.npz_bytes(draft.arrays)}

    def true(path, old, new):
        return still_true(name, path, old, new)

    check_each_field(tmp_path / "a", base, entries, maker.sentence, true, reclaim=reclaim)


def still_true(name, path, old, new) -> bool:
    """Whether the new claim follows from the old one, or is another true one: small changes of a gain or a weight."""
    if path[:2] == ("region", "level") or path == ("region", "radius", "rho"):
        return 0 < new < old + 1e-6
    if path[:2] == ("system", "parameters"):
        return isinstance(new, dict) or 0 < new < 0.61
    if path[:2] == ("delay", "weights"):
        weights = [0.1, 0.2, 0, 0.3] if name == "weighted" else [1.0, 1.0, 1.0]
        if len(path) == 3:
            weights[path[2]] = new
        else:
            weights = new
        return moment(weights) < 1 if name == "weighted" else decreases(weights)
    return path[:2] == ("system", "equations") and new.strip() == old


def moment(weights) -> float:
    found = maker.second_moment(maker.scalar_matrices(0.6, 0, 3), weights)
    return float(np.abs(np.linalg.eigvals(found)).max())


def decreases(weights) -> bool:
    """Whether the form of the tanh scheme falls in the mean at all slopes of tanh, a slope for each delay (float64)."""
    form = maker.local().arrays["P"]
    ends = [maker.scalar_matrices(slope, 0, 2) for slope in (0.5 * np.tanh(1.0), 0.5)]
    gaps = [
        form
        - sum(
            w * ends[k][d].T @ form @ ends[k][d]
            for d, (k, w) in enumerate(zip(word, weights, strict=True))
        )
        / sum(weights)
        for word in itertools.product((0, 1), repeat=3)
    ]
    return min(np.linalg.eigvalsh(gap).min() for gap in gaps) > 0


def test_all_words_of_delays_together_make_the_mean():
    """The second moment over all words of a length is the power of E[A kron A] that the limits rest on."""
    matrices = maker.scalar_matrices(0.9, 0, 2)
    start, words = np.array([1.0, -0.3, 0.5]), list(itertools.product(range(3), repeat=5))
    ends = []
    for word in words:
        state = start
        for d in word:
            state = matrices[d] @ state
        ends.append(np.kron(state, state))
    power = np.linalg.matrix_power(maker.second_moment(matrices, [1, 1, 1]), 5)
    assert np.allclose(np.mean(ends, axis=0), power @ np.kron(start, start))
