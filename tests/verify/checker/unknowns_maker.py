"""Certificates with parameters in intervals and with enclosed equilibria, made by hand for the tests."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from . import maker, writer

ONE = np.eye(1)


def scalar(
    equation: str,
    slopes: list[tuple[float, float]],
    domain: list[float],
    *,
    parameters: dict[str, Any] | None = None,
    equilibrium: Any = 0.0,
    breaks: tuple[float, ...] = (0.0, 0.2, 0.4),
    share: float = 0.8,
    axes: int = 1,
) -> maker.Draft:
    """A certificate for x' = f; `slopes` are vertices (a, b) of f = a x + b y, `axes` the number of constants."""
    vertices = [(a * ONE, b * ONE) for a, b in slopes]
    arrays = maker.quadratic_arrays(maker.lmi(vertices, list(breaks), 1), list(breaks))
    document = writer.document(
        ["x"],
        [equation],
        [breaks[0], breaks[-1]],
        1,
        [{}],
        {"x": domain},
        (["x"], ["x"]),
        [1.0],
        (0.1, 0.1),
        parameters,
        {"x": equilibrium},
    )
    return maker.finish(maker.Draft(document, [arrays]), [4, 4] + [1] * axes, share)


def uncertain() -> maker.Draft:
    """x' = -a (1 + x) x(t - tau), a in [0.9, 1.1]."""
    slopes = [(0.0, -0.45), (0.0, -2.2)]
    equation = "x' = -a*(1 + x)*x(t - tau)"
    return scalar(equation, slopes, [-0.5, 1.0], parameters={"a": [0.9, 1.1]})


def saturated() -> maker.Draft:
    """A rate with two unknown constants and one known; f(0, 0) = 0 only if 0 / (b + 0) is seen to be 0."""
    equation = "x' = -a*x(t - tau)*exp(c*b)/(b + x^2)*b/exp(b*c)"
    slopes = [(0.0, -0.4), (0.0, -1.2)]
    given = {"a": [0.9, 1.1], "b": [1.0, 1.2], "c": 0.5}
    return scalar(equation, slopes, [-0.5, 0.5], parameters=given, axes=2)


ROOTS = (1.0916079783099617, -0.0916079783099616)  # of 0.1 + x - x^2


def enclosed(box: tuple[float, float] = (1.0916079783, 1.0916079784)) -> maker.Draft:
    """x' = 0.1 + x (1 - x(t - tau)), at the larger root of 0.1 + x - x^2."""
    equation = "x' = 0.1 + x*(1 - x(t - tau))"
    slopes = [(-a, -b) for a in (0.0, 0.2) for b in (0.5, 2.0)]
    return scalar(equation, slopes, [0.5, 2.0], equilibrium=list(box), breaks=(0.0, 0.2))


def moving() -> maker.Draft:
    """x' = r x (1 - x(t - tau) / K): the equilibrium is K, unknown in an interval."""
    return scalar(
        "x' = r*x*(1 - x(t - tau)/K)",
        [(a, -b) for a in (-0.1, 0.1) for b in (0.5, 1.8)],
        [0.7, 1.5],
        parameters={"K": [0.98, 1.02], "r": [0.9, 1.1]},
        equilibrium=[0.96, 1.04],
        breaks=(0.0, 0.2),
        share=0.5,
        axes=3,
    )


def pushed() -> maker.Draft:
    """A pendulum with a constant push: theta* = (0.2 + sin theta*) / 2, omega* = 0."""
    breaks = [0.0, 0.1]
    delayed = np.array([[0, 0], [-2, -1.5]])
    vertices = [(np.array([[0, 1], [a, 0]]), delayed) for a in (np.cos(1.2), 1.0)]
    arrays = maker.quadratic_arrays(maker.lmi(vertices, breaks, 1), breaks)
    document = writer.document(
        ["theta", "omega"],
        ["theta' = omega", "omega' = 0.2 + sin(theta) - 2*theta(t - tau) - 1.5*omega(t - tau)"],
        breaks,
        1,
        [{}],
        {"theta": [-0.8, 1.2], "omega": [-1, 1]},
        (["theta"], []),
        [1.0],
        (0.1, 0.1),
        None,
        {"theta": [0.19869, 0.1987], "omega": [-1e-05, 1e-05]},
    )
    return maker.finish(maker.Draft(document, [arrays]), [4, 1], 0.75)


def constant_drift() -> maker.Draft:
    """x' = a - 3 x(t - tau), a in [1, 2], a global claim about the equilibrium a / 3."""
    draft = maker.linear_scalar(1, 0.25)
    breaks = np.linspace(0, 0.25, 5).tolist()
    arrays = maker.quadratic_arrays(maker.lmi([(0 * ONE, -3 * ONE)], breaks, 1), breaks)
    system = draft.document["system"]
    system |= {"equations": ["x' = a - 3*x(t - tau)"], "parameters": {"a": [1, 2]}}
    system["equilibrium"] = {"x": [0.3, 0.7]}
    return maker.Draft(draft.document, [arrays])


def about(draft: maker.Draft, **system: Any) -> maker.Draft:
    """The same arrays with another `system`."""
    changed = copy.deepcopy(draft)
    changed.document["system"] |= system
    return changed
