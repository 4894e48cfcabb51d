"""Kind "yorke": delayed negative feedback in one dimension, by the 3/2 theorem (spec, kind "yorke").

f(x, y) = -p(x) x - m(x, y) y with p, m >= 0 and p + m > 0. On the box -N <= x, y <= P let `rise` bound m
where x and y have different signs, and `back` bound p + m where they have the same.

Lemma. Let a solution have |history| <= rho and stay in the box until T, and h bound the delay. Before its first
zero x grows only while the delayed time lies in the history: x <= rho (1 + rise h). After its last zero z it grows
only by delayed values from before z, negative ones; such a value at s >= 0 is at most min(N, back N (z - s)) in
size, one at s < 0 at most rho. So x <= rise int_0^h max(rho, N min(1, back w)) dw, and likewise for -x. If these
bounds are below P, N the solution never leaves the box (first exit), they shrink on (contraction), it tends to 0.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

import numpy as np
from ival import Interval

from . import slopes
from .bundle import read_npz
from .claim import shown, subject
from .document import Document
from .exact import Exact
from .forest import COLLAPSED, Codes, leaves, outward
from .functions import bounded, nonzero, only
from .leaves import Count, prove
from .refusal import Refused, require
from .rule import Proof, Rule
from .schema import PAIR, conform
from .system import System
from .tree import Node, evaluate

ZERO = Node("const")
SIGNS = ((1, 1), (1, -1), (-1, 1), (-1, -1))  # of x and y, in the order of the trees


@dataclass(frozen=True, slots=True)
class Bounds:
    """`rise` and `back` for x > 0 (first) and x < 0; the box, in deviations: P and N."""

    rise: tuple[Fraction, Fraction]
    back: tuple[Fraction, Fraction]
    box: tuple[Fraction, Fraction]


def ramp(rho: Fraction, size: Fraction, back: Fraction, h: Fraction) -> Fraction:
    """int_0^h max(rho, size min(1, back w)) dw, exactly, for 0 <= rho <= size and back > 0."""
    first, last = min(h, rho / (size * back)), min(h, 1 / back)
    return rho * first + size * back * (last**2 - first**2) / 2 + size * (h - last)


def check_invariant(bounds: Bounds, rho: Fraction, h: Fraction) -> None:
    """The lemma's bounds of x and of -x are below P and N."""
    for k in (0, 1):
        own, other, rise = bounds.box[k], bounds.box[1 - k], bounds.rise[k]
        before = rho * (1 + rise * h)
        after = rise * ramp(rho, other, bounds.back[1 - k], h)
        require(before < own and after < own, "region.radius", "does not follow for this delay")


def check_linear(system: System, h: Fraction) -> None:
    """Lemma for constants p, m: a box may be as large as one likes, so rho = 0 is enough."""
    p, m = -system.linear[0].get(0, Fraction(0)), -system.linear[0].get(1, Fraction(0))
    require(p >= 0 and m >= 0 and p + m > 0, "system.equations", "are no negative feedback")
    contracts = m * ramp(Fraction(0), Fraction(1), p + m, h) < 1
    require(contracts, "delay.range", "reaches beyond the 3/2 theorem")


def still(node: Node) -> Node:
    """The tree of f(x, 0): constants folded where they are known exactly, products with 0 dropped.

    A factor that is dropped is smooth on the box, for f is shown to be.
    """
    if node.op == "var":
        return ZERO if node.value == 1 else node
    folded = replace(node, args=tuple(map(still, node.args)))
    if node.op == "*" and ZERO in folded.args:
        return ZERO
    try:
        if folded.args and all(arg.op == "const" for arg in folded.args):
            return Node("const", value=evaluate(folded, lambda _: Exact(ZERO.value), Exact).value)
    except Refused:  # a value that is not known exactly
        return folded
    return folded


def feedback(tree: Node, lo: np.ndarray, hi: np.ndarray) -> tuple[Interval, Interval]:
    """Enclosures of p and m on boxes (2, B): f(x, 0) = -p x, and f(x, y) - f(x, 0) = -m y for each x."""
    [x], [y] = slopes.variables(lo[:1], hi[:1]), slopes.variables(lo[1:], hi[1:])
    other = slopes.constant(Interval(lo[:1], hi[:1]), y.where)
    return _negated(still(tree), x, (x, x)), _negated(tree, y, (other, y))


def _negated(tree: Node, variable: slopes.Slope, at: tuple[slopes.Slope, slopes.Slope]) -> Interval:
    """Minus the slope of f from 0 in one variable, for any values of the other; empty where f is not smooth.

    Away from 0 it is the quotient too.
    """
    where, side = variable.where, variable.box
    value = evaluate(tree, at.__getitem__, lambda v: slopes.constant(Interval(v), where))
    slope = side * 0.0 if value.cols[0] is None else value.cols[0]
    quotient, away = (value.box - value.zero) / side, nonzero(side)
    ends = np.where(away, quotient.lo, -np.inf), np.where(away, quotient.hi, np.inf)
    return only(-(slope & Interval(*ends)), bounded(value.box) & bounded(value.hull))


