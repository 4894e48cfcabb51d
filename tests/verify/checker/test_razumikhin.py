"""Kind "razumikhin": what is accepted, what is refused, and its formulas against numbers."""

from __future__ import annotations

import copy
import math
from functools import partial

import numpy as np
import pytest

from certdde.verify.checker import check_file, razumikhin_forms
from certdde.verify.checker.dissipation import layout

from . import maker, razumikhin_maker
from .mutations import at, check_each_field, replaced
from .razumikhin_maker import as_floats
from .test_reject import refused

KR = (np.diag([-2, -0.9]), np.array([[-1.0, 0], [-1, -1]]))
KR_TEXT = ["x' = -2*x - x(t - tau)", "y' = -0.9*y - x(t - tau) - y(t - tau)"]


@pytest.fixture(scope="module")
def made() -> dict[str, razumikhin_maker.Draft]:
    return {
        "scalar": razumikhin_maker.scalar(),
        "averaged": razumikhin_maker.scalar_averaged(),
        "hutchinson": razumikhin_maker.hutchinson(),
        "neural": razumikhin_maker.hutchinson(0.2, neural=True),
        "planar": razumikhin_maker.decoupled(),
    }


# ---- accepted


@pytest.mark.parametrize("name", ["scalar", "averaged", "hutchinson", "neural", "planar"])
@pytest.mark.parametrize("kind", ["measurable", "constant"])
def test_good_ones(tmp_path, made, name, kind):
    draft = made[name]
    draft = draft.changed(delay=draft.document["delay"] | {"class": kind})
    result = check_file(draft.save(tmp_path / "a"))
    assert result.valid, result
    assert result.rigor == "rigorous"
    assert result.claim == draft.document["claim"]
    assert result.claim.startswith(f"For every {kind} delay tau")


@pytest.mark.parametrize(
    ("b", "valid"), [(1.999, True), (-1.999, True), (2.0, False), (-2.5, False)]
)
def test_the_scalar_equation_is_stable_for_every_delay_if_and_only_if(tmp_path, b, valid):
    """x' = -2 x + b x(t - tau): |b| < 2, with the best beta = 2."""
    draft = razumikhin_maker.scalar(2.0, b)
    draft.document["system"]["equations"] = [f"x' = -2*x + ({b})*x(t - tau)"]
    result = check_file(draft.save(tmp_path / "a"))
    assert result.valid == valid, result


def test_a_planar_linear_system(tmp_path):
    draft = razumikhin_maker.averaged(*KR, 1.375, KR_TEXT)
    assert check_file(draft.save(tmp_path / "a")).valid
    assert (
        "negative"
        in refused(
            draft.changed(
                {"window": np.array([2.0])}, delay=draft.document["delay"] | {"range": [0, 2]}
            ).save(tmp_path / "a")
        ).reason
    )


def test_a_linear_system_on_a_domain(tmp_path):
    """No nonlinear variable, so no partition; the claim is a region of continuous histories."""
    draft = razumikhin_maker.scalar()
    domain = {"x": [-1, 1]}
    draft.document["system"]["domain"] = domain
    region = {"domain": domain, "level": [0.99], "radius": {"rho": 0.99}, "area": None}
    draft = draft.changed({"face_codes": np.zeros(0, np.uint8)}, region=region)
    assert check_file(draft.save(tmp_path / "a")).valid
    wrong = copy.deepcopy(draft)
    wrong.document["region"]["level"] = [1.0]
    assert "face" in refused(wrong.save(tmp_path / "a")).where
    wrong.document["region"]["level"] = [0.97]
    assert "radius" in refused(wrong.save(tmp_path / "a")).where


# ---- refused


@pytest.mark.parametrize(
    "equation",
    ["x' = x(t)", "x' = x(t - tau)", "x' = -x(t - tau)", "x' = 0*x", "x' = -2*x + 2*x(t - tau)"],
)
def test_false_claims_with_plausible_data(tmp_path, made, equation):
    system = made["scalar"].document["system"] | {"equations": [equation]}
    draft = made["scalar"].changed(system=system)
    for beta in (1e-9, 0.5, 1.0, 2.0, 100.0):
        for p in (1e-6, 1.0):
            wrong = draft.changed({"beta": np.array([beta]), "P": p * np.eye(1)})
            assert "negative definite" in refused(wrong.save(tmp_path / "a")).reason


@pytest.mark.parametrize("h", [1.2188, 1.5, 1.6, 10.0])
def test_delays_beyond_what_was_shown(tmp_path, made, h):
    """1.5 is the exact limit of the class; the multipliers of 1.1875 do not serve it."""
    draft = made["averaged"].changed({"window": np.array([h])})
    draft.document["delay"] = draft.document["delay"] | {"range": [0, h]}
    assert "negative definite" in refused(draft.save(tmp_path / "a")).reason


def test_the_window_may_not_be_below_the_range(tmp_path, made):
    for name in ("averaged", "hutchinson"):
        draft = copy.deepcopy(made[name])
        h = draft.document["delay"]["range"][1]
        draft.document["delay"]["range"] = [0, math.nextafter(h, 9)]
        assert "longest" in refused(draft.save(tmp_path / "a")).reason


