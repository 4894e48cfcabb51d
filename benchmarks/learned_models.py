"""The models of benchmarks/learned.py, each with ``predict``; peers are imported when they are made."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from certdde.models.data import Samples, TaskData
from certdde.models.learned_delays import LearnedDelays
from certdde.models.mlp import MLPField
from certdde.models.neural_dde import NeuralDDE, SolverSettings


@dataclass(frozen=True, slots=True)
class Setting:
    """What all models of a cell share.

    ``step`` is that of RK4; ``delay`` is where a learnt delay begins, within ``bounds``.
    """

    dimension: int
    step: float
    delay: float
    bounds: tuple[float, float]
    dtype: torch.dtype = torch.float32

    @classmethod
    def of(cls, task: TaskData, step: float) -> "Setting":
        """Choose the delay by the span of the data alone: an eighth of it, at most all that is known of the past."""
        span = float(task.train.times[-1] - task.train.times[0])
        past = task.train.past
        most = span if past is None else 0.95 * float(past.times[-1] - past.times[0])
        return cls(task.dimension, step, span / 8, (step / 10, min(span, most)))


def neural_dde(setting: Setting, width: int, generator: torch.Generator) -> nn.Module:
    """One learnable delay, two hidden layers."""
    return NeuralDDE.of(
        setting.dimension,
        [setting.delay],
        [width, width],
        generator,
        bounds=setting.bounds,
        settings=SolverSettings(step=setting.step),
        dtype=setting.dtype,
    )


def neural_ode(setting: Setting, width: int, generator: torch.Generator) -> nn.Module:
    """The same without delay, by our solver."""
    return NeuralDDE.of(
        setting.dimension,
        [],
        [width, width],
        generator,
        settings=SolverSettings(step=setting.step),
        dtype=setting.dtype,
    )


class Augmented(nn.Module):
    """An ordinary equation with as many states again, which begin at 0 (arXiv 1904.01681)."""

    def __init__(self, setting: Setting, width: int, generator: torch.Generator) -> None:
        super().__init__()
        self.extra = max(2, setting.dimension)
        wide = Setting(
            setting.dimension + self.extra,
            setting.step,
            setting.delay,
            setting.bounds,
            setting.dtype,
        )
        self.model = neural_ode(wide, width, generator)

    def predict(self, samples: Samples, index: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """Return the states without the additional ones."""
        start = samples.initial
        zeros = start.new_zeros(*start.shape[:-1], self.extra)
        return self.model(torch.cat([start, zeros], dim=-1), samples.times)[..., : start.shape[-1]]


class TorchDiffEq(nn.Module):
    """A neural ordinary equation by torchdiffeq's RK4."""

    def __init__(self, setting: Setting, width: int, generator: torch.Generator) -> None:
        super().__init__()
        from torchdiffeq import odeint

        self.solve, self.step = odeint, setting.step
        self.field = MLPField(setting.dimension, 0, [width, width], generator, dtype=setting.dtype)

    def predict(self, samples: Samples, index: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """Return the states."""
        field = lambda t, x: self.field(t, x, [])  # noqa: E731
        options = {"step_size": self.step}
        return self.solve(field, samples.initial, samples.times, method="rk4", options=options)


class TorchDDE(nn.Module):
    """A neural delay equation by torchdde's RK4, differentiated through its steps; its delay has our bounds."""

    def __init__(self, setting: Setting, width: int, generator: torch.Generator) -> None:
        super().__init__()
        from torchdde import integrate
        from torchdde.solver.rk4 import RK4

        self.solve, self.method, self.step = integrate, RK4(), setting.step
        self.field = MLPField(setting.dimension, 1, [width, width], generator, dtype=setting.dtype)
        self.delays = LearnedDelays([setting.delay], *setting.bounds, dtype=setting.dtype)

    def predict(self, samples: Samples, index: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """Return the states."""
        known, times = samples.history(), samples.times
        constant = isinstance(known, Tensor)

        def history(t: Tensor) -> Tensor:
            return known if constant else known(t.reshape(1))

        def field(t: Tensor, x: Tensor, _args: object, history: Sequence[Tensor]) -> Tensor:
            return self.field(t, x, history)

        states = self.solve(
            field,
            self.method,
            times[0],
            times[-1],
            times,
            history,
            None,
            dt0=times.new_tensor(self.step),
            delays=self.delays(),
            discretize_then_optimize=True,
            max_steps=100_000,
        )
        return states.transpose(0, 1)


class LSTM(nn.Module):
    """Reads the past as far as there is one, then steps from time to time on its own predictions."""

    def __init__(self, setting: Setting, width: int, generator: torch.Generator) -> None:
        super().__init__()
        self.width, n = width, setting.dimension
        self.cell = nn.utils.skip_init(nn.LSTMCell, n + 1, width, dtype=setting.dtype)
        self.head = nn.utils.skip_init(nn.Linear, width, n, dtype=setting.dtype)
        with torch.no_grad():
            for parameter in self.parameters():
                unit = torch.rand(parameter.shape, generator=generator, dtype=torch.float64)
                parameter.copy_((2 * unit - 1) / math.sqrt(width))

    def predict(self, samples: Samples, index: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """Return the states."""
        x = samples.initial
        memory = (x.new_zeros(len(x), self.width), x.new_zeros(len(x), self.width))
        if samples.past is not None:
            past = samples.past
            for value, gap in zip(past.values[:-1], past.times.diff(), strict=True):
                memory = self._advanced(value, gap, memory)
        states = [x]
        for gap in samples.times.diff():
            memory = self._advanced(x, gap, memory)
            x = x + self.head(memory[0])
            states.append(x)
        return torch.stack(states)

    def _advanced(
        self, x: Tensor, gap: Tensor, memory: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        seen: tuple[Tensor, Tensor] = self.cell(
            torch.cat([x, gap.expand(len(x), 1)], dim=-1), memory
        )
        return seen


Maker = Callable[[Setting, int, torch.Generator], nn.Module]
MODELS: Mapping[str, Maker] = {
    "neural DDE": neural_dde,
    "neural ODE": neural_ode,
    "augmented neural ODE": Augmented,
    "neural ODE, torchdiffeq": TorchDiffEq,
    "neural DDE, torchdde": TorchDDE,
    "LSTM": LSTM,
}


def parameters(model: nn.Module) -> int:
    """Return the number of parameters."""
    return sum(p.numel() for p in model.parameters())


def sized(make: Maker, setting: Setting, target: int, seed: int) -> nn.Module:
    """Return the model whose width makes its number of parameters nearest to the target."""

    def made(width: int) -> nn.Module:
        return make(setting, width, torch.Generator().manual_seed(seed))

    low, high = 1, 2
    while parameters(made(high)) < target:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if parameters(made(middle)) < target else (low, middle)
    return made(min((low, high), key=lambda width: abs(parameters(made(width)) - target)))
