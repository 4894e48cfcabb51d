"""Certificates: the claim, the system, the functional, the proof, and how rigorous it is. A file."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certdde.certificates.bundle import read, write
from certdde.certificates.claim import claim_sentence
from certdde.certificates.networks import network_entries, network_section
from certdde.delays.classes import Resampled, Several, Slow
from certdde.delays.random import Random
from certdde.errors import CertificateError

if TYPE_CHECKING:
    from certdde.certificates.part import Part, Radius
    from certdde.delays.classes import AnyDelay, DelayClass
    from certdde.systems.delay_system import DelaySystem
    from certdde.verify.checker import CheckResult

SCHEMA = "certdde-certificate-1"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate in memory: the object of ``certificate.json`` and the other entries of the file.

    Attributes
    ----------
    data : dict
        See docs/certificate-format.md, section 2.
    entries : dict of bytes
    path : Path or None
        Where it was read from or last saved to.
    """

    data: dict[str, Any]
    entries: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    path: Path | None = None

    @property
    def status(self) -> str:
        """``certified``, ``unknown`` or ``refuted``."""
        return str(self.data["status"])

    @property
    def rigor(self) -> str:
        """``rigorous`` only if the checker has accepted it, else ``float64``."""
        return str(self.data["rigor"])

    @property
    def claim(self) -> str:
        """The sentence that the certificate states."""
        return str(self.data["claim"])

    def __repr__(self) -> str:
        return f"Certificate({self.status}, {self.rigor}, {self.claim!r})"

    @classmethod
    def load(cls, path: str | Path) -> Certificate:
        """Read a file without checking it.

        Raises
        ------
        CertificateError
            If it is not a certificate file.
        """
        data, entries = read(Path(path))
        if not isinstance(data, dict) or data.get("schema") != SCHEMA:
            raise CertificateError(
                "not a certificate of a known version", where=str(path), wanted=f"schema {SCHEMA}"
            )
        return cls(data, entries, Path(path))

    def save(self, path: str | Path) -> Certificate:
        """Write the file; return the certificate with its path and digest."""
        data = write(Path(path), self.data, self.entries)
        return replace(self, data=data, path=Path(path))

    def check(self) -> CheckResult:
        """Check the saved file with the independent checker.

        Raises
        ------
        CertificateError
            If the certificate was not saved.
        """
        from certdde.verify.checker import check_file

        if self.path is None:
            raise CertificateError(
                "the certificate is not saved",
                wanted="certificate = certificate.save(path): the checker reads a file",
            )
        return check_file(self.path)

    def report(self, directory: str | Path) -> dict[str, Path]:
        """Write the report into a directory; return the files by kind."""
        from certdde.reports import write_report

        return write_report(self, Path(directory)).files


def system_section(system: DelaySystem) -> dict[str, Any]:
    """Return the ``system`` section, in the user's coordinates."""
    domain = None
    if system.domain is not None:
        domain = {
            s: [float(lo + x), float(hi + x)]
            for s, (lo, hi), x in zip(system.states, system.domain, system.equilibrium, strict=True)
        }
    boxed = system.family and system.family.enclosure
    section = {
        "name": system.name,
        "states": list(system.states),
        "equations": list(system.equations),
        "parameters": {name: _numbers(value) for name, value in system.parameters.items()},
        "equilibrium": {
            s: _numbers(x)
            for s, x in zip(system.states, boxed.box if boxed else system.equilibrium, strict=True)
        },
        "domain": domain,
    }
    if system.networks:
        section["networks"] = network_section(system.networks)
    return section


def _numbers(value: Any) -> float | list[float]:
    """Return a number, or the ends of an interval."""
    return [float(end) for end in value] if isinstance(value, (tuple, list)) else float(value)


def delay_section(delay: AnyDelay) -> dict[str, Any]:
    """Return the ``delay`` section."""
    if isinstance(delay, Several):
        return {"class": delay.kind, "delays": [delay_section(one) for one in delay.delays]}
    section: dict[str, Any] = {
        "name": delay.name,
        "class": delay.kind,
        "range": [float(delay.lower), float(delay.upper)],
    }
    if isinstance(delay, Random):
        section |= {"law": dict(delay.section), "set": [], "probability": None}
    if isinstance(delay, Slow):
        lower = delay.rate_lower
        section["rate"] = [None if lower is None else float(lower), float(delay.rate_upper)]
    if isinstance(delay, Resampled):
        section["weights"] = [float(weight) for weight in delay.weights]
    return section


