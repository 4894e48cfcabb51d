"""Branch and bound: what is proved holds, and what is false is never proved."""

import math
import time

import pytest
import torch
from enclosures import TextFeatures
from segments import random_functional

from certdde.inequalities.inequality import Inequality, dissipation, faces
from certdde.inequalities.reduction import ConstantDelay
from certdde.systems import DelaySystem
from certdde.verify.answers import Proved, Refuted, Unknown
from certdde.verify.bound_propagation.branch import Settings, by_intervals, prove
from certdde.verify.bound_propagation.forest import OUTSIDE, STAR

SMALL = Settings(max_boxes=20_000)


def inequality(
    texts, form, *, low=(-1.0, -1.0), high=(1.0, 1.0), offset=0.0, origin=True
) -> Inequality:
    names = ("x", "y")[: len(low)]
    matrix = torch.tensor(form, dtype=torch.float64)
    matrix = matrix if matrix.ndim == 3 else matrix.unsqueeze(0)
    ends = (torch.tensor(v, dtype=torch.float64) for v in (low, high))
    return Inequality(names, *ends, TextFeatures(tuple(texts), names), matrix, offset, origin)


def diagonal(*entries):
    return [[e if i == j else 0.0 for j in range(len(entries))] for i, e in enumerate(entries)]


NEGATIVE = diagonal(-1.0, -1.0)
TRUE = {
    "definite": inequality(["x", "y"], NEGATIVE),
    "indefinite form": inequality(["x", "y", "x*y"], diagonal(-1.0, -1.0, 0.9)),
    "nearly zero": inequality(["x", "y", "sin(x)"], diagonal(-1.0001, -1.0, 1.0)),
    "two forms": inequality(["x", "y"], [diagonal(-1.0, -2.0), [[-1.0, 0.9], [0.9, -1.0]]]),
    "offset": inequality(["x", "y"], NEGATIVE, offset=-1e-3),
    "no origin": inequality(["1 + x**2", "y"], diagonal(-1.0, 0.9), origin=False),
    "far from 0": inequality(["x", "y"], diagonal(-1.0, 0.1), low=(0.5, -1.0), origin=False),
    "a constant": inequality(["x", "y"], NEGATIVE, low=(0.5, -1.0), high=(0.5, 1.0), origin=False),
    "a point": inequality(["x"], [[-1.0]], low=(0.5,), high=(0.5,), origin=False),
    "one variable": inequality(["x", "x**2"], diagonal(-1.0, 0.9), low=(-1.0,), high=(1.0,)),
}
FALSE = {
    "positive": inequality(["x", "y"], diagonal(1.0, 1.0)),
    "zero": inequality(["x", "y"], diagonal(0.0, 0.0)),
    "one direction": inequality(["x", "y"], diagonal(-1.0, 0.0)),
    "one line": inequality(["x", "y"], [[-1.0, 1.0], [1.0, -1.0]]),
    "saddle": inequality(["x", "y"], [[-1.0, 1.0001], [1.0001, -1.0]]),
    "at a corner": inequality(["x", "y", "x*y"], diagonal(-1.0, -1.0, 2.0001)),
    "only at a corner": inequality(["x", "y", "x*y"], diagonal(-1.0, -1.0, 2.0)),
    "second form": inequality(["x", "y"], [NEGATIVE, diagonal(-1.0, 1e-6)]),
    "a tiny region": inequality(
        ["x", "y", "exp(-(200*(x - 0.7))**2 - (200*(y - 0.3))**2)"], diagonal(-1.0, -1.0, 1.0)
    ),
    "a tiny region at 0": inequality(["x", "y", "tanh(1000*x)"], diagonal(-1.0, -1.0, 1e-3)),
    "flat at 0": inequality(["x", "y", "sin(x)"], diagonal(-1.0, -1.0, 1.0)),
    "equal to 0 somewhere": inequality(["x**2 - 0.25", "y"], NEGATIVE, origin=False),
    "only at 0": inequality(["x", "y"], NEGATIVE, origin=False),
    "only at 0, by an offset": inequality(["x", "y"], NEGATIVE, offset=1e-12),
    "near 0, by an offset": inequality(["x", "y"], NEGATIVE, offset=1e-3),
    "on a face": inequality(["x", "y"], diagonal(-1.0, 1.0), low=(1.0, -1.0), origin=False),
    "a constant": inequality(["x", "y"], NEGATIVE, low=(0.0, -1.0), high=(0.0, 1.0), origin=False),
    "a point": inequality(["x"], [[1.0]], low=(0.5,), high=(0.5,), origin=False),
    "the point 0": inequality(["x"], [[-1.0]], low=(0.0,), high=(0.0,), origin=False),
}
NOT_DEFINED = {
    "log": inequality(["x", "y", "log(x)"], diagonal(-1.0, -1.0, -1.0)),
    "sqrt": inequality(["x", "sqrt(y)"], NEGATIVE),
    "pole": inequality(["x", "1/y"], NEGATIVE),
    "pole of tan": inequality(["x", "tan(2*y)"], NEGATIVE),
    "nan": inequality(["x", "y"], [[-1.0, math.nan], [math.nan, -1.0]]),
    "infinite": inequality(["x", "y"], diagonal(-1.0, -math.inf)),
    "overflow": inequality(["x", "exp(1000*y)"], NEGATIVE),
}


