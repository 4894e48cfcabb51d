"""Flows: the identity at 0, invertible for random weights, times and points; contractions that are contractions."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from certdde.errors import ProblemError
from certdde.models.flows import (
    Clock,
    Composite,
    GRUFlow,
    ResNetFlow,
    TimeEmbedding,
    coupling_flow,
)
from certdde.models.flows.networks import Contraction, GatedMLP, spectral_bound

BATCH = 32


def generator(seed):
    return torch.Generator().manual_seed(seed)


def made(kind, states, seed, dtype, context=0):
    """A flow with weights that are far from those at the start; ``clocked``: one clock for its layers."""
    source = generator(seed)
    options = {"context": context, "dtype": dtype, "span": 2.0}
    clock = Clock(5, 3, source, span=2.0, dtype=dtype)
    shared = options | {"context": context + clock.size, "timed": False}
    if kind == "clocked coupling":
        flow = coupling_flow(states, 4, [6, 8], source, clock=clock, gated=True, **options)
    elif kind == "clocked resnet":
        parts = [ResNetFlow(states, [8], source, **shared) for _ in range(2)]
        flow = Composite(parts, clock)
    elif kind == "clocked gru":
        flow = Composite([GRUFlow(states, [8], source, **shared) for _ in range(2)], clock)
    elif kind == "resnet":
        parts = [
            ResNetFlow(states, [8, 8], source, embedding=name, **options)
            for name in ("tanh", "sine")
        ]
        flow = Composite(parts)
    elif kind == "gru":
        flow = Composite([GRUFlow(states, [8], source, **options) for _ in range(2)])
    else:
        flow = coupling_flow(states, 4, [8], source, embedding="log", **options)
    with torch.no_grad():
        for parameter in flow.parameters():
            noise = torch.randn(parameter.shape, generator=source, dtype=torch.float64)
            parameter.add_(2 * noise.to(dtype))
    return flow


def points(kind, states, seed, dtype):
    unit = 2 * torch.rand(BATCH, states, generator=generator(seed), dtype=torch.float64) - 1
    return (unit if "gru" in kind else 3 * unit).to(dtype)


NAMES = ["resnet", "gru", "coupling", "clocked resnet", "clocked gru", "clocked coupling"]
KINDS = st.sampled_from(NAMES)
CASES = {
    "kind": KINDS,
    "states": st.integers(1, 4),
    "seed": st.integers(0, 10_000),
    "time": st.floats(-5, 5),
}


@settings(max_examples=40, deadline=None)
@given(**CASES, dtype=st.sampled_from([torch.float32, torch.float64]))
def test_nothing_moves_at_time_zero(kind, states, seed, time, dtype):
    flow, x = made(kind, states, seed, dtype), points(kind, states, seed, dtype)
    assert torch.equal(flow(torch.zeros(BATCH, 1, dtype=dtype), x), x)
    moved = flow(torch.full((BATCH, 1), 1 + abs(time), dtype=dtype), x)
    assert moved.dtype == dtype
    assert not torch.equal(moved, x)


@settings(max_examples=25, deadline=None)
@given(**CASES)
def test_the_inverse_undoes_the_flow(kind, states, seed, time):
    with torch.no_grad():
        flow = made(kind, states, seed, torch.float64, context=2)
        x = points(kind, states, seed, torch.float64)
        context = torch.randn(BATCH, 2, generator=generator(seed), dtype=torch.float64)
        t = torch.full((BATCH, 1), time, dtype=torch.float64)
        y = flow(t, x, context)
        assert torch.allclose(flow.inverse(t, y, context), x, rtol=1e-7, atol=1e-7)
        assert torch.allclose(
            flow(t, flow.inverse(t, y, context), context), y, rtol=1e-7, atol=1e-7
        )


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), time=st.floats(-5, 5), kind=KINDS)
def test_distinct_points_stay_distinct_and_keep_their_order_in_one_dimension(seed, time, kind):
    with torch.no_grad():
        flow = made(kind, 1, seed, torch.float64)
        x = torch.linspace(-0.99, 0.99, BATCH, dtype=torch.float64).unsqueeze(1)
        y = flow(torch.full((BATCH, 1), time, dtype=torch.float64), x)
        assert bool((y.diff(dim=0) > 0).all())


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), time=st.floats(-50, 50))
def test_a_gru_flow_stays_in_the_cube(seed, time):
    flow, h = made("gru", 3, seed, torch.float64), points("gru", 3, seed, torch.float64)
    with torch.no_grad():
        out = flow(torch.full((BATCH, 1), time, dtype=torch.float64), h.sign())
    assert float(out.abs().max()) <= 1


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 40),
    seed=st.integers(0, 10_000),
    scale=st.sampled_from([1e-12, 1e-3, 1.0, 1e6]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    rank=st.integers(1, 3),
)
def test_the_bound_of_the_spectral_norm_is_above_it(rows, columns, seed, scale, dtype, rank):
    source = generator(seed)
    full = torch.randn(rows, columns, generator=source, dtype=torch.float64)
    low = torch.randn(rows, rank, generator=source, dtype=torch.float64) @ torch.randn(
        rank, columns, generator=source, dtype=torch.float64
    )
    for weight in (full, low, full.sign(), torch.ones(rows, columns)):
        weight = (scale * weight).to(dtype)
        exact = torch.linalg.matrix_norm(weight.double(), 2)
        bound = spectral_bound(weight).double()
        assert bound >= exact
        assert bound <= 1.05 * exact


def test_the_bound_of_a_zero_matrix_has_a_finite_gradient():
    weight = torch.zeros(3, 2, requires_grad=True)
    spectral_bound(weight).backward()
    assert bool(torch.isfinite(weight.grad).all())


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), bound=st.sampled_from([0.3, 0.9, 0.99]))
def test_a_contraction_contracts_whatever_its_weights_are(seed, bound):
    source = generator(seed)
    g = Contraction(3, 2, 3, [7, 5], bound, source, torch.float64)
    with torch.no_grad():
        for parameter in g.parameters():
            parameter.mul_(50)
        for bias in g.layers.biases:
            bias.copy_(torch.randn(bias.shape, generator=source, dtype=torch.float64))
        others = torch.randn(200, 2, generator=source, dtype=torch.float64)
        x = torch.randn(200, 3, generator=source, dtype=torch.float64)
        y = x + 0.01 * torch.randn(200, 3, generator=source, dtype=torch.float64)
        ratio = (g(x, others) - g(y, others)).norm(dim=-1) / (x - y).norm(dim=-1)
        jacobians = torch.func.vmap(torch.func.jacrev(lambda z, o: g(z, o)))(x, others)
    assert float(ratio.max()) <= bound
    assert float(torch.linalg.matrix_norm(jacobians, 2).max()) <= bound


@pytest.mark.parametrize("name", ["linear", "log", "tanh", "sine"])
def test_embeddings_vanish_at_zero_and_those_called_bounded_are(name):
    phi = TimeEmbedding(name, 5, generator(0), torch.float64)
    assert torch.equal(phi(torch.zeros(1, 1, dtype=torch.float64)), torch.zeros(1, 5).double())
    wide = phi(torch.linspace(-100, 100, 2001, dtype=torch.float64).unsqueeze(1)).detach()
    assert (float(wide.abs().max()) <= 1) == phi.bounded


def test_an_unbounded_embedding_is_refused_where_invertibility_rests_on_it():
    with pytest.raises(ProblemError, match="not bounded"):
        ResNetFlow(2, [4], generator(0), embedding="linear")
    with pytest.raises(ProblemError, match="no time embedding"):
        TimeEmbedding("cube", 2, generator(0))


def test_same_seed_same_flow():
    for kind in NAMES:
        first, second = (made(kind, 2, 3, torch.float32) for _ in range(2))
        pairs = zip(first.parameters(), second.parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("kind", NAMES)
def test_times_states_and_contexts_broadcast(kind):
    """Many times for one state and context give what each of them gives alone."""
    with torch.no_grad():
        flow, x = made(kind, 2, 4, torch.float64, context=3), points(kind, 2, 5, torch.float64)
        context = torch.randn(BATCH, 3, generator=generator(6), dtype=torch.float64)
        times = torch.tensor([0.0, 0.4, 1.7], dtype=torch.float64)
        together = flow(times.reshape(3, 1, 1), x, context)
        back = flow.inverse(times.reshape(3, 1, 1), together, context)
        for k, t in enumerate(times):
            alone = flow(t.expand(BATCH, 1), x, context)
            assert torch.allclose(together[k], alone, rtol=1e-12, atol=1e-12)
    assert torch.allclose(back, x.expand(3, BATCH, 2), rtol=1e-7, atol=1e-7)


def test_a_clock_tells_all_times_of_its_span_apart():
    clock = Clock(8, 4, generator(0), span=10.0, dtype=torch.float64)
    with torch.no_grad():
        read = clock(torch.linspace(0, 10, 201, dtype=torch.float64).unsqueeze(1))
        distances = torch.cdist(read, read) + torch.eye(201).double()
    assert read.shape == (201, 8)
    assert float(distances.min()) > 1e-4


def test_a_layer_of_one_clock_reads_what_the_composite_reads():
    """The clock comes first in the context of each part."""
    with torch.no_grad():
        clock = Clock(5, 3, generator(0), dtype=torch.float64)
        options = {"timed": False, "context": 5 + 2, "dtype": torch.float64}
        part = ResNetFlow(2, [8], generator(1), **options)
        x, context = torch.randn(2, BATCH, 2, generator=generator(2)).double()
        t = torch.full((BATCH, 1), 0.7, dtype=torch.float64)
        expected = part(t, x, torch.cat([clock(t), context], -1))
        assert torch.equal(Composite([part], clock)(t, x, context), expected)


def test_gates_multiply_what_is_read_of_the_state():
    """With one hidden layer the network is affine in x, and its slope depends on the context."""
    network = GatedMLP(2, 3, 1, [7], generator(0), torch.float64)
    x, y = torch.randn(2, 5, 2, generator=generator(1)).double()
    first, second = torch.randn(2, 3, generator=generator(2)).double()

    def at(z, c):
        return network(torch.cat([z, c.expand(len(z), 3)], -1)).detach()

    middle = at((x + y) / 2, first)
    assert torch.allclose(middle, (at(x, first) + at(y, first)) / 2, atol=1e-12)
    slopes = [at(x, c) - at(torch.zeros_like(x), c) for c in (first, second)]
    assert float((slopes[0] - slopes[1]).abs().min()) > 1e-6


@pytest.mark.parametrize(("others", "hidden"), [(0, [4]), (2, [])])
def test_a_gated_network_without_gate_or_layer_is_refused(others, hidden):
    with pytest.raises(ProblemError, match="gated"):
        GatedMLP(1, others, 1, hidden, generator(0))
