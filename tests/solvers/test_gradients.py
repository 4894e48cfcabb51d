"""Derivatives through the solver: parameters, history, delays (third order, across breaking points, jumps), times."""

import pytest
import torch
from torch import Tensor

from certdde.solvers import ConstantHistory, SolverError, StartingAt, ddeint

from .exact import DOUBLE, minus_delayed, ones, pure_delay, pure_delay_after_jump, times

WAYS = [
    ("dopri5", {}),
    ("rk4", {"step": 0.05}),
    ("rk4", {"step": 0.05, "gradient": "checkpoint"}),
    ("esdirk3", {"step": 0.02, "adaptive": False}),
]
TIGHT = {"rtol": 1e-10, "atol": 1e-10}


def derivatives(value: Tensor, tau: Tensor, order: int) -> list[float]:
    found = []
    for _ in range(order):
        (value,) = torch.autograd.grad(value, tau, create_graph=True)
        found.append(value.item())
    return found


@pytest.mark.parametrize(("method", "options"), WAYS)
@pytest.mark.parametrize("jump", [False, True])
@pytest.mark.parametrize("value", [1.0, 0.7])
def test_three_derivatives_in_the_delay_across_breaking_points(
    method: str, options: dict[str, object], jump: bool, value: float
) -> None:
    tau = torch.tensor([value], dtype=DOUBLE, requires_grad=True)
    history = StartingAt(ConstantHistory(0 * ones()), ones()) if jump else ones()
    exact = pure_delay_after_jump(2.5, tau) if jump else pure_delay(2.5, tau, -1.0)
    x = ddeint(
        minus_delayed, history, times(0, 2.5), [tau], method=method, options=options, **TIGHT
    )[-1, 0, 0]
    tolerances = (1e-7, 1e-4, 1e-2) if method == "esdirk3" else (1e-10, 1e-9, 1e-8)
    pairs = zip(derivatives(x, tau, 3), derivatives(exact[0], tau, 3), tolerances, strict=True)
    assert all(abs(got - right) < tolerance for got, right, tolerance in pairs)


def test_delay_gradient_of_the_reference() -> None:
    tau = torch.tensor(1.0, dtype=DOUBLE, requires_grad=True)
    x = ddeint(minus_delayed, ones(), times(0, 2.5), [tau], **TIGHT)[-1, 0]
    assert abs(derivatives(x, tau, 1)[0] + 1.25) < 1e-12


@pytest.mark.parametrize(("method", "options"), WAYS[:3])
def test_delay_gradient_of_each_sample(method: str, options: dict[str, object]) -> None:
    tau = times(1.0, 0.7, 0.33).requires_grad_()
    x = ddeint(
        minus_delayed, ones(), times(0, 2.5), [tau], method=method, options=options, **TIGHT
    )[-1, :, 0]
    (got,) = torch.autograd.grad(x.sum(), tau)
    for b in range(3):
        one = tau.detach()[b : b + 1].requires_grad_()
        (right,) = torch.autograd.grad(pure_delay(2.5, one, -1.0)[0], one)
        assert abs(float(got[b] - right)) < 2e-6


