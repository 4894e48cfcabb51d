"""Kind "random": what is accepted, and the false claims that are not."""

from __future__ import annotations

import copy
import math

import pytest
from scipy import stats

from certdde.verify.checker import check_file

from . import mutations, random_maker, writer
from .random_maker import HALVES, PARETO, draft, piece, tampered

ARCHIVE = {"certificate.json": b"{}"}
TOUCHING = [(0.0, 0.4), (0.4, 1.0)]
APART = [(0.0, 0.3), (0.5, 1.0)]


def check(found, tmp_path):
    return check_file(found.save(tmp_path / "a.certdde"))


def test_pieces_that_touch_are_one_range(tmp_path):
    result = check(draft(TOUCHING, HALVES, 0.5, [[0.0, 1.0]]), tmp_path)
    assert result.valid, result
    assert "tau in [0.0, 1.0], the equilibrium" in result.claim
    assert "uniform(scale = 2.0)" in result.claim
    assert "probability at least 0.5." in result.claim
    assert result.claim.count("For every constant delay") == 3


def test_pieces_apart_are_a_union(tmp_path):
    result = check(draft(APART, HALVES, 0.3999999), tmp_path)
    assert result.valid, result
    assert "tau in [0.0, 0.3] or [0.5, 1.0], " in result.claim


def test_the_probability_is_sharp_and_no_larger(tmp_path):
    true = float(stats.pareto(b=1.5, scale=0.1).cdf(1.0))
    for probability, right in [(true - 1e-12, True), (true + 1e-12, False), (true + 1e-9, False)]:
        result = check(draft([(0.0, 1.0)], PARETO, probability), tmp_path)
        assert result.valid is right, result
        assert right or result.where == "delay.probability"
    assert not check(draft(APART, HALVES, math.nextafter(0.4, 1)), tmp_path).valid
    for probability in (0.0, -0.1, 1.5):
        assert not check(draft(APART, HALVES, probability), tmp_path).valid


def test_pieces_that_overlap_count_once(tmp_path):
    overlap = [(0.0, 0.6), (0.4, 1.0)]
    assert check(draft(overlap, HALVES, 0.5, [[0.0, 1.0]]), tmp_path).valid
    for probability in (0.5, 0.6):
        assert not check(draft(overlap, HALVES, probability), tmp_path).valid
    twice = [(0.0, 1.0), (0.0, 1.0)]
    assert check(draft(twice, HALVES, 0.5, [[0.0, 1.0]]), tmp_path).valid
    assert not check(draft(twice, HALVES, 1.0), tmp_path).valid


@pytest.mark.parametrize(
    "united",
    [[[0.0, 1.0]], [[0.0, 0.3], [0.5, 1.1]], [[0.0, 0.3]], [[0.0, 0.4], [0.4, 1.0]], [[0.0, 0.0]]],
)
def test_a_set_that_is_not_the_union_is_refused(tmp_path, united):
    assert not check(draft(APART, HALVES, 0.1, united), tmp_path).valid


def test_a_gap_is_not_jumped_over(tmp_path):
    near = math.nextafter(0.4, 1)
    assert not check(draft([(0.0, 0.4), (near, 1.0)], HALVES, 0.39, [[0.0, 1.0]]), tmp_path).valid


@pytest.mark.parametrize(
    "system",
    [
        {"equations": ["x' = -0.9*x(t - tau)"]},
        {"parameters": {"k": 1.0}},
        {"name": "another"},
        {"equilibrium": {"x": 0.0}},
    ],
)
def test_a_piece_of_another_system_is_refused(tmp_path, system):
    found = draft(APART, HALVES, 0.1)
    found.pieces[1] = piece(0.5, 1.0, **system)
    result = check(found, tmp_path)
    assert not result.valid
    assert "piece1" in result.where


