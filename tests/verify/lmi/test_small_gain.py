"""The small-gain condition: closed forms for linear loops, and what it must not find."""

import numpy as np
import pytest
import torch
from anchors import GU, KR, UNSTABLE

from certdde.errors import ProblemError
from certdde.systems import DelaySystem
from certdde.verify.lmi.small_gain import small_gain
from certdde.verify.lmi.small_gain_terms import terms_of
from certdde.verify.spectral import spectral_abscissa

BOX = {"theta": [-0.5, 0.5], "omega": [-0.5, 0.5]}
PENDULUM = ["theta' = omega", "omega' = sin(theta) - 2*tanh(theta(t - tau) + 0.75*omega(t - tau))"]


def norm(system):
    """Return the largest gain from w = x - x(t - tau), which is scalar, to x': the bound is its reciprocal."""
    present, delayed = (m.numpy() for m in system.jacobians())
    (late,) = np.flatnonzero(delayed.any(0))
    best = 0.0
    for frequency in np.geomspace(1e-4, 1e4, 5001):
        s = 1j * frequency
        state = np.linalg.solve(s * np.eye(len(present)) - present - delayed, -delayed[:, late])
        best = max(best, abs(s * state[late]))
    return best


@pytest.mark.parametrize(
    "system",
    [
        DelaySystem.from_equations(["x' = -x(t - tau)"]),
        DelaySystem.from_equations(["x' = -x - 3*x(t - tau)"]),
        DelaySystem.from_equations(["x' = v", "v' = x - v - 2*x(t - tau)"]),
    ],
    ids=["integrator", "lag", "position"],
)
def test_for_one_late_state_the_bound_is_the_reciprocal_of_a_norm(system):
    limit = 1 / norm(system)
    assert small_gain(system, 0.99 * limit) is not None
    assert small_gain(system, 1.01 * limit) is None


def test_the_bound_is_within_the_exact_margin():
    system = DelaySystem.from_equations(PENDULUM, domain=BOX)
    present, delayed = (m.numpy() for m in system.jacobians())
    found = [d for d in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6) if small_gain(system, d) is not None]
    assert found[:1] == [0.1]
    assert all(spectral_abscissa(present, delayed, d) < 0 for d in found)


def test_what_is_not_stable_for_all_delays_of_the_range_is_refused():
    assert small_gain(UNSTABLE, 0.1) is None
    assert small_gain(GU, 0.05) is None  # unstable without a delay
    assert small_gain(KR, 6.2) is None
    wrong = DelaySystem.from_equations(["x' = x - tanh(2*x(t - tau))"], domain={"x": (-3, 3)})
    assert small_gain(wrong, 0.01) is None  # pushed away where tanh saturates
    small = DelaySystem.from_equations(["x' = x - tanh(2*x(t - tau))"], domain={"x": (-0.1, 0.1)})
    assert small_gain(small, 0.01) is not None


def test_gains_hold_at_samples():
    system = DelaySystem.from_equations(PENDULUM, domain=BOX)
    terms = terms_of(system)[1]
    assert [term.columns for term in terms] == [(0,), (2, 3)]
    generator = torch.Generator().manual_seed(0)
    v = torch.rand(20000, 2, generator=generator, dtype=torch.float64) - 0.5
    v[:5000] *= 0.02
    functions = (torch.sin(v[:, 0]), torch.tanh(v[:, 0] + 0.75 * v[:, 1]))
    for term, value in zip(terms, functions, strict=True):
        part = v[:, : len(term.columns)]
        off = (value - part @ torch.as_tensor(term.slopes)).abs()
        size = (part / torch.as_tensor(term.sides)).norm(dim=1)
        assert float((off / size).max()) <= term.gain
        assert term.gain <= 1.2 * float((off / size).max()) + 1e-3


def test_the_answer_is_negative_at_samples():
    """The inequality holds with the equations themselves, and w within its gain."""
    system, longest = DelaySystem.from_equations(PENDULUM, domain=BOX), 0.2
    proof = small_gain(system, longest)
    assert proof.margin > 0
    assert proof.multipliers.min() >= 0
    assert proof.rigor == "float64"
    generator = torch.Generator().manual_seed(1)
    x, y = torch.rand(2, 5000, 2, generator=generator, dtype=torch.float64) - 0.5
    f, w = system.deviation_function()(x, y), x - y
    p, scaling = torch.as_tensor(proof.P), torch.as_tensor(proof.scaling)
    value = 2 * (x @ p * f).sum(1) + longest**2 * (f @ scaling * f).sum(1)
    assert float((value - (w @ scaling * w).sum(1)).max()) < 0


def test_equations_that_it_does_not_take_are_refused_in_one_line():
    two = DelaySystem.from_equations(["x' = -x(t - tau) - x(t - 2*tau)"])
    with pytest.raises(ProblemError, match="one delay"):
        small_gain(two, 0.1)
