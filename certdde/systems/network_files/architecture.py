"""The JSON that says which layers the tensors of a safetensors file make.

Written by hand, a chain of layers::

    {"layers": [{"operation": "affine"}, {"operation": "tanh"},
                {"operation": "affine", "weight": "out.weight", "bias": "out.bias"},
                {"operation": "clip", "lower": -10, "upper": 10}]}

``affine`` is weight @ v + bias, with the weight (outputs, inputs) as in torch. Without names, the k-th affine layer
takes ``weight<k>`` and ``bias<k>``, k from 1, else ``<i>.weight`` and ``<i>.bias``, i its place among all layers
from 0, as torch's Sequential names them. The other operations: ``tanh``, ``sigmoid``, ``relu``, ``leaky_relu``
(with ``slope``), ``clip`` (with ``lower``, ``upper``, or one of them) and ``identity``.

Written by certdde, the steps of a :class:`~certdde.systems.feedforward.Feedforward`, with tensors ``weight<k>`` and
``bias<k>`` of step k.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from certdde.systems import problem_fields as fields
from certdde.systems.feedforward import MAX_STEPS, MAX_WIDTH
from certdde.systems.problem_errors import explain
from certdde.systems.problem_fields import refuse

_KEYS: Mapping[str, tuple[str, ...]] = {
    "affine": ("weight", "bias"),
    "leaky_relu": ("slope",),
    "clip": ("lower", "upper"),
}
_Number = Annotated[float, BeforeValidator(fields.number)]
_CONFIG = ConfigDict(frozen=True, extra="forbid", strict=True)


class Layer(BaseModel):
    """One layer of a chain."""

    model_config = _CONFIG

    operation: Literal["affine", "tanh", "sigmoid", "relu", "leaky_relu", "clip", "identity"] = (
        Field(description="affine, tanh, sigmoid, relu, leaky_relu, clip or identity")
    )
    weight: str | None = Field(default=None, description="the name of a tensor")
    bias: str | None = Field(default=None, description="the name of a tensor")
    slope: _Number | None = Field(default=None, description="the slope below 0, as in 0.01")
    lower: _Number | None = Field(default=None, description="a number")
    upper: _Number | None = Field(default=None, description="a number")

    @model_validator(mode="after")
    def _fits(self) -> "Layer":
        allowed = _KEYS.get(self.operation, ())
        for key in sorted(self.model_fields_set - {"operation"}):
            if key not in allowed:
                wanted = f"use {' and '.join(allowed)}" if allowed else "leave it out"
                raise refuse(f"{self.operation} has no {key}", wanted)
        given = {key for key in allowed if getattr(self, key) is not None}
        if self.operation in ("leaky_relu", "clip") and not given:
            raise refuse(f"{self.operation} without {' or '.join(allowed)}", "give a number")
        return self


class Chain(BaseModel):
    """Layers, each of the value of the one before."""

    model_config = _CONFIG

    layers: tuple[Layer, ...] = Field(
        strict=False, min_length=1, max_length=MAX_STEPS, description="a list of 1 to 64 layers"
    )


class StepFields(BaseModel):
    """One step of a network that certdde has written."""

    model_config = _CONFIG

    operation: Literal["affine", "scale", "sum", "product", "tanh", "sigmoid", "relu"] = Field(
        description="affine, scale, sum, product, tanh, sigmoid or relu"
    )
    sources: tuple[int, ...] = Field(
        strict=False, min_length=1, max_length=2, description="one or two numbers of values"
    )


class Steps(BaseModel):
    """A network that certdde has written."""

    model_config = _CONFIG

    inputs: int = Field(ge=1, le=MAX_WIDTH, description="the number of inputs")
    steps: tuple[StepFields, ...] = Field(
        strict=False, min_length=1, max_length=MAX_STEPS, description="a list of 1 to 64 steps"
    )
    origin: tuple[_Number, ...] | None = Field(
        default=None, strict=False, description="a list of numbers, or null"
    )
    rest: tuple[_Number, ...] | None = Field(
        default=None, strict=False, description="a list of numbers, or null"
    )


def architecture(content: Any, where: str) -> Chain | Steps:
    """Return the validated architecture.

    Parameters
    ----------
    content : object
        What the JSON holds.
    where : str
        The place that an error names.

    Raises
    ------
    ProblemError
        If a key is missing, unknown or of another type.
    """
    model = Steps if isinstance(content, dict) and "steps" in content else Chain
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise explain(error, model, source=where, overrides={}) from None
