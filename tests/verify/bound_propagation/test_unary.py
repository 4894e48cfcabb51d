"""Functions of one variable: values, derivatives, and their ranges over intervals, against 40 digits."""

import pytest
import torch
from enclosures import EXACT as GRAMMAR
from enclosures import MP

from certdde.systems.expressions import FUNCTIONS
from certdde.verify.bound_propagation.unary import UNARY, Unary, power

# softplus is an activation of networks, not a function of the grammar; relu has rules of its own.
SMOOTH = {name: f for name, f in GRAMMAR.items() if name != "relu"}
EXACT = {**SMOOTH, "softplus": lambda z: MP.log1p(MP.exp(z))}
POWERS = (-5, -2, -1, 0, 1, 2, 3, 4, 7)
PI, ROOT3 = MP.pi, MP.sqrt(3)
LIMITS = {"tan": (-1.55, 1.55), "log": (1e-3, 30.0), "sqrt": (1e-3, 30.0), "exp": (-20.0, 20.0)}
# Where the function, its derivative or its second derivative has an extremum.
CRITICAL = {
    **{name: [k * PI / 2 for k in range(-12, 13)] for name in ("sin", "cos")},
    "tan": [k * PI for k in range(-3, 4)],
    "tanh": [0, MP.atanh(1 / ROOT3), -MP.atanh(1 / ROOT3)],
    "sigmoid": [0, MP.log(2 + ROOT3), -MP.log(2 + ROOT3)],
    "softplus": [0],
    "atan": [0, 1 / ROOT3, -1 / ROOT3],
}


def derivatives(name):
    """phi, phi', phi'' in 40 digits, by hand."""
    f, one = EXACT.get(name), MP.mpf(1)
    if name in EXACT:
        return {
            "sin": (f, MP.cos, lambda z: -MP.sin(z)),
            "cos": (f, lambda z: -MP.sin(z), lambda z: -MP.cos(z)),
            "tan": (f, lambda z: MP.sec(z) ** 2, lambda z: 2 * MP.sec(z) ** 2 * MP.tan(z)),
            "tanh": (f, lambda z: MP.sech(z) ** 2, lambda z: -2 * MP.sech(z) ** 2 * MP.tanh(z)),
            "exp": (f, f, f),
            "log": (f, lambda z: one / z, lambda z: -one / z**2),
            "sqrt": (f, lambda z: one / (2 * f(z)), lambda z: -one / (4 * z * f(z))),
            "sigmoid": (
                f,
                lambda z: MP.sech(z / 2) ** 2 / 4,
                lambda z: -(MP.sech(z / 2) ** 2) * MP.tanh(z / 2) / 4,
            ),
            "softplus": (
                f,
                lambda z: one / (1 + MP.exp(-z)),
                lambda z: MP.sech(z / 2) ** 2 / 4,
            ),
            "atan": (f, lambda z: one / (1 + z**2), lambda z: -2 * z / (1 + z**2) ** 2),
        }[name]
    k = int(name)
    factors = (1, k, k * (k - 1))
    return tuple(
        lambda z, i=i, c=c: c * MP.mpf(z) ** (k - i) if c else MP.mpf(0)
        for i, c in enumerate(factors)
    )


def unary(name) -> Unary:
    return UNARY[name] if name in UNARY else power(int(name))


ALL = [*EXACT, *map(str, POWERS)]
# 1 - tanh^2, s (1 - s) and their kin are computed from numbers of size 1; all else to a few units of the value.
SIZE = {"tanh": 1.0, "sigmoid": 1.0, "softplus": 1.0}


def slack(name, value):
    return 16 * 2.0**-53 * max(abs(float(value)), SIZE.get(name, 0.0))


def intervals(name, count=150, seed=0):
    low, high = LIMITS.get(name, (-9.0, 9.0))
    generator = torch.Generator().manual_seed(seed)
    unit = torch.rand(count, 3, generator=generator, dtype=torch.float64)
    width = (high - low) * unit[:, 0] * unit[:, 1] ** 3
    lo = low + (high - low - width) * unit[:, 2]
    if name.startswith("-") and name[1:].isdigit():  # negative powers: on either side of 0
        shift = torch.where(lo + width / 2 > 0, (-lo).clamp(min=0), -(lo + width).clamp(min=0))
        lo = lo + shift + torch.where(lo + width / 2 > 0, 1e-2, -1e-2)
    if name == "tan":  # other branches too
        shift = torch.tensor(float(PI), dtype=torch.float64)
        lo = lo + shift * torch.arange(count).remainder(5).sub(2)
    return lo, lo + width


