"""Adaptive: exact solutions to 1e-9. Fixed steps: the order of the method, down to 1e-10."""

import math

import pytest
import torch

from certdde.solvers import ConstantHistory, FunctionHistory, StartingAt, ddeint, solve

from .exact import (
    DOUBLE,
    delayed,
    minus_delayed,
    ones,
    pantograph,
    pure_delay,
    pure_delay_after_jump,
    times,
)

TIGHT = {"rtol": 1e-11, "atol": 1e-12}
ORDERS = {"euler": 1, "heun": 2, "rk4": 4, "esdirk3": 3}


def test_pure_delay_takes_its_values() -> None:
    x = ddeint(delayed, ones(), times(0, 1, 2, 3, 4, 5), [1.0], **TIGHT)
    assert torch.allclose(x[:, 0], times(1, 2, 3.5, 37 / 6, 87 / 8, 767 / 40), atol=1e-9, rtol=0)


@pytest.mark.parametrize("tau", [0.05, 0.3, 0.71, 1.0, 1.37, 2.9])
def test_pure_delay_of_any_length(tau: float) -> None:
    x = ddeint(minus_delayed, ones(), times(0, 5), [tau], **TIGHT)
    assert abs(float(x[-1, 0] - pure_delay(5.0, times(tau), -1.0)[0])) < 1e-9


def test_exponential_history() -> None:
    a, b, tau = -0.3, -0.8, 0.7
    x = ddeint(
        lambda _t, x, past: a * x + b * past[0],
        lambda s: torch.exp(a * s.double()),
        times(0, 3),
        [tau],
        **TIGHT,
    )
    assert abs(float(x[-1, 0]) + 0.0060125159537) < 1e-12


def test_three_states_and_two_delays() -> None:
    def f(_t: torch.Tensor, x: torch.Tensor, past: list[torch.Tensor]) -> torch.Tensor:
        return torch.stack([past[0][..., 0], past[0][..., 0] + past[1][..., 1], x[..., 1]], -1)

    x = ddeint(f, ones(3), times(0, 1, 5), [1.0, 0.2], **TIGHT)
    assert torch.allclose(x[1], times(2, 3.71413866666667, 3.18163751111111), atol=1e-9, rtol=0)
    assert torch.allclose(
        x[2], times(767 / 40, 176.422578447380, 190.344201936070), atol=1e-9, rtol=0
    )


