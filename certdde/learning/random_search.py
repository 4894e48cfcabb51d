"""A delay drawn once from a law: certificates for as many of its constant delays as the budget allows."""

from __future__ import annotations

import heapq
import math
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from certdde.certificates.certificate import Certificate, not_certified, system_section
from certdde.certificates.random import RandomPiece, joined, random_certified
from certdde.delays.classes import Constant
from certdde.delays.random import Random
from certdde.learning.drawn_in import FARTHEST, drawn_in
from certdde.learning.outcome import extra
from certdde.learning.random_complement import complement
from certdde.learning.random_energy import expected
from certdde.learning.random_pieces import Attempt, Store
from certdde.learning.random_windows import Range, linearised, windows
from certdde.learning.task import Task
from certdde.verify.spectral.crossing import PossibleCrossing

DIGITS = 9  # of the ends of a piece
LEAST = 1e-3  # probability of delays that are worth an attempt
NARROWEST = 1e-3  # of the largest delay
MOST_PIECES, MOST_ATTEMPTS = 64, 200
SHARE = (
    0.1,
    0.4,
)  # of the seconds left: for an attempt at some of the open delays, and at all of them
FIRST = (0.5, 0.3, 0.2)  # of a window of a nonlinear system: the first pieces
SHORTEST = 2.0  # seconds of an attempt

Prove = Callable[[Task], Certificate]


@dataclass(slots=True)
class RandomSearch:
    """Attempts at ranges of constant delays, the most probable first; what fails is halved.

    Attributes
    ----------
    task : Task
    delay : Random
    prove : callable
        Looks for a certificate of a task with a constant delay.
    store : Store
    open : list
        A heap of (-probability, lower, upper).
    """

    task: Task
    delay: Random
    prove: Prove
    store: Store
    open: list[tuple[float, float, float]] = field(default_factory=list)
    made: list[Attempt] = field(default_factory=list)

    def run(self) -> None:
        """Try until nothing probable is open, or the budget is spent."""
        for low, high in self.task.timed("spectrum", lambda: windows(self.task.system, self.delay)):
            for a, b in self._drawn_in(low, high):
                self._push(a, b)
        while self.open and len(self.made) < MOST_ATTEMPTS and len(self.pieces) < MOST_PIECES:
            mass, low, high = heapq.heappop(self.open)
            if -mass < LEAST or self.task.late():
                return
            attempt = self._attempt(low, high)
            self.made.append(attempt)
            if attempt.piece is None and high - low > NARROWEST * self.delay.upper:
                middle = _short(0.5 * (low + high), ROUND_FLOOR)
                self._push(low, middle)
                self._push(middle, high)

    @property
    def pieces(self) -> list[RandomPiece]:
        """Those with a certificate, in order of their delays: all of them about one system."""
        found = [one for one in self.made if one.piece is not None]
        found.sort(key=lambda one: one.lower)
        pieces = [one.piece for one in found if one.piece is not None]
        mass: dict[str, float] = {}
        for piece in pieces:
            text = repr(piece.certificate.data["system"])
            mass[text] = mass.get(text, 0.0) + self.delay.mass(*piece.ends)
        best = max(mass, key=lambda text: mass[text], default="")
        return [one for one in pieces if repr(one.certificate.data["system"]) == best]

    def _push(self, low: float, high: float) -> None:
        if low < high:
            heapq.heappush(self.open, (-self.delay.mass(low, high), low, high))

    def _drawn_in(self, lower: float, upper: float) -> list[Range]:
        """Return a window with ends of few digits; of a linear system as far as no root is seen to cross."""
        still = lower == self.delay.lower, upper == self.delay.upper
        found: list[Range] = [(lower, upper)]
        if self.task.system.linear and self.task.system.family is None:
            found = self._proved_windows(lower, upper, still)
        else:
            found = _cut(lower, upper if still[1] else upper - FARTHEST * (upper - lower))
        low_is_free = self.delay.law.lower == 0.0
        return [
            (
                0.0 if low_is_free and a == lower and still[0] else _short(a, ROUND_CEILING),
                _short(b, ROUND_FLOOR),
            )
            for a, b in found
        ]

    def _proved_windows(self, lower: float, upper: float, still: tuple[bool, bool]) -> list[Range]:
        linear, open_, found = linearised(self.task.system), [(lower, upper)], []
        while open_ and not self.task.late():
            a, b = open_.pop()
            here = (still[0] and a == lower, still[1] and b == upper)
            one = drawn_in(linear, a, b, here, self.task.settings.deadline)
            if isinstance(one, PossibleCrossing):
                halves = [(one.delay, b), (a, one.delay)]
                open_ += [(c, d) for c, d in halves if d - c > FARTHEST * d]
            elif one is not None:
                found.append(one)
        return found

    def _attempt(self, low: float, high: float) -> Attempt:
        """Look for a certificate; one of an earlier run is taken as it is."""
        began, allowed = time.monotonic(), self._allowed(low, high)
        kept = self.store.find(low, high, allowed)
        if kept is not None:
            return kept
        if self.task.progress:
            done, total = self._covered(), 1.0
            info = {"done": done, "total": total, "from": low, "to": high}
            self.task.progress("random", info)
        task = self._part(low, high, began + allowed)
        certificate = self.prove(task)
        for phase, seconds in task.seconds.items():
            self.task.seconds[phase] = self.task.seconds.get(phase, 0.0) + seconds
        self.task.log += task.log
        spent = {"seconds": round(time.monotonic() - began, 3), "allowed": round(allowed, 3)}
        rigorous = certificate.status == "certified" and certificate.rigor == "rigorous"
        piece = _packed(certificate) if rigorous else None
        said = {"said": certificate.claim if piece is None else "proved", **spent}
        attempt = Attempt(low, high, piece, said | ({} if piece else _evidence(certificate)))
        self.store.add(attempt)
        return attempt

    def _part(self, low: float, high: float, deadline: float) -> Task:
        """Return the task of a range of constant delays."""
        deadline = min(deadline, self.task.settings.deadline)
        folder = self.task.directory and self.task.directory / f"delays_{low!r}_{high!r}"
        return replace(
            self.task,
            delay=Constant(self.delay.name, low, high),
            settings=replace(self.task.settings, deadline=deadline),
            directory=folder,
            started=time.monotonic(),
            seconds={},
            baselines=[],
            log=[],
            said=[],
        )

    def _allowed(self, low: float, high: float) -> float:
        """Return the seconds for an attempt: more of those that are left, the more of the open delays it is about."""
        mass = self.delay.mass(low, high)
        every = mass + sum(-one[0] for one in self.open)
        share = SHARE[0] + (SHARE[1] - SHARE[0]) * (mass / every if every > 0 else 1.0)
        left = self.task.settings.deadline - time.monotonic()
        return max(SHORTEST, share * left)

    def _covered(self) -> float:
        ends = joined([piece.ends for piece in self.pieces])
        return sum(self.delay.mass(*one) for one in ends)


