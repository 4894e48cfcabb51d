"""What is published on neural controllers without delay; every number as published, with its source.

Volumes are those of the table of regions of attraction of [L], as a summary of that paper has it: earlier methods were
trained again there, on its plants, of which those called B are taken to be the ones with the larger input. Plants and
boxes are read from the code of [Y] and [L]. Nothing here was measured by this project. None: not reported, or not
found in what could be read.
"""

from __future__ import annotations

from typing import Any

SOURCES = {
    "C": "Chang, Roohi, Gao, Neural Lyapunov control, NeurIPS 2019",
    "D": "Dai, Landry, Yang, Pavone, Tedrake, Lyapunov-stable neural-network control, RSS 2021",
    "W": "Wu, Clark, Kantaros, Vorobeychik, Neural Lyapunov control for discrete-time systems, NeurIPS 2023",
    "Y": "Yang, Dai, Shi, Hsieh, Tedrake, Zhang, Lyapunov-stable neural control for state and output feedback: a novel"
    " formulation, ICML 2024",
    "S": "Shi, Li, Hsieh, Zhang, Certified training with branch-and-bound for Lyapunov-stable neural control,"
    " arXiv 2411.18235",
    "L": "Li, Zhong, Hu, Zhang, Two-stage learning of stabilizing neural controllers via Zubov sampling and iterative"
    " domain expansion, NeurIPS 2025, arXiv 2506.01356",
}

CHANG = "a neighbourhood of the origin is left out; dReal, up to its tolerance"
DAI = "by mixed-integer programs, up to their tolerance"
WU = "convergence to a small ball; mixed-integer programs; discrete time"
YANG = "0.1 % of the box around the origin is left out; bounds in floating point; discrete time"
SHI = "certified bounds, in floating point"
LI = "V between c1 and c2 only; bounds in floating point"


def row(
    plant: str,
    source: str,
    what: str,
    volume: float | None = None,
    seconds: float | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return a line of the table."""
    return {
        "plant": plant,
        "source": source,
        "verified": what,
        "volume": volume,
        "seconds": seconds,
        **more,
    }


PUBLISHED = (
    row("pendulum of Dai", "D", DAI, box="0.1 pi x 0.5"),
    row("pendulum, torque 6", "C", CHANG, 285.2, table="L"),
    row("pendulum, torque 6", "Y", YANG, 217.3, table="L", box="12 x 12"),
    row("pendulum, torque 6", "S", SHI, 306.3, table="L"),
    row("pendulum, torque 6", "L", LI, 1169.2, 3.64, box="20 x 100"),
    row("path following, 0.84", "C", CHANG, 9.0, table="L"),
    row("path following, 0.84", "Y", YANG, 24.06, table="L", box="3 x 3"),
    row("path following, 0.84", "S", SHI, 15.3, table="L"),
    row("path following, 0.84", "L", LI, 122.0, box="10 x 10"),
    row("cart-pole", "C", CHANG, 0.021, table="L"),
    row("cart-pole", "W", WU),
    row("cart-pole", "S", SHI, 0.93, table="L"),
    row("cart-pole", "L", LI, 306.1, 76443.0, box="3.6 x 2.4 x 12 x 12"),
    row("planar quadrotor", "D", DAI, box="0.7 x 0.7 x pi/2 x 3.75 x 3.75 x 2.5"),
    row("planar quadrotor", "Y", YANG, 2.33, table="L", box="0.75 x 0.75 x pi/2 x 4 x 4 x 3"),
    row("planar quadrotor", "S", SHI, 44.53, table="L"),
    row("planar quadrotor", "L", LI, 6.64e6, box="12 x 13.2 x 12 x 19.2 x 20.4 x 88.8"),
)
