import numpy as np
import pytest

from certdde.errors import ProblemError
from certdde.learning.synthesis.gains import linear
from certdde.learning.synthesis.run import refuse_unusable
from certdde.systems.controller_problem import is_controller_problem, load_controller_problem
from certdde.systems.problem import load_problem

PLANT = """
[system]
equations = ["x' = y", "y' = sin(x) + u_1(x(t - tau), y(t - tau)) + 2*u_2(x(t - tau), y(t - tau))"]
domain = { x = [-1.0, 1.0], y = [-1.0, 1.0] }
[delays.tau]
range = [0.1, 0.1]
[learn]
task = "controller"
"""


@pytest.fixture
def write(tmp_path):
    def written(text):
        path = tmp_path / "plant.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def test_the_width_of_the_network_is_read_from_its_calls(write):
    path = write(PLANT)
    problem = load_controller_problem(path)
    assert (problem.inputs, problem.outputs) == (2, 2)
    assert problem.shift == {}
    assert problem.learn.widths == (8, 8)
    assert (problem.certify.method, problem.certify.order) == ("quadratic", 2)
    assert is_controller_problem(path)
    assert problem.name == "plant"


def test_names_that_hold_the_name_of_the_network_are_no_calls(write):
    text = PLANT.replace("2*u_2(x(t - tau), y(t - tau))", "relu(x) + relu(relu(x))")
    problem = load_controller_problem(
        write(text.replace("u_1(x(t", "u((x(t").replace("tau), y(t - tau))", "tau)), y)"))
    )
    assert problem.calls == [(1, 2)]


def used(path, overrides):
    problem = load_controller_problem(path, overrides)
    problem.delay()
    network = linear(np.zeros((problem.outputs, problem.inputs)))
    refuse_unusable(problem, problem.build(network))


BAD = {
    "no call": (['system.equations=["x\' = -x", "y\' = -y"]'], "no equation calls u"),
    "a file too": (['system.networks={u="u.onnx"}'], "u has a file"),
    "no domain": (
        ["learn.network=v", 'system.equations=["x\' = v(x(t - tau))"]', "system.domain={}"],
        "domain",
    ),
    "two delays": (["delays.other.range=[0, 1]"], "there are 2 delays"),
    "the equilibrium is to be found": (["system.equilibrium=find"], "the equilibrium is not given"),
    "outputs at rest": (["learn.at_rest=[0.0]"], "1 numbers for 2 outputs"),
    "a region of no state": (
        ["learn.region={z=[-1, 1]}", "learn.objective=delay"],
        "z has no domain",
    ),
    "a region of what grows anyway": (["learn.region={x=[-1, 1]}"], "goes with objective"),
    "a scheme": (
        [
            'system.equations=["x[t+1] = 0.5*y[t]", "y[t+1] = 0.5*x[t] + u(x[t-tau], y[t-tau])"]',
            "delays.tau.range=[1, 1]",
        ],
        "a scheme",
    ),
    "an unknown parameter": (
        [
            'system.equations=["x\' = y", "y\' = k*x + u(x(t - tau), y(t - tau))"]',
            "system.parameters={k=[0.9, 1.1]}",
        ],
        "known in intervals",
    ),
    "two lags": (
        ['system.equations=["x\' = y", "y\' = x + u(x(t - tau), y(t - 2*tau))"]'],
        "multiples of the delay",
    ),
    "an unknown task": (["learn.task=observer"], "'observer' is unknown"),
    "an unknown key": (["learn.epochs=3"], "unknown key 'epochs'"),
    "no steps": (["learn.steps=0"], "cannot use 0"),
    "a delay that varies": (["delays.tau.class=measurable"], "constant"),
    "an equilibrium that is none": (["system.equilibrium={x=0.5}"], "equilibrium"),
    "two widths": (['system.equations=["x\' = u(x(t - tau))", "y\' = u(x, y) - y"]'], "inputs: 1"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_is_refused_in_one_line(write, name):
    overrides, said = BAD[name]
    with pytest.raises(ProblemError) as refused:
        used(write(PLANT), overrides)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_certify_says_that_the_controller_is_still_to_be_found(write):
    with pytest.raises(ProblemError, match="a controller that is still to be found"):
        load_problem(write(PLANT))


def test_files_that_cannot_be_read_ask_for_no_controller(tmp_path, write):
    assert not is_controller_problem(tmp_path / "none.toml")
    assert not is_controller_problem(write("[learn]\nmodel = 'dde'\n"))
    assert not is_controller_problem(write("= ="))
