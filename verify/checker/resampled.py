"""Kind "resampled": x[t+1] = g(x[t], x[t - d]), d drawn anew at each step (spec, kind "resampled").

Theorem. Let V = X^T P X > 0 and let its mean over the next delay fall by a factor below 1, for all slopes of g. Then
the mean of V tends to 0 geometrically, so V tends to 0 with probability 1. On a domain this holds as long as V <= c,
and V, stopped where it exceeds c, is a nonnegative supermartingale: it ever does so with a probability <= V(0) / c.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from math import lcm

import numpy as np

from .bundle import read_npz
from .claim import about, joined, shown
from .document import Document
from .dominance import Whole, definite
from .leaves import Count
from .refusal import require
from .rule import Proof, Rule
from .schema import PAIR, conform, integer
from .scheme_forms import (
    Graph,
    check_level,
    check_radius,
    corners,
    decrease,
    integral,
    slope_rows,
)
from .system import System

MAX_DELAY, MAX_SIZE, COMBINATIONS = 400, 256, 1024
Vertices = list[tuple[Whole, int]]


@dataclass(frozen=True, slots=True)
class Forms:
    """V = unit X^T P X, the delays of positive weight with their weights, and Q_d for each of them, or none."""

    p: Whole
    unit: Fraction
    delays: tuple[int, ...]
    weights: tuple[int, ...]
    bounds: tuple[Whole, ...]


def complete(document: Document) -> Document:
    """Whole delays with a weight each; a level and a radius with a domain; time is discrete."""
    low = integer(document.low, 0, MAX_DELAY, "delay.range")
    high = integer(document.high, 1, MAX_DELAY, "delay.range")
    weights, region = document.raw["delay"]["weights"], document.raw["region"]
    require(len(weights) == high - low + 1, "delay.weights", "must be one for each delay")
    fair = min(weights) >= 0 and max(weights) > 0
    require(fair, "delay.weights", "must not be negative, nor all 0")
    if document.domain is None:
        empty = region["level"] is None and region["radius"] is None
        require(empty, "region", "has a level or radius but no domain")
        return replace(document, discrete=True)
    conform(region["radius"], {"rho": Fraction}, "region.radius")
    conform(region["level"], (Fraction,), "region.level")
    positive = region["level"][0] > 0 and region["radius"]["rho"] > 0
    require(positive, "region", "must be positive")
    require(
        "delta" not in document.names, "system", "uses the name delta, which means a probability"
    )
    return replace(document, discrete=True, level=(region["level"][0],))


def read(document: Document, system: System, found: dict[str, bytes]) -> Proof:
    """P and perhaps Q; all inequalities are run at the end."""
    forms = _forms(document, system, found)

    def run(count: Count) -> None:
        vertices = corners(slope_rows(system))
        require(definite(forms.p), "resampled.P", "is not shown to be positive definite")
        check = check_bounds if forms.bounds else check_combinations
        check(forms, vertices)
        count(1)
        _check_region(document, system, forms)

    return Proof(1, run)


def _forms(document: Document, system: System, found: dict[str, bytes]) -> Forms:
    """Arrays P (m, m) and, if the combinations are many, Q (number of delays, m, m): symmetric, binary64."""
    size = system.n * (int(document.high) + 1)
    arrays = read_npz(found["resampled.npz"], "resampled")
    first, weights = int(document.low), document.raw["delay"]["weights"]
    require(size <= MAX_SIZE, "resampled.P", f"is larger than {MAX_SIZE}")
    require(set(arrays) in ({"P"}, {"P", "Q"}), "resampled", "must have the array P, or P and Q")
    shapes = {"P": (size, size), "Q": (len(weights), size, size)}
    for name, array in arrays.items():
        right = array.dtype.str == "<f8" and array.shape == shapes[name]
        require(right, f"resampled.{name}", "has a wrong type or shape")
        symmetric = bool((array == array.swapaxes(-1, -2)).all())
        require(symmetric, f"resampled.{name}", "is not symmetric")
    given = arrays["Q"] if "Q" in arrays else np.zeros((0, size, size))
    whole, unit = integral(np.concatenate([arrays["P"][None], given]))
    common = lcm(*(weight.denominator for weight in weights))
    drawn = [j for j, weight in enumerate(weights) if weight > 0]
    return Forms(
        whole[0],
        unit,
        tuple(first + j for j in drawn),
        tuple(int(weights[j] * common) for j in drawn),
        tuple(whole[1 + j] for j in drawn) if "Q" in arrays else (),
    )


def check_combinations(forms: Forms, vertices: Vertices) -> None:
    """P - sum_d p_d A_d^T P A_d > 0 for every choice of a vertex for each delay.

    Lemma: for each X and d the convex X^T A^T P A X is largest at a vertex, which may depend on d and X; so the mean
    of V after a step is at most that of one of the choices, and there are finitely many: one factor below 1 for all.
    """
    count = len(vertices) ** len(forms.delays)
    require(count <= COMBINATIONS, "resampled", f"needs Q: more than {COMBINATIONS} combinations")
    common = lcm(*(scale * scale for _, scale in vertices))
    for choice in product(vertices, repeat=len(forms.delays)):
        total = forms.p * 0
        for delay, weight, g in zip(forms.delays, forms.weights, choice, strict=True):
            share = weight * (common // g[1] ** 2)
            total = total + decrease(forms.p, forms.p, delay, g) * share
        require(definite(total), "resampled.P", "does not decrease in the mean")


def check_bounds(forms: Forms, vertices: Vertices) -> None:
    """Q_d - A^T P A > 0 at each vertex, for each delay, and P - sum_d p_d Q_d > 0 (so for all slopes, by convexity)."""
    total = sum(forms.weights) * forms.p
    for delay, weight, bound in zip(forms.delays, forms.weights, forms.bounds, strict=True):
        for g in vertices:
            above = definite(decrease(bound, forms.p, delay, g))
            require(above, "resampled.Q", f"is no bound at the delay {delay}")
        total = total - weight * bound
    require(definite(total), "resampled.Q", "does not leave a decrease in the mean")


def _check_region(document: Document, system: System, forms: Forms) -> None:
    """The level set keeps x[t] inside the domain; the cube of the radius is inside the level set and the domain."""
    if system.domain is None:
        return
    radii = [min(-low, high) for low, high in system.domain]
    rho = document.raw["region"]["radius"]["rho"]
    require(rho <= min(radii), "region.radius", "leaves the domain")
    graph = Graph("resampled.P", int(document.high), forms.delays, [forms.p], forms.unit, [])
    check_level(graph, document.level[0], radii)
    check_radius(graph, document.level[0], rho)


def law(low: int, high: int, weights: Sequence[Fraction]) -> str:
    """What a delay is drawn from, in a sentence."""
    ends = [str(low), ".."] if high > low + 1 else [str(low)] * (high > low)
    support = f"{{{joined([*ends, str(high)])}}}"
    if len(set(weights)) == 1:
        return f"uniformly from {support}"
    return f"from {support} with probabilities proportional to {joined(map(shown, weights))}"


def sentence(document: Document) -> str:
    """The claim."""
    weights = document.raw["delay"]["weights"]
    drawn = law(int(document.low), int(document.high), weights)
    head = f"For delays {document.delay}(t) drawn at each step, independently, {drawn}, {about(document)} is"
    if document.domain is None:
        return (
            f"{head} globally exponentially stable in mean square, and with probability 1 every "
            "solution tends to it."
        )
    sides = zip(document.states, document.domain, strict=True)
    box = joined(f"{shown(lo)} <= {name} <= {shown(hi)}" for name, (lo, hi) in sides)
    rho, level = shown(document.raw["region"]["radius"]["rho"]), shown(document.level[0])
    return (
        f"{head} asymptotically stable in probability: for every delta in (0, 1], from every history with values in "
        f"{box} and V <= delta*{level} the solution stays in these values and tends to the equilibrium with "
        f"probability at least 1 - delta; all histories within sqrt(delta)*{rho} of the equilibrium in every state "
        "are among them."
    )


RULE = Rule(
    delay={"name": str, "class": {"resampled"}, "range": PAIR, "weights": [Fraction]},
    functional={"kind": {"lifted"}},
    proof={},
    complete=complete,
    entries=lambda _: {"resampled.npz"},
    read=read,
    sentence=sentence,
)
