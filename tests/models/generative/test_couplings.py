"""Couplings keep the ends, give origins of the law they say, and assign as cheaply as it can be."""

from itertools import permutations

import pytest
import torch

from certdde.errors import ProblemError
from certdde.models.data.plane import PLANE
from certdde.models.generative import Coded, Independent, Origin, Pairs, Transported
from certdde.solvers import StartingAt


def source(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def end():
    return PLANE["checkerboard"](900, source(5))


def couplings(end):
    return [Independent(), Transported(), Coded.of(end, 8, source(1))]


def test_the_ends_stay_what_they_are_and_seeds_decide(end):
    for coupling in couplings(end):
        one, two = (coupling.pairs(end, source(2)) for _ in range(2))
        assert torch.equal(one.origin.start, two.origin.start)
        assert torch.equal(one.origin.past, two.origin.past)
        assert torch.equal(one.end.sort(0).values, end.sort(0).values)
        drawn = coupling.origins(end, source(3))
        assert torch.equal(drawn.start, coupling.origins(end, source(3)).start)


def test_starts_are_standard_normal_in_training_and_after_it(end):
    for coupling in couplings(end):
        for origin in (coupling.pairs(end, source(2)).origin, coupling.origins(end, source(3))):
            assert origin.start.mean(0).abs().max() < 5 / 30
            assert (origin.start.T.cov() - torch.eye(2)).abs().max() < 5 * 2**0.5 / 30


def test_an_assignment_is_the_cheapest_of_all():
    end = PLANE["rings"](6, source(4))
    pairs = Transported().pairs(end, source(5))
    start = pairs.origin.start
    costs = [float((start[list(p)] - end).square().sum()) for p in permutations(range(6))]
    assert float((start - end).square().sum()) == pytest.approx(min(costs))


def test_transport_is_cheaper_than_chance_and_batches_do_not_mix(end):
    chance, assigned = (c.pairs(end, source(6)) for c in (Independent(), Transported()))
    costs = [(p.origin.start - p.end).square().sum() for p in (chance, assigned)]
    assert costs[1] < costs[0] / 3
    # Both draw the same starts; the first 512 ends have the first 512 of them.
    first, second = (p.origin.start[:512].sort(0).values for p in (chance, assigned))
    assert torch.equal(first, second)


def test_a_code_is_the_mean_of_the_ends_that_are_nearest_to_it(end):
    coded = Coded.of(end, 8, source(1))
    pairs = coded.pairs(end, source(2))
    distances = torch.cdist(pairs.end, coded.points)
    own = (pairs.end - pairs.origin.past).norm(dim=1)
    assert torch.allclose(own, distances.min(1).values)
    for point, weight in zip(coded.points, coded.weights, strict=True):
        members = pairs.end[(pairs.origin.past == point).all(1)]
        assert float(weight) == pytest.approx(len(members) / len(end))
        assert torch.allclose(members.mean(0), point, atol=0.02)
    assert float(coded.weights.sum()) == pytest.approx(1.0)


def test_starts_say_nothing_of_the_code_but_much_of_the_end_within_it(end):
    coded = Coded.of(end, 4, source(1))
    pairs = coded.pairs(end, source(2))
    codes = [(pairs.origin.past == point).all(1) for point in coded.points]
    for member in codes:
        count = int(member.sum())
        assert pairs.origin.start[member].mean(0).abs().max() < 5 / count**0.5
        inner, start = pairs.end[member] - pairs.origin.past[member], pairs.origin.start[member]
        assert float((inner * start).sum() / (inner.norm() * start.norm())) > 0.8


def test_codes_are_drawn_by_their_weights():
    coded = Coded(torch.tensor([[0.0, 0.0], [1.0, 0.0]]), torch.tensor([0.9, 0.1]))
    past = coded.origins(torch.zeros(2000, 2), source()).past
    assert abs(float(past[:, 0].mean()) - 0.1) < 5 * (0.09 / 2000) ** 0.5


def test_more_codes_than_different_ends_leave_codes_without_weight():
    end = torch.tensor([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    coded = Coded.of(end, 3, source())
    assert sorted(coded.weights.tolist()) == pytest.approx([0.0, 1 / 3, 2 / 3])
    assert len(coded.pairs(end, source())) == 3


def test_a_past_that_is_the_start_makes_a_history_without_a_jump(end):
    same, other = Independent().origins(end, source()), couplings(end)[2].origins(end, source())
    assert not isinstance(same.history(), StartingAt)
    assert isinstance(other.history(), StartingAt)


def test_bad_codes_and_shapes_are_refused(end):
    for codes in (0, 901):
        with pytest.raises(ProblemError):
            Coded.of(end, codes, source())
    with pytest.raises(ProblemError):
        Origin(end, end[:5])
    with pytest.raises(ProblemError):
        Pairs(Origin(end, end), end[:5])
