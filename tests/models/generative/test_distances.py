"""The distances are those of the formulas, without bias, and see a difference."""

import math

import pytest
import torch

from certdde.errors import ProblemError
from certdde.models.generative import energy_distance, squared_mmd


def normal(count, dimension=2, seed=0, shift=0.0):
    generator = torch.Generator().manual_seed(seed)
    return shift + torch.randn(count, dimension, generator=generator, dtype=torch.float64)


def test_the_energy_distance_of_few_points_by_hand():
    x = torch.tensor([[0.0], [1.0]])
    y = torch.tensor([[2.0], [5.0]])
    # 2 (2 + 5 + 1 + 4) / 4 - 1 - 3
    assert float(energy_distance(x, y)) == pytest.approx(2.0)


def test_the_mmd_of_few_points_by_hand():
    x = torch.tensor([[0.0], [1.0]])
    y = torch.tensor([[2.0], [5.0]])

    def k(distance):
        return (math.exp(-(distance**2) / 2) + math.exp(-(distance**2) / 8)) / 2

    exact = k(1) + k(3) - (k(2) + k(5) + k(1) + k(4)) / 2
    assert float(squared_mmd(x, y, (1.0, 2.0))) == pytest.approx(exact, rel=1e-5)


def test_the_distances_of_normal_laws_are_the_closed_forms():
    """In one dimension, N(0, 1) and N(m, 1), by X - Y ~ N(m, 2); the deviations are of 20 estimates each."""
    m, w = 1.0, 0.7
    folded = 2 / math.sqrt(math.pi) * math.exp(-(m**2) / 4) + m * math.erf(m / 2)
    energy = 2 * folded - 4 / math.sqrt(math.pi)
    scale = w / math.sqrt(w**2 + 2)
    mmd = 2 * scale * (1 - math.exp(-(m**2) / (2 * (w**2 + 2))))
    draws = [(normal(400, 1, 2 * s), normal(300, 1, 2 * s + 1, m)) for s in range(20)]
    for exact, call in ((energy, energy_distance), (mmd, lambda x, y: squared_mmd(x, y, (w,)))):
        found = torch.stack([call(x, y) for x, y in draws])
        assert abs(float(found.mean()) - exact) < 4 * float(found.std()) / math.sqrt(20)
        assert float(found.std()) < exact / 4


@pytest.mark.parametrize("distance", [energy_distance, squared_mmd])
def test_equal_laws_are_at_distance_zero_on_average(distance):
    """Without bias: the mean of many small samples is 0 within its own error, where V-statistics would be off."""
    found = torch.stack(
        [distance(normal(5, seed=2 * s), normal(5, seed=2 * s + 1)) for s in range(600)]
    )
    assert abs(float(found.mean())) < 4 * float(found.std()) / math.sqrt(600)


@pytest.mark.parametrize("distance", [energy_distance, squared_mmd])
def test_the_order_of_the_points_and_of_the_samples_does_not_matter(distance):
    x, y = normal(30), normal(20, seed=1, shift=0.5)
    value = distance(x, y)
    assert torch.allclose(distance(y.flip(0), x), value, rtol=1e-12)
    turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=torch.float64)
    assert torch.allclose(distance(x @ turn.T + 3, y @ turn.T + 3), value, rtol=1e-9)


def test_the_gradient_is_finite_where_points_meet():
    x = normal(6).requires_grad_()
    energy_distance(x, x.detach().clone()).backward()
    assert torch.isfinite(x.grad).all()


def test_what_cannot_be_estimated_is_refused():
    for distance in (energy_distance, squared_mmd):
        with pytest.raises(ProblemError):
            distance(normal(1), normal(5))
    for widths in ((), (0.0,), (math.nan,)):
        with pytest.raises(ProblemError):
            squared_mmd(normal(3), normal(3), widths)
