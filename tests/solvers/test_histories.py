"""Histories: tables, random ones, learned ones."""

import pytest
import torch
from torch import Tensor

from certdde.solvers import (
    History,
    SolverError,
    SplineHistory,
    TableHistory,
    ddeint,
    random_fourier,
    random_lipschitz,
    random_pieces,
    random_walk,
)

from .exact import DOUBLE, minus_delayed, times

SPAN = (-2.0, 0.0)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def histories() -> dict[str, History]:
    return {
        "fourier": random_fourier((3, 2), generator()),
        "pieces": random_pieces((3, 2), SPAN, generator()),
        "lipschitz": random_lipschitz((3, 2), SPAN, generator(), steepest=2.0),
        "walk": random_walk((3, 2), SPAN, generator()),
        "spline": SplineHistory(
            torch.linspace(-2, 0, 9, dtype=DOUBLE),
            torch.randn(9, 3, 2, generator=generator(), dtype=DOUBLE),
        ),
    }


@pytest.mark.parametrize("name", list(histories()))
def test_history_is_elementwise_in_its_times(name: str) -> None:
    history = histories()[name]
    s = torch.linspace(-2, 0, 7, dtype=DOUBLE).reshape(-1, 1, 1)
    together = history(s).expand(7, 3, 2)
    for k in range(7):
        assert torch.allclose(together[k], history(s[k, 0]).expand(3, 2), atol=1e-14)
    each = s[:3].reshape(3, 1)  # a time of its own for each sample
    assert torch.allclose(
        history(each), torch.stack([together[b, b] for b in range(3)]), atol=1e-14
    )


@pytest.mark.parametrize("name", list(histories()))
def test_seeded_history_is_reproduced(name: str) -> None:
    s = torch.linspace(-2, 0, 7, dtype=DOUBLE).reshape(-1, 1, 1)
    assert torch.equal(histories()[name](s), histories()[name](s))


def test_bounds_are_kept() -> None:
    s = torch.linspace(-2, 0, 4001, dtype=DOUBLE).reshape(-1, 1, 1)
    for name, history in histories().items():
        if name in ("fourier", "pieces", "lipschitz"):
            assert float(history(s).abs().max()) <= 1 + 1e-12
    slopes = histories()["lipschitz"](s).diff(dim=0) / (2 / 4000)
    assert float(slopes.abs().max()) <= 2 + 1e-9


@pytest.mark.parametrize("name", ["fourier", "pieces", "lipschitz", "spline"])
def test_order_four_over_any_declared_history(name: str) -> None:
    history, t = histories()[name], torch.linspace(0, 4, 5, dtype=DOUBLE)
    tau = times(1.0, 0.6, 0.9)

    def run(method: str, step: float) -> Tensor:
        return ddeint(
            minus_delayed,
            history,
            t,
            [tau],
            method=method,
            options={"step": step},
            rtol=1e-11,
            atol=1e-12,
        )

    exact = run("dopri5", 0.01)
    coarse, fine = (float((run("rk4", step) - exact).abs().max()) for step in (0.05, 0.025))
    assert fine < coarse / 2**3.3 or fine < 1e-11


def test_spline_is_exact_on_cubics_and_differentiable() -> None:
    knots = torch.linspace(-2, 0, 6, dtype=DOUBLE)
    values = (knots**3 - knots).reshape(-1, 1).requires_grad_()
    history, s = (
        SplineHistory(knots, values),
        torch.linspace(-2, 0, 23, dtype=DOUBLE).reshape(-1, 1),
    )
    assert torch.allclose(history(s), s**3 - s, atol=1e-12)
    x = ddeint(minus_delayed, history, times(0, 3), [1.0])[-1, 0]
    (gradient,) = torch.autograd.grad(x, values)
    # x(3) is linear in the history, so it equals its derivative times the values
    assert abs(float(((gradient * values).sum() - x).detach())) < 1e-6


def test_learned_history_gets_its_gradient() -> None:
    net = torch.nn.Linear(1, 2).double()
    x = ddeint(minus_delayed, net, times(0, 1), [torch.tensor([0.5, 0.8], dtype=DOUBLE)])
    x[-1].sum().backward()
    assert all(p.grad is not None and bool((p.grad != 0).all()) for p in net.parameters())


def test_tables_that_do_not_fit_are_refused() -> None:
    with pytest.raises(SolverError, match="3 times, 3 values"):
        SplineHistory(torch.linspace(-1, 0, 3), torch.zeros(3, 1))


def test_pieces_hold_their_values() -> None:
    table = TableHistory(times(-2, -1, 0), times(1, 2, 2).reshape(-1, 1), linear=False)
    assert table(times(-1.5, -1.0, -0.5, 0.0).reshape(-1, 1))[:, 0].tolist() == [1, 2, 2, 2]
    assert table.jumps == (-1.0,)
