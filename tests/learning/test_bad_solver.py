"""Solvers that fail, lie or are not there, and data that no solver likes: an answer that says so, never a proof."""

from __future__ import annotations

import json
from types import SimpleNamespace

import clarabel
import numpy as np
import pytest
from command_line import run_certdde
from example_systems import hutchinson, kolmanovskii_richard, trap

from certdde.delays.classes import AnyDelay, Constant, Measurable, Several, Slow
from certdde.learning.certify import certify
from certdde.learning.methods import METHODS, attempt
from certdde.learning.task import Options, Task, make_task
from certdde.systems import DelaySystem
from certdde.systems.scaling import Scaling
from certdde.verify.lmi.failure import failure
from certdde.verify.lmi.program import Program, recomputed_margin, solve, stack_blocks


class PanicException(BaseException):
    """As pyo3 raises it where Rust panics."""


REAL = clarabel.DefaultSolver


class Solver:
    """Stands in for Clarabel; the real answer is behind it."""

    def __init__(self, *arguments: object) -> None:
        self.real = REAL(*arguments)

    def solve(self) -> SimpleNamespace:
        return self.answer(self.real.solve())

    def answer(self, found: object) -> SimpleNamespace:
        raise NotImplementedError


class Refuses(Solver):
    def __init__(self, *arguments: object) -> None:
        raise ValueError("cone dimensions do not fit")


class Breaks(Solver):
    def solve(self):
        raise RuntimeError("factorisation failed")


class Panics(Solver):
    def solve(self):
        raise PanicException("index out of bounds")


class SaysNothing(Solver):
    def answer(self, found):
        return SimpleNamespace(x=[float("nan")] * len(found.x), status="NumericalError")


class SaysInfeasible(Solver):
    def answer(self, found):
        return SimpleNamespace(x=found.x, status="PrimalInfeasible")


class SaysZero(Solver):
    def answer(self, found):
        return SimpleNamespace(x=[0.0] * len(found.x), status="Solved")


class SaysAnything(Solver):
    """Claims success with numbers that have nothing to do with the question."""

    def answer(self, found):
        x = np.random.default_rng(0).normal(size=len(found.x))
        return SimpleNamespace(x=x.tolist(), status="Solved")


class SaysTheOpposite(Solver):
    def answer(self, found):
        return SimpleNamespace(x=[-v for v in found.x], status="Solved")


class SaysHuge(Solver):
    def answer(self, found):
        return SimpleNamespace(x=[1e300 * v for v in found.x], status="AlmostSolved")


def fakes(*often: type[Solver], seldom: tuple[type[Solver], ...]) -> list:
    """Solvers, the last of them among the slow tests."""
    slow = [pytest.param(one, marks=pytest.mark.slow) for one in seldom]
    return [*often, *slow]


LIARS = fakes(SaysAnything, seldom=(SaysTheOpposite, SaysZero, SaysHuge, SaysInfeasible))
BROKEN = fakes(Panics, SaysNothing, seldom=(Refuses, Breaks))

SC = DelaySystem.from_equations(["x' = -x(t - tau)"])
TWO = DelaySystem.from_equations(["x' = -x(t - tau) - x(t - sigma)"], delays=("tau", "sigma"))
SCHEME = DelaySystem.from_equations(
    ["x[t+1] = 0.5*x[t] - 0.1*y[t-tau]", "y[t+1] = 0.5*y[t] - 0.1*x[t]"]
)
# One true claim for each method that asks a semidefinite solver.
TRUE: list[tuple[DelaySystem, AnyDelay]] = [
    (SC, Constant("tau", 0.0, 1.0)),
    (SC, Measurable("tau", 0.0, 1.0)),
    (SC, Slow("tau", 0.0, 1.0, -0.1, 0.1)),
    (hutchinson(), Constant("tau", 0.0, 0.3)),
    (TWO, Several((Constant("tau", 0.0, 0.3), Constant("sigma", 0.0, 0.3)))),
    (SCHEME, Measurable("tau", 0, 2)),
]


