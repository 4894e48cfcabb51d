"""The second opinion: it agrees on what is true, differs on what is not, and loads no torch."""

from __future__ import annotations

import copy
import io
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from certdde.delays.classes import Constant, Measurable
from certdde.learning.certify import certify
from certdde.systems import DelaySystem
from certdde.verify.checker import check_file
from certdde.verify.second_opinion import compare
from certdde.verify.second_opinion import opinion as module

from ..checker import maker, writer

GOOD = {
    "linear": lambda: maker.linear_scalar(2),
    "quadratic": maker.hutchinson,
    "neural": lambda: maker.hutchinson(True),
    "pendulum": maker.pendulum,
    "two parts": maker.two_parts,
    "no forest": maker.linear_with_domain,
}


@pytest.fixture(scope="module")
def drafts() -> dict[str, maker.Draft]:
    return {name: make() for name, make in GOOD.items()}


@pytest.mark.parametrize("name", GOOD)
def test_it_agrees_with_the_checker(tmp_path, drafts, name):
    path = drafts[name].save(tmp_path / "a")
    result = check_file(path)
    assert result.valid
    opinion = compare(path, sample=120, seed=1)
    assert opinion.agree, opinion
    assert opinion.of == result.boxes
    assert opinion.boxes == min(120, result.boxes)


def test_all_boxes(tmp_path, drafts):
    path = drafts["neural"].save(tmp_path / "a")
    opinion = compare(path, sample=None)
    assert opinion.agree
    assert opinion.boxes == opinion.of == check_file(path).boxes


@pytest.mark.slow
def test_all_boxes_of_a_planar_neural_certificate(tmp_path):
    path = maker.pendulum(True).save(tmp_path / "a")
    opinion = compare(path, sample=None)
    assert opinion.agree
    assert opinion.boxes == check_file(path).boxes


def test_the_sample_is_that_of_the_seed(tmp_path, drafts, monkeypatch):
    drawn: list[tuple[int, ...]] = []
    original = module._field

    def spy(field, wanted, state):
        if field.where.endswith("codes"):
            drawn.append(tuple(wanted))
        return original(field, wanted, state)

    monkeypatch.setattr(module, "_field", spy)
    path = drafts["neural"].save(tmp_path / "a")
    for seed in (0, 0, 1):
        compare(path, sample=10, seed=seed)
    assert drawn[0] == drawn[1] != drawn[2]


def test_progress(tmp_path, drafts):
    path, seen = drafts["quadratic"].save(tmp_path / "a"), []
    compare(path, sample=5, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(k, 5) for k in range(1, 6)]


# ---- what is false


def changed(draft: maker.Draft, **arrays: np.ndarray) -> maker.Draft:
    draft = copy.deepcopy(draft)
    draft.arrays[0] |= arrays
    return draft


def differs(draft: maker.Draft, path) -> str:
    opinion = compare(draft.save(path), sample=None)
    assert not opinion.agree
    assert opinion.reason
    return opinion.reason


def test_matrices(tmp_path, drafts):
    good = drafts["quadratic"]
    arrays = good.arrays[0]
    for name, word in (("S", "S is not"), ("R", "R is not"), ("P", "P does not")):
        assert word in differs(changed(good, **{name: -arrays[name]}), tmp_path / "a")
    skew = arrays["S"] * 0
    assert "not positive" in differs(changed(good, S=skew), tmp_path / "a")


def test_delays_beyond_stability(tmp_path, drafts):
    for breaks in ([0.0, 0.8, 1.6], [0.0, 0.3, 0.6, 0.9, 1.2, 1.6]):
        reason = differs(changed(drafts["linear"], breaks=np.array(breaks)), tmp_path / "a")
        assert "definite" in reason


def test_level_and_radius(tmp_path, drafts):
    for name in ("quadratic", "pendulum"):
        draft = copy.deepcopy(drafts[name])
        draft.document["region"]["level"][0] *= 1.3
        assert "face" in differs(draft, tmp_path / "a")
        draft = copy.deepcopy(drafts[name])
        draft.document["region"]["radius"] = {"rho": 0.4, "rho_rate": 40.0}
        assert "radius" in differs(draft, tmp_path / "a")


