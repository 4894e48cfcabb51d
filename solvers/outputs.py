"""States at the times asked for, collected while the integration runs."""

import torch
from torch import Tensor

from certdde.solvers.grid import Grid
from certdde.solvers.problem import Problem
from certdde.solvers.track import gather, polynomial


class Outputs:
    """Collects x(t) for the output times of a problem, from blocks of steps; what is not asked for is not kept."""

    def __init__(self, problem: Problem, grid: Grid) -> None:
        self._problem, self._grid = problem, grid
        self._row = (grid.count(problem.t.unsqueeze(1), or_equal=True) - 1).clamp(0, grid.steps - 1)
        self._least = self._row.amin(1).tolist()
        self._most = self._row.amax(1).tolist()
        self._pieces: list[Tensor] = []
        self._places: list[Tensor] = []
        self._next = 0

    def add(self, first: int, last: int, coefficients: Tensor) -> None:
        """Evaluate the outputs that lie in steps first .. last - 1."""
        count = len(self._least)
        low = self._next
        while low < count and self._most[low] < first:
            low += 1
        self._next = high = low
        while high < count and self._least[high] < last:
            high += 1
        if low == high:
            return
        place = self._row[low:high]
        step, theta, length = self._grid.find(self._problem.t[low:high].unsqueeze(1), first, last)
        value = polynomial(gather(coefficients, step - first), theta, length)
        row = place.unsqueeze(-1)
        if self._least[low] < first or self._most[high - 1] >= last:
            value = torch.where((row >= first) & (row < last), value, torch.zeros_like(value))
        self._pieces.append(value.expand(-1, self._problem.size, -1))
        self._places.append(torch.arange(low, high, device=value.device))

    def joined(self) -> Tensor:
        """Return all outputs, (T, B, n)."""
        pieces, places = torch.cat(self._pieces), torch.cat(self._places)
        count = len(self._least)
        if pieces.shape[0] == count:
            return pieces
        shape = (count, self._problem.size, self._problem.dimension)
        return pieces.new_zeros(shape).index_add(0, places, pieces)
