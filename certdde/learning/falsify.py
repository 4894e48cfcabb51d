"""Histories from which solutions do not converge: of an unstable linearisation, and of a domain that is too large."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from certdde.errors import CertddeError
from certdde.learning.domain_box import Box
from certdde.learning.evidence import (
    DECAYS,
    LEAVES,
    Ending,
    constant_history,
    ending,
    record,
)
from certdde.learning.simulation import iterates, rate, solutions
from certdde.systems.delay_system import DelaySystem
from certdde.verify.spectral import rightmost_mode

SMALL = 1e-3  # of the domain
SAMPLES = 2000  # output times
LONGEST, MOST_TIMES = (
    200.0,
    1000.0,
)  # of the larger of the longest delay and the fastest time; of the fastest time
ENOUGH = 9.0  # exponent of the growth after which a small solution has left
UNSTABLE, NODES = 1e-6, 48
DOUBT = 5.0  # expected growth, as an exponent, from which a solution that decays contradicts the spectrum
HISTORIES, EDGE = 64, 0.98
SECONDS = 3.0  # of the search in the domain
STEP, MOST_STEPS = 0.2, 2000  # relative to the fastest time
FAR = 5.0  # times the domain: a solution beyond it is given up


def small_solution(
    system: DelaySystem, delays: Mapping[str, float], abscissa: float
) -> tuple[dict[str, Any], bool]:
    """Return the record of a solution from a small constant history, and whether it contradicts the spectrum.

    Parameters
    ----------
    system : DelaySystem
        In continuous time.
    delays : mapping
        At which the linearisation has a root with this positive real part.
    abscissa : float

    Soundness
    ---------
    float64: evidence. A solution that decays where the spectrum says that it grows many times over makes the
    spectrum doubtful.
    """
    box = Box.of(system.domain, system.dimension)
    root, starts = _directions(system, delays, box)
    fastest = 1 / rate(system)
    scale = max(fastest, *(multiple * delays[name] for name, multiple in system.lags))
    horizon = min(max(ENOUGH / abscissa, 10 * scale), LONGEST * scale, MOST_TIMES * fastest)
    times = torch.linspace(0.0, horizon, SAMPLES + 1, dtype=torch.float64)
    bound = FAR * float(torch.maximum(-box.low, box.high).max())
    states = solutions(system, starts, delays, times, bound=bound, tolerance=1e-6)
    ends = [ending(times, states[:, k], box) for k in range(len(starts))]
    best = min(range(len(ends)), key=lambda k: _rank(ends[k]))
    decays = ends[best].kind == DECAYS and abscissa * horizon > DOUBT
    doubtful = decays or root.real <= UNSTABLE
    return record(system, delays, times, states[:, best], ends[best]), doubtful


def small_iterates(
    system: DelaySystem, name: str, word: Sequence[int], radius: float
) -> tuple[dict[str, Any], bool]:
    """Return the same for a scheme whose linearisation grows by ``radius`` a step under a repeated word of delays."""
    box = Box.of(system.domain, system.dimension)
    start = [constant_history([1.0] * system.dimension, SMALL, box)]
    steps = int(min(max(12 / math.log(radius), 10 * (max(word) + len(word))), SAMPLES))
    states = iterates(system, torch.tensor(start, dtype=torch.float64), {name: word}, steps)[:, 0]
    times = torch.arange(steps + 1, dtype=torch.float64)
    end = ending(times, states, box)
    doubtful = end.kind == DECAYS and steps * math.log(radius) > DOUBT
    return record(system, {name: list(word)}, times, states, end), doubtful


def _rank(end: Ending) -> tuple[bool, bool, float]:
    """Order by how much is shown: it leaves, the sooner the better; else it has grown, the more the better."""
    return not end.shows, end.kind != LEAVES, end.time if end.kind == LEAVES else -end.factor


def _directions(
    system: DelaySystem, delays: Mapping[str, float], box: Box
) -> tuple[complex, Tensor]:
    """Return the rightmost root, and small constant histories: two along its mode, one in all states."""
    present, matrices = system.linearisation()
    lags = [(multiple * delays[name], m.numpy()) for (name, multiple), m in matrices]
    root, mode = rightmost_mode(present.numpy(), lags, NODES)
    mode = mode / mode[abs(mode).argmax()]  # the phase is free: its largest state is 1
    rows = [mode.real, mode.imag, [1.0] * system.dimension]
    starts = [constant_history(row, SMALL, box) for row in rows]
    return root, torch.tensor(starts, dtype=torch.float64)


def escape(
    system: DelaySystem,
    settings: Sequence[Mapping[str, float]],
    *,
    seed: int = 0,
    deadline: float = math.inf,
) -> dict[str, Any] | None:
    """Look for a constant history in the domain from which the solution leaves it, or does not converge.

    Parameters
    ----------
    system : DelaySystem
        With a domain.
    settings : sequence of mapping
        Values of the delays to try, in this order.
    seed : int
        Of the histories, at most 64.
    deadline : float
        On ``time.monotonic``; besides, it takes a few seconds only.

    Returns
    -------
    dict or None
        The record of the solution from the smallest such history, with ``share``: how many of how many histories
        have such a solution at that delay. None if there is none.

    Soundness
    ---------
    float64 information: no certificate can then have all of the domain as its region. It refutes no stability of the
    equilibrium.
    """
    if system.domain is None:
        return None
    box = Box.of(system.domain, system.dimension)
    starts = _histories(box, seed)
    end = min(deadline, time.monotonic() + SECONDS)
    for delays in settings:
        if time.monotonic() > end:
            return None
        try:
            found = _worst(system, box, starts, delays)
        except (CertddeError, ArithmeticError, RuntimeError, ValueError):
            continue  # information only: what cannot be simulated is not shown
        if found is not None:
            return found
    return None


def _worst(
    system: DelaySystem, box: Box, starts: Tensor, delays: Mapping[str, float]
) -> dict[str, Any] | None:
    times, states = _flow(system, box, starts, delays, exact=False)
    shows = [k for k in range(len(starts)) if ending(times, states[:, k], box).shows]
    for k in sorted(shows, key=lambda k: float(box.size(starts[k])))[:2]:
        times, states = _flow(system, box, starts[k : k + 1], delays, exact=True)
        end = ending(times, states[:, 0], box)
        if end.shows:  # more accurately, too
            word = {name: [int(v)] for name, v in delays.items()}
            shown = word if system.time == "discrete" else delays
            found = record(system, shown, times, states[:, 0], end)
            return {**found, "share": [len(shows), len(starts)]}
    return None


def _flow(
    system: DelaySystem, box: Box, starts: Tensor, delays: Mapping[str, float], *, exact: bool
) -> tuple[Tensor, Tensor]:
    """Simulate for forty times the larger of the longest delay and the fastest time, if that is not too long."""
    if system.time == "discrete":
        steps = min(40 * (1 + int(max(delays.values()))), MOST_STEPS)
        words = {name: [int(value)] for name, value in delays.items()}
        return torch.arange(steps + 1.0).double(), iterates(system, starts, words, steps)
    fastest, step = 1 / rate(system), STEP / rate(system)
    longest = max(multiple * delays[name] for name, multiple in system.lags)
    horizon = min(40 * max(fastest, longest), MOST_STEPS * step)
    times = torch.linspace(0.0, horizon, 801 if exact else 201, dtype=torch.float64)
    bound = FAR * float(torch.maximum(-box.low, box.high).max())
    if exact:
        return times, solutions(system, starts, delays, times, bound=bound)
    small = {name: tau if tau / fastest > 0.02 else 0.0 for name, tau in delays.items()}
    return times, solutions(system, starts, small, times, bound=bound, step=step)


def _histories(box: Box, seed: int) -> Tensor:
    """Return constant histories near the corners, and drawn from all of the domain, in short numbers."""
    n = len(box.low)
    signs = list(itertools.islice(itertools.product((0.0, 1.0), repeat=n), HISTORIES // 4))
    corners = box.low + torch.tensor(signs, dtype=torch.float64) * (box.high - box.low)
    generator = torch.Generator().manual_seed(seed)
    unit = torch.rand(HISTORIES - len(corners), n, generator=generator, dtype=torch.float64)
    points = torch.cat([corners, box.low + unit * (box.high - box.low)]) * EDGE
    rows = [[float(f"{x:.4g}") for x in row] for row in points.tolist()]
    return torch.tensor(rows, dtype=torch.float64)
