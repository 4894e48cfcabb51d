"""The table of the study, as Markdown and HTML, and what to read from it."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping
from typing import Any

COLUMNS = (
    "class of the delay in [0, h]",
    "certified up to",
    "exact",
    "found to destabilise",
    "found, smooth",
    "growth by multiplier",
    "by simulation",
)
NOTE = (
    "Certified: every delay of the class leaves the equilibrium stable; with the method and how rigorous."
    " Exact: the margin, where it is known. Found: the smallest h at which a search found a delay of the class with"
    " growing solutions. That is float64 evidence: the dominant Floquet multiplier, and an independent integration over"
    " many periods; growth is the logarithm of the factor from one period to the next. That nothing was found proves"
    " nothing. Smooth: of class C^infinity. A certificate of a larger class counts for a smaller one, a delay of a"
    " smaller class for a larger one."
)


def rows(study: Mapping[str, Any]) -> list[list[str]]:
    """Return the cells of the table."""
    return [_cells(row) for row in study["rows"]]


def _cells(row: Mapping[str, Any]) -> list[str]:
    proof = "-"
    if row["certified"] is not None:
        through = "" if row["certified_by"] == row["class"] else f", as {row['certified_by']}"
        proof = f"{_down(row['certified'])} ({row['method']}, {row['rigor']}{through})"
    exact = "-" if row["exact"] is None else f"{row['exact']:.6g} ({row['source']})"
    if row["delay"] is None:
        return [row["title"], proof, exact, "none", "none", "-", "-"]
    through = "" if row["found_in"] == row["class"] else f" ({row['found_in']})"
    smooth = "none" if row["smooth"] is None else _up(row["smooth"])
    growth = [f"{row['growth']:.3g}", f"{row['simulated']:.3g}, {row['periods']} periods"]
    return [row["title"], proof, exact, _up(row["delay"]) + through, smooth, *growth]


def _down(value: float) -> str:
    return f"{int(value * 1e4) / 1e4:g}"


def _up(value: float) -> str:
    return f"{-int(-value * 1e4 // 1) / 1e4:g}"


def nonlinear(study: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each class on the nonlinear system."""
    lines = []
    for row in study["rows"]:
        run = row["nonlinear"]
        if run:
            end = (
                "leaves the domain" if run["leaves"] else f"is at {run['end']:.2g} of it at the end"
            )
            lines.append(
                f"{row['title']}, delays up to {run['delay']:.4g}:"
                f" from {run['start']:g} of the domain the solution {end}."
            )
    return lines


def markdown(study: Mapping[str, Any], figure: str) -> str:
    """Return the report."""
    head = [f"# {study['name']}: stability and the regularity of the delay", ""]
    table = ["| " + " | ".join(COLUMNS) + " |", "| " + " | ".join("---" for _ in COLUMNS) + " |"]
    table += ["| " + " | ".join(_escaped(cell) for cell in cells) + " |" for cells in rows(study)]
    end = ["", NOTE, "", f"![Certified and found delays]({figure})", ""]
    runs = nonlinear(study)
    if runs:
        end += ["## The nonlinear system", "", *(f"- {line}" for line in runs), ""]
    told = f"Delays up to {study['stop']:g}, {study['starts']} starts, seed {study['seed']}."
    return "\n".join([*head, *table, *end, told, ""])


def web(study: Mapping[str, Any], image: bytes) -> str:
    """Return the report as one HTML file, with the figure inside."""
    title = html.escape(f"{study['name']}: stability and the regularity of the delay")
    head = "".join(f"<th>{html.escape(one)}</th>" for one in COLUMNS)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"
        for cells in rows(study)
    )
    runs = "".join(f"<li>{html.escape(line)}</li>" for line in nonlinear(study))
    picture = base64.b64encode(image).decode()
    style = "body{font:16px/1.5 sans-serif;max-width:70em;margin:2em auto;padding:0 1em}"
    style += "table{border-collapse:collapse}img{max-width:100%}"
    style += "td,th{border:1px solid #bbb;padding:.3em .6em;text-align:left}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{style}</style></head>\n"
        f"<body><h1>{title}</h1>\n<table><tr>{head}</tr>\n{body}</table>\n<p>{html.escape(NOTE)}</p>\n"
        f'<img alt="Certified and found delays" src="data:image/png;base64,{picture}">\n'
        + (f"<h2>The nonlinear system</h2><ul>{runs}</ul>\n" if runs else "")
        + "</body></html>\n"
    )


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<=", "≤")
