"""The method ``sos`` from a problem to a checked certificate."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from example_systems import hutchinson, logistic, pendulum, scalar

from certdde.certificates.bundle import read_arrays
from certdde.certificates.sos import read_polynomial
from certdde.delays.classes import Constant, Measurable
from certdde.errors import ProblemError
from certdde.learning.area import certified_share, stays_and_converges
from certdde.learning.certify import certify
from certdde.learning.find import find_parts
from certdde.learning.region import grid_points
from certdde.learning.sos import sos_part, stages
from certdde.learning.task import Options, make_task
from certdde.studies.margin import margin
from certdde.systems.delay_system import DelaySystem
from certdde.systems.problem import Problem
from certdde.verify.sos.search import Settings


@pytest.fixture(scope="module")
def certificate():
    return certify(hutchinson(), Constant("tau", 0.0, 0.9), method="sos")


def test_hutchinson_where_no_quadratic_functional_does(certificate):
    assert certificate.status == "certified"
    assert certificate.rigor == "rigorous"
    assert certificate.data["functional"] == {
        "kind": "polynomial",
        "order": 1,
        "parts": [{"degree": 4}],
    }
    assert certificate.data["statistics"]["methods"][0]["said"] == "proved"
    assert certificate.claim.startswith("For every constant delay tau in [0.0, 0.9]")


def test_certified_histories_stay_and_converge(certificate):
    system = hutchinson()
    arrays, section = read_arrays(certificate.entries, 0), certificate.data["functional"]
    functional = read_polynomial(section["parts"][0], section["order"], arrays)
    points = grid_points(system, 60)
    for tau in (0.1, 0.5, 0.9):
        inside = (
            functional.on_constant_histories(points, tau) <= certificate.data["region"]["level"][0]
        )
        assert inside.any()
        assert bool(stays_and_converges(system, points[inside], tau).all())


@pytest.mark.parametrize("tau", [0.3, 0.9])
def test_v_decreases_along_solutions_from_its_level(certificate, tau):
    """Histories that oscillate, scaled onto V = c: an integration by the trapezoidal rule on a fine grid."""
    arrays, section = read_arrays(certificate.entries, 0), certificate.data["functional"]
    v = read_polynomial(section["parts"][0], section["order"], arrays)
    level, steps, rng = certificate.data["region"]["level"][0], 400, np.random.default_rng(0)
    h, s = tau / steps, np.linspace(-1, 0, steps + 1)
    shapes = rng.normal(size=(24, 4)) @ np.stack([np.ones_like(s), s, np.sin(5 * s), np.cos(9 * s)])
    for shape in shapes:
        start = _scaled_onto(v, shape / np.abs(shape).max(), h, tau, level)
        x = list(start)
        for _ in range(6 * steps):
            a = -(1 + x[-1]) * x[-1 - steps]
            b = -(1 + x[-1] + h * a) * x[-steps]
            x.append(x[-1] + h * (a + b) / 2)
        path = np.array(x)
        assert path.min() > -0.5
        assert path.max() < 1.0
        windows = [path[k : k + steps + 1] for k in range(0, 6 * steps + 1, steps // 4)]
        values = np.array([_value(v, window, h, tau) for window in windows])
        assert (np.diff(values) < 1e-4 * level).all()
        assert values[-1] < values[0]


def _scaled_onto(v, shape, h, tau, level):
    """Return the largest multiple of a history with values in the domain and V at most the level."""
    low, high = 0.0, min(1.0 / max(shape.max(), 1e-9), 0.5 / max(-shape.min(), 1e-9)) * 0.999
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if _value(v, middle * shape, h, tau) <= level else (low, middle)
    return low * shape


def _value(v, x, h, tau):
    """V of a history on a grid, for one state and one moment."""
    weights = np.full(len(x), h)
    weights[[0, -1]] = h / 2
    w = np.array([x[-1], weights @ x])
    total = w @ v.P.numpy() @ w + sum(c * np.prod(w ** np.array(m)) for m, c in v.p.items())
    inside = float(v.S) * x**2 + sum(c * x ** m[0] for m, c in v.q.items())
    slopes, left = np.diff(x) / h, (np.arange(len(x) - 1) + 0.5) * h
    return total + weights @ inside + h * float(v.R) * np.sum(left * slopes**2)


def test_the_lower_bound_is_below_v(certificate):
    arrays, section = read_arrays(certificate.entries, 0), certificate.data["functional"]
    functional = read_polynomial(section["parts"][0], section["order"], arrays)
    points = grid_points(hutchinson(), 40)
    least = functional.lower_bound(points, 0.9)
    for tau in (0.05, 0.3, 0.9):
        assert bool((functional.on_constant_histories(points, tau) >= least - 1e-9).all())
    ends = torch.tensor([[-0.5], [1.0]], dtype=torch.float64)
    assert bool((functional.lower_bound(ends, 0.9) > certificate.data["region"]["level"][0]).all())


def test_the_region_is_larger_than_that_of_the_matrix_inequality():
    """On the same domain, for the same delays."""
    system, range_ = hutchinson(), Constant("tau", 0.0, 0.6)
    lmi, _ = find_parts(make_task(system, range_, Options("lmi"), None, None))
    part = sos_part(system, 0.0, 0.6, order=1, settings=Settings())
    assert certified_share(system, [part]) > 1.1 * certified_share(system, lmi)


def test_moments_reach_further():
    system = hutchinson()
    plain = sos_part(system, 1.25, 1.3, order=1, settings=Settings(rounds=0))
    assert plain is None
    part = sos_part(system, 1.25, 1.3, order=1, settings=Settings(moments=1, rounds=0))
    assert part.functional.moments() == (1,)


def test_an_equilibrium_elsewhere_and_units_far_from_one():
    system = DelaySystem.from_equations(
        ["x' = r*x*(1 - x(t - tau)/K)"],
        parameters={"r": 0.01, "K": 700.0},
        equilibrium={"x": 700.0},
        domain={"x": [350.0, 1400.0]},
    )
    found = certify(system, Constant("tau", 10.0, 60.0), method="sos")
    assert found.rigor == "rigorous"
    assert found.data["region"]["radius"]["rho"] > 100


def test_a_range_beyond_one_functional_is_cut(monkeypatch):
    from certdde.learning import sos

    whole = sos.sos_part

    def narrow(system, lower, upper, **options):
        return whole(system, lower, upper, **options) if upper - lower < 0.3 else None

    monkeypatch.setattr(sos, "sos_part", narrow)
    found = certify(logistic(), Constant("tau", 0.0, 0.5), method="sos")
    assert found.rigor == "rigorous"
    assert len(found.data["functional"]["parts"]) == 2
    assert "V_i <= c_i" in found.claim


@pytest.mark.parametrize(
    ("system", "delay", "what"),
    [
        (pendulum, Constant("tau", 0.0, 0.2), "polynomial equations"),
        (scalar, Constant("tau", 0.0, 0.2), "nonlinear equations"),
        (hutchinson, Measurable("tau", 0.0, 0.2), "constant delays"),
    ],
)
def test_what_the_method_does_not_take(system, delay, what):
    with pytest.raises(ProblemError, match=what):
        certify(system(), delay, method="sos")


def test_an_unknown_outcome_says_where():
    system = DelaySystem.from_equations(["x' = -x(t - tau) + x**3"], domain={"x": [-1.5, 1.5]})
    found = certify(system, Constant("tau", 0.0, 0.2), method="sos")
    assert found.status == "unknown"
    assert "no functional of degree 4" in found.claim
    assert "delays in [0.196875, 0.2]" in found.claim


def test_stages_stop_where_matrices_grow():
    assert stages(hutchinson(), 2, 4, 2) == [0, 1]
    assert stages(hutchinson(), 1, 4, 0) == [0]
    assert stages(hutchinson(), 0, 4, 2) == [0]
    assert stages(pendulum(), 1, 4, 1) == []


def test_the_degree_is_even():
    data = {"system": {"equations": ["x' = -x(t - tau)"]}, "delays": {"tau": {"range": [0, 1]}}}
    with pytest.raises(ProblemError, match="an even number from 2 to 12"):
        Problem.from_dict(data | {"certify": {"degree": 5}})


def test_a_margin_beyond_the_matrix_inequality():
    data = {
        "system": {
            "equations": ["x' = -(1 + x)*x(t - tau)"],
            "domain": {"x": [-0.5, 1.0]},
        },
        "delays": {"tau": {"range": [0, 1]}},
        "certify": {"moments": 0},
    }
    found = margin(Problem.from_dict(data), method="sos", start=0.0, stop=1.2)
    assert found.rigor == "rigorous"
    assert 1.0 < found.delay_margin < 1.2
