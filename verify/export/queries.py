"""VNN-LIB 1.0 queries over the boxes of a certificate, beside the ONNX graph of its inequality."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from certdde.certificates.content import Content, Piece
from certdde.errors import CertificateError
from certdde.inequalities.inequality import Inequality, dissipation
from certdde.verify.bound_propagation.forest import COLLAPSED, Forest
from certdde.verify.export.graph import graph_of, onnx_package

TIMEOUT = 60
INSTANCES = "instances.csv"


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes
    ----------
    graphs : tuple of Path
        One a part.
    queries : tuple of Path
    instances : Path
        A list of (graph, query, seconds), as the verification competitions have it.
    boxes : int
        Boxes away from the origin that the certificate has in all.
    """

    graphs: tuple[Path, ...]
    queries: tuple[Path, ...]
    instances: Path
    boxes: int


def export_vnnlib(
    content: Content,
    directory: Path,
    *,
    boxes: int | None = 100,
    seed: int = 0,
    dtype: str = "float64",
) -> Exported:
    """Write the graphs and the queries.

    Parameters
    ----------
    content : Content
        Of a certificate with nonlinear variables.
    directory : Path
        Exists.
    boxes : int, optional
        How many boxes, drawn without replacement; None for all.
    seed : int
        Of the draw.
    dtype : str
        ``float64`` or ``float32``.

    Returns
    -------
    Exported

    Raises
    ------
    CertificateError
        If there is no inequality over boxes: a linear system, or no box away from the origin.
    MissingPackageError
        If onnx is not installed.

    Soundness
    ---------
    A query asks whether some d_j >= 0 on a box; ``unsat`` for all boxes away from the origin is what the
    collapsed leaves of the certificate say, in real arithmetic. The weights of ``float64`` graphs are those
    of the file, the matrices H_j are rounded; ``float32`` rounds all.
    """
    onnx = onnx_package()
    places = _places(content)
    total = sum(len(low) for _, low, _ in places)
    count = total if boxes is None else min(boxes, total)
    chosen = np.sort(np.random.default_rng(seed).choice(total, count, replace=False))
    graphs, queries, first = [], [], 0
    for i, (inequality, low, high) in enumerate(places):
        path = directory / f"part{i}.onnx"
        onnx.save(graph_of(inequality, dtype), path)
        graphs.append(path)
        for k in chosen[(chosen >= first) & (chosen < first + len(low))] - first:
            name = directory / f"part{i}_box{k}.vnnlib"
            text = query(inequality, low[k].tolist(), high[k].tolist(), path.name, dtype)
            name.write_text(text, encoding="ascii")
            queries.append((path, name))
        first += len(low)
    with (directory / INSTANCES).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([graph.name, name.name, TIMEOUT] for graph, name in queries)
    names = tuple(name for _, name in queries)
    return Exported(tuple(graphs), names, directory / INSTANCES, total)


def _places(content: Content) -> list[tuple[Inequality, np.ndarray, np.ndarray]]:
    """Return the inequality of each part, and the ends of its collapsed leaves, (k, d)."""
    found = []
    if content.system.family is not None:
        raise CertificateError(
            "the inequality of a system with intervals cannot be exported",
            where="export",
            wanted="a certificate with numbers for the parameters and the equilibrium",
        )
    for piece in content.pieces:
        if "codes" not in piece.arrays:
            raise CertificateError(
                "there is no inequality over boxes: nothing in this system is nonlinear",
                where="export",
                wanted="a certificate with nonlinear variables",
            )
        answer = dissipation(content.system, piece.functional, piece.reduction)
        found.append((answer.inequality, *_boxes(piece, answer.inequality)))
    if not any(len(low) for _, low, _ in found):
        raise CertificateError(
            "all boxes touch the origin, where a query cannot say strictly less",
            where="export",
            wanted="a certificate with collapsed leaves",
        )
    return found


def _boxes(piece: Piece, inequality: Inequality) -> tuple[np.ndarray, np.ndarray]:
    arrays = piece.arrays
    grid, blocks = tuple(arrays["grid"].tolist()), tuple(arrays["blocks"].tolist())
    try:
        low, high, codes = Forest(grid, blocks, arrays["codes"]).boxes(
            inequality.lower, inequality.upper
        )
    except (IndexError, RuntimeError, ValueError) as error:
        raise CertificateError(
            f"its codes are those of no forest ({error})",
            where="export",
            wanted="a file that certdde check accepts",
        ) from None
    chosen = codes == COLLAPSED
    return low.numpy()[chosen], high.numpy()[chosen]


def query(
    inequality: Inequality, low: Sequence[float], high: Sequence[float], graph: str, dtype: str
) -> str:
    """Return the query of one box: X in the box, and some Y_j >= 0; ``unsat`` is what is claimed.

    Numbers are the exact decimals of binary64.
    """
    lines = [
        f"; certdde: decrease of a Lyapunov-Krasovskii functional, {graph}, {dtype}",
        f"; X = ({', '.join(inequality.names)}), deviations from the equilibrium",
        "; claimed: every Y is negative on the box, so that this is unsat",
    ]
    outputs = range(len(inequality.forms))
    lines += [f"(declare-const X_{i} Real)" for i in range(inequality.dimension)]
    lines += [f"(declare-const Y_{j} Real)" for j in outputs]
    for i, (a, b) in enumerate(zip(low, high, strict=True)):
        lines += [f"(assert (>= X_{i} {_exact(a)}))", f"(assert (<= X_{i} {_exact(b)}))"]
    lines.append(f"(assert (or {' '.join(f'(and (>= Y_{j} 0.0))' for j in outputs)}))")
    return "\n".join(lines) + "\n"


def _exact(value: float) -> str:
    text = format(Decimal(value), "f")
    return text if "." in text else text + ".0"
