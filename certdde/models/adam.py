"""Adam, with its state in the open.

``torch.optim`` loads the compiler of torch at its first use, which takes longer than many a fit here; and this state
is a few tensors that can be kept with the weights.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Group:
    """Parameters with a learning rate and an L2 weight decay of their own."""

    parameters: tuple[nn.Parameter, ...]
    rate: float
    weight_decay: float = 0.0


@dataclass(slots=True)
class Adam:
    """m' = b1 m + (1 - b1) g, v' = b2 v + (1 - b2) g^2, p' = p - rate m^ / (sqrt v^ + eps), ^: corrected for the start.

    A parameter without gradient keeps its value and its moments.

    Parameters
    ----------
    groups : sequence of Group

    References
    ----------
    Adam: A Method for Stochastic Optimization, ICLR 2015 (arXiv 1412.6980).
    """

    groups: Sequence[Group]
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    _steps: list[int] = field(init=False)
    _first: list[Tensor] = field(init=False)
    _second: list[Tensor] = field(init=False)

    def __post_init__(self) -> None:
        parameters = [p for group in self.groups for p in group.parameters]
        self._steps = [0] * len(parameters)
        self._first = [torch.zeros_like(p, requires_grad=False) for p in parameters]
        self._second = [torch.zeros_like(p, requires_grad=False) for p in parameters]

    @torch.no_grad()
    def step(self, factor: float = 1.0) -> None:
        """Change the parameters by their gradients, with all rates times a factor."""
        place = 0
        for group in self.groups:
            for parameter in group.parameters:
                if parameter.grad is not None:
                    gradient = parameter.grad + group.weight_decay * parameter
                    self._move(place, parameter, gradient, factor * group.rate)
                place += 1

    def _move(self, place: int, parameter: nn.Parameter, gradient: Tensor, rate: float) -> None:
        b1, b2 = self.betas
        self._steps[place] += 1
        count = self._steps[place]
        first = self._first[place].lerp_(gradient, 1 - b1)
        second = self._second[place].mul_(b2).addcmul_(gradient, gradient, value=1 - b2)
        root = second.sqrt().div_(math.sqrt(1 - b2**count)).add_(self.eps)
        parameter.addcdiv_(first, root, value=-rate / (1 - b1**count))

    def state(self) -> dict[str, Tensor]:
        """Return the moments and the numbers of steps."""
        tensors = {"steps": torch.tensor(self._steps, dtype=torch.int64)}
        tensors |= {f"first.{i}": m for i, m in enumerate(self._first)}
        return tensors | {f"second.{i}": m for i, m in enumerate(self._second)}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take what ``state`` returned.

        Raises
        ------
        KeyError
            If it is that of other parameters.
        """
        self._steps = state["steps"].tolist()
        for i, (first, second) in enumerate(zip(self._first, self._second, strict=True)):
            first.copy_(state[f"first.{i}"])
            second.copy_(state[f"second.{i}"])
