"""Certificates of kind "resampled", made from the specification alone."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from . import writer
from .scheme_maker import EQUATION, lifted

TANH = "x[t+1] = x[t] - 0.5*tanh(x[t-tau])"


@dataclass(frozen=True)
class Draft:
    """A certificate that can be changed and saved."""

    document: dict[str, Any]
    arrays: dict[str, np.ndarray]

    def changed(self, **arrays: np.ndarray) -> Draft:
        """A copy, with other arrays."""
        return Draft(copy.deepcopy(self.document), {**self.arrays, **arrays})

    def save(self, path: Path, claim: bool = True) -> Path:
        """Write it, with the sentence that its fields make if `claim`."""
        document = copy.deepcopy(self.document)
        if claim:
            document["claim"] = sentence(document)
        return writer.write(path, document, {"resampled.npz": writer.npz_bytes(self.arrays)})


def sentence(document: dict[str, Any]) -> str:
    """The sentence of the format, written out a second time."""
    system, delay, region = document["system"], document["delay"], document["region"]
    a, b = (int(t) for t in delay["range"])
    steps = f"{{{b}}}" if a == b else f"{{{a}, {b}}}" if b == a + 1 else f"{{{a}, .., {b}}}"
    weights = [repr(float(w)) for w in delay["weights"]]
    law = f"uniformly from {steps}"
    if len(set(weights)) > 1:
        law = f"from {steps} with probabilities proportional to {', '.join(weights)}"
    rest = ", ".join(
        f"{s} = {float(system['equilibrium'].get(s, 0.0))!r}" for s in system["states"]
    )
    text = (
        f"For delays {delay['name']}(t) drawn at each step, independently, {law}, "
        f"the equilibrium {rest} of {'; '.join(system['equations'])}"
    )
    if system["parameters"]:
        text += " with " + ", ".join(
            f"{k} = {float(v)!r}" for k, v in sorted(system["parameters"].items())
        )
    if system["domain"] is None:
        return (
            text
            + " is globally exponentially stable in mean square, and with probability 1 every solution tends to it."
        )
    box = ", ".join(
        f"{float(lo)!r} <= {s} <= {float(hi)!r}" for s, (lo, hi) in system["domain"].items()
    )
    [level], rho = region["level"], region["radius"]["rho"]
    return text + (
        " is asymptotically stable in probability: for every delta in (0, 1], from every history with values in "
        f"{box} and V <= delta*{float(level)!r} the solution stays in these values and tends to the equilibrium with "
        f"probability at least 1 - delta; all histories within sqrt(delta)*{float(rho)!r} of the equilibrium in every "
        "state are among them."
    )


def document(
    equations: list[str],
    ends: tuple[float, float],
    weights: Sequence[float],
    *,
    parameters: dict[str, float] | None = None,
    domain: dict[str, list[float]] | None = None,
    nonlinear: tuple[list[str], list[str]] = ([], []),
    level: float | None = None,
    rho: float | None = None,
) -> dict[str, Any]:
    """The object of certificate.json."""
    return {
        "schema": "certdde-certificate-1",
        "kind": "resampled",
        "status": "certified",
        "rigor": "rigorous",
        "claim": "",
        "system": {
            "name": "test",
            "states": [text.partition("[")[0] for text in equations],
            "equations": equations,
            "parameters": parameters or {},
            "equilibrium": {},
            "domain": domain,
        },
        "delay": {
            "name": "tau",
            "class": "resampled",
            "range": list(ends),
            "weights": list(weights),
        },
        "functional": {"kind": "lifted"},
        "proof": {"nonlinear": {"states": nonlinear[0], "delayed": nonlinear[1]}},
        "region": {
            "domain": domain,
            "level": None if level is None else [level],
            "radius": None if rho is None else {"rho": rho},
            "area": None,
        },
        "engine": "lmi",
        "statistics": {},
        "versions": {},
        "seed": 0,
        "counterexample": None,
    }


def second_moment(matrices: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """E[A kron A], dense."""
    pairs = zip(weights, matrices, strict=True)
    return np.asarray(sum(w * np.kron(a, a) for w, a in pairs) / sum(weights))


def stein(matrices: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """P with P - sum_d p_d A_d^T P A_d = I."""
    m = len(matrices[0])
    solved = np.linalg.solve(
        np.eye(m * m) - second_moment(matrices, weights).T, np.eye(m).ravel()
    ).reshape(m, m)
    return (solved + solved.T) / 2


def scalar_matrices(q: float, low: int, high: int) -> list[np.ndarray]:
    """Of x[t+1] = x[t] - q x[t-d] for d = low .. high."""
    one = np.eye(1)
    return [lifted(one, -q * one, d, high) for d in range(low, high + 1)]


def scalar(
    q: float = 0.7,
    low: int = 0,
    high: int = 3,
    weights: Sequence[float] | None = None,
    solved: float | None = None,
) -> Draft:
    """The scalar scheme; `solved` is another q that P is made for."""
    weights = [1.0] * (high - low + 1) if weights is None else weights
    form = stein(scalar_matrices(q if solved is None else solved, low, high), weights)
    data = document([EQUATION], (low, high), weights, parameters={"q": q})
    return Draft(data, {"P": form})


def weighted() -> Draft:
    """Decimal weights that are not all equal, and one that is 0."""
    return scalar(0.6, 0, 3, [0.1, 0.2, 0, 0.3])


LOW, HIGH = 0.5 * 0.61, 0.5  # hold the slopes of 0.5 tanh on [-1, 1], which are from 0.5 tanh 1 on


def local(level: float | None = None, rho: float | None = None, bounds: bool = False) -> Draft:
    """The tanh scheme on |x| <= 1, d uniform in 0, 1, 2: P for the middle slope; Q by squares if `bounds`."""
    middle, half, weights = (LOW + HIGH) / 2, (HIGH - LOW) / 2, [1.0, 1.0, 1.0]
    centre = scalar_matrices(middle, 0, 2)
    form = stein(centre, weights)
    largest = 0.999 / np.linalg.inv(form)[0, 0] if level is None else level
    radius = 0.999 * float(np.sqrt(largest / np.abs(form).sum())) if rho is None else rho
    data = document(
        [TANH],
        (0, 2),
        weights,
        domain={"x": [-1.0, 1.0]},
        nonlinear=([], ["x"]),
        level=float(largest),
        rho=radius,
    )
    arrays = {"P": form}
    if bounds:
        arrays["Q"] = np.stack([young(a, form, d, half) for d, a in enumerate(centre)])
    return Draft(data, arrays)


def often(q: float = 1.15, end: float = 0.3) -> Draft:
    """The tanh scheme with a large step on |x| <= end, d = 0 or 1 alike: many solutions leave the level set."""
    form = stein(scalar_matrices(0.985 * q, 0, 1), [1.0, 1.0])
    level = 0.999 * end**2 / float(np.linalg.inv(form)[0, 0])
    data = document(
        [f"x[t+1] = x[t] - {q}*tanh(x[t-tau])"],
        (0, 1),
        [1.0, 1.0],
        domain={"x": [-end, end]},
        nonlinear=([], ["x"]),
        level=level,
        rho=0.999 * float(np.sqrt(level / np.abs(form).sum())),
    )
    return Draft(data, {"P": form})


def young(a: np.ndarray, form: np.ndarray, d: int, half: float, share: float = 0.08) -> np.ndarray:
    """A bound of (A + t B)^T P (A + t B) for |t| <= 1, B = half e_0 e_d^T."""
    b = np.zeros_like(a)
    b[0, d] = half
    return square(a, b, form, share)


def square(a: np.ndarray, b: np.ndarray, form: np.ndarray, share: float) -> np.ndarray:
    """(1 + s) A^T P A + (1 + 1/s) B^T P B + small I, above (A + t B)^T P (A + t B) for |t| <= 1."""
    bound = (1 + share) * a.T @ form @ a + (1 + 1 / share) * b.T @ form @ b
    bound = bound + 1e-6 * np.eye(len(a))
    return np.asarray((bound + bound.T) / 2)


PAIR = [
    "x[t+1] = 1 + 0.5*(x[t] - 1) + 0.2*(y[t-tau] + 2)",
    "y[t+1] = -2 + 0.6*(y[t] + 2) - 0.2*sin(x[t-tau] - 1)",
]


def pair(bounds: bool = False) -> Draft:
    """Two states at rest at (1, -2), not in the middle of the domain; d = 1, 2, 4 of 1 .. 4, each of another weight."""
    weights, domain = [1.0, 2.0, 0.0, 0.5], {"x": [0.2, 3.0], "y": [-2.72, -1.0]}
    centre = [lifted(np.diag([0.5, 0.6]), _coupling(0.5), d, 4) for d in range(1, 5)]
    form = stein(centre, weights)
    level = 0.999 * min(r**2 / np.linalg.inv(form)[i, i] for i, r in enumerate([0.8, 0.72]))
    data = document(
        PAIR,
        (1, 4),
        weights,
        domain=domain,
        nonlinear=([], ["x"]),
        level=float(level),
        rho=0.999 * float(np.sqrt(level / np.abs(form).sum())),
    )
    data["system"]["equilibrium"] = {"x": 1.0, "y": -2.0}
    arrays = {"P": form}
    if bounds:
        halves = [lifted(np.zeros((2, 2)), _coupling(s), d, 4) for d in range(1, 5) for s in (0, 1)]
        rest = [(b - a) / 2 for a, b in zip(halves[::2], halves[1::2], strict=True)]
        arrays["Q"] = np.stack([square(a, b, form, 0.1) for a, b in zip(centre, rest, strict=True)])
    return Draft(data, arrays)


def _coupling(slope: float) -> np.ndarray:
    """Of the delayed values, where the slope of the sine is as given: from sin(2) / 2 to 1 on the domain."""
    return np.array([[0.0, 0.2], [-0.2 * slope, 0.0]])


def exact_decrease(q: Fraction, weights: Sequence[Fraction], form: np.ndarray) -> list[list[Any]]:
    """P - sum_d p_d A_d^T P A_d in fractions, by matrix products, for d = 0, 1, .."""
    m = len(form)
    p = [[Fraction(float(v)) for v in row] for row in form]
    total = [row[:] for row in p]
    for d, weight in enumerate(weights):
        a = [[Fraction(int(i == j + 1)) for j in range(m)] for i in range(m)]
        a[0] = [Fraction(0)] * m
        a[0][0] += 1
        a[0][d] -= q
        for i in range(m):
            for j in range(m):
                image = sum(a[k][i] * p[k][n] * a[n][j] for k in range(m) for n in range(m))
                total[i][j] -= weight / sum(weights) * image
    return total
