"""Kind "spectral": what is accepted, what is refused, and the leaf test against exact arithmetic."""

from __future__ import annotations

import copy
import json
import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certdde.verify.checker import check_file, regular, taylor
from certdde.verify.checker.system import System

from . import maker, spectral_maker, writer
from .mutations import check_each_field
from .spectral_maker import FRICTION, SCALAR
from .test_reject import refused


@pytest.fixture(scope="module")
def scalar() -> spectral_maker.Draft:
    return spectral_maker.scalar()


@pytest.fixture(scope="module")
def friction() -> spectral_maker.Draft:
    return spectral_maker.friction()


# ---- accepted


def test_the_scalar_margin_to_nine_digits(tmp_path):
    draft = spectral_maker.scalar(1.5707963267)
    seen = []
    result = check_file(draft.save(tmp_path / "a"), lambda done, total: seen.append((done, total)))
    assert result.valid, result
    assert result.rigor == "rigorous"
    assert result.claim == draft.document["claim"]
    assert result.claim.startswith("For every constant delay tau in [0.0, 1.5707963267],")
    assert result.claim.endswith("x' = -x(t - tau) is globally asymptotically stable.")
    assert result.boxes == (draft.spectral["codes"] == 254).sum() == seen[-1][1]


def test_a_window_between_two_crossings(tmp_path, friction):
    result = check_file(friction.save(tmp_path / "a"))
    assert result.valid, result
    assert result.boxes > 10


def test_grids_and_blocks(tmp_path):
    draft = spectral_maker.scalar(grid=(3, 2))
    assert check_file(draft.save(tmp_path / "a")).valid
    for blocks in ([1, 4], [6, 6], [7], [0, 6], [3, 3, 0], []):
        wrong = {"blocks": np.array(blocks, dtype=np.int64)}
        refused(draft.changed(spectral=wrong).save(tmp_path / "a"))


@pytest.mark.parametrize("ends", [(0.5, 0.5), (0.1, 0.3), (0, 1e-9)])
def test_parts_of_the_range_and_single_delays(tmp_path, scalar, ends):
    """The delays of the partition hold the claim's; the anchor need not lie in the claim's."""
    draft = scalar.changed(delay=scalar.document["delay"] | {"range": list(ends)})
    assert check_file(draft.save(tmp_path / "a")).valid


def test_an_equilibrium_elsewhere_and_parameters(tmp_path):
    draft = spectral_maker.draft(
        ["x' = -k*(x(t - tau) - 3)"],
        [0, 3.1415],
        ((SCALAR[0], SCALAR[1] / 2), [0.0, 0.5], 1),
        parameters={"k": 0.5},
        equilibrium={"x": 3},
    )
    result = check_file(draft.save(tmp_path / "a"))
    assert result.valid, result
    assert "with k = 0.5 is globally asymptotically stable" in result.claim


def test_stable_for_every_delay(tmp_path):
    """Large delays: e^(-i w tau) is only known to be in the unit disc."""
    matrices = (np.array([[0, 1], [-2.0, -3.0]]), np.array([[0, 0], [1.0, 0]]))
    draft = spectral_maker.draft(
        ["x' = v", "v' = -2*x - 3*v + x(t - tau)"], [0, 1e6], (matrices, [0.0, 0.1], 1)
    )
    result = check_file(draft.save(tmp_path / "a"))
    assert result.valid, result
    assert result.boxes < 1000


def test_information_may_change(tmp_path, scalar):
    for keys in (
        {"statistics": {"a": 1}},
        {"rigor": "rigorous"},
        {"engine": "lmi"},
        {"seed": None},
    ):
        assert check_file(scalar.changed(**keys).save(tmp_path / "a")).valid


# ---- refused


@pytest.mark.parametrize("end", [1.5707964, 1.5708, 1.6, 3, 100])
def test_delays_beyond_the_margin(tmp_path, scalar, end):
    with pytest.raises(ValueError, match=r"does not end"):
        spectral_maker.partition(spectral_maker.read(scalar.document), [0, end], [1, 1])
    delay = scalar.document["delay"] | {"range": [0, end]}
    assert "ends after" in refused(scalar.changed(delay=delay).save(tmp_path / "a")).reason
    delays = {"delays": np.array([0.0, math.nextafter(end, math.inf)])}
    wider = scalar.changed(spectral=delays, delay=delay)
    assert "not proved" in refused(wider.save(tmp_path / "a")).reason


def test_the_claim_must_lie_in_the_delays_of_the_partition(tmp_path, friction):
    a, b = friction.document["delay"]["range"]
    for window in ([a - 1e-9, b], [a, b + 1e-9], [0, b], [a, 2 * b]):
        draft = friction.changed(delay=friction.document["delay"] | {"range": window})
        assert refused(draft.save(tmp_path / "a")).where == "delay.range"


