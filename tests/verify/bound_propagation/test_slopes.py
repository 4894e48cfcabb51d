"""Slopes from the origin, and the star test that stands on them."""

import pytest
import torch
from enclosures import KINKED, SMOOTH, enclosed, in_digits, parse, points_in, random_boxes
from segments import ACTIVATIONS, random_functional, random_network

from certdde.inequalities.inequality import dissipation
from certdde.systems import DelaySystem
from certdde.verify.bound_propagation.slopes import Slope
from certdde.verify.bound_propagation.star import negative_definite, star_test

ROOM = 2.0**-53 * 300  # see test_taylor.py


def holds(slope, zero, x, value, room):
    """Whether h(x) - h(0) lies in S x for x (k, B, d), h (k, B, ..)."""
    extra = (1,) * (value.ndim - 2)
    first = torch.stack([slope.slo, slope.shi])  # (2, d, B, ..)
    at = x.movedim(-1, 1).reshape(x.shape[0], x.shape[2], x.shape[1], *extra)
    products = first[:, None] * at
    low, high = products.amin(0).sum(1), products.amax(0).sum(1)
    return (low - room <= value - zero).all() and (value - zero <= high + room).all()


@pytest.mark.parametrize("origin", [False, True])
@pytest.mark.parametrize("text", [*SMOOTH, *KINKED])
def test_every_sample_in_40_digits_lies_in_the_slopes(text, origin):
    low, high = (SMOOTH | KINKED)[text]
    expression = parse(text)
    lower, upper = random_boxes(low, high, 20, seed=len(text), origin=origin)
    slope = enclosed(expression, Slope.identity(lower, upper))
    x = points_in(lower, upper, 8, seed=1)
    zero = in_digits(expression, [0.0, 0.0])
    for k in range(x.shape[0]):
        for b in range(len(lower)):
            at = x[k, b].tolist()
            value = in_digits(expression, at)
            ends = [sorted(s[i, b].item() * at[i] for s in (slope.slo, slope.shi)) for i in (0, 1)]
            room = ROOM * (1 + sum(abs(e) for pair in ends for e in pair) + abs(value))
            assert sum(e[0] for e in ends) - room <= value - zero <= sum(e[1] for e in ends) + room
            room = ROOM * (1 + abs(value))
            assert slope.lo[b].item() - room <= value <= slope.hi[b].item() + room
            assert abs(slope.zero[b].item() - zero) <= ROOM * (1 + abs(zero))


@pytest.mark.parametrize("text", SMOOTH)
def test_smaller_boxes_have_smaller_slopes(text):
    """Slopes are interval arithmetic throughout, so they are monotone in the box, to rounding."""
    expression = parse(text)
    lower, upper = random_boxes(*SMOOTH[text], 60, seed=3)
    whole = enclosed(expression, Slope.identity(lower, upper))
    middle = (lower + upper) / 2
    for low, high in ((lower, middle), (middle, upper), (middle, middle)):
        part = enclosed(expression, Slope.identity(low, high))
        room = ROOM * (1 + whole.slo.abs() + whole.shi.abs())
        assert (part.slo >= whole.slo - room).all()
        assert (part.shi <= whole.shi + room).all()
        assert (part.lo >= whole.lo - ROOM * (1 + whole.lo.abs())).all()
        assert (part.hi <= whole.hi + ROOM * (1 + whole.hi.abs())).all()


@pytest.mark.parametrize("text", SMOOTH)
def test_slopes_converge_to_the_gradient_at_the_origin(text):
    expression = parse(text)
    zero = torch.zeros(1, 2, dtype=torch.float64)
    at = zero[0].clone().requires_grad_()
    value = enclosed(expression, _Tensor(at)) + 0 * at.sum()
    (gradient,) = torch.autograd.grad(value, at)
    widths = []
    for r in (0.1, 0.01, 0.001):
        slope = enclosed(expression, Slope.identity(zero - r, zero + r))
        widths.append(float((slope.shi - slope.slo).max()))
        assert (slope.slo[:, 0] <= gradient + 1e-12).all()
        assert (gradient - 1e-12 <= slope.shi[:, 0]).all()
    assert widths[2] <= 0.2 * widths[1] + 1e-12
    assert widths[1] <= 0.3 * widths[0] + 1e-12


