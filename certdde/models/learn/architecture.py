"""Modules from plain descriptions, so that saved weights can be loaded without the problem file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from certdde.models.data.samples import Samples
from certdde.models.flows import ResNetFlow
from certdde.models.learn.samples_with_delays import DelayedSamples
from certdde.models.neural_dde import NeuralDDE, SolverSettings
from certdde.models.schemes import BoundedIncrement, GatedIncrement, rollout
from certdde.solvers import ddeint, scheme

DTYPE = torch.float64


class KnownDelayModel(nn.Module):
    """A neural delay equation whose delays are told with each sample.

    Parameters
    ----------
    model : NeuralDDE
        Its own delays are not used.
    """

    def __init__(self, model: NeuralDDE) -> None:
        super().__init__()
        self.model = model

    def predict(self, samples: Samples, _index: Tensor | None = None) -> Tensor:
        """Return the states (T, samples, n)."""
        settings = self.model.settings
        return ddeint(
            self.model.field,
            samples.history(),
            samples.times,
            list(_delays_of(samples).unbind(-1)),
            method=settings.method,
            options=settings.options(),
        )


class SchemePredictor(nn.Module):
    """x[t+1] = x[t] - F(x[t - d]) over the steps of samples, each with its delay d.

    Parameters
    ----------
    increment : GatedIncrement or BoundedIncrement
        F.
    """

    def __init__(self, increment: GatedIncrement | BoundedIncrement) -> None:
        super().__init__()
        self.increment = increment

    def predict(self, samples: Samples, _index: Tensor | None = None) -> Tensor:
        """Return the states (T, samples, n)."""
        steps, delays = len(samples.times) - 1, _delays_of(samples)[:, 0]
        return rollout(self.increment, _grid(samples), delays, steps)


class FlowPredictor(nn.Module):
    """x[t+1] = F(h, x[t]; x[t - d]) over the steps of samples, each with its delay d.

    Parameters
    ----------
    flow : ResNetFlow
        F; its context is the delayed state.
    spacing : float
        h.
    """

    def __init__(self, flow: ResNetFlow, spacing: float) -> None:
        super().__init__()
        self.flow, self.spacing = flow, spacing

    def predict(self, samples: Samples, _index: Tensor | None = None) -> Tensor:
        """Return the states (T, samples, n)."""
        past, steps = _grid(samples), len(samples.times) - 1
        time = past.new_full((1, 1), self.spacing)
        return scheme(
            lambda _t, x, old: self.flow(time, x, old[0]),
            lambda t: past[len(past) - 1 + t],
            [_delays_of(samples)[:, 0]],
            steps,
        )


def build(architecture: Mapping[str, Any], generator: torch.Generator) -> nn.Module:
    """Make the module of a description, with weights drawn from a generator.

    Parameters
    ----------
    architecture : mapping
        ``model`` is dde, scheme or flow; the rest are the arguments of that kind.
    generator : torch.Generator
        On the CPU.
    """
    return _BUILDERS[architecture["model"]](architecture, generator)


def _dde(a: Mapping[str, Any], generator: torch.Generator) -> nn.Module:
    model = NeuralDDE.of(
        a["dimension"],
        a["delays"],
        a["hidden"],
        generator,
        bounds=tuple(a["bounds"]),
        learnable=a["learnable"],
        activation=a["activation"],
        bias=a["bias"],
        settings=SolverSettings(step=a["step"]),
        dtype=DTYPE,
    )
    return KnownDelayModel(model) if a["told"] else model


def _scheme(a: Mapping[str, Any], generator: torch.Generator) -> nn.Module:
    options = {
        "reads_delay": a["reads_delay"],
        "delay_scale": a["delay_scale"],
        "dtype": DTYPE,
    }
    if a["bounded"]:
        increment: GatedIncrement | BoundedIncrement = BoundedIncrement(
            a["units"], generator, a["limits"], a["least"], a["radius"], **options
        )
    else:
        increment = GatedIncrement(a["dimension"], a["units"], generator, **options)
    return SchemePredictor(increment)


def _flow(a: Mapping[str, Any], generator: torch.Generator) -> nn.Module:
    flow = ResNetFlow(
        a["dimension"],
        a["hidden"],
        generator,
        context=a["dimension"],
        span=a["spacing"],
        timed=False,
        bias=a["bias"],
        dtype=DTYPE,
    )
    return FlowPredictor(flow, a["spacing"])


_BUILDERS = {"dde": _dde, "scheme": _scheme, "flow": _flow}


def _delays_of(samples: Samples) -> Tensor:
    if not isinstance(samples, DelayedSamples) or samples.delays is None:
        raise TypeError("samples without delays")
    return samples.delays


def _grid(samples: Samples) -> Tensor:
    """Return the values before, on the grid of the steps: oldest first, the newest is the initial state."""
    return samples.initial.unsqueeze(0) if samples.past is None else samples.past.values
