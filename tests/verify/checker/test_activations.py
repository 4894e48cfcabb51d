"""Networks of every activation: certificates that are accepted, and what must not be."""

from __future__ import annotations

import copy
import itertools

import mpmath
import numpy as np
import pytest
from ival import Interval

from certdde.verify.checker import check_file, slopes, taylor
from certdde.verify.checker.activations import ACTIVATIONS
from certdde.verify.checker.dissipation import bessel
from certdde.verify.checker.moments import lower_forms
from certdde.verify.checker.network import Network
from certdde.verify.second_opinion import compare

from . import maker, writer
from .mutations import check_each_field

MIXED = [[["square", 7], ["tanh", 6], ["sin", 3]]]
CHOICES = {**{name: name for name in ACTIVATIONS}, "mixed": MIXED}
PHI = {
    "tanh": mpmath.tanh,
    "sin": mpmath.sin,
    "square": lambda z: z * z,
    "softplus": lambda z: mpmath.log1p(mpmath.exp(z)),
}


@pytest.fixture(scope="module")
def drafts() -> dict[str, maker.Draft]:
    return {
        name: maker.hutchinson(True, activation=activation) for name, activation in CHOICES.items()
    }


def names(activation, layers: int, level: int, width: int) -> list[str]:
    if isinstance(activation, str):
        return [activation] * width
    assert len(activation) == layers - 1
    return [name for name, count in activation[level] for _ in range(count)]


def value(net: Network, x: list[mpmath.mpf]) -> list[mpmath.mpf]:
    """psi in 40 digits, unit by unit."""
    h = mpmath.matrix(x)
    for level, (weight, bias) in enumerate(zip(net.weights, net.biases, strict=False)):
        z = mpmath.matrix(weight.tolist()) * h + mpmath.matrix(bias.tolist())
        phis = names(net.activation, len(net.weights), level, len(weight))
        h = mpmath.matrix([PHI[name](z[k]) for k, name in enumerate(phis)])
    return list(mpmath.matrix(net.weights[-1].tolist()) * h)


def network(activation, widths: list[int], seed: int) -> Network:
    rng = np.random.default_rng(seed)
    sizes = [2, *widths]
    weights = tuple(rng.normal(size=(b, a)) / np.sqrt(a) for a, b in itertools.pairwise(sizes))
    biases = tuple(rng.normal(size=(b, 1)) for b in sizes[1:-1])
    return Network((0, 1), weights, biases, activation)


DEEP = ((("square", 2), ("tanh", 3)), (("softplus", 1), ("sin", 2), ("square", 1)))
SHAPES = [*((name, [5, 4, 2]) for name in ACTIVATIONS), (DEEP, [5, 4, 2])]


@pytest.mark.parametrize(("activation", "widths"), SHAPES, ids=[*ACTIVATIONS, "mixed"])
def test_forms_and_slopes_contain_samples(activation, widths):
    mpmath.mp.dps = 40
    net, rng = network(activation, widths, 5), np.random.default_rng(1)
    lo = rng.uniform(-1, 0.5, (2, 5))
    hi = lo + 10.0 ** rng.uniform(-3, 0, (2, 5))
    hi[:, 0] = lo[:, 0]
    centre, r = taylor.reach(lo, hi)
    p, pulled = net.taylor(taylor.stack(taylor.variables(centre, r)), True)
    forms = taylor.gather([p, pulled], r)
    psi, jacobian = net.slopes(slopes.stack(slopes.variables(lo, hi)))
    at_zero, outputs = value(net, [mpmath.mpf(0)] * 2), widths[-1]
    enclosed = net.at_zero()
    for o in range(outputs):
        assert mpmath.mpf(float(enclosed.lo[o, 0])) <= at_zero[o] <= float(enclosed.hi[o, 0])
    for k in range(5):
        for share in ((0, 0), (1, 0), (0.3, 0.9), (1, 1)):
            x = [
                mpmath.mpf(float(min(lo[i, k] + s * (hi[i, k] - lo[i, k]), hi[i, k])))
                for i, s in enumerate(share)
            ]
            shift = [v - mpmath.mpf(float(c)) for v, c in zip(x, centre[:, k], strict=True)]
            rise = [v - z for v, z in zip(value(net, x), at_zero, strict=True)]
            rates = [
                [mpmath.diff(lambda t, i=i, o=o, x=x: at(net, x, i, t)[o], x[i]) for i in range(2)]
                for o in range(outputs)
            ]
            q = [sum(rates[o][i] * rise[o] for o in range(outputs)) for i in range(2)]
            for f, true in enumerate([*rise, *q]):
                line = sum(mpmath.mpf(float(forms.lin[i, f, k])) * shift[i] for i in range(2))
                gap = abs(true - line - mpmath.mpf(float(forms.m[f, k])))
                assert gap <= mpmath.mpf(float(forms.rho[f, k])) + mpmath.mpf(10) ** -12
            for o in range(outputs):
                reach = sum(
                    (
                        Interval(c.lo[o, k], c.hi[o, k]) * Interval(float(v), float(v))
                        for c, v in zip(psi.cols, x, strict=True)
                    ),
                    Interval(0.0),
                )
                assert float(reach.lo) <= rise[o] <= float(reach.hi)
                for i in range(2):
                    assert jacobian[i].lo[o, k] - 1e-12 <= rates[o][i]
                    assert rates[o][i] <= jacobian[i].hi[o, k] + 1e-12


def at(net: Network, x: list[mpmath.mpf], i: int, t: mpmath.mpf) -> list[mpmath.mpf]:
    return value(net, [*x[:i], t, *x[i + 1 :]])


