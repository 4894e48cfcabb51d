"""Learned increments: 0 at 0 exactly, the numbers that are certified, slopes within their bounds."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from certdde.errors import ProblemError
from certdde.models.schemes import (
    BoundedIncrement,
    DelayTable,
    FixedScheme,
    GatedIncrement,
    largest_gain,
    rollout,
    secants,
)
from certdde.solvers import scheme
from certdde.systems.expressions import Number, children
from certdde.verify.schemes.slopes import slope_bounds

LAST, RADIUS, LEAST = 12, 1.5, 0.002
BOUNDS = [0.98 * largest_gain(k) for k in range(LAST + 1)]


def disturbed(model, seed, size=2.0):
    source = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=source, dtype=torch.float64)
            parameter.add_((size * noise).to(parameter))
    return model


def gated(seed, states=1, dtype=torch.float64, **options):
    model = GatedIncrement(
        states, 3, torch.Generator().manual_seed(seed), delay_scale=3, dtype=dtype, **options
    )
    return disturbed(model, seed)


def bounded(seed, **options):
    source = torch.Generator().manual_seed(seed)
    model = BoundedIncrement(3, source, BOUNDS, LEAST, RADIUS, delay_scale=3, **options)
    return disturbed(model, seed, 6.0)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    states=st.integers(1, 3),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    timed=st.booleans(),
)
def test_no_increment_at_the_equilibrium(seed, states, dtype, timed):
    delays = torch.arange(1, LAST + 1)
    zero = torch.zeros(len(delays), states, dtype=dtype)
    found = gated(seed, states, dtype, timed=timed)(zero, delays, 7)
    assert found.dtype == dtype
    assert torch.equal(found, zero)
    if states == 1 and dtype == torch.float64:
        assert torch.equal(bounded(seed, timed=timed)(zero, delays, 7), zero)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), states=st.integers(1, 2), delay=st.integers(1, LAST))
def test_the_equations_hold_the_numbers_of_the_scheme_and_no_others(seed, states, delay):
    model = gated(seed, states)
    fixed = model.at(delay)
    system = fixed.system([(-1.0, 1.0)] * states)
    numbers = set()

    def collect(expression):
        if isinstance(expression, Number):
            numbers.add(abs(float(expression.value)))
        for child in children(expression):
            collect(child)

    for expression in system.rhs:
        collect(expression)
    parts = (fixed.linear, fixed.outer, fixed.inner, fixed.shifts)
    written = {abs(v) for part in parts for v in part.flatten().tolist()}
    assert numbers <= written | {1.0}
    assert {v for v in written if v} <= numbers
    x, y = torch.rand(2, 50, states, dtype=torch.float64)
    assert torch.allclose(system.torch_function()(0, x, [y]), fixed(0, x, [y]), atol=1e-14)
    assert torch.allclose(model(y, delay).detach(), fixed.increment(y), rtol=1e-5, atol=1e-6)


def test_numbers_have_few_digits_and_a_shift_of_one_is_refused():
    fixed = gated(0).at(2)
    for value in fixed.outer.flatten().tolist():
        assert value == float(f"{value:.9g}")
    one = torch.ones(1, 1)
    with pytest.raises(ProblemError, match="shift"):
        FixedScheme.rounded(one, one, one, torch.tensor([1 - 1e-12], dtype=torch.float64))
    with pytest.raises(ProblemError, match="not finite"):
        FixedScheme.rounded(one, one * torch.nan, one, torch.zeros(1))


def test_a_table_of_delays_steps_each_sample_with_its_own_numbers():
    model, past = gated(1), torch.rand(LAST + 1, 4, 1, dtype=torch.float64)
    table = DelayTable({d: model.at(d) for d in range(1, LAST + 1)})
    delays = torch.tensor([1, 4, 4, LAST])
    together = rollout(table, past, delays, 20)
    for b, d in enumerate(delays.tolist()):
        alone = scheme(model.at(d), lambda t, b=b: past[LAST + t, b : b + 1], [d], 20)
        assert torch.allclose(together[:, b : b + 1], alone, atol=1e-13)
    with torch.no_grad():
        assert torch.allclose(rollout(model, past, delays, 20), together, rtol=1e-4, atol=1e-4)
    with pytest.raises(ProblemError, match="not in the table"):
        table.step(torch.tensor([LAST + 1]))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), delay=st.integers(0, LAST))
def test_slopes_are_within_the_enclosure_of_the_certificate(seed, delay):
    for model in (gated(seed), bounded(seed)):
        fixed = model.at(delay)
        z = torch.linspace(-RADIUS, RADIUS, 4002, dtype=torch.float64).unsqueeze(1)
        slopes = (fixed.increment(z) / z)[:, 0]
        found = secants(fixed, (-RADIUS, RADIUS))
        assert found.low <= float(slopes.min()) + 1e-12
        assert float(slopes.max()) <= found.high + 1e-12


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_slopes_are_bounded_by_construction_as_enclosed_and_as_sampled(seed):
    model, reading = bounded(seed), bounded(seed, reads_delay=False)
    for delay in (1, 5, LAST):
        found = secants(model.at(delay), (-RADIUS, RADIUS))
        assert found.low >= LEAST * (1 - 1e-9)
        assert found.high <= BOUNDS[delay] * (1 + 1e-9)
        z = torch.linspace(-RADIUS, RADIUS, 401, dtype=torch.float64)
        z = z[z != 0].unsqueeze(1)
        slopes = (model(z, delay) / z).detach()
        assert float(slopes.min()) >= LEAST
        assert float(slopes.max()) <= BOUNDS[delay]
    assert secants(reading.at(1), (-RADIUS, RADIUS)).high <= min(BOUNDS) * (1 + 1e-9)


def test_the_enclosure_is_that_of_the_certificate():
    fixed = gated(3).at(4)
    low, high = slope_bounds(fixed.system([(-1.0, 1.0)]))
    found = secants(fixed, (-1.0, 1.0), pieces=4096)
    assert np.isclose(found.low, -high[0, 1], atol=1e-7)
    assert np.isclose(found.high, -low[0, 1], atol=1e-7)


@pytest.mark.parametrize("k", [1, 2, 3, 5, 10])
def test_the_largest_gain_is_sharp_to_six_decimals(k):
    """Phi(q) = 1 at 1, 2 - sqrt 2, .4226497, .2712864, 1/7 (docs/math.md)."""
    exact = {1: 1.0, 2: 2 - 2**0.5, 3: 0.4226497, 5: 0.2712864, 10: 1 / 7}[k]
    assert 0 <= exact - largest_gain(k) < 2e-6


def test_a_time_gate_only_makes_the_increment_smaller():
    model = bounded(4, timed=True)
    z = torch.linspace(0.1, RADIUS, 20, dtype=torch.float64).unsqueeze(1)
    delays = torch.full((20,), 3)
    most = model.at(3).increment(z)
    for t in (0, 10, 1000):
        now = model(z, delays, t)
        assert bool((now <= most * (1 + 1e-6)).all())
        assert bool((now >= 0.5 * most * (1 - 1e-6)).all())


@pytest.mark.parametrize(
    ("bounds", "least", "radius"),
    [
        ([], 0.1, 1),
        ([0.5, 0.1], 0.1, 1),
        ([0.5], 0.0, 1),
        ([0.5], 0.1, 0),
        ([float("nan")], 0.1, 1),
    ],
)
def test_impossible_bounds_are_refused(bounds, least, radius):
    with pytest.raises(ProblemError):
        BoundedIncrement(2, torch.Generator(), bounds, least, radius)
