"""Slopes on a domain, their vertices, and levels of quadratic forms: against samples, and what is refused."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from certdde.certificates.windows import several_certified
from certdde.delays.classes import Constant, Several
from certdde.systems import DelaySystem
from certdde.verify.checker import ellipsoid, polytope
from certdde.verify.checker.document import parse
from certdde.verify.checker.refusal import Refused
from certdde.verify.checker.rules import RULES
from certdde.verify.checker.schema import document
from certdde.verify.checker.system import System, build
from certdde.verify.lmi.slopes import slope_polytope

from . import several_maker

SYSTEMS = [
    (["x' = -x - 2*tanh(x(t - a)) - tanh(x(t - b))"], {"x": [-1, 2]}, {}),
    (["x' = x*(1 - x(t - a))"], {"x": [0.5, 2]}, {"x": 1.0}),
    (["x' = -(1 + x)*(x(t - a) + x(t - 2*b))/2"], {"x": [-0.5, 1]}, {}),
    (
        [
            "x' = -x + 0.5*tanh(y(t - a)) - x*y + exp(x(t - b)) - 1",
            "y' = -2*y(t - 3*a) + (x - sin(x)) - 0.3*(tanh(x(t - b)) - x(t - b)) + 4*(y - 2*y)",
        ],
        {"x": [-1, 1], "y": [-0.5, 1]},
        {},
    ),
]


def built(system: DelaySystem) -> System:
    """The system as the checker reads it, in a document of kind "several"."""
    import json

    delay = Several(tuple(Constant(name, 0, 1) for name in system.delays))
    part = several_maker.neuron_part()
    data = several_certified(system, delay, [part], [254]).data
    _, exact = parse(json.dumps({**data, "digest": ""}).encode())
    return build(document(exact, RULES), RULES["several"].lags)


def ranges(system: DelaySystem) -> list[dict[int, tuple[Fraction, Fraction]]]:
    """For each equation the interval of its slope on each variable."""
    rows, slopes = polytope.polytope(built(system))
    found = [{j: (a, a) for j, a in row.items()} for row in rows]
    for slope in slopes:
        for i, factor in slope.uses:
            ends = sorted(factor * end for end in slope.ends)
            before = found[i].get(slope.column, (Fraction(0),) * 2)
            found[i][slope.column] = (before[0] + ends[0], before[1] + ends[1])
    return found


def delayed(system: DelaySystem, xs: np.ndarray) -> dict[int, np.ndarray]:
    """Values by the checker's numbers: x first, then the delayed values in the order of the lags."""
    n, number = system.dimension, {name: j for j, name in enumerate(system.delays)}
    at = {i: xs[0, :, i] for i in range(n)}
    for values, (name, k) in zip(xs[1:], system.lags, strict=True):
        at |= {n * (64 * number[name] + k) + i: values[:, i] for i in range(n)}
    return at


@pytest.mark.parametrize(("equations", "domain", "rest"), SYSTEMS)
def test_the_slopes_hold_every_value(equations, domain, rest):
    import torch

    system = DelaySystem.from_equations(
        equations, domain=domain, equilibrium=rest, delays=["a", "b"]
    )
    rows = ranges(system)
    rng, lags = np.random.default_rng(0), len(system.lags)
    ends = np.array([[float(a), float(b)] for a, b in system.domain])
    xs = ends[:, 0] + (ends[:, 1] - ends[:, 0]) * rng.uniform(size=(1 + lags, 3000, len(ends)))
    xs[:, :200] = ends[:, 1]
    point = np.array([float(v) for v in system.equilibrium])
    shifted = torch.as_tensor(xs + point)
    values = system.torch_function()(0.0, shifted[0], list(shifted[1:])).numpy()
    at, box = delayed(system, xs), slope_polytope(system)

    def least(slope):
        return slope.column, np.minimum(*(slope.factors * end for end in slope.ends))

    def most(slope):
        return slope.column, np.maximum(*(slope.factors * end for end in slope.ends))

    def fold(columns):
        total = np.zeros_like(box.base)
        for column, value in columns:
            total[:, column] += value
        return total

    for i, row in enumerate(rows):
        assert set(row) <= set(at)
        low = sum(np.minimum(float(a) * at[j], float(b) * at[j]) for j, (a, b) in row.items())
        high = sum(np.maximum(float(a) * at[j], float(b) * at[j]) for j, (a, b) in row.items())
        assert (low - 1e-12 <= values[:, i]).all()
        assert (values[:, i] <= high + 1e-12).all()
    low, high = (fold(f(slope) for slope in box.slopes) for f in (least, most))
    places = list(range(len(ends)))
    for lag in box.lags:
        k = 1 + system.lags.index(lag)
        places += range(k * len(ends), (k + 1) * len(ends))
    numbers = list(at)
    for i, row in enumerate(rows):
        for c, place in enumerate(places):
            a, b = row.get(numbers[place], (0, 0))
            smallest, largest = box.base[i, c] + low[i, c], box.base[i, c] + high[i, c]
            assert smallest - 1e-12 <= a  # the search works with no less
            assert b <= largest + 1e-12
            assert largest - smallest <= float(b - a) + 1e-6


