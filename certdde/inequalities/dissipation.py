"""The quadratic form of the dissipation, for a constant delay (docs/math.md, section 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch

from certdde.inequalities.features import Features
from certdde.inequalities.legendre import moment_rates


@dataclass(frozen=True, slots=True)
class Layout:
    """Row matrices that pick x, y, f, q, p_W and the moments from (v, eta', Omega), M components in all.

    ``head`` is the number m of features; the other components enter D quadratically and are eliminated.
    ``q_moments`` are the rows of q for the moments that V0 reads, with their indices in ``Network.inputs``.
    """

    head: int
    x: torch.Tensor
    y: torch.Tensor
    f: torch.Tensor
    q: torch.Tensor
    w_present: torch.Tensor
    w_delayed: torch.Tensor
    moments: tuple[torch.Tensor, ...]
    q_moments: tuple[tuple[int, torch.Tensor], ...] = ()

    @classmethod
    def of(cls, features: Features, order: int, *, dtype: torch.dtype = torch.float64) -> Layout:
        """Build the rows for features and a number of moments."""
        parts, n = features.structure, features.structure.present.shape[0]
        names = [str(v) for v in parts.nonlinear]
        place = {name: i for i, name in enumerate(names)}
        total, places = features.size, []
        for delayed in (False, True):
            for i in range(n):
                match = [
                    place[str(v)]
                    for v in parts.nonlinear
                    if (v.delay is not None) == delayed and _index(features, v.name) == i
                ]
                places.append(match[0] if match else total)
                total += not match
        inside = {i: len(parts.nonlinear) + k for k, i in enumerate(features.moments)}
        slots = []
        for index in range(n, n * (order + 1)):
            slots.append(inside.get(index, total))
            total += index not in inside
        eye = torch.eye(total, dtype=dtype)
        x, y = eye[places[:n]], eye[places[n:]]
        counts = features.sizes()
        starts = [features.dimension + sum(counts[:k]) for k in range(4)]
        block = [eye[s : s + c] for s, c in zip(starts, counts, strict=True)]
        f = (
            torch.as_tensor(parts.present, dtype=dtype) @ x
            + torch.as_tensor(parts.delayed, dtype=dtype) @ y
        )
        f[list(features.remainder_rows)] += block[0]
        q, q_moments = torch.zeros(n, total, dtype=dtype), []
        inputs = features.functional.V0.inputs if features.functional.V0 else ()
        for index, row in zip(inputs, block[1], strict=True):
            if index < n:
                q[index] = row
            else:
                q_moments.append((index, row))
        moments = tuple(eye[slots[k * n : (k + 1) * n]] for k in range(order))
        return cls(features.size, x, y, f, q, block[2], block[3], moments, tuple(q_moments))


def _index(features: Features, name: str) -> int:
    return features.structure.states.index(name)


def linear_layout(present: torch.Tensor, delayed: torch.Tensor, order: int) -> Layout:
    """Return the layout of x' = present x + delayed y, with no features: components (x, y, Omega)."""
    n = present.shape[0]
    eye = torch.eye(n * (2 + order), dtype=present.dtype)
    x, y = eye[:n], eye[n : 2 * n]
    none = eye[:0]
    moments = tuple(eye[(2 + k) * n : (3 + k) * n] for k in range(order))
    return Layout(0, x, y, present @ x + delayed @ y, torch.zeros_like(x), none, none, moments)


def quadratic_form(
    layout: Layout,
    P: torch.Tensor,
    S: torch.Tensor,
    R: torch.Tensor,
    breaks: Sequence[float],
    kappas: Sequence[float],
    networks: float = 1.0,
) -> torch.Tensor:
    """Return H, (..., E, M, M), with D = z^T H_j z at tau = breaks[j], 1/tau replaced by kappas[j].

    P, S, R may have leading batch dimensions, which H then has too.

    See docs/certificate-format.md, section 4.

    ``networks`` multiplies the terms of the networks: 0 gives the part that is linear in (P, S, R).
    """
    rates = moment_rates(layout.x, layout.y, layout.moments)
    fixed = networks * (
        2 * layout.q.T @ layout.f
        + layout.w_present.T @ layout.w_present
        - layout.w_delayed.T @ layout.w_delayed
    )
    fixed = fixed + layout.x.T @ S @ layout.x - layout.y.T @ S @ layout.y
    derivative = P @ torch.cat([layout.f, *rates[:-1]]) if layout.moments else P @ layout.f
    damping = sum((2 * k + 1) * rate.T @ R @ rate for k, rate in enumerate(rates))
    input_rate = layout.f.T @ R @ layout.f
    forms = []
    for tau, kappa in zip(breaks, kappas, strict=True):
        w = torch.cat([layout.x, *(tau * row for row in layout.moments)])
        form = fixed + 2 * w.T @ derivative + tau * input_rate - kappa * damping
        forms.append((form + form.mT) / 2)
    return torch.stack(forms, dim=-3)


def moment_form(
    layout: Layout,
    P: torch.Tensor,
    S: torch.Tensor,
    R: torch.Tensor,
    breaks: Sequence[float],
    networks: float = 1.0,
) -> torch.Tensor:
    """Return the Bernstein coefficients of tau D on every piece of delays, (..., 2 K + 1, M, M); V0 may read moments.

    tau D is a polynomial of degree 2 in tau: no tangent is needed. Neighbouring pieces share a coefficient.
    P, S, R may have leading batch dimensions.
    """
    n, rates = layout.x.shape[0], moment_rates(layout.x, layout.y, layout.moments)
    drift = torch.cat([layout.f, *rates[:-1]])
    fixed = -sum((2 * k + 1) * rate.T @ R @ rate for k, rate in enumerate(rates))
    for index, row in layout.q_moments:
        fixed = fixed + networks * 2 * torch.outer(row, rates[index // n - 1][index % n])
    linear = networks * (
        2 * layout.q.T @ layout.f
        + layout.w_present.T @ layout.w_present
        - layout.w_delayed.T @ layout.w_delayed
    )
    linear = linear + layout.x.T @ S @ layout.x - layout.y.T @ S @ layout.y
    linear = linear + 2 * layout.x.T @ P[..., :n, :] @ drift
    square = layout.f.T @ R @ layout.f
    if layout.moments:
        square = square + 2 * torch.cat(layout.moments).T @ P[..., n:, :] @ drift
    forms = []
    for s, t in [
        (breaks[0],) * 2,
        *(pair for a, b in pairwise(breaks) for pair in ((a, b), (b, b))),
    ]:
        form = fixed + (s + t) / 2 * linear + s * t * square
        forms.append((form + form.mT) / 2)
    return torch.stack(forms, dim=-3)


def eliminate(form: torch.Tensor, head: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Maximise over the last components: return (Ht, lambda) with z^T H z <= v^T Ht v where lambda < 0.

    Parameters
    ----------
    form : (E, M, M) Tensor
    head : int
        Number of components that stay.

    Returns
    -------
    (E, head, head) Tensor and (E,) Tensor
        Ht = A - B Q^-1 B^T and the largest eigenvalue of Q, which must be negative for Ht to mean anything.
    """
    if head == form.shape[-1]:
        return form, form.new_full(form.shape[:1], -1.0)
    block, cross = form[:, head:, head:], form[:, :head, head:]
    largest = torch.linalg.eigvalsh(block)[:, -1]
    return form[:, :head, :head] - cross @ torch.linalg.solve(
        block, cross.transpose(-1, -2)
    ), largest
