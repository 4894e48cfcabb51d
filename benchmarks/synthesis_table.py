"""The table of benchmarks/synthesis.py."""

from __future__ import annotations

from typing import Any

STARTS = {
    "lqr": "linear-quadratic regulator",
    "predictor": "predictor, K exp(A tau)",
    "tuned": "gains tuned for the delay",
}


def synthesis(data: dict[str, Any]) -> str:
    """Return what is certified at each delay without and with joint training."""
    lines = [
        "| controller | trained jointly | order | delay | certificate | region, of the domain | of the simulated"
        " region | boxes | seconds | check, s |",
        "| --- " * 10 + "|",
    ]
    for row in data["rows"].values():
        delay = f"{row['delay']:g}"
        if row.get("objective") == "delay":
            delay += ", the longest found"
        proved = row["status"] == "rigorous"
        answer = row["status"] if proved or not row.get("why") else f"none: {row['why']}"
        region = f"{100 * row['share']:.0f} %" if proved else "-"
        ratio = f"{100 * row['ratio']:.0f} %" if proved else "-"
        boxes = f"{row['boxes']:,}" if proved else "-"
        check = f"{row['check']:.1f}" if proved else "-"
        trained = f"{row['rounds']} rounds" if row["rounds"] else "no"
        start = STARTS.get(row["start"], f"`{row['start']}`")
        lines.append(
            f"| {start} | {trained} | {row['order']} | {delay} | {answer} | {region} | {ratio} | {boxes}"
            f" | {row['seconds']:.0f} | {check} |"
        )
    end = (
        f"Processor time of one core of {data['machine']}, busy with other work, by `benchmarks/synthesis.py`;"
        " the check is part of the seconds."
    )
    return "\n".join([*lines, "", end])
