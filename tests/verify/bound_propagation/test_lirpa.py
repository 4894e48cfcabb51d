"""The auto_LiRPA engine: every allowed operation, alone and composed, against samples."""

import sys
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import torch
from enclosures import TextFeatures, points_in, random_boxes
from segments import random_functional, random_network

from certdde.errors import MissingPackageError, ProblemError
from certdde.inequalities.features import Features
from certdde.inequalities.inequality import Inequality, dissipation
from certdde.systems import DelaySystem
from certdde.verify.answers import Proved
from certdde.verify.bound_propagation import lirpa
from certdde.verify.bound_propagation.branch import prove
from certdde.verify.bound_propagation.engines import encloser

try:
    lirpa._package()
    MISSING = ""
except MissingPackageError as error:
    MISSING = str(error)
needed = pytest.mark.skipif(bool(MISSING), reason=MISSING or "auto_LiRPA is there")

OPERATIONS = {
    "linear": ("x + 2*y - 0.5", "x - y", "3*x", "-x", "2 - x"),
    "tanh": ("tanh(x)", "tanh(3*y - 1)"),
    "sigmoid": ("sigmoid(x)", "sigmoid(3*y - 1)"),
    "sin": ("sin(x)", "sin(3*y - 1)"),
    "cos": ("cos(x)", "cos(3*y - 1)"),
    "exp": ("exp(x)", "exp(1 - 2*y)"),
    "product": ("x*y", "(1 + x)*(y - 2)"),
    "square": ("x*x", "x**2", "(x + y)**2"),
    "powers": ("x**3", "y**4", "x**0 + y", "x**1"),
    "constants": ("x/4", "x*0", "x + 0", "0*x + 1"),
    "sine of a product": ("sin(x*y)", "cos(x - y)*x"),
    "network by hand": ("tanh(2*x - y + 0.3)*sigmoid(x) - tanh(0.5*x)", "tanh(sin(x) - tanh(y))"),
    "exponentials": ("exp(-x**2)*y", "exp(sin(x)) - exp(sin(y))", "sigmoid(exp(x) - y)"),
}
FORBIDDEN = {
    "x/(2 + y)": "division",
    "1/(3 + x)": "division",
    "0/(3 + x)": "division",
    "(3 + x)**-1": "division",
    "sqrt(3 + x)": "no sound bound for sqrt",
    "log(3 + x)": "no sound bound for log",
    "tan(x)": "no sound bound for tan",
    "atan(x)": "no sound bound for atan",
}
# The bounds are float64 sums over the graph, not rounded outward; proofs are confirmed by intervals.
ROOM = 1e-12


def check(bounded, *, low=-2.0, high=2.0, seed=0, count=150, widest=0.5):
    """Compare the bounds and the form of prepared features with samples; return the form."""
    features, dimension = bounded.module, bounded.dimension
    lower, upper = random_boxes(low, high, count, seed, d=dimension, widest=widest)
    x = points_in(lower, upper, 150, seed=seed + 1)
    value = features(x)
    size = ROOM * (1 + value.abs().amax(0))
    bottom, top = bounded.found.bounds(lower, upper)
    assert (bottom - size <= value).all()
    assert (value <= top + size).all()
    form = bounded.found.enclose(lower, upper)
    line = form.c + torch.einsum("kbd,dbm->kbm", x - (lower + upper) / 2, form.L)
    assert (line + form.lo - size <= value).all()
    assert (value <= line + form.hi + size).all()
    return form


@dataclass(frozen=True)
class Prepared:
    module: Any
    dimension: int
    found: Any

    def by(self, method):
        return replace(self, found=replace(self.found, method=method))


@lru_cache(maxsize=2)
def prepared(features, dimension=2):
    """Trace once for all methods: most of the time goes there."""
    return Prepared(features, dimension, lirpa.BoundedFeatures.of(features, dimension))


@needed
@pytest.mark.parametrize("name", OPERATIONS)
def test_bounds_and_forms_hold_every_sample(name):
    traced = prepared(TextFeatures(OPERATIONS[name]))
    for method in lirpa.METHODS:
        check(traced.by(method), seed=len(name))
        check(traced.by(method), seed=1, low=-4.0, high=4.0, widest=1.0)
        check(traced.by(method), seed=2, low=-0.03, high=0.03)  # near inflections
        check(traced.by(method), seed=3, low=-1.5, high=1.5, widest=1e-4)


@needed
@pytest.mark.parametrize("activation", ["sin", "square", ((("square", 2), ("tanh", 3)),)])
def test_networks_of_other_activations_hold_every_sample(activation):
    network = random_network((0, 1), 3, hidden=(5,), activation=activation)
    traced = prepared(Pullback(network))
    for method in lirpa.METHODS:
        check(traced.by(method), low=-1.0, high=1.0, count=60)


@needed
def test_softplus_is_refused_in_one_line():
    network = random_network((0, 1), 3, hidden=(5,), activation="softplus")
    with pytest.raises(ProblemError, match="no sound bound for softplus"):
        lirpa.BoundedFeatures.of(Pullback(network), 2)


@dataclass(frozen=True)
class Pullback:
    """J^T p of a network of all variables."""

    network: Any

    def __call__(self, xi: Any) -> Any:
        return self.network.pullback(xi)[1]

    def __hash__(self) -> int:
        return id(self.network)


