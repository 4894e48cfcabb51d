"""Delay classes: what tau may do. A class can be proved; a law can be sampled."""

from __future__ import annotations

import math
from dataclasses import dataclass

from certdde.errors import ProblemError


@dataclass(frozen=True, slots=True)
class Constant:
    """tau is constant, with an unknown value in [lower, upper] (time units of the system).

    Raises
    ------
    ProblemError
        If the range is reversed, negative, not finite, or only 0.
    """

    name: str
    lower: float
    upper: float

    @property
    def kind(self) -> str:
        """The name in a problem file."""
        return "constant"

    def __post_init__(self) -> None:
        _check_range(self.name, self.lower, self.upper)


@dataclass(frozen=True, slots=True)
class Measurable:
    """tau(t) is any measurable function with values in [lower, upper], however fast it varies.

    Raises
    ------
    ProblemError
        As for :class:`Constant`.
    """

    name: str
    lower: float
    upper: float

    @property
    def kind(self) -> str:
        """The name in a problem file."""
        return "measurable"

    def __post_init__(self) -> None:
        _check_range(self.name, self.lower, self.upper)


@dataclass(frozen=True, slots=True)
class Slow:
    """tau(t) in [lower, upper] is locally absolutely continuous, and its rate is bounded.

    Almost everywhere tau'(t) <= rate_upper < 1, and rate_lower <= tau'(t) unless rate_lower is None. Differentiable
    delays with such a rate belong to it.

    Raises
    ------
    ProblemError
        As for :class:`Constant`; or if the rates are not finite, exclude 0 (no delay of a bounded range can have
        such a rate for ever) or reach 1 (the delayed time t - tau(t) might stand still).

    Examples
    --------
    >>> Slow("tau", 0.0, 4.9, -0.1, 0.1).kind
    'slow'
    """

    name: str
    lower: float
    upper: float
    rate_lower: float | None
    rate_upper: float

    @property
    def kind(self) -> str:
        """The name in a problem file."""
        return "slow"

    def __post_init__(self) -> None:
        _check_range(self.name, self.lower, self.upper)
        wrong = rate_objection(self.rate_lower, self.rate_upper)
        if wrong:
            raise ProblemError(wrong[0], where=f"delays.{self.name}.rate", wanted=wrong[1])


@dataclass(frozen=True, slots=True)
class Several:
    """Several delays, each constant with an unknown value in its own range.

    Raises
    ------
    ProblemError
        If there is none, or two have one name.

    Examples
    --------
    >>> Several((Constant("tau1", 0.0, 1.0), Constant("tau2", 0.5, 0.5))).name
    'tau1, tau2'
    """

    delays: tuple[Constant, ...]

    @property
    def kind(self) -> str:
        """What the class is called in a certificate."""
        return "several"

    @property
    def name(self) -> str:
        """All names."""
        return ", ".join(self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in order."""
        return tuple(one.name for one in self.delays)

    def __post_init__(self) -> None:
        names = self.names
        if not names or len(set(names)) < len(names):
            raise ProblemError(
                f"the delays {', '.join(names) or '(none)'} are not several",
                where="delays",
                wanted="constant delays with distinct names",
            )


DelayClass = Constant | Slow | Measurable
AnyDelay = DelayClass | Several


def _check_range(name: str, lower: float, upper: float) -> None:
    where = f"delays.{name}.range"
    if not (math.isfinite(lower) and math.isfinite(upper)):
        raise ProblemError(
            f"[{lower}, {upper}] is not finite",
            where=where,
            wanted="two finite numbers",
        )
    if lower < 0 or upper <= 0:
        raise ProblemError(
            f"[{lower}, {upper}] has no positive delay or a negative one",
            where=where,
            wanted="0 <= lower <= upper, upper > 0",
        )
    if lower > upper:
        raise ProblemError(
            f"[{lower}, {upper}] is reversed",
            where=where,
            wanted=f"[{upper}, {lower}]",
        )


def rate_objection(lower: float | None, upper: float) -> tuple[str, str] | None:
    """Say what is wrong with the bounds of the rate of a slow delay, and what would be right; None if nothing is."""
    shown = f"rate {upper}" if lower is None else f"rate [{lower}, {upper}]"
    if not all(math.isfinite(bound) for bound in (upper, 0.0 if lower is None else lower)):
        return f"the {shown} is not finite", "finite numbers, as in 0.5 or [-0.5, 0.5]"
    if upper >= 1:
        return f"the {shown} reaches 1", "a bound below 1, or class = 'measurable' for any rate"
    if upper < 0 or (lower or 0.0) > 0:
        what = "a bound from 0 on" if lower is None else "lower <= 0 <= upper"
        return f"the {shown} excludes 0, but the delay cannot fall or grow for ever", what
    return None
