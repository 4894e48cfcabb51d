"""Equations that call networks: what they mean, their shift to the equilibrium, and what is refused."""

from fractions import Fraction

import pytest
import torch
from feedforward_networks import layered

from certdde.errors import ProblemError
from certdde.systems import DelaySystem
from certdde.systems.feedforward_values import tensor_value
from certdde.systems.problem import Problem

DOMAIN = {"x": [-1.0, 1.0]}


def system(network, equation="x' = -2*x + u(x(t - tau))", **options):
    options = {"domain": DOMAIN, **options}
    return DelaySystem.from_equations([equation], networks={"u": network}, **options)


def test_a_call_is_the_network_of_its_arguments():
    network = layered(0, [2, 4, 1], "tanh", biased=False)
    found = system(network, "x' = -x + 3*u(x, x(t - tau))")
    x, y = (
        torch.tensor([[0.3], [-0.7]], dtype=torch.float64),
        torch.tensor([[0.2], [0.9]], dtype=torch.float64),
    )
    wanted = -x + 3 * tensor_value(network, torch.cat([x, y], -1))
    assert torch.allclose(found.deviation_function()(x, y), wanted, atol=1e-14)


def test_several_outputs_are_numbered():
    network = layered(0, [1, 4, 2], "tanh", biased=False)
    found = system(network, "x' = -x + u_1(x) - u_2(x(t - tau))")
    x = torch.tensor([[0.3]], dtype=torch.float64)
    out = tensor_value(network, x)
    assert torch.allclose(
        found.deviation_function()(x, x), -x + out[:, :1] - out[:, 1:], atol=1e-14
    )


def test_a_shifted_network_rests_at_the_equilibrium_of_the_users_coordinates():
    network = layered(0, [1, 4, 1], "tanh")
    source = {"file": network, "shift": True, "at_rest": 3.0}
    found = system(
        source, "x' = -2*x + u(x(t - tau))", equilibrium={"x": 1.5}, domain={"x": [0.5, 2.5]}
    )
    [shifted] = found.networks.values()
    assert shifted.origin == (1.5,)
    assert shifted.rest == (3.0,)
    zero = torch.zeros(1, 1, dtype=torch.float64)
    assert float(found.deviation_function()(zero, zero).abs()) < 1e-15
    y = torch.tensor([[0.25]], dtype=torch.float64)
    wanted = tensor_value(network, y + 1.5) - tensor_value(network, zero + 1.5)
    assert torch.allclose(found.deviation_function()(zero, y), wanted, atol=1e-14)


def test_of_two_equal_networks_only_the_one_that_is_meant_is_shifted():
    network = layered(0, [1, 4, 1], "relu")
    with pytest.raises(ProblemError, match="v = "):
        DelaySystem.from_equations(
            ["x' = -x + u(x(t - tau)) + v(x)"],
            networks={"u": {"file": network, "shift": True}, "v": network},
            domain=DOMAIN,
        )


def test_an_equilibrium_of_a_biased_network_is_enclosed():
    network = layered(0, [1, 4, 1], "tanh")
    found = system(network, equilibrium="find", domain={"x": [-2.0, 2.0]})
    point = float(found.equilibrium[0])
    value = -2 * point + float(tensor_value(network, torch.tensor([point], dtype=torch.float64)))
    assert abs(value) < 1e-9
    assert found.family is not None
    assert found.family.enclosure is not None


