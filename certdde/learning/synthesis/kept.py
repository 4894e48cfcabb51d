"""What is kept of a run on the disk, in tensors and plain values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch

from certdde.delays.classes import Constant
from certdde.functionals import Functional
from certdde.learning.area import certified_share
from certdde.learning.finish import constant_cover, finish
from certdde.learning.synthesis.controller import Controller
from certdde.learning.synthesis.stage import MAX_BOXES, Closed, Stage
from certdde.systems.controller_problem import ControllerProblem
from certdde.verify.bound_propagation.branch import Settings

NONE: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Kept:
    """The best loop, and the state of a stage between two rounds.

    Attributes
    ----------
    best : dict or None
        Delay and functional of the best loop.
    weights : dict
        Of its controller.
    stage : dict
        Empty outside a stage.
    """

    best: dict[str, Any] | None
    weights: dict[str, Any]
    stage: dict[str, Any]

    @classmethod
    def of(cls, best: Closed | None, weights: dict[str, Any], stage: Stage | None) -> Kept:
        """Take what is to be kept."""
        kept: dict[str, Any] | None = None
        if best is not None:
            ends = [best.delay.name, best.delay.lower, best.delay.upper]
            kept = {"delay": ends, "functional": _plain(best.part.functional)}
        if stage is None:
            return cls(kept, weights, NONE)
        inner = {
            "functional": _plain(stage.functional) if stage.functional else None,
            "failing": stage.failing,
            "generator": stage.generator.get_state(),
            "region": stage.training.region,
            "margin": stage.training.margin,
        }
        return cls(kept, weights, inner)

    def plain(self) -> dict[str, Any]:
        """Return it as entries of a checkpoint."""
        return {"best": self.best, "weights": self.weights, "stage": self.stage}

    @classmethod
    def read(cls, state: dict[str, Any]) -> Kept:
        """Read what ``plain`` returned."""
        return cls(state["best"], state["weights"], state["stage"])

    def into(self, stage: Stage) -> None:
        """Put a stage where it was."""
        kept = self.stage
        stage.functional = _functional(kept["functional"]) if kept["functional"] else None
        stage.failing = kept["failing"]
        stage.generator.set_state(kept["generator"])
        stage.training = replace(stage.training, region=kept["region"], margin=kept["margin"])


def closed_again(
    problem: ControllerProblem, controller: Controller, best: dict[str, Any]
) -> Closed | None:
    """Prove a loop again."""
    network = controller.network()
    system, delay = problem.build(network), Constant(*best["delay"])
    cover = constant_cover(delay.lower, delay.upper)
    settings = Settings(max_boxes=MAX_BOXES)
    part = finish(system, _functional(best["functional"]), cover, settings).part
    if part is None:
        return None
    share = certified_share(system, [part])
    return Closed(network, system, delay, part, 1.0 if share is None else share)


def _plain(functional: Functional) -> dict[str, Any]:
    return {
        "order": functional.order,
        "P": functional.P.clone(),
        "S": functional.S.clone(),
        "R": functional.R.clone(),
    }


def _functional(kept: dict[str, Any]) -> Functional:
    order: int = kept["order"]
    p: torch.Tensor = kept["P"]
    return Functional(order, p, kept["S"], kept["R"])
