"""Semidefinite programs: the margin is recomputed, whatever the solver says."""

import cvxpy as cp
import numpy as np
import pytest

from certdde.verify.lmi.conic import solve_by_clarabel
from certdde.verify.lmi.polytopic import best
from certdde.verify.lmi.program import (
    Block,
    Program,
    _solve_by_cvxpy,
    recomputed_margin,
    solve,
    stack_blocks,
)


def scalar(slope, constant, weight=0.0):
    return Block(np.array([[[slope]]]), np.array([[constant]]), weight)


# x <= 2, x >= -1 and a block (x - 1) I + t I <= 0: the largest margin is 1 - x at x = -1.
SMALL = Program(
    1,
    [scalar(1.0, -2.0), scalar(-1.0, -1.0), Block(np.eye(2)[None], -np.eye(2), 1.0)],
)


def test_the_largest_margin_is_found_and_recomputed():
    solution = solve(SMALL, largest=10.0)
    assert solution.x[0] == pytest.approx(-1.0, abs=1e-5)
    assert solution.margin == pytest.approx(2.0, abs=1e-5)
    assert solution.margin == recomputed_margin(SMALL, solution.x)


def test_a_linear_function_is_minimised_at_a_fixed_margin():
    solution = solve(SMALL, minimise=np.array([-1.0]), margin=0.5)
    assert solution.x[0] == pytest.approx(0.5, abs=1e-5)
    assert solution.margin == pytest.approx(0.5, abs=1e-5)


def test_limits_hold():
    limited = Program(1, SMALL.blocks, [(np.array([-1.0]), 0.25)])
    assert solve(limited, largest=10.0).x[0] == pytest.approx(-0.25, abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_the_margin_is_that_of_the_eigenvalues(seed):
    generator = np.random.default_rng(seed)
    matrices = generator.normal(size=(3, 2, 4, 4))
    matrices = matrices + matrices.transpose(0, 1, 3, 2)
    weight = 2.0
    program = Program(3, list(stack_blocks(matrices, margin_weight=weight)))
    x = generator.normal(size=3)
    margin = recomputed_margin(program, x)
    values = np.tensordot(x, matrices, 1)
    for extra, holds in ((-1e-9, True), (1e-9, False)):
        shifted = values + weight * (margin + extra) * np.eye(4)
        assert (np.linalg.eigvalsh(shifted)[:, -1] <= 0).all() == holds


def test_a_plain_block_that_fails_leaves_no_margin():
    assert recomputed_margin(SMALL, np.array([3.0])) == -np.inf
    assert recomputed_margin(SMALL, np.array([np.nan])) == -np.inf or np.isnan(
        recomputed_margin(SMALL, np.array([np.nan]))
    )


def pretend(monkeypatch, *answers):
    """Let the solver return these, whatever it is asked."""
    given = iter(answers)
    monkeypatch.setattr(
        "certdde.verify.lmi.program.solve_by_clarabel", lambda *_arguments: next(given)
    )


@pytest.mark.parametrize("status", ["Solved", "AlmostSolved", "MaxIterations"])
def test_a_tiny_violation_is_rejected_whatever_the_status(monkeypatch, status):
    # x = 1 + 1e-9: the block that must be negative definite has the eigenvalue 1e-9.
    pretend(monkeypatch, *[(np.array([1 + 1e-9]), status)] * 2)
    solution = solve(SMALL)
    assert solution.status == status
    assert -2e-9 < solution.margin < 0
    assert best(SMALL, np.array([1.0]), solver="CLARABEL", margin=0.1) is None


@pytest.mark.parametrize("value", [None, np.array([np.nan]), np.array([np.inf])])
def test_values_that_are_no_numbers_are_no_solution(monkeypatch, value):
    pretend(monkeypatch, (value, "Solved"))
    assert solve(SMALL) is None


def test_a_second_solution_that_violates_is_dropped_for_the_first(monkeypatch):
    pretend(monkeypatch, (np.array([-0.5]), "Solved"), (np.array([1.5]), "Solved"))
    assert best(SMALL, np.array([-1.0]), solver="CLARABEL", margin=0.1).x[0] == -0.5


@pytest.mark.parametrize("solver", ["NOPE", "MOSEK_OR_SO", ""])
def test_a_solver_that_is_not_there_gives_none(solver):
    assert solve(SMALL, solver=solver) is None
    assert best(SMALL, np.array([1.0]), solver=solver, margin=0.1) is None


@pytest.mark.parametrize("error", [cp.error.SolverError, ValueError, ZeroDivisionError])
def test_a_solver_that_breaks_gives_none(monkeypatch, error):
    def broken(self, **options):
        raise error("broken")

    monkeypatch.setattr(cp.Problem, "solve", broken)
    assert solve(SMALL, solver="SCS") is None


def test_an_infeasible_program_has_no_solution():
    impossible = Program(1, [scalar(1.0, 1.0), scalar(-1.0, 1.0)])
    found = solve(impossible)
    assert found is None or found.margin == -np.inf
    assert best(impossible, np.array([1.0]), solver="CLARABEL", margin=0.1) is None


def test_both_solvers_agree():
    margins = [solve(SMALL, solver=s, largest=1.5).margin for s in ("CLARABEL", "SCS")]
    assert min(margins) >= 1.5 - 1e-3


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_the_standard_form_is_the_program_that_cvxpy_solves(seed, fixed):
    """The same optimum by the rows stacked here and by cvxpy, for random feasible programs."""
    generator = np.random.default_rng(seed)
    count = 4

    def symmetric(*shape):
        a = generator.normal(size=shape)
        return (a + np.swapaxes(a, -1, -2)) / 2

    blocks = [
        Block(symmetric(count, k, k), symmetric(k, k) - 3 * np.eye(k), weight)
        for k, weight in ((1, 0.0), (1, 1.0), (2, 2.0), (3, 0.0), (5, 1.0))
    ]
    box = [(sign * row, 2.0) for row in np.eye(count) for sign in (1, -1)]
    program = Program(count, blocks, box)
    options = (
        {"minimise": generator.normal(size=count), "margin": 0.1} if fixed else {"largest": 50.0}
    )
    arguments = (options.get("minimise"), options.get("margin"), options.get("largest", 1.0))
    first, _ = solve_by_clarabel(program, *arguments)
    second, _ = _solve_by_cvxpy(program, *arguments, "CLARABEL")
    if fixed:
        cost = options["minimise"]
        assert cost @ first == pytest.approx(cost @ second, abs=1e-5)
        assert recomputed_margin(program, first) >= 0.1 - 1e-6
    else:
        margins = [recomputed_margin(program, x) for x in (first, second)]
        assert margins[0] == pytest.approx(margins[1], abs=1e-5)
