"""Which methods there are, for which delays and systems, and in which order ``auto`` tries them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from certdde.errors import ProblemError
from certdde.learning.krasovskii import by_functional
from certdde.learning.outcome import Outcome
from certdde.learning.spectral import by_spectrum
from certdde.learning.task import Task
from certdde.systems.delay_system import DelaySystem
from certdde.systems.structure import structure


@dataclass(frozen=True, slots=True)
class Method:
    """A method for some classes of delay.

    Attributes
    ----------
    name : str
        As in ``certify.method``; several entries may share one, for different classes.
    classes : tuple of str
        The kinds of delay that it takes.
    run : callable
    linear, nonlinear : bool
        Whether it takes linear, resp. nonlinear, equations.
    automatic : bool
        Whether ``auto`` tries it (in the order of the list) where it applies.
    takes : callable, optional
        A further condition on the system: returns what is wrong with it, or "".
    """

    name: str
    classes: tuple[str, ...]
    run: Callable[[Task], Outcome] = field(repr=False)
    linear: bool = True
    nonlinear: bool = True
    automatic: bool = True
    takes: Callable[[DelaySystem], str] = field(default=lambda _: "", repr=False)

    def objection(self, task: Task) -> str:
        """Say why it does not apply to a task; "" if it does."""
        linear = not structure(task.system).nonlinear
        if task.delay.kind not in self.classes:
            return f"takes {' or '.join(self.classes)} delays, not {task.delay.kind} ones"
        if linear and not self.linear:
            return "takes nonlinear equations only"
        if not linear and not self.nonlinear:
            return "takes linear equations only"
        return self.takes(task.system)


BOTH = ("constant", "measurable")

# In the order in which ``auto`` tries them.
METHODS: tuple[Method, ...] = (
    Method("spectral", ("constant",), by_spectrum, nonlinear=False),
    Method("lmi", BOTH, by_functional, automatic=False),
    Method("quadratic", BOTH, by_functional, automatic=False),
    Method("neural", BOTH, by_functional, linear=False),
    Method("lmi", BOTH, by_functional, nonlinear=False),
)


def plan(task: Task) -> list[Method]:
    """Return the methods to try in turn for ``task.method``.

    Raises
    ------
    ProblemError
        If it names a method that does not exist or does not apply.
    """
    if task.method == "auto":
        return [m for m in METHODS if m.automatic and not m.objection(task)]
    named = [m for m in METHODS if m.name == task.method]
    if not named:
        raise ProblemError(
            f"the method {task.method!r} is not in this release",
            where="certify.method",
            wanted=f"one of {', '.join(['auto', *dict.fromkeys(m.name for m in METHODS)])}",
        )
    fitting = [m for m in named if not m.objection(task)]
    if not fitting and task.method in ("quadratic", "neural"):  # they contain it
        fitting = [m for m in METHODS if m.name == "lmi" and not m.objection(task)]
    if not fitting:
        raise ProblemError(
            f"the method {task.method} {named[-1].objection(task)}",
            where="certify.method",
            wanted="method = 'auto', or another method",
        )
    return fitting[:1]


def attempt(task: Task, method: Method) -> Outcome:
    """Run a method, and keep what it said for the report."""
    began = time.monotonic()
    task.method = method.name
    outcome = method.run(task)
    said = "proved" if outcome.certificate else outcome.why
    task.said.append(
        {"method": method.name, "said": said, "seconds": round(time.monotonic() - began, 3)}
    )
    return outcome
