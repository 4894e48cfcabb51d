"""The relaxations that stand in for those of auto_LiRPA: lines below and above, in 40 digits."""

from types import SimpleNamespace

import pytest
import torch
from enclosures import EXACT, MP, random_boxes

from certdde.verify.bound_propagation.lirpa_relaxations import (
    BY_TANGENTS,
    BY_TAYLOR,
    _tangent_points,
    mend,
)
from certdde.verify.bound_propagation.unary import UNARY


@pytest.mark.parametrize("kind", BY_TAYLOR)
@pytest.mark.parametrize(("reach", "widest"), [(8.0, 1.0), (3.0, 0.1), (3.0, 1e-5)])
def test_the_lines_enclose_the_function(kind, reach, widest):
    node = type(kind, (), {})()
    mend(node)
    lower, upper = random_boxes(-reach, reach, 80, seed=1, d=1, widest=widest)
    node.bound_relax(SimpleNamespace(lower=lower, upper=upper))
    phi = EXACT[BY_TAYLOR[kind]]
    for i in range(len(lower)):
        a, b = lower[i].item(), upper[i].item()
        for k in range(9):
            z = a + (b - a) * k / 8
            value = phi(MP.mpf(z))
            below, above = (
                w[i].item() * MP.mpf(z) + c[i].item()
                for w, c in ((node.lw, node.lb), (node.uw, node.ub))
            )
            room = 2.0**-52 * (8 + 4 * abs(z))  # a few roundings of the numbers that are summed
            assert below - room <= value <= above + room


@pytest.mark.parametrize("kind", BY_TAYLOR)
def test_the_lines_close_in_by_the_square_and_never_beyond_the_range(kind):
    node = type(kind, (), {})()
    mend(node)
    gaps = []
    for half in (0.1, 0.05, 0.025, 20.0):
        middle = torch.linspace(-3, 3, 25, dtype=torch.float64)[:, None]
        node.bound_relax(SimpleNamespace(lower=middle - half, upper=middle + half))
        gaps.append(float((node.ub - node.lb).max()))
    assert gaps[1] <= 0.3 * gaps[0]
    assert gaps[2] <= 0.3 * gaps[1]
    assert gaps[3] <= 2


@pytest.mark.parametrize("name", BY_TANGENTS.values())
def test_tangents_stay_below_the_function_up_to_their_point(name):
    count = 50_005
    points = _tangent_points(name, 0.01, count)
    assert points.shape == (count,)
    assert (points <= 0).all()
    assert (points[1:] <= points[:-1] + 1e-9).all()
    phi = EXACT[name]
    slope = {
        "tanh": lambda z: MP.sech(z) ** 2,
        "sigmoid": lambda z: MP.sech(z / 2) ** 2 / 4,
    }[name]
    for index in (0, 1, 2, 3, 10, 57, 100, 333, 1000, 5000, count - 1):
        d, u = MP.mpf(points[index].item()), MP.mpf(0.01) * index
        for z in (u, u / 2, u * 0.99, MP.mpf(0), d / 2, d, 2 * d, 10 * d - 1):
            assert phi(d) + slope(d) * (z - d) <= phi(z)


@pytest.mark.parametrize("kind", BY_TANGENTS)
def test_tables_are_replaced(kind):
    node = type(kind, (), {})()
    node.step_pre, node.d_lower = 0.01, torch.zeros(77)
    mend(node)
    assert node.d_lower.shape == (77,)
    assert node.d_lower.dtype == torch.float64
    assert torch.equal(node.d_upper, -node.d_lower)
    assert BY_TANGENTS[kind] in UNARY


def test_other_nodes_are_left_alone():
    node = SimpleNamespace()
    mend(node)
    assert vars(node) == {}
