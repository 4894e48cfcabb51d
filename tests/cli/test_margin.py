import json
from dataclasses import dataclass

import pytest
from command_line import run_certdde

from certdde.studies.destabilising import Destabilising
from certdde.studies.local_margin import LocalMargin


@dataclass(frozen=True)
class FakeResult:
    delay_margin: float | None
    intervals: list[tuple[float, float]]
    method: str = "lmi"
    order: int = 1
    seconds: float = 1.5
    complete: bool = True


CROSSING_AT = LocalMargin("a root crosses", 1.57, 1.0, 1.571)


@dataclass(frozen=True)
class FakeBeside:
    local: LocalMargin | None = CROSSING_AT
    destabilising: Destabilising | None = None
    complete: bool = True

    def shown(self):
        return {"local_margin": self.local and self.local.delay, "destabilising": None}


@pytest.fixture(autouse=True)
def beside(stand_in):
    """What stands beside the margin, and how it was asked for."""
    seen = []

    def beside_margin(system, delay, start, stop, **options):
        seen.append(options)
        return FakeBeside()

    stand_in("certdde.studies.beside_margin", beside_margin=beside_margin)
    return seen


@pytest.fixture
def calls(stand_in):
    seen = []

    def margin(problem, **options):
        seen.append(options)
        return FakeResult(0.677, [(0.0, 0.677)])

    stand_in("certdde.studies.margin", margin=margin)
    return seen


def test_json(calls, problem_file):
    result = run_certdde("margin", problem_file, "--method", "lmi", "--json")
    assert result.status == 0
    assert json.loads(result.out) == {
        "delay_margin": 0.677,
        "intervals": [[0.0, 0.677]],
        "method": "lmi",
        "order": 1,
        "seconds": 1.5,
        "complete": True,
        "local_margin": 1.57,
        "destabilising": None,
    }
    assert calls[0]["method"] == "lmi"


def test_the_search_goes_to_twice_the_range_unless_told(calls, problem_file):
    assert run_certdde("margin", problem_file, "--order", "2").status == 0
    assert run_certdde("margin", problem_file, "--from", "0.1", "--to", "3").status == 0
    assert [(c["start"], c["stop"], c["order"]) for c in calls] == [(0.0, 1.8, 2), (0.1, 3.0, 1)]


def test_nothing_certified_is_status_1(stand_in, problem_file):
    stand_in("certdde.studies.margin", margin=lambda *a, **k: FakeResult(None, []))
    result = run_certdde("margin", problem_file)
    assert result.status == 1
    assert "nothing" in result.out


@pytest.mark.parametrize(
    "words",
    [
        ["--from", "-1"],
        ["--from", "nan"],
        ["--to", "0"],
        ["--to", "inf"],
        ["--from", "2", "--to", "1"],
        ["--order", "-1"],
        ["--order", "99"],
        ["--method", "magic"],
        ["--attack", "-1"],
        ["--attack", "nan"],
    ],
)
def test_bad_options(calls, problem_file, words):
    run_certdde("margin", problem_file, *words).complaint()
    assert not calls


def test_what_stands_beside_is_called_float64(calls, problem_file):
    lines = run_certdde("margin", problem_file).out.splitlines()
    assert "local margin  1.57  (of the linearisation at the equilibrium; float64)" in lines
    assert "destabilised  -  (nothing found, which proves nothing)" in lines


def test_a_destabilising_delay_below_the_margin_is_explained(calls, stand_in, problem_file):
    found = Destabilising(0.5, "diverges", {"x": 0.9})
    answer = FakeBeside(destabilising=found)
    stand_in("certdde.studies.beside_margin", beside_margin=lambda *a, **k: answer)
    out = run_certdde("margin", problem_file).out
    assert "from the constant history x = 0.9 the solution diverges; float64" in out
    assert "not all of the domain" in out


def test_an_interrupted_search_prints_what_was_proved(beside, stand_in, problem_file):
    found = FakeResult(0.3, [(0.0, 0.3)], complete=False)
    asked = []

    def margin(problem, **options):
        asked.append(options["partial"])
        return found

    stand_in("certdde.studies.margin", margin=margin)
    result = run_certdde("margin", problem_file, "--json")
    assert asked == [True]
    assert result.status == 130
    assert json.loads(result.out)["delay_margin"] == 0.3
    assert not json.loads(result.out)["complete"]
    assert result.err.startswith("certdde: interrupted; ")
    assert beside[0]["seconds"] == 0.0  # no simulation after Ctrl-C
