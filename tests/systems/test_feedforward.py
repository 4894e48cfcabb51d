"""Networks of equations: shapes, exact values, shifts, and that all ways of evaluating them agree."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from feedforward_networks import gated, layered

from certdde.errors import ProblemError
from certdde.systems.feedforward import MAX_STEPS, Feedforward, Step
from certdde.systems.feedforward_values import network_values, tensor_value

NETWORKS = {
    "tanh": layered(0, [2, 5, 4, 1], "tanh"),
    "relu": layered(1, [3, 4, 2], "relu"),
    "sigmoid": layered(2, [1, 3, 1], "sigmoid", shifted=True),
    "gated": gated(3),
}


def by_hand(network, row):
    """N(w) in numpy, an operation at a time."""
    found = [np.asarray(row, dtype=float)]
    for step in network.steps:
        v = [found[i] for i in step.sources]
        found.append(
            {
                "affine": lambda v, s=step: s.weight @ v[0] + s.bias,
                "scale": lambda v, s=step: s.weight * v[0] + s.bias,
                "sum": lambda v: v[0] + v[1],
                "product": lambda v: v[0] * v[1],
                "tanh": lambda v: np.tanh(v[0]),
                "sigmoid": lambda v: 1 / (1 + np.exp(-v[0])),
                "relu": lambda v: np.maximum(v[0], 0),
            }[step.operation](v)
        )
    return found[-1]


def plain_call(name, value):
    return {
        "tanh": np.tanh,
        "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
        "relu": lambda z: max(z, 0.0),
    }[name](value)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_tensors_and_units_give_what_the_operations_say(network):
    rows = np.random.default_rng(0).normal(size=(20, network.inputs))
    batch = tensor_value(network, torch.tensor(rows)).numpy()
    for row, found in zip(rows, batch, strict=True):
        wanted = by_hand(network, row)
        if network.origin is not None:
            wanted = wanted - by_hand(network, network.origin) + np.array(network.rest)
        assert found == pytest.approx(wanted, abs=1e-12)
        assert network_values(network, row.tolist(), plain_call) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_what_is_written_is_read_again(network):
    again = Feedforward.from_description(network.description(), network.tensors())
    assert again == network
    assert again.fingerprint == network.fingerprint
    assert again.widths == network.widths


def test_the_fingerprint_changes_with_everything_that_matters():
    network = layered(0, [2, 3, 1], "tanh")
    weight = network.steps[0].weight.copy()
    weight[0, 0] = np.nextafter(weight[0, 0], 9)
    others = [
        Feedforward(2, (Step("affine", (0,), weight, network.steps[0].bias), *network.steps[1:])),
        Feedforward(2, (network.steps[0], Step("sigmoid", (1,)), network.steps[2])),
        network.shifted([0.0, 0.0], [0.0]),
        network.shifted([0.0, 0.0], [1e-300]),
    ]
    found = {network.fingerprint, *(other.fingerprint for other in others)}
    assert len(found) == 5
    assert all(other != network for other in others)


def test_exact_values_are_exact_or_none():
    relu = layered(1, [3, 4, 2], "relu")
    point = [Fraction(1, 3), Fraction(-2, 7), Fraction(5)]
    found = relu.exact(point)
    rows = [[Fraction(float(w)) for w in row] for row in relu.steps[0].weight]
    hidden = [
        max(sum(w * x for w, x in zip(row, point, strict=True)) + Fraction(float(b)), Fraction(0))
        for row, b in zip(rows, relu.steps[0].bias, strict=True)
    ]
    last = relu.steps[2]
    assert found == [
        sum(Fraction(float(w)) * h for w, h in zip(row, hidden, strict=True)) + Fraction(float(b))
        for row, b in zip(last.weight, last.bias, strict=True)
    ]
    assert layered(0, [2, 3, 1], "tanh").exact([Fraction(0), Fraction(0)]) == [None]
    assert layered(0, [2, 3, 1], "tanh", biased=False).exact([Fraction(0)] * 2) == [Fraction(0)]
    shifted = layered(2, [1, 3, 1], "sigmoid", shifted=True)
    assert shifted.exact([Fraction(1, 4)]) == [Fraction(1, 2)]
    assert shifted.exact([Fraction(1, 5)]) == [None]


W, B = np.ones((2, 2)), np.zeros(2)
LOOSE = {
    "no steps": (2, ()),
    "too many steps": (2, (Step("tanh", (0,)),) * (MAX_STEPS + 1)),
    "no inputs": (0, (Step("tanh", (0,)),)),
    "another operation": (2, (Step("gelu", (0,)),)),
    "a later value": (2, (Step("tanh", (1,)),)),
    "a negative source": (2, (Step("tanh", (-1,)),)),
    "one source for a sum": (2, (Step("sum", (0,)),)),
    "two sources for a function": (2, (Step("tanh", (0, 0)),)),
    "different sizes": (
        2,
        (Step("affine", (0,), np.ones((3, 2)), np.zeros(3)), Step("sum", (0, 1))),
    ),
    "a wrong shape": (3, (Step("affine", (0,), W, B),)),
    "a wrong bias": (2, (Step("affine", (0,), W, np.zeros(3)),)),
    "no bias": (2, (Step("affine", (0,), W),)),
    "weights of a function": (2, (Step("tanh", (0,), W, B),)),
    "a NaN": (2, (Step("affine", (0,), W * np.nan, B),)),
    "an infinity": (2, (Step("affine", (0,), W, B + np.inf),)),
    "a huge weight": (2, (Step("affine", (0,), W * 2.0**100, B),)),
    "a number for a weight": (2, (Step("scale", (0,), 1.0, 0.0),)),
}


@pytest.mark.parametrize("name", LOOSE)
def test_what_does_not_chain_is_refused(name):
    with pytest.raises(ProblemError):
        Feedforward(*LOOSE[name])


def test_an_origin_needs_its_output_and_the_right_sizes():
    network = layered(0, [2, 3, 1], "tanh")
    with pytest.raises(ProblemError):
        Feedforward(2, network.steps, (0.0, 0.0), None)
    with pytest.raises(ProblemError):
        network.shifted([0.0], [0.0])
    with pytest.raises(ProblemError):
        network.shifted([0.0, 0.0], [0.0, 0.0])


def test_origins_are_plain_finite_floats():
    """Equal numbers have one fingerprint, which is that of the checker; what is not finite is refused."""
    network = NETWORKS["tanh"]
    marks = {
        Feedforward(network.inputs, network.steps, origin, rest).fingerprint
        for origin, rest in (((0, 0), (0,)), ((0.0, -0.0), (-0.0,)), ((np.float64(0), 0.0), (0,)))
    }
    assert marks == {network.shifted([0.0, 0.0], [0.0]).fingerprint}
    for bad in (float("nan"), float("inf")):
        with pytest.raises(ProblemError, match="not finite"):
            network.shifted([0.0, bad], [0.0])
        with pytest.raises(ProblemError, match="not finite"):
            network.shifted([0.0, 0.0], [bad])
