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
SAFETY = 1.5  # the checker refused boxes of networks of predator and prey at 1.02 and at 1.1


@dataclass(frozen=True, slots=True)
class Slope:
    """A quantity or a vector: value at 0, range over the hull of the box and 0, slopes (d leading).

    Attributes
    ----------
    zero : (B,) or (B, m) Tensor
    lo, hi : like zero
    slo, shi : (d, B) or (d, B, m) Tensor
    top : like zero, optional
        The value at 0 lies in [zero, top] if it depends on constants of which only intervals are known.
    """

    zero: torch.Tensor
    lo: torch.Tensor
    hi: torch.Tensor
    slo: torch.Tensor
    shi: torch.Tensor
    top: torch.Tensor | None = None

    @classmethod
    def identity(
        cls, lower: torch.Tensor, upper: torch.Tensor, coordinates: int | None = None
    ) -> Slope:
        """Return xi on boxes with ends (B, d); axes after the first ``coordinates`` are unknown constants."""
        count, d = lower.shape
        eye = torch.eye(d, dtype=lower.dtype, device=lower.device).unsqueeze(1).expand(d, count, d)
        whole = cls(torch.zeros_like(lower), lower.clamp(max=0), upper.clamp(min=0), eye, eye)
        if coordinates is None or coordinates == d:
            return whole
        free, eye = torch.arange(d, device=lower.device) < coordinates, eye[:coordinates]
        zero, top = (torch.where(free, 0.0, end) for end in (lower, upper))
        lo, hi = torch.where(free, whole.lo, lower), torch.where(free, whole.hi, upper)
        return cls(zero, lo, hi, eye, eye, top)

    @property
    def start(self) -> torch.Tensor:
        """The upper end of the value at 0."""
        return self.zero if self.top is None else self.top

    @staticmethod
    def join(pieces: Sequence[Slope]) -> Slope:
        """Return the vector of all components."""
        names = ["zero", "lo", "hi", "slo", "shi"]
        if any(p.top is not None for p in pieces):
            names.append("start")
        columns = (
            [getattr(p, name) if p.zero.ndim == 2 else getattr(p, name)[..., None] for p in pieces]
            for name in names
        )
        return Slope(*(torch.cat(column, dim=-1) for column in columns))

    def column(self, index: int) -> Slope:
        """Return one component."""
        return self._taken(index)

    def columns(self, index: Sequence[int]) -> Slope:
        """Return some components."""
        return self._taken(list(index))

    def _taken(self, index: int | list[int]) -> Slope:
        names = ("zero", "lo", "hi", "slo", "shi")
        top = None if self.top is None else self.top[..., index]
        found = Slope(*(getattr(self, n)[..., index] for n in names), top)
        known = top is None or bool((found.zero == top).all())
        return replace(found, top=None) if known else found

    def affine(self, weight: torch.Tensor, bias: torch.Tensor | None = None) -> Slope:
        """Return weight @ self + bias."""
        plus, minus = weight.clamp(min=0).T, weight.clamp(max=0).T
        shift = 0.0 if bias is None else bias
        zero, top = self.zero @ weight.T + shift, None
        if self.top is not None:
            zero = self.zero @ plus + self.top @ minus + shift
            top = self.top @ plus + self.zero @ minus + shift
        return Slope(
            zero,
            self.lo @ plus + self.hi @ minus + shift,
            self.hi @ plus + self.lo @ minus + shift,
            self.slo @ plus + self.shi @ minus,
            self.shi @ plus + self.slo @ minus,
            top,
        )

    def __add__(self, other: Slope | float) -> Slope:
        if isinstance(other, Slope):
            known = self.top is None and other.top is None
            top = None if known else self.start + other.start
            names = ("zero", "lo", "hi", "slo", "shi")
            return Slope(*(getattr(self, n) + getattr(other, n) for n in names), top)
        top = None if self.top is None else self.top + other
        moved = (value + other for value in (self.zero, self.lo, self.hi))
        return Slope(*moved, self.slo, self.shi, top)

    __radd__ = __add__

    def __neg__(self) -> Slope:
        top = None if self.top is None else -self.zero
        return Slope(-self.start, -self.hi, -self.lo, -self.shi, -self.slo, top)

    def __sub__(self, other: Slope | float) -> Slope:
        return self + (-other)

    def __rsub__(self, other: float) -> Slope:
        return -self + other

    def __mul__(self, other: Slope | float) -> Slope:
        if not isinstance(other, Slope):
            if other < 0:
                return (-self) * (-other)
            top = None if self.top is None else self.top * other
            names = ("zero", "lo", "hi", "slo", "shi")
            return Slope(*(getattr(self, n) * other for n in names), top)
        low, high = interval_product((self.lo, self.hi), (other.lo, other.hi))
        first = interval_product(
            ((self.zero + self.lo) / 2, (self.start + self.hi) / 2), (other.slo, other.shi)
        )
        second = interval_product(
            ((other.zero + other.lo) / 2, (other.start + other.hi) / 2), (self.slo, self.shi)
        )
        zero, top = self.zero * other.zero, None
        if self.top is not None or other.top is not None:
            zero, top = interval_product((self.zero, self.start), (other.zero, other.start))
        return Slope(zero, low, high, first[0] + second[0], first[1] + second[1], top)

    __rmul__ = __mul__

    def __truediv__(self, other: Slope | float) -> Slope:
        return self * (other**-1 if isinstance(other, Slope) else 1 / other)

    def __rtruediv__(self, other: float) -> Slope:
        return self**-1 * other

    def __pow__(self, exponent: int) -> Slope:
        if exponent == 0:
            return self * 0.0 + 1.0
        return self if exponent == 1 else self._apply(power(exponent))

    def call(self, name: str) -> Slope:
        """Return a named function of each component."""
        return self._relu() if name == "relu" else self._apply(UNARY[name])

    def _relu(self) -> Slope:
        """Return max(0, .), whose slope from one point to another grows with both."""
        factor = (relu_slope(self.zero, self.lo), relu_slope(self.start, self.hi))
        slopes = interval_product(factor, (self.slo, self.shi))
        top = None if self.top is None else self.top.clamp(min=0)
        ends = (value.clamp(min=0) for value in (self.zero, self.lo, self.hi))
        return Slope(*ends, *slopes, top)

    def weighted(self, factor: Slope) -> Slope:
        """Return factor * self, self(0) = 0: its slopes times the factor's range."""
        span = (factor.lo, factor.hi)
        low, high = interval_product(span, (self.lo, self.hi))
        slopes = interval_product(span, (self.slo, self.shi))
        return Slope(factor.zero * self.zero, low, high, *slopes)

    def _apply(self, function: Unary) -> Slope:
        low, high = function.range(self.lo, self.hi)
        whole = function.slope_range(self.lo, self.hi)
        if self.top is None:
            start = (function.slope(self.zero),) * 2
            zero, top = function.value(self.zero), None
        else:
            start = function.slope_range(self.zero, self.top)
            zero, top = function.range(self.zero, self.top)
        near = interval_product(
            function.curvature(self.lo, self.hi), (self.lo - self.start, self.hi - self.zero)
        )
        factor = (
            torch.maximum(whole[0], start[0] + near[0] / 2),
            torch.minimum(whole[1], start[1] + near[1] / 2),
        )
        return Slope(zero, low, high, *interval_product(factor, (self.slo, self.shi)), top)


def relu_slope(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return (relu(b) - relu(a)) / (b - a), elementwise; 0 or 1 where a and b are on one side."""
    high, low = torch.maximum(a, b).clamp(min=0), torch.minimum(a, b).clamp(max=0)
    mixed = high / (high - low)
    return torch.where(
        low == 0, torch.ones_like(high), torch.where(high == 0, torch.zeros_like(high), mixed)
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
