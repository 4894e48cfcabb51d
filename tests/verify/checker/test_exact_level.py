"""The level without codes: exact up to where the level set meets the domain, and no further."""

from __future__ import annotations

import copy
from fractions import Fraction

import numpy as np
import pytest

from certdde.verify.checker import check_file, forest, level
from certdde.verify.checker.dissipation import bessel
from certdde.verify.checker.moments import lower_forms
from certdde.verify.checker.refusal import Refused

from . import maker, unknowns_maker

TINY = Fraction(1, 10**9)
EMPTY = np.zeros(0, np.uint8)


def lower(draft: maker.Draft) -> list[list[Fraction]]:
    piece, found, _ = maker.read(draft, 0)
    total = bessel(piece.p, piece.s, piece.r, piece.breaks[-1], found.n)
    [form] = lower_forms(total, (), piece.breaks, found.n)
    return form


def best(form: list[list[Fraction]], near: list[Fraction]) -> Fraction:
    """The least r_i^2 / (M^-1)_ii, for two states."""
    (a, b), (_, c) = form
    det = a * c - b * b
    return min(near[0] ** 2 * det / c, near[1] ** 2 * det / a)


def with_level(draft: maker.Draft, value: Fraction) -> maker.Draft:
    changed = copy.deepcopy(draft)
    changed.document["region"]["level"] = [float(value)]
    changed.arrays[0]["face_codes"] = EMPTY
    changed.document["region"]["radius"] = {"rho": 0.001, "rho_rate": 0.001}
    return changed


def reason(draft: maker.Draft, folder) -> str:
    result = check_file(draft.save(folder / "a.certdde"))
    return "" if result.valid else f"{result.where} {result.reason}"


@pytest.fixture(scope="module")
def pendulum() -> maker.Draft:
    return maker.pendulum()


@pytest.fixture(scope="module")
def pushed() -> maker.Draft:
    return unknowns_maker.pushed()


def test_just_below_the_exact_level_and_just_above(pendulum, tmp_path):
    exact = best(lower(pendulum), [Fraction(1), Fraction(1)])
    assert reason(with_level(pendulum, exact * (1 - TINY)), tmp_path) == ""
    found = reason(with_level(pendulum, exact * (1 + TINY)), tmp_path)
    assert "face_codes" in found
    assert "leaves the domain" in found


def test_the_sampled_level_is_above_the_exact_one(pendulum):
    exact = best(lower(pendulum), [Fraction(1), Fraction(1)])
    _, found, _ = maker.read(pendulum, 0)
    sampled = maker.sampled_level(lower(pendulum), None, found.domain)
    assert float(exact) <= sampled * (1 + 1e-12)
    assert sampled <= 1.01 * float(exact)


@pytest.mark.parametrize(("name", "side"), [(n, s) for n in ("theta", "omega") for s in (0, 1)])
def test_an_end_moved_inward(pendulum, tmp_path, name, side):
    form = lower(pendulum)
    index = ["theta", "omega"].index(name)
    for end in (1 - 2**-10, 0.9, *((0.5, 0.25) if index else ())):  # theta has a forest too
        near = [Fraction(1), Fraction(1)]
        near[index] = Fraction(end)
        now = best(form, near)
        found = []
        for value in (now * (1 - TINY), now * (1 + TINY)):
            draft = with_level(pendulum, value)
            ends = draft.document["system"]["domain"] | {name: [-1.0, 1.0]}
            ends[name][side] = end if side else -end
            draft.document["system"]["domain"] = draft.document["region"]["domain"] = ends
            found.append(reason(draft, tmp_path))
        assert found[0] == ""
        assert "leaves the domain" in found[1]


def test_codes_are_judged_as_before(pendulum, tmp_path):
    """With codes, the boxes decide: those of a lower level do not show a higher one."""
    assert len(pendulum.arrays[0]["face_codes"])
    assert reason(pendulum, tmp_path) == ""
    exact = best(lower(pendulum), [Fraction(1), Fraction(1)])
    high = with_level(pendulum, exact * (1 + TINY))
    high.arrays[0]["face_codes"] = pendulum.arrays[0]["face_codes"]
    assert "face" in reason(high, tmp_path)
    for codes in (pendulum.arrays[0]["face_codes"][:-1], np.array([254], np.uint8)):
        less = copy.deepcopy(pendulum)
        less.arrays[0]["face_codes"] = codes
        assert "face" in reason(less, tmp_path)


