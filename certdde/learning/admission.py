"""What a system must be before anything is searched for: finite on its domain, smooth at its equilibrium."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from certdde.delays.classes import AnyDelay, Constant, Measurable, Resampled, Sampled, Several
from certdde.errors import ProblemError
from certdde.systems.delay_system import DelaySystem
from certdde.systems.expressions import Variable, variables
from certdde.systems.members import members

SAMPLES = 4096


def check_steps(delay: AnyDelay) -> None:
    """Refuse a delay that a scheme cannot have.

    Raises
    ------
    ProblemError
        If its range is not in whole steps, or its class is not ``constant``, ``measurable`` or ``resampled``.
    """
    if not isinstance(delay, (Constant, Measurable, Resampled)):
        raise ProblemError(
            f"a scheme takes one delay, constant, measurable or resampled, not {delay.kind}",
            where="delays",
            wanted="class = 'constant' (unknown, but fixed), 'measurable' (any sequence) or 'resampled' (drawn)",
        )
    if not (float(delay.lower).is_integer() and float(delay.upper).is_integer()):
        raise ProblemError(
            f"[{delay.lower}, {delay.upper}] is not in whole steps",
            where=f"delays.{delay.name}.range",
            wanted="two whole numbers, as in [0, 3]",
        )


def check_time(system: DelaySystem, delay: AnyDelay) -> None:
    """Refuse a delay that a system in its time cannot have.

    Raises
    ------
    ProblemError
        As :func:`check_steps`; or if a delay is drawn at each step of what has no steps.
    """
    if system.time == "discrete":
        check_steps(delay)
    elif isinstance(delay, Resampled):
        raise ProblemError(
            "a differential equation has no steps at which a delay could be drawn",
            where=f"delays.{delay.name}.class",
            wanted="a scheme, as in x[t+1] = x[t] - 0.3*x[t-tau], or another class",
        )


def check_sampled(system: DelaySystem, delay: Sampled) -> None:
    """Refuse equations in which another value than x(t_k) would be held.

    Raises
    ------
    ProblemError
        If there are multiples of the delay, or several delays.
    """
    if not system.one_lag:
        raise ProblemError(
            "sample and hold takes one delay, without multiples",
            where=f"delays.{delay.name}.class",
            wanted="equations as in x' = -x(t - tau), or another class",
        )


def check_finite(system: DelaySystem) -> None:
    """Refuse a system whose f is not finite on its domain, or has no finite slopes at the equilibrium.

    The domain is sampled, corners and faces included: this is there for a clear message, proofs enclose f everywhere.

    Raises
    ------
    ProblemError
        Naming a point, or the equilibrium.
    """
    for _, one in members(system):
        _check_member(one)


def _check_member(system: DelaySystem) -> None:
    if system.linear:
        return
    present, delayed = system.linearisation()
    if any(not bool(torch.isfinite(m).all()) for m in (present, *(m for _, m in delayed))):
        raise ProblemError(
            "f has no finite slopes at the equilibrium",
            where="system.equations",
            wanted="a right-hand side that is smooth there",
        )
    points = _points(system)
    values = system.torch_function()(0.0, points[0], points[1:])
    bad = (~torch.isfinite(values)).any(-1).nonzero()[:, 0]
    if len(bad):
        raise ProblemError(
            f"f is not finite at {_place(system, points, int(bad[0]))}",
            where="system.domain",
            wanted="a domain on which every logarithm, root and quotient is defined",
        )


def check_names(system: DelaySystem, delay: Several) -> None:
    """Refuse unless the delays are those that occur in the equations.

    Raises
    ------
    ProblemError
        Naming a delay that does not occur, or has no range.
    """
    used = {v.delay for e in system.rhs for v in variables(e) if v.delay is not None}
    named = {one.name for one in delay.delays}
    for name in sorted(named - used):
        raise ProblemError(
            f"the delay {name!r} does not occur in the equations",
            where=f"delays.{name}",
            wanted=f"leave it out, or write it, as in x(t - {name})",
        )
    for name in sorted(used - named):
        raise ProblemError(
            f"the delay {name!r} has no range", where="delays", wanted=f"a table [delays.{name}]"
        )


def _points(system: DelaySystem) -> list[torch.Tensor]:
    """Return values of the state and of the delayed state at each lag, in the user's coordinates."""
    generator = torch.Generator().manual_seed(0)
    domain = system.domain or ()
    times = 1 + len(system.lags)
    low = torch.tensor([float(lo) for lo, _ in domain] * times, dtype=torch.float64)
    high = torch.tensor([float(hi) for _, hi in domain] * times, dtype=torch.float64)
    unit = torch.rand(SAMPLES, len(low), generator=generator, dtype=torch.float64)
    unit[: SAMPLES // 2] = unit[: SAMPLES // 2].round()  # corners
    unit[SAMPLES // 4 : SAMPLES // 2, 0] = torch.rand(SAMPLES // 4, generator=generator).double()
    points = (low + (high - low) * unit).split(len(domain), dim=1)
    rest = torch.tensor([float(x) for x in system.equilibrium], dtype=torch.float64)
    return [point + rest for point in points]


def _place(system: DelaySystem, points: Sequence[torch.Tensor], index: int) -> str:
    names = [str(Variable(s)) for s in system.states]
    names += [str(Variable(s, *lag)) for lag in system.lags for s in system.states]
    values = torch.cat([point[index] for point in points]).tolist()
    return ", ".join(f"{name} = {value:.4g}" for name, value in zip(names, values, strict=True))
