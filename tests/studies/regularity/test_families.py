"""What a search may try is in its class, for certain; and words, gaps and courses agree with each other."""

import math

import numpy as np
import pytest
import torch

from certdde.studies.regularity.courses import Knots, LipschitzCourses, SmoothCourses, Wave
from certdde.studies.regularity.gaps import Samples
from certdde.studies.regularity.hunt import knots_of, wave_of
from certdde.studies.regularity.matrices import Matrices
from certdde.studies.regularity.words import Words

SCALAR = Matrices(np.zeros((1, 1)), -np.eye(1))
KIM = Matrices(np.array([[0.0, 1.0], [-1.0, -2.0]]), np.array([[0.0, 0.0], [-1.0, 1.0]]))
COURSES = [
    kind(KIM, rate, sided)
    for kind in (LipschitzCourses, SmoothCourses)
    for rate, sided in ((0.1, False), (0.5, False), (2.0, False), (0.5, True))
]


def sampled(path, period, count=20_011):
    t = torch.linspace(0, 2 * period, count, dtype=torch.float64)
    return t, path(t)


@pytest.mark.parametrize("family", COURSES, ids=str)
def test_courses_keep_their_range_and_rate(family):
    generator = np.random.default_rng(3)
    for point in family.starts(12, generator):
        gain = family.value(point, 2.0).gain
        for one in (point, *family.moves(point, gain), *family.variants(point)):
            path, period = family.path(one, 3.0)
            t, tau = sampled(path, period)
            assert float(tau.min()) >= -1e-12
            assert float(tau.max()) <= 3.0 * (1 + 1e-12)
            slopes = tau.diff() / t.diff()
            assert float(slopes.max()) <= family.fastest + 1e-9
            if not family.one_sided:
                assert float(slopes.min()) >= -family.fastest - 1e-9


def test_a_smooth_course_is_not_clipped():
    family = SmoothCourses(KIM, 2.0)
    for point in family.starts(20, np.random.default_rng(0)):
        path, period = family.path(point, 1.0)
        t, tau = sampled(path, period, 501)
        k = torch.arange(1, 7, dtype=torch.float64)
        angles = 2 * math.pi * t[:, None] * k / period
        free = point.mean + angles.cos() @ torch.as_tensor(point.cosines)
        free = free + angles.sin() @ torch.as_tensor(point.sines)
        torch.testing.assert_close(tau, free, atol=1e-9, rtol=0)


def test_a_course_of_one_form_is_one_of_the_other():
    rough, soft = LipschitzCourses(KIM, 2.0), SmoothCourses(KIM, 2.0)
    sine = soft.projected(Wave(4.0, 0.5, np.array([0.2, 0, 0, 0, 0, 0]), np.zeros(6)))
    there = knots_of(rough, sine)
    back = wave_of(soft, there)
    assert isinstance(there, Knots)
    np.testing.assert_allclose(back.cosines, sine.cosines, atol=5e-3)


def test_a_word_and_its_refinement_are_the_same_path():
    word = np.array([0, 3, 1, 4, 2, 4, 4])
    coarse = Words(KIM, 5)
    fine, twice = coarse.refined(word)
    assert fine.value(twice, 1.7).growth == pytest.approx(coarse.value(word, 1.7).growth, rel=1e-9)
    for family, one in ((coarse, word), (fine, twice)):
        path, period = family.path(one, 2.0)
        t, tau = sampled(path, period, 999)
        assert float(tau.min()) >= 0
        assert float(tau.max()) <= 2.0 + 1e-12
        k = torch.remainder(t, period).div(0.4).floor().long().clamp(max=6)
        start = torch.as_tensor(word).double()[k] * 0.4
        inside = (torch.remainder(t, 0.4) - 0.2).abs() < 0.199
        expected = start + torch.remainder(t, period) - 0.4 * k.double()
        torch.testing.assert_close(tau[inside], expected[inside], atol=1e-9, rtol=0)


@pytest.mark.parametrize("scale", [0.7, 1.9, 2.3])
def test_periodic_sampling_is_a_word_that_counts_up(scale):
    word, gap = np.arange(8), np.array([63])
    by_word = Words(KIM, 8).value(word, scale).growth
    assert by_word == pytest.approx(Samples(KIM).value(gap, scale).growth, rel=1e-9)


def test_the_gain_of_a_letter_is_first_order():
    """The growth is analytic in the delayed matrix of one step: with B small, a change of letter is of first order."""
    word, weak = np.array([0, 2, 5, 1, 4, 5, 3]), Matrices(KIM.present, 1e-6 * KIM.delayed)
    value = Words(weak, 6).value(word, 0.8)
    for k, letter in ((0, 3), (4, 0), (6, 5)):
        other = word.copy()
        other[k] = letter
        rise = value.gain[k, letter] - value.gain[k, word[k]]
        changed = Words(weak, 6).value(other, 0.8).growth - value.growth
        assert changed == pytest.approx(rise, rel=1e-3, abs=1e-12)


def test_the_gain_of_a_gap_is_first_order():
    """Gaps of a fine grid: one step more changes the growth by the difference of the gains."""
    word, family = np.array([300, 120, 511]), Samples(KIM, 1024)
    value = family.value(word, 1.1)
    for k in range(3):
        other = word.copy()
        other[k] += 1
        rise = value.gain[k, other[k]] - value.gain[k, word[k]]
        changed = family.value(other, 1.1).growth - value.growth
        assert changed == pytest.approx(rise, rel=2e-2)


def test_sampling_the_scalar_equation_is_critical_at_2():
    family = Samples(SCALAR)
    assert family.value(np.array([63]), 2.0).growth == pytest.approx(0.0, abs=1e-12)


def test_the_limit_of_words_for_the_scalar_equation():
    """The scheme x - q x[t-d], d in 0..m-1, is stable up to q = 3/(2m) + 1/(2m^2), so h = 3/2 + 1/(2m).

    The growth of the word of its worst path, rising and falling with readings of the last extreme value.
    """
    m = 10
    half = [*range(m), *([m - 1] * (m // 2))]
    growths = [Words(SCALAR, m).value(np.array(2 * half), h).growth for h in (1.45, 1.7)]
    assert growths[0] < 0 < growths[1]
