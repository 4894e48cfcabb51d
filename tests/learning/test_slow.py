"""Delays of bounded rate: certificates up to the bars, refusals beyond, and V along simulated solutions."""

from __future__ import annotations

import math
import time
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import torch
from anchors import GU, KIM, KR, LD, SC, UNSTABLE
from scipy.interpolate import CubicSpline
from slow_functionals import energy, features

from certdde.certificates import Certificate
from certdde.certificates.claim import claim_sentence
from certdde.delays.classes import Measurable, Slow
from certdde.errors import ProblemError
from certdde.inequalities.slow import dissipation_terms, linear_rows, value
from certdde.learning.certify import certify
from certdde.learning.slow import FINEST, first_break, slow_answer, window_of
from certdde.solvers import solve
from certdde.studies.margin import margin
from certdde.systems.delay_system import DelaySystem
from certdde.systems.problem import Problem

QUICK = [
    (SC, 1.545, (-0.1, 0.1), 1),
    (SC, 1.48, (-0.5, 0.5), 1),
    (SC, 1.52, (None, 0.1), 1),
    (SC, 1.44, (None, 0.5), 1),
    (KR, 4.6, (-0.1, 0.1), 1),
]
BARS = [
    (KR, 4.91, (-0.1, 0.1), 1),
    (KR, 4.95, (-0.1, 0.1), 1),
    (KR, 3.35, (-0.5, 0.5), 1),
    (KR, 3.44, (-0.5, 0.5), 1),
    (KR, 4.76, (None, 0.1), 1),
    (KR, 2.77, (None, 0.5), 1),
    (KIM, 7.3, (-0.1, 0.1), 1),
    (KIM, 2.6, (-0.5, 0.5), 1),
    (SC, 1.495, (-0.5, 0.5), 2),
]
FALSE = [
    (SC, 0.0, 1.5709, (-0.01, 0.01)),
    (KR, 0.0, 6.2, (-0.01, 0.01)),
    (GU, 0.0, 1.0, (-0.1, 0.1)),
    (LD, 0.0, 3.15, (0.0, 0.0)),
    (LD, 3.5, 9.5, (-0.1, 0.1)),
    (UNSTABLE, 0.0, 1.0, (-0.1, 0.1)),
    (UNSTABLE, 0.5, 1.0, (None, 0.0)),
]


def slow(lower, upper, rates) -> Slow:
    return Slow("tau", lower, upper, *rates)


def rigorous(system, upper, rates, order, path) -> None:
    found = certify(system, slow(0.0, upper, rates), method="lmi", order=order)
    assert (found.status, found.rigor) == ("certified", "rigorous"), found
    data = found.data
    assert (data["kind"], data["engine"]) == ("slow", "lmi")
    assert data["delay"]["rate"] == list(rates)
    assert data["claim"] == claim_sentence(data["system"], data["delay"], data["region"])
    assert found.save(path).check().valid
    assert Certificate.load(path).check().claim == data["claim"]


@pytest.mark.parametrize(("system", "upper", "rates", "order"), QUICK)
def test_certified(system, upper, rates, order, tmp_path):
    rigorous(system, upper, rates, order, tmp_path / "a.certdde")


@pytest.mark.slow
@pytest.mark.parametrize(("system", "upper", "rates", "order"), BARS)
def test_certified_to_the_bars(system, upper, rates, order, tmp_path):
    began = time.perf_counter()
    rigorous(system, upper, rates, order, tmp_path / "a.certdde")
    assert time.perf_counter() - began < 60


@pytest.mark.parametrize(("system", "lower", "upper", "rates"), FALSE)
def test_refused_where_a_constant_delay_is_unstable(system, lower, upper, rates):
    """Constant delays belong to the class. The functional alone refuses too, without the spectrum."""
    delay = slow(lower, upper, rates)
    assert certify(system, delay, order=1).status in ("refuted", "unknown")
    assert slow_answer(system, delay, 1).functional is None


