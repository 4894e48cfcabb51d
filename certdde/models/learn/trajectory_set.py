"""Trajectories to learn from, whatever they came from: their states, what came before, and delays that are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from certdde.errors import ProblemError
from certdde.models.data.samples import Past

SAME = 1e-6  # relative; times closer than this to an even grid are on it
SPLINE = 4  # values of a history from which on it is joined by a spline


@dataclass(frozen=True, slots=True)
class TrajectorySet:
    """Many trajectories at the same times.

    Attributes
    ----------
    names : tuple of str
        Of the states.
    times : Tensor, (T,)
        Increasing.
    states : Tensor, (T, samples, n)
    past : Past or None
        Histories, up to the first time; None: constant, the first state.
    delays : Tensor, (samples, k), or None
        Each sample's delays, if they are known.
    origin : str
        Where they are from: a file, or a name of a system. Named in errors.
    """

    names: tuple[str, ...]
    times: Tensor
    states: Tensor
    past: Past | None
    delays: Tensor | None
    origin: str

    def __len__(self) -> int:
        return self.states.shape[1]

    @property
    def duration(self) -> float:
        """Time from the first to the last state."""
        return float(self.times[-1] - self.times[0])

    @property
    def spacing(self) -> float:
        """The time between two states.

        Raises
        ------
        ProblemError
            If it is not the same everywhere.
        """
        steps = self.times.diff()
        mean = self.duration / len(steps)
        if float((steps - mean).abs().max()) > SAME * mean:
            raise ProblemError(
                f"the times are not even: steps from {float(steps.min()):.6g} to {float(steps.max()):.6g}",
                where=self.origin,
                wanted="give even times, which schemes and flows need; model = 'dde' does not",
            )
        return mean

    @property
    def reach(self) -> float | None:
        """How far the histories go back; None if they are constant."""
        past = self.past
        return None if past is None else float(past.times[-1] - past.times[0])

    def shifted(self, rest: Sequence[float]) -> TrajectorySet:
        """Return the deviations from a point."""
        if not any(rest):
            return self
        point = self.states.new_tensor(list(rest))
        past = self.past and replace(self.past, values=self.past.values - point)
        return replace(self, states=self.states - point, past=past)

    def checked(self) -> TrajectorySet:
        """Return the set, or refuse what no model can learn from.

        Raises
        ------
        ProblemError
            If there are fewer than three samples or times, a number is not finite, or times do not increase.
        """
        for count, what in ((len(self), "samples"), (len(self.times), "times")):
            if count < 3:
                raise ProblemError(
                    f"there are {count} {what}", where=self.origin, wanted="at least three"
                )
        _increasing(self.times, "times", self.origin)
        self._finite(self.states, "states")
        if self.past is not None:
            _increasing(self.past.times, "history_times", self.origin)
            self._finite(self.past.values, "history")
            gap = abs(float(self.past.times[-1] - self.times[0]))
            if gap > SAME * self.duration:
                raise ProblemError(
                    f"the history ends at {float(self.past.times[-1]):.6g}, the states begin at"
                    f" {float(self.times[0]):.6g}",
                    where=self.origin,
                    wanted="a history that ends at the first time",
                )
        if self.delays is not None and not bool(
            (self.delays > 0).all() & self.delays.isfinite().all()
        ):
            raise ProblemError(
                "a delay is not a positive number", where=self.origin, wanted="delays above 0"
            )
        if not bool(self.states.any()):
            raise ProblemError(
                "every state is 0", where=self.origin, wanted="trajectories that move"
            )
        return self

    def _finite(self, values: Tensor, what: str) -> None:
        bad = (~values.isfinite()).nonzero()
        if len(bad):
            row, sample, state = bad[0].tolist()
            raise ProblemError(
                f"{what}: {self.names[state]} of sample {sample}, time {row}, is"
                f" {float(values[row, sample, state])}, one of {len(bad)} that are no numbers",
                where=self.origin,
                wanted="finite numbers; leave out the samples that have others",
            )


def past_of(times: Tensor, values: Tensor) -> Past:
    """Return tabulated histories, joined by a spline from four values on."""
    return Past(times, values, "cubic" if len(times) >= SPLINE else "linear")


def _increasing(times: Tensor, what: str, origin: str) -> None:
    if not bool(times.isfinite().all()):
        raise ProblemError(f"{what}: one is not finite", where=origin, wanted="finite times")
    if not bool((times.diff() > 0).all()):
        raise ProblemError(f"{what} do not increase", where=origin, wanted="increasing times")
