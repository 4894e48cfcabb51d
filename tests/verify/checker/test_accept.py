"""Certificates that must be accepted, and what is said about them."""

from __future__ import annotations

import json
import resource

import numpy as np
import pytest

from certdde.verify.checker import check_file

from . import maker, writer


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_linear_scalar(tmp_path, order):
    draft = maker.linear_scalar(order, 1.1 if order else 0.9)
    result = check_file(draft.save(tmp_path / "a.certdde"))
    assert result.valid, result
    assert result.rigor == "rigorous"
    assert result.claim == draft.document["claim"]
    assert result.claim.endswith("x' = -x(t - tau) is globally asymptotically stable.")


@pytest.mark.parametrize("neural", [False, True])
def test_hutchinson(tmp_path, neural):
    draft = maker.hutchinson(neural)
    codes = draft.arrays[0]["codes"]
    seen = []
    result = check_file(
        draft.save(tmp_path / "a.certdde"), lambda done, total: seen.append((done, total))
    )
    assert result.valid, result
    assert result.boxes == (codes >= 254).sum() + 2
    assert {254, 255} <= set(codes.tolist())
    assert seen[-1][0] == result.boxes


@pytest.mark.parametrize("neural", [False, True])
def test_pendulum(tmp_path, neural):
    draft = maker.pendulum(neural)
    result = check_file(draft.save(tmp_path / "a.certdde"))
    assert result.valid, result
    assert "with c = 1.5, k = 2.0 is asymptotically stable" in result.claim


def test_two_parts_and_an_equilibrium_elsewhere(tmp_path):
    draft = maker.two_parts()
    result = check_file(draft.save(tmp_path / "a.certdde"))
    assert result.valid, result
    assert "V_i <= c_i, c = (" in result.claim
    assert "the equilibrium x = 1.0 of" in result.claim


def test_linear_system_with_a_domain_has_no_forest(tmp_path):
    draft = maker.linear_with_domain()
    assert "codes" not in draft.arrays[0]
    result = check_file(draft.save(tmp_path / "a.certdde"))
    assert result.valid, result


def test_several_blocks(tmp_path):
    draft = maker.hutchinson()
    one = draft.arrays[0]
    grid = [4, 4]
    one["blocks"] = np.array([3, 13])
    piece, found, order = maker.read(draft, 0)
    features, q, box = maker.problem(piece, found, order)
    one["codes"] = np.concatenate(
        [maker.prove(features, q, box, grid, cells=c) for c in ((0, 3), (3, 16))]
    )
    result = check_file(draft.save(tmp_path / "a.certdde"))
    assert result.valid, result


def test_information_may_change(tmp_path):
    draft = maker.linear_scalar(1)
    draft.document |= {
        "statistics": {"boxes": 3},
        "versions": {"numpy": "2"},
        "seed": None,
        "rigor": "rigorous",
        "engine": "lmi",
    }
    draft.document["system"]["name"] = "another \u03b1"
    assert check_file(draft.save(tmp_path / "a.certdde")).valid


def test_result_is_plain_data(tmp_path):
    result = check_file(maker.linear_scalar(1).save(tmp_path / "a.certdde"))
    with pytest.raises(AttributeError):
        result.valid = False
    assert json.loads(json.dumps([result.valid, result.seconds]))[0] is True


def test_a_claim_states_its_numbers_exactly(tmp_path):
    """0.8999999999999999999999 would be printed as 0.9, which is more than was proved."""
    path = maker.linear_scalar(1, 0.9).save(tmp_path / "a.certdde")
    assert check_file(path).valid
    content = writer.entries_of(path)
    text = content.pop("certificate.json").decode()
    other = text.replace("[0, 0.9]", "[0, 0.8999999999999999999999]")
    assert other != text
    document = json.loads(other)
    assert document["digest"] == writer.digest(document, content)
    (tmp_path / "b.certdde").write_bytes(
        writer.archive({"certificate.json": other.encode(), **content})
    )
    result = check_file(tmp_path / "b.certdde")
    assert not result.valid
    assert "cannot state a number exactly" in result.reason


@pytest.mark.slow
def test_a_million_boxes_in_bounded_time_and_memory(tmp_path):
    """At least 20,000 boxes a second on a busy core (50,000 and more on a free one), below 1 GiB."""
    draft = maker.hutchinson(True, breaks=tuple(np.linspace(0, 0.4, 7)))
    piece, found, order = maker.read(draft, 0)
    features, q, box = maker.problem(piece, found, order)
    grid = [640, 640]
    rows = [(k * 64 * 640, (k + 1) * 64 * 640) for k in range(10)]
    codes = [maker.prove(features, q, box, grid, least=0, cells=pair) for pair in rows]
    arrays = {
        "grid": np.array(grid),
        "blocks": np.array([b - a for a, b in rows]),
        "codes": np.concatenate(codes),
    }
    draft.arrays[0] |= arrays
    path = draft.save(tmp_path / "a.certdde")
    assert path.stat().st_size < 5_000_000
    result = check_file(path)
    assert result.valid, result
    assert result.boxes >= 400_000
    assert result.boxes / result.seconds > 20_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 2**20


@pytest.mark.parametrize(
    "equation",
    [
        "x' = " + "-" * 9001 + "x(t - tau)",
        "x' = -" + "(" * 100 + "x(t - tau)" + ")" * 100,
        " x  '=-x( t-tau )*(2/2)^(-1)/1.",
        "x' = -x(t - tau)" + "*1" * 99,
        "x' = -x(t - tau) + 0*x(t)" + " + 0" * 1000,
        "x' = sqrt(9/4)*x(t-tau)*cos(0) - 25e-1*x(t - tau)",
    ],
)
def test_equations_at_the_limits_of_the_grammar(tmp_path, equation):
    draft = maker.linear_scalar(1)
    draft.document["system"]["equations"] = [equation]
    result = check_file(draft.save(tmp_path / "a.certdde"))
    assert result.valid, result
