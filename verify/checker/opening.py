"""From the entries of a certificate to what remains to be shown: the digest, the claim, the system, the proof."""

from collections.abc import Mapping

from .bundle import digest
from .document import Document, parse
from .refusal import require
from .rule import Proof, Rule
from .schema import document as read_document
from .system import build


def opened(entries: dict[str, bytes], rules: Mapping[str, Rule]) -> tuple[Document, Proof]:
    """The document, whose claim is proved if the proof runs to its end; all entries are used."""
    require("certificate.json" in entries, "archive", "has no certificate.json")
    plain, exact = parse(entries.pop("certificate.json"))
    document = read_document(exact, rules)
    rule = rules[document.kind]
    right = set(entries) == rule.entries(document)
    require(right, "archive", "has a missing or an unknown entry")
    require(digest(plain, entries) == document.digest, "digest", "does not match the content")
    sentence = rule.sentence(document)
    require(document.claim == sentence, "claim", "is not the sentence that this file is about")
    return document, rule.read(document, build(document, rule.lags), entries)
