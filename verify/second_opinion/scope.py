"""Which certificates there is a second opinion on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from certdde.verify.checker.bundle import read_entries
from certdde.verify.checker.document import Document, parse
from certdde.verify.checker.feedforward import load
from certdde.verify.checker.rules import RULES
from certdde.verify.checker.schema import document as read
from certdde.verify.checker.system import build

KINDS = ("krasovskii", "spectral")


def read_document(path: Path) -> tuple[Document, dict[str, bytes]]:
    """Return the document, with the networks that the equations call, and all entries.

    Raises
    ------
    Refused
        If the file cannot be read.
    """
    entries = read_entries(path)
    _, data = parse(entries["certificate.json"])
    document = read(data, RULES)
    networks = {
        name: load(entry, entries[f"network.{name}.safetensors"], name)
        for name, entry in data["system"].get("networks", {}).items()
    }
    return replace(document, networks=networks), entries


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
    document, _ = read_document(Path(path))
    if document.kind not in KINDS:
        return f"there is one on the kinds {' and '.join(KINDS)} only, not on {document.kind}"
    system = build(document, RULES[document.kind].lags)
    if any(j >= 2 * system.n for row in system.linear for j in row):
        return "there is none on systems with multiples of a delay"
    return ""
