"""Systems that call networks: what is accepted, and that no altered network, entry, name or claim is."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from example_systems import hutchinson

from certdde.verify.checker import check_file, feedforward
from certdde.verify.checker.document import parse
from certdde.verify.checker.refusal import Refused

from . import (
    feedforward_maker,
    maker,
    random_maker,
    razumikhin_maker,
    resampled_maker,
    scheme_maker,
    several_maker,
    slow_maker,
    sos_maker,
    writer,
)
from .feedforward_maker import Net, chain, everything, small, with_networks
from .mutations import check_each_field
from .test_reject import refused
from .test_yorke import draft as yorke_draft
from .test_yorke import save as yorke_save

GOOD: dict[str, Callable[[], maker.Draft]] = {
    "tanh": lambda: feedforward_maker.scalar(small()),
    "sigmoid": lambda: feedforward_maker.scalar(small("sigmoid")),
    "relu": lambda: feedforward_maker.scalar(small("relu")),
    "leaky": feedforward_maker.leaky,
    "planar": feedforward_maker.planar,
    "enclosed": feedforward_maker.enclosed,
    "enclosed relu": lambda: feedforward_maker.enclosed("relu"),
    "uncertain": feedforward_maker.uncertain,
}


@pytest.fixture(scope="module")
def drafts() -> dict[str, maker.Draft]:
    return {name: make() for name, make in GOOD.items()}


def network(draft: maker.Draft) -> dict[str, Any]:
    return draft.document["system"]["networks"]["u"]


def altered(draft: maker.Draft, **entry: Any) -> maker.Draft:
    """Another description of u; fingerprint and claim are made to fit where they can be."""
    found = copy.deepcopy(draft)
    body = {k: v for k, v in (network(found) | entry).items() if k != "fingerprint"}
    total = hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode())
    for name, array in sorted(found.called["u"].items()):
        shape = "x".join(map(str, array.shape))
        total.update(f"\0{name}\0{shape}\0".encode() + array.astype("<f8").tobytes())
    fingerprint = entry.get("fingerprint", total.hexdigest()[:32])
    found.document["system"]["networks"]["u"] = body | {"fingerprint": fingerprint}
    return found


# ---- accepted


@pytest.mark.parametrize("name", GOOD)
def test_accepted(tmp_path, drafts, name):
    result = check_file(drafts[name].save(tmp_path / "a"))
    assert result.valid, result
    assert f" with u the network {network(drafts[name])['fingerprint']} is " in result.claim


def test_two_networks_and_a_parameter_in_the_sentence(tmp_path, drafts):
    draft = copy.deepcopy(drafts["tanh"])
    net = feedforward_maker.called(draft)
    draft.document["system"] |= {
        "equations": ["x' = -k*x + 0.5*u(x(t - tau)) + n*v(x(t - tau))"],
        "parameters": {"k": 1.0, "n": 0.5},
    }
    result = check_file(with_networks(draft, v=net, u=net).save(tmp_path / "a"))
    assert result.valid, result
    name = network(draft)["fingerprint"]
    assert f"with k = 1.0, n = 0.5, u the network {name}, v the network {name} is" in result.claim


def test_a_network_that_is_not_called(tmp_path, drafts):
    draft = copy.deepcopy(drafts["tanh"])
    draft.document["system"]["equations"] = ["x' = -x - 0.2*x(t - tau)"]
    assert check_file(draft.save(tmp_path / "a")).valid


def test_clip_in_an_equation(tmp_path, drafts):
    draft = copy.deepcopy(drafts["tanh"])
    draft.document["system"]["equations"] = ["x' = -x + clip(0.5*u(x(t - tau)), -0.01, 0.02)"]
    assert check_file(draft.save(tmp_path / "a")).valid
    draft.document["system"]["equations"] = ["x' = -x + clip(0.5*u(x(t - tau)), 0.01, 0.02)"]
    assert "not zero at the equilibrium" in refused(draft.save(tmp_path / "a")).reason


# ---- false claims


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "relu", "planar", "leaky"])
def test_a_destabilising_network_is_refused_by_the_proof(tmp_path, drafts, name):
    """Everything that names the network is made to fit: only the inequalities can tell."""
    draft = drafts[name]
    net = feedforward_maker.destabilising(draft)
    bad = with_networks(draft, u=net)
    assert network(bad)["fingerprint"] != network(draft)["fingerprint"]
    assert "not proved on this box" in refused(bad.save(tmp_path / "a")).reason


@pytest.mark.parametrize("name", ["enclosed", "enclosed relu"])
def test_an_equilibrium_that_the_network_moves(tmp_path, drafts, name):
    draft = drafts[name]
    net = feedforward_maker.called(draft)
    bias = f"bias{len(net.steps)}"
    for shift in (1e-4, -0.3):
        moved = replace(net, tensors=net.tensors | {bias: net.tensors[bias] + shift})
        bad = with_networks(draft, u=moved)
        assert refused(bad.save(tmp_path / "a")).where == "system.equilibrium"


def test_two_equilibria_of_a_relu_network(tmp_path, drafts):
    """x' = -x + 2 relu(x + 0.1) - 0.3 rests at -0.3 and at 0.1; in a box that holds both slopes none is shown."""
    steps = (("affine", (0,)), ("relu", (1,)), ("affine", (2,)))
    tensors = {"weight1": np.eye(1), "bias1": np.array([0.125])}
    tensors |= {"weight3": 2 * np.eye(1), "bias3": np.array([-0.3])}
    bad = with_networks(drafts["enclosed relu"], u=Net(1, steps, tensors))
    for box in ([-0.35, 0.2], [-0.3, 0.06], [-0.13, -0.12]):
        bad.document["system"]["equilibrium"] = {"x": box}
        assert refused(bad.save(tmp_path / "a")).where == "system.equilibrium"


