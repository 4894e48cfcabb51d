"""The sector LMI: exact for linear networks, within the exact local margin, and what it must not find."""

import numpy as np
import pytest
import torch
from anchors import GU, KR, LD, UNSTABLE

from certdde.inequalities.legendre import delay_pieces
from certdde.systems import DelaySystem
from certdde.systems.feedforward import Feedforward, Step
from certdde.verify.lmi.polytopic import polytopic_lmi
from certdde.verify.lmi.sector import layout_of, sector_forms, sector_lmi
from certdde.verify.lmi.sector_units import loop_of
from certdde.verify.spectral import spectral_abscissa

GAINS = (-2.0, -1.5)  # of a pendulum theta'' = sin theta + u
BOX = {"theta": [-0.5, 0.5], "omega": [-0.5, 0.5]}


def affine(weight, bias=None):
    """Return a linear layer."""
    weight = np.array(weight, float)
    return Step("affine", (0,), weight, np.zeros(len(weight)) if bias is None else np.array(bias))


def network(*layers, activation=None):
    """Return layers in a row, with an activation between them."""
    steps = []
    for layer in layers:
        if steps and activation:
            steps.append(Step(activation, (len(steps),)))
        steps.append(Step("affine", (len(steps),), layer.weight, layer.bias))
    return Feedforward(2, tuple(steps))


def pendulum(u, domain=BOX, plant="sin(theta)"):
    """Return a pendulum with a late network."""
    equations = ["theta' = omega", f"omega' = {plant} + u(theta(t - tau), omega(t - tau))"]
    return DelaySystem.from_equations(equations, domain=domain, networks={"u": u})


def tanh_network(seed=0, width=5):
    """Return a network of the slopes ``GAINS`` at 0."""
    generator = np.random.default_rng(seed)
    first = generator.normal(size=(width, 2)) * 0.7
    last = generator.normal(size=(1, width)) * 0.3
    last += (np.array(GAINS) - last @ first) @ np.linalg.pinv(first)
    return network(affine(first), affine(last), activation="tanh")


LINEAR = network(
    affine([[1.0, 2.0], [0.5, -1.0]]), affine([np.linalg.solve([[1, 0.5], [2, -1]], GAINS)])
)


def feasible(system, delay, order=1):
    """Ask for one delay."""
    return sector_lmi(system, order, [delay * (1 - 1e-4), delay]) is not None


@pytest.mark.parametrize("order", [0, 1])
def test_a_linear_network_gives_what_the_linear_lmi_gives(order):
    system = pendulum(LINEAR, plant="theta")
    plain = DelaySystem.from_equations(
        ["theta' = omega", "omega' = theta - 2*theta(t - tau) - 1.5*omega(t - tau)"]
    )
    for delay in np.linspace(0.3, 0.7, 15):
        expected = polytopic_lmi(plain, order, [delay * (1 - 1e-4), delay]) is not None
        assert feasible(system, float(delay), order) == expected


def test_it_ends_before_the_exact_local_margin_and_grows_with_the_order():
    system = pendulum(tanh_network())
    present, delayed = (m.numpy() for m in system.jacobians())
    for delay in (0.3, 0.45, 0.55, 0.6, 0.7):
        found = [feasible(system, delay, order) for order in (0, 1)]
        assert found == sorted(found)
        assert not any(found) or spectral_abscissa(present, delayed, delay) < 0
    assert feasible(system, 0.3)


def test_a_smaller_domain_is_no_harder():
    wide = {"theta": [-1.5, 1.5], "omega": [-2.0, 2.0]}
    small = {"theta": [-0.1, 0.1], "omega": [-0.1, 0.1]}
    delays = (0.1, 0.3, 0.5)
    found = [
        [feasible(pendulum(tanh_network(), domain), d) for d in delays] for domain in (wide, small)
    ]
    assert all(a <= b for a, b in zip(*found, strict=True))
    assert found[0] != found[1]


@pytest.mark.parametrize("order", [0, 1, 2])
def test_unstable_loops_are_refused(order):
    assert sector_lmi(UNSTABLE, order, [0.1, 0.2]) is None
    assert sector_lmi(GU, order, [0.05, 0.09]) is None
    assert sector_lmi(KR, order, [6.18, 6.2]) is None
    assert sector_lmi(LD, order, delay_pieces(0.0, 6.0)) is None
    wrong = network(affine([[0.5, 1.0], [1.0, 0.0]]), affine([[1.0, 0.2]]), activation="tanh")
    for delay in (0.05, 0.2):
        assert not feasible(pendulum(wrong), delay, order)


