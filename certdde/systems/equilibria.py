"""Equilibria that are no decimals: found by Newton's method, enclosed by Krawczyk's operator, in Arb balls."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from flint import arb, arb_mat, ctx

from certdde.systems.expressions import Expression
from certdde.systems.jets import Jet, ball, jet
from certdde.systems.unknowns import EnclosedEquilibrium, Interval, IntervalParameter

BITS = 160
STEPS = 60
DIGITS = 12
STARTS = 400


@dataclass(frozen=True, slots=True)
class Field:
    """f(x, x; p) as balls, with its Jacobian in x.

    Attributes
    ----------
    parsed : tuple of Expression
        In the user's coordinates; delays do not matter.
    states : tuple of str
    """

    parsed: tuple[Expression, ...]
    states: tuple[str, ...]

    def __call__(
        self, x: Sequence[arb], parameters: Mapping[str, arb]
    ) -> tuple[list[arb], list[list[arb]]]:
        """Return f and the rows of its Jacobian over a box."""
        n = len(self.states)
        values = {p: Jet(v, (arb(0),) * n) for p, v in parameters.items()}
        for i, (state, value) in enumerate(zip(self.states, x, strict=True)):
            values[state] = Jet(value, tuple(arb(int(k == i)) for k in range(n)))
        found = [jet(e, values, n) for e in self.parsed]
        return [one.value for one in found], [list(one.slope) for one in found]

    def newton(self, start: Sequence[float], parameters: Mapping[str, arb]) -> list[arb] | None:
        """Return a zero near a start, to about 40 digits; None where the iteration does not settle."""
        x = [arb(v) for v in start]
        for _ in range(STEPS):
            f, rows = self(x, parameters)
            step = _solved(rows, f)
            if step is None:
                return None
            x = [(a - b).mid() for a, b in zip(x, step, strict=True)]
            size = max(float(abs(v)) for v in x) + 1e-300
            if all(float(abs(b.mid())) <= 1e-30 * (1 + size) for b in step):
                return x
        return None

    def krawczyk(
        self, lower: Sequence[Fraction], upper: Sequence[Fraction], parameters: Mapping[str, arb]
    ) -> list[arb] | None:
        """Return an enclosure of all zeros in a box, by Krawczyk's operator; None if it is not defined there.

        If it lies strictly inside the box, there is exactly one for each value of the parameters.
        """
        box = [ball(a).union(ball(b)) for a, b in zip(lower, upper, strict=True)]
        middle = [b.mid() for b in box]
        f, _ = self(middle, parameters)
        _, rows = self(box, parameters)
        if not all(v.is_finite() for v in (*f, *(s for row in rows for s in row))):
            return None
        n = len(box)
        centre = arb_mat([[s.mid() for s in row] for row in rows])
        try:
            inverse = centre.inv()
        except ZeroDivisionError:
            return None
        c = arb_mat([[inverse[i, j].mid() for j in range(n)] for i in range(n)])
        residual, error = c * arb_mat([[v] for v in f]), c * arb_mat(rows)
        found = []
        for i in range(n):
            spread = [(int(i == j) - error[i, j]) * (box[j] - middle[j]) for j in range(n)]
            found.append(middle[i] - residual[i, 0] + sum(spread, arb(0)))
        return found if all(v.is_finite() for v in found) else None


def enclosed(
    field: Field,
    parameters: Sequence[IntervalParameter],
    start: Sequence[float],
    scales: Sequence[float],
    corners: Sequence[Mapping[str, Fraction]],
) -> tuple[tuple[Fraction, ...], EnclosedEquilibrium] | None:
    """Find an equilibrium near a start, and a box of decimals that holds exactly one for all parameters.

    Parameters
    ----------
    field : Field
    parameters : sequence of IntervalParameter
    start, scales : sequence of float
        Where Newton's method begins; the sizes against which the box is small.
    corners : sequence of mapping
        Values of the parameters, the middle ones first.

    Returns
    -------
    (tuple of Fraction, EnclosedEquilibrium) or None
        The equilibrium for the middle of the parameters, about, and the box.

    Soundness
    ---------
    Rigorous in Arb; the checker shows it again in its own arithmetic.
    """
    with ctx.workprec(BITS):
        roots: list[list[arb]] = []
        for values in corners:
            at = {name: ball(value) for name, value in values.items()}
            root = field.newton([float(v) for v in roots[0]] if roots else start, at)
            if root is None:
                return None
            roots.append(root)
        ranges = {p.name: ball(p.lower).union(ball(p.upper)) for p in parameters}
        found = _inflated(field, roots, ranges, scales)
        if found is None:
            return None
        point = tuple(Fraction(repr(float(v))) for v in roots[0])
        inside = all(a < x < b for x, (a, b) in zip(point, found.box, strict=True))
        return (point, found) if inside else None


def unique(field: Field, box: EnclosedEquilibrium, parameters: Sequence[IntervalParameter]) -> bool:
    """Tell whether a box is shown to hold exactly one equilibrium for each value of the parameters."""
    with ctx.workprec(BITS):
        ranges = {p.name: ball(p.lower).union(ball(p.upper)) for p in parameters}
        image = field.krawczyk(box.lower, box.upper, ranges)
        return image is not None and _inside(image, box.lower, box.upper)


def candidates(
    field: Field, domain: Sequence[Interval] | None, parameters: Mapping[str, Fraction]
) -> list[list[float]]:
    """Return the equilibria inside the domain that Newton's method finds from many starts, each once."""
    n = len(field.states)
    found: list[list[float]] = []
    count = max(2, int(STARTS ** (1 / n))) if n <= 6 else 2
    axes = [[0.0, 1.0]] * n
    if domain is not None:
        axes = [
            [float(a + (b - a) * Fraction(2 * k + 1, 2 * count)) for k in range(count)]
            for a, b in domain
        ]
    with ctx.workprec(BITS):
        at = {name: ball(value) for name, value in parameters.items()}
        for start in list(product(*axes))[:STARTS]:
            root = field.newton(start, at)
            if root is None:
                continue
            point = [float(v) for v in root]
            inside = domain is None or all(
                a < v < b for v, (a, b) in zip(point, domain, strict=True)
            )
            if inside and all(not _near(point, other) for other in found):
                found.append(point)
    return found


