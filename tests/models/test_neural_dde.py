"""A neural delay equation is integrated right, and differentiated right in all that is learnt."""

import pytest
import torch
from torch import nn

from certdde.errors import ProblemError
from certdde.models.data import Past, Samples
from certdde.models.initial import ConstantsBySample, LearnedHistory
from certdde.models.learned_delays import LearnedDelays
from certdde.models.mlp import MLPField
from certdde.models.neural_dde import NeuralDDE, SolverSettings
from certdde.solvers import BlowUpWarning

DOUBLE = torch.float64
TIMES = torch.linspace(0, 2, 11, dtype=DOUBLE)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def starts(count=4, n=2, dtype=DOUBLE):
    return torch.randn(count, n, generator=generator(7), dtype=DOUBLE).to(dtype)


def small(settings=None, **more):
    arguments = {"bounds": (0.05, 3.0), "dtype": DOUBLE, "settings": settings} | more
    return NeuralDDE.of(2, [0.4, 0.9], [5], generator(), **arguments)


class Minus(nn.Module):
    """-rate past: any module can be the field."""

    def __init__(self):
        super().__init__()
        self.rate = nn.Parameter(torch.ones((), dtype=DOUBLE))

    def forward(self, _t, x, past):
        return -self.rate * (past[0] if past else x)


def test_any_module_is_a_field_and_the_solution_is_the_exact_one():
    """x' = -x(t - 1), x = 1 before: 1 - t, then 1 - t + (t - 1)^2 / 2."""
    model = NeuralDDE(Minus(), LearnedDelays([1.0], learnable=False, dtype=DOUBLE))
    x = model(torch.ones(3, 1, dtype=DOUBLE), TIMES)[..., 0]
    exact = 1 - TIMES + (TIMES - 1).clamp(min=0) ** 2 / 2
    assert torch.allclose(x, exact.unsqueeze(1).expand(-1, 3), atol=1e-13)


def test_without_delays_it_is_an_ordinary_equation():
    model = NeuralDDE(Minus(), LearnedDelays([]), SolverSettings(step=0.01))
    x = model(torch.ones(3, 1, dtype=DOUBLE), TIMES)[..., 0]
    assert torch.allclose(x, torch.exp(-TIMES).unsqueeze(1).expand(-1, 3), atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE])
def test_types_and_shapes_are_kept(dtype):
    model = small(dtype=dtype, time=True)
    x = model(starts(dtype=dtype), TIMES)
    assert x.dtype == dtype
    assert x.shape == (11, 4, 2)
    assert torch.equal(x[0], starts(dtype=dtype))


def test_single_precision_agrees_with_double():
    one, two = small(dtype=torch.float32), small()
    difference = one(starts(dtype=torch.float32), TIMES).double() - two(starts(), TIMES)
    assert 0 < difference.abs().max() < 1e-5


def test_samples_with_times_of_their_own_are_those_with_shared_ones():
    model = small(SolverSettings(step=0.1))
    order = torch.stack([torch.randperm(11, generator=generator(k)) for k in range(4)], dim=1)
    own = model(starts(), TIMES[order])
    shared = model(starts(), TIMES)
    assert torch.allclose(own, shared.gather(0, order.unsqueeze(-1).expand(-1, -1, 2)), atol=1e-12)
    with pytest.raises(ProblemError, match="before 0"):
        model(starts(), TIMES[order] - 0.5)


def gradients(model, samples, index=None):
    model.zero_grad()
    model.predict(samples, index).square().sum().backward()
    return {name: p.grad.clone() for name, p in model.named_parameters()}


def samples(n=2, count=4):
    return Samples(TIMES, starts(count, n), torch.zeros(11, count, n, dtype=DOUBLE))


@pytest.mark.parametrize("name", ["checkpoint", "adjoint"])
@pytest.mark.parametrize("initial", [None, "history"])
def test_the_ways_to_the_gradient_agree(name, initial):
    def model(gradient):
        made = small(SolverSettings(step=0.05, gradient=gradient))
        if initial:
            made.initial = LearnedHistory(2, [4], generator(3), dtype=DOUBLE)
        return made

    exact, other = gradients(model("autodiff"), samples()), gradients(model(name), samples())
    assert exact.keys() == other.keys()
    for key, value in exact.items():
        assert value.abs().max() > 1e-4, key
        assert torch.allclose(value, other[key], rtol=2e-4, atol=2e-4), key


