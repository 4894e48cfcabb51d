"""Kind "sampled": what is accepted, what is refused, and the enclosures against integration."""

from __future__ import annotations

import copy
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import brentq

from certdde.verify.checker import check_file, sampled_forms
from certdde.verify.checker.dissipation import rational

from . import sampled_maker as maker
from . import writer
from .mutations import check_each_field
from .test_reject import refused

ZERO = Fraction(0)

# ---- accepted


def test_scalar_to_the_end(tmp_path):
    """The exact end is 2; one piece is enough, for M is affine in s."""
    seen = []
    path = maker.scalar(1.999999, 1).save(tmp_path / "a")
    result = check_file(path, lambda done, total: seen.append((done, total)))
    assert result.valid, result
    assert result.claim == (
        "For every sequence of sampling instants from 0 to infinity with steps in (0.0, 1.999999] and tau(t) the"
        " time since the last of them, the equilibrium x = 0.0 of x' = -x(t - tau) is globally asymptotically stable."
    )
    assert seen[-1] == (1, 1)


@pytest.mark.parametrize("make", [maker.controller, maker.oscillator])
def test_two_states(tmp_path, make):
    result = check_file(make().save(tmp_path / "a"))
    assert result.valid, result
    assert result.boxes == 16


def test_steps_that_are_neither_short_nor_long(tmp_path):
    """Without delay, and for short steps, the oscillator is unstable: only the steps of the range count."""
    draft = maker.oscillator()
    assert "steps in [0.75, 1.15]" in check_file(draft.save(tmp_path / "a")).claim
    short = draft.changed({"breaks": np.linspace(0, np.nextafter(1.15, 2), 33)}, range=[0.0, 1.15])
    assert "does not decrease" in refused(short.save(tmp_path / "a")).reason


def test_weaker_claims_are_true_too(tmp_path):
    draft = maker.controller()
    for ends in ([0.25, 0.75], [0.0, 0.5], [1, 1], [0.1, 1]):
        assert check_file(draft.changed(range=ends).save(tmp_path / "a")).valid, ends


def test_units_do_not_matter(tmp_path):
    """The controller with x in millionths and time in thousands of units: its matrices are large."""
    draft, scale = maker.controller(), np.diag([1e-6, 1.0])
    other = maker.draft(
        ["x' = 1e9*y", "y' = -100*y - 375e-6*x(t - tau) - 1150*y(t - tau)"],
        (0.0, 0.001),
        scale @ draft.arrays["P"] @ scale,
    )
    assert check_file(other.save(tmp_path / "a")).valid


def test_an_equilibrium_elsewhere_and_parameters(tmp_path):
    draft = maker.draft(
        ["x' = -k*(x(t - tau) - 3)"],
        (0.0, 3.9),
        np.eye(1),
        2,
        parameters={"k": 0.5},
        equilibrium={"x": 3},
    )
    result = check_file(draft.save(tmp_path / "a"))
    assert result.valid, result
    assert "x = 3.0 of x' = -k*(x(t - tau) - 3) with k = 0.5 is globally" in result.claim


@pytest.mark.parametrize("a", [-3.0, -0.5, 0.0, 0.4])
def test_scalar_ends(tmp_path, a):
    """x' = a x - x(t_k): M(s) = e^(as) - (e^(as) - 1)/a falls to -1 at the exact end; just below it, and above."""

    def m(s):
        return np.exp(a * s) - (np.expm1(a * s) / a if a else s)

    if m(200.0) > -1:  # |b| < |a|: every step is good
        assert check_file(_scalar(a, 8.0, 24).save(tmp_path / "a")).valid
        return
    end = brentq(lambda s: m(s) + 1, 0.0, 200.0, xtol=1e-14)
    below, above = float(f"{end * (1 - 1e-4):.9g}"), float(f"{end * (1 + 1e-4):.9g}")
    assert check_file(_scalar(a, below, 24).save(tmp_path / "a")).valid
    result = refused(_scalar(a, above, 24).save(tmp_path / "a"))
    assert result.where.startswith("sampled, steps in [")


def _scalar(a: float, upper: float, pieces: int) -> maker.Draft:
    ends = 0.0, float(np.nextafter(upper, 9e9))
    return maker.draft(
        [f"x' = {a}*x - x(t - tau)"], (0.0, upper), np.eye(1), np.linspace(*ends, pieces + 1)
    )


