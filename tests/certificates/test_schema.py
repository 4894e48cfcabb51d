"""docs/certificate.schema.json: what is written conforms to it, what the checker's table refuses does not."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import jsonschema
import pytest

from certdde.certificates.certificate import SCHEMA, Certificate, not_certified
from certdde.delays.classes import Constant, Measurable, Resampled, Sampled, Several, Slow
from certdde.delays.random import Random
from certdde.learning.certify import certify
from certdde.systems import DelaySystem

from ..verify.checker import maker

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "certificate.schema.json").read_text(encoding="utf-8")
VALIDATOR = jsonschema.Draft202012Validator(json.loads(TEXT))

DRAFTS = {
    "linear": lambda: maker.linear_scalar(1),
    "linear with a domain": maker.linear_with_domain,
    "neural": lambda: maker.hutchinson(True),
    "pendulum": maker.pendulum,
    "two parts": maker.two_parts,
}


METHODS = ("lmi", "spectral", "theorem")
PARETO = {"law": "pareto", "args": {"b": 1.5, "scale": 0.1}}


def swings() -> dict:
    """Kind yorke with a domain."""
    system = DelaySystem.from_equations(["x' = -(1 + x)*x(t - tau)"], domain={"x": [-0.5, 1]})
    return certify(system, Measurable("tau", 0.0, 1.0), method="theorem").data


def squares() -> dict:
    """Kind sos."""
    system = DelaySystem.from_equations(["x' = -(1 + x)*x(t - tau)"], domain={"x": [-0.5, 1]})
    return certify(system, Constant("tau", 0.0, 0.5), method="sos").data


def drawn() -> dict:
    """Kind resampled with a domain."""
    system = DelaySystem.from_equations(
        ["x[t+1] = x[t] - 0.5*tanh(x[t-tau])"], domain={"x": [-1, 1]}
    )
    return certify(system, Resampled("tau", 0, 2, (1.0, 2.0, 0.5))).data


def certified(method: str) -> dict:
    system = DelaySystem.from_equations(["x' = -x(t - tau)"])
    return certify(system, Constant("tau", 0.0, 1.2), method=method, order=1).data


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> dict[str, dict]:
    folder = tmp_path_factory.mktemp("schema")
    found = {
        name: Certificate.load(make().save(folder / "a")).data for name, make in DRAFTS.items()
    }
    for method in METHODS:
        found[method] = json.loads(json.dumps(certified(method)))
    found["swings"] = json.loads(json.dumps(swings()))
    held = certify(DelaySystem.from_equations(["x' = -x(t - tau)"]), Sampled("tau", 0.0, 1.9))
    found["held"] = json.loads(json.dumps(held.data))
    law = {
        "law": "mixture",
        "weights": [0.5, 0.5],
        "laws": [PARETO, PARETO | {"range": [0.1, 2.0]}],
    }
    once = certify(DelaySystem.from_equations(["x' = -x(t - tau)"]), Random.of("tau", law))
    found["drawn once"] = json.loads(json.dumps(once.data))
    found["squares"] = json.loads(json.dumps(squares()))
    found["drawn"] = json.loads(json.dumps(drawn()))
    return found


def test_it_is_a_schema_of_this_version():
    jsonschema.Draft202012Validator.check_schema(json.loads(TEXT))
    schema = json.loads(TEXT)
    assert schema["$id"] == SCHEMA == schema["properties"]["schema"]["const"]
    page = (DOCS / "certificate-format.md").read_text(encoding="utf-8")
    assert "(certificate.schema.json)" in page
    for key in schema["properties"]:
        assert f"`{key}`" in page
    classes = re.search(r'"class": "(\w+)" or "(\w+)"', page)
    assert classes is not None
    assert set(classes.groups()) == set(schema["$defs"]["delay"]["properties"]["class"]["enum"])


@pytest.mark.parametrize(
    "name", [*DRAFTS, *METHODS, "swings", "squares", "drawn", "drawn once", "held"]
)
def test_certificates_conform(written, tmp_path, name):
    data = dict(written[name])
    data.setdefault("digest", "0" * 64)
    VALIDATOR.validate(data)


@pytest.mark.parametrize("status", ["unknown", "refuted"])
def test_the_other_outcomes_conform(tmp_path, status):
    system = DelaySystem.from_equations(["x' = -(1 + x)*x(t - tau)"], domain={"x": [-0.5, 1]})
    data = not_certified(
        status, "why", system, Constant("tau", 0.0, 2.0), counterexample={"delay": 2.0}
    )
    VALIDATOR.validate(json.loads(json.dumps(data.save(tmp_path / "a").data)))


def test_what_the_table_refuses_does_not_conform(written):
    from certdde.verify.checker.refusal import Refused
    from certdde.verify.checker.schema import TABLE, conform

    for name in ("neural", "linear"):
        base = written[name]
        for path in paths(base):
            if path[0] in ("statistics", "versions", "seed"):
                continue
            for new in (None, True, "x y", [], {}, [None], {"a": None}):
                data = replaced(base, path, new)
                if isinstance(data, dict) and refused(data, TABLE, conform, Refused):
                    assert not VALIDATOR.is_valid(data), (path, new)


def refused(data, table, conform, error) -> bool:
    from certdde.verify.checker.document import parse

    try:
        conform(parse(json.dumps(data).encode())[1], table, "x")
    except error:
        return True
    return False


def paths(value, prefix=()):
    if prefix:
        yield prefix
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, item in items:
        yield from paths(item, (*prefix, key))


def replaced(value, path, new):
    if not path:
        return new
    value = copy.copy(value)
    inner = replaced(value[path[0]], path[1:], new) if path[1:] else new
    value[path[0]] = inner
    return value


@pytest.mark.parametrize(
    ("path", "new"),
    [
        (("schema",), "certdde-certificate-2"),
        (("extra",), 1),
        (("system", "extra"), 1),
        (("delay", "range"), [-1, 2]),
        (("delay", "range"), [0, 1, 2]),
        (("delay", "class"), "random"),
        (("functional",), None),
        (("functional", "order"), 1.5),
        (("functional", "kind"), "quadratic"),
        (("region", "level"), None),
        (("region", "level"), [-1]),
        (("region", "radius"), None),
        (("counterexample",), {}),
        (("digest",), "abc"),
        (("kind",), "spectral"),
        (("system", "states"), []),
        (("system", "states"), ["x", "x"]),
    ],
)
def test_single_changes(written, path, new):
    data = written["neural"]
    assert VALIDATOR.is_valid(data)
    assert not VALIDATOR.is_valid(replaced(data, path, new))


@pytest.mark.parametrize(
    ("path", "new"),
    [
        (("proof", "slopes"), None),
        (("proof", "slopes", "rise"), [1]),
        (("proof", "slopes", "back"), [1, 0]),
        (("proof", "extra"), 1),
        (("region", "radius"), None),
        (("region", "radius", "rho"), 0),
        (("region", "radius", "extra"), 1),
        (("region", "level"), [1]),
        (("functional", "kind"), "quadratic"),
        (("functional", "order"), 1),
        (("delay", "class"), "slow"),
        (("kind",), "krasovskii"),
        (("kind",), "unheard-of"),
        (("system", "states"), ["x", "y"]),
    ],
)
def test_single_changes_of_kind_yorke(written, path, new):
    data = written["swings"] | {"digest": "0" * 64}
    assert VALIDATOR.is_valid(data)
    assert not VALIDATOR.is_valid(replaced(data, path, new))


@pytest.mark.parametrize(
    ("path", "new"),
    [
        (("delay", "weights"), []),
        (("delay", "weights"), [1, -1]),
        (("delay", "weights"), None),
        (("delay", "class"), "measurable"),
        (("functional", "kind"), "peaks"),
        (("region", "level"), [1, 1]),
        (("region", "radius", "rho"), 0),
        (("proof", "extra"), 1),
    ],
)
def test_single_changes_of_kind_resampled(written, path, new):
    data = written["drawn"] | {"digest": "0" * 64}
    assert VALIDATOR.is_valid(data)
    assert not VALIDATOR.is_valid(replaced(data, path, new))


@pytest.mark.parametrize(
    "delay",
    [
        Resampled("tau", 0.0, 1.0),
        Slow("tau", 0.0, 1.0, None, 0.5),
        Slow("tau", 0.0, 1.0, -0.5, 0.5),
        Sampled("tau", 0.0, 1.0),
        Several((Constant("tau", 0.0, 1.0), Constant("sigma", 0.5, 0.5))),
    ],
)
def test_outcomes_of_other_delay_classes_conform(tmp_path, delay):
    system = DelaySystem.from_equations(["x' = -x(t - tau)"], delays=("tau", "sigma"))
    data = not_certified("unknown", "why", system, delay)
    VALIDATOR.validate(json.loads(json.dumps(data.save(tmp_path / "a").data)))


def test_every_kind_of_the_checker_is_named():
    from certdde.verify.checker.rules import RULES

    assert sorted(json.loads(TEXT)["properties"]["kind"]["enum"]) == sorted({*RULES, "slow"})
