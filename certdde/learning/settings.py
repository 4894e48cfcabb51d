"""How the search for functionals runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from certdde.learning.levels import LEAST
from certdde.learning.shapes import Choices
from certdde.learning.training import TrainSettings


@dataclass(frozen=True, slots=True)
class CegisSettings:
    """How the neural search runs.

    Attributes
    ----------
    order, seed : int
    hidden : tuple of int
        Widths of the networks' hidden layers.
    outputs : int
    moments : int
        How many Legendre moments V0 reads beside the states: 0, 1 or 2, for constant delays from above 0.
    degree : int
        Of a polynomial functional (``sos``).
    choices : Choices
        Activation, symmetry, what the networks read, and where the search starts.
    training : TrainSettings
        Of the first round; later ones take ``later_steps`` and adapt the margin and the region's weight.
    later_steps, rounds : int
    max_boxes : int
        A proof attempt.
    probe : int
        Training steps of the first round after which a functional that does not satisfy the inequality at the points
        drawn is given up.
    least : float
        The smallest level, relative to the least V on the faces of the domain, that is accepted.
    deadline : float
        On ``time.monotonic``.
    """

    order: int = 1
    seed: int = 0
    hidden: tuple[int, ...] = (16,)
    outputs: int = 4
    moments: int = 0
    degree: int = 4
    choices: Choices = field(default_factory=Choices)
    training: TrainSettings = field(default_factory=TrainSettings)
    later_steps: int = 1200
    rounds: int = 6
    max_boxes: int = 3_000_000
    probe: int = 1200
    least: float = LEAST
    deadline: float = float("inf")
