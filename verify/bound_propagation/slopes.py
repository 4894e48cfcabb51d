"""Slopes from the origin on boxes: h(xi) = h(0) + S(xi) xi, S enclosed (docs/certificate-format.md, sections 4 and 7).

Float64, not rounded outward.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from certdde.verify.bound_propagation.taylor import interval_product, interval_square
from certdde.verify.bound_propagation.unary import UNARY, Unary, power

# The checker forms the same matrix in another order of operations; this margin covers the difference.
SAFETY = 1.02


@dataclass(frozen=True, slots=True)
class Slope:
    """A quantity or a vector: value at 0, range over the hull of the box and 0, slopes (d leading).

    Attributes
    ----------
    zero : (B,) or (B, m) Tensor
    lo, hi : like zero
    slo, shi : (d, B) or (d, B, m) Tensor
    """

    zero: torch.Tensor
    lo: torch.Tensor
    hi: torch.Tensor
    slo: torch.Tensor
    shi: torch.Tensor

    @classmethod
    def identity(cls, lower: torch.Tensor, upper: torch.Tensor) -> Slope:
        """Return xi on boxes with ends (B, d)."""
        count, d = lower.shape
        eye = torch.eye(d, dtype=lower.dtype, device=lower.device).unsqueeze(1).expand(d, count, d)
        return cls(torch.zeros_like(lower), lower.clamp(max=0), upper.clamp(min=0), eye, eye)

    @staticmethod
    def join(pieces: Sequence[Slope]) -> Slope:
        """Return the vector of all components."""
        names = ("zero", "lo", "hi", "slo", "shi")
        wide = [
            p if p.zero.ndim == 2 else Slope(*(getattr(p, name).unsqueeze(-1) for name in names))
            for p in pieces
        ]
        return Slope(*(torch.cat([getattr(p, name) for p in wide], dim=-1) for name in names))

    def column(self, index: int) -> Slope:
        """Return one component."""
        return Slope(*(getattr(self, n)[..., index] for n in ("zero", "lo", "hi", "slo", "shi")))

    def columns(self, index: Sequence[int]) -> Slope:
        """Return some components."""
        return Slope(
            *(getattr(self, n)[..., list(index)] for n in ("zero", "lo", "hi", "slo", "shi"))
        )

    def affine(self, weight: torch.Tensor, bias: torch.Tensor | None = None) -> Slope:
        """Return weight @ self + bias."""
        plus, minus = weight.clamp(min=0).T, weight.clamp(max=0).T
        shift = 0.0 if bias is None else bias
        return Slope(
            self.zero @ weight.T + shift,
            self.lo @ plus + self.hi @ minus + shift,
            self.hi @ plus + self.lo @ minus + shift,
            self.slo @ plus + self.shi @ minus,
            self.shi @ plus + self.slo @ minus,
        )

    def __add__(self, other: Slope | float) -> Slope:
        if isinstance(other, Slope):
            return Slope(
                *(getattr(self, n) + getattr(other, n) for n in ("zero", "lo", "hi", "slo", "shi"))
            )
        return replace(self, zero=self.zero + other, lo=self.lo + other, hi=self.hi + other)

    __radd__ = __add__

    def __neg__(self) -> Slope:
        return Slope(-self.zero, -self.hi, -self.lo, -self.shi, -self.slo)

    def __sub__(self, other: Slope | float) -> Slope:
        return self + (-other)

    def __rsub__(self, other: float) -> Slope:
        return -self + other

    def __mul__(self, other: Slope | float) -> Slope:
        if not isinstance(other, Slope):
            if other < 0:
                return (-self) * (-other)
            return Slope(*(getattr(self, n) * other for n in ("zero", "lo", "hi", "slo", "shi")))
        low, high = interval_product((self.lo, self.hi), (other.lo, other.hi))
        first = interval_product(
            ((self.zero + self.lo) / 2, (self.zero + self.hi) / 2), (other.slo, other.shi)
        )
        second = interval_product(
            ((other.zero + other.lo) / 2, (other.zero + other.hi) / 2), (self.slo, self.shi)
        )
        return Slope(self.zero * other.zero, low, high, first[0] + second[0], first[1] + second[1])

    __rmul__ = __mul__

    def __truediv__(self, other: Slope | float) -> Slope:
        return self * (other**-1 if isinstance(other, Slope) else 1 / other)

    def __rtruediv__(self, other: float) -> Slope:
        return self**-1 * other

    def __pow__(self, exponent: int) -> Slope:
        if exponent == 0:
            return self * 0.0 + 1.0
        return self if exponent == 1 else self._apply(power(exponent))

    def tanh(self) -> Slope:
        """Return tanh of each component."""
        return self._apply(UNARY["tanh"])

    def call(self, name: str) -> Slope:
        """Return a named function of each component."""
        return self._apply(UNARY[name])

    def damp(self, other: Slope) -> Slope:
        """Return (1 - self^2) * other, other(0) = 0: its slopes times the factor's range."""
        square = interval_square((self.lo, self.hi))
        factor = (1 - square[1], 1 - square[0])
        low, high = interval_product(factor, (other.lo, other.hi))
        return Slope(
            (1 - self.zero**2) * other.zero,
            low,
            high,
            *interval_product(factor, (other.slo, other.shi)),
        )

    def _apply(self, function: Unary) -> Slope:
        low, high = function.range(self.lo, self.hi)
        whole = function.slope_range(self.lo, self.hi)
        start = function.slope(self.zero)
        near = interval_product(
            function.curvature(self.lo, self.hi), (self.lo - self.zero, self.hi - self.zero)
        )
        factor = (
            torch.maximum(whole[0], start + near[0] / 2),
            torch.minimum(whole[1], start + near[1] / 2),
        )
        return Slope(
            function.value(self.zero), low, high, *interval_product(factor, (self.slo, self.shi))
        )


