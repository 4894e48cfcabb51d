"""The Bessel-Legendre LMI against published limits, and what it must not find."""

import numpy as np
import pytest
import torch
from anchors import GU, HUTCHINSON, KIM, KR, LD, SC, UNSTABLE

from certdde.inequalities.inequality import dissipation
from certdde.inequalities.legendre import delay_pieces
from certdde.systems import DelaySystem
from certdde.verify.lmi import program
from certdde.verify.lmi.parameters import Parameters
from certdde.verify.lmi.polytopic import polytopic_lmi, slope_vertices

# Largest delay at orders 0, 1, 2, 3 (REFERENCE.md, table of the Bessel-Legendre LMI).
LIMITS = {
    "KR": (KR, [4.4721, 6.0593, 6.1689, 6.1725]),
    "GU": (GU, [None, 1.5405, 1.7122, 1.7178]),
    "SC": (SC, [1.4141, 1.5674, 1.5707, 1.5708]),
    "LD": (LD, [1.9999, 3.0378, 3.1369]),
}
ANCHORS = [
    pytest.param(system, order, limit, id=f"{name}-{order}")
    for name, (system, limits) in LIMITS.items()
    for order, limit in enumerate(limits)
    if limit
]


def feasible(system, order, delay):
    """On a short piece that ends at the delay: a claim about a range, not about one value."""
    return polytopic_lmi(system, order, [delay * (1 - 1e-4), delay]) is not None


@pytest.mark.parametrize(("system", "order", "limit"), ANCHORS)
def test_limits_are_those_published_to_three_digits(system, order, limit):
    low, high = 0.9 * limit, 1.1 * limit
    if system is LD and order == 2:
        high = 3.2
    assert feasible(system, order, low)
    assert not feasible(system, order, high)
    while high - low > 2e-4 * limit:
        middle = (low + high) / 2
        low, high = (middle, high) if feasible(system, order, middle) else (low, middle)
    # Near its limit V grows without bound, and the bound on its mean is met a little before.
    assert limit * (1 - 3e-3) <= low <= limit * (1 + 5e-4)


@pytest.mark.parametrize("name", LIMITS)
def test_what_an_order_finds_the_next_one_finds_too(name):
    system, limits = LIMITS[name]
    for delay in np.linspace(0.2, 1.05, 12) * limits[-1]:
        found = [feasible(system, order, float(delay)) for order in range(4)]
        assert found == sorted(found)


@pytest.mark.parametrize("order", range(1, 4))
def test_a_range_that_holds_an_unstable_delay_is_infeasible(order):
    """LD is not stable at pi, though it is at 6: no division of [0, 6] into pieces helps."""
    for breaks in ([0.0, 6.0], delay_pieces(0.0, 6.0), list(np.linspace(0.0, 6.0, 25))):
        assert polytopic_lmi(LD, order, breaks) is None
    assert polytopic_lmi(LD, order, [3.1, 3.2]) is None


def test_single_delays_beyond_an_unstable_one_are_feasible():
    """Why a bisection over single delays proves nothing about a range."""
    assert polytopic_lmi(LD, 3, [6.0]) is not None
    assert polytopic_lmi(LD, 3, [3.1416]) is None


@pytest.mark.parametrize("order", range(4))
def test_unstable_systems_are_infeasible(order):
    assert polytopic_lmi(UNSTABLE, order, [0.1, 0.2]) is None
    assert polytopic_lmi(GU, order, [0.05, 0.09]) is None  # unstable below .1001683
    assert polytopic_lmi(KR, order, [6.18, 6.2]) is None
    assert polytopic_lmi(SC, order, [1.571, 1.6]) is None


@pytest.mark.parametrize(("system", "delay"), [(KR, 5.0), (GU, 1.2), (SC, 1.3), (KIM, 3.0)])
def test_the_margin_is_that_of_the_dissipation(system, delay):
    """What is returned satisfies D < 0 in the form that is proved later."""
    breaks = [0.97 * delay, delay]
    functional, margin = polytopic_lmi(system, 2, breaks)
    assert margin > 0
    assert dissipation(system, functional, breaks).eliminated <= -0.999 * margin
    assert float(torch.linalg.eigvalsh(functional.core(delay))[0]) > 0


def test_hutchinson_is_feasible_to_067_and_no_further():
    for breaks in (delay_pieces(0.0, 0.67), [0.669, 0.67]):
        assert polytopic_lmi(HUTCHINSON, 1, breaks) is not None
    for breaks in (delay_pieces(0.0, 0.69), [0.689, 0.69]):
        assert polytopic_lmi(HUTCHINSON, 1, breaks) is None


def test_vertices_hold_the_slopes_of_f():
    """f = A x + Ad y for some convex combination: at samples, by the sampled slopes themselves."""
    system = DelaySystem.from_equations(
        ["a' = b", "b' = sin(a) - 2*a(t - tau) - (1 + a)*b(t - tau)"],
        domain={"a": (-2.0, 2.0), "b": (-2.0, 2.0)},
    )
    vertices = slope_vertices(system)
    assert len(vertices) in (2, 4)
    present = torch.stack([a for a, _ in vertices])
    delayed = torch.stack([b for _, b in vertices])
    generator = torch.Generator().manual_seed(0)
    x, y = 4 * torch.rand(2, 200, 2, generator=generator, dtype=torch.float64) - 2
    for v in range(2):
        rows = torch.einsum("vj,kj->kv", present[:, v], x) + torch.einsum(
            "vj,kj->kv", delayed[:, v], y
        )
        f = system.deviation_function()(x, y)[:, v]
        # The slopes are sampled on a grid, so that the hull may miss the extremes by a little.
        assert (rows.amin(1) - 1e-2 <= f).all()
        assert (f <= rows.amax(1) + 1e-2).all()
    [(a, ad)] = slope_vertices(KR)
    assert torch.equal(a, KR.jacobians()[0])
    assert torch.equal(ad, KR.jacobians()[1])


def test_almost_solved_is_not_solved(monkeypatch):
    """A solver that says solved and returns something that violates the LMI by a hair."""
    parameters, breaks = Parameters(1, 1), [1.0, 1.1]
    functional, margin = polytopic_lmi(SC, 1, breaks, margin=1e-3)
    assert margin > 0
    vector = parameters.vector(functional)
    blank = np.zeros_like(vector)
    blank[-2] = 1.0  # S: adds x^2 - y^2 to the form

    def top(step):
        moved = parameters.functional(vector + step * blank)
        return dissipation(SC, moved, breaks).eliminated

    low, high = 0.0, 1e7
    for _ in range(100):  # the step at which the form stops being negative definite
        middle = (low + high) / 2
        low, high = (middle, high) if top(middle) < 0 else (low, middle)
    bad = vector + (high + 1e-9) * blank
    assert 0 <= top(high + 1e-9) < 1e-6
    monkeypatch.setattr(program, "solve_by_clarabel", lambda *_arguments: (bad, "Solved"))
    assert polytopic_lmi(SC, 1, breaks, margin=1e-3) is None


@pytest.mark.parametrize("solver", ["NOPE", ""])
def test_a_solver_that_is_not_there_gives_none(solver):
    assert polytopic_lmi(SC, 1, [1.0, 1.1], solver=solver) is None


def test_scs_finds_it_too():
    assert polytopic_lmi(SC, 1, [1.0, 1.1], solver="SCS")[1] > 0
