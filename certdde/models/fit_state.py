"""The state of a fit, in memory and on the disk: tensors as safetensors, the rest as JSON."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from certdde.errors import ProblemError
from certdde.models.adam import Adam
from certdde.models.data.samples import Samples

NAME = "fit.json"


@dataclass(slots=True)
class FitState:
    """Where a fit is.

    Attributes
    ----------
    folder : Path or None
        None: nothing is kept on the disk.
    key : str
        Fingerprint of the model's shape, the data and the settings.
    epoch, best : int
        The next epoch, and that of the least validation error.
    least : float
    weights : dict or None
        Those of the best epoch.
    history : list of dict
    """

    folder: Path | None
    key: str
    epoch: int = 0
    best: int = 0
    least: float = float("inf")
    weights: dict[str, Tensor] | None = None
    history: list[dict[str, float]] = field(default_factory=list)

    @classmethod
    def of(
        cls, model: nn.Module, train: Samples, settings: Mapping[str, Any], folder: Path | None
    ) -> Self:
        """Return the state at the start of a fit."""
        shapes = {k: [str(v.dtype), *v.shape] for k, v in model.state_dict().items()}
        digest = hashlib.sha256()
        digest.update(json.dumps([shapes, dict(settings)], sort_keys=True).encode())
        for tensor in (train.times, train.initial, train.states):
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return cls(folder, digest.hexdigest())

    def record(self, entry: dict[str, float], model: nn.Module) -> None:
        """Add the entry of an epoch, and keep the weights if they are the best so far."""
        self.history.append(entry)
        if entry["validation"] < self.least:
            self.best, self.least = int(entry["epoch"]), entry["validation"]
            self.weights = {k: v.detach().clone() for k, v in model.state_dict().items()}
        self.epoch = int(entry["epoch"]) + 1

    def save(self, model: nn.Module, optimiser: Adam, generator: torch.Generator) -> None:
        """Write the tensors, then the JSON that names them, each in one step; then remove what it named before."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        file = f"epoch-{self.epoch:06d}.safetensors"
        tensors = {f"model.{k}": v for k, v in model.state_dict().items()}
        tensors |= {f"best.{k}": v for k, v in (self.weights or {}).items()}
        tensors |= {f"adam.{k}": v for k, v in optimiser.state().items()}
        tensors["generator"] = generator.get_state()
        save_file(
            {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()},
            _temporary(self.folder / file),
        )
        _temporary(self.folder / file).replace(self.folder / file)
        known = {
            "key": self.key,
            "tensors": file,
            "epoch": self.epoch,
            "best": self.best,
            "least": self.least,
            "history": self.history,
        }
        path = self.folder / NAME
        _temporary(path).write_text(json.dumps(known, indent=1), encoding="utf-8")
        _temporary(path).replace(path)
        for old in self.folder.glob("epoch-*.safetensors"):
            if old.name != file:
                old.unlink()

    def restore(self, model: nn.Module, optimiser: Adam, generator: torch.Generator) -> None:
        """Take what the folder holds, if it holds something.

        Raises
        ------
        ProblemError
            If it cannot be read, or belongs to another fit.
        """
        path = self.folder and self.folder / NAME
        if path is None or not path.exists():
            return
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
            if known["key"] == self.key:
                tensors = load_file(path.parent / known["tensors"])
                self.epoch, self.best = int(known["epoch"]), int(known["best"])
                self.least, self.history = float(known["least"]), list(known["history"])
                self.weights = _below(tensors, "best") or None
                model.load_state_dict(_below(tensors, "model"))
                optimiser.load(_below(tensors, "adam"))
                generator.set_state(tensors["generator"])
                return
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError):
            raise ProblemError(
                "the state cannot be read", where=str(path), wanted="remove the folder"
            ) from None
        raise ProblemError(
            "the state is that of another model, data or settings",
            where=str(path),
            wanted="another folder, or remove this one",
        )


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    head = f"{prefix}."
    return {k.removeprefix(head): v for k, v in tensors.items() if k.startswith(head)}


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.tmp")
