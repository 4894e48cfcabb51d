"""Where a neural search may start: a functional found by sums of squares, as squares of a network beside new units."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from certdde.functionals import Functional, Network
from certdde.learning.area import certified_share
from certdde.learning.distil import distilled
from certdde.learning.finish import finish
from certdde.learning.neural import Shape, drawn_network
from certdde.learning.shapes import default_shape
from certdde.learning.sos import objection, sos_part
from certdde.systems.delay_system import DelaySystem
from certdde.verify.bound_propagation.branch import Settings as ProofSettings
from certdde.verify.sos.search import Settings

if TYPE_CHECKING:
    from certdde.inequalities.reduction import Reduction
    from certdde.learning.cegis import Searched
    from certdde.learning.settings import CegisSettings

WHOLE = (1.0,)
SHARES = (*WHOLE, 0.9, 0.8, 0.65, 0.5)  # of the range
DEGREE = 4  # squares of quadratic forms
QUIET = 0.01  # of the weights of new units, that V stays near the one found


@dataclass(frozen=True, slots=True)
class Start:
    """A functional to start from in the user's coordinates, the shape of its networks, and where it is from."""

    functional: Functional
    shape: Shape
    origin: str

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of :func:`certdde.learning.cegis.search` that are about the start."""
        return {"start": self.functional, "shape": self.shape, "origin": self.origin}


def polynomial_start(
    system: DelaySystem,
    lower: float,
    upper: float,
    settings: CegisSettings,
    shares: Sequence[float] = SHARES,
) -> Start | None:
    """Return the functional by sums of squares of the largest of a few ranges that has one, distilled.

    Parameters
    ----------
    system : DelaySystem
        In the user's coordinates.
    lower, upper : float
        The constant delays of the search.
    settings : CegisSettings
        Its ``moments`` is how many moments p, and so V0, may see.
    shares : sequence of float
        Of the range: what is tried in turn.

    Returns
    -------
    Start or None
        None if the system is not polynomial, has no domain, or no range has a functional.
    """
    if objection(system) or not system.one_lag:
        return None
    programs = Settings(DEGREE, settings.moments, deadline=settings.deadline)
    for share in shares:
        if time.monotonic() > settings.deadline:
            return None
        low, high = lower * share, upper * share
        part = sos_part(system, low, high, order=settings.order, settings=programs)
        domain = [(float(lo), float(hi)) for lo, hi in system.domain or ()]
        found = part and distilled(part.functional, domain, (low + high) / 2, upper, settings.seed)
        if found:
            origin = f"sums of squares for delays in [{low:.6g}, {high:.6g}]"
            return _widened(system, found.functional, settings, origin)
    return None


def chosen_start(
    system: DelaySystem,
    kind: str,
    lower: float,
    upper: float,
    settings: CegisSettings,
    shares: Sequence[float] = SHARES,
) -> Start | None:
    """Return where a search should start: by sums of squares if that was asked for, or pays.

    It pays where V0 reads the states alone. A functional that sees moments is about one slice of delays only once
    tau Omega has become a multiple of Omega; training from it took longer than from a quadratic one.
    """
    wanted = settings.choices.start
    if system.family is not None:
        return None
    if (
        kind != "constant"
        or wanted in ("quadratic", "roomy")
        or (wanted == "auto" and settings.moments)
    ):
        return None
    return polynomial_start(system, lower, upper, settings, shares)


def better(
    system: DelaySystem,
    found: Searched | None,
    start: Start,
    cover: Reduction,
    settings: ProofSettings,
) -> Searched | None:
    """Return the outcome of a search, or its start where that is proved and certifies more of the domain."""
    finished = finish(system, start.functional, cover, settings)
    if finished.part is None or found is None:
        return found
    if found.finished.part is not None:
        share, instead = (
            certified_share(system, [part]) or 0.0 for part in (found.finished.part, finished.part)
        )
        if share >= instead:
            return found
    return replace(found, finished=finished)


def _widened(
    system: DelaySystem, functional: Functional, settings: CegisSettings, origin: str
) -> Start:
    """Put new units beside the squares, in as many outputs as there are."""
    wanted = default_shape(system, settings)
    generator = torch.Generator().manual_seed(settings.seed)
    v0, w = functional.inputs()
    shape = replace(
        wanted,
        v0_inputs=tuple(sorted({*wanted.v0_inputs, *v0})),
        w_inputs=tuple(sorted({*wanted.w_inputs, *w})),
    )

    def beside(network: Network | None, inputs: tuple[int, ...]) -> Network | None:
        if not inputs:
            return None
        new = drawn_network(inputs, shape, generator)
        if network is None:
            return new.times(QUIET)
        if len(shape.hidden) > 1:  # units stand side by side in one layer only
            return network.widened(inputs)
        return network.widened(inputs).beside(new.times(QUIET))

    joined = replace(
        functional,
        V0=beside(functional.V0, shape.v0_inputs),
        W=beside(functional.W, shape.w_inputs),
    )
    return Start(joined, shape, origin)
