"""Quadratic functionals by cutting planes."""

import pytest
import torch
from anchors import HUTCHINSON, KR

from certdde.inequalities.features import Features
from certdde.inequalities.inequality import dissipation
from certdde.inequalities.legendre import delay_pieces
from certdde.inequalities.reduction import as_reduction
from certdde.systems import DelaySystem
from certdde.verify.lmi.cutting_planes import cutting_planes, sample_xi, sampled_rates


def test_hutchinson_is_feasible_at_086():
    breaks = delay_pieces(0.0, 0.86)
    found = cutting_planes(HUTCHINSON, 1, breaks)
    assert found.margin > 0
    inequality = dissipation(HUTCHINSON, found.functional, breaks).inequality
    generator = torch.Generator().manual_seed(11)
    x = sample_xi(inequality.lower, inequality.upper, 50_000, generator)
    assert (inequality.value(x) < 0).all()
    assert float(torch.linalg.eigvalsh(found.functional.core(0.86))[0]) > 0


@pytest.mark.parametrize("breaks", [delay_pieces(0.0, 0.9), [0.899, 0.9]])
def test_hutchinson_is_infeasible_at_09(breaks):
    found = cutting_planes(HUTCHINSON, 1, breaks)
    assert found.functional is None
    assert found.margin == -float("inf")


def test_the_same_seed_gives_the_same_functional():
    first, second = (cutting_planes(HUTCHINSON, 1, [0.5, 0.6], seed=4) for _ in range(2))
    assert torch.equal(first.functional.P, second.functional.P)
    assert first.points == second.points


def test_an_unstable_system_is_infeasible():
    system = DelaySystem.from_equations(["x' = x - x(t - tau)/2 - x**3"], domain={"x": (-0.5, 0.5)})
    assert cutting_planes(system, 1, [0.1, 0.2]).functional is None


def test_a_linear_system_is_the_lmi():
    found = cutting_planes(KR, 1, [4.9, 5.0])
    assert found.margin > 0
    assert found.functional is not None
    assert cutting_planes(KR, 1, [6.1, 6.2]).functional is None


def test_a_solver_that_is_not_there_gives_none():
    assert cutting_planes(HUTCHINSON, 1, [0.4, 0.5], solver="NOPE").functional is None


def test_samples_lie_in_the_box_and_on_its_faces():
    lower, upper = torch.tensor([-1.0, -2.0]).double(), torch.tensor([0.5, 3.0]).double()
    x = sample_xi(lower, upper, 600, torch.Generator().manual_seed(0))
    assert (x >= lower).all()
    assert (x <= upper).all()
    on_face = ((x == lower) | (x == upper)).any(-1)
    assert int(on_face.sum()) >= 200
    assert float(x.norm(dim=-1).min()) < 1e-2


def test_sampled_rates_are_d_over_the_square():
    breaks = [0.4, 0.5]
    found = cutting_planes(HUTCHINSON, 1, breaks).functional
    features = Features.of(HUTCHINSON, found)
    built = dissipation(HUTCHINSON, found, breaks)
    x = torch.tensor([[0.3, -0.2], [0.01, 0.9]], dtype=torch.float64)
    rates, largest = sampled_rates(found, features, as_reduction(breaks), x)
    wanted = built.inequality.value(x) / x.square().sum(-1)
    torch.testing.assert_close(torch.as_tensor(rates), wanted.T)
    assert largest == pytest.approx(built.eliminated, rel=1e-12)


@pytest.mark.parametrize("domain", [(-0.99, 1.0), (-3.0, 1.0)])
def test_where_f_is_not_defined_there_is_no_functional(domain):
    system = DelaySystem.from_equations(["x' = -x(t - tau)*sqrt(1 + 1.02*x)"], domain={"x": domain})
    assert cutting_planes(system, 1, [0.1, 0.2]).functional is None
