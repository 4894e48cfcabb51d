"""The table of benchmarks/learned.py."""

from typing import Any

OURS, OTHERS = "neural DDE", ("neural ODE, torchdiffeq", "neural DDE, torchdde")


def learned(data: dict[str, Any]) -> str:
    """Return the errors of all models on all tasks, and on how many tasks the neural delay equation is ahead."""
    lines = [
        "| task | model | test MSE | beyond the data | epochs | ms an epoch |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in data["rows"]:
        if "missing" in row:
            lines.append(f"| {named(row['task'])} | {row['model']} | {row['missing']} | | | |")
            continue
        known = ("task", "model", "seeds", "parameters", "test", "seconds an epoch", "epochs")
        beyond = [f"{key} {shown(row[key])}" for key in row if key not in (*known, "delays")]
        lines.append(
            f"| {named(row['task'])} | {row['model']} | {shown(row['test'])} | {', '.join(beyond) or '-'}"
            f" | {row['epochs']['mean']:.0f} | {1000 * row['seconds an epoch']['mean']:.0f} |"
        )
    return "\n".join([*lines, "", summary(data), "", source(data)])


def summary(data: dict[str, Any]) -> str:
    """Say on which tasks the neural delay equation has the smaller mean error, and how much faster it is."""
    cells: dict[str, dict[str, Any]] = {}
    for row in data["rows"]:
        if "missing" not in row:
            cells.setdefault(row["task"], {})[row["model"]] = row
    full = {task: rows for task, rows in cells.items() if {OURS, *OTHERS} <= set(rows)}
    ahead = [
        named(t) for t, rows in full.items() if all(below(rows[OURS], rows[o]) for o in OTHERS)
    ]
    pace = [
        rows[OTHERS[1]]["seconds an epoch"]["mean"] / rows[OURS]["seconds an epoch"]["mean"]
        for rows in full.values()
    ]
    if not pace:
        return "The peers are missing."
    return (
        f"The neural DDE has a smaller test error than both the neural ODE and torchdde's neural DDE on {len(ahead)} of"
        f" {len(full)} tasks ({', '.join(ahead)}). An epoch of torchdde takes {min(pace):.1f} to {max(pace):.1f} times"
        " as long."
    )


def below(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Tell whether a mean is smaller, by more than both deviations."""
    mean, against = one["test"], other["test"]
    if mean["mean"] is None or mean["diverged"]:
        return False
    if against["mean"] is None:
        return True
    spread = max(mean["deviation"] or 0.0, against["deviation"] or 0.0)
    return mean["mean"] + spread < against["mean"]


def shown(value: dict[str, Any]) -> str:
    """Return a mean with its deviation."""
    if value["mean"] is None:
        return "diverged"
    spread = "" if value["deviation"] is None else f" ± {value['deviation']:.0e}"
    lost = f" ({value['diverged']} diverged)" if value["diverged"] else ""
    return f"{value['mean']:.1e}{spread}{lost}"


def named(task: str) -> str:
    """Return a task in words."""
    return task.replace("_", " ")


def source(data: dict[str, Any]) -> str:
    """Say how it was measured."""
    chosen = data["settings"]
    versions = ", ".join(f"{name} {version}" for name, version in data["versions"].items())
    return (
        f"*Mean and deviation over {chosen['seeds']} seeds; about {chosen['parameters']:,} parameters; {versions}; "
        f"{data['machine']}; one thread of a busy machine.*"
    )
