"""Blow-up, stiffness, rough delays, long integrations, unusable input."""

import pytest
import torch
from torch import Tensor

from certdde.delays.paths import WhitePath
from certdde.solvers import BlowUpWarning, Options, SolverError, ddeint, solve

from .exact import DOUBLE, minus_delayed, ones, times


def explode(_t: Tensor, x: Tensor, past: list[Tensor]) -> Tensor:
    return x * x + 0 * past[0]


@pytest.mark.parametrize(("method", "options"), [("rk4", {"step": 0.01}), ("dopri5", {})])
def test_blow_up_is_masked_for_its_sample_alone(method: str, options: dict[str, object]) -> None:
    x0, t = (
        times(0.1, 1.0).unsqueeze(1),
        torch.linspace(0, 3, 31, dtype=DOUBLE),
    )  # x = x0 / (1 - x0 t)
    solution = solve(explode, x0, t, [1.0], method=method, options=options)
    assert solution.finished.tolist() == [True, False]
    assert 0.9 < float(solution.good_until[1]) < 1.2
    assert torch.allclose(solution.states[:, 0, 0], 0.1 / (1 - 0.1 * t), rtol=1e-6)
    assert bool(torch.isnan(solution.states[13:, 1]).all())
    assert bool(torch.isfinite(solution.states[:10]).all())
    with pytest.warns(BlowUpWarning, match="1 of 2 trajectories"):
        ddeint(explode, x0, t, [1.0], method=method, options=options)


@pytest.mark.parametrize(("method", "options"), [("rk4", {"step": 0.01}), ("dopri5", {})])
def test_bound_keeps_gradients_finite(method: str, options: dict[str, object]) -> None:
    x0 = times(0.1, 1.0).unsqueeze(1).requires_grad_()
    solution = solve(
        explode, x0, times(0, 0.9, 3), [1.0], method=method, options={**options, "bound": 100.0}
    )
    assert solution.finished.tolist() == [True, False]
    (gradient,) = torch.autograd.grad(solution.states[1].sum() + solution.states[2, 0].sum(), x0)
    assert bool(torch.isfinite(gradient).all())
    assert abs(float(gradient[0]) - 1 / 0.91**2 - 1 / 0.7**2) < 1e-5


def test_too_many_steps_is_no_answer() -> None:
    solution = solve(minus_delayed, ones(), times(0, 100), [0.3], options={"max_steps": 40})
    assert not bool(solution.finished.any())
    assert bool(torch.isnan(solution.states[-1]).all())


def stiff_mackey_glass(_t: Tensor, x: Tensor, past: list[Tensor]) -> Tensor:
    return 1000 * (2 * past[0] / (1 + past[0] ** 10) - x)


def test_stiff_method_takes_few_steps_where_an_explicit_one_cannot() -> None:
    arguments = (stiff_mackey_glass, 0.5 * ones(), times(0, 1.5), [torch.tensor(1.0, dtype=DOUBLE)])
    stiff = solve(*arguments, method="esdirk3", rtol=1e-5, atol=1e-6)
    plain = solve(*arguments, method="dopri5", rtol=1e-5, atol=1e-6)
    assert stiff.steps < plain.steps / 4
    assert torch.allclose(stiff.states, plain.states, atol=1e-4)
    even = ddeint(*arguments, method="esdirk3", options={"step": 0.05, "adaptive": False})
    assert torch.allclose(even, plain.states, atol=1e-2)
    with pytest.warns(BlowUpWarning):
        ddeint(*arguments, method="rk4", options={"step": 0.05, "bound": 1e6})


def test_stiff_method_sees_through_a_zero_delay() -> None:
    x = ddeint(lambda _t, _x, past: -1e4 * past[0], ones(), times(0, 1), [0.0], method="esdirk3")
    assert float(x[-1].abs()) < 1e-6


def test_rough_delay_reports_its_error() -> None:
    generator = torch.Generator().manual_seed(3)
    path = WhitePath.random(0.1, 1.0, (), generator)
    options = {"min_step": 0.01, "max_steps": 3000}
    solution = solve(
        minus_delayed,
        lambda s: torch.exp(s),
        times(0, 5),
        [path],
        options=options,
        rtol=1e-6,
        atol=1e-6,
    )
    assert bool(solution.finished.all())
    assert float(solution.local_error) > 1e-3  # far from the tolerance, and it says so


def test_long_integration_keeps_a_ring_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from certdde.solvers import track

    sizes = []
    reserve = track.Track._reserve

    def watched(self: track.Track, block: Tensor) -> Tensor:
        buffer = reserve(self, block)
        sizes.append(buffer.shape[0])
        return buffer

    monkeypatch.setattr(track.Track, "_reserve", watched)
    ddeint(
        minus_delayed,
        ones(),
        times(0, 100),
        [times(0.2, 0.5)],
        method="rk4",
        options={"step": 0.02},
    )
    assert max(sizes) < 200  # of 5,000 steps


def test_adaptive_ring_is_bounded() -> None:
    short, long = (solve_rows(end) for end in (20.0, 200.0))
    assert long <= short


def solve_rows(end: float) -> int:
    from certdde.solvers.adaptive import integrate_adaptive
    from certdde.solvers.problem import pose
    from certdde.solvers.tableau import DOPRI5

    options = Options()
    problem = pose(minus_delayed, ones(), times(0, end), [times(0.3, 0.5)], options)
    points = torch.empty(0, 1, dtype=DOUBLE)
    return integrate_adaptive(
        problem, DOPRI5, (1e-6, 1e-6), points, options, keep=False
    ).past.shape[0]


def test_progress_is_reported() -> None:
    for method in ("rk4", "dopri5"):
        seen: list[float] = []
        options = {"step": 0.01, "progress": seen.append}
        ddeint(minus_delayed, ones(), times(0, 5), [0.5], method=method, options=options)
        assert seen == sorted(seen)
        assert seen[-1] == pytest.approx(1)


def test_progress_bar_leaves_standard_output_alone(capsys: pytest.CaptureFixture[str]) -> None:
    ddeint(minus_delayed, ones(), times(0, 1), [0.5], options={"progress": True})
    assert capsys.readouterr().out == ""


GOOD = {"f": minus_delayed, "history": ones(), "t": times(0, 1), "delays": [0.5]}
BAD = {
    "unknown method": {"method": "rk5"},
    "unknown option": {"options": {"steps": 0.1}},
    "not positive": {"options": {"step": -1.0}},
    "unknown gradient": {"options": {"gradient": "magic"}},
    "negative or not finite": {"delays": [-0.5]},
    "is no delay": {"delays": ["half"]},
    "takes 3 arguments": {"delays": [lambda a, b, c: a]},
    "is no history": {"history": "one"},
    "of shape": {"history": torch.ones(2, dtype=torch.int64)},
    "times of shape": {"t": times(1, 0)},
    "f returns": {"f": lambda t, x, past: x.sum()},
    "do not fit": {"history": torch.ones(3, 1, dtype=DOUBLE), "delays": [times(0.1, 0.2)]},
    "bounds for": {"options": {"delay_bounds": [None, None]}},
}


@pytest.mark.parametrize("message", BAD)
def test_unusable_input_is_refused_with_a_reason(message: str) -> None:
    with pytest.raises(SolverError, match=message):
        ddeint(**{**GOOD, **BAD[message]})


def test_times_after_the_end_are_refused() -> None:
    solution = solve(**GOOD)
    with pytest.raises(SolverError, match="after the last"):
        solution.at(times(2.0))
    with pytest.raises(SolverError, match="before the first"):
        solution.derivative(times(-1.0))
