"""Text from a user's file, made safe for HTML, LaTeX and Markdown."""

from __future__ import annotations

import re
import unicodedata

import markupsafe
from markupsafe import Markup

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_\allowbreak{}",
    "%": r"\%",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\char34{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "–": "--",  # noqa: RUF001
    "ß": r"\ss{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
}
_ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r",
    "\u030b": "H",
    "\u030c": "v",
    "\u0327": "c",
}
# What means something in Markdown, and only there: readable in the source as well.
_MARKDOWN = re.compile(
    r"[\\`*|~$#]"  # anywhere
    r"|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"  # emphasis
    r"|\](?=[(\[:])"  # links
    r"|^([=>]|[-+](?=[-+\s]|$)|[0-9]+[.)](?=\s|$))"  # lists, quotes, lines, at the start of one
)
# What would be HTML, and what a browser or a reader of Markdown would turn into a link by itself.
_ENTITIES = re.compile(r"<(?=[A-Za-z/!?])|&(?=#?[A-Za-z0-9]+;)|:(?=//)|(?<=www)\.|@")


def printable(text: str) -> str:
    """Return the text on one line, with what cannot be printed (controls, changes of direction) as an escape."""
    return _visible(re.sub(r"\s+", " ", text))


def _visible(line: str) -> str:
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def escape_html(text: str) -> Markup:
    """Return the text as HTML."""
    return markupsafe.escape(printable(text))


def escape_latex(text: str) -> Markup:
    """Return the text as LaTeX in ASCII; a character that pdflatex may not have becomes ``[U+XXXX]``."""
    safe = "".join(_latex_character(c) for c in printable(text))
    for ligature in ("--", ",,"):
        # Twice, since the matches of an odd run overlap.
        for _ in range(2):
            safe = safe.replace(ligature, f"{ligature[0]}{{}}{ligature[1]}")
    return Markup(safe)


def escape_markdown(text: str) -> Markup:
    """Return the text as Markdown that is not in a code block: no markup, no HTML, no link."""
    safe = _MARKDOWN.sub(_backslashed, printable(text))
    return Markup(_ENTITIES.sub(lambda m: f"&#{ord(m[0])};", safe))


def _backslashed(match: re.Match[str]) -> str:
    return match[0][:-1] + "\\" + match[0][-1]


def fenced(text: str) -> Markup:
    """Return lines of text as a Markdown code block, which no line of it can close."""
    lines = [_visible(line) for line in text.splitlines()]
    runs = max((len(run) for line in lines for run in _backticks(line)), default=0)
    fence = "`" * max(3, runs + 1)
    return Markup("\n".join([fence, *lines, fence]))


def _backticks(line: str) -> list[str]:
    return "".join(c if c == "`" else " " for c in line).split()


def _latex_character(character: str) -> str:
    if character in _LATEX:
        return _LATEX[character]
    if character.isascii():
        return character
    base, *marks = unicodedata.normalize("NFD", character)
    if base.isascii() and base.isalpha() and marks and all(m in _ACCENTS for m in marks):
        written = {"i": r"\i", "j": r"\j"}.get(base, base)
        for mark in marks:
            written = f"\\{_ACCENTS[mark]}{{{written}}}"
        return written
    return f"[U+{ord(character):04X}]"