def test_a_box_where_the_inequality_fails_is_named(tmp_path, drafts):
    draft = copy.deepcopy(drafts["quadratic"])
    for domain in (draft.document["system"]["domain"], draft.document["region"]["domain"]):
        domain["x"] = [-2, 4]
    draft.document["region"] |= {"level": [1e-9], "radius": {"rho": 1e-7, "rho_rate": 1e-7}}
    assert "is false at the middle of [" in differs(draft, tmp_path / "a")


def test_larger_networks(tmp_path, drafts):
    for name in ("V0.weight1", "W.weight1"):
        draft = copy.deepcopy(drafts["neural"])
        draft.tensors[0][name] = 200 * draft.tensors[0][name]
        differs(draft, tmp_path / "a")


def test_a_leaf_at_the_origin_must_be_a_star(tmp_path, drafts, monkeypatch):
    monkeypatch.setattr(module, "PIECES", 50)
    codes = drafts["neural"].arrays[0]["codes"]
    collapsed = np.where(codes == 255, 254, codes).astype(np.uint8)
    assert "is not shown" in differs(changed(drafts["neural"], codes=collapsed), tmp_path / "a")


def test_broken_forests(tmp_path, drafts):
    codes = drafts["neural"].arrays[0]["codes"]
    for bad in (codes[:-1], np.append(codes, np.uint8(254)), np.where(codes == 0, 7, codes)):
        draft = changed(drafts["neural"], codes=bad.astype(np.uint8))
        assert not compare(draft.save(tmp_path / "a"), sample=None).agree


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "a").write_bytes(b"nonsense")
    for path in (tmp_path / "a", tmp_path / "missing"):
        opinion = compare(path)
        assert not opinion.agree
        assert opinion.boxes == 0


@pytest.mark.parametrize("flags", [(), ("-O",)])
def test_no_torch(tmp_path, drafts, flags):
    path = drafts["quadratic"].save(tmp_path / "a")
    program = (
        "import sys; from certdde.verify.second_opinion import compare; r = compare(sys.argv[1]);"
        "print(r.agree, *({'torch', 'scipy', 'sympy', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, *flags, "-c", program, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["True"], done


@pytest.mark.parametrize(
    "equations", [["x' = -x(t - tau)"], ["x' = y", "y' = -2*x + 0.1*y + x(t - tau)"]]
)
def test_the_kind_spectral(tmp_path, equations):
    system = DelaySystem.from_equations(equations)
    delay = Constant("tau", 0.0, 1.5) if len(equations) == 1 else Constant("tau", 0.12, 1.7)
    path = tmp_path / "a"
    certify(system, delay, method="spectral").save(path)
    result, opinion = check_file(path), compare(path, sample=None)
    assert result.valid, result
    assert opinion.agree, opinion
    assert opinion.boxes == result.boxes > 0


@pytest.mark.parametrize("domain", [None, {"x": [-0.5, 1.0]}])
def test_measurable_delays(tmp_path, domain):
    text = "x' = -x(t - tau)" if domain is None else "x' = -(1 + x)*x(t - tau)"
    system = DelaySystem.from_equations([text], domain=domain)
    path = tmp_path / "a"
    found = certify(
        system, Measurable("tau", 0.0, 0.4), method="lmi" if domain is None else "quadratic"
    )
    found.save(path)
    result, opinion = check_file(path), compare(path, sample=100)
    assert result.valid, result
    assert opinion.agree, opinion
    assert opinion.of == result.boxes


def test_a_crossing_is_not_shown(tmp_path):
    """The same partition for x' = -2x(t - tau), which loses stability at pi/4: some box holds the crossing."""
    system = DelaySystem.from_equations(["x' = -2*x(t - tau)"])
    found = certify(system, Constant("tau", 0.0, 0.7), method="spectral")
    entries = dict(found.entries)
    with np.load(io.BytesIO(entries["spectral.npz"])) as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays["delays"] = np.array([0.0, 1.4])
    entries["spectral.npz"] = writer.npz_bytes(arrays)
    path = replace(found, entries=entries).save(tmp_path / "a").path
    assert not check_file(path).valid
    assert "spectral.codes" in compare(path, sample=None).reason
