"""The bound engine by auto_LiRPA: the one file (with its shim) that touches that package.

auto_LiRPA gives linear bounds of the features, A_lo xi + b_lo <= v(xi) <= A_up xi + b_up; they
become a Taylor form, so that
the same test as for intervals decides. Only operations of ``ALLOWED`` reach it, each with a sampling test of its own.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.functional import linear

from certdde.errors import MissingPackageError, ProblemError
from certdde.inequalities.inequality import Inequality
from certdde.verify.bound_propagation.lirpa_relaxations import mend
from certdde.verify.bound_propagation.taylor import Taylor

# Measured sound in auto_LiRPA 0.3 by sampling (tests/verify/bound_propagation/test_lirpa.py).
# Not here: division (its interval bounds are wrong),
# sqrt (wrong in CROWN-IBP), tan, log, atan (missing).
ALLOWED = ("tanh", "sigmoid", "sin", "cos", "exp")
METHODS = ("IBP", "CROWN-IBP", "CROWN")


@dataclass(frozen=True, slots=True)
class _Value:
    """A tensor (B, m) inside the traced module; constants become parameters of the module."""

    tensor: torch.Tensor
    owner: _Module

    def _wrap(self, tensor: torch.Tensor) -> _Value:
        return _Value(tensor, self.owner)

    def affine(self, weight: torch.Tensor, bias: torch.Tensor | None = None) -> _Value:
        """Return weight @ self + bias."""
        bias_ = self.owner.constant(
            torch.zeros(weight.shape[0], dtype=weight.dtype) if bias is None else bias
        )
        return self._wrap(linear(self.tensor, self.owner.constant(weight), bias_))

    def columns(self, index: Sequence[int]) -> _Value:
        """Return some components, by a selection matrix: slices have no float64 bounds in auto_LiRPA 0.3."""
        return self.affine(torch.eye(self.tensor.shape[-1], dtype=self.tensor.dtype)[list(index)])

    def column(self, index: int) -> _Value:
        """Return one component, as a vector of one."""
        return self.columns([index])

    @staticmethod
    def join(pieces: Sequence[_Value]) -> _Value:
        """Return the vector of all components, as a sum of embeddings."""
        sizes = [p.tensor.shape[-1] for p in pieces]
        eye = torch.eye(sum(sizes), dtype=pieces[0].tensor.dtype)
        starts = [sum(sizes[:i]) for i in range(len(sizes))]
        total = None
        for piece, start, size in zip(pieces, starts, sizes, strict=True):
            embedded = piece.affine(eye[:, start : start + size])
            total = embedded if total is None else total + embedded
        return total  # type: ignore[return-value]

    def weighted(self, factor: _Value) -> _Value:
        """Return factor * self."""
        return factor * self

    def call(self, name: str) -> _Value:
        """Return a named function of each component."""
        if name not in ALLOWED:
            raise ProblemError(
                f"auto_LiRPA has no sound bound for {name}",
                where="certify.engine",
                wanted='engine = "intervals"',
            )
        return self._wrap(getattr(torch, name)(self.tensor))

    def _constant(self, value: float) -> torch.Tensor:
        return self.owner.constant(torch.full((1,), value, dtype=self.tensor.dtype))

    def __add__(self, other: _Value | float) -> _Value:
        return self._wrap(
            self.tensor + (other.tensor if isinstance(other, _Value) else self._constant(other))
        )

    __radd__ = __add__

    def __neg__(self) -> _Value:
        return self * -1.0

    def __sub__(self, other: _Value | float) -> _Value:
        return self + (-other)

    def __rsub__(self, other: float) -> _Value:
        return -self + other

    def __mul__(self, other: _Value | float) -> _Value:
        return self._wrap(
            self.tensor * (other.tensor if isinstance(other, _Value) else self._constant(other))
        )

    __rmul__ = __mul__

    def __truediv__(self, other: _Value | float) -> _Value:
        if isinstance(other, _Value):
            raise _division()
        return self * (1 / other)

    def __rtruediv__(self, other: float) -> _Value:
        raise _division()

    def __pow__(self, exponent: int) -> _Value:
        if exponent < 0:
            raise _division()
        result = self if exponent else self * 0.0 + 1.0
        for _ in range(exponent - 1):
            result = result * self
        return result


def _division() -> ProblemError:
    return ProblemError(
        "auto_LiRPA's bounds of a division are not sound",
        where="certify.engine",
        wanted='engine = "intervals"',
    )


class _Module(nn.Module):
    """v(xi) as a module that auto_LiRPA can trace; the same constants in the same order at each call."""

    def __init__(self, features: Callable[[Any], Any]) -> None:
        super().__init__()
        self._features = features
        self.constants = nn.ParameterList()
        self._next = 0

    def constant(self, value: torch.Tensor) -> torch.Tensor:
        if self._next == len(self.constants):
            self.constants.append(nn.Parameter(value.detach().clone(), requires_grad=False))
        self._next += 1
        return self.constants[self._next - 1]

    def forward(self, xi: torch.Tensor) -> torch.Tensor:
        self._next = 0
        return self._features(_Value(xi, self)).tensor


def _package() -> Any:
    from certdde.verify.bound_propagation import lirpa_compat

    lirpa_compat.supply()
    limit = sys.getrecursionlimit()
    try:
        # Recorded, not ignored: the package sets a filter of its own while it is imported.
        with warnings.catch_warnings(record=True):
            import auto_LiRPA
    except ImportError as error:
        raise MissingPackageError(
            f"auto_LiRPA cannot be imported ({error})",
            where="certify.engine",
            wanted='uv sync --extra lirpa, or engine = "intervals"',
        ) from None
    finally:
        sys.setrecursionlimit(limit)  # the package raises it to a million
    lirpa_compat.without_duplicates(auto_LiRPA.BoundedModule)
    return auto_LiRPA


@dataclass(frozen=True, slots=True)
class BoundedFeatures:
    """Features prepared for bound propagation; bounds of many boxes at once."""

    module: Any
    package: Any
    method: str

    @classmethod
    def of(
        cls, features: Callable[[Any], Any], dimension: int, method: str = "CROWN-IBP"
    ) -> BoundedFeatures:
        """Trace the features.

        Raises
        ------
        MissingPackageError
            If auto_LiRPA is not installed.
        ProblemError
            If the features use an operation outside the allow-list.
        """
        package = _package()
        example = torch.full((2, dimension), 0.1, dtype=torch.float64)
        plain = _Module(features)
        plain(example)
        bounded = package.BoundedModule(
            plain, example, bound_opts={"conv_mode": "matrix"}, device="cpu"
        )
        for node in bounded._modules.values():
            mend(node)
        return cls(bounded, package, method)

    def bounds(self, lower: torch.Tensor, upper: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return plain bounds of the features, (B, m) each."""
        low, high = self._compute(lower, upper)[:2]
        return low.detach(), high.detach()

    def enclose(self, lower: torch.Tensor, upper: torch.Tensor) -> Taylor:
        """Return the Taylor form made of the two linear bounds; for ``IBP`` without a linear part."""
        found = self._compute(lower, upper)
        count, d = lower.shape
        half = (upper - lower) / 2
        if self.method == "IBP":
            low, high = found
            c = (low + high) / 2
            return Taylor(c, c.new_zeros(d, *c.shape), low - c, high - c, half.T)
        table = next(iter(next(iter(found[2].values())).values()))
        first, second = table["lA"].reshape(count, -1, d), table["uA"].reshape(count, -1, d)
        # The table's own bias lacks the constants of some nodes; the concrete bounds hold all of it.
        low = found[0] + torch.einsum("bmd,bd->bm", first.abs(), half)
        high = found[1] - torch.einsum("bmd,bd->bm", second.abs(), half)
        spread = torch.einsum("bmd,bd->bm", (second - first).abs() / 2, half)
        c = (low + high) / 2
        return Taylor(
            c.detach(),
            ((first + second) / 2).permute(2, 0, 1).detach(),
            (low - c - spread).detach(),
            (high - c + spread).detach(),
            half.T,
        )

    def _compute(self, lower: torch.Tensor, upper: torch.Tensor) -> Any:
        perturbation = self.package.PerturbationLpNorm(norm=float("inf"), x_L=lower, x_U=upper)
        x = self.package.BoundedTensor((lower + upper) / 2, perturbation)
        if self.method == "IBP":
            with torch.no_grad():
                return self.module.compute_bounds(x=(x,), method="IBP")
        wanted = {self.module.output_name[0]: [self.module.input_name[0]]}
        with torch.no_grad():
            return self.module.compute_bounds(
                x=(x,), method=self.method, return_A=True, needed_A_dict=wanted
            )


def by_lirpa(
    method: str = "CROWN-IBP",
) -> Callable[[Inequality, torch.Tensor, torch.Tensor], Taylor]:
    """Return an encloser for branch and bound; it traces each inequality's features once."""
    if method not in METHODS:
        raise ProblemError(
            f"unknown method {method!r}",
            where="certify.engine",
            wanted=f"one of {', '.join(METHODS)}",
        )
    _package()
    known: dict[int, tuple[Any, BoundedFeatures]] = {}

    def enclose(inequality: Inequality, lower: torch.Tensor, upper: torch.Tensor) -> Taylor:
        key = id(inequality.features)
        if key not in known or known[key][0] is not inequality.features:
            known[key] = (
                inequality.features,
                BoundedFeatures.of(inequality.features, inequality.dimension, method),
            )
        return known[key][1].enclose(lower, upper)

    return enclose