def test_values_of_a_network_at_unknown_constants(tmp_path, drafts):
    """Only equal networks with equal inputs have equal values."""
    for equation in (
        "x' = -a*x + u(x(t - tau) + a) - u(1.0*a + 0.001)",
        "x' = -a*x + u(x(t - tau) + a)",
        "x' = -a*x + u(x(t - tau) + a) - v(a)",
        "x' = -a*x + u(x(t - tau) + a) + u(a)",
        "x' = -a*x + u(x(t - tau) + a) - u(a)**2/u(2*a)",
        "x' = -a*x + relu(x(t - tau) + a) - relu(a + 0.1)",
        "x' = -a*x + s(x(t - tau) + 0.5)",  # 0 at 0, not there
        "x' = -a*x + w_1(x(t - tau) + a, a) - w_2(a, a)",
        "x' = -a*x + w_1(x(t - tau) + a, a) - w_1(a, a + 0)*1.001",
    ):
        bad = copy.deepcopy(drafts["uncertain"])
        net = feedforward_maker.called(bad)
        bad.document["system"]["equations"] = [equation]
        other = replace(net, tensors=net.tensors | {"bias1": net.tensors["bias1"] * 1.5})
        bad = with_networks(bad, u=net, v=other, w=everything(0), s=small("relu"))
        assert "at the equilibrium for all parameters" in refused(bad.save(tmp_path / "a")).reason


@pytest.mark.parametrize("name", ["tanh", "relu", "planar"])
def test_origin_and_rest(tmp_path, drafts, name):
    draft = drafts[name]
    origin, rest = network(draft)["origin"], network(draft)["rest"]
    for more in (1e-300, 0.25, -1e-9):
        moved = altered(draft, rest=[rest[0] + more, *rest[1:]])
        assert "not zero at the equilibrium" in refused(moved.save(tmp_path / "a")).reason
    away = altered(draft, origin=[origin[0] + 0.25, *origin[1:]])
    assert "equation" in refused(away.save(tmp_path / "a")).where
    bare = altered(draft, origin=None, rest=None)
    assert "equation" in refused(bare.save(tmp_path / "a")).where


