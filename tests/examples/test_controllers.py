"""The neural controllers of examples/controllers: made again from their seeds, loaded, certified and checked."""

from __future__ import annotations

import re
import runpy
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import certdde as cd
from certdde.systems.network_files import read_network
from certdde.verify.spectral import several_abscissa

EXAMPLES = Path(__file__).parents[2] / "examples"
FOLDER = EXAMPLES / "controllers"
MAKE = runpy.run_path(str(EXAMPLES / "make_controllers.py"))
LAWS = {law.name: law for law in (make() for make in MAKE["LAWS"])}
PROBLEMS = sorted(FOLDER.glob("*.toml"))
DELAYED = [p for p in PROBLEMS if "stable for delays" in " ".join(p.read_text().split())]
MACHINES = 0.01  # another machine's arithmetic may lead the training elsewhere by so much
QUICK = {
    "path",
    "pendulum",
    "dai_pendulum",
    "observer",
}  # to a checked certificate: below two minutes
FAR = {  # how much a network may differ from its law on its box, in terms of the law's size
    "dai_pendulum": 0.1,
}


def weights(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {t.name: numpy_helper.to_array(t).astype(float) for t in model.graph.initializer}


def test_every_law_has_a_file_and_every_file_a_law():
    assert {p.stem for p in FOLDER.glob("*.onnx")} == set(LAWS)


def make_again(name: str) -> None:
    made = MAKE["model"](LAWS[name], MAKE["train"](LAWS[name]))
    kept = onnx.load(FOLDER / f"{name}.onnx")
    if made.SerializeToString() == kept.SerializeToString():
        return
    assert [n.op_type for n in made.graph.node] == [n.op_type for n in kept.graph.node]
    first, second = weights(made), weights(kept)
    assert first.keys() == second.keys()
    for key, value in first.items():
        np.testing.assert_allclose(value, second[key], atol=MACHINES)


def test_the_smallest_is_made_again():
    make_again("observer")


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(LAWS) - {"observer"}))
def test_they_are_made_again(name):
    make_again(name)


@pytest.mark.parametrize("name", sorted(LAWS))
def test_it_imitates_its_law(name):
    law, network = LAWS[name], read_network(FOLDER / f"{name}.onnx", name)
    generator = np.random.default_rng(0)
    points = generator.uniform(-1, 1, (500, len(law.box))) * np.array(law.box)
    values = [tensor_values(network, row) for row in points]
    wanted = np.clip(law(MAKE["torch"].from_numpy(points)).numpy(), *(law.clip or (None, None)))
    worst = np.abs(np.array(values) - wanted).max()
    assert worst < FAR.get(name, 0.02) * law.size


def tensor_values(network, row: np.ndarray) -> np.ndarray:
    from certdde.systems.feedforward_values import tensor_value

    return tensor_value(network, MAKE["torch"].from_numpy(row)).numpy()


@pytest.mark.parametrize("name", sorted(LAWS))
def test_weights_are_short_and_odd_networks_are_zero_at_rest(name):
    found = weights(onnx.load(FOLDER / f"{name}.onnx"))
    short = [v for key, v in found.items() if key.startswith(("weight", "bias"))]
    assert all((v * MAKE["GRID"] == np.round(v * MAKE["GRID"])).all() for v in short)
    law, network = LAWS[name], read_network(FOLDER / f"{name}.onnx", name)
    at_rest = network.exact([Fraction(0)] * network.inputs)
    if law.activation == "Tanh":
        assert at_rest == [Fraction(0)] * network.outputs
    else:  # the problem has to shift it
        assert at_rest != [Fraction(0)]


@pytest.mark.parametrize("path", PROBLEMS, ids=lambda p: p.stem)
def test_every_problem_is_a_stable_loop(path):
    problem = cd.load_problem(path)
    system, delay = problem.build(), problem.delay_class()
    assert not system.linear
    assert abscissa(system, delay.lower) < 0
    assert abscissa(system, delay.upper) < 0


def abscissa(system, delay: float) -> float:
    present, matrices = system.linearisation()
    delayed = [(multiple * delay, m.numpy()) for (_, multiple), m in matrices]
    return several_abscissa(present.numpy(), delayed)


@pytest.mark.parametrize("path", DELAYED, ids=lambda p: p.stem)
def test_the_margin_that_is_told_is_that_of_the_linearisation(path):
    text = path.read_text().replace("\n#", "")
    told = float(re.search(r"stable for delays\s+below\s+(0\.\d+)", text).group(1))
    system = cd.load_problem(path).build()
    digit = 10.0 ** -len(str(told).split(".")[1])
    assert abscissa(system, told - digit) < 0 < abscissa(system, told + digit)
    assert cd.load_problem(path).delay_class().upper < told


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [p for p in PROBLEMS if p.stem.removesuffix("_undelayed") in QUICK],
    ids=lambda p: p.stem,
)
def test_it_is_certified(path, tmp_path):
    certificate = cd.certify(cd.load_problem(path)).save(tmp_path / "certificate.certdde")
    assert (certificate.status, certificate.rigor) == ("certified", "rigorous")
    result = certificate.check()
    assert result.valid
    assert result.claim == certificate.claim
