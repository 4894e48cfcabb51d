"""Searches for quadratic functions: the program against dense algebra, known margins, exactness of the reduction."""

from __future__ import annotations

import numpy as np
import pytest

from certdde.verify.schemes import graphs, reduced
from certdde.verify.schemes.constant import search_constant
from certdde.verify.schemes.lifted import LiftedScheme
from certdde.verify.schemes.path_complete import NodeForms, recomputed, search
from certdde.verify.schemes.peaks import ball, contracts, largest_peak
from certdde.verify.schemes.region import level_and_radius
from certdde.verify.schemes.semidefinite import SymmetricProgram, Term, congruence, triangle

from .test_lifted import LIMITS, scalar

A, B = np.array([[0.8, 0], [0.05, 0.9]]), np.array([[-0.1, 0], [-0.2, -0.1]])
TWO = LiftedScheme(((A, B),))


def test_congruences_in_svec():
    rng = np.random.default_rng(0)
    x, c = rng.normal(size=(3, 3)), rng.normal(size=(3, 2))
    x = x + x.T

    def svec(m):
        lines, columns = triangle(len(m))
        return m[lines, columns] * np.where(lines == columns, 1, np.sqrt(2))

    assert np.allclose(congruence(c) @ svec(x), svec(c.T @ x @ c))


def test_a_program_with_a_known_answer():
    program = SymmetricProgram()
    x = program.unknown(2)
    program.positive(Term(x, np.eye(2)))
    program.positive(Term(x, np.diag([1.0, 2.0]), 1.0), Term(x, np.eye(2), 0.5))
    [found] = program.solve([x])
    assert np.allclose(found, np.eye(2), atol=1e-5)  # X >= t I with mean trace 1 is the tighter
    s = program.unknown(1)
    program.positive(Term(x, np.eye(2)), Term(s, np.eye(2)[:1], -1.0))
    found, level = program.solve([x], largest=s, margin=0.25)
    assert level[0, 0] == pytest.approx(1.75 - 0.25, abs=1e-4)


# Better than one quadratic function (.9027 .5562 .4009 .2565, docs/math.md), and below the sharp condition.
@pytest.mark.parametrize(
    ("k", "q", "memory"), [(1, 0.96, 5), (2, 0.585, 4), (3, 0.42, 5), (5, 0.267, 4)]
)
def test_nodes_that_remember_long_delays(k, q, memory):
    assert not search(scalar(q), 0, k, graphs.single(k + 1)).found
    found = search(scalar(q), 0, k, graphs.recent_longest(k + 1, memory))
    assert found.found
    assert found.margin > 1e-6


@pytest.mark.parametrize("k", [1, 2, 3])
def test_nothing_is_found_beyond_the_sharp_condition(k):
    for memory in (0, 2, 4):
        found = search(scalar(LIMITS[k] + 1e-4), 0, k, graphs.recent_longest(k + 1, memory))
        assert found is None or not found.found


@pytest.mark.parametrize("k", [1, 2, 5, 10])
def test_a_constant_delay_is_decided(k):
    limit = 2 * np.cos(k * np.pi / (2 * k + 1))
    found = search_constant(scalar(0.995 * limit), k)
    assert found.found
    assert found.forms.shape == (1, k + 1, k + 1)
    assert search_constant(scalar(1.001 * limit), k) is None


@pytest.mark.parametrize(
    ("lower", "upper", "order"), [(2, 22, 1), (6, 14, 2), (0, 6, 1), (3, 3, 2)]
)
def test_the_reduced_function_holds_on_the_whole_lifted_state(lower, upper, order):
    found = reduced.search_reduced(TWO, lower, upper, order)
    assert found.found
    assert found.forms.shape == (1, 2 * (upper + 1), 2 * (upper + 1))


