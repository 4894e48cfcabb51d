"""The delayed flow: moments as in the inequalities, pieces that join, and a rollout that is what it says."""

import pytest
import torch

from certdde.inequalities.legendre import moment_rates
from certdde.models.flows import DelayedFlow, coupling_flow
from certdde.models.flows.moments import gauss_points, moment_matrix

TAU, ORDER = 0.7, 3


def made(seed=0):
    source = torch.Generator().manual_seed(seed)
    flow = coupling_flow(2, 3, [8], source, context=2 * ORDER, span=TAU, dtype=torch.float64)
    return DelayedFlow(flow, TAU, ORDER)


def history(s):
    return torch.stack([torch.cos(2 * s), torch.exp(s)], -1)


def test_moments_of_the_legendre_polynomials_are_orthogonal():
    points = gauss_points(8)
    polynomials = [torch.ones(8).double(), 2 * points - 1, 6 * points**2 - 6 * points + 1]
    expected = torch.diag(torch.tensor([1, 1 / 3, 1 / 5], dtype=torch.float64))
    found = moment_matrix(3, 8) @ torch.stack(polynomials, -1)
    assert torch.allclose(found, expected, atol=1e-14)


def test_moments_change_as_the_reduction_says():
    """tau d/dt Omega_k = G_k (docs/math.md, section 2), along x(t) = cos 2t, by the derivative in t."""
    points, rows = gauss_points(16), moment_matrix(4, 16)

    def moments(t):
        return rows @ torch.cos(2 * (t - TAU + TAU * points))

    t = torch.tensor(0.3, dtype=torch.float64)
    rates = torch.autograd.functional.jacobian(moments, t)
    x, y = torch.cos(2 * t), torch.cos(2 * (t - TAU))
    expected = moment_rates(x, y, list(moments(t)))[:4]
    assert torch.allclose(TAU * rates, torch.stack(expected), atol=1e-12)


def test_pieces_join_and_the_rollout_is_the_map_applied_again():
    with torch.no_grad():
        flow = made()
        inner = torch.tensor([0.2, TAU], dtype=torch.float64)
        states = flow.rollout(history, 3, inner)
        piece, x = history(TAU * (flow.nodes - 1)), history(torch.zeros(1).double())[0]
        expected = [x]
        for _ in range(3):
            moments = flow.encode(piece)
            assert torch.equal(flow(torch.zeros(1).double(), x, moments), x)
            piece = torch.stack([flow(TAU * u.reshape(1), x, moments) for u in flow.nodes])
            first, x = (flow(s.reshape(1), x, moments) for s in inner)
            expected += [first, x]
    assert states.shape == (7, 2)
    assert torch.allclose(states, torch.stack(expected), atol=1e-13)


def test_a_batch_of_histories_gives_the_rows_of_each():
    starts = torch.tensor([[0.5, 1.0], [-1.0, 2.0], [0.0, 0.3]], dtype=torch.float64)

    def many(s):
        return history(s).unsqueeze(1) * starts

    with torch.no_grad():
        flow = made(1)
        together = flow.rollout(many, 2)
        for b in range(3):
            alone = flow.rollout(lambda s, b=b: history(s) * starts[b], 2)
            assert torch.allclose(together[:, b], alone, atol=1e-13)


def test_without_inner_times_the_rollout_has_the_ends_of_the_delays():
    with torch.no_grad():
        flow = made(2)
        inner = torch.tensor([0.3, TAU], dtype=torch.float64)
        ends, all_times = flow.rollout(history, 4), flow.rollout(history, 4, inner)
    assert ends.shape == (5, 2)
    assert torch.allclose(ends[1:], all_times[2::2], atol=1e-13)


@pytest.mark.parametrize("order", [0, 1, 4])
def test_the_order_is_the_number_of_moments(order):
    flow = DelayedFlow(coupling_flow(1, 1, [4], torch.Generator(), context=order), TAU, order)
    assert flow.encode(torch.ones(12, 5, 1)).shape == (5, order)
