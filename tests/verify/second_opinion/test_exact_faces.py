"""Levels of quadratic functionals without boxes on the faces."""

from fractions import Fraction

import numpy as np
import pytest

from certdde.verify.second_opinion import exact


@pytest.mark.parametrize("seed", range(20))
def test_a_level_set_ends_where_the_inverse_says(seed):
    """Against the largest coordinate of x^T M x = 1, by eigenvectors of the scaled pencil."""
    generator = np.random.default_rng(seed)
    root = generator.integers(-5, 6, (3, 3)) + 6 * np.eye(3, dtype=int)
    m = (root @ root.T).astype(int)
    rows = [[Fraction(int(v)) for v in row] for row in m]
    reach = np.sqrt(np.diag(np.linalg.inv(m)))
    wide = [Fraction(float(r) * (1 + 1e-9)) for r in reach]
    assert exact.beyond(exact.matrix(rows), wide, Fraction(1))
    for i in range(3):
        near = [
            Fraction(float(r) * (1 - 1e-9)) if i == k else w
            for k, (r, w) in enumerate(zip(reach, wide, strict=True))
        ]
        assert not exact.beyond(exact.matrix(rows), near, Fraction(1))
    assert not exact.beyond(exact.matrix(rows), [Fraction(-5), *wide[1:]], Fraction(1))
