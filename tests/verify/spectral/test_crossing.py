"""No root on the imaginary axis: known margins, and dense spectra of random systems."""

import math

import numpy as np
import pytest
from anchors import GU, HUTCHINSON, KIM, KR, LD, SC, linear
from hypothesis import given, settings
from hypothesis import strategies as st

from certdde.errors import ProblemError
from certdde.systems.delay_system import DelaySystem
from certdde.verify.spectral.crossing import NoCrossing, PossibleCrossing, prove_no_crossing
from certdde.verify.spectral.linear import LinearDelaySystem
from certdde.verify.spectral.windows import abscissa

BARS = [
    (SC, 0.0, math.pi / 2 * (1 - 1e-9)),
    (KR, 0.0, 6.17258136),
    (GU, 0.1001683, 1.71785),
    (GU, 0.10016828, 1.71785817),
    (LD, 0.0, 3.14159),
    (LD, 3.1416, 9.42476),
    (KIM, 0.0, 50.0),
]
FALSE = [
    (SC, 0.0, 1.5708),
    (SC, 1.0, 1.6),
    (KR, 0.0, 6.1726),
    (GU, 0.1001682, 1.7),
    (GU, 0.2, 1.71786),
    (LD, 0.0, math.pi),
    (LD, 0.0, 3.2),
    (LD, 0.0, 6.0),
]
random_systems = st.builds(
    lambda seed, n, shift: _random(seed, n, shift),
    st.integers(0, 2**32 - 1),
    st.integers(1, 4),
    st.floats(-1, 3),
)


def _random(seed, n, shift):
    rng = np.random.default_rng(seed)
    present = np.round(rng.normal(size=(n, n)), 3) - round(shift, 2) * np.eye(n)
    return matrices(present, np.round(rng.normal(size=(n, n)), 3))


def matrices(*terms) -> LinearDelaySystem:
    from fractions import Fraction

    return LinearDelaySystem(
        tuple(tuple(tuple(Fraction(str(float(v))) for v in row) for row in term) for term in terms)
    )


@pytest.mark.parametrize(("system", "lower", "upper"), BARS)
def test_known_ranges(system, lower, upper):
    found = prove_no_crossing(LinearDelaySystem.of(system), lower, upper)
    assert isinstance(found, NoCrossing)
    assert found.leaves < 10_000
    assert (found.codes == 254).sum() == (found.codes < 2).sum() + 1


@pytest.mark.parametrize(("system", "lower", "upper"), FALSE)
def test_false_ranges_and_where_they_fail(system, lower, upper):
    found = prove_no_crossing(LinearDelaySystem.of(system), lower, upper)
    assert isinstance(found, PossibleCrossing)
    limits = [math.pi / 2, math.pi, 6.172581371, 0.10016826845, 1.717858178, 3 * math.pi]
    assert min(abs(found.delay - limit) for limit in limits) < 2e-6
    assert lower <= found.delay <= upper


@settings(max_examples=40, deadline=None)
@given(random_systems, st.floats(0.01, 4), st.floats(0, 2))
def test_what_is_proved_has_no_change_of_stability_inside(system, width, lower):
    """Dense spectra: their sign is the same over the whole range, and no root is near the axis."""
    upper = lower + width
    found = prove_no_crossing(system, lower, upper, max_boxes=20_000)
    values = [abscissa(system, tau) for tau in np.linspace(lower, upper, 13)]
    if isinstance(found, NoCrossing):
        assert all(abs(value) > 1e-9 for value in values)
        assert max(values) < 0 or min(values) > 0
    elif found.why.startswith("a root"):
        m = _characteristic(system, found.frequency, found.delay)
        assert np.linalg.svd(m, compute_uv=False)[-1] < 1e-9


def test_most_random_ranges_are_decided():
    decided = 0
    for seed in range(40):
        found = prove_no_crossing(_random(seed, 1 + seed % 6, 1.0), 0.0, 2.0, max_boxes=20_000)
        decided += isinstance(found, NoCrossing) or found.why.startswith("a root")
    assert decided >= 38


