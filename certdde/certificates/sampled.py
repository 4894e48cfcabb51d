"""Certificates of kind ``sampled`` (docs/certificate-format.md): sample and hold."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from certdde.certificates.bundle import BROKEN, array_entry
from certdde.certificates.certificate import Certificate, claimed
from certdde.errors import CertificateError

if TYPE_CHECKING:
    from certdde.delays.classes import Sampled
    from certdde.systems.delay_system import DelaySystem

ENTRY = "sampled.npz"


def sampled_certified(
    system: DelaySystem, delay: Sampled, p: np.ndarray, breaks: Sequence[float], **extra: Any
) -> Certificate:
    """Build a certificate of kind ``sampled``, of a global claim.

    Parameters
    ----------
    system, delay
        What is certified.
    p : (n, n) array
        Of V = x^T P x.
    breaks : sequence of float
        Pieces of the step that cover its range.
    extra
        ``engine``, ``statistics``, ``seed``.
    """
    arrays = {
        "P": np.ascontiguousarray(p, dtype=np.float64),
        "breaks": np.array(breaks, dtype=np.float64),
    }
    entries = {ENTRY: array_entry(arrays)}
    return claimed(
        "sampled", system, delay, functional={"kind": "quadratic"}, entries=entries, **extra
    )


def quadratic_form(certificate: Certificate) -> np.ndarray:
    """Return P of a certificate, for attacks; nothing is checked.

    Raises
    ------
    CertificateError
        If it does not follow the format.
    """
    try:
        with np.load(io.BytesIO(certificate.entries[ENTRY]), allow_pickle=False) as archive:
            p = np.asarray(archive["P"], dtype=np.float64)
    except BROKEN as error:
        raise CertificateError(
            f"it does not follow the format ({type(error).__name__})",
            where=str(certificate.path or "certificate"),
            wanted="a file that certdde certify wrote",
        ) from None
    return p
