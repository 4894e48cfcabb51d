"""The spectral method: rigorous certificates of linear systems to the margin, and refusals beyond."""

import math
import time

import numpy as np
import pytest
from anchors import GU, HUTCHINSON, KIM, KR, LD, SC, UNSTABLE

from certdde.certificates import Certificate
from certdde.certificates.claim import claim_sentence
from certdde.delays.classes import Constant, Measurable
from certdde.errors import ProblemError
from certdde.learning.certify import certify
from certdde.learning.spectral import covering
from certdde.systems.delay_system import DelaySystem
from certdde.verify.spectral.linear import LinearDelaySystem
from certdde.verify.spectral.windows import abscissa, stable_windows

BARS = [
    (SC, 0.0, 1.5707963),
    (SC, 0.0, math.pi / 2 * (1 - 1e-9)),
    (KR, 0.0, 6.17258),
    (KR, 0.0, 6.17258136),
    (KR, 1.0, 6.17258136),
    (GU, 0.1001683, 1.717858),
    (LD, 0.0, 3.14159),
    (LD, 3.1416, 9.4247),
    (KIM, 0.0, 50.0),
    (SC, 0.5, 0.5),
    (LD, 5.0, 5.0),
]
FALSE = [
    (SC, 0.0, 1.5708),
    (SC, 1.5, 1.5708),
    (KR, 0.0, 6.1726),
    (GU, 0.0, 1.0),
    (GU, 0.1001682, 1.7),
    (LD, 0.0, 3.1416),
    (LD, 0.0, 3.2),
    (LD, 0.0, 6.0),
    (UNSTABLE, 0.0, 1.0),
    (UNSTABLE, 0.5, 1.0),
    (GU, 0.0, 0.1),
    (GU, 1.8, 1.9),
]


def certificate(system, lower, upper, **options) -> Certificate:
    return certify(system, Constant("tau", lower, upper), method="spectral", **options)


@pytest.mark.parametrize(("system", "lower", "upper"), BARS)
def test_certified_to_the_margin(system, lower, upper, tmp_path):
    found = certificate(system, lower, upper)
    assert (found.status, found.rigor) == ("certified", "rigorous")
    data = found.data
    assert (data["kind"], data["engine"]) == ("spectral", "spectral")
    assert data["claim"] == claim_sentence(data["system"], data["delay"], data["region"])
    assert data["statistics"]["boxes"]["leaves"] > 0
    result = found.save(tmp_path / "a.certdde").check()
    assert result.valid
    assert result.boxes == data["statistics"]["boxes"]["leaves"]
    assert Certificate.load(tmp_path / "a.certdde").check().claim == data["claim"]


@pytest.mark.parametrize(("system", "lower", "upper"), FALSE)
def test_refused_beyond(system, lower, upper):
    found = certificate(system, lower, upper, budget=30)
    assert found.status in ("unknown", "refuted")
    assert found.rigor == "float64"
    assert found.data["functional"] is None
    assert found.data["engine"] == "spectral"


def test_the_reason_names_the_crossing():
    claim = certificate(LD, 0.0, 3.2).data["claim"]
    assert "cross the imaginary axis at the delay 3.1415" in claim
    assert "frequency 1" in claim


@pytest.mark.slow
def test_seconds_of_the_bars():
    """Under a second each, the checker included (measured: 0.1 and less on a free core)."""
    certificate(GU, 0.5, 1.0)
    for system, lower, upper in BARS:
        began = time.perf_counter()
        certificate(system, lower, upper)
        assert time.perf_counter() - began < 1.0


def test_systems_of_six_states():
    rng = np.random.default_rng(5)
    for _ in range(3):
        present = np.round(rng.normal(size=(6, 6)), 2) - 3 * np.eye(6)
        late = np.round(rng.normal(size=(6, 6)), 2)
        names = [f"x{i}" for i in range(6)]
        system = DelaySystem.from_equations(
            [
                f"{s}' = "
                + " + ".join(
                    f"({a})*{x} + ({b})*{x}(t - tau)"
                    for x, a, b in zip(names, present[i], late[i], strict=True)
                )
                for i, s in enumerate(names)
            ]
        )
        linear = LinearDelaySystem.of(system)
        for lower, upper in stable_windows(linear, 0.0, 2.0)[:1]:
            b = upper if upper == 2.0 else upper * (1 - 1e-7)
            assert certificate(system, lower, b).rigor == "rigorous"
            if upper < 2.0:
                assert certificate(system, lower, upper * (1 + 1e-7)).status != "certified"


def test_random_systems_are_never_certified_where_the_spectrum_is_unstable():
    certified = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        a, b, c, d = (float(v) for v in rng.normal(size=4).round(2))
        system = DelaySystem.from_equations(
            [f"x' = {a}*x + y", f"y' = {b}*x + {c}*y(t - tau) - y + {d}*x(t - tau)"]
        )
        lower, upper = sorted(rng.uniform(0, 2, 2).round(3).tolist())
        found = certificate(system, lower, upper + 0.01, budget=20)
        linear = LinearDelaySystem.of(system)
        worst = max(abscissa(linear, tau) for tau in np.linspace(lower, upper + 0.01, 30))
        if found.status == "certified":
            certified += 1
            assert found.rigor == "rigorous"
            assert worst < 0
        else:
            assert worst > -1e-3
    assert certified > 5


def test_auto_takes_the_spectrum_of_a_linear_system():
    found = certify(KR, Constant("tau", 0.0, 6.17258), method="auto")
    assert (found.data["engine"], found.rigor) == ("spectral", "rigorous")
    rows = found.data["statistics"]["baselines"]
    assert [row["method"] for row in rows] == ["spectral"]


def test_the_lmi_can_still_be_asked_for():
    found = certify(KR, Constant("tau", 0.0, 4.0), method="lmi", order=1)
    assert (found.data["engine"], found.data["kind"]) == ("lmi", "krasovskii")


def test_a_nonlinear_system_is_refused_in_one_line():
    with pytest.raises(ProblemError, match="linear equations only"):
        certificate(HUTCHINSON, 0.0, 0.5)


@pytest.mark.parametrize(("lower", "upper"), [(0.1, 0.3), (0.5, 0.5), (0.3, 0.3), (0.0, 1.1)])
def test_binary_ends_hold_the_decimals(lower, upper):
    from fractions import Fraction

    a, b = covering(lower, upper)
    assert Fraction(a) <= Fraction(repr(lower)) <= Fraction(repr(upper)) <= Fraction(b)
    assert a < b


def test_equilibria_elsewhere():
    system = DelaySystem.from_equations(
        ["x' = -k*(x(t - tau) - 3)"], parameters={"k": 0.5}, equilibrium={"x": 3.0}
    )
    found = certificate(system, 0.0, 3.14159)
    assert found.rigor == "rigorous"
    assert "x = 3.0 of x' = -k*(x(t - tau) - 3) with k = 0.5" in found.data["claim"]


def test_a_delay_that_varies_is_refused_in_one_line():
    """x' = -x(t - tau(t)) is stable for constant delays to pi/2, for varying ones to 3/2 only."""
    varying = Measurable("tau", 0.0, 1.55)
    with pytest.raises(ProblemError, match="takes constant delays"):
        certify(SC, varying, method="spectral")
    found = certify(SC, varying, method="auto", budget=20)
    assert found.status != "certified"
    assert found.data["engine"] != "spectral"
