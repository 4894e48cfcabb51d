"""From a table ``[delays.NAME]`` to a delay class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certdde.errors import ProblemError

if TYPE_CHECKING:
    from certdde.delays.classes import DelayClass
    from certdde.delays.random import Random
    from certdde.systems.problem import DelaySpec

SUPPORTED = ("constant", "slow", "measurable", "sampled", "random", "resampled")


def class_of(name: str, spec: DelaySpec, source: str) -> DelayClass | Random:
    """Return the class that a table describes; ``source`` is the file.

    Raises
    ------
    ProblemError
        If the class is none of ``SUPPORTED``, or what the table says does not make one.
    """
    from certdde.delays.classes import Constant, Measurable, Sampled, Slow
    from certdde.delays.random import Random, law_section
    from certdde.delays.step_laws import resampled

    if spec.class_ == "random" and spec.law is not None:
        section = law_section(spec.law, spec.args, spec.weights, spec.laws, spec.range)
        return Random.of(name, section, source)
    if spec.class_ == "resampled":
        return resampled(name, spec.range, spec.law, spec.args, spec.weights)
    if spec.class_ not in SUPPORTED or spec.range is None:
        raise ProblemError(
            f"class {spec.class_} is not supported by this engine yet",
            where=f"{source}: delays.{name}.class",
            wanted=f"supported: {', '.join(SUPPORTED)}",
        )
    if spec.class_ == "measurable":
        return Measurable(name, *spec.range)
    if spec.class_ == "slow":
        return Slow(name, *spec.range, *spec.rates)
    if spec.class_ == "sampled":
        return Sampled(name, *spec.range)
    return Constant(name, *spec.range)