def versions() -> dict[str, str]:
    """Return the versions of the packages that a certificate depends on."""
    found = {"python": platform.python_version()}
    for name in ("certdde", "torch", "numpy", "cvxpy", "clarabel", "scs", "auto-lirpa", "crival"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def certified(
    system: DelaySystem,
    delay: DelayClass,
    parts: Sequence[Part],
    *,
    nonlinear: Mapping[str, Sequence[str]],
    area: Mapping[str, Any] | None,
    **extra: Any,
) -> Certificate:
    """Build a certificate of status ``certified`` (rigor ``float64`` until the checker has accepted it).

    Parameters
    ----------
    system, delay, parts
        What is certified, and the parts that cover the delay range, in order.
    nonlinear : mapping
        ``proof.nonlinear``.
    area : mapping or None
        Information on the region's size.
    extra
        ``engine``, ``statistics``, ``seed``.
    """
    section = system_section(system)
    bounded = parts[0].level is not None
    if not bounded:
        section["domain"] = None
    region = {
        "domain": section["domain"],
        "level": [float(p.level) for p in parts if p.level is not None] if bounded else None,
        "radius": smallest_radius([p.radius for p in parts if p.radius is not None])
        if bounded
        else None,
        "area": dict(area) if area else None,
    }
    kind = "neural" if any(p.functional.kind == "neural" for p in parts) else "quadratic"
    functional = {
        "kind": kind,
        "order": parts[0].functional.order,
        "parts": [p.description(system.states) for p in parts],
    }
    data = _frame(
        "certified", claim_sentence(section, delay_section(delay), region), section, delay, extra
    )
    data |= {
        "functional": functional,
        "proof": {"nonlinear": {k: list(v) for k, v in nonlinear.items()}},
        "region": region,
    }
    entries = {
        name: content for i, part in enumerate(parts) for name, content in part.entries(i).items()
    }
    return Certificate(data, entries | network_entries(system.networks))


def claimed(
    kind: str,
    system: DelaySystem,
    delay: AnyDelay,
    *,
    functional: Mapping[str, Any],
    proof: Mapping[str, Any] | None = None,
    region: Mapping[str, Any] | None = None,
    entries: Mapping[str, bytes] | None = None,
    **extra: Any,
) -> Certificate:
    """Build a certificate of any kind of the format (rigor ``float64`` until the checker has accepted it).

    Parameters
    ----------
    kind : str
    system, delay
        What is certified.
    functional, proof, region : mapping
        Sections of ``certificate.json``. ``proof`` needs no key ``nonlinear`` where no variable is nonlinear;
        no region means a global claim.
    entries : mapping of bytes
        The other entries of the file.
    extra
        ``engine``, ``statistics``, ``seed``.
    """
    section = system_section(system)
    if region is None:
        section["domain"] = None
        region = {"domain": None, "level": None, "radius": None, "area": None}
    claim = claim_sentence(section, delay_section(delay), region, kind)
    data = _frame("certified", claim, section, delay, extra)
    nonlinear: dict[str, list[str]] = {"states": [], "delayed": []}
    data |= {
        "kind": kind,
        "functional": dict(functional),
        "proof": {"nonlinear": nonlinear, **(proof or {})},
        "region": dict(region),
    }
    return Certificate(data, {**(entries or {}), **network_entries(system.networks)})


def not_certified(
    status: str,
    reason: str,
    system: DelaySystem,
    delay: AnyDelay,
    *,
    counterexample: Mapping[str, Any] | None = None,
    **extra: Any,
) -> Certificate:
    """Build the record of an ``unknown`` or ``refuted`` outcome; ``reason`` says why and where."""
    section = system_section(system)
    data = _frame(status, reason, section, delay, extra)
    empty = {"domain": section["domain"], "level": None, "radius": None, "area": None}
    data |= {
        "functional": None,
        "proof": None,
        "region": empty,
        "counterexample": dict(counterexample) if counterexample else None,
    }
    return Certificate(data, network_entries(system.networks))


def _frame(
    status: str, claim: str, system: Mapping[str, Any], delay: AnyDelay, extra: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "kind": "krasovskii",
        "status": status,
        "rigor": "float64",
        "claim": claim,
        "system": dict(system),
        "delay": delay_section(delay),
        "engine": extra.get("engine", ""),
        "statistics": extra.get("statistics", {}),
        "versions": versions(),
        "seed": extra.get("seed", 0),
        "counterexample": None,
    }


def smallest_radius(radii: Sequence[Radius]) -> dict[str, float]:
    """Return the entry ``radius`` of a region for the radii of its parts."""
    smallest = min(radii, key=lambda radius: radius.rho)
    return {"rho": smallest.rho, "rho_rate": min(radius.rho_rate for radius in radii)}
