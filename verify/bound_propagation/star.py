"""The star test: xi^T (S^T H S) xi < 0 for all slopes S of v over a box (docs/certificate-format.md, section 4).

It takes boxes around the origin, where D vanishes, and any others on which the slopes vary little. In a frame T, with
xi = T eta, the matrix in the middle of the domain is -1, and elimination on intervals loses least.
Float64, not rounded outward.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch

from certdde.inequalities.inequality import Inequality
from certdde.verify.bound_propagation.slopes import Slope
from certdde.verify.bound_propagation.taylor import interval_product, interval_square

# The checker forms the same matrix in another order of operations; this margin covers the difference.
SAFETY = 1.5  # the checker refused boxes of networks of predator and prey at 1.02 and at 1.1
FEW = 4  # variables, up to which boxes are split along their longest side
NEARLY = 16.0  # spread over the domain, up to which boxes are split for the sake of this test
HOPEFUL = 4.0  # spread to be expected of a box, beyond which it is not worth a test
LEAST = 0.02  # share of an axis along which slopes do not vary


@dataclass(frozen=True, slots=True)
class Star:
    """The test for one inequality.

    Attributes
    ----------
    inequality : Inequality
    frame : (d, d) Tensor or None
    spread : float
        Norm of the bounds' half width over the whole domain, in the frame: the test passes below about 1.
    """

    inequality: Inequality
    frame: torch.Tensor | None
    spread: float = math.inf

    @classmethod
    def of(cls, inequality: Inequality) -> Star:
        """Choose the frame by the slopes at 0, with the unknown constants in the middle of their intervals."""
        at = ((inequality.lower + inequality.upper) / 2)[None].clone()
        at[:, : inequality.coordinates] = 0.0
        value = inequality.features(Slope.identity(at, at, inequality.coordinates))
        found = cls(inequality, frame_of(value, inequality.forms))
        whole = found._sizes(inequality.lower[None], inequality.upper[None])
        return replace(found, spread=float(whole.nan_to_num(nan=math.inf)))

    def __call__(self, lower: torch.Tensor, upper: torch.Tensor) -> torch.Tensor:
        """Return where the test passes on boxes (B, d), (B,) bool."""
        return star_test(self._slopes(lower, upper), self.inequality.forms)

    def hopeful(self, lower: torch.Tensor, upper: torch.Tensor) -> torch.Tensor:
        """Return where the test may pass, (B,) bool: the spread is about proportional to the widths."""
        d, whole = self.inequality.coordinates, self.inequality.upper - self.inequality.lower
        return ((upper - lower) / whole)[:, :d].amax(-1) * self.spread <= HOPEFUL

    def _sizes(self, lower: torch.Tensor, upper: torch.Tensor) -> torch.Tensor:
        """Return the spread on boxes, (B,), for the mean of the forms."""
        form = self.inequality.forms.mean(0, keepdim=True)
        low, high = bounds(self._slopes(lower, upper), form)
        return torch.linalg.matrix_norm((high - low)[0] / 2)

    def _slopes(self, lower: torch.Tensor, upper: torch.Tensor) -> Slope:
        xi = Slope.identity(lower, upper, self.inequality.coordinates)
        found: Slope = self.inequality.features(xi.framed(self.frame))
        return found

    def shares(self) -> torch.Tensor | None:
        """Return how much the relative width of each axis counts when a box is split.

        Where there are many variables, and the test has a chance: the slopes' spread over a box that is as long as
        the domain along one axis, and thin along all others.
        """
        inequality, d = self.inequality, self.inequality.coordinates
        if self.frame is None or d <= FEW or self.spread > NEARLY:
            return inequality.shares
        lower = ((inequality.lower + inequality.upper) / 2).repeat(d, 1)
        lower[:, :d] = 0.0
        upper, k = lower.clone(), torch.arange(d)
        lower[k, k], upper[k, k] = inequality.lower[:d], inequality.upper[:d]
        sizes = self._sizes(lower, upper)
        if not bool(torch.isfinite(sizes).all()) or not float(sizes.max()) > 0:
            return inequality.shares
        weights = (sizes / sizes.max()).clamp(min=LEAST)
        rest = torch.ones(inequality.dimension - d, dtype=weights.dtype)
        found = torch.cat([weights, rest])
        return found if inequality.shares is None else found * inequality.shares


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
        True where elimination shows it for all E; false on NaN.
    """
    return negative_definite(*bounds(value, forms)).all(0)


def bounds(value: Slope, forms: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return bounds (E, B, d, d) of the entries of S^T H S."""
    centre, radius = (value.slo + value.shi) / 2, (value.shi - value.slo) / 2
    image = torch.einsum("dbi,eij->ebdj", centre, forms)
    middle = torch.einsum("ebdj,cbj->ebdc", image, centre)
    first = torch.einsum("ebdj,cbj->ebdc", image.abs(), radius)
    second = torch.einsum("dbi,eij,cbj->ebdc", radius, forms.abs(), radius)
    spread = first + first.transpose(-1, -2) + second
    spread = spread * SAFETY
    return middle - spread, middle + spread


def frame_of(value: Slope, forms: torch.Tensor) -> torch.Tensor | None:
    """Return T with T^T S^T H S T = -1 for the slopes at a point and the mean of the forms; None if there is none.

    Nothing rests on it: a definite T^T M T shows that T is regular and M definite, whatever T is.
    """
    slopes = (value.slo + value.shi)[:, 0] / 2
    root, failed = torch.linalg.cholesky_ex(-(slopes @ forms.mean(0) @ slopes.T))
    if bool(failed):
        return None
    found = torch.linalg.solve_triangular(root, torch.eye(len(root), dtype=root.dtype), upper=False)
    return found.T if bool(torch.isfinite(found).all()) else None


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
