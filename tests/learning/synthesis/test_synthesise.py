"""Synthesis never claims more than is possible; what it claims is what the checker accepts."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scalar_plants import largest_delay, scalar_plant

from certdde.certificates import Certificate
from certdde.learning.synthesis import synthesise, write_controller
from certdde.learning.synthesis.controller import Controller, Inputs
from certdde.learning.synthesis.gains import linear
from certdde.learning.synthesis.region import holds
from certdde.learning.synthesis.run import longer
from certdde.learning.synthesis.synthesise import UNSTABLE
from certdde.solvers import solve
from certdde.systems.controller_problem import load_controller_problem
from certdde.systems.feedforward import Feedforward, Step
from certdde.systems.network_files import read_network, write_network
from certdde.systems.problem import load_problem

EXAMPLE = Path(__file__).parents[3] / "examples" / "synthesis_pendulum.toml"


@pytest.fixture(scope="module")
def found():
    best = []
    result = synthesise(scalar_plant(0.6), keep=best.append)
    return result, best


def test_a_controller_is_found_with_a_checked_certificate(found, tmp_path):
    result, best = found
    assert result.certificate.rigor == "rigorous"
    assert result.certificate.save(tmp_path / "c.certdde").check().valid
    assert result.certificate.data["delay"]["range"] == [0.6, 0.6]
    assert 0 < result.share <= 1
    assert result.abscissa < 0
    assert best[-1].network == result.network
    assert [one.share for one in best] == sorted(one.share for one in best)
    [k] = -result.gains.ravel()
    assert 0.6 < largest_delay(1.0, k) < 1


def test_solutions_from_the_region_tend_to_the_equilibrium(found):
    result, best = found
    part, system = best[-1].part, best[-1].system
    x = torch.linspace(-1, 1, 101, dtype=torch.float64)[:, None]
    values = torch.stack([part.functional.on_constant_histories(x, t) for t in part.windows])
    inside = (values <= part.level).all(0)
    assert inside.any()
    function = system.torch_function()
    times = torch.linspace(0, 60, 61, dtype=torch.float64)
    solution = solve(function, x[inside], times, [result.delay.upper], method="rk4")
    assert float(solution.states.abs().max()) <= 1
    assert float(solution.states[-1].abs().max()) < 1e-3


def test_the_files_are_the_loop_that_was_certified(found, tmp_path):
    result, _ = found
    files = write_controller(result.problem, result.network, result.delay, tmp_path / "out")
    assert all(path.exists() for path in files.values())
    for kind in ("graph", "weights"):
        assert read_network(files[kind], "u") == result.network
    written = load_problem(files["equations"])
    system = written.build()
    assert system.networks["u"] == result.network
    assert system.domain == result.problem.build(result.network).domain
    assert written.delay_class() == result.delay
    assert written.certify.method == "quadratic"


def test_a_loop_about_another_equilibrium_is_written_with_its_shift(tmp_path):
    """And the file of another network of the plant is found from where the loop is written."""
    other = Feedforward(1, (Step("affine", (0,), np.array([[0.5]]), np.zeros(1)),))
    write_network(other, tmp_path / "drag.safetensors")
    path = tmp_path / "plant.toml"
    path.write_text(
        """
        [system]
        equations = ["x' = x*x - 2 - drag(x - 2) + u(x(t - tau))"]
        domain = { x = [1.0, 3.0] }
        equilibrium = { x = 2.0 }
        [system.networks]
        drag = "drag.safetensors"
        [delays.tau]
        range = [0.1, 0.1]
        [learn]
        task = "controller"
        hidden = 3
        at_rest = [-2.0]
        """,
        encoding="utf-8",
    )
    problem = load_controller_problem(path)
    inputs = Inputs.of(problem.build(linear(np.zeros((1, 1)))), "u")
    generator = torch.Generator().manual_seed(1)
    network = Controller(inputs, (3,), torch.ones(1).double(), generator).network()
    files = write_controller(problem, network, problem.delay(), tmp_path / "deep" / "out")
    system = load_problem(files["equations"]).build()
    assert system.rhs == problem.build(network).rhs
    assert float(system.equilibrium[0]) == 2.0


@pytest.mark.parametrize(("a", "delay"), [(1.0, 1.0), (1.0, 1.3), (4.0, 0.26)])
def test_nothing_is_claimed_where_no_gain_stabilises(a, delay):
    """From the delay 1/a on no controller with a slope at the equilibrium stabilises x' = a x + u(x(t - tau))."""
    result = synthesise(scalar_plant(delay, a))
    assert result.certificate is None
    assert result.network is None
    assert result.why == UNSTABLE


