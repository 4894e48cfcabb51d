"""Kinds "several" and "slow" for nonlinear systems on a domain: what is accepted, and what is refused."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from certdde.verify.checker import check_file

from . import several_maker, slow_maker, writer
from .mutations import check_each_field
from .test_reject import refused

Draft = several_maker.Draft | slow_maker.Draft
TANH = [-1, 1]


@pytest.fixture(scope="module")
def lags() -> several_maker.Draft:
    return several_maker.neuron()


@pytest.fixture(scope="module")
def slow() -> slow_maker.Draft:
    return slow_maker.neuron()


@pytest.fixture(scope="module")
def one_sided() -> slow_maker.Draft:
    return slow_maker.neuron((None, 0.5))


@pytest.fixture(params=["lags", "slow", "one_sided"])
def draft(request) -> Draft:
    return copy.deepcopy(request.getfixturevalue(request.param))


def about(draft: Draft, equation: str, domain: list[float] = TANH, **system: Any) -> Draft:
    """A copy that makes its claim for another equation, or on another domain."""
    other = copy.deepcopy(draft)
    box = {"x": domain}
    other.document["system"] |= {"equations": [equation], "domain": box} | system
    other.document["region"]["domain"] = box
    return other


def equation(draft: Draft, first: str, second: str = "tanh") -> str:
    """The equation with other functions of the delayed values."""
    if isinstance(draft, slow_maker.Draft):
        return f"x' = -x - 2*{first}(x(t - tau))"
    return f"x' = -x - 2*{first}(x(t - tau1)) - {second}(x(t - tau2))"


# ---- accepted


def test_two_delays(tmp_path, lags):
    result = check_file(lags.save(tmp_path / "a"))
    assert result.valid, result
    radius = lags.document["region"]["radius"]
    assert result.claim == (
        "For all constant delays tau1 in [0.0, 0.6], tau2 in [0.0, 0.6], the equilibrium x = 0.0 of"
        " x' = -x - 2*tanh(x(t - tau1)) - tanh(x(t - tau2)) is asymptotically stable, and every"
        " absolutely continuous history with square integrable derivative, values in"
        " -1.0 <= x <= 1.0 and V <= 1.0 stays there and tends to the equilibrium; all histories"
        f" within {radius['rho']!r} of the equilibrium in every state with rates at most"
        f" {radius['rho_rate']!r} are among them."
    )


def test_a_slow_delay(tmp_path, slow, one_sided):
    for draft, rate in ((slow, "in [-0.5, 0.5]"), (one_sided, "at most 0.5")):
        result = check_file(draft.save(tmp_path / "a"))
        assert result.valid, result
        assert f"rate tau'(t) {rate} almost everywhere, the equilibrium x = 0.0" in result.claim
        assert "and V <= 1.0 at the delay tau(0) stays there and tends" in result.claim


def test_an_equilibrium_elsewhere_and_several_boxes(tmp_path):
    """A logistic equation with two delays: two functionals, each with its level."""
    draft = several_maker.nonlinear(
        ["x' = r*x*(1 - 0.6*x(t - tau1) - 0.4*x(t - tau2))"],
        {"tau1": [0, 0.3], "tau2": [0.1, 0.3]},
        {"x": [0.7, 1.3]},
        parameters={"r": 1.0},
        equilibrium={"x": 1.0},
    )
    assert check_file(draft.save(tmp_path / "a")).valid
    half, high = copy.deepcopy(draft), draft.parts[0]
    half.codes, half.parts = [0, 254, 254], [high, high]
    half.document["functional"]["parts"] *= 2
    half.document["region"]["level"] *= 2
    result = check_file(half.save(tmp_path / "a"))
    assert result.valid, result
    assert "V_i <= c_i, c = (1.0, 1.0) stays there" in result.claim
    half.document["region"]["level"] = [1.0, 1.1]
    refused(half.save(tmp_path / "a"))


def test_one_delay_with_multiples_and_two_states(tmp_path):
    draft = several_maker.nonlinear(
        ["x' = v", "v' = -2*sin(x) - 2*v + 0.3*tanh(v(t - tau)) - 0.3*x(t - 2*tau)"],
        {"tau": [0, 0.2]},
        {"x": [-1, 1], "v": [-2, 2]},
    )
    assert draft.document["proof"]["nonlinear"] == {"states": ["x"], "delayed": ["v"]}
    assert check_file(draft.save(tmp_path / "a")).valid
    draft.document["proof"]["nonlinear"] = {"states": ["x", "v"], "delayed": ["v", "x"]}
    assert check_file(draft.save(tmp_path / "a")).valid  # what is linear stays exact


def test_a_linear_system_on_a_domain(tmp_path, lags):
    """A weaker claim than a global one; the proof is the same."""
    linear = about(lags, "x' = -x - 1.9*x(t - tau1) - 0.9*x(t - tau2)")
    linear.document["proof"]["nonlinear"] = {"states": [], "delayed": []}
    result = check_file(linear.save(tmp_path / "a"))
    assert result.valid, result
    assert "values in -1.0 <= x <= 1.0 and V <= 1.0 stays there" in result.claim


def test_other_functions_with_slopes_in_between(tmp_path, draft):
    for function in ("sin", "atan", "0.9*tanh"):
        assert check_file(about(draft, equation(draft, function)).save(tmp_path / "a")).valid


# ---- refused: false claims


def test_slopes_beyond_the_vertices(tmp_path, draft):
    """Each is unstable somewhere, or has another equilibrium in the domain, or is not smooth on it."""
    for function in ("-tanh", "3*tanh", "-sin", "-1.2*x + 0*tanh", "5*sin", "exp", "log", "tan"):
        found = about(draft, equation(draft, function))
        if function == "tan":  # slopes up to 1.56: unstable at none of the delays, but no proof
            found = about(draft, equation(draft, "4*tan"))
        refused(found.save(tmp_path / "a"))


def test_domains_that_hold_a_second_equilibrium(tmp_path, draft):
    """x' = -x + 1.1 sin x, and so on: stable at 0, and still where the slope from 0 is 1."""
    several = isinstance(draft, several_maker.Draft)
    late, rest = ("tau1", " - 0.001*tanh(x(t - tau2))") if several else ("tau", "")
    for text in (
        f"x' = -x + 3*x(t - {late})**3{rest}",
        f"x' = -x - 2*tanh(x(t - {late})) + 4*x**3{rest}",
        f"x' = -x*(1 - 2*x(t - {late})){rest}",
    ):
        found = about(draft, text)
        found.document["proof"]["nonlinear"] = {"states": ["x"], "delayed": ["x"]}
        reason = refused(found.save(tmp_path / "a")).reason
        assert "definite" in reason or "wrong sign" in reason, reason


