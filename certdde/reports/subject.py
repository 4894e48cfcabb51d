"""What a report is about: the system, the delay and the functionals of a certificate, rebuilt from its file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from certdde.certificates.bundle import digest, read_arrays, read_tensors
from certdde.certificates.certificate import Certificate
from certdde.certificates.content import (
    MALFORMED,
    has_parts,
    names,
    rebuilt_delay,
    rebuilt_system,
)
from certdde.certificates.part import read_functional
from certdde.delays.classes import Constant, Several
from certdde.delays.random import Random
from certdde.errors import CertificateError, ProblemError
from certdde.systems.delay_system import DelaySystem
from certdde.verify.checker import CheckResult

if TYPE_CHECKING:
    from certdde.functionals import Functional
    from certdde.verify.bound_propagation.forest import Forest

DEFAULT_NAME = "certificate.certdde"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the certificate: its functional, delays, level, and partition, as far as it has them."""

    functional: Functional
    breaks: tuple[float, ...]
    level: float | None
    forest: Forest | None
    cuts: int = 1

    @property
    def longest(self) -> float:
        """The largest delay that the part covers."""
        return self.breaks[-1]


@dataclass(frozen=True, slots=True)
class Subject:
    """A certificate, read.

    Attributes
    ----------
    data : dict
        ``certificate.json``.
    system : DelaySystem
    delay : Constant
        The delays that are simulated: the range; for a measurable delay its end, where V is the same. The first of
        several delays.
    pieces : tuple of Piece
        Empty unless certified and of a kind that has such parts.
    ranges : tuple of (str, float, float)
        The name and the ends of each delay.
    file : str
        The name of the file, without its folder.
    digest : str
        As computed from the content.
    verdict : CheckResult or None
        What the checker says of it; None if it was not asked.
    """

    data: dict[str, Any]
    system: DelaySystem
    delay: Constant
    pieces: tuple[Piece, ...]
    file: str
    digest: str
    ranges: tuple[tuple[str, float, float], ...]
    verdict: CheckResult | None = None

    @classmethod
    def of(cls, certificate: Certificate) -> Subject:
        """Read a certificate.

        Raises
        ------
        CertificateError
            If its content does not follow the format so far that a report can be made.
        """
        file = certificate.path.name if certificate.path else DEFAULT_NAME
        try:
            return cls._read(certificate, file)
        except ProblemError as error:
            raise CertificateError(
                error.what, where=f"{file}: {error.where}", wanted=error.wanted
            ) from None
        except MALFORMED as error:
            what = f"no report can be made of it ({type(error).__name__}: {error})"
            raise CertificateError(
                what, where=file, wanted="a file that certdde certify wrote"
            ) from None

    @classmethod
    def _read(cls, certificate: Certificate, file: str) -> Subject:
        data = certificate.data
        if data["status"] not in ("certified", "unknown", "refuted"):
            raise ValueError(f"status {data['status']!r}")
        delays = rebuilt_delay(data["delay"])
        each = delays.delays if isinstance(delays, Several) else (delays,)
        ranges = tuple((one.name, one.lower, one.upper) for one in each)
        if isinstance(delays, Random):  # those of the claim, not all that the law may give
            low, high = data["delay"]["range"]
            ranges = ((delays.name, float(low), float(high)),)
        name, lower, upper = ranges[0]
        delay = Constant(name, upper if delays.kind == "measurable" else lower, upper)
        system = rebuilt_system(data["system"], names(delays), certificate.entries)
        known = data["status"] == "certified" and has_parts(data["kind"], system)
        pieces = _pieces(certificate, system) if known else ()
        content = digest(data, certificate.entries)
        return cls(data, system, delay, pieces, file, content, ranges)

    @property
    def measurable(self) -> bool:
        """Whether the claim is about delays that vary in any measurable way."""
        return bool(self.data["delay"]["class"] == "measurable")

    @property
    def claimed(self) -> tuple[float, float]:
        """The range of the first delay of the claim."""
        return self.ranges[0][1:]

    @property
    def kind(self) -> str:
        """The kind of the certificate."""
        return str(self.data["kind"])

    @property
    def detailed(self) -> bool:
        """Whether the functional and the proof are shown in detail; if not, they are described in words."""
        return bool(self.pieces)

    @property
    def simple(self) -> bool:
        """Whether it is a differential equation with one delay, without multiples of it."""
        one = len(self.ranges) == 1 and self.system.one_lag
        return one and self.system.time == "continuous"

    @property
    def certified(self) -> bool:
        """Whether the file states a theorem."""
        return self.data["status"] == "certified"

    @property
    def bounded(self) -> bool:
        """Whether the claim is about a domain; if not, it is global."""
        return self.certified and self.data["region"]["domain"] is not None

    @property
    def proved(self) -> bool:
        """Whether the checker accepts the file."""
        return self.verdict is not None and self.verdict.valid

    @property
    def rigor(self) -> str:
        """``rigorous`` if the checker accepts the file; else ``float64``, or ``refused`` if it says more than that."""
        if self.proved:
            return "rigorous"
        return "refused" if self.altered or self.data["rigor"] == "rigorous" else "float64"

    @property
    def altered(self) -> bool:
        """Whether the file has a digest that is not that of its content."""
        return self.data.get("digest", self.digest) != self.digest

    def piece_at(self, delay: float) -> Piece:
        """Return the part that covers a delay; for one outside, the nearest."""
        return min(self.pieces, key=lambda p: max(p.breaks[0] - delay, delay - p.longest, 0.0))


def _pieces(certificate: Certificate, system: DelaySystem) -> tuple[Piece, ...]:
    section, levels = certificate.data["functional"], certificate.data["region"]["level"]
    pieces = []
    for i, description in enumerate(section["parts"]):
        arrays = read_arrays(certificate.entries, i)
        tensors = read_tensors(certificate.entries, i)
        functional = read_functional(description, system.states, section["order"], arrays, tensors)
        level = None if levels is None else float(levels[i])
        cuts = len(arrays["breaks"]) - 1
        breaks = tuple(float(t) for t in arrays["breaks"])
        if "window" in arrays:
            breaks = (float(arrays["window"][0]),) * 2
        n = system.dimension
        if functional.P.shape != (n * (functional.order + 1),) * 2 or functional.S.shape != (n, n):
            raise ValueError("a matrix has a wrong shape")
        pieces.append(Piece(functional, breaks, level, _forest(arrays), cuts))
    if not pieces:
        raise ValueError("no part")
    return tuple(pieces)


def _forest(arrays: dict[str, Any]) -> Forest | None:
    from certdde.verify.bound_propagation.forest import Forest

    if "codes" not in arrays:
        return None
    grid, blocks = tuple(arrays["grid"].tolist()), tuple(arrays["blocks"].tolist())
    return Forest(grid, blocks, arrays["codes"])
