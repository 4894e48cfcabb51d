"""Sample and hold in float64: maps against integration, quadratic functions to the exact ends, words that grow."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from scipy.optimize import brentq

from certdde.verify.sampled_data.growth import fastest_growth, radius_of
from certdde.verify.sampled_data.held import HeldSystem
from certdde.verify.sampled_data.search import contracts, search

SCALAR = HeldSystem(np.zeros((1, 1)), -np.ones((1, 1)))
CONTROLLER = HeldSystem(
    np.array([[0, 1], [0, -0.1]]), np.array([[0], [0.1]]) @ np.array([[-3.75, -11.5]])
)
OSCILLATOR = HeldSystem(np.array([[0, 1], [-2, 0.1]]), np.array([[0, 0], [1.0, 0]]))


def equal_steps(system: HeldSystem, low: float, high: float) -> float:
    """The step at which equal steps become unstable, by eigenvalues of exp of the augmented matrix."""
    n = system.dimension

    def excess(s: float) -> float:
        both = np.block([[system.present, system.held], [np.zeros((n, 2 * n))]])
        m = expm(s * both)
        return abs(np.linalg.eigvals(m[:n, :n] + m[:n, n:])).max() - 1

    return brentq(excess, low, high, xtol=1e-13)


@pytest.mark.parametrize("seed", range(3))
def test_maps(seed):
    generator = np.random.default_rng(seed)
    n = 1 + seed
    system = HeldSystem(*(generator.normal(size=(n, n)) for _ in "AB"))
    x, s = generator.normal(size=n), 0.8
    run = solve_ivp(
        lambda t, v: system.present @ v + system.held @ x, (0, s), x, rtol=1e-11, atol=1e-12
    )
    [m] = system.maps(np.array([s]))
    assert m @ x == pytest.approx(run.y[:, -1], rel=1e-8)
    [rate] = system.rates(np.array([0.0]))
    assert rate == pytest.approx(system.present + system.held)
    two = system.product([0.3, s])
    assert two == pytest.approx(m @ system.maps(np.array([0.3]))[0])
    scaled = system.scaled(2.0 ** np.arange(n), s)
    back = np.diag(2.0 ** np.arange(n)) @ scaled.maps(np.ones(1))[0] @ np.diag(0.5 ** np.arange(n))
    assert back == pytest.approx(m)


@pytest.mark.parametrize("share", [0.5, 0.9999])
def test_a_function_is_found_up_to_the_end_of_equal_steps(share):
    """One state: |M(s)| < 1 is all that is needed. Two: more is not true than for equal steps."""
    for system, end in ((SCALAR, 2.0), (CONTROLLER, equal_steps(CONTROLLER, 1.6, 1.9))):
        answer = search(system, 0.0, share * end)
        assert answer.P is not None
        assert answer.breaks[0] == 0
        assert answer.breaks[-1] == share * end
        assert list(answer.breaks) == sorted(set(answer.breaks))


@pytest.mark.parametrize("beyond", [1.0, 1.0001, 1.1])
def test_nothing_beyond(beyond):
    for system, end in ((SCALAR, 2.0), (CONTROLLER, equal_steps(CONTROLLER, 1.6, 1.9) + 1e-9)):
        answer = search(system, 0.0, beyond * end)
        assert answer.P is None
        assert answer.why


def test_the_end_of_the_literature():
    """1.729: the bound for equal steps that papers on this example give; here by its eigenvalues."""
    assert equal_steps(CONTROLLER, 1.6, 1.9) == pytest.approx(1.729, abs=5e-4)


def test_steps_that_must_not_be_short():
    assert np.linalg.eigvals(OSCILLATOR.present + OSCILLATOR.held).real.max() > 0
    assert search(OSCILLATOR, 0.4, 1.8).P is not None
    assert search(OSCILLATOR, 0.0, 1.0).P is None
    assert fastest_growth(OSCILLATOR, 0.0, 1.0).grows


def test_units_do_not_matter():
    """States and time in other units: the same range."""
    states = np.array([1e4, 1e-3])
    other = CONTROLLER.scaled(states, 100.0)
    assert search(other, 0.0, 0.01729).P is not None
    assert search(other, 0.0, 0.0173).P is None


def test_no_time_is_an_answer():
    answer = search(CONTROLLER, 0.0, 1.0, deadline=0.0)
    assert answer.P is None
    assert "time was up" in answer.why


def test_words():
    assert fastest_growth(SCALAR, 0.0, 2.1).word == (2.1,)
    assert not fastest_growth(SCALAR, 0.0, 1.999).grows
    assert not fastest_growth(CONTROLLER, 0.0, 1.729).grows
    found = fastest_growth(CONTROLLER, 0.0, 1.74)
    assert found.grows
    assert radius_of(CONTROLLER, found.word) == pytest.approx(found.radius)


def test_two_good_steps_in_turn_may_be_bad():
    """A word of two letters is found where every single step is good: the harmonic oscillator with feedback.

    x'' = -x + held feedback k x'(t_k) and the like: found by search over random systems, judged by eigenvalues.
    """
    generator = np.random.default_rng(3)
    met = 0
    for _ in range(400):
        system = HeldSystem(generator.normal(size=(2, 2)), generator.normal(size=(2, 2)))
        ends = (0.3, 1.0)
        grid = np.linspace(*ends, 40)
        if np.abs(np.linalg.eigvals(system.maps(grid))).max() >= 1:
            continue
        found = fastest_growth(system, *ends)
        if found.grows:
            met += 1
            assert len(found.word) > 1
            assert all(ends[0] <= s <= ends[1] for s in found.word)
            assert np.abs(np.linalg.eigvals(system.product(found.word))).max() > 1
            assert search(system, *ends).P is None
            break
    assert met > 0


@pytest.mark.parametrize("seed", range(6))
def test_a_function_and_a_word_exclude_each_other(seed):
    generator = np.random.default_rng([9, seed])
    n = 1 + seed % 3
    for _ in range(8):
        system = HeldSystem(
            generator.normal(size=(n, n)) - np.eye(n), generator.normal(size=(n, n))
        )
        found = search(system, 0.2, 1.2).P is not None
        assert not (found and fastest_growth(system, 0.2, 1.2).grows)


def test_a_piece_that_is_too_long_is_not_believed():
    stiff = HeldSystem(np.array([[-30.0]]), np.array([[1.0]]))
    assert not contracts(stiff, np.eye(1), 0.0, 1.0)
    assert search(stiff, 0.0, 1.0).P is not None