@pytest.mark.parametrize("kind", ["several", "slow"])
def test_both_ends_of_a_slope_count(tmp_path, kind):
    """2 tanh x = x/2 at +-3.997, another equilibrium; a gain of 59 at 5 is too much for a delay of 0.1."""
    if kind == "several":
        text = "x' = 0.5*x - tanh(x(t - tau1)) - tanh(x(t - tau2))"
        delays = {"tau1": [0, 0.1], "tau2": [0, 0.1]}
        draft = several_maker.nonlinear([text], delays, {"x": [-1, 1]})
    else:
        text = "x' = 0.5*x - 2*tanh(x(t - tau))"
        draft = slow_maker.nonlinear([text], [0, 0.1], [-0.1, 0.1], {"x": [-1, 1]})
    assert check_file(about(draft, text, [-1, 1.1]).save(tmp_path / "a")).valid
    for end in (4, 5, 20):  # the slope at the far end is too small
        reason = refused(about(draft, text, [-end, end]).save(tmp_path / "a")).reason
        assert "not negative definite" in reason or "wrong sign" in reason
    steep = text.replace("tanh(", "(-1 + exp(").replace("))", ")))")  # slopes from 0.63 to 29.5
    reason = refused(about(draft, steep, [-1, 5]).save(tmp_path / "a")).reason
    assert "not negative definite" in reason or "wrong sign" in reason


def test_other_domains(tmp_path, draft):
    """A level set that is inside |x| < 1 is not inside a smaller domain."""
    assert check_file(about(draft, equation(draft, "tanh"), [-1, 1.2]).save(tmp_path / "a")).valid
    for domain in ([-0.9, 1], [-1, 0.5], [0, 1], [-1e-9, 1], [1, -1], [-1, -0.5]):
        refused(about(draft, equation(draft, "tanh"), domain).save(tmp_path / "a"))


def test_levels_and_radii(tmp_path, draft):
    radius = draft.document["region"]["radius"]
    for change in (
        {"level": [1.01]},
        {"level": [100.0]},
        {"level": [0.5]},  # inside, but then the radius is not in it
        {"level": [0.0]},
        {"level": [-1.0]},
        {"level": [1.0, 1.0]},
        {"level": []},
        {"level": None},
        {"radius": None},
        {"level": None, "radius": None},
        {"radius": {"rho": radius["rho"] * 1.01, "rho_rate": radius["rho_rate"]}},
        {"radius": {"rho": radius["rho"], "rho_rate": 100 * radius["rho_rate"]}},
        {"radius": {"rho": 1.5, "rho_rate": 1e-3}},
        {"radius": {"rho": 0.0, "rho_rate": 1.0}},
        {"radius": {"rho": 0.1}},
    ):
        bad = copy.deepcopy(draft)
        bad.document["region"] |= change
        maker = several_maker if isinstance(draft, several_maker.Draft) else slow_maker
        try:
            claim = maker.claim(bad.document)
        except (TypeError, KeyError, IndexError):
            claim = draft.document["claim"]
        bad.document["claim"] = claim
        result = refused(writer.write(tmp_path / "a", bad.document, bad.entries()))
        assert "region" in result.where or "leaves the domain" in result.reason


