"""What the commands print: one JSON object, one line of trouble, or text for people."""

import json
import math
import sys
from collections.abc import Mapping
from decimal import ROUND_DOWN, Context
from typing import Any


def one_line(text: str) -> str:
    """Return ``text`` as one printable line."""
    joined = " ".join(text.split())
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in joined)


def complain(message: str) -> None:
    """Print the one line that says what is wrong on standard error."""
    print(f"certdde: {one_line(message)}", file=sys.stderr, flush=True)


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object on standard output; numbers that JSON does not have become null."""
    print(json.dumps(_plain(value), indent=2, allow_nan=False), flush=True)


def print_text(text: str = "") -> None:
    """Print a line for people on standard output."""
    print(text, flush=True)


def number(value: float | None) -> str:
    """Return a number in six digits, or a dash."""
    return "-" if value is None else f"{value:.6g}"


def number_down(value: float | None) -> str:
    """Return a number cut off after six digits: nothing that is printed goes beyond what was shown."""
    return (
        "-" if value is None else number(float(Context(6, ROUND_DOWN).create_decimal(repr(value))))
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, (str, int, type(None))) else str(value)
