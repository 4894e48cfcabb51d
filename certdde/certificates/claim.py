"""The sentence that a certificate states (docs/certificate-format.md, section 6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from certdde.systems.grammar_hints import is_scheme


def _number(value: float) -> str:
    return repr(float(value))


def claim_sentence(
    system: Mapping[str, Any],
    delay: Mapping[str, Any],
    region: Mapping[str, Any],
    kind: str = "krasovskii",
) -> str:
    """Return the claim, from the sections of ``certificate.json``."""
    head = f"{subject_text(system, delay)} is"
    if region["domain"] is None and kind != "resampled":
        return f"{head} globally asymptotically stable."
    if kind in OTHERS:
        return OTHERS[kind](head, system, region)
    level = level_text(region["level"])
    if kind == "slow":
        level += f" at the delay {delay['name']}(0)"
    ends = [(state, *region["domain"][state]) for state in system["states"]]
    box = ", ".join(f"{_number(lo)} <= {state} <= {_number(hi)}" for state, lo, hi in ends)
    rho, rate = (_number(region["radius"][key]) for key in ("rho", "rho_rate"))
    return (
        f"{head} asymptotically stable, and every absolutely continuous history with square"
        f" integrable derivative, values in {box} and {level} stays there"
        f" and tends to the equilibrium; all histories within {rho} of the equilibrium in every"
        f" state with rates at most {rate} are among them."
    )


def _yorke(head: str, system: Mapping[str, Any], region: Mapping[str, Any]) -> str:
    """Kind ``yorke`` on a domain (section 9): a ball of histories, and an interval that they stay in."""
    [state], radius = system["states"], region["radius"]
    low, high = (_number(end) for end in radius["box"])
    return (
        f"{head} asymptotically stable, and every continuous history within"
        f" {_number(radius['rho'])} of the equilibrium has a solution that stays in"
        f" {low} <= {state} <= {high} and tends to the equilibrium."
    )


def _razumikhin(head: str, system: Mapping[str, Any], region: Mapping[str, Any]) -> str:
    """Kind ``razumikhin`` on a domain: a level of V, and for one of its forms a bound of the rates."""
    radius, kind, rates, bound = region["radius"], "continuous", "", ""
    ends = [(state, *region["domain"][state]) for state in system["states"]]
    box = ", ".join(f"{_number(lo)} <= {state} <= {_number(hi)}" for state, lo, hi in ends)
    if "rates" in radius:
        kind = "absolutely continuous"
        rates = f" and rates r with r^T Q r <= {_number(radius['rates'])}"
        bound = f" with rates at most {_number(radius['rho_rate'])}"
    return (
        f"{head} asymptotically stable, and every {kind} history with values in {box} and"
        f" {level_text(region['level'])}{rates} has a solution that keeps to these values and tends to the"
        f" equilibrium; all {kind} histories within {_number(radius['rho'])} of the equilibrium in every"
        f" state{bound} are among them."
    )


def _scheme(head: str, system: Mapping[str, Any], region: Mapping[str, Any]) -> str:
    """Kind ``scheme`` on a domain: a level of V, or only a radius."""
    ends = [(state, *region["domain"][state]) for state in system["states"]]
    box = ", ".join(f"{_number(lo)} <= {state} <= {_number(hi)}" for state, lo, hi in ends)
    rho = _number(region["radius"]["rho"])
    if region["level"] is None:
        return (
            f"{head} asymptotically stable, and every history within {rho} of the equilibrium has a solution that"
            f" stays in {box} and tends to the equilibrium."
        )
    return (
        f"{head} asymptotically stable, and every history with values in {box} and {level_text(region['level'])}"
        f" stays there and tends to the equilibrium; all histories within {rho} of the equilibrium in every state"
        " are among them."
    )


def _resampled(head: str, system: Mapping[str, Any], region: Mapping[str, Any]) -> str:
    """Kind ``resampled``: in mean square, or on a domain with a probability that grows towards the equilibrium."""
    if region["domain"] is None:
        return (
            f"{head} globally exponentially stable in mean square, and with probability 1 every "
            "solution tends to it."
        )
    ends = [(state, *region["domain"][state]) for state in system["states"]]
    box = ", ".join(f"{_number(lo)} <= {state} <= {_number(hi)}" for state, lo, hi in ends)
    level, rho = _number(region["level"][0]), _number(region["radius"]["rho"])
    return (
        f"{head} asymptotically stable in probability: for every delta in (0, 1], from every history with values in"
        f" {box} and V <= delta*{level} the solution stays in these values and tends to the equilibrium with"
        f" probability at least 1 - delta; all histories within sqrt(delta)*{rho} of the equilibrium in every state"
        " are among them."
    )


# How the claim of a kind goes on after "is", where it has a domain and is not that of section 6.
OTHERS: dict[str, Callable[[str, Mapping[str, Any], Mapping[str, Any]], str]] = {
    "razumikhin": _razumikhin,
    "resampled": _resampled,
    "scheme": _scheme,
    "yorke": _yorke,
}


def subject_text(system: Mapping[str, Any], delay: Mapping[str, Any]) -> str:
    """Return what every claim begins with: the delays, the equilibrium, the system."""
    return (
        f"For {delays_text(system, delay)}{constants_text(system)},"
        f" the equilibrium {equilibrium_text(system)}{enclosure_text(system)} of {system_text(system)}"
    )


def constants_text(system: Mapping[str, Any]) -> str:
    """Return `` and every constant a in [0.9, 1.1]``; empty if all parameters are known."""
    spans = [
        f"{name} in {_interval(value)}"
        for name, value in sorted(system["parameters"].items())
        if isinstance(value, (list, tuple))
    ]
    return f" and every constant {', '.join(spans)}" if spans else ""


def enclosure_text(system: Mapping[str, Any]) -> str:
    """Return what is said of an equilibrium that is known in a box only."""
    if not any(isinstance(value, (list, tuple)) for value in system["equilibrium"].values()):
        return ""
    of = ", and V is a function of the deviation from it" if system["domain"] else ""
    return f" (exactly one there{of})"


def _interval(ends: Sequence[float]) -> str:
    return f"[{_number(ends[0])}, {_number(ends[1])}]"


def delays_text(system: Mapping[str, Any], delay: Mapping[str, Any]) -> str:
    """Return the delays of a claim, as in ``every constant delay tau in [0.0, 1.0]``."""
    if "delays" in delay:
        kind = "every constant delay" if len(delay["delays"]) == 1 else "all constant delays"
        return f"{kind} {', '.join(_named_range(one) for one in delay['delays'])}"
    if delay["class"] == "random" and delay["set"]:
        places = " or ".join(_interval(piece) for piece in delay["set"])
        return f"every constant delay {delay['name']} in {places}"
    if delay["class"] == "random":
        return f"a delay {delay['name']} drawn once from the law {drawn_text(delay['law'])}"
    if delay["class"] == "resampled":
        return f"delays {delay['name']}(t) drawn at each step, independently, {law_text(delay)}"
    if delay["class"] == "sampled":
        return f"every sequence of sampling instants {_instants(delay)}"
    a, b = (_number(end) for end in delay["range"])
    delays = _steps(delay) if is_scheme(system["equations"][0]) else f"{_kind(delay)} [{a}, {b}]"
    return f"every {delays}{_rate(delay)}"


def _named_range(delay: Mapping[str, Any]) -> str:
    """Return ``tau in [0.0, 1.0]``."""
    a, b = (_number(end) for end in delay["range"])
    return f"{delay['name']} in [{a}, {b}]"


def _steps(delay: Mapping[str, Any]) -> str:
    """Return ``constant delay tau in {0, .., 5}``, or ``sequence of delays tau(t) in ..``."""
    name = f"constant delay {delay['name']}"
    if delay["class"] == "measurable":
        name = f"sequence of delays {delay['name']}(t)"
    return f"{name} in {_whole(delay)}"


def _whole(delay: Mapping[str, Any]) -> str:
    """Return ``{0, .., 5}``."""
    low, high = (int(end) for end in delay["range"])
    ends = [str(low), ".."] if high > low + 1 else [str(low)] * (high > low)
    return f"{{{', '.join([*ends, str(high)])}}}"


def law_text(delay: Mapping[str, Any]) -> str:
    """Return ``uniformly from {0, .., 5}``, or ``from {0, 1} with probabilities proportional to 1.0, 2.0``."""
    weights = [_number(weight) for weight in delay["weights"]]
    if len(set(weights)) == 1:
        return f"uniformly from {_whole(delay)}"
    return f"from {_whole(delay)} with probabilities proportional to {', '.join(weights)}"


def drawn_text(law: Mapping[str, Any]) -> str:
    """Return ``pareto(b = 1.5, scale = 0.1)``; of a mixture its weights and laws; what it is conditioned on."""
    if law["law"] == "mixture":
        pairs = zip(law["weights"], law["laws"], strict=True)
        inner = ", ".join(f"{_number(weight)}: {drawn_text(one)}" for weight, one in pairs)
    else:
        inner = ", ".join(f"{key} = {_number(value)}" for key, value in sorted(law["args"].items()))
    ends = f" conditioned on {_interval(law['range'])}" if "range" in law else ""
    return f"{law['law']}({inner}){ends}"


def _instants(delay: Mapping[str, Any]) -> str:
    """Return what is said of the instants of sample and hold; without a lower bound steps are positive."""
    low, high = delay["range"]
    steps = f"{'[' if low > 0 else '('}{_number(low)}, {_number(high)}]"
    return f"from 0 to infinity with steps in {steps} and {delay['name']}(t) the time since the last of them"


def _kind(delay: Mapping[str, Any]) -> str:
    if delay["class"] == "measurable":
        return f"measurable delay {delay['name']}(t) with values in"
    if delay["class"] == "slow":
        return f"locally absolutely continuous delay {delay['name']}(t) with values in"
    return f"constant delay {delay['name']} in"


def _rate(delay: Mapping[str, Any]) -> str:
    """Return what is said of the rate of a slow delay."""
    if delay["class"] != "slow":
        return ""
    lower, upper = delay["rate"]
    bound = f"at most {_number(upper)}"
    if lower is not None:
        bound = f"in [{_number(lower)}, {_number(upper)}]"
    return f" and rate {delay['name']}'(t) {bound} almost everywhere"


def equilibrium_text(system: Mapping[str, Any]) -> str:
    """Return ``x = 0.0, y = 1.0``, or ``x in [0.1, 0.2], ..``."""
    values = {s: system["equilibrium"].get(s, 0.0) for s in system["states"]}
    return ", ".join(
        f"{s} in {_interval(v)}" if isinstance(v, (list, tuple)) else f"{s} = {_number(v)}"
        for s, v in values.items()
    )


def system_text(system: Mapping[str, Any]) -> str:
    """Return the equations, the parameters in order of name, and the networks."""
    known = [
        f"{name} = {_number(value)}"
        for name, value in sorted(system["parameters"].items())
        if not isinstance(value, (list, tuple))
    ]
    known += [
        f"{name} the network {entry['fingerprint']}"
        for name, entry in sorted(system.get("networks", {}).items())
    ]
    return "; ".join(system["equations"]) + (f" with {', '.join(known)}" if known else "")


def level_text(levels: Sequence[float]) -> str:
    """Return ``V <= 1.0``, or the form for several parts."""
    if len(levels) == 1:
        return f"V <= {_number(levels[0])}"
    return f"V_i <= c_i, c = ({', '.join(_number(c) for c in levels)})"