def within(
    tree: Node, bounds: Bounds, signs: tuple[int, int], lo: np.ndarray, hi: np.ndarray
) -> np.ndarray:
    """Whether p, m >= 0, p + m > 0, and rise or back holds, on boxes of the quadrant with these signs."""
    p, m = feedback(tree, lo, hi)
    side, same = int(signs[0] < 0), signs[0] == signs[1]
    top = (p + m).hi if same else m.hi
    bound = Interval((bounds.back if same else bounds.rise)[side]).lo
    return np.asarray(((p.lo >= 0) & (m.lo >= 0) & (p.lo + m.lo > 0) & (top <= bound))[0])


def complete(document: Document) -> Document:
    """One state; without a domain nothing more, else a radius, a box and the bounds."""
    require(len(document.states) == 1, "system.states", "must be one state")
    value = document.raw
    region, slope = value["region"], value["proof"]["slopes"]
    require(region["level"] is None, "region.level", "must be null")
    if document.domain is None:
        require(region["radius"] is None and slope is None, "region", "has a radius but no domain")
        return document
    conform(region["radius"], {"rho": Fraction, "box": PAIR}, "region.radius")
    conform(slope, {"rise": PAIR, "back": PAIR}, "proof.slopes")
    return document


def read(document: Document, system: System, found: dict[str, bytes]) -> Proof:
    """The bounds, which must fit the delay, and the trees of the four quadrants, which must prove them."""
    tree = system.rest[0]
    if system.domain is None:
        plain = tree is None and set(system.linear[0]) <= {0, 1}
        require(plain, "kind", "needs a domain where the equation is not linear")
        return Proof(0, lambda _: check_linear(system, document.high))
    if tree is None or system.xi != (0, 1) or system.linear[0]:
        raise Refused("proof.nonlinear", "must name the state, now and delayed")
    bounds, rho = _bounds(document)
    arrays = read_npz(found["yorke.npz"], "yorke")
    require(set(arrays) == {"codes"}, "yorke", "must have exactly the array codes")
    array = arrays["codes"]
    require(array.dtype.str == "|u1" and array.ndim == 1, "yorke.codes", "has a wrong type")

    def run(count: Count) -> None:
        check_invariant(bounds, rho, document.high)
        check_slopes(tree, bounds, Codes(array, "yorke.codes"), count)

    return Proof(int((array == COLLAPSED).sum()), run)


def _bounds(document: Document) -> tuple[Bounds, Fraction]:
    """The numbers of the file; the box lies in the domain and holds the equilibrium inside."""
    radius, slope = document.raw["region"]["radius"], document.raw["proof"]["slopes"]
    (low, high), rest = radius["box"], document.equilibrium[0]
    [domain] = document.domain or ((rest, rest),)
    require(domain[0] <= low < rest < high <= domain[1], "region.radius.box", "leaves the domain")
    numbers = [radius["rho"], *slope["rise"], *slope["back"]]
    require(all(v > 0 for v in numbers), "proof.slopes", "and the radius must be positive")
    box = (high - rest, rest - low)
    return Bounds(tuple(slope["rise"]), tuple(slope["back"]), box), radius["rho"]


def check_slopes(tree: Node, bounds: Bounds, codes: Codes, count: Count) -> None:
    """Every leaf of the four trees passes; each tree begins with its quadrant of the box."""
    positive, negative = (Fraction(0), bounds.box[0]), (-bounds.box[1], Fraction(0))
    for signs in SIGNS:
        quadrant = tuple(positive if sign > 0 else negative for sign in signs)
        lo, hi = outward(quadrant, codes.where)
        test = partial(within, tree, bounds, signs)
        where = f"{codes.where}, signs {signs}"
        prove(leaves(lo[:, None], hi[:, None], codes), {COLLAPSED: test}, where, count)
    codes.finish()


def sentence(document: Document) -> str:
    """The claim."""
    head = f"{subject(document)} is"
    if document.domain is None:
        return f"{head} globally asymptotically stable."
    radius, state = document.raw["region"]["radius"], document.states[0]
    low, high = map(shown, radius["box"])
    return (
        f"{head} asymptotically stable, and every continuous history within {shown(radius['rho'])} of the "
        f"equilibrium has a solution that stays in {low} <= {state} <= {high} and tends to the equilibrium."
    )


RULE = Rule(
    delay={"name": str, "class": {"constant", "measurable"}, "range": PAIR},
    functional={"kind": {"none"}},
    proof={"slopes": object},
    complete=complete,
    entries=lambda document: set() if document.domain is None else {"yorke.npz"},
    read=read,
    sentence=sentence,
)
