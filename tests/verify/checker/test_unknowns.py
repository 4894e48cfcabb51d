"""Parameters in intervals and enclosed equilibria: what is accepted, and that nothing false is."""

from __future__ import annotations

import copy
import json
import math
from fractions import Fraction

import numpy as np
import pytest

from certdde.verify.checker import check_file, schema, system, unknowns
from certdde.verify.checker.document import parse
from certdde.verify.checker.refusal import Refused
from certdde.verify.checker.rules import RULES
from certdde.verify.checker.tree import Node, evaluate

from . import maker, razumikhin_maker, unknowns_maker, writer
from .mutations import check_each_field
from .test_reject import refused
from .unknowns_maker import about

DRAFTS = ("uncertain", "saturated", "enclosed", "moving", "pushed")


@pytest.fixture(scope="module")
def drafts() -> dict[str, maker.Draft]:
    return {name: getattr(unknowns_maker, name)() for name in DRAFTS}


def built(draft: maker.Draft) -> system.System:
    _, exact = parse(json.dumps(draft.document | {"digest": ""}).encode())
    return system.build(schema.document(exact, RULES))


# ---- accepted


@pytest.mark.parametrize("name", DRAFTS)
def test_accepted(tmp_path, drafts, name):
    result = check_file(drafts[name].save(tmp_path / "a"))
    assert result.valid, result
    assert result.rigor == "rigorous"


def test_the_sentences(tmp_path, drafts):
    claim = check_file(drafts["uncertain"].save(tmp_path / "a")).claim
    assert claim.startswith(
        "For every constant delay tau in [0.0, 0.4] and every constant a in [0.9, 1.1], the equilibrium x = 0.0 of"
        " x' = -a*(1 + x)*x(t - tau) is asymptotically stable, and every"
    )
    claim = check_file(drafts["moving"].save(tmp_path / "a")).claim
    assert claim.startswith(
        "For every constant delay tau in [0.0, 0.2] and every constant K in [0.98, 1.02], r in [0.9, 1.1], the"
        " equilibrium x in [0.96, 1.04] (exactly one there, and V is a function of the deviation from it) of x' ="
    )
    assert "c = 0.5 is asymptotically" in check_file(drafts["saturated"].save(tmp_path / "a")).claim


def test_a_global_claim_about_an_equilibrium_that_moves(tmp_path):
    draft = unknowns_maker.constant_drift()
    result = check_file(draft.save(tmp_path / "a"))
    assert result.valid, result
    assert "x in [0.3, 0.7] (exactly one there) of" in result.claim
    assert result.claim.endswith("is globally asymptotically stable.")
    off = about(draft, equilibrium={"x": [0.34, 0.7]})  # 1/3 is outside
    assert refused(off.save(tmp_path / "a")).where == "system.equilibrium"


# ---- false claims


def test_an_interval_that_holds_an_unstable_value(tmp_path, drafts):
    for ends in ([0.9, 4.0], [-0.1, 1.1], [0.0, 1.1], [0.9, 100]):  # stable up to pi/2 / 0.4 = 3.93
        bad = about(drafts["uncertain"], parameters={"a": ends})
        assert "not proved" in refused(bad.save(tmp_path / "a")).reason


@pytest.mark.parametrize(
    "box",
    [
        [1.0916079784, 1.0916079785],  # beside the root
        [1.0916079782, 1.0916079783],
        [1.2, 1.3],
        [0.6, 1.0],
        [1.0916079783, 1.091607978309],  # just below the root
    ],
)
def test_a_box_without_the_equilibrium(tmp_path, drafts, box):
    bad = about(drafts["enclosed"], equilibrium={"x": box})
    assert refused(bad.save(tmp_path / "a")).where == "system.equilibrium"


def test_a_box_with_two_equilibria(tmp_path, drafts):
    bad = about(drafts["enclosed"], equilibrium={"x": [-0.2, 1.2]})
    bad.document["system"]["domain"] = bad.document["region"]["domain"] = {"x": [-1, 2]}
    assert refused(bad.save(tmp_path / "a")).where == "system.equilibrium"


def test_a_double_equilibrium_is_no_one(tmp_path, drafts):
    """f = (x - 1)^2 - 0 has one zero, but close to it there are none or two."""
    for equation in ("x' = (x - 1)^2 - x(t - tau) + x", "x' = (x(t - tau) - 1)^3"):
        bad = about(drafts["enclosed"], equations=[equation], equilibrium={"x": [0.999, 1.001]})
        assert refused(bad.save(tmp_path / "a")).where == "system.equilibrium"


