"""First-order Taylor forms hold every sample, get better by the square, and are never built where they cannot be."""

import itertools

import pytest
import torch
from enclosures import KINKED, MP, SMOOTH, enclosed, in_digits, parse, points_in, random_boxes
from hypothesis import given, settings
from hypothesis import strategies as st
from segments import ACTIVATIONS, MIXED, random_network

from certdde.verify.bound_propagation.taylor import (
    Taylor,
    interval_product,
    interval_square,
    quadratic_upper_bound,
)

# Enclosures are not rounded outward. The room given to a sample is a few hundred roundings of the
# numbers that it was made of, far below what a search leaves (Settings.slack).
ROOM = 2.0**-53 * 300


def tilted(form, lower, upper, x):
    """The two ends of the form at points x (k, B, d): c + L (x - centre) + [lo, hi], and their size."""
    step = x - (lower + upper) / 2
    vector = form.c.ndim == 2
    line = form.c + torch.einsum("kbd,dbm->kbm" if vector else "kbd,db->kb", step, form.L)
    return line + form.lo, line + form.hi


@pytest.mark.parametrize("text", [*SMOOTH, *KINKED])
def test_every_sample_in_40_digits_lies_in_the_form(text):
    low, high = (SMOOTH | KINKED)[text]
    expression = parse(text)
    lower, upper = random_boxes(low, high, 24, seed=len(text))
    form = enclosed(expression, Taylor.identity(lower, upper))
    x = points_in(lower, upper, 8, seed=1)
    bottom, top = tilted(form, lower, upper, x)
    floor, ceiling = form.bounds()
    for k in range(x.shape[0]):
        for b in range(len(lower)):
            value = in_digits(expression, x[k, b].tolist())
            room = ROOM * (abs(value) + float((form.hi - form.lo)[b] + form.c[b].abs()) + 1)
            assert bottom[k, b].item() - room <= value <= top[k, b].item() + room
            assert floor[b].item() - room <= value <= ceiling[b].item() + room


@pytest.mark.parametrize("text", SMOOTH)
def test_the_remainder_holds_zero_and_the_centre_is_exact(text):
    """The rule for functions needs the value at the centre inside the range of the argument."""
    expression = parse(text)
    lower, upper = random_boxes(*SMOOTH[text], 40, seed=2, widest=0.2)
    form = enclosed(expression, Taylor.identity(lower, upper))
    assert (form.lo <= 0).all()
    assert (form.hi >= 0).all()
    for centre, c in zip(((lower + upper) / 2).tolist(), form.c.tolist(), strict=True):
        value = in_digits(expression, centre)
        assert abs(value - c) <= ROOM * (abs(value) + 1)


@pytest.mark.parametrize("text", SMOOTH)
def test_the_remainder_shrinks_by_the_square(text):
    expression = parse(text)
    centre = torch.tensor([[0.31, -0.47], [0.9, 0.2]], dtype=torch.float64)
    widths = []
    for r in (0.1, 0.05, 0.025):
        form = enclosed(expression, Taylor.identity(centre - r, centre + r))
        widths.append((form.hi - form.lo).max())
    for wide, narrow in itertools.pairwise(widths):
        assert narrow <= 0.3 * wide


