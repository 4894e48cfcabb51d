"""Files of trajectories: ``.npz`` with arrays, ``.csv`` with a row for each sample and time."""

from __future__ import annotations

import csv
import re
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from certdde.errors import ProblemError
from certdde.models.data.samples import Past
from certdde.models.learn.trajectory_set import TrajectorySet, past_of
from certdde.models.written_numbers import state_names

ARRAYS = ("times", "states", "history_times", "history", "delays", "names")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
BROKEN = (OSError, ValueError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error, csv.Error)
EXAMPLE = "give a .npz with times and states, or a .csv with the columns sample, t and states"


def read_trajectories(path: Path, delays: Sequence[str]) -> TrajectorySet:
    """Read a file of trajectories.

    Parameters
    ----------
    path : Path
        ``.npz``: ``times`` (T,), ``states`` (samples, T, n); and, if they are there, ``history_times`` (K,) and
        ``history`` (samples, K, n) up to the first time, ``delays`` (samples, k), ``names`` (n,). ``.csv``: a header
        with ``sample``, ``t`` and one column a state, and a column for each delay that is known; rows with t < 0 are
        the history.
    delays : sequence of str
        Which columns of a ``.csv`` are delays.

    Raises
    ------
    ProblemError
        If the file cannot be read, an array is missing or has another shape, or a number is not finite. One line.
    """
    readers = {".npz": lambda: _from_npz(path), ".csv": lambda: _from_csv(path, delays)}
    if path.suffix.lower() not in readers:
        raise ProblemError(f"{path.suffix!r} is no kind of data", where=str(path), wanted=EXAMPLE)
    try:
        if path.is_file() and path.stat().st_size == 0:
            raise ProblemError("the file is empty", where=str(path), wanted=EXAMPLE)
        return readers[path.suffix.lower()]().checked()
    except FileNotFoundError:
        raise ProblemError("there is no such file", where=str(path), wanted=EXAMPLE) from None
    except IsADirectoryError:
        raise ProblemError("this is a directory", where=str(path), wanted=EXAMPLE) from None
    except BROKEN as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ProblemError(f"cannot be read ({reason})", where=str(path), wanted=EXAMPLE) from None


def save_trajectories(path: Path, data: TrajectorySet) -> None:
    """Write a ``.npz`` that :func:`read_trajectories` takes."""
    arrays: dict[str, Any] = {
        "times": data.times.numpy(),
        "states": data.states.transpose(0, 1).numpy(),
        "names": np.array(data.names),
    }
    if data.past is not None:
        arrays |= {
            "history_times": data.past.times.numpy(),
            "history": data.past.values.transpose(0, 1).numpy(),
        }
    if data.delays is not None:
        arrays["delays"] = data.delays.numpy()
    np.savez(path, **arrays)


def _from_npz(path: Path) -> TrajectorySet:
    with path.open("rb") as file:
        if not zipfile.is_zipfile(file):
            raise ProblemError("this is no .npz", where=str(path), wanted=EXAMPLE)
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files}
    where = str(path)
    for key in arrays:
        if key not in ARRAYS:
            wanted = f"known arrays: {', '.join(ARRAYS)}"
            raise ProblemError(f"unknown array {key[:64]!r}", where=where, wanted=wanted)
    times, states = _array(arrays, "times", 1, where), _array(arrays, "states", 3, where)
    if states.shape[1] != times.shape[0]:
        raise ProblemError(
            f"{times.shape[0]} times, states of shape {states.shape}",
            where=where,
            wanted="states of shape (samples, times, n)",
        )
    samples, _, n = states.shape
    names = _names(arrays.get("names"), n, where)
    delays = _array(arrays, "delays", 2, where) if "delays" in arrays else None
    if delays is not None and delays.shape[0] != samples:
        raise ProblemError(
            f"delays of shape {delays.shape} for {samples} samples",
            where=where,
            wanted="delays of shape (samples, number of delays)",
        )
    past = _past(arrays, samples, n, where)
    known = None if delays is None else _tensor(delays)
    values = _tensor(states.transpose(1, 0, 2))
    return TrajectorySet(names, _tensor(times), values, past, known, where)


def _array(arrays: dict[str, Any], key: str, axes: int, where: str) -> np.ndarray:
    if key not in arrays:
        raise ProblemError(f"there is no array {key!r}", where=where, wanted=EXAMPLE)
    value = arrays[key]
    if not isinstance(value, np.ndarray):
        raise ProblemError(f"{key!r} is no array", where=where, wanted=EXAMPLE)
    if value.ndim != axes or value.dtype.kind not in "fiu" or 0 in value.shape:
        raise ProblemError(
            f"{key!r} has the shape {value.shape} and the type {value.dtype}",
            where=where,
            wanted=f"numbers with {axes} {'axis' if axes == 1 else 'axes'}, none of them empty",
        )
    return np.asarray(value, dtype=np.float64)


