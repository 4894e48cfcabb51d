"""Kind "random": which certificates are pieces, and that every one of them is proved."""

from __future__ import annotations

import io

import numpy as np
import pytest

from certdde.verify.checker import check_file, sampled
from certdde.verify.checker import random as checked

from . import (
    maker,
    random_maker,
    resampled_maker,
    sampled_maker,
    scheme_maker,
    several_maker,
    slow_maker,
    unknowns_maker,
    writer,
)
from .random_maker import HALVES, content, draft, of, piece, tampered

APART = [(0.0, 0.3), (0.5, 1.0)]


def check(found, tmp_path):
    return check_file(found.save(tmp_path / "a.certdde"))


def saved(found, tmp_path) -> bytes:
    return found.save(tmp_path / "piece.certdde").read_bytes()


@pytest.mark.parametrize(
    "make",
    [
        lambda: draft([(0.0, 0.3)], HALVES, 0.1),
        sampled_maker.scalar,
        scheme_maker.constant,
        scheme_maker.varying,
        resampled_maker.scalar,
    ],
    ids=["random", "sampled", "scheme", "free scheme", "resampled"],
)
def test_what_is_not_about_constant_delays_is_no_piece(tmp_path, make):
    inner = make()
    own = saved(inner, tmp_path)
    ends = content(own)["delay"]["range"]
    found = draft([], HALVES, 0.01, [ends])
    found.document["system"] = content(own)["system"]
    found.pieces = [own]
    result = check(found, tmp_path)
    assert not result.valid
    assert result.where in ("piece0: kind", "equation of x")
    assert check_file(tmp_path / "piece.certdde").valid  # nothing is wrong with it but its kind


def test_kinds_for_constant_delays_are_pieces(tmp_path):
    ends = [0.0, 0.9]
    lags = (0 * several_maker.ONE, {(0, 1): -several_maker.ONE})
    grid = [[[0.0, 0.45, several_maker.above(0.9)]]]
    kinds = [
        slow_maker.draft(slow_maker.SCALAR, ends, [None, 0.1]),
        several_maker.draft(slow_maker.SCALAR, lags, {"tau": ends}, grid, [254]),
    ]
    for one in kinds:
        result = check(of([saved(one, tmp_path)], [ends], HALVES, 0.449), tmp_path)
        assert result.valid, result


def test_multiples_of_the_delay(tmp_path):
    own = saved(several_maker.undelayed(), tmp_path)
    result = check(of([own], [[0.0, 0.9408]], HALVES, 0.47), tmp_path)
    assert result.valid, result
    assert "x(t - 2*tau) is globally asymptotically stable. A delay" in result.claim


def test_a_local_claim_says_no_more_than_its_pieces(tmp_path):
    own = saved(unknowns_maker.uncertain(), tmp_path)
    result = check(of([own], [[0.0, 0.4]], HALVES, 0.199), tmp_path)
    assert result.valid, result
    head = result.claim.partition(" A delay")[0]
    assert head.endswith(" is asymptotically stable.")
    assert "globally" not in result.claim
    assert "tau in [0.0, 0.4] and every constant a in [0.9, 1.1], the equilibrium" in head


@pytest.mark.parametrize("domain", [None, {"x": [-0.1, 0.1]}])
def test_another_domain_is_another_system(tmp_path, domain):
    own = saved(maker.linear_with_domain(), tmp_path)
    found = of([own], [content(own)["delay"]["range"]], HALVES, 0.01)
    assert check(found, tmp_path).valid
    found.document["system"] |= {"domain": domain}
    found.document["region"] |= {"domain": domain}
    assert check(found, tmp_path).where == "piece0"


@pytest.mark.parametrize("k", [0, 1])
def test_every_piece_is_proved(tmp_path, k):
    """A functional that does not decrease, sealed again."""

    def turned(document, entries):
        arrays = dict(np.load(io.BytesIO(entries["part0.npz"])))
        arrays["R"] = -arrays["R"]
        entries["part0.npz"] = writer.npz_bytes(arrays)
        document["digest"] = writer.digest(document, entries)

    found = draft(APART, HALVES, 0.1)
    found.pieces[k] = tampered(found.pieces[k], turned)
    result = check(found, tmp_path)
    assert not result.valid
    assert result.where.startswith(f"piece{k}: ")


def test_pieces_may_be_in_any_order_and_nested(tmp_path):
    for ranges in ([(0.5, 1.0), (0.0, 0.3)], [(0.0, 0.3), (0.5, 1.0), (0.6, 0.7)]):
        found = draft(ranges, HALVES, 0.39, [[0.0, 0.3], [0.5, 1.0]])
        assert check(found, tmp_path).valid
    found = found.changed(set=[[0.5, 1.0], [0.0, 0.3]], range=[0.5, 0.3])
    assert not check(found, tmp_path).valid


def test_limits_hold_for_all_pieces_together(tmp_path, monkeypatch):
    found = draft(APART, HALVES, 0.3)
    sizes = [sum(map(len, writer.entries_of(one).values())) for one in found.pieces]
    monkeypatch.setattr(checked, "MAX_BYTES", sum(sizes))
    assert check(found, tmp_path).valid
    monkeypatch.setattr(checked, "MAX_BYTES", sum(sizes) - 1)
    assert check(found, tmp_path).where == "piece1"
    monkeypatch.undo()
    monkeypatch.setattr(checked, "MOST", 1)
    assert check(found, tmp_path).where == "proof.claims"


def test_only_these_kinds_are_pieces():
    """Discrete time is refused by its equations too, so that no file shows what this list does."""
    about = {"krasovskii", "razumikhin", "several", "slow", "sos", "spectral", "yorke"}
    assert set(checked.PIECES) == about


def test_the_class_is_looked_at_too(tmp_path, monkeypatch):
    own = saved(sampled_maker.scalar(), tmp_path)
    found = of([own], [content(own)["delay"]["range"]], HALVES, 0.01)
    monkeypatch.setattr(checked, "PIECES", {"sampled": sampled.RULE})
    result = check(found, tmp_path)
    assert (result.where, result.reason) == ("piece0", "is not about constant delays")


def test_a_delay_of_another_name_is_another_system(tmp_path):
    found = of([piece(0.0, 0.3, equations=["x' = -x"])], [[0.0, 0.3]], HALVES, 0.1)
    assert check(found, tmp_path).where != "piece0"
    found.document["delay"]["name"] = "s"
    assert check(found, tmp_path).where == "piece0"


@pytest.mark.parametrize("said", ["", "x = 0 is stable.", "1 = 0."])
def test_what_is_quoted_is_what_the_pieces_state(tmp_path, said):
    found = draft(APART, HALVES, 0.3)
    found.save(tmp_path / "a.certdde")
    found.document["proof"]["claims"][1] = said
    document = found.document | {"claim": random_maker.claim(found.document)}
    result = check_file(writer.write(tmp_path / "a.certdde", document, found.entries()))
    assert result.where == "proof.claims"
