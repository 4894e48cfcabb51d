"""The operations on tensors that enclosures imitate."""

import torch

from certdde.functionals import algebra


def test_operations_on_tensors():
    value = torch.tensor([[0.5, -1.0, 2.0], [0.0, 1.0, 3.0]], dtype=torch.float64)
    weight = torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.float64)
    assert algebra.affine(value, weight).tolist() == [[4.5], [11.0]]
    assert algebra.affine(value, weight, torch.ones(1, dtype=torch.float64)).tolist() == [
        [5.5],
        [12.0],
    ]
    assert algebra.weighted(value, 1 - value).tolist() == [[0.25, -2.0, -2.0], [0.0, 0.0, -6.0]]
    assert algebra.column(value, 1).tolist() == [-1.0, 1.0]
    assert algebra.columns(value, (2, 0)).tolist() == [[2.0, 0.5], [3.0, 0.0]]


def test_concatenate_keeps_the_order_and_spreads_scalars():
    vector, scalar = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor(7.0)
    order = [("scalar", 0), ("vector", 0), ("scalar", 1)]
    joined = algebra.concatenate([vector], [scalar, torch.tensor([8.0, 9.0])], order)
    assert joined.tolist() == [[7.0, 1.0, 2.0, 8.0], [7.0, 3.0, 4.0, 9.0]]
