"""The unknowns of a quadratic functional as one vector."""

import numpy as np
import pytest
import torch

from certdde.verify.lmi.parameters import Parameters

CASES = [(n, order) for n in (1, 2, 3) for order in range(4)]


@pytest.mark.parametrize(("n", "order"), CASES)
def test_vector_and_matrices_are_inverse(n, order):
    parameters = Parameters(n, order)
    vector = np.random.default_rng(0).normal(size=parameters.count)
    functional = parameters.functional(vector)
    assert np.array_equal(parameters.vector(functional), vector)
    sizes = [m.shape[0] for m in (functional.P, functional.S, functional.R)]
    assert sizes == list(parameters.sizes()) == [n * (order + 1), n, n]
    for matrix in parameters.matrices(vector):
        assert torch.equal(matrix, matrix.T)


@pytest.mark.parametrize(("n", "order"), CASES)
def test_a_basis_rebuilds_what_is_linear(n, order):
    parameters = Parameters(n, order)
    generator = np.random.default_rng(1)
    left = torch.as_tensor(generator.normal(size=(3, n * (order + 1))))
    right = torch.as_tensor(generator.normal(size=(3, n)))

    def assemble(p, s, r):
        return left @ p @ left.T + right @ (s - 2 * r) @ right.T

    vector = generator.normal(size=parameters.count)
    rebuilt = np.tensordot(vector, parameters.basis(assemble), 1)
    np.testing.assert_allclose(rebuilt, assemble(*parameters.matrices(vector)).numpy(), rtol=1e-12)