class _Tensor:
    def __init__(self, value):
        self.value = value

    def column(self, index):
        return self.value[index]


@pytest.mark.parametrize("origin", [False, True])
@pytest.mark.parametrize(
    ("hidden", "activation"),
    [((6,), "tanh"), ((4, 4, 3), "tanh"), *(((5, 4), name) for name in ACTIVATIONS)],
)
def test_networks_and_their_pullbacks_lie_in_the_slopes(hidden, activation, origin):
    network = random_network((0, 1), len(hidden), hidden=hidden, activation=activation)
    lower, upper = random_boxes(-1.0, 1.0, 60, seed=4, origin=origin)
    slope = Slope.join(list(network.pullback(Slope.identity(lower, upper))))
    x = points_in(lower, upper, 60, seed=5)
    value = torch.cat(network.pullback(x), -1)
    room = ROOM * (1 + slope.slo.abs().amax(0) + slope.shi.abs().amax(0))
    assert holds(slope, 0.0, x, value, room)
    assert (slope.lo - room <= value).all()
    assert (value <= slope.hi + room).all()
    assert float(slope.zero.abs().max()) <= 1e-13


@pytest.mark.parametrize("text", ["log(x)", "sqrt(x)", "1/x", "x**-2", "tan(3*x)", "y/(x - 0.5)"])
def test_where_a_function_is_not_smooth_no_star_test_passes(text):
    lower = torch.tensor([[-1.0, -0.1]], dtype=torch.float64)
    slope = enclosed(parse(text), Slope.identity(lower, -lower))
    joined = Slope.join([slope, Slope.identity(lower, -lower)])
    form = -torch.eye(3, dtype=torch.float64).unsqueeze(0)
    assert not star_test(joined, form).any()


SYSTEM = DelaySystem.from_equations(
    ["a' = -a + 0.3*b*tanh(a(t - tau))", "b' = -b - a*b(t - tau)/(4 + b)"],
    domain={"a": (-1.0, 1.0), "b": (-1.0, 1.0)},
)


def features_and_forms(seed):
    functional = random_functional(2, 1, seed=seed, neural=True)
    features = dissipation(SYSTEM, functional, [0.1, 0.12]).inequality.features
    generator = torch.Generator().manual_seed(seed)
    h = torch.randn(2, features.size, features.size, generator=generator, dtype=torch.float64)
    h = 0.1 * (h + h.transpose(1, 2))
    h[:, :4, :4] -= 6 * torch.rand(1, generator=generator, dtype=torch.float64) * torch.eye(4)
    return features, h


def test_a_form_that_passes_is_negative_on_every_sample_and_every_slope():
    passed = 0
    for seed in range(12):
        features, h = features_and_forms(seed)
        lower, upper = random_boxes(-0.6, 0.6, 60, seed=seed, d=4, origin=True)
        slope = features(Slope.identity(lower, upper))
        good = star_test(slope, h)
        passed += int(good.sum())
        x = points_in(lower, upper, 100, seed=seed)[:, good]
        v = features(x)
        value = torch.einsum("kbi,eij,kbj->ekb", v, h, v)
        away = x.abs().amax(-1) > 1e-6  # nearer to 0 the sample is lost in the rounding of v
        assert (value[:, away] < 0).all()
        generator = torch.Generator().manual_seed(seed)
        for _ in range(10):
            corner = torch.rand(slope.slo.shape, generator=generator, dtype=torch.float64).round()
            s = (slope.slo + (slope.shi - slope.slo) * corner)[:, good]
            matrix = torch.einsum("dbi,eij,cbj->ebdc", s, h, s)
            assert (torch.linalg.eigvalsh(matrix)[..., -1] < 0).all()
    assert passed > 50


