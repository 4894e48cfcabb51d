"""Inequalities: their boxes, their faces, what they say at a point."""

from fractions import Fraction

import pytest
import torch
from segments import random_functional

from certdde.errors import ProblemError
from certdde.inequalities.features import Features
from certdde.inequalities.inequality import box, dissipation, faces
from certdde.inequalities.reduction import ConstantDelay
from certdde.systems import DelaySystem

SHIFTED = DelaySystem.from_equations(
    ["a' = (a - 0.1)*b(t - tau)", "b' = -a(t - tau) + 0.1 - b"],
    equilibrium={"a": 0.1},
    domain={"a": (-0.2, 0.4), "b": (-1.1, 2.3)},
)


def test_the_box_holds_the_exact_domain_and_no_more_than_one_rounding():
    functional = random_functional(2, 1, seed=0, neural=True)
    lower, upper = box(SHIFTED, Features.of(SHIFTED, functional))
    assert SHIFTED.domain[0] == (Fraction("-0.3"), Fraction("0.3"))
    for low, high, (lo, hi) in zip(
        lower.tolist(), upper.tolist(), [*SHIFTED.domain, *SHIFTED.domain], strict=True
    ):
        assert Fraction(low) <= lo
        assert Fraction(high) >= hi
        assert lo - Fraction(low) < Fraction(1, 2**50)
        assert Fraction(high) - hi < Fraction(1, 2**50)
    assert Fraction(upper[0].item()) > Fraction(0.3)


def test_faces_say_level_less_v0_in_the_order_of_the_format():
    functional = random_functional(2, 1, seed=2, neural=True, positive=True)
    found = faces(SHIFTED, functional, ConstantDelay((0.4, 0.8)), 0.25)
    lower, upper = box(SHIFTED, Features.of(SHIFTED, functional))
    assert len(found) == 4
    for index, face in enumerate(found):
        fixed, end = index // 2, (lower, upper)[index % 2]
        assert face.names == SHIFTED.states
        assert face.lower[fixed] == face.upper[fixed] == end[fixed]
        assert face.lower[1 - fixed] == lower[1 - fixed]
        assert not face.holds_origin
        x = torch.stack([face.lower, face.upper, (face.lower + face.upper) / 2])
        torch.testing.assert_close(face.value(x)[0], 0.25 - functional.lower_bound(x, 0.8))
    assert (
        faces(DelaySystem.from_equations(["x' = -x"]), functional, ConstantDelay((0.4, 0.8)), 0.25)
        == []
    )


def test_an_offset_is_added():
    functional = random_functional(2, 1, seed=2, positive=True)
    inequality = dissipation(SHIFTED, functional, [0.1, 0.2]).inequality
    xi = torch.full((5, inequality.dimension), 0.1, dtype=torch.float64)
    torch.testing.assert_close(inequality.with_offset(2.0).value(xi), inequality.value(xi) + 2)
    assert inequality.value(xi).shape == (2, 5)
    assert inequality.names == ("a", "b(t - tau)")


def test_networks_need_a_domain():
    system = DelaySystem.from_equations(["x' = -x(t - tau)"])
    assert dissipation(system, random_functional(1, 1, seed=0), [0.1, 0.2]).inequality.names == ()
    with pytest.raises(ProblemError, match="needs a domain"):
        dissipation(system, random_functional(1, 1, seed=0, neural=True), [0.1, 0.2])
