"""One part of a polynomial functional: what must hold on its delay range (spec, kind "sos")."""

from dataclasses import dataclass
from fractions import Fraction

from .bundle import Arrays, read_npz
from .dissipation import bessel, rational
from .document import Box, Document
from .exact import Matrix, positive_definite
from .leaves import Count
from .polynomial import Terms, check_squares, collected, exponents, sums
from .refusal import require
from .sos_forms import Functional, coefficients, dissipation
from .system import System

SQUARES = ("P", "S", "B", "R")
TERMS = ("V0.exponents", "V0.values", "W.exponents", "W.values")
MOMENT = Fraction(3, 5)


@dataclass(frozen=True, slots=True)
class Part:
    """The functional of a part, exact, its breaks, and the arrays of the identities."""

    where: str
    functional: Functional
    b: Matrix
    breaks: list[Fraction]
    arrays: Arrays


def read_part(i: int, document: Document, content: bytes) -> Part:
    """The arrays of the spec but those of the identities, which are taken out as they are checked."""
    where, n = f"part{i}", len(document.states)
    arrays = read_npz(content, where)
    require({*SQUARES, *TERMS, "breaks"} <= set(arrays), where, "lacks an array")
    taken = {name: arrays.pop(name) for name in (*SQUARES, "breaks")}
    for name, array in taken.items():
        shape = (n * (document.order + 1),) * 2 if name == "P" else (n, n)
        right = array.dtype.str == "<f8" and (
            array.ndim == 1 if name == "breaks" else array.shape == shape
        )
        require(right, f"{where}.{name}", "has a wrong type or shape")
    breaks = [Fraction(t) for t in taken["breaks"].tolist()]
    rising = len(breaks) >= 2 and breaks[0] >= 0 and breaks == sorted(set(breaks))
    require(rising, f"{where}.breaks", "must increase from at least 0")
    degree = int(document.raw["functional"]["parts"][i]["degree"])
    v0 = _terms(arrays, "V0", n * (document.order + 1), degree, where)
    w = _terms(arrays, "W", n, degree, where)
    p, s, b, r = (rational(taken[name]) for name in SQUARES)
    symmetric = all([list(c) for c in zip(*m, strict=True)] == m for m in (p, s, b, r))
    require(symmetric, where, "has a matrix that is not symmetric")
    return Part(where, Functional(p, s, r, v0, w), b, breaks, arrays)


def _terms(arrays: Arrays, name: str, count: int, degree: int, where: str) -> Terms:
    """The terms of p or q: of degree 3 at least, so that the matrices decide near 0."""
    place = f"{where}.{name}"
    found = exponents(arrays.pop(f"{name}.exponents"), count, f"{place}.exponents")
    values = arrays.pop(f"{name}.values")
    right = values.dtype.str == "<f8" and values.shape == (len(found),)
    require(right, f"{place}.values", "has a wrong type or shape")
    fit = all(3 <= sum(monomial) <= degree for monomial in found)
    require(fit, f"{place}.exponents", "must be of a degree from 3 to that of the part")
    return collected(zip(found, map(Fraction, values.tolist()), strict=True))


def check_part(part: Part, system: System, domain: Box, level: Fraction, count: Count) -> None:
    """Positivity, the window's part of V, the dissipation on every piece, the faces; all arrays are used.

    Lemma: W(x) >= x^T B x on the domain, so Bessel's inequality gives V >= w^T (P + Bessel) w + p(w) with a
    definite matrix: V is positive near 0, and more than the level on every face.
    """
    n, functional, arrays = system.n, part.functional, part.arrays
    total = bessel(functional.p, part.b, functional.r, part.breaks[-1], n)
    require(positive_definite(total), f"{part.where}.P", "gives no positive definite functional")
    slack = quadratic(
        [
            [x - y for x, y in zip(*rows, strict=True)]
            for rows in zip(functional.s, part.b, strict=True)
        ]
    )
    check_squares(collected([*slack.items(), *functional.w.items()]), arrays, "W", domain)
    count(1)
    order = len(total) // n - 1
    box = (*domain, *domain, *moments(domain, order, Fraction(1)))
    for name, form in coefficients(dissipation(system, functional, order), part.breaks):
        basis = check_squares({m: -c for m, c in form.items()}, arrays, name, box)
        degrees = [sum(monomial) for monomial in basis]
        whole = 0 not in degrees and degrees.count(1) == len(box)
        require(whole, f"{name}.basis", "must hold every variable, and not 1")
        count(1)
    lower = collected([*quadratic(total).items(), *functional.v0.items()])
    _check_faces(
        lower, level, (*domain, *moments(domain, order, part.breaks[-1])), arrays, n, count
    )
    require(not arrays, part.where, f"has unknown arrays {sorted(arrays)}")


def moments(domain: Box, order: int, unit: Fraction) -> Box:
    """The ranges of unit * Omega_k for histories with values in the domain, for every smaller unit too.

    Lemma: Omega_0 is a mean; for k >= 1 L_k has the mean 0, so the middle of the domain may be taken off the
    history, and int |L_k| <= 1/sqrt(2k+1) <= 3/5.
    """
    found = [(unit * lo, unit * hi) for lo, hi in domain] if order else []
    for _ in range(order - 1):
        found += [
            (-unit * MOMENT * (hi - lo) / 2, unit * MOMENT * (hi - lo) / 2) for lo, hi in domain
        ]
    return tuple(found)


def quadratic(matrix: Matrix) -> Terms:
    """w^T M w."""
    units = [tuple(int(k == i) for k in range(len(matrix))) for i in range(len(matrix))]
    pairs = (
        (sums(units[i], units[j]), value)
        for i, row in enumerate(matrix)
        for j, value in enumerate(row)
    )
    return collected(pairs)


def _check_faces(
    lower: Terms, level: Fraction, box: Box, arrays: Arrays, n: int, count: Count
) -> None:
    """Lemma: with 1 among the monomials, z^T G z > 0 everywhere, so the bound of V exceeds the level on a face."""
    for k in range(2 * n):
        i, end = k // 2, box[k // 2][k % 2]
        fixed = [((*m[:i], 0, *m[i + 1 :]), c * end ** m[i]) for m, c in lower.items()]
        target = collected([*fixed, ((0,) * len(box), -level)])
        basis = check_squares(target, arrays, f"face{k}", box)
        require((0,) * len(box) in basis, f"face{k}.basis", "must hold 1")
        count(1)


def check_radius(part: Part, radius: tuple[Fraction, Fraction], level: Fraction) -> None:
    """Lemma: |x| <= rho, |tau Omega_k| <= T rho and |x'| <= rho' bound V term by term."""
    (rho, rate), end, functional = radius, part.breaks[-1], part.functional
    n = len(functional.s)
    sizes = [rho] * n + [end * rho] * (len(functional.p) - n)

    def most(terms: Terms) -> Fraction:
        total = Fraction(0)
        for monomial, value in terms.items():
            term = abs(value)
            for size, power in zip(sizes, monomial, strict=False):
                term *= size**power
            total += term
        return total

    rates = sum((abs(item) for row in functional.r for item in row), Fraction(0))
    total = most(quadratic(functional.p)) + most(functional.v0) + end**2 / 2 * rate**2 * rates
    total += end * (most(quadratic(functional.s)) + most(functional.w))
    require(
        total <= level, f"{part.where}, region.radius", "does not follow: V may exceed the level"
    )
