"""Answers of a study, kept in a file as they come: an interrupted study goes on from there."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from certdde.systems.problem import Problem

Progress = Callable[[str, Mapping[str, Any]], None]


def study_key(problem: Problem, told: Sequence[Any]) -> str:
    """Return what tells one study from another: the system with its networks, ``[certify]`` and what was asked."""
    networks = {name: one.fingerprint for name, one in problem.build().networks.items()}
    system = problem.system.model_dump_json() + problem.certify.model_dump_json()
    text = json.dumps([system, *([networks] if networks else []), *told])
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(slots=True)
class KeptAnswers:
    """Named answers, each a dict of plain values.

    Attributes
    ----------
    path : Path or None
        Where they are kept; a file of another study, or that cannot be read, counts as empty.
    key : str
        Of the study.
    progress : callable, optional
    answers : dict
    """

    path: Path | None
    key: str
    progress: Progress | None = None
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.path is None or not self.path.exists():
            return
        try:
            state = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        if isinstance(state, dict) and state.get("key") == self.key:
            self.answers.update(state["answers"])

    def ask(self, name: str, question: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return a kept answer, or ask and keep it, with the seconds of the processor (``cpu``)."""
        if name not in self.answers:
            if self.progress:
                self.progress("study", {"part": name})
            began = time.process_time()
            found = question()
            self.answers[name] = {**found, "cpu": round(time.process_time() - began, 2)}
            self._save()
        return self.answers[name]

    def _save(self) -> None:
        if self.path is None:
            return
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps({"key": self.key, "answers": self.answers}))
        temporary.replace(self.path)
