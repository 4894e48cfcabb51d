"""Probabilities under the laws that the format knows, as intervals (kind "random")."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import ival
from ival import Interval

from .claim import interval, joined, shown
from .refusal import Refused, require
from .schema import PAIR, conform

WHERE = "delay.law"
LARGEST, FAR, DEEP = 100, 600, 4  # of gamma: the shape; where the series is cut off. Of mixtures
ZERO, ONE = Interval(0.0), Interval(1.0)


def _uniform(z: Fraction, _: Fraction) -> Interval:
    return Interval(max(1 - z, Fraction(0)))


def _expon(z: Fraction, _: Fraction) -> Interval:
    return ival.exp(-Interval(z))


def _pareto(z: Fraction, b: Fraction) -> Interval:
    return ival.exp(-Interval(b) * ival.log(Interval(z))) if z > 1 else ONE


def _lognorm(z: Fraction, s: Fraction) -> Interval:
    """P(N > w) = erfc(w / sqrt 2) / 2 for a standard normal N, w = log(z) / s."""
    return ival.erfc(ival.log(Interval(z)) / (Interval(s) * ival.sqrt(Interval(2.0)))) * 0.5


def _norm(z: Fraction, _: Fraction) -> Interval:
    return ival.erfc(Interval(z) / ival.sqrt(Interval(2.0))) * 0.5


def _weibull(z: Fraction, c: Fraction) -> Interval:
    return ival.exp(-ival.exp(Interval(c) * ival.log(Interval(z))))


def _gamma(z: Fraction, a: Fraction) -> Interval:
    """1 - z^a e^-z / Gamma(a + 1) sum_k t_k, t_k = z^k / ((a+1) .. (a+k)); at FAR for z beyond it, and 0.

    Lemma: t_(k+1) <= q t_k from k = n on, q = z / (a + n + 1) < 1, so the rest after t_n is in [0, t_n q / (1 - q)].
    """
    near = min(z, Fraction(FAR))
    term = total = ONE
    n = 0
    while n < 2 * near + 60:
        n += 1
        term = term * Interval(near / (a + n))
        total = total + term
    q = near / (a + n + 1)
    rest = (term * Interval(q / (1 - q))).hi
    power = ival.exp(Interval(a) * ival.log(Interval(near)) - Interval(near))
    value = ONE - power * (total + Interval(0.0, rest)) / ival.tgamma(Interval(a + 1))
    return value if near == z else Interval(0.0, value.hi)


# The shape of each law (None: it has none), and P(Z > z) for loc = 0, scale = 1 (z > 0 but for norm).
LAWS: dict[str, tuple[str | None, Callable[[Fraction, Fraction], Interval]]] = {
    "expon": (None, _expon),
    "gamma": ("a", _gamma),
    "lognorm": ("s", _lognorm),
    "norm": (None, _norm),
    "pareto": ("b", _pareto),
    "uniform": (None, _uniform),
    "weibull_min": ("c", _weibull),
}


def check_law(law: Any, inside: bool = False, depth: int = 0) -> None:
    """Refuse unless `law` is one of spec, kind "random": a probability on [0, inf), of finite mean.

    `inside`: only a part of it in a bounded interval of [0, inf) is used, so that it need not be that itself.
    `depth`: in how many mixtures it is; bounded, since each with a range doubles the work.
    """
    require(isinstance(law, dict) and isinstance(law.get("law"), str), WHERE, "must name a law")
    require(depth <= DEEP, WHERE, "has too many mixtures in each other")
    if "range" in law:
        conform(law["range"], PAIR, WHERE)
        low, high = law["range"]
        require(0 <= low < high, WHERE, "must have a range 0 <= a < b")
    inside = inside or "range" in law
    if law["law"] == "mixture":
        conform(law, _keys(law, {"law": str, "weights": [Fraction], "laws": [dict]}), WHERE)
        weights, laws = law["weights"], law["laws"]
        right = len(weights) == len(laws) and all(w > 0 for w in weights) and sum(weights) == 1
        require(right, WHERE, "must have positive weights, one a law, of sum 1")
        for one in laws:
            check_law(one, inside, depth + 1)
    else:
        conform(law, _keys(law, {"law": set(LAWS), "args": {...: Fraction}}), WHERE)
        _check_args(law, inside)
    if "range" in law:
        require(bool(_mass(law, *law["range"]).lo > 0), WHERE, "does not reach its range")


def _keys(law: Mapping[str, Any], pattern: dict[str, Any]) -> dict[str, Any]:
    return pattern | ({"range": PAIR} if "range" in law else {})


def _check_args(law: Mapping[str, Any], inside: bool) -> None:
    name, args = law["law"], law["args"]
    shape, _ = LAWS[name]
    needed = set() if shape is None else {shape}
    right = needed <= set(args) <= needed | {"loc", "scale"}
    require(right, WHERE, f"must have the arguments {sorted(needed)}, loc and scale at most")
    positive = all(args[key] > 0 for key in args if key != "loc")
    require(positive, WHERE, "must have a positive shape and scale")
    large = name == "gamma" and args["a"] > LARGEST
    require(not large, WHERE, "has a shape that is too large")
    require(inside or name != "norm", WHERE, "has negative delays; give it a range")
    require(inside or args.get("loc", 0) >= 0, WHERE, "has negative delays; give it a range")
    finite = inside or name != "pareto" or args["b"] > 1
    require(finite, WHERE, "has no finite mean; give it a range")


def least(law: Mapping[str, Any], pieces: list[tuple[Fraction, Fraction]]) -> Fraction:
    """A lower bound of the probability of a union of disjoint intervals; their ends have none."""
    total = ZERO
    for low, high in pieces:
        total = total + probability(law, low, high)
    return Fraction(total.lo)


def probability(law: Mapping[str, Any], low: Fraction, high: Fraction) -> Interval:
    """P(low <= tau <= high); of a law with a range, given that tau lies there."""
    if "range" not in law:
        return _mass(law, low, high)
    start, stop = max(low, law["range"][0]), min(high, law["range"][1])
    if start >= stop:
        return ZERO
    return _within(_mass(law, start, stop) / _mass(law, *law["range"]))


def _mass(law: Mapping[str, Any], low: Fraction, high: Fraction) -> Interval:
    """The same, of the law without its range."""
    if law["law"] == "mixture":
        total = ZERO
        for weight, one in zip(law["weights"], law["laws"], strict=True):
            total = total + Interval(weight) * probability(one, low, high)
        return _within(total)
    return _within(_beyond(law, low) - _beyond(law, high))


def _beyond(law: Mapping[str, Any], t: Fraction) -> Interval:
    """P(tau > t) of a law of LAWS."""
    name, args = law["law"], law["args"]
    shape, survival = LAWS[name]
    z = (t - args.get("loc", Fraction(0))) / args.get("scale", Fraction(1))
    if z <= 0 and name != "norm":
        return ONE
    return _within(survival(z, Fraction(0) if shape is None else args[shape]))


def _within(value: Interval) -> Interval:
    """The part of an enclosure of a probability that lies in [0, 1]; refused if it is empty."""
    low, high = max(float(value.lo), 0.0), min(float(value.hi), 1.0)
    if not low <= high:
        raise Refused(WHERE, "has a probability that cannot be enclosed")
    return Interval(low, high)


def described(law: Mapping[str, Any]) -> str:
    """The law in a sentence."""
    if law["law"] == "mixture":
        pairs = zip(law["weights"], law["laws"], strict=True)
        inner = joined(f"{shown(weight)}: {described(one)}" for weight, one in pairs)
    else:
        inner = joined(f"{key} = {shown(value)}" for key, value in sorted(law["args"].items()))
    text = f"{law['law']}({inner})"
    return f"{text} conditioned on {interval(*law['range'])}" if "range" in law else text
