"""The search finds what is known to be there, and nothing where stability is proved."""

import numpy as np
import pytest

from certdde.studies.regularity.ascent import lowered, searched
from certdde.studies.regularity.classes import Regularity, regularities
from certdde.studies.regularity.confirm import confirmed
from certdde.studies.regularity.courses import LipschitzCourses, SmoothCourses
from certdde.studies.regularity.gaps import Samples
from certdde.studies.regularity.hunt import Hunt
from certdde.studies.regularity.known import known
from certdde.studies.regularity.matrices import Matrices
from certdde.studies.regularity.words import Words

SCALAR = Matrices(np.zeros((1, 1)), -np.eye(1))
KIM = Matrices(np.array([[0.0, 1.0], [-1.0, -2.0]]), np.array([[0.0, 0.0], [-1.0, 1.0]]))
KR = Matrices(np.diag([-2.0, -0.9]), np.array([[-1.0, 0.0], [-1.0, -1.0]]))


def test_words_come_near_three_halves():
    """Nothing below the theorem's 3/2, and close to what words of this length can do: 3/2 + 1/(2 m)."""
    family = Words(SCALAR, 10)
    best = searched(family, [1.2, 1.6], 24, np.random.default_rng(0))
    fine, point = family.refined(best.point)
    finer, point = fine.refined(lowered(fine, point, best.scale).point)
    better = lowered(finer, point, best.scale)
    assert 1.5 < better.scale < 1.5 + 1 / 40
    assert better.scale >= 1.5 + 1 / 80 - 1e-6


def test_sampling_is_found_at_2_and_a_constant_delay_at_half_pi():
    best = searched(Samples(SCALAR), [1.6, 2.2], 12, np.random.default_rng(0))
    assert best.scale == pytest.approx(2.0, rel=1e-6)
    found = Hunt(SCALAR, 2.0).constant()
    assert np.pi / 2 < found["delay"] < 1.002 * np.pi / 2
    assert found["simulated"] == pytest.approx(found["growth"], rel=0.05)


# Certified with `certdde margin` (rigorous), or by a theorem: the search must find nothing there.
SAFE = [
    (SCALAR, Words(SCALAR, 12), 1.4999),
    (SCALAR, Samples(SCALAR), 1.9999),
    (SCALAR, LipschitzCourses(SCALAR, 2.0), 1.4999),
    (SCALAR, SmoothCourses(SCALAR, 2.0), 1.4999),
    (KIM, Words(KIM, 12), 1.29),
    (KIM, LipschitzCourses(KIM, 0.1), 6.59),
    (KIM, LipschitzCourses(KIM, 0.5, one_sided=True), 1.41),
    (KR, Words(KR, 12), 2.23),
    (KR, LipschitzCourses(KR, 0.1), 4.95),
]


@pytest.mark.parametrize(("matrices", "family", "delay"), SAFE, ids=str)
def test_nothing_is_found_on_certified_ranges(matrices, family, delay):
    assert searched(family, [delay], 12, np.random.default_rng(1)) is None


def test_what_does_not_grow_is_not_confirmed():
    family = Words(KIM, 10)
    word = np.arange(10)
    path, period = family.path(word, 1.0)
    times, states, _ = family.orbit(word, 1.0)
    growth = family.value(word, 1.0).growth
    assert growth < 0
    check = confirmed(KIM, path, period, (times, states), growth)
    assert check.growth == pytest.approx(growth, rel=1e-3)
    assert not check.confirmed
    assert not confirmed(KIM, path, period, (times, states), 0.1).confirmed  # a false multiplier


def test_a_switching_delay_of_kim_is_confirmed():
    """KIM is stable at every constant delay (no crossing), and yet this delay within [0, 2] destabilises it."""
    assert known(KIM, Regularity("constant"), 100.0) is None
    family = Words(KIM, 10)
    best = searched(family, [1.5, 2.0], 24, np.random.default_rng(0))
    assert best is not None
    assert best.scale < 2.0
    scale = 1.001 * best.scale
    path, period = family.path(best.point, scale)
    assert path.lower >= 0
    assert path.upper <= scale * (1 + 1e-12)
    times, states, _ = family.orbit(best.point, scale)
    growth = family.value(best.point, scale).growth
    check = confirmed(KIM, path, period, (times, states), growth)
    assert check.confirmed
    assert check.growth == pytest.approx(growth, rel=0.05)


def test_which_class_holds_which():
    constant, slow, fast = (
        Regularity("constant"),
        Regularity("lipschitz", 0.1),
        Regularity("lipschitz", 2.0),
    )
    one, sampled, all_ = Regularity("slow", 0.5), Regularity("sampled"), Regularity("measurable")
    assert all(all_.holds(o) for o in regularities())
    assert slow.holds(constant)
    assert fast.holds(slow)
    assert not slow.holds(fast)
    assert one.holds(slow)
    assert not fast.holds(one)
    assert not one.holds(fast)
    assert not any(o.holds(sampled) for o in (constant, slow, fast, one))
    assert not sampled.holds(constant)


def test_exact_margins_of_scalar_equations():
    """x' = -p x - m x(t - tau): a root on the axis at the constant margin; |M(gap)| = 1 of sampling."""
    for p, m in ((0.0, 1.0), (0.5, 2.0), (-0.3, 1.0)):
        one = Matrices(np.array([[-p]]), np.array([[-m]]))
        h = known(one, Regularity("constant"), 10.0).margin
        assert one.abscissa(h) == pytest.approx(0.0, abs=1e-9)
        gap = known(one, Regularity("sampled"), 10.0).margin
        assert abs(sum(one.held(gap))[0, 0]) == pytest.approx(1.0, abs=1e-12)
    assert known(SCALAR, Regularity("measurable"), 10.0).margin == 1.5
    assert known(SCALAR, Regularity("lipschitz", 0.1), 10.0) is None
