"""A network V0 that reads Legendre moments: the form, the proof, the checker, the second opinion."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest
import torch
from example_systems import hutchinson

from certdde.certificates.bundle import digest
from certdde.certificates.certificate import certified
from certdde.functionals import Functional, Network
from certdde.inequalities.dissipation import moment_form, quadratic_form
from certdde.inequalities.features import Features
from certdde.inequalities.inequality import box
from certdde.inequalities.reduction import ExactDelay
from certdde.learning.cegis import CegisSettings, search
from certdde.learning.finish import exact_cover, finish
from certdde.learning.training import TrainSettings
from certdde.verify.bound_propagation.branch import Settings
from certdde.verify.checker import check_file
from certdde.verify.second_opinion import compare

LOW, HIGH = 0.6, 0.7


def random_network(inputs, seed):
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64)  # noqa: E731
    return Network(inputs, (draw(6, len(inputs)), draw(3, 6)), (draw(6),))


@pytest.fixture(scope="module")
def found():
    settings = CegisSettings(order=1, moments=1, training=TrainSettings(steps=400, region=0.2))
    return search(hutchinson(), LOW, HIGH, settings, cover=exact_cover)


@pytest.fixture(scope="module")
def saved(found, tmp_path_factory):
    from certdde import Constant

    part = found.finished.part
    assert part is not None
    nonlinear = {"states": ["x"], "delayed": ["x"]}
    delay = Constant("tau", LOW, HIGH)
    certificate = certified(hutchinson(), delay, [part], nonlinear=nonlinear, area=None)
    return certificate.save(tmp_path_factory.mktemp("moments") / "moments.certdde")


def test_without_moments_it_is_tau_times_the_form_of_a_constant_delay():
    system, n = hutchinson(), 1
    generator = torch.Generator().manual_seed(0)
    p = torch.randn(3, 3, generator=generator, dtype=torch.float64)
    s, r = torch.eye(n, dtype=torch.float64), 2 * torch.eye(n, dtype=torch.float64)
    plain = Functional(2, p + p.T, s, r, random_network((0,), 1), random_network((0,), 2))
    rows = ExactDelay((0.5, 0.9)).rows(Features.of(system, plain), 2)
    ends = moment_form(rows, plain.P, s, r, (0.5, 0.9))[[0, -1]]
    taus = torch.tensor([0.5, 0.9], dtype=torch.float64)
    exact = quadratic_form(rows, plain.P, s, r, taus.tolist(), (1 / taus).tolist())
    assert torch.allclose(ends, taus[:, None, None] * exact, atol=1e-12)


def test_the_search_proves_a_range_and_the_checker_agrees(found, saved):
    assert found.names == ("x", "x(t - tau)", "moment0(x)")
    assert found.finished.part.functional.moments() == (1,)
    result = saved.check()
    assert result.valid, (result.where, result.reason)
    opinion = compare(saved.path, sample=40, seed=1)
    assert opinion.agree, opinion.reason


def test_it_cannot_begin_at_zero(found):
    part = found.finished.part
    again = finish(
        hutchinson(), part.functional, ExactDelay((1e-9, 0.7)), Settings(max_boxes=20_000)
    )
    assert again.part is None


def altered(saved, path, change):
    """The file with its JSON or arrays changed and a fresh digest."""
    with zipfile.ZipFile(saved.path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    data = json.loads(entries.pop("certificate.json"))
    change(data, entries)
    data["digest"] = digest(data, entries)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("certificate.json", json.dumps(data))
        for name, content in entries.items():
            archive.writestr(name, content)
    return check_file(path)


@pytest.mark.parametrize(
    "inputs", [["x", "x"], ["moment0(x)", "x"], ["x", "moment1(x)"], ["x", "moment0(y)"]]
)
def test_other_inputs_are_refused(saved, tmp_path, inputs):
    def change(data, _entries):
        data["functional"]["parts"][0]["networks"]["V0"]["inputs"] = inputs

    assert not altered(saved, tmp_path / "bad.certdde", change).valid


def test_a_wider_domain_is_refused(saved, tmp_path):
    def change(data, _entries):
        for section in (data["system"], data["region"]):
            section["domain"] = {"x": [-0.5, 1.5]}
        data["claim"] = data["claim"].replace("x <= 1.0", "x <= 1.5")

    result = altered(saved, tmp_path / "bad.certdde", change)
    assert not result.valid
    assert "claim" not in result.where


def test_d_is_negative_at_random_points(found):
    """Sampling against what was proved: D(xi, eta) over the box, the moments, and the delays of the part."""
    functional, system = found.finished.part.functional, hutchinson()
    features = Features.of(system, functional)
    low, high = box(system, features)
    generator = torch.Generator().manual_seed(3)
    xi = low + (high - low) * torch.rand(4000, 3, generator=generator, dtype=torch.float64)
    rows = ExactDelay((LOW, HIGH)).rows(features, 1)
    v = features(xi)
    for tau in np.linspace(LOW, HIGH, 7):
        form = moment_form(rows, functional.P, functional.S, functional.R, (tau, tau))[0]
        assert form.shape[0] == rows.head  # every variable is in xi: nothing to eliminate
        assert float(torch.einsum("ki,ij,kj->k", v, form, v).max()) < 0