def test_a_decimal_just_beyond_the_binary_end_is_seen(tmp_path, scalar):
    """0.3 as a binary64 is below 3/10."""
    draft = scalar.changed(
        spectral=spectral_maker.partition(spectral_maker.read(scalar.document), [0, 0.3], [1, 1]),
        delay=scalar.document["delay"] | {"range": [0, 0.3]},
    )
    assert "ends after" in refused(draft.save(tmp_path / "a")).reason


def test_no_crossing_without_an_anchor_proves_nothing(tmp_path, scalar):
    """x' = x, and x'' = .. of FRICTION before its window: unstable, and no root is on the axis."""
    draft = scalar.changed()
    draft.document["system"]["equations"] = ["x' = x(t) + 0.5*x(t - tau)"]
    system = spectral_maker.read(draft.document)
    draft.spectral = spectral_maker.partition(system, [0, 1.5707963], [1, 1])
    assert "definite" in refused(draft.save(tmp_path / "a")).reason


def test_an_anchor_outside_the_delays_of_the_partition(tmp_path, friction):
    system = spectral_maker.read(friction.document)
    for ends in ([0, 0.1], [1.72, 1.8]):
        draft = friction.changed(
            spectral=spectral_maker.partition(system, ends, [1, 1]),
            delay=friction.document["delay"] | {"range": ends},
        )
        assert "lie outside" in refused(draft.save(tmp_path / "a")).reason
    moved = friction.changed(part={"breaks": np.array([1.7179, 1.75])})
    refused(moved.save(tmp_path / "a"))


def test_wrong_anchors(tmp_path, friction):
    for name in ("P", "S", "R"):
        array = friction.part[name]
        bent = array + 10 * np.abs(array).max() * np.diag(np.arange(len(array)) % 2 - 0.5)
        for bad in (-array, 0 * array, bent, array + np.triu(np.ones(array.shape), 1)):
            refused(friction.changed(part={name: bad}).save(tmp_path / "a"))


def test_each_code_changed(tmp_path, friction):
    codes = friction.spectral["codes"]
    for i in range(len(codes)):
        for new in (255, 2, 254 if codes[i] < 2 else 0):
            bad = codes.copy()
            bad[i] = new
            refused(friction.changed(spectral={"codes": bad}).save(tmp_path / "a"))
    for bad in (codes[:-1], codes[1:], codes[:0], np.append(codes, np.uint8(254))):
        refused(friction.changed(spectral={"codes": bad}).save(tmp_path / "a"))
    coarse = np.array([254], dtype=np.uint8)
    result = refused(friction.changed(spectral={"codes": coarse}).save(tmp_path / "a"))
    assert "not proved" in result.reason


def test_axes_that_change_places(tmp_path, friction):
    codes = friction.spectral["codes"]
    swapped = np.where(codes < 2, 1 - codes, codes).astype(np.uint8)
    refused(friction.changed(spectral={"codes": swapped}).save(tmp_path / "a"))


def test_larger_frequencies_cannot_be_left_out(tmp_path, scalar):
    """The range of w follows from the equations: faster equations need another partition."""
    for equation in (
        "x' = -2*x(t - tau)",
        "x' = -1.0000001*x(t - tau)",
        "x' = -x(t-tau) + x - x(t)",
    ):
        draft = scalar.changed()
        draft.document["system"]["equations"] = [equation]
        result = check_file(draft.save(tmp_path / "a"))
        assert result.valid is (equation == "x' = -x(t-tau) + x - x(t)"), result


def test_arrays(tmp_path, friction):
    for name, array in friction.spectral.items():
        others = [array[None], array.astype(np.float32), array.astype(np.int32), np.array(3.0)]
        others += [array.astype(">f8"), array.astype(complex), array[:0], np.append(array, array)]
        others += [-array.astype(array.dtype), 0 * array]
        for bad in others:
            refused(friction.changed(spectral={name: bad}).save(tmp_path / "a"))
        lacking = copy.deepcopy(friction)
        del lacking.spectral[name]
        refused(lacking.save(tmp_path / "a"))
        refused(friction.changed(spectral={name + "2": array}).save(tmp_path / "a"))
    for bad in ([np.nan, 1], [0.1, np.inf], [1.7, 0.1], [0.1, 0.1], [-1, 1.8], [0.1, 1e300]):
        refused(friction.changed(spectral={"delays": np.array(bad)}).save(tmp_path / "a"))
    for bad in ([0, 1], [-1, -1], [5000, 1], [2, 1]):
        refused(friction.changed(spectral={"grid": np.array(bad)}).save(tmp_path / "a"))