@pytest.mark.parametrize("claim", TRUE.values(), ids=TRUE)
def test_true_inequalities_are_proved_and_hold_on_samples_of_every_leaf(claim):
    answer = prove(claim, SMALL)
    assert isinstance(answer, Proved)
    low, high, kinds = answer.proof.boxes(claim.lower, claim.upper)
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        x = low + (high - low) * torch.rand(low.shape, generator=generator, dtype=torch.float64)
        value = claim.value(x)
        away = ~(x == 0).all(-1)
        assert (value[:, away] < 0).all()
    middle, half = (low + high) / 2, (high - low) / 2
    assert (middle.abs() <= 3 * half).all(-1)[torch.as_tensor(kinds == STAR)].all()


@pytest.mark.parametrize("claim", FALSE.values(), ids=FALSE)
def test_false_inequalities_are_never_proved(claim):
    answer = prove(claim, SMALL)
    assert isinstance(answer, Refuted | Unknown)
    if isinstance(answer, Refuted):
        assert not (claim.value(answer.points).amax(0) < 0).any()
        assert (answer.points >= claim.lower).all()
        assert (answer.points <= claim.upper).all()


@pytest.mark.parametrize("claim", NOT_DEFINED.values(), ids=NOT_DEFINED)
def test_what_is_not_a_number_is_never_proved(claim):
    assert isinstance(prove(claim, SMALL), Refuted | Unknown)


@pytest.mark.parametrize("seed", range(12))
def test_random_quadratic_forms_are_decided_as_their_eigenvalues_say(seed):
    generator = torch.Generator().manual_seed(seed)
    h = torch.randn(2, 2, generator=generator, dtype=torch.float64)
    h = (h + h.T) / 2 - (0.6 if seed % 2 else 1.5) * torch.eye(2)
    top = float(torch.linalg.eigvalsh(h)[-1])
    answer = prove(inequality(["x", "y"], h.tolist()), SMALL)
    assert isinstance(answer, Proved) == (top < 0)


SYSTEM = DelaySystem.from_equations(["x' = -(1 + x)*x(t - tau)"], domain={"x": (-0.5, 1.0)})


@pytest.mark.parametrize("seed", range(6))
def test_dissipation_of_a_random_functional_is_proved_only_where_it_holds(seed):
    functional = random_functional(1, 1, seed=seed, neural=True, positive=True)
    found = dissipation(SYSTEM, functional, [0.01, 0.011])
    answer = prove(found.inequality, SMALL)
    generator = torch.Generator().manual_seed(seed)
    unit = torch.rand(200_000, 2, generator=generator, dtype=torch.float64)
    x = found.inequality.lower + (found.inequality.upper - found.inequality.lower) * unit
    x = torch.cat([x, x * 1e-3])
    if isinstance(answer, Proved):
        assert (found.inequality.value(x) < 0).all()
    assert not isinstance(answer, Proved) or found.inequality.value(x).max() < 0


def test_budgets_end_the_search():
    hard = inequality(["x", "y", "sin(x)"], diagonal(-1.0 - 1e-9, -1.0, 1.0))
    for settings, why in (
        (Settings(max_boxes=100), "gave up after"),
        (Settings(max_boxes=10**7, max_level=10), "are open at once"),
        (Settings(deadline=time.monotonic() - 1), "out of time"),
    ):
        answer = prove(FALSE["flat at 0"], settings) if "out" not in why else prove(hard, settings)
        assert isinstance(answer, Unknown)
        assert why in answer.why
        assert answer.where.shape[1] == 2
        assert answer.boxes <= settings.max_boxes + 2 * settings.chunk


@pytest.mark.parametrize("value", [-1e-12, -1e-300])
def test_a_box_that_cannot_be_split_ends_the_search_at_once(value):
    face = inequality(["x"], [[-1.0]], low=(1.0,), high=(1.0,), offset=1.0 + value, origin=False)
    answer = prove(face)
    assert not isinstance(answer, Proved)
    assert (answer.boxes if isinstance(answer, Unknown) else 0) <= 1
    narrow = inequality(
        ["x"], [[-1.0]], low=(1.0,), high=(1.0 + 2**-52,), offset=1.0 + value, origin=False
    )
    assert not isinstance(prove(narrow), Proved)


