"""TOML files of limited size, with errors that name the line."""

import re
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from certdde.errors import ProblemError

MAX_BYTES = 1 << 20
EXAMPLE = "give a problem file, such as examples/hutchinson.toml"


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file of at most 1 MiB.

    Raises
    ------
    ProblemError
        If it cannot be read, is not UTF-8, or is not TOML.
    """
    return _parse(_read(path), str(path))


def _read(path: Path) -> str:
    where = str(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ProblemError("there is no such file", where=where, wanted=_neighbour(path)) from None
    except IsADirectoryError:
        raise ProblemError("this is a directory", where=where, wanted=EXAMPLE) from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise ProblemError(f"cannot be read ({reason})", where=where, wanted=EXAMPLE) from None
    if len(content) > MAX_BYTES:
        raise ProblemError(
            "the file is too long", where=where, wanted=f"give at most {MAX_BYTES} bytes"
        )
    if content.startswith(b"PK\x03\x04"):
        wanted = f"{EXAMPLE}; `certdde check` reads certificates"
        raise ProblemError("this is a certificate or another zip", where=where, wanted=wanted)
    try:
        return content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ProblemError(
            f"byte {content[error.start]:#04x} is not UTF-8",
            where=f"{where}: line {line}",
            wanted="save it as text in UTF-8",
        ) from None


def _neighbour(path: Path) -> str:
    try:
        names = [file.name for file in path.parent.glob("*.toml")]
    except (OSError, ValueError):
        names = []
    close = get_close_matches(path.name, names, n=1, cutoff=0.75)
    return f"did you mean {path.parent / close[0]}?" if close else EXAMPLE


def _parse(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ProblemError("lists are nested too deeply", where=source, wanted=EXAMPLE) from None
    except ValueError as error:  # TOMLDecodeError, and integers of thousands of digits
        what, place = _syntax(str(error), text)
        raise ProblemError(
            f"not TOML: {what}", where=source + place, wanted="see https://toml.io"
        ) from None


def _syntax(message: str, text: str) -> tuple[str, str]:
    """Split what tomllib says into the mistake and its place."""
    what, _, place = message.partition(" (at ")
    what = what[:1].lower() + what[1:]
    if found := re.fullmatch(r"line (\d+), column (\d+)\)", place):
        return what, f": line {found[1]}, column {found[2]}"
    if place:
        return what, f": line {max(1, len(text.splitlines()))}, at the end"
    return what, ""