def test_entries_missing_swapped_or_of_the_other_kind(tmp_path, friction):
    document, entries = friction.document, friction.entries()
    document["claim"] = writer.claim(document)
    swapped = {
        "part0.npz": entries["spectral.npz"],
        "spectral.npz": entries["part0.npz"],
    }
    part = {"part0.npz": entries["part0.npz"]}
    for bad in (swapped, part, {"spectral.npz": entries["spectral.npz"]}, entries | {"x": b""}):
        refused(writer.write(tmp_path / "a", document, bad))
    krasovskii = document | {"kind": "krasovskii"}
    assert refused(writer.write(tmp_path / "a", krasovskii, entries)).where == "archive"
    assert refused(writer.write(tmp_path / "a", krasovskii, part)).where == "delay.range"
    other = maker.linear_scalar(1)
    other.document["kind"] = "spectral"
    assert refused(other.save(tmp_path / "a")).where == "archive"


def test_only_linear_systems_with_a_global_claim(tmp_path, scalar):
    for draft in (maker.hutchinson(), maker.linear_with_domain(), maker.two_parts()):
        draft.document |= {"kind": "spectral", "claim": writer.claim(draft.document)}
        extra = {"spectral.npz": writer.npz_bytes(scalar.spectral)}
        found = writer.write(tmp_path / "a", draft.document, draft.entries() | extra)
        assert refused(found).where == "kind"
    two = scalar.changed()
    two.document["functional"]["parts"] = [{"networks": {}}] * 2
    two.document["claim"] = writer.claim(two.document)
    entries = two.entries() | {"part1.npz": two.entries()["part0.npz"]}
    found = writer.write(tmp_path / "a", two.document, entries)
    assert refused(found).where == "functional.parts"


def test_coefficients_out_of_range(tmp_path, scalar):
    for factor in ("1e200", "1e40", "1e350"):
        draft = scalar.changed()
        draft.document["system"]["equations"] = [f"x' = -{factor}*x(t - tau)"]
        refused(draft.save(tmp_path / "a"))


@pytest.mark.parametrize("reclaim", [False, True])
def test_each_field(tmp_path, scalar, reclaim):
    """Any change is refused, except of information, or where a weaker or equal claim is still true."""
    base, entries = copy.deepcopy(scalar.document), scalar.entries()
    base["claim"] = writer.claim(base)
    check_each_field(tmp_path / "a", base, entries, writer.claim, still_true, reclaim=reclaim)


def still_true(path: tuple, old, new) -> bool:
    """Whether the new claim follows from the old one, or is the same."""
    if path[:2] == ("delay", "range"):
        return 0 <= new <= 1.5707963
    if path == ("system", "parameters"):
        return new == old | {"extra": 1}
    return path[:2] == ("system", "equations") and new.strip() == old


# ---- the leaf test


def linear(present: np.ndarray, delayed: np.ndarray) -> System:
    from fractions import Fraction

    n = len(present)
    rows = np.hstack([present, delayed]).tolist()
    table = tuple({j: Fraction(v) for j, v in enumerate(row)} for row in rows)
    return System(n, (), table, (None,) * n, None)


