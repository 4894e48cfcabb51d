"""Safetensors files: weights, with a small JSON that names the layers.

The JSON (:mod:`certdde.systems.network_files.architecture`) is the entry ``architecture`` of the file's metadata, or a
file of the same name that ends in ``.json``. Every tensor must be used, so that a forgotten bias is no silent 0.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from certdde.errors import ProblemError
from certdde.systems.feedforward import Feedforward
from certdde.systems.network_files.architecture import Chain, Layer, Steps, architecture
from certdde.systems.network_files.draft import Draft, joined, located, shown

MAX_JSON = 1 << 20
_SCHEMA = 'layers, as in {"layers": [{"operation": "affine"}, {"operation": "tanh"}]}'


def from_safetensors(path: Path, where: str) -> Feedforward:
    """Return the network of a safetensors file and its architecture.

    Parameters
    ----------
    path : Path
    where : str
        The place that an error names.

    Raises
    ------
    ProblemError
        If the file or its architecture cannot be read, or they do not fit each other.
    """
    tensors, metadata = _read(path, where)
    form, place = _architecture(path, metadata, where)
    if isinstance(form, Chain):
        return _chain(form, tensors, where)
    return _steps(form, tensors, place)


def _read(path: Path, where: str) -> tuple[dict[str, np.ndarray], Mapping[str, str]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
            metadata = dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError, RuntimeError, KeyError) as error:
        what = f"this is not a valid safetensors file ({ascii(str(error))[1:-1][:120]})"
        wanted = "a file that safetensors.torch.save_file writes"
        raise ProblemError(what, where=where, wanted=wanted) from None
    return {name: _numbers(name, tensor, where) for name, tensor in found.items()}, metadata


def _numbers(name: str, tensor: Any, where: str) -> np.ndarray:
    place = f"{where}: tensor {shown(name)}"
    if not tensor.is_floating_point():
        raise ProblemError(f"it is of type {tensor.dtype}", where=place, wanted="floats")
    array: np.ndarray = tensor.double().numpy()
    if not np.isfinite(array).all():
        what = "it has a NaN or infinite number"
        raise ProblemError(what, where=place, wanted="finite weights")
    return array


def _architecture(path: Path, metadata: Mapping[str, str], where: str) -> tuple[Chain | Steps, str]:
    beside = path.with_suffix(".json")
    inside = metadata.get("architecture")
    texts = {} if inside is None else {f"{where}: metadata": inside}
    if beside.is_file():
        texts[f"{where}: {beside.name}"] = _text(beside, where)
    if not texts:
        raise ProblemError(
            "the file does not say which layers its tensors make",
            where=where,
            wanted=f"{beside.name} beside it, or the metadata 'architecture', with {_SCHEMA}",
        )
    found = [(architecture(_parsed(text, place), place), place) for place, text in texts.items()]
    if len(found) == 2 and found[0][0] != found[1][0]:
        what = f"{beside.name} and the metadata 'architecture' differ"
        raise ProblemError(what, where=where, wanted="one of them")
    return found[0]


def _text(path: Path, where: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_JSON + 1)
        return content.decode("utf-8")
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or "not UTF-8"
        place = f"{where}: {path.name}"
        raise ProblemError(f"cannot be read ({reason})", where=place, wanted=_SCHEMA) from None


def _parsed(text: str, place: str) -> Any:
    if len(text) > MAX_JSON:
        wanted = f"at most {MAX_JSON} characters"
        raise ProblemError("the architecture is too long", where=place, wanted=wanted)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        what = f"this is not JSON ({str(error)[:80]})"
        raise ProblemError(what, where=place, wanted=_SCHEMA) from None


def _chain(form: Chain, tensors: Mapping[str, np.ndarray], where: str) -> Feedforward:
    names = _names(form, tensors, where)
    _all_used({n for pair in names.values() for n in pair if n}, tensors, where)
    first = tensors[names[min(names)][0]]
    if first.ndim != 2:
        what = f"the weight {shown(names[min(names)][0])} has {first.ndim} dimensions"
        raise ProblemError(what, where=where, wanted="a matrix (outputs, inputs)")
    draft, value = Draft(first.shape[1], where), 0
    for index, layer in enumerate(form.layers):
        draft.where = f"{where}: layers[{index}] ({layer.operation})"
        if layer.operation == "affine":
            weight, bias = names[index]
            given = None if bias is None else tensors[bias]
            value = draft.affine(value, tensors[weight], given)
        else:
            value = _activated(draft, value, layer)
    draft.where = where
    return draft.network(value)


def _names(
    form: Chain, tensors: Mapping[str, np.ndarray], where: str
) -> dict[int, tuple[str, str | None]]:
    """Return the tensors of each affine layer: those that it names, else those of the two conventions."""
    found: dict[int, tuple[str, str | None]] = {}
    for index, layer in enumerate(form.layers):
        if layer.operation != "affine":
            continue
        number = len(found) + 1
        defaults = ((f"weight{number}", f"bias{number}"), (f"{index}.weight", f"{index}.bias"))
        usual = next((pair for pair in defaults if pair[0] in tensors), defaults[0])
        weight = layer.weight or usual[0]
        usual_bias = usual[1] if weight == usual[0] and usual[1] in tensors else None
        bias = layer.bias or usual_bias
        for name in (weight, bias):
            if name is not None and name not in tensors:
                raise ProblemError(
                    f"there is no tensor {shown(name)}",
                    where=f"{where}: layers[{index}] (affine)",
                    wanted=f"one of {_some(tensors)}",
                )
        found[index] = weight, bias
    if not found:
        raise ProblemError("there is no affine layer", where=where, wanted=_SCHEMA)
    return found


def _all_used(used: set[str], tensors: Mapping[str, np.ndarray], where: str) -> None:
    if left := sorted(set(tensors) - used):
        raise ProblemError(
            f"no layer uses the tensor {shown(left[0])}",
            where=where,
            wanted="name it in the architecture, or leave it out of the file",
        )


def _some(tensors: Mapping[str, np.ndarray]) -> str:
    names = joined(shown(name) for name in sorted(tensors)[:8])
    return names if len(tensors) <= 8 else f"{names}, ..."


def _activated(draft: Draft, value: int, layer: Layer) -> int:
    match layer.operation:
        case "identity":
            return value
        case "leaky_relu":
            return draft.leaky(value, layer.slope or 0.0)
        case "clip":
            return draft.clipped(value, layer.lower, layer.upper)
        case name:
            return draft.activated(value, name)


def _steps(form: Steps, tensors: Mapping[str, np.ndarray], where: str) -> Feedforward:
    linear = [k for k, s in enumerate(form.steps, 1) if s.operation in ("affine", "scale")]
    wanted = {f"{kind}{k}" for k in linear for kind in ("weight", "bias")}
    if missing := sorted(wanted - set(tensors)):
        what = f"there is no tensor {shown(missing[0])}"
        raise ProblemError(what, where=where, wanted=f"one of {_some(tensors)}")
    _all_used(wanted, tensors, where)
    if flat := [name for name in sorted(wanted) if not tensors[name].ndim]:
        what = f"the tensor {shown(flat[0])} is a single number"
        raise ProblemError(what, where=where, wanted="a vector or a matrix")
    entry = form.model_dump()
    return located(lambda: Feedforward.from_description(entry, tensors), where)
