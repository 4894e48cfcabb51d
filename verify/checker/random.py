"""Kind "random": a delay drawn once from a law; certificates of constant delays, the probability of their union."""

import io
import zipfile
from fractions import Fraction

from . import krasovskii, razumikhin, several, slow, sos, spectral, yorke
from .bundle import MAX_BYTES, unpack
from .claim import about, interval, joined, shown
from .document import Document
from .laws import check_law, described, least
from .leaves import Count
from .opening import opened
from .refusal import Refused, require
from .rule import Proof, Rule
from .schema import PAIR
from .system import System

# What a piece may be: kinds whose claim holds for every constant delay of an interval.
PIECES: dict[str, Rule] = {
    "krasovskii": krasovskii.RULE,
    "razumikhin": razumikhin.RULE,
    "several": several.RULE,
    "slow": slow.RULE,
    "sos": sos.RULE,
    "spectral": spectral.RULE,
    "yorke": yorke.RULE,
}
CLASSES = {"constant", "measurable", "slow", "several"}
MOST = 256


def complete(document: Document) -> Document:
    """The law, unless the claim is without one; the set, disjoint and increasing, and its hull; no level, no radius."""
    delay, region, claims = document.raw["delay"], document.raw["region"], _claims(document)
    require(0 < len(claims) <= MOST, "proof.claims", f"must be 1 to {MOST}")
    require(region["level"] is None, "region.level", "must be null")
    require(region["radius"] is None, "region.radius", "must be null")
    pieces = _set(document)
    require(len(pieces) > 0 and pieces == union(pieces), "delay.set", "must be apart, in order")
    hull = (pieces[0][0], pieces[-1][1])
    require(document.ranges == (hull,), "delay.range", "is not from the first to the last delay")
    chance = delay["probability"]
    if chance is not None:
        require(isinstance(chance, Fraction), "delay.probability", "must be a number or null")
        check_law(delay["law"])
        bound = least(delay["law"], pieces)
        require(0 < chance <= bound, "delay.probability", lambda: f"is not shown: {float(bound)!r}")
    return document


def _claims(document: Document) -> list[str]:
    return list(document.raw["proof"]["claims"])


def _set(document: Document) -> list[tuple[Fraction, Fraction]]:
    return [(low, high) for low, high in document.raw["delay"]["set"]]


def union(ranges: list[tuple[Fraction, Fraction]]) -> list[tuple[Fraction, Fraction]]:
    """The same set as disjoint intervals, in order; those that touch are joined."""
    found: list[tuple[Fraction, Fraction]] = []
    for low, high in sorted(ranges):
        require(low <= high, "delay.set", "has a reversed interval")
        if found and low <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], high)
        else:
            found.append((low, high))
    return found


def read(document: Document, _: System, found: dict[str, bytes]) -> Proof:
    """Lemma: every delay of the set is in a piece; the claim of a piece holds for each constant delay of its range."""
    proofs: list[Proof] = []
    ranges: list[tuple[Fraction, Fraction]] = []
    room = MAX_BYTES
    for i, claim in enumerate(_claims(document)):
        where = f"piece{i}"
        entries = _unpacked(found[f"{where}.certdde"], where, room)
        room -= sum(map(len, entries.values()))
        try:
            piece, proof = opened(entries, PIECES)
        except Refused as refusal:
            raise Refused(f"{where}: {refusal.where}", refusal.reason) from refusal
        same = piece.raw["system"] == document.raw["system"] and piece.delays == document.delays
        require(same, where, "is about another system")
        require(piece.delay_class in CLASSES, where, "is not about constant delays")
        require(piece.claim == claim, "proof.claims", f"does not quote {where}")
        ranges += piece.ranges
        proofs.append(proof)
    require(union(ranges) == _set(document), "delay.set", "is not the union of the pieces")

    def run(count: Count) -> None:
        for i, proof in enumerate(proofs):
            try:
                proof.run(count)
            except Refused as refusal:
                raise Refused(f"piece{i}: {refusal.where}", refusal.reason) from refusal

    return Proof(sum(proof.leaves for proof in proofs), run)


def _unpacked(content: bytes, where: str, room: int) -> dict[str, bytes]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise Refused(where, f"cannot be read as a zip archive ({error})") from error
    with archive:
        return unpack(archive, where, room)


def sentence(document: Document) -> str:
    """The delays, the equilibrium, what is claimed of it and with which probability, and the claims of the pieces."""
    delay = document.raw["delay"]
    spans = sorted(document.unknown.items())
    named = joined(f"{name} in {interval(*span)}" for name, span in spans)
    places = " or ".join(interval(*piece) for piece in _set(document))
    head = f"For every constant delay {document.delay} in {places}"
    head += f" and every constant {named}" if spans else ""
    scope = "globally asymptotically stable" if document.domain is None else "asymptotically stable"
    text = f"{head}, {about(document)} is {scope}."
    if delay["probability"] is not None:
        text += (
            f" A delay {document.delay} that is drawn from the law {described(delay['law'])}, with names and arguments"
            f" as in scipy.stats, lies there with probability at least {shown(delay['probability'])}."
        )
    return f"{text} Proved piece by piece: {' '.join(_claims(document))}"


RULE = Rule(
    delay={
        "name": str,
        "class": {"random"},
        "range": PAIR,
        "law": object,
        "set": [PAIR],
        "probability": object,
    },
    functional={"kind": {"pieces"}},
    proof={"claims": [str]},
    complete=complete,
    entries=lambda document: {f"piece{i}.certdde" for i in range(len(_claims(document)))},
    read=read,
    sentence=sentence,
    lags=several.RULE.lags,
    intervals=True,
)
