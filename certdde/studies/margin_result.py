"""What a search for a delay margin answers, also when it is interrupted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from certdde.certificates.certificate import Certificate


@dataclass(frozen=True, slots=True)
class MarginResult:
    """Certified delays.

    Attributes
    ----------
    delay_margin : float or None
        The largest b with every delay of [A, b] proved; None if A itself is not.
    intervals : list of (float, float)
        All pieces of [A, B] that were proved, joined where they touch.
    method : str
    order : int
    seconds : float
    rigor : str
        ``float64``: each piece was proved by bounds that are not rounded outward. ``rigorous``: the checker accepted
        a certificate of [A, delay_margin] (``certificate``), or (``spectral``, ``theorem``, ``sos``,
        ``razumikhin``): the checker accepted a certificate of each piece.
    unstable : float or None
        A delay just beyond the margin at which the float64 spectrum is unstable (``spectral``); a step of sample and
        hold just beyond it that, repeated, makes solutions grow.
    certificate : Certificate or None
        Of the delays [A, delay_margin]: for constant delays by ``lmi``, ``quadratic``, ``neural``; for sample and hold.
    complete : bool
        Whether the search came to its end; if not, it was interrupted (Ctrl-C), and this is what had been proved.
    """

    delay_margin: float | None
    intervals: list[tuple[float, float]]
    method: str
    order: int
    seconds: float
    rigor: str = "float64"
    unstable: float | None = None
    certificate: Certificate | None = field(default=None, repr=False)
    complete: bool = True


def came_to_its_end(search: Callable[[], object]) -> bool:
    """Run a search that keeps what it proves; False if it was interrupted (Ctrl-C)."""
    try:
        search()
    except KeyboardInterrupt:
        return False
    return True
