"""Definiteness in whole numbers: it agrees with elimination in exact arithmetic, and never says yes too often."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certdde.verify.checker import exact
from certdde.verify.checker.dominance import definite, dominant, positive_definite, whole


def rational(matrix):
    return [[Fraction(v) for v in row] for row in np.asarray(matrix, dtype=float).tolist()]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 7), st.integers(0, 10**6), st.floats(-1, 1))
def test_it_agrees_with_elimination(n, seed, shift):
    rng = np.random.default_rng(seed)
    half = rng.normal(size=(n, n)) * 2.0 ** rng.integers(-8, 8, n)
    square = half.T @ half
    square = (square + square.T) / 2 + shift * np.linalg.eigvalsh(square)[0] * np.eye(n)
    found, right = (f(rational(square)) for f in (positive_definite, exact.positive_definite))
    assert not found or right
    assert found == right or shift < -0.999


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 6), st.integers(0, 10**6))
def test_what_is_singular_or_indefinite_is_never_accepted(n, seed):
    rng = np.random.default_rng(seed)
    half = rng.integers(-3, 4, size=(n - 1, n)).astype(object)
    singular = half.T.dot(half)
    assert not definite(singular)
    below = 10**30 * singular - np.diag([1] * n).astype(object)
    assert not definite(below)


def test_the_hilbert_matrix_and_numbers_far_beyond_floating_point():
    n = 11
    hilbert = [[Fraction(1, i + j + 1) for j in range(n)] for i in range(n)]
    assert positive_definite(hilbert)
    scales = [Fraction(10) ** (60 * (-1) ** i * i) for i in range(n)]
    scaled = [
        [a * scales[i] * scales[j] for j, a in enumerate(row)] for i, row in enumerate(hilbert)
    ]
    assert positive_definite(scaled)
    least = min(np.linalg.eigvalsh(np.array(hilbert, dtype=float)[:4, :4]))
    small = [row[:4] for row in hilbert[:4]]
    for factor, wanted in ((0.999, True), (1.001, False)):
        moved = [
            [a - (i == j) * Fraction(factor * least) for j, a in enumerate(row)]
            for i, row in enumerate(small)
        ]
        assert positive_definite(moved) is wanted


@pytest.mark.parametrize(
    "matrix",
    [[[0]], [[-1]], [[1, 2], [2, 1]], [[1, 1], [1, 1]], [[2, 1], [0, 2]], [[1, 0], [0, 0]]],
)
def test_small_matrices_that_are_refused(matrix):
    assert not definite(np.array(matrix, dtype=object))


def test_nothing_is_not_definite():
    assert not definite(np.zeros((0, 0), dtype=object))


def test_dominance_is_strict():
    assert dominant(np.array([[2, 1], [1, 2]], dtype=object))
    assert not dominant(np.array([[1, 1], [1, 2]], dtype=object))
    assert not dominant(np.array([[-3, 1], [1, -3]], dtype=object))


def test_whole_numbers_are_a_positive_multiple():
    found = whole([[Fraction(1, 2), Fraction(1, 3)], [Fraction(1, 3), Fraction(2)]])
    assert found.tolist() == [[3, 2], [2, 12]]


def test_a_large_matrix_takes_a_moment():
    rng = np.random.default_rng(0)
    half = rng.normal(size=(50, 50))
    assert positive_definite(rational(half.T @ half + (half.T @ half).T + 1e-3 * np.eye(50)))