def random_system(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(size=(n, n)), rng.normal(size=(n, n))


def a_root_on_the_axis(rng: np.random.Generator, n: int) -> tuple[System, float, float]:
    """A system with the root i w at the delay tau, to about 1e-16, both random."""
    w, tau = float(rng.uniform(0.2, 3)), float(rng.uniform(0, 4))
    present, delayed = random_system(rng, n)
    x = rng.normal(size=n) + 1j * rng.normal(size=n)
    y = np.exp(-1j * w * tau) * x
    wanted = 1j * w * x - present @ x - delayed @ y
    basis = np.stack([x.real, x.imag], axis=1)
    if n == 1:
        basis = np.stack([x.real, y.real], axis=1), np.stack([x.imag, y.imag], axis=1)
        change = np.linalg.solve(np.concatenate(basis), [wanted[0].real, wanted[0].imag])
        return linear(present + change[0], delayed + change[1]), w, tau
    target = np.stack([wanted.real, wanted.imag], axis=1)
    return linear(present + target @ np.linalg.pinv(basis), delayed), w, tau


@pytest.mark.parametrize("n", [1, 2, 3, 4, 6])
def test_no_box_that_holds_a_root_is_ever_proved(n):
    """Boxes of all sizes, the root anywhere inside; its place is known to about 1e-15."""
    rng = np.random.default_rng(n)
    for _ in range(40):
        system, w, tau = a_root_on_the_axis(rng, n)
        size = 10.0 ** rng.uniform(-13, 0.5, (2, 500))
        share = rng.uniform(0.02, 0.98, (2, 500))
        point = np.array([[w], [tau]])
        lo = np.maximum(point - share * size, 0)
        hi = point + (1 - share) * size
        with np.errstate(all="ignore"):
            assert not regular.regular(regular.pencil(system), lo, hi).any()


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_proved_boxes_next_to_a_root_and_the_singular_values_inside(n):
    """The test is not empty: most boxes well away from the root pass, and M is regular there."""
    rng = np.random.default_rng(10 + n)
    for _ in range(10):
        system, w, tau = a_root_on_the_axis(rng, n)
        data = regular.pencil(system)
        lo = np.array([[w], [tau]]) + rng.uniform(-0.2, 0.2, (2, 300))
        lo = np.maximum(lo, 0)
        hi = lo + 10.0 ** rng.uniform(-6, -1, (2, 300))
        with np.errstate(all="ignore"):
            passed = regular.regular(data, lo, hi)
        assert passed.mean() > 0.2
        for k in np.flatnonzero(passed)[:30]:
            s, t = rng.uniform(lo[:, k, None], hi[:, k, None], (2, 20))
            turned = np.exp(-1j * s * t)[:, None, None] * data.terms[1]
            m = 1j * s[:, None, None] * np.eye(n) - data.terms[0] - turned
            assert np.linalg.svd(m, compute_uv=False).min() > 0


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 4),
    st.floats(-14, 1),
    st.floats(-14, 1),
    st.floats(0, 40),
)
def test_the_expansion_holds_every_point_in_exact_arithmetic(seed, n, wide, long, tau):
    """Against 60 digits: every entry of M lies within the spread of its expansion."""
    rng = np.random.default_rng(seed)
    data = regular.pencil(linear(*random_system(rng, n)))
    lo = np.array([[rng.uniform(0, 3)], [tau]])
    hi = lo + np.array([[10.0**wide], [10.0**long]])
    with np.errstate(all="ignore"):
        found = regular._expansion(data, lo, hi)
    middle, half = taylor.reach(lo, hi)
    with mpmath.workdps(60):
        centre, reach = ([mpmath.mpf(float(v)) for v in ends[:, 0]] for ends in (middle, half))
        for share in rng.uniform(0, 1, (8, 2)).round():
            point = [
                mpmath.mpf(float(a)) + (mpmath.mpf(float(b)) - mpmath.mpf(float(a))) * float(s)
                for a, b, s in zip(lo[:, 0], hi[:, 0], share, strict=True)
            ]
            steps = zip(point, centre, reach, strict=True)
            s, t = ((p - m) / r if r else mpmath.mpf(0) for p, m, r in steps)
            assert max(abs(s), abs(t)) <= 1
            turn = mpmath.expj(-point[0] * point[1])
            for i in range(n):
                for j in range(n):
                    a, b = (mpmath.mpf(float(term[i, j])) for term in data.terms)
                    value = -a - b * turn + (mpmath.mpc(0, point[0]) if i == j else 0)
                    parts = (
                        mpmath.mpc(complex(x[0, i, j]))
                        for x in (found.centre, found.by_w, found.by_tau)
                    )
                    first = sum(c * p for c, p in zip((1, s, t), parts, strict=True))
                    slack = float(found.spread[0, i, j]) + data.theta / 4 * float(
                        found.size[0, i, j]
                    )
                    assert abs(value - first) <= slack


@pytest.mark.parametrize("n", [1, 2, 4])
def test_dominance_shows_definiteness_of_everything_within_the_radius(n):
    rng = np.random.default_rng(n)
    a = rng.normal(size=(400, n, n)) + 1j * rng.normal(size=(400, n, n))
    centre = (a + a.conj().swapaxes(1, 2)) / 2 + np.eye(n) * rng.uniform(0, 6, (400, 1, 1))
    radius = rng.uniform(0, 0.5, (400, n, n)) * rng.uniform(0, 1, (400, 1, 1))
    radius = (radius + radius.swapaxes(1, 2)) / 2
    with np.errstate(all="ignore"):
        passed = regular._definite(centre, radius, 1e-15)
    assert 0.05 < passed.mean() < 0.95
    for _ in range(50):
        phase = np.exp(2j * math.pi * rng.uniform(size=centre.shape))
        change = radius * np.triu(phase, 1)
        change = change + change.conj().swapaxes(1, 2)
        change = change - np.eye(n) * radius
        assert np.linalg.eigvalsh((centre + change)[passed]).min() > 0


def test_nan_and_huge_values_prove_nothing():
    data = regular.pencil(linear(*FRICTION))
    one = np.ones((1, 2, 2), dtype=complex)
    with np.errstate(all="ignore"):
        for bad in (np.nan, np.inf, -np.inf):
            assert not regular._definite(one * bad, np.zeros((1, 2, 2)), 0.0).any()
            assert not regular._definite(np.eye(2)[None] + 0j, one.real * bad * bad, 0.0).any()
        wide = np.array([[0.0], [0.0]]), np.array([[1e30], [1e30]])
        assert not regular.regular(data, *wide).any()


def test_a_file_of_the_certificate_is_json(scalar):
    assert json.loads(json.dumps(scalar.document))["kind"] == "spectral"
