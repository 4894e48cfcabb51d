"""D and v_0 at sampled points, for a functional that changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from certdde.functionals import Functional
from certdde.inequalities.dissipation import eliminate
from certdde.inequalities.features import Features
from certdde.inequalities.inequality import box
from certdde.inequalities.level import KRASOVSKII, Core, core_forms, core_of
from certdde.inequalities.reduction import Reduction
from certdde.systems.delay_system import DelaySystem
from certdde.verify.bound_propagation.taylor import Taylor, quadratic_upper_bound
from certdde.verify.lmi.cutting_planes import sample_xi

if TYPE_CHECKING:
    from certdde.learning.training import TrainSettings


@dataclass(frozen=True, slots=True)
class Sampled:
    """D at sampled points for a changing functional: what stays fixed while it changes.

    ``core`` holds the features of v_0; None where D < 0 is needed on all of the domain.
    """

    system: DelaySystem
    reduction: Reduction
    rows: Any
    features: Features
    core: Core | None
    lower: torch.Tensor
    upper: torch.Tensor

    @classmethod
    def of(cls, system: DelaySystem, reduction: Reduction, functional: Functional) -> Sampled:
        """Build for the shape of a functional."""
        features = Features.of(system, functional)
        rows = reduction.rows(features, functional.order)
        prunes = isinstance(reduction, KRASOVSKII)
        core = core_of(functional, features) if prunes else None
        return cls(system, reduction, rows, features, core, *box(system, features))

    def sample(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Return points (count, d)."""
        return sample_xi(self.lower, self.upper, count, generator, self.features.dimension)

    def forms(self, functional: Functional) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the matrices of D, and the largest eigenvalues of what was eliminated."""
        full = self.reduction.forms(self.rows, functional.P, functional.S, functional.R)
        return eliminate(full, self.rows.head)

    def rates(
        self, functional: Functional, forms: torch.Tensor, points: torch.Tensor
    ) -> torch.Tensor:
        """Return max over eta of D / |xi|^2, (E, k)."""
        v = replace(self.features, functional=functional)(points)
        size = points[:, : self.features.dimension].square().sum(-1)
        return torch.einsum("ki,eij,kj->ek", v, forms, v) / size

    def lower_bound(self, functional: Functional, points: torch.Tensor) -> torch.Tensor:
        """Return v_0 at points, (k,), the least over the states that are linear; -inf where it does not matter."""
        if self.core is None:
            return points.new_full((len(points),), -torch.inf)
        v = replace(self.core, functional=functional)(points)
        forms = core_forms(
            functional, replace(self.features, functional=functional), self.reduction
        )
        u, p = v[..., : forms.shape[-1]], v[..., forms.shape[-1] :]
        return torch.einsum("ki,eij,kj->ek", u, forms, u).amin(0) + p.square().sum(-1)

    def scale(self, functional: Functional) -> torch.Tensor:
        """Return a size against which the eliminated block's eigenvalue is measured."""
        return functional.R.diagonal().mean().detach()

    def region_loss(
        self, functional: Functional, settings: TrainSettings, generator: torch.Generator
    ) -> tuple[torch.Tensor, float]:
        """Return the cost of v_0 < 1.03 on the faces and of large V on constant histories.

        And the least v_0 at the points drawn on the faces, or 1 if that is more.
        """
        x = self._states(generator)
        bound = self._on_faces(functional, x, generator)
        shortfall = torch.relu(1.03 - bound)
        windows = self.reduction.windows()
        tau = windows[int(torch.randint(len(windows), (), generator=generator))]
        value = functional.on_constant_histories(x, tau)
        spread = torch.relu(torch.log(value.clamp(min=1e-6)))
        cost = settings.faces * (shortfall.mean() + shortfall.max())
        return cost + settings.region * spread.mean(), max(1.0, float(bound.detach().min()))

    def on_faces(self, functional: Functional, generator: torch.Generator) -> torch.Tensor:
        """Return v_0 at points drawn on the faces of the domain, (256,)."""
        return self._on_faces(functional, self._states(generator), generator)

    def _on_faces(
        self, functional: Functional, inside: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        """Return v_0 at points moved to the faces of the domain."""
        low, high = self._ends()
        x, n, index = inside.clone(), len(low), torch.arange(len(inside))
        axis, side = index % n, (index // n) % 2
        x[index, axis] = torch.where(side == 0, low[axis], high[axis])
        x = torch.cat([x, self._some_moments(len(x), generator)], dim=-1)
        return functional.lower_bound(x, self.reduction.longest, self.reduction.breaks)

    def _states(self, generator: torch.Generator) -> torch.Tensor:
        """Return states drawn in the domain, (256, n)."""
        low, high = self._ends()
        unit = torch.rand(256, len(low), generator=generator, dtype=torch.float64)
        return low + (high - low) * unit

    def _ends(self) -> torch.Tensor:
        ends = [[float(lo), float(hi)] for lo, hi in self.system.domain or ()]
        return torch.tensor(ends, dtype=torch.float64).T

    def _some_moments(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Return values of the moments that V0 reads, a half of them at the ends of their ranges."""
        m = len(self.features.moments)
        if not m:
            return torch.zeros(count, 0, dtype=torch.float64)
        unit = torch.rand(count, m, generator=generator, dtype=torch.float64)
        unit[: count // 2] = unit[: count // 2].round()
        last = self.features.dimension
        low, high = self.lower[last - m : last], self.upper[last - m : last]
        return low + (high - low) * unit[torch.randperm(count, generator=generator)]

    def box_loss(
        self,
        functional: Functional,
        forms: torch.Tensor,
        points: torch.Tensor,
        settings: TrainSettings,
    ) -> torch.Tensor:
        """The hinge on upper bounds over small boxes around points."""
        half = settings.box_width * (self.upper - self.lower) / 2
        low = torch.minimum(torch.maximum(points - half, self.lower), self.upper - 2 * half)
        features = replace(self.features, functional=functional)
        bound = quadratic_upper_bound(features(Taylor.identity(low, low + 2 * half)), forms).amax(0)
        size = (low + half)[:, : self.features.dimension].square().sum(-1)
        return torch.relu(bound / size + settings.margin / 2).mean()