def test_the_reduced_function_is_the_formula():
    rng = np.random.default_rng(1)
    lower, upper, order, n = 2, 5, 2, 2
    lay = reduced._layout(lower, upper, order)
    unknowns = reduced._Unknowns(0, (1, 2), (3, 4))
    found = [
        m + m.T for m in (rng.normal(size=(n * len(lay.now),) * 2), *rng.normal(size=(4, n, n)))
    ]
    x = rng.normal(size=(upper + 1, n))  # x[i] is x[t-i]
    w = np.concatenate([row @ x for row in lay.now])
    total = w @ found[0] @ w
    e = x[:-1] - x[1:]  # e[i-1] is x[t-i+1] - x[t-i]
    for i in range(1, upper + 1):
        total += x[i] @ found[1 if i <= lower else 2] @ x[i]
        if i <= lower:
            total += (lower + 1 - i) / lower * e[i - 1] @ found[3] @ e[i - 1]
        weight = min(upper + 1 - i, upper - lower) / (upper - lower)
        total += weight * e[i - 1] @ found[4] @ e[i - 1]
    flat = x.reshape(-1)
    assert flat @ reduced._form(found, unknowns, lay, n) @ flat == pytest.approx(total)
    assert np.allclose(lay.now @ lay.now.T, np.eye(len(lay.now)))  # orthonormal moments


@pytest.mark.parametrize("delay", [2, 3, 5])
def test_the_small_inequality_bounds_the_decrease(delay):
    """The decrease is the projected form plus sums of R that the projections leave out: never below, equal on them."""
    rng = np.random.default_rng(2)
    lower, upper, order, n = 2, 5, 1, 2
    lay, unknowns = reduced._layout(lower, upper, order), reduced._Unknowns(0, (1, 2), (3, 4))
    halves = [rng.normal(size=(n * len(lay.now),) * 2), *rng.normal(size=(4, n, n))]
    found = [m @ m.T for m in halves]
    form = reduced._form(found, unknowns, lay, n)
    [a] = TWO.matrices(delay, upper)
    whole = form - a.T @ form @ a
    terms = reduced._decrease(unknowns, lay, delay, A, B)
    small = sum(t.weight * t.factor.T @ found[t.unknown] @ t.factor for t in terms)
    cut = (lay.windows[0], range(lower + 1, delay + 1), range(delay + 1, upper + 1))
    sums = [reduced._increments(window, order, upper) for window in cut]
    ends = [lay.lag(i) for i in (0, delay, lower, upper)]
    _, values, basis = np.linalg.svd(np.vstack([lay.now, lay.after, *ends, *sums]))
    rank = int((values > 1e-9 * values[0]).sum())
    rows = np.kron(basis[:rank], np.eye(n))
    gap = whole - rows.T @ small @ rows
    assert np.linalg.eigvalsh(gap).min() > -1e-9
    others = np.kron(basis[rank:], np.eye(n))
    assert np.allclose(rows @ gap @ rows.T, 0, atol=1e-9) or len(others)


def test_the_margin_is_recomputed():
    steps = graphs.single(2)
    found = search(scalar(0.5), 0, 1, steps)
    again = recomputed(scalar(0.5), found.forms, steps, (0, 1))
    assert again.margin == found.margin > 0
    assert recomputed(scalar(1.01), found.forms, steps, (0, 1)).margin < 0


def test_a_level_inside_the_domain():
    found = NodeForms(
        np.array([[[2.0, 0], [0, 1]], [[1.0, 0], [0, 1]]]), np.zeros((2, 1)), (1,), 1.0
    )
    level, radius = level_and_radius(found, [0.5])
    assert level == pytest.approx(0.25)
    assert radius == pytest.approx((0.25 / 3) ** 0.5)
    assert level_and_radius(found, [0.1])[1] < 0.1


@pytest.mark.parametrize("k", LIMITS)
def test_the_sharp_condition(k):
    from fractions import Fraction

    assert contracts(Fraction(LIMITS[k] - 1e-9), k)
    assert not contracts(Fraction(LIMITS[k] + 1e-9), k)
    q = Fraction(LIMITS[k]) * 9 / 10
    rho = ball(q, k, Fraction(2))
    assert largest_peak(q, k, Fraction(2), rho) <= 2
    assert 0 < rho <= 2 / (1 + k * q)
