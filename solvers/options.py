"""Settings of the solver, in one validated object."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

from torch import Tensor

from certdde.solvers.errors import SolverError


@dataclass(frozen=True, slots=True)
class Options:
    """What a solver may be told besides its arguments.

    Attributes
    ----------
    step : float, optional
        Step of a fixed-step method; by default the steps go from output time to output time. First step of an
        adaptive one.
    adaptive : bool, optional
        By default the methods with an error estimate (dopri5, esdirk3) choose their steps; False makes them take even
        ones.
    breaking_points : bool
        Put the breaking points into the grid, so that the method keeps its order.
    jumps : sequence of float
        Times after t[0] at which f, or a delay, jumps: a step ends there and another begins.
    gradient : str
        "autodiff" | "checkpoint" (autodiff that keeps the dense output and recomputes the stages) | "adjoint" (first
        order, constant delays; see :mod:`certdde.solvers.adjoint`).
    delay_bounds : sequence of (float, float) or None, optional
        Lower and upper bound of each delay that is a plain callable; a positive lower bound saves work.
    parameters : sequence of Tensor
        What else f or the history depends on, if they are no modules; only the adjoint has to be told.
    max_steps : int
        Attempts of an adaptive method before a sample is given up.
    min_step : float
        An adaptive step is not made smaller than this: its error is accepted, and counted in ``Solution.local_error``.
    bound : float, optional
        A sample whose state exceeds this is stopped (masked), as one that is not finite is anyway.
    window : int, optional
        Steps integrated between two visits to the past; chosen by size if not given.
    progress : callable or bool
        Called with the fraction done, now and then; True shows a bar on standard error.

    Raises
    ------
    SolverError
        If a value is out of its range.
    """

    step: float | None = None
    adaptive: bool | None = None
    breaking_points: bool = True
    jumps: Sequence[float] = ()
    gradient: str = "autodiff"
    delay_bounds: Sequence[tuple[float, float] | None] | None = None
    parameters: Sequence[Tensor] = ()
    max_steps: int = 100_000
    min_step: float = 0.0
    bound: float | None = None
    window: int | None = None
    progress: Callable[[float], None] | bool = False

    def __post_init__(self) -> None:
        if self.gradient not in ("autodiff", "checkpoint", "adjoint"):
            raise SolverError(
                f"unknown gradient {self.gradient!r}",
                where="options.gradient",
                wanted="autodiff, checkpoint or adjoint",
            )
        for name in ("step", "bound", "window", "max_steps"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise SolverError(
                    f"{value} is not positive", where=f"options.{name}", wanted="a number > 0"
                )
        if self.min_step < 0:
            raise SolverError(
                f"{self.min_step} is negative", where="options.min_step", wanted="a number >= 0"
            )

    @classmethod
    def of(cls, options: "Options | Mapping[str, object] | None") -> "Options":
        """Take an Options, a mapping with its fields, or None.

        Raises
        ------
        SolverError
            If a key is not a field, or a value is out of its range.
        """
        if options is None:
            return cls()
        if isinstance(options, Options):
            return options
        known = [field.name for field in fields(cls)]
        for key in options:
            if key not in known:
                raise SolverError(
                    f"unknown option {key!r}", where="options", wanted=f"one of {', '.join(known)}"
                )
        return cls(**options)  # type: ignore[arg-type]
