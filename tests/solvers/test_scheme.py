"""Delayed schemes."""

import math

import pytest
import torch
from torch import Tensor

from certdde.solvers import SolverError, scheme

from .exact import DOUBLE


def by_hand(q: float, delays: list[int], history: dict[int, float]) -> list[float]:
    x = dict(history)
    for t, d in enumerate(delays):
        x[t + 1] = x[t] - q * x[t - d]
    return [x[t] for t in range(len(delays) + 1)]


def step(_t: int, x: Tensor, past: list[Tensor]) -> Tensor:
    return x - 0.3 * past[0]


def ramp(k: int) -> Tensor:
    return torch.full((4, 1), 1 + 0.1 * k, dtype=DOUBLE)


RAMP = {k: 1 + 0.1 * k for k in range(-9, 1)}


def test_delay_of_each_sample() -> None:
    x = scheme(step, ramp, [torch.tensor([0, 1, 3, 5])], 40)
    for b, d in enumerate((0, 1, 3, 5)):
        assert torch.allclose(x[:, b, 0], torch.tensor(by_hand(0.3, [d] * 40, RAMP), dtype=DOUBLE))


def test_delay_of_each_sample_and_step() -> None:
    delays = torch.randint(0, 6, (40, 4), generator=torch.Generator().manual_seed(0))
    x = scheme(step, ramp, [delays], 40)
    for b in range(4):
        assert torch.allclose(
            x[:, b, 0], torch.tensor(by_hand(0.3, delays[:, b].tolist(), RAMP), dtype=DOUBLE)
        )


@pytest.mark.parametrize("k", [1, 2, 3, 5, 10])
def test_stability_limit(k: int) -> None:
    """Stable iff 0 < q < 2 cos(k pi / (2 k + 1)) (REFERENCE: schemes)."""
    limit = 2 * math.cos(k * math.pi / (2 * k + 1))
    q = torch.tensor([0.95 * limit, 1.05 * limit], dtype=DOUBLE).unsqueeze(1)
    x = scheme(lambda _t, x, past: x - q * past[0], torch.ones(2, 1, dtype=DOUBLE), [k], 3000)
    assert float(x[-50:, 0].abs().max()) < 1e-3
    assert float(x[-50:, 1].abs().max()) > 1e3


def test_several_delays_and_gradients() -> None:
    q = torch.tensor(0.2, dtype=DOUBLE, requires_grad=True)
    delays = [2, torch.tensor([0, 1, 4])]

    def run(q: Tensor) -> Tensor:
        rule = lambda _t, x, past: x - q * past[0] + 0.1 * q * past[1]  # noqa: E731
        return scheme(rule, torch.ones(3, 1, dtype=DOUBLE), delays, 30)[-1].sum()

    assert torch.autograd.gradcheck(run, (q,))


def test_unusable_input_is_refused() -> None:
    one = torch.ones(2, 1)
    for delays, steps, message in (
        ([-1], 3, "negative or no integer"),
        ([0.5], 3, "negative or no integer"),
        ([1], 0, "0 steps"),
        ([torch.ones(3, dtype=torch.long)], 4, "do not|delays of shape"),
    ):
        with pytest.raises(SolverError, match=message):
            scheme(step, one, delays, steps)
    with pytest.raises(SolverError, match="step returns"):
        scheme(lambda _t, x, _p: x[0], one, [1], 3)