def test_a_network_with_a_kink_at_rest_is_no_linear_term(tmp_path, drafts):
    draft = copy.deepcopy(drafts["leaky"])
    draft.document["proof"]["nonlinear"]["delayed"] = []
    draft.arrays[0]["grid"] = np.array([4])
    assert refused(draft.save(tmp_path / "a")).where == "proof.nonlinear"
    draft = copy.deepcopy(drafts["leaky"])
    draft.document["system"]["domain"] = draft.document["region"]["domain"] = None
    draft.document["region"] |= {"level": None, "radius": None}
    assert refused(draft.save(tmp_path / "a")).where == "system.domain"


@pytest.mark.parametrize(
    ("origin", "rest"),
    [
        ([0.0, 0.0], [0.0]), ([], [0.0]), ([0.0], []), ([0.0], [0.0, 0.0]), (None, [0.0]), ([0.0], None),
        (["0.0"], [0.0]), ([0.0], [None]), ([[0.0]], [0.0]), (0.0, [0.0]), ({}, [0.0]), ("0", [0.0]), ([True], [0.0]),
    ],
)  # fmt: skip
def test_origins_of_a_wrong_form(tmp_path, drafts, origin, rest):
    bad = altered(drafts["tanh"], origin=origin, rest=rest)
    assert refused(bad.save(tmp_path / "a")).where == "system.networks.u"


# ---- fingerprint and claim


def test_weights_of_another_network(tmp_path, drafts):
    draft = copy.deepcopy(drafts["tanh"])
    for name in draft.called["u"]:
        bad = copy.deepcopy(draft)
        array = bad.called["u"][name]
        array.flat[0] = np.nextafter(array.flat[0], 9)
        assert "fingerprint" in refused(bad.save(tmp_path / "a")).reason


@pytest.mark.parametrize("fingerprint", ["", "0" * 16, "x", "sha"])
def test_another_fingerprint(tmp_path, drafts, fingerprint):
    for text in (fingerprint, network(drafts["tanh"])["fingerprint"].upper(), "0" * 64):
        bad = altered(drafts["tanh"], fingerprint=text)
        assert "fingerprint" in refused(bad.save(tmp_path / "a")).reason


def test_the_claim_names_this_network(tmp_path, drafts):
    draft = copy.deepcopy(drafts["tanh"])
    claim, name = writer.claim(draft.document), network(draft)["fingerprint"]
    for wrong in (
        claim.replace(name, "0123456789abcdef"),
        claim.replace(f" with u the network {name}", ""),
        claim.replace("u the network", "v the network"),
        claim.replace(name, name + ", v the network " + name),
    ):
        assert wrong != claim
        document = draft.document | {"claim": wrong}
        assert refused(writer.write(tmp_path / "a", document, draft.entries())).where == "claim"


def test_an_origin_whose_fingerprint_would_be_that_of_another():
    """0.1 and a decimal near it are the same binary64: the sentence could not tell the networks apart."""
    net = replace(small(), origin=[0.1], rest=[0.0])
    entry, content = net.entry(), writer.safetensors_bytes(net.tensors)
    for text, good in (
        ("0.1", True),
        ("1e-1", True),
        ("0.1000", True),
        ("0.1000000000000000055511151231257827", False),
        ("0.10000000000000000001", False),
        ("1e-400", False),
        ("1e400", False),
    ):
        raw = json.dumps(entry | {"origin": ["here"]}).replace('"here"', text)
        if good:
            _, exact = parse(raw.encode())
            assert feedforward.load(exact, content, "u").origin == (Fraction(1, 10),)
        else:
            with pytest.raises(Refused):
                feedforward.load(parse(raw.encode())[1], content, "u")


# ---- entries and tensors