def test_an_equilibrium_that_leaves_its_box(tmp_path, drafts):
    for box in ([0.985, 1.04], [0.99, 1.01], [0.96, 1.015]):
        bad = about(drafts["moving"], equilibrium={"x": box})
        assert refused(bad.save(tmp_path / "a")).where == "system.equilibrium"
    wide = about(drafts["moving"], parameters={"K": [0.9, 1.02], "r": [0.9, 1.1]})
    assert refused(wide.save(tmp_path / "a")).where == "system.equilibrium"


def test_an_exact_equilibrium_that_moves(tmp_path, drafts):
    bad = about(drafts["moving"], equilibrium={"x": 1})
    assert "for all parameters" in refused(bad.save(tmp_path / "a")).reason


def test_a_right_hand_side_that_is_undefined_for_a_parameter(tmp_path, drafts):
    tails = (
        (" + 0/a", [-1, 1]),
        (" + 0*x/(a - 1)", [0.9, 1.1]),
        (" + 0*log(a - 1)", [0.9, 1.1]),
        (" + 0*sqrt(a - 2)", [0.9, 1.1]),
    )
    for tail, ends in tails:
        equation = "x' = -(1 + x)*x(t - tau)" + tail
        bad = about(drafts["uncertain"], equations=[equation], parameters={"a": ends})
        refused(bad.save(tmp_path / "a"))
        boxed = about(drafts["enclosed"], parameters={"a": ends})
        boxed.document["system"]["equations"] = ["x' = 0.1 + x*(1 - x(t - tau))" + tail]
        refused(boxed.save(tmp_path / "a"))


def test_the_level_is_shown_wherever_the_faces_are(tmp_path, drafts):
    """A level between v_0 on the nearer and on the farther place of a face."""
    draft = copy.deepcopy(drafts["moving"])
    draft.document["region"]["level"][0] *= 1.6
    assert "face_codes" in refused(draft.save(tmp_path / "a")).where


def test_the_radius_is_within_the_nearest_end(tmp_path, drafts):
    draft = copy.deepcopy(
        drafts["moving"]
    )  # the domain reaches 0.26 below 0.96, and 0.34 below 1.04
    draft.document["region"]["radius"]["rho"] = 0.3
    assert "outside the domain" in refused(draft.save(tmp_path / "a")).reason


def test_the_domain_holds_the_whole_box(tmp_path, drafts):
    draft = copy.deepcopy(drafts["moving"])
    draft.document["system"]["domain"] = draft.document["region"]["domain"] = {"x": [0.97, 1.5]}
    assert "strictly inside" in refused(draft.save(tmp_path / "a")).reason


# ---- form


@pytest.mark.parametrize(
    "section",
    [
        {"parameters": {"a": [1.1, 0.9]}},
        {"parameters": {"a": [1.0, 1.0]}},
        {"parameters": {"a": [0.9, 1.0, 1.1]}},
        {"parameters": {"a": [0.9]}},
        {"parameters": {"a": "1"}},
        {"parameters": {"a": [0.9, None]}},
        {"equilibrium": {"x": [1, -1]}},
        {"equilibrium": {"x": [0, 0]}},
        {"equilibrium": {"x": [0]}},
        {"equilibrium": {"x": [[0, 1], 1]}},
    ],
)
def test_intervals_of_a_wrong_form(tmp_path, drafts, section):
    bad = about(drafts["uncertain"], **section)
    refused(writer.write(tmp_path / "a", bad.document, bad.entries()))


def test_boxes_are_for_all_states(tmp_path, drafts):
    for equilibrium in (
        {"theta": [0.19869, 0.1987]},
        {"theta": [0.19869, 0.1987], "omega": 0},
        {"theta": [0.19869, 0.1987], "omega": [-1e-5, 1e-5], "z": [0, 1]},
    ):
        bad = about(drafts["pushed"], equilibrium=equilibrium)
        assert refused(bad.save(tmp_path / "a")).where == "system.equilibrium"


def test_only_kinds_that_say_so_take_intervals(tmp_path):
    assert [name for name, rule in RULES.items() if rule.intervals] == ["krasovskii", "random"]
    draft = razumikhin_maker.hutchinson()
    assert check_file(draft.save(tmp_path / "a")).valid
    for section in ({"parameters": {"a": [0, 1]}}, {"equilibrium": {"x": [-1e-9, 1e-9]}}):
        document = draft.document | {"system": draft.document["system"] | section}
        found = writer.write(tmp_path / "a", document, draft.entries())
        assert "unknown to this kind" in refused(found).reason


