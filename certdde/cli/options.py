"""Arguments and options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

ProblemFile = Annotated[Path, typer.Argument(metavar="PROBLEM.toml", help="A problem file.")]
CertificateFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="A certificate (FILE.certdde).")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a field of the file, as in --set delays.tau.range=[0,0.3]; repeatable.",
    ),
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON object, and nothing else, on standard output."),
]
ShowProgress = Annotated[
    bool | None,
    typer.Option(
        "--progress/--no-progress",
        help="Show progress on standard error; the default is to do so on a terminal.",
    ),
]
