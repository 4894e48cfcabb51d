"""The summary that ``certdde certify`` prints for people."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from certdde.cli.output import number, one_line


def print_summary(data: Mapping[str, Any], files: Mapping[str, Path]) -> None:
    """Print the claim, what each method said if several were tried, what other methods reach, and the files.

    Parameters
    ----------
    data : mapping
        ``certificate.json``.
    files : mapping from str to Path
        What has been written.
    """
    from rich.console import Console

    console = Console()
    style = {"certified": "bold green", "refuted": "bold red"}.get(data["status"], "bold yellow")
    console.print(data["status"], style=style, end="")
    console.print(f", {data['rigor']}, engine {data['engine']}", markup=False, highlight=False)
    console.print(one_line(data["claim"]), markup=False, highlight=False, soft_wrap=True)
    statistics = data.get("statistics", {})
    if asked := statistics.get("asked"):
        console.print(_asked(asked), markup=False, highlight=False, soft_wrap=True)
    said = statistics.get("methods", [])
    if len(said) > 1:
        console.print(_table(said))
    rows = [*statistics.get("baselines", []), *_own_row(data)]
    if rows:
        console.print(_table(rows))
    escape = statistics.get("escape")
    if escape:
        console.print(_escape(escape), markup=False, highlight=False, soft_wrap=True)
    for path in files.values():
        console.print(str(path), markup=False, highlight=False, soft_wrap=True)


def _asked(delay: Mapping[str, Any]) -> str:
    """Return what was asked, where the methods take a class of delays that holds it and more."""
    return one_line(
        f"asked for the class {delay['class']}, {delay['name']} in {delay['range']}: such delays are measurable, with"
        f" values in [0.0, {delay['range'][1]}], and that class was tried"
    )


def _escape(record: Mapping[str, Any]) -> str:
    """Return what simulation shows of a domain in which nothing was proved."""
    delays, history = (
        ", ".join(f"{name} = {value}" for name, value in record[key].items())
        for key in ("delays", "history")
    )
    return one_line(
        f"By simulation, the solution at {delays} from the constant deviation {history} {record['outcome']}:"
        " no certificate can have all of the domain as its region."
    )


def _own_row(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the certificate's own line beside the baselines; none without a functional."""
    if data["status"] != "certified" or not data.get("functional"):
        return []
    statistics, area = data["statistics"], (data["region"].get("area") or {})
    share = area["certified"] / area["domain"] if area else None
    return [
        {
            "method": f"{data['engine']} (this)",
            "order": data["functional"].get("order"),
            "status": "proved",
            "boxes": statistics["boxes"].get("leaves", 0),
            "area": share,
            "seconds": statistics["seconds"]["total"],
        }
    ]


def _table(rows: Sequence[Mapping[str, Any]]) -> Any:
    from rich import box
    from rich.table import Table

    columns = list(dict.fromkeys(key for row in rows for key in row))
    table = Table(*(column.replace("_", " ") for column in columns), box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    return table


def _cell(value: object) -> str:
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return number(value)
    return one_line(str(value))
