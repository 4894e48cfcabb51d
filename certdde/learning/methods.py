"""Which methods there are, for which delays and systems, and in which order ``auto`` tries them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from numpy.linalg import LinAlgError

from certdde.errors import CertddeError, ProblemError
from certdde.learning.krasovskii import by_functional
from certdde.learning.outcome import Outcome
from certdde.learning.razumikhin import by_razumikhin
from certdde.learning.resampled import by_mean_square
from certdde.learning.sample_and_hold import by_sampled
from certdde.learning.schemes import by_lifted, by_peaks, one_state
from certdde.learning.several import by_boxes
from certdde.learning.slow import by_slow_functional
from certdde.learning.sos import by_sos
from certdde.learning.sos import objection as no_squares
from certdde.learning.spectral import by_spectrum
from certdde.learning.task import Task
from certdde.learning.theorem import by_theorem, objection
from certdde.systems.delay_system import DelaySystem
from certdde.systems.exact_values import linear_split
from certdde.systems.expressions import (
    variables,
)
from certdde.verify.lmi.failure import PANIC


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
    lags : bool
        Whether it takes several delays or multiples of one, as in x(t - 2*tau).
    intervals : bool
        Whether it takes parameters known in intervals, and equilibria that are no decimals.
    time : str
        ``continuous`` for differential equations, ``discrete`` for schemes.
    """

    name: str
    classes: tuple[str, ...]
    run: Callable[[Task], Outcome] = field(repr=False)
    linear: bool = True
    nonlinear: bool = True
    automatic: bool = True
    takes: Callable[[DelaySystem], str] = field(default=lambda _: "", repr=False)
    time: str = "continuous"
    lags: bool = False
    intervals: bool = False

    def objection(self, task: Task) -> str:
        """Say why it does not apply to a task; "" if it does."""
        if task.system.time != self.time:
            return f"takes {TAKES[self.time]}"
        if task.system.family and not self.intervals:
            return "takes numbers for the parameters and the equilibrium; lmi, quadratic and neural take intervals"
        if task.delay.kind not in self.classes:
            return f"takes {' or '.join(self.classes)} delays, not {task.delay.kind} ones"
        if not self.lags and not task.system.one_lag:
            return "takes one delay, without multiples"
        if task.system.linear and not self.linear:
            return "takes nonlinear equations only"
        if not task.system.linear and not self.nonlinear:
            return "takes linear equations only"
        return self.takes(task.system)


BOTH = ("constant", "measurable")
MANY = 4  # nonlinear variables, beyond which vertices of slopes cost less than boxes
TAKES = {
    "continuous": "differential equations, not schemes",
    "discrete": "schemes, not differential equations",
}


def several_lags(system: DelaySystem) -> str:
    """Leave a system with one delay to the functional with one window."""
    return "takes several delays or multiples of one" if system.one_lag else ""


def many_variables(system: DelaySystem) -> str:
    """Leave a system with few nonlinear variables to methods that split boxes of them."""
    inside = {v for e in system.rhs for v in variables(linear_split(e).remainder)}
    few = len(inside) < MANY
    return f"takes {MANY} nonlinear variables or more, where there is one delay" if few else ""


# In the order in which ``auto`` tries them.
METHODS: tuple[Method, ...] = (
    Method("spectral", ("constant",), by_spectrum, nonlinear=False, lags=True),
    Method("theorem", ("measurable",), by_theorem, takes=objection),
    Method("theorem", ("constant",), by_theorem, takes=objection, automatic=False),
    Method("lmi", ("constant",), by_boxes, linear=False, takes=many_variables),
    Method("lmi", BOTH, by_functional, automatic=False, intervals=True),
    Method("quadratic", BOTH, by_functional, automatic=False, intervals=True),
    Method("sos", ("constant",), by_sos, linear=False, takes=no_squares),
    Method("neural", BOTH, by_functional, linear=False, intervals=True),
    Method("lmi", BOTH, by_functional, nonlinear=False, intervals=True),
    Method("lmi", ("slow",), by_slow_functional),
    Method("lmi", ("sampled",), by_sampled, nonlinear=False),
    Method("lmi", ("constant", "several"), by_boxes, lags=True, takes=several_lags),
    Method("razumikhin", ("measurable",), by_razumikhin, nonlinear=False),
    Method("razumikhin", BOTH, by_razumikhin, automatic=False),
    Method("theorem", ("measurable",), by_peaks, time="discrete", takes=one_state),
    Method("lmi", BOTH, by_lifted, time="discrete"),
    Method("theorem", ("constant",), by_peaks, time="discrete", takes=one_state),
    Method("lmi", ("resampled",), by_mean_square, time="discrete"),
)


def plan(task: Task) -> list[Method]:
    """Return the methods to try in turn for ``task.method``.

    Raises
    ------
    ProblemError
        If it names a method that does not exist or does not apply.
    """
    if task.method == "auto":
        found = [m for m in METHODS if m.automatic and not m.objection(task)]
        if found:
            return found
        near = _nearest(METHODS, task)
        raise ProblemError(
            f"no method applies: {near.name} {near.objection(task)}",
            where="system.equations",
            wanted="another problem; docs/math.md says what each method takes",
        )
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
        fitting = fitting if task.system.time == "continuous" else []
    if not fitting:
        raise ProblemError(
            f"the method {task.method} {_nearest(named, task).objection(task)}",
            where="certify.method",
            wanted="method = 'auto', or another method",
        )
    return fitting[:1]


def _nearest(methods: Sequence[Method], task: Task) -> Method:
    """Return the method whose objection says most: for the same time, class and number of delays."""
    one = task.system.one_lag
    return min(
        methods,
        key=lambda m: (
            m.time != task.system.time,
            task.delay.kind not in m.classes,
            not (m.lags or one),
            bool(m.takes(task.system)) if m.lags or one else False,
        ),
    )


def attempt(task: Task, method: Method) -> Outcome:
    """Run a method, and keep what it said for the report."""
    began = time.monotonic()
    task.method = method.name
    outcome = _outcome(task, method)
    said = "proved" if outcome.certificate else outcome.why
    task.said.append(
        {"method": method.name, "said": said, "seconds": round(time.monotonic() - began, 3)}
    )
    return outcome


def _outcome(task: Task, method: Method) -> Outcome:
    """Run a method; arithmetic or a solver that breaks is an answer: nothing was proved, and why."""
    try:
        return method.run(task)
    except CertddeError:
        raise
    except BaseException as error:
        broken = (ArithmeticError, RuntimeError, MemoryError, LinAlgError)
        if not isinstance(error, broken) and type(error).__name__ != PANIC:
            raise
        text = " ".join(str(error).split())[:200]
        return Outcome(None, f"broke off ({type(error).__name__}{': ' if text else ''}{text})")