LAWS = {
    "between 0 and 2": lambda t: 1 + torch.sin(t),
    "vanishing at 0": lambda t: 0.5 * t,
    "vanishing often": lambda t: 0.3 * (1 - torch.cos(4 * t)),
    "growing": lambda t: 0.1 + 0.9 * t,
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("method", ["dopri5", "rk4"])
def test_any_delay_that_cancels(law: str, method: str) -> None:
    tau, rate, t = LAWS[law], -0.5, torch.linspace(0, 5, 6, dtype=DOUBLE)

    def f(t: torch.Tensor, _x: torch.Tensor, past: list[torch.Tensor]) -> torch.Tensor:
        return rate * torch.exp(rate * tau(t)) * past[0]

    options = {"step": 0.04} if method == "rk4" else None
    x = ddeint(f, lambda s: torch.exp(rate * s), t, [tau], method=method, options=options, **TIGHT)
    assert float((x[:, 0] - torch.exp(rate * t)).abs().max()) < 1e-9


@pytest.mark.parametrize("bounds", [None, [(0.1, 2.0)]])
@pytest.mark.parametrize("method", ["dopri5", "rk4", "esdirk3"])
def test_delay_that_depends_on_the_state(bounds: object, method: str) -> None:
    def tau(_t: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return x[..., 0] ** 2 + 0.1

    def f(t: torch.Tensor, x: torch.Tensor, past: list[torch.Tensor]) -> torch.Tensor:
        return -torch.exp(-tau(t, x)).unsqueeze(-1) * past[0]

    options = {"delay_bounds": bounds, **({"step": 0.03} if method == "rk4" else {})}
    t = torch.linspace(0, 3, 4, dtype=DOUBLE)
    rtol, wanted = (1e-6, 1e-5) if method == "esdirk3" else (1e-11, 1e-9)
    x = ddeint(
        f, lambda s: torch.exp(-s), t, [tau], method=method, options=options, rtol=rtol, atol=rtol
    )
    assert float((x[:, 0] - torch.exp(-t)).abs().max()) < wanted


def test_jump_at_the_start() -> None:
    history = StartingAt(ConstantHistory(0 * ones()), ones())
    x = ddeint(minus_delayed, history, times(0, 10), [1.0], **TIGHT)
    assert abs(float(x[-1, 0]) - 0.0529734347) < 1e-10
    assert abs(float(x[-1, 0] - pure_delay_after_jump(10.0, times(1.0))[0])) < 1e-9


def test_declared_jump_of_the_history() -> None:
    # phi = -1 before s = -.6, 1 after: x' = -phi(t - 1), so x rises until t = .4 and falls after.
    history = FunctionHistory(lambda s: torch.where(s < -0.6, -1.0, 1.0).double(), jumps_at=(-0.6,))
    for method, options in (("dopri5", None), ("rk4", {"step": 0.07})):
        x = ddeint(
            minus_delayed, history, times(0, 0.4, 1), [1.0], method=method, options=options, **TIGHT
        )
        assert torch.allclose(x[:, 0], times(1, 1.4, 0.8), atol=1e-12, rtol=0)


def test_declared_jump_of_the_equation() -> None:
    def f(t: torch.Tensor, x: torch.Tensor, past: list[torch.Tensor]) -> torch.Tensor:
        return torch.where(t < 1.234, 1.0, -1.0) * torch.ones_like(x) + 0 * past[0]

    x = ddeint(
        f, 0 * ones(), times(0, 2), [0.5], method="rk4", options={"step": 0.1, "jumps": (1.234,)}
    )
    assert abs(float(x[-1, 0]) - (2 * 1.234 - 2)) < 1e-12


@pytest.mark.parametrize("method", ["dopri5", "rk4"])
def test_pantograph(method: str) -> None:
    options = {"step": 0.02} if method == "rk4" else None
    x = ddeint(
        minus_delayed,
        ones(),
        times(0, 1, 3),
        [lambda t: t / 2],
        method=method,
        options=options,
        **TIGHT,
    )
    assert torch.allclose(
        x[:, 0], times(1, pantograph(1, -1, 0.5), pantograph(3, -1, 0.5)), atol=1e-9, rtol=0
    )


@pytest.mark.parametrize("method", ["euler", "heun", "rk4", "dopri5", "esdirk3"])
def test_zero_delay_is_the_ordinary_equation(method: str) -> None:
    t, options = torch.linspace(0, 5, 6, dtype=DOUBLE), {"step": 0.05, "adaptive": False}
    ode = ddeint(
        lambda t, x, _past: -x * torch.sin(t), ones(2), t, [], method=method, options=options
    )
    dde = ddeint(
        lambda t, _x, past: -past[0] * torch.sin(t),
        ones(2),
        t,
        [0.0],
        method=method,
        options=options,
    )
    assert float((ode - dde).abs().max()) < 1e-15


@pytest.mark.parametrize("method", ["dopri5", "rk4"])
def test_zero_delay_of_some_samples(method: str) -> None:
    t, tau = torch.linspace(0, 3, 4, dtype=DOUBLE), times(0.0, 0.4)
    options = {"step": 0.02} if method == "rk4" else None
    x = ddeint(minus_delayed, ones(), t, [tau], method=method, options=options, **TIGHT)
    assert abs(float(x[-1, 0, 0]) - math.exp(-3)) < 1e-9
    assert abs(float(x[-1, 1, 0] - pure_delay(3.0, times(0.4), -1.0)[0])) < 1e-9


@pytest.mark.parametrize("tau", [1e-3, 0.017, 0.05])
def test_delay_below_the_step(tau: float) -> None:
    x = ddeint(minus_delayed, ones(), times(0, 2), [tau], method="rk4", options={"step": 0.02})
    assert abs(float(x[-1, 0] - pure_delay_by_adaptive(2.0, tau))) < 1e-8


def pure_delay_by_adaptive(t: float, tau: float) -> torch.Tensor:
    return solve(minus_delayed, ones(), times(0, t), [tau], rtol=1e-12, atol=1e-13).states[-1, 0]


@pytest.mark.parametrize("method", ORDERS)
def test_order_of_the_method(method: str) -> None:
    tau = times(0.3, 0.71, 1.0, 1.37)  # off every grid, one per sample

    def f(t: torch.Tensor, x: torch.Tensor, past: list[torch.Tensor]) -> torch.Tensor:
        return -past[0] * (1 + 0.3 * torch.sin(t)) - 0.2 * x

    exact = ddeint(f, ones(), times(0, 4), [tau], rtol=1e-13, atol=1e-14)[-1]
    errors = []
    for step in (0.1, 0.05, 0.025, 0.0125):
        x = ddeint(
            f, ones(), times(0, 4), [tau], method=method, options={"step": step, "adaptive": False}
        )
        errors.append(float((x[-1] - exact).abs().max()))
    slope = math.log2(errors[0] / errors[-1]) / 3
    assert slope > ORDERS[method] - 0.35, errors


def test_error_falls_to_1e_10_at_order_four() -> None:
    exact = pure_delay(5.0, times(0.71), -1.0)[0]
    errors = {}
    for step in (0.1, 0.02, 0.01):
        x = ddeint(minus_delayed, ones(), times(0, 5), [0.71], method="rk4", options={"step": step})
        errors[step] = abs(float(x[-1, 0] - exact))
    assert errors[0.01] < 1e-10
    assert errors[0.02] < errors[0.1] / 5**3.5


def test_tolerance_is_kept() -> None:
    exact = pure_delay(5.0, times(0.71), -1.0)[0]
    for rtol in (1e-3, 1e-5, 1e-7, 1e-9):
        x = ddeint(minus_delayed, ones(), times(0, 5), [0.71], rtol=rtol, atol=rtol)
        assert abs(float(x[-1, 0] - exact)) < 10 * rtol
