"""Several delays, and multiples of one: from equations to a checked certificate, and what is refused."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest

from certdde.certificates import Certificate
from certdde.certificates.claim import claim_sentence
from certdde.delays.classes import Constant, Measurable, Several
from certdde.errors import ProblemError
from certdde.learning.boxes import Box, abscissa_at, windows_part
from certdde.learning.certify import certify
from certdde.learning.several import lagged_system
from certdde.studies.margin import margin
from certdde.systems import DelaySystem
from certdde.systems.problem import Problem

PAIR = ["x' = -0.7*x(t - tau1) - 0.4*x(t - tau2)"]
BENCHMARK = ["x1' = -2*x1 - x1(t - tau1)", "x2' = -0.9*x2 - x1(t - tau2) - x2(t - tau2)"]
FRICTION = ["x' = v", "v' = -2*x + 0.1*v + 0.6*x(t - tau1) + 0.4*x(t - tau2)"]
TWICE = ["x' = v", "v' = -2*x + 0.1*v + 0.6*x(t - tau) + 0.4*x(t - 2*tau)"]


def several(*ranges: tuple[float, float]) -> Several:
    return Several(tuple(Constant(f"tau{j}", *r) for j, r in enumerate(ranges, 1)))


def found(equations: list[str], *ranges: tuple[float, float], **options) -> Certificate:
    delay = several(*ranges)
    system = DelaySystem.from_equations(equations, delays=delay.names)
    return certify(system, delay, **options)


def accepted(certificate: Certificate, tmp_path) -> bool:
    result = certificate.save(tmp_path / "a.certdde").check()
    assert result.valid is (certificate.rigor == "rigorous"), result
    if result.valid:
        data = certificate.data
        sections = (data["system"], data["delay"], data["region"], data["kind"])
        assert result.claim == certificate.claim == claim_sentence(*sections)
    return result.valid


# ---- several delays


@pytest.mark.parametrize(
    ("equations", "ranges", "order"),
    [
        (PAIR, [(0, 1.42), (0, 1.42)], 1),
        (PAIR, [(0, 1.2), (0, 1.9)], 2),
        (PAIR, [(0.3, 0.3), (0, 1)], 0),
        (BENCHMARK, [(0, 6.1), (0, 6.1)], 2),
        (FRICTION, [(0.3, 1.2), (0.2, 1.4)], 3),
        (["x' = -x - 0.3*x(t - tau1) + 0.3*x(t - tau2) - 0.3*x(t - tau3)"], [(0, 9)] * 3, 0),
        (
            ["x' = " + " ".join(f"- 0.25*x(t - tau{j})" for j in range(1, 5))],
            [(0, 1), (0.5, 1.2), (0, 1.5), (1, 1.3)],
            1,
        ),
    ],
)
def test_ranges_of_several_delays_are_certified(tmp_path, equations, ranges, order):
    certificate = found(equations, *ranges, order=order)
    assert certificate.status == "certified"
    assert accepted(certificate, tmp_path)
    system = lagged_system(
        DelaySystem.from_equations(equations, delays=several(*ranges).names), several(*ranges)
    )
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert abscissa_at(system, [rng.uniform(a, b) for a, b in ranges]) < 0


def test_a_box_that_one_functional_does_not_cover_is_halved(tmp_path):
    """Of order 1 none covers the square; the boxes do, in the order of the tree."""
    square = [(0.2, 1.5), (0.2, 1.5)]
    system = lagged_system(
        DelaySystem.from_equations(FRICTION, delays=["tau1", "tau2"]), several(*square)
    )
    root = Box.around(square)
    assert all(windows_part(system, 1, grid) is None for grid in root.grids())
    certificate = found(FRICTION, *square, order=1)
    assert accepted(certificate, tmp_path)
    assert len(certificate.data["functional"]["parts"]) > 1


@pytest.mark.parametrize(
    ("equations", "ranges"),
    [
        (PAIR, [(0, 1.43), (0, 1.43)]),
        (PAIR, [(0, 3), (0, 1)]),
        (BENCHMARK, [(0, 1), (0, 6.2)]),
        (FRICTION, [(0, 1), (0, 1)]),
        (["x' = x(t - tau1) - 0.5*x(t - tau2)"], [(0, 1), (0, 1)]),
    ],
)
def test_an_unstable_box_is_refuted(equations, ranges):
    certificate = found(equations, *ranges, order=2)
    assert certificate.status == "refuted"
    assert set(certificate.data["counterexample"]["delays"]) == {"tau1", "tau2"}
    assert "at the delays tau1 = " in certificate.claim


def test_what_is_unstable_between_samples_is_not_certified():
    """One root touches the axis at tau1 = tau2 = pi only."""
    equations = ["x' = v", "v' = -x - v - 0.5*v(t - tau1) - 0.5*v(t - tau2)"]
    certificate = found(equations, (2.9, 3.4), (2.9, 3.4), order=2, budget=4)
    assert certificate.status == "unknown"
    assert "no functional of order 2" in certificate.claim


def test_boxes_hold_what_decimals_say():
    box = Box.around([(0.1, 0.3), (0.0, 1.0)])
    assert box.lower[0] < 0.1
    assert box.upper[0] > 0.3
    assert (box.lower[1], box.upper[1]) == (0.0, 1.0)
    low, high = box.halves(1)
    assert low.upper[1] == high.lower[1] == 0.5
    for grid in box.grids():
        for ends, a, b in zip(grid, box.lower, box.upper, strict=True):
            assert ends[0] <= a
            assert b <= ends[-1]
            assert ends == sorted(set(ends))


# ---- multiples of one delay


def test_ten_states_with_ten_delays(tmp_path):
    """x' = -(1/10) sum_j x(t - j/10) for each state, delays j tau with tau up to 0.1 and beyond."""
    lags = " + ".join(f"x{{i}}(t - {k}*tau)" for k in range(1, 11))
    equations = [f"x{i}' = -0.1*(" + lags.format(i=i) + ")" for i in range(1, 11)]
    system = DelaySystem.from_equations(equations)
    began = time.monotonic()
    certificate = certify(system, Constant("tau", 0.05, 0.1))
    assert accepted(certificate, tmp_path)
    assert certificate.data["kind"] == "spectral"
    assert accepted(certify(system, Constant("tau", 0.0, 0.41)), tmp_path)
    assert time.monotonic() - began < 120
    assert certify(system, Constant("tau", 0.0, 0.42)).status == "refuted"