def test_entries(tmp_path, drafts):
    draft = copy.deepcopy(drafts["tanh"])
    document = draft.document | {"claim": writer.claim(draft.document)}
    entries, name = draft.entries(), "network.u.safetensors"
    tensors = writer.safetensors_bytes(draft.called["u"])
    for wrong in (
        {k: v for k, v in entries.items() if k != name},
        entries | {"network.v.safetensors": tensors},
        entries | {"network..safetensors": tensors},
        {("network.v.safetensors" if k == name else k): v for k, v in entries.items()},
    ):
        assert "entry" in refused(writer.write(tmp_path / "a", document, wrong)).reason
    for content in (b"", b"nonsense", tensors[:-1], tensors + b"\0", entries["part0.npz"]):
        found = writer.write(tmp_path / "a", document, entries | {name: content})
        assert refused(found).where == "system.networks.u"


def test_entries_without_a_section(tmp_path, drafts):
    draft = copy.deepcopy(drafts["tanh"])
    draft.document["system"].pop("networks")
    assert "entry" in refused(draft.save(tmp_path / "a")).reason
    draft.called = {}
    assert "stray" in refused(draft.save(tmp_path / "a")).reason


@pytest.mark.parametrize("extra", ["weight2", "bias9", "weight01", "weight1 ", "wéight", "origin"])
def test_tensors_of_no_step(tmp_path, drafts, extra):
    bad = copy.deepcopy(drafts["tanh"])
    bad.called["u"][extra] = np.zeros((3, 3))
    assert "no step" in refused(altered(bad).save(tmp_path / "a")).reason


@pytest.mark.parametrize("name", ["weight1", "bias1", "weight3", "bias3"])
def test_tensors_that_are_missing_or_wrong(tmp_path, drafts, name):
    good = drafts["tanh"].called["u"][name]
    for wrong in (
        None, good[:-1], good.T if good.ndim == 2 and 1 not in good.shape else good[..., None], good.ravel()[0],
        np.zeros((0, *good.shape[1:])), np.tile(good, 2), good * np.nan, good * np.inf, np.full(good.shape, 2.0**100),
        np.full(good.shape, -(2.0**100)), np.full(good.shape, -(2.0**1023)),
    ):  # fmt: skip
        bad = copy.deepcopy(drafts["tanh"])
        if wrong is None:
            bad.called["u"].pop(name)
        else:
            bad.called["u"][name] = np.asarray(wrong)
        refused(altered(bad).save(tmp_path / "a"))


def test_weights_below_the_limit_are_refused_by_the_proof(tmp_path, drafts):
    bad = copy.deepcopy(drafts["tanh"])
    bad.called["u"]["weight3"] = np.full((1, 3), -(2.0**99))
    assert "not proved" in refused(altered(bad).save(tmp_path / "a")).reason


# ---- steps


def test_steps_in_another_order(tmp_path, drafts):
    for name in ("tanh", "planar"):
        steps = network(drafts[name])["steps"]
        for i in range(len(steps)):
            for j in range(i):
                swapped = list(steps)
                swapped[i], swapped[j] = swapped[j], swapped[i]
                if swapped != steps:
                    refused(altered(drafts[name], steps=swapped).save(tmp_path / "a"))


@pytest.mark.parametrize(
    "sources", [[1], [2], [-1], [99], [0.5], [0, 0], [], ["0"], [None], [True]]
)
def test_sources(tmp_path, drafts, sources):
    steps = copy.deepcopy(network(drafts["tanh"])["steps"])
    steps[0]["sources"] = sources
    for more in ({}, {"fingerprint": network(drafts["tanh"])["fingerprint"]}):
        refused(altered(drafts["tanh"], steps=steps, **more).save(tmp_path / "a"))
    plain = copy.deepcopy(network(drafts["planar"])["steps"])
    for pair in ([8, *sources], [*sources, 8], [8, 9], [8, 10], [0, 8], [8]):
        if pair not in ([8, 2], [2, 8]):  # of one size
            plain[8]["sources"] = pair
            refused(altered(drafts["planar"], steps=plain).save(tmp_path / "a"))


@pytest.mark.parametrize(
    "operation", ["Tanh", "", "softplus", "pow", "sin", "net", "affine ", "sum"]
)
def test_operations(tmp_path, drafts, operation):
    steps = copy.deepcopy(network(drafts["tanh"])["steps"])
    steps[1]["operation"] = operation
    refused(altered(drafts["tanh"], steps=steps).save(tmp_path / "a"))


