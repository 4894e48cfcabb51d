"""The field types of a problem file: each accepts a plain value or says what is wrong with it."""

import math
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from certdde.systems.expressions import FUNCTIONS

EQUILIBRIUM = 'a table of numbers, as in { x = 1.0 }, or "find"'
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAX_NAME = 64


def refuse(what: str, wanted: str = "", key: str = "") -> PydanticCustomError:
    """Return the error that :func:`certdde.systems.problem_errors.explain` turns into a sentence.

    Parameters
    ----------
    what, wanted : str
        As in :class:`certdde.errors.CertddeError`; without ``wanted`` the description of the field is used.
    key : str
        The key below the place where the error is raised, with dots.
    """
    return PydanticCustomError("certdde", "{what}", {"what": what, "wanted": wanted, "key": key})


def show(value: object) -> str:
    """Return a short, printable picture of a value that came from a file."""
    if isinstance(value, dict):
        return "a table"
    try:
        text = ascii(value)
    except ValueError:  # an integer with more digits than Python prints
        return "a very long integer"
    return text if len(text) <= 60 else text[:57] + "..."


def number(value: object) -> float:
    """Accept a finite number; neither true nor false is one."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise refuse(f"{show(value)} is not a number")
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise refuse(f"{show(value)} is not a finite number", "give a finite number")
    return result + 0.0  # no negative zero


def pair(value: object) -> tuple[float, float]:
    """Accept a list of two finite numbers in order."""
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise refuse(f"{show(value)} is not a pair of numbers", "give two, as in [-1.0, 1.0]")
    lower, upper = number(value[0]), number(value[1])
    if lower > upper:
        raise refuse(f"[{lower}, {upper}] is reversed", f"write [{upper}, {lower}]")
    return lower, upper


def number_or_pair(value: object) -> float | tuple[float, float]:
    """Accept a finite number or two of them in order."""
    return pair(value) if isinstance(value, (list, tuple)) else number(value)


def equilibrium(value: object) -> str | dict[str, float | tuple[float, float]]:
    """Accept ``find``, or a table of numbers or pairs."""
    if value == "find":
        return "find"
    if not isinstance(value, dict):
        raise refuse(f"{show(value)} is no equilibrium")
    return {name(key): number_or_pair(item) for key, item in value.items()}


def delay_range(value: object) -> tuple[float, float]:
    """Accept 0 <= lower <= upper with upper > 0."""
    lower, upper = pair(value)
    if lower < 0:
        raise refuse(
            f"the delay range [{lower}, {upper}] has negative delays", "give 0 <= lower <= upper"
        )
    if upper == 0:
        raise refuse("the delay range [0.0, 0.0] has no positive delay", "give upper > 0")
    return lower, upper


def state_range(value: object) -> tuple[float, float]:
    """Accept lower < upper."""
    lower, upper = pair(value)
    if lower == upper:
        raise refuse(f"[{lower}, {upper}] has no inside", "give lower < equilibrium < upper")
    return lower, upper


def seconds(value: object) -> float:
    """Accept a positive number."""
    result = number(value)
    if result <= 0:
        raise refuse(f"{result} is not positive")
    return result


def name(value: object) -> str:
    """Accept what an equation can use as a name."""
    if not isinstance(value, str) or len(value) > _MAX_NAME or not _NAME.fullmatch(value):
        raise refuse(
            f"{show(value)} cannot be a name", "use letters, digits and _, not a digit first"
        )
    if value == "t" or value in FUNCTIONS:
        raise refuse(f"the name {value!r} has a meaning of its own", "choose another name")
    return value


def network_file(value: object) -> str | dict[str, Any]:
    """Accept a file, or a table with the keys ``file``, ``shift`` and ``at_rest``."""
    table = value if isinstance(value, dict) else {"file": value}
    for key in table:
        if key not in ("file", "shift", "at_rest"):
            raise refuse(f"unknown key {show(key)}", "known keys: file, shift, at_rest")
    file, shift, rest = table.get("file"), table.get("shift", False), table.get("at_rest", 0.0)
    if not isinstance(file, str) or not file or "\0" in file:
        raise refuse(f"{show(file)} is no file")
    if not isinstance(shift, bool):
        raise refuse(f"{show(shift)} is neither true nor false", key="shift")
    numbers = [number(v) for v in (rest if isinstance(rest, (list, tuple)) else [rest])]
    if "at_rest" not in table:
        return file if isinstance(value, str) else {"file": file, "shift": shift}
    return {"file": file, "shift": shift, "at_rest": numbers}


def title(value: str) -> str:
    """Accept one printable line."""
    if not value.strip() or len(value) > 200 or not value.isprintable():
        raise refuse(
            f"{show(value)} cannot be a title", "give one line of 1 to 200 printable characters"
        )
    return value


Number = Annotated[float, BeforeValidator(number)]
Equilibrium = Annotated[Any, BeforeValidator(equilibrium)]
NumberOrPair = Annotated[Any, BeforeValidator(number_or_pair)]
DelayRange = Annotated[tuple[float, float], BeforeValidator(delay_range)]
StateRange = Annotated[tuple[float, float], BeforeValidator(state_range)]
Weights = Annotated[
    tuple[Number, ...] | None,
    Field(
        strict=False,
        min_length=1,
        description="a weight for each delay of the range, as in [1, 2, 1]",
    ),
]
Seconds = Annotated[float, BeforeValidator(seconds)]
Name = Annotated[str, BeforeValidator(name)]
NetworkFile = Annotated[Any, BeforeValidator(network_file)]
Title = Annotated[str, AfterValidator(title)]