def test_no_codes_with_a_network(tmp_path):
    draft = maker.pendulum(neural=True)
    assert reason(draft, tmp_path) == ""
    draft.arrays[0]["face_codes"] = EMPTY
    assert "ends before the forest does" in reason(draft, tmp_path)


def test_an_enclosed_equilibrium_takes_the_inner_ends(pushed, tmp_path):
    """theta* in [0.19869, 0.1987]: the nearer end of theta is 0.8 + 0.19869 or 1.2 - 0.1987, at worst."""
    low, high = Fraction(str(0.19869)), Fraction(str(0.1987))
    theta = min(Fraction("0.8") + low, Fraction("1.2") - high)
    near = [theta, 1 - Fraction(str(1e-05))]
    exact = best(lower(pushed), near)
    assert reason(with_level(pushed, exact * (1 - TINY)), tmp_path) == ""
    assert "leaves the domain" in reason(with_level(pushed, exact * (1 + TINY)), tmp_path)


def test_each_side_of_an_interval_counts():
    """0 is in the domain, with both ends in intervals: the inner ends bound the level."""
    one, zero = Fraction(1), Fraction(0)
    form, wide = [[one, zero], [zero, one]], (Fraction(-9), Fraction(9))
    for inner, sides in {
        1: ((-3, -1), (2, 4)),
        2: ((-3, -2), (2, 4)),
        3: ((-5, -4), (3, 3)),
    }.items():
        ends = tuple((Fraction(a), Fraction(b)) for a, b in sides)
        outer = ((ends[0][0], ends[1][1]), wide)
        everything = (ends, ((wide[0],) * 2, (wide[1],) * 2))
        square = Fraction(inner) ** 2
        codes = forest.Codes(EMPTY, "here")
        level.check_level([form], None, outer, square * (1 - TINY), codes, id, everything)
        with pytest.raises(Refused):
            level.check_level([form], None, outer, square, codes, id, everything)


@pytest.mark.parametrize("seed", range(30))
def test_forms_of_all_kinds(seed):
    """Random forms, some of a wrong sign: accepted only if x^T M x > c on all faces, all forms alike."""
    rng = np.random.default_rng(seed)
    n, codes = int(rng.integers(2, 5)), forest.Codes(EMPTY, "here")
    root = np.round(rng.normal(size=(n, n)) * 16) / 16
    good = root @ root.T + np.eye(n) / 8
    near = np.round(rng.uniform(0.25, 2, (n, 2)) * 16) / 16
    domain = tuple((-Fraction(a), Fraction(b)) for a, b in near.tolist())
    exact = (near.min(axis=1) ** 2 / np.diag(np.linalg.inv(good))).min()
    as_exact = [[Fraction(v) for v in row] for row in good.tolist()]
    value = Fraction(float(exact))
    level.check_level([as_exact], None, domain, value * (1 - TINY), codes, id)
    bad = copy.deepcopy(as_exact)
    bad[n - 1][n - 1] *= -1
    larger = [[4 * v for v in row] for row in as_exact]
    for forms, c in (
        ([as_exact], value * (1 + TINY)),
        ([larger, as_exact], value * (1 + TINY)),
        ([as_exact, larger], value * (1 + TINY)),
        ([bad], value / 1000),
        ([[[-v for v in row] for row in as_exact]], value / 1000),
        ([as_exact, bad], value / 1000),
    ):
        with pytest.raises(Refused, match="leaves the domain"):
            level.check_level(forms, None, domain, c, codes, id)


@pytest.mark.parametrize("end", [(0, 1), (Fraction(1, 4), 1), (-1, 0), (-1, Fraction(-1, 4))])
def test_an_equilibrium_at_the_edge_or_outside(end):
    domain = ((Fraction(-1), Fraction(1)), (Fraction(end[0]), Fraction(end[1])))
    form = [[Fraction(1), Fraction(0)], [Fraction(0), Fraction(1)]]
    with pytest.raises(Refused, match="0 is not inside"):
        level.check_level([form], None, domain, Fraction(1, 100), forest.Codes(EMPTY, "here"), id)
