"""Certificates of kind "slow" for the tests: matrices by the engine, the file and the sentence by hand."""

from __future__ import annotations

import copy
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from certdde.delays.classes import Slow
from certdde.learning.certify import certify
from certdde.learning.slow import slow_answer
from certdde.systems.delay_system import DelaySystem

from . import writer

SCALAR = ["x' = -x(t - tau)"]
PLANAR = ["x' = -2*x - x(t - tau)", "y' = -0.9*y - x(t - tau) - y(t - tau)"]


@dataclass
class Draft:
    """The document and the arrays."""

    document: dict[str, Any]
    arrays: dict[str, np.ndarray]

    def entries(self) -> dict[str, bytes]:
        return {"slow.npz": writer.npz_bytes(self.arrays)}

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
    name, (a, b), (low, high) = delay["name"], delay["range"], delay["rate"]
    rate = f"at most {float(high)!r}"
    if low is not None:
        rate = f"in [{float(low)!r}, {float(high)!r}]"
    old = f"For every constant delay {name} in [{float(a)!r}, {float(b)!r}], "
    new = (
        f"For every locally absolutely continuous delay {name}(t) with values in [{float(a)!r}, "
        f"{float(b)!r}] and rate {name}'(t) {rate} almost everywhere, "
    )
    if not plain.startswith(old):
        raise ValueError(plain)
    shown = " stays there and tends"  # on a domain V belongs to the first delay
    return new + plain[len(old) :].replace(shown, f" at the delay {name}(0){shown}")


def draft(
    equations: list[str],
    ends: list[float],
    rate: list[float | None],
    order: int = 1,
    **extra: Any,
) -> Draft:
    """A certificate of what the engine finds; ValueError where it finds nothing."""
    states = [equation.split("'")[0].strip() for equation in equations]
    document = writer.document(states, equations, ends, order, [{}], **extra)
    document |= {"kind": "slow", "engine": "lmi"}
    document["functional"] = {"kind": "quadratic", "order": order}
    document["delay"] |= {"class": "slow", "rate": rate}
    system = DelaySystem.from_equations(equations, **extra)
    answer = slow_answer(system, Slow("tau", *ends, *rate), order)
    if answer.functional is None:
        raise ValueError(answer.why)
    arrays = answer.functional.matrices
    arrays["window"] = np.array([answer.functional.window])
    arrays["breaks"] = np.array(answer.breaks)
    return Draft(document, arrays)


NEURON = ["x' = -x - 2*tanh(x(t - tau))"]


def nonlinear(
    equations: list[str],
    ends: list[float],
    rate: list[float | None],
    domain: dict[str, list[float]],
    order: int = 1,
    **extra: Any,
) -> Draft:
    """A certificate of a nonlinear system, by the engine; the sentence is written here."""
    system = DelaySystem.from_equations(equations, domain=domain, **extra)
    found = certify(system, Slow("tau", *ends, *rate), order=order)
    if found.status != "certified":
        raise ValueError(found.claim)
    return Draft(copy.deepcopy(found.data), dict(np.load(io.BytesIO(found.entries["slow.npz"]))))


def neuron(rate: tuple[float | None, float] = (-0.5, 0.5)) -> Draft:
    """A scalar neuron on |x| <= 1."""
    return nonlinear(NEURON, [0.0, 0.6], list(rate), {"x": [-1, 1]})
