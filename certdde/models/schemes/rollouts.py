"""Solutions of learned schemes from histories given on the grid."""

from jaxtyping import Float, Int
from torch import Tensor

from certdde.models.schemes.bounded import BoundedIncrement
from certdde.models.schemes.delay_table import DelayTable, Step
from certdde.models.schemes.increment import GatedIncrement
from certdde.solvers import scheme

Increment = GatedIncrement | BoundedIncrement


def rollout(
    model: Increment | DelayTable,
    past: Float[Tensor, "times *batch n"],
    delays: Int[Tensor, "*batch"],
    steps: int,
    start: int = 0,
) -> Float[Tensor, "later *batch n"]:
    """Return x at steps 0 .. ``steps`` from the values at -len(past) + 1 .. 0, a delay for each sample.

    Parameters
    ----------
    model : GatedIncrement, BoundedIncrement or DelayTable
    past : Tensor
        Oldest first; at least as long as the longest delay and one.
    delays : integer Tensor
    steps : int
    start : int
        The time at which the scheme begins, for models that read it.
    """
    step = model.step(delays) if isinstance(model, DelayTable) else _step(model, delays.to(past))
    states: Tensor = scheme(
        lambda t, x, old: step(start + t, x, old),
        lambda t: past[len(past) - 1 + t],
        [delays],
        steps,
    )
    return states


def _step(model: Increment, delays: Tensor) -> Step:
    increment = model.at_delays(delays)
    return lambda t, x, old: x - increment(old[0], t)