def test_a_margin_to_nine_digits():
    """x' = -x(t - tau) - x(t - 2 tau)/2: cos a + cos(2 a)/2 = 0 at the crossing, so cos a = (3^.5 - 1)/2."""
    problem = Problem.from_dict(
        {
            "system": {"equations": ["x' = -x(t - tau) - 0.5*x(t - 2*tau)"]},
            "delays": {"tau": {"range": [0, 1]}},
        }
    )
    angle = np.arccos((3**0.5 - 1) / 2)
    exact = angle / (np.sin(angle) + np.sin(2 * angle) / 2)
    result = margin(problem, method="spectral", start=0.0, stop=2.0)
    assert result.delay_margin == pytest.approx(exact, rel=1e-8)
    assert result.delay_margin < exact < result.unstable
    assert result.rigor == "rigorous"


@pytest.mark.parametrize("method", ["spectral", "lmi"])
def test_a_window_of_delays_with_multiples(tmp_path, method):
    """Unstable without delay: the anchor of the spectral proof is a functional with two windows."""
    system = DelaySystem.from_equations(TWICE)
    certificate = certify(system, Constant("tau", 0.2, 0.9), method=method, order=2)
    assert accepted(certificate, tmp_path)
    assert certificate.data["kind"] == {"spectral": "spectral", "lmi": "several"}[method]
    assert certificate.data["functional"]["order"] == 2
    wide = certify(system, Constant("tau", 0.0, 0.9), method=method, order=2)
    assert wide.status == "refuted"


# ---- what is refused, in one line


@pytest.mark.parametrize(
    ("equations", "delay", "method", "said"),
    [
        (PAIR, several((0, 1), (0, 1)), "spectral", "takes constant delays, not several ones"),
        (PAIR, several((0, 1), (0, 1)), "razumikhin", "not several ones"),
        (PAIR, several((0, 1)), "auto", "'tau2' has no range"),
        (TWICE, Constant("tau", 0, 1), "razumikhin", "takes one delay, without multiples"),
        (TWICE, Measurable("tau", 0, 1), "auto", "no method applies"),
        (TWICE, Measurable("tau", 0, 1), "lmi", "takes one delay, without multiples"),
        (["x' = -x(t - tau1)"], several((0, 1), (0, 1)), "auto", "'tau2' does not occur"),
        (
            ["x' = -x(t - tau1) - x(t - tau2)*(1 + x)"],
            several((0, 1), (0, 1)),
            "sos",
            "takes constant delays, not several ones",
        ),
        (["x' = -x(t - tau) - x(t - 2*tau)**3"], Constant("tau", 0, 1), "sos", "multiples"),
    ],
)
def test_problems_that_no_method_takes(equations, delay, method, said):
    names = delay.names if isinstance(delay, Several) else (delay.name,)
    used = names if "tau2" not in equations[0] else ("tau1", "tau2")
    system = DelaySystem.from_equations(
        equations, delays=used, domain=dict.fromkeys("xv"[: len(equations)], (-1, 1))
    )
    with pytest.raises(ProblemError, match=re.escape(said)) as caught:
        certify(system, delay, method=method)
    assert "\n" not in str(caught.value)


def test_a_margin_is_that_of_one_delay():
    problem = Problem.from_dict(
        {
            "system": {"equations": PAIR},
            "delays": {"tau1": {"range": [0, 1]}, "tau2": {"range": [0, 1]}},
        }
    )
    with pytest.raises(ProblemError, match="there are 2 delays"):
        margin(problem, method="lmi")
