"""What a model of each kind has to offer to the command that learns it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from certdde.models.data.task import TaskData

Box = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Equations:
    """What a model is in the grammar of problem files.

    Attributes
    ----------
    texts : tuple of str
        One equation a state.
    ranges : mapping from delay to (lower, upper)
        For which delays they were learnt; of a scheme in steps.
    equilibrium : mapping from state to float, or None
        About where it is; None: 0.
    """

    texts: tuple[str, ...]
    ranges: Mapping[str, tuple[float, float]]
    equilibrium: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Learner(ABC):
    """A model with its data.

    Attributes
    ----------
    module : Module
        With ``predict``; trained in place.
    data : TaskData
        ``test`` are whole trajectories.
    architecture : dict
        Plain numbers and text from which :func:`certdde.models.learn.architecture.build` makes the module again.
    names, delay_names : tuple of str
        Of the states and of the delays.
    """

    module: nn.Module
    data: TaskData
    architecture: dict[str, Any]
    names: tuple[str, ...]
    delay_names: tuple[str, ...]

    @abstractmethod
    def finish(self) -> None:
        """Change the trained module as the settings ask, before anything is measured or written."""

    @abstractmethod
    def delays(self) -> list[dict[str, Any]]:
        """Return for each delay its ``name``, and ``learned``, ``start``, ``bounds`` or ``known`` (a range)."""

    @abstractmethod
    def equations(self, box: Box) -> Equations:
        """Return the model as equations.

        Raises
        ------
        ProblemError
            If it cannot be written; what stands in the way, and what would be right.
        """

    @abstractmethod
    def graph(self) -> Any:
        """Return the model as an ONNX graph, with float64 inputs ``x`` and ``x_<delay>``.

        Raises
        ------
        MissingPackageError
            If onnx is not installed.
        """
