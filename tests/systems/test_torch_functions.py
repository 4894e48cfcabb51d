"""Functions of an expression on tensors and floats."""

import math

import mpmath
import pytest
import torch

from certdde.systems.expressions import FUNCTIONS
from certdde.systems.torch_functions import apply_function

EXACT = {
    **{name: getattr(mpmath, name) for name in FUNCTIONS if name not in ("sigmoid", "relu")},
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    "relu": lambda z: max(z, mpmath.mpf(0)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values(name):
    points = torch.linspace(0.01, 1.5, 40, dtype=torch.float64)
    for z, value in zip(points.tolist(), apply_function(name, points).tolist(), strict=True):
        assert value == pytest.approx(float(EXACT[name](mpmath.mpf(z))), rel=1e-14, abs=1e-16)
        assert apply_function(name, z) == pytest.approx(value, rel=1e-15, abs=0)


@pytest.mark.parametrize("name", ["log", "sqrt"])
def test_outside_the_domain_the_value_is_nan(name):
    assert math.isnan(apply_function(name, -1.0))
    assert apply_function(name, torch.tensor([-1.0])).isnan().all()
    assert isinstance(apply_function(name, -1.0), float)


def test_nan_stays_nan_and_an_unknown_name_is_an_error():
    assert math.isnan(apply_function("sin", math.nan))
    with pytest.raises(KeyError):
        apply_function("erf", 0.0)
