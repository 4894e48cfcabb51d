"""Class random in problem files: laws that can be used, and one line for those that cannot."""

from __future__ import annotations

from typing import Any

import pytest

from certdde.delays.random import Random, law_of
from certdde.errors import ProblemError
from certdde.systems.problem import Problem

PARETO = {"law": "pareto", "args": {"b": 1.5, "scale": 0.1}}


def problem(**delay: Any) -> Problem:
    data = {
        "system": {"equations": ["x' = -x(t - tau)"]},
        "delays": {"tau": {"class": "random", **delay}},
    }
    return Problem.from_dict(data, source="a.toml")


def test_a_table_gives_the_class():
    delay = problem(**PARETO).delay_class()
    assert isinstance(delay, Random)
    assert delay.kind == "random"
    assert delay.section == PARETO
    assert delay.mass(0.1, 0.4) == pytest.approx(1 - 0.25**1.5)
    assert delay.mass(delay.upper, float("inf")) == pytest.approx(1e-4)


def test_ranges_condition_and_mixtures_mix():
    half = problem(law="uniform", args={"scale": 2.0}, range=[0.0, 1.0]).delay_class()
    assert half.mass(0.0, 0.5) == pytest.approx(0.5)
    assert half.upper == 1.0
    cut = problem(law="norm", args={"loc": 1.0}, range=[0.0, 2.0]).delay_class()
    assert cut.mass(0.0, 1.0) == pytest.approx(0.5)
    mixed = problem(law="mixture", weights=[0.25, 0.75], laws=[PARETO, {"law": "expon"}])
    delay = mixed.delay_class()
    assert delay.mass(0.0, 0.1) == pytest.approx(0.75 * 0.09516258)
    assert delay.section["laws"][1] == {"law": "expon", "args": {}}


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "law"),
    ({"law": "pareto", "args": {"b": 1.0}}, "no finite mean"),
    ({"law": "cauchy"}, "-inf"),
    ({"law": "norm", "args": {"loc": 5.0}}, "-inf"),
    ({"law": "no_such_law"}, "no_such_law"),
    ({"law": "binom", "args": {"n": 3, "p": 0.5}}, "binom"),
    ({"law": "pareto", "args": {"wrong": 1.0}}, "wrong"),
    ({"law": "expon", "args": {"scale": -1.0}}, "scale"),
    ({"law": "pareto"}, "pareto"),
    ({"law": "uniform", "range": [2.0, 3.0]}, "no probability"),
    ({"law": "uniform", "range": [0.5, 0.5]}, "0.5"),
    ({"law": "uniform", "range": [-1.0, 0.5]}, "negative"),
    ({"law": "expon", "weights": [1.0]}, "weights"),
    ({"law": "mixture", "weights": [1.0]}, "laws"),
    ({"law": "mixture", "weights": [0.3, 0.6], "laws": [PARETO, PARETO]}, "sum"),
    ({"law": "mixture", "weights": [0.3, 0.7000000001], "laws": [PARETO, PARETO]}, "sum"),
    ({"law": "mixture", "weights": [0.5, 0.5], "laws": [PARETO]}, "weights"),
    ({"law": "mixture", "weights": [1.0], "laws": [{"args": {}}]}, "law"),
    ({"law": "mixture", "weights": [1.0], "laws": [PARETO | {"rate": 1.0}]}, "rate"),
    ({"law": "expon", "rate": 0.5}, "rate"),
]


@pytest.mark.parametrize(("delay", "word"), BAD)
def test_what_is_no_law_is_one_line(delay, word):
    with pytest.raises(ProblemError) as found:
        problem(**delay).delay_class()
    text = str(found.value)
    assert word in text
    assert "\n" not in text
    assert "a.toml" in text


def test_laws_belong_to_random_delays():
    with pytest.raises(ProblemError, match="laws"):
        problem(**{"class": "constant", "range": [0.0, 1.0], "laws": [PARETO]})


def test_infinite_means_and_negative_delays_are_cut_off():
    law = law_of({"law": "pareto", "args": {"b": 0.5}, "range": [0.0, 5.0]}, "here")
    assert law.upper == 5.0
    assert 1.0 < law.mean < 5.0