def test_what_is_linear_is_exact():
    """y - sin y is enclosed; x(t - b) is linear in the second term of an equation that is nonlinear in it elsewhere."""
    system = DelaySystem.from_equations(
        ["x' = -3*x + y(t - b)/7", "y' = sin(y(t - b)) - y/3 + 4*(x - 2*x)"],
        domain={"x": [-1, 1], "y": [-1, 1]},
        delays=["b"],
    )
    first, second = ranges(system)
    assert first == {0: (-3, -3), 3: (Fraction(1, 7),) * 2}
    assert second[1] == (Fraction(-1, 3),) * 2
    assert second[0] == (-4, -4)
    low, high = second[3]
    assert low <= np.sin(1.0) <= low + Fraction(1, 100)
    assert 1 <= high <= 1 + Fraction(1, 1000)
    assert len(polytope.vertices(built(system))) == 2


def test_terms_that_share_no_variable_are_enclosed_by_themselves():
    """Four tanh in one equation are as sharp as one alone; on 8 pieces an axis they would not be."""
    names = "abcd"
    text = " - ".join(f"tanh({s}(t - tau))" for s in names)
    equations = [f"a' = -a - {text}", *(f"{s}' = -{s}" for s in names[1:])]
    system = DelaySystem.from_equations(
        equations, domain=dict.fromkeys(names, (-2, 2)), delays=["tau"]
    )
    row = ranges(system)[0]
    for j in range(4, 8):
        low, high = row[j]
        assert -1 - Fraction(1, 1000) <= low <= -1
        assert high - Fraction(1, 100) <= -np.tanh(2.0) / 2 <= high


def test_a_term_that_several_equations_share_has_one_slope():
    """Four tanh in four equations, each in three of them: 2^4 vertices, and not 2^12."""
    names = "abcd"
    equations = [
        f"{s}' = -{s} - 0.8*tanh({s}(t - tau)) + tanh({r}(t - tau))*2/5 - (-0.4*tanh({q}(t - tau)))"
        for s, r, q in zip(names, "dabc", "bcda", strict=True)
    ]
    domain = dict.fromkeys(names, (-1, 1))
    system = DelaySystem.from_equations(equations, domain=domain, delays=["tau"])
    vertices = polytope.vertices(built(system))
    assert len(vertices) == len(slope_polytope(system).vertices()) == 16
    for matrix in vertices:
        for i in range(4):
            own, before, after = (matrix[k % 4][4 + i] for k in (i, i - 1, i + 1))
            assert own == -2 * before == -2 * after
    columns = [[matrix[i].get(j, 0) for j in range(8)] for matrix in vertices for i in range(4)]
    ours = np.array(columns, dtype=float).reshape(16, 4, 8)
    theirs = np.array(slope_polytope(system).vertices())
    for matrix in ours:
        assert np.abs(theirs - matrix).max(axis=(1, 2)).min() < 1e-6


def test_too_many_vertices_and_slopes_without_a_bound():
    names = "abcdefghi"
    equations = [f"{s}' = -{s} - tanh({s}(t - tau))" for s in names]
    for count in (8, 9):
        domain = dict.fromkeys(names[:count], (-1, 1))
        system = DelaySystem.from_equations(equations[:count], domain=domain, delays=["tau"])
        if count == 8:
            assert len(polytope.vertices(built(system))) == 256
            continue
        with pytest.raises(Refused, match="more than 256"):
            polytope.vertices(built(system))
    system = DelaySystem.from_equations(
        ["x' = -x - log(1 + x(t - tau))"], domain={"x": [-1.5, 1]}, delays=["tau"]
    )
    with pytest.raises(Refused, match="bounded slopes"):
        polytope.vertices(built(system))


# ---- levels


def matrix(rows) -> list[list[Fraction]]:
    return [[Fraction(value) for value in row] for row in rows]


def test_the_level_of_a_form_is_the_least_value_on_the_faces():
    """Least of w^T M w at w_i = e: e^2 / (M^-1)_ii, here 3/4 e^2 for both."""
    form, domain = (
        matrix([[1, 0.5], [0.5, 1]]),
        ((Fraction(-2), Fraction(3)), (Fraction(-4), Fraction(4))),
    )
    ellipsoid.check_level(form, Fraction(3) - Fraction(1, 10**9), domain, "it")
    for level, box in ((3, domain), (4, domain), (3.1, domain[::-1])):
        with pytest.raises(Refused, match="leaves the domain"):
            ellipsoid.check_level(form, Fraction(level), box, "it")
    with pytest.raises(Refused):
        ellipsoid.check_level(matrix([[1, 2], [2, 1]]), Fraction(1, 100), domain, "it")


@pytest.mark.parametrize("seed", range(5))
def test_no_point_of_a_level_set_is_on_a_face(seed):
    rng = np.random.default_rng(seed)
    a = rng.integers(-4, 5, (4, 4))
    m = a @ a.T + np.eye(4, dtype=int)
    domain = ((Fraction(-1), Fraction(2)), (Fraction(-3), Fraction(1, 2)))
    least = min(
        float(min(-lo, hi)) ** 2 / np.linalg.inv(m)[i, i] for i, (lo, hi) in enumerate(domain)
    )
    level = Fraction(least * (1 - 1e-9))
    ellipsoid.check_level(matrix(m.tolist()), level, domain, "it")
    w = rng.normal(size=(20000, 4))
    w *= np.sqrt(float(level) / np.einsum("ki,ij,kj->k", w, m, w))[:, None]
    assert (np.abs(w[:, :2]) < [float(min(-lo, hi)) for lo, hi in domain]).all()
    with pytest.raises(Refused):
        ellipsoid.check_level(matrix(m.tolist()), Fraction(least * (1 + 1e-9)), domain, "it")


def test_the_size_of_a_form():
    assert ellipsoid.size(matrix([[1, -2], [-2, 3]]), [Fraction(1), Fraction(1, 2)]) == Fraction(
        15, 4
    )
