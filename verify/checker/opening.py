"""From the entries of a certificate to what remains to be shown: the digest, the claim, the system, the proof."""

from collections.abc import Mapping
from dataclasses import replace

from .bundle import digest
from .document import Document, parse
from .feedforward import calls, load
from .refusal import require
from .rule import Proof, Rule
from .schema import document as read_document
from .system import build


def opened(entries: dict[str, bytes], rules: Mapping[str, Rule]) -> tuple[Document, Proof]:
    """The document, whose claim is proved if the proof runs to its end; all entries are used."""
    require("certificate.json" in entries, "archive", "has no certificate.json")
    plain, exact = parse(entries.pop("certificate.json"))
    document = read_document(exact, rules)
    rule, networks = rules[document.kind], exact["system"].get("networks", {})
    names = {name: f"network.{name}.safetensors" for name in networks}
    right = set(entries) == rule.entries(document) | set(names.values())
    require(right, "archive", "has a missing or an unknown entry")
    require(digest(plain, entries) == document.digest, "digest", "does not match the content")
    loaded = {
        name: load(networks[name], entries.pop(entry), f"system.networks.{name}")
        for name, entry in names.items()
    }
    document = replace(document, networks=loaded)
    found = [one for name, network in loaded.items() for one in {name, *calls({name: network})}]
    once = len(set(found)) == len(found) and (document.names - set(networks)).isdisjoint(found)
    require(once, "system", "uses one name twice")
    sentence = rule.sentence(document)
    require(document.claim == sentence, "claim", "is not the sentence that this file is about")
    return document, rule.read(document, build(document, rule.lags), entries)
