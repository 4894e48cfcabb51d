"""Delay classes: what tau may do. A class can be proved; a law can be sampled."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from certdde.delays.random import Random
from certdde.errors import ProblemError

MOST_STEPS = 400  # of a delay that is drawn at each step


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
class Resampled:
    """tau(t) is drawn anew at each step of a scheme, independently, from lower, lower + 1, .., upper.

    Attributes
    ----------
    weights : tuple of float
        One for each delay, proportional to its probability, read as the decimals that ``repr`` writes. Left out:
        all are 1.

    Raises
    ------
    ProblemError
        As for :class:`Constant`; or if the range is not in whole steps or reaches beyond ``MOST_STEPS``, the weights
        are not one for each delay, one is negative or not finite, or all are 0.

    Examples
    --------
    >>> Resampled("tau", 0, 3, (0.1, 0.2, 0.0, 0.1)).probabilities
    (Fraction(1, 4), Fraction(1, 2), Fraction(0, 1), Fraction(1, 4))
    """

    name: str
    lower: float
    upper: float
    weights: tuple[float, ...] = ()

    @property
    def kind(self) -> str:
        """The name in a problem file."""
        return "resampled"

    @property
    def values(self) -> tuple[int, ...]:
        """The delays in order, as many as there are weights."""
        return tuple(range(int(self.lower), int(self.upper) + 1))

    @property
    def probabilities(self) -> tuple[Fraction, ...]:
        """The exact probability of each delay."""
        exact = [Fraction(repr(float(weight))) for weight in self.weights]
        return tuple(weight / sum(exact) for weight in exact)

    def words(self, steps: int, count: int, seed: int) -> list[list[int]]:
        """Return ``count`` sequences of delays, drawn for simulation (float64 probabilities)."""
        generator = random.Random(seed)
        return [generator.choices(self.values, self.weights, k=steps) for _ in range(count)]

    @property
    def uniform(self) -> bool:
        """Whether all delays have the same probability."""
        return len(set(self.weights)) == 1

    def __post_init__(self) -> None:
        _check_range(self.name, self.lower, self.upper)
        whole = float(self.lower).is_integer() and float(self.upper).is_integer()
        if not whole or self.upper > MOST_STEPS:
            said = f"reaches beyond {MOST_STEPS} steps" if whole else "is not in whole steps"
            raise ProblemError(
                f"[{self.lower}, {self.upper}] {said}",
                where=f"delays.{self.name}.range",
                wanted="two whole numbers, as in [0, 3]",
            )
        count = int(self.upper) - int(self.lower) + 1
        if not self.weights:
            object.__setattr__(self, "weights", (1.0,) * count)
        wrong = weights_objection(self.weights, count)
        if wrong:
            raise ProblemError(wrong[0], where=f"delays.{self.name}.weights", wanted=wrong[1])


@dataclass(frozen=True, slots=True)
class Sampled:
    """Sample and hold: tau(t) = t - t_k is the time since the last sampling instant t_k.

    The instants begin at t_0 = 0 and tend to infinity; a step t_{k+1} - t_k is anything in [lower, upper], and
    positive, and another one each time. So the delayed value is x(t_k) until the next instant.

    Raises
    ------
    ProblemError
        As for :class:`Constant`.

    Examples
    --------
    >>> Sampled("tau", 0.0, 1.95).enlarged()
    Measurable(name='tau', lower=0.0, upper=1.95)
    """

    name: str
    lower: float
    upper: float

    @property
    def kind(self) -> str:
        """The name in a problem file."""
        return "sampled"

    def enlarged(self) -> Measurable:
        """Return the least class of measurable delays that holds this one: tau begins at 0 after each instant."""
        return Measurable(self.name, 0.0, self.upper)

    def __post_init__(self) -> None:
        _check_range(self.name, self.lower, self.upper)


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


DelayClass = Constant | Slow | Measurable | Resampled | Sampled
AnyDelay = DelayClass | Several | Random


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


def weights_objection(weights: Sequence[float], count: int) -> tuple[str, str] | None:
    """Say what is wrong with the weights of ``count`` delays, and what would be right; None if nothing is."""
    if len(weights) != count:
        return f"{len(weights)} weights for {count} delays", f"{count} weights"
    for weight in weights:
        if not (math.isfinite(weight) and weight >= 0):
            return f"the weight {weight} is no weight", "finite numbers from 0 on"
    if not any(weights):
        return "all weights are 0", "at least one that is positive"
    return None
