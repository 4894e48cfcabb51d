"""Progress on standard error, so that standard output holds results only."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any, TextIO

from certdde.cli.output import one_line

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Report = Callable[[str, Mapping[str, Any]], None]

SECONDS_BETWEEN_LINES = 2.0
# An event counts its steps with one of these pairs of keys; the second is the total.
COUNTERS = (("step", "steps"), ("done", "total"))
LEFT = "seconds_left"  # of the budget


@contextmanager
def working(show: bool | None) -> Iterator[Report | None]:
    """Yield where a long run reports its progress; what a library prints meanwhile goes to standard error.

    Parameters
    ----------
    show : bool or None
        None shows progress if standard error is a terminal. True without a terminal prints lines.
    """
    stream = sys.stderr
    with redirect_stdout(stream):
        if show is False or (show is None and not stream.isatty()):
            yield None
        elif stream.isatty():
            with _bars(stream) as bars:
                yield _BarReport(bars)
        else:
            yield _LineReport(stream)


def describe(info: Mapping[str, Any]) -> str:
    """Return what an event says, without its counter, as ``key value`` pairs, and the time that is left at the end."""
    hidden = {LEFT, *(key for pair in COUNTERS for key in pair)}
    pairs = [f"{key} {_short(value)}" for key, value in info.items() if key not in hidden]
    if LEFT in info:
        pairs.append(f"{_clock(float(info[LEFT]))} left")
    return one_line(", ".join(pairs))


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes}:{rest:02d}"


def counter(info: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return how far an event says the run is and the total, if it says so."""
    for done, total in COUNTERS:
        if info.get(total) and done in info:
            return float(info[done]), float(info[total])
    return None


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else f"{value}"


class _LineReport:
    def __init__(self, stream: TextIO) -> None:
        self._stream, self._phase, self._next = stream, "", 0.0

    def __call__(self, phase: str, info: Mapping[str, Any]) -> None:
        now = time.monotonic()
        if phase == self._phase and now < self._next:
            return
        self._phase, self._next = phase, now + SECONDS_BETWEEN_LINES
        steps = counter(info)
        place = f" {steps[0]:.0f}/{steps[1]:.0f}" if steps else ""
        print(f"{phase}{place} {describe(info)}".rstrip(), file=self._stream, flush=True)


class _BarReport:
    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, phase: str, info: Mapping[str, Any]) -> None:
        if phase not in self._tasks:
            self._finish()
            self._tasks[phase] = self._bars.add_task(phase, total=None, detail="")
        done, total = counter(info) or (None, None)
        task = self._tasks[phase]
        self._bars.update(task, completed=done, total=total, detail=describe(info))

    def _finish(self) -> None:
        for task in self._tasks.values():
            self._bars.stop_task(task)


def _bars(stream: TextIO) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description:<10}", markup=False),
        BarColumn(bar_width=20),
        TimeElapsedColumn(),
        TextColumn("{task.fields[detail]}", markup=False),
        console=Console(file=stream),
        redirect_stdout=False,
        redirect_stderr=False,
    )