def test_the_longest_delay_stays_below_the_limit():
    problem = scalar_plant(0.7, objective="delay", region={"x": [-0.2, 0.2]}, budget=15)
    seen = []
    result = synthesise(problem, keep=seen.append)
    delays = [one.delay.upper for one in seen]
    assert delays == sorted(set(delays))
    assert 0.7 < result.delay.upper == delays[-1] < 1
    assert result.certificate.rigor == "rigorous"
    assert all(holds(one, problem) for one in seen)
    assert {line["delay"][1] for line in result.log} > set(delays[:-1])


def test_a_region_that_is_wanted_has_to_be_in_the_level_set(found):
    best = found[1][-1]
    factor = best.part.functional.on_constant_histories(torch.ones(1).double(), 0.6)
    reach = math.sqrt(best.part.level / float(factor))
    for share, inside in ((0.9, True), (1.1, False)):
        end = min(share * reach, 1.0)
        wanted = scalar_plant(0.6, objective="delay", region={"x": [-0.01, end]})
        assert holds(best, wanted) is (inside or end < reach)
    assert holds(best, scalar_plant(0.6))
    tight = replace(best, part=replace(best.part, level=1e-9))
    wanted = scalar_plant(0.6, objective="delay", region={"x": [-0.01, 0.01]})
    assert not holds(tight, wanted)


def test_a_range_grows_at_its_end_and_a_single_delay_moves():
    delay = scalar_plant(0.5).delay()
    assert longer(delay, 0.1) == replace(delay, lower=0.6, upper=0.6)
    assert longer(replace(delay, lower=0.0), 0.1) == replace(delay, lower=0.0, upper=0.6)


def weights(network):
    return [np.asarray(w) for w in network.tensors().values()]


@pytest.mark.parametrize("when", [(1, 0), pytest.param((2, 100), marks=pytest.mark.slow)])
def test_an_interrupted_run_ends_as_if_it_had_not_been(tmp_path, when):
    problem = scalar_plant(0.6, rounds=2, steps=120)
    whole = synthesise(problem)

    def interrupt(phase, info):
        if phase == "training" and (info.get("round"), info.get("step")) == when:
            raise KeyboardInterrupt

    kept = []
    with pytest.raises(KeyboardInterrupt):
        synthesise(problem, workdir=tmp_path, progress=interrupt, keep=kept.append)
    assert kept, "the best so far is told"
    rounds = []
    again = synthesise(
        problem,
        workdir=tmp_path,
        progress=lambda _, info: rounds.append(info["round"]) if "round" in info else None,
    )
    assert min(rounds) == when[0], "it began again from the start"
    assert whole.share == again.share
    for a, b in zip(weights(whole.network), weights(again.network), strict=True):
        np.testing.assert_array_equal(a, b)
    finished = synthesise(problem, workdir=tmp_path, progress=interrupt)
    assert finished.network == again.network


@pytest.mark.slow
def test_the_late_pendulum(tmp_path):
    """The bar of the project: joint training reaches a fixed delay of .28 or more; it enlarges the region too."""
    problem = load_controller_problem(EXAMPLE, ["learn.rounds=1", "learn.budget=3000"])
    result = synthesise(problem)
    assert result.delay.upper >= 0.28
    assert result.certificate.rigor == "rigorous"
    path = result.certificate.save(tmp_path / "c.certdde")
    assert Certificate.load(path).check().valid
    first = max(line["share"] or 0 for line in result.log if line["round"] == 0)
    assert result.share > 1.2 * first > 0
