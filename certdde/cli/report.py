"""``certdde report``: write the report of a certificate again."""

from pathlib import Path
from typing import Annotated

import typer

from certdde.cli.guard import DONE, NOT_CERTIFIED
from certdde.cli.options import AsJson, CertificateFile
from certdde.cli.output import complain, print_json, print_text
from certdde.cli.places import writable_directory
from certdde.cli.progress import working


def report(
    file: CertificateFile,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Where to; default: beside the file."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Write report.html, report.md, report.tex and the figures of a certificate."""
    from certdde.certificates import Certificate
    from certdde.reports import write_report

    with working(False):
        certificate = Certificate.load(file)
        written = write_report(certificate, writable_directory(output or file.parent))
    files, result = written.files, written.verdict
    if result is not None and not result.valid:
        complain(f"{file}: the checker does not accept it: {result.reason} ({result.where})")
    if as_json:
        print_json({"files": {name: str(path) for name, path in files.items()}})
    else:
        for path in files.values():
            print_text(str(path))
    return DONE if result is None or result.valid else NOT_CERTIFIED
