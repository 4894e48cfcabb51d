"""The program ``certdde``: puts the commands together."""

import sys
import warnings
from collections.abc import Sequence
from typing import Annotated

import typer

import certdde
from certdde.cli.attack import attack
from certdde.cli.certify import certify
from certdde.cli.check import check
from certdde.cli.export import export
from certdde.cli.guard import DONE, INTERRUPTED, guarded
from certdde.cli.learn import learn
from certdde.cli.margin import margin
from certdde.cli.output import print_text
from certdde.cli.report import report
from certdde.cli.simulate import simulate
from certdde.cli.study import study

COMMANDS = (attack, certify, check, export, learn, margin, report, simulate)

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in COMMANDS:
    app.command()(command)
app.add_typer(study, name="study")


@app.callback(invoke_without_command=True)
def program(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> int:
    """Train, certify and check stability claims about delay differential equations.

    Exit status: 0 certified or done, 1 not certified or check failed, 2 unusable input.
    """
    if version:
        print_text(f"certdde {certdde.__version__}")
        raise typer.Exit(DONE)
    if context.invoked_subcommand is None:
        print_text(context.get_help())
    return DONE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the name of the program; default: those of the process.

    Returns
    -------
    int
        The exit status: 0 certified or done, 1 not certified or check failed, 2 unusable input, 130 after Ctrl-C.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    with warnings.catch_warnings():
        if not sys.warnoptions:
            warnings.simplefilter("ignore")
        return guarded(lambda: _run(words))


def _run(words: list[str]) -> int:
    status = typer.main.get_command(app).main(words, prog_name="certdde", standalone_mode=False)
    if status == INTERRUPTED:  # typer turns Ctrl-C into this status
        raise KeyboardInterrupt
    return status or DONE
