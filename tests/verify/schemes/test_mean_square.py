"""Moments of schemes whose delay is drawn: against dense Kronecker products, eigenvalues and enumeration."""

import numpy as np
import pytest

from certdde.verify.schemes.lifted import LiftedScheme
from certdde.verify.schemes.mean_square import (
    Drawn,
    few,
    mean_growth,
    search_linear,
    search_vertices,
    second_moment_growth,
    second_moments,
)


def drawn(seed: int, n: int = 1, window: int = 3, vertices: int = 1, size: float = 0.4) -> Drawn:
    rng = np.random.default_rng(seed)
    pairs = [
        (0.6 * np.eye(n) + rng.normal(size=(n, n)) * 0.1, rng.normal(size=(n, n)) * size / n)
        for _ in range(vertices)
    ]
    weights = rng.random(window + 1)
    shares = tuple((weights / weights.sum()).tolist())
    return Drawn(LiftedScheme(tuple(pairs)), tuple(range(window + 1)), shares, window)


def kronecker(one: Drawn) -> np.ndarray:
    pairs = zip(one.probabilities, one.matrices(), strict=True)
    return sum(p * np.kron(a[0], a[0]) for p, a in pairs)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("n", "window"), [(1, 3), (2, 2), (1, 29)])
def test_growth_is_that_of_the_kronecker_product(seed, n, window):
    one = drawn(seed, n, window, size=0.9)
    dense = np.abs(np.linalg.eigvals(kronecker(one))).max()
    assert second_moment_growth(one) == pytest.approx(dense, rel=1e-9)
    mean = sum(p * a[0] for p, a in zip(one.probabilities, one.matrices(), strict=True))
    assert mean_growth(one) == pytest.approx(np.abs(np.linalg.eigvals(mean)).max(), rel=1e-12)
    assert mean_growth(one) ** 2 <= second_moment_growth(one) * (1 + 1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_the_linear_equation_has_a_form_where_the_second_moment_falls(seed):
    one = drawn(seed, 1 + seed % 2, 3, size=1.2)
    found, growth = search_linear(one), second_moment_growth(one)
    assert (found is not None and found.found) == (growth < 1)


def test_second_moments_step_by_step():
    one = drawn(3, 2, 2)
    found, operator = second_moments(one, 6), kronecker(one)
    state = np.eye(one.size).ravel()
    for value in found:
        assert value == pytest.approx(np.trace(state.reshape(one.size, -1)))
        state = operator @ state


@pytest.mark.parametrize("window", [2, 9])
def test_vertices_leave_a_decrease_of_the_mean_for_all_slopes(window):
    """Each delay has slopes of its own, anywhere in the hull."""
    scheme = LiftedScheme(tuple((np.eye(1), -q * np.eye(1)) for q in (0.08, 0.16)))
    shares = (1 / (window + 1),) * (window + 1)
    one = Drawn(scheme, tuple(range(window + 1)), shares, window)
    assert few(one) == (window == 2)
    found = search_vertices(one, radii=(1.0,))
    assert found is not None
    assert found.found
    rng = np.random.default_rng(0)
    for _ in range(300):
        state, q = rng.normal(size=one.size), rng.uniform(0.08, 0.16, size=window + 1)
        q = np.where(rng.random(window + 1) < 0.5, q, rng.choice([0.08, 0.16], size=window + 1))
        after = 0.0
        for d in range(window + 1):
            new = np.concatenate([[state[0] - q[d] * state[d]], state[:-1]])
            after += shares[d] * new @ found.form @ new
        assert after < state @ found.form @ state
