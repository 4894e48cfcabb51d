"""The main path: a problem goes in, a certificate that the checker accepts comes out."""

import json

import numpy as np
import pytest
import torch
from certificate_files import write_raw
from example_systems import hutchinson, kolmanovskii_richard, logistic, pendulum

from certdde.certificates import Certificate
from certdde.certificates.bundle import array_entry, digest, read, read_arrays
from certdde.certificates.claim import claim_sentence
from certdde.delays.classes import Constant
from certdde.errors import ProblemError
from certdde.learning.area import stays_and_converges
from certdde.learning.certify import certify
from certdde.learning.levels import FULL
from certdde.verify.checker import check_file


@pytest.fixture(scope="module")
def quadratic(tmp_path_factory):
    """Hutchinson up to 0.8 by a quadratic functional: seconds, no training."""
    certificate = certify(hutchinson(), Constant("tau", 0.0, 0.8), method="quadratic")
    return certificate.save(tmp_path_factory.mktemp("quadratic") / "certificate.certdde")


@pytest.fixture(scope="module")
def neural(tmp_path_factory):
    certificate = certify(hutchinson(), Constant("tau", 0.0, 0.9), method="neural")
    return certificate.save(tmp_path_factory.mktemp("neural") / "certificate.certdde")


def test_hutchinson_to_0_9_is_certified_rigorously_by_the_neural_functional(neural):
    assert neural.status == "certified"
    assert neural.rigor == "rigorous"
    assert neural.data["engine"] == "neural"
    assert neural.data["functional"]["kind"] == "neural"
    result = neural.check()
    assert result.valid
    assert result.claim == neural.data["claim"]


def test_quadratic_functionals_end_at_small_level_sets_where_the_neural_one_does_not(neural):
    [level], area = neural.data["region"]["level"], neural.data["region"]["area"]
    assert level >= FULL
    rows = neural.data["statistics"]["baselines"]
    assert [row["method"] for row in rows] == ["lmi", "quadratic"]
    for row in rows:
        assert row["level"] < FULL
        assert row["area"] < area["certified"] / area["domain"]


def test_the_claim_is_the_one_of_the_format(neural, quadratic):
    for certificate in (neural, quadratic):
        data = certificate.data
        assert data["claim"] == claim_sentence(data["system"], data["delay"], data["region"])


def test_a_global_claim_for_a_linear_system():
    certificate = certify(kolmanovskii_richard(), Constant("tau", 0.0, 6.1), method="auto", order=3)
    assert (certificate.status, certificate.rigor) == ("certified", "rigorous")
    assert certificate.data["region"]["level"] is None
    assert certificate.data["claim"].endswith("globally asymptotically stable.")


def test_a_shifted_equilibrium_and_a_range_that_does_not_start_at_0(tmp_path):
    certificate = certify(logistic(), Constant("tau", 0.2, 0.6), method="quadratic")
    assert certificate.rigor == "rigorous"
    assert "x = 1.0 of x' = x*(1 - x(t - tau))" in certificate.data["claim"]
    assert certificate.save(tmp_path / "c.certdde").check().valid


def test_a_single_delay_is_a_range():
    certificate = certify(hutchinson(), Constant("tau", 0.5, 0.5), method="quadratic")
    assert certificate.rigor == "rigorous"


def test_the_same_seed_gives_the_same_certificate(quadratic):
    again = certify(hutchinson(), Constant("tau", 0.0, 0.8), method="quadratic")
    assert dict(again.entries) == dict(quadratic.entries)


def test_planar_quadratic_region_is_kept_by_simulation():
    system = pendulum()
    certificate = certify(system, Constant("tau", 0.0, 0.45), method="quadratic")
    assert certificate.rigor == "rigorous"
    rho = certificate.data["region"]["radius"]["rho"]
    generator = torch.Generator().manual_seed(1)
    points = rho * (2 * torch.rand(200, 2, generator=generator, dtype=torch.float64) - 1)
    for tau in (0.0, 0.2, 0.45):
        assert stays_and_converges(system, points, tau).all()


def test_an_unstable_delay_is_refuted_with_its_abscissa():
    certificate = certify(hutchinson(), Constant("tau", 0.0, 1.7), method="neural")
    assert certificate.status == "refuted"
    assert certificate.data["counterexample"]["abscissa"] > 0


