"""The Razumikhin conditions of a nonlinear system at sampled points: linear in (P, Q), affine in the multipliers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from certdde.functionals import Functional
from certdde.inequalities.features import Features
from certdde.inequalities.razumikhin import Razumikhin
from certdde.systems.delay_system import DelaySystem
from certdde.verify.lmi.positivity import FLOOR, nearest_faces
from certdde.verify.lmi.program import Block, Program, Solution, solve

LEAST = 1e-4  # of a multiplier, per unit of scaled time
CAP = 1e3  # of the mean of V while the margin is maximised


def quadratic(p: np.ndarray, gap: np.ndarray) -> Functional:
    """Return x^T P x with the matrix Q of the delay-dependent form, as the reduction reads them."""
    return Functional(0, *(torch.as_tensor(m, dtype=torch.float64) for m in (p, gap, gap)))


@dataclass(slots=True)
class Points:
    """The conditions at points that are added on the way.

    Attributes
    ----------
    system : DelaySystem
        Well scaled, nonlinear, with a domain.
    features : Features
        Of a quadratic function.
    columns : list of (m, k) arrays
        Directions of the features: the conditions are imposed on their span and on all eliminated variables.
    """

    system: DelaySystem
    features: Features
    columns: list[np.ndarray]

    @classmethod
    def of(cls, system: DelaySystem) -> Points:
        """Return the conditions at the origin alone."""
        eye = np.eye(system.dimension)
        features = Features.of(system, quadratic(eye, eye))
        zero = torch.zeros(features.dimension, dtype=torch.float64)
        slopes = torch.autograd.functional.jacobian(features, zero)
        return cls(system, features, [slopes.numpy()])

    def add(self, points: torch.Tensor) -> None:
        """Impose the conditions at points (k, d) too, but not at 0."""
        points = points[(points != 0).any(-1)]
        directions = (self.features(points) / points.norm(dim=-1, keepdim=True)).numpy()
        self.columns += list(directions[:, :, None])

    def units(self, *, dependent: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return the values of (P, Q) at the unit vectors; Q is fixed where it is not used."""
        n = self.system.dimension
        rows, cols = np.triu_indices(n)
        one = np.zeros((len(rows), n, n))
        index = np.arange(len(rows))
        one[index, rows, cols] = one[index, cols, rows] = 1.0
        if not dependent:
            return one, np.zeros_like(one)
        none = np.zeros_like(one)
        return np.concatenate([one, none]), np.concatenate([none, one])

    def program(self, reduction: Razumikhin) -> Program:
        """Return the program for (P, Q): the conditions, and V >= 1 on the faces of the domain."""
        p, gap = self.units(dependent=reduction.dependent)
        basis = self._forms(reduction, p, gap)
        n = self.system.dimension
        blocks = self._blocks(basis, None)
        for i, face in enumerate(nearest_faces(self.system)):
            lower = FLOOR * np.eye(n)
            lower[i, i] += 1 / face**2
            blocks.append(Block(-p, lower))
        if reduction.dependent:
            blocks.append(Block(-gap, FLOOR * np.eye(n)))
        return Program(len(p), blocks)

    def mean(self, *, dependent: bool) -> np.ndarray:
        """Return c with c . x = mean of V over the domain."""
        p, _ = self.units(dependent=dependent)
        low, high = (np.array([float(e[k]) for e in self.system.domain or ()]) for k in (0, 1))
        middle, half = (low + high) / 2, (high - low) / 2
        second = np.outer(middle, middle) + np.diag(half**2 / 3)
        return np.asarray((p * second).sum((1, 2)))

    def functional(self, reduction: Razumikhin, solution: Solution) -> Functional:
        """Return the function of a solution of ``program``."""
        p, gap = self.units(dependent=reduction.dependent)
        found = np.tensordot(solution.x, gap, 1) if reduction.dependent else np.eye(p.shape[-1])
        return quadratic(np.tensordot(solution.x, p, 1), found)

    def multipliers(self, reduction: Razumikhin, at: Functional) -> tuple[float, ...] | None:
        """Return the multipliers with the largest margin for a function."""
        p, gap = at.P.numpy()[None], at.S.numpy()[None]
        size = len(reduction.beta)

        def forms(beta: np.ndarray) -> np.ndarray:
            return self._forms(replace(reduction, beta=tuple(beta)), p, gap)[0]

        constant = forms(np.zeros(size))
        basis = np.stack([forms(row) - constant for row in np.eye(size)])
        limits = [(-row, -LEAST) for row in np.eye(size)]
        solution = solve(Program(size, self._blocks(basis, constant), limits))
        if solution is None or not np.isfinite(solution.margin):
            return None
        return tuple(float(b) for b in np.maximum(solution.x, LEAST))

    def _forms(self, reduction: Razumikhin, p: np.ndarray, gap: np.ndarray) -> np.ndarray:
        rows = reduction.rows(self.features, 0)
        tensors = (torch.as_tensor(m) for m in (p, gap, gap))
        return reduction.forms(rows, *tensors).numpy()

    def _blocks(self, basis: np.ndarray, constant: np.ndarray | None) -> list[Block]:
        """Return K^T H K <= -t for every direction and matrix, K = blkdiag(column, I)."""
        blocks = []
        for column in self.columns:
            head, rest = column.shape[0], basis.shape[-1] - column.shape[0]
            k = np.zeros((head + rest, column.shape[1] + rest))
            k[:head, : column.shape[1]] = column
            k[head:, column.shape[1] :] = np.eye(rest)
            moved = k.T @ basis @ k
            fixed = np.zeros(moved.shape[1:]) if constant is None else k.T @ constant @ k
            blocks += [Block(moved[:, e], fixed[e], 1.0) for e in range(moved.shape[1])]
        return blocks
