"""Stability by construction: an increment whose slopes F(z) / z cannot leave a certified interval."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from certdde.errors import ProblemError
from certdde.models.flows.networks import shrunk
from certdde.models.mlp import MLP
from certdde.models.schemes.fixed_scheme import FixedScheme
from certdde.models.schemes.gates import Increment, TimeGate, gate_features

GATE_SIZE = 16
SHARPNESS = 16
ASKED = 5.0  # softplus(0) / 5 is a gain of about .14 at the start
LEAST_RATE, MOST_SHIFT = 0.05, 0.5


def enclosed_slope(shift: Float[Tensor, "..."], top: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Return the bound of 1 / (1 + c T), |T| <= top, that the product rule for slopes from the origin gives."""
    below = 1 - shift.abs() * top
    return shift.abs() * top / (2 * below**2) + (1 + 1 / below) / 2


def soft_least(r: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Return r / (1 + r^16)^(1/16), a smooth lower bound of min(r, 1) for r > 0."""
    logarithm = SHARPNESS * torch.log(r)
    return r * torch.exp(-nn.functional.softplus(logarithm) / SHARPNESS)


class BoundedIncrement(Increment):
    """F(z) = T (m z + (M - m) sum_j p_j w_j(z) / (a_j u_j)) for one state: F(z) / z in T [m, M] on |z| <= B.

    w_j = T_j / (1 + c_j T_j), T_j = tanh(a_j z), 0 < a_j B <= 1, |c_j| <= 1/2; p_j > 0, sum_j p_j = 1, and

        u_j = |c| h / (2 (1 - |c| h)^2) + (1 + 1 / (1 - |c| h)) / 2,   h = tanh(a_j B),

    so that w_j / (a_j u_j z) is in (0, 1], and so is what the certificate's arithmetic makes of it: the slope of T_j
    times the mean of 1 and 1 / (1 + c_j T_j), and the other way round. Derivatives of F may be larger than M; it is
    F(z) / z that counts for x[t+1] = x[t] - s x[t - tau]. The gain is limited by

        M = m + (q - m) s(G / (q - m)),   s(r) = r / (1 + r^16)^(1/16) < min(r, 1),   G > 0.

    p, b and G read the delay. With q(tau) from :func:`certdde.models.schemes.largest_gain` the scheme
    x[t+1] = x[t] - F(x[t - tau]) is stable at every constant delay, near 0, whatever the (finite) weights are, and
    ``certify`` shows it; without ``reads_delay`` for every sequence of the delays that have a bound.

    Parameters
    ----------
    units : int
        H.
    generator : torch.Generator
        Of the first weights; on the CPU.
    bounds : sequence of float
        q(0), q(1), ..: one bound for each delay in steps that may occur; positive.
    least : float
        m, 0 < m < q for all q.
    radius : float
        B.
    reads_delay, timed, delay_scale, time_scale, dtype
        As in :class:`GatedIncrement`. Without ``reads_delay`` q is the least of the bounds.

    Raises
    ------
    ProblemError
        If m is not between 0 and every bound, or B is not positive.
    """

    bounds: Tensor

    def __init__(
        self,
        units: int,
        generator: torch.Generator,
        bounds: Sequence[float],
        least: float,
        radius: float,
        *,
        reads_delay: bool = True,
        timed: bool = False,
        delay_scale: float = 1.0,
        time_scale: float = 1.0,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        if not (bounds and 0 < least < min(bounds) and max(bounds) < float("inf")):
            raise ProblemError(
                f"slopes from {least} to {list(bounds)}",
                where="bounds",
                wanted="0 < least < bound for each delay",
            )
        if not 0 < radius < float("inf"):
            raise ProblemError(f"a radius of {radius}", where="radius", wanted="a number > 0")
        self.units, self.least, self.radius = units, least, radius
        self.delay_scale = delay_scale
        self.register_buffer("bounds", torch.tensor(list(bounds), dtype=dtype))
        drawn = torch.randn(units, generator=generator, dtype=torch.float64)
        self.stretch = nn.Parameter(drawn.to(dtype))
        self.offset = nn.Parameter(torch.zeros(2 * units + 1, dtype=dtype))
        sizes = [1, GATE_SIZE, 2 * units + 1]
        self.gates = None
        if reads_delay:
            self.gates = shrunk(MLP(sizes, generator, dtype=dtype), 0.1)
        self.clock = TimeGate(generator, delay_scale, time_scale, dtype) if timed else None

    def at_delays(self, delay: Float[Tensor, "*batch"]) -> Callable[[Tensor, int], Tensor]:
        """Return (z, t) -> F(z) for delays in steps, one a sample, with the gates computed once."""
        inner, outer, shifts = self._weights(delay)

        def increment(z: Tensor, t: int) -> Tensor:
            tanh = torch.tanh(z * inner)
            value = self.least * z + (outer * tanh / (1 + shifts * tanh)).sum(-1, keepdim=True)
            return value if self.clock is None else value * self.clock(delay, t)

        return increment

    def numbers(self, delay: Float[Tensor, "*batch"]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return L, W, A and c of :class:`FixedScheme` for T = 1; W and c have the axes of ``delay`` first."""
        inner, outer, shifts = self._weights(delay)
        return outer.new_full((1, 1), self.least), outer.unsqueeze(-2), inner[:, None], shifts

    def at(self, delay: int) -> FixedScheme:
        """Return the scheme at one delay and the largest time gate, T = 1, with numbers of few digits."""
        return FixedScheme.rounded(*self.numbers(torch.as_tensor(float(delay)).to(self.stretch)))

    def _weights(self, delay: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return a (H,), the weights of T_j / (1 + c_j T_j) (*batch, H), and c (*batch, H)."""
        raw = self.offset
        if self.gates is not None:
            raw = raw + self.gates(gate_features(delay, self.delay_scale))
            index = delay.round().long().clamp(0, len(self.bounds) - 1)
            most = self.bounds[index].unsqueeze(-1)
        else:
            most = self.bounds.min()
        shares, biases, top = raw.split([self.units, self.units, 1], -1)
        inner = (LEAST_RATE + (1 - LEAST_RATE) * torch.sigmoid(self.stretch)) / self.radius
        shifts = MOST_SHIFT * torch.tanh(biases)
        room = most - self.least
        span = room * soft_least(nn.functional.softplus(top) / (ASKED * room))
        outer = (
            span
            * torch.softmax(shares, -1)
            / inner
            / enclosed_slope(shifts, torch.tanh(inner * self.radius))
        )
        return inner, outer, shifts
