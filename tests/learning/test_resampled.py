"""Delays drawn anew at each step: the exact thresholds from both sides, regions that hold with their probability."""

from io import BytesIO

import numpy as np
import pytest
import torch

from certdde.certificates.claim import claim_sentence
from certdde.certificates.content import rebuilt_delay
from certdde.certificates.resampled import ENTRY
from certdde.delays.classes import Constant, Resampled
from certdde.errors import ProblemError
from certdde.learning.certify import certify
from certdde.models.schemes import FixedScheme
from certdde.systems import DelaySystem

LIMITS = {1: 1.236068, 2: 0.952371, 3: 0.783323, 5: 0.584173}
OF_THE_MEAN = {1: 2.0, 2: 1.5, 3: 1.1715, 5: 0.8038}  # where E[x] stops tending to 0


def scalar(q: float) -> DelaySystem:
    return DelaySystem.from_equations(["x[t+1] = x[t] - q*x[t-tau]"], parameters={"q": q})


def tanh(q: float, end: float = 1.0) -> DelaySystem:
    return DelaySystem.from_equations(
        ["x[t+1] = x[t] - q*tanh(x[t-tau])"], parameters={"q": q}, domain={"x": [-end, end]}
    )


def rigorous(system, delay, **options):
    found = certify(system, delay, **options)
    assert (found.status, found.rigor) == ("certified", "rigorous"), found
    data = found.data
    assert data["kind"] == "resampled"
    assert data["claim"] == claim_sentence(
        data["system"], data["delay"], data["region"], "resampled"
    )
    assert rebuilt_delay(data["delay"]) == delay
    return found


@pytest.mark.parametrize(("k", "limit"), LIMITS.items())
def test_the_exact_thresholds_from_both_sides(k, limit):
    """REFERENCE: largest q for d uniform on 0..k in mean square; derived again in tests/verify/checker."""
    found = rigorous(scalar(limit - 1e-4), Resampled("tau", 0, k))
    moments = found.data["statistics"]["moments"]
    assert moments["mean"] < moments["mean_square"] ** 0.5 < 1
    beyond = certify(scalar(limit + 1e-4), Resampled("tau", 0, k))
    assert beyond.status == "refuted"
    assert "mean square" in beyond.claim
    assert "with probability 1 is another question" in beyond.claim
    assert beyond.data["counterexample"]["mean"] < 1 < beyond.data["counterexample"]["mean_square"]


@pytest.mark.parametrize(("k", "limit"), OF_THE_MEAN.items())
def test_the_mean_alone_overstates_it(k, limit):
    found = certify(scalar(0.99 * limit), Resampled("tau", 0, k))
    assert found.status == "refuted"
    assert found.data["counterexample"]["mean"] < 1


def test_a_law_with_one_delay_is_that_delay():
    """q < 2 cos(k pi / (2k + 1)) for the constant delay k."""
    limit = 2 * np.cos(3 * np.pi / 7)
    rigorous(scalar(limit - 1e-4), Resampled("tau", 0, 3, (0, 0, 0, 1)))
    rigorous(scalar(limit - 1e-4), Resampled("tau", 3, 3))
    assert certify(scalar(limit + 1e-4), Resampled("tau", 3, 3)).status == "refuted"


def test_weights_count():
    assert rigorous(scalar(1.0), Resampled("tau", 0, 2, (0.6, 0.3, 0.1)))
    assert certify(scalar(1.0), Resampled("tau", 0, 2, (0.1, 0.3, 0.6))).status == "refuted"


def test_two_states_and_long_windows():
    system = DelaySystem.from_equations(
        ["x[t+1] = 0.9*x[t] - 0.2*y[t-tau]", "y[t+1] = 0.8*y[t] + 0.1*x[t-tau]"]
    )
    rigorous(system, Resampled("tau", 1, 6))
    rigorous(scalar(0.06), Resampled("tau", 0, 40))


def values(form: np.ndarray, state: np.ndarray) -> np.ndarray:
    return np.einsum("ib,ij,jb->b", state, form, state)