def test_a_lower_end_of_the_range_helps():
    """Unstable without delay, stable in the middle of its window of constant delays."""
    found = certify(GU, slow(0.8, 0.8, (-0.02, 0.02)), order=1)
    assert found.rigor == "rigorous"


def test_auto_and_the_methods_that_do_not_fit():
    delay = slow(0.0, 1.0, (-0.2, 0.2))
    assert certify(SC, delay, method="auto").data["engine"] == "lmi"
    for method in ("spectral", "razumikhin", "sos"):
        with pytest.raises(ProblemError, match="takes"):
            certify(SC, delay, method=method)
    with pytest.raises(ProblemError, match="no domain"):
        DelaySystem.from_equations(["x' = -tanh(x(t - tau))"])
    with pytest.raises(ProblemError, match="too high"):
        certify(SC, delay, method="lmi", order=7)


def test_equilibria_elsewhere():
    system = DelaySystem.from_equations(
        ["x' = -k*(x(t - tau) - 3)"], parameters={"k": 0.5}, equilibrium={"x": 3.0}
    )
    found = certify(system, slow(0.0, 2.8, (-0.3, 0.3)))
    assert found.rigor == "rigorous"
    assert "x = 3.0 of x' = -k*(x(t - tau) - 3) with k = 0.5" in found.data["claim"]


@pytest.mark.parametrize("upper", [0.7, 1.1, 4.95, 0.3, 1.0])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_the_pieces_cover_the_decimals(upper, share):
    lower = round(share * upper, 3)
    window = window_of(upper)
    first = first_break(lower, window)
    assert Fraction(window) >= Fraction(repr(upper))
    assert 0 <= first < 1
    assert Fraction(first) * Fraction(window) <= Fraction(repr(lower))
    assert first >= min(lower / window, 1) - 2 * FINEST


# ---- along solutions


def solution(system, h, law, length):
    """x and x' as functions of time in units of h, from a history that is no equilibrium of anything."""
    f = system.deviation_function()

    def history(s):
        return torch.cat([torch.cos(s * (k + 1)) for k in range(system.dimension)], -1)

    found = solve(
        lambda _, x, past: f(x, past[0]),
        history,
        torch.linspace(0, length * h, 50, dtype=torch.float64),
        [lambda t: h * torch.as_tensor(law(t / h))],
        rtol=1e-9,
        atol=1e-11,
        options={"max_steps": 100_000},
    )

    grid = np.linspace(-1.5, length, 400 * length)
    x = CubicSpline(grid, found.at(torch.as_tensor(grid * h)).numpy())

    def dx(s):
        late = np.asarray(s) - law(np.asarray(s))
        return h * f(torch.as_tensor(x(s)), torch.as_tensor(x(late))).numpy()

    return x, dx


@pytest.mark.parametrize(
    ("system", "h", "rates", "order"),
    [
        (SC, 1.48, (-0.5, 0.5), 1),
        (SC, 1.4, (None, 0.4), 1),
        (SC, 1.2, (-2.0, 0.3), 0),
        (KR, 3.0, (-0.5, 0.5), 1),
    ],
)
def test_v_falls_along_solutions_and_faster_than_d_says(system, h, rates, order):
    """The delay swings over the whole range at the largest rates; integrals by quadrature."""
    answer = slow_answer(system, slow(0.0, h, rates), order)
    v = answer.functional
    assert v is not None
    present, delayed = (m.numpy() for m in system.jacobians())
    rows = linear_rows(present, delayed, order, h)
    sharp = 2 * min(rates[1], -(rates[0] or -10.0))

    def law(t):
        return 0.5 + 0.499 * np.sin(sharp * np.asarray(t) + 1)

    def rate(t):
        return 0.499 * sharp * math.cos(sharp * t + 1)

    x, dx = solution(system, h, law, 7)
    times, step = np.linspace(4.3, 6.9, 8), 2e-3
    for t in times:
        before, now, after = (energy(v, x, dx, law, s) for s in (t - step, t, t + step))
        slope = (after - before) / (2 * step)
        a, z = law(t), features(x, dx, law, t, order)
        z = np.concatenate([z[: 5 * len(present)], z[6 * len(present) :]])  # f follows from x, y
        terms = dissipation_terms(rows, float(a), rate(t), (1 / a, 1 / (1 - a)))
        d = float(z @ value(terms, v.matrices) @ z)
        assert now > 0
        assert d < 0
        assert slope <= d + 1e-5 * now


