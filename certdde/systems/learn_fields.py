"""The table ``[learn]`` of a problem file: the model, what it learns from, and how."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from certdde.systems import problem_fields as fields
from certdde.systems.network_fields import Widths
from certdde.systems.problem_fields import refuse

_RANGES = "a table of pairs, as in { x = [-1.0, 1.0] }"
_NUMBERS = "a table of numbers, as in { x = 1.0 }"
_DELAYS = "a list of delays, as in [0.5]"
_WHOLE = "a whole number from 1 on"
_SHARE = "a number between 0 and 1"
_POSITIVE = "a number above 0"
# Keys that only some models have a use for.
ONLY = {
    "activation": ("dde",),
    "bits": ("dde",),
    "step": ("dde",),
    "delay_rate": ("dde",),
    "bias": ("dde", "flow"),
    "bounded": ("scheme",),
    "reads_delay": ("scheme",),
    "window": ("scheme", "flow"),
}
IMITATED = ("trajectories", "end", "points", "range", "histories")


def bounds(value: object) -> tuple[float, float]:
    """Accept 0 < lower < upper."""
    lower, upper = fields.pair(value)
    if not 0 < lower < upper:
        raise refuse(f"delays cannot be learnt in [{lower}, {upper}]", "give 0 < lower < upper")
    return lower, upper


Bounds = Annotated[tuple[float, float], BeforeValidator(bounds)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)


class LearnData(_Model):
    """The table ``[learn.data]``: a file of trajectories, or how the true system is seen."""

    file: str | None = Field(
        default=None, min_length=1, description='a file, as in "trajectories.npz" or ".csv"'
    )
    equilibrium: dict[fields.Name, fields.Number] = Field(default={}, description=_NUMBERS)
    trajectories: int = Field(
        default=100, ge=3, le=100_000, description="a whole number from 3 to 100000"
    )
    end: fields.Seconds | None = Field(default=None, description="a time, as in 6.0")
    points: int = Field(default=50, ge=3, le=100_000, description="a whole number from 3 to 100000")
    range: dict[fields.Name, fields.StateRange] | None = Field(default=None, description=_RANGES)
    histories: Literal["constant", "waves"] = Field(
        default="constant", description="one of constant, waves"
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.file is not None:
            for key in sorted(self.model_fields_set.intersection(IMITATED)):
                raise refuse(f"a file has no {key!r}", "it goes with a system to imitate", key)
        elif "equilibrium" in self.model_fields_set:
            raise refuse("it goes with a file", "give system.equilibrium", "equilibrium")
        return self


class LearnDelays(_Model):
    """The table ``[learn.delays]``: delays to be learnt, or known ones; neither: those of the data."""

    names: tuple[fields.Name, ...] | None = Field(
        default=None, strict=False, description='a list of names, as in ["tau"]'
    )
    start: tuple[fields.Seconds, ...] | None = Field(
        default=None, strict=False, min_length=1, description=_DELAYS
    )
    bounds: Bounds | None = Field(default=None, description="two delays, as in [0.05, 2.0]")
    margin: fields.Number = Field(default=0.01, ge=0, description="a number from 0 on")
    known: tuple[fields.Seconds, ...] | None = Field(
        default=None, strict=False, min_length=1, description=_DELAYS
    )
    range: fields.DelayRange | None = Field(
        default=None, description="a pair of delays, as in [0.0, 0.9]"
    )

    @model_validator(mode="after")
    def _learnt_or_known(self) -> Self:
        if self.start is not None and self.known is not None:
            raise refuse("there is 'start' too", "give start (learnt) or known", "known")
        for key in ("bounds", "margin"):
            if self.start is None and key in self.model_fields_set:
                raise refuse("no delay is learnt", "give start too, as in start = [0.5]", key)
        if self.start is not None:
            if self.range is not None:
                wanted = "give margin: the range is about the learnt delay"
                raise refuse("a delay that is learnt has no range yet", wanted, "range")
            low, high = self.limits
            for value in self.start:
                if not low < value < high:
                    raise refuse(f"{value} is not inside [{low}, {high}]", key="start")
        return self

    @property
    def limits(self) -> tuple[float, float]:
        """The bounds of delays that are learnt; by default a tenth of the least start, and three times the largest."""
        start = self.start or ()
        return self.bounds or (min(start) / 10, 3 * max(start))


class LearnSpec(_Model):
    """The table ``[learn]``."""

    model: Literal["dde", "scheme", "flow"] = Field(description="one of dde, scheme, flow")
    hidden: Widths = Field(
        default=16, description="a whole number from 1 to 1024, or a list of them, as in [16, 16]"
    )
    activation: Literal["tanh", "sin", "atan", "sigmoid", "softplus", "silu", "relu", "elu"] = (
        Field(default="tanh", description="one of tanh, sin, atan, sigmoid, softplus, silu")
    )
    bias: bool = Field(default=False, description="true or false")
    bits: int | None = Field(default=None, ge=1, le=52, description="a whole number from 1 to 52")
    bounded: bool = Field(default=False, description="true or false")
    reads_delay: bool = Field(default=True, description="true or false")
    step: fields.Seconds | None = Field(default=None, description="a step of time, as in 0.1")
    window: int = Field(default=12, ge=1, le=100_000, description=_WHOLE)
    epochs: int = Field(default=300, ge=1, le=1_000_000, description=_WHOLE)
    batch: int = Field(default=64, ge=1, le=1_000_000, description=_WHOLE)
    rate: fields.Number = Field(default=0.01, gt=0, description=_POSITIVE)
    delay_rate: fields.Number | None = Field(default=None, gt=0, description=_POSITIVE)
    decay: fields.Number = Field(default=0.1, gt=0, le=1, description="a number in (0, 1]")
    patience: int | None = Field(default=None, ge=1, description=_WHOLE)
    seed: int = Field(default=0, ge=0, lt=2**63, description="a whole number from 0 to 2^63 - 1")
    validation: fields.Number = Field(default=0.2, gt=0, lt=1, description=_SHARE)
    test: fields.Number = Field(default=0.2, gt=0, lt=1, description=_SHARE)
    domain: dict[fields.Name, fields.StateRange] | None = Field(default=None, description=_RANGES)
    data: LearnData = Field(default=LearnData(), description="a table [learn.data]")
    delays: LearnDelays = Field(default=LearnDelays(), description="a table [learn.delays]")

    @model_validator(mode="before")
    @classmethod
    def _no_controller(cls, given: Any) -> Any:
        if isinstance(given, dict) and "task" in given:
            wanted = (
                "run certdde learn on this file first, then give equations.toml, which it writes"
            )
            raise refuse("the file asks for a controller that is still to be found", wanted, "task")
        return given

    @model_validator(mode="after")
    def _what_the_model_takes(self) -> Self:
        for key, models in ONLY.items():
            if key in self.model_fields_set and self.model not in models:
                raise refuse(
                    f"a {self.model} takes no {key!r}", f"it goes with {' or '.join(models)}", key
                )
        if self.validation + self.test >= 1:
            raise refuse("nothing is left to train on", "give validation + test < 1", "test")
        if self.model != "dde" and self.delays.start is not None:
            wanted = "give known delays, or those of the data; a dde learns them"
            raise refuse(f"a {self.model} learns no delay", wanted, "delays.start")
        if self.model == "scheme" and len(self.widths) > 1:
            raise refuse("a scheme has one hidden layer", "give one number", "hidden")
        return self

    @property
    def widths(self) -> tuple[int, ...]:
        """The widths of the hidden layers."""
        value: Any = self.hidden
        return value if isinstance(value, tuple) else (value,)
