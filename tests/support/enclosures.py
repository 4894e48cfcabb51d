"""Samples against which enclosures are tested: expressions evaluated in 40 digits, random boxes, networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mpmath
import torch
from feedforward_networks import gated, layered

from certdde.functionals.algebra import column
from certdde.systems.expressions import FUNCTIONS, Expression, Variable, evaluate
from certdde.systems.grammar import Names, parse_equation

MP = mpmath.mp.clone()
MP.dps = 40
EXACT = {
    **{name: getattr(MP, name) for name in FUNCTIONS if name not in ("sigmoid", "relu")},
    "sigmoid": lambda z: 1 / (1 + MP.exp(-z)),
    "relu": lambda z: max(z, MP.mpf(0)),
}
NAMES = Names(
    ("x", "y"),
    {},
    ("tau",),
    {
        "u": layered(3, [2, 5, 4, 1], "tanh"),
        "r": layered(4, [2, 6, 1], "relu"),
        "s": layered(5, [2, 4, 1], "sigmoid", shifted=True),
        "p": gated(6),
    },
)
XY = (Variable("x"), Variable("y"))

# Text, and the box in which every sub-expression is defined. Written so that all operations occur, alone and nested.
SMOOTH = {
    "x + 2*y - 0.5": (-3.0, 3.0),
    "x*y": (-2.0, 2.0),
    "x*x": (-2.0, 2.0),
    "x/(2.5 + y)": (-2.0, 2.0),
    "1/(3 - x)": (-2.0, 2.0),
    "x**2": (-2.0, 2.0),
    "x**3": (-2.0, 2.0),
    "x**5 - y**4": (-1.5, 1.5),
    "(x + 3)**-1": (-2.0, 2.0),
    "(x - 3)**-3": (-2.0, 2.0),
    "x**0 + x**1": (-2.0, 2.0),
    "sin(x)": (-7.0, 7.0),
    "cos(x)": (-7.0, 7.0),
    "tan(x)": (-1.4, 1.4),
    "tanh(x)": (-4.0, 4.0),
    "exp(x)": (-3.0, 2.0),
    "log(x + 3)": (-2.5, 2.0),
    "sqrt(x + 3)": (-2.5, 2.0),
    "sigmoid(x)": (-5.0, 5.0),
    "atan(x)": (-4.0, 4.0),
    "sin(x*y) + cos(x - y)**2": (-2.0, 2.0),
    "tanh(2*x - y)*exp(-x**2)": (-1.5, 1.5),
    "x*(1 - y)/(1 + x**2)": (-2.0, 2.0),
    "sqrt(1 + x**2)*atan(y/(1 + exp(x)))": (-2.0, 2.0),
    "log(2 + sin(x))*sigmoid(3*y)": (-3.0, 3.0),
    "tan(0.5*tanh(x))/(2 + cos(y))": (-3.0, 3.0),
    "exp(sin(x)) - exp(sin(y))": (-3.0, 3.0),
    "(x + y)**3/(4 - x*y)": (-1.5, 1.5),
}


# Continuous, but not smooth where a relu has its kink.
KINKED = {
    "relu(x)": (-2.0, 2.0),
    "relu(x - y)*tanh(y)": (-2.0, 2.0),
    "clip(2*x + y, -1, 1.5)": (-2.0, 2.0),
    "relu(relu(x) - 0.5)**2": (-2.0, 2.0),
    "r(x, y)": (-2.0, 2.0),
    "p(x, sin(y))": (-2.0, 2.0),
}
SMOOTH |= {"u(x, y)": (-1.5, 1.5), "x*s(y, x + 0.5)": (-1.5, 1.5), "u(x, 0.25)": (-1.5, 1.5)}


def parse(text: str) -> Expression:
    return parse_equation(f"x' = {text}", NAMES)[1]


def call(name: str, value: Any) -> Any:
    """What a named function is on floats, tensors, 40 digits and enclosures."""
    if isinstance(value, mpmath.ctx_mp_python._mpf):
        return EXACT[name](value)
    if isinstance(value, float):
        return float(EXACT[name](MP.mpf(value)))
    if isinstance(value, torch.Tensor):
        return getattr(torch, name)(value)
    return value.call(name)


def enclosed(expression: Expression, identity: Any) -> Any:
    """The expression on an enclosure of (x, y)."""
    return evaluate(expression, {v: identity.column(i) for i, v in enumerate(XY)}, call)


def in_digits(expression: Expression, point: list[float]) -> Any:
    """The expression at a point, in 40 digits."""
    values = {v: MP.mpf(c) for v, c in zip(XY, point, strict=True)}
    return MP.mpf(evaluate(expression, values, call))


@dataclass(frozen=True)
class TextFeatures:
    """Features (x, y, ..) given as texts, for tensors and for enclosures."""

    texts: tuple[str, ...]
    names: tuple[str, ...] = ("x", "y")

    def __call__(self, xi: Any) -> Any:
        columns = {Variable(name): column(xi, i) for i, name in enumerate(self.names)}
        parts = [evaluate(parse(text), columns, call) for text in self.texts]
        if isinstance(xi, torch.Tensor):
            return torch.stack([part.expand(xi.shape[:-1]) for part in parts], -1)
        return type(parts[0]).join(parts)


def random_boxes(low, high, count, seed, *, d=2, widest=0.5, origin=False):
    """Boxes inside [low, high]^d, the first a point, many thin; with ``origin`` each holds 0."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    width = (high - low) * widest * draw(count, 1) ** 3 * draw(count, d)
    width[0] = 0
    lower = -width * draw(count, d) if origin else low + (high - low - width) * draw(count, d)
    return lower.clamp(min=low), (lower + width).clamp(max=high)


def points_in(lower, upper, count, seed):
    """Points (count, B, d): the corners first, the others uniform."""
    generator = torch.Generator().manual_seed(seed)
    unit = torch.rand(count, *lower.shape, generator=generator, dtype=torch.float64)
    corners = min(count // 2, 2 ** lower.shape[1])
    for k in range(corners):
        unit[k] = torch.tensor([(k >> i) & 1 for i in range(lower.shape[1])], dtype=torch.float64)
    return torch.minimum(torch.maximum(lower + (upper - lower) * unit, lower), upper)
