"""The sector LMI of a loop with a network: a baseline, float64.

Each unit p of the loop (a neuron, sin, ..) obeys (p - low z)(high z - p) >= 0 on the domain. With multipliers
lambda >= 0, one for each unit and end of the delay range,

    D(zeta; tau) + sum_k lambda_k (p_k - low_k z_k)(high_k z_k - p_k) <= -t |zeta|^2,    zeta = (x, y, p, moments)

implies D < 0 (S-procedure); D is the dissipation of a quadratic functional with Legendre moments (docs/math.md). It is
the local sector condition of Yin, Seiler and Arcak (Stability analysis using quadratic constraints for systems with
neural network controllers, IEEE Transactions on Automatic Control 67(4), 2022) with a functional in place of their
Lyapunov function; sectors come from ranges that are propagated over pieces of the domain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from certdde.functionals import Functional
from certdde.inequalities.dissipation import Layout
from certdde.inequalities.reduction import ConstantDelay
from certdde.systems.delay_system import DelaySystem
from certdde.verify.lmi.parameters import Parameters
from certdde.verify.lmi.positivity import mean_on_constant_histories, nearest_faces, positivity
from certdde.verify.lmi.program import Block, Program, recomputed_margin, solve
from certdde.verify.lmi.sector_units import Loop, loop_of

LARGEST_MEAN = 1e5  # of V on constant histories: keeps the program bounded


@dataclass(frozen=True, slots=True)
class SectorProof:
    """A solution of the sector LMI.

    Attributes
    ----------
    functional : Functional
    multipliers : (E, K) array
        Not negative; a row for each break of the delay range.
    margin : float
        t, positive; recomputed from the answer by eigenvalues.
    rigor : str
        ``float64``: no part of it is rounded outward.
    """

    functional: Functional
    multipliers: np.ndarray
    margin: float
    rigor: str = "float64"


def sector_lmi(
    system: DelaySystem,
    order: int,
    breaks: Sequence[float],
    *,
    solver: str = "CLARABEL",
) -> SectorProof | None:
    """Solve the sector LMI for a constant delay of unknown value in [breaks[0], breaks[-1]].

    Parameters
    ----------
    system : DelaySystem
        Well scaled (domain of about unit size).
    order : int
        Number of Legendre moments.
    breaks : sequence of float
        Delays between which the inequality is affine; two that are close stand for a single delay.
    solver : str

    Returns
    -------
    SectorProof or None
        None where no solution was found, or its margin, recomputed, is not positive.

    Raises
    ------
    ProblemError
        If the equations are not those that the baseline takes (:func:`loop_of`).
    """
    loop, reduction = loop_of(system), ConstantDelay(tuple(breaks))
    if not all(np.isfinite([u.low, u.high, u.size]).all() for u in loop.units):
        return None
    parameters = Parameters(system.dimension, order)
    layout = layout_of(loop, order)
    basis = parameters.basis(lambda p, s, r: reduction.forms(layout, p, s, r))
    squares, ends = sector_forms(loop, layout), basis.shape[1]
    count, extra = parameters.count, len(squares) * ends
    plain = positivity(parameters, reduction.longest, nearest_faces(system))
    program = Program(count + extra, [padded(block, extra) for block in plain])
    for e in range(ends):
        multipliers = np.zeros((ends, *squares.shape))
        multipliers[e] = squares
        matrices = np.concatenate([basis[:, e], multipliers.reshape(-1, *squares.shape[1:])])
        program.blocks.append(Block(matrices, np.zeros(squares.shape[1:]), 1.0))
    mean = np.pad(mean_on_constant_histories(parameters, system, reduction.longest), (0, extra))
    signs = [(-row, 0.0) for row in np.eye(count + extra)[count:]]
    program.limits = [(mean, LARGEST_MEAN), *signs]
    found = solve(program, solver=solver)
    if found is None:
        return None
    x = np.concatenate([found.x[:count], np.maximum(found.x[count:], 0.0)])
    margin = recomputed_margin(program, x)
    if not margin > 0:
        return None
    return SectorProof(parameters.functional(x[:count]), x[count:].reshape(ends, -1), margin)


def layout_of(loop: Loop, order: int) -> Layout:
    """Return rows that pick x, y, f and the moments from (x, y, p / size, moments)."""
    n, k = len(loop.present), len(loop.units)
    eye = torch.eye(n * (2 + order) + k, dtype=torch.float64)
    x, y, p = eye[:n], eye[n : 2 * n], eye[2 * n : 2 * n + k]
    sizes = np.array([unit.size for unit in loop.units])
    matrices = (loop.present, loop.delayed, loop.inputs * sizes)
    a, ad, b = (torch.as_tensor(np.ascontiguousarray(m)) for m in matrices)
    start = 2 * n + k
    moments = tuple(eye[start + j * n : start + (j + 1) * n] for j in range(order))
    f = a @ x + ad @ y + b @ p
    return Layout(0, x, y, f, torch.zeros_like(x), eye[:0], eye[:0], moments)


def sector_forms(loop: Loop, layout: Layout) -> np.ndarray:
    """Return (K, M, M), the symmetric matrices of (p - low z)(high z - p) / size^2, which are not negative."""
    n, size = len(loop.present), layout.x.shape[1]
    forms = np.zeros((len(loop.units), size, size))
    scales = np.array([1.0] * (2 * n) + [unit.size for unit in loop.units])
    for k, unit in enumerate(loop.units):
        z, p = np.zeros(size), np.zeros(size)
        z[: len(unit.row)] = unit.row * scales[: len(unit.row)] / unit.size
        p[2 * n + k] = 1.0
        form = np.outer(p - unit.low * z, unit.high * z - p)
        forms[k] = (form + form.T) / 2
    return forms


def padded(block: Block, extra: int) -> Block:
    """Return a block of a program with more unknowns, which it does not hold."""
    none = np.zeros((extra, *block.constant.shape))
    return replace(block, matrices=np.concatenate([block.matrices, none]))
