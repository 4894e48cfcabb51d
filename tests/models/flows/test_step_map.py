"""The step map of a learned flow: the same numbers, refused where it does not fit, certified with a region."""

import pytest
import torch

from certdde import Constant, certify
from certdde.errors import ProblemError
from certdde.models.flows import ResNetFlow, StepMap
from certdde.solvers import scheme

OPTIONS = {"timed": False, "bias": False, "dtype": torch.float64}


def made(states=1, seed=0, hidden=(3,), **options):
    source = torch.Generator().manual_seed(seed)
    return ResNetFlow(states, hidden, source, **{**OPTIONS, "context": states, **options})


def test_it_is_the_flow_over_that_time_with_rounded_numbers():
    for states in (1, 2):
        flow = made(states, seed=states)
        step = StepMap.of(flow, 0.3)
        x, y = torch.randn(2, 40, states, generator=torch.Generator().manual_seed(1)).double()
        t = torch.full((40, 1), 0.3, dtype=torch.float64)
        assert torch.allclose(step(0, x, [y]), flow(t, x, y).detach(), atol=1e-7)
        system = step.system([(-1.0, 1.0)] * states)
        assert torch.allclose(system.torch_function()(0, x, [y]), step(0, x, [y]), atol=1e-14)
        text = " ".join(step.equations())
        for part in (step.outer, step.inner, step.past):
            assert all(repr(value) in text for value in part.flatten().tolist())


def test_without_context_nothing_is_delayed():
    step = StepMap.of(made(2, context=0), 0.5)
    assert float(step.past.abs().max()) == 0
    assert all("tau" not in text for text in step.equations())


@pytest.mark.parametrize(
    "flow",
    [made(bias=True), made(timed=True), made(hidden=(3, 3)), made(2, context=1)],
    ids=["biases", "time", "two layers", "another context"],
)
def test_flows_that_do_not_fit_are_refused(flow):
    with pytest.raises(ProblemError, match="the flow is not"):
        StepMap.of(flow, 0.5)


def test_weights_that_are_not_finite_are_refused():
    flow = made()
    with torch.no_grad():
        flow.phi.rates.fill_(torch.nan)
    with pytest.raises(ProblemError, match="not finite"):
        StepMap.of(flow, 0.5)


def damped(factor):
    """A flow with x[t+1] about x - factor (.3 x + .1 y)."""
    flow = made(hidden=(2,))
    with torch.no_grad():
        flow.phi.rates.fill_(50.0)
        flow.g.layers.weights[0].copy_(torch.tensor([[0.3], [0.2]]))
        flow.g.other.copy_(torch.tensor([[0.1], [0.05]]))
        flow.g.layers.weights[1].copy_(-factor * torch.tensor([[0.7, 0.4]]))
    return StepMap.of(flow, 1.0)


def test_a_stable_map_is_certified_and_its_region_holds():
    step = damped(1.0)
    found = certify(step.system([(-1.0, 1.0)]), Constant("tau", 3, 3), method="lmi")
    assert (found.rigor, found.data["kind"]) == ("rigorous", "scheme")
    assert found.data["system"]["equations"] == step.equations()
    rho = found.data["region"]["radius"]["rho"]
    assert rho > 0.1
    signs = torch.tensor([[(k >> i) % 2 for k in range(16)] for i in range(4)]).double()
    past = rho * (2 * signs - 1).unsqueeze(-1)
    states = scheme(step, lambda t: past[3 + t], [3], 400)
    assert float(states.abs().max()) <= 1
    assert float(states[-1].abs().max()) < 1e-6


def test_an_unstable_map_is_not_certified():
    found = certify(damped(-1.0).system([(-1.0, 1.0)]), Constant("tau", 3, 3), budget=10)
    assert found.status in ("refuted", "unknown")
    assert found.rigor != "rigorous"
