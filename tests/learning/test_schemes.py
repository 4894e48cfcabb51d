"""Schemes end to end: rigorous certificates up to the bars, refutations beyond, regions that hold."""

import numpy as np
import pytest
import torch

from certdde.certificates.claim import claim_sentence
from certdde.delays.classes import Constant, Measurable, Slow
from certdde.errors import ProblemError
from certdde.learning.certify import certify
from certdde.solvers import scheme
from certdde.systems import DelaySystem

SCALAR = ["x[t+1] = x[t] - q*x[t-tau]"]
TWO = [
    "x[t+1] = 0.8*x[t] - 0.1*x[t-tau]",
    "y[t+1] = 0.05*x[t] + 0.9*y[t] - 0.2*x[t-tau] - 0.1*y[t-tau]",
]
LOGISTIC = "x[t+1] = x[t] + 0.3*x[t]*(1 - x[t-tau])"


def scalar(q: float) -> DelaySystem:
    return DelaySystem.from_equations(SCALAR, parameters={"q": q})


def rigorous(system, delay, **options):
    found = certify(system, delay, **options)
    assert (found.status, found.rigor) == ("certified", "rigorous"), found
    data = found.data
    assert data["kind"] == "scheme"
    assert data["claim"] == claim_sentence(data["system"], data["delay"], data["region"], "scheme")
    return found


@pytest.mark.parametrize(
    ("k", "q"), [(1, 0.9999), (2, 0.58578), (3, 0.42264), (5, 0.27128), (10, 0.14285), (40, 0.037)]
)
def test_any_sequence_of_delays_up_to_the_sharp_condition(k, q):
    found = rigorous(scalar(q), Measurable("tau", 0, k))
    assert found.data["functional"]["kind"] == "peaks"


@pytest.mark.parametrize(
    ("k", "q"), [(1, 1.001), (2, 0.5859), (3, 0.42275), (5, 0.2714), (10, 0.14295)]
)
def test_beyond_it_a_sequence_of_delays_is_named(k, q):
    found = certify(scalar(q), Measurable("tau", 0, k))
    assert found.status == "refuted"
    word, past = found.data["counterexample"]["word"], [1.0] * (k + 1)
    for t in range(3000 * len(word)):
        past.append(past[-1] - q * past[-1 - word[t % len(word)]])
        if abs(past[-1]) > 100:
            return
    assert max(map(abs, past[-200:])) > 1.5


@pytest.mark.parametrize("k", range(1, 11))
def test_a_constant_delay_within_one_percent_of_the_exact_margin(k):
    limit = 2 * np.cos(k * np.pi / (2 * k + 1))
    found = rigorous(scalar(round(0.99 * limit, 6)), Constant("tau", 0, k))
    assert found.data["functional"]["kind"] == "lifted"
    beyond = certify(scalar(round(1.001 * limit, 6)), Constant("tau", 0, k))
    assert beyond.status == "refuted"
    assert beyond.data["counterexample"]["word"] == [k]


@pytest.mark.parametrize(("k", "q"), [(2, 0.585), (3, 0.42)])
def test_quadratic_functions_on_a_graph(k, q):
    found = rigorous(scalar(q), Measurable("tau", 0, k), method="lmi")
    assert len(found.data["statistics"]["baselines"]) > 1


def test_two_states():
    system = DelaySystem.from_equations(TWO)
    rigorous(system, Measurable("tau", 2, 22))
    rigorous(system, Constant("tau", 2, 40))


@pytest.mark.slow
@pytest.mark.parametrize(("lower", "upper"), [(4, 22), (6, 23), (10, 24), (10, 25), (4, 23)])
def test_two_states_with_longer_windows(lower, upper):
    rigorous(DelaySystem.from_equations(TWO), Measurable("tau", lower, upper))


def test_a_gap_between_the_certified_and_the_refuted():
    """Slopes of a system that is no feedback of the sharp condition: unknown, with a reason."""
    system = DelaySystem.from_equations(["x[t+1] = 0.999*x[t] - 0.58*x[t-tau]"])
    found = certify(system, Measurable("tau", 0, 2), budget=3, method="lmi")
    assert found.status in ("certified", "unknown")
    found = certify(system, Measurable("tau", 0, 2), method="theorem")
    assert found.status == "unknown"
    assert "x[t+1] = x[t] - h(x[t-tau])" in found.claim


LOCAL = [
    (LOGISTIC, (0.5, 1.5), 1.0, Measurable("tau", 0, 2), "lmi"),
    (LOGISTIC, (0.5, 1.5), 1.0, Constant("tau", 1, 2), "auto"),
    ("x[t+1] = x[t] - 0.4*tanh(x[t-tau])", (-1.0, 2.0), 0.0, Measurable("tau", 0, 2), "lmi"),
    ("x[t+1] = x[t] - 0.55*sin(x[t-tau])", (-1.0, 1.0), 0.0, Measurable("tau", 0, 2), "auto"),
]