class Field(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        shapes = ((8, 4), (8,), (2, 8))
        draws = (torch.randn(s, generator=generator, dtype=DOUBLE) / 2 for s in shapes)
        self.a, self.b, self.c = (torch.nn.Parameter(d) for d in draws)

    def forward(self, t: Tensor, x: Tensor, past: list[Tensor]) -> Tensor:
        hidden = torch.tanh(torch.cat([x, past[0]], -1) @ self.a.T + self.b)
        return hidden @ self.c.T - x + 0.3 * torch.cos(t) * past[1]


def field_gradients(method: str, options: dict[str, object], *, learned: bool) -> list[Tensor]:
    generator = torch.Generator().manual_seed(2)
    field, t = Field(), torch.linspace(0, 3, 5, dtype=DOUBLE)
    tau = times(0.5, 0.7, 0.31).requires_grad_()
    shared = times(0.4)[0].requires_grad_()
    weights = torch.randn(5, 3, 2, generator=generator, dtype=DOUBLE)
    slope = torch.randn(3, 2, generator=generator, dtype=DOUBLE).requires_grad_()
    start = torch.randn(3, 2, generator=generator, dtype=DOUBLE).requires_grad_()
    history = (lambda s: start + slope * torch.sin(s)) if learned else start
    inputs = [*field.parameters(), tau, shared, start, *([slope] if learned else [])]
    settings = {**options, "parameters": (start, slope)} if learned else options
    x = ddeint(field, history, t, [tau, shared], method=method, options=settings, **TIGHT)
    return list(torch.autograd.grad((x * weights).sum(), inputs))


@pytest.fixture(scope="module")
def right() -> dict[bool, list[Tensor]]:
    return {learned: field_gradients("dopri5", {}, learned=learned) for learned in (False, True)}


@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize(
    ("method", "options", "tolerance"),
    [
        ("dopri5", {"gradient": "checkpoint"}, 1e-12),
        ("rk4", {"step": 0.05}, 1e-4),
        ("rk4", {"step": 0.05, "gradient": "adjoint"}, 1e-6),
        ("esdirk3", {"step": 0.05, "adaptive": False}, 3e-4),
    ],
)
def test_all_ways_give_the_same_gradients(
    right: dict[bool, list[Tensor]],
    learned: bool,
    method: str,
    options: dict[str, object],
    tolerance: float,
) -> None:
    got = field_gradients(method, options, learned=learned)
    assert (
        max(float((a - b).abs().max()) for a, b in zip(got, right[learned], strict=True))
        < tolerance
    )


def test_adjoint_of_an_adaptive_method(right: dict[bool, list[Tensor]]) -> None:
    got = field_gradients("dopri5", {"gradient": "adjoint"}, learned=False)
    assert max(float((a - b).abs().max()) for a, b in zip(got, right[False], strict=True)) < 1e-6


@pytest.mark.parametrize(("method", "options"), [("dopri5", {}), ("rk4", {"step": 0.05})])
def test_gradient_in_the_first_and_last_time(method: str, options: dict[str, object]) -> None:
    def value(t: Tensor, method: str, options: dict[str, object]) -> Tensor:
        def f(t: Tensor, x: Tensor, past: list[Tensor]) -> Tensor:
            return -past[0] * torch.cos(t) + 0.1 * x

        return ddeint(
            f,
            lambda s: torch.sin(s) + 1,
            t,
            [0.6],
            method=method,
            options=options,
            rtol=1e-12,
            atol=1e-12,
        )[-1, 0]

    t, e = times(0.2, 2.5).requires_grad_(), 1e-4
    (got,) = torch.autograd.grad(value(t, method, options), t)
    for i in range(2):
        shift = e * torch.eye(2, dtype=DOUBLE)[i]
        slope = (
            value(t.detach() + shift, "dopri5", {}) - value(t.detach() - shift, "dopri5", {})
        ) / (2 * e)
        assert abs(float(got[i] - slope)) < 1e-5


def test_gradient_in_a_parameter_of_a_varying_delay() -> None:
    def value(p: Tensor, method: str, options: dict[str, object]) -> Tensor:
        tau = lambda t: 1 + p * torch.sin(t)  # noqa: E731
        return ddeint(
            minus_delayed,
            ones(),
            times(0, 4),
            [tau],
            method=method,
            options=options,
            rtol=1e-11,
            atol=1e-11,
        )[-1, 0]

    p = torch.tensor(0.5, dtype=DOUBLE, requires_grad=True)
    slope = (value(p.detach() + 1e-4, "dopri5", {}) - value(p.detach() - 1e-4, "dopri5", {})) / 2e-4
    for method, options in (("dopri5", {}), ("rk4", {"step": 0.02})):
        (got,) = torch.autograd.grad(value(p, method, options), p)
        assert abs(float(got - slope)) < 1e-6


def saved_numbers(gradient: str, end: float) -> int:
    count = 0

    def pack(tensor: Tensor) -> Tensor:
        nonlocal count
        count += tensor.numel()
        return tensor

    field = Field()
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        options = {"step": 0.05, "gradient": gradient}
        ddeint(
            field,
            torch.ones(16, 2, dtype=DOUBLE),
            times(0, end),
            [0.5, 1.0],
            method="rk4",
            options=options,
        )
    return count


def test_memory_grows_linearly_and_checkpoints_save_most_of_it() -> None:
    short, long = (saved_numbers("autodiff", end) for end in (5.0, 10.0))
    assert long < 2.3 * short
    assert saved_numbers("checkpoint", 10.0) < 0.25 * long


def test_no_graph_where_nothing_asks_for_one() -> None:
    assert not ddeint(minus_delayed, ones(), times(0, 2), [1.0]).requires_grad


def test_adjoint_refuses_what_it_cannot_do() -> None:
    tau = torch.tensor(0.5, dtype=DOUBLE, requires_grad=True)
    adjoint = {"gradient": "adjoint"}
    with pytest.raises(SolverError, match="constant delays"):
        ddeint(
            minus_delayed, ones().requires_grad_(), times(0, 1), [lambda t: 1 + t], options=adjoint
        )
    history = StartingAt(ConstantHistory(0 * ones()), ones())
    with pytest.raises(SolverError, match="across a jump"):
        ddeint(minus_delayed, history, times(0, 1), [tau], options=adjoint)
