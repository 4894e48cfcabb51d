"""A solution with all that is known about it."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from certdde.solvers.errors import SolverError
from certdde.solvers.grid import Grid
from certdde.solvers.problem import Problem
from certdde.solvers.ragged import RaggedGrid
from certdde.solvers.track import gather, polynomial


@dataclass(frozen=True, slots=True)
class Solution:
    """States at the output times, and the dense output between and before them.

    Attributes
    ----------
    t : Tensor, (T,)
    states : Tensor, (T, *batch, n)
        NaN after ``good_until``.
    good_until : Tensor, (*batch,)
        The last time that a sample reached, inf if it reached the end. A sample stops where it leaves every bound (or
        ``options.bound``), where no step is small enough, or when its attempts are used up.
    local_error : Tensor, (*batch,), or None
        Sum of the local error estimates of the accepted steps (largest component); None for a method without estimate.
        Soundness: an estimate, not a bound; multiplied by the growth of the equation it is what to expect at the end.
    steps : int
        Steps of a fixed grid, attempts of an adaptive one.
    """

    t: Float[Tensor, " times"]
    states: Float[Tensor, " times *batch n"]
    good_until: Float[Tensor, "*batch"]
    local_error: Float[Tensor, "*batch"] | None
    steps: int
    problem: Problem
    grid: Grid
    past: Tensor

    @property
    def taken(self) -> Tensor | None:
        """Return the steps of each sample if they differ, None if all take all steps of the grid."""
        return self.grid.taken if isinstance(self.grid, RaggedGrid) else None

    @property
    def finished(self) -> Bool[Tensor, "*batch"]:
        """Say which samples reached the last time."""
        return torch.isinf(self.good_until)

    def at(self, s: Float[Tensor, "*times"]) -> Float[Tensor, "*times_and_batch n"]:
        """Return x(s) for any s up to the last time, the history included.

        Parameters
        ----------
        s : Tensor, () or (Q,) or (Q, *batch)

        Returns
        -------
        Tensor
            (*batch, n) for a scalar, (Q, *batch, n) otherwise. At t[0] and at jumps: the value after the jump.

        Raises
        ------
        SolverError
            If a time lies after the last one.
        """
        return self._shaped(s, self.anywhere(self._flat(s)))

    def anywhere(self, s: Tensor) -> Tensor:
        """Return x at times (Q, 1 or B), of the history or the solution: (Q, B, n). Does not check."""
        problem, t0 = self.problem, self.t[0].detach()
        past = problem.past(s - (s - t0).detach().clamp(min=0)).expand(-1, problem.size, -1)
        later = self._after(s + (t0 - s).detach().clamp(min=0), 0)
        return torch.where((s < t0).unsqueeze(-1), past, later)

    def after(self, s: Tensor, step: int) -> Tensor:
        """Return the polynomial of one step at times (1, 1 or B): (B, n)."""
        start, end = self.grid.rows(step, step + 1)
        length = torch.where(end > start, end - start, torch.ones_like(start))
        return polynomial(self.past[step : step + 1], (s - start) / length, length.unsqueeze(0))[0]

    def derivative(
        self, s: Float[Tensor, "*times"], order: int = 1
    ) -> Float[Tensor, "*times_and_batch n"]:
        """Return the derivative of the dense output at t[0] <= s <= t[-1], shaped as :meth:`at`; one order less exact.

        Raises
        ------
        SolverError
            If a time lies outside.
        """
        flat = self._flat(s)
        if bool((flat < self.t[0]).any()):
            raise SolverError(
                "a time before the first",
                where="s",
                wanted="differentiate the history itself there",
            )
        return self._shaped(s, self._after(flat, order))

    def _flat(self, s: Tensor) -> Tensor:
        times = s.to(self.t)
        if bool((times > self.t[-1]).any()):
            raise SolverError(
                "a time after the last one of the solution",
                where="s",
                wanted=f"s <= {float(self.t[-1]):g}",
            )
        return (
            times.reshape(-1, 1)
            if s.ndim <= 1
            else times.expand(-1, *self.problem.batch).reshape(s.shape[0], -1)
        )

    def _after(self, s: Tensor, order: int) -> Tensor:
        step, theta, length = self.grid.find(s, 0, self.past.shape[0])
        value = polynomial(gather(self.past, step), theta, length.expand_as(theta), order)
        value = torch.where(
            (s.expand(-1, self.problem.size) <= self.good_until.reshape(-1)).unsqueeze(-1),
            value,
            torch.nan,
        )
        return value.expand(-1, self.problem.size, -1)

    def _shaped(self, s: Tensor, value: Tensor) -> Tensor:
        lead = () if s.ndim == 0 else (s.shape[0],)
        return value.reshape(*lead, *self.problem.batch, self.problem.dimension)