def test_a_loop_that_is_stable_at_rest_only_is_refused_on_its_whole_domain():
    """Where the network saturates, gravity wins: theta = 1 is pushed away."""
    weak = network(affine([[10.0, 7.5]]), affine([[-0.2]]), activation="tanh")
    domain = {"theta": [-1.0, 1.0], "omega": [-1.0, 1.0]}
    assert not feasible(pendulum(weak, domain), 0.05)
    assert feasible(pendulum(weak, {"theta": [-0.01, 0.01], "omega": [-0.01, 0.01]}), 0.05)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
def test_units_reproduce_the_equations_and_obey_their_sectors(activation):
    generator = np.random.default_rng(3)
    first = affine(generator.normal(size=(4, 2)), generator.normal(size=4) * 0.5)
    second = affine(generator.normal(size=(3, 4)), generator.normal(size=3) * 0.5)
    u = network(first, second, affine(generator.normal(size=(1, 3))), activation=activation)
    system = pendulum(u.shifted((0.0, 0.0), (0.0,)))
    loop = loop_of(system)
    x, y = torch.as_tensor(generator.uniform(-0.5, 0.5, size=(2, 500, 2)))
    columns = np.concatenate([x.numpy(), y.numpy()], axis=1)
    for unit in loop.units:
        z = columns @ unit.row
        phi = getattr(torch, unit.function)
        at = (torch.as_tensor(unit.start + z), torch.tensor(unit.start, dtype=torch.float64))
        value = (phi(at[0]) - phi(at[1])).numpy()
        assert np.all((value - unit.low * z) * (unit.high * z - value) >= -1e-12)
        assert np.all(np.abs(value) <= unit.size * (1 + 1e-9))
        columns = np.column_stack([columns, value])
    assert len(loop.units) == 1 + 4 + 3
    found = columns[:, :2] @ loop.present.T + columns[:, 2:4] @ loop.delayed.T
    found += columns[:, 4:] @ loop.inputs.T
    expected = system.deviation_function()(x, y).numpy()
    assert np.allclose(found, expected, atol=1e-12)


def test_terms_of_several_variables_become_slopes():
    """What is no function of one linear quantity is a slope for each of its variables."""
    equations = ["x' = y", "y' = -x - y(t - tau)*cos(x) + x^2*y"]
    loop = loop_of(DelaySystem.from_equations(equations, domain={"x": (-1, 1), "y": (-1, 1)}))
    assert {unit.function for unit in loop.units} == {""}
    generator = np.random.default_rng(0)
    x, y, late = generator.uniform(-1, 1, size=(3, 200))
    slopes = [(unit.low, unit.high) for unit in loop.units]
    largest = sum(
        np.maximum(a * v, b * v)
        for (a, b), unit in zip(slopes, loop.units, strict=True)
        for v in [np.column_stack([x, y, 0 * x, late]) @ unit.row[:4]]
    )
    assert np.all(-late * np.cos(x) + x**2 * y <= largest + 1e-12)


def test_the_answer_is_checked_by_sampling():
    """D of the functional is negative at points of the domain, with the network itself and not its sectors."""
    system, delay = pendulum(tanh_network()), 0.4
    proof = sector_lmi(system, 1, [delay * (1 - 1e-4), delay])
    assert proof.margin > 0
    assert proof.multipliers.min() >= 0
    assert proof.rigor == "float64"
    generator = torch.Generator().manual_seed(0)
    x, y, m = torch.rand(3, 4000, 2, generator=generator, dtype=torch.float64) - 0.5
    f = system.deviation_function()(x, y)
    first, second = x - y, x + y - 2 * m
    w, rate = torch.cat([x, delay * m], 1), torch.cat([f, first], 1)
    v = proof.functional
    value = 2 * (w @ v.P * rate).sum(1) + (x @ v.S * x).sum(1) - (y @ v.S * y).sum(1)
    value += delay * (f @ v.R * f).sum(1)
    value -= ((first @ v.R * first).sum(1) + 3 * (second @ v.R * second).sum(1)) / delay
    assert float(value.max()) < 0


def test_a_reversed_sector_would_be_seen():
    """The quadratic constraints are not vacuous: with the opposite sign nothing is feasible."""
    loop = loop_of(pendulum(tanh_network()))
    forms = sector_forms(loop, layout_of(loop, 1))
    assert forms.shape[0] == len(loop.units) == 6
    assert all(np.linalg.eigvalsh(form)[0] < 0 < np.linalg.eigvalsh(form)[-1] for form in forms)