def task(system: DelaySystem, delay: AnyDelay) -> Task:
    return make_task(system, delay, Options(order=1, budget=1.0, steps=20), None, None)


CASES = [
    (k, i)
    for k, method in enumerate(METHODS)
    for i, claim in enumerate(TRUE)
    if not method.objection(task(*claim)) and method.name not in ("neural", "theorem", "spectral")
]
NAMES = [f"{METHODS[k].name}-{TRUE[i][1].kind}-{k}" for k, i in CASES]


@pytest.mark.parametrize("fake", BROKEN, ids=lambda fake: fake.__name__)
@pytest.mark.parametrize(("k", "i"), CASES, ids=NAMES)
def test_a_solver_that_fails_leaves_the_question_open(monkeypatch, fake, k, i):
    monkeypatch.setattr(clarabel, "DefaultSolver", fake)
    outcome = attempt(task(*TRUE[i]), METHODS[k])
    assert outcome.certificate is None
    assert outcome.why
    assert "\n" not in outcome.why


@pytest.mark.parametrize("fake", LIARS, ids=lambda fake: fake.__name__)
@pytest.mark.parametrize(("k", "i"), CASES, ids=NAMES)
def test_a_solver_that_lies_is_not_believed(monkeypatch, tmp_path, fake, k, i):
    """What it says may by chance be a proof; then the checker accepts it, and else nothing is claimed."""
    monkeypatch.setattr(clarabel, "DefaultSolver", fake)
    outcome = attempt(task(*TRUE[i]), METHODS[k])
    if outcome.certificate is not None:
        assert outcome.certificate.save(tmp_path / "a.certdde").check().valid
    else:
        assert outcome.why


@pytest.mark.parametrize("fake", [SaysAnything, SaysTheOpposite, SaysHuge])
@pytest.mark.parametrize("method", ["lmi", "quadratic"])
def test_a_liar_does_not_get_the_trap_certified(monkeypatch, fake, method):
    monkeypatch.setattr(clarabel, "DefaultSolver", fake)
    found = certify(trap(), Constant("tau", 0.0, 6.0), method=method, order=3, budget=10)
    assert found.status == "unknown"
    assert found.rigor == "float64"


@pytest.mark.parametrize("order", [1, 3])
def test_the_trap_with_a_solver_that_stops_early(monkeypatch, order):
    """Almost solved: t just above 0 by the solver's word, and a slack just below; nothing is proved."""

    class StopsEarly(Solver):
        def answer(self, found):
            x = np.asarray(found.x)
            noise = 1e-7 * np.random.default_rng(1).normal(size=len(x))
            return SimpleNamespace(x=(x + noise).tolist(), status="AlmostSolved")

    monkeypatch.setattr(clarabel, "DefaultSolver", StopsEarly)
    for upper in (3.2, 6.0):
        found = certify(trap(), Constant("tau", 0.0, upper), method="lmi", order=order, budget=20)
        assert found.status == "unknown"


def test_the_command_says_so_in_one_line(monkeypatch, tmp_path):
    path = tmp_path / "p.toml"
    path.write_text('[system]\nequations = ["x\' = -x(t - tau)"]\n[delays.tau]\nrange = [0, 1]\n')
    monkeypatch.setattr(clarabel, "DefaultSolver", Panics)
    words = ("certify", path, "-o", tmp_path / "out", "--set", "certify.method=lmi", "--json")
    result = run_certdde(*words)
    assert result.status == 1
    answer = json.loads(result.out)
    assert answer["status"] == "unknown"
    assert "the solver found no solution" in answer["claim"]


def test_auto_goes_on_where_one_method_breaks(monkeypatch):
    """The theorem fails by its condition, the solver breaks in the next: both are told."""
    monkeypatch.setattr(clarabel, "DefaultSolver", Breaks)
    system = DelaySystem.from_equations(["x' = -2*x - x(t - tau)"])
    found = certify(system, Measurable("tau", 0.0, 3.0), budget=10)
    said = {one["method"]: one["said"] for one in found.data["statistics"]["methods"]}
    assert "3/2 theorem" in said["theorem"]
    assert said["lmi"] != "proved"


