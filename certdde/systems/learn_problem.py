"""Problem files of ``certdde learn``: a table ``[learn]``, and data or a system to imitate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from certdde.errors import ProblemError
from certdde.systems import problem_fields as fields
from certdde.systems.learn_fields import LearnSpec
from certdde.systems.overrides import apply_overrides
from certdde.systems.problem import CertifySpec, DelaySpec, Problem, SystemSpec
from certdde.systems.problem_errors import explain
from certdde.systems.problem_fields import refuse
from certdde.systems.toml_files import read_toml

EXAMPLE = "give a problem file, such as examples/learn_spiral.toml"


class LearnProblem(BaseModel):
    """A problem file of ``certdde learn``, validated. Made by :func:`load_learn_problem`.

    Attributes
    ----------
    name : str
        A title; the name of the file if it gives none.
    learn : LearnSpec
    system : SystemSpec or None
        The true system, which is imitated; None: there is a file of data.
    delays : dict from str to DelaySpec
        Of the true system.
    certify : CertifySpec or None
        What is written into the problem file of the learnt equations.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)

    name: fields.Title = Field(default="learned", description="a title")
    learn: LearnSpec = Field(description='a table [learn] with model = "dde", "scheme" or "flow"')
    system: SystemSpec | None = Field(
        default=None, description='a table [system] with equations = ["x\' = -x(t - tau)"]'
    )
    delays: dict[fields.Name, DelaySpec] = Field(
        default={}, description="a table for each delay, as in [delays.tau] with range = [0.5, 0.5]"
    )
    certify: CertifySpec | None = Field(default=None, description="a table [certify]")
    _source: str = PrivateAttr(default="problem")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        file = self.learn.data.file
        if self.system is None and file is None:
            wanted = 'give learn.data.file = "trajectories.npz", or a table [system] to imitate'
            raise refuse("there is nothing to learn from", wanted, "learn.data")
        if self.system is not None and file is not None:
            raise refuse("there is a table [system] too", "give one of them", "learn.data.file")
        if self.system is not None and not self.delays:
            wanted = "give a table for each delay, as in [delays.tau] with range = [0.5, 0.5]"
            raise refuse("there is no delay", wanted, "delays")
        if self.system is None and self.delays:
            wanted = "give learn.delays: there is no system to imitate"
            raise refuse("these are the delays of a system", wanted, "delays")
        return self

    @property
    def source(self) -> str:
        """The file, as it is named in errors."""
        return self._source

    def where(self, key: str) -> str:
        """Return a place in the file, as errors name it."""
        return f"{self._source}: {key}"

    def data_file(self) -> Path:
        """Return the file of data; a relative name is below the folder of the problem file."""
        return Path(self._source).parent / (self.learn.data.file or "")

    def truth(self) -> Problem:
        """Return the problem of the system to imitate.

        Raises
        ------
        ProblemError
            If there is none.
        """
        if self.system is None:
            raise ProblemError("there is no system", where=self.where("system"), wanted="give one")
        problem = Problem(name=self.name, system=self.system, delays=self.delays)
        problem._source = self._source
        return problem


def load_learn_problem(path: str | Path, overrides: Sequence[str] = ()) -> LearnProblem:
    """Read a problem file with a table ``[learn]``.

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
    if not data and not overrides:
        raise ProblemError("the file is empty", where=str(path), wanted=EXAMPLE)
    data.setdefault("name", path.stem if path.stem.strip() else "learned")
    written = apply_overrides(data, overrides)
    try:
        problem = LearnProblem.model_validate(data)
    except ValidationError as error:
        raise explain(error, LearnProblem, source=str(path), overrides=written) from None
    problem._source = str(path)
    return problem
