"""Attacks: what is false is caught, what is true is not; and the pieces they are made of."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from segments import random_functional

from certdde.certificates import Certificate
from certdde.certificates.content import read_content
from certdde.delays.classes import Constant, Measurable, Several
from certdde.errors import CertificateError, ProblemError
from certdde.functionals.energy import history_energy
from certdde.learning.certify import certify
from certdde.learning.domain_box import Box
from certdde.studies.attack import attack_certificate, attack_problem
from certdde.studies.batches import Goal, Setting
from certdde.studies.instability import rightmost
from certdde.studies.starts import onto_level, sampled_histories
from certdde.studies.window import PIECES, Flow
from certdde.systems import DelaySystem

from ..verify.checker import maker

SECONDS = 0.5


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("attack")


@pytest.fixture(scope="module")
def hutchinson(folder) -> Certificate:
    return Certificate.load(maker.hutchinson(True).save(folder / "h.certdde"))


@pytest.fixture(scope="module")
def large() -> Certificate:
    """Not far from the largest delays that a quadratic functional certifies."""
    system = DelaySystem.from_equations(["x' = -(1 + x)*x(t - tau)"], domain={"x": [-0.5, 1.0]})
    found = certify(system, Constant("tau", 0.0, 0.8), method="quadratic")
    assert found.status == "certified"
    return found


@pytest.fixture(scope="module")
def pendulum(folder) -> Certificate:
    return Certificate.load(maker.pendulum().save(folder / "p.certdde"))


@pytest.fixture(scope="module")
def linear(folder) -> Certificate:
    return Certificate.load(maker.linear_scalar(2).save(folder / "l.certdde"))


def altered(certificate: Certificate, path, **changes) -> Certificate:
    """A false certificate, by hand: fields replaced, rigor float64, a fresh digest."""
    data = copy.deepcopy(certificate.data)
    for key, value in changes.items():
        section, _, name = key.partition("__")
        data[section][name] = value
    return Certificate({**data, "rigor": "float64"}, certificate.entries).save(path)


@pytest.mark.parametrize(
    "name", ["hutchinson", "large", pytest.param("pendulum", marks=pytest.mark.slow), "linear"]
)
def test_true_certificates_withstand(request, name):
    result = attack_certificate(request.getfixturevalue(name), budget=SECONDS)
    assert not result.found
    assert result.tried > 0
    assert result.worst["rise"] < 1e-7
    assert result.worst["abscissa"] < 0
    assert result.worst.get("excursion", -1) <= 0


@pytest.mark.slow
def test_true_certificates_of_the_other_kinds_withstand(folder):
    spectral = certify(
        DelaySystem.from_equations(["x' = -x(t - tau)"]),
        Constant("tau", 0.0, 1.5),
        method="spectral",
    )
    assert not attack_certificate(spectral, budget=SECONDS).found
    system = DelaySystem.from_equations(["x' = -(1 + x)*x(t - tau)"], domain={"x": [-0.5, 1.0]})
    varies = certify(system, Measurable("tau", 0.0, 0.4), method="quadratic")
    assert not attack_certificate(varies, budget=SECONDS).found
    parts = Certificate.load(maker.two_parts().save(folder / "t.certdde"))
    assert not attack_certificate(parts, budget=SECONDS).found


@pytest.mark.parametrize(
    ("name", "factor"), [("large", 50), ("hutchinson", 1e6), ("pendulum", 1e6)]
)
def test_a_level_that_is_too_high(request, tmp_path, name, factor):
    good = request.getfixturevalue(name)
    levels = [factor * c for c in good.data["region"]["level"]]
    false = altered(good, tmp_path / "a", region__level=levels)
    found = attack_certificate(false, budget=20).violation
    assert found is not None
    assert found.kind == "leaves the domain"
    assert found.measure > 1e-7
    content = read_content(false)
    box = Box.of(content.system.domain, content.system.dimension)
    assert float(box.excursion(found.history).max()) <= 0
    assert float(box.excursion(found.states).max()) == pytest.approx(found.measure)
    assert content.delay.lower <= found.delay <= content.delay.upper


def test_delays_beyond_the_margin(linear, tmp_path):
    false = altered(linear, tmp_path / "a", delay__range=[0, 1.7])
    found = attack_certificate(false, budget=SECONDS).violation
    assert found is not None
    assert found.kind == "unstable linearisation"
    assert found.delay > math.pi / 2
    late, early = found.states[-len(found.states) // 4 :], found.states[: len(found.states) // 4]
    assert late.abs().max() > early.abs().max()


def test_an_unstable_delay_inside_the_range(tmp_path):
    """LD is stable for all delays but pi: a certificate for [0, 6] is false although almost every delay is stable."""
    system = DelaySystem.from_equations(["x' = y", "y' = -x - y - y(t - tau)"])
    found = attack_problem(system, Constant("tau", 0.0, 6.0), budget=SECONDS).violation
    assert found is not None
    assert found.kind == "root on the imaginary axis"
    assert found.delay == pytest.approx(math.pi, abs=1e-4)


def test_a_functional_that_rises(hutchinson, tmp_path):
    """With R and S exchanged for something small V is no longer decreasing, though nothing leaves."""
    content = read_content(hutchinson)
    piece = content.pieces[0]
    weak = replace(piece.functional, S=piece.functional.S * 1e-3, R=piece.functional.R * 1e-3)
    from certdde.studies.adversary import Adversary

    setting = Setting.of(content.system, -0.5)
    adversary = Adversary(setting, torch.Generator().manual_seed(0), math.inf)
    found = adversary.attack(Goal(weak, 1e-3, (0.0, 0.4), None), 1)
    assert found is not None
    assert found.kind == "V rises"


def test_problems():
    good = DelaySystem.from_equations(["x' = -x"], domain={"x": [-1.0, 1.0]})
    assert not attack_problem(good, Constant("tau", 0.0, 1.0), budget=SECONDS).found
    leaves = DelaySystem.from_equations(["x' = -(1 + x)*x(t - tau)"], domain={"x": [-0.5, 1.0]})
    found = attack_problem(leaves, Constant("tau", 0.8, 0.9), budget=20).violation
    assert found is not None
    assert found.kind == "leaves the domain"
    cubic = DelaySystem.from_equations(["x' = -x + 2*x**3"], domain={"x": [-1.0, 1.0]})
    found = attack_problem(cubic, Constant("tau", 0.9, 1.0), budget=20).violation
    assert found is not None
    assert found.kind == "does not converge"


@pytest.mark.slow
def test_a_delay_that_varies():
    """x' = -x(t - tau(t)) is stable for constant delays up to pi/2, but not for arbitrary ones beyond 3/2."""
    system = DelaySystem.from_equations(["x' = -(1 + x)*x(t - tau)"], domain={"x": [-0.5, 1.0]})
    found = attack_problem(system, Measurable("tau", 0.0, 1.2), budget=60).violation
    assert found is not None
    calm = DelaySystem.from_equations(["x' = -x - 0.1*x(t - tau)"], domain={"x": [-1.0, 1.0]})
    assert not attack_problem(calm, Measurable("tau", 0.0, 0.5), budget=SECONDS).found


