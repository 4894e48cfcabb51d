"""What a certificate is about, rebuilt from its file: for attacks and exports, which do not check it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from safetensors import SafetensorError

from certdde.certificates.bundle import read_arrays, read_tensors
from certdde.certificates.certificate import Certificate
from certdde.certificates.networks import read_networks
from certdde.certificates.part import read_functional
from certdde.delays.classes import (
    AnyDelay,
    Constant,
    Measurable,
    Resampled,
    Sampled,
    Several,
    Slow,
)
from certdde.delays.random import Random
from certdde.errors import CertificateError, ProblemError
from certdde.inequalities.reduction import ConstantDelay, ExactDelay, MeasurableDelay, Reduction
from certdde.systems.delay_system import DelaySystem

if TYPE_CHECKING:
    from certdde.functionals import Functional

# The kinds whose parts are those of the format, section 4; of the others no functional is rebuilt.
WITH_PARTS = ("krasovskii", "spectral")
# What reading a file that does not follow the format may raise.
MALFORMED = (
    KeyError,
    TypeError,
    ValueError,
    IndexError,
    AttributeError,
    RuntimeError,
    EOFError,
    BadZipFile,
    SafetensorError,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a certificate.

    Attributes
    ----------
    functional : Functional
    breaks : tuple of float
        Delays; values of tau / window if there is a window.
    window : float or None
        For a measurable delay, the length h of the history that V sees.
    level : float or None
        None for a global claim.
    arrays : mapping
        Those of the file.
    """

    functional: Functional
    breaks: tuple[float, ...]
    window: float | None
    level: float | None
    arrays: Mapping[str, np.ndarray]

    @property
    def reduction(self) -> Reduction:
        """The delays of the part as the inequality takes them."""
        if self.functional.moments():
            return ExactDelay(self.breaks)
        if self.window is None:
            return ConstantDelay(self.breaks)
        return MeasurableDelay(self.window, self.breaks)

    @property
    def delays(self) -> tuple[float, float]:
        """The least and the greatest delay that the part is about."""
        unit = self.window or 1.0
        return unit * self.breaks[0], unit * self.breaks[-1]


@dataclass(frozen=True, slots=True)
class Content:
    """The system, the delay, the parts and the region of a certificate.

    Attributes
    ----------
    pieces : tuple of Piece
        Empty for the kinds that have no such parts.
    radius : mapping or None
        ``region.radius``.
    """

    kind: str
    system: DelaySystem
    delay: AnyDelay
    pieces: tuple[Piece, ...]
    radius: Mapping[str, Any] | None = None


def read_content(certificate: Certificate) -> Content:
    """Rebuild what a certificate claims.

    Parameters
    ----------
    certificate : Certificate
        Of status ``certified``.

    Returns
    -------
    Content

    Raises
    ------
    CertificateError
        If it claims nothing, or does not follow the format.

    Soundness
    ---------
    Nothing is checked: a false certificate is read as a true one is.
    """
    where = str(certificate.path or "certificate")
    if certificate.data.get("status") != "certified":
        raise CertificateError(
            f"it claims nothing (status {certificate.data.get('status')!r})",
            where=where,
            wanted="give a certificate of status certified",
        )
    try:
        return _content(certificate)
    except ProblemError as error:
        raise CertificateError(
            error.what, where=f"{where}: {error.where}", wanted=error.wanted
        ) from None
    except MALFORMED as error:
        what = f"it does not follow the format ({type(error).__name__}: {str(error)[:200]})"
        wanted = "a file that certdde certify wrote"
        raise CertificateError(what, where=where, wanted=wanted) from None


def rebuilt_delay(section: Mapping[str, Any]) -> AnyDelay:
    """Return the class of the ``delay`` section of a certificate."""
    if "delays" in section:
        found = [rebuilt_delay(one) for one in section["delays"]]
        return Several(tuple(one for one in found if isinstance(one, Constant)))
    low, high = (float(end) for end in section["range"])
    kind, name = section["class"], str(section["name"])
    if kind == "slow":
        lower, upper = section["rate"]
        return Slow(name, low, high, None if lower is None else float(lower), float(upper))
    if kind == "random":
        return Random.of(name, section["law"])
    if kind == "resampled":
        return Resampled(name, low, high, tuple(float(weight) for weight in section["weights"]))
    if kind == "sampled":
        return Sampled(name, low, high)
    if kind not in ("constant", "measurable"):
        raise ValueError(f"class {kind!r}")
    return Constant(name, low, high) if kind == "constant" else Measurable(name, low, high)


def names(delay: AnyDelay) -> tuple[str, ...]:
    """Return the names of the delays of a class."""
    return delay.names if isinstance(delay, Several) else (delay.name,)


def has_parts(kind: str, system: DelaySystem) -> bool:
    """Tell whether a certificate has the parts of the format, section 4."""
    return kind in WITH_PARTS and system.one_lag and system.time == "continuous"


def rebuilt_system(
    section: Mapping[str, Any], delays: Sequence[str], entries: Mapping[str, bytes]
) -> DelaySystem:
    """Return the system of the ``system`` section of a certificate; its networks are among the entries."""
    return DelaySystem.from_equations(
        section["equations"],
        parameters=section["parameters"],
        domain=section["domain"],
        equilibrium=section["equilibrium"],
        delays=delays,
        networks=read_networks(section, entries),
        name=str(section["name"]),
    )


def _content(certificate: Certificate) -> Content:
    data = certificate.data
    kind, delay = str(data["kind"]), rebuilt_delay(data["delay"])
    system = rebuilt_system(data["system"], names(delay), certificate.entries)
    pieces = tuple(_pieces(certificate, system)) if has_parts(kind, system) else ()
    return Content(kind, system, delay, pieces, data["region"]["radius"])


def _pieces(certificate: Certificate, system: DelaySystem) -> list[Piece]:
    section, levels = certificate.data["functional"], certificate.data["region"]["level"]
    pieces: list[Piece] = []
    for i, description in enumerate(section["parts"]):
        arrays = read_arrays(certificate.entries, i)
        tensors = read_tensors(certificate.entries, i)
        order = int(section["order"])
        functional = read_functional(description, system.states, order, arrays, tensors)
        n = system.dimension
        if functional.P.shape != (n * (order + 1),) * 2 or functional.S.shape != (n, n):
            raise ValueError("a matrix has a wrong shape")
        breaks = tuple(float(t) for t in arrays["breaks"])
        level = None if levels is None else float(levels[i])
        window = float(arrays["window"][0]) if "window" in arrays else None
        pieces.append(Piece(functional, breaks, window, level, arrays))
    if not pieces:
        raise ValueError("no part")
    return pieces