def _characteristic(system, w, tau):
    terms = system.arrays
    late = sum(term * np.exp(-1j * k * w * tau) for k, term in enumerate(terms[1:], 1))
    return 1j * w * np.eye(terms.shape[1]) - terms[0] - late


def test_several_multiples_of_the_delay():
    """x' = -(x(t - tau) + x(t - 2 tau))/2: i w = -cos(theta/2) e^(-3 i theta/2), so theta = pi/3."""
    system = matrices([[0.0]], [[-0.5]], [[-0.5]])
    limit = math.pi / 3 / math.cos(math.pi / 6)
    assert isinstance(prove_no_crossing(system, 0.0, limit * (1 - 1e-9)), NoCrossing)
    found = prove_no_crossing(system, 0.0, limit * (1 + 1e-9))
    assert isinstance(found, PossibleCrossing)
    assert found.delay == pytest.approx(limit, rel=1e-9)
    assert found.frequency == pytest.approx(math.cos(math.pi / 6), rel=1e-9)


@settings(max_examples=20, deadline=None)
@given(random_systems, st.integers(-3, 3), st.permutations(range(4)))
def test_time_and_order_of_states_do_not_matter(system, power, order):
    """x(t) -> x(2^k t) divides delays by 2^k; the trees are then even the same."""
    factor = 2.0**power
    scaled = matrices(*(factor * system.arrays))
    one = prove_no_crossing(system, 0.0, 1.0, max_boxes=5000)
    two = prove_no_crossing(scaled, 0.0, 1.0 / factor, max_boxes=5000)
    assert type(one) is type(two)
    kept = [i for i in order if i < len(system.terms[0])]
    permuted = matrices(*system.arrays[:, kept][:, :, kept])
    assert type(prove_no_crossing(permuted, 0.0, 1.0, max_boxes=5000)) is type(one)


def test_a_root_at_zero_and_a_system_without_terms():
    for present, delayed in (([[-1.0]], [[1.0]]), ([[0.0]], [[0.0]])):
        found = prove_no_crossing(matrices(present, delayed), 0.0, 1.0)
        assert isinstance(found, PossibleCrossing)


def test_a_budget_ends_the_search():
    found = prove_no_crossing(LinearDelaySystem.of(KIM), 0.0, 50.0, max_boxes=100)
    assert (type(found), found.why) == (PossibleCrossing, "too many boxes")
    assert isinstance(
        prove_no_crossing(LinearDelaySystem.of(KIM), 0.0, 50.0, deadline=0.0), PossibleCrossing
    )


def test_the_frequency_bound_holds_all_roots_on_the_right():
    rng = np.random.default_rng(3)
    for seed in range(30):
        system = _random(seed, 1 + seed % 4, -1.0)
        present, delayed = system.arrays
        for theta in rng.uniform(0, 2 * math.pi, 20):
            turned = present + rng.uniform() * np.exp(1j * theta) * delayed
            assert np.abs(np.linalg.eigvals(turned)).max() <= system.frequency * (1 + 1e-12)


def test_only_linear_systems_have_matrices():
    assert LinearDelaySystem.of(HUTCHINSON) is None
    with pytest.raises(ProblemError, match="linear"):
        LinearDelaySystem.required(HUTCHINSON)
    two = DelaySystem.from_equations(["x' = -x(t - a) - x(t - b)"], delays=["a", "b"])
    with pytest.raises(ProblemError, match="delays"):
        LinearDelaySystem.of(two)


def test_matrices_are_exact():
    from fractions import Fraction

    found = LinearDelaySystem.of(linear([[0.1]], [[-0.3]]))
    assert found.terms == (((Fraction(1, 10),),), ((Fraction(-3, 10),),))
    assert Fraction(found.frequency) >= Fraction(4, 10)
