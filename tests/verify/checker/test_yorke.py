"""Kind "yorke": what is accepted, what is refused, and its lemmas against quadrature, samples and adversaries."""

from __future__ import annotations

import copy
import json
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certdde.verify.checker import check_file, yorke
from certdde.verify.checker.document import parse
from certdde.verify.checker.rules import RULES
from certdde.verify.checker.schema import document as read_document
from certdde.verify.checker.system import build
from certdde.verify.checker.tree import Node, evaluate

from . import writer
from .mutations import at, paths, replaced, variants
from .test_reject import refused

HUTCHINSON = "x' = -(1 + x)*x(t - tau)"
CODES = {"codes": np.array([254] * 4, dtype=np.uint8)}


def claim(found: dict[str, Any]) -> str:
    """The sentence, written out a second time."""
    text = writer.claim(found | {"system": found["system"] | {"domain": None}})
    kind, delay = found["delay"]["class"], found["delay"]["name"]
    if kind == "measurable":
        text = text.replace(
            f"constant delay {delay} in", f"measurable delay {delay}(t) with values in", 1
        )
    if found["system"]["domain"] is None:
        return text
    [state], radius = found["system"]["states"], found["region"]["radius"]
    low, high = (repr(float(v)) for v in radius["box"])
    return text.replace("is globally asymptotically stable.", "is asymptotically stable, and ") + (
        f"every continuous history within {float(radius['rho'])!r} of the equilibrium has a solution"
        f" that stays in {low} <= {state} <= {high} and tends to the equilibrium."
    )


def draft(
    equation: str,
    delays: tuple[float, float],
    kind: str = "measurable",
    domain: list[float] | None = None,
    rest: float = 0.0,
    radius: dict[str, Any] | None = None,
    slopes: dict[str, Any] | None = None,
    **keys: Any,
) -> dict[str, Any]:
    """A document of this kind, its claim included."""
    box = None if domain is None else {"x": domain}
    names = ([], []) if domain is None else (["x"], ["x"])
    equilibrium = {"x": rest} if rest else {}
    found = writer.document(
        ["x"], [equation], list(delays), 0, [{}], None, names, equilibrium=equilibrium
    )
    found |= {"kind": "yorke", "functional": {"kind": "none"}, "engine": "theorem"} | keys
    found["delay"]["class"] = kind
    found["system"]["domain"] = box
    found["region"] |= {"domain": box, "radius": radius}
    found["proof"]["slopes"] = slopes
    return found | {"claim": claim(found)}


def linear(h: float = 1.4999, equation: str = "x' = -x(t - tau)", **keys: Any) -> dict[str, Any]:
    return draft(equation, (0, h), **keys)


def hutchinson(**keys: Any) -> dict[str, Any]:
    """Delays up to 0.9: m = 1 + x in [.5, 1.67], at most 1 where x < 0."""
    bounds: dict[str, Any] = {"rise": [1.671, 1.001], "back": [1.671, 1.001]}
    radius: dict[str, Any] = {"rho": 0.26, "box": [-0.5, 0.67]}
    options = {"domain": [-0.5, 1.0], "slopes": bounds, "radius": radius}
    return draft(HUTCHINSON, (0, 0.9), **(options | keys))


def save(found: dict[str, Any], path: Any, arrays: dict[str, Any] = CODES) -> Any:
    whole = found["system"]["domain"] is None
    entries = {} if whole else {"yorke.npz": writer.npz_bytes(arrays)}
    return writer.write(path, found | {"claim": claim(found)}, entries)


# ---- accepted


@pytest.mark.parametrize("kind", ["constant", "measurable"])
def test_the_scalar_equation_up_to_three_halves(tmp_path, kind):
    result = check_file(save(linear(kind=kind), tmp_path / "a"))
    assert result.valid, result
    assert (result.rigor, result.boxes) == ("rigorous", 0)
    head = {
        "constant": "constant delay tau in",
        "measurable": "measurable delay tau(t) with values in",
    }
    assert result.claim == (
        f"For every {head[kind]} [0.0, 1.4999], the equilibrium x = 0.0 of"
        " x' = -x(t - tau) is globally asymptotically stable."
    )
    assert check_file(save(linear(1.49999999999999), tmp_path / "a")).valid


