"""A learnt equation becomes a delay system that is the same, and the system is certified."""

from fractions import Fraction

import pytest
import torch

from certdde import Constant, certify
from certdde.errors import ProblemError
from certdde.models.data import Samples, TaskData
from certdde.models.data.task import solved
from certdde.models.fit import FitSettings, error, fit
from certdde.models.learned_delays import LearnedDelays
from certdde.models.neural_dde import NeuralDDE, SolverSettings
from certdde.models.to_system import WRITTEN, decimal, delay_system, rounded
from certdde.systems.exact_values import linear_split
from certdde.verify.checker import check_file

DOUBLE = torch.float64
BOX = {"x": (-1.0, 1.0), "y": (-1.0, 1.0)}


def model(n=2, delays=(0.5,), hidden=(4,), seed=0, **more):
    arguments = {"bounds": (0.05, 3.0), "bias": False, "dtype": DOUBLE} | more
    return NeuralDDE.of(n, delays, hidden, torch.Generator().manual_seed(seed), **arguments)


def difference(made, system):
    """Return the largest difference of the right-hand sides at random points of [-3, 3]^n."""
    k, n = made.field.delays, made.field.dimension
    generator = torch.Generator().manual_seed(1)
    x, *past = 6 * torch.rand(1 + k, 500, n, generator=generator, dtype=DOUBLE) - 3
    field = made.field.double()
    with torch.no_grad():
        theirs = field(torch.zeros((), dtype=DOUBLE), x, past)
        scale = 1 + theirs.abs().max()
        return float((system.torch_function()(None, x, past or [x]) - theirs).abs().max() / scale)


@pytest.mark.parametrize("activation", ["tanh", "sin", "atan", "silu"])
@pytest.mark.parametrize("hidden", [(4,), (2, 2)])
def test_the_right_hand_side_is_that_of_the_model(activation, hidden):
    made = model(hidden=hidden, activation=activation)
    system = delay_system(made, BOX, states=["x", "y"])
    assert system.equilibrium == (0, 0)
    assert difference(made, system) < 1e-14


@pytest.mark.parametrize("activation", WRITTEN)
def test_a_model_with_biases_is_written_around_an_equilibrium_that_is_enclosed(activation):
    made = model(n=1, activation=activation, bias=True)
    with torch.no_grad():  # a decreasing function of x = y: one equilibrium
        for weight, sign in zip(made.field.network.weights, (1, -1), strict=True):
            weight.copy_(sign * weight.abs())
        near = torch.full((1,), 0.3, dtype=DOUBLE)
        made.field.network.biases[1].sub_(made.field(torch.zeros(()), near, [near]))
    system = delay_system(made, {"x": (-4.0, 4.0)}, equilibrium="find")
    rest = torch.tensor([float(x) for x in system.equilibrium], dtype=DOUBLE)
    assert rest.item() == pytest.approx(0.3, abs=1e-9)
    assert difference(made, system) < 1e-11


def test_several_delays_have_names_of_their_own():
    made = model(delays=(0.5, 1.0))
    system = delay_system(made, {"x1": (-1.0, 1.0), "x2": (-1.0, 1.0)})
    assert system.delays == ("tau1", "tau2")
    assert difference(made, system) < 1e-14
    named = delay_system(made, BOX, states=["x", "y"], delays=["r", "s"])
    assert named.delays == ("r", "s")


@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE])
def test_weights_are_written_without_rounding(dtype):
    made = model(hidden=(), dtype=dtype)
    system = delay_system(made, BOX, states=["x", "y"])
    for row, expression in zip(made.field.network.weights[0].tolist(), system.rhs, strict=True):
        split = linear_split(expression)
        found = {str(v): c for v, c in split.coefficients.items()}
        names = ["x", "y", "x(t - tau)", "y(t - tau)"]
        assert found == {name: Fraction(w) for name, w in zip(names, row, strict=True)}


@pytest.mark.parametrize("value", [0.1, 1e-9, 2.0**-40, 123456.789, 1 / 3])
def test_decimals_are_all_of_the_binary_number(value):
    assert Fraction(decimal(value)) == Fraction(value)


def test_a_weight_that_is_zero_is_left_out():
    made = model()
    with torch.no_grad():
        made.field.network.weights[1][0] = 0.0
        made.field.network.weights[0][:, 0] = 0.0
    system = delay_system(made, BOX, states=["x", "y"])
    assert system.equations[0] == "x' = 0"
    assert "*x " not in system.equations[1]
    assert difference(made, system) < 1e-14