def _near(a: Sequence[float], b: Sequence[float]) -> bool:
    return all(abs(x - y) <= 1e-9 * (1 + abs(x)) for x, y in zip(a, b, strict=True))


def _inflated(
    field: Field,
    roots: Sequence[Sequence[arb]],
    parameters: Mapping[str, arb],
    scales: Sequence[float],
) -> EnclosedEquilibrium | None:
    """Grow the hull of zeros until Krawczyk's operator maps it into itself."""
    low = [min(float(r[i]) for r in roots) for i in range(len(roots[0]))]
    high = [max(float(r[i]) for r in roots) for i in range(len(roots[0]))]
    share = 0.0
    for _ in range(40):
        pairs = [_decimals(a, b, s, share) for a, b, s in zip(low, high, scales, strict=True)]
        box = EnclosedEquilibrium(tuple(a for a, _ in pairs), tuple(b for _, b in pairs))
        image = field.krawczyk(box.lower, box.upper, parameters)
        if image is None:
            return None
        if _inside(image, *(_shrunk(box))):
            return box
        low = [min(a, float(v.lower())) for a, v in zip(low, image, strict=True)]
        high = [max(b, float(v.upper())) for b, v in zip(high, image, strict=True)]
        share = 0.05
    return None


def _decimals(low: float, high: float, scale: float, share: float) -> Interval:
    """Return an interval with ends of few digits that holds [low, high] with room on both sides."""
    size = max(abs(low), abs(high)) or scale
    width = max((high - low) * (0.01 + share), size * 10.0**-DIGITS)
    unit = Fraction(10) ** math.floor(math.log10(width))
    more = math.ceil(Fraction(share * (high - low)) / unit)
    return (
        (math.floor(Fraction(low) / unit) - 1 - more) * unit,
        (math.ceil(Fraction(high) / unit) + 1 + more) * unit,
    )


def _shrunk(box: EnclosedEquilibrium) -> tuple[list[Fraction], list[Fraction]]:
    """Return a slightly smaller box: the checker's enclosures are a little wider."""
    room = [(b - a) / 64 for a, b in box.box]
    return [a + r for a, r in zip(box.lower, room, strict=True)], [
        b - r for b, r in zip(box.upper, room, strict=True)
    ]


def _inside(image: Sequence[arb], lower: Sequence[Fraction], upper: Sequence[Fraction]) -> bool:
    return all(
        bool(ball(a) < v) and bool(v < ball(b)) for v, a, b in zip(image, lower, upper, strict=True)
    )


def _solved(rows: Sequence[Sequence[arb]], f: Sequence[arb]) -> list[arb] | None:
    if not all(v.is_finite() for v in (*f, *(s for row in rows for s in row))):
        return None
    middle = arb_mat([[s.mid() for s in row] for row in rows])
    try:
        step = middle.solve(arb_mat([[v.mid()] for v in f]))
    except ZeroDivisionError:
        return None
    found = [step[i, 0] for i in range(len(f))]
    return found if all(v.is_finite() for v in found) else None