def test_a_certificate_that_claims_nothing(hutchinson):
    for status in ("unknown", "refuted"):
        with pytest.raises(CertificateError, match="claims nothing"):
            attack_certificate(Certificate({**hutchinson.data, "status": status}))


@pytest.mark.parametrize("key", ["functional", "region", "delay", "system", "kind"])
def test_malformed_certificates(hutchinson, key):
    for value in (None, {}, [], 3, "x"):
        data = {**hutchinson.data, key: value}
        if key == "kind" and isinstance(value, str):
            continue
        try:
            read_content(Certificate(data, hutchinson.entries))
        except CertificateError:
            continue
        assert key == "kind"
    with pytest.raises(CertificateError):
        read_content(Certificate(hutchinson.data, {}))


# ---- pieces


def test_the_rightmost_root():
    system = DelaySystem.from_equations(["x' = -x(t - tau)"])
    found = rightmost(system, 0.0, 2.0)
    assert found.kind == "unstable linearisation"
    assert found.delay == pytest.approx(2.0)
    assert rightmost(system, 0.0, 1.5).kind == ""
    assert rightmost(system, 1.0, 1.0).abscissa < 0


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize("neural", [False, True])
def test_the_energy_of_histories(order, neural):
    """Constant histories have V in closed form; along a solution V changes by what its derivative says."""
    functional = random_functional(2, order, seed=order, neural=neural, positive=True)
    x = torch.tensor([[0.3, -0.2], [0.1, 0.4]], dtype=torch.float64)
    tau = torch.tensor([0.7, 1.3], dtype=torch.float64)
    found = history_energy(functional, x.expand(PIECES + 1, 2, 2), tau, PIECES)
    wanted = [functional.on_constant_histories(x[i], float(tau[i])) for i in range(2)]
    assert found.tolist() == pytest.approx([float(v) for v in wanted], rel=1e-10)