def test_a_smaller_level_and_radius_are_weaker_claims(tmp_path, draft):
    region = draft.document["region"]
    region["radius"] = {k: v / 2 for k, v in region["radius"].items()}
    assert check_file(draft.save(tmp_path / "a")).valid
    region["level"] = [0.6]
    assert check_file(draft.save(tmp_path / "a")).valid


def test_no_global_claim(tmp_path, draft):
    """A domain of null needs a linear system, whatever else is said."""
    for system, region in (
        ({"domain": None}, {"domain": None, "level": None, "radius": None}),
        ({"domain": None}, {"domain": None}),
        ({}, {"domain": None, "level": None, "radius": None}),
    ):
        bad = copy.deepcopy(draft)
        bad.document["system"] |= system
        bad.document["region"] |= region
        maker = several_maker if isinstance(draft, several_maker.Draft) else slow_maker
        for claim in (
            draft.document["claim"],
            maker.claim(bad.document | {"region": draft.document["region"]}),
        ):
            for nonlinear in (
                bad.document["proof"]["nonlinear"],
                {"states": [], "delayed": []},
            ):
                wrong = copy.deepcopy(bad)
                wrong.document["claim"] = claim
                wrong.document["proof"]["nonlinear"] = nonlinear
                refused(writer.write(tmp_path / "a", wrong.document, wrong.entries()))


def test_hidden_variables(tmp_path, draft):
    draft.document["proof"]["nonlinear"] = {"states": ["x"], "delayed": []}
    assert "lacks a variable" in refused(draft.save(tmp_path / "a")).reason


def test_longer_delays_and_faster_ones(tmp_path, lags, slow):
    for end in (0.6001, 0.8, 3.0):
        refused(lags.claiming([0, end], [0, 0.6]).save(tmp_path / "a"))
        refused(slow.changed(range=[0, end]).save(tmp_path / "a"))
        with_breaks = lags.claiming([0, end], [0, end])
        ends = np.array([0, several_maker.above(end)])
        with_breaks = with_breaks.changed(breaks0=ends, breaks1=ends)
        if end > 0.7:  # at 0.6001 the forms still hold
            refused(with_breaks.save(tmp_path / "a"))
        refused(
            slow.changed({"window": np.array([end * 2])}, range=[0, end * 2]).save(tmp_path / "a")
        )
    near = slow_maker.nonlinear(slow_maker.NEURON, [0.9, 1.1], [-0.05, 0.05], {"x": [-0.3, 0.3]})
    assert check_file(near.save(tmp_path / "a")).valid
    for rate in ([-0.05, 0.9], [None, 0.9], [-5, 0.05]):
        refused(near.changed(rate=rate).save(tmp_path / "a"))
    refused(near.changed({"window": np.array([1.21])}, range=[0.99, 1.21]).save(tmp_path / "a"))


def test_functionals_that_are_bent(tmp_path, draft):
    arrays = draft.arrays if isinstance(draft, slow_maker.Draft) else draft.parts[0]
    for name, array in list(arrays.items()):
        if name.startswith(("breaks", "window")):
            continue
        for bad in (
            (0 * array, -array, 30 * array) if name not in ("P1", "U") else (array * np.nan,)
        ):
            arrays[name] = bad
            refused(draft.save(tmp_path / "a"))
        arrays[name] = array
    assert check_file(draft.save(tmp_path / "a")).valid


# ---- every field


@pytest.mark.parametrize("reclaim", [False, True])
@pytest.mark.parametrize("name", ["lags", "slow"])
def test_each_field(tmp_path, request, name, reclaim):
    maker = several_maker if name == "lags" else slow_maker
    draft = copy.deepcopy(request.getfixturevalue(name))
    base, entries = draft.document, draft.entries()
    base["claim"] = maker.claim(base)
    radius = base["region"]["radius"]

    def still_true(path: tuple, old, new) -> bool:
        """Whether the new claim follows from the old one, is the same, or has room in the proof."""
        if path[:2] == ("delay", "rate"):
            return -0.6 <= new <= 0.6
        if path[-2:-1] == ("range",):
            return 0 <= new <= 0.6
        if path[:2] == ("region", "level"):
            return 0.99 < new < 1 + 1e-6  # the search leaves a little room
        if path[:2] == ("region", "radius"):
            return 0 < new <= radius[path[-1]] * 1.001
        if path == ("system", "parameters"):
            return new == old | {"extra": 1}
        if path == ("system", "equilibrium"):
            return new == {}
        if path == ("proof", "nonlinear", "states"):
            return new == []
        return path[:2] == ("system", "equations") and new.strip() == old

    check_each_field(
        tmp_path / "a",
        base,
        entries,
        maker.claim,
        still_true,
        reclaim=reclaim,
        unseen=("equilibrium", "states"),
    )
