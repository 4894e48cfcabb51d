"""Slopes in one variable for any values of the other: ranges that contain what they say, by sampling."""

import pytest
import torch

from certdde.systems import DelaySystem
from certdde.verify.feedback.secants import feedback_range

EQUATIONS = [
    "x' = -(1 + x)*x(t - tau)",
    "x' = -x - 2*tanh(x(t - tau))",
    "x' = 1 - exp(x(t - tau))",
    "x' = -relu(x(t - tau) + 0.2*x) + relu(-x(t - tau)) - clip(2*x(t - tau), -1, 0.5) + relu(0.2*x)",
    "x' = -sin(x(t - tau))*(2 + cos(x))/3 - atan(x)/(1 + x**2)",
    "x' = 0.5 - (x + x(t - tau))**3 - sigmoid(x*x(t - tau))",
    "x' = -x(t - tau)/sqrt(4 + x + x(t - tau)) - log(2 + x)/1 + log(2)*1.0 - x",
]


def system(equation: str, low: float = -1.0, high: float = 1.0) -> DelaySystem:
    return DelaySystem.from_equations([equation], domain={"x": [low, high]})


def boxes(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    low = 2 * torch.rand(count, 2, generator=rng, dtype=torch.float64) - 1
    width = 10 ** (-6 * torch.rand(count, 2, generator=rng, dtype=torch.float64))
    return low, torch.minimum(low + width, torch.ones_like(low))


@pytest.mark.parametrize("equation", [e for e in EQUATIONS if "log(2)" not in e])
def test_the_ranges_hold_the_gains(equation):
    found = system(equation)
    f, (low, high) = found.deviation_function(), boxes(400)
    p, m = feedback_range(found, low, high)
    rng = torch.Generator().manual_seed(1)
    for _ in range(20):
        share = torch.rand(400, 2, generator=rng, dtype=torch.float64)
        x, y = (low + share * (high - low)).unbind(1)
        still = f(x[:, None], 0 * x[:, None])[:, 0]
        gain = -(f(x[:, None], y[:, None])[:, 0] - still) / y
        for (least, most), value, size in ((p, -still / x, x), (m, gain, y)):
            slack = 1e-15 / size.abs() + 1e-12
            known = torch.isfinite(least)
            assert known.float().mean() > 0.9
            assert bool((value >= least - slack)[known].all())
            assert bool((value <= most + slack)[known].all())


def test_small_boxes_give_narrow_ranges_away_from_zero_too():
    low = torch.tensor([[0.5, 0.7], [-0.5, 0.7], [0.5, -0.7]], dtype=torch.float64)
    for equation in EQUATIONS[:5]:
        for width in (1e-2, 1e-4):
            p, m = feedback_range(system(equation), low, low + width)
            for least, most in (p, m):
                assert float((most - least).max()) < 40 * width


def test_a_constant_is_folded_and_what_is_not_smooth_is_unknown():
    found = DelaySystem.from_equations(
        ["x' = x*(1 - x(t - tau)/0.3)"], domain={"x": [0.1, 1.0]}, equilibrium={"x": 0.3}
    )
    low = torch.tensor([[-0.2, -0.2]], dtype=torch.float64)
    p, _ = feedback_range(found, low, -low)
    assert float(p[0]) == float(p[1]) == 0.0
    rough = system("x' = -x(t - tau)*(1 + 0*sqrt(1 + x))")
    one = torch.ones(1, 2, dtype=torch.float64)
    assert bool(torch.isnan(feedback_range(rough, -one, one)[1][0]).all())
