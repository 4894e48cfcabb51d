"""Slopes from the origin on boxes: h(xi) = h(0) + S(xi) xi, S enclosed (docs/certificate-format.md, sections 4 and 7).

Float64, not rounded outward.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from certdde.verify.bound_propagation.taylor import interval_product
from certdde.verify.bound_propagation.unary import UNARY, Unary, power

Ends = tuple[torch.Tensor, torch.Tensor]

NEAR = 0.01  # of half a box: its middle is not used nearer to 0, where the quotient is rounding


@dataclass(frozen=True, slots=True)
class Slope:
    """A quantity or a vector: value at 0, ranges over the box and over its hull with 0, slopes (d leading).

    Attributes
    ----------
    zero : (B,) or (B, m) Tensor
    lo, hi : like zero
        Over the hull.
    slo, shi : (d, B) or (d, B, m) Tensor
    top : like zero, optional
        The value at 0 lies in [zero, top] if it depends on constants of which only intervals are known.
    blo, bhi : like zero, optional
        Over the box alone; that over the hull if none is given.
    """

    zero: torch.Tensor
    lo: torch.Tensor
    hi: torch.Tensor
    slo: torch.Tensor
    shi: torch.Tensor
    top: torch.Tensor | None = None
    blo: torch.Tensor | None = None
    bhi: torch.Tensor | None = None

    @classmethod
    def identity(
        cls, lower: torch.Tensor, upper: torch.Tensor, coordinates: int | None = None
    ) -> Slope:
        """Return xi on boxes with ends (B, d); axes after the first ``coordinates`` are unknown constants."""
        count, d = lower.shape
        eye = torch.eye(d, dtype=lower.dtype, device=lower.device).unsqueeze(1).expand(d, count, d)
        hull = lower.clamp(max=0), upper.clamp(min=0)
        whole = cls(torch.zeros_like(lower), *hull, eye, eye, None, lower, upper)
        if coordinates is None or coordinates == d:
            return whole
        free, eye = torch.arange(d, device=lower.device) < coordinates, eye[:coordinates]
        zero, top = (torch.where(free, 0.0, end) for end in (lower, upper))
        lo, hi = torch.where(free, whole.lo, lower), torch.where(free, whole.hi, upper)
        return cls(zero, lo, hi, eye, eye, top, lower, upper)

    def framed(self, frame: torch.Tensor | None) -> Slope:
        """Return coordinates with their slopes on eta, xi = frame @ eta; those that are constants have none."""
        if frame is None:
            return self
        extra = self.slo.shape[-1] - len(frame)
        columns = torch.nn.functional.pad(frame.T, (0, extra)).unsqueeze(1)
        columns = columns.expand(self.slo.shape).contiguous()
        return replace(self, slo=columns, shi=columns)

    @property
    def box(self) -> Ends:
        """The range over the box."""
        if self.blo is None or self.bhi is None:
            return self.lo, self.hi
        return self.blo, self.bhi

    @property
    def start(self) -> torch.Tensor:
        """The upper end of the value at 0."""
        return self.zero if self.top is None else self.top

    @staticmethod
    def join(pieces: Sequence[Slope]) -> Slope:
        """Return the vector of all components."""

        def joined(parts: list[torch.Tensor]) -> torch.Tensor:
            each = zip(parts, pieces, strict=True)
            return torch.cat([v if p.zero.ndim == 2 else v[..., None] for v, p in each], dim=-1)

        names = ("zero", "lo", "hi", "slo", "shi", "start")
        found = {name: joined([getattr(p, name) for p in pieces]) for name in names}
        start = found.pop("start")
        top = start if any(p.top is not None for p in pieces) else None
        box = (joined([p.box[k] for p in pieces]) for k in (0, 1))
        return Slope(**found, top=top, **dict(zip(("blo", "bhi"), box, strict=True)))

    def column(self, index: int) -> Slope:
        """Return one component."""
        return self._taken(index)

    def columns(self, index: Sequence[int]) -> Slope:
        """Return some components."""
        return self._taken(list(index))

    def _taken(self, index: int | list[int]) -> Slope:
        names = ("zero", "lo", "hi", "slo", "shi")
        top = None if self.top is None else self.top[..., index]
        box = (end[..., index] for end in self.box)
        found = Slope(*(getattr(self, n)[..., index] for n in names), top, *box)
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
            self.box[0] @ plus + self.box[1] @ minus + shift,
            self.box[1] @ plus + self.box[0] @ minus + shift,
        )

    def __add__(self, other: Slope | float) -> Slope:
        if isinstance(other, Slope):
            known = self.top is None and other.top is None
            top = None if known else self.start + other.start
            names = ("zero", "lo", "hi", "slo", "shi")
            box = (a + b for a, b in zip(self.box, other.box, strict=True))
            return Slope(*(getattr(self, n) + getattr(other, n) for n in names), top, *box)
        top = None if self.top is None else self.top + other
        zero, low, high, *box = (v + other for v in (self.zero, self.lo, self.hi, *self.box))
        return Slope(zero, low, high, self.slo, self.shi, top, *box)

    __radd__ = __add__

    def __neg__(self) -> Slope:
        top = None if self.top is None else -self.zero
        box = -self.box[1], -self.box[0]
        return Slope(-self.start, -self.hi, -self.lo, -self.shi, -self.slo, top, *box)

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
            box = tuple(end * other for end in self.box)
            return Slope(*(getattr(self, n) * other for n in names), top, *box)
        low, high = interval_product((self.lo, self.hi), (other.lo, other.hi))
        box = interval_product(self.box, other.box)
        first = interval_product(self._between(), (other.slo, other.shi))
        second = interval_product(other._between(), (self.slo, self.shi))
        zero, top = self.zero * other.zero, None
        if self.top is not None or other.top is not None:
            zero, top = interval_product((self.zero, self.start), (other.zero, other.start))
        return Slope(zero, low, high, first[0] + second[0], first[1] + second[1], top, *box)

    def _between(self) -> Ends:
        """Return the range of the middle between the value at 0 and that in the box."""
        return (self.zero + self.box[0]) / 2, (self.start + self.box[1]) / 2

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
        factor = (relu_slope(self.zero, self.box[0]), relu_slope(self.start, self.box[1]))
        slopes = interval_product(factor, (self.slo, self.shi))
        top = None if self.top is None else self.top.clamp(min=0)
        zero, low, high, *box = (v.clamp(min=0) for v in (self.zero, self.lo, self.hi, *self.box))
        return Slope(zero, low, high, *slopes, top, *box)

    def weighted(self, factor: Slope) -> Slope:
        """Return factor * self, self(0) = 0: its slopes times the factor's range."""
        low, high = interval_product((factor.lo, factor.hi), (self.lo, self.hi))
        slopes = interval_product(factor.box, (self.slo, self.shi))
        box = interval_product(factor.box, self.box)
        return Slope(factor.zero * self.zero, low, high, *slopes, None, *box)

    def _apply(self, function: Unary) -> Slope:
        low, high = function.range(self.lo, self.hi)
        box = function.range(*self.box)
        if self.top is None:
            zero, top = function.value(self.zero), None
        else:
            zero, top = function.range(self.zero, self.top)
        factor = self._chord(function, (zero, zero if top is None else top))
        return Slope(zero, low, high, *interval_product(factor, (self.slo, self.shi)), top, *box)

    def _chord(self, function: Unary, at_zero: Ends) -> Ends:
        """Return bounds of (phi(z) - phi(z_0)) / (z - z_0): the mean value theorem, and from z_0 and the middle.

        For z = c it is a number q, and its derivative in z is int t phi''(z_0 + t (z - z_0)) dt, half of a value of
        phi''. From c = z_0, where q = phi'(z_0), the bound is good near 0, from the middle of the box elsewhere.
        """
        low, high = function.slope_range(self.lo, self.hi)
        bend = function.curvature(self.lo, self.hi)
        start = function.slope_range(self.zero, self.start)
        near = interval_product(bend, (self.box[0] - self.start, self.box[1] - self.zero))
        low = torch.maximum(low, start[0] + near[0] / 2)
        high = torch.minimum(high, start[1] + near[1] / 2)
        middle, half = (self.box[0] + self.box[1]) / 2, (self.box[1] - self.box[0]) / 2
        gap = middle - self.start, middle - self.zero
        away = (gap[0] * gap[1] > 0) & (torch.minimum(gap[0].abs(), gap[1].abs()) > NEAR * half)
        inverse = 1 / torch.where(away, gap[1], 1.0), 1 / torch.where(away, gap[0], 1.0)
        value = function.value(middle)
        quotient = interval_product((value - at_zero[1], value - at_zero[0]), inverse)
        reach = torch.maximum(bend[0].abs(), bend[1].abs()) * half / 2
        low = torch.where(away, torch.maximum(low, quotient[0] - reach), low)
        high = torch.where(away, torch.minimum(high, quotient[1] + reach), high)
        return torch.minimum(low, high), torch.maximum(low, high)


def relu_slope(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return (relu(b) - relu(a)) / (b - a), elementwise; 0 or 1 where a and b are on one side."""
    high, low = torch.maximum(a, b).clamp(min=0), torch.minimum(a, b).clamp(max=0)
    mixed = high / (high - low)
    return torch.where(
        low == 0, torch.ones_like(high), torch.where(high == 0, torch.zeros_like(high), mixed)
    )
