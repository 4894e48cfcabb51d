"""Graphs of nodes with an edge for every delay: what of the past delays the function of a node may depend on."""

from __future__ import annotations

import numpy as np


def single(count: int) -> np.ndarray:
    """Return the graph with one node, as a table (nodes, delays) of the next node."""
    return np.zeros((1, count), dtype=np.int64)


def recent_longest(count: int, memory: int) -> np.ndarray:
    """Return the graph whose 2^memory nodes tell in which of the last steps the delay was the longest.

    Measured: this is the memory that pays; telling all delays apart takes many more nodes and gives no more.
    """
    nodes = np.arange(2**memory)[:, None]
    longest = (np.arange(count) == count - 1)[None].astype(np.int64)
    table: np.ndarray = (2 * nodes + longest) % 2**memory
    return table


def longest_run(count: int, most: int) -> np.ndarray:
    """Return the graph whose nodes count, up to ``most``, the last steps in a row with the longest delay."""
    nodes = np.arange(most + 1)
    table = np.zeros((most + 1, count), dtype=np.int64)
    table[:, -1] = np.minimum(nodes + 1, most)
    return table
