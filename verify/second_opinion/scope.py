"""Which certificates there is a second opinion on."""

from __future__ import annotations

from pathlib import Path

from certdde.verify.checker.bundle import read_entries
from certdde.verify.checker.document import parse
from certdde.verify.checker.rules import RULES
from certdde.verify.checker.schema import document as read_document
from certdde.verify.checker.system import build

KINDS = ("krasovskii", "spectral")


def objection(path: str | Path) -> str:
    """Say why there is no second opinion on a certificate that the checker has accepted; "" if there is one.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    Refused
        If the file cannot be read.
    """
    _, data = parse(read_entries(Path(path))["certificate.json"])
    document = read_document(data, RULES)
    if document.kind not in KINDS:
        return f"there is one on the kinds {' and '.join(KINDS)} only, not on {document.kind}"
    system = build(document, RULES[document.kind].lags)
    if any(j >= 2 * system.n for row in system.linear for j in row):
        return "there is none on systems with multiples of a delay"
    return ""