def test_numbers_of_steps_and_inputs(tmp_path, drafts):
    draft, most = drafts["tanh"], chain(64)
    assert len(most.load().steps) == 64
    entry, content = chain(65).entry(), writer.safetensors_bytes(chain(65).tensors)
    with pytest.raises(Refused, match="too many"):
        feedforward.load(parse(json.dumps(entry).encode())[1], content, "u")
    for entry in (
        {"steps": []},
        {"inputs": 0},
        {"inputs": 2},
        {"inputs": 1025},
        {"inputs": 1.5},
        {"inputs": -1},
    ):
        refused(altered(draft, **entry).save(tmp_path / "a"))
    equations = {
        "call": "u()",
        "two": "u(x, x(t - tau))",
        "list": "u(x(t - tau),)",
        "bare": "u",
        "first": "u_1(x)",
    }
    for text in equations.values():
        bad = copy.deepcopy(draft)
        bad.document["system"]["equations"] = [f"x' = -x + {text}"]
        assert "equation" in refused(bad.save(tmp_path / "a")).where


def test_fractions_are_not_cut_off(tmp_path, drafts):
    """Where the fingerprint, made of integers, is that of the network that is meant."""
    name = network(drafts["planar"])["fingerprint"]
    steps = copy.deepcopy(network(drafts["planar"])["steps"])
    assert steps[8]["sources"] == [8, 3]
    steps[8]["sources"] = [8, 3.5]
    for entry in ({"steps": steps}, {"inputs": 2.5}):
        bad = altered(drafts["planar"], fingerprint=name, **entry)
        assert "integers" in refused(bad.save(tmp_path / "a")).reason


def test_outputs_are_called_in_order():
    several, one = everything(0).load(), small().load()
    found = feedforward.calls({"u": several, "v": one})
    assert found == {"u_1": (several, 0), "u_2": (several, 1), "v": (one, 0)}


def test_a_network_of_64_steps_and_of_a_thousand_units(tmp_path, drafts):
    deep = replace(chain(64), origin=[0.0], rest=[0.0])
    for net in (
        deep,
        replace(feedforward_maker.layers("tanh", (1, 1024, 1), 0, 0.01), origin=[0.0], rest=[0.0]),
    ):
        result = check_file(with_networks(drafts["tanh"], u=net).save(tmp_path / "a"))
        assert result.where != "checker", result
        assert result.valid or "not proved" in result.reason


def test_keys_that_occur_twice(tmp_path, drafts):
    draft = copy.deepcopy(drafts["tanh"])
    document = draft.document | {"claim": writer.claim(draft.document)}
    entries = draft.entries()
    document["digest"] = writer.digest(document, entries)
    text = json.dumps(document)
    for old in ('"networks": {', '"u": {"inputs": 1', '"operation": "tanh"', '"rest": [0.0]'):
        assert old in text
        key = old.split(":")[0]
        content = text.replace(old, f"{key}: null, {old}", 1).encode()
        (tmp_path / "a").write_bytes(writer.archive({"certificate.json": content, **entries}))
        assert "occurs twice" in refused(tmp_path / "a").reason


@pytest.mark.parametrize(
    "section",
    [
        None,
        [],
        "u",
        {"u": None},
        {"u": {}},
        {"u": []},
        1,
        {"u": {"inputs": 1}},
        True,
        "networks",
        ["networks"],
    ],
)
def test_sections_of_a_wrong_form(tmp_path, drafts, section):
    draft = copy.deepcopy(drafts["tanh"])
    claim = writer.claim(draft.document)
    draft.document["system"]["networks"] = section
    refused(writer.write(tmp_path / "a", draft.document | {"claim": claim}, draft.entries()))
    draft.document["system"] = section
    refused(writer.write(tmp_path / "a", draft.document | {"claim": claim}, draft.entries()))


