"""The Razumikhin conditions as a reduction: their values, their scaling, their twin in the checker."""

from __future__ import annotations

import pytest
import torch

from certdde.functionals import Functional, Network
from certdde.inequalities.features import Features
from certdde.inequalities.inequality import dissipation
from certdde.inequalities.razumikhin import Razumikhin
from certdde.systems.delay_system import DelaySystem
from certdde.systems.scaling import Scaling

SYSTEM = DelaySystem.from_equations(
    ["x' = y - x", "y' = -2*y - sin(x(t - tau)) + 0.5*x*y"],
    domain={"x": (-0.7, 0.9), "y": (-1.5, 1.0)},
)
DEPENDENT = Razumikhin(0.4, (0.3, 0.2, 0.7), 1.01)


def network(seed: int, inputs: tuple[int, ...] = (0, 1)) -> Network:
    generator = torch.Generator().manual_seed(seed)
    shapes = ((5, len(inputs)), (3, 5))
    weights = tuple(torch.randn(s, generator=generator, dtype=torch.float64) for s in shapes)
    return Network(inputs, weights, (torch.randn(5, generator=generator, dtype=torch.float64),))


def functional(net: Network | None) -> Functional:
    p = torch.tensor([[2.0, 0.3], [0.3, 1.0]], dtype=torch.float64)
    gap = torch.tensor([[1.0, -0.2], [-0.2, 0.5]], dtype=torch.float64)
    return Functional(0, p, gap, gap, net, net)


def value(f: Functional, x: torch.Tensor) -> torch.Tensor:
    """V(x), written out."""
    total = torch.einsum("...i,ij,...j->...", x, f.P, x)
    return total if f.V0 is None else total + f.V0.displacement(x).square().sum(-1)


@pytest.mark.parametrize("net", [None, network(1)])
@pytest.mark.parametrize("reduction", [Razumikhin(0.0, (0.8,), 1.05), DEPENDENT])
def test_the_forms_are_the_formulas(net, reduction):
    f = functional(net)
    features = Features.of(SYSTEM, f)
    rows = reduction.rows(features, 0)
    forms = reduction.forms(rows, f.P, f.S, f.R)
    assert len(forms) == reduction.count(0)
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.rand(30, 2, generator=generator, dtype=torch.float64) - 0.5 for _ in "xy")
    rate = SYSTEM.deviation_function()(x, y)
    x.requires_grad_()
    (slope,) = torch.autograd.grad(value(f, x).sum(), x)
    now, then, gap = value(f, x), value(f, y), x - y
    beta = reduction.beta
    expected = (slope * rate).sum(-1) + sum(beta) * reduction.q * now - beta[0] * then
    if reduction.dependent:
        expected = expected - torch.einsum("ki,ij,kj->k", gap, f.S, gap)
        bound = reduction.window**2 * torch.einsum("ki,ij,kj->k", rate, f.S, rate)
        expected = torch.stack([expected, bound - beta[1] * now - beta[2] * then])
    names = [str(v) for v in features.structure.nonlinear]
    every = {"x": x[:, 0], "y": x[:, 1], "x(t - tau)": y[:, 0], "y(t - tau)": y[:, 1]}
    xi = torch.stack([every[name] for name in names], -1)
    rest = [k for k in every if k not in names]  # present first, as in the layout
    z = torch.cat([features(xi), *(every[k][:, None] for k in rest)], -1)
    found = torch.einsum("ki,eij,kj->ek", z, forms, z)
    assert torch.allclose(found, expected.detach().reshape(found.shape))


def test_scaling_changes_nothing():
    """A function found in scaled units is the same function: D is multiplied by the unit of time, E by it too."""
    scaling = Scaling.of(SYSTEM, 3.0)
    assert float(scaling.time) != 1
    scaled, f = scaling.apply(SYSTEM), functional(network(2))
    mine = dissipation(scaled, f, DEPENDENT.in_time(float(scaling.time)))
    back = scaling.invert(f)
    assert back.tied
    yours = dissipation(SYSTEM, back, DEPENDENT)
    factors = torch.tensor([float(k) for k in scaling.state] * 2, dtype=torch.float64)
    xi = torch.rand(20, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) - 0.5
    there = mine.inequality.value(xi)
    here = yours.inequality.value(xi * factors) * float(scaling.time)
    assert torch.allclose(there, here)


def test_a_tied_functional_stays_tied():
    f = functional(network(3))
    assert f.tied
    assert f.times(0.5).tied
    assert not functional(None).tied
    x = torch.rand(10, 2, dtype=torch.float64)
    assert torch.allclose(f.on_constant_histories(x, 0.0), value(f, x))


def test_time_in_another_unit():
    again = DEPENDENT.in_time(4.0).in_time(0.25)
    assert again == DEPENDENT
    assert DEPENDENT.windows() == (0.0,)
    assert DEPENDENT.longest == 0.0