def certify_random(task: Task, prove: Prove) -> Certificate:
    """Return a certificate of kind ``random``, which the checker has still to accept, or what was found instead."""
    delay = task.delay
    if not isinstance(delay, Random):
        raise TypeError(type(delay).__name__)
    folder = task.directory and task.directory / "random"
    search = RandomSearch(task, delay, prove, Store.of(folder, _question(task, delay)))
    search.run()
    pieces = search.pieces
    certified = joined([piece.ends for piece in pieces])
    about = _about(task, delay, search, certified)
    if certified:
        return random_certified(task.system, delay, pieces, **about)
    why = "; ".join(dict.fromkeys(str(one.said["said"]) for one in search.made)) or (
        f"the linearisation is unstable, by its float64 spectrum, at all delays of [{delay.lower:.6g},"
        f" {delay.upper:.6g}]"
    )
    claim = f"Not certified, for no delays: {why[:2000]}"
    return not_certified("unknown", claim, task.system, delay, **about)


def _cut(lower: float, upper: float) -> list[Range]:
    """Cut a window where little is to be expected of a proof for all of it."""
    ends = [lower + share * (upper - lower) for share in accumulate(FIRST, initial=0.0)]
    return list(pairwise([*ends[:-1], upper]))


def _question(task: Task, delay: Random) -> dict[str, Any]:
    settings = task.settings
    return {
        "system": system_section(task.system),
        "law": dict(delay.section),
        "method": task.method,
        "settings": repr(replace(settings, deadline=math.inf)),
    }


def _about(
    task: Task, delay: Random, search: RandomSearch, certified: list[Range]
) -> dict[str, Any]:
    """Return engine, statistics and seed; ``statistics.random`` is what is known of the law (float64)."""
    pieces = search.pieces
    engines = dict.fromkeys(str(one.certificate.data["engine"]) for one in pieces)
    boxes: dict[str, int] = {}
    for one in pieces:
        counts = one.certificate.data["statistics"]["boxes"]
        boxes |= {key: boxes.get(key, 0) + int(counts[key]) for key in counts}
    about = extra(task, ", ".join(engines) or "random", boxes)
    rest = task.timed("complement", lambda: complement(task.system, delay, certified, search.made))
    about["statistics"]["random"] = {
        "mean_delay": delay.law.mean,
        "mass": sum(delay.mass(*one) for one in certified),
        "pieces": [_row(delay, one) for one in pieces],
        "complement": rest,
        "expected": expected(task.system, delay, pieces),
        "tried": [{"range": [one.lower, one.upper], **_plain(one.said)} for one in search.made],
    }
    return about


def _plain(said: Mapping[str, Any]) -> dict[str, Any]:
    return {**said, "said": str(said["said"])[:300]}


def _row(delay: Random, piece: RandomPiece) -> dict[str, Any]:
    """Return what a report says of a piece."""
    data, (low, high) = piece.certificate.data, piece.ends
    return {
        "range": [low, high],
        "mass": delay.mass(low, high),
        "kind": data["kind"],
        "engine": data["engine"],
        "level": data["region"]["level"],
        "radius": data["region"]["radius"],
    }


def _evidence(certificate: Certificate) -> dict[str, Any]:
    """Return the delay at which something speaks against a range, and what."""
    data = certificate.data
    found = data.get("counterexample") or {}
    if "delay" in found:
        return {"delay": float(found["delay"]), "found": str(data["claim"])[:300]}
    escape = data.get("statistics", {}).get("escape")
    if not escape:
        return {}
    tau = float(next(iter(escape["delays"].values())))
    start = ", ".join(f"{name} = {value:.4g}" for name, value in escape["history"].items())
    words = f"at {tau:.6g} the solution from the constant deviation {start} {escape['outcome']}"
    return {"delay": tau, "found": words}


def _packed(certificate: Certificate) -> RandomPiece:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "piece.certdde"
        saved = certificate.save(path)
        return RandomPiece(replace(saved, path=None), path.read_bytes())


def _short(value: float, rounding: str) -> float:
    """Return a decimal with few digits, on the side that ``rounding`` says."""
    return float(Context(prec=DIGITS, rounding=rounding).create_decimal(repr(float(value))))