def test_faces_keep_their_constant_axis():
    system = DelaySystem.from_equations(
        ["a' = -a + a*b(t - tau)", "b' = -b"], domain={"a": (-1.0, 1.5), "b": (-2.0, 0.5)}
    )
    functional = random_functional(2, 1, seed=1, neural=True, positive=True)
    level = min(
        float(functional.lower_bound(f.lower + (f.upper - f.lower) * t, 0.5))
        for f in faces(system, functional, ConstantDelay((0.25, 0.5)), 0.0)
        for t in torch.linspace(0, 1, 1001, dtype=torch.float64)
    )
    for index, face in enumerate(
        faces(system, functional, ConstantDelay((0.25, 0.5)), 0.95 * level)
    ):
        answer = prove(face)
        assert isinstance(answer, Proved)
        assert answer.proof.grid == (1, 1)
        low, high, _ = answer.proof.boxes(face.lower, face.upper)
        fixed = index // 2
        assert (low[:, fixed] == face.lower[fixed]).all()
        assert (high[:, fixed] == face.lower[fixed]).all()
        assert fixed not in answer.proof.codes[answer.proof.codes < 254].tolist()
        lengths = (high - low)[:, 1 - fixed].sum()
        assert float(lengths) == pytest.approx(
            float((face.upper - face.lower)[1 - fixed]), rel=1e-12
        )
    too_high = [
        prove(f) for f in faces(system, functional, ConstantDelay((0.25, 0.5)), 1.01 * level)
    ]
    assert not all(isinstance(answer, Proved) for answer in too_high)


def test_a_box_is_proved_only_if_intervals_agree():
    """An engine that claims everything is overruled."""

    def liar(claim, lower, upper):
        from dataclasses import replace

        form = by_intervals(claim, lower, upper)
        return replace(form, c=form.c * 0 + 1, L=form.L * 0, lo=form.lo * 0, hi=form.hi * 0)

    for claim in (FALSE["saddle"], FALSE["a tiny region"], FALSE["on a face"]):
        assert not isinstance(prove(claim, SMALL, enclose=liar), Proved)


def test_chunks_and_progress_change_nothing():
    seen = []
    claim = TRUE["nearly zero"]
    plain = prove(claim)
    small = prove(
        claim, Settings(chunk=7), progress=lambda boxes, open_: seen.append((boxes, open_))
    )
    assert isinstance(plain, Proved)
    assert isinstance(small, Proved)
    assert plain.proof.codes.tolist() == small.proof.codes.tolist()
    assert plain.proof.blocks == small.proof.blocks
    assert seen[-1][0] == len(plain.proof.codes)
    assert all(open_ > 0 for _, open_ in seen)


def test_several_counterexamples_are_collected():
    answer = prove(FALSE["positive"], Settings(counterexamples=50))
    assert isinstance(answer, Refuted)
    assert len(answer.points) >= 50
    assert (FALSE["positive"].value(answer.points) >= 0).all()


def disc(square: float) -> Inequality:
    """x^2 + y^2 > square, as an inequality over the same box."""
    return inequality(["x", "y"], NEGATIVE, offset=square, origin=False)


SADDLE_OUTSIDE = inequality(["x", "y", "x**2"], diagonal(-1.0, -1.0, 2.0))  # fails where x^2 > 1/2


def test_where_another_inequality_holds_nothing_else_is_needed():
    answer = prove(SADDLE_OUTSIDE, SMALL, outside=disc(0.4))
    assert isinstance(answer, Proved)
    lower, upper, kinds = answer.proof.boxes(SADDLE_OUTSIDE.lower, SADDLE_OUTSIDE.upper)
    assert answer.proof.outside == (kinds == OUTSIDE).sum() > 0
    assert answer.proof.leaves == len(kinds)
    away = torch.as_tensor(kinds == OUTSIDE)
    nearest = torch.zeros(2).clamp(min=lower, max=upper).square().sum(-1)
    assert (nearest[away] > 0.4).all()
    unit = torch.rand(50, 1, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    inside = (lower + (upper - lower) * unit)[:, ~away].reshape(-1, 2)
    assert (SADDLE_OUTSIDE.value(inside) < 0).all()


@pytest.mark.parametrize("square", [0.6, 1.0, 3.0])
def test_failures_that_are_not_outside_refute(square):
    """The inequality fails from x^2 = 1/2 on: a disc that holds such points does not hide them."""
    answer = prove(SADDLE_OUTSIDE, SMALL, outside=disc(square))
    assert isinstance(answer, Refuted)
    assert (answer.points.square().sum(-1) <= square).all()
    assert (SADDLE_OUTSIDE.value(answer.points).amax(0) >= 0).all()


@pytest.mark.parametrize("claim", FALSE)
def test_false_inequalities_are_not_proved_by_leaving_out_less_than_where_they_fail(claim):
    """Nothing lies outside a disc that holds the whole box."""
    wrong = FALSE[claim]
    if wrong.dimension == 2 and wrong.holds_origin:
        assert not isinstance(prove(wrong, SMALL, outside=disc(2.1)), Proved)


@pytest.mark.parametrize(("count", "roots"), [(1, 8), (4, 8), (5, 4), (6, 2), (12, 2)])
def test_roots_do_not_explode_with_the_number_of_variables(count, roots):
    assert Settings().roots(count) == roots
    assert Settings(grid=1).roots(count) == 1