@pytest.mark.parametrize(
    ("equation", "most"),
    [
        ("x' = -2*x(t - tau)", Fraction(3, 4)),
        ("x' = -0.1*x(t - tau)", Fraction(15)),
        # m (h - 1/(2 (p + m))) = 1
        ("x' = -x - x(t - tau)", Fraction(5, 4)),
        ("x' = -x - 2*x(t - tau)", Fraction(2, 3)),
        ("x' = -k*(x(t - tau) + x)", Fraction(5, 2)),
    ],
)
def test_linear_limits(tmp_path, equation, most):
    keys = {"parameters": {"k": 0.5}} if "k*" in equation else {}
    for share, good in ((0.999999, True), (1.000001, False)):
        found = linear(float(most) * share, equation)
        found["system"]["parameters"] = keys.get("parameters", {})
        assert check_file(save(found, tmp_path / "a")).valid is good


def test_hutchinson(tmp_path):
    found, seen = hutchinson(), []
    result = check_file(save(found, tmp_path / "a"), lambda *done: seen.append(done))
    assert result.valid, result
    assert result.boxes == 4 == seen[-1][1]
    assert result.claim.endswith(
        "is asymptotically stable, and every continuous history within 0.26 of the equilibrium"
        " has a solution that stays in -0.5 <= x <= 0.67 and tends to the equilibrium."
    )


def test_an_equilibrium_elsewhere_where_a_constant_is_not_binary(tmp_path):
    """F(x, 0) vanishes by structure: 1 - (0.3 + y)/0.3 is not exactly 0 in intervals."""
    found = draft(
        "x' = x*(1 - x(t - tau)/0.3)",
        (0, 0.5),
        domain=[0.1, 1.0],
        rest=0.3,
        radius={"rho": 0.12, "box": [0.1, 0.55]},
        slopes={"rise": [1.8334, 1.01], "back": [1.8334, 1.01]},
    )
    result = check_file(save(found, tmp_path / "a"))
    assert result.valid, result
    assert "the equilibrium x = 0.3 of" in result.claim
    assert "0.1 <= x <= 0.55" in result.claim


def test_trees_that_split(tmp_path):
    """One quadrant halved twice; any tree that covers will do."""
    codes = np.array([0, 254, 254, 1, 0, 254, 254, 254, 254, 254], dtype=np.uint8)
    result = check_file(save(hutchinson(), tmp_path / "a", {"codes": codes}))
    assert result.valid, result
    assert result.boxes == 7


# ---- refused


@pytest.mark.parametrize(
    "equation",
    [
        "x' = x(t - tau)",
        "x' = x - 2*x(t - tau)",
        "x' = -2*x + x(t - tau)",
        "x' = 0*x",
        "x' = x",
        "x' = x(t - tau) - x(t - tau)",
        "x' = 0.0001*x - x(t - tau)",
    ],
)
def test_no_negative_feedback(tmp_path, equation):
    for h in (0.001, 1):
        assert "feedback" in refused(save(linear(h, equation), tmp_path / "a")).reason


def test_multiples_of_the_delay_are_another_matter(tmp_path):
    for equation in ("x' = -x(t - 2*tau)", "x' = -0.5*x(t - tau) - 0.5*x(t - 3*tau)"):
        refused(save(linear(0.1, equation), tmp_path / "a"))
        found = hutchinson()
        found["system"]["equations"] = [equation]
        refused(save(found, tmp_path / "a"))


@pytest.mark.parametrize("h", [1.5, 1.5000000000000002, 1.51, 1.5707, 2, 6, 1e6])
def test_three_halves_is_the_end(tmp_path, h):
    for kind in ("constant", "measurable"):
        assert "3/2" in refused(save(linear(h, kind=kind), tmp_path / "a")).reason


def test_only_the_end_of_the_range_matters(tmp_path):
    assert check_file(save(draft("x' = -x(t - tau)", (1.4, 1.49)), tmp_path / "a")).valid
    refused(save(draft("x' = -x(t - tau)", (1.4, 1.6)), tmp_path / "a"))


def test_a_global_claim_needs_a_linear_equation(tmp_path):
    for equation in (HUTCHINSON, "x' = -tanh(x(t - tau))"):
        refused(save(linear(0.5, equation), tmp_path / "a"))


