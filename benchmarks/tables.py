"""Put measured results into the README and the documentation, between their markers.

Run: python benchmarks/tables.py. A test says so if a table is not the one of benchmarks/results.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from controllers_table import controllers, controllers_tau0
from flows_table import flows
from generative_table import generative
from learned_schemes_table import learned_schemes
from learned_table import learned
from objective_table import objective
from synthesis_table import synthesis

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def examples(data: dict[str, Any]) -> str:
    """Return the table of the examples."""
    lines = [
        "| problem | polytopic LMI | quadratic | neural | local margin | certificate of the example | check |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for r in data["rows"]:
        region = f"{100 * r['ratio']:.0f} % of the simulated region"
        if r["quadratic_area"]:
            region += f" (quadratic: {100 * r['quadratic_area'] / r['area'] * r['ratio']:.0f} %)"
        delays = f"[{r['range'][0]:g}, {r['range'][1]:g}]"
        lines.append(
            f"| {r['problem']} | {r['lmi']:.3f} | {r['quadratic']:.3f} | {r['neural']:.3f}"
            f" | {r['local_margin']:.4f}"
            f" | {delays}, {r['boxes']} boxes, {region}, {r['seconds']:.0f} s in all"
            f" | {r['rigor']}, {r['check_seconds']:.2f} s |"
        )
    return "\n".join([*lines, "", f"Measured on {data['machine']}, by `benchmarks/examples.py`."])


def boxes(data: dict[str, Any]) -> str:
    """Return the table of boxes a second."""
    lines = ["| problem | engine | boxes/s | leaves of its proof |", "| --- | --- | --- | --- |"]
    for r in data["rows"]:
        lines.append(
            f"| {r['problem']} | {r['engine']} | {r['boxes_per_second']:,} | {r['leaves'] or '-'} |"
        )
    return "\n".join([*lines, "", f"Measured on {data['machine']}, by `benchmarks/boxes.py`."])


def multipliers(data: dict[str, Any]) -> str:
    """Return the table of a proof with and without multipliers."""
    lines = ["| bound on a box | boxes | search | check |", "| --- | --- | --- | --- |"]
    for r in data["rows"]:
        times = f"{r['search']:.1f} s | {r['check']:.1f} s"
        lines.append(f"| {r['bound']} | {r['leaves']:,} | {times} |")
    where = f"Processor time of one core of {data['machine']}, by `benchmarks/multipliers.py`."
    return "\n".join([*lines, "", where])


def checker(data: dict[str, Any]) -> str:
    """Return the table of the checker's speed, size and memory."""
    lines = [
        "| certificate | boxes | check | boxes/s | file | codes in it | peak memory (at the start) |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for r in data["rows"]:
        lines.append(
            f"| {r['certificate']} | {r['boxes']:,} | {r['seconds']:.2f} s | {r['boxes_per_second']:,}"
            f" | {r['bytes'] / 1e3:.1f} kB | {r['codes'] / 1e3:,.1f} kB | {r['peak_mb']} MB ({r['start_mb']} MB) |"
        )
    arb = f"A second opinion in Arb balls takes {data['arb_ms_per_box']:.2g} ms a box."
    where = f"Processor time of one core of {data['machine']}, by `benchmarks/checker.py`."
    return "\n".join([*lines, "", f"{arb} {where}"])


def solvers(data: dict[str, Any]) -> str:
    """Return the table of the solver beside its peers, with the bar that each row was to reach."""
    step, glass, plain, one = data["step"], data["mackey_glass"], data["ordinary"], data["single"]
    order = data["order"]
    finest = str(max(int(k) for k in order["rk4"]))
    theirs = step["torchdde, 4096, one shared delay, 400 steps, ms/step"]
    ours = step["certdde, 4096, own delays, 400 steps, ms/step"]
    alone = 4096 * step["torchdde, 1, ms/step"] / step["certdde, 4096, own delays, ms/step"]
    rows = [
        _row(
            "RK4, logistic, batch 128, 200 steps",
            *_pair(step, "torchdde, 128", "certdde, 128"),
            "10",
        ),
        f"| RK4, batch 4,096 with a delay each, 400 steps; torchdde with one for all | {theirs:.3g} ms/step"
        f" | {ours:.3g} ms/step | {theirs / ours:.3g} | 30 |",
        _row(
            "the same, 200 steps",
            step["torchdde, 4096, one shared delay, ms/step"],
            step["certdde, 4096, own delays, ms/step"],
            "30",
        ),
        f"| the same task: torchdde 4,096 times with batch 1 (from one) | | | {alone:,.0f} | 30 |",
    ]
    for kind in ("float64, tanh", "float32, relu"):
        part = data[f"training, {kind}"]
        alone_s = part["the network alone, 800 times, s"]
        rows.append(
            _row(
                f"MLP 2-64-64-1, forward and backward, {kind}; the network alone {alone_s:.3f} s",
                part["torchdde direct, s"],
                part["certdde autodiff, s"],
                "4",
                "s",
            )
        )
    every = glass["jitcdde, all, s (measured on a part)"]
    for name, error in (("rk4, step .5", "rk4"), ("dopri5, rtol 1e-6", "dopri5")):
        what = f"Mackey-Glass, 1,000 delays, t = 200: {name}, error {glass['error certdde ' + error]:.1e}"
        beside = f"; jitcdde 1,000 times, error {glass['error jitcdde']:.1e}"
        beside += f", compilation {glass['jitcdde, compile, s']:.1f} s apart"
        rows.append(_row(what + beside, every, glass[f"certdde {name}, all at once, s"], "5", "s"))
    rows += [
        _row(
            "one trajectory of it; jitcdde",
            glass["jitcdde, one, s"],
            glass["certdde dopri5, one, s"],
            "",
            "s",
        ),
        _row(
            "RK4 without delay, batch 128; torchdiffeq",
            *_pair(plain, "torchdiffeq", "certdde, tau = 0"),
            "",
        ),
        _row("one trajectory, 4,000 points; ddeint", one["ddeint, s"], one["certdde, s"], "", "s"),
        f"| RK4, error at t = 5 with {finest} steps a unit of time"
        f" | {order['torchdde rk4 (delay 1, on the grid)'][finest]:.1e} | {order['rk4'][finest]:.1e} | | 1e-10 |",
    ]
    versions = ", ".join(f"{name} {version}" for name, version in data["versions"].items())
    head = ["| task; peer | peer | certdde | ratio | bar |", "| --- | --- | --- | --- | --- |"]
    end = f"Processor time on {data['machine']}, by `benchmarks/solvers.py`; {versions}."
    return "\n".join([*head, *rows, "", end])


def _pair(part: dict[str, float], peer: str, ours: str) -> tuple[float, float]:
    return part[f"{peer}, ms/step"], part[f"{ours}, ms/step"]


def _row(task: str, peer: float, ours: float, bar: str, unit: str = "ms/step") -> str:
    return f"| {task} | {peer:.3g} {unit} | {ours:.3g} {unit} | {peer / ours:.3g} | {bar} |"


def linear(data: dict[str, Any]) -> str:
    """Return the table of the linear benchmarks: a line a system and class, a column an order."""
    orders = sorted({r["order"] for r in data["rows"] if r["method"] == "lmi"})
    lines = [
        f"| system | class | {' | '.join(f'LMI, order {k}' for k in orders)}"
        " | spectral, or 3/2 theorem | exact or published |",
        "| --- | --- |" + " --- |" * (len(orders) + 2),
    ]
    for system, kind in dict.fromkeys((r["system"], r["class"]) for r in data["rows"]):
        rows = [r for r in data["rows"] if (r["system"], r["class"]) == (system, kind)]
        cells = [
            next((_cell(r) for r in rows if (r["method"], r["order"]) == ("lmi", k)), "")
            for k in orders
        ]
        spectral = next((_cell(r) for r in rows if r["method"] in ("spectral", "theorem")), "")
        lines.append(
            f"| {system} | {kind} | {' | '.join(cells)} | {spectral} | {rows[0]['known']} |"
        )
    return "\n".join([*lines, "", f"Measured on {data['machine']}, by `benchmarks/linear.py`."])


def _cell(row: dict[str, Any]) -> str:
    """Return margin and seconds; a margin that the checker has not accepted is in brackets."""
    if row["margin"] is None:
        return "none"
    margin = f"{row['margin']:g}" if row["rigor"] == "rigorous" else f"({row['margin']:g})"
    start = f" from {row['from']:g}" if row.get("from") else ""
    return f"{margin}{start}, {row['seconds']:.2g} s"


def razumikhin(data: dict[str, Any]) -> str:
    """Return the tables of Razumikhin functions: margins, and regions."""
    lines = ["| system | Razumikhin function | functional of order 1 |", "| --- | --- | --- |"]
    for r in data["rows"]:
        other = "lmi" if "lmi" in r else "quadratic"
        cells = [f"{r[m]:g}, {r[f'{m}_seconds']:.2g} s" for m in ("razumikhin", other)]
        lines.append(f"| {r['system']} | {' | '.join(cells)} ({other}) |")
    lines += ["", "| delays up to | method | share of the simulated region | boxes | seconds |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for r in data["regions"]:
        share = f"{100 * r['ratio']:.0f} %" if r["rigor"] == "rigorous" else r["rigor"]
        kind = f", {r['kind']} V" if r["method"] == "razumikhin" else " functional"
        lines.append(
            f"| {r['delay']:g} | {r['method']}{kind} | {share} | {r['boxes']} | {r['seconds']:.0f} |"
        )
    end = f"Measured on {data['machine']}, busy with other work, by `benchmarks/razumikhin.py`."
    return "\n".join([*lines, "", end])


def schemes(data: dict[str, Any]) -> str:
    """Return the tables of the schemes: gains of the scalar one, delays of the one with two states."""
    lines = [
        "| k | any sequence, sharp condition | any sequence, LMI on a graph | LMI of the literature | closed form"
        " | constant delay | exact |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for r in data["scalar"]:
        lines.append(
            f"| {r['k']} | {r['sharp']} | {r['graph']}, {r['graph_seconds']:.2g} s | {r['literature']:.4f}"
            f" | {r['closed_form']:.4f} | {r['constant']} | {r['constant_exact']} |"
        )
    lines += ["", "| h1 | largest h2 | seconds | published |", "| --- | --- | --- | --- |"]
    for r in data["two_state"]:
        lines.append(f"| {r['lower']} | {r['upper']} | {r['seconds']} | {r['published']} |")
    return "\n".join([*lines, "", f"Measured on {data['machine']}, by `benchmarks/schemes.py`."])


def several(data: dict[str, Any]) -> str:
    """Return the tables of several delays: multiples of one, and cubes of independent ones."""
    lines = ["| system | stable | certified | boxes | seconds | check |", "| --- " * 6 + "|"]
    for r in data["multiples"]:
        ranges = [f"[{a:g}, {b:.7g}]" for a, b in (r["exact"], r["range"])]
        lines.append(
            f"| {r['system']} | {' | '.join(ranges)} | {r['boxes']} | {r['seconds']:.2f} | {r['check']:.2f} s |"
        )
    orders = range(4)
    lines += ["", f"| system | exact | {' | '.join(f'LMI, order {k}' for k in orders)} |"]
    lines.append("| --- " * (2 + len(orders)) + "|")
    for r in data["cubes"]:
        cells = []
        for k in orders:
            cell = r.get(f"order {k}")
            cells.append("" if not cell else f"{cell['size']:g}, {cell['seconds']:.2g} s")
        lines.append(
            f"| {r['system']}, from {r['start']:g} | {r['exact']:g} | {' | '.join(cells)} |"
        )
    end = f"Measured on {data['machine']}, busy with other work, by `benchmarks/several.py`."
    return "\n".join([*lines, "", end])


def slow(data: dict[str, Any]) -> str:
    """Return the table of delays of bounded rate: a line a system and rate, a column an order."""
    rows, orders = data["rows"], sorted({r["order"] for r in data["rows"]})
    lines = [
        f"| system | rate | {' | '.join(f'order {k}' for k in orders)} | published |",
        "| --- | --- |" + " --- |" * (len(orders) + 1),
    ]
    for system, rate in dict.fromkeys((r["system"], str(r["rate"])) for r in rows):
        found = [r for r in rows if (r["system"], str(r["rate"])) == (system, rate)]
        shown = f"in {rate}" if rate.startswith("[") else f"at most {rate}"
        cells = [next((_certified(r) for r in found if r["order"] == k), "") for k in orders]
        lines.append(f"| {system} | {shown} | {' | '.join(cells)} | {found[0]['known']} |")
    end = f"Measured on {data['machine']}, busy with other work, by `benchmarks/slow.py`."
    return "\n".join([*lines, "", end])


def polytopic(data: dict[str, Any]) -> str:
    """Return the table of nonlinear systems with several delays, many states or a slow delay."""
    lines = [
        "| system | delays | local | order 1 | order 2 | source |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for r in data["rows"].values():
        cells = []
        for found in (r.get(f"order {k}") for k in (1, 2)):
            cell = "" if found is None else "none"
            if found is not None and found["size"] is not None:
                cell = f"{found['size']:g}, {100 * found['share']:.0f} % of the domain"
                cell += f", {found['seconds']:g} s, check {found['check']:g} s"
            cells.append(cell)
        lines.append(
            f"| {r['system']} | {r['delays']} | {r['local']:g} | {' | '.join(cells)} | {r['source']} |"
        )
    end = f"Measured on {data['machine']}, busy with other work, by `benchmarks/polytopic.py`."
    return "\n".join([*lines, "", end])


def _certified(row: dict[str, Any]) -> str:
    """Return margin, seconds of the search and of the certificate; in brackets if that is not rigorous."""
    if row["margin"] is None:
        return "none"
    margin = f"{row['margin']:g}" if row["rigor"] == "rigorous" else f"({row['margin']:g})"
    return f"{margin}, {row['seconds']:.0f} s, {row['certificate']:.0f} s"


def sos(data: dict[str, Any]) -> str:
    """Return the tables of sums of squares: margins, and regions."""
    runs = [key for key in data["rows"][0] if key not in ("system", "local")]
    names = [f"{key.split()[0]}, order {key.split()[1]}" for key in runs]
    lines = [f"| system | {' | '.join(names)} | local margin |", "| --- " * (len(runs) + 2) + "|"]
    for r in data["rows"]:
        cells = [f"{r[k]['margin']:.4f}, {r[k]['seconds']:g} s" for k in runs]
        cells = ["none" if r[k]["margin"] == 0 else c for k, c in zip(runs, cells, strict=True)]
        lines.append(f"| {r['system']} | {' | '.join(cells)} | {r['local']:.4f} |")
    lines += [
        "",
        "| system | delays up to | method | area | share of the simulated region | seconds |",
    ]
    lines.append("| --- " * 6 + "|")
    for r in data["regions"]:
        known = r["rigor"] == "rigorous"
        share = f"{r['area']:g} | {100 * r['ratio']:.0f} %" if known else "none | "
        lines.append(
            f"| {r['system']} | {r['delay']:g} | {r['method']} | {share} | {r['seconds']:g} |"
        )
    end = f"Processor time of one core of {data['machine']}, by `benchmarks/sos.py`."
    return "\n".join([*lines, "", end])


def nonlinear(data: dict[str, Any]) -> str:
    """Return the tables of the nonlinear systems: margins by method, and regions at one range."""
    methods = ("lmi", "quadratic", "sos", "razumikhin", "theorem", "neural")
    names = ("polytopic LMI", "quadratic", "SOS", "Razumikhin", "3/2 theorem", "neural")
    lines = [
        f"| system | {' | '.join(names)} | local margin |",
        "| --- |" + " --- |" * (len(names) + 1),
    ]
    for system, entry in data["systems"].items():
        rows = {r["method"]: r for r in entry["rows"]}
        cells = [_end(rows[m]) for m in methods]
        local = f"{entry['local']:.4g}" if entry["local"] < float("inf") else "-"
        lines.append(f"| {system} | {' | '.join(cells)} | {local} |")
    methods = ("lmi", "quadratic", "sos", "razumikhin", "neural")
    lines += [
        "",
        "| system | delays | polytopic LMI | quadratic | SOS | Razumikhin | neural | simulated |",
        "| --- |" + " --- |" * 7,
    ]
    for system, entry in data["systems"].items():
        at = entry["region"]
        if not at:
            continue
        cells = [_share(at[m]) for m in methods]
        kept = f"{100 * at['simulated']:.0f} %" if at.get("simulated") else "-"
        lines.append(f"| {system} | [0, {at['upper']:g}] | {' | '.join(cells)} | {kept} |")
    return "\n".join([*lines, "", f"Measured on {data['machine']}, by `benchmarks/nonlinear.py`."])


def _share(cell: dict[str, Any] | None) -> str:
    """Return a share of the domain, boxes and seconds; in brackets if the checker has not accepted it."""
    if cell is None:
        return "-"
    if cell["share"] is None:
        return "none"
    boxes = f", {cell['boxes']} boxes" if cell["boxes"] else ""
    share = f"{100 * cell['share']:.0f} %"
    share = share if cell["rigor"] == "rigorous" else f"({share})"
    return f"{share}{boxes}, {cell['seconds']:.0f} s"


def _end(row: dict[str, Any]) -> str:
    """Return a margin and its seconds; in brackets if the checker has not accepted it."""
    if "objection" in row:
        return "-"
    if row["margin"] is None:
        return "none"
    margin = f"{row['margin']:g}" if row["rigor"] == "rigorous" else f"({row['margin']:g})"
    return f"{margin}, {row['seconds']:.0f} s"


def training(data: dict[str, Any]) -> str:
    """Return the rounds of a neural search, and what it came to."""
    rows = data["cegis"]
    lines = [
        "| delays | round | asked | reached | answer | level | boxes | counterexamples | training, proof |",
        "| --- " * 9 + "|",
    ]
    for r in rows:
        delays = f"[{r['range'][0]:g}, {r['range'][1]:g}]"
        asked, reached = r["margin"], None if r["worst"] is None else -r["worst"]
        cells = ["-" if x is None else f"{x:.3g}" for x in (asked, reached, r["level"])]
        lines.append(
            f"| {delays} | {r['round']} | {cells[0]} | {cells[1]} | {r['answer']} | {cells[2]} | {r['boxes']:,}"
            f" | {r['counterexamples']} | {r['seconds_training']:.0f} s, {r['seconds_proof']:.2g} s |"
        )
    failed = sum(r["counterexamples"] > 0 for r in rows)
    bad = sum(r["counterexamples"] for r in rows)
    overrides = " and ".join(f"`{one}`" for one in data["overrides"])
    end = (
        f"`{data['problem']}` with {overrides}, {data['steps']} steps a round: {len(rows)} rounds, {failed} of them"
        f" with counterexamples ({bad:,} in all); what came of it is {data['rigor']}. {data['seconds']:.0f} s on"
        f" {data['machine']}, busy with other work."
    )
    return "\n".join([*lines, "", end])


TABLES: dict[str, Callable[[dict[str, Any]], str]] = {
    "examples": examples,
    "controllers": controllers,
    "controllers_tau0": controllers_tau0,
    "flows": flows,
    "generative": generative,
    "learned_schemes": learned_schemes,
    "boxes": boxes,
    "checker": checker,
    "multipliers": multipliers,
    "linear": linear,
    "learned": learned,
    "objective": objective,
    "schemes": schemes,
    "nonlinear": nonlinear,
    "polytopic": polytopic,
    "several": several,
    "slow": slow,
    "solvers": solvers,
    "training": training,
    "sos": sos,
    "razumikhin": razumikhin,
    "synthesis": synthesis,
}
FILES = ("README.md", "docs/benchmarks.md", "docs/training.md", "docs/learned.md")


def filled(text: str) -> str:
    """Return a page with each table that it has a marker for."""
    for name, table in TABLES.items():
        source = RESULTS / f"{name}.json"
        if source.exists():
            body = table(json.loads(source.read_text()))
            pattern = rf"(<!-- table: {name} -->\n).*?(<!-- end -->)"
            text = re.sub(
                pattern,
                lambda match, body=body: match[1] + body + "\n" + match[2],
                text,
                flags=re.DOTALL,
            )
    return text


def main() -> None:
    """Fill every page."""
    for name in FILES:
        page = ROOT / name
        if page.exists():
            page.write_text(filled(page.read_text()))


if __name__ == "__main__":
    main()
