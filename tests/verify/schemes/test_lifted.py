"""The lifted state follows the scheme, and its growth is that of the solutions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from certdde.solvers import scheme as iterate
from certdde.systems import DelaySystem
from certdde.verify.schemes import graphs
from certdde.verify.schemes.lifted import LiftedScheme, spectral_radius
from certdde.verify.schemes.words import constant_growth, varying_growth

TWO = ["x[t+1] = 0.8*x[t] - 0.1*x[t-d]", "y[t+1] = 0.05*x[t] + 0.9*y[t] - 0.2*x[t-d] - 0.1*y[t-d]"]
LIMITS = {1: 1.0, 2: 2 - 2**0.5, 3: 0.4226497308, 5: 0.2712864461, 10: 1 / 7}


def scalar(q: float) -> LiftedScheme:
    return LiftedScheme(((np.eye(1), -q * np.eye(1)),))


def test_the_lifted_matrix_is_one_step_of_the_scheme():
    system = DelaySystem.from_equations(TWO, delays=("d",))
    found, rng, window = LiftedScheme.linearised(system), np.random.default_rng(0), 4
    delays = [0, 3, 4, 1, 2, 0, 4]
    past = torch.as_tensor(rng.normal(size=(window + 1, 2)))
    solution = iterate(
        system.torch_function(), lambda s: past[-s], [torch.tensor(delays)], len(delays)
    )
    state = past.numpy().reshape(-1)
    for t, delay in enumerate(delays):
        [matrix] = found.matrices(delay, window)
        state = matrix @ state
        assert np.allclose(state[:2], solution[t + 1].numpy())


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_constant_delays_beyond_the_exact_margin_grow(k):
    limit = 2 * np.cos(k * np.pi / (2 * k + 1))
    assert constant_growth(scalar(limit - 1e-5), 0, k) is None
    growth = constant_growth(scalar(limit + 1e-4), 0, k)
    assert growth.word == (k,)
    assert spectral_radius(scalar(limit), [k]) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("k", [2, 3, 5, 10])
def test_words_of_delays_beyond_the_sharp_condition_grow(k):
    assert varying_growth(scalar(LIMITS[k] - 1e-5), 0, k) is None
    growth = varying_growth(scalar(LIMITS[k] + 1e-4), 0, k)
    assert len(growth.word) > 1
    past, q = [1.0] * (k + 1), LIMITS[k] + 1e-4
    for t in range(400 * len(growth.word)):
        past.append(past[-1] - q * past[-1 - growth.word[t % len(growth.word)]])
    assert max(map(abs, past[-50:])) > 1


@pytest.mark.parametrize("count", [1, 2, 5])
def test_graphs_have_an_edge_to_a_node_for_every_delay(count):
    tables = [graphs.single(count), graphs.recent_longest(count, 3), graphs.longest_run(count, 4)]
    for table in tables:
        assert table.dtype == np.int64
        assert table.shape[1] == count
        assert ((table >= 0) & (table < len(table))).all()
    node = 0
    for j in (count - 1, 0, count - 1, count - 1):
        node = tables[1][node, j]
    assert node == (0b011 if count > 1 else 0b111)
    assert tables[2][3, -1] == tables[2][4, -1] == 4