# ---- false claims


@pytest.mark.parametrize("upper", [2.0, 2.0000001, 2.5])
@pytest.mark.parametrize("pieces", [1, 8])
def test_two_is_too_much(tmp_path, upper, pieces):
    assert "does not decrease" in refused(maker.scalar(upper, pieces).save(tmp_path / "a")).reason


def test_the_last_piece_counts(tmp_path):
    """Breaks may not end before the range, nor begin after it."""
    draft = maker.scalar(1.9)
    for ends in ([0.0, 1.9000001], [0.0, 2.0]):
        assert refused(draft.changed(range=ends).save(tmp_path / "a")).where == "delay.range"
    late = maker.oscillator().changed(range=[0.7499999, 1.15])
    assert refused(late.save(tmp_path / "a")).where == "delay.range"


def test_growth_and_indifference(tmp_path):
    for text in ("x' = x(t - tau)", "x' = x", "x' = x - x(t - tau)", "x' = 0.5*x - 0.5*x(t - tau)"):
        draft = maker.draft([text], (0.0, 0.01), np.eye(1), 4)
        assert "does not decrease" in refused(draft.save(tmp_path / "a")).reason, text


def test_no_function_for_steps_that_alternate(tmp_path):
    """Each of two steps alone may be good and both in turn not: no P is accepted for a range that holds them."""
    a, b = np.array([[0, 1], [-2, 0.1]]), np.array([[0, 0], [1.0, 0]])
    grid = [maker.held(a, b, s) for s in np.linspace(0.2, 1.9, 60)]
    alone = [k for k, m in enumerate(grid) if abs(np.linalg.eigvals(m)).max() < 1]
    pairs = [(abs(np.linalg.eigvals(grid[i] @ grid[j])).max(), i, j) for i in alone for j in alone]
    worst, i, j = max(pairs)
    assert worst > 1
    ends = tuple(sorted((float(np.linspace(0.2, 1.9, 60)[i]), float(np.linspace(0.2, 1.9, 60)[j]))))
    generator = np.random.default_rng(0)
    for _ in range(20):
        root = generator.normal(size=(2, 2))
        draft = maker.oscillator(ends).changed({"P": root @ root.T + 0.01 * np.eye(2)})
        assert not check_file(draft.save(tmp_path / "a")).valid


@pytest.mark.parametrize(
    "p",
    [
        -np.eye(1),
        np.zeros((1, 1)),
        np.full((1, 1), -1e-300),
    ],
)
def test_p_that_is_not_positive(tmp_path, p):
    assert refused(maker.scalar().changed({"P": p}).save(tmp_path / "a")).where == "sampled.P"


def test_an_indefinite_p_for_growth(tmp_path):
    """P - M^T P M > 0 also holds for -I where everything grows: P > 0 is asked for."""
    growing = maker.draft(["x' = x + x(t - tau)"], (0.5, 1.0), -np.eye(1), 8)
    assert refused(growing.save(tmp_path / "a")).where == "sampled.P"


@pytest.mark.parametrize("name", ["P", "breaks"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda a: a.astype(np.float32),
        lambda a: a[..., None],
        lambda a: a[:0],
        lambda a: np.full_like(a, np.nan),
        lambda a: np.full_like(a, np.inf),
        lambda a: a[::-1] if a.ndim == 1 else a + np.triu(np.ones_like(a), 1),
        lambda a: -a,
    ],
)
def test_arrays_of_a_wrong_form(tmp_path, name, spoil):
    draft = maker.controller()
    result = refused(draft.changed({name: spoil(draft.arrays[name])}).save(tmp_path / "a"))
    assert result.where != "checker", result


def test_more_and_fewer_arrays(tmp_path):
    draft = maker.controller()
    assert refused(draft.changed({"Q": np.eye(2)}).save(tmp_path / "a")).where == "sampled"
    del draft.arrays["P"]
    assert refused(draft.save(tmp_path / "a")).where == "sampled"


