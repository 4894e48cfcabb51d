"""Samples that go out of bounds: what their neighbours and the shared parameters get."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from certdde.solvers import Solution, solve

from .exact import DOUBLE, times

WAYS: list[tuple[str, dict[str, object]]] = [
    ("rk4", {"step": 0.05}),
    ("heun", {"step": 0.05}),
    ("dopri5", {}),
    ("rk4", {"step": 0.05, "gradient": "checkpoint"}),
    ("rk4", {"step": 0.05, "gradient": "adjoint"}),
    ("dopri5", {"gradient": "adjoint"}),
]
TAUS = {"aligned": 0.1, "inside a step": 0.03, "between nodes": 0.12}
QUIET, LOUD = 0.3, 2.5


def both(
    starts: Sequence[float],
    taus: Sequence[float],
    method: str,
    options: dict[str, object],
    t: Tensor | None = None,
) -> tuple[Solution, list[Tensor]]:
    """Solve x' = r x(t - tau)^2 x; return the solution, and x0, tau and r."""
    rate = torch.ones((), dtype=DOUBLE, requires_grad=True)
    x0 = times(*starts).unsqueeze(1).requires_grad_()
    tau = times(*taus).requires_grad_()
    more = {**options, "bound": 100.0, "parameters": [rate]}
    grid = torch.linspace(0, 1, 6, dtype=DOUBLE) if t is None else t
    f = lambda _t, x, past: rate * past[0] ** 2 * x  # noqa: E731
    tolerance = {"rtol": 1e-6, "atol": 1e-8}
    return solve(f, x0, grid, [tau], method=method, options=more, **tolerance), [x0, tau, rate]


@pytest.mark.parametrize("tau", TAUS)
@pytest.mark.parametrize(("method", "options"), WAYS)
def test_a_survivor_gets_the_gradients_that_it_has_among_survivors(
    method: str, options: dict[str, object], tau: str
) -> None:
    together, parts = both([QUIET, LOUD], 2 * [TAUS[tau]], method, options)
    assert together.finished.tolist() == [True, False]
    calm, own = both([QUIET, QUIET / 2], 2 * [TAUS[tau]], method, options)
    assert bool(calm.finished.all())
    found = torch.autograd.grad(together.states[:, 0].sum(), parts)
    wanted = torch.autograd.grad(calm.states[:, 0].sum(), own)
    for part, value in zip(found, wanted, strict=True):
        assert torch.allclose(part.reshape(-1)[0], value.reshape(-1)[0], rtol=1e-5, atol=1e-9)
    assert all(bool((part.reshape(-1)[1:] == 0).all()) for part in found)


@pytest.mark.parametrize("tau", TAUS)
@pytest.mark.parametrize(("method", "options"), WAYS)
def test_what_a_sample_was_before_it_stopped_has_finite_gradients(
    method: str, options: dict[str, object], tau: str
) -> None:
    together, parts = both([QUIET, LOUD], 2 * [TAUS[tau]], method, options)
    reached = torch.isfinite(together.states[:, 1, 0])
    assert bool(reached[:1].all())
    total = together.states[:, 0].sum() + together.states[reached, 1].sum()
    found = torch.autograd.grad(total, parts)
    assert all(bool(torch.isfinite(part).all()) for part in found)


def test_gradients_before_the_stop_are_those_of_a_shorter_integration() -> None:
    long, parts = both([QUIET, LOUD], [0.1, 0.1], "rk4", {"step": 0.05}, times(0, 0.18, 1))
    assert 0.25 <= float(long.good_until[1].detach()) < 0.4
    short, own = both([QUIET, LOUD], [0.1, 0.1], "rk4", {"step": 0.05}, times(0, 0.18, 0.25))
    assert bool(short.finished.all())
    found = torch.autograd.grad(long.states[1, 1].sum(), parts)
    wanted = torch.autograd.grad(short.states[1, 1].sum(), own)
    for part, value in zip(found, wanted, strict=True):
        assert torch.allclose(part, value, rtol=1e-9)


def test_where_a_sample_stops_it_has_its_derivative() -> None:
    options = {"step": 0.2, "bound": 1e4}
    f = lambda _t, x, past: past[0] ** 4 * x  # noqa: E731
    x0 = times(LOUD).unsqueeze(1)
    solution = solve(f, x0, times(0, 0.1, 1), [0.1], method="rk4", options=options)
    assert float(solution.good_until) == pytest.approx(0.1)
    slope = float(solution.derivative(times(0.1)))
    assert slope == pytest.approx(LOUD**4 * float(solution.states[1]))


def test_a_sample_stands_still_once_it_has_left_its_bound() -> None:
    calls: list[Tensor] = []

    def f(_t: Tensor, x: Tensor, past: Sequence[Tensor]) -> Tensor:
        calls.append(x[1].detach())
        return past[0] ** 2 * x

    grid = torch.linspace(0, 4, 3, dtype=DOUBLE)
    options = {"step": 0.05, "bound": 100.0, "window": 4}
    solve(f, times(QUIET, LOUD).unsqueeze(1), grid, [0.1], method="rk4", options=options)
    assert all(float(x) == LOUD for x in calls[-200:])


def test_a_singular_newton_matrix_stops_its_sample_alone() -> None:
    solution = solve(
        lambda _t, x, past: past[0] ** 2 * x,
        times(QUIET, LOUD).unsqueeze(1),
        torch.linspace(0, 1, 6, dtype=DOUBLE),
        [0.03],
        method="esdirk3",
        options={"step": 0.05, "adaptive": False, "bound": 100.0},
    )
    assert solution.finished.tolist() == [True, False]