@pytest.mark.parametrize(
    ("where", "new"),
    [
        (("radius", "rho"), 0.2634),
        (("radius", "rho"), 0.5),
        (("radius", "rho"), 0),
        (("radius", "rho"), -0.1),
        (("radius", "box"), [-0.4, 0.67]),
        (("radius", "box"), [-0.5, 0.65]),
        (("radius", "box"), [-0.6, 0.67]),
        (("radius", "box"), [-0.5, 1.2]),
        (("radius", "box"), [0.5, -0.67]),
        (("radius", "box"), [0, 0.67]),
        (("radius", "box"), [-0.5, 0]),
        (("slopes", "rise"), [1.6699, 1.001]),
        (("slopes", "rise"), [1.671, 0.99]),
        (("slopes", "rise"), [1.9, 1.001]),
        (("slopes", "rise"), [-1.671, 1.001]),
        (("slopes", "back"), [1.6699, 1.001]),
        (("slopes", "back"), [1.671, 0.99999]),
        (("slopes", "back"), [0, 1.001]),
        (("slopes", "back"), [1.001, 1.671]),
    ],
)
def test_numbers_that_do_not_hold(tmp_path, where, new):
    found = hutchinson()
    place = found["region"] if where[0] == "radius" else found["proof"]
    place[where[0]] = copy.deepcopy(place[where[0]]) | {where[1]: new}
    refused(save(found, tmp_path / "a"))


def test_delays_and_boxes_beyond(tmp_path):
    for h, good in ((0.9, True), (0.95, False), (1.2, False), (1.6, False)):
        found = hutchinson()
        found["delay"]["range"] = [0, h]
        assert check_file(save(found, tmp_path / "a")).valid is good
    domain = {"x": [-0.49, 1]}
    found = hutchinson()
    found["system"]["domain"] = found["region"]["domain"] = domain
    assert "leaves the domain" in refused(save(found, tmp_path / "a")).reason


@pytest.mark.parametrize(
    "equation",
    [
        "x' = -(1 + x)*x(t - tau) + 0.001*x",  # p < 0
        "x' = -(1 + x)*x(t - tau) + 0.001*x**2",  # p < 0 for x > 0
        "x' = -(0.4 + x)*x(t - tau)",  # m < 0 at the lower end
        "x' = -(1 + x)*(1 + 0.001*x(t - tau))*x(t - tau)",  # a larger gain
        "x' = -x(t - tau)**3",  # the gain reaches 0
        "x' = -x*x(t - tau)",
        "x' = -x(t - tau)/(x + 0.5)",  # a pole at the end of the box
        "x' = -x(t - tau)*(1 + log(0.5 + x) - log(0.5 + x))",
        "x' = -x(t - tau) + 0*sqrt(x)",
        "x' = -x - (1 + x)*x(t - tau)",  # larger back
    ],
)
def test_equations_that_the_bounds_do_not_fit(tmp_path, equation):
    found = hutchinson()
    found["system"]["equations"] = [equation]
    refused(save(found, tmp_path / "a"))
    deep = np.array(([0] + [254] * 2) * 4, dtype=np.uint8)
    refused(save(found, tmp_path / "a", {"codes": deep}))


def test_codes(tmp_path):
    good = CODES["codes"]
    for bad in (good[:3], np.append(good, good[:1]), good[:0], good * 0, good[None]):
        refused(save(hutchinson(), tmp_path / "a", {"codes": bad}))
    for code in (2, 253, 255):
        for i in range(4):
            bad = good.copy()
            bad[i] = code
            refused(save(hutchinson(), tmp_path / "a", {"codes": bad}))
    for arrays in ({}, {"code": good}, CODES | {"grid": good}, {"codes": good.astype(float)}):
        refused(save(hutchinson(), tmp_path / "a", arrays))


def test_entries_and_other_kinds(tmp_path):
    found = hutchinson()
    assert refused(writer.write(tmp_path / "a", found, {})).where == "archive"
    extra = {"yorke.npz": writer.npz_bytes(CODES)}
    assert refused(writer.write(tmp_path / "a", linear(), extra)).where == "archive"
    for kind in sorted(set(RULES) - {"yorke"}):
        refused(writer.write(tmp_path / "a", found | {"kind": kind}, extra))
        refused(writer.write(tmp_path / "a", linear() | {"kind": kind}, {}))
    two = linear()
    two["system"] |= {"states": ["x", "y"], "equations": ["x' = -x(t - tau)", "y' = -y"]}
    assert refused(writer.write(tmp_path / "a", two | {"claim": writer.claim(two)}, {})).where == (
        "system.states"
    )


