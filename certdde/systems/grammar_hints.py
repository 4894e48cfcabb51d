"""What is wrong with an equation that the grammar does not take, and what was probably meant."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches

from lark.exceptions import UnexpectedInput

from certdde.errors import ProblemError

# A time that is a multiple of a delay, but not written as the grammar wants it.
_ODD_DELAY = r"\(\s*t\s*-\s*(?!\d+\s*\*\s*[A-Za-z_]\w*\s*\))(\d|\.|\(|[A-Za-z_]\w*\s*[-+*/])"


def syntax_error(text: str, error: UnexpectedInput) -> tuple[str]:
    """Say where the text does not follow the grammar."""
    column = getattr(error, "column", None)
    if not isinstance(column, int) or column < 1 or column > len(text):
        return (f"{text!r} ends too early",)
    return (f"cannot read {text!r} at character {column} ({text[column - 1]!r})",)


def hint(text: str) -> str:
    """Guess what was meant, so that the error says what would be right."""
    right = text.partition("=")[2]
    if is_scheme(text):
        if re.search(r"\[\s*t\s*[-+]\s*\d", right):
            return "a delay is named, as in x[t-tau], and its range says how many steps it may be"
        return "a scheme looks like x[t+1] = x[t] - 0.3*x[t-tau]"
    if "'" in right:
        return "no derivative on the right: neutral equations are not supported"
    if re.search(r"(\*\*|\^)\s*\(?[+-]?\s*(\d*\.|\d+\s*/|[A-Za-z])", right):
        return "an exponent is a whole number; sqrt(z) is the square root"
    if re.search(_ODD_DELAY, right):
        return "a delay is named, or a whole number times its name, as in x(t - 2*tau)"
    if re.search(r"\d\s*[A-Za-z(]|\)\s*[A-Za-z0-9(]", re.sub(r"\d[eE][+-]?\d", "0", right)):
        return "write every product with *, as in 2*x(t - tau)"
    return "an equation looks like x' = -x(t - tau) + 2*sin(x)"


def is_scheme(text: str) -> bool:
    """Tell whether an equation begins like ``x[t+1] =``."""
    return re.match(r"[^=\[]*\[\s*t\s*\+\s*1\s*\]\s*=", text) is not None


def unknown(name: str, kind: str, known: Collection[str], where: str) -> ProblemError:
    """Return the error about a name that is not declared; it guesses which was meant."""
    close = get_close_matches(name, list(known), n=1)
    hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(sorted(known)) or 'none'}"
    return ProblemError(f"unknown {kind} {name!r}", where=where, wanted=hint)
