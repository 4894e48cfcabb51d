"""Kind "scheme": x[t+1] = g(x[t], x[t - d]), a whole delay, unknown or any sequence (spec, kind "scheme").

Theorem. Let every node have an edge for every delay, V_v > 0, and V decrease along every edge. Then for any sequence
of delays V_{v(t)}(X(t)) tends to 0 from any node (node 0 here). On a domain, V <= c keeps x inside, by induction.
"""

from dataclasses import replace
from fractions import Fraction

import numpy as np

from .bundle import Arrays, read_npz
from .claim import about, joined, shown
from .document import Document
from .leaves import Count
from .refusal import require
from .rule import Proof, Rule
from .schema import PAIR, conform, integer
from .scheme_forms import (
    Graph,
    check_graph,
    check_level,
    check_radius,
    corners,
    integral,
    slope_rows,
)
from .scheme_peaks import check_ball, check_contraction, slopes_of_feedback
from .system import System

MAX_DELAY, MAX_SIZE, MAX_NODES = 400, 256, 2**14


def complete(document: Document) -> Document:
    """Whole delays; levels (one a graph) and a radius with a domain; time is discrete."""
    low = integer(document.low, 0, MAX_DELAY, "delay.range")
    high = integer(document.high, 1, MAX_DELAY, "delay.range")
    value = document.raw
    region, lifted = value["region"], value["functional"]["kind"] == "lifted"
    level: list[Fraction] = []
    if document.domain is None:
        empty = region["level"] is None and region["radius"] is None
        require(empty, "region", "has a level or radius but no domain")
    else:
        conform(region["radius"], {"rho": Fraction}, "region.radius")
        level = region["level"] if lifted else []
        conform(level, [Fraction], "region.level")
        require(lifted or region["level"] is None, "region.level", "must be null")
        count = 0 if not lifted else 1 if document.measurable else high - low + 1
        require(len(level) == count, "region.level", "must be one number a functional")
        positive = all(number > 0 for number in [*level, region["radius"]["rho"]])
        require(positive, "region", "must be positive")
        several = len(level) > 1 and "c" in document.names
        require(not several, "system", "uses the name c, which means the levels")
    return replace(document, discrete=True, level=tuple(level))


def read(document: Document, system: System, found: dict[str, bytes]) -> Proof:
    """The graphs, or none for the sharp condition; all inequalities are run at the end."""
    if document.raw["functional"]["kind"] == "peaks":
        return Proof(0, lambda _: _check_peaks(document, system))
    arrays = read_npz(found["scheme.npz"], "scheme")
    graphs = (
        _free(document, system, arrays) if document.measurable else _fixed(document, system, arrays)
    )

    def run(count: Count) -> None:
        vertices = corners(slope_rows(system))
        for graph in graphs:
            check_graph(graph, vertices, count)
        _check_region(document, system, graphs)

    return Proof(sum(len(graph.forms) * len(graph.delays) for graph in graphs), run)


def _free(document: Document, system: System, arrays: Arrays) -> list[Graph]:
    """One graph for all delays: arrays P (N, m, m) and step (N, number of delays)."""
    low, high = int(document.low), int(document.high)
    require(set(arrays) == {"P", "step"}, "scheme", "must have exactly the arrays P and step")
    size, delays = system.n * (high + 1), tuple(range(low, high + 1))
    nodes, step = len(arrays["P"]) if arrays["P"].ndim else 0, arrays["step"]
    require(1 <= nodes <= MAX_NODES, "scheme.P", "must have at least one node")
    right = step.dtype.str == "<i8" and step.shape == (nodes, len(delays))
    require(right, "scheme.step", "must have an edge for each node and delay")
    require(bool(((step >= 0) & (step < nodes)).all()), "scheme.step", "leads out of the graph")
    forms, unit = _forms(arrays["P"], (nodes, size, size), "scheme.P")
    return [Graph("scheme.P", high, delays, forms, unit, step.tolist())]


def _fixed(document: Document, system: System, arrays: Arrays) -> list[Graph]:
    """A graph with one node for each delay d: an array P<d> in the window of that delay."""
    delays = range(int(document.low), int(document.high) + 1)
    names = {d: f"P{d}" for d in delays}
    require(set(arrays) == set(names.values()), "scheme", "must have an array for each delay")
    graphs = []
    for d, name in names.items():
        size, where = system.n * (d + 1), f"scheme.{name}"
        forms, unit = _forms(arrays[name][None], (1, size, size), where)
        graphs.append(Graph(where, d, (d,), forms, unit, [[0]]))
    return graphs


def _forms(
    array: np.ndarray, shape: tuple[int, ...], where: str
) -> tuple[list[np.ndarray], Fraction]:
    """Symmetric matrices of binary64 of that shape."""
    require(shape[-1] <= MAX_SIZE, where, f"is larger than {MAX_SIZE}")
    right = array.dtype.str == "<f8" and array.shape == shape
    require(right, where, "has a wrong type or shape")
    require(bool((array == array.swapaxes(1, 2)).all()), where, "is not symmetric")
    return integral(array)


def _check_region(document: Document, system: System, graphs: list[Graph]) -> None:
    """Level sets inside the domain at every node; the cube of the radius inside the first, and the domain."""
    if system.domain is None:
        return
    radii = [min(-low, high) for low, high in system.domain]
    rho = document.raw["region"]["radius"]["rho"]
    require(rho <= min(radii), "region.radius", "leaves the domain")
    for graph, level in zip(graphs, document.level, strict=True):
        check_level(graph, level, radii)
        check_radius(graph, level, rho)


def _check_peaks(document: Document, system: System) -> None:
    """The sharp condition, and the ball of histories if there is a domain."""
    _, q = slopes_of_feedback(system, slope_rows(system))
    k = int(document.high)
    check_contraction(q, k)
    if system.domain is not None:
        [(low, high)] = system.domain
        check_ball(q, k, document.raw["region"]["radius"]["rho"], min(-low, high))


def sentence(document: Document) -> str:
    """The claim."""
    low, high = int(document.low), int(document.high)
    ends = [str(low), ".."] if high > low + 1 else [str(low)] * (high > low)
    kind = "sequence of delays {}(t)" if document.measurable else "constant delay {}"
    head = f"For every {kind.format(document.delay)} in {{{joined([*ends, str(high)])}}}, {about(document)} is"
    if document.domain is None:
        return f"{head} globally asymptotically stable."
    sides = zip(document.states, document.domain, strict=True)
    box = joined(f"{shown(lo)} <= {name} <= {shown(hi)}" for name, (lo, hi) in sides)
    rho, levels = shown(document.raw["region"]["radius"]["rho"]), [shown(c) for c in document.level]
    if not levels:
        return (
            f"{head} asymptotically stable, and every history within {rho} of the equilibrium has a "
            f"solution that stays in {box} and tends to the equilibrium."
        )
    bound = f"V <= {levels[0]}" if len(levels) == 1 else f"V_i <= c_i, c = ({joined(levels)})"
    return (
        f"{head} asymptotically stable, and every history with values in {box} and {bound} stays there and tends "
        f"to the equilibrium; all histories within {rho} of the equilibrium in every state are among them."
    )


def entries(document: Document) -> set[str]:
    """The matrices; the sharp condition needs none."""
    return {"scheme.npz"} if document.raw["functional"]["kind"] == "lifted" else set()


RULE = Rule(
    delay={"name": str, "class": {"constant", "measurable"}, "range": PAIR},
    functional={"kind": {"lifted", "peaks"}},
    proof={},
    complete=complete,
    entries=entries,
    read=read,
    sentence=sentence,
)