@pytest.mark.parametrize("reclaim", [False, True])
def test_each_field(tmp_path, drafts, reclaim):
    """Any change of the section is refused; and of anything else, unless what is claimed then is true as well."""
    base, entries = copy.deepcopy(drafts["tanh"].document), drafts["tanh"].entries()
    base["claim"] = writer.claim(base)
    check_each_field(tmp_path / "a", base, entries, writer.claim, still_true, reclaim=reclaim)


def still_true(path: tuple, old: Any, new: Any) -> bool:
    """Whether the new claim is true too; never so for another description of the network."""
    if path[:2] == ("system", "networks"):
        return False
    if path[:2] == ("delay", "range"):
        return 0 <= new <= 0.2
    if path[:2] == ("region", "radius"):
        return new <= 8 * old
    if path[:2] == ("region", "level"):
        return new < 2.1 * old
    if path[:2] == ("system", "domain"):
        return abs(new - old) <= 1e-6
    if path[:2] == ("system", "parameters"):
        return new == {"extra": 1}
    if path[:2] == ("system", "equilibrium"):
        return new in ({}, 0)
    return path[:2] == ("system", "equations") and new.strip() == old


# ---- names


@pytest.mark.parametrize(
    "name", ["x", "tau", "t", "clip", "relu", "sin", "V", "V_i", "c_i", "k", "1u", "u.v", "é", ""]
)
def test_names_that_mean_something_else(tmp_path, drafts, name):
    draft = copy.deepcopy(drafts["tanh"])
    net = feedforward_maker.called(draft)
    draft.document["system"] |= {
        "equations": [f"x' = -k*x + {name}(x(t - tau))"],
        "parameters": {"k": 1.0},
    }
    bad = with_networks(draft, **{name: net})
    assert refused(bad.save(tmp_path / "a")).where == "system"


def test_calls_that_have_another_meaning(tmp_path, drafts):
    """u_1 is an output of u, a network, a state, a parameter or a delay: never two of these."""
    draft = copy.deepcopy(drafts["planar"])
    net, one = feedforward_maker.called(draft), small()
    two = replace(net, tensors=dict(net.tensors))
    for networks in ({"u": net, "u_1": one}, {"u": net, "u_1": two}, {"u": net, "u_2": two}):
        bad = with_networks(draft, **networks)
        assert "one name twice" in refused(bad.save(tmp_path / "a")).reason
    named = copy.deepcopy(draft)
    named.document["system"]["parameters"] = {"u_2": 1.0}
    assert "one name twice" in refused(named.save(tmp_path / "a")).reason
    unknown = copy.deepcopy(draft)
    unknown.document["system"]["parameters"] = {"u_2": [1.0, 2.0]}
    assert "one name twice" in refused(unknown.save(tmp_path / "a")).reason
    late = copy.deepcopy(draft)
    late.document["delay"]["name"] = "u_1"
    assert "one name twice" in refused(late.save(tmp_path / "a")).reason
    state = copy.deepcopy(drafts["planar"])
    text = json.dumps(state.document).replace('"y"', '"u_1"').replace("y'", "u_1'")
    state.document = json.loads(text)
    assert "one name twice" in refused(state.save(tmp_path / "a")).reason
    whole = copy.deepcopy(draft)
    whole.document["system"]["equations"] = ["x' = -x + u(x, y)", "y' = -y"]
    assert "stray" in refused(whole.save(tmp_path / "a")).reason


def test_a_network_called_c_among_several_levels(tmp_path):
    """`V_i <= c_i, c = (..)` would have two meanings."""
    draft = maker.two_parts()
    net = replace(small(), origin=[1.0])
    draft.document["system"]["equations"] = ["x' = (1 - x(t-tau)) * x(t) + 0*v(x)"]
    assert check_file(with_networks(draft, v=net).save(tmp_path / "a")).valid
    draft.document["system"]["equations"] = ["x' = (1 - x(t-tau)) * x(t) + 0*c(x)"]
    assert "uses the name c" in refused(with_networks(draft, c=net).save(tmp_path / "a")).reason


