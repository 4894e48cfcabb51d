"""Small networks as the equations call them."""

import itertools

import numpy as np

from certdde.systems.feedforward import Feedforward, Step


def layered(seed, widths, activation, *, biased=True, shifted=False):
    """Layers of random weights with an activation between them."""
    rng = np.random.default_rng(seed)
    steps = []
    for level, (size, count) in enumerate(itertools.pairwise(widths)):
        if level:
            steps.append(Step(activation, (len(steps),)))
        weight = rng.normal(size=(count, size)) / np.sqrt(size)
        bias = 0.3 * rng.normal(size=count) if biased else np.zeros(count)
        steps.append(Step("affine", (len(steps),), weight, bias))
    network = Feedforward(widths[0], tuple(steps))
    return network.shifted([0.25] * widths[0], [0.5] * widths[-1]) if shifted else network


def gated(seed):
    """relu(A w) * sigmoid(B w) + 0.5 tanh(A w), summed: branches, a product and a scale."""
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(2, 3, 2))
    return Feedforward(
        2,
        (
            Step("affine", (0,), first, 0.2 * rng.normal(size=3)),
            Step("affine", (0,), second, np.zeros(3)),
            Step("relu", (1,)),
            Step("sigmoid", (2,)),
            Step("product", (3, 4)),
            Step("tanh", (1,)),
            Step("scale", (6,), np.full(3, 0.5), np.zeros(3)),
            Step("sum", (5, 7)),
            Step("affine", (8,), np.ones((1, 3)), np.zeros(1)),
        ),
    )
