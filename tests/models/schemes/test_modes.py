"""The modes of training, the limit of a constant delay, and what is kept near 0."""

import math

import pytest
import torch

from certdde import Constant, certify
from certdde.errors import ProblemError
from certdde.models.schemes import (
    MODES,
    CertifiedSlopes,
    FixedScheme,
    ModeSettings,
    constant_gain,
    damped_linear,
    largest_gain,
    secants,
    train_mode,
)
from certdde.models.schemes.objectives import NEAR

DOUBLE = torch.float64


def scheme(slope, bend=0.0):
    """F(z) = (slope - bend) z + bend tanh(4 z) / 4: slopes from slope - bend to slope."""
    parts = ([[slope - bend]], [[bend / 4]], [[4.0]], [0.0])
    return FixedScheme.rounded(*(torch.tensor(part, dtype=DOUBLE) for part in parts))


def largest_root(gain, delay):
    companion = torch.zeros(delay + 1, delay + 1, dtype=DOUBLE)
    companion[0, 0], companion[0, -1] = 1.0, -gain
    companion[1:, :-1] += torch.eye(delay, dtype=DOUBLE)
    return float(torch.linalg.eigvals(companion).abs().max())


@pytest.mark.parametrize("delay", [1, 2, 5, 10, 15])
def test_the_limit_of_a_constant_delay_is_where_a_root_leaves_the_circle(delay):
    limit = constant_gain(delay)
    assert largest_root(limit, delay) == pytest.approx(1, abs=1e-9)
    assert largest_root(0.99 * limit, delay) < 1 < largest_root(1.01 * limit, delay)
    assert limit > largest_gain(delay) - 1e-6


def test_slopes_near_0_are_made_smaller_until_they_are_certified():
    objective = CertifiedSlopes((-1.5, 1.5), range(1, 10), near=range(10, 16))
    near = (NEAR * -1.5, NEAR * 1.5)
    for bend in (0.01, 0.1):
        kept = objective.kept(scheme(0.13, bend), 15)
        seen = secants(kept, near)
        assert seen.high < constant_gain(15)
        found = certify(kept.system([near]), Constant("tau", 15, 15), method="auto", budget=20)
        assert found.rigor == "rigorous"


def test_narrow_slopes_lose_less_than_wide_ones():
    objective = CertifiedSlopes((-1.5, 1.5), range(1, 10), near=range(10, 16))
    near = (NEAR * -1.5, NEAR * 1.5)
    narrow, wide = (objective.kept(scheme(0.13, bend), 15) for bend in (0.0, 0.12 / 0.13))
    assert secants(narrow, near).high == pytest.approx(0.98 * constant_gain(15), rel=1e-6)
    assert secants(wide, near).high == pytest.approx(0.98 * largest_gain(15), rel=1e-6)


def test_what_is_within_the_limits_or_not_asked_for_stays():
    objective = CertifiedSlopes((-1.5, 1.5), range(1, 10), near=range(10, 12))
    for gain, delay in ((0.1, 9), (0.1, 11), (5.0, 12)):
        given = scheme(gain)
        assert objective.kept(given, delay) is given


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_gives_a_scheme_for_every_delay_and_the_same_one_again(mode):
    settings = ModeSettings(steps=4, tried=10)
    one, two = (train_mode(damped_linear(0.1), mode, settings, 3) for _ in range(2))
    assert sorted(one.schemes) == list(range(1, 11))
    assert all(torch.equal(one.schemes[d].outer, two.schemes[d].outer) for d in one.schemes)


def test_without_the_delay_there_is_one_scheme():
    settings = ModeSettings(steps=3, reads_delay=False)
    for mode in ("plain", "bounded"):
        table = train_mode(damped_linear(0.1), mode, settings, 0)
        assert torch.equal(table.schemes[1].outer, table.schemes[15].outer)


def test_an_unknown_mode_is_refused():
    with pytest.raises(ProblemError, match="mode 'best'"):
        train_mode(damped_linear(), "best", ModeSettings(), 0)


def test_the_rate_of_the_linear_task_is_that_of_its_equation():
    task, x = damped_linear(0.1, 0.7), torch.ones(2, 1, dtype=DOUBLE)
    assert task.equation == "x' = -0.7 x(t - tau)"
    assert torch.equal(task.f(torch.zeros(()), x, [x]), -0.7 * x)
    assert math.isclose(float(damped_linear().f(torch.zeros(()), x, [x])[0]), -1)