@pytest.mark.parametrize(("text", "domain", "rest", "delay", "method"), LOCAL)
def test_histories_of_the_region_stay_and_converge(text, domain, rest, delay, method):
    """Random histories on the boundary of the region, random and adverse delays."""
    system = DelaySystem.from_equations([text], domain={"x": domain}, equilibrium={"x": rest})
    found = rigorous(system, delay, method=method)
    region, k, rng = found.data["region"], int(delay.upper), np.random.default_rng(0)
    rho, count, steps = region["radius"]["rho"], 400, 400
    history = rng.choice([-rho, rho], size=(k + 1, count, 1)) * rng.choice(
        [1, 0.7], size=(count, 1)
    )
    level = region["level"]
    if level is not None and delay.kind == "measurable":
        history = on_the_boundary(found, history, domain, rest)
    past = torch.as_tensor(rest + history)
    low = int(delay.lower)
    delays = rng.integers(low, k + 1, size=(steps, count))
    if delay.kind == "constant":
        delays[:] = rng.integers(low, k + 1, size=count)
    else:
        delays[:, ::4] = np.resize([*range(k + 1), *[k] * (k - 1)], steps)[:, None]
    solution = scheme(
        system.torch_function(), lambda s: past[k + s], [torch.as_tensor(delays)], steps
    ).numpy()
    assert solution.min() >= domain[0]
    assert solution.max() <= domain[1]
    assert np.abs(solution[-1] - rest).max() < 1e-3


def on_the_boundary(found, history, domain, rest):
    """Scale histories (k+1, B, 1), oldest first, to V = .999 c, or to the domain."""
    from io import BytesIO

    from certdde.certificates.scheme import ENTRY

    form = np.load(BytesIO(found.entries[ENTRY]))["P"][0]
    state = history[::-1, :, 0]  # x[t] first
    value = np.einsum("ib,ij,jb->b", state, form, state)
    scale = np.sqrt(0.999 * found.data["region"]["level"][0] / value)
    most = min(rest - domain[0], domain[1] - rest) / np.abs(state).max(0)
    return history * np.minimum(scale, most)[None, :, None]


def test_a_domain_on_which_it_is_not_stable():
    system = DelaySystem.from_equations(
        ["x[t+1] = x[t] - 0.3*x[t-tau] + 0.5*x[t-tau]^3"], domain={"x": [-1.0, 1.0]}
    )
    found = certify(system, Measurable("tau", 0, 2), budget=10)
    assert found.status == "unknown"
    assert found.rigor == "float64"


FALSE = [
    (["x[t+1] = x[t]"], {}, 0, 1),
    (["x[t+1] = 1.01*x[t]"], {}, 0, 2),
    (["x[t+1] = x[t] - 0*x[t-tau]"], {}, 0, 2),
    (["x[t+1] = -x[t-tau]"], {}, 1, 1),
    (["x[t+1] = x[t] + 0.1*x[t-tau]^3"], {"x": [-1, 1]}, 0, 1),
    (["x[t+1] = x[t] - x[t-tau]^3"], {"x": [-1, 1]}, 0, 1),
    (["x[t+1] = x[t] - 1.2*tanh(x[t-tau])"], {"x": [-1, 1]}, 0, 1),
    (["x[t+1] = y[t]", "y[t+1] = -x[t-tau]"], {}, 0, 1),
]


@pytest.mark.parametrize("kind", [Constant, Measurable])
@pytest.mark.parametrize(("equations", "domain", "lower", "upper"), FALSE)
def test_false_claims(equations, domain, lower, upper, kind):
    system = DelaySystem.from_equations(equations, domain=domain or None)
    for method in ("auto", "lmi"):
        found = certify(system, kind("tau", lower, upper), method=method, budget=10)
        assert found.status in ("unknown", "refuted"), found
        assert found.rigor != "rigorous"


@pytest.mark.parametrize(
    ("delay", "word"),
    [
        (Measurable("tau", 0, 2.5), "whole steps"),
        (Constant("tau", 0.5, 2), "whole steps"),
        (Slow("tau", 0, 2, None, 0.5), "delay"),
    ],
)
def test_delays_that_a_scheme_cannot_have(delay, word):
    with pytest.raises(ProblemError, match=word):
        certify(scalar(0.3), delay)


@pytest.mark.parametrize("method", ["spectral", "neural", "quadratic"])
def test_methods_for_differential_equations(method):
    with pytest.raises(ProblemError, match="not schemes"):
        certify(scalar(0.3), Constant("tau", 0, 2), method=method)


def test_a_window_that_is_too_long():
    found = certify(scalar(0.001), Constant("tau", 400, 405), method="lmi")
    assert found.status == "unknown"
    assert "256" in found.claim