def test_what_is_too_long_is_refused_and_fits_when_rounded():
    made = model(hidden=(48,))
    with pytest.raises(ProblemError, match="rounded") as refusal:
        delay_system(made, BOX, states=["x", "y"])
    assert "\n" not in str(refusal.value)
    before = [p.clone() for p in made.parameters()]
    short = rounded(made, 10)
    assert all(torch.equal(a, b) for a, b in zip(made.parameters(), before, strict=True))
    for weight, old in zip(short.field.parameters(), made.field.parameters(), strict=True):
        assert torch.equal(weight * 1024, (weight * 1024).round())
        assert 0 < (weight - old).abs().max() <= 2.0**-11
    system = delay_system(short, BOX, states=["x", "y"])
    assert difference(short, system) < 1e-13
    assert difference(made, system) > 1e-5


def test_a_deep_network_is_refused_before_its_text_is_made():
    with pytest.raises(ProblemError, match="smaller network"):
        delay_system(model(hidden=(16, 16, 16, 16, 16)), BOX, states=["x", "y"])


REFUSED = {
    "time": (model(time=True), "depends on the time"),
    "relu": (model(activation="relu"), "relu"),
    "biases": (model(bias=True), "equilibrium"),
    "softplus": (model(activation="softplus"), "equilibrium"),
    "names": (model(n=1), "1 states"),
    "module": (NeuralDDE(torch.nn.Identity(), LearnedDelays([0.5])), "Identity"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_written_is_refused_in_one_line(name):
    made, what = REFUSED[name]
    with pytest.raises(ProblemError, match=what) as refusal:
        delay_system(made, BOX, states=["x", "y"])
    assert "\n" not in str(refusal.value)


def test_a_weight_that_is_not_finite_is_refused():
    made = model()
    with torch.no_grad():
        made.field.network.weights[0][0, 0] = float("nan")
    with pytest.raises(ProblemError, match="nan"):
        delay_system(made, BOX, states=["x", "y"])


@pytest.mark.parametrize("bits", [0, 53])
def test_rounding_takes_so_many_bits_only(bits):
    with pytest.raises(ProblemError, match="bits"):
        rounded(model(), bits)


@pytest.mark.parametrize("bits", [1, 12, 40])
def test_rounded_weights_of_single_precision_are_exact(bits):
    for weight in rounded(model(dtype=torch.float32), bits).field.parameters():
        scaled = weight.double() * 2.0**bits
        assert torch.equal(scaled, scaled.round())


@pytest.mark.slow
def test_a_learnt_equation_is_certified_with_a_region(tmp_path):
    """x' = -x(t - 1), learnt from trajectories by three tanh units and a delay that begins at .8."""
    times = torch.linspace(0, 3, 13, dtype=DOUBLE)
    x = torch.linspace(-1, 1, 14, dtype=DOUBLE).unsqueeze(1)
    every = Samples(times, x, solved(lambda _t, _x, past: -past[0], times, x, [1.0]))
    data = TaskData("pure delay", *(every.select(torch.arange(k, 14, 3)) for k in range(3)))
    made = model(n=1, delays=(0.8,), hidden=(3,), settings=SolverSettings(step=0.25))
    settings = FitSettings(epochs=150, batch=5, rate=0.05, decay=0.05)
    fit(made, data, settings, torch.Generator().manual_seed(0))
    assert error(made, data.test) < 0.02
    (tau,) = made.delays.values()
    system = delay_system(made, {"x": (-1.0, 1.0)})
    assert difference(made, system) < 1e-13
    certificate = certify(
        system, Constant("tau", round(tau, 3) - 0.02, round(tau, 3) + 0.02), method="quadratic"
    )
    assert certificate.rigor == "rigorous", certificate.claim
    certificate.save(tmp_path / "learnt.certdde")
    verdict = check_file(tmp_path / "learnt.certdde")
    assert verdict.valid
    assert certificate.data["region"]["radius"]["rho"] > 0


@pytest.mark.slow
def test_a_model_with_biases_is_certified_around_its_enclosed_equilibrium(tmp_path):
    made = model(n=1, hidden=(3,), bias=True)
    with torch.no_grad():
        for weight, sign in zip(made.field.network.weights, (1, -1), strict=True):
            weight.copy_(sign * weight.abs())
        near = torch.full((1,), 0.3, dtype=DOUBLE)
        made.field.network.biases[1].sub_(made.field(torch.zeros(()), near, [near]))
    system = delay_system(made, {"x": (-1.0, 1.5)}, equilibrium="find")
    certificate = certify(system, Constant("tau", 0.4, 0.6), method="quadratic")
    assert certificate.rigor == "rigorous", certificate.claim
    certificate.save(tmp_path / "biased.certdde")
    assert check_file(tmp_path / "biased.certdde").valid
    assert certificate.data["region"]["radius"]["rho"] > 0