REFUSED = {
    "not at rest": (layered(0, [1, 3, 1], "tanh"), {}, "shift"),
    "relu not at rest": (layered(0, [1, 3, 1], "relu"), {}, "shift"),
    "too many arguments": (layered(0, [2, 3, 1], "tanh", biased=False), {}, "inputs: 2"),
    "several outputs, one name": (layered(0, [1, 3, 2], "tanh", biased=False), {}, "unknown"),
    "shift without equilibrium": (
        {"file": layered(0, [1, 3, 1], "tanh"), "shift": True},
        {"equilibrium": "find"},
        "decimals",
    ),
    "an output without shift": (
        {"file": layered(0, [1, 3, 1], "tanh"), "at_rest": 1.0},
        {},
        "shift",
    ),
    "two outputs for one": (
        {"file": layered(0, [1, 3, 1], "tanh"), "shift": True, "at_rest": [1.0, 2.0]},
        {},
        "one for each",
    ),
    "another key": ({"file": layered(0, [1, 3, 1], "tanh"), "shifted": True}, {}, "shift"),
    "no file": ({"shift": True}, {}, "no file"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_refused_in_one_line(name):
    network, options, word = REFUSED[name]
    with pytest.raises(ProblemError) as caught:
        system(network, **options)
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["x", "k", "tau", "sin", "clip", "V", "t", "u_1"])
def test_a_network_needs_a_name_of_its_own(name):
    networks = {name: layered(0, [1, 3, 1], "tanh", biased=False)}
    if name == "u_1":
        networks["u"] = layered(0, [1, 3, 2], "tanh", biased=False)
    with pytest.raises(ProblemError, match="name"):
        DelaySystem.from_equations(
            ["x' = -k*x(t - tau)"], networks=networks, parameters={"k": 1.0}, domain=DOMAIN
        )


def test_a_problem_file_names_networks_beside_it(tmp_path):
    from certdde.systems.network_files import write_network

    network = layered(0, [1, 4, 1], "tanh", biased=False)
    write_network(network, tmp_path / "u.onnx")
    data = {
        "system": {
            "equations": ["x' = -2*x + u(x(t - tau))"],
            "domain": DOMAIN,
            "networks": {"u": "u.onnx"},
        },
        "delays": {"tau": {"range": [0.0, 1.0]}},
    }
    problem = Problem.from_dict(data, source=str(tmp_path / "p.toml"))
    assert problem.build().networks["u"] == network
    data["system"]["networks"] = {"u": {"file": "u.onnx", "shift": True, "at_rest": 0}}
    assert Problem.from_dict(data, source=str(tmp_path / "p.toml")).build().networks[
        "u"
    ].origin == (0.0,)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (3, "no file"),
        ({"file": "a", "x": 1}, "unknown key"),
        ({"file": "a", "shift": 1}, "neither"),
        ({}, "no file"),
    ],
)
def test_what_a_problem_file_may_not_say_of_a_network(given, word):
    data = {
        "system": {"equations": ["x' = -x"], "networks": {"u": given}},
        "delays": {"tau": {"range": [0.0, 1.0]}},
    }
    with pytest.raises(ProblemError, match=word):
        Problem.from_dict(data)


def test_clip_is_what_it_says():
    found = DelaySystem.from_equations(
        ["x' = -clip(2*x(t - tau), -1, 0.5)"], domain=DOMAIN
    ).deviation_function()
    y = torch.linspace(-1, 1, 41, dtype=torch.float64).unsqueeze(-1)
    assert torch.allclose(found(y, y), -(2 * y).clamp(-1, 0.5), atol=1e-15)


@pytest.mark.parametrize(
    "text", ["clip(x)", "clip(x, 1, -1)", "clip(x, x, 1)", "clip(x, 0, 0)", "clip(x, 0, sin(1))"]
)
def test_a_clip_needs_two_numbers_in_order(text):
    with pytest.raises(ProblemError, match="clip"):
        DelaySystem.from_equations([f"x' = -x + {text}"], domain=DOMAIN)


def test_a_member_of_a_family_keeps_its_networks():
    from certdde.systems.members import member

    network = layered(0, [1, 4, 1], "tanh", biased=False)
    family = system(network, "x' = -a*x + u(x(t - tau))", parameters={"a": [1.5, 2.5]})
    found = member(family, {"a": Fraction(2)})
    assert found.networks["u"] == network
