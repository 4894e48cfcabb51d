"""The increment F of a learned scheme x[t+1] = x[t] - F_{t, theta, tau}(x[t - tau]), with F(0) = 0 exactly."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from certdde.models.flows.networks import shrunk
from certdde.models.mlp import MLP
from certdde.models.schemes.fixed_scheme import FixedScheme
from certdde.models.schemes.gates import Increment, TimeGate, gate_features

GATE_SIZE = 16
MOST_SHIFT = 0.999


class GatedIncrement(Increment):
    """F(z) = T(t, tau) W diag(g(tau)) v(z; b(tau)), a hidden layer of tanh whose gains and biases read the delay.

    ``v_j = tanh(a_j z + artanh c_j) - c_j``, written so that it is 0 at z = 0 in every arithmetic:

        v_j = (1 - c_j^2) T_j / (1 + c_j T_j),   T_j = tanh(a_j z),   c_j = .999 tanh(b_j).

    T is a :class:`TimeGate` in (0, 1], or 1.

    Parameters
    ----------
    states : int
        n.
    units : int
        H, of the hidden layer.
    generator : torch.Generator
        Of the first weights; on the CPU.
    reads_delay : bool
        Whether g and b depend on tau.
    timed : bool
        Whether there is a T.
    delay_scale, time_scale : float
        In steps; what the gates read is tau / delay_scale and t / time_scale.
    size : float
        Of the slopes of F at the start.
    dtype : torch.dtype

    References
    ----------
    docs/learned.md, "Schemes".
    """

    def __init__(
        self,
        states: int,
        units: int,
        generator: torch.Generator,
        *,
        reads_delay: bool = True,
        timed: bool = False,
        delay_scale: float = 1.0,
        time_scale: float = 1.0,
        size: float = 0.1,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        self.states, self.units, self.delay_scale = states, units, delay_scale
        inner = torch.randn(units, states, generator=generator, dtype=torch.float64)
        outer = torch.randn(states, units, generator=generator, dtype=torch.float64)
        self.inner = nn.Parameter(inner.to(dtype))
        self.outer = nn.Parameter((outer * size / units).to(dtype))
        self.offset = nn.Parameter(torch.zeros(2 * units, dtype=dtype))
        sizes = [1, GATE_SIZE, 2 * units]
        self.gates = None
        if reads_delay:
            self.gates = shrunk(MLP(sizes, generator, dtype=dtype), 0.1)
        self.clock = TimeGate(generator, delay_scale, time_scale, dtype) if timed else None

    def at_delays(self, delay: Float[Tensor, "*batch"]) -> Callable[[Tensor, int], Tensor]:
        """Return (z, t) -> F(z) for delays in steps, one a sample, with the gates computed once."""
        gains, shifts = self._gains(delay)

        def increment(z: Tensor, t: int) -> Tensor:
            tanh = torch.tanh(z @ self.inner.T)
            value = (gains * tanh / (1 + shifts * tanh)) @ self.outer.T
            return value if self.clock is None else value * self.clock(delay, t)

        return increment

    def numbers(self, delay: Float[Tensor, "*batch"]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return L, W, A and c of :class:`FixedScheme` for T = 1; W and c have the axes of ``delay`` first."""
        gains, shifts = self._gains(delay)
        linear = self.inner.new_zeros(self.states, self.states)
        return linear, self.outer * gains.unsqueeze(-2), self.inner, shifts

    def at(self, delay: int) -> FixedScheme:
        """Return the scheme at one delay and the largest time gate, T = 1, with numbers of few digits."""
        return FixedScheme.rounded(*self.numbers(torch.as_tensor(float(delay)).to(self.inner)))

    def _gains(self, delay: Tensor) -> tuple[Tensor, Tensor]:
        """Return g (1 - c^2) and c, (*batch, H) each."""
        raw = self.offset
        if self.gates is not None:
            raw = raw + self.gates(gate_features(delay, self.delay_scale))
        gains, biases = raw.chunk(2, -1)
        gains = nn.functional.softplus(gains) / nn.functional.softplus(gains.new_zeros(()))
        shifts = MOST_SHIFT * torch.tanh(biases)
        return gains * (1 - shifts**2), shifts
