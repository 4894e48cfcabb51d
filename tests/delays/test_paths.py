"""Every delay path keeps what it states: bounds, rate, jumps; is a function of time; can be seeded; integrates."""

import pytest
import torch
from torch import Tensor

from certdde.delays.paths import ConstantPath, DelayPath, FourierPath, SawtoothPath, WhitePath
from certdde.delays.table_paths import LipschitzPath, StepPath
from certdde.errors import ProblemError
from certdde.solvers import ddeint

DOUBLE = torch.float64
SPAN = (0.0, 5.0)
BATCH = (3,)


def paths(seed: int = 0) -> dict[str, DelayPath]:
    g = torch.Generator().manual_seed(seed)
    states, rates = torch.tensor([0.1, 0.5, 0.9], dtype=DOUBLE), torch.ones(3, 3, dtype=DOUBLE)
    return {
        "constant": ConstantPath(0.1 + torch.rand(3, dtype=DOUBLE, generator=g)),
        "sinusoidal": FourierPath.sinusoidal(
            0.1, 1.0, torch.tensor([1.0, 2.0, 3.0], dtype=DOUBLE), torch.zeros(3, dtype=DOUBLE)
        ),
        "fourier": FourierPath.random(0.1, 1.0, 6.0, BATCH, g),
        "sawtooth": SawtoothPath.random(0.1, 0.7, BATCH, g),
        "white": WhitePath.random(0.1, 1.0, BATCH, g),
        "steps": StepPath.random(0.1, 1.0, 1.0, SPAN, BATCH, g),
        "markov": StepPath.markov(states, rates, SPAN, BATCH, g),
        "lipschitz": LipschitzPath.random(0.1, 1.0, 0.8, 0.25, SPAN, BATCH, g),
    }


NAMES = list(paths())
TIMES = torch.linspace(0.0003, 4.9997, 20_001, dtype=DOUBLE)


def test_every_kind_is_here() -> None:
    own = [k for k in DelayPath.__subclasses__() if k.__module__.startswith("certdde.delays")]
    assert {k.__name__ for k in own} == {type(p).__name__ for p in paths().values()}


@pytest.mark.parametrize("name", NAMES)
def test_bounds_hold(name: str) -> None:
    path = paths()[name]
    values = path(TIMES.unsqueeze(1))
    assert values.shape == (20_001, 3)
    assert path.lower - 1e-12 <= float(values.min())
    assert float(values.max()) <= path.upper + 1e-12
    assert path.lower >= 0


@pytest.mark.parametrize("name", NAMES)
def test_path_is_a_seeded_function_of_time(name: str) -> None:
    one, two = paths()[name], paths()[name]
    assert torch.equal(one(TIMES.unsqueeze(1)), two(TIMES.unsqueeze(1)))
    assert torch.equal(one(TIMES[77]).expand(3), one(TIMES.unsqueeze(1))[77])
    if name not in ("constant", "sinusoidal"):
        assert not torch.equal(
            one(TIMES[:50].unsqueeze(1)), paths(1)[name](TIMES[:50].unsqueeze(1))
        )


@pytest.mark.parametrize("name", [n for n in NAMES if n != "white"])
def test_slope_lies_in_the_rate_between_jumps(name: str) -> None:
    path = paths()[name]
    values, (low, high) = path(TIMES.unsqueeze(1)), path.rate()
    slopes = values.diff(dim=0) / TIMES.diff().unsqueeze(1)
    jumps = path.jumps(*SPAN)
    jumps = jumps.unsqueeze(-1).expand(-1, 3) if jumps.ndim == 1 else jumps
    free = torch.ones_like(slopes, dtype=torch.bool)
    for row in jumps:
        free &= ~((TIMES[:-1].unsqueeze(1) <= row) & (row <= TIMES[1:].unsqueeze(1)))
    assert low - 1e-6 <= float(slopes[free].min())
    assert float(slopes[free].max()) <= high + 1e-6
    if path.regularity in ("smooth", "lipschitz"):
        assert low - 1e-6 <= float(slopes.min())
        assert float(slopes.max()) <= high + 1e-6


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("method", "tolerance"), [("dopri5", 2e-8), ("rk4", 2e-8)])
def test_equation_whose_delay_cancels(name: str, method: str, tolerance: float) -> None:
    """x' = l e^(l tau(t)) x(t - tau(t)), x = e^(l t) before: x = e^(l t) for any path (REFERENCE, Solvers, 4)."""
    path, rate, t = paths()[name], -0.5, torch.linspace(0, 5, 6, dtype=DOUBLE)

    def f(t: Tensor, _x: Tensor, past: list[Tensor]) -> Tensor:
        return rate * torch.exp(rate * path(t.squeeze(-1) if t.ndim else t)).unsqueeze(-1) * past[0]

    options = {"step": 0.05} if method == "rk4" else {"max_steps": 5000}
    x = ddeint(
        f,
        lambda s: torch.exp(rate * s),
        t,
        [path],
        method=method,
        options=options,
        rtol=1e-9,
        atol=1e-10,
    )
    assert float((x[:, :, 0] - torch.exp(rate * t).unsqueeze(1)).abs().max()) < tolerance


def test_markov_path_spends_its_time_as_the_chain_does() -> None:
    states = torch.tensor([0.0, 1.0], dtype=DOUBLE)
    rates = torch.tensor([[0.0, 1.0], [3.0, 0.0]], dtype=DOUBLE)
    path = StepPath.markov(states, rates, (0.0, 400.0), (50,), torch.Generator().manual_seed(0))
    share = path(torch.linspace(10, 400, 5000, dtype=DOUBLE).unsqueeze(1)).mean()
    assert abs(float(share) - 0.25) < 0.02


def test_negative_rates_are_refused() -> None:
    with pytest.raises(ProblemError, match="negative rate"):
        StepPath.markov(torch.ones(2), -torch.ones(2, 2), SPAN, (), torch.Generator())
