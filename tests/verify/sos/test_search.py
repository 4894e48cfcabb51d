"""The programs, and what comes of them."""

from __future__ import annotations

import numpy as np
import pytest
from example_systems import hutchinson

from certdde.systems.delay_system import DelaySystem
from certdde.verify.sos.model import Model
from certdde.verify.sos.program import Program, Weight
from certdde.verify.sos.proof import form, projected
from certdde.verify.sos.search import Settings, block_size, polynomial_functional


def lower_bound(solver: str) -> float:
    """Return the largest c with x^4 - 3 x^2 + x - c a sum of squares: the least value of the quartic."""
    program = Program(1)
    basis = [(0,), (1,), (2,)]
    target = {(4,): 1.0, (2,): -3.0, (1,): 1.0}
    program.identity([(0, {(0,): -1.0})], target, [Weight({(0,): 1.0}, basis, 0.0)])
    answer = program.solve(minimise=np.array([-1.0]), margin=0.0, solver=solver)
    return float(answer.u[0])


def test_the_minimum_of_a_quartic_by_two_solvers():
    x = np.linspace(-3, 3, 60_001)
    least = float((x**4 - 3 * x**2 + x).min())
    assert lower_bound("CLARABEL") == pytest.approx(least, abs=1e-6)
    assert lower_bound("SCS") == pytest.approx(least, abs=1e-2)


def test_an_unknown_solver_gives_nothing():
    program = Program(1)
    program.bound(np.ones((1, 1)), np.ones(1))
    program.identity([(0, {(0,): 1.0})], {}, [Weight({(0,): 1.0}, [(0,)], 1.0)])
    assert program.solve(solver="NONE") is None


def test_an_infeasible_program_gives_nothing():
    program = Program(0)
    basis = [(0,), (1,)]
    program.identity([], {(2,): -1.0}, [Weight({(0,): 1.0}, basis, 0.0)])
    assert program.solve(margin=0.0) is None


def test_the_projection_keeps_what_is_there_and_mends_what_is_not():
    basis, gram = [(0,), (1,), (2,)], np.diag([1.0, 2.0, 3.0])
    target = form((tuple(basis), gram))
    target[(2,)] += 0.3
    mended = projected(basis, gram, target)
    assert form((tuple(basis), mended)) == pytest.approx(target)
    assert mended[1, 1] == pytest.approx(2.1)
    assert projected(basis, gram, {(5,): 1.0}) is None


@pytest.mark.parametrize("moments", [0, 1])
def test_hutchinson_beyond_the_linear_matrix_inequality(moments):
    """The polytopic LMI ends at 0.677."""
    found = polynomial_functional(
        Model.of(hutchinson(), 1), (0.75, 0.8), Settings(4, moments, rounds=0)
    )
    assert found is not None
    assert found.least > 0
    assert found.level > 0.9
    sees = any(any(m[1:]) for m in found.space.terms("p", found.u))
    assert sees == (moments == 1)


@pytest.mark.parametrize(
    ("equation", "breaks"),
    [
        ("x' = -(1 + x)*x(t - tau)", (1.55, 1.6)),
        ("x' = (1 + x)*x(t - tau)", (0.1, 0.2)),
        ("x' = x(t - tau)^3", (0.1, 0.2)),
        ("x' = -x(t - tau)^3 + x^2", (0.0, 0.1)),
        ("x' = -x(t - tau) + 2*x^3", (0.0, 0.1)),
    ],
)
def test_nothing_is_found_where_nothing_is_true(equation, breaks):
    system = DelaySystem.from_equations([equation], domain={"x": [-0.75, 1.0]})
    model = Model.of(system, 1)
    for moments in (0, 1):
        found = polynomial_functional(model, breaks, Settings(4, moments, rounds=0))
        assert found is None or not found.least > 0


def test_the_size_of_the_blocks():
    model = Model.of(hutchinson(), 2)
    assert block_size(model, 4, 0) == 11  # nine monomials in (x, y) up to degree 3, and two moments
    assert block_size(model, 4, 1) == 20
    assert block_size(model, 4, 2) == 34