def test_the_energy_does_not_depend_on_the_steps():
    functional = random_functional(1, 2, seed=4, neural=True, positive=True)
    nodes = sampled_histories(Box.of(None, 1), 8, torch.Generator().manual_seed(0))
    unit = torch.linspace(0.5, 1.5, 8, dtype=torch.float64)
    flow = Flow(lambda x, y: -x - y * (1 + x), unit, 1.0, 2 * PIECES, 5, 1e3)
    coarse = flow.run(nodes).energy(functional, unit)
    fine = flow.finer().run(nodes, exact=True).energy(functional, unit)[::2]
    assert np.allclose(coarse, fine, rtol=2e-4, atol=1e-6)


def test_histories_on_the_level():
    functional = random_functional(2, 1, seed=2, neural=True, positive=True)
    box = Box.of([(-1.0, 2.0), (-0.5, 0.5)], 2)
    nodes = sampled_histories(box, 24, torch.Generator().manual_seed(1))
    assert float(box.excursion(nodes).max()) <= 1e-12
    tau = torch.full((24,), 0.8, dtype=torch.float64)
    for level in (0.01, 1.0, 1e9):
        moved = onto_level(functional, nodes, tau, level, box, PIECES)
        value = history_energy(functional, moved, tau, PIECES)
        assert bool((value <= level).all())
        assert float(box.excursion(moved).max()) <= 1e-9
        on_it = value > level * (1 - 1e-4)
        at_end = box.excursion(moved).amax(0) > -1e-6
        assert bool((on_it | at_end | (nodes == 0).all(0).all(-1)).all())


# ---- kinds whose V is not rebuilt


@pytest.fixture(scope="module")
def swings() -> Certificate:
    """By the 3/2 theorem; a constant delay, which is simulated fast."""
    system = DelaySystem.from_equations(["x' = -(1 + x)*x(t - tau)"], domain={"x": [-0.5, 1.0]})
    return certify(system, Constant("tau", 0.0, 1.0), method="theorem")


def test_a_true_radius_withstands(swings):
    result = attack_certificate(swings, budget=2 * SECONDS)
    assert not result.found
    assert result.tried > 0
    assert result.worst["excursion"] < 0
    assert "rise" not in result.worst


def test_a_radius_that_is_too_large(swings, tmp_path):
    radius = {"rho": 0.49, "box": [-0.5, 0.52]}
    false = altered(swings, tmp_path / "a", region__radius=radius)
    found = attack_certificate(false, budget=20).violation
    assert found is not None
    assert found.kind == "leaves the domain"
    assert float(found.history.abs().max()) <= 0.49
    assert float(found.states.max()) > 0.52


def test_a_false_global_claim_by_a_theorem(tmp_path):
    system = DelaySystem.from_equations(["x' = -x(t - tau)"])
    good = certify(system, Constant("tau", 0.0, 1.4), method="theorem")
    assert not attack_certificate(good, budget=SECONDS).found
    false = altered(good, tmp_path / "a", delay__range=[0.0, 1.6])
    found = attack_certificate(false, budget=10).violation
    assert found is not None
    assert found.kind == "unstable linearisation"


def test_rates_of_histories_are_kept(swings):
    """A claim may bound the rates of histories: they are scaled onto the radius, or as far as the rates allow."""
    goal = Goal(None, None, (0.5, 1.0), None, 0.2, 0.1)
    setting = Setting.of(read_content(swings).system, -0.3)
    for batch in setting.batches(goal, torch.Generator().manual_seed(0)):
        rates = (batch.nodes[1:] - batch.nodes[:-1]).abs().amax((0, 2)) * PIECES / batch.unit
        size = batch.nodes.abs().amax((0, 2))
        assert float(rates.max()) <= 0.1
        assert float(size.max()) <= 0.2
        assert bool(((rates > 0.0999) | (size > 0.1999)).all())


@pytest.mark.parametrize("kind", ["several", "multiple", "scheme"])
def test_systems_that_are_not_simulated_are_one_line(kind):
    one, two = Constant("tau", 0.0, 0.3), Constant("sigma", 0.0, 0.3)
    texts, delay = {
        "several": ("x' = -x(t - tau) - x(t - sigma)", Several((one, two))),
        "multiple": ("x' = -x(t - 2*tau)", one),
        "scheme": ("x[t+1] = x[t] - 0.1*x[t-tau]", Measurable("tau", 0, 2)),
    }[kind]
    names = ("tau", "sigma") if kind == "several" else ("tau",)
    system = DelaySystem.from_equations([texts], delays=names)
    found = certify(system, delay)
    assert found.status == "certified"
    with pytest.raises(CertificateError, match="attacks are for differential equations"):
        attack_certificate(found)
    with pytest.raises(ProblemError, match="attacks are for differential equations"):
        attack_problem(system, delay)
