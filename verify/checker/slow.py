"""Kind "slow": a quadratic functional for a delay of bounded rate (spec, kind "slow")."""

from dataclasses import replace
from fractions import Fraction

import numpy as np

from .bernstein import check, family, nodes
from .bundle import Arrays, read_npz
from .claim import about, outcome, shown
from .dissipation import rational
from .document import Document
from .dominance import positive_definite
from .ellipsoid import check_level
from .krasovskii import region
from .leaves import Count
from .measurable import MAX_ORDER
from .polytope import vertices
from .radius import check_inside
from .refusal import require
from .rule import Proof, Rule
from .schema import PAIR, conform, integer
from .slow_forms import Slow, damping, dissipation, largest, lower, slope, slope_damping
from .system import Linear, System

MOST_PIECES = 4096
Rates = tuple[Fraction | None, Fraction]


def rate_bounds(document: Document) -> Rates:
    """The rates of the claim: mu_1 <= 0 <= mu_2 < 1, or no mu_1."""
    low, high = document.raw["delay"]["rate"]
    return low, high


def complete(document: Document) -> Document:
    """The order and the rates; with a domain a level and a radius."""
    value = document.raw
    rate = value["delay"]["rate"]
    pair = isinstance(rate, list) and len(rate) == 2
    require(pair, "delay.rate", "must be a list of two")
    conform(rate[1:], [Fraction], "delay.rate")
    conform(rate[:1], [Fraction if rate[0] is not None else type(None)], "delay.rate")
    require(0 <= rate[1] < 1, "delay.rate", "must have 0 <= mu_2 < 1")
    require(rate[0] is None or rate[0] <= 0, "delay.rate", "must have mu_1 <= 0")
    order = integer(value["functional"]["order"], 0, MAX_ORDER, "functional.order")
    level, radius = region(value["region"], document.domain, 1)
    return replace(document, order=order, level=level, radius=radius)


def read(document: Document, system: System, found: dict[str, bytes]) -> Proof:
    """The functional, and pieces of alpha = tau/h that cover the range."""
    if system.domain is not None and document.radius is not None:
        check_inside(document.radius, system.domain)
    arrays = read_npz(found["slow.npz"], "slow")
    v = _functional(arrays, system.n, document.order)
    breaks = [Fraction(t) for t in arrays["breaks"].tolist()]
    rising = 2 <= len(breaks) <= MOST_PIECES + 1 and breaks == sorted(set(breaks))
    require(rising, "slow.breaks", "must increase, and not be too many")
    require(breaks[0] >= 0 and breaks[-1] == 1, "slow.breaks", "must go from at least 0 to 1")
    require(v.h > 0 and document.high <= v.h, "delay.range", "ends after the window")
    require(breaks[0] * v.h <= document.low, "delay.range", "begins before the first break")
    bounds = rate_bounds(document)

    def run(count: Count) -> None:
        check_positive(v, breaks)
        check_decrease(v, vertices(system), breaks, bounds, count)
        check_region(v, document, system, breaks[0])

    return Proof((len(breaks) - 1) * 2, run)


def _functional(arrays: Arrays, n: int, order: int) -> Slow:
    """Exactly the arrays of the spec, of the right type and shape, the matrices symmetric."""
    wide, both = n * (3 + 2 * order), 2 * n
    sizes = {"P0": wide, "P1": wide, "Q1": both, "Q2": both, "R1": n, "R2": n, "U": n}
    wanted = {
        **{name: (size, size) for name, size in sizes.items()},
        "window": (1,),
        "breaks": None,
    }
    require(set(arrays) == set(wanted), "slow", f"must have exactly the arrays {sorted(wanted)}")
    for name, shape in wanted.items():
        array = arrays[name]
        right = array.ndim == 1 if shape is None else array.shape == shape
        require(right and array.dtype.str == "<f8", f"slow.{name}", "has a wrong type or shape")
        symmetric = name not in sizes or bool(np.array_equal(array, array.T))
        require(symmetric, f"slow.{name}", "is not symmetric")
    return Slow(
        n, order, Fraction(arrays["window"].tolist()[0]), *(rational(arrays[k]) for k in sizes)
    )


def check_positive(v: Slow, breaks: list[Fraction]) -> None:
    """V >= eps |x|^2, and all weights of integrals are positive definite.

    Lemma: M is affine in alpha, so it is positive definite on [breaks[0], 1] if it is at both ends.
    """
    for name, m in (("Q1", v.q1), ("Q2", v.q2), ("R1", v.r1), ("R2", v.r2), ("U", v.u)):
        require(positive_definite(m), f"slow.{name}", "is not positive definite")
    for alpha in (breaks[0], breaks[-1]):
        positive = positive_definite(lower(v, alpha))
        require(positive, "slow.P0", f"does not make V positive at alpha = {float(alpha)!r}")


def check_decrease(
    v: Slow, matrices: list[tuple[Linear, ...]], breaks: list[Fraction], bounds: Rates, count: Count
) -> None:
    """D is negative definite for every alpha of the breaks, every rate and all slopes in the hull of the matrices.

    Lemma: D is convex in the slopes, which are in f only: f^T (R1 + alpha U) f and q1(x, f) have definite weights,
    and f occurs nowhere else but linearly. It is not in the slope of D in the rate.
    Lemma: D is affine in the rate, so two ends suffice. Without a lower end: dV/dt at the rate r is that at mu_2
    less (mu_2 - r) times its slope in the rate; that is positive if the form of its lower bound is.
    """
    degree = max(2 * v.order, 1)
    for rate in sorted({r for r in bounds if r is not None}):
        near, far = damping(v, rate)
        for rows in matrices:
            values = [dissipation(v, rows, t, rate) for t in nodes(degree)]
            check(family(values, near, far, -1), breaks, f"D at the rate {float(rate)!r}", count)
    if bounds[0] is None:
        near, degree = slope_damping(v), 2 if v.order else 1
        far = [[Fraction(0)] * len(near) for _ in near]
        values = [slope(v, t) for t in nodes(degree)]
        check(family(values, near, far, 1), breaks, "the slope in the rate", count)


def check_region(v: Slow, document: Document, system: System, first: Fraction) -> None:
    """V > c on the faces of the domain whatever alpha is; V <= c within the radius.

    Lemma: the bound of V from below is affine in alpha, and so is r^2 M - c e_i e_i^T.
    """
    if system.domain is None or document.radius is None:
        return
    [level] = document.level
    for alpha in (first, Fraction(1)):
        check_level(lower(v, alpha), level, system.domain, "slow.P0")
    inside = largest(v, document.radius, first) <= level
    require(inside, "region.radius", "does not follow: V may exceed the level")


def sentence(document: Document) -> str:
    """The claim; V belongs to the first value of the delay."""
    low, high = rate_bounds(document)
    name = document.delay
    rate = f"at most {shown(high)}" if low is None else f"in [{shown(low)}, {shown(high)}]"
    return (
        f"For every locally absolutely continuous delay {name}(t) with values in "
        f"[{shown(document.low)}, {shown(document.high)}] and rate {name}'(t) {rate} almost everywhere, "
        f"{about(document)} is {outcome(document, f' at the delay {name}(0)')}."
    )


RULE = Rule(
    delay={"name": str, "class": {"slow"}, "range": PAIR, "rate": object},
    functional={"kind": {"quadratic"}, "order": Fraction},
    proof={},
    complete=complete,
    entries=lambda _: {"slow.npz"},
    read=read,
    sentence=sentence,
)