@pytest.mark.parametrize("reclaim", [False, True])
@pytest.mark.parametrize("name", ["uncertain", "moving"])
def test_each_field(tmp_path, drafts, name, reclaim):
    """Any change is refused, except of information, or where what is claimed then is true as well."""
    base, entries = copy.deepcopy(drafts[name].document), drafts[name].entries()
    base["claim"] = writer.claim(base)
    unseen = ("states", "delayed", "equilibrium", "x")  # 0.0 may be left out
    check_each_field(
        tmp_path / "a", base, entries, writer.claim, still_true, reclaim=reclaim, unseen=unseen
    )


def still_true(path: tuple, old, new) -> bool:
    """Whether the new claim is about a system that is stable too, or is the same."""
    if path[:2] == ("system", "parameters"):
        if path == ("system", "parameters"):
            return new == old | {"extra": 1}
        ends = new if isinstance(new, list) else [new]
        return all(0 < end < 1.6 for end in ends)
    if path[:2] == ("system", "equilibrium"):
        box = new.get("x", 0) if isinstance(new, dict) else new
        return box in (0, 0.0, []) or (isinstance(box, (int, float)) and 0.9 < box < 1.1)
    if path[:2] == ("delay", "range"):
        return 0 <= new <= 0.4
    if path[:2] == ("region", "radius"):
        return new <= 8 * old  # the test takes powers of two for both radii together
    if path[:2] == ("region", "level"):
        return new < 2.1 * old
    if path[:2] == ("system", "domain"):
        return abs(new - old) <= 1e-6
    return path[:2] == ("system", "equations") and new.strip() == old


# ---- against sampling


@pytest.mark.parametrize("name", DRAFTS)
def test_features_are_enclosed_for_all_constants(drafts, name):
    """n(xi) from the text of the equation, at random constants and equilibria, lies in forms and slopes."""
    piece, found, order = maker.read(drafts[name], 0)
    features, _, box = maker.problem(piece, found, order)
    rng = np.random.default_rng(0)
    ends = np.array([[float(a), float(b)] for a, b in box])
    d = features.size
    for _ in range(40):
        pair = np.sort(rng.uniform(ends[:, :1], ends[:, 1:], (len(ends), 2)), axis=1)
        lo, hi = pair[:, :1].copy(), pair[:, 1:].copy()
        affine, slopes = features.affine(lo, hi), features.slopes(lo, hi)
        for _ in range(10):
            xi = rng.uniform(lo, hi)[:, 0]
            v = features_at(found, features, xi)
            offset = affine.m[:, 0] + affine.lin[:, :, 0].T @ (xi - 0.5 * (lo + hi)[:, 0])
            assert (np.abs(v - offset) <= affine.rho[:, 0] + 1e-12).all()
            sides = [
                np.multiply.outer(xi[:d], np.ones(len(v))) * e[:, :, 0]
                for e in (slopes.lo, slopes.hi)
            ]
            low, high = np.minimum(*sides).sum(0), np.maximum(*sides).sum(0)
            assert ((low - 1e-12 <= v) & (v <= high + 1e-12)).all()


def features_at(found: system.System, features, xi: np.ndarray) -> np.ndarray:
    """(xi, n(xi)) in floating point: f at the point less f at zero deviation less the linear terms."""
    values = dict(zip((*found.xi, *found.constants), xi.tolist(), strict=True))
    rests = [number(rest, values) for rest in found.rest if rest is not None]
    return np.array([*xi[: features.size], *rests])


def number(node: Node, values: dict[int, float]) -> float:
    match node.op:
        case "const":
            return float(node.value)
        case "var":
            return values[int(node.value)]
        case "+":
            return sum(number(arg, values) for arg in node.args)
        case "neg":
            return -number(node.args[0], values)
        case "*":
            return number(node.args[0], values) * number(node.args[1], values)
        case "pow":
            return number(node.args[0], values) ** int(node.value)
    return float(getattr(np, node.op)(number(node.args[0], values)))


@pytest.mark.parametrize("name", DRAFTS)
def test_rests_vanish_at_the_equilibrium(drafts, name):
    found, rng = built(drafts[name]), np.random.default_rng(1)
    for rest in found.rest:
        for _ in range(20):
            values = dict.fromkeys(found.xi, 0.0)
            spans = zip(found.constants, found.spans, strict=True)
            values |= {j: rng.uniform(float(a), float(b)) for j, (a, b) in spans}
            assert rest is None or abs(number(rest, values)) < 1e-12


IDENTITIES = {
    "0*exp(a)": True,
    "a*b - b*a": True,
    "a/b*b - a": True,
    "(a + b)^2 - a^2 - 2*a*b - b^2": True,
    "exp(a*b) - exp(b*a)": True,
    "1/(a + b) - 1/(b + a)": True,
    "(a + b)/(a + b) - 1": False,  # true, but not seen
    "a - b": False,
    "1/(2*a) - 1/a": False,
    "1/(2*a) - 0.5/a": True,
    "a*0.1 - a/10": True,
    "exp(a)*exp(b) - exp(a + b)": False,
    "(1 + a)^-2 - (a + 1)^(-1)*(1 + a)^(-1)": True,
    "sin(a) - a": False,
    "a^3/a^2 - a": True,
    "log(1)*a": True,
}


