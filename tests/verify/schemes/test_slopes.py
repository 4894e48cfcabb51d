"""The slopes of a scheme over its domain hold what is sampled, here and in the checker."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from certdde.certificates.scheme import lifted_certified
from certdde.delays.classes import Constant
from certdde.systems import DelaySystem
from certdde.verify.checker.document import parse
from certdde.verify.checker.rules import RULES
from certdde.verify.checker.schema import document
from certdde.verify.checker.scheme_forms import corners, slope_rows
from certdde.verify.checker.system import build
from certdde.verify.schemes.slopes import enclosed, slope_bounds

SYSTEMS = [
    (["x[t+1] = x[t] - 0.3*tanh(x[t-tau])"], {"x": [-1, 2]}, {}),
    (["x[t+1] = x[t] + 0.5*x[t]*(1 - x[t-tau])"], {"x": [0.5, 1.8]}, {"x": 1.0}),
    (["x[t+1] = 0.5*x[t-tau]/(1 + x[t]^2)"], {"x": [-1, 1]}, {}),
    (
        [
            "x[t+1] = 0.9*x[t] + 0.1*y[t-tau]",
            "y[t+1] = 0.5*y[t] - sin(x[t-tau])*0.2 - 0.1*x[t]*y[t]",
        ],
        {"x": [-1, 1], "y": [-0.5, 1]},
        {},
    ),
]


@pytest.mark.parametrize(("equations", "domain", "rest"), SYSTEMS)
def test_the_slopes_hold_every_value(equations, domain, rest):
    system = DelaySystem.from_equations(equations, domain=domain, equilibrium=rest)
    low, high = slope_bounds(system)
    rows = slope_rows(build(checked(system)))
    n, rng = system.dimension, np.random.default_rng(0)
    ends = np.array([[float(a), float(b)] for a, b in system.domain] * 2)
    points = ends[:, 0] + (ends[:, 1] - ends[:, 0]) * rng.uniform(size=(2000, 2 * n))
    values = system.deviation_function()(
        torch.as_tensor(points[:, :n]), torch.as_tensor(points[:, n:])
    ).numpy()
    exact = [np.array([[float(pair[k]) for pair in row] for row in rows]) for k in (0, 1)]
    for smallest, largest in ((low, high), exact):
        least = np.minimum(points[:, None] * smallest, points[:, None] * largest).sum(-1)
        most = np.maximum(points[:, None] * smallest, points[:, None] * largest).sum(-1)
        assert (least - 1e-12 <= values).all()
        assert (values <= most + 1e-12).all()
    assert (low <= exact[0] + 1e-12).all()
    assert (exact[1] <= high + 1e-12).all()
    assert len(corners(rows)) == len(enclosed(system).vertices)


def checked(system: DelaySystem):
    """The document that the checker reads."""
    import json

    from certdde.learning.schemes import nonlinear_names

    levels, delay = ([1.0], 0.1), Constant("tau", 1, 1)
    draft = lifted_certified(system, delay, {}, nonlinear=nonlinear_names(system), region=levels)
    _, exact = parse(json.dumps({**draft.data, "digest": ""}).encode())
    return document(exact, RULES)


def test_a_linear_scheme_has_one_vertex():
    system = DelaySystem.from_equations(["x[t+1] = x[t] - 0.3*x[t-tau]"])
    [(present, delayed)] = enclosed(system).vertices
    assert present[0, 0] == 1
    assert delayed[0, 0] == -0.3


def test_slopes_that_are_not_bounded():
    system = DelaySystem.from_equations(
        ["x[t+1] = x[t] - 0.3*log(1 + x[t-tau])"], domain={"x": [-1.5, 1]}
    )
    assert enclosed(system) is None