@pytest.mark.parametrize("reclaim", [False, True])
@pytest.mark.parametrize("make", [linear, hutchinson])
def test_each_field(tmp_path, make, reclaim):
    """Any change is refused, except of information, or where the new claim is true as well."""
    base = make()
    entries = {} if make is linear else {"yorke.npz": writer.npz_bytes(CODES)}
    base["digest"] = writer.digest(base, entries)
    free = {("rigor",), ("engine",), ("statistics",), ("versions",), ("seed",)}
    for path in paths(base):
        if path[:1] in free or path[:2] in {("region", "area"), ("system", "name")} or not path:
            continue
        for new in variants(at(base, path)):
            document = replaced(base, path, new)
            if path != ("claim",) and reclaim:
                try:
                    document = document | {"claim": claim(document)}
                except (KeyError, TypeError, ValueError, AttributeError, OverflowError, IndexError):
                    continue
            if not {"claim", "digest"} <= set(document):
                continue
            file = writer.write(tmp_path / "a", document, entries, seal=path != ("digest",))
            result = check_file(file)
            assert result.where != "checker", (path, new, result)
            if result.valid:
                assert still_true(path, at(base, path), new, reclaim), (path, new)


def still_true(path: tuple, old: Any, new: Any, reclaim: bool) -> bool:
    """Whether the new claim, or the proof of the old one, is true."""
    if path[:2] == ("proof", "slopes"):
        return new >= old  # larger bounds, as far as they do
    if not reclaim:
        return False
    if path[:2] == ("delay", "range"):
        return 0 <= new < 1.5
    if path[:2] == ("delay", "class"):
        return new in ("constant", "measurable")
    if path[:2] == ("region", "radius"):
        close = path[2] == "box" and path[3:] and abs(new - old) < 1e-6  # there is some room
        return bool(close) or (path[2] == "rho" and 0 < new <= 0.263)
    if path[:2] == ("system", "parameters"):
        return new == old | {"extra": 1}
    return path[:2] == ("system", "equations") and new.strip() == old


# ---- the lemmas


def fractions(low: float, high: float):
    return st.floats(low, high).map(Fraction)


@settings(max_examples=60, deadline=None)
@given(fractions(0.01, 3), fractions(0, 1), fractions(0.05, 4), fractions(0.01, 3))
def test_the_integral_against_quadrature(size, share, back, h):
    rho = share * size
    w = (np.arange(20_000) + 0.5) / 20_000 * float(h)
    values = np.maximum(float(rho), float(size) * np.minimum(1, float(back) * w))
    found = yorke.ramp(rho, size, back, h)
    assert float(found) == pytest.approx(values.mean() * float(h), rel=1e-7)


EQUATIONS = [
    HUTCHINSON,
    "x' = -x - 2*tanh(x(t - tau))",
    "x' = 1 - exp(x(t - tau))",
    "x' = -sin(x(t - tau))*(2 + cos(x))/3 - atan(x)/(1 + x**2)",
    "x' = -(x + x(t - tau))**3 - sigmoid(x*x(t - tau)) + 0.5",
    "x' = -x(t - tau)/sqrt(4 + x + x(t - tau)) + log(2 + x) - log(2)*1.0 - x",
    "x' = x(t - tau)**2*x - x*(1.1 - x)/(3 - x(t - tau))",
]


def tree(equation: str) -> Node:
    bounds, radius = {"rise": [1, 1], "back": [1, 1]}, {"rho": 1, "box": [-1, 1]}
    found = draft(equation, (0, 1), domain=[-1.5, 1.5], radius=radius, slopes=bounds)
    found["digest"] = ""
    _, exact = parse(json.dumps(found).encode())
    [node] = build(read_document(exact, RULES)).rest
    assert node is not None
    return node


class Big(mpmath.mpf):
    """A number of 40 digits as `evaluate` takes it."""

    def apply(self, name: str, exponent: int = 0) -> Big:
        if name == "pow":
            return Big(mpmath.mpf(self) ** exponent)
        if name == "sigmoid":
            return Big(1 / (1 + mpmath.exp(-self)))
        return Big(getattr(mpmath, name)(mpmath.mpf(self)))

    def __add__(self, other):
        return Big(mpmath.mpf(self) + mpmath.mpf(other))

    def __mul__(self, other):
        return Big(mpmath.mpf(self) * mpmath.mpf(other))

    def __neg__(self):
        return Big(-mpmath.mpf(self))


def value(node: Node, x: float, y: float) -> Any:
    return evaluate(
        node,
        lambda i: Big((x, y)[i]),
        lambda v: Big(mpmath.mpf(v.numerator) / v.denominator),
    )