@pytest.mark.parametrize("text", IDENTITIES)
def test_what_is_0_for_all_parameters(text, drafts):
    equation = f"x' = -x(t - tau)*(1 + x) + {text}"
    draft = about(drafts["uncertain"], equations=[equation])
    draft.document["system"]["parameters"] = {"a": [0.9, 1.1], "b": [1.2, 1.3]}
    if IDENTITIES[text]:
        built(draft)
        return
    with pytest.raises(Refused, match="for all parameters"):
        built(draft)


def test_each_parameter_has_its_own_interval(drafts):
    equation = "x' = -x(t - tau)*(1 + x) + 0*a + 0*b"
    draft = about(drafts["uncertain"], equations=[equation])
    for spans in ({"a": [0.9, 1.1], "b": [2, 3]}, {"b": [0.5, 0.75], "a": [4, 5]}):
        draft.document["system"]["parameters"] = spans
        found = built(draft)
        shown = dict(zip(found.constants, found.spans, strict=True))
        assert shown == {
            -1 - k: tuple(Fraction(str(end)) for end in spans[name]) for k, name in enumerate("ab")
        }


def test_a_right_side_that_a_parameter_makes_undefined(tmp_path):
    """0/a is 0 for every a but 0, where there is no equation at all."""
    draft = unknowns_maker.constant_drift()
    draft.document["system"] |= {
        "equations": ["x' = 0/a - 3*x(t - tau)"],
        "parameters": {"a": [-1, 1]},
        "equilibrium": {},
    }
    assert "smooth" in refused(draft.save(tmp_path / "a")).reason


def test_formal_values_agree_with_rational_ones():
    """A polynomial in parameters has the value of the tree at random rational parameters."""
    rng = np.random.default_rng(2)
    a, b = (Node("var", value=Fraction(-k)) for k in (1, 2))
    trees = [
        Node("+", (Node("*", (a, b)), Node("neg", (Node("pow", (a,), Fraction(3)),)))),
        Node("pow", (Node("+", (a, b, Node("const", value=Fraction(1, 3)))),), Fraction(4)),
        Node(
            "*", (Node("pow", (Node("*", (a, b)),), Fraction(-2)), Node("pow", (a,), Fraction(3)))
        ),
    ]
    for tree in trees:
        formal = evaluate(tree, unknowns._atom, lambda v: unknowns.Formal({frozenset(): v}))
        for _ in range(10):
            p = {-k: Fraction(int(rng.integers(1, 50)), 7) for k in (1, 2)}
            value = sum(
                c * math.prod([p[atom] ** k for atom, k in monomial], start=Fraction(1))
                for monomial, c in formal.terms.items()
            )
            assert value == exact(tree, p)


def exact(node: Node, values: dict[int, Fraction]) -> Fraction:
    if node.op in ("const", "var"):
        return node.value if node.op == "const" else values[int(node.value)]
    parts = [exact(arg, values) for arg in node.args]
    if node.op == "+":
        return sum(parts, Fraction(0))
    if node.op == "neg":
        return -parts[0]
    return parts[0] * parts[1] if node.op == "*" else parts[0] ** int(node.value)


@pytest.mark.parametrize("seed", range(6))
def test_a_box_that_is_accepted_holds_exactly_one_zero(drafts, seed):
    """Random boxes around a cubic with three zeros and an unknown shift, judged by the zeros themselves."""
    rng, accepted = np.random.default_rng(seed), 0
    for _ in range(60):
        low, width, spread = (
            rng.uniform(-1.8, 1.8),
            rng.uniform(0.02, 1.5),
            rng.choice([1e-4, 0.05]),
        )
        low, high = round(low, 6), round(low + width, 6)
        draft = about(
            drafts["enclosed"],
            equations=["x' = x - x(t - tau)^3 + a*0.1"],
            parameters={"a": [-float(spread), float(spread)]},
            equilibrium={"x": [low, high]},
        )
        draft.document["system"]["domain"] = draft.document["region"]["domain"] = {"x": [-4, 4]}
        try:
            built(draft)
        except Refused:
            continue
        accepted += 1
        for a in np.linspace(-spread, spread, 5):
            roots = np.roots([-1.0, 0.0, 1.0, 0.1 * a])
            real = roots[np.abs(roots.imag) < 1e-9].real
            assert ((low < real) & (real < high)).sum() == 1
    assert accepted