@pytest.mark.parametrize("name", ["averaged", "hutchinson", "neural", "planar"])
def test_numbers_out_of_their_ranges(tmp_path, made, name):
    draft = made[name]
    for key, value in (
        ("q", [1.0]),
        ("q", [0.5]),
        ("beta", -draft.arrays["beta"]),
        ("beta", 0 * draft.arrays["beta"]),
        ("beta", 5 * draft.arrays["beta"]),
        ("P", -draft.arrays["P"]),
        ("P", 0 * draft.arrays["P"]),
        ("P", np.full(draft.arrays["P"].shape, np.nan)),
        ("P", np.zeros((0, 0))),
        ("beta", np.zeros(0)),
    ):
        refused(draft.changed({key: np.asarray(value)}).save(tmp_path / "a"))
    if "Q" in draft.arrays:
        for factor in (-1, 0, 5, 0.01):
            wrong = {"Q": factor * draft.arrays["Q"]}
            refused(draft.changed(wrong).save(tmp_path / "a"))


def test_altered_arrays(tmp_path, made):
    for name in ("averaged", "hutchinson", "planar"):
        draft = made[name]
        for key, array in draft.arrays.items():
            less = {k: v for k, v in draft.arrays.items() if k != key}
            refused(razumikhin_maker.Draft(draft.document, less).save(tmp_path / "a"))
            wrong = [array.astype(np.float32), np.append(array.ravel(), array.ravel()[:1])]
            for other in wrong:
                if other.dtype != array.dtype or other.shape != array.shape:
                    refused(draft.changed({key: other}).save(tmp_path / "a"))
        refused(draft.changed({"extra": np.eye(1)}).save(tmp_path / "a"))
    rho = made["averaged"].arrays["rho"]
    for k in range(5):
        refused(made["averaged"].changed({"rho": rho - 3 * np.eye(5)[k]}).save(tmp_path / "a"))
    lopsided = made["planar"].arrays["P"] + np.array([[0, 1e-9], [0, 0]])
    assert (
        "symmetric" in refused(made["planar"].changed({"P": lopsided}).save(tmp_path / "a")).reason
    )


def test_the_partition_covers_and_every_leaf_holds(tmp_path, made):
    for name in ("hutchinson", "planar"):
        codes = made[name].arrays["codes"]
        for wrong in (codes[:-1], np.append(codes, 254), np.array([254] * 16, np.uint8)):
            array = wrong.astype(np.uint8)
            refused(made[name].changed({"codes": array}).save(tmp_path / "a"))


def test_level_radius_and_rates_too_large(tmp_path, made):
    for name in ("hutchinson", "neural", "planar"):
        for path in (("level", 0), ("radius", "rho"), ("radius", "rho_rate"), ("radius", "rates")):
            region = made[name].document["region"]
            if path[-1] not in (*region["radius"], 0):
                continue
            wrong = replaced(region, path, 2.5 * at(region, path))
            refused(made[name].changed(region=wrong).save(tmp_path / "a"))


def test_a_form_for_linear_systems_is_not_for_others(tmp_path, made):
    draft = made["hutchinson"]
    functional = draft.document["functional"]
    for form in ("independent", "averaged", "none"):
        wrong = draft.changed(functional=functional | {"form": form})
        refused(wrong.save(tmp_path / "a"))
    system = made["averaged"].document["system"]
    for equation in ("x' = -x(t - tau)**3", "x' = -sin(x(t - tau))", "x' = -x(t - 2*tau)"):
        wrong = made["averaged"].changed(system=system | {"equations": [equation]})
        refused(wrong.save(tmp_path / "a"))


def test_names_that_the_sentence_uses(tmp_path):
    draft = razumikhin_maker.hutchinson()
    text = draft.save(tmp_path / "a")
    assert check_file(text).valid
    document = copy.deepcopy(draft.document)
    document["system"] |= {"states": ["r"], "equations": ["r' = -(1 + r)*r(t - tau)"]}
    document["system"]["domain"] = document["region"]["domain"] = {"r": [-0.5, 1]}
    document["proof"]["nonlinear"] = {"states": ["r"], "delayed": ["r"]}
    draft.document = document
    assert "Q or r" in refused(draft.save(tmp_path / "a")).reason


@pytest.mark.parametrize(
    ("name", "reclaim"),
    [("scalar", True), ("averaged", True), ("hutchinson", False), ("hutchinson", True)],
)
def test_each_field(tmp_path, made, name, reclaim):
    """Any change is refused, except of information, or where a weaker or equal claim is still true."""
    base, entries = copy.deepcopy(made[name].document), made[name].entries()
    base["claim"] = razumikhin_maker.claim(base)
    check_each_field(
        tmp_path / "a",
        base,
        entries,
        razumikhin_maker.claim,
        partial(still_true, name),
        reclaim=reclaim,
    )


