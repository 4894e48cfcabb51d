"""Certificates of kind "sampled" for the tests, made from the specification alone."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.linalg import solve_continuous_lyapunov, solve_discrete_lyapunov

from . import writer

SCALAR = ["x' = -x(t - tau)"]
# A = [[0, 1], [0, -0.1]], B = -[[0, 0], [0.375, 1.15]]
CONTROLLER = ["x' = y", "y' = -0.1*y - 0.375*x(t - tau) - 1.15*y(t - tau)"]
# Unstable if the state is always known: the steps have to be neither short nor long.
OSCILLATOR = ["x' = y", "y' = -2*x + 0.1*y + x(t - tau)"]


@dataclass
class Draft:
    """The document and the arrays."""

    document: dict[str, Any]
    arrays: dict[str, np.ndarray]

    def entries(self) -> dict[str, bytes]:
        return {"sampled.npz": writer.npz_bytes(self.arrays)}

    def save(self, path: Path) -> Path:
        self.document["claim"] = claim(self.document)
        return writer.write(path, self.document, self.entries())

    def changed(self, arrays: dict[str, Any] | None = None, **delay: Any) -> Draft:
        """A copy with some arrays or some keys of the delay replaced."""
        other = copy.deepcopy(self)
        other.arrays |= arrays or {}
        other.document["delay"] |= delay
        return other


def claim(document: dict[str, Any]) -> str:
    """The sentence, written out a second time."""
    plain = writer.claim(document | {"delay": document["delay"] | {"class": "constant"}})
    delay = document["delay"]
    name, (a, b) = delay["name"], (float(end) for end in delay["range"])
    old = f"For every constant delay {name} in [{a!r}, {b!r}], "
    steps = f"[{a!r}, {b!r}]" if a > 0 else f"({a!r}, {b!r}]"
    if not plain.startswith(old):
        raise ValueError(plain)
    return (
        f"For every sequence of sampling instants from 0 to infinity with steps in {steps} and {name}(t) the time"
        f" since the last of them, {plain.removeprefix(old)}"
    )


def draft(
    equations: list[str],
    ends: tuple[float, float],
    p: np.ndarray,
    breaks: np.ndarray | int = 16,
    **system: Any,
) -> Draft:
    """A certificate with P and breaks as given, or that many equal pieces."""
    names = [text[0] for text in equations]
    if isinstance(breaks, int):
        low = np.nextafter(ends[0], 0.0)  # around the decimals
        breaks = np.linspace(low, np.nextafter(ends[1], np.inf), breaks + 1)
    document = {
        "schema": "certdde-certificate-1",
        "kind": "sampled",
        "status": "certified",
        "rigor": "rigorous",
        "claim": "",
        "system": {
            "name": "sampled",
            "states": names,
            "equations": equations,
            "parameters": {},
            "equilibrium": {},
            "domain": None,
        }
        | system,
        "delay": {"name": "tau", "class": "sampled", "range": list(ends)},
        "functional": {"kind": "quadratic"},
        "proof": {"nonlinear": {"states": [], "delayed": []}},
        "region": {"domain": None, "level": None, "radius": None, "area": None},
        "engine": "lmi",
        "statistics": {},
        "versions": {},
        "seed": 0,
        "counterexample": None,
    }
    return Draft(document, {"P": np.array(p, dtype=np.float64), "breaks": np.asarray(breaks)})


def scalar(upper: float = 1.999, pieces: int = 4) -> Draft:
    """x' = -x(t_k): M(s) = 1 - s, stable for all steps below 2 exactly."""
    return draft(SCALAR, (0.0, upper), np.eye(1), pieces)


def controller(upper: float = 1.0, pieces: int = 16) -> Draft:
    """P by Lyapunov's equation without delay: good for steps that are not long."""
    a, b = np.array([[0, 1], [0, -0.1]]), np.array([[0, 0], [-0.375, -1.15]])
    p = solve_continuous_lyapunov((a + b).T, -np.eye(2))
    return draft(CONTROLLER, (0.0, upper), (p + p.T) / 2, pieces)


def oscillator(ends: tuple[float, float] = (0.75, 1.15), pieces: int = 16) -> Draft:
    """P by Stein's equation in the middle of the range."""
    a, b = np.array([[0, 1], [-2, 0.1]]), np.array([[0, 0], [1.0, 0]])
    m = held(a, b, sum(ends) / 2)
    p = solve_discrete_lyapunov(m.T, np.eye(2))
    return draft(OSCILLATOR, ends, (p + p.T) / 2, pieces)


def held(a: np.ndarray, b: np.ndarray, step: float) -> np.ndarray:
    """M(s), by many small steps of Runge and Kutta: nothing of the checker's series."""
    count, x = 2000, np.eye(len(a))
    h = step / count
    for _ in range(count):
        k1 = a @ x + b
        k2 = a @ (x + h / 2 * k1) + b
        k3 = a @ (x + h / 2 * k2) + b
        k4 = a @ (x + h * k3) + b
        x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return x
