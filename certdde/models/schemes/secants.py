"""The slopes F(z) / z of a scheme with one state, enclosed on intervals of z as the certificate encloses them."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from certdde.errors import ProblemError
from certdde.models.schemes.fixed_scheme import FixedScheme
from certdde.verify.bound_propagation.slopes import Slope

PIECES = 1024


@dataclass(frozen=True, slots=True)
class Secants:
    """F(z) / z is in [low, high] for z in the domain, z not 0; on which pieces the ends are taken."""

    low: float
    high: float
    at_low: tuple[float, float]
    at_high: tuple[float, float]


def secants(scheme: FixedScheme, domain: tuple[float, float], pieces: int = PIECES) -> Secants:
    """Enclose the slopes from the origin piece by piece.

    Parameters
    ----------
    scheme : FixedScheme
        With one state.
    domain : (float, float)
        Around 0.
    pieces : int

    Raises
    ------
    ProblemError
        If the scheme has several states.

    Soundness
    ---------
    float64, not rounded outward. It steers training; the checker encloses the slopes again.
    """
    if scheme.states != 1:
        raise ProblemError(
            f"a scheme with {scheme.states} states", where="scheme", wanted="one state"
        )
    ends = torch.linspace(*domain, pieces + 1, dtype=torch.float64)
    numbers = scheme.linear[0], scheme.outer, scheme.inner.T, scheme.shifts[None]
    low, high = enclosed_secants(*numbers, ends[:-1], ends[1:])
    if not bool(torch.isfinite(low).all() & torch.isfinite(high).all()):
        raise ProblemError("slopes that are not finite", where="scheme", wanted="finite weights")
    i, j = int(low.argmin()), int(high.argmax())
    places = [(float(ends[k]), float(ends[k + 1])) for k in (i, j)]
    return Secants(float(low[i]), float(high[j]), places[0], places[1])


def enclosed_secants(
    linear: Float[Tensor, "#pieces"],
    outer: Float[Tensor, "#pieces units"],
    inner: Float[Tensor, "#pieces units"],
    shifts: Float[Tensor, "#pieces units"],
    low: Float[Tensor, " pieces"],
    high: Float[Tensor, " pieces"],
) -> tuple[Float[Tensor, " pieces"], Float[Tensor, " pieces"]]:
    """Return bounds of F(z) / z on pieces [low, high], each with a scheme of its own; differentiable."""
    shape = (len(low), outer.shape[-1])
    outer, inner, shifts = (part.expand(shape) for part in (outer, inner, shifts))
    xi = Slope.identity(low.unsqueeze(1), high.unsqueeze(1))
    parts = {name: getattr(xi, name) for name in PARTS}
    wide = Slope(**{name: part.expand(*part.shape[:-1], shape[1]) for name, part in parts.items()})
    tanh = (wide * _constant(inner)).call("tanh")
    units = tanh / (tanh * _constant(shifts) + 1.0)
    value = units * _constant(outer)
    return value.slo[0].sum(-1) + linear, value.shi[0].sum(-1) + linear


PARTS = ("zero", "lo", "hi", "slo", "shi", "blo", "bhi")


def _constant(value: Tensor) -> Slope:
    none = torch.zeros_like(value).unsqueeze(0)
    return Slope(value, value, value, none, none)
