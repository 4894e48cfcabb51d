"""A forest is a partition: nothing is left out and nothing counted twice."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from certdde.verify.bound_propagation.forest import COLLAPSED, STAR, Forest, bisect, root_cells


def random_forest(grid, seed, *, deepest=5):
    """A forest whose nodes split at random, in blocks of random sizes."""
    generator = np.random.default_rng(seed)
    roots, d = int(np.prod(grid)), len(grid)
    cuts = np.sort(generator.choice(np.arange(1, roots), min(2, roots - 1), replace=False))
    blocks = tuple(int(b) for b in np.diff([0, *cuts, roots]))
    codes = []
    for block in blocks:
        level, depth = block, 0
        while level:
            split = generator.random(level) < (0.6 if depth < deepest else 0)
            axis = generator.integers(0, d, level)
            leaf = np.where(generator.random(level) < 0.5, COLLAPSED, STAR)
            codes.append(np.where(split, axis, leaf))
            level, depth = 2 * int(split.sum()), depth + 1
    return Forest(grid, blocks, np.concatenate(codes).astype(np.uint8))


ENDS = (
    torch.tensor([-0.3, 0.1, -2.0], dtype=torch.float64),
    torch.tensor([0.7, 1 / 3, 5.0], dtype=torch.float64),
)
CASES = [((3,), 0), ((8,), 1), ((2, 3), 2), ((1, 1), 3), ((2, 1, 3), 4), ((4, 4, 2), 5)]


@pytest.mark.parametrize(("grid", "seed"), CASES)
def test_volumes_add_up_exactly(grid, seed):
    d, forest = len(grid), random_forest(grid, seed)
    lower, upper = ENDS[0][:d], ENDS[1][:d]
    low, high, kinds = forest.boxes(lower, upper)

    def volume(a, b):
        product = Fraction(1)
        for p, q in zip(a.tolist(), b.tolist(), strict=True):
            product *= Fraction(q) - Fraction(p)
        return product

    assert (low < high).all()
    assert sum(map(volume, low, high)) == volume(lower, upper)
    assert len(low) == forest.leaves == len(kinds)
    assert forest.stars == int((kinds == STAR).sum()) <= forest.leaves
    assert (low >= lower).all()
    assert (high <= upper).all()


@pytest.mark.parametrize(("grid", "seed"), CASES)
def test_every_point_is_in_one_leaf(grid, seed):
    d = len(grid)
    lower, upper = ENDS[0][:d], ENDS[1][:d]
    low, high, _ = random_forest(grid, seed).boxes(lower, upper)
    generator = torch.Generator().manual_seed(seed)
    x = lower + (upper - lower) * torch.rand(500, d, generator=generator, dtype=torch.float64)
    x = torch.cat([x, lower[None], upper[None], (low + high)[:50] / 2, low[:50], high[:50]])
    closed = ((low[:, None] <= x) & (x <= high[:, None])).all(-1).sum(0)
    inner = ((low[:, None] < x) & (x < high[:, None])).all(-1).sum(0)
    assert (closed >= 1).all()
    assert (inner <= 1).all()
    assert ((closed == 1) | (inner == 0)).all()


@pytest.mark.parametrize("grid", [(1,), (7,), (3, 2), (2, 3, 4)])
def test_the_grid_follows_the_format(grid):
    d = len(grid)
    low, high = root_cells(ENDS[0][:d], ENDS[1][:d], grid)
    edges = []
    for a, b, g in zip(ENDS[0].tolist(), ENDS[1].tolist(), grid, strict=False):
        edges.append([a, *(a + (b - a) * (k / g) for k in range(1, g)), b])
    for number, index in enumerate(np.ndindex(*grid)):
        assert low[number].tolist() == [edges[i][k] for i, k in enumerate(index)]
        assert high[number].tolist() == [edges[i][k + 1] for i, k in enumerate(index)]


def test_children_follow_each_other_lower_half_first():
    lower = torch.tensor([[0.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    upper = torch.tensor([[1.0, 4.0], [2.0, 3.0]], dtype=torch.float64)
    low, high = bisect(lower, upper, torch.tensor([1, 0]))
    assert low.tolist() == [[0, 0], [0, 2], [1, 1], [1.5, 1]]
    assert high.tolist() == [[1, 2], [1, 4], [1.5, 3], [2, 3]]
