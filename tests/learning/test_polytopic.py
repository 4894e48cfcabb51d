"""Nonlinear systems with several delays or a slow one: D at sampled points, V along solutions, simulated regions."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.interpolate import CubicSpline
from slow_functionals import energy

from certdde.certificates import Certificate
from certdde.certificates.claim import claim_sentence
from certdde.delays.classes import Constant, Several, Slow
from certdde.errors import ProblemError
from certdde.functionals.slow import NAMES, SlowFunctional
from certdde.functionals.windows import WindowedFunctional
from certdde.inequalities.slow import SlowRows, dissipation_terms, value
from certdde.inequalities.windows import WindowRows, window_forms
from certdde.learning.certify import certify
from certdde.learning.ellipsoid import largest_level, largest_radius
from certdde.solvers import solve
from certdde.studies.margin import margin
from certdde.systems import DelaySystem
from certdde.systems.linear import nonlinear_states
from certdde.systems.problem import Problem
from certdde.verify.lmi.slopes import slope_polytope

NEURON = DelaySystem.from_equations(
    ["x' = -x - 2*tanh(x(t - tau1)) - tanh(x(t - tau2))"],
    domain={"x": [-2, 2]},
    delays=["tau1", "tau2"],
)
PAIR = DelaySystem.from_equations(  # Shayer, Campbell 2000
    [
        "x' = -x - 1.5*tanh(x(t - own)) + 0.5*tanh(y(t - other))",
        "y' = -y - 1.5*tanh(y(t - own)) - 0.5*tanh(x(t - other))",
    ],
    domain={"x": [-1, 1], "y": [-1, 2]},
    delays=["own", "other"],
)
LOGISTIC = DelaySystem.from_equations(
    ["x' = x*(1 - 0.6*x(t - tau1) - 0.4*x(t - tau2))"],
    domain={"x": [0.7, 1.4]},
    equilibrium={"x": 1.0},
    delays=["tau1", "tau2"],
)
SLOW = DelaySystem.from_equations(["x' = -x - 2*tanh(x(t - tau))"], domain={"x": [-1, 1]})


def box(system: DelaySystem, *ranges: tuple[float, float]) -> Several:
    pairs = zip(system.delays, ranges, strict=True)
    return Several(tuple(Constant(name, *ends) for name, ends in pairs))


CASES = {
    "neuron": (NEURON, box(NEURON, (0, 0.6), (0, 0.6)), 1),
    "pair": (PAIR, box(PAIR, (0, 0.4), (0.1, 1.0)), 1),
    "logistic": (LOGISTIC, box(LOGISTIC, (0, 0.4), (0.2, 0.3)), 0),
}


@pytest.fixture(scope="module", params=list(CASES))
def case(request) -> tuple[DelaySystem, Several, Certificate]:
    system, delay, order = CASES[request.param]
    return system, delay, certify(system, delay, method="lmi", order=order)


def arrays(certificate: Certificate, name: str) -> dict[str, np.ndarray]:
    return dict(np.load(io.BytesIO(certificate.entries[name])))


def functional(system: DelaySystem, certificate: Certificate) -> WindowedFunctional:
    found = arrays(certificate, "part0.npz")
    lags = tuple((j, 1) for j in range(len(system.delays)))
    order = certificate.data["functional"]["order"]
    return WindowedFunctional(order, lags, *(found[name] for name in "PSR"))


def inside(system: DelaySystem, rng, count: int) -> np.ndarray:
    """Points of the domain in deviations, corners among them."""
    ends = np.array([[float(a), float(b)] for a, b in system.domain])
    unit = rng.uniform(size=(count, len(ends)))
    unit[: count // 4] = unit[: count // 4].round()
    return ends[:, 0] + (ends[:, 1] - ends[:, 0]) * unit


def right_side(system: DelaySystem, x: np.ndarray, *past: np.ndarray) -> np.ndarray:
    """F in deviations."""
    rest = torch.tensor([float(v) for v in system.equilibrium], dtype=torch.float64)
    shifted = [torch.as_tensor(v) + rest for v in (x, *past)]
    return system.torch_function()(0.0, shifted[0], shifted[1:]).numpy()


# ---- several delays


def test_the_certificate_is_checked_and_says_what_it_proves(case, tmp_path):
    system, _, certificate = case
    assert certificate.rigor == "rigorous"
    result = certificate.save(tmp_path / "a").check()
    data = certificate.data
    sections = (data["system"], data["delay"], data["region"], data["kind"])
    assert result.claim == certificate.claim == claim_sentence(*sections)
    assert data["kind"] == "several"
    assert data["proof"]["nonlinear"] == nonlinear_states(system)


def test_d_is_negative_with_the_true_right_hand_side(case):
    """The form with f as a variable of its own, at delays between the corners, moments and values as they come."""
    system, delay, certificate = case
    v, rng = functional(system, certificate), np.random.default_rng(0)
    n, count, order = system.dimension, len(v.lags), v.order
    blocks = np.eye(n * (2 + count * (1 + order))).reshape(-1, n, n * (2 + count * (1 + order)))
    x, y, f, rest = blocks[0], blocks[1 : 1 + count], blocks[1 + count], blocks[2 + count :]
    moments = tuple(tuple(rest[a * order : (a + 1) * order]) for a in range(count))
    points = [inside(system, rng, 4000) for _ in range(1 + count)]
    zeta = [*points, right_side(system, *points)]
    zeta += [rng.normal(size=points[0].shape) * rng.choice([0.1, 1, 10]) for _ in rest]
    features = np.concatenate(zeta, axis=1)
    for _ in range(10):
        # the breaks of a single point: the bound of 1/tau is exact there
        at = [rng.uniform(max(d.lower, 1e-3), d.upper) for d in delay.delays]
        [*_, form] = window_forms(
            WindowRows(x, tuple(y), f, moments), v, [[t, t * (1 + 1e-9)] for t in at]
        )
        values = np.einsum("ki,ij,kj->k", features, form, features)
        size = np.square(features[:, : n * (1 + count)]).sum(1)
        assert (values < -1e-9 * size).all()


def test_solutions_from_the_boundary_of_the_region_stay_and_converge(case):
    system, delay, certificate = case
    v, rng = functional(system, certificate), np.random.default_rng(1)
    low, high = (np.array([float(e[k]) for e in system.domain]) for k in (0, 1))
    for _ in range(3):
        at = [rng.uniform(d.lower, d.upper) for d in delay.delays]
        form, x = v.on_constant_histories(at), rng.normal(size=(20, system.dimension))
        x /= np.sqrt(np.einsum("ki,ij,kj->k", x, form, x))[:, None]  # V = 1
        x = x[((x >= low) & (x <= high)).all(1)]
        if not len(x):
            continue
        found = solve(
            lambda _, z, past: torch.as_tensor(right_side(system, z, *past)),
            torch.as_tensor(x),
            torch.linspace(0.0, 20.0, 201, dtype=torch.float64),
            [max(t, 0.0) for t in at],
        ).states.numpy()
        assert ((found > low - 1e-9) & (found < high + 1e-9)).all()
        assert np.abs(found[-1]).max() < 1e-3 * np.abs(x).max()


def test_the_level_and_the_radius_are_nearly_the_largest():
    form = np.array([[2.0, 0.5, 0.3], [0.5, 1.0, 0.2], [0.3, 0.2, 4.0]])
    level = largest_level([form], [1.0, 2.0])
    angles = np.random.default_rng(0).normal(size=(200_000, 3))
    for i, face in enumerate((1.0, 2.0)):
        w = angles / angles[:, i : i + 1] * face
        values = np.einsum("ki,ij,kj->k", w, form, w)
        assert values.min() >= level
    assert level == pytest.approx(np.min(np.square([1, 2]) / np.diag(np.linalg.inv(form))[:2]))
    radius = largest_radius(lambda rho, rate: rho**2 + rate**2, 2.0, 10.0, 5.0)
    assert (radius.rho, radius.rho_rate) == (0.9999, 1.999)
    assert largest_radius(lambda rho, _: rho**2, 2.0, 0.5, 5.0).rho <= 0.5


# ---- more states than boxes could be split in


def ring(a: float, b: float, size: float = 1.0) -> DelaySystem:
    names = "uvwz"
    equations = [
        f"{s}' = -{s} + {a}*tanh({s}(t - tau)) + {b}*tanh({p}(t - tau)) + {b}*tanh({q}(t - tau))"
        for s, p, q in zip(names, "zuvw", "vwzu", strict=True)
    ]
    return DelaySystem.from_equations(equations, domain=dict.fromkeys(names, (-size, size)))


def test_four_neurons_with_one_delay(tmp_path):
    """Lu, Guo 2008; the linearisation is stable up to arccos(-1/1.6) / sqrt(1.6^2 - 1) = 1.798."""
    system = ring(-0.8, 0.4)
    assert len(slope_polytope(system).vertices()) == 16
    certificate = certify(system, Constant("tau", 0.0, 1.7), method="auto")
    assert certificate.rigor == "rigorous"
    assert certificate.claim.startswith("For every constant delay tau in [0.0, 1.7], the")
    assert certificate.data["engine"] == "lmi"
    assert certify(system, Constant("tau", 0.0, 1.81), method="lmi").status == "refuted"


def test_slopes_that_are_too_many_or_not_bounded():
    names = [f"x{i}" for i in range(9)]
    many = DelaySystem.from_equations(
        [f"{s}' = -{s} - tanh({s}(t - tau))" for s in names],
        domain=dict.fromkeys(names, (-1, 1)),
    )
    found = certify(many, Constant("tau", 0.0, 0.5), method="lmi")
    assert (found.status, "9 slopes of f vary" in found.claim) == ("unknown", True)
    root = DelaySystem.from_equations(
        ["x' = -sqrt(4 + x(t - tau1) - 4*x(t - tau2)) + 2"],
        domain={"x": [-1, 1]},
        delays=["tau1", "tau2"],
    )
    with pytest.raises(ProblemError, match="not finite at x = "):
        certify(root, box(root, (0, 0.1), (0, 0.1)))


# ---- a slow delay


def slow_parts(certificate: Certificate) -> tuple[SlowFunctional, np.ndarray]:
    found = arrays(certificate, "slow.npz")
    order, window = certificate.data["functional"]["order"], float(found["window"][0])
    return SlowFunctional(order, window, **{k: found[k] for k in NAMES}), found["breaks"]


@pytest.fixture(scope="module", params=[(-0.5, 0.5), (None, 0.5)], ids=["two", "one"])
def slow(request) -> tuple[Slow, Certificate]:
    delay = Slow("tau", 0.0, 0.6, *request.param)
    return delay, certify(SLOW, delay, order=1)


def test_a_slow_delay_is_certified_and_checked(slow, tmp_path):
    _, certificate = slow
    assert (certificate.rigor, certificate.data["kind"]) == ("rigorous", "slow")
    result = certificate.save(tmp_path / "a").check()
    data = certificate.data
    sections = (data["system"], data["delay"], data["region"], data["kind"])
    assert result.claim == certificate.claim == claim_sentence(*sections)


def test_d_is_negative_for_a_slow_delay_with_the_true_right_hand_side(slow):
    delay, certificate = slow
    v, _ = slow_parts(certificate)
    n, order, rng = 1, v.order, np.random.default_rng(0)
    blocks = np.eye(n * (6 + 2 * order)).reshape(-1, n, n * (6 + 2 * order))
    first, second = tuple(blocks[6 : 6 + order]), tuple(blocks[6 + order :])
    rows = SlowRows(*blocks[:6], first, second)
    x, y = inside(SLOW, rng, 4000), inside(SLOW, rng, 4000)
    f = v.window * right_side(SLOW, x, y)
    others = rng.normal(size=(4000, 3 + 2 * order)) * rng.choice([0.1, 1, 10])
    features = np.concatenate([x, y, others[:, :3], f, others[:, 3:]], axis=1)
    rates = (delay.rate_upper, 0.0, -30.0 if delay.rate_lower is None else delay.rate_lower)
    for alpha in (0.01, 0.2, 0.5, 0.77, 0.99):
        for rate in rates:
            weights = (1 / alpha, 1 / (1 - alpha))
            form = value(dissipation_terms(rows, alpha, rate, weights), v.matrices)
            assert (np.einsum("ki,ij,kj->k", features, form, features) < 0).all()


def test_v_is_between_its_bounds_for_every_delay(slow):
    """Above w^T M w and so above the level outside the domain; at most the bound of the radius."""
    _, certificate = slow
    v, breaks = slow_parts(certificate)
    radius, rng = certificate.data["region"]["radius"], np.random.default_rng(0)
    rho, rate = radius["rho"], v.window * radius["rho_rate"]
    assert largest_level([v.bessel(breaks[0]), v.bessel(1.0)], [1.0]) > 1 - 1e-9
    for _ in range(40):
        slopes, alpha = rng.choice([-1.0, 1.0], 8) * rate, rng.uniform(0.01, 0.99)
        knots = np.linspace(-1, 0, 9)
        xs = np.clip(
            np.concatenate([[0], np.cumsum(slopes) / 8]) + rng.uniform(-rho, rho), -rho, rho
        )

        def x(s, knots=knots, xs=xs):
            return np.interp(np.asarray(s, dtype=float), knots, xs)[..., None]

        def dx(s, knots=knots, xs=xs):
            slope = np.append(np.diff(xs) / np.diff(knots), 0.0)
            return slope[np.clip(np.searchsorted(knots, s, "right") - 1, 0, 7)][..., None]

        found = energy(v, x, dx, lambda _, alpha=alpha: alpha, 0.0)
        assert float(x(0.0)[0]) ** 2 <= found * (1 + 1e-6)  # V > 1 at |x| = 1
        assert found <= v.upper_bound(rho, radius["rho_rate"], breaks[0]) <= 1


def test_v_falls_along_solutions_of_the_nonlinear_equation(slow):
    delay, certificate = slow
    v, _ = slow_parts(certificate)
    h, sharp = v.window, 1.0

    def law(t):
        return 0.5 + 0.49 * np.sin(sharp * np.asarray(t) + 1)

    f = SLOW.deviation_function()
    found = solve(
        lambda _, x, past: f(x, past[0]),
        lambda s: 0.9 * torch.cos(s),
        torch.linspace(0, 9 * h, 50, dtype=torch.float64),
        [lambda t: h * torch.as_tensor(law(t / h))],
        rtol=1e-9,
        atol=1e-11,
        options={"max_steps": 100_000},
    )
    grid = np.linspace(-1.5, 9, 3600)
    x = CubicSpline(grid, found.at(torch.as_tensor(grid * h)).numpy())

    def dx(s):
        late = np.asarray(s) - law(np.asarray(s))
        return h * f(torch.as_tensor(x(s)), torch.as_tensor(x(late))).numpy()

    assert 0.49 * sharp <= min(delay.rate_upper, 0.5)
    values = [energy(v, x, dx, law, t) for t in np.linspace(2.1, 8.9, 18)]
    assert all(b < a for a, b in pairwise(values))
    assert values[-1] < 0.1 * values[0]


@pytest.mark.slow
def test_a_margin_of_a_slow_delay_on_a_domain():
    problem = Problem.from_dict(
        {
            "system": {"equations": list(SLOW.equations), "domain": {"x": [-0.5, 0.5]}},
            "delays": {"tau": {"class": "slow", "range": [0.0, 1.3], "rate": [-0.1, 0.1]}},
        }
    )
    found = margin(problem, method="lmi", order=1, start=1.0, stop=1.3)
    local = math.acos(-0.5) / math.sqrt(3.0)
    assert found.rigor == "rigorous"
    assert 1.05 < found.delay_margin < local


def test_another_unit_of_the_states_changes_nothing_but_numbers():
    """Powers of two: the same functional, scaled exactly."""
    small = replace(
        DelaySystem.from_equations(
            ["x' = -x - tanh(8*x(t - tau))/4"], domain={"x": [-0.125, 0.125]}
        ),
        name="small",
    )
    delay = Slow("tau", 0.0, 0.6, -0.5, 0.5)
    one, other = (certify(s, delay, order=1).data["region"] for s in (SLOW, small))
    assert other["level"] == one["level"] == [1.0]
    assert other["radius"]["rho"] == pytest.approx(one["radius"]["rho"] / 8, rel=0.02)
