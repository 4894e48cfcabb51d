"""What there is to show in a certificate: exact conditions, and fields of boxes with one test each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
from flint import arb, arb_mat, fmpq_mat

from certdde.verify.checker import measurable, moments
from certdde.verify.checker.bundle import read_npz, read_safetensors
from certdde.verify.checker.dissipation import layout, matrices, rational
from certdde.verify.checker.document import Document
from certdde.verify.checker.system import System, build

from . import exact
from .balls import ball
from .crossings import Pencil, pencil
from .forms import Box, Slope, quadratic
from .multipliers import negative
from .networks import Features, Network, core_forms, read_network
from .outside import Outer, bordered, least, outer
from .partition import OUTSIDE, STAR, Leaf, chosen, count
from .scope import read_document
from .stars import Star

Ends = Sequence[float]


class Disagreement(Exception):
    """A condition that the checker accepted does not hold here."""


@dataclass(frozen=True, slots=True)
class Field:
    """``size`` boxes; ``leaves`` yields those with given numbers, ``test`` shows the claim on a box.

    ``refuted`` says whether the claim of a code fails at a point for certain.
    """

    where: str
    size: int
    leaves: Callable[[Sequence[int]], Iterator[Leaf]]
    test: Callable[[Ends, Ends, int], bool]
    refuted: Callable[[Ends, int], bool]


def read_fields(path: Path) -> list[Field]:
    """Read a certificate, show its exact conditions, and return its fields of boxes.

    Raises
    ------
    Disagreement
        If an exact condition does not hold.
    Refused
        If the file cannot be read.
    """
    document, entries = read_document(path)
    system = build(document)
    fields = []
    for i in range(len(document.parts)):
        fields += _part(i, document, system, entries)
    if document.kind == "spectral":
        fields.append(_spectral(system, read_npz(entries["spectral.npz"], "spectral")))
    return fields


def _part(i: int, document: Document, system: System, entries: dict[str, bytes]) -> list[Field]:
    where, n = f"part{i}", system.n
    arrays = read_npz(entries[f"{where}.npz"], where)
    name = f"{where}.safetensors"
    tensors = read_safetensors(entries[name], name) if document.parts[i] else {}
    nets = {k: read_network(k, s, tensors) for k, s in document.parts[i].items()}
    breaks = [Fraction(t) for t in arrays["breaks"].tolist()]
    p, s, r = (rational(arrays[key]) for key in "PSR")
    window = Fraction(arrays["window"].tolist()[0]) if document.measurable else None
    end = breaks[-1] if window is None else window
    features = Features(system, nets.get("V0"), nets.get("W"))
    kept = (*range(n), *features.moments)
    cores = _cores(_positive(p, s, r, end, kept, where), n, breaks)
    q_inputs, read = features.v0.inputs if features.v0 else (), features.moments
    outputs = len(features.w.weights[-1]) if features.w else 0
    if window is None:
        lay = layout(system, q_inputs, outputs, document.order, read)
        rule = moments.matrices if read else matrices
        found = rule(lay, n, p, s, r, breaks)
    else:
        lay = layout(system, q_inputs, outputs, 1 + 2 * document.order)
        found = measurable.matrices(lay, (p, s, r), window, breaks)
    forms = [_eliminated(rows, lay.head, f"{where}, break {j}") for j, rows in enumerate(found)]
    if system.domain is None:
        return []
    level = document.level[i]
    _radius(document, level, (p, s, r), features, end, where)
    if features.v0 is None and system.n > 1 and not len(arrays["face_codes"]):
        radii = [min(-low[1], high[0]) for low, high in system.ends]
        if not all(exact.beyond(core, radii, level) for core in cores):
            raise Disagreement(f"{where}: the level is not below v_0 on the faces")
        faces: Iterator[Field] = iter(())
    else:
        faces = _faces(system, features, cores, level, arrays["face_codes"], where)
    beyond = outer(features, cores)
    return [*_forest(system, features, forms, arrays, where, beyond, level), *faces]


def _positive(
    p: exact.Rows, s: exact.Rows, r: exact.Rows, end: Fraction, kept: Sequence[int], where: str
):
    """Return Ph over the entries ``kept`` of w; S, R and P plus Bessel's bound must be positive definite."""
    n = len(s)
    for name, rows in (("S", s), ("R", r)):
        if not exact.definite(exact.matrix(rows)):
            raise Disagreement(f"{where}.{name} is not positive definite")
    total = [list(row) for row in p]
    for k in range(1, len(p) // n):
        for a in range(n):
            for b in range(n):
                total[n * k + a][n * k + b] += (2 * k - 1) * s[a][b] / end
    order = [*kept, *(i for i in range(len(total)) if i not in kept)]
    moved = [[total[i][j] for j in order] for i in order]
    core = exact.complement(exact.matrix(moved), len(kept))
    if core is None or not exact.definite(core):
        raise Disagreement(f"{where}.P does not give a positive definite functional")
    return core


def _cores(core, n: int, breaks: Sequence[Fraction]) -> list[fmpq_mat]:
    """Return Ph, or the Bernstein coefficients in tau of (x, tau m)^T Ph (x, tau m) on every piece."""
    size = core.nrows()
    if size == n:
        return [core]
    found = []
    for a, b in pairwise(breaks):
        for u, v in ((a, a), (a, b), (b, b)):
            once, twice = (u + v) / 2, u * v
            rows = [
                [
                    Fraction(int(core[i, j].p), int(core[i, j].q))
                    * (twice if min(i, j) >= n else once if max(i, j) >= n else 1)
                    for j in range(size)
                ]
                for i in range(size)
            ]
            found.append(exact.matrix(rows))
    return found


def _eliminated(rows: exact.Rows, head: int, where: str) -> arb_mat:
    reduced = exact.complement(exact.negated(exact.matrix(rows)), head)
    if reduced is None:
        raise Disagreement(f"{where}: Q is not negative definite")
    return exact.balls(exact.negated(reduced))


def _forest(
    system: System,
    features: Features,
    forms: list[arb_mat],
    arrays: dict,
    where: str,
    beyond: Outer | None,
    level: Fraction,
) -> list[Field]:
    """Return the field of the dissipation, if there are nonlinear variables."""
    if system.domain is None or not (system.xi or features.moments):
        return []
    box = [system.domain[j % system.n] for j in system.xi]
    box += [*moments.ranges(features.moments, system.domain), *system.spans]
    grid, blocks = arrays["grid"].tolist(), arrays["blocks"].tolist()
    definite = Star.of(features, forms)

    def test(lower: Ends, upper: Ends, code: int) -> bool:
        if code == OUTSIDE:
            return beyond is not None and beyond.value(lower, upper) > ball(level)
        if code == STAR and definite(lower, upper):
            return True  # else the collapsed test may show it, on pieces away from 0
        v = features.forms(lower, upper)
        return all(negative(v, h) for h in forms)

    def refuted(point: Ends, code: int) -> bool:
        if code == OUTSIDE:
            return beyond is None or beyond.value(point, point) <= ball(level)
        v = features.forms(point, point)
        return any(point[: features.size]) and any(quadratic(v, h) >= 0 for h in forms)

    return [
        Field(
            f"{where}.codes",
            count(arrays["codes"]),
            lambda wanted: chosen(box, grid, blocks, arrays["codes"], wanted),
            test,
            refuted,
        )
    ]


def _faces(
    system: System,
    features: Features,
    cores: list[fmpq_mat],
    level: Fraction,
    codes: np.ndarray,
    where: str,
) -> Iterator[Field]:
    """Yield one field for each face; v_0 > level on its boxes."""
    domain, n, v0 = system.domain or (), system.n, features.v0
    ranges = [*domain, *moments.ranges(features.moments, domain)]
    order, position = (*range(n), *features.moments), 0
    outputs = len(v0.weights[-1]) if v0 else 0
    borders = [bordered(exact.balls(core), outputs) for core in cores]
    for axis in range(n):
        rest = [*ranges[:axis], *ranges[axis + 1 :]]
        for end in system.ends[axis]:
            tree = _tree(codes[position:], len(rest)) if rest else codes[:0]
            position += len(tree)

            fixed = ball(end[0]).union(ball(end[1]))

            def value(lower: Ends, upper: Ends, axis: int = axis, fixed: arb = fixed) -> arb:
                found = core_forms(v0, order, axis, fixed, lower, upper)
                return least(quadratic(found, rows) for rows in borders)

            yield Field(
                f"{where}.face_codes, axis {axis} at {float(end[0])!r}",
                count(tree) if rest else 1,
                _leaves(rest, tree),
                lambda lower, upper, _code, value=value: value(lower, upper) > ball(level),
                lambda point, _code, value=value: value(point, point) <= ball(level),
            )
    if position != len(codes):
        raise Disagreement(f"{where}.face_codes does not end with the last face")


def _leaves(rest: list, tree: np.ndarray) -> Callable[[Sequence[int]], Iterator[Leaf]]:
    """Return the leaves of one face; that of a scalar equation is a point."""
    if not rest:
        return lambda wanted: iter([Leaf((), (), 254)] * len(wanted))
    return lambda wanted: chosen(rest, [1] * len(rest), [1], tree, wanted)


def _tree(codes: np.ndarray, d: int) -> np.ndarray:
    """Return the codes of the first tree."""
    position, width = 0, 1
    while width:
        level = codes[position : position + width]
        if len(level) < width:
            raise Disagreement("a tree of face_codes does not end")
        position, width = position + width, 2 * int((level < d).sum())
    return codes[:position]


def _radius(
    document: Document,
    level: Fraction,
    squares: tuple,
    features: Features,
    end: Fraction,
    where: str,
) -> None:
    """Check the bound of V over all histories within the radius."""
    rho, rate = document.radius or (Fraction(0), Fraction(0))
    p, s, r = squares
    size = [rho] * len(s) + [end * rho] * (len(p) - len(s))
    total = sum(
        abs(v) * a * b
        for row, a in zip(p, size, strict=True)
        for v, b in zip(row, size, strict=True)
    )
    total += end * rho**2 * sum(abs(v) for row in s for v in row)
    total += end**2 / 2 * rate**2 * sum(abs(v) for row in r for v in row)
    value = ball(total) + _reach(features.v0, rho) + ball(end) * _reach(features.w, rho)
    # Both sides may be rationals that are equal: only what is certainly greater is a disagreement.
    if not value.is_finite() or value > ball(level):
        raise Disagreement(f"{where}: V may exceed the level within the radius")


def _reach(network: Network | None, rho: Fraction) -> arb:
    """Bound |p|^2 over the cube."""
    if network is None:
        return arb(0)
    width, radius = len(network.inputs), ball(rho)
    where = Box.of([-radius.upper()] * width, [radius.upper()] * width)
    rows = [tuple(arb(int(k == j)) for k in range(width)) for j in range(width)]
    column = [Slope(arb(0), x, x, row, where) for x, row in zip(where.sides, rows, strict=True)]
    slopes = network.slopes(column, pulled=False)
    return sum(((sum(c.abs_upper() for c in row) * radius) ** 2 for row in slopes), arb(0))


def _spectral(system: System, arrays: dict[str, np.ndarray]) -> Field:
    """Return the field of spec 8."""
    data: Pencil = pencil(system)
    ends = tuple(Fraction(t) for t in arrays["delays"].tolist())
    box = [(Fraction(0), data.frequency), (ends[0], ends[1])]
    grid, blocks = arrays["grid"].tolist(), arrays["blocks"].tolist()
    return Field(
        "spectral.codes",
        count(arrays["codes"]),
        lambda wanted: chosen(box, grid, blocks, arrays["codes"], wanted),
        lambda lower, upper, _code: data.regular(lower, upper),
        lambda _point, _code: False,
    )