SYSTEM = DelaySystem.from_equations(
    ["a' = b", "b' = sin(a) - 2*a(t - tau) - (1.5 + a)*b(t - tau)"],
    domain={"a": (-2.0, 2.0), "b": (-2.0, 2.0)},
)


@needed
@pytest.mark.parametrize(
    "hidden", [None, (6,), (4, 4), pytest.param((3, 3, 3), marks=pytest.mark.slow)]
)
def test_the_features_of_a_functional_hold_every_sample(hidden):
    functional = random_functional(2, 1, seed=3, neural=bool(hidden), hidden=hidden or ())
    features = Features.of(SYSTEM, functional)
    traced = Prepared(
        features, features.dimension, lirpa.BoundedFeatures.of(features, features.dimension)
    )
    for method in lirpa.METHODS:
        check(traced.by(method), low=-1.0, high=1.0, count=60)


@needed
def test_linear_features_are_exact_and_crown_is_tighter_than_ibp():
    traced = prepared(TextFeatures(OPERATIONS["network by hand"]))
    plain = prepared(TextFeatures(OPERATIONS["linear"]))
    widths = {}
    for method in lirpa.METHODS:
        form = check(traced.by(method), low=-1.0, high=1.0)
        widths[method] = float((form.bounds()[1] - form.bounds()[0]).mean())
        exact = check(plain.by(method))
        if method != "IBP":
            assert float((exact.hi - exact.lo).max()) <= 1e-12
    assert widths["CROWN"] <= widths["IBP"]
    assert widths["CROWN-IBP"] <= widths["IBP"]


@needed
@pytest.mark.parametrize("text", FORBIDDEN)
def test_operations_outside_the_list_are_refused_in_one_line(text):
    with pytest.raises(ProblemError) as caught:
        lirpa.BoundedFeatures.of(TextFeatures((text,)), 2)
    assert FORBIDDEN[text] in str(caught.value)
    assert caught.value.where == "certify.engine"
    assert 'engine = "intervals"' in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_method_is_refused():
    with pytest.raises(
        ProblemError, match="unknown method 'FORWARD'; one of IBP, CROWN-IBP, CROWN"
    ):
        lirpa.by_lirpa("FORWARD")


@needed
@pytest.mark.parametrize("method", lirpa.METHODS)
def test_a_search_with_this_engine_proves_what_intervals_prove(method):
    engine = lirpa.by_lirpa(method)
    ends = (torch.full((2,), sign, dtype=torch.float64) for sign in (-1.0, 1.0))
    form = torch.diag(torch.tensor([-1.0, -1.0, 0.9], dtype=torch.float64)).unsqueeze(0)
    claim = Inequality(("x", "y"), *ends, TextFeatures(("x", "y", "x*tanh(y)")), form)
    assert isinstance(prove(claim, enclose=engine), Proved)
    # Another inequality with the same engine is traced anew.
    for sign in (-1.0, 1.0):
        features, form = TextFeatures(("x", "sin(y)")), sign * torch.eye(2, dtype=torch.float64)
        other = replace(claim, features=features, forms=form.unsqueeze(0))
        assert isinstance(prove(other, enclose=engine), Proved) == (sign < 0)


@needed
def test_it_decides_a_real_inequality():
    functional = random_functional(2, 1, seed=2, neural=True)
    claim = dissipation(SYSTEM, functional, [0.1, 0.12]).inequality
    lower, upper = random_boxes(-0.5, 0.5, 20, 0, d=claim.dimension)
    form = encloser("lirpa")(claim, lower, upper)
    x = points_in(lower, upper, 60, seed=1)
    value = claim.features(x)
    line = form.c + torch.einsum("kbd,dbm->kbm", x - (lower + upper) / 2, form.L)
    room = ROOM * (1 + value.abs().amax(0))
    assert (line + form.lo - room <= value).all()
    assert (value <= line + form.hi + room).all()


@pytest.mark.parametrize("call", [lirpa.by_lirpa, lambda: encloser("lirpa")])
def test_a_missing_package_is_named_with_the_line_that_installs_it(monkeypatch, call):
    monkeypatch.setitem(sys.modules, "auto_LiRPA", None)
    with pytest.raises(MissingPackageError) as caught:
        call()
    assert "uv sync --extra lirpa" in str(caught.value)
    assert "\n" not in str(caught.value)


@needed
def test_no_global_state_is_left_changed():
    def state():
        return (
            torch.get_default_dtype(),
            torch.get_num_threads(),
            torch.is_grad_enabled(),
            torch.are_deterministic_algorithms_enabled(),
            torch.initial_seed(),
            sys.getrecursionlimit(),
            np.geterr(),
            np.get_printoptions()["precision"],
            torch.onnx.symbolic_helper is sys.modules["torch.onnx.symbolic_helper"],
        )

    torch.manual_seed(7)
    random = torch.get_rng_state()
    modules = {name for name in sys.modules if name.startswith("numpy")}
    before = state()
    features = TextFeatures(OPERATIONS["tanh"])
    check(Prepared(features, 2, lirpa.BoundedFeatures.of(features, 2, "CROWN")), count=4)
    assert state() == before
    assert sys.getrecursionlimit() < 100_000  # auto_LiRPA sets a million when it is imported
    assert torch.equal(torch.get_rng_state(), random)
    added = {name for name in sys.modules if name.startswith("numpy")} - modules
    assert added <= {"numpy.lib.arraysetops"}
