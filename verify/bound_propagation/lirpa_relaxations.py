"""Relaxations of auto_LiRPA that sampling showed not to be sound, replaced by sound ones.

sin and cos: lines are interpolated between the entries of a table, which violates them by up to 5e-6.
sigmoid and tanh: tangent points are searched in float32, which near the inflection cannot tell a line that is a
bound from one that is not (a violation of 8e-10 for sigmoid).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch

from certdde.verify.bound_propagation.unary import UNARY

BY_TAYLOR = {"BoundSin": "sin", "BoundCos": "cos"}
BY_TANGENTS = {"BoundTanh": "tanh", "BoundSigmoid": "sigmoid"}
# Tangent points are moved outward by this: far more than the rounding of the search for them.
SHIFT = 1e-6


def mend(node: Any) -> None:
    """Give a node of a BoundedModule a sound relaxation, where its own is not."""
    kind = type(node).__name__
    if kind in BY_TAYLOR:
        node.bound_relax = _band(node, BY_TAYLOR[kind])
    elif kind in BY_TANGENTS:
        node.d_lower = _tangent_points(BY_TANGENTS[kind], node.step_pre, node.d_lower.numel())
        node.d_upper = -node.d_lower


def _band(node: Any, name: str) -> Any:
    """Return a relaxation: f(m) + f'(m) (x - m) + r^2/2 [least, most f''], or the range where that is narrower."""
    function = UNARY[name]

    def relax(x: Any, *_args: Any, **_options: Any) -> None:
        middle, half = (x.lower + x.upper) / 2, (x.upper - x.lower) / 2
        slope, curvature = function.slope(middle), function.curvature(x.lower, x.upper)
        below = half**2 / 2 * curvature[0].clamp(max=0)
        above = half**2 / 2 * curvature[1].clamp(min=0)
        low, high = function.range(x.lower, x.upper)
        flat = high - low < above - below
        shift = function.value(middle) - slope * middle
        node.lw = node.uw = torch.where(flat, torch.zeros_like(slope), slope)
        node.lb = torch.where(flat, low, shift + below)
        node.ub = torch.where(flat, high, shift + above)

    return relax


@lru_cache(maxsize=8)
def _tangent_points(name: str, step: float, count: int) -> torch.Tensor:
    """Return d <= 0 for u = 0, step, 2 step, ..: the tangent at d stays below f on (-inf, u].

    f is odd about (0, f(0)), convex on the left and concave on the right, so that the tangent at d is below f on the
    left of 0, and on [0, u] if it is so at u.
    """
    function = UNARY[name]
    u = step * torch.arange(count, dtype=torch.float64)

    def below(d: torch.Tensor) -> torch.Tensor:
        return function.slope(d) * (u - d) + function.value(d) <= function.value(u)

    far, near = -torch.ones_like(u), torch.zeros_like(u)
    while not below(far).all():
        far = torch.where(below(far), far, 2 * far)
    for _ in range(60):
        middle = (far + near) / 2
        good = below(middle)
        far, near = torch.where(good, middle, far), torch.where(good, near, middle)
    return far - SHIFT
