"""Certificates made by hand for the tests: a small LMI, a bisection prover, a level and a radius.

The prover asks the checker's own leaf tests where to split; what it writes is judged by the whole
checker, and by tests of the checker's arithmetic against sampling.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cvxpy as cp
import numpy as np
from ival import Interval

from certdde.verify.checker import (
    feedforward,
    forest,
    leaves,
    level,
    part,
    radius,
    schema,
    system,
)
from certdde.verify.checker.dissipation import bessel, layout, matrices, reduced
from certdde.verify.checker.document import parse
from certdde.verify.checker.features import Features
from certdde.verify.checker.moments import lower_forms
from certdde.verify.checker.network import Network
from certdde.verify.checker.refusal import Refused
from certdde.verify.checker.rounding import enclose
from certdde.verify.checker.rules import RULES

from . import writer


def legendre_rows(
    n: int, order: int
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """x, y, Omega_k and G_k as matrices over zeta = (x, y, Omega_0, ..)."""
    size, eye = n * (order + 2), np.eye(n * (order + 2))
    x, y = eye[:n], eye[n : 2 * n]
    omega = [eye[n * (k + 2) : n * (k + 3)] for k in range(order)]
    g = []
    for k in range(order + 1):
        row = x - (-1) ** k * y
        for j in range(k):
            row = row - (2 * j + 1) * (1 - (-1) ** (k + j)) * omega[j]
        g.append(row)
    assert x.shape == (n, size)
    return x, y, omega, g


def lmi(vertices: list[tuple[np.ndarray, np.ndarray]], breaks: list[float], order: int):
    """P, S, R with D < 0 at all breaks for f = A x + B y, (A, B) each of the vertices."""
    n = len(vertices[0][0])
    x, y, omega, g = legendre_rows(n, order)
    p = cp.Variable((n * (order + 1),) * 2, symmetric=True)
    s, r = (cp.Variable((n, n), symmetric=True) for _ in "SR")
    end, margin = breaks[-1], 1e-3
    blocks = [np.zeros((n, n)) if k < 0 else (2 * k + 1) / end * s for k in range(-1, order)]
    bessel = cp.bmat(
        [
            [blocks[i] if i == j else np.zeros((n, n)) for j in range(order + 1)]
            for i in range(order + 1)
        ]
    )
    eye = np.eye(n * (order + 1))
    limits = [p + bessel >> margin * eye, s >> margin * np.eye(n), r >> margin * np.eye(n)]
    limits += [p << 10 * eye, p >> -10 * eye, s << 10 * np.eye(n), r << 10 * np.eye(n)]
    gain = cp.Variable()
    for j, tau in enumerate(breaks):
        near = [i for i in (j - 1, j) if 0 <= i < len(breaks) - 1]
        kappa = min(tangent(breaks[i], breaks[i + 1], tau) for i in near)
        for a, b in vertices:
            f = a @ x + b @ y
            w, dw = np.vstack([x, *(tau * o for o in omega)]), np.vstack([f, *g[:-1]])
            d = w.T @ p @ dw + dw.T @ p @ w + x.T @ s @ x - y.T @ s @ y + tau * (f.T @ r @ f)
            d = d - kappa * sum((2 * k + 1) * (gk.T @ r @ gk) for k, gk in enumerate(g))
            limits.append(d << -gain * np.eye(d.shape[0]))
    problem = cp.Problem(cp.Maximize(gain), limits)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        problem.solve(solver=cp.CLARABEL)
    if problem.status not in ("optimal", "optimal_inaccurate") or not gain.value > 1e-4:
        raise ValueError(problem.status)
    return tuple((m.value + m.value.T) / 2 for m in (p, s, r))


def tangent(s: float, t: float, tau: float) -> float:
    c = (s + t) / 2
    return 1 / t if s == 0 else 2 / c - tau / c**2


@dataclass
class Draft:
    """A certificate under construction: the document and the arrays of each part."""

    document: dict[str, Any]
    arrays: list[dict[str, np.ndarray]]
    tensors: list[dict[str, np.ndarray]] = field(default_factory=list)
    called: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)  # by the equations

    def entries(self) -> dict[str, bytes]:
        found = {f"part{i}.npz": writer.npz_bytes(a) for i, a in enumerate(self.arrays)}
        for name, tensors in self.called.items():
            found[f"network.{name}.safetensors"] = writer.safetensors_bytes(tensors)
        for i, tensors in enumerate(self.tensors):
            if tensors:
                found[f"part{i}.safetensors"] = writer.safetensors_bytes(tensors)
        return found

    def save(self, path: Path) -> Path:
        self.document["claim"] = writer.claim(self.document)
        return writer.write(path, self.document, self.entries())


def read_document(draft: Draft) -> Any:
    """The document as the checker reads it, with the networks that the equations call."""
    _, exact = parse(json.dumps(draft.document | {"digest": ""}).encode())
    listed, entries = exact["system"].get("networks", {}), draft.entries()
    networks = {
        name: feedforward.load(entry, entries[f"network.{name}.safetensors"], name)
        for name, entry in listed.items()
    }
    return replace(schema.document(exact, RULES), networks=networks)


def prove(
    features: Features, q: Any, box: Any, grid: list[int], least: int = 1, cells: Any = None
) -> np.ndarray:
    """Codes of one block (all roots, or `cells`): split `least` times, then until a test holds."""
    lo, hi = forest.outward(box, "domain")
    axes = [forest.edges(*e) for e in zip(lo.tolist(), hi.tolist(), grid, strict=True)]
    low, high = forest.roots(axes, *(cells or (0, int(np.prod(grid)))))
    codes: list[np.ndarray] = []
    while low.shape[1]:
        code = np.argmax((high - low) / (hi - lo)[:, None], axis=0).astype(np.uint8)
        for k in range(0, low.shape[1], leaves.BATCH):
            a, b = low[:, k : k + leaves.BATCH].copy(), high[:, k : k + leaves.BATCH].copy()
            part_code = code[k : k + leaves.BATCH]
            if len(codes) >= least:
                part_code[leaves.tests(features, q)[255](a, b)] = 255
                part_code[leaves.collapsed(features, q, a, b)] = 254
        codes.append(code)
        split = code < 200
        if sum(map(len, codes)) > 200_000:
            raise ValueError("the bisection does not end")
        low, high = forest.halves(low[:, split], high[:, split], code[split], "prover")
    return np.concatenate(codes)


def face_codes(
    ph: Any, v0: Network | None, domain: Any, bound: float, ends: Any = None
) -> np.ndarray:
    """Codes of all faces for v_0 > bound."""
    n, codes = len(domain), []
    if n == 1:
        return np.zeros(0, dtype=np.uint8)
    q = enclose([level.negated(ph, v0)], n)
    for axis in range(n):
        for end in ends[axis] if ends else ((e, e) for e in domain[axis]):
            lo, hi = (
                e[:, None] for e in forest.outward(domain[:axis] + domain[axis + 1 :], "face")
            )
            while lo.shape[1]:
                fine = level.above(q, -bound, v0, n, axis, Interval(*end), lo, hi)
                code = np.argmax(hi - lo, axis=0).astype(np.uint8)
                code[fine] = 254
                codes.append(code)
                split = code < 200
                lo, hi = forest.halves(lo[:, split], hi[:, split], code[split], "prover")
                if lo.shape[1] > 10_000:
                    raise ValueError("the level is too high")
    return np.concatenate(codes)


def finish(draft: Draft, grid: list[int], share: float = 0.8) -> Draft:
    """Fill in partition, level and radius of every part of a draft with P, S, R, breaks."""
    document = read_document(draft)
    found = system.build(document)
    draft.tensors = draft.tensors or [{} for _ in draft.arrays]
    for i, arrays in enumerate(draft.arrays):
        d = len(found.xi) + len(found.constants)
        arrays |= {"grid": np.array(grid), "blocks": np.array([int(np.prod(grid))])}
        arrays |= {"codes": np.zeros(0, np.uint8), "face_codes": np.zeros(0, np.uint8)}
        if not d:
            for key in ("grid", "blocks", "codes"):
                arrays.pop(key)
        piece = part.read_part(i, document, found, draft.entries())
        total = bessel(piece.p, piece.s, piece.r, piece.breaks[-1], found.n)
        [ph] = lower_forms(total, (), piece.breaks, found.n)
        if d:
            arrays["codes"] = prove(*problem(piece, found, document.order), grid)
        draft.document["region"]["level"][i] = bound = share * sampled_level(
            ph, piece.v0, found.domain
        )
        arrays["face_codes"] = face_codes(ph, piece.v0, found.domain, bound, found.ends)
    set_radius(draft, found)
    return draft


def read(draft: Draft, i: int) -> tuple[Any, Any, int]:
    """Part i as the checker reads it, the system, the order."""
    document = read_document(draft)
    found = system.build(document)
    return part.read_part(i, document, found, draft.entries()), found, document.order


def problem(piece: Any, found: Any, order: int) -> tuple[Features, Any, Any]:
    """Features, matrices and box of a part."""
    q_states = piece.v0.inputs if piece.v0 else ()
    lay = layout(found, q_states, piece.w.outputs if piece.w else 0, order)
    h = matrices(lay, found.n, piece.p, piece.s, piece.r, piece.breaks)
    forms = [reduced(m, lay.head, f"break {j}") for j, m in enumerate(h)]
    box = tuple(found.domain[j % found.n] for j in found.xi) + found.spans
    return Features(found, piece.v0, piece.w), enclose(forms, len(box)), box


def sampled_level(ph: Any, v0: Network | None, domain: Any) -> float:
    """The least v_0 at sampled points of the faces."""
    rng, best = np.random.default_rng(0), np.inf
    ends = np.array([[float(a), float(b)] for a, b in domain])
    quadratic = np.array([[float(a) for a in row] for row in ph])
    for axis in range(len(ends)):
        for side in (0, 1):
            x = rng.uniform(ends[:, 0], ends[:, 1], (2000, len(ends)))
            x[:, axis] = ends[axis, side]
            value = np.einsum("bi,ij,bj->b", x, quadratic, x)
            if v0 is not None:
                value = value + (psi(v0, x[:, list(v0.inputs)]) ** 2).sum(axis=1)
            best = min(best, value.min())
    return float(best)


PHI = {
    "tanh": np.tanh,
    "sin": np.sin,
    "square": np.square,
    "softplus": lambda z: np.logaddexp(z, 0),
}


def psi(network: Network, x: np.ndarray) -> np.ndarray:
    """p(x) in floating point, rows of inputs."""

    def value(h: np.ndarray) -> np.ndarray:
        for l, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=False)):
            z = h @ weight.T + bias.ravel()
            h = np.hstack([PHI[name](z[:, i:j]) for name, i, j in network.places(l)])
        return h @ network.weights[-1].T

    return value(x) - value(np.zeros((1, x.shape[1])))


def set_radius(draft: Draft, found: Any) -> None:
    """The largest rho = rho_rate on a coarse scale that passes for all parts."""
    region = draft.document["region"]
    for rho in 0.5 ** np.arange(1, 30):
        region["radius"] = {"rho": float(rho), "rho_rate": float(rho)}
        document = read_document(draft)
        try:
            inner = tuple((low[1], high[0]) for low, high in found.ends)
            radius.check_inside(document.radius, inner)
            for i, bound in enumerate(document.level):
                p = part.read_part(i, document, found, draft.entries())
                networks, squares = (p.v0, p.w), (p.p, p.s, p.r)
                radius.check_radius(
                    document.radius, bound, squares, networks, p.breaks[-1], "radius"
                )
        except Refused:
            continue
        return
    raise ValueError("no radius")


def small_network(inputs: int, width: int, outputs: int, scale: float, seed: int, name: str):
    """Tensors of a random two-layer network with small output weights."""
    rng = np.random.default_rng(seed)
    return {
        f"{name}.weight0": rng.normal(size=(width, inputs)),
        f"{name}.bias0": rng.normal(size=width) * 0.3,
        f"{name}.weight1": rng.normal(size=(outputs, width)) * scale,
    }


def quadratic_arrays(found: tuple[np.ndarray, ...], breaks: list[float]) -> dict[str, np.ndarray]:
    p, s, r = found
    return {"P": p, "S": s, "R": r, "breaks": np.array(breaks)}


def linear_scalar(order: int = 1, end: float = 1.1) -> Draft:
    """x' = -x(t - tau), tau in [0, end], a global claim."""
    breaks = np.linspace(0, end, 5).tolist()
    arrays = quadratic_arrays(lmi([(np.zeros((1, 1)), -np.eye(1))], breaks, order), breaks)
    document = writer.document(["x"], ["x' = -x(t - tau)"], [0, end], order, [{}])
    return Draft(document, [arrays])


