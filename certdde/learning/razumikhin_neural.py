"""Neural Razumikhin functions: training and multipliers in turn, then the loop of training and proof."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from scipy.optimize import linprog

from certdde.functionals import Functional
from certdde.inequalities.razumikhin import Razumikhin
from certdde.learning.cegis import Searched, search
from certdde.learning.neural import NeuralFunctional, Shape
from certdde.learning.sampled import Sampled
from certdde.learning.task import Task
from certdde.learning.training import Trainer
from certdde.systems.scaling import Scaling
from certdde.verify.razumikhin.nonlinear import Choice
from certdde.verify.razumikhin.points import LEAST

REGION = 0.3  # weight of the region; 2, that of functionals, pushes D above 0 (Hutchinson, tau up to 0.3)
TURNS, STEPS, SAMPLES = 2, 600, 4000


def search_neural(task: Task, choice: Choice, scaling: Scaling) -> tuple[Searched, Razumikhin]:
    """Look for a neural Razumikhin function, from a quadratic one and its multipliers (in scaled units).

    Returns
    -------
    Searched, Razumikhin
        The outcome, and the conditions that it is about, in the user's time.
    """
    states = tuple(range(task.system.dimension))
    settings = replace(
        task.settings,
        order=0,
        moments=0,
        training=replace(task.settings.training, region=REGION),
    )
    choices = settings.choices
    shape = Shape(
        states,
        (),
        settings.hidden,
        settings.outputs,
        tied=True,
        activation=choices.activation,
        even=choices.symmetry == "even",
    )
    start, reduction = warm(task, choice, scaling, shape)
    reduction = reduction.in_time(1 / float(scaling.time))
    found = search(
        task.system,
        0.0,
        reduction.window or float(scaling.time),
        settings,
        enclose=task.enclose,
        cover=lambda _lower, _upper: reduction,
        start=scaling.invert(start),
        shape=shape,
        directory=task.directory,
        progress=task.progress,
    )
    if found is None:  # only without a start
        message = "the search had a start"
        raise RuntimeError(message)
    return found, reduction


def warm(
    task: Task, choice: Choice, scaling: Scaling, shape: Shape
) -> tuple[Functional, Razumikhin]:
    """Train for a while, with the best multipliers for what was reached in between; all in scaled units."""
    generator = torch.Generator().manual_seed(task.settings.seed)
    system, reduction = scaling.apply(task.system), choice.reduction
    module = NeuralFunctional(choice.functional, reduction.longest, shape, generator)
    trainer = Trainer(system, reduction, module, generator)
    training = replace(
        task.settings.training, region=REGION, steps=min(STEPS, task.settings.training.steps)
    )
    for _ in range(TURNS):
        trainer.cover = reduction
        trainer.run(training, stop=task.late, progress=_reporter(task))
        reduction = best_multipliers(trainer, reduction)
    return module.frozen(), reduction


def _reporter(task: Task) -> Callable[[int, float], None]:
    def report(step: int, worst: float) -> None:
        if task.progress:
            info = {"round": 0, "step": step, "steps": STEPS, "margin": -worst}
            task.progress("training", info)

    return report


def best_multipliers(trainer: Trainer, reduction: Razumikhin) -> Razumikhin:
    """Return the multipliers with the largest margin at sampled points, for the function as it is.

    Every condition is affine in them, for the features of a network hold all variables: nothing is eliminated.
    """
    functional, size = trainer.module.frozen(), len(reduction.beta)
    problem = Sampled.of(trainer.system, reduction, functional)
    points = torch.cat([problem.sample(SAMPLES, trainer.generator), trainer.hard])

    def rates(beta: np.ndarray) -> np.ndarray:
        there = replace(problem, reduction=replace(reduction, beta=tuple(beta)))
        values = there.rates(functional, there.forms(functional)[0], points)
        return values.numpy().ravel()

    constant = rates(np.zeros(size))
    slopes = np.stack([rates(row) - constant for row in np.eye(size)], axis=1)
    margin = np.ones((len(constant), 1))
    bounds = [(LEAST, None)] * size + [(None, None)]
    cost = np.append(np.zeros(size), -1.0)
    found = linprog(cost, np.hstack([slopes, margin]), -constant, bounds=bounds)
    if found.x is None or not np.isfinite(found.x).all():
        return reduction
    return replace(reduction, beta=tuple(float(b) for b in found.x[:size]))