def star_test(value: Slope, forms: torch.Tensor) -> torch.Tensor:
    """Test whether S^T H S is negative definite for every S in the slopes and every H.

    Parameters
    ----------
    value : Slope
        v on B boxes, m components, v(0) = 0.
    forms : (E, m, m) Tensor

    Returns
    -------
    (B,) bool Tensor
        True where the largest eigenvalue of the centre plus the norm of the radius is negative for all E; false on NaN.
    """
    centre, radius = (value.slo + value.shi) / 2, (value.shi - value.slo) / 2
    image = torch.einsum("dbi,eij->ebdj", centre, forms)
    middle = torch.einsum("ebdj,cbj->ebdc", image, centre)
    first = torch.einsum("ebdj,cbj->ebdc", image.abs(), radius)
    second = torch.einsum("dbi,eij,cbj->ebdc", radius, forms.abs(), radius)
    spread = first + first.transpose(-1, -2) + second
    spread = spread * SAFETY
    return negative_definite(middle - spread, middle + spread).all(0)


def negative_definite(lower: torch.Tensor, upper: torch.Tensor) -> torch.Tensor:
    """Test by elimination whether every symmetric matrix in [lower, upper] is negative definite.

    From the last row on, as the checker does: elimination of intervals depends on the order.
    """
    size = lower.shape[-1]
    lower, upper = lower.flip((-2, -1)), upper.flip((-2, -1))
    matrix = {
        (i, j): (-upper[..., i, j], -lower[..., i, j]) for i in range(size) for j in range(i + 1)
    }
    proved = torch.ones_like(lower[..., 0, 0], dtype=torch.bool)
    for k in range(size):
        pivot = matrix[k, k]
        proved = proved & (pivot[0] > 0) & torch.isfinite(pivot[1])
        inverse = (1 / pivot[1], 1 / pivot[0])
        for i in range(k + 1, size):
            for j in range(k + 1, i + 1):
                product = (
                    interval_square(matrix[i, k])
                    if i == j
                    else interval_product(matrix[i, k], matrix[j, k])
                )
                change = interval_product(product, inverse)
                matrix[i, j] = (matrix[i, j][0] - change[1], matrix[i, j][1] - change[0])
    return proved
