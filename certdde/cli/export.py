"""``certdde export``: the inequality of a certificate for other verifiers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from certdde.cli.guard import DONE
from certdde.cli.options import AsJson, CertificateFile
from certdde.cli.output import print_json, print_text
from certdde.cli.places import writable_directory
from certdde.cli.progress import working
from certdde.errors import CertificateError, ProblemError

TYPES = ("float64", "float32")


def export(
    file: CertificateFile,
    vnnlib: Annotated[
        Path, typer.Option("--vnnlib", metavar="DIR", help="Where the graphs and queries go.")
    ],
    boxes: Annotated[
        str, typer.Option(metavar="N|all", help="How many boxes away from the origin.")
    ] = "100",
    seed: Annotated[int, typer.Option(metavar="S", min=0, help="Of the draw of the boxes.")] = 0,
    dtype: Annotated[
        str, typer.Option(metavar="float64|float32", help="The type of the graphs.")
    ] = "float64",
    as_json: AsJson = False,
) -> int:
    """Write the decrease of V as ONNX graphs, with one VNN-LIB query for each box."""
    if dtype not in TYPES:
        wanted = f"one of {', '.join(TYPES)}"
        raise ProblemError(f"unknown type {dtype!r}", where="--dtype", wanted=wanted)
    count = _count(boxes)
    from certdde.certificates import Certificate
    from certdde.certificates.content import read_content

    with working(False):
        content = read_content(Certificate.load(file))
        if not content.pieces:
            what = f"the inequality of a certificate of kind {content.kind} cannot be exported"
            raise CertificateError(what, where=str(file), wanted="one of kind krasovskii")
        from certdde.verify.export import export_vnnlib

        directory = writable_directory(vnnlib)
        found = export_vnnlib(content, directory, boxes=count, seed=seed, dtype=dtype)
    answer = {
        "graphs": [str(path) for path in found.graphs],
        "queries": [str(path) for path in found.queries],
        "instances": str(found.instances),
        "boxes": found.boxes,
        "dtype": dtype,
    }
    if as_json:
        print_json(answer)
    else:
        print_text(f"{len(found.queries)} of {found.boxes} boxes, {dtype}")
        for path in (*found.graphs, found.instances):
            print_text(str(path))
    return DONE


def _count(boxes: str) -> int | None:
    if boxes == "all":
        return None
    wanted = "give a whole number from 1 on, or all"
    try:
        count = int(boxes)
    except ValueError:
        count = 0
    if count < 1:
        raise ProblemError(f"cannot use {boxes!r}", where="--boxes", wanted=wanted)
    return count
