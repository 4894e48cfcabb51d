"""Certificates with outside leaves: systems whose dissipation fails on a part of the domain, beyond the level."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from certdde.verify.checker import forest, leaves, level, schema, system
from certdde.verify.checker.dissipation import bessel
from certdde.verify.checker.document import parse
from certdde.verify.checker.moments import lower_forms
from certdde.verify.checker.rules import RULES

from . import maker, writer

DOMAIN = 1.5
REACH = 0.9  # where the vertices of the linear matrix inequality hold


def scalar(share: float = 0.3, neural: bool = False) -> maker.Draft:
    """x' = -2 x + x^3 - x(t - tau)/4 on [-1.5, 1.5], tau in [0, 1/2]; solutions from beyond 1.3 may run away."""
    breaks = [0.0, 0.25, 0.5]
    vertices = [(a * np.eye(1), -0.25 * np.eye(1)) for a in (-2.0, REACH**2 - 2)]
    arrays = maker.quadratic_arrays(maker.lmi(vertices, breaks, 1), breaks)
    net = {"inputs": ["x"], "activation": "tanh", "layers": 2}
    document = writer.document(
        ["x"],
        ["x' = -2*x + x^3 - x(t - tau)/4"],
        [0.0, 0.5],
        1,
        [{"V0": net} if neural else {}],
        {"x": [-DOMAIN, DOMAIN]},
        (["x"], []),
        [1.0],
        (0.1, 0.1),
    )
    tensors = maker.small_network(1, 6, 2, 0.02, 1, "V0") if neural else {}
    return finish(maker.Draft(document, [arrays], [tensors]), [3], share)


def planar(share: float = 0.3) -> maker.Draft:
    """x' = -2 x + x^3 + z/4, z' = -z - x(t - tau)/4: z is linear, so that it is minimised over."""
    breaks = [0.0, 0.5]
    delayed = np.array([[0.0, 0.0], [-0.25, 0.0]])
    vertices = [(np.array([[a, 0.25], [0.0, -1.0]]), delayed) for a in (-2.0, REACH**2 - 2)]
    arrays = maker.quadratic_arrays(maker.lmi(vertices, breaks, 1), breaks)
    document = writer.document(
        ["x", "z"],
        ["x' = -2*x + x^3 + z/4", "z' = -z - x(t - tau)/4"],
        breaks,
        1,
        [{}],
        {"x": [-DOMAIN, DOMAIN], "z": [-DOMAIN, DOMAIN]},
        (["x"], []),
        [1.0],
        (0.1, 0.1),
    )
    return finish(maker.Draft(document, [arrays]), [3], share)


def finish(draft: maker.Draft, grid: list[int], share: float) -> maker.Draft:
    """Fill in level, partition and radius of the only part."""
    _, exact = parse(json.dumps(draft.document | {"digest": ""}).encode())
    found = system.build(schema.document(exact, RULES))
    draft.tensors = draft.tensors or [{}]
    arrays = draft.arrays[0]
    arrays |= {"grid": np.array(grid), "blocks": np.array([int(np.prod(grid))])}
    arrays |= {"codes": np.zeros(0, np.uint8), "face_codes": np.zeros(0, np.uint8)}
    piece, _, order = maker.read(draft, 0)
    [ph] = forms(piece, found.n)
    bound = share * maker.sampled_level(ph, piece.v0, found.domain)
    draft.document["region"]["level"] = [bound]
    features, q, box = maker.problem(piece, found, order)
    _, exact = parse(json.dumps(draft.document | {"digest": ""}).encode())
    outer = outside(piece, found, schema.document(exact, RULES).level[0])
    arrays["codes"] = prove(features, q, outer, box, grid)
    arrays["face_codes"] = maker.face_codes(ph, piece.v0, found.domain, bound)
    maker.set_radius(draft, found)
    return draft


def forms(piece: Any, n: int) -> list:
    """The lower forms of a part whose V0 reads no moments."""
    total = bessel(piece.p, piece.s, piece.r, piece.longest, n)
    return lower_forms(total, (), piece.breaks, n)


def outside(piece: Any, found: Any, bound: Any) -> leaves.Test:
    """The checker's own test of outside leaves."""
    test = level.outside(forms(piece, found.n), piece.v0, found.xi, found.n, bound)
    if test is None:
        raise ValueError("nothing lies outside")
    return test


def prove(features: Any, q: Any, outer: leaves.Test, box: Any, grid: list[int]) -> np.ndarray:
    """Codes of one block: split until a test holds, that of outside leaves last."""
    lo, hi = forest.outward(box, "domain")
    axes = [forest.edges(*e) for e in zip(lo.tolist(), hi.tolist(), grid, strict=True)]
    low, high = forest.roots(axes, 0, int(np.prod(grid)))
    codes: list[np.ndarray] = []
    while low.shape[1]:
        code = np.argmax((high - low) / (hi - lo)[:, None], axis=0).astype(np.uint8)
        code[outer(low, high)] = 253
        code[leaves.tests(features, q)[255](low, high)] = 255
        code[leaves.collapsed(features, q, low, high)] = 254
        codes.append(code)
        split = code < 200
        if sum(map(len, codes)) > 20_000:
            raise ValueError("the bisection does not end")
        low, high = forest.halves(low[:, split], high[:, split], code[split], "prover")
    return np.concatenate(codes)
