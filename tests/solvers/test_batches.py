"""What one sample gets does not depend on the others."""

import pytest
import torch
from torch import Tensor

from certdde.solvers import ddeint, solve

from .exact import DOUBLE, minus_delayed, pure_delay, times

T = torch.linspace(0, 4, 9, dtype=DOUBLE)


def f(t: Tensor, x: Tensor, past: list[Tensor]) -> Tensor:
    return -torch.tanh(x) + torch.sin(past[0]).flip(-1) - 0.5 * past[1] + 0.1 * torch.cos(t)


def data(batch: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x0 = torch.randn(batch, 2, generator=generator, dtype=DOUBLE)
    tau = 0.05 + 1.5 * torch.rand(batch, generator=generator, dtype=DOUBLE)
    return x0, tau, tau.flip(0)


METHODS = [("rk4", {"step": 0.05}), ("dopri5", {}), ("esdirk3", {"step": 0.05, "adaptive": False})]


@pytest.mark.parametrize(("method", "options"), METHODS)
def test_batch_of_delays_is_one_at_a_time(method: str, options: dict[str, object]) -> None:
    x0, tau, other = data(4)
    together = ddeint(f, x0, T, [tau, other], method=method, options=options, rtol=1e-8, atol=1e-9)
    # one at a time, nodes need not be moved but added: alike to the error of the method, equal for the adaptive one
    tolerance = 1e-11 if method == "dopri5" else 2e-5
    for b in range(4):
        alone = ddeint(
            f, x0[b], T, [tau[b], other[b]], method=method, options=options, rtol=1e-8, atol=1e-9
        )
        assert float((together[:, b] - alone).abs().max()) < tolerance


@pytest.mark.parametrize(("method", "options"), METHODS)
def test_permuting_samples_permutes_states(method: str, options: dict[str, object]) -> None:
    x0, tau, other = data(6)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    one = ddeint(f, x0, T, [tau, other], method=method, options=options)
    two = ddeint(f, x0[order], T, [tau[order], other[order]], method=method, options=options)
    assert float((one[:, order] - two).abs().max()) < 1e-13


@pytest.mark.parametrize(("method", "options"), METHODS)
def test_permuting_delays_changes_nothing(method: str, options: dict[str, object]) -> None:
    x0, tau, other = data(4)
    one = ddeint(f, x0, T, [tau, other], method=method, options=options)
    two = ddeint(
        lambda t, x, p: f(t, x, [p[1], p[0]]), x0, T, [other, tau], method=method, options=options
    )
    assert float((one - two).abs().max()) < 1e-12


@pytest.mark.parametrize(("method", "options"), METHODS)
def test_float32_follows_float64(method: str, options: dict[str, object]) -> None:
    x0, tau, other = data(5)
    wide = ddeint(f, x0, T, [tau, other], method=method, options=options, rtol=1e-5, atol=1e-5)
    narrow = ddeint(
        f, x0.float(), T, [tau, other], method=method, options=options, rtol=1e-5, atol=1e-5
    )
    assert narrow.dtype == torch.float32
    assert float((wide - narrow).abs().max()) < 1e-4


def test_shapes_of_batches() -> None:
    x0 = torch.ones(2, dtype=DOUBLE)
    for tau, shape in (
        (times(0.5), (1, 2)),
        (torch.tensor(0.5), (2,)),
        (torch.full((3, 4), 0.5), (3, 4, 2)),
    ):
        for method in ("rk4", "dopri5"):
            x = ddeint(minus_delayed, x0, T, [tau], method=method, options={"step": 0.1})
            assert x.shape == (9, *shape)
            assert torch.allclose(x[-1].reshape(-1, 2)[0], x[-1].reshape(-1, 2)[-1], atol=1e-14)


def test_equal_delays_give_the_shared_delay() -> None:
    x0, *_ = data(3)
    shared = ddeint(minus_delayed, x0, T, [0.55], method="rk4", options={"step": 0.05})
    each = ddeint(
        minus_delayed,
        x0,
        T,
        [torch.full((3,), 0.55, dtype=DOUBLE)],
        method="rk4",
        options={"step": 0.05},
    )
    assert float((shared - each).abs().max()) < 1e-9


def test_dense_output_meets_the_states() -> None:
    x0, tau, other = data(4)
    for method, options in METHODS:
        solution = solve(f, x0, T, [tau, other], method=method, options=options)
        assert float((solution.at(T) - solution.states).abs().max()) < 1e-12
        rate, k = solution.derivative(T), 5
        past = [torch.stack([solution.at(T[k] - d[b])[b] for b in range(4)]) for d in (tau, other)]
        assert float((rate[k] - f(T[k], solution.states[k], past)).abs().max()) < 5e-3
        assert torch.equal(solution.at(times(-1.0)), x0.unsqueeze(0))
        assert solution.at(T[3]).shape == (4, 2)
        assert bool(solution.finished.all())


@pytest.mark.parametrize("step", [0.011, 0.05, None])
@pytest.mark.parametrize("window", [3, 64])
def test_one_delay_a_sample_at_many_times(step: float | None, window: int) -> None:
    tau = torch.linspace(0.2, 0.83, 12, dtype=DOUBLE)
    t = torch.linspace(0, 3.3, 67, dtype=DOUBLE)
    options = {"step": step, "window": window}
    x = ddeint(minus_delayed, torch.ones(1, dtype=DOUBLE), t, [tau], method="rk4", options=options)
    for k in (1, 20, 65, 66):
        exact = torch.cat([pure_delay(float(t[k]), tau[b : b + 1], -1.0) for b in range(12)])
        assert float((x[k, :, 0] - exact).abs().max()) < (1e-10 if step == 0.011 else 3e-8)


def test_ring_gives_what_the_whole_past_gives() -> None:
    x0, tau, other = data(5)
    t = torch.linspace(0, 8, 4, dtype=DOUBLE)
    for method, options in METHODS:
        ring = ddeint(f, x0, t, [tau, other], method=method, options=options)
        whole = solve(f, x0, t, [tau, other], method=method, options=options).states
        assert torch.equal(ring, whole)


def test_window_length_changes_nothing() -> None:
    x0, tau, other = data(5)
    results = [
        ddeint(f, x0, T, [tau, other], method="rk4", options={"step": 0.03, "window": w})
        for w in (1, 2, 7, 100)
    ]
    assert max(float((r - results[0]).abs().max()) for r in results) < 1e-13


def test_results_are_reproduced_bit_for_bit() -> None:
    x0, tau, other = data(5)
    for method, options in METHODS:
        one, two = (
            ddeint(f, x0, T, [tau, other], method=method, options=options) for _ in range(2)
        )
        assert torch.equal(one, two)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_gpu_follows_the_processor() -> None:
    x0, tau, other = data(5)
    here = ddeint(f, x0, T, [tau, other])
    there = ddeint(f, x0.cuda(), T.cuda(), [tau.cuda(), other.cuda()])
    assert there.is_cuda
    assert torch.allclose(here, there.cpu(), atol=1e-10)
