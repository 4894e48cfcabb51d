"""The table of benchmarks/objective.py."""

from typing import Any

NAMES = {
    "region": "region",
    "hinge": "E[V], hinge",
    "augmented": "E[V], augmented Lagrangian",
    "barrier": "E[V], barrier",
}


def objective(data: dict[str, Any]) -> str:
    """Return what each objective came to on each system."""
    lines = [
        "| system, delays | objective | answer | share of the domain | E[V] / level | boxes | seconds |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in data["rows"]:
        low, high = data["cases"][row["case"]]
        share = f"{100 * row['share']:.0f} %" if "share" in row else "-"
        mean = f"{row['mean']:.2f}" if "mean" in row else "-"
        lines.append(
            f"| {row['case'].replace('_', ' ')}, [{low:g}, {high:g}] | {NAMES[row['objective']]} |"
            f" {row['status']} | {share} | {mean} | {row['boxes']:,} | {row['seconds']:.0f} |"
        )
    return "\n".join([*lines, "", f"*{data['machine']}; one thread, busy with other work.*"])
