"""Certificates of kind "scheme", made from the specification alone."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.linalg import solve_discrete_lyapunov

from . import writer

EQUATION = "x[t+1] = x[t] - q*x[t-tau]"
TANH = "x[t+1] = x[t] - 0.3*tanh(x[t-tau])"


@dataclass(frozen=True)
class Draft:
    """A certificate that can be changed and saved."""

    document: dict[str, Any]
    arrays: dict[str, np.ndarray] | None

    def changed(self, **arrays: np.ndarray) -> Draft:
        """A copy, with other arrays."""
        found = None if self.arrays is None else {**self.arrays, **arrays}
        return Draft(copy.deepcopy(self.document), found)

    def save(self, path: Path, claim: bool = True) -> Path:
        """Write it, with the sentence that its fields make if `claim`."""
        document = copy.deepcopy(self.document)
        if claim:
            document["claim"] = sentence(document)
        entries = {}
        if self.arrays is not None:
            entries["scheme.npz"] = writer.npz_bytes(self.arrays)
        return writer.write(path, document, entries)


def sentence(document: dict[str, Any]) -> str:
    """The sentence of the format, written out a second time."""
    system, delay, region = document["system"], document["delay"], document["region"]
    a, b = (int(t) for t in delay["range"])
    steps = f"{{{b}}}" if a == b else f"{{{a}, {b}}}" if b == a + 1 else f"{{{a}, .., {b}}}"
    name = delay["name"]
    kind = (
        f"constant delay {name}"
        if delay["class"] == "constant"
        else f"sequence of delays {name}(t)"
    )
    rest = ", ".join(
        f"{s} = {float(system['equilibrium'].get(s, 0.0))!r}" for s in system["states"]
    )
    text = (
        f"For every {kind} in {steps}, the equilibrium {rest} of {'; '.join(system['equations'])}"
    )
    if system["parameters"]:
        text += " with " + ", ".join(
            f"{k} = {float(v)!r}" for k, v in sorted(system["parameters"].items())
        )
    if system["domain"] is None:
        return text + " is globally asymptotically stable."
    box = ", ".join(
        f"{float(lo)!r} <= {s} <= {float(hi)!r}" for s, (lo, hi) in system["domain"].items()
    )
    rho, levels = region["radius"]["rho"], region["level"]
    text += " is asymptotically stable, and every history "
    if levels is None:
        return text + (
            f"within {float(rho)!r} of the equilibrium has a solution that stays in {box} and tends to the equilibrium."
        )
    bound = f"V <= {float(levels[0])!r}"
    if len(levels) > 1:
        bound = f"V_i <= c_i, c = ({', '.join(repr(float(c)) for c in levels)})"
    return text + (
        f"with values in {box} and {bound} stays there and tends to the equilibrium; all histories within "
        f"{float(rho)!r} of the equilibrium in every state are among them."
    )


def document(
    equations: list[str],
    delay: tuple[str, float, float],
    *,
    kind: str = "lifted",
    parameters: dict[str, float] | None = None,
    domain: dict[str, list[float]] | None = None,
    equilibrium: dict[str, float] | None = None,
    nonlinear: tuple[list[str], list[str]] = ([], []),
    level: list[float] | None = None,
    rho: float | None = None,
) -> dict[str, Any]:
    """The object of certificate.json."""
    states = [text.partition("[")[0] for text in equations]
    return {
        "schema": "certdde-certificate-1",
        "kind": "scheme",
        "status": "certified",
        "rigor": "rigorous",
        "claim": "",
        "system": {
            "name": "test",
            "states": states,
            "equations": equations,
            "parameters": parameters or {},
            "equilibrium": equilibrium or {},
            "domain": domain,
        },
        "delay": {"name": "tau", "class": delay[0], "range": list(delay[1:])},
        "functional": {"kind": kind},
        "proof": {"nonlinear": {"states": nonlinear[0], "delayed": nonlinear[1]}},
        "region": {
            "domain": domain,
            "level": level,
            "radius": None if rho is None else {"rho": rho},
            "area": None,
        },
        "engine": "lmi",
        "statistics": {},
        "versions": {},
        "seed": 0,
        "counterexample": None,
    }


def lifted(present: np.ndarray, delayed: np.ndarray, delay: int, window: int) -> np.ndarray:
    """X -> (present x[t] + delayed x[t-delay], x[t], .., x[t-window+1])."""
    n = len(present)
    matrix = np.eye(n * (window + 1), k=-n)
    matrix[:n] = 0
    matrix[:n, :n] += present
    matrix[:n, n * delay : n * delay + n] += delayed
    return matrix


def lyapunov(matrix: np.ndarray) -> np.ndarray:
    """P with P - A^T P A = I."""
    found = solve_discrete_lyapunov(matrix.T, np.eye(len(matrix)))
    return (found + found.T) / 2


def constant(q: float = 0.4, low: int = 0, high: int = 3, solved: float | None = None) -> Draft:
    """The scalar scheme with an unknown constant delay; `solved` is another q that the forms are made for."""
    one, used = np.eye(1), q if solved is None else solved
    arrays = {f"P{d}": lyapunov(lifted(one, -used * one, d, d)) for d in range(low, high + 1)}
    return Draft(document([EQUATION], ("constant", low, high), parameters={"q": q}), arrays)


# P - A_d^T P A_d > 0 for d = 0, 1, 2 and all slopes in [-.35, -.2]: found once with an LMI, rounded.
SHARED = np.array([[1.76, -0.64, -0.25], [-0.64, 0.87, -0.08], [-0.25, -0.08, 0.37]])


def varying(q: float = 0.3) -> Draft:
    """The scalar scheme with any sequence of delays 0, 1, 2: two nodes with one form."""
    arrays = {"P": np.stack([SHARED, SHARED]), "step": np.array([[0, 0, 1], [0, 0, 1]])}
    return Draft(document([EQUATION], ("measurable", 0, 2), parameters={"q": q}), arrays)


def local(level: float = 1.0, rho: float = 0.2) -> Draft:
    """x[t+1] = x[t] - .3 tanh x[t-tau] on |x| <= 1: slopes -.3 to -.3 tanh 1 = -.2285."""
    data = document(
        [TANH],
        ("measurable", 0, 2),
        domain={"x": [-1.0, 1.0]},
        nonlinear=([], ["x"]),
        level=[level],
        rho=rho,
    )
    arrays = {"P": SHARED[None].copy(), "step": np.zeros((1, 3), dtype=np.int64)}
    return Draft(data, arrays)


def peaks(q: float = 0.5857, high: int = 2, kind: str = "measurable") -> Draft:
    """The scalar scheme by the sharp condition."""
    return Draft(document([EQUATION], (kind, 0, high), kind="peaks", parameters={"q": q}), None)


def local_peaks(rho: float = 0.5) -> Draft:
    """The tanh scheme by the sharp condition."""
    data = document(
        [TANH],
        ("measurable", 0, 2),
        kind="peaks",
        domain={"x": [-1.0, 1.0]},
        nonlinear=([], ["x"]),
        rho=rho,
    )
    return Draft(data, None)