def test_v_falls_where_the_delay_drops_suddenly():
    """No lower bound of the rate: a sawtooth that rises at 0.4 and falls in a moment."""
    h, rates = 1.4, (None, 0.4)
    v = slow_answer(SC, slow(0.0, h, rates), 1).functional
    drop = 0.05

    def law(t):
        s = np.asarray(t) % (2 + drop)
        return np.where(s < 2, 0.1 + 0.4 * s, 0.9 - 0.8 * (s - 2) / drop)

    x, dx = solution(SC, h, law, 7)
    times = sorted({*np.linspace(4.3, 6.9, 30), 3 * (2 + drop), 3 * (2 + drop) - drop})
    values = [energy(v, x, dx, law, t) for t in times]
    assert all(b <= a * (1 + 1e-3) for a, b in pairwise(values))
    assert values[-1] < values[0]


# ---- margins and files


def problem(rate, stop=1.6, **certify_):
    return Problem.from_dict(
        {
            "system": {"equations": ["x' = -x(t - tau)"]},
            "delays": {"tau": {"class": "slow", "range": [0.0, stop], "rate": rate}},
            "certify": certify_,
        }
    )


def test_a_margin_is_rigorous_and_a_short_decimal():
    found = margin(problem([-0.5, 0.5]), method="auto", start=1.3, stop=1.53)
    assert (found.rigor, found.method) == ("rigorous", "lmi")
    assert 1.48 <= found.delay_margin < math.pi / 2
    assert len(repr(found.delay_margin)) <= 6
    assert found.intervals == [(1.3, found.delay_margin)]


@pytest.mark.slow
def test_margins_grow_with_slower_delays():
    found = [margin(problem(r), method="lmi", stop=1.6) for r in ([-0.1, 0.1], [-0.5, 0.5], 0.5)]
    margins = [m.delay_margin for m in found]
    assert margins == sorted(margins, reverse=True)
    assert margins[0] >= 1.545
    assert margins[2] >= 1.44


def test_no_margin_from_a_delay_that_is_unstable():
    found = margin(problem(0.1), method="lmi", start=1.6, stop=1.7)
    assert (found.delay_margin, found.intervals) == (None, [])


@pytest.mark.parametrize("method", ["spectral", "theorem", "neural"])
def test_methods_without_a_margin_for_slow_delays(method):
    with pytest.raises(ProblemError, match="takes no slow delays"):
        margin(problem(0.1), method=method)


def test_problem_files():
    assert problem(0.5).delay_class() == Slow("tau", 0.0, 1.6, None, 0.5)
    assert problem([-2, 0.5]).delay_class() == Slow("tau", 0.0, 1.6, -2.0, 0.5)
    for bad, what in ((1.0, "reaches 1"), ([0.1, 0.2], "excludes 0"), (-0.1, "excludes 0")):
        with pytest.raises(ProblemError, match=what) as caught:
            problem(bad)
        assert caught.value.where == "problem: delays.tau.rate"


def test_a_measurable_delay_is_another_class():
    """Certificates of the two classes say so; the same range may be provable for the slow one only."""
    with pytest.raises(ProblemError, match="not finite"):
        Slow("tau", 0.0, 1.0, -math.inf, 0.5)
    fast = certify(SC, Measurable("tau", 0.0, 1.545), method="lmi", budget=20)
    assert fast.status != "certified"