@pytest.mark.parametrize(
    ("q", "upper", "weights"), [(0.7, 2, ()), (0.9, 1, ()), (0.4, 3, (1, 2, 0, 3))]
)
def test_regions_hold_with_their_probability(q, upper, weights):
    """From V = delta c at most delta leave; what stays converges. Monte Carlo, 4 standard deviations."""
    delay = Resampled("tau", 0, upper, weights)
    found = rigorous(tanh(q), delay)
    form = np.load(BytesIO(found.entries[ENTRY]))["P"]
    [level], rho = found.data["region"]["level"], found.data["region"]["radius"]["rho"]
    rng, count = np.random.default_rng(0), 5000
    shares = np.array([float(p) for p in delay.probabilities])
    for delta in (0.1, 0.5):
        for inside in (False, True):
            state = rng.normal(size=(upper + 1, count))
            state *= np.sqrt(delta * level / values(form, state))
            if inside:
                state = np.sqrt(delta) * rho * rng.choice([-1.0, 1.0], size=(upper + 1, count))
            state = state[:, np.abs(state).max(0) <= 1]
            size = state.shape[1]
            left = np.zeros(size, dtype=bool)
            for delays in rng.choice(upper + 1, p=shares, size=(300, size)):
                past = state[delays, np.arange(size)]
                state = np.vstack([state[0] - q * np.tanh(past), state[:-1]])
                left |= np.abs(state[0]) > 1
            fails = left | (np.abs(state).max(0) > 1e-3)
            assert fails.mean() <= delta + 4 * np.sqrt(delta * (1 - delta) / size)


def test_many_combinations_are_proved_by_bounds():
    found = rigorous(tanh(0.12, 0.5), Resampled("tau", 0, 8), budget=60)
    arrays = np.load(BytesIO(found.entries[ENTRY]))
    assert set(arrays) == {"P", "Q"}


def test_an_equilibrium_elsewhere():
    system = DelaySystem.from_equations(
        ["x[t+1] = x[t] + 0.3*x[t]*(1 - x[t-tau])"],
        domain={"x": [0.5, 1.5]},
        equilibrium={"x": 1.0},
    )
    rigorous(system, Resampled("tau", 0, 2))


def test_a_learned_scheme_whose_increment_does_not_read_the_delay():
    scheme = FixedScheme.rounded(
        torch.tensor([[0.1]]),
        torch.tensor([[0.3, 0.1]]),
        torch.tensor([[1.1], [0.4]]),
        torch.tensor([0.1, 0.0]),
    )
    rigorous(scheme.system([(-0.5, 0.5)]), Resampled("tau", 0, 3))


def test_a_nonlinear_scheme_is_not_refuted_by_its_second_moment():
    """The linearisation may grow in mean square and tend to 0 with probability 1."""
    found = certify(tanh(0.79), Resampled("tau", 0, 3), budget=20)
    assert found.status == "unknown"
    assert "the second moment of the linearisation does not fall" in found.claim
    assert "escape" not in found.data["statistics"]


FALSE = [
    (["x[t+1] = x[t]"], {}, 0, 1),
    (["x[t+1] = 1.01*x[t]"], {}, 0, 2),
    (["x[t+1] = x[t] - 0*x[t-tau]"], {}, 0, 2),
    (["x[t+1] = -x[t-tau]"], {}, 1, 1),
    (["x[t+1] = x[t] - 1.99*x[t-tau]"], {}, 0, 1),
    (["x[t+1] = x[t] + 0.1*x[t-tau]^3"], {"x": [-1, 1]}, 0, 1),
    (["x[t+1] = x[t] - x[t-tau]^3"], {"x": [-1, 1]}, 0, 1),
    (["x[t+1] = x[t] - 1.3*tanh(x[t-tau])"], {"x": [-1, 1]}, 0, 1),
    (["x[t+1] = y[t]", "y[t+1] = -x[t-tau]"], {}, 0, 1),
    (["x[t+1] = x[t] - 0.5*x[t-tau] + 2*x[t]^3"], {"x": [-1, 1]}, 0, 1),
]


@pytest.mark.parametrize(("equations", "domain", "lower", "upper"), FALSE)
def test_false_claims(equations, domain, lower, upper):
    system = DelaySystem.from_equations(equations, domain=domain or None)
    for method in ("auto", "lmi"):
        found = certify(system, Resampled("tau", lower, upper), method=method, budget=10)
        assert found.status in ("unknown", "refuted"), found
        assert found.rigor != "rigorous"


def test_marginal_ones_are_not_refuted_either():
    """The spectral radius is 1: neither proved nor refuted."""
    found = certify(
        DelaySystem.from_equations(["x[t+1] = x[t]"]), Resampled("tau", 0, 1), budget=10
    )
    assert found.status == "unknown"


def test_a_differential_equation_has_no_steps():
    with pytest.raises(ProblemError, match="no steps"):
        certify(DelaySystem.from_equations(["x' = -x(t - tau)"]), Resampled("tau", 0, 1))


@pytest.mark.parametrize("method", ["spectral", "neural", "theorem", "sos"])
def test_other_methods(method):
    with pytest.raises(ProblemError):
        certify(scalar(0.3), Resampled("tau", 0, 2), method=method)


def test_a_window_that_is_too_long():
    found = certify(scalar(0.001), Resampled("tau", 300, 305))
    assert found.status == "unknown"
    assert "256" in found.claim


def test_the_other_classes_stay_as_they_are():
    assert certify(scalar(0.4), Constant("tau", 0, 3)).data["kind"] == "scheme"
