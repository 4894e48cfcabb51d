"""The tables of benchmarks/generative.py, for benchmarks/tables.py."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

ITSELF, NORMALS = "the law itself", "normals"


def generative(data: dict[str, Any]) -> str:
    """Return the tables: laws by coupling and delay, and maps whose lines cross by delay."""
    rows = data["rows"]
    taus = sorted({r["tau"] for r in rows if r["coupling"] != ITSELF})
    head = " | ".join(f"tau = {tau:g}" for tau in taus)
    laws = [key for key in _keys(rows) if key[1] not in ("given", ITSELF, NORMALS)]
    lines = [f"| law | coupling | {head} |", "| --- | --- |" + " --- |" * len(taus)]
    for task, name in laws:
        cells = [_law(_of(rows, task, name, tau)) for tau in taus]
        lines.append(f"| {task} | {name} | {' | '.join(cells)} |")
    for task in dict.fromkeys(task for task, _ in laws):
        found = _of(rows, task, NORMALS, 0.0)
        lines.append(
            f"| {task} | no network, {NORMALS} | {_spread(found, 'energy', 1000, 1)}"
            + " |" * len(taus)
        )
    lines += ["", f"| map | {head} |", "| --- |" + " --- |" * len(taus)]
    for task, name in (key for key in _keys(rows) if key[1] == "given"):
        cells = [_spread(_of(rows, task, name, tau), "error", 1, 2) for tau in taus]
        lines.append(f"| {task.replace('_', ' ')} | {' | '.join(cells)} |")
    own = [r for r in rows if r["coupling"] == ITSELF]
    largest = max(abs(1000 * r["energy"]) for r in own)
    seeds, seconds = len({r["seed"] for r in rows}), sum(r["seconds"] for r in rows)
    steps = f"{data['settings']['steps']:,}"
    end = (
        f"Mean and deviation of {seeds} seeds, {steps} steps each. Two samples of the law itself are"
        f" within {largest:.1f}. {seconds / 60:.0f} minutes of processor time on {data['machine']}, busy with other"
        " work, by `benchmarks/generative.py`."
    )
    return "\n".join([*lines, "", end])


def _keys(rows: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((r["task"], r["coupling"]) for r in rows))


def _of(rows: Sequence[dict[str, Any]], task: str, name: str, tau: float) -> list[dict[str, Any]]:
    return [r for r in rows if (r["task"], r["coupling"], r["tau"]) == (task, name, tau)]


def _law(found: Sequence[dict[str, Any]]) -> str:
    """Return the energy distance in thousandths, and in brackets that of one step."""
    if not found:
        return ""
    return f"{_spread(found, 'energy', 1000, 1)} ({_mean(found, 'energy in one step', 1000):.0f})"


def _spread(found: Sequence[dict[str, Any]], key: str, scale: float, digits: int) -> str:
    if not found:
        return ""
    deviation = statistics.stdev(scale * r[key] for r in found) if len(found) > 1 else 0.0
    return f"{_mean(found, key, scale):.{digits}f} ± {deviation:.{digits}f}"


def _mean(found: Sequence[dict[str, Any]], key: str, scale: float) -> float:
    return statistics.fmean(scale * r[key] for r in found)
