"""The tables of benchmarks/flows.py."""

import math
import statistics
from typing import Any

ODE = "neural ODE"
BASELINES = (ODE, "neural ODE without t")
NEAR, FASTER = 1.1, 5.0


def flows(data: dict[str, Any]) -> str:
    """Return errors and speed of the flows beside the ordinary equation, and of the delayed flow beside the solver."""
    paces = {row["task"]: row["seconds"] for row in data["speed"]}
    lines = [
        "| task | model | test MSE | in time | in space | seconds an epoch | epochs | fits |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    tasks = list(dict.fromkeys(row["task"] for row in data["rows"]))
    for task in tasks:
        for model, rows in by_model(data, task).items():
            errors = " | ".join(shown([r[key] for r in rows]) for key in ("test", "time", "space"))
            epochs = round(statistics.fmean(r["epochs"] for r in rows))
            pace = paced(paces.get(task, {}), model)
            lines.append(f"| {task} | {model} | {errors} | {pace} | {epochs} | {len(rows)} |")
    reached = {task: passing(by_model(data, task), paces.get(task, {})) for task in tasks}
    words = [f"{task} ({', '.join(names)})" for task, names in reached.items() if names]
    lines += [
        "",
        f"At most {NEAR} times the test MSE of the better ordinary equation, and an epoch at least"
        f" {FASTER:.0f} times faster: {len(words)} of {len(tasks)}"
        + (f": {', '.join(words)}." if words else "."),
    ]
    others = other_forms(data)
    lines += ["", others] if others else []
    return "\n".join([*lines, "", *delayed_flow(data), "", f"*{data['machine']}; one thread.*"])


def delayed_flow(data: dict[str, Any]) -> list[str]:
    """Return the lines of error and time of the delayed flow beside the solver."""
    found = data["delayed"]
    if found is None:
        return ["The delayed flow: not measured."]
    delays = list(found["rows"][0]["errors"])
    head = " | ".join(f"error after {k} delays" if k != "1" else "after 1 delay" for k in delays)
    lines = [
        f"| {found['delays']} delays of {found['samples']} histories by | {head} | seconds |",
        "| --- |" + " --- |" * (len(delays) + 1),
    ]
    for row in found["rows"]:
        errors = " | ".join(f"{row['errors'][k]:.1e}" for k in delays)
        lines.append(f"| {row['solver']} | {errors} | {row['seconds']:.3f} |")
    return lines


def by_model(data: dict[str, Any], task: str) -> dict[str, list[dict[str, Any]]]:
    """Return the fits of a task, the ordinary equations first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in data["rows"]:
        if row["task"] == task:
            found.setdefault(row["model"], []).append(row)
    return dict(sorted(found.items(), key=lambda item: item[0] not in BASELINES))


def shown(values: list[float]) -> str:
    """Return mean and deviation, or that some diverged."""
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return "diverged"
    text = f"{statistics.fmean(finite):.1e}"
    if len(finite) > 1:
        text += f" +- {statistics.stdev(finite):.0e}"
    lost = len(values) - len(finite)
    return text + (f" ({lost} diverged)" if lost else "")


def paced(seconds: dict[str, float], model: str) -> str:
    """Return seconds an epoch, and how much faster that is than the ordinary equation."""
    if model not in seconds:
        return "-" if model in BASELINES else "not measured"
    ratio = "" if model == ODE else f" ({seconds[ODE] / seconds[model]:.1f} times faster)"
    return f"{seconds[model]:.2f}{ratio}"


def passing(models: dict[str, list[dict[str, Any]]], seconds: dict[str, float]) -> list[str]:
    """Return the flows that are as right and that much faster; none where one of the numbers is missing."""

    def mean(rows: list[dict[str, Any]]) -> float:
        return statistics.fmean(row["test"] for row in rows)

    baselines = [mean(models[name]) for name in BASELINES if name in models]
    if ODE not in models or ODE not in seconds or not all(map(math.isfinite, baselines)):
        return []
    limit = NEAR * min(baselines)
    return [
        name
        for name, rows in models.items()
        if name not in BASELINES
        and mean(rows) <= limit
        and FASTER * seconds.get(name, math.inf) <= seconds[ODE]
    ]


def other_forms(data: dict[str, Any]) -> str:
    """Return the seconds an epoch of the ordinary equation in other hands."""
    names = dict.fromkeys(n for row in data["speed"] for n in row["seconds"] if ", " in n)
    parts = []
    for name in names:
        values = [row["seconds"][name] for row in data["speed"] if name in row["seconds"]]
        parts.append(f"{name}: {min(values):.1f} to {max(values):.1f} s an epoch")
    return "; ".join(parts) + ("." if parts else "")
