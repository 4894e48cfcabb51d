import json
from dataclasses import dataclass

import pytest
from command_line import run_certdde


@dataclass(frozen=True)
class FakeResult:
    delay_margin: float | None
    intervals: list[tuple[float, float]]
    method: str = "lmi"
    order: int = 1
    seconds: float = 1.5


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
    ],
)
def test_bad_options(calls, problem_file, words):
    run_certdde("margin", problem_file, *words).complaint()
    assert not calls
