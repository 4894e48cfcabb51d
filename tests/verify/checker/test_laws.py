"""Kind "random": probabilities are enclosed, lower bounds are below the true ones, laws that are none are refused."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import flint
import ival
import pytest
from ival import Interval
from scipy import stats

from certdde.verify.checker.laws import LAWS, _within, check_law, least, probability
from certdde.verify.checker.refusal import Refused

Law = dict[str, Any]
BITS = 2_000


def rational(value: float) -> Fraction:
    return Fraction(repr(value))


def exact(value: Any) -> Any:
    """Numbers of a law as the decimals that repr writes."""
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [exact(item) for item in value]
    return value if isinstance(value, str) else rational(value)


def ball(value: Fraction) -> flint.arb:
    return flint.arb(value.numerator) / value.denominator


def beyond(law: Law, t: Fraction) -> flint.arb:
    """P(tau > t) by Arb, in many digits."""
    args = law["args"]
    shape = LAWS[law["law"]][0]
    z = (t - args.get("loc", Fraction(0))) / args.get("scale", Fraction(1))
    one, half = flint.arb(1), flint.arb(1) / 2
    a, x = ball(args[shape]) if shape else one, ball(z)
    if law["law"] == "norm":
        return (x / flint.arb(2).sqrt()).erfc() * half
    if z <= 0 or (law["law"] == "pareto" and z <= 1):
        return one
    match law["law"]:
        case "uniform":
            return one - x if z < 1 else flint.arb(0)
        case "expon":
            return (-x).exp()
        case "pareto":
            return (-a * x.log()).exp()
        case "weibull_min":
            return (-(a * x.log()).exp()).exp()
        case "lognorm":
            return (x.log() / a / flint.arb(2).sqrt()).erfc() * half
        case _:
            return x.gamma_upper(a, regularized=1)


def mass(law: Law, low: Fraction, high: Fraction) -> flint.arb:
    """P(low <= tau <= high) by Arb; conditioned, mixed."""
    if "range" in law:
        inner = {key: value for key, value in law.items() if key != "range"}
        a, b = law["range"]
        start, stop = max(low, a), min(high, b)
        return mass(inner, start, stop) / mass(inner, a, b) if start < stop else flint.arb(0)
    if law["law"] == "mixture":
        parts = zip(law["weights"], law["laws"], strict=True)
        return sum((ball(w) * mass(one, low, high) for w, one in parts), flint.arb(0))
    return beyond(law, low) - beyond(law, high)


def drawn(rng: random.Random) -> Law:
    name = rng.choice(sorted(LAWS))
    shape = LAWS[name][0]
    args = {"scale": round(10 ** rng.uniform(-2, 2), 6), "loc": round(rng.uniform(0, 2), 3)}
    if shape:
        small = rng.random() < 0.5
        args[shape] = round(rng.uniform(0.05, 4) if small else rng.uniform(1, 60), 4)
    return {"law": name, "args": {key: value for key, value in args.items() if value}}


def interval(rng: random.Random) -> tuple[Fraction, Fraction]:
    low = round(10 ** rng.uniform(-4, 2), 6)
    return rational(low), rational(round(low + 10 ** rng.uniform(-4, 2), 6))


@pytest.fixture(autouse=True)
def precise():
    before, flint.ctx.prec = flint.ctx.prec, BITS
    yield
    flint.ctx.prec = before


@pytest.mark.parametrize("seed", range(4))
def test_enclosures_hold_the_probabilities_of_arb(seed):
    rng = random.Random(seed)
    widest = 0.0
    for _ in range(500):
        law, (low, high) = exact(drawn(rng)), interval(rng)
        found, true = probability(law, low, high), mass(law, low, high)
        assert not flint.arb(found.lo) > true, (law, low, high)
        assert not flint.arb(found.hi) < true, (law, low, high)
        assert found.lo <= found.hi
        widest = max(widest, found.hi - found.lo)
    assert widest < 1e-11


def composed(rng: random.Random) -> Law:
    count = rng.randint(2, 3)
    cuts = sorted(rng.sample(range(1, 1000), count - 1))
    weights = [(b - a) / 1000 for a, b in zip([0, *cuts], [*cuts, 1000], strict=True)]
    weights = [round(w, 3) for w in weights]
    law = {"law": "mixture", "weights": weights, "laws": [drawn(rng) for _ in range(count)]}
    ends = [rng.choice([0.0, round(rng.uniform(0, 1.5), 3)]), round(rng.uniform(2, 9), 3)]
    return law | ({"range": ends} if rng.random() < 0.7 else {})


def test_mixtures_and_conditioned_laws_are_enclosed():
    rng, checked = random.Random(11), 0
    for _ in range(300):
        law, pieces = exact(composed(rng)), [interval(rng)]
        try:
            check_law(law)
        except Refused:
            continue  # no finite mean, or no probability in the range
        true, bound = mass(law, *pieces[0]), least(law, pieces)
        assert not ball(bound) > true, law
        assert not ball(bound + Fraction(1, 10**9)) < true, law
        checked += 1
    assert checked > 100


@pytest.mark.parametrize("name", sorted(LAWS))
def test_parameters_mean_what_they_mean_in_scipy(name):
    shape = LAWS[name][0]
    args = {"loc": 0.25, "scale": 0.5} | ({shape: 1.75} if shape else {})
    law = exact({"law": name, "args": args})
    for low, high in [(0.0, 0.5), (0.4, 0.8), (0.75, 3.0), (2.0, 60.0)]:
        frozen = getattr(stats, name)(**args)
        found = probability(law, rational(low), rational(high))
        assert found.mid == pytest.approx(frozen.cdf(high) - frozen.cdf(low), abs=1e-12)


def test_a_union_adds_up_and_ends_weigh_nothing():
    law = exact({"law": "uniform", "args": {"scale": 4.0}})
    pieces = [(Fraction(0), Fraction(1)), (Fraction(2), Fraction(2)), (Fraction(3), Fraction(9))]
    assert least(law, pieces) == Fraction(1, 2)


@pytest.mark.parametrize(
    ("low", "high", "true"),
    [(0, 1, 0.0), (0, 2, 0.5), (2, 9, 0.5), (0, 9, 1.0), (1, 3, 1.0), (3, 9, 0.0), (1.5, 2, 0.25)],
)
def test_nothing_outside_of_a_range_counts(low, high, true):
    law = exact({"law": "uniform", "args": {"scale": 4.0}, "range": [1.0, 3.0]})
    ends = [(Fraction(low), Fraction(high))]
    assert least(law, ends) == true
    half = Fraction(1, 2)
    assert least({"law": "mixture", "weights": [half, half], "laws": [law, law]}, ends) == true


EXPON: Law = {"law": "expon", "args": {}}
BAD: list[Any] = [
    None,
    {},
    {"law": "expon"},
    {"law": "cauchy", "args": {}},
    {"law": "expon", "args": {"b": 1.0}},
    {"law": "expon", "args": {"scale": 0.0}},
    {"law": "expon", "args": {"scale": -1.0}},
    {"law": "expon", "args": {"loc": -0.5}},
    {"law": "expon", "args": {"scale": "1"}},
    {"law": "expon", "args": {}, "extra": 1.0},
    {"law": "pareto", "args": {"scale": 1.0}},
    {"law": "pareto", "args": {"b": 1.0}},
    {"law": "pareto", "args": {"b": 0.5}},
    {"law": "norm", "args": {}},
    {"law": "gamma", "args": {"a": 101.0}},
    {"law": "lognorm", "args": {"s": -1.0}},
    {"law": "uniform", "args": {}, "range": [2.0, 3.0]},
    {"law": "uniform", "args": {}, "range": [0.5, 0.5]},
    {"law": "uniform", "args": {}, "range": [-0.5, 0.5]},
    {"law": "uniform", "args": {}, "range": [0.5]},
    {"law": "mixture", "weights": [0.5, 0.4], "laws": [EXPON, EXPON]},
    {"law": "mixture", "weights": [0.5, 0.5000000001], "laws": [EXPON, EXPON]},
    {"law": "mixture", "weights": [1.5, -0.5], "laws": [EXPON, EXPON]},
    {"law": "mixture", "weights": [1.0], "laws": [EXPON, EXPON]},
    {"law": "mixture", "weights": [], "laws": []},
    {"law": "mixture", "weights": [1.0], "laws": [{"law": "norm", "args": {}}]},
    {"law": "mixture", "weights": [1.0], "laws": [EXPON], "args": {}},
    {"law": "mixture", "weights": [0.4, 0.6, 0.0], "laws": [EXPON, EXPON, EXPON]},
    {"law": "mixture", "weights": [0.5, 0.5], "laws": [EXPON, EXPON, {"law": "norm", "args": {}}]},
    {"law": "mixture", "weights": [1.0], "laws": [{"law": "cauchy", "args": {}}]},
    {"law": "gamma", "args": {"a": 2.0}, "range": [500.0, 600.0]},  # not shown to be reached
]


@pytest.mark.parametrize("law", BAD)
def test_laws_that_are_none_are_refused(law):
    with pytest.raises(Refused):
        check_law(exact(law) if law else law)


def test_a_range_makes_a_law_of_what_is_none():
    few: list[Law] = [{"law": "norm", "args": {}}, {"law": "pareto", "args": {"b": 0.5}}]
    for law in (*few, {"law": "mixture", "weights": [0.5, 0.5], "laws": few}):
        check_law(exact(law | {"range": [0.0, 3.0]}))


def nested(depth: int) -> Law:
    law = EXPON
    for k in range(depth):
        law = {"law": "mixture", "weights": [1.0], "laws": [law], "range": [0.0, 3.0 + k]}
    return exact(law)


def test_mixtures_in_mixtures_are_few():
    """Each has a range, and so would double the work."""
    law = nested(4)
    check_law(law)
    true = 1 - flint.arb(-1).exp(), 1 - flint.arb(-3).exp()
    bound = least(law, [(Fraction(0), Fraction(1))])
    assert ball(bound) < true[0] / true[1] < ball(bound + Fraction(1, 10**12))
    for depth in (5, 40):
        with pytest.raises(Refused, match="too many mixtures"):
            check_law(nested(depth))


def test_lower_bounds_are_below_where_rounding_to_nearest_is_not():
    one, two = ({"law": "uniform", "args": {"loc": loc}} for loc in (0.0, 2.0))
    weighted = exact({"law": "mixture", "weights": [0.1, 0.9], "laws": [one, two]})
    assert least(weighted, [(Fraction(0), Fraction(1))]) <= Fraction(1, 10)
    wide = {
        "law": "gamma",
        "args": {"a": 60.0, "loc": 2.0},
    }  # P of its range is known to 1e-12 only
    halves = exact({"law": "mixture", "weights": [0.5, 0.5], "laws": [one, wide]})
    halves["range"] = [Fraction(0), Fraction(60)]
    ends = Fraction(0), Fraction(1)
    assert ball(least(halves, [ends])) < mass(halves, *ends)


def test_what_is_no_enclosure_is_refused():
    for value in (ival.log(Interval(-1.0)), Interval(1.5, 2.0), Interval(-2.0, -1.0)):
        with pytest.raises(Refused):
            _within(value)
