"""Leaves beyond the level: accepted where v_0 > c, and nowhere else; solutions that start below c never get there."""

from __future__ import annotations

import copy
from fractions import Fraction

import numpy as np
import pytest
import torch

from certdde.solvers import solve
from certdde.verify.checker import check_file, forest, level
from certdde.verify.checker.exact import schur
from certdde.verify.checker.network import Network
from certdde.verify.second_opinion import compare

from . import maker, mutations, pruned_maker, razumikhin_maker, spectral_maker, writer

OUTSIDE, COLLAPSED, STAR = 253, 254, 255


@pytest.fixture(scope="module")
def scalar() -> maker.Draft:
    return pruned_maker.scalar()


@pytest.fixture(scope="module")
def drafts(scalar) -> dict[str, maker.Draft]:
    neural = pruned_maker.scalar(neural=True)
    return {"scalar": scalar, "neural": neural, "planar": pruned_maker.planar()}


def changed(draft: maker.Draft, **arrays: np.ndarray) -> maker.Draft:
    draft = copy.deepcopy(draft)
    draft.arrays[0] |= arrays
    return draft


def refused(path):
    result = check_file(path)
    assert not result.valid
    assert result.where != "checker", result
    return result


def leaves(draft: maker.Draft) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The boxes of the partition, (d, k) each, and their codes."""
    arrays = draft.arrays[0]
    piece, found, order = maker.read(draft, 0)
    _, _, box = maker.problem(piece, found, order)
    codes = forest.Codes(arrays["codes"], "codes")
    grid, blocks = arrays["grid"].tolist(), arrays["blocks"].tolist()
    parts = list(forest.forest(box, grid, blocks, codes))
    lo, hi, kinds = (np.concatenate(part, axis=-1) for part in zip(*parts, strict=True))
    return lo, hi, kinds


def lower_bound(draft: maker.Draft, x: np.ndarray) -> np.ndarray:
    """v_0 of the scalar drafts, or its least over z for the planar one, in float64."""
    piece, found, _ = maker.read(draft, 0)
    [ph] = pruned_maker.forms(piece, found.n)
    core = schur(ph, found.n - 1)
    value = float(core[0][0]) * x**2
    return value if piece.v0 is None else value + (maker.psi(piece.v0, x[:, None]) ** 2).sum(1)


def shown(draft: maker.Draft) -> float:
    """The least v_0 on the outside leaves of a draft with one variable."""
    lo, hi, kinds = leaves(draft)
    nearest = np.minimum(abs(lo), abs(hi))[0, kinds == OUTSIDE].min()
    return float(lower_bound(draft, np.array([nearest]))[0])


# ---- what is accepted


@pytest.mark.parametrize("name", ["scalar", "neural", "planar"])
def test_a_certificate_with_outside_leaves_is_accepted(tmp_path, drafts, name):
    draft = drafts[name]
    assert (draft.arrays[0]["codes"] == OUTSIDE).any()
    path = draft.save(tmp_path / "a.certdde")
    result = check_file(path)
    assert result.valid, result
    codes = [*draft.arrays[0]["codes"], *draft.arrays[0]["face_codes"]]
    points = 2 if name != "planar" else 0  # the faces of a scalar equation have no code
    assert result.boxes == sum(code >= OUTSIDE for code in codes) + points
    opinion = compare(path)
    assert opinion.agree, opinion.reason


def test_the_leaves_are_needed(tmp_path, scalar):
    """Beyond the level the dissipation does fail: no partition could do without outside leaves."""
    piece, found, order = maker.read(scalar, 0)
    features, q, _ = maker.problem(piece, found, order)
    edge = np.array([[1.5]])
    values = np.einsum("kij,ib,jb->kb", q.centre, *[features.affine(edge, edge).m] * 2)
    assert values.max() > 0
    codes = scalar.arrays[0]["codes"]
    bad = np.where(codes == OUTSIDE, COLLAPSED, codes).astype(np.uint8)
    assert "not proved" in refused(changed(scalar, codes=bad).save(tmp_path / "a")).reason


@pytest.mark.parametrize("name", ["scalar", "neural", "planar"])
def test_outside_boxes_hold_no_point_of_the_level_set(drafts, name):
    draft = drafts[name]
    lo, hi, kinds = leaves(draft)
    unit = np.random.default_rng(0).uniform(size=(200, 1))
    for k in np.flatnonzero(kinds == OUTSIDE):
        x = lo[0, k] + (hi[0, k] - lo[0, k]) * unit[:, 0]
        assert lower_bound(draft, x).min() > draft.document["region"]["level"][0]


# ---- what is refused


@pytest.mark.parametrize("name", ["scalar", "neural", "planar"])
def test_a_leaf_that_touches_the_level_set_is_no_outside_leaf(tmp_path, drafts, name):
    """Every other leaf is refused as an outside leaf, unless v_0 > c on it."""
    draft, seen = drafts[name], 0
    codes = draft.arrays[0]["codes"]
    lo, hi, kinds = leaves(draft)
    bound = draft.document["region"]["level"][0]
    for place, k in zip(np.flatnonzero(codes >= OUTSIDE), range(len(kinds)), strict=True):
        bad = codes.copy()
        bad[place] = OUTSIDE
        result = check_file(changed(draft, codes=bad).save(tmp_path / "a"))
        nearest = np.clip(0.0, lo[0, k], hi[0, k])
        if lower_bound(draft, np.array([nearest]))[0] <= bound:
            assert not result.valid
            assert "not proved" in result.reason
            seen += 1
    assert seen > 1
    everything = changed(draft, codes=np.full(3, OUTSIDE, np.uint8))
    assert "not proved" in refused(everything.save(tmp_path / "a")).reason


def test_a_level_above_what_the_leaves_show(tmp_path, scalar):
    """The faces would allow it, and D < 0 is not known there."""
    draft, most = copy.deepcopy(scalar), shown(scalar)
    for factor in (1.0, 1.05, 1.5):
        draft.document["region"]["level"] = [factor * most]
        result = refused(draft.save(tmp_path / "a"))
        assert "box" in result.where
        assert "face" not in result.where
    draft.document["region"]["level"] = [0.99 * scalar.document["region"]["level"][0]]
    draft.document["region"]["radius"] = {"rho": 0.1, "rho_rate": 0.1}
    assert check_file(draft.save(tmp_path / "a")).valid  # a smaller level set is a weaker claim


@pytest.mark.parametrize(
    "equation",
    ["x' = -2*x + 5*x^3 - x(t - tau)/4", "x' = -2*x + x^3 - 2.5*x(t - tau)", "x' = x + x^3"],
)
def test_a_system_that_is_unstable_within_the_level(tmp_path, scalar, equation):
    draft = copy.deepcopy(scalar)
    draft.document["system"]["equations"] = [equation]
    refused(draft.save(tmp_path / "a"))


def test_faces_have_no_outside_leaves(tmp_path, drafts):
    draft = drafts["planar"]
    codes = draft.arrays[0]["face_codes"]
    bad = np.where(codes == COLLAPSED, OUTSIDE, codes).astype(np.uint8)
    assert (
        "not allowed there" in refused(changed(draft, face_codes=bad).save(tmp_path / "a")).reason
    )


def test_other_kinds_have_no_outside_leaves(tmp_path):
    draft = razumikhin_maker.hutchinson()
    codes = draft.arrays["codes"]
    bad = np.where(codes == COLLAPSED, OUTSIDE, codes).astype(np.uint8)
    result = refused(draft.changed({"codes": bad}).save(tmp_path / "a"))
    assert "not allowed there" in result.reason
    other = spectral_maker.scalar()
    bad = np.where(other.spectral["codes"] == COLLAPSED, OUTSIDE, other.spectral["codes"])
    result = refused(other.changed(spectral={"codes": bad.astype(np.uint8)}).save(tmp_path / "a"))
    assert "not allowed there" in result.reason


def test_delayed_values_are_never_outside(tmp_path):
    """Only y is a nonlinear variable: nothing is known of v_0 there."""
    breaks = [0.0, 0.5]
    vertices = [(-2 * np.eye(1), -a * np.eye(1)) for a in (0.5, 1.0)]
    arrays = maker.quadratic_arrays(maker.lmi(vertices, breaks, 1), breaks)
    document = writer.document(
        ["x"],
        ["x' = -2*x - tanh(x(t - tau))"],
        breaks,
        1,
        [{}],
        {"x": [-1, 1]},
        ([], ["x"]),
        [1.0],
        (0.1, 0.1),
    )
    draft = maker.finish(maker.Draft(document, [arrays]), [4])
    assert check_file(draft.save(tmp_path / "a")).valid
    draft.document["region"]["level"] = [1e-3]
    draft.document["region"]["radius"] = {"rho": 1e-3, "rho_rate": 1e-3}
    codes = draft.arrays[0]["codes"]
    ends = np.flatnonzero(codes == COLLAPSED)[[0, -1]]
    for place in ends:
        bad = codes.copy()
        bad[place] = OUTSIDE
        result = refused(changed(draft, codes=bad).save(tmp_path / "a"))
        assert "not allowed there" in result.reason


@pytest.mark.parametrize("reclaim", [False, True])
def test_each_field(tmp_path, scalar, reclaim):
    draft = copy.deepcopy(scalar)
    draft.document["claim"] = writer.claim(draft.document)
    highest = shown(scalar)

    def still_true(path, old, new):
        """A claim for fewer delays or histories, or of the same system in other words."""
        if path == ("system", "equations", 0):
            return new.strip() == old.strip()
        if path[0] == "delay" and path[-1] in (0, 1):
            return 0 <= new <= 0.5
        if path[:2] == ("region", "level"):
            return 0 < new < highest
        if path[:2] == ("region", "radius"):
            return 0 < new < 4 * old  # the maker takes powers of two
        return path[:2] in {
            ("system", "states"),
            ("system", "parameters"),
            ("system", "equilibrium"),
        }

    mutations.check_each_field(
        tmp_path / "a",
        draft.document,
        draft.entries(),
        writer.claim,
        still_true,
        reclaim=reclaim,
        unseen=("order",),
    )


# ---- the test itself, and what it proves


@pytest.mark.parametrize("seed", range(6))
def test_boxes_found_outside_have_v_above_the_level_for_all_other_entries(seed):
    """Three states, of which one is linear, a moment and a network: sampled v_0 > c on every box that is found."""
    rng = np.random.default_rng(seed)
    forms = []
    for _ in range(2):
        a = rng.integers(-4, 5, size=(4, 4))
        forms.append([[Fraction(int(v)) for v in row] for row in a @ a.T + np.eye(4, dtype=int)])
    tensors = maker.small_network(2, 5, 2, 1.0, seed, "V0")
    weights = (tensors["V0.weight0"], tensors["V0.weight1"])
    n, xi = 3, (0, 2, 4)  # x_0, x_2, y_1; x_1 is linear
    v0 = Network((2, 3), weights, (tensors["V0.bias0"][:, None],))  # reads x_2 and Omega_0 of x_0
    bound = Fraction(3)
    test = level.outside(forms, v0, xi, n, bound)
    centre, half = rng.uniform(-2, 2, (4, 300)), rng.uniform(0, 0.4, (4, 300))
    lo, hi = centre - half, centre + half
    shown = test(lo, hi)
    assert 0 < shown.sum() < 300
    unit = rng.uniform(size=(4, 300, 200))
    points = lo[..., None] + (hi - lo)[..., None] * unit
    free = rng.normal(size=(300, 200)) * 3
    u = np.stack([points[0], free, points[2 - 1], points[3]])  # (x_0, x_1, x_2, Omega_0)
    value = np.min(
        [np.einsum("ibk,ij,jbk->bk", u, np.array(m, dtype=float), u, optimize=True) for m in forms],
        axis=0,
    )
    p = maker.psi(v0, np.stack([u[2].ravel(), u[3].ravel()], axis=1))
    value = value + (p**2).sum(1).reshape(value.shape)
    assert value[shown].min() > 3


@pytest.mark.parametrize("name", ["scalar", "neural"])
def test_solutions_from_the_level_set_stay_in_it_and_converge(drafts, name):
    """Random histories with V just below c; some of twice the size leave the domain: the level means something."""
    draft = drafts[name]
    bound, tau = draft.document["region"]["level"][0], 0.5
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(60, 4, generator=generator, dtype=torch.float64)
    kinds = [lambda s: 1 + 0 * s, lambda s: s, lambda s: (7 * s).sin(), lambda s: (19 * s).cos()]

    def history(size):
        return lambda s: (
            size[:, None] * sum(weight[:, k : k + 1] * kind(s) for k, kind in enumerate(kinds))
        )

    ones = torch.ones(60, dtype=torch.float64)
    grid = torch.linspace(-tau, 0, 401, dtype=torch.float64)
    shape = torch.stack([history(ones)(s)[:, 0] for s in grid]).numpy()
    size = np.full(60, 1e-3)
    for _ in range(60):  # V grows with the size: up to just below the level, inside the domain
        more = 1.1 * size
        fine = (value_of(draft, shape * more, grid.numpy()) <= bound) & (
            abs(shape * more).max(0) <= 1.5
        )
        size = np.where(fine, more, size)
    times = torch.linspace(0, 30, 301, dtype=torch.float64)

    def run(scale):
        return solve(
            lambda _t, x, past: -2 * x + x**3 - past[0] / 4,
            history(torch.as_tensor(scale)),
            times,
            [tau],
            options={"bound": 10.0},
        ).states[..., 0]

    path = run(size)
    assert (value_of(draft, shape * size, grid.numpy()) > 0.7 * bound).any()
    assert path.abs().max() < 1.5
    assert lower_bound(draft, path.numpy().ravel()).max() <= bound
    assert path[-1].abs().max() < 1e-3
    away = run(2.5 * size)
    assert not (away.abs() < 1.5).all()


def value_of(draft: maker.Draft, paths: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """V of histories (times, k) on a uniform grid, order 1, by the trapezoidal rule."""
    piece, _, _ = maker.read(draft, 0)
    p, s, r = (np.array(m, dtype=float) for m in (piece.p, piece.s, piece.r))
    step, x = grid[1] - grid[0], paths[-1]
    w = np.stack([x, np.trapezoid(paths, dx=step, axis=0)])
    rate = np.gradient(paths, step, axis=0)
    value = np.einsum("ik,ij,jk->k", w, p, w) + s[0, 0] * np.trapezoid(paths**2, dx=step, axis=0)
    value += r[0, 0] * np.trapezoid((grid - grid[0])[:, None] * rate**2, dx=step, axis=0)
    return value if piece.v0 is None else value + (maker.psi(piece.v0, x[:, None]) ** 2).sum(1)
