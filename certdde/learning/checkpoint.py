"""Checkpoints of training: what an interrupted run goes on from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One file that holds the state of one task; a state of another task is not loaded.

    Attributes
    ----------
    path : Path or None
        None: nothing is kept.
    key : str
        Fingerprint of the task.
    """

    path: Path | None
    key: str

    @classmethod
    def of(cls, directory: Path | None, name: str, task: Mapping[str, Any]) -> Checkpoint:
        """Return the checkpoint of a task, described by plain values."""
        text = json.dumps(task, sort_keys=True, default=str)
        return cls(
            None if directory is None else directory / f"{name}.pt",
            hashlib.sha256(text.encode()).hexdigest(),
        )

    def load(self) -> dict[str, Any] | None:
        """Return the state, or None if there is none for this task."""
        if self.path is None or not self.path.exists():
            return None
        try:
            state = torch.load(self.path, weights_only=True)
        except (OSError, RuntimeError, ValueError, EOFError):
            return None
        return state if isinstance(state, dict) and state.get("key") == self.key else None

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace the state in one step."""
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".tmp")
        torch.save({**state, "key": self.key}, temporary)
        temporary.replace(self.path)