def test_a_form_that_is_not_negative_definite_at_the_origin_never_passes():
    refused = 0
    for seed in range(30):
        features, h = features_and_forms(seed)
        zero = torch.zeros(4, dtype=torch.float64)
        jacobian = torch.autograd.functional.jacobian(features, zero)
        at_origin = jacobian.T @ h @ jacobian
        top = torch.linalg.eigvalsh(at_origin)[:, -1]
        # The largest eigenvalue of the two is moved to zero (a thousand roundings above it) or beyond.
        for excess in (0.0, 1e-9, 0.3):
            bad = h.clone()
            bad[:, :4, :4] += (excess - top.max() + 1e-12) * torch.eye(4, dtype=torch.float64)
            r = torch.logspace(-8, 0, 9, dtype=torch.float64)[:, None].expand(9, 4)
            assert not star_test(features(Slope.identity(-r, r)), bad).any()
            refused += 1
    assert refused == 90


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("seed", range(6))
def test_what_only_just_passes_is_negative_definite_at_every_corner_of_the_slopes(seed, d):
    """H is lowered until the test passes; then H is definite on all corners, where it is worst for d = 1."""
    generator = torch.Generator().manual_seed(seed)
    m = 3
    middle = torch.randn(d, 1, m, generator=generator, dtype=torch.float64)
    middle[range(d), 0, range(d)] += 4
    half = 0.4 * torch.rand(d, 1, m, generator=generator, dtype=torch.float64)
    zero = torch.zeros(1, m, dtype=torch.float64)
    slope = Slope(zero, zero, zero, middle - half, middle + half)
    h = torch.randn(1, m, m, generator=generator, dtype=torch.float64)
    h, eye = h + h.transpose(1, 2), torch.eye(m, dtype=torch.float64)
    low, high = 0.0, 1e4
    assert star_test(slope, h - high * eye).all()
    for _ in range(60):
        shift = (low + high) / 2
        passed = bool(star_test(slope, h - shift * eye).all())
        low, high = (low, shift) if passed else (shift, high)
    unit = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0], dtype=torch.float64)] * (d * m))
    s = middle[:, 0] + half[:, 0] * unit.reshape(-1, d, m)
    matrix = s @ (h[0] - high * eye) @ s.transpose(1, 2)
    assert (torch.linalg.eigvalsh(matrix)[:, -1] < 0).all()


def test_small_boxes_at_the_origin_pass_for_a_definite_form():
    features, h = features_and_forms(3)
    h[:, :4, :4] -= 100 * torch.eye(4)
    r = torch.full((1, 4), 1e-6, dtype=torch.float64)
    assert star_test(features(Slope.identity(-r, r)), h).all()


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_negative_definite_implies_it_for_every_member(size):
    generator = torch.Generator().manual_seed(size)
    draw = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64)  # noqa: E731
    count = 300
    a = draw(count, size, size)
    middle = -a @ a.transpose(1, 2) - draw(count, 1, 1) * torch.eye(size)
    spread = draw(count, size, size).abs() * draw(count, 1, 1) ** 2 * 0.2
    spread = spread + spread.transpose(1, 2)
    proved = negative_definite(middle - spread, middle + spread)
    assert 20 < int(proved.sum()) < count
    low, high = (middle - spread)[proved], (middle + spread)[proved]
    for trial in range(60):
        unit = torch.rand(low.shape, generator=generator, dtype=torch.float64)
        unit = torch.triu(unit.round() if trial % 2 else unit)
        member = torch.triu(low) + (torch.triu(high) - torch.triu(low)) * unit
        member = member + torch.triu(member, 1).transpose(1, 2)
        assert (torch.linalg.eigvalsh(member)[:, -1] < 0).all()


@pytest.mark.parametrize("size", [1, 2, 4])
def test_negative_definite_of_a_single_matrix_is_that_of_its_eigenvalues(size):
    generator = torch.Generator().manual_seed(size)
    a = torch.randn(400, size, size, generator=generator, dtype=torch.float64)
    matrix = a + a.transpose(1, 2) - 2.5 * torch.eye(size)
    top = torch.linalg.eigvalsh(matrix)[:, -1]
    clear = top.abs() > 1e-9
    assert torch.equal(negative_definite(matrix, matrix)[clear], (top < 0)[clear])
    assert 0 < int((top < 0).sum()) < 400


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 0.0])
@pytest.mark.parametrize("place", [(0, 0), (1, 0), (1, 1)])
def test_what_is_not_a_number_is_not_definite(value, place):
    matrix = -torch.eye(2, dtype=torch.float64)
    i, j = place
    matrix[i, j] = matrix[j, i] = value
    if value == 0.0 and i != j:
        assert negative_definite(matrix, matrix)
    else:
        assert not negative_definite(matrix, matrix)