@pytest.mark.parametrize("text", [t for t in SMOOTH if t.count("(") + t.count("*") // 2 <= 1])
def test_the_remainder_of_one_operation_is_smaller_on_halves(text):
    """Of one operation only: a composition multiplies remainders by values at another centre."""
    expression = parse(text)
    lower, upper = random_boxes(*SMOOTH[text], 60, seed=3, widest=0.3)

    def remainder(low, high):
        form = enclosed(expression, Taylor.identity(low, high))
        return form.lo, form.hi

    whole, middle = remainder(lower, upper), (lower + upper) / 2
    room = ROOM * (1 + whole[0].abs() + whole[1].abs())
    for low, high in ((lower, middle), (middle, upper)):
        part = remainder(low, high)
        assert (part[0] >= whole[0] - room).all()
        assert (part[1] <= whole[1] + room).all()


def network_forms(network, lower, upper):
    return Taylor.join(list(network.pullback(Taylor.identity(lower, upper))))


NETWORKS = {
    "one layer": random_network((0, 1), 0, hidden=(7,)),
    "two layers": random_network((0, 1), 1, hidden=(5, 4), outputs=3),
    "three layers": random_network((0, 1), 2, hidden=(4, 4, 4)),
    **{
        "mixed" if name == MIXED else name: random_network((0, 1), 3, (5, 4), activation=name)
        for name in ACTIVATIONS
    },
}


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_networks_and_their_pullbacks_lie_in_the_form(network):
    lower, upper = random_boxes(-1.5, 1.5, 60, seed=4)
    form = network_forms(network, lower, upper)
    x = points_in(lower, upper, 60, seed=5)
    value = torch.cat(network.pullback(x), -1)
    bottom, top = tilted(form, lower, upper, x)
    room = ROOM * (value.abs() + form.c.abs() + form.hi - form.lo + 1)
    assert (bottom - room <= value).all()
    assert (value <= top + room).all()


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_networks_converge_by_the_square(network):
    centre = torch.tensor([[0.2, -0.6]], dtype=torch.float64)
    widths = [
        float((f.hi - f.lo).max())
        for r in (0.02, 0.01, 0.005)
        for f in [network_forms(network, centre - r, centre + r)]
    ]
    assert widths[1] <= 0.3 * widths[0]
    assert widths[2] <= 0.3 * widths[1]


@pytest.mark.parametrize(
    "text", ["log(x)", "sqrt(x)", "1/x", "x**-2", "tan(2*x)", "y/(x - 0.5)", "log(1 - x)*y"]
)
def test_where_a_function_is_not_smooth_no_test_passes(text):
    lower = torch.tensor([[-1.0, 0.5]], dtype=torch.float64)
    upper = torch.tensor([[1.0, 0.7]], dtype=torch.float64)
    form = enclosed(parse(text), Taylor.identity(lower, upper))
    joined = Taylor.join([form, form])
    bound = quadratic_upper_bound(joined, -torch.eye(2, dtype=torch.float64).unsqueeze(0))
    assert not (bound < 0).any()
    assert not (form.bounds()[1] < 0).any()
    assert not (form.bounds()[0] > 0).any()


def test_affine_maps_join_and_columns():
    lower, upper = random_boxes(-1.0, 1.0, 20, seed=6, d=3)
    x = Taylor.identity(lower, upper)
    form = Taylor.join([x.column(0) * x.column(1), x.columns([2, 0]), x.column(2) ** 2])
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(2, 4, generator=generator, dtype=torch.float64)
    bias = torch.randn(2, generator=generator, dtype=torch.float64)
    points = points_in(lower, upper, 50, seed=7)
    a, b, c = points.unbind(-1)
    value = torch.stack([a * b, c, a, c * c], -1) @ weight.T + bias
    for got, shift in ((form.affine(weight, bias), 0.0), (form.affine(weight), bias)):
        bottom, top = tilted(got, lower, upper, points)
        assert (bottom <= value - shift + ROOM * 10).all()
        assert (value - shift <= top + ROOM * 10).all()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    ends=st.lists(st.floats(-1e3, 1e3), min_size=4, max_size=4),
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_products_and_squares_of_intervals(ends, shares):
    a, b = sorted(ends[:2]), sorted(ends[2:])
    p, q = (
        min(max(lo + (hi - lo) * s, lo), hi) for (lo, hi), s in zip((a, b), shares, strict=True)
    )
    t = lambda pair: tuple(torch.tensor(v, dtype=torch.float64) for v in pair)  # noqa: E731
    low, high = interval_product(t(a), t(b))
    # Rounding is monotone, so that the rounded product of the points lies between rounded products of ends.
    assert low <= p * q <= high
    low, high = interval_square(t(a))
    assert low <= p * p <= high
    assert low >= 0


@pytest.mark.parametrize("d", [1, 2, 4])
@pytest.mark.parametrize("seed", range(4))
def test_the_quadratic_bound_holds_for_every_choice_in_the_form(d, seed):
    """Against corners of the box and of the remainder, where the bound is nearly attained."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    count, m = 40, 5
    half = draw(count, m).abs() * 0.3
    shift = draw(count, m) * 0.2
    form = Taylor(
        draw(count, m), draw(d, count, m), shift - half, shift + half, draw(d, count).abs()
    )
    h = draw(3, m, m)
    h = h + h.transpose(1, 2)
    bound = quadratic_upper_bound(form, h)
    assert bound.shape == (3, count)
    worst = torch.full_like(bound, -torch.inf)
    for trial in range(400):
        unit = 2 * torch.rand(d, count, 1, generator=generator, dtype=torch.float64) - 1
        inner = 2 * torch.rand(count, m, generator=generator, dtype=torch.float64) - 1
        if trial % 2:
            unit, inner = unit.sign(), inner.sign()
        v = form.c + (form.L * form.r.unsqueeze(-1) * unit).sum(0) + shift + half * inner
        worst = torch.maximum(worst, torch.einsum("bi,eij,bj->eb", v, h, v))
    size = torch.einsum("bi,eij,bj->eb", form.c.abs() + 3, h.abs(), form.c.abs() + 3)
    assert (worst <= bound + ROOM * size).all()


def test_the_quadratic_bound_is_exact_for_a_point():
    x = torch.tensor([[0.3, -0.8]], dtype=torch.float64)
    h = torch.tensor([[[-2.0, 0.5], [0.5, 1.0]]], dtype=torch.float64)
    bound = quadratic_upper_bound(Taylor.identity(x, x), h)
    assert bound.item() == pytest.approx((x[0] @ h[0] @ x[0]).item(), rel=1e-15)


@pytest.mark.parametrize("place", ["c", "L", "lo", "hi", "form"])
def test_nan_anywhere_gives_no_bound(place):
    from dataclasses import replace

    lower, upper = random_boxes(-1.0, 1.0, 3, seed=8)
    form, h = Taylor.identity(lower, upper), -torch.eye(2, dtype=torch.float64).unsqueeze(0)
    if place == "form":
        h = h * torch.nan
    else:
        form = replace(form, **{place: getattr(form, place) * torch.nan})
    assert not (quadratic_upper_bound(form, h) < 0).any()


def test_bounds_can_stand_in_a_loss():
    network = NETWORKS["two layers"]
    weight = network.weights[0].clone().requires_grad_()
    from dataclasses import replace

    trainable = replace(network, weights=(weight, *network.weights[1:]))
    lower, upper = random_boxes(-1.0, 1.0, 5, seed=9)
    form = trainable.displacement(Taylor.identity(lower, upper))
    (gradient,) = torch.autograd.grad(form.bounds()[1].sum(), weight)
    assert torch.isfinite(gradient).all()
    assert float(gradient.abs().max()) > 0


def test_40_digits_are_40_digits():
    assert MP.dps == 40
