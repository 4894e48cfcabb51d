"""Delays drawn from the law of a random delay, each with the piece of the certificate that claims it."""

from __future__ import annotations

from dataclasses import replace

import torch

from certdde.certificates.certificate import Certificate
from certdde.certificates.content import Content, read_content
from certdde.certificates.random import joined, pieces_of
from certdde.delays.classes import Constant
from certdde.delays.random import Random
from certdde.errors import CertificateError

DRAWS = 6


def drawn_contents(certificate: Certificate, seed: int) -> list[Content]:
    """Return what the certificate claims for delays drawn from the law restricted to the certified set.

    Parameters
    ----------
    certificate : Certificate
        Of kind ``random``.
    seed : int
        Of the draw.

    Raises
    ------
    CertificateError
        If it does not follow the format, or its law has no probability in its set.
    """
    whole = read_content(certificate)
    pieces = pieces_of(certificate)
    contents = [replace(read_content(one.certificate), system=whole.system) for one in pieces]
    delay = whole.delay
    if not isinstance(delay, Random) or not contents:
        where = str(certificate.path or "certificate")
        raise CertificateError("it has no law or no pieces", where=where, wanted="kind random")
    ends = joined([one.ends for one in pieces])
    masses = torch.tensor([delay.mass(*one) for one in ends], dtype=torch.float64)
    if not float(masses.sum()) > 0:
        where = str(certificate.path or "certificate")
        wanted = "a set that the law reaches"
        raise CertificateError("its set has no probability", where=where, wanted=wanted)
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.multinomial(masses, DRAWS, replacement=True, generator=generator).tolist()
    shares = torch.rand(DRAWS, dtype=torch.float64, generator=generator).tolist()
    found = []
    for k, share in zip(chosen, shares, strict=True):
        tau = _quantile(delay, *ends[k], share)
        piece = next(i for i, one in enumerate(pieces) if one.ends[0] <= tau <= one.ends[1])
        found.append(replace(contents[piece], delay=Constant(delay.name, tau, tau)))
    return found


def _quantile(delay: Random, low: float, high: float, share: float) -> float:
    """Return a quantile of the law given that the delay lies in [low, high]; a delay 0 is moved inside."""
    first, last = delay.law.cdf(torch.tensor([low, high], dtype=torch.float64)).tolist()
    u = torch.tensor(first + share * (last - first), dtype=torch.float64)
    tau = min(max(float(delay.law.quantile(u)), low), high)
    return tau if tau > 0 else min(high, 1e-9)
