"""The matrices of the three Razumikhin conditions (spec, kind "razumikhin"), all exact.

x = x(t), y = x(t - tau(t)), V(x) = x^T P x + |p(x)|^2, v = V along the solution, m = sup v over a window of the past.
Lemma (Halanay): q > 1, B(t) between two positive numbers and v' <= -q B v + B m almost everywhere, v continuous, imply
that v decays exponentially. Each condition gives that inequality for every measurable delay.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from . import dominance
from .bundle import Arrays
from .dissipation import Form, Layout, Row, combine, layout, reduced
from .document import Document
from .exact import Matrix, positive_definite
from .features import Features
from .forest import COLLAPSED, Codes, forest
from .leaves import Count, prove, tests
from .level import check_level
from .network import Network
from .radius import check_inside, check_radius
from .refusal import require
from .rounding import enclose
from .system import System

ONE = Fraction(1)
SMALL = 12  # beyond this size dominance decides definiteness
# Squares of the bounds of (x - u, y - u, x - v, y - v, u - v) at theta = 0 and 1, see `averaged`.
GAPS = (
    (Fraction(0), Fraction(0), ONE, ONE, ONE),
    (Fraction(1, 4), Fraction(1, 4), Fraction(9, 4), Fraction(9, 16), ONE),
)


@dataclass(frozen=True, slots=True)
class Data:
    """The numbers of the file; the last four are empty where the form has none."""

    p: Matrix
    q: Fraction
    beta: list[Fraction]
    gap: Matrix
    window: Fraction
    rho: list[Fraction]
    n: Matrix


@dataclass(frozen=True, slots=True)
class Function:
    """What the file holds: V, its conditions, and the arrays of the partition."""

    form: str
    data: Data
    network: Network | None
    arrays: Arrays

    @property
    def leaves(self) -> int:
        """How many leaves there are to test."""
        found = (self.arrays.get(name, np.zeros(0)) for name in ("codes", "face_codes"))
        return sum(int((codes >= COLLAPSED).sum()) for codes in found)


def _value(form: Form, factor: Fraction, p: Matrix, x: list[Row], network: list[Row]) -> None:
    """Add factor * V, from the rows of a state and of the network there."""
    form.add_all(p, factor, x, x)
    for row in network:
        form.add(factor, row, row)


def _rate(lay: Layout, p: Matrix, n: int) -> Form:
    """The rate of V: grad V(x) . f = 2 x^T P f + 2 q^T f, q = J^T p."""
    form = Form([[Fraction(0)] * lay.size for _ in range(lay.size)])
    form.add_all(p, 2, lay.variables[:n], lay.f)
    for i, q in lay.q:
        form.add(2, q, lay.f[i])
    return form


def _minus(left: list[Row], right: list[Row]) -> list[Row]:
    return [combine([(ONE, a), (-ONE, b)]) for a, b in zip(left, right, strict=True)]


def independent(lay: Layout, data: Data) -> Matrix:
    """D = grad V(x) . f + beta (q V(x) - V(y)), beta the sum of the numbers; minus (x - y)^T Q (x - y) if Q is there.

    Lemma: D <= 0 gives v' <= -beta q v + beta_0 V(y), and V(y) <= m for a window of one delay. With Q, see `rates`.
    """
    n = len(data.p)
    form, x, y = _rate(lay, data.p, n), lay.variables[:n], lay.variables[n:]
    _value(form, sum(data.beta, Fraction(0)) * data.q, data.p, x, lay.w_present)
    _value(form, -data.beta[0], data.p, y, lay.w_delayed)
    if data.gap:
        form.add_all(data.gap, -1, _minus(x, y), _minus(x, y))
    return form.matrix


def rates(lay: Layout, data: Data) -> Matrix:
    """E = h^2 f^T Q f - b_1 V(x) - b_2 V(y), b_1 and b_2 the last two numbers of beta.

    Lemma: E <= 0 at the times s of [t - tau, t] gives h^2 x'(s)^T Q x'(s) <= (b_1 + b_2) m, m over the last 2 h, so
    (x - y)^T Q (x - y) <= tau int x'^T Q x' ds <= (b_1 + b_2) m (Cauchy and Schwarz, tau <= h).
    """
    n, (b1, b2) = len(data.p), data.beta[-2:]
    form = Form([[Fraction(0)] * lay.size for _ in range(lay.size)])
    form.add_all(data.gap, data.window**2, lay.f, lay.f)
    _value(form, -b1, data.p, lay.variables[:n], lay.w_present)
    _value(form, -b2, data.p, lay.variables[n:], lay.w_delayed)
    return form.matrix


def averaged(system: System, data: Data) -> list[Matrix]:
    """D at theta = 0 and 1 over (x, y, u, v), for linear f = A x + B y; D is affine in theta.

    u and v are the means over s in [t - tau, t] of x(s) and x(s - tau(s)), theta = tau/h, w = A u + B v:

        D = 2 x^T P f + b_y (q V(x) - V(y)) + b_u (q V(x) - V(u)) + b_v (q V(x) - V(v))
            + sum_k r_k (c_k (b_1 + b_2) q V(x) - g_k^T Q g_k) + 2 (N z)^T (y - x + theta h w),  z = (x, y, u, v)

    Lemma: y = x - tau w, so the last term is zero. V(y), V(u), V(v) <= m, m over the last 3 h (V is convex). By `rates`
    x moves by at most |s - s'|/h sqrt((b_1 + b_2) m) between two times of the last 2 h, in the norm of Q; the mean
    of |s - s'|/h for the gaps g = (x - u, y - u, x - v, y - v, u - v) is at most (theta/2, theta/2, 1 + theta/2,
    1 - theta/4, 1), and the squares lie below c, affine between GAPS at both ends. For tau = 0 all four are x.
    """
    n = system.n
    lay = layout(system, (), 0, 2)
    x, y, (u, v) = lay.variables[:n], lay.variables[n:], lay.moments
    whole = dict(enumerate([*u, *v]))
    mean = [combine([(a, whole[j]) for j, a in row.items()]) for row in system.linear]
    gaps = [_minus(a, b) for a, b in ((x, u), (y, u), (x, v), (y, v), (u, v))]
    found = []
    for theta, bounds in enumerate(GAPS):
        form = _rate(lay, data.p, n)
        total = sum(data.beta[:3], Fraction(0))
        for b, place in zip(data.beta[:3], (y, u, v), strict=True):
            form.add_all(data.p, -b, place, place)
        for r, c, gap in zip(data.rho, bounds, gaps, strict=True):
            total += r * c * sum(data.beta[3:], Fraction(0))
            form.add_all(data.gap, -r, gap, gap)
        form.add_all(data.p, total * data.q, x, x)
        zero = [
            combine([(ONE, b), (-ONE, a), (theta * data.window, c)])
            for a, b, c in zip(x, y, mean, strict=True)
        ]
        form.add_all(data.n, 2, zero, [*x, *y, *u, *v])
        found.append(form.matrix)
    return found


def definite(matrix: Matrix) -> bool:
    """Whether a symmetric matrix is positive definite."""
    return (positive_definite if len(matrix) <= SMALL else dominance.positive_definite)(matrix)


def check_averaged(system: System, data: Data) -> None:
    """D at both ends of theta and E are negative definite, for a linear system."""
    linear = not system.xi and system.domain is None and all(r is None for r in system.rest)
    require(linear, "functional.form", "is for a linear system")
    e = rates(layout(system, (), 0, 0), data)
    for k, form in enumerate([*averaged(system, data), e]):
        negated = [[-v for v in row] for row in form]
        require(definite(negated), f"razumikhin, condition {k}", "is not negative definite")


def check_conditions(function: Function, system: System, count: Count) -> None:
    """D < 0, and E < 0 if the delay's length matters, for x and y in the domain but 0 (the leaves of spec 4)."""
    data, network, n, d = function.data, function.network, system.n, len(system.xi)
    inputs = network.inputs if network else ()
    read_twice = {i + k for i in inputs for k in (0, n)}
    require(read_twice <= set(system.xi), "proof.nonlinear", "lacks an input of the network")
    lay = layout(system, inputs, network.outputs if network else 0, 0)
    found = [independent(lay, data)]
    found += [rates(lay, data)] if data.gap else []
    where = "razumikhin, condition"
    forms = [reduced(h, lay.head, f"{where} {j}") for j, h in enumerate(found)]
    if not d or system.domain is None:
        return
    box = tuple(system.domain[j % n] for j in system.xi)
    codes = Codes(function.arrays["codes"], "razumikhin.codes")
    grid, blocks = function.arrays["grid"].tolist(), function.arrays["blocks"].tolist()
    table = tests(Features(system, network, network), enclose(forms, d))
    prove(forest(box, grid, blocks, codes), table, codes.where, count)


def check_region(function: Function, document: Document, system: System, count: Count) -> None:
    """V > c on the faces; the radius; and for the rates of a history h^2 r^T Q r <= (b_1 + b_2) c."""
    data, (c,), radius = function.data, document.level, document.raw["region"]["radius"]
    codes = Codes(function.arrays["face_codes"], "razumikhin.face_codes")
    check_level([data.p], function.network, system.domain or (), c, codes, count)
    ends, zero = (radius["rho"], Fraction(0)), [[Fraction(0)] * system.n] * system.n
    check_inside(ends, system.domain or ())
    networks = (function.network, None)
    check_radius(ends, c, (data.p, zero, zero), networks, Fraction(0), "region.radius")
    if data.gap:
        reached = data.window**2 * radius["rates"] <= sum(data.beta[1:]) * c
        require(reached, "region.radius.rates", "are above what the level allows")
        size = sum(abs(v) for row in data.gap for v in row) * radius["rho_rate"] ** 2
        require(size <= radius["rates"], "region.radius.rho_rate", "is above what the rates allow")
