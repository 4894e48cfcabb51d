"""The models of benchmarks/flows.py, each with ``predict``; the peer is imported when a model of it is made."""

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor, nn

from certdde.models.data import Samples
from certdde.models.flows import Clock, Composite, Flow, GRUFlow, ResNetFlow, coupling_flow
from certdde.models.mlp import MLPField
from certdde.models.neural_dde import NeuralDDE, SolverSettings

END, STEP = 10.0, 0.05
HIDDEN = [64, 64, 64]  # of the ordinary equations
WAVES, START = 32, 0.3  # frequencies of a clock; the time in which a flow leaves the identity
LARGEST = 10.0  # of a state, for the flow that lives on a cube
Maker = Callable[[int, torch.Generator], nn.Module]


class OfFlow(nn.Module):
    """F(t, x0) at each sample's own times, x0 divided by ``scale`` first."""

    def __init__(self, flow: Flow, scale: float = 1.0) -> None:
        super().__init__()
        self.flow, self.scale = flow, scale

    def predict(self, samples: Samples, index: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """Return the states."""
        return self.scale * self.flow(samples.times.unsqueeze(-1), samples.initial / self.scale)


def ode(states: int, generator: torch.Generator, *, time: bool = True) -> nn.Module:
    """Return x' = f(t, x) by our RK4, step .05."""
    return NeuralDDE.of(
        states,
        [],
        HIDDEN,
        generator,
        time=time,
        activation="elu",
        settings=SolverSettings(step=STEP),
    )


class OnGrid(nn.Module):
    """The same by torchdiffeq's RK4 on one grid for all samples, and Hermite's cubic between its points."""

    def __init__(self, states: int, generator: torch.Generator) -> None:
        super().__init__()
        from torchdiffeq import odeint

        self.solve = odeint
        self.field = MLPField(states, 0, HIDDEN, generator, time=True, activation="elu")

    def predict(self, samples: Samples, index: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """Return the states."""
        last = int(torch.ceil(samples.times.max() / STEP))
        grid = STEP * torch.arange(last + 1, dtype=samples.times.dtype)
        states = self.solve(lambda t, x: self.field(t, x, []), samples.initial, grid, method="rk4")
        slopes = STEP * self.field(grid.reshape(-1, 1, 1), states, [])
        place = (samples.times / STEP).long().clamp(max=last - 1)
        u = (samples.times / STEP - place).unsqueeze(-1)
        each = torch.arange(len(samples))
        a, b = states[place, each], states[place + 1, each]
        p, q = slopes[place, each], slopes[place + 1, each]
        rise = u * u * (3 - 2 * u)
        return a + rise * (b - a) + u * (1 - u) * ((1 - u) * p - u * q)


class OnUnitTime(nn.Module):
    """The same in the published form: each value by 20 steps of torchdiffeq's RK4 over [0, 1] in t / (its time)."""

    def __init__(self, states: int, generator: torch.Generator) -> None:
        super().__init__()
        from torchdiffeq import odeint

        self.solve = odeint
        self.field = MLPField(states, 0, HIDDEN, generator, time=True, activation="elu")

    def predict(self, samples: Samples, index: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """Return the states."""
        times = samples.times.unsqueeze(-1)
        start = samples.initial.expand(*samples.times.shape, -1)
        field = lambda u, x: times * self.field(u * times, x, [])  # noqa: E731
        options = {"step_size": STEP}
        return self.solve(
            field, start, times.new_tensor([0.0, 1.0]), method="rk4", options=options
        )[1]


def coupling(states: int, generator: torch.Generator) -> nn.Module:
    """Coupling layers."""
    return OfFlow(
        coupling_flow(
            states,
            6,
            [32, 32],
            generator,
            span=START,
            clock=Clock(64, WAVES, generator, span=END),
            gated=True,
        )
    )


def resnet(states: int, generator: torch.Generator) -> nn.Module:
    """Layers x + phi(t) g(t, x) with a contraction g."""
    clock = Clock(64, WAVES, generator, span=END)
    parts = [
        ResNetFlow(states, [64], generator, bound=0.97, span=START, timed=False, context=clock.size)
        for _ in range(4)
    ]
    return OfFlow(Composite(parts, clock))


def gru(states: int, generator: torch.Generator) -> nn.Module:
    """GRU layers, on the cube of side 20."""
    clock = Clock(64, WAVES, generator, span=END)
    parts = [
        GRUFlow(states, [64], generator, span=START, timed=False, context=clock.size)
        for _ in range(2)
    ]
    return OfFlow(Composite(parts, clock), LARGEST)


FLOWS: Mapping[str, Maker] = {"coupling flow": coupling, "ResNet flow": resnet, "GRU flow": gru}
BASELINES: Mapping[str, Maker] = {
    "neural ODE": ode,
    "neural ODE without t": partial(ode, time=False),
}
MODELS: Mapping[str, Maker] = {**BASELINES, **FLOWS}
AUTONOMOUS = ("sink", "ellipse")
"""The tasks that an equation without t can describe; it is fitted to these only."""
FORMS: Mapping[str, Maker] = {
    "neural ODE, torchdiffeq": OnGrid,
    "neural ODE, torchdiffeq, published form": OnUnitTime,
}
"""The baseline in other hands: their seconds are measured, not their errors."""


def parameters(model: nn.Module) -> int:
    """Return the number of parameters."""
    return sum(p.numel() for p in model.parameters())
