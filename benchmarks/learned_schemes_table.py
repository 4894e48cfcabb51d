"""The table of benchmarks/learned_schemes.py, for benchmarks/tables.py."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

LARGEST = 10.0  # an error beyond is no error any more
EQUATIONS = {
    "linear": "x' = -x(t - tau)",
    "damped": "x' = -.7 x(t - tau)",
    "logistic": "x' = 1 - exp(x(t - tau))",
}


def learned_schemes(data: dict[str, Any]) -> str:
    """Return errors, shares that do not settle, and certified delays, by task and mode."""
    rows, settings = data["rows"], data["settings"]
    ratios = range(2, settings["tried"] // settings["seen"] + 1)
    head = " | ".join(f"error at {k} x" for k in ratios)
    lines = [
        f"| task | mode | {head} | not settled at 4, 5 x | certified | near 0 | any sequence |",
        "| --- | --- |" + " --- |" * (len(ratios) + 4),
    ]
    shown = ""
    for task, mode in dict.fromkeys((r["task"], r["mode"]) for r in rows):
        found = [r for r in rows if (r["task"], r["mode"]) == (task, mode)]
        errors = [_spread([r["errors"][k - 1] for r in found]) for k in ratios]
        shares = ", ".join(
            f"{100 * statistics.mean(r['unsettled'][k] for r in found):.0f}" for k in (3, 4)
        )
        ends = [
            _range([r[name] for r in found if name in r]) for name in ("certified", "near", "free")
        ]
        title = "" if task == shown else EQUATIONS[task]
        shown = task
        lines.append(
            f"| {title} | {mode} | {' | '.join(errors)} | {shares} % | {' | '.join(ends)} |"
        )
    seeds, seconds = len({r["seed"] for r in rows}), sum(r["seconds"] for r in rows)
    end = (
        f"Mean and deviation of {seeds} seeds. {seconds / 60:.0f} minutes of processor time on {data['machine']},"
        " busy with other work, by `benchmarks/learned_schemes.py`."
    )
    return "\n".join([*lines, "", end])


def _spread(values: Sequence[float]) -> str:
    """Return mean and deviation."""
    if not all(value < LARGEST for value in values):
        return "diverged"
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return " ± ".join(f"{v:.3f}".lstrip("0") for v in (statistics.mean(values), deviation))


def _range(values: Sequence[int]) -> str:
    """Return the longest delays in steps: of all seeds, least to largest."""
    if not values:
        return ""
    low, high = min(values), max(values)
    return f"{low}" if low == high else f"{low} to {high}"
