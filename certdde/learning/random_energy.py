"""E[V]: the mean of V over random delays and random histories, where V is known from the certificates: float64."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from certdde.certificates.content import Content, Piece, read_content
from certdde.certificates.random import RandomPiece
from certdde.delays.composed_laws import TruncatedLaw
from certdde.delays.random import Random
from certdde.errors import CertificateError
from certdde.learning.area import domain_points
from certdde.systems.delay_system import DelaySystem

DELAYS = 32  # of each piece, at even probabilities
HISTORIES = "constant, uniform in the domain"
UNBOUNDED = "constant, deviations uniform in [-1, 1]"


def expected(
    system: DelaySystem, delay: Random, pieces: Sequence[RandomPiece]
) -> dict[str, Any] | None:
    """Return the mean of V, and of V over its level, over the law restricted to the pieces with a functional.

    Returns
    -------
    dict or None
        ``V`` (each piece has its own), ``V_over_level`` (None for global claims), ``mass``: the probability of these
        pieces, ``histories``: their law in words. None if no piece has a functional for all of its delays.
    """
    points = _histories(system)
    sums = torch.zeros(3, dtype=torch.float64)
    bounded = True
    for one in pieces:
        content = _content(one)
        if content is None:
            continue
        for part, low, high in _parts(content, one.ends):
            mass = delay.mass(low, high)
            value = _mean(part, delay, low, high, points) if mass > 0 else 0.0
            bounded = bounded and part.level is not None
            share = value / part.level if part.level else 0.0
            sums += torch.tensor([mass, mass * value, mass * share])
    mass, value, share = sums.tolist()
    if not mass > 0:
        return None
    words = HISTORIES if system.domain is not None else UNBOUNDED
    over = share / mass if bounded else None
    return {"V": value / mass, "V_over_level": over, "mass": mass, "histories": words}


def _histories(system: DelaySystem) -> torch.Tensor:
    if system.domain is not None:
        return domain_points(system)
    generator = torch.Generator().manual_seed(0)
    unit = torch.rand(1024, system.dimension, generator=generator, dtype=torch.float64)
    return 2 * unit - 1


def _content(one: RandomPiece) -> Content | None:
    """Return the functionals of a piece, if they are about all of its delays."""
    try:
        content = read_content(one.certificate)
    except CertificateError:
        return None
    constant = content.kind == "krasovskii" and content.delay.kind == "constant"
    return content if constant and content.pieces else None


def _parts(content: Content, ends: tuple[float, float]) -> list[tuple[Piece, float, float]]:
    """Return the parts with the delays for which each is used: up to where the next one begins."""
    found = []
    starts = [part.delays[0] for part in content.pieces[1:]] + [ends[1]]
    for part, stop in zip(content.pieces, starts, strict=True):
        low, high = max(part.delays[0], ends[0]), min(stop, part.delays[1], ends[1])
        if low < high:
            found.append((part, low, high))
    return found


def _mean(part: Piece, delay: Random, low: float, high: float, points: torch.Tensor) -> float:
    """Average over quantiles of the law within [low, high]."""
    steps = (torch.arange(DELAYS, dtype=torch.float64) + 0.5) / DELAYS
    taus = TruncatedLaw(delay.law, low, high).quantile(steps).tolist()
    values = [part.functional.on_constant_histories(points, tau).mean() for tau in taus]
    return float(torch.stack(values).mean())
