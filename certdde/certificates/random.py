"""Certificates of kind ``random`` (docs/certificate-format.md): pieces for constant delays, and a probability."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Context
from io import BytesIO
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

from certdde.certificates.bundle import BROKEN, JSON_NAME
from certdde.certificates.certificate import Certificate, delay_section, not_certified
from certdde.certificates.claim import drawn_text, subject_text
from certdde.certificates.networks import network_entries
from certdde.errors import CertificateError

if TYPE_CHECKING:
    from certdde.delays.random import Random
    from certdde.systems.delay_system import DelaySystem

# The laws whose probabilities the checker encloses, the largest shape of gamma there, the mixtures in each other.
KNOWN = ("expon", "gamma", "lognorm", "norm", "pareto", "uniform", "weibull_min")
LARGEST_SHAPE = 100.0
DEEPEST = 4
RESERVE, DIGITS = 1e-10, 9  # of a probability: relative to it, and how many are written


@dataclass(frozen=True, slots=True)
class RandomPiece:
    """A certificate for constant delays in [lower, upper], and its file."""

    certificate: Certificate
    content: bytes

    @classmethod
    def read(cls, content: bytes) -> RandomPiece:
        """Read a file from its bytes.

        Raises
        ------
        CertificateError
            If they are no certificate.
        """
        try:
            with ZipFile(BytesIO(content)) as archive:
                entries = {name: archive.read(name) for name in archive.namelist()}
            data: dict[str, Any] = json.loads(entries.pop(JSON_NAME))
        except BROKEN as error:
            what = f"a piece is no certificate ({type(error).__name__})"
            raise CertificateError(what, wanted="a file that certdde certify wrote") from None
        return cls(Certificate(data, entries), content)

    @property
    def ends(self) -> tuple[float, float]:
        """The range of its delay."""
        delay = self.certificate.data["delay"]
        low, high = delay.get("delays", [delay])[0]["range"]
        return float(low), float(high)


def joined(ranges: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the union of intervals as disjoint intervals, in order."""
    found: list[tuple[float, float]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], high)
        else:
            found.append((low, high))
    return found


def known(law: Mapping[str, Any], depth: int = 0) -> bool:
    """Tell whether the checker encloses the probabilities of a law, so that it can be in a claim."""
    if law["law"] == "mixture":
        return depth < DEEPEST and all(known(one, depth + 1) for one in law["laws"])
    large = law["law"] == "gamma" and law["args"].get("a", 0.0) > LARGEST_SHAPE
    return law["law"] in KNOWN and not large


def stated(probability: float) -> float | None:
    """Return a decimal that the checker can show to be below a float64 probability; None if that is nothing."""
    short = Context(prec=DIGITS, rounding=ROUND_DOWN)
    found = float(short.create_decimal(repr(probability * (1 - RESERVE))))
    return found if found > 0 else None


def random_certified(
    system: DelaySystem, delay: Random, pieces: Sequence[RandomPiece], **extra: Any
) -> Certificate:
    """Build a certificate from certificates of constant delays.

    Parameters
    ----------
    system, delay
        What is asked.
    pieces : sequence of RandomPiece
        At least one, all with the same system.
    extra
        ``engine``, ``statistics``, ``seed``.
    """
    first = pieces[0].certificate.data
    ends = joined([piece.ends for piece in pieces])
    probability = sum(delay.mass(*one) for one in ends) if known(delay.section) else None
    section = delay_section(delay) | {
        "range": [ends[0][0], ends[-1][1]],
        "set": [list(one) for one in ends],
        "probability": None if probability is None else stated(probability),
    }
    claims = [str(piece.certificate.data["claim"]) for piece in pieces]
    domain = first["system"]["domain"]
    frame = not_certified("certified", "", system, delay, **extra).data
    data = frame | {
        "kind": "random",
        "claim": random_sentence(first["system"], section, claims),
        "system": first["system"],
        "delay": section,
        "functional": {"kind": "pieces"},
        "proof": {"nonlinear": first["proof"]["nonlinear"], "claims": claims},
        "region": {"domain": domain, "level": None, "radius": None, "area": None},
    }
    entries = {f"piece{i}.certdde": one.content for i, one in enumerate(pieces)}
    return Certificate(data, entries | network_entries(system.networks))


def random_sentence(
    system: Mapping[str, Any], delay: Mapping[str, Any], claims: Sequence[str]
) -> str:
    """Return the claim of kind ``random``."""
    scope = "globally asymptotically" if system["domain"] is None else "asymptotically"
    text = f"{subject_text(system, delay)} is {scope} stable."
    if delay["probability"] is not None:
        text += (
            f" A delay {delay['name']} that is drawn from the law {drawn_text(delay['law'])}, with names and arguments"
            f" as in scipy.stats, lies there with probability at least {float(delay['probability'])!r}."
        )
    return f"{text} Proved piece by piece: {' '.join(claims)}"


def pieces_of(certificate: Certificate) -> list[RandomPiece]:
    """Return the pieces of a certificate of kind ``random``, in its order.

    Raises
    ------
    CertificateError
        If one is missing or no certificate.
    """
    claims = (certificate.data.get("proof") or {}).get("claims", [])
    names = [f"piece{i}.certdde" for i in range(len(claims))]
    if not set(names) <= set(certificate.entries):
        what, where = "a piece is missing", str(certificate.path or "certificate")
        raise CertificateError(what, where=where, wanted="a file that certdde certify wrote")
    return [RandomPiece.read(certificate.entries[name]) for name in names]
