"""The bound engines by name."""

from __future__ import annotations

from certdde.errors import ProblemError
from certdde.verify.bound_propagation.branch import Encloser, by_intervals

ENGINES = ("intervals", "lirpa")


def encloser(name: str) -> Encloser:
    """Return the function that encloses features on boxes.

    Raises
    ------
    ProblemError
        If there is no engine of that name.
    MissingPackageError
        If it is ``lirpa`` and auto_LiRPA is not installed.
    """
    if name == "intervals":
        return by_intervals
    if name == "lirpa":
        from certdde.verify.bound_propagation.lirpa import by_lirpa

        return by_lirpa()
    raise ProblemError(
        f"unknown bound engine {name!r}",
        where="certify.engine",
        wanted=f"one of {', '.join(ENGINES)}",
    )
