"""The step map of a small learned flow, as a scheme whose equations hold the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from certdde.errors import ProblemError
from certdde.models.flows.resnet import ResNetFlow
from certdde.models.written_numbers import few_digits, state_names, weighted_sum
from certdde.systems.delay_system import DelaySystem


@dataclass(frozen=True, slots=True)
class StepMap:
    """x[t+1] = x[t] + W tanh(A x[t] + B x[t-tau]): a ResNet flow over a fixed time, its context the delayed state.

    Every number is a float64 with nine significant digits; :meth:`system` writes these digits.

    Attributes
    ----------
    outer : (n, H) Tensor
        W.
    inner, past : (H, n) Tensor
        A and B; B = 0 for a flow without context.
    """

    outer: Tensor
    inner: Tensor
    past: Tensor

    @classmethod
    def of(cls, flow: ResNetFlow, time: float) -> StepMap:
        """Return the map x -> F(time, x; y) of a flow, with rounded weights.

        Raises
        ------
        ProblemError
            If g has biases, reads the time or has not one hidden layer, the context is not the delayed state, or a
            weight is not finite.
        """
        weights, others = flow.g.scaled(), flow.g.other
        plain = flow.g.layers.biases is None and flow.clock is None and len(weights) == 2
        states = weights[0].shape[1]
        if not plain or (others is not None and others.shape[1] != states):
            raise ProblemError(
                "the flow is not x + phi(t) W tanh(A x + B y)",
                where="flow",
                wanted="one hidden layer, bias=False, timed=False, a context of 0 or n components",
            )
        with torch.no_grad():
            phi = flow.phi(weights[0].new_tensor([time]))
            past = torch.zeros_like(weights[0]) if others is None else others
            parts = [few_digits(part) for part in (phi[:, None] * weights[1], weights[0], past)]
        if not all(bool(torch.isfinite(part).all()) for part in parts):
            raise ProblemError("a weight is not finite", where="flow", wanted="finite weights")
        return cls(*parts)

    def __call__(self, _t: int, x: Tensor, past: Sequence[Tensor]) -> Tensor:
        """Return x[t+1], as :func:`certdde.solvers.scheme` asks for it."""
        outer, inner, back = (part.to(x) for part in (self.outer, self.inner, self.past))
        return x + torch.tanh(x @ inner.T + past[0] @ back.T) @ outer.T

    def equations(self, delay: str = "tau") -> list[str]:
        """Return the map in the grammar of problem files."""
        names = state_names(self.outer.shape[0])
        read = [f"{name}[t]" for name in names] + [f"{name}[t-{delay}]" for name in names]
        rows = torch.cat([self.inner, self.past], 1).tolist()
        units = [f"tanh({weighted_sum(zip(row, read, strict=True))})" for row in rows]
        return [
            f"{name}[t+1] = {name}[t] + {weighted_sum(zip(row, units, strict=True))}"
            for name, row in zip(names, self.outer.tolist(), strict=True)
        ]

    def system(
        self, domain: Sequence[tuple[float, float]], *, delay: str = "tau", name: str = "step map"
    ) -> DelaySystem:
        """Return the map as a system on a box, one interval a state.

        Raises
        ------
        ProblemError
            As :meth:`DelaySystem.from_equations`.
        """
        box = dict(zip(state_names(self.outer.shape[0]), domain, strict=True))
        return DelaySystem.from_equations(
            self.equations(delay), domain=box, delays=[delay], name=name
        )