@pytest.mark.parametrize("name", ALL)
def test_values_and_slopes(name):
    lo, hi = intervals(name)
    exact = derivatives(name)
    function = unary(name)
    points = torch.cat([lo, hi])
    for f, phi in zip((function.value, function.slope), exact, strict=False):
        for z, got in zip(points.tolist(), f(points).tolist(), strict=True):
            wanted = phi(MP.mpf(z))
            assert abs(got - wanted) <= slack(name, wanted)


@pytest.mark.parametrize("part", ["range", "slope_range", "curvature"])
@pytest.mark.parametrize("name", ALL)
def test_ranges_hold_every_sample_and_are_attained(name, part):
    """lower <= phi(z) <= upper but for a few units in the last place of the bounds, which are not rounded outward."""
    lo, hi = intervals(name)
    phi = derivatives(name)[("range", "slope_range", "curvature").index(part)]
    low, high = getattr(unary(name), part)(lo, hi)
    generator = torch.Generator().manual_seed(1)
    for a, b, bottom, top in zip(
        lo.tolist(), hi.tolist(), low.tolist(), high.tolist(), strict=True
    ):
        inside = (a + (b - a) * torch.rand(6, generator=generator, dtype=torch.float64)).tolist()
        points = [MP.mpf(z) for z in (a, b, *inside)]
        points += [z for z in CRITICAL.get(name, [0]) if a < z < b]
        values = [phi(z) for z in points]
        least, most = min(values), max(values)
        assert bottom <= least + slack(name, least)
        assert top >= most - slack(name, most)
        assert bottom >= least - slack(name, least)
        assert top <= most + slack(name, most)


@pytest.mark.parametrize("part", ["range", "slope_range", "curvature"])
@pytest.mark.parametrize(
    ("name", "lo", "hi"),
    [
        ("log", 0.0, 1.0),
        ("log", -1.0, 1.0),
        ("log", -2.0, -1.0),
        ("sqrt", 0.0, 1.0),
        ("sqrt", -1e-300, 1.0),
        ("-1", -1.0, 1.0),
        ("-1", 0.0, 1.0),
        ("-2", -1.0, 0.0),
        ("-3", -0.0, 1.0),
        ("tan", 1.5, 1.6),
        ("tan", -1.6, -1.5),
        ("tan", -100.0, 100.0),
        ("tan", 0.0, 3.2),
        ("tan", 4.0, 5.0),
    ],
)
def test_where_a_function_is_not_smooth_the_range_is_nan(name, part, lo, hi):
    ends = (torch.tensor([v], dtype=torch.float64) for v in (lo, hi))
    low, high = getattr(unary(name), part)(*ends)
    assert low.isnan().all()
    assert high.isnan().all()


@pytest.mark.parametrize("part", ["range", "slope_range", "curvature"])
@pytest.mark.parametrize("name", ALL)
def test_nan_ends_never_give_a_bound(name, part):
    nan = torch.tensor([float("nan")], dtype=torch.float64)
    one = torch.ones_like(nan)
    for lo, hi in ((nan, one), (one, nan), (nan, nan)):
        low, high = getattr(unary(name), part)(lo, hi)
        constant = bool(torch.isfinite(low) & torch.isfinite(high))
        # A derivative that is the same everywhere may ignore the interval.
        assert not constant or (name in "012" and low.equal(high))


def test_every_function_of_the_grammar_has_its_rules_and_networks_add_one():
    assert {*UNARY, "relu"} == {*FUNCTIONS, "softplus"}  # relu has rules of its own


@pytest.mark.parametrize("name", ALL)
def test_bounds_have_gradients(name):
    lo, hi = (t[:20].requires_grad_() for t in intervals(name))
    for part in ("range", "slope_range", "curvature"):
        low, high = getattr(unary(name), part)(lo, hi)
        if (low.sum() + high.sum()).requires_grad:
            gradient = torch.autograd.grad((low + high).sum(), (lo, hi), allow_unused=True)
            assert all(g is None or torch.isfinite(g).all() for g in gradient)
