"""The table of the networks that the equations call."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from certdde.reports.numbers import exact
from certdde.reports.subject import Subject
from certdde.reports.table import Cell, Table
from certdde.systems.feedforward import ACTIVATIONS, Feedforward

PLAIN = ("affine", *ACTIVATIONS)
NOTE = (
    "Sizes are those of the input, the layers and the output. The fingerprint is that of the weights, which are in the"
    " file; the claim names it. What is meant is the function of these weights in exact arithmetic."
)


def networks_table(subject: Subject) -> Table | None:
    """Return a row for each network: its sizes, activations, shift and fingerprint; None if there are none."""
    rows: list[list[Cell]] = [
        [name, _sizes(one), _operations(one), _shift(one), one.fingerprint]
        for name, one in sorted(subject.system.networks.items())
    ]
    columns = ["network", "sizes", "operations", "shift", "fingerprint"]
    words = (0, 1, 2, 3, 4)
    return Table("Networks in the equations", columns, rows, NOTE, words) if rows else None


def _sizes(network: Feedforward) -> str:
    """Return the sizes of the layers, as in 2-8-8-1."""
    after = zip(network.steps, network.widths[1:], strict=True)
    layers = [width for step, width in after if step.operation == "affine"]
    sizes = [network.inputs, *layers]
    if not layers or sizes[-1] != network.outputs:
        sizes.append(network.outputs)
    return "-".join(map(str, sizes))


def _operations(network: Feedforward) -> str:
    """Return the activations in order; the other operations too, where it is no chain of layers."""
    names = [step.operation for step in network.steps]
    shown = [name for name in names if name != "affine"] or ["affine"]
    runs = [(name, len(list(group))) for name, group in groupby(shown)]
    text = ", ".join(name if count == 1 else f"{name} ({count} times)" for name, count in runs)
    chain = all(step.sources == (k,) for k, step in enumerate(network.steps))
    return text if chain and set(names) <= set(PLAIN) else f"{text}; {len(names)} steps"


def _shift(network: Feedforward) -> str:
    """Say where the network is moved so that it has a given value there."""
    if network.origin is None or network.rest is None:
        return "none"
    return f"{_tuple(network.rest)} at {_tuple(network.origin)}"


def _tuple(values: Sequence[float]) -> str:
    return f"({', '.join(exact(v) for v in values)})"
