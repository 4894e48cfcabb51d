"""A delay that is drawn once from a law, and constant afterwards; laws as problem files and certificates write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import inf
from typing import TYPE_CHECKING, Any

from certdde.errors import ProblemError

if TYPE_CHECKING:
    from certdde.delays.laws import DelayLaw

TAIL = 1e-4  # the probability of the delays that nothing looks at
MIXTURE = "mixture"
WANTED = 'law = "pareto", args = { b = 1.5, scale = 0.1 }: names and arguments of scipy.stats'


@dataclass(frozen=True, slots=True)
class Random:
    """tau is drawn once from a law of finite mean, and constant afterwards.

    Attributes
    ----------
    name : str
    law : DelayLaw
        What can be sampled.
    section : mapping
        How a file writes it: ``law`` and ``args``, or ``law = "mixture"``, ``weights`` and ``laws``; and ``range``
        if it is the law given that the delay lies there.

    Examples
    --------
    >>> delay = Random.of("tau", {"law": "pareto", "args": {"b": 1.5, "scale": 0.1}})
    >>> round(delay.law.mean, 3), delay.lower, round(delay.upper)
    (0.3, 0.1, 46)
    """

    name: str
    law: DelayLaw
    section: Mapping[str, Any] = field(hash=False)

    @classmethod
    def of(cls, name: str, section: Mapping[str, Any], source: str = "") -> Random:
        """Return the class for a law as a file writes it; ``source`` is the file.

        Raises
        ------
        ProblemError
            If there is no such law, its arguments do not fit, it has negative delays or no finite mean, or no
            probability in its range.
        """
        where = f"{source}: delays.{name}" if source else f"delays.{name}"
        return cls(name, law_of(section, where), section)

    @property
    def kind(self) -> str:
        """The name in a problem file."""
        return "random"

    @property
    def lower(self) -> float:
        """The least delay."""
        return self.law.lower

    @property
    def upper(self) -> float:
        """The largest delay; if there is none, the one that is exceeded with probability ``TAIL``."""
        import torch

        end = self.law.upper
        return (
            end
            if end < inf
            else float(self.law.quantile(torch.tensor(1 - TAIL, dtype=torch.float64)))
        )

    def mass(self, lower: float, upper: float) -> float:
        """Return the probability of [lower, upper], in float64; ``upper`` may be inf."""
        import torch

        first, last = self.law.cdf(
            torch.tensor([lower, min(upper, 1e300)], dtype=torch.float64)
        ).tolist()
        return max(0.0, float(last - first))


def law_of(section: Mapping[str, Any], where: str, *, inside: bool = False) -> DelayLaw:
    """Return the law that a file describes.

    Parameters
    ----------
    section : mapping
        See :class:`Random`.
    where : str
        Named in errors.
    inside : bool
        Whether only a part of it in a bounded interval of [0, inf) is used: then it may reach below 0, and have no
        finite mean.

    Raises
    ------
    ProblemError
        See :meth:`Random.of`.
    """
    from certdde.delays.composed_laws import TruncatedLaw

    ends = section.get("range")
    inside = inside or ends is not None
    try:
        law = _plain(section, where, inside)
        return law if ends is None else TruncatedLaw(law, float(ends[0]), float(ends[1]))
    except ProblemError as error:
        if error.where != "delay law":
            raise
        raise ProblemError(error.what, where=where, wanted=error.wanted) from None


def _plain(section: Mapping[str, Any], where: str, inside: bool) -> DelayLaw:
    from certdde.delays.composed_laws import Mixture, ScipyLaw

    _check_keys(section, where)
    if section["law"] != MIXTURE:
        args = {key: float(value) for key, value in (section.get("args") or {}).items()}
        return ScipyLaw(str(section["law"]), args, whole=not inside)
    weights = tuple(float(weight) for weight in section["weights"])
    if sum(Fraction(repr(weight)) for weight in weights) != 1:
        said = ", ".join(map(repr, weights))
        what = f"the weights {said} do not sum to 1 as decimals"
        raise ProblemError(what, where=f"{where}.weights", wanted="as [0.3, 0.7]")
    parts = enumerate(section["laws"])
    return Mixture(
        weights,
        tuple(law_of(one, f"{where}.laws[{k}]", inside=inside) for k, one in parts),
    )


def _check_keys(section: Mapping[str, Any], where: str) -> None:
    mixture = section.get("law") == MIXTURE
    needed = {"law", "weights", "laws"} if mixture else {"law"}
    allowed = needed | {"range"} | (set() if mixture else {"args"})
    missing, strange = sorted(needed - set(section)), sorted(set(section) - allowed)
    kind = "a mixture" if mixture else "a law"
    if missing:
        what = f"the key {missing[0]!r} of {kind} is missing"
        wanted = "weights = [0.3, 0.7] and laws = [{ law = .. }, ..]" if mixture else WANTED
        raise ProblemError(what, where=where, wanted=wanted)
    if strange:
        what = f"{kind} has no {strange[0]!r}"
        raise ProblemError(what, where=where, wanted=f"keys: {', '.join(sorted(allowed))}")


def law_section(
    law: str,
    args: Mapping[str, float] | None,
    weights: Sequence[float] | None,
    laws: Sequence[Mapping[str, Any]] | None,
    ends: Sequence[float] | None,
) -> dict[str, Any]:
    """Return the law of a table ``[delays.NAME]`` as a certificate writes it."""
    given = {"args": args, "weights": weights, "laws": laws, "range": ends}
    section = {"law": law} | {key: value for key, value in given.items() if value is not None}
    return _filled(section)


def _filled(section: Mapping[str, Any]) -> dict[str, Any]:
    """Return plain lists and numbers, and ``args`` where a law has none."""
    found = {key: list(v) if isinstance(v, tuple) else v for key, v in section.items()}
    if section.get("law") != MIXTURE:
        found["args"] = dict(section.get("args") or {})
    elif isinstance(section.get("laws"), (list, tuple)):
        found["laws"] = [_filled(one) for one in section["laws"]]
    return found
