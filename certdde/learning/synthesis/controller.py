"""The controller that is trained: a network of tanh units that is 0 at the equilibrium, whatever its weights."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from certdde.systems.delay_system import DelaySystem
from certdde.systems.expressions import Variable, calls, evaluate
from certdde.systems.feedforward import Feedforward, Step
from certdde.systems.torch_functions import apply_function

IMITATION_STEPS, IMITATION_RATE, POINTS = 600, 2e-2, 200


@dataclass(frozen=True, slots=True)
class Inputs:
    """The box of a network's inputs over the domain: its middle is their value at the equilibrium.

    Attributes
    ----------
    origin, radius : (p,) Tensor
        No radius is 0.
    """

    origin: torch.Tensor
    radius: torch.Tensor

    @classmethod
    def of(cls, system: DelaySystem, name: str) -> Inputs:
        """Take the arguments of the network's calls at points drawn in the domain of a system."""
        network, generator = system.networks[name], torch.Generator().manual_seed(0)
        origin = torch.tensor(network.origin or (0.0,) * network.inputs, dtype=torch.float64)
        ends = torch.tensor(
            [[float(lo), float(hi)] for lo, hi in system.domain or ()], dtype=torch.float64
        )
        radius = torch.zeros(network.inputs, dtype=torch.float64)
        lags = (None, *((delay, multiple) for delay, multiple in system.lags))
        values = {}
        for lag in lags:
            unit = torch.rand(1000, len(ends), generator=generator, dtype=torch.float64)
            unit[:500] = unit[:500].round()
            for i, state in enumerate(system.states):
                at = ends[i, 0] + (ends[i, 1] - ends[i, 0]) * unit[:, i]
                values[Variable(state) if lag is None else Variable(state, *lag)] = at
        for call in (c for e in system.rhs for c in calls(e) if c.network == network):
            for i, argument in enumerate(call.arguments):
                found = torch.as_tensor(evaluate(argument, values, apply_function))
                reach = float((found - origin[i]).abs().max())
                radius[i] = max(float(radius[i]), reach)
        return cls(origin, radius.clamp(min=1e-6))


class Controller(nn.Module):
    """u(w) = size * N((w - origin) / radius), N without biases.

    Parameters
    ----------
    inputs : Inputs
    widths : sequence of int
        Of the hidden layers.
    size : (m,) Tensor
        Of the outputs.
    generator : torch.Generator
        Draws the weights.
    """

    origin: torch.Tensor
    radius: torch.Tensor
    size: torch.Tensor

    def __init__(
        self,
        inputs: Inputs,
        widths: Sequence[int],
        size: torch.Tensor,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        for name, value in (
            ("origin", inputs.origin),
            ("radius", inputs.radius),
            ("size", size),
        ):
            self.register_buffer(name, value)
        sizes = [len(inputs.origin), *widths, len(size)]
        drawn = [
            torch.randn(b, a, generator=generator, dtype=torch.float64) / a**0.5
            for a, b in itertools.pairwise(sizes)
        ]
        self.weights = nn.ParameterList([nn.Parameter(w) for w in drawn])

    def forward(self, w: torch.Tensor) -> torch.Tensor:
        """Return u, (..., p) to (..., m)."""
        value = (w - self.origin) / self.radius
        for k, weight in enumerate(self.weights):
            value = (torch.tanh(value) if k else value) @ weight.T
        return value * self.size

    def live(self) -> Feedforward:
        """Return it as a network of equations whose weights are the parameters themselves."""
        ones = 1 / self.radius
        steps = [Step("scale", (0,), ones, -self.origin * ones)]
        for k, weight in enumerate(self.weights):
            if k:
                steps.append(Step("tanh", (len(steps),)))
            steps.append(Step("affine", (len(steps),), weight, torch.zeros(len(weight)).double()))
        steps.append(Step("scale", (len(steps),), self.size, torch.zeros_like(self.size)))
        return Feedforward(len(self.origin), tuple(steps))

    def network(self) -> Feedforward:
        """Return it as a network of equations as it is now, its scales in the first and last layer."""
        steps: list[Step] = []
        for k, each in enumerate(self.weights):
            weight = each.detach().clone()
            bias = torch.zeros(len(weight), dtype=torch.float64)
            if k == 0:
                weight = weight / self.radius
                bias = -weight @ self.origin
            else:
                steps.append(Step("tanh", (len(steps),)))
            if k == len(self.weights) - 1:
                weight, bias = weight * self.size[:, None], bias * self.size
            steps.append(Step("affine", (len(steps),), weight.numpy(), bias.numpy()))
        return Feedforward(len(self.origin), tuple(steps))

    def gains(self) -> np.ndarray:
        """Return du/dw at the equilibrium, (m, p)."""
        product = torch.eye(len(self.origin), dtype=torch.float64)
        with torch.no_grad():
            for weight in self.weights:
                product = weight @ product
            found: np.ndarray = (self.size[:, None] * product / self.radius).numpy()
        return found

    def set_gains(self, gains: np.ndarray) -> None:
        """Change the last layer, as little as possible, so that du/dw at the equilibrium is ``gains``."""
        with torch.no_grad():
            inner = torch.eye(len(self.origin), dtype=torch.float64)
            for weight in list(self.weights)[:-1]:
                inner = weight @ inner
            wanted = torch.as_tensor(gains) * self.radius / self.size[:, None]
            missing = wanted - self.weights[-1] @ inner
            self.weights[-1] += missing @ torch.linalg.pinv(inner)

    def imitate(self, gains: np.ndarray, generator: torch.Generator) -> None:
        """Fit it to u = gains (w - origin) over the box of inputs, values and slopes, and to the gains exactly at 0."""
        linear = torch.as_tensor(gains) * self.radius / self.size[:, None]
        optimiser = torch.optim.Adam(self.parameters(), lr=IMITATION_RATE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, IMITATION_STEPS)
        for _ in range(IMITATION_STEPS):
            unit = torch.rand(POINTS, len(self.origin), generator=generator, dtype=torch.float64)
            z = 2 * unit - 1
            z[: POINTS // 3] *= 0.1
            value, slope = (
                z,
                torch.eye(len(self.origin), dtype=torch.float64).expand(POINTS, -1, -1),
            )
            for k, weight in enumerate(self.weights):
                if k:
                    value = torch.tanh(value)
                    slope = (1 - value.square())[..., None] * slope
                value, slope = value @ weight.T, weight @ slope
            loss = 4 * (value - z @ linear.T).square().mean() + (slope - linear).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        self.set_gains(gains)