def test_too_many_pieces_and_too_long_ones(tmp_path):
    many = maker.scalar(1.9, sampled_forms.MOST_PIECES + 1)
    assert "not be too many" in refused(many.save(tmp_path / "a")).reason
    long = maker.draft(["x' = -20*x - x(t - tau)"], (0.0, 1.0), np.eye(1), 1)
    assert "too far apart" in refused(long.save(tmp_path / "a")).reason
    assert check_file(
        maker.draft(["x' = -20*x - x(t - tau)"], (0.0, 1.0), np.eye(1), 16).save(tmp_path / "a")
    ).valid


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"equations": ["x' = -x(t - 2*tau)"]}, "system.equations"),
        ({"equations": ["x' = -x(t - tau)**3"]}, "proof.nonlinear"),
        ({"equations": ["x' = -x(t - tau) + 1"]}, "system.equilibrium"),
        ({"parameters": {"k": [0.5, 1.0]}}, "system"),
        ({"domain": {"x": [-1.0, 1.0]}}, "region"),
    ],
)
def test_systems_that_it_does_not_take(tmp_path, change, where):
    draft = maker.scalar()
    document = draft.document | {"system": draft.document["system"] | change}
    plain = where in ("system", "region")  # refused before there is a sentence
    document["claim"] = "x" if plain else maker.claim(document)
    result = refused(writer.write(tmp_path / "a", document, draft.entries()))
    assert where.split(".")[0] in result.where or "equilibrium" in result.reason, result


@pytest.mark.parametrize("kind", ["constant", "measurable", "slow", "resampled", "several"])
def test_other_classes_of_delay(tmp_path, kind):
    draft = maker.scalar(1.4).changed(**{"class": kind})
    document = draft.document | {"claim": "x"}
    assert refused(writer.write(tmp_path / "a", document, draft.entries())).where.endswith(
        "delay.class"
    )


@pytest.mark.parametrize("kind", ["krasovskii", "yorke", "razumikhin", "slow"])
def test_its_class_is_for_no_other_kind(tmp_path, kind):
    """What is proved for other delays is not proved by this."""
    draft = maker.scalar(1.4)
    document = draft.document | {"kind": kind, "claim": "x"}
    refused(writer.write(tmp_path / "a", document, draft.entries()))


@pytest.mark.parametrize("reclaim", [False, True])
def test_each_field_counts(tmp_path, reclaim):
    draft = maker.scalar(1.9, 2)
    base = copy.deepcopy(draft.document) | {"claim": maker.claim(draft.document)}
    check_each_field(
        tmp_path / "a", base, draft.entries(), maker.claim, still_true, reclaim=reclaim
    )


def still_true(path: tuple, old, new) -> bool:
    """Whether the new claim follows from the old one, or is the same."""
    if path[:2] == ("delay", "range"):
        return 0 <= new <= 1.9
    if path == ("system", "parameters"):
        return new == old | {"extra": 1}
    if path == ("delay", "range"):
        return new == old
    return path[:2] == ("system", "equations") and new.strip() == old


# ---- what the proof rests on


