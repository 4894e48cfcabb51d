"""What ``certdde margin`` prints for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certdde.cli.output import number, number_down, print_text

if TYPE_CHECKING:
    from certdde.studies.beside_margin import BesideMargin
    from certdde.studies.margin_result import MarginResult

NOTHING = "-  (nothing found, which proves nothing)"


def print_margin(
    result: MarginResult, beside: BesideMargin, last: float, *, held: bool = False
) -> None:
    """Print what is certified, and beside it what float64 says.

    Parameters
    ----------
    result : MarginResult
    beside : BesideMargin
    last : float
        Where the search ended.
    held : bool
        Whether a class that holds sample and hold was certified in its place.
    """
    ended = f"searched to {number(last)}" if result.complete else "interrupted"
    print_text(f"delay margin  {number_down(result.delay_margin)}  ({ended})")
    pieces = ", ".join(f"[{number(a)}, {number_down(b)}]" for a, b in result.intervals)
    class_ = " for measurable delays, which hold sample and hold" if held else ""
    print_text(f"certified     {pieces or 'nothing'}{class_}")
    if beside.local is not None:
        print_text(f"local margin  {_local(beside)}")
        print_text(f"destabilised  {_destabilised(result, beside)}")
    print_text(f"method        {result.method}, order {result.order}")
    print_text(f"seconds       {number(result.seconds)}")


def _local(beside: BesideMargin) -> str:
    """Say up to which constant delay the linearisation is stable."""
    local = beside.local
    if local is None or local.delay is None:
        return f"-  ({'' if local is None else local.kind}; float64)"
    return f"{number_down(local.delay)}  (of the linearisation at the equilibrium; float64)"


def _destabilised(result: MarginResult, beside: BesideMargin) -> str:
    """Say at which delay what happens."""
    found = beside.destabilising
    if found is None:
        return NOTHING
    if found.history is None:
        return f"{number(found.delay)}  ({found.how}; float64)"
    start = ", ".join(f"{name} = {number(value)}" for name, value in found.history.items())
    within = result.delay_margin is not None and found.delay <= result.delay_margin
    note = "; what is certified is the region of the certificate, not all of the domain"
    text = f"from the constant history {start} the solution {found.how}"
    return f"{number(found.delay)}  ({text}; float64{note if within else ''})"
