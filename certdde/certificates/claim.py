"""The sentence that a certificate states (docs/certificate-format.md, section 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def _number(value: float) -> str:
    return repr(float(value))


def claim_sentence(
    system: Mapping[str, Any],
    delay: Mapping[str, Any],
    region: Mapping[str, Any],
    kind: str = "krasovskii",  # noqa: ARG001
) -> str:
    """Return the claim, from the sections of ``certificate.json``."""
    a, b = (_number(end) for end in delay["range"])
    head = (
        f"For every {_kind(delay)} [{a}, {b}],"
        f" the equilibrium {equilibrium_text(system)} of {system_text(system)} is"
    )
    if region["level"] is None:
        return f"{head} globally asymptotically stable."
    ends = [(state, *region["domain"][state]) for state in system["states"]]
    box = ", ".join(f"{_number(lo)} <= {state} <= {_number(hi)}" for state, lo, hi in ends)
    rho, rate = (_number(region["radius"][key]) for key in ("rho", "rho_rate"))
    return (
        f"{head} asymptotically stable, and every absolutely continuous history with square"
        f" integrable derivative, values in {box} and {level_text(region['level'])} stays there"
        f" and tends to the equilibrium; all histories within {rho} of the equilibrium in every"
        f" state with rates at most {rate} are among them."
    )


def _kind(delay: Mapping[str, Any]) -> str:
    if delay["class"] == "measurable":
        return f"measurable delay {delay['name']}(t) with values in"
    return f"constant delay {delay['name']} in"


def equilibrium_text(system: Mapping[str, Any]) -> str:
    """Return ``x = 0.0, y = 1.0``."""
    return ", ".join(
        f"{s} = {_number(system['equilibrium'].get(s, 0.0))}" for s in system["states"]
    )


def system_text(system: Mapping[str, Any]) -> str:
    """Return the equations, and the parameters in order of name."""
    parameters = ", ".join(
        f"{name} = {_number(system['parameters'][name])}" for name in sorted(system["parameters"])
    )
    return "; ".join(system["equations"]) + (f" with {parameters}" if parameters else "")


def level_text(levels: Sequence[float]) -> str:
    """Return ``V <= 1.0``, or the form for several parts."""
    if len(levels) == 1:
        return f"V <= {_number(levels[0])}"
    return f"V_i <= c_i, c = ({', '.join(_number(c) for c in levels)})"
