"""The level is lowered to what can be proved, and what is proved for it is accepted by the checker."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from example_systems import hutchinson

from certdde.delays.classes import Constant, Measurable
from certdde.functionals import Functional
from certdde.inequalities.inequality import dissipation
from certdde.inequalities.level import outside
from certdde.inequalities.reduction import ConstantDelay
from certdde.learning.best import Best, full, largest
from certdde.learning.certify import certify
from certdde.learning.finish import Finished, constant_cover, finish
from certdde.learning.levels import FULL, LevelSearch
from certdde.learning.proposals import attempt, smaller
from certdde.learning.region import sampled_level
from certdde.learning.sampled import Sampled
from certdde.systems import DelaySystem
from certdde.verify.answers import Proved, Refuted
from certdde.verify.bound_propagation.branch import Settings, by_intervals
from certdde.verify.second_opinion import compare

SETTINGS = Settings(max_boxes=40_000)


def cubic(reach: float = 1.5) -> DelaySystem:
    """Solutions from beyond about 1.3 run away."""
    return DelaySystem.from_equations(
        ["x' = -2*x + x^3 - x(t - tau)/4"], domain={"x": [-reach, reach]}
    )


def square(p: float = 4.0) -> Functional:
    """A functional of order 1 without networks; D < 0 near 0 for the cubic system."""
    matrices = (
        torch.tensor(m, dtype=torch.float64) for m in ([[p, 0.1], [0.1, 0.2]], [[1.0]], [[0.1]])
    )
    return Functional(1, *matrices)


def search_of(system: DelaySystem, functional: Functional, **options) -> LevelSearch:
    reduction = constant_cover(0.0, 0.5)
    functional = functional.times(1 / sampled_level(system, functional, reduction))
    built = dissipation(system, functional, reduction)
    beyond = outside(system, functional, reduction, 1.0)
    return LevelSearch(built.inequality, beyond, SETTINGS, by_intervals, **options)


def test_a_level_is_found_where_the_inequality_fails_on_a_part_of_the_domain():
    search = search_of(cubic(), square())
    found = search.run()
    assert isinstance(found.answer, Proved)
    assert 0.2 < found.level < FULL
    worst = search.inequality.value(found.failing).amax(0)
    values = 1 - search.outside.value(found.failing).amax(0)
    assert (worst >= 0).all()
    assert (values > found.level).all()
    assert values[0] < 1.2 * found.level  # the level is near what is possible
    unit = torch.linspace(-1.5, 1.5, 4001, dtype=torch.float64)[:, None]
    inside = (search.outside.value(unit).amax(0) >= 1 - found.level) & (unit[:, 0] != 0)
    assert (search.inequality.value(unit[inside]) < 0).all()


def test_no_level_below_the_least_that_is_asked_for():
    found = search_of(cubic(), square(), least=FULL).run()
    assert isinstance(found.answer, Refuted)
    assert len(found.failing)


def test_the_whole_domain_stays_the_first_choice():
    found = search_of(cubic(0.8), square()).run()
    assert isinstance(found.answer, Proved)
    assert found.level == 0.999
    assert not len(found.failing)


@pytest.mark.parametrize("equation", ["x' = x/10 - x^3 - x(t - tau)/4", "x' = x^3 + 0*x(t - tau)"])
def test_an_unstable_equilibrium_has_no_level(equation):
    """The first is unstable at a delay of 8; the second at any."""
    system = DelaySystem.from_equations([equation], domain={"x": [-1.0, 1.0]})
    for upper in (8.0, 20.0):
        reduction = constant_cover(0.0, upper)
        assert finish(system, square(), reduction, SETTINGS).part is None
        for method in ("lmi", "quadratic"):
            found = attempt(method, system, 0.0, upper, order=1, seed=0, settings=SETTINGS)
            assert found.part is None


def test_finish_writes_the_level_and_the_checker_accepts(tmp_path):
    """A domain that is too generous: before, no part; now a part with a smaller level."""
    certificate = certify(cubic(), Constant("tau", 0.0, 0.5), method="quadratic", budget=60)
    assert certificate.rigor == "rigorous"
    [level] = certificate.data["region"]["level"]
    assert 0.05 < level < 0.999
    assert certificate.data["statistics"]["boxes"]["outside"] > 0
    saved = certificate.save(tmp_path / "c.certdde")
    assert saved.check().valid
    opinion = compare(saved.path)
    assert opinion.agree, opinion.reason


def test_a_measurable_delay_too(tmp_path):
    certificate = certify(cubic(), Measurable("tau", 0.0, 0.5), method="quadratic", budget=60)
    assert certificate.rigor == "rigorous"
    assert certificate.data["statistics"]["boxes"]["outside"] > 0
    saved = certificate.save(tmp_path / "c.certdde")
    opinion = compare(saved.path)
    assert opinion.agree, opinion.reason


def test_smaller_domains_are_for_proposals_only():
    system = cubic()
    inner = smaller(system, 0.5)
    assert [float(end) for end in inner.domain[0]] == [-0.75, 0.75]
    found = attempt("lmi", system, 0.0, 0.5, order=1, seed=0, settings=SETTINGS)
    assert found.part is not None
    refused = attempt("lmi", system, 0.0, 0.5, order=1, seed=0, settings=SETTINGS, least=FULL)
    assert refused.part is None


def test_the_largest_region_is_kept():
    system = hutchinson()
    found = attempt("lmi", system, 0.0, 0.3, order=1, seed=0, settings=SETTINGS)
    part = found.part
    low = replace(part, level=0.3 * part.level)
    assert full(part)
    assert not full(low)
    assert full(replace(part, level=None))
    assert largest(system, [low], [part]) == [part]
    assert largest(system, [part], [low]) == [part]
    assert largest(system, [], [low]) == [low]
    assert largest(system, [], []) == []
    best = Best(system)
    windows = part.windows
    assert best.least(part.functional, windows, 0.1) == 0.1
    best.offer(Finished(None, found.answer), {})
    assert best.finished is None
    best.offer(replace(found, part=low), {"a": torch.ones(1)})
    wanted = best.least(part.functional, windows, 0.1)
    assert low.level < wanted < FULL  # more than what is there already
    best.offer(found, {"a": torch.zeros(1)})
    assert best.finished.part is part
    assert best.weights["a"] == 0
    best.offer(replace(found, part=low), {})
    assert best.finished.part is part


def test_training_asks_nothing_beyond_the_level():
    """v_0 in training is the bound that the proof prunes by."""
    system, functional = cubic(), square()
    reduction = ConstantDelay((0.0, 0.25, 0.5))
    sampled = Sampled.of(system, reduction, functional)
    points = sampled.sample(200, torch.Generator().manual_seed(0))
    beyond = outside(system, functional, reduction, 1.0)
    value = sampled.lower_bound(functional, points)
    assert np.allclose(value, 1 - beyond.value(points).amax(0))
