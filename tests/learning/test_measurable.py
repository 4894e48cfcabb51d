"""Certificates for delays that vary in any measurable way."""

import json
from dataclasses import replace

import pytest
import torch
from certificate_files import write_raw
from example_systems import hutchinson, kolmanovskii_richard, scalar

from certdde.certificates.bundle import digest, read
from certdde.certificates.claim import claim_sentence
from certdde.delays.classes import Constant, Measurable
from certdde.learning.certify import certify
from certdde.verify.checker import check_file


@pytest.fixture(scope="module")
def nonlinear(tmp_path_factory):
    certificate = certify(hutchinson(), Measurable("tau", 0.0, 0.6), method="quadratic")
    return certificate.save(tmp_path_factory.mktemp("measurable") / "c.certdde")


def test_a_linear_system_is_certified_for_any_measurable_delay():
    for system, longest in ((scalar(), 1.38), (kolmanovskii_richard(), 2.2)):
        certificate = certify(system, Measurable("tau", 0.0, longest), method="lmi")
        assert certificate.rigor == "rigorous"
        assert "every measurable delay tau(t) with values in" in certificate.data["claim"]


def test_a_nonlinear_system_too(nonlinear):
    assert nonlinear.rigor == "rigorous"
    assert nonlinear.check().valid


def test_the_range_may_begin_above_0():
    assert certify(scalar(), Measurable("tau", 0.3, 1.2), method="lmi").rigor == "rigorous"


@pytest.mark.parametrize("method", ["lmi", "quadratic"])
def test_delays_that_destabilise_when_they_vary_are_not_certified(method):
    """x' = -x(t - tau) is stable for constant delays to pi/2, but not for measurable ones beyond 3/2 (Myshkis)."""
    certificate = certify(scalar(), Measurable("tau", 0.0, 1.53), method=method, order=3, budget=60)
    assert certificate.status == "unknown"


def test_a_proof_for_constant_delays_is_no_proof_for_measurable_ones(tmp_path):
    certificate = certify(scalar(), Constant("tau", 0.0, 1.55), method="lmi", order=3)
    data, entries = read(certificate.save(tmp_path / "c.certdde").path)
    data["delay"]["class"] = "measurable"
    data["claim"] = claim_sentence(data["system"], data["delay"], data["region"])
    data["digest"] = digest(data, entries)
    assert not check_file(write_raw(tmp_path / "x.certdde", data, entries)).valid


def test_a_longer_window_than_proved_is_refused(nonlinear, tmp_path):
    from certdde.certificates.bundle import array_entry, read_arrays

    data, entries = read(nonlinear.path)
    arrays = read_arrays(entries, 0)
    for change in (
        {"window": 2 * arrays["window"]},
        {"breaks": arrays["breaks"][:-1]},
        {"window": -arrays["window"]},
    ):
        new = dict(entries, **{"part0.npz": array_entry({**arrays, **change})})
        field = dict(json.loads(json.dumps(data)), digest=digest(data, new))
        assert not check_file(write_raw(tmp_path / "w.certdde", field, new)).valid, change


def test_v_decreases_along_a_solution_with_a_rough_delay(nonlinear):
    """A delay that jumps at random: the state must stay in the domain and tend to 0 from the certified radius."""
    rho = nonlinear.data["region"]["radius"]["rho"]
    generator = torch.Generator().manual_seed(0)
    steps, lag = 4000, 300
    x = torch.full((steps + lag,), rho, dtype=torch.float64)
    dt = 0.6 / lag
    delays = torch.randint(1, lag, (steps // 20,), generator=generator).repeat_interleave(20)
    for k in range(lag, steps + lag - 1):
        past = x[k - int(delays[(k - lag) % len(delays)])]
        x[k + 1] = x[k] + dt * (-(1 + x[k]) * past)
    assert float(x.max()) <= 1.0
    assert float(x.min()) >= -0.5
    assert abs(float(x[-1])) < 0.05 * rho


def test_the_class_must_be_a_range_of_delays():
    from certdde.errors import ProblemError

    with pytest.raises(ProblemError, match="reversed"):
        replace(Measurable("tau", 0.0, 1.0), lower=2.0)
