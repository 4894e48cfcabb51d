"""Certificates that must be accepted, and what is said about them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from certdde.verify.checker import check_file

from . import maker


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
