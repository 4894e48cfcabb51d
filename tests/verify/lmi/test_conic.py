"""The direct standard form gives what cvxpy gives, and a solver's word is never used."""

import numpy as np
import pytest

from certdde.verify.lmi import program as module
from certdde.verify.lmi.program import Block, Program, solve


def random_program(seed, sizes):
    rng = np.random.default_rng(seed)
    count, blocks = 4, []
    for k in sizes:
        matrices = rng.standard_normal((count, k, k))
        blocks.append(Block((matrices + matrices.transpose(0, 2, 1)) / 2, -np.eye(k), 1.0))
    limits = [(sign * unit, 1.0) for unit in np.eye(count) for sign in (1, -1)]
    return Program(count, blocks, limits)


@pytest.mark.parametrize("sizes", [(1,), (2,), (3, 1), (4, 2, 5)])
@pytest.mark.parametrize("seed", range(3))
def test_the_direct_form_and_cvxpy_agree(seed, sizes):
    program = random_program(seed, sizes)
    direct, by_scs = solve(program, largest=10.0), solve(program, largest=10.0, solver="SCS")
    assert direct.margin == pytest.approx(by_scs.margin, abs=2e-3)
    cost = np.arange(1.0, 5.0)
    fixed = 0.5 * direct.margin
    direct, by_scs = (
        solve(program, minimise=cost, margin=fixed, solver=s) for s in ("CLARABEL", "SCS")
    )
    assert cost @ direct.x == pytest.approx(cost @ by_scs.x, abs=2e-2)


def test_an_infeasible_program_has_no_solution():
    blocks = [
        Block(np.ones((1, 1, 1)), np.ones((1, 1))),
        Block(-np.ones((1, 1, 1)), np.ones((1, 1))),
    ]
    assert solve(Program(1, blocks), minimise=np.ones(1), margin=0.0) is None


def test_a_missing_solver_is_no_solution():
    assert solve(random_program(0, (2,)), solver="NO_SUCH_SOLVER") is None


def test_the_margin_is_recomputed_not_believed(monkeypatch):
    program = random_program(1, (3,))
    honest = solve(program, largest=10.0)
    monkeypatch.setattr(
        module, "solve_by_clarabel", lambda *_: (np.full(4, 0.9), "Solved, margin 1000")
    )
    assert solve(program, largest=10.0).margin < honest.margin
