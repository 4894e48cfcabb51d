"""Constraints of every quadratic functional, and the mean of V."""

import numpy as np
import pytest
import torch
from segments import random_functional

from certdde.systems import DelaySystem
from certdde.verify.lmi.parameters import Parameters
from certdde.verify.lmi.positivity import (
    FLOOR,
    mean_on_constant_histories,
    nearest_faces,
    positivity,
)
from certdde.verify.lmi.program import Program, recomputed_margin

SYSTEM = DelaySystem.from_equations(
    ["a' = -a", "b' = -b - a*b"], domain={"a": (-0.5, 2.0), "b": (-3.0, 1.5)}
)


@pytest.mark.parametrize("order", range(3))
def test_what_satisfies_the_constraints_is_at_least_one_on_the_faces(order):
    parameters, longest = Parameters(2, order), 0.7
    faces = nearest_faces(SYSTEM)
    assert faces == [0.5, 1.5]
    program = Program(parameters.count, positivity(parameters, longest, faces))
    functional = random_functional(2, order, seed=order, positive=True)
    accepted = 0
    for factor in np.geomspace(1e-3, 1e3, 25):
        scaled = functional.times(float(factor))
        holds = recomputed_margin(program, parameters.vector(scaled)) == np.inf
        core = scaled.core(longest)
        # v_0 >= 1 on every face exactly if the inverse of the core has diagonal <= face^2.
        inverse = torch.linalg.inv(core).diagonal()
        least = min(f**2 / float(c) for f, c in zip(faces, inverse, strict=True))
        accepted += holds
        assert least >= 1 if holds else least < 1 + 0.5
        if holds:
            assert float(torch.linalg.eigvalsh(scaled.S)[0]) >= FLOOR - 1e-7
            assert float(torch.linalg.eigvalsh(scaled.R)[0]) >= FLOOR - 1e-7
    assert 0 < accepted < 25


@pytest.mark.parametrize("spoiled", ["S", "R", "P"])
def test_an_indefinite_matrix_is_refused(spoiled):
    from dataclasses import replace

    parameters = Parameters(2, 1)
    program = Program(parameters.count, positivity(parameters, 0.7, [0.5, 1.5]))
    good = random_functional(2, 1, seed=0, positive=True).times(1e4)
    assert recomputed_margin(program, parameters.vector(good)) == np.inf
    matrix = getattr(good, spoiled)
    values, vectors = torch.linalg.eigh(matrix)
    values[0] = -float(values[-1])
    bad = replace(good, **{spoiled: vectors @ torch.diag(values) @ vectors.T})
    assert recomputed_margin(program, parameters.vector(bad)) == -np.inf


@pytest.mark.parametrize("system", [SYSTEM, DelaySystem.from_equations(["a' = -a", "b' = -b"])])
def test_the_mean_is_linear_in_the_unknowns_and_that_of_samples(system):
    parameters = Parameters(2, 2)
    functional = random_functional(2, 2, seed=3, positive=True)
    mean = mean_on_constant_histories(parameters, system, 0.7) @ parameters.vector(functional)
    box = system.domain or ((-1, 1), (-1, 1))
    low, high = (torch.tensor([float(e[i]) for e in box], dtype=torch.float64) for i in (0, 1))
    generator = torch.Generator().manual_seed(5)
    unit = torch.rand(20_000, 2, generator=generator, dtype=torch.float64)
    wanted = functional.on_constant_histories(low + (high - low) * unit, 0.7).mean()
    # 256 points in the one, 20,000 in the other.
    assert mean == pytest.approx(float(wanted), rel=0.15)


def test_without_a_domain_faces_are_at_one():
    assert nearest_faces(DelaySystem.from_equations(["a' = -a", "b' = -b"])) == [1.0, 1.0]
