"""One reader for every source of a network; what a kind of file needs is imported when one is read."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from certdde.errors import ProblemError
from certdde.systems.feedforward import Feedforward
from certdde.systems.network_files.draft import MAX_BYTES, shown

SUFFIXES = (".onnx", ".safetensors")
_WANTED = f"a file that ends in {' or '.join(SUFFIXES)}, or a torch module"


def read_network(source: Any, where: str) -> Feedforward:
    """Return a network as exact data.

    Parameters
    ----------
    source : Feedforward, str, Path or torch.nn.Module
        A path ends in ``.onnx`` or ``.safetensors`` (docs of :mod:`~certdde.systems.network_files.onnx_graph`
        and :mod:`~certdde.systems.network_files.safetensors_file`); a Feedforward is returned as it is.
    where : str
        The place that an error names, as ``system.networks.u``.

    Returns
    -------
    Feedforward
        The function that the weights define in exact arithmetic. Weights are taken without rounding; only a
        division by a constant c, no power of two, becomes a factor: the binary64 number nearest to 1/c.

    Raises
    ------
    ProblemError
        If it cannot be read, is no feed-forward network, or uses an operation that is not supported.
    MissingPackageError
        If it is an ONNX file, and onnx is not installed.
    """
    if isinstance(source, Feedforward):
        return source
    if isinstance(source, (str, Path)):
        return _file(Path(source), where)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(source, torch.nn.Module):
        from certdde.systems.network_files.torch_module import from_module

        return from_module(source, where)
    raise ProblemError(f"{shown(type(source).__name__)} is no network", where=where, wanted=_WANTED)


def _file(path: Path, where: str) -> Feedforward:
    place = f"{where}: {path}"
    if path.suffix.lower() not in SUFFIXES:
        raise ProblemError("this kind of file is not read", where=place, wanted=_WANTED)
    _check(path, place)
    if path.suffix.lower() == ".onnx":
        from certdde.systems.network_files.onnx_graph import from_onnx

        return from_onnx(path, place)
    from certdde.systems.network_files.safetensors_file import from_safetensors

    return from_safetensors(path, place)


def _check(path: Path, place: str) -> None:
    try:
        if not path.exists():
            raise ProblemError("there is no such file", where=place, wanted=_neighbour(path))
        if not path.is_file():
            raise ProblemError("this is no file", where=place, wanted=_WANTED)
        size = path.stat().st_size
        with path.open("rb"):
            pass
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise ProblemError(f"cannot be read ({reason})", where=place, wanted=_WANTED) from None
    if size > MAX_BYTES:
        wanted = f"at most {MAX_BYTES} bytes"
        raise ProblemError(f"the file has {size} bytes", where=place, wanted=wanted)


def _neighbour(path: Path) -> str:
    names = [file.name for file in path.parent.glob("*") if file.suffix.lower() in SUFFIXES]
    close = get_close_matches(path.name, names, n=1, cutoff=0.6)
    return f"did you mean {path.parent / close[0]}?" if close else _WANTED