def test_the_gradient_in_the_delays_is_that_of_differences():
    model = small(SolverSettings(step=0.02))
    slope = gradients(model, samples())["delays.raw"]
    raw, step = model.delays.raw, 1e-5
    for i in range(2):
        ends = []
        for sign in (1, -1):
            with torch.no_grad():
                raw[i] += sign * step
                ends.append(float(model.predict(samples()).square().sum()))
                raw[i] -= sign * step
        assert slope[i].item() == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-5)


def test_a_learnt_history_is_continuous_and_starts_at_the_initial_state():
    history = LearnedHistory(2, [4], generator(), dtype=DOUBLE)(samples(), None)
    at = history(torch.tensor([[[0.0]], [[-1e-9]], [[-1.0]]], dtype=DOUBLE))
    assert torch.equal(at[0], starts())
    assert torch.allclose(at[1], starts(), atol=1e-7)
    assert (at[2] - starts()).abs().min() > 1e-4


def test_constants_by_sample_are_learnt_for_the_samples_that_are_seen():
    model = small(SolverSettings(step=0.1))
    model.initial = ConstantsBySample(starts(9))
    index = torch.tensor([8, 2])
    four = Samples(TIMES, starts(9), torch.zeros(11, 9, 2, dtype=DOUBLE)).select(index)
    assert torch.equal(model.predict(four, index), model.predict(four))
    grad = gradients(model, four, index)["initial.values"]
    seen = grad.abs().amax(1) > 0
    assert seen.nonzero().flatten().tolist() == [2, 8]


def test_tabulated_histories_reach_the_model():
    """x' = -x(t - 1) after x(s) = 1 + s: x(t) = 1 - t^2 / 2 on [0, 1]."""
    knots = torch.linspace(-1, 0, 5, dtype=DOUBLE)
    values = (1 + knots).reshape(5, 1, 1)
    early = TIMES[TIMES <= 1]
    exact = (1 - early**2 / 2).reshape(-1, 1, 1)
    model = NeuralDDE(Minus(), LearnedDelays([1.0], learnable=False, dtype=DOUBLE))
    for joined in ("linear", "cubic"):
        part = Samples(early, values[-1], exact, Past(knots, values, joined))
        assert torch.allclose(model.predict(part), exact, atol=1e-12)
    jump = Samples(early, values[-1] + 2, exact, Past(knots, values, "linear"))
    assert torch.allclose(model.predict(jump), exact + 2, atol=1e-12)


def test_a_trajectory_that_blows_up_leaves_the_gradients_of_the_others_alone():
    class Square(nn.Module):
        def __init__(self):
            super().__init__()
            self.rate = nn.Parameter(torch.ones((), dtype=DOUBLE))

        def forward(self, _t, x, past):
            return self.rate * past[0] ** 2 * x

    settings = SolverSettings(step=0.05, bound=100.0)
    model = NeuralDDE(Square(), LearnedDelays([0.5], dtype=DOUBLE), settings)
    initial = torch.tensor([[0.1], [2.0]], dtype=DOUBLE)
    with pytest.warns(BlowUpWarning):
        x = model(initial, TIMES)
    assert bool(torch.isnan(x[-1, 1]))
    torch.where(torch.isfinite(x), x, 0.0).sum().backward()
    assert all(bool(torch.isfinite(p.grad).all()) for p in model.parameters())


@pytest.mark.gpu
def test_a_model_on_the_device_agrees_with_that_on_the_processor():
    model, same = small(SolverSettings(step=0.1)), small(SolverSettings(step=0.1), device="cuda")
    x = same(starts().to("cuda"), TIMES.to("cuda"))
    assert x.device.type == "cuda"
    assert torch.allclose(x.cpu(), model(starts(), TIMES), atol=1e-10)


def test_a_field_of_its_own_shape_is_made_by_hand_as_well():
    field = MLPField(2, 2, [5], generator(), dtype=DOUBLE)
    model = NeuralDDE(field, LearnedDelays([0.4, 0.9], 0.05, 3.0, dtype=DOUBLE))
    assert torch.equal(model(starts(), TIMES), small()(starts(), TIMES))
