"""First-order Taylor forms and slopes in balls, one box at a time (docs/certificate-format.md, section 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import arb, arb_mat

from certdde.verify.checker.feedforward import Feedforward

from .balls import Unary, chord, find, meet, square
from .feedforward import outputs

Balls = tuple[arb, ...]
Frame = Sequence[Sequence[float]]  # T, row by row, in xi = T eta
ZERO = arb(0)


def dot(a: Sequence[arb], b: Sequence[arb]) -> arb:
    """Return the sum of products."""
    total = ZERO
    for x, y in zip(a, b, strict=True):
        total = total + x * y
    return total


@dataclass(frozen=True, slots=True)
class Form:
    """q(xi) in c + sum_k lin_k (xi_k - m_k) + e on a box of half-widths r, ``span[k]`` = [-r_k, r_k]."""

    c: arb
    lin: Balls
    e: arb
    span: Balls

    def spread(self) -> arb:
        """Return an enclosure of q - c."""
        return dot(self.lin, self.span) + self.e

    def __add__(self, other: Form) -> Form:
        lin = tuple(a + b for a, b in zip(self.lin, other.lin, strict=True))
        return Form(self.c + other.c, lin, self.e + other.e, self.span)

    def __neg__(self) -> Form:
        return Form(-self.c, tuple(-a for a in self.lin), -self.e, self.span)

    def __mul__(self, other: Form) -> Form:
        lin = tuple(self.c * b + other.c * a for a, b in zip(self.lin, other.lin, strict=True))
        e = self.c * other.e + other.c * self.e + self.spread() * other.spread()
        return Form(self.c * other.c, lin, e, self.span)

    def apply(self, name: str, exponent: int = 0) -> Form:
        """Return a function of the grammar, or an integer power (Taylor's theorem of order 2)."""
        if name == "relu":
            return self.relu()
        phi, spread = find(name, exponent), self.spread()
        slope = phi.first(self.c)
        rest = phi.second(self.c + spread) * square(spread) / 2
        return Form(
            phi.value(self.c), tuple(slope * a for a in self.lin), slope * self.e + rest, self.span
        )

    def relu(self) -> Form:
        """Return max(0, q): q or 0 where its sign is known, else s q + (max(0, .) - s .)(q), convex, for some s."""
        z = self.c + self.spread()
        low, high = z.lower(), z.upper()
        if low >= 0:
            return self
        if high <= 0:
            return self.constant(ZERO)
        s = (high / (high - low)).mid()
        rest = (-s * low).union(high - s * high).union(ZERO) if z.is_finite() else arb.nan()
        return Form(s * self.c, tuple(s * a for a in self.lin), s * self.e + rest, self.span)

    def through(self, network: Feedforward, parts: Sequence[Form], index: int) -> Form:
        """Return an output of a network of the equations."""
        return outputs(network, parts)[index]

    @staticmethod
    def combine(weights: Sequence[arb], items: Sequence[Form]) -> Form:
        """Return a linear combination."""
        lin = tuple(dot(weights, column) for column in zip(*(q.lin for q in items), strict=True))
        c, e = dot(weights, [q.c for q in items]), dot(weights, [q.e for q in items])
        return Form(c, lin, e, items[0].span)

    def constant(self, value: arb) -> Form:
        """Return a constant on the same box."""
        return Form(value, tuple(ZERO for _ in self.span), ZERO, self.span)

    @staticmethod
    def variables(lower: Sequence[float], upper: Sequence[float]) -> list[Form]:
        """Return the coordinates of a box."""
        pairs = [(arb(a), arb(b)) for a, b in zip(lower, upper, strict=True)]
        half = [(b - a) / 2 for a, b in pairs]
        span = tuple((-r).union(r) for r in half)
        rows = [tuple(arb(int(k == j)) for k in range(len(pairs))) for j in range(len(pairs))]
        return [Form((a + b) / 2, row, ZERO, span) for (a, b), row in zip(pairs, rows, strict=True)]


def quadratic(forms: Sequence[Form], matrix: arb_mat) -> arb:
    """Enclose v^T H v over the box, with v = m + L t + e, e centred, t_k in [-r_k, r_k]."""
    span, middles = forms[0].span, [q.e.mid() for q in forms]
    head = [[q.c + m, *q.lin] for q, m in zip(forms, middles, strict=True)]
    e = arb_mat([[q.e - m] for q, m in zip(forms, middles, strict=True)])
    v = arb_mat(head)
    image = matrix * v
    core, cross = v.transpose() * image, e.transpose() * image
    total = core[0, 0] + 2 * cross[0, 0] + (e.transpose() * (matrix * e))[0, 0]
    for k, t in enumerate(span, 1):
        total = total + 2 * (core[0, k] + cross[0, k]) * t + core[k, k] * square(t)
        for l, u in enumerate(span[: k - 1], 1):
            total = total + 2 * core[l, k] * t * u
    return total


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its exact ends, and balls that hold its sides but may reach a little farther."""

    lower: Balls
    upper: Balls
    sides: Balls

    @classmethod
    def of(cls, lower: Sequence[arb], upper: Sequence[arb]) -> Box:
        """Return the box with these ends."""
        sides = (a.union(b) for a, b in zip(lower, upper, strict=True))
        return cls(tuple(lower), tuple(upper), tuple(sides))

    def reach(self, cols: Balls) -> tuple[arb, arb]:
        """Return numbers that are a lower and an upper bound of sum_k cols_k xi_k."""
        low = high = ZERO
        for c, a, b in zip(cols, self.lower, self.upper, strict=True):
            ends = [x * y for x in (c.lower(), c.upper()) for y in (a, b)]
            low = (low + min(x.lower() for x in ends)).lower()
            high = (high + max(x.upper() for x in ends)).upper()
        return low, high


@dataclass(frozen=True, slots=True)
class Slope:
    """h(xi) = zero + sum_k cols_k xi_k on the box ``where``; ``box`` and ``hull`` (with 0) hold the values.

    In a frame T it is h(xi) = zero + sum_k cols_k eta_k for every eta with xi = T eta; of eta no range is known, and
    ``where`` is None.
    """

    zero: arb
    box: arb
    hull: arb
    cols: Balls
    where: Box | None

    def cut(self) -> Slope:
        """Return the same with the values over the box cut by what the slopes say."""
        if self.where is None:
            return self
        box = meet(self.box, self.zero + dot(self.cols, self.where.sides))
        return Slope(self.zero, box, self.hull, self.cols, self.where)

    def __add__(self, other: Slope) -> Slope:
        cols = tuple(a + b for a, b in zip(self.cols, other.cols, strict=True))
        box, hull = self.box + other.box, self.hull + other.hull
        return Slope(self.zero + other.zero, box, hull, cols, self.where).cut()

    def __neg__(self) -> Slope:
        cols = tuple(-a for a in self.cols)
        return Slope(-self.zero, -self.box, -self.hull, cols, self.where)

    def __mul__(self, other: Slope) -> Slope:
        p, q = (self.zero + self.box) / 2, (other.zero + other.box) / 2
        cols = tuple(p * b + q * a for a, b in zip(self.cols, other.cols, strict=True))
        box, hull = self.box * other.box, self.hull * other.hull
        return Slope(self.zero * other.zero, box, hull, cols, self.where).cut()

    def apply(self, name: str, exponent: int = 0) -> Slope:
        """Return a function of the grammar, or an integer power (Taylor's theorem at the value at 0)."""
        if name == "relu":
            return self.relu()
        phi, s = find(name, exponent), arb.nan()
        bend = phi.second(self.hull)
        if bend.is_finite():
            s = phi.first(self.zero) + bend * (self.box - self.zero) / 2
            s = meet(meet(s, phi.first(self.hull)), self._from_middle(phi, bend))
        cols = tuple(s * a for a in self.cols)
        values = (phi.value(z) for z in (self.zero, self.box, self.hull))
        return Slope(*values, cols, self.where).cut()

    def _from_middle(self, phi: Unary, bend: arb) -> arb:
        """Enclose s(z) = (phi(z) - phi(z_0)) / (z - z_0), z the values over the box, z_0 that at 0, around one z = c.

        |s'| <= |phi''| / 2, with the sign of phi'', between z_0 and z; ``bend`` holds phi'' on the hull, so c has to be
        in it. NaN where it is not, or where c may be z_0.
        """
        c = self.box.mid()
        away = c - self.zero
        if away.contains(0) or not self.hull.contains(c):
            return arb.nan()
        rise = phi.value(c) - phi.value(self.zero)
        return rise / away + bend * (self.box - c) / 2

    def relu(self) -> Slope:
        """Return max(0, h): its slope from one value to another grows with both.

        The ends of the values are exact where a kink is at 0, so that the slopes are 0 or 1 on one side of it.
        """
        s = self._chords() if self.hull.is_finite() else arb.nan()
        cols = tuple(s * a for a in self.cols)
        values = (find("relu", 0).value(z) for z in (self.zero, self.box, self.hull))
        return Slope(*values, cols, self.where).cut()

    def _chords(self) -> arb:
        low, high = self.box.lower(), self.box.upper()
        if self.where is not None and all(c.is_finite() for c in self.cols):
            reached = self.where.reach(self.cols)
            low = max(low, (self.zero.lower() + reached[0]).lower())
            high = min(high, (self.zero.upper() + reached[1]).upper())
        least, most = chord(self.zero.lower(), low, 1), chord(self.zero.upper(), high, 0)
        return least.union(most)

    def through(self, network: Feedforward, parts: Sequence[Slope], index: int) -> Slope:
        """Return an output of a network of the equations."""
        return outputs(network, parts)[index]

    @staticmethod
    def combine(weights: Sequence[arb], items: Sequence[Slope]) -> Slope:
        """Return a linear combination."""
        cols = tuple(dot(weights, column) for column in zip(*(q.cols for q in items), strict=True))
        zero, box, hull = (
            dot(weights, values)
            for values in zip(*((q.zero, q.box, q.hull) for q in items), strict=True)
        )
        return Slope(zero, box, hull, cols, items[0].where).cut()

    def constant(self, value: arb) -> Slope:
        """Return a constant on the same box."""
        return Slope(value, value, value, tuple(ZERO for _ in self.cols), self.where)

    @staticmethod
    def variables(
        lower: Sequence[float], upper: Sequence[float], frame: Frame | None = None
    ) -> list[Slope]:
        """Return the coordinates of a box, with slopes on eta where there is a frame, xi = frame eta."""
        box = Box.of([arb(a) for a in lower], [arb(b) for b in upper])
        unit = [[float(k == j) for k in range(len(lower))] for j in range(len(lower))]
        rows = unit if frame is None else frame
        where = box if frame is None else None
        return [
            Slope(ZERO, x, x.union(ZERO), tuple(arb(t) for t in row), where)
            for x, row in zip(box.sides, rows, strict=True)
        ]


def star(slopes: Sequence[Balls], matrix: arb_mat) -> bool:
    """Whether every symmetric matrix in Sl^T H Sl is negative definite: pivots of -(Sl^T H Sl) positive.

    With Sl = m + e, m the middles, the product is taken term by term: H m is narrow where m^T H e is not.
    """
    s = arb_mat([list(row) for row in slopes])
    m = s.mid()
    e, image = s - m, matrix * m
    cross = e.transpose() * image
    found = m.transpose() * image + cross + cross.transpose() + e.transpose() * (matrix * e)
    return definite([[-found[i, j] for j in range(i + 1)] for i in range(found.nrows())])


def definite(work: list[list[arb]]) -> bool:
    """Whether every symmetric matrix in a lower triangle of balls is positive definite: all pivots positive."""
    for p in range(len(work) - 1, -1, -1):
        pivot = work[p][p]
        if not pivot > 0:
            return False
        for i in range(p):
            for j in range(i + 1):
                product = square(work[p][i]) if i == j else work[p][i] * work[p][j]
                work[i][j] = work[i][j] - product / pivot
    return True