@pytest.mark.parametrize("name", CHOICES)
def test_certificates_are_accepted_and_seconded(tmp_path, drafts, name):
    path = drafts[name].save(tmp_path / "a")
    result = check_file(path)
    assert result.valid, result
    opinion = compare(path, sample=60, seed=1)
    assert opinion.agree, opinion


def renamed(draft: maker.Draft, activation) -> maker.Draft:
    draft = copy.deepcopy(draft)
    for network_ in draft.document["functional"]["parts"][0]["networks"].values():
        network_["activation"] = activation
    return draft


def least_on_faces(draft: maker.Draft) -> float:
    """The least v_0 on the faces, which the level must not reach."""
    piece, found, order = maker.read(draft, 0)
    total = bessel(piece.p, piece.s, piece.r, piece.breaks[-1], found.n)
    [ph] = lower_forms(total, (), piece.breaks, found.n)
    del order
    return maker.sampled_level(ph, piece.v0, found.domain)


@pytest.mark.parametrize("pair", list(itertools.combinations(CHOICES, 2)), ids="-".join)
def test_under_another_name_the_level_is_false_and_refused(tmp_path, drafts, pair):
    """The same weights under two names; a level that v_0 exceeds with one of them and not with the other."""
    both = [renamed(drafts["tanh"], CHOICES[name]) for name in pair]
    low, high = sorted(both, key=least_on_faces)
    between = (least_on_faces(low) + least_on_faces(high)) / 2
    for draft, wanted in ((high, True), (low, False)):
        draft.document["region"] |= {
            "level": [between],
            "radius": {"rho": 1e-3, "rho_rate": 1e-3},
        }
        draft.document["claim"] = writer.claim(draft.document)
        result = check_file(draft.save(tmp_path / "a"))
        assert result.valid == wanted, (pair, result)
        assert wanted or "face" in result.where


@pytest.mark.parametrize("name", CHOICES)
def test_a_network_with_which_v_does_not_decrease_is_refused_at_the_leaves(tmp_path, drafts, name):
    draft = copy.deepcopy(drafts[name])
    draft.tensors[0]["V0.weight1"] = 1000 * draft.tensors[0]["V0.weight1"]
    draft.document["region"]["radius"] = {"rho": 1e-6, "rho_rate": 1e-6}
    draft.document["claim"] = writer.claim(draft.document)
    result = check_file(draft.save(tmp_path / "a"))
    assert not result.valid
    assert "codes" in result.where
    assert "face" not in result.where


@pytest.mark.parametrize(
    "activation",
    [
        "relu",
        "pow",
        "exp",
        "TANH",
        "",
        None,
        1,
        ["tanh"],
        [],
        [[]],
        [[["tanh", 16]], [["tanh", 16]]],
        [[["tanh", 15]]],
        [[["tanh", 17]]],
        [[["tanh", 8], ["relu", 8]]],
        [[["tanh", 16, 1]]],
        [[["tanh", 0], ["tanh", 16]]],
        [[["tanh", -1], ["tanh", 17]]],
        [[["tanh", 8.5], ["tanh", 7.5]]],
        [[["tanh", 1e300]]],
        [{"tanh": 16}],
        {"tanh": 16},
    ],
)
def test_what_is_no_activation_is_refused(tmp_path, drafts, activation):
    draft = copy.deepcopy(drafts["tanh"])
    draft.document["functional"]["parts"][0]["networks"]["V0"]["activation"] = activation
    result = check_file(draft.save(tmp_path / "a"))
    assert not result.valid
    assert "activation" in result.where
    assert result.where != "checker"


def test_a_name_and_a_group_of_all_units_mean_the_same(tmp_path, drafts):
    draft = copy.deepcopy(drafts["tanh"])
    for network_ in draft.document["functional"]["parts"][0]["networks"].values():
        network_["activation"] = [[["tanh", 16]]]
    assert check_file(draft.save(tmp_path / "a")).valid


@pytest.mark.parametrize("activation", ["square", "softplus", "sin"])
@pytest.mark.parametrize("weight", [1e20, 1e29])
def test_weights_so_large_that_numbers_overflow_are_refused(tmp_path, drafts, activation, weight):
    draft = copy.deepcopy(drafts[activation])
    for key in ("V0.weight0", "V0.weight1", "W.weight0", "W.weight1"):
        draft.tensors[0][key] = draft.tensors[0][key] * weight
    result = check_file(draft.save(tmp_path / "a"))
    assert not result.valid
    assert result.where != "checker"


def test_deep_squares_that_overflow_are_refused(tmp_path, drafts):
    draft = copy.deepcopy(drafts["square"])
    tensors = draft.tensors[0]
    last = tensors.pop("V0.weight1")
    for level in range(1, 12):
        tensors[f"V0.weight{level}"] = 1e25 * np.eye(16)
        tensors[f"V0.bias{level}"] = np.zeros(16)
    tensors["V0.weight12"] = last
    draft.document["functional"]["parts"][0]["networks"]["V0"]["layers"] = 13
    result = check_file(draft.save(tmp_path / "a"))
    assert not result.valid
    assert result.where != "checker"


def test_every_changed_field_of_a_mixed_certificate_is_refused(tmp_path, drafts):
    """But for an order of the groups with which V decreases too, as the leaves then show: it is another V."""
    draft = drafts["mixed"]
    base = copy.deepcopy(draft.document)

    def still_true(path, _old, new) -> bool:
        layer = new[0] if path[-1] == "activation" else new
        return "activation" in path and sum(count for _, count in layer) == 16

    check_each_field(
        tmp_path / "a",
        base,
        draft.entries(),
        writer.claim,
        still_true,
        reclaim=False,
        unseen=("activation", 0),
    )
