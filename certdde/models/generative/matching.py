"""Flow matching along straight lines, for a right-hand side that reads a delayed state."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from certdde.models.generative.couplings import Pairs


def on_lines(
    pairs: Pairs, t: Float[Tensor, "n 1"], tau: float
) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d"], Float[Tensor, "n d"]]:
    """Return x(t), x(t - tau) and x'(t) of the lines x(t) = (1 - t) start + t end, t in [0, 1], x = past before 0.

    With tau = 0 the first two are the same.
    """
    start, end = pairs.origin.start, pairs.end
    velocity = end - start
    earlier = t - tau
    delayed = torch.where(earlier < 0, pairs.origin.past, start + earlier * velocity)
    return start + t * velocity, delayed, velocity


def matching_loss(
    field: nn.Module, pairs: Pairs, t: Float[Tensor, "n 1"], tau: float
) -> Float[Tensor, ""]:
    """Return the mean over the pairs of |f(t, x(t), x(t - tau)) - x'(t)|^2.

    Over all f its least value is at f(t, x, y) = E[x'(t) | x(t) = x, x(t - tau) = y]. With tau = 0 this is flow
    matching, and x' = f carries the law of the starts to that of the ends. With tau > 0 that needs more: see
    docs/learned.md.

    References
    ----------
    Lipman et al., Flow matching for generative modeling, ICLR 2023 (arXiv 2210.02747).
    """
    x, delayed, velocity = on_lines(pairs, t, tau)
    value: Tensor = (field(t, x, [delayed]) - velocity).square().sum(-1).mean()
    return value
