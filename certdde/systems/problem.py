"""Problem files: TOML in, a validated problem out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from certdde.delays.classes import rate_objection
from certdde.delays.step_laws import weights_refusal
from certdde.errors import ProblemError
from certdde.systems import problem_fields as fields
from certdde.systems.learn_fields import LearnSpec
from certdde.systems.network_calls import beside
from certdde.systems.network_fields import NetworkFields
from certdde.systems.overrides import apply_overrides
from certdde.systems.problem_delays import class_of
from certdde.systems.problem_errors import explain
from certdde.systems.problem_fields import refuse
from certdde.systems.toml_files import EXAMPLE, read_toml

if TYPE_CHECKING:
    from certdde.delays.classes import AnyDelay
    from certdde.systems.delay_system import DelaySystem

# The description of a field is what an error names as right.
_RANGE = "a pair of delays, as in [0.0, 0.9]"
_SYSTEM = 'a table [system] with equations = ["x\' = -x(t - tau)"]'
_DELAYS = "a table for each delay, as in [delays.tau] with range = [0.0, 0.9]"
_NAMED_NUMBERS = "a table of numbers, as in { k = 2.0 }"
_NAMED_RANGES = "a table of pairs, as in { x = [-1.0, 1.0] }"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)


class SystemSpec(_Model):
    """The table ``[system]``."""

    equations: tuple[str, ...] = Field(
        strict=False, description='a list of equations, as in ["x\' = -x(t - tau)"]'
    )
    parameters: dict[fields.Name, fields.NumberOrPair] = Field(
        default={}, description=_NAMED_NUMBERS
    )
    domain: dict[fields.Name, fields.StateRange] | None = Field(
        default=None, description=_NAMED_RANGES
    )
    equilibrium: fields.Equilibrium = Field(default={}, description=fields.EQUILIBRIUM)
    networks: dict[fields.Name, fields.NetworkFile] = Field(
        default={}, description='a table of files, as in { u = "controller.onnx" }'
    )

    @model_validator(mode="after")
    def _equilibrium_inside(self) -> Self:
        found = self.equilibrium == "find"
        for state, (lower, upper) in (self.domain or {}).items():
            rest = None if found else self.equilibrium.get(state, 0.0)
            if isinstance(rest, float) and not lower < rest < upper:
                what = f"[{lower}, {upper}] does not hold the equilibrium {state} = {rest} inside"
                raise refuse(what, "give lower < equilibrium < upper", f"domain.{state}")
        return self


class DelaySpec(_Model):
    """A table ``[delays.NAME]``: what is known about one delay."""

    class_: Literal["constant", "slow", "measurable", "sampled", "random", "resampled"] = Field(
        default="constant",
        alias="class",
        description="one of constant, slow, measurable, sampled, random, resampled",
    )
    range: fields.DelayRange | None = Field(default=None, description=_RANGE)
    rate: fields.NumberOrPair | None = Field(
        default=None, description="a bound on the rate of the delay, as in 0.5 or [-0.5, 0.5]"
    )
    law: str | None = Field(
        default=None, description='the name of a law of scipy.stats, as in "expon"'
    )
    args: dict[fields.Name, fields.Number] | None = Field(default=None, description=_NAMED_NUMBERS)
    weights: fields.Weights = None
    laws: list[dict[str, Any]] | None = Field(
        default=None, description='the laws of a mixture, as in [{ law = "expon" }, ..]'
    )

    @property
    def rates(self) -> tuple[float | None, float]:
        """The bounds of the rate of a slow delay; a single number is an upper bound."""
        return self.rate if isinstance(self.rate, tuple) else (None, self.rate)

    @model_validator(mode="after")
    def _what_the_class_takes(self) -> Self:
        random = self.class_ in ("random", "resampled")
        if refusal := weights_refusal(self.class_, self.law, self.args, self.weights):
            raise refuse(*refusal)
        if self.range is None and self.law is None and self.class_ != "random":
            raise refuse("the key 'range' is missing", f"give {_RANGE}", "range")
        if self.rate is None and self.class_ == "slow":
            raise refuse("the key 'rate' is missing", "give a bound, as in 0.5", "rate")
        if self.rate is not None and self.class_ != "slow":
            raise refuse(f"class {self.class_} has no rate", 'class = "slow" has one', "rate")
        if self.rate is not None:
            wrong = rate_objection(*self.rates)
            if wrong:
                raise refuse(*wrong, "rate")
        if self.laws is not None and self.class_ != "random":
            raise refuse(f"class {self.class_} has no laws", 'class = "random" has', "laws")
        if self.law is None and self.class_ == "random":
            raise refuse("the key 'law' is missing", f"class {self.class_} needs one", "law")
        if (self.law is not None or self.args is not None) and not random:
            what = f"class {self.class_} has no law"
            raise refuse(what, 'class = "random" has one', "args" if self.law is None else "law")
        return self


class CertifySpec(NetworkFields):
    """The table ``[certify]``: how to look for a certificate."""

    method: Literal[
        "auto", "lmi", "sos", "neural", "quadratic", "razumikhin", "spectral", "theorem"
    ] = Field(
        default="auto",
        description="one of auto, lmi, sos, neural, quadratic, razumikhin, spectral, theorem",
    )
    order: int = Field(default=1, ge=0, le=12, description="a whole number from 0 to 12")
    seed: int = Field(default=0, ge=0, lt=2**63, description="a whole number from 0 to 2^63 - 1")
    budget: fields.Seconds | None = Field(default=None, description="seconds, as in 600")
    engine: Literal["intervals", "lirpa"] = Field(
        default="intervals", description="one of intervals, lirpa"
    )
    moments: int | None = Field(
        default=None,
        ge=0,
        le=2,
        description="how many Legendre moments V0 reads: 0, 1 or 2 (left out: chosen by the dimension)",
    )
    degree: int = Field(
        default=4, ge=2, le=12, multiple_of=2, description="an even number from 2 to 12"
    )
    steps: int = Field(
        default=2500, ge=1, le=1_000_000, description="a whole number of training steps from 1 on"
    )


class Problem(_Model):
    """A problem file, validated. Made by :func:`load_problem` or :meth:`from_dict`.

    Attributes
    ----------
    name : str
        A title; the name of the file if it gives none.
    system : SystemSpec
        Equations, parameters, domain, equilibrium, networks.
    delays : dict from str to DelaySpec
        One for each delay.
    certify : CertifySpec
        Method and effort.
    learn : LearnSpec or None
        What ``certdde learn`` reads; the other commands look at the system alone.
    """

    name: fields.Title = Field(default="system", description="a title")
    system: SystemSpec = Field(description=_SYSTEM)
    delays: dict[fields.Name, DelaySpec] = Field(description=_DELAYS)
    certify: CertifySpec = Field(default=CertifySpec(), description="a table [certify]")
    learn: LearnSpec | None = Field(default=None, description="a table [learn]")
    _source: str = PrivateAttr(default="problem")

    @model_validator(mode="after")
    def _some_delay(self) -> Self:
        if not self.delays:
            raise refuse("there is no delay", f"give {_DELAYS}", "delays")
        return self

    @classmethod
    def from_dict(
        cls, data: Mapping[str, Any], *, source: str = "problem", overrides: Sequence[str] = ()
    ) -> Problem:
        """Validate the content of a problem file.

        Parameters
        ----------
        data : mapping
            As parsed from TOML.
        source : str
            Named in errors.
        overrides : sequence of str
            See :func:`certdde.systems.overrides.apply_overrides`; ``data`` itself is not changed.

        Raises
        ------
        ProblemError
            If a key is unknown or missing or its value cannot be right.

        Examples
        --------
        >>> data = {"system": {"equations": ["x' = -x(t - tau)"]}}
        >>> problem = Problem.from_dict(data, overrides=["delays.tau.range=[0, 1.5]"])
        >>> problem.delay_class()
        Constant(name='tau', lower=0.0, upper=1.5)
        """
        content = _copy(data)
        written = apply_overrides(content, overrides)
        try:
            problem = cls.model_validate(content)
        except ValidationError as error:
            raise explain(error, cls, source=source, overrides=written) from None
        problem._source = source
        return problem

    def build(self) -> DelaySystem:
        """Return the system.

        Raises
        ------
        ProblemError
            If an equation cannot be read, uses an unknown name, or does not have the equilibrium.
        """
        from certdde.systems.delay_system import DelaySystem

        try:
            return DelaySystem.from_equations(
                self.system.equations,
                parameters=self.system.parameters,
                domain=self.system.domain,
                equilibrium=self.system.equilibrium,
                delays=list(self.delays),
                networks=beside(self.system.networks, Path(self._source).parent),
                name=self.name,
            )
        except ProblemError as error:
            where = f"{self._source}: {error.where}" if error.where else self._source
            raise ProblemError(error.what, where=where, wanted=error.wanted) from None

    def delay_class(self) -> AnyDelay:
        """Return the class of the delay; of several delays, which must be constant, all classes in one.

        Raises
        ------
        ProblemError
            If a class has no engine yet, or one of several delays is not constant.
        """
        from certdde.delays.classes import Constant, Several

        found = [class_of(name, spec, self._source) for name, spec in self.delays.items()]
        if len(found) == 1:
            return found[0]
        constant = tuple(one for one in found if isinstance(one, Constant))
        if len(constant) < len(found):
            name = next(one.name for one in found if one not in constant)
            raise ProblemError(
                f"the delay {name} is one of {len(found)} and not constant",
                where=f"{self._source}: delays.{name}.class",
                wanted="class = 'constant': several delays have to be constant",
            )
        return Several(constant)


def load_problem(path: str | Path, overrides: Sequence[str] = ()) -> Problem:
    """Read a problem file.

    Parameters
    ----------
    path : str or Path
        A TOML file of at most 1 MiB.
    overrides : sequence of str
        Each ``key=value``, as in ``delays.tau.range=[0,0.3]``; the value is TOML, or else text.

    Returns
    -------
    Problem
        Validated; the equations are read by :meth:`Problem.build`.

    Raises
    ------
    ProblemError
        If the file cannot be read, is not TOML, or has an unknown, missing or impossible entry. One line.
    """
    path = Path(path)
    data = read_toml(path)
    if not data and not overrides:
        raise ProblemError("the file is empty", where=str(path), wanted=EXAMPLE)
    data.setdefault("name", _title(path))
    return Problem.from_dict(data, source=str(path), overrides=overrides)


def _title(path: Path) -> str:
    stem = "".join(c for c in path.stem if c.isprintable())[:200].strip()
    return stem or "system"


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(inner) for key, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value