def test_a_piece_for_another_equilibrium_is_refused(tmp_path):
    found = draft(APART, HALVES, 0.1)
    found.pieces[1] = piece(0.5, 1.0, equations=["x' = 1 - x(t - tau)"], equilibrium={"x": 1.0})
    assert not check(found, tmp_path).valid


def test_a_piece_that_is_tampered_with_is_refused(tmp_path):
    def longer(document, entries):
        document["delay"]["range"] = [0.5, 1.6]
        document["claim"] = writer.claim(document)
        document["digest"] = writer.digest(document, entries)

    def unsealed(document, entries):
        document["seed"] = 1

    def unknown(document, entries):
        document["status"] = "unknown"
        document["digest"] = writer.digest(document, entries)

    def extra(document, entries):
        entries["more"] = b""
        document["digest"] = writer.digest(document, entries)

    for change in (longer, unsealed, unknown, extra):
        found = draft(APART, HALVES, 0.1)
        found.pieces[1] = tampered(found.pieces[1], change)
        if change is longer:
            found = found.changed(set=[[0.0, 0.3], [0.5, 1.6]], range=[0.0, 1.6])
        assert not check(found, tmp_path).valid, change
    for junk in (b"", b"PK", writer.archive(ARCHIVE)):
        found = draft(APART, HALVES, 0.1)
        path = found.save(tmp_path / "a.certdde")
        entries = found.entries() | {"piece1.certdde": junk}
        result = check_file(writer.write(path, found.document, entries))
        assert not result.valid
        assert result.where.startswith("piece1")


@pytest.mark.parametrize(
    "law",
    [
        PARETO | {"args": {"b": 1.5, "scale": 0.3}},  # altered: less than the probability
        PARETO | {"args": {"b": 1.0, "scale": 0.1}},
        {"law": "mixture", "weights": [0.5, 0.6], "laws": [PARETO, PARETO]},
        {"law": "levy", "args": {}},
        PARETO | {"range": [2.0, 3.0]},
        {"law": "uniform", "args": {}, "range": [2.0, 3.0]},
    ],
)
def test_an_altered_law_is_refused(tmp_path, law):
    assert check(draft([(0.0, 1.0)], PARETO, 0.96), tmp_path).valid
    result = check(draft([(0.0, 1.0)], law, 0.96), tmp_path)
    assert not result.valid
    assert result.where.startswith(("delay.law", "delay.probability"))


def test_conditioned_and_mixed_laws(tmp_path):
    half = HALVES | {"range": [0.0, 1.0]}
    assert check(draft([(0.0, 0.5)], half, 0.49999), tmp_path).valid
    assert not check(draft([(0.0, 0.5)], half, 0.5001), tmp_path).valid
    mixed = {"law": "mixture", "weights": [0.25, 0.75], "laws": [half, HALVES]}
    assert check(draft([(0.0, 0.5)], mixed, 0.31249), tmp_path).valid
    assert not check(draft([(0.0, 0.5)], mixed, 0.3126), tmp_path).valid


def test_without_a_probability_the_claim_is_the_set(tmp_path):
    result = check(draft(APART, {"law": "levy", "args": {}}, None), tmp_path)
    assert result.valid, result
    assert "probability" not in result.claim
    assert "levy" not in result.claim


def still_true(path: tuple, old, new) -> bool:
    """Another probability that is not too large, none at all, or a law for which 0.3 is not too large."""
    if path == ("delay", "probability"):
        return new is None or 0 < new < 0.4
    if path == ("delay", "law", "args", "scale"):
        return 0.8 / new > 0.3
    return path == ("delay", "law", "args") and new == {}  # the scale is 1


@pytest.mark.parametrize("reclaim", [False, True])
def test_every_field_counts(tmp_path, reclaim):
    found = draft(APART, HALVES, 0.3)
    found.save(tmp_path / "a.certdde")
    base = copy.deepcopy(found.document)
    mutations.check_each_field(
        tmp_path / "m.certdde",
        base,
        found.entries(),
        random_maker.claim,
        still_true,
        reclaim=reclaim,
    )