def hutchinson(
    neural: bool = False,
    order: int = 1,
    scale: float = 0.02,
    breaks=(0.0, 0.2, 0.4),
    activation: Any = "tanh",
) -> Draft:
    """x' = -(1 + x) x(t - tau) on [-0.5, 1]."""
    breaks = list(breaks)
    vertices = [(np.zeros((1, 1)), -a * np.eye(1)) for a in (0.5, 2.0)]
    arrays = quadratic_arrays(lmi(vertices, breaks, order), breaks)
    net = {"inputs": ["x"], "activation": activation, "layers": 2}
    document = writer.document(
        ["x"],
        ["x' = -(1 + x)*x(t - tau)"],
        [breaks[0], breaks[-1]],
        order,
        [{"V0": net, "W": net} if neural else {}],
        {"x": [-0.5, 1]},
        (["x"], ["x"]),
        [1.0],
        (0.1, 0.1),
    )
    tensors = {}
    if neural:
        tensors = small_network(1, 16, 4, scale, 1, "V0") | small_network(1, 16, 4, scale, 2, "W")
    return finish(Draft(document, [arrays], [tensors]), [4, 4])


def pendulum(neural: bool = False) -> Draft:
    """theta' = omega, omega' = sin theta - k theta(t - tau) - c omega(t - tau) on |.| <= 1."""
    breaks = [0.0, 0.1]
    vertices = [
        (np.array([[0, 1], [a, 0]]), np.array([[0, 0], [-2, -1.5]])) for a in (np.sin(1.0), 1.0)
    ]
    arrays = quadratic_arrays(lmi(vertices, breaks, 1), breaks)
    nets = {
        "V0": {"inputs": ["omega", "theta"], "activation": "tanh", "layers": 2},
        "W": {"inputs": ["theta"], "activation": "tanh", "layers": 2},
    }
    document = writer.document(
        ["theta", "omega"],
        ["theta' = omega", "omega' = sin(theta) - k*theta(t - tau) - c*omega(t - tau)"],
        breaks,
        1,
        [nets if neural else {}],
        {"theta": [-1, 1], "omega": [-1, 1]},
        (["theta", "omega"], ["theta"]) if neural else (["theta"], []),
        [1.0],
        (0.1, 0.1),
        {"k": 2, "c": 1.5},
    )
    tensors = {}
    if neural:
        tensors = small_network(2, 6, 2, 0.05, 3, "V0") | small_network(1, 5, 2, 0.05, 4, "W")
    return finish(
        Draft(document, [arrays], [tensors]),
        [2]
        * len(document["proof"]["nonlinear"]["states"] + document["proof"]["nonlinear"]["delayed"]),
    )


def two_parts() -> Draft:
    """The logistic equation x' = (1 - x(t - tau)) x about x = 1, with one functional for each half."""
    vertices = [(np.zeros((1, 1)), -a * np.eye(1)) for a in (0.5, 2.0)]
    cuts = [[0.125, 0.25], [0.25, 0.4375]]
    arrays = [quadratic_arrays(lmi(vertices, b, 1), b) for b in cuts]
    document = writer.document(
        ["x"],
        ["x' = (1 - x(t-tau)) * x(t)"],
        [0.125, 0.4],
        1,
        [{}, {}],
        {"x": [0.5, 2]},
        (["x"], ["x"]),
        [1.0, 1.0],
        (0.1, 0.1),
        equilibrium={"x": 1},
    )
    return finish(Draft(document, arrays), [3, 2])


def linear_with_domain() -> Draft:
    """x' = -x(t - tau) on [-1, 1]: no nonlinear variable, so no forest, but a level."""
    draft = linear_scalar(1)
    domain = {"x": [-1, 1]}
    draft.document["system"]["domain"] = draft.document["region"]["domain"] = domain
    draft.document["region"] |= {"level": [1.0], "radius": {"rho": 0.1, "rho_rate": 0.1}}
    return finish(draft, [])
