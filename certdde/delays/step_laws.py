"""Laws of a delay in whole steps: the discrete laws of scipy.stats that have a bounded support."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, isnan
from typing import Any

from certdde.delays.classes import MOST_STEPS, Resampled
from certdde.errors import ProblemError


def resampled(
    name: str,
    ends: tuple[float, float] | None,
    law: str | None,
    args: Mapping[str, float] | None,
    weights: Sequence[float] | None,
) -> Resampled:
    """Return the class that a table ``[delays.NAME]`` describes: by a law, or by a range and weights.

    Raises
    ------
    ProblemError
        As :class:`Resampled` and :func:`drawn_from_law`.
    """
    if law is not None:
        return drawn_from_law(name, law, args or {}, ends)
    if ends is None:
        wanted = "a range of whole delays, as in [0, 3], or a law"
        raise ProblemError("the range is missing", where=f"delays.{name}.range", wanted=wanted)
    return Resampled(name, *ends, tuple(weights or ()))


def weights_refusal(
    kind: str,
    law: str | None,
    args: Mapping[str, float] | None,
    weights: Sequence[float] | None,
) -> tuple[str, str, str] | None:
    """Say what does not go together in a table: what, what would be right, and the key; None if all does."""
    if kind == "random":
        return None
    if weights is not None and kind != "resampled":
        return f"class {kind} has no weights", 'class = "resampled" has', "weights"
    if weights is not None and law is not None:
        return "a law has weights of its own", "leave out the law or the weights", "weights"
    if args is not None and law is None and kind == "resampled":
        return "arguments of no law", 'give law = "binom" or another one', "args"
    return None


def drawn_from_law(
    name: str, law: str, args: Mapping[str, float], ends: tuple[float, float] | None = None
) -> Resampled:
    """Return the class of a delay that is drawn at each step from a discrete law of scipy.stats.

    Parameters
    ----------
    name : str
        Of the delay.
    law : str
        As ``binom`` or ``randint``.
    args : mapping
        Its parameters by name, as ``{"n": 4, "p": 0.5}``; ``loc`` shifts it.
    ends : (float, float), optional
        A range that holds the support, which is the default.

    Returns
    -------
    Resampled
        Its weights are the probabilities that scipy computes in binary64: these, normalised exactly, are what is
        claimed, not the law itself.

    Raises
    ------
    ProblemError
        If there is no such discrete law, its parameters are wrong, its support is not bounded, holds a negative delay
        or one beyond ``MOST_STEPS``, or is not in the range.

    Examples
    --------
    >>> drawn_from_law("tau", "randint", {"low": 1, "high": 4}).values
    (1, 2, 3)
    """
    where = f"delays.{name}"
    frozen = _frozen(law, args, where)
    low, high = _support(frozen, law, where)
    first, last = (low, high) if ends is None else ends
    if not (first <= low and high <= last):
        what = f"the law {law} has delays from {low} to {high}, not all in [{first}, {last}]"
        raise ProblemError(what, where=f"{where}.range", wanted=f"range = [{low}, {high}]")
    empty = Resampled(name, first, last)
    weights = tuple(float(p) for p in frozen.pmf(empty.values))
    return Resampled(name, first, last, weights)


def _frozen(law: str, args: Mapping[str, float], where: str) -> Any:
    from scipy import stats

    found = getattr(stats, law, None)
    if not isinstance(found, stats.rv_discrete):
        raise ProblemError(
            f"{law!r} is no discrete law of scipy.stats",
            where=f"{where}.law",
            wanted='one with a bounded support, as "binom" or "randint", or weights',
        )
    whole = {key: int(v) if float(v).is_integer() else v for key, v in args.items()}
    try:
        return found(**whole)
    except (TypeError, ValueError) as error:
        raise ProblemError(
            f"the law {law} does not take these arguments ({str(error)[:120]})",
            where=f"{where}.args",
            wanted=f"its parameters: {found.shapes or 'none'}, loc",
        ) from None


def _support(frozen: Any, law: str, where: str) -> tuple[int, int]:
    low, high = (float(end) for end in frozen.support())
    if isnan(low) or isnan(high):
        what = f"the law {law} is not defined for these arguments"
        raise ProblemError(what, where=f"{where}.args", wanted="parameters within their ranges")
    if not isfinite(low) or not isfinite(high):
        raise ProblemError(
            f"the law {law} has no bounded support",
            where=f"{where}.law",
            wanted='a law with finitely many delays, as "binom", or weights',
        )
    if low < 0 or not low.is_integer() or high > MOST_STEPS or high <= 0:
        what = f"the law {law} has delays from {low:g} to {high:g}"
        wanted = f"whole delays from 0 to at most {MOST_STEPS}, the largest of them positive"
        raise ProblemError(what, where=f"{where}.args", wanted=wanted)
    return int(low), int(high)