@pytest.mark.parametrize(
    "error", [ZeroDivisionError, RuntimeError, np.linalg.LinAlgError, PanicException]
)
def test_arithmetic_that_breaks_is_an_answer(monkeypatch, error):
    from certdde.learning import methods

    def run(asked: Task):
        raise error("no\nluck")

    broken = methods.Method("lmi", ("constant",), run)
    monkeypatch.setattr(methods, "METHODS", (broken,))
    found = certify(SC, Constant("tau", 0.0, 1.0), method="lmi")
    assert found.status == "unknown"
    assert found.claim == f"Not certified: broke off ({error.__name__}: no luck)."


@pytest.mark.parametrize("error", [TypeError, KeyError, KeyboardInterrupt])
def test_a_bug_stays_a_bug(monkeypatch, error):
    from certdde.learning import methods

    def run(asked: Task):
        raise error("oops")

    monkeypatch.setattr(methods, "METHODS", (methods.Method("lmi", ("constant",), run),))
    with pytest.raises(error):
        certify(SC, Constant("tau", 0.0, 1.0), method="lmi")


def test_what_is_no_failure_goes_on():
    assert failure(ValueError()) == "failed: ValueError"
    assert failure(PanicException()) == "failed: PanicException"
    with pytest.raises(KeyboardInterrupt):
        failure(KeyboardInterrupt())


def small(bad: float) -> Program:
    matrices = np.array([[[1.0, 0], [0, 1]], [[0, 1.0], [1, 0]]])
    matrices[0, 0, 0] = bad
    return Program(2, list(stack_blocks(matrices[:, None])), [(np.ones(2), 1.0)])


@pytest.mark.parametrize("solver", ["CLARABEL", "NO_SUCH_SOLVER", "MOSEK"])
def test_a_solver_that_is_not_installed(solver):
    found = solve(small(1.0), solver=solver)
    assert (found is None) == (solver != "CLARABEL")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_data_that_are_not_finite_have_no_margin(bad):
    with np.errstate(all="ignore"):
        found = solve(small(bad))
        assert found is None or found.margin == -np.inf
        assert recomputed_margin(small(bad), np.array([1.0, 0.0])) == -np.inf
        assert recomputed_margin(small(1.0), np.array([bad, 0.0])) == -np.inf


@pytest.mark.parametrize(
    "equation",
    [
        "x' = -1e-9*x(t - tau)",
        "x' = -1e9*x(t - tau)",
        "x' = -1e9*x - 1e-9*x(t - tau)",
        "x' = 1e-9*x - 1e-12*x(t - tau)",
    ],
)
@pytest.mark.parametrize("method", ["lmi", "spectral", "theorem"])
def test_badly_scaled_equations(method, equation, tmp_path):
    """Proved and accepted, or an answer that says why not."""
    system = DelaySystem.from_equations([equation])
    found = certify(system, Constant("tau", 0.0, 1.0), method=method, budget=10)
    if found.status == "certified":
        assert found.save(tmp_path / "a.certdde").check().valid
        assert "1e-9*x -" not in equation
    else:
        assert found.status in ("unknown", "refuted")


@pytest.mark.parametrize("factor", [1e-8, 1e8])
def test_states_of_very_different_sizes(factor, tmp_path):
    """KR with y in other units: the same set of delays, and no false one."""
    system = DelaySystem.from_equations(
        [
            "x' = -2*x - x(t - tau)",
            f"y' = -0.9*y - {factor!r}*x(t - tau) - y(t - tau)",
        ]
    )
    assert Scaling.of(system, 1.0) is not None
    found = certify(system, Constant("tau", 0.0, 6.2), method="lmi", order=2, budget=10)
    assert found.status in ("unknown", "refuted")
    found = certify(system, Constant("tau", 0.0, 1.0), method="lmi", order=1, budget=10)
    if found.status == "certified":
        assert found.save(tmp_path / "a.certdde").check().valid
    assert kolmanovskii_richard().dimension == 2