def _names(given: Any, n: int, where: str) -> tuple[str, ...]:
    names = tuple(state_names(n)) if given is None else tuple(str(v) for v in np.ravel(given))
    good = all(NAME.fullmatch(name) and name != "t" for name in names)
    if not good or len(set(names)) != len(names) or len(names) != n:
        raise ProblemError(
            f"the names {', '.join(names)[:80]!r} for {n} states",
            where=where,
            wanted="as many different names as states, of letters, digits and _",
        )
    return names


def _past(arrays: dict[str, Any], samples: int, n: int, where: str) -> Past | None:
    keys = [key for key in ("history_times", "history") if key in arrays]
    if not keys:
        return None
    times, values = _array(arrays, "history_times", 1, where), _array(arrays, "history", 3, where)
    if values.shape != (samples, len(times), n) or len(times) < 2:
        raise ProblemError(
            f"{len(times)} history_times, a history of shape {values.shape}",
            where=where,
            wanted=f"two times at least, and a history of shape ({samples}, times, {n})",
        )
    return past_of(_tensor(times), _tensor(values.transpose(1, 0, 2)))


def _tensor(value: np.ndarray) -> Tensor:
    return torch.tensor(np.ascontiguousarray(value), dtype=torch.float64)


def _from_csv(path: Path, delays: Sequence[str]) -> TrajectorySet:
    where = str(path)
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        header = [name.strip() for name in next(reader, [])]
        for column in ("sample", "t"):
            if column not in header:
                raise ProblemError(
                    f"there is no column {column!r}", where=where, wanted="sample, t, and states"
                )
        known = [name for name in delays if name in header]
        states = [name for name in header if name not in ("sample", "t", *known)]
        names = _names(np.array(states, dtype=str), max(len(states), 1), where)
        rows = _rows(reader, header, where)
    columns = {name: np.array([row[i] for _, row in rows]) for i, name in enumerate(header)}
    return _grouped([key for key, _ in rows], columns, names, known, where)


def _rows(reader: Any, header: Sequence[str], where: str) -> list[tuple[str, list[float]]]:
    """Return the label of the sample and the numbers of each row; a label needs not be a number."""
    label, rows = header.index("sample"), []
    for row in reader:
        if not row:
            continue
        place = f"{where}: line {reader.line_num}"
        if len(row) != len(header):
            what = f"{len(row)} values for {len(header)} columns"
            raise ProblemError(what, where=place, wanted="one value for each column")
        numbers = []
        for i, (name, text) in enumerate(zip(header, row, strict=True)):
            try:
                numbers.append(0.0 if i == label else float(text))
            except ValueError:
                what = f"{text[:40]!r} in the column {name} is no number"
                raise ProblemError(what, where=place, wanted="give a number") from None
        rows.append((row[label].strip(), numbers))
    if not rows:
        raise ProblemError("there are no rows below the header", where=where, wanted=EXAMPLE)
    return rows


def _grouped(
    keys: list[str],
    columns: dict[str, np.ndarray],
    names: tuple[str, ...],
    known: list[str],
    where: str,
) -> TrajectorySet:
    """Put rows together by sample; all samples must have the same times."""
    places: dict[str, list[int]] = {}
    for i, key in enumerate(keys):
        places.setdefault(key, []).append(i)
    first, *others = places
    times = columns["t"][places[first]]
    for other in others:
        mine = columns["t"][places[other]]
        if mine.shape != times.shape or not np.array_equal(mine, times):
            raise ProblemError(
                f"sample {other[:40]} has other times than sample {first[:40]}",
                where=where,
                wanted="the same times for every sample",
            )
    index = np.array(list(places.values()))  # (samples, rows)
    values = _tensor(np.stack([columns[name][index.T] for name in names], -1))
    delays = None
    if known:
        table = np.stack([columns[name][index] for name in known], -1)  # (samples, rows, k)
        if not np.array_equal(table, np.broadcast_to(table[:, :1], table.shape)):
            what = "a delay changes within a sample"
            raise ProblemError(what, where=where, wanted="one value for each sample")
        delays = _tensor(table[:, 0])
    start = int(np.searchsorted(times, 0.0)) if times[0] < 0 < times[-1] else 0
    clock = _tensor(times)
    past = past_of(clock[: start + 1], values[: start + 1]) if start else None
    return TrajectorySet(names, clock[start:], values[start:], past, delays, where)
