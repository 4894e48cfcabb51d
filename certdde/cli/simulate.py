"""``certdde simulate``: integrate the system from a constant history."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from certdde.cli.guard import DONE
from certdde.cli.held import held_delay, held_trajectory
from certdde.cli.options import AsJson, Overrides, ProblemFile, ShowProgress
from certdde.cli.output import number, print_json, print_text
from certdde.cli.places import writable_file
from certdde.cli.progress import Report, working
from certdde.errors import ProblemError

if TYPE_CHECKING:
    from certdde.delays.classes import Resampled
    from certdde.systems import DelaySystem
    from certdde.systems.problem import Problem

PLOTS = (".png", ".pdf", ".svg")
POINTS, MOST_STEPS, DELAYS_SHOWN = 1001, 100_000, 40.0


@dataclass(frozen=True, slots=True)
class Trajectory:
    """What was integrated, in the user's coordinates: ``values[i][j]`` is state j at ``times[i]``.

    A delay that is drawn at each step is a sequence.
    """

    states: tuple[str, ...]
    delays: Mapping[str, float | Sequence[float]]
    history: Mapping[str, float]
    times: Sequence[float]
    values: Sequence[Sequence[float]]


def simulate(
    problem: ProblemFile,
    tau: Annotated[
        list[str] | None,
        typer.Option(
            metavar="T",
            help="The delay, or NAME=T; default: the end of its range, or drawn if its class is resampled.",
        ),
    ] = None,
    history: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STATE=VALUE",
            help="The constant history of a state; default: half-way to the end of its domain.",
        ),
    ] = None,
    time: Annotated[
        float | None, typer.Option(metavar="T", help="Until when; default: 40 delays.")
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE.csv", help="The trajectory.")
    ] = Path("trajectory.csv"),
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A figure: .png, .pdf or .svg.")
    ] = None,
    set_: Overrides = None,
    as_json: AsJson = False,
    progress: ShowProgress = None,
) -> int:
    """Integrate the system from a constant history and write the trajectory."""
    from certdde.systems.problem import load_problem

    loaded = load_problem(problem, set_ or [])
    system = loaded.build()
    delays = _delays(loaded, tau or [])
    if system.time == "discrete":
        _check_steps(delays, time)
    start = _history(system, history or [])
    end = _end(time, max(delays.values()))
    if plot is not None and plot.suffix.lower() not in PLOTS:
        wanted = f"give a name that ends in {', '.join(PLOTS)}"
        raise ProblemError(f"{plot.suffix!r} is no figure", where="--plot", wanted=wanted)
    for path in (output, plot):
        if path is not None:
            writable_file(path)
    with working(progress) as report:
        if held_delay(loaded):
            found = held_trajectory(system, delays, start, end)
            trajectory = Trajectory(system.states, delays, start, *found)
        else:
            drawn = _drawn(loaded, tau, end)
            trajectory = _integrate(system, delays | drawn, start, end, report)
        _write(trajectory, output)
        if plot is not None:
            _draw(trajectory, plot, loaded.name)
    _print(trajectory, output, plot, as_json)
    return DONE


def _integrate(
    system: DelaySystem,
    delays: Mapping[str, Any],
    history: Mapping[str, float],
    end: float,
    report: Report | None,
) -> Trajectory:
    import torch

    from certdde.solvers import ddeint

    if system.time == "discrete":
        return _iterate(system, delays, history, int(end))
    times = torch.linspace(0.0, end, POINTS, dtype=torch.float64)
    start = torch.tensor([history[s] for s in system.states], dtype=torch.float64)
    lags = [torch.tensor(k * delays[name], dtype=torch.float64) for name, k in system.lags]
    with torch.no_grad():
        values = ddeint(
            system.torch_function(),
            start,
            times,
            lags,
            rtol=1e-8,
            atol=1e-10,
            method="dopri5",
            options={"step": _first_step(end, delays), "progress": _percent(report)},
        )
    return Trajectory(system.states, delays, history, times.tolist(), values.tolist())


def _iterate(
    system: DelaySystem,
    delays: Mapping[str, float | Sequence[float]],
    history: Mapping[str, float],
    steps: int,
) -> Trajectory:
    import torch

    from certdde.solvers import scheme

    start = torch.tensor([history[s] for s in system.states], dtype=torch.float64)
    lags = [k * torch.as_tensor(delays[name]).long() for name, k in system.lags]
    values = scheme(system.torch_function(), start, lags, steps)
    return Trajectory(system.states, delays, history, range(steps + 1), values.tolist())


def _drawn(problem: Problem, tau: Sequence[str] | None, end: float) -> dict[str, Sequence[float]]:
    """Return the delays of every step, if they are drawn, by the seed of the file, and none is given."""
    delay = None if tau else _resampled(problem)
    return {} if delay is None else {delay.name: delay.words(int(end), 1, problem.certify.seed)[0]}


def _resampled(problem: Problem) -> Resampled | None:
    """Return the delay, if it is drawn at each step."""
    from certdde.delays.classes import Resampled
    from certdde.learning.admission import check_time

    if not any(spec.class_ == "resampled" for spec in problem.delays.values()):
        return None
    delay = problem.delay_class()
    check_time(problem.build(), delay)
    return delay if isinstance(delay, Resampled) else None


def _check_steps(delays: Mapping[str, float], time: float | None) -> None:
    """Refuse delays and times of a scheme that are not whole numbers, and more steps than anyone reads."""
    for value, where in [*((v, "--tau") for v in delays.values()), (time or 1.0, "--time")]:
        if not (math.isfinite(value) and value == int(value)):
            wanted = "a scheme counts in steps: give a whole number"
            raise ProblemError(f"{value} is no number of steps", where=where, wanted=wanted)
    if (time or 0.0) > MOST_STEPS:
        wanted = f"at most {MOST_STEPS}"
        raise ProblemError(f"{time} steps are too many", where="--time", wanted=wanted)


def _percent(report: Report | None) -> Callable[[float], None] | bool:
    """Return the progress function that the solver takes."""
    if report is None:
        return False
    return lambda fraction: report("simulation", {"done": 100 * fraction, "total": 100})


def _first_step(end: float, delays: Mapping[str, float]) -> float:
    step = min([end / (POINTS - 1), *(delay / 20 for delay in delays.values() if delay)])
    return max(step, end / MOST_STEPS)


def _delays(problem: Problem, given: Sequence[str]) -> dict[str, float]:
    where, wanted = "--tau", "give a number from 0 on, as in --tau 0.5 or --tau tau=0.5"
    values = _named(given, list(problem.delays), where, wanted)
    drawn = _resampled(problem)
    for name, spec in problem.delays.items():
        ends = (drawn.lower, drawn.upper) if drawn else spec.range
        if name not in values and ends is None:
            raise ProblemError(f"the delay {name} has no range", where=where, wanted=wanted)
        values.setdefault(name, float(ends[1]) if ends else 0.0)
        if values[name] < 0:
            raise ProblemError(f"{values[name]} is no delay", where=where, wanted=wanted)
    return {name: values[name] for name in problem.delays}


def _history(system: DelaySystem, given: Sequence[str]) -> dict[str, float]:
    wanted = f"give {system.states[0]}=VALUE, for any of {', '.join(system.states)}"
    values = _named(given, system.states, "--history", wanted)
    for i, (state, rest) in enumerate(zip(system.states, system.equilibrium, strict=True)):
        upper = system.domain[i][1] if system.domain else 2
        values.setdefault(state, float(rest + upper / 2))
    return {state: values[state] for state in system.states}


def _named(given: Sequence[str], names: Sequence[str], where: str, wanted: str) -> dict[str, float]:
    """Read ``NAME=VALUE``, or ``VALUE`` if there is one name."""
    values = {}
    for text in given:
        name, equals, value = text.rpartition("=")
        name = name.strip() if equals or len(names) > 1 else names[0]
        try:
            found = float(value)
        except ValueError:
            found = math.nan
        if name not in names or not math.isfinite(found):
            raise ProblemError(f"cannot use {text!r}", where=where, wanted=wanted)
        values[name] = found
    return values


def _end(time: float | None, delay: float) -> float:
    if time is None:
        return DELAYS_SHOWN * (delay or 1.0)
    if not (math.isfinite(time) and time > 0):
        raise ProblemError(f"{time} is no time", where="--time", wanted="give a number above 0")
    return time


def _write(trajectory: Trajectory, path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["t", *trajectory.states])
        for time, values in zip(trajectory.times, trajectory.values, strict=True):
            writer.writerow([repr(time), *map(repr, values)])


def _draw(trajectory: Trajectory, path: Path, title: str) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(trajectory.times, trajectory.values, label=list(trajectory.states))
    shown = ", ".join(f"{name} = {_shown(value)}" for name, value in trajectory.delays.items())
    axes.set(xlabel="t", title=f"{title}, {shown}".replace("$", r"\$"))
    axes.legend()
    figure.savefig(path, dpi=150)


def _print(trajectory: Trajectory, output: Path, plot: Path | None, as_json: bool) -> None:
    final = dict(zip(trajectory.states, trajectory.values[-1], strict=True))
    if as_json:
        result: dict[str, Any] = {
            "delays": trajectory.delays,
            "history": trajectory.history,
            "time": trajectory.times[-1],
            "final": final,
            "finite": all(_finite(row) for row in trajectory.values),
            "trajectory": str(output),
            "plot": None if plot is None else str(plot),
        }
        print_json(result)
        return
    for name, value in trajectory.delays.items():
        print_text(f"{name} = {_shown(value)}")
    for state, value in final.items():
        print_text(f"{state}({number(trajectory.times[-1])}) = {number(value)}")
    last = next(
        (t for t, row in zip(trajectory.times, trajectory.values, strict=True) if not _finite(row)),
        None,
    )
    if last is not None:
        print_text(f"the solution blows up before {number(last)}")
    for path in (output, plot):
        if path is not None:
            print_text(str(path))


def _shown(delay: float | Sequence[float]) -> str:
    """Return a number, or that the delays of the steps were drawn."""
    return number(delay) if isinstance(delay, (int, float)) else "drawn at each step"


def _finite(row: Sequence[float]) -> bool:
    return all(math.isfinite(value) for value in row)