@pytest.mark.parametrize("name", ["Q", "r"])
def test_names_that_the_sentence_of_rates_needs(tmp_path, name):
    draft = razumikhin_maker.hutchinson()
    path = calling(draft.save(tmp_path / "a"), small(), name)
    assert f"uses the name {'Q or r'}" in refused(path).reason
    assert check_file(calling(draft.save(tmp_path / "a"), small(), "v")).valid


def test_a_network_called_delta_in_a_law(tmp_path):
    path = resampled_maker.local(bounds=True).save(tmp_path / "a")
    assert check_file(calling(path, tanh(), "u")).valid
    assert "delta" in refused(calling(path, tanh(), "delta")).reason


# ---- other kinds


def tanh(scale: float = 1.0) -> Net:
    """scale tanh(z) as a network."""
    steps = (("affine", (0,)), ("tanh", (1,)), ("affine", (2,)))
    tensors = {"weight1": np.eye(1), "bias1": np.zeros(1)}
    return Net(1, steps, tensors | {"weight3": scale * np.eye(1), "bias3": np.zeros(1)})


def kinked(scale: float = 1.0) -> Net:
    """Slope 1 above 0 and 0.8 below, both between those of tanh on [-1, 1]."""
    steps = (("affine", (0,)), ("relu", (1,)), ("affine", (2,)))
    tensors = {"weight1": np.array([[1.0], [-1.0]]), "bias1": np.zeros(2)}
    weight = scale * np.array([[1.0, -0.8]])
    return Net(1, steps, tensors | {"weight3": weight, "bias3": np.zeros(1)})


def calling(path: Path, net: Net, name: str = "u") -> Path:
    """The file about a network in the place of tanh, with entry, section, claim and digest."""
    entries = writer.entries_of(path)
    document = json.loads(entries.pop("certificate.json"))
    system = document["system"]
    old = "; ".join(system["equations"])
    system["equations"] = [text.replace("tanh(", f"{name}(") for text in system["equations"]]
    system["networks"] = {name: net.entry()}
    new = f"{'; '.join(system['equations'])} with {name} the network {net.entry()['fingerprint']}"
    assert document["claim"].count(old) == 1
    document["claim"] = document["claim"].replace(old, new)
    entries[f"network.{name}.safetensors"] = writer.safetensors_bytes(net.tensors)
    return writer.write(path, document, entries)


def yorke(path: Path) -> Path:
    found = yorke_draft(
        "x' = -tanh(x(t - tau))",
        (0, 1.0),
        domain=[-1.0, 1.0],
        slopes={"rise": [1.001, 1.001], "back": [1.001, 1.001]},
        radius={"rho": 0.25, "box": [-0.75, 0.75]},
    )
    return yorke_save(found, path)


def razumikhin(path: Path) -> Path:
    made = razumikhin_maker.document(
        ["x' = -2*x + tanh(x(t - tau))"], 7.5, "independent", {"x": [-1, 1]}, None, ([], ["x"])
    )
    arrays = {"P": np.eye(1), "q": razumikhin_maker.Q, "beta": np.array([1.9])}
    return razumikhin_maker.finish(razumikhin_maker.Draft(made, arrays), [2]).save(path)


KINDS: dict[str, Callable[[Path], Path]] = {
    "slow": lambda path: slow_maker.neuron().save(path),
    "several": lambda path: several_maker.neuron().save(path),
    "razumikhin": razumikhin,
    "yorke": yorke,
    "scheme": lambda path: scheme_maker.local().save(path),
    "peaks": lambda path: scheme_maker.local_peaks().save(path),
    "resampled": lambda path: resampled_maker.local(bounds=True).save(path),
}


@pytest.mark.parametrize("kind", KINDS)
def test_other_kinds(tmp_path, kind):
    """tanh as a network, and a kinked network with slopes between those of tanh, have the same proof."""
    path = KINDS[kind](tmp_path / "a")
    assert check_file(path).valid
    for net in (tanh(), kinked()):
        result = check_file(calling(KINDS[kind](path), net))
        assert result.valid, result
        assert f"with u the network {net.entry()['fingerprint']}" in result.claim


