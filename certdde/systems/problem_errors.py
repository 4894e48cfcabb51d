"""From what pydantic says about a problem file to one sentence: what, where, what would be right."""

import json
import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from certdde.errors import ProblemError
from certdde.systems.overrides import KeyPath
from certdde.systems.problem_fields import show


def explain(
    error: ValidationError,
    model: type[BaseModel],
    *,
    source: str,
    overrides: Mapping[KeyPath, str],
) -> ProblemError:
    """Return the error to show: of several, one about an unknown key, since the others often follow from it.

    Parameters
    ----------
    error : ValidationError
        What pydantic raised for ``model``.
    model : type of BaseModel
        The model of the whole file.
    source : str
        The file.
    overrides : mapping from key path to str
        What came from ``--set`` and not from the file.
    """
    details: list[Any] = error.errors(include_url=False)
    detail = min(details, key=lambda one: one["type"] != "extra_forbidden")
    path: KeyPath = tuple(part for part in detail["loc"] if part != "[key]")
    context = detail.get("ctx", {})
    if context.get("key"):
        path += tuple(context["key"].split("."))
    what, wanted = _sentence(detail, path, model)
    return ProblemError(what, where=_where(path, source, overrides), wanted=wanted)


def _sentence(detail: Mapping[str, Any], path: KeyPath, model: type[BaseModel]) -> tuple[str, str]:
    owner, field = _find(path, model)
    description = f"give {field.description}" if field and field.description else ""
    last = str(path[-1]) if path else ""
    match detail["type"]:
        case "certdde":
            return detail["ctx"]["what"], detail["ctx"]["wanted"] or description
        case "extra_forbidden":
            known = [f.alias or name for name, f in owner.model_fields.items()]
            return f"unknown key {show(last)}", _suggest(last, known, "known keys")
        case "missing":
            return f"the key {last!r} is missing", description
        case "literal_error" if isinstance(detail["input"], str):
            known = [str(choice) for choice in get_args(field.annotation)] if field else []
            return f"{show(detail['input'])} is unknown", _suggest(
                detail["input"], known, "use one of"
            )
        case _:
            return f"cannot use {show(detail['input'])} here", description


def _suggest(word: str, known: list[str], otherwise: str) -> str:
    close = get_close_matches(word, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"{otherwise}: {', '.join(known)}"


def _find(path: KeyPath, model: type[BaseModel]) -> tuple[type[BaseModel], FieldInfo | None]:
    """Walk down ``path``: the last model on it, and the last field."""
    field = None
    for part in path:
        below = _field(model, part)
        if below is not None:
            field = below
            model = next((m for m in _models(field.annotation)), model)
    return model, field


def _field(model: type[BaseModel], part: str | int) -> FieldInfo | None:
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    return fields.get(str(part))


def _models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models(part)]


def _where(path: KeyPath, source: str, overrides: Mapping[KeyPath, str]) -> str:
    for override, written in overrides.items():
        shared = min(len(path), len(override))
        if path and path[:shared] == override[:shared]:
            return written
    return f"{source}: {key_text(path)}" if path else source


def key_text(path: KeyPath) -> str:
    """Return a key path as TOML writes it, with indices in brackets."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            word = part if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", part) else json.dumps(part[:64])
            text += f".{word}" if text else word
    return text
