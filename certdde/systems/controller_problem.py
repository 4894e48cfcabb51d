"""Problem files of ``certdde learn`` with ``task = "controller"``: the equations call a network that is to be found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from certdde.delays.classes import Constant
from certdde.errors import ProblemError
from certdde.systems import problem_fields as fields
from certdde.systems.network_calls import beside
from certdde.systems.network_fields import Widths
from certdde.systems.overrides import apply_overrides
from certdde.systems.problem import CertifySpec, DelaySpec, SystemSpec
from certdde.systems.problem_delays import class_of
from certdde.systems.problem_errors import explain
from certdde.systems.problem_fields import refuse
from certdde.systems.toml_files import read_toml

if TYPE_CHECKING:
    from certdde.systems.delay_system import DelaySystem
    from certdde.systems.feedforward import Feedforward

TASK = "controller"
_WHOLE = "a whole number from 1 on"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)


class ControllerSpec(_Model):
    """The table ``[learn]`` of a controller that is to be found."""

    task: Literal["controller"] = Field(description='"controller"')
    network: fields.Name = Field(
        default="u", description="the name by which the equations call it, as in u"
    )
    hidden: Widths = Field(
        default=(8, 8), description="a whole number from 1 to 1024, or a list of them, as in [8, 8]"
    )
    at_rest: tuple[fields.Number, ...] | None = Field(
        default=None,
        strict=False,
        description="a list of numbers, its outputs at the equilibrium, as in [0.0]",
    )
    objective: Literal["region", "delay"] = Field(
        default="region", description="one of region, delay"
    )
    region: dict[fields.Name, fields.StateRange] | None = Field(
        default=None, description="a table of pairs, as in { x = [-1.0, 1.0] }"
    )
    start: Literal["tuned", "lqr", "predictor"] = Field(
        default="tuned", description="one of tuned, lqr, predictor"
    )
    rounds: int = Field(default=4, ge=0, le=1000, description="a whole number from 0 on")
    steps: int = Field(default=1000, ge=1, le=1_000_000, description=_WHOLE)
    rate: fields.Number = Field(default=0.003, gt=0, description="a number above 0")
    seed: int = Field(default=0, ge=0, lt=2**63, description="a whole number from 0 to 2^63 - 1")
    budget: fields.Seconds = Field(default=240.0, description="seconds, as in 240")

    @property
    def widths(self) -> tuple[int, ...]:
        """The widths of the hidden layers."""
        value: Any = self.hidden
        return value if isinstance(value, tuple) else (value,)


class ControllerProblem(_Model):
    """A problem file of a controller that is to be found. Made by :func:`load_controller_problem`.

    Attributes
    ----------
    name : str
    system : SystemSpec
        The plant; its equations call the controller by ``learn.network``.
    delays : dict from str to DelaySpec
        One constant delay.
    learn : ControllerSpec
    certify : CertifySpec
        The order of the functional and the engine; written into the problem file of the result.
    """

    name: fields.Title = Field(default="controller", description="a title")
    learn: ControllerSpec = Field(description='a table [learn] with task = "controller"')
    system: SystemSpec = Field(
        description='a table [system] with equations = ["x\' = x + u(x(t - tau))"]'
    )
    delays: dict[fields.Name, DelaySpec] = Field(
        description="a table for the delay, as in [delays.tau] with range = [0.2, 0.2]"
    )
    certify: CertifySpec = Field(
        default=CertifySpec(method="quadratic", order=2), description="a table [certify]"
    )
    _source: str = PrivateAttr(default="problem")

    @model_validator(mode="after")
    def _what_is_needed(self) -> Self:
        name, named = self.learn.network, self.system.networks
        if len(self.delays) != 1:
            raise refuse(f"there are {len(self.delays)} delays", "give one", "delays")
        if not isinstance(self.system.equilibrium, dict) or any(
            isinstance(v, tuple) for v in self.system.equilibrium.values()
        ):
            wanted = "give decimals, as in { x = 0.0 }"
            raise refuse("the equilibrium is not given", wanted, "system.equilibrium")
        if self.system.domain is None:
            wanted = "give a box, as in domain = { x = [-1.0, 1.0] }"
            raise refuse("there is no domain to control", wanted, "system.domain")
        if name in named:
            wanted = "leave out the file: this network is what is to be found"
            raise refuse(f"{name} has a file", wanted, f"system.networks.{name}")
        if not self.calls:
            wanted = f"call it, as in x' = x + {name}(x(t - tau)), or give learn.network"
            raise refuse(f"no equation calls {name}", wanted, "system.equations")
        given = self.learn.at_rest
        if given is not None and len(given) != self.outputs:
            what = f"{len(given)} numbers for {self.outputs} outputs"
            raise refuse(what, "give one for each output", "learn.at_rest")
        if self.learn.region and self.learn.objective == "region":
            wanted = 'give objective = "delay", or leave it out'
            raise refuse("it goes with objective = 'delay'", wanted, "learn.region")
        for state in self.learn.region or {}:
            if state not in self.system.domain:
                raise refuse(f"{state} has no domain", "name states", f"learn.region.{state}")
        return self

    @property
    def calls(self) -> list[tuple[int, int]]:
        """For each call of the network in the equations which output is taken, and how many arguments are given."""
        pattern = re.compile(rf"(?<![A-Za-z0-9_]){self.learn.network}(?:_(\d{{1,3}}))?\s*\(")
        found = []
        for text in self.system.equations:
            for match in pattern.finditer(text):
                found.append((int(match[1] or 1), _arguments(text[match.end() :])))
        return found

    @property
    def inputs(self) -> int:
        """Number of arguments of the first call; another number elsewhere is refused when equations are read."""
        return self.calls[0][1]

    @property
    def outputs(self) -> int:
        """The largest k of ``u_k``; 1 if it is called ``u``."""
        return max(output for output, _ in self.calls)

    @property
    def shift(self) -> dict[str, Any]:
        """``shift`` and ``at_rest`` of the network, as far as it is not 0 at 0 anyway."""
        rest = self.learn.at_rest or (0.0,) * self.outputs
        point = self.system.equilibrium if isinstance(self.system.equilibrium, dict) else {}
        if not any(rest) and not any(point.values()):
            return {}
        return {"shift": True, "at_rest": list(rest)}

    @property
    def source(self) -> str:
        """The file, as it is named in errors."""
        return self._source

    def build(self, network: Feedforward) -> DelaySystem:
        """Return the loop that a network closes.

        Raises
        ------
        ProblemError
            If an equation cannot be read, uses an unknown name, or does not have the equilibrium.
        """
        from certdde.systems.delay_system import DelaySystem

        given: Any = {"file": network, **self.shift} if self.shift else network
        try:
            return DelaySystem.from_equations(
                self.system.equations,
                parameters=self.system.parameters,
                domain=self.system.domain,
                equilibrium=self.system.equilibrium,
                delays=list(self.delays),
                networks={
                    **beside(self.system.networks, Path(self._source).parent),
                    self.learn.network: given,
                },
                name=self.name,
            )
        except ProblemError as error:
            where = f"{self._source}: {error.where}" if error.where else self._source
            raise ProblemError(error.what, where=where, wanted=error.wanted) from None

    def delay(self) -> Constant:
        """Return the class of the delay.

        Raises
        ------
        ProblemError
            If it is not constant.
        """
        [(name, spec)] = self.delays.items()
        found = class_of(name, spec, self._source)
        if not isinstance(found, Constant):
            raise ProblemError(
                f"controllers are found for constant delays, not for {found.kind} ones",
                where=f"{self._source}: delays.{name}.class",
                wanted="class = 'constant'; certdde certify takes the controller that is found, and any class",
            )
        return found


def _arguments(rest: str) -> int:
    """Return how many arguments stand before the closing parenthesis."""
    depth, count = 1, 1
    for character in rest:
        depth += (character == "(") - (character == ")")
        count += character == "," and depth == 1
        if depth == 0:
            break
    return count


def is_controller_problem(path: str | Path, overrides: Sequence[str] = ()) -> bool:
    """Tell whether a file asks for a controller; a file that cannot be read does not."""
    try:
        data: dict[str, Any] = read_toml(Path(path))
        apply_overrides(data, overrides)
    except ProblemError:
        return False
    learn = data.get("learn")
    return isinstance(learn, dict) and "task" in learn


def load_controller_problem(path: str | Path, overrides: Sequence[str] = ()) -> ControllerProblem:
    """Read a problem file with ``learn.task = "controller"``.

    Parameters
    ----------
    path, overrides
        As in :func:`certdde.systems.problem.load_problem`.

    Raises
    ------
    ProblemError
        If the file cannot be read, is not TOML, or has an unknown, missing or impossible entry. One line.
    """
    path = Path(path)
    data: dict[str, Any] = read_toml(path)
    data.setdefault("name", path.stem if path.stem.strip() else "controller")
    written = apply_overrides(data, overrides)
    try:
        problem = ControllerProblem.model_validate(data)
    except ValidationError as error:
        raise explain(error, ControllerProblem, source=str(path), overrides=written) from None
    problem._source = str(path)
    return problem
