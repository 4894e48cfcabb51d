"""What stands beside a certified margin: that of the linearisation, and the smallest delay found to destabilise."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from certdde.learning.threads import torch_threads
from certdde.studies.destabilising import Destabilising, Hunt, destabilising
from certdde.studies.local_margin import LocalMargin, local_margin
from certdde.studies.margin_result import came_to_its_end

if TYPE_CHECKING:
    from certdde.delays.classes import AnyDelay
    from certdde.systems.delay_system import DelaySystem

SECONDS = 20.0
Progress = Callable[[str, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class BesideMargin:
    """Float64 evidence around a margin.

    Attributes
    ----------
    local : LocalMargin or None
        None where constant delays are not looked at: schemes, families, several lags, random delays.
    simulated : Destabilising or None
        The smallest delay that simulation has found; None for linear systems.
    complete : bool
        Whether the search came to its end.
    """

    local: LocalMargin | None
    simulated: Destabilising | None = None
    complete: bool = True

    @property
    def destabilising(self) -> Destabilising | None:
        """The smallest delay found to destabilise, by whichever means."""
        return destabilising(self.local, self.simulated)

    def shown(self) -> dict[str, Any]:
        """Return the keys ``local_margin``, ``local`` and ``destabilising`` of the JSON answer."""
        found = self.destabilising
        return {
            "local_margin": self.local and self.local.delay,
            "local": self.local and {**asdict(self.local), "rigor": "float64"},
            "destabilising": found and {**asdict(found), "rigor": "float64"},
        }


def beside_margin(
    system: DelaySystem,
    delay: AnyDelay,
    start: float,
    stop: float,
    *,
    seconds: float = SECONDS,
    seed: int = 0,
    progress: Progress | None = None,
    threads: int = 1,
) -> BesideMargin:
    """Look at the linearisation, and simulate from constant histories in the domain, for constant delays.

    Parameters
    ----------
    system : DelaySystem
    delay : DelayClass
        Its class; its range is not used.
    start, stop : float
        0 <= start < stop: where solutions are simulated, up to the local margin.
    seconds : float
        For the simulation; 0 leaves it out.
    seed : int
        Of the histories.
    progress : callable, optional
    threads : int
        Threads of torch.

    Soundness
    ---------
    float64: nothing here is proved, see :func:`certdde.studies.local_margin.local_margin` and
    :meth:`certdde.studies.destabilising.Hunt.run`. Ctrl-C keeps what was found.
    """
    try:
        local = local_margin(system, delay, start, stop)
    except KeyboardInterrupt:
        return BesideMargin(None, complete=False)
    if local is None or seconds <= 0 or system.linear:
        return BesideMargin(local)
    deadline = time.monotonic() + seconds
    hunt = Hunt(system, delay, local, start, stop, seed, deadline, progress)
    with torch_threads(threads):
        complete = came_to_its_end(hunt.run)
    return BesideMargin(local, hunt.found, complete)
