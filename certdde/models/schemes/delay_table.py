"""Learned schemes of several delays in one batch: a table of numbers, one row a delay."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from certdde.errors import ProblemError
from certdde.models.schemes.fixed_scheme import FixedScheme

Step = Callable[[int, Tensor, Sequence[Tensor]], Tensor]


class DelayTable:
    """What is deployed of a model that reads its delay: one :class:`FixedScheme` for each delay in steps.

    Parameters
    ----------
    schemes : mapping from int to FixedScheme
        All with the same numbers of states and units.

    Raises
    ------
    ProblemError
        If there is none.
    """

    def __init__(self, schemes: Mapping[int, FixedScheme]) -> None:
        if not schemes:
            raise ProblemError("a table without delays", where="schemes", wanted="one at least")
        self.schemes = dict(schemes)

    def step(self, delays: Tensor) -> Step:
        """Return the step of a batch with the delays (*batch,), for :func:`certdde.solvers.scheme`.

        Raises
        ------
        ProblemError
            If a delay is not in the table.
        """
        known = sorted(self.schemes)
        missing = sorted(set(delays.flatten().tolist()) - set(known))
        if missing:
            raise ProblemError(
                f"the delay {missing[0]} is not in the table",
                where="delays",
                wanted=f"one of {', '.join(map(str, known))}",
            )
        index = torch.searchsorted(torch.tensor(known), delays)
        linear, outer, inner, shifts = (
            torch.stack([getattr(self.schemes[d], name) for d in known])[index]
            for name in ("linear", "outer", "inner", "shifts")
        )

        def step(_t: int, x: Tensor, past: Sequence[Tensor]) -> Tensor:
            y = past[0].unsqueeze(-1)
            tanh = torch.tanh(inner @ y)[..., 0]
            units = (tanh / (1 + shifts * tanh)).unsqueeze(-1)
            return x - (linear @ y + outer @ units)[..., 0]

        return step
