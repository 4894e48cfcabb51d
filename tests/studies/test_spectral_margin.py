"""All stable windows, each with a certificate that the checker accepts."""

import math

import pytest
from anchors import GU, HUTCHINSON, KIM, KR, LD, SC, UNSTABLE

from certdde.errors import ProblemError
from certdde.studies.margin import margin
from certdde.systems.problem import Problem
from certdde.verify.spectral import spectral_abscissa


def problem(system) -> Problem:
    table = {"equations": list(system.equations)}
    if system.domain:
        table["domain"] = {"x": [-0.5, 1.0]}
    return Problem.from_dict(
        {"system": table, "delays": {"tau": {"class": "constant", "range": [0, 1]}}}
    )


@pytest.mark.parametrize(
    ("system", "limit"),
    [(SC, math.pi / 2), (KR, 6.172581371), (LD, math.pi)],
    ids=["SC", "KR", "LD"],
)
def test_margins_within_a_millionth(system, limit):
    found = margin(problem(system), method="spectral", stop=limit * 1.01)
    assert limit * (1 - 1e-6) < found.delay_margin < limit * (1 + 1e-8)
    assert (found.method, found.rigor) == ("spectral", "rigorous")


def test_an_unstable_delay_is_named_on_the_other_side():
    found = margin(problem(KR), method="auto", stop=10.0)
    assert found.unstable == pytest.approx(found.delay_margin, rel=1e-5)
    present, delayed = (m.numpy() for m in KR.jacobians())
    assert spectral_abscissa(present, delayed, found.unstable) > 0
    assert margin(problem(KR), method="spectral", stop=3.0).unstable is None


def test_a_window_that_does_not_begin_at_the_start():
    found = margin(problem(GU), method="spectral", stop=5.0)
    assert found.delay_margin is None
    ((lower, upper),) = found.intervals
    assert lower == pytest.approx(0.1001683, abs=1e-7)
    assert upper == pytest.approx(1.7178582, abs=1e-7)
    inside = margin(problem(GU), method="spectral", start=0.5, stop=5.0)
    assert inside.delay_margin == pytest.approx(1.7178582, abs=1e-7)


def test_windows_that_touch_at_an_excluded_delay():
    """LD: stable on both sides of pi, and no window holds pi or 3 pi."""
    found = margin(problem(LD), method="spectral", stop=10.0)
    assert len(found.intervals) == 3
    for limit in (math.pi, 3 * math.pi):
        assert not any(a <= limit <= b for a, b in found.intervals)
        assert min(min(abs(a - limit), abs(b - limit)) for a, b in found.intervals) < 1e-5
    assert found.unstable is None


def test_stable_and_unstable_throughout():
    found = margin(problem(KIM), method="spectral", stop=50.0)
    assert (found.delay_margin, found.intervals) == (50.0, [(0.0, 50.0)])
    nothing = margin(problem(UNSTABLE), method="spectral", stop=2.0)
    assert (nothing.delay_margin, nothing.intervals) == (None, [])


def test_a_nonlinear_system_is_refused_in_one_line():
    with pytest.raises(ProblemError, match="linear equations only"):
        margin(problem(HUTCHINSON), method="spectral")


def test_a_delay_that_varies_is_refused_in_one_line():
    varying = Problem.from_dict(
        {
            "system": {"equations": ["x' = -x(t - tau)"]},
            "delays": {"tau": {"class": "measurable", "range": [0, 1]}},
        }
    )
    with pytest.raises(ProblemError, match="takes constant delays"):
        margin(varying, method="spectral", stop=2.0)