def random_system(generator: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    a, b = (generator.normal(size=(n, n)) for _ in "ab")
    return np.round(a, 2), np.round(b, 2)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_maps_at_breaks_and_hulls_of_pieces(n, seed):
    """M(s) is within its error; on a piece, X lies in the hull of its matrices: no direction separates it from them."""
    generator = np.random.default_rng([n, seed])
    a, b = random_system(generator, n)
    exact = rational(a), rational(b)
    for low, w in ((0.0, 0.25), (0.5, 0.25), (1.0, 0.5)):
        start = sampled_forms.reached(*exact, Fraction(low))
        assert start.error < Fraction(1, 10**18)
        found = np.array([[float(v) for v in row] for row in start.m])
        assert np.abs(found - maker.held(a, b, low)).max() < 1e-9 * max(1, np.abs(found).max())
        matrices, radius = sampled_forms.controls(*exact, start, Fraction(w), first=low == 0)
        points = np.array([[[float(v) for v in row] for row in m] for m in matrices])
        for share in (1e-3, 0.3, 0.7, 1.0):
            u = share * w
            m = maker.held(a, b, low + u)
            x = np.eye(n) + w * (m - np.eye(n)) / u if low == 0 else m
            for _ in range(50):
                direction = generator.normal(size=(n, n))
                reach = (direction * points).sum((1, 2))
                slack = float(radius) * np.abs(direction).sum() + 1e-9 * np.abs(direction).sum()
                assert reach.min() - slack <= (direction * x).sum() <= reach.max() + slack


def test_what_the_series_leaves_out(tmp_path):
    """The bound holds the rest, and is more than the rest by a sensible factor only."""
    a = [[Fraction(-3), Fraction(2)], [Fraction(1), Fraction(4)]]
    w = Fraction(1, 2)
    terms, tail = sampled_forms.series(a, w, 6)
    more, _ = sampled_forms.series(a, w, 60)
    rest = sampled_forms.norm(sampled_forms.added(*more[6:]))
    assert rest < tail < 20 * rest
    assert len(terms) == 6


def test_the_rest_is_not_left_out(monkeypatch, tmp_path):
    """With few terms the matrices alone would say yes to a false claim; what the series leaves out says no.

    x' = -4 x + 3.9 x(t_k) - .. : one term of the series is a secant that overshoots.
    """
    monkeypatch.setattr(sampled_forms, "SHORT", 1)
    p, a, b = [[Fraction(1)]], [[Fraction(3)]], [[Fraction(-5)]]
    breaks = [Fraction(0), Fraction(3, 4)]
    assert abs(maker.held(np.array([[3.0]]), np.array([[-5.0]]), 0.75)[0, 0]) > 1
    start = sampled_forms.reached(a, b, breaks[0])
    matrices, radius = sampled_forms.controls(a, b, start, breaks[1], first=True)
    assert all(sampled_forms.contracts(p, x, Fraction(0)) for x in matrices)
    assert not all(sampled_forms.contracts(p, x, radius) for x in matrices)
    assert list(sampled_forms.failures(p, a, b, breaks)) != [""]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_slack_covers_every_perturbation(n):
    """Where it says that X contracts within a radius, X + R contracts."""
    generator, said = np.random.default_rng(n), 0
    for _ in range(60):
        root = generator.normal(size=(n, n))
        p, x = root @ root.T + np.eye(n), 0.3 * generator.normal(size=(n, n)) / np.sqrt(n)
        radius = float(generator.uniform(0, 0.02))
        if not sampled_forms.contracts(rational(p), rational(x), Fraction(radius)):
            continue
        said += 1
        for _ in range(40):
            moved = x + radius * np.sign(generator.normal(size=(n, n)))
            assert np.linalg.eigvalsh(p - moved.T @ p @ moved)[0] > 0
    assert said > 5


def test_solutions_under_any_steps(tmp_path):
    """Random and bang-bang steps from accepted claims: V falls at every instant."""
    a, b = np.array([[0, 1], [0, -0.1]]), np.array([[0, 0], [-0.375, -1.15]])
    draft = maker.controller()
    assert check_file(draft.save(tmp_path / "a")).valid
    generator = np.random.default_rng(5)
    maps = [maker.held(a, b, s) for s in np.linspace(0.01, 1.0, 40)]
    p = draft.arrays["P"]
    for style in ("any", "ends"):
        x = generator.normal(size=2)
        for _ in range(300):
            k = int(generator.integers(40)) if style == "any" else int(39 * generator.integers(2))
            before, x = x @ p @ x, maps[k] @ x
            assert x @ p @ x < before
        assert np.abs(x).max() < 1e-3


@pytest.mark.parametrize(("terms", "bits"), [(2, 256), (24, 6)])
@pytest.mark.parametrize("seed", range(2))
def test_errors_at_breaks_are_carried_on(terms, bits, seed, monkeypatch):
    """With two terms, or six bits, M is far off, and its error says how far; with an error a hull is wider."""
    monkeypatch.setattr(sampled_forms, "LONG", terms)
    monkeypatch.setattr(sampled_forms, "BITS", bits)
    generator = np.random.default_rng(seed)
    a, b = random_system(generator, 2)
    exact, start = (rational(a), rational(b)), sampled_forms.reached(rational(a), rational(b), ZERO)
    for k in range(1, 5):
        start = sampled_forms.after(*exact, start, Fraction(1, 4))
        found = np.array([[float(v) for v in row] for row in start.m])
        off = np.abs(found - maker.held(a, b, k / 4)).sum(-1).max()
        assert 1e-4 < off < float(start.error)
        _, radius = sampled_forms.controls(*exact, start, Fraction(1, 4), first=False)
        _, alone = sampled_forms.controls(*exact, replace(start, error=ZERO), Fraction(1, 4), False)
        exponential = np.abs(maker.held(a, np.zeros_like(a), 0.25)).sum(-1).max()
        assert float(radius - alone) >= exponential * float(start.error)