def still_true(name: str, path: tuple, old, new) -> bool:
    """Whether the new claim follows from the old one, or is the same."""
    if path[:2] == ("delay", "range"):
        most = {"scalar": math.inf, "averaged": 1.1875, "hutchinson": 0.25}[name]
        return path[-1] in (0, 1) and 0 <= new <= most
    if path[:1] == ("region",):
        return isinstance(new, (int, float)) and 0 < new <= old + 1e-9
    if path == ("system", "parameters"):
        return new == old | {"extra": 1}
    if path == ("functional", "networks"):
        return False
    return path[:2] == ("system", "equations") and new.strip() == old


# ---- the formulas, against numbers


def test_the_forms_are_the_formulas():
    """D and E of a neural function and of the averaged form, evaluated in floating point."""
    rng = np.random.default_rng(0)
    draft = razumikhin_maker.hutchinson(0.2, neural=True)
    function, found = razumikhin_maker.read(draft)
    data, network = function.data, function.network
    lay = layout(found, network.inputs, network.outputs, 0)
    d, e = (as_floats(f(lay, data)) for f in (razumikhin_forms.independent, razumikhin_forms.rates))
    beta, gap, q, h = (draft.arrays[k] for k in ("beta", "Q", "q", "window"))

    def value(x: np.ndarray) -> float:
        return float(x @ x + (maker.psi(network, x[None]) ** 2).sum())

    for _ in range(50):
        x, y = rng.uniform(-0.5, 1, (2, 1))
        f = -(1 + x) * y
        step = 1e-6
        slope = (maker.psi(network, x[None] + step) - maker.psi(network, x[None] - step)) / (
            2 * step
        )
        p = maker.psi(network, x[None])[0]
        pull = float(slope[0] @ p)
        z = np.concatenate([x, y, f, [pull], p, maker.psi(network, y[None])[0]])
        rate = 2 * (x[0] + pull) * f[0]
        expected = (
            rate + beta.sum() * q[0] * value(x) - beta[0] * value(y) - gap[0, 0] * (x - y)[0] ** 2
        )
        assert z @ d @ z == pytest.approx(expected, rel=1e-6, abs=1e-9)
        expected = h[0] ** 2 * gap[0, 0] * f[0] ** 2 - beta[1] * value(x) - beta[2] * value(y)
        assert z @ e @ z == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_the_averaged_form_is_the_formula():
    rng = np.random.default_rng(1)
    draft = razumikhin_maker.averaged(*KR, 1.25, KR_TEXT)
    function, found = razumikhin_maker.read(draft)
    a, b = KR
    p, gap, n, beta, rho, h = (draft.arrays[k] for k in ("P", "Q", "N", "beta", "rho", "window"))
    bounds = ((0, 0, 1, 1, 1), (1 / 4, 1 / 4, 9 / 4, 9 / 16, 1))
    for theta, form in enumerate(razumikhin_forms.averaged(found, function.data)):
        for _ in range(20):
            x, y, u, v = parts = rng.normal(size=(4, 2))
            z = np.concatenate(parts)
            total = 2 * x @ p @ (a @ x + b @ y)
            for weight, place in zip(beta[:3], (y, u, v), strict=True):
                total += weight * (razumikhin_maker.Q[0] * x @ p @ x - place @ p @ place)
            gaps = (x - u, y - u, x - v, y - v, u - v)
            for weight, c, g in zip(rho, bounds[theta], gaps, strict=True):
                reach = c * beta[3:].sum() * razumikhin_maker.Q[0] * x @ p @ x
                total += weight * (reach - g @ gap @ g)
            total += 2 * (n @ z) @ (y - x + theta * h[0] * (a @ u + b @ v))
            assert z @ as_floats(form) @ z == pytest.approx(total, rel=1e-9, abs=1e-9)


def test_gaps_between_means_are_within_their_bounds():
    """Random paths of rate at most 1/h and random measurable delays: GAPS bound the squares."""
    rng = np.random.default_rng(2)
    h, count = 1.0, 400
    times = np.linspace(-2 * h, 0, 2 * count + 1)
    low, high = (np.array([float(c) for c in row]) for row in razumikhin_forms.GAPS)
    worst = np.zeros(5)
    for _ in range(600):
        extreme = rng.random() < 0.5
        rates = rng.choice([-1.0, 1.0], 2 * count) if extreme else rng.uniform(-1, 1, 2 * count)
        flips = np.repeat(rates[:: (block := rng.choice([1, 50, 200, 800]))], block)[: 2 * count]
        path = np.concatenate([[0], np.cumsum(flips)]) * (h / count) / h
        tau = rng.uniform(0.05, 1) * h
        window = times >= -tau - 1e-9
        s = times[window]
        pick = rng.integers(3)
        delay = np.full(len(s), rng.choice([0, h])) if pick == 0 else rng.uniform(0, h, len(s))
        delay = np.where(s < -tau / 2, 0, h) if pick == 2 else delay
        x, y = path[-1], np.interp(-tau, times, path)
        u, v = path[window].mean(), np.interp(s - delay, times, path).mean()
        gaps = np.array([x - u, y - u, x - v, y - v, u - v]) ** 2
        bound = low + (high - low) * tau / h
        assert (gaps <= bound * (1 + 0.05) + 0.01).all()
        worst = np.maximum(worst, gaps / bound)
    assert (worst > 0.5).all()  # the bounds are not idle