@pytest.mark.parametrize("equation", [e for e in EQUATIONS if "log(2)" not in e])
def test_the_gains_are_enclosed(equation):
    """Boxes of all sizes and places, points inside, forty digits."""
    node, rng = tree(equation), np.random.default_rng(1)
    lo = rng.uniform(-1, 1, (2, 60))
    hi = np.minimum(lo + 10.0 ** rng.uniform(-6, 0, (2, 60)), 1)
    lo[:, :10], hi[:, 10:20] = (
        np.where(lo[:, :10] > 0, 0.0, lo[:, :10]),
        np.maximum(hi[:, 10:20], 0),
    )
    with np.errstate(all="ignore"):
        p, m = yorke.feedback(node, lo, hi)
    assert np.isfinite(p.lo).mean() > 0.9
    with mpmath.workdps(40):
        for k in range(60):
            for share in rng.uniform(0, 1, (3, 2)).round(2):
                x, y = lo[:, k] + share * (hi[:, k] - lo[:, k])
                x, y = np.clip([x, y], lo[:, k], hi[:, k])
                if x == 0 or y == 0:
                    continue
                rest = value(node, x, 0.0)
                now, later = -rest / mpmath.mpf(x), -(value(node, x, y) + -rest) / mpmath.mpf(y)
                for found, exact in ((p, now), (m, later)):
                    if np.isfinite(found.lo[0, k]):
                        slack = mpmath.mpf(10) ** -25
                        assert found.lo[0, k] - slack <= exact <= found.hi[0, k] + slack


def test_where_f_is_not_smooth_nothing_is_known():
    for equation in (
        "x' = -x(t - tau) + log(1 + x) - log(1 + x)",
        "x' = -x(t - tau)*(1 + 0*sqrt(1 + x))",
        "x' = -x(t - tau) + x(t - tau)*0/(x(t - tau) + 1)",
    ):
        lo, hi = np.array([[-1.0], [-1.0]]), np.array([[1.0], [1.0]])
        with np.errstate(all="ignore"):
            p, m = yorke.feedback(tree(equation), lo, hi)
        assert not (p.lo + m.lo > 0).any()


@pytest.mark.parametrize(
    ("equation", "still"),
    [
        (HUTCHINSON, True),
        ("x' = (2 + x)*(1 - 0.3/(0.3 + x(t - tau)))", True),
        ("x' = -x(t - tau)*exp(x)", True),
        ("x' = -tanh(x(t - tau)) - x", False),
        ("x' = 1 - exp(x(t - tau))", True),
    ],
)
def test_what_vanishes_by_structure(equation, still):
    found = yorke.still(tree(equation))
    assert (evaluate(found, lambda i: Big(0.7), lambda v: Big(float(v))) == 0) is still
    if equation != HUTCHINSON and still:
        assert found.op == "const"
        assert found.value == 0


# ---- adversaries


def swings(gain, h: float, history: np.ndarray, start: float, dt: float, steps: int) -> np.ndarray:
    """Euler's method with the delay that drives away from the equilibrium as long as there is one."""
    window = len(history)
    x = np.concatenate([history, [start], np.zeros(steps)])
    up = start >= 0
    for k in range(window, window + steps):
        seen = x[k - window : k + 1]
        if up and seen.min() >= 0:
            up = False
        elif not up and seen.max() <= 0:
            up = True
        delayed = seen.min() if up else seen.max()
        x[k + 1] = x[k] - dt * gain(x[k], delayed) * delayed
    return x


def test_adversaries_do_not_leave_and_swings_shrink():
    """The worst histories and delays for x' = -(1 + x) x(t - tau), delays up to 0.9, in the box of hutchinson()."""
    rho, dt = 0.26, 2e-3
    window = round(0.9 / dt)
    peak, trough = 0.0, 0.0
    for sign in (1, -1):
        for before in (-sign * rho, sign * rho, 0.0):
            x = swings(lambda x, y: 1 + x, 0.9, np.full(window, before), sign * rho, dt, 10_000)
            peak, trough = max(peak, x.max()), min(trough, x.min())
            assert np.abs(x[-window:]).max() < 0.05 * rho
    assert 0.55 < peak < 0.67
    assert -0.5 < trough < -0.4


@pytest.mark.parametrize(("h", "grows"), [(1.45, False), (1.55, True)])
def test_three_halves_is_sharp(h, grows):
    """The same adversary on x' = -x(t - tau): what the theorem says, and nothing less."""
    dt = 2e-3
    window = round(h / dt)
    x = swings(lambda x, y: 1.0, h, np.full(window, -1.0), 1.0, dt, 20_000)
    early, late = np.abs(x[5_000:10_000]).max(), np.abs(x[-5_000:]).max()
    assert bool(late > early) is grows