def test_out_of_budget_is_unknown_and_says_where():
    certificate = certify(hutchinson(), Constant("tau", 0.0, 1.5), method="neural", budget=0.5)
    assert certificate.status == "unknown"
    assert "delays in" in certificate.data["claim"]


@pytest.mark.parametrize("arguments", [{"method": "magic"}, {"engine": "magic"}])
def test_an_unknown_method_or_engine_is_refused_in_one_line(arguments):
    with pytest.raises(ProblemError) as error:
        certify(hutchinson(), Constant("tau", 0.0, 0.5), **arguments)
    assert "\n" not in str(error.value)


def test_a_system_without_a_delay_range_is_refused():
    with pytest.raises(ProblemError, match="no delay"):
        certify(hutchinson())


def leaves(value, path=()):
    """Yield the path of every scalar and list of a JSON object."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list) and value and isinstance(value[0], dict | list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    else:
        yield path


def changed(value):
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return value + "x"
        case None:
            return 1
        case list():
            return [*value, 1]
    return {}


def altered(data, path):
    copy = json.loads(json.dumps(data))
    place = copy
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = changed(place[path[-1]])
    return copy


def test_a_certificate_with_any_one_field_changed_is_refused(quadratic, tmp_path):
    data, entries = read(quadratic.path)
    paths = list(leaves(data))
    assert len(paths) > 40
    for path in paths:
        file = write_raw(tmp_path / "altered.certdde", altered(data, path), entries)
        assert not check_file(file).valid, path


CLAIM_FIELDS = (
    "schema",
    "kind",
    "status",
    "claim",
    "system",
    "delay",
    "functional",
    "proof",
    "region",
)
INFORMATION = (("region", "area"), ("system", "name"))


def test_a_change_of_what_is_claimed_is_refused_even_with_a_new_digest(neural, tmp_path):
    data, entries = read(neural.path)
    for path in leaves(data):
        if path[0] not in CLAIM_FIELDS or path[:2] in INFORMATION:
            continue
        copy = altered(data, path)
        copy["digest"] = digest(copy, entries)
        result = check_file(write_raw(tmp_path / "altered.certdde", copy, entries))
        assert not result.valid, path


def test_a_weight_changed_after_the_proof_is_refused(neural, tmp_path):
    from safetensors.numpy import load, save

    data, entries = read(neural.path)
    tensors = load(entries["part0.safetensors"])
    for name in tensors:
        copy = {key: value.copy() for key, value in tensors.items()}
        copy[name].flat[0] += 3.0
        for redone in (False, True):
            new = dict(entries, **{"part0.safetensors": save(copy)})
            field = dict(data, digest=digest(data, new)) if redone else data
            assert not check_file(write_raw(tmp_path / "w.certdde", field, new)).valid, name


def test_each_array_changed_after_the_proof_is_refused(neural, tmp_path):
    data, entries = read(neural.path)
    arrays = read_arrays(entries, 0)
    changes = {
        "P": lambda a: a - 0.5 * np.eye(len(a)),
        "S": lambda a: -a,
        "R": lambda a: 0 * a,
        "breaks": lambda a: 2 * a,
        "grid": lambda a: a + 1,
        "blocks": lambda a: a[:-1],
        "codes": lambda a: np.where(a == 0, 254, a).astype(np.uint8),
        "face_codes": lambda a: np.append(a, 254).astype(np.uint8),
    }
    assert set(arrays) == set(changes)
    for name, change in changes.items():
        new = dict(entries, **{"part0.npz": array_entry({**arrays, name: change(arrays[name])})})
        field = dict(data, digest=digest(data, new))
        assert not check_file(write_raw(tmp_path / "a.certdde", field, new)).valid, name


def test_a_longer_delay_range_than_proved_is_refused(quadratic, tmp_path):
    data, entries = read(quadratic.path)
    data["delay"]["range"] = [0.0, 0.81]
    data["claim"] = claim_sentence(data["system"], data["delay"], data["region"])
    data["digest"] = digest(data, entries)
    result = check_file(write_raw(tmp_path / "longer.certdde", data, entries))
    assert not result.valid


def test_a_round_trip_keeps_everything(quadratic, tmp_path):
    again = Certificate.load(quadratic.path)
    assert again.data == quadratic.data
    assert again.entries == dict(quadratic.entries)
