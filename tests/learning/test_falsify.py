"""Solutions as evidence: what is kept replays, and what is stable is not refuted."""

import json

import numpy as np
import pytest
import torch
from example_systems import hutchinson, kolmanovskii_richard, pendulum, scalar, trap

from certdde.delays.classes import Constant, Measurable, Several
from certdde.learning import certify as certifying
from certdde.learning.certify import certify
from certdde.learning.domain_box import Box
from certdde.learning.evidence import ending
from certdde.learning.falsify import escape, small_solution
from certdde.learning.simulation import iterates, solutions
from certdde.learning.task import Options, make_task
from certdde.systems import DelaySystem


def two_delays() -> DelaySystem:
    return DelaySystem.from_equations(["x' = -x(t - a) - x(t - b)"], delays=("a", "b"), name="two")


def scheme() -> DelaySystem:
    return DelaySystem.from_equations(["x[t+1] = x[t] - 0.7*x[t-tau]"], name="scheme")


def cycle() -> DelaySystem:
    """A stable cycle of amplitude 1/2 around an unstable equilibrium."""
    return DelaySystem.from_equations(
        ["x' = y", "y' = -x + 0.5*(1 - 16*x^2)*y + 0.01*x(t - tau)"],
        domain={"x": [-2.0, 2.0], "y": [-2.0, 2.0]},
        name="cycle",
    )


UNSTABLE = {
    "pendulum": (pendulum(), Constant("tau", 0.2, 0.75), "lmi"),
    "scalar": (scalar(), Constant("tau", 0.0, 2.0), "lmi"),
    "two delays": (
        two_delays(),
        Several((Constant("a", 1.0, 1.0), Constant("b", 0.5, 1.0))),
        "lmi",
    ),
    "scheme": (scheme(), Constant("tau", 1, 3), "lmi"),
    "scheme, any sequence": (scheme(), Measurable("tau", 0, 2), "lmi"),
}


@pytest.fixture(scope="module", params=list(UNSTABLE))
def refuted(request):
    system, delay, method = UNSTABLE[request.param]
    return system, certify(system, delay, method=method)


def replayed(system, record, tolerance):
    """Integrate again from the history of a record; return how it ends."""
    start = torch.tensor([[record["history"][s] for s in system.states]], dtype=torch.float64)
    box = Box.of(system.domain, system.dimension)
    if system.time == "discrete":
        steps = int(record["times"][-1])
        times = torch.arange(steps + 1, dtype=torch.float64)
        return ending(times, iterates(system, start, record["delays"], steps)[:, 0], box)
    times = torch.linspace(0.0, 1.02 * record["until"], 3001, dtype=torch.float64)
    states = solutions(system, start, record["delays"], times, tolerance=tolerance)
    return ending(times, states[:, 0], box)


def test_an_unstable_system_is_refuted_with_a_solution_that_replays(refuted):
    system, certificate = refuted
    assert certificate.status == "refuted"
    record = certificate.data["counterexample"]["trajectory"]
    end = replayed(system, record, 1e-9)
    assert end.kind == record["kind"]
    assert end.kind in ("leaves", "grows")
    assert end.time == pytest.approx(record["until"], rel=0.02)
    assert record["outcome"] in certificate.claim


def test_the_history_of_a_refutation_is_small(refuted):
    system, certificate = refuted
    history = certificate.data["counterexample"]["trajectory"]["history"]
    reach = 2.0 if system.domain else 1.0
    assert 0 < max(abs(x) for x in history.values()) <= 1.01e-3 * reach


def test_a_record_is_small(refuted):
    record = refuted[1].data["counterexample"]["trajectory"]
    assert len(record["times"]) <= 400
    for values in record["values"].values():
        assert len(values) == len(record["times"])
    assert record["times"] == sorted(record["times"])
    assert len(json.dumps(record, indent=1, allow_nan=False)) < 60_000


def test_a_solution_that_settles_on_a_cycle_says_so():
    record, doubtful = small_solution(cycle(), {"tau": 0.1}, 0.25)
    assert not doubtful
    assert record["kind"] == "does not converge"
    assert "still deviates by up to 0.5" in record["outcome"]


STABLE = {
    "scalar": (scalar(), Constant("tau", 0.0, 1.5707)),
    "hutchinson": (hutchinson(), Constant("tau", 0.0, 1.57)),
    "KR": (kolmanovskii_richard(), Constant("tau", 0.0, 6.17)),
    "trap": (trap(), Constant("tau", 0.0, 3.1)),
    "stiff": (
        DelaySystem.from_equations(["x' = -1000*x - 999*x(t - tau)"]),
        Constant("tau", 0.0, 10.0),
    ),
    "slow": (DelaySystem.from_equations(["x' = -0.001*x(t - tau)"]), Constant("tau", 0.0, 1570.0)),
    "two delays": (two_delays(), Several((Constant("a", 0.0, 0.7), Constant("b", 0.0, 0.7)))),
    "scheme": (scheme(), Constant("tau", 0, 1)),
}


@pytest.mark.parametrize("name", STABLE)
def test_a_stable_system_is_not_refuted(name):
    system, delay = STABLE[name]
    task = make_task(system, delay, Options(), None, None)
    assert certifying._refutation(task) is None


def test_a_spectrum_that_more_nodes_do_not_confirm_refutes_nothing(monkeypatch):
    monkeypatch.setattr(certifying, "several_abscissa", lambda *a: 0.5)
    task = make_task(scalar(), Constant("tau", 0.0, 1.0), Options(), None, None)
    assert certifying._refutation(task) is None


def test_a_spectrum_that_the_solution_contradicts_refutes_nothing(monkeypatch):
    monkeypatch.setattr(certifying, "several_abscissa", lambda *a: 0.5)
    wrong = (0.5 + 0j, np.ones(1, dtype=complex))
    monkeypatch.setattr("certdde.learning.falsify.rightmost_mode", lambda *a: wrong)
    task = make_task(scalar(), Constant("tau", 0.0, 1.0), Options(), None, None)
    assert certifying._refutation(task) is None


def test_a_history_that_leaves_a_domain_without_a_proof_is_told_and_replays():
    system = hutchinson()
    certificate = certify(system, Constant("tau", 0.0, 1.5), method="lmi")
    assert certificate.status == "unknown"
    assert certificate.data["counterexample"] is None
    record = certificate.data["statistics"]["escape"]
    assert replayed(system, record, 1e-9).kind == record["kind"] == "leaves"
    box = Box.of(system.domain, system.dimension)
    history = torch.tensor([[record["history"][s] for s in system.states]], dtype=torch.float64)
    assert float(box.excursion(history)) < 0
    bad, tried = record["share"]
    assert 0 < bad <= tried <= 64
    json.dumps(record, allow_nan=False)


def test_there_is_no_escape_where_every_solution_converges():
    system = DelaySystem.from_equations(
        ["x' = -x - 0.1*sin(x(t - tau))"], domain={"x": [-1.0, 1.0]}
    )
    assert escape(system, [{"tau": 1.0}, {"tau": 0.0}]) is None


def test_no_time_left_means_no_simulation():
    assert escape(hutchinson(), [{"tau": 1.5}], deadline=0.0) is None


def test_a_system_without_a_domain_has_none_to_leave():
    assert escape(scalar(), [{"tau": 1.0}]) is None


def test_the_same_seed_gives_the_same_history():
    first, second = (escape(hutchinson(), [{"tau": 1.5}], seed=3) for _ in range(2))
    assert first == second
