"""First-order Taylor forms on batches of boxes: q(xi) in c + L (xi - centre) + [lo, hi].

See docs/certificate-format.md, section 7.
Float64, not rounded outward. Differentiable, so that bounds can stand in a training loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from certdde.verify.bound_propagation.unary import UNARY, Unary, power


def interval_product(
    a: tuple[torch.Tensor, torch.Tensor], b: tuple[torch.Tensor, torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the product of two intervals."""
    products = (a[0] * b[0], a[0] * b[1], a[1] * b[0], a[1] * b[1])
    low = torch.minimum(
        torch.minimum(products[0], products[1]), torch.minimum(products[2], products[3])
    )
    high = torch.maximum(
        torch.maximum(products[0], products[1]), torch.maximum(products[2], products[3])
    )
    return low, high


def interval_square(a: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the square of an interval."""
    low, high = a[0] * a[0], a[1] * a[1]
    straddles = (a[0] < 0) & (a[1] > 0)
    return torch.where(straddles, torch.zeros_like(low), torch.minimum(low, high)), torch.maximum(
        low, high
    )


@dataclass(frozen=True, slots=True)
class Taylor:
    """A quantity, or a vector of quantities, on B boxes.

    Attributes
    ----------
    c : (B,) or (B, m) Tensor
        Value part at the centre.
    L : (d, B) or (d, B, m) Tensor
        Linear part.
    lo, hi : like c
        Remainder.
    r : (d, B) Tensor
        Half-widths of the boxes.
    """

    c: torch.Tensor
    L: torch.Tensor
    lo: torch.Tensor
    hi: torch.Tensor
    r: torch.Tensor

    @classmethod
    def identity(cls, lower: torch.Tensor, upper: torch.Tensor) -> Taylor:
        """Return xi itself on boxes with ends (B, d)."""
        count, d = lower.shape
        eye = torch.eye(d, dtype=lower.dtype, device=lower.device)
        zero = torch.zeros_like(lower)
        return cls(
            (lower + upper) / 2,
            eye.unsqueeze(1).expand(d, count, d),
            zero,
            zero,
            ((upper - lower) / 2).T,
        )

    @staticmethod
    def join(pieces: Sequence[Taylor]) -> Taylor:
        """Return the vector of all components; scalars become components."""
        wide = [
            p
            if p.c.ndim == 2
            else replace(p, c=p.c[:, None], L=p.L[..., None], lo=p.lo[:, None], hi=p.hi[:, None])
            for p in pieces
        ]
        parts = {
            name: torch.cat([getattr(p, name) for p in wide], dim=-1)
            for name in ("c", "L", "lo", "hi")
        }
        return Taylor(r=pieces[0].r, **parts)

    def _radius(self) -> torch.Tensor:
        r = self.r if self.c.ndim == 1 else self.r.unsqueeze(-1)
        return (self.L.abs() * r).sum(0)

    def spread(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the range of the form less its value at the centre."""
        radius = self._radius()
        return self.lo - radius, self.hi + radius

    def bounds(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the range of the form."""
        low, high = self.spread()
        return self.c + low, self.c + high

    def column(self, index: int) -> Taylor:
        """Return one component."""
        return Taylor(
            self.c[:, index], self.L[:, :, index], self.lo[:, index], self.hi[:, index], self.r
        )

    def columns(self, index: Sequence[int]) -> Taylor:
        """Return some components."""
        i = list(index)
        return Taylor(self.c[:, i], self.L[:, :, i], self.lo[:, i], self.hi[:, i], self.r)

    def boxes(self, chosen: torch.Tensor) -> Taylor:
        """Return the form on some of the boxes, by a mask (B,)."""
        ends = self.lo[chosen], self.hi[chosen]
        return Taylor(self.c[chosen], self.L[:, chosen], *ends, self.r[:, chosen])

    def affine(self, weight: torch.Tensor, bias: torch.Tensor | None = None) -> Taylor:
        """Return weight @ self + bias."""
        middle, radius = (self.lo + self.hi) / 2, (self.hi - self.lo) / 2
        shift, spread = middle @ weight.T, radius @ weight.abs().T
        c = self.c @ weight.T
        return Taylor(
            c if bias is None else c + bias,
            self.L @ weight.T,
            shift - spread,
            shift + spread,
            self.r,
        )

    def __add__(self, other: Taylor | float) -> Taylor:
        if isinstance(other, Taylor):
            return Taylor(
                self.c + other.c, self.L + other.L, self.lo + other.lo, self.hi + other.hi, self.r
            )
        return replace(self, c=self.c + other)

    __radd__ = __add__

    def __neg__(self) -> Taylor:
        return Taylor(-self.c, -self.L, -self.hi, -self.lo, self.r)

    def __sub__(self, other: Taylor | float) -> Taylor:
        return self + (-other)

    def __rsub__(self, other: float) -> Taylor:
        return -self + other

    def __mul__(self, other: Taylor | float) -> Taylor:
        if not isinstance(other, Taylor):
            if other < 0:
                return (-self) * (-other)
            return Taylor(self.c * other, self.L * other, self.lo * other, self.hi * other, self.r)
        first, second = (
            interval_product((self.c, self.c), (other.lo, other.hi)),
            interval_product((other.c, other.c), (self.lo, self.hi)),
        )
        third = interval_product(self.spread(), other.spread())
        return Taylor(
            self.c * other.c,
            self.c * other.L + other.c * self.L,
            first[0] + second[0] + third[0],
            first[1] + second[1] + third[1],
            self.r,
        )

    __rmul__ = __mul__

    def __truediv__(self, other: Taylor | float) -> Taylor:
        return self * (other**-1 if isinstance(other, Taylor) else 1 / other)

    def __rtruediv__(self, other: float) -> Taylor:
        return self**-1 * other

    def __pow__(self, exponent: int) -> Taylor:
        if exponent == 0:
            return self * 0.0 + 1.0
        return self if exponent == 1 else self._apply(power(exponent))

    def call(self, name: str) -> Taylor:
        """Return a named function of each component."""
        return self._relu() if name == "relu" else self._apply(UNARY[name])

    def _relu(self) -> Taylor:
        """Return max(0, .), between two lines of the slope of its chord where the sign may change."""
        low, high = self.bounds()
        chord = high.clamp(min=0) / (high.clamp(min=0) - low.clamp(max=0)).clamp(
            min=torch.finfo(high.dtype).tiny
        )
        gap = -chord * low.clamp(max=0)  # of the chord above 0, largest at 0
        middle = torch.where((low < 0) & (high > 0), gap / 2, torch.zeros_like(gap))
        return Taylor(
            chord * self.c + middle,
            chord * self.L,
            chord * self.lo - middle,
            chord * self.hi + middle,
            self.r,
        )

    def weighted(self, factor: Taylor) -> Taylor:
        """Return factor * self."""
        return factor * self

    def _apply(self, function: Unary) -> Taylor:
        spread = self.spread()
        curvature = function.curvature(self.c + spread[0], self.c + spread[1])
        slope = function.slope(self.c)
        rest = interval_product(curvature, interval_square(spread))
        first = interval_product((slope, slope), (self.lo, self.hi))
        return Taylor(
            function.value(self.c),
            slope * self.L,
            first[0] + rest[0] / 2,
            first[1] + rest[1] / 2,
            self.r,
        )

    def centred(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return (m, L, rho): the quantity lies in m + L (xi - centre) + [-rho, rho]."""
        return self.c + (self.lo + self.hi) / 2, self.L, (self.hi - self.lo) / 2


def quadratic_upper_bound(value: Taylor, forms: torch.Tensor) -> torch.Tensor:
    """Bound v^T H v over each box from above, for several H (docs/certificate-format.md, section 4, collapsed leaf).

    Parameters
    ----------
    value : Taylor
        v with m components on B boxes.
    forms : (E, m, m) Tensor
        Symmetric matrices.

    Returns
    -------
    (E, B) Tensor
        Float64 upper bounds; NaN where v could not be enclosed.
    """
    m, L, rho = value.centred()
    r = value.r
    transformed = m @ forms
    images = torch.einsum("dbi,eij->debj", L, forms)
    total = (transformed * m).sum(-1)
    reach = transformed.abs()
    for k in range(r.shape[0]):
        total = total + 2 * (L[k] * transformed).sum(-1).abs() * r[k]
        reach = reach + images[k].abs() * r[k].unsqueeze(-1)
        for j in range(k + 1):
            cross = (images[k] * L[j]).sum(-1) * (r[k] * r[j])
            total = total + (cross.clamp(min=0) if j == k else 2 * cross.abs())
    return total + remainder_bound(reach, rho, forms)


def remainder_bound(reach: torch.Tensor, rho: torch.Tensor, forms: torch.Tensor) -> torch.Tensor:
    """Bound 2 e^T H (m + L t) + e^T H e, |e| <= rho, (E, B); ``reach`` bounds |H (m + L t)|."""
    return 2 * (reach * rho).sum(-1) + ((rho @ forms.abs()) * rho).sum(-1)
