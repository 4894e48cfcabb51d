"""Delays as parameters, within bounds whatever an optimiser does."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from certdde.errors import ProblemError


class LearnedDelays(nn.Module):
    """tau_i = lower + (upper - lower) sigmoid(raw_i), or lower + softplus(raw_i) without upper bound.

    Parameters
    ----------
    start : sequence of float
        The first values; none of them makes an ordinary equation.
    lower, upper : float
        0 < lower < upper; upper may be inf.
    learnable : bool
        False keeps the first values, exactly.
    dtype, device
        Of the parameters.

    Raises
    ------
    ProblemError
        If the bounds are not in order, or a learnable delay does not begin between them.
    """

    def __init__(
        self,
        start: Sequence[float],
        lower: float = 1e-3,
        upper: float = math.inf,
        *,
        learnable: bool = True,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        if not 0 < lower < upper:
            raise ProblemError(
                f"the bounds [{lower}, {upper}]", where="delays", wanted="0 < lower < upper"
            )
        outside = [v for v in start if not (lower < v < upper if learnable else 0 <= v < math.inf)]
        if outside:
            raise ProblemError(
                f"the delay {outside[0]} to begin with",
                where="delays",
                wanted=f"a number in ({lower}, {upper})" if learnable else "a number >= 0",
            )
        self.lower, self.upper, self.learnable = lower, upper, learnable
        value = torch.tensor(list(start), dtype=torch.float64)
        if learnable:
            part = value - lower
            raw = (
                part + torch.log(-torch.expm1(-part))
                if upper == math.inf
                else torch.logit(part / (upper - lower))
            )
            self.raw = nn.Parameter(raw.to(dtype=dtype, device=device))
        else:
            self.register_buffer("raw", value.to(dtype=dtype, device=device))

    def __len__(self) -> int:
        return self.raw.shape[0]

    def forward(self) -> Tensor:
        """Return the delays, (k,); with gradient if they are learnable."""
        if not self.learnable:
            return self.raw
        if self.upper == math.inf:
            return self.lower + nn.functional.softplus(self.raw)
        return self.lower + (self.upper - self.lower) * torch.sigmoid(self.raw)

    def values(self) -> tuple[float, ...]:
        """Return the delays as numbers."""
        return tuple(self().detach().tolist())
