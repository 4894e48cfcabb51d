"""The auto_LiRPA engine: every allowed operation, alone and composed, against samples."""

import sys

import numpy as np
import pytest
import torch
from enclosures import TextFeatures, points_in, random_boxes
from segments import random_functional

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


def check(features, dimension, method, *, low=-2.0, high=2.0, seed=0, count=150):
    bounded = lirpa.BoundedFeatures.of(features, dimension, method)
    lower, upper = random_boxes(low, high, count, seed, d=dimension)
    x = points_in(lower, upper, 150, seed=seed + 1)
    value = features(x)
    size = ROOM * (1 + value.abs().amax(0))
    bottom, top = bounded.bounds(lower, upper)
    assert (bottom - size <= value).all()
    assert (value <= top + size).all()
    form = bounded.enclose(lower, upper)
    line = form.c + torch.einsum("kbd,dbm->kbm", x - (lower + upper) / 2, form.L)
    assert (line + form.lo - size <= value).all()
    assert (value <= line + form.hi + size).all()
    return form


@needed
@pytest.mark.parametrize("method", lirpa.METHODS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_bounds_and_forms_hold_every_sample(name, method):
    check(TextFeatures(OPERATIONS[name]), 2, method, seed=len(name))


SYSTEM = DelaySystem.from_equations(
    ["a' = b", "b' = sin(a) - 2*a(t - tau) - (1.5 + a)*b(t - tau)"],
    domain={"a": (-2.0, 2.0), "b": (-2.0, 2.0)},
)


@needed
@pytest.mark.parametrize("method", lirpa.METHODS)
@pytest.mark.parametrize("kind", [{}, {"hidden": (6,)}, {"hidden": (4, 4)}, {"hidden": (3, 3, 3)}])
def test_the_features_of_a_functional_hold_every_sample(kind, method):
    functional = random_functional(2, 1, seed=3, neural=bool(kind), **kind)
    features = Features.of(SYSTEM, functional)
    check(features, features.dimension, method, low=-1.0, high=1.0, count=60)


@needed
def test_linear_forms_are_exact_and_crown_is_tighter_than_ibp():
    network = TextFeatures(OPERATIONS["network by hand"])
    widths = {}
    for method in lirpa.METHODS:
        form = check(network, 2, method, low=-1.0, high=1.0)
        widths[method] = float((form.bounds()[1] - form.bounds()[0]).mean())
        exact = check(TextFeatures(OPERATIONS["linear"]), 2, method)
        if method != "IBP":
            assert float((exact.hi - exact.lo).max()) <= 1e-12
    assert widths["CROWN"] <= widths["CROWN-IBP"] <= widths["IBP"]


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
    with pytest.raises(ProblemError, match="unknown method 'FORWARD'; one of IBP, CROWN-IBP, CROWN"):
        lirpa.by_lirpa("FORWARD")


@needed
@pytest.mark.parametrize("method", lirpa.METHODS)
def test_a_search_with_this_engine_proves_what_intervals_prove(method):
    claim = Inequality(
        ("x", "y"),
        torch.full((2,), -1.0, dtype=torch.float64),
        torch.full((2,), 1.0, dtype=torch.float64),
        TextFeatures(("x", "y", "x*tanh(y)")),
        torch.diag(torch.tensor([-1.0, -1.0, 0.9], dtype=torch.float64)).unsqueeze(0),
    )
    assert isinstance(prove(claim, enclose=lirpa.by_lirpa(method)), Proved)
    # Another inequality with the same engine is traced anew.
    engine = lirpa.by_lirpa(method)
    for sign in (-1.0, 1.0):
        form = sign * torch.eye(2, dtype=torch.float64).unsqueeze(0)
        one = Inequality(
            ("x", "y"), claim.lower, claim.upper, TextFeatures(("x", "sin(y)")), form
        )
        assert isinstance(prove(one, enclose=engine), Proved) == (sign < 0)


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
            np.geterr(),
            np.get_printoptions()["precision"],
            torch.onnx.symbolic_helper is sys.modules["torch.onnx.symbolic_helper"],
        )

    torch.manual_seed(7)
    random = torch.get_rng_state()
    modules = {name for name in sys.modules if name.startswith("numpy")}
    before = state()
    check(TextFeatures(OPERATIONS["tanh"]), 2, "CROWN", count=4)
    assert state() == before
    assert torch.equal(torch.get_rng_state(), random)
    added = {name for name in sys.modules if name.startswith("numpy")} - modules
    assert added <= {"numpy.lib.arraysetops"}