@pytest.mark.parametrize("make", [tanh, kinked])
@pytest.mark.parametrize("kind", KINDS)
def test_other_kinds_with_other_networks(tmp_path, kind, make):
    """Larger, or of the wrong sign: unstable, or beyond these bounds; biased: no equilibrium."""
    for factor in (5.0, -5.0):
        refused(calling(KINDS[kind](tmp_path / "a"), make(factor)))
    net = make()
    for bias in ("bias1", "bias3"):
        moved = replace(net, tensors=net.tensors | {bias: net.tensors[bias] + 0.125})
        refused(calling(KINDS[kind](tmp_path / "a"), moved))


def test_a_gate_in_the_feedback_of_one_dimension(tmp_path):
    """Kind "yorke" looks at f(x, 0): two inputs, one of them 0, and a network all of whose inputs are numbers."""
    net = everything(0, 2, 1)
    net = feedforward_maker.times(net, 1e-4)
    net = replace(net, origin=[0.0, 0.0], rest=[0.0])
    found = yorke_draft(
        "x' = -x(t - tau) - x + u(x, x(t - tau)) + u(0, 0)*x",
        (0, 0.5),
        domain=[-1.0, 1.0],
        slopes={"rise": [1.1, 1.1], "back": [2.2, 2.2]},
        radius={"rho": 0.25, "box": [-0.75, 0.75]},
    )
    path = yorke_save(found, tmp_path / "a")
    result = check_file(calling(path, net))
    assert result.valid, result
    refused(calling(yorke_save(found, tmp_path / "a"), feedforward_maker.times(net, 1e4)))


def test_pieces_name_the_same_network(tmp_path, drafts):
    """Kind "random": every piece has the network of the claim, and the entry that its fingerprint names."""
    pieces = []
    for low, high in ((0, 0.1), (0.1, 0.2)):
        draft = copy.deepcopy(drafts["tanh"])
        draft.document["delay"]["range"] = [low, high]
        pieces.append(draft.save(tmp_path / "piece").read_bytes())
    law = {"law": "uniform", "args": {"scale": 0.25}}
    found = random_maker.of(pieces, [[0, 0.2]], law, 0.75)
    net = feedforward_maker.called(drafts["tanh"])

    def saved(pieces: list[bytes], net: Net) -> Path:
        draft = replace(found, document=copy.deepcopy(found.document), pieces=pieces)
        draft.document["system"]["networks"] = {"u": net.entry()}
        path = draft.save(tmp_path / "a")
        entries = writer.entries_of(path)
        document = json.loads(entries.pop("certificate.json"))
        entries["network.u.safetensors"] = writer.safetensors_bytes(net.tensors)
        return writer.write(path, document, entries)

    result = check_file(saved(pieces, net))
    assert result.valid, result
    other = feedforward_maker.times(net, 1.001)
    assert "another system" in refused(saved(pieces, other)).reason
    moved = with_networks(drafts["tanh"], u=other)
    moved.document["delay"]["range"] = [0.1, 0.2]
    mixed = [pieces[0], moved.save(tmp_path / "piece").read_bytes()]
    assert "another system" in refused(saved(mixed, net)).reason


def test_sums_of_squares_take_no_network(tmp_path):
    """Nor relu: the right-hand side must be a polynomial."""
    system = hutchinson()
    draft = sos_maker.draft(system, [sos_maker.part(system, 0.0, 0.4, 1)], [0.0, 0.4])
    path = draft.save(tmp_path / "a")
    assert check_file(path).valid
    net = feedforward_maker.times(tanh(), 0.0)
    for term in ("u(x)", "0*relu(x)"):
        changed = copy.deepcopy(draft)
        old = changed.document["system"]["equations"][0]
        changed.document["system"]["equations"] = [f"{old} + {term}"]
        saved = changed.save(path)
        refused(calling(saved, net))
