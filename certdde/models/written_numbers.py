"""Numbers of few decimal digits, and sums of terms in the grammar of problem files."""

from collections.abc import Iterable

import torch
from torch import Tensor

DIGITS = 9


def few_digits(values: Tensor) -> Tensor:
    """Return the values as float64, rounded to nine significant decimal digits: what ``repr`` writes is exact."""
    flat = [float(f"{value:.{DIGITS}g}") for value in values.detach().double().flatten().tolist()]
    return torch.tensor(flat, dtype=torch.float64).reshape(values.shape)


def state_names(count: int) -> list[str]:
    """Return x, or x1, x2, .."""
    return ["x"] if count == 1 else [f"x{i + 1}" for i in range(count)]


def weighted_sum(terms: Iterable[tuple[float, str]]) -> str:
    """Write weight*factor + ..; 0 if every weight is 0."""
    written = [f"{weight!r}*{factor}" for weight, factor in terms if weight]
    return " + ".join(written) or "0"
