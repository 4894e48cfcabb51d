"""The feature vector v(xi) of spec 4 on a batch of boxes: Taylor forms and slopes."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from ival import Interval

from . import slopes, taylor
from .moments import read_by
from .network import Network
from .rounding import Affine, Quadratic, dot
from .system import System
from .taylor import Maybe
from .tree import evaluate

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Features:
    """v = (xi, rests of f that do not vanish, q over the inputs of V0, p_W(x), p_W(y))."""

    system: System
    v0: Network | None
    w: Network | None

    @property
    def moments(self) -> tuple[int, ...]:
        """The moments that V0 reads, at the end of xi."""
        return read_by(self.v0.inputs, self.system.n) if self.v0 else ()

    @property
    def size(self) -> int:
        """How many axes are entries of xi; those after them are constants."""
        return len(self.system.xi) + len(self.moments)

    def _read(self, xi: list[T]) -> dict[int, T]:
        """What V0 may read: states, and moments."""
        d, n = len(self.system.xi), self.system.n
        states = {j: x for j, x in zip(self.system.xi, xi, strict=False) if j < n}
        return states | dict(zip(self.moments, xi[d : self.size], strict=True))

    def _at(self, xi: list[T]) -> dict[int, T]:
        """What f may read: variables, and constants."""
        states = dict(zip(self.system.xi, xi, strict=False))
        return states | dict(zip(self.system.constants, xi[self.size :], strict=True))

    def affine(self, lo: np.ndarray, hi: np.ndarray) -> Affine:
        """Forms of all features over boxes (d, B)."""
        centre, r = taylor.reach(lo, hi)
        xi = taylor.variables(centre, r)
        span, at, read = xi[0].span, self._at(xi), self._read(xi)
        blocks = xi[: self.size]
        for rest in self.system.rest:
            if rest is not None:
                blocks.append(
                    evaluate(rest, at.__getitem__, lambda v: taylor.constant(Interval(v), span))
                )
        if self.v0 is not None:
            blocks += [
                q
                for q in self.v0.taylor(taylor.stack([read[i] for i in self.v0.inputs]), True)[1:]
                if q is not None
            ]
        if self.w is not None:
            for shift in (0, self.system.n):
                column = taylor.stack([at[i + shift] for i in self.w.inputs])
                blocks.append(self.w.taylor(column, False)[0])
        return taylor.gather(blocks, r)

    def slopes(self, lo: np.ndarray, hi: np.ndarray, frame: np.ndarray | None = None) -> Interval:
        """Sl (d, F, B) with v(xi) = Sl(xi) xi for xi in the boxes; v(0) = 0 holds exactly, for all constants.

        In a frame T it is v(xi) = Sl(xi) eta for every eta with xi = T eta. For q = J^T p with p = Psi xi the
        slope rows are J^T Psi.
        """
        xi = slopes.variables(lo[: self.size], hi[: self.size], frame)
        blocks: list[tuple[int, tuple[Maybe, ...]]] = [(1, variable.cols) for variable in xi]
        where = xi[0].where
        for low, high in zip(lo[self.size :], hi[self.size :], strict=True):
            xi.append(slopes.constant(Interval(low[None], high[None]), where))
        at, read = self._at(xi), self._read(xi)
        for rest in self.system.rest:
            if rest is not None:
                value = evaluate(
                    rest, at.__getitem__, lambda v: slopes.constant(Interval(v), where)
                )
                blocks.append((1, value.cols))
        if self.v0 is not None:
            psi, columns = self.v0.slopes(slopes.stack([read[i] for i in self.v0.inputs]))
            for j in columns:
                rows = [None if c is None else dot(_ones(j), j * c) for c in psi.cols]
                blocks.append((1, tuple(rows)))
        if self.w is not None:
            for shift in (0, self.system.n):
                column = slopes.stack([at[i + shift] for i in self.w.inputs])
                blocks.append((self.w.outputs, self.w.slopes(column)[0].cols))
        return _columns(blocks, lo.shape[1])

    def frame(self, q: Quadratic) -> np.ndarray | None:
        """T with T^T Sl^T H Sl T about -1 at xi = 0, H the mean of the forms, or None where it is not definite.

        Nothing rests on T: any will do, and this one lets the star test see most.
        """
        constants = [float((lo + hi) / 2) for lo, hi in self.system.spans]
        at = np.array([0.0] * self.size + constants)[:, None]
        s = self.slopes(at, at).mid[:, :, 0]
        with np.errstate(all="ignore"):
            try:
                root = np.linalg.cholesky(-(s @ q.centre.mean(axis=0) @ s.T))
                found = np.linalg.inv(root).T
            except np.linalg.LinAlgError:
                return None
        return found if np.isfinite(found).all() else None


def _ones(column: Interval) -> np.ndarray:
    """The row that sums a column."""
    return np.ones((1, column.shape[0]))


def _columns(blocks: list[tuple[int, tuple[Maybe, ...]]], width: int) -> Interval:
    """Blocks of slope rows as one array (d, F, B)."""
    sizes = [size for size, _ in blocks]
    columns = [
        taylor.concatenated([cols[k] for _, cols in blocks], sizes, width)
        for k in range(len(blocks[0][1]))
    ]
    return Interval(np.stack([c.lo for c in columns]), np.stack([c.hi for c in columns]))
