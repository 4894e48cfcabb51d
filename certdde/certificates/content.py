"""What a certificate is about, rebuilt from its file: for attacks and exports, which do not check it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from safetensors import SafetensorError

from certdde.certificates.bundle import read_arrays, read_tensors
from certdde.certificates.certificate import Certificate
from certdde.certificates.part import read_functional
from certdde.delays.classes import Constant, DelayClass, Measurable
from certdde.errors import CertificateError, ProblemError
from certdde.inequalities.reduction import ConstantDelay, MeasurableDelay, Reduction
from certdde.systems.delay_system import DelaySystem

if TYPE_CHECKING:
    from certdde.functionals import Functional

CLASSES: dict[str, type[Constant] | type[Measurable]] = {
    "constant": Constant,
    "measurable": Measurable,
}
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
    """The system, the delay and the parts of a certificate."""

    kind: str
    system: DelaySystem
    delay: DelayClass
    pieces: tuple[Piece, ...]


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


def rebuilt_system(section: Mapping[str, Any], delay: str) -> DelaySystem:
    """Return the system of the ``system`` section of a certificate."""
    return DelaySystem.from_equations(
        section["equations"],
        parameters=section["parameters"],
        domain=section["domain"],
        equilibrium=section["equilibrium"],
        delays=(delay,),
        name=str(section["name"]),
    )


def _content(certificate: Certificate) -> Content:
    data = certificate.data
    low, high = data["delay"]["range"]
    delay = CLASSES[data["delay"]["class"]](str(data["delay"]["name"]), float(low), float(high))
    system = rebuilt_system(data["system"], delay.name)
    return Content(str(data["kind"]), system, delay, tuple(_pieces(certificate, system)))


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
