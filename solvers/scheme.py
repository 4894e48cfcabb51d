"""Discrete schemes x[t+1] = step(t, x[t], x[t - d_1], ..), batched, with integer delays per sample and per step."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from certdde.solvers.errors import SolverError

Step = Callable[[int, Tensor, Sequence[Tensor]], Tensor]


def scheme(
    step: Step,
    history: Float[Tensor, "..."] | Callable[[int], Tensor],
    delays: Sequence[int | Tensor],
    steps: int,
) -> Float[Tensor, " times *batch n"]:
    """Iterate a delayed scheme.

    Parameters
    ----------
    step : callable
        step(t, x, delayed) -> x[t+1], with t an int, x (*batch, n), ``delayed`` a list of one such tensor per delay.
    history : Tensor or callable
        A tensor (*batch, n), the same at all t <= 0; or a function of the integers -d .. 0 that returns (*batch, n).
    delays : sequence of int or integer Tensor
        For each delay an int, a tensor of shape () or (*batch,), or (steps, *batch) for a delay of its own at each
        step. A delay of 0 is x[t] itself.
    steps : int
        Number of steps.

    Returns
    -------
    Tensor, (steps + 1, *batch, n)
        x[0], .., x[steps].

    Raises
    ------
    SolverError
        If a delay is negative or no integer, shapes do not fit, or ``step`` returns another shape than the state's.

    Notes
    -----
    The look-up of a run of steps no longer than the shortest delay is done at once. A state that is not finite stays
    in the result as it is: there is no dense output to protect, and the caller sees it in x[steps].

    Examples
    --------
    >>> x = scheme(lambda t, x, past: x - 0.5 * past[0], torch.ones(1), [1], 3)
    >>> x[:, 0].tolist()
    [1.0, 0.5, 0.0, -0.25]
    """
    newest = history(0) if callable(history) else history
    tables, batch = _tables(delays, newest, steps)
    newest = newest.expand(*batch, newest.shape[-1])
    reach = max((int(table.max()) for table in tables), default=0)
    old = [history(-d) for d in range(reach, 0, -1)] if callable(history) else [newest] * reach
    states = [row.expand_as(newest) for row in old] + [newest]
    zeros = any(bool((table == 0).any()) for table in tables)
    window = min(
        [int(table[table > 0].min()) for table in tables if bool((table > 0).any())], default=steps
    )
    first = 0
    while first < steps:
        last = min(first + window, steps)
        rows = [_rows(table, first, last, states, reach) for table in tables]
        for t in range(first, last):
            x = states[-1]
            delayed = [x if row is None else row[t - first] for row in rows]
            if zeros:
                delayed = [
                    _zeros(table, t, x, value) for table, value in zip(tables, delayed, strict=True)
                ]
            states.append(_checked(step(t, x, delayed), newest))
        first = last
    return torch.stack(states[reach:])


def _tables(
    delays: Sequence[int | Tensor], state: Tensor, steps: int
) -> tuple[list[Tensor], torch.Size]:
    """Read the delays as integers (steps or 1, *batch or ones), and find the batch."""
    if steps < 1:
        raise SolverError(f"{steps} steps", where="steps", wanted="a number > 0")
    tables, batch = [], torch.Size(state.shape[:-1])
    for i, delay in enumerate(delays):
        value = torch.as_tensor(delay, device=state.device)
        if value.is_floating_point() or bool((value < 0).any()):
            raise SolverError(
                "a delay that is negative or no integer",
                where=f"delays[{i}]",
                wanted="integers >= 0",
            )
        per_step = value.ndim == len(batch) + 1 and value.shape[0] == steps
        value = value.long() if per_step else value.long().unsqueeze(0)
        try:
            batch = torch.broadcast_shapes(batch, value.shape[1:])
        except RuntimeError:
            raise SolverError(
                f"delays of shape {tuple(value.shape)} for states {tuple(state.shape)}",
                where=f"delays[{i}]",
                wanted="(), (*batch,) or (steps, *batch)",
            ) from None
        tables.append(value)
    return tables, batch


def _rows(table: Tensor, first: int, last: int, states: list[Tensor], reach: int) -> Tensor | None:
    """Look up one delay for steps first .. last - 1: (W, *batch, n), any row for zeros; None if all delays are 0."""
    part = table[first:last] if table.shape[0] > 1 else table
    most, least = int(part.max()), int(part.min())
    if most == 0:
        return None
    low = max(first + reach - most, 0)
    past = torch.stack(states[low : min(last + reach - max(least, 1), first + reach) + 1])
    times = torch.arange(first, last, device=part.device).reshape(-1, *([1] * (part.ndim - 1)))
    index = (times + reach - part - low).clamp(0, past.shape[0] - 1)
    if part[0].numel() == 1:
        return past.index_select(0, index.reshape(-1))
    batch, n = past.shape[1:-1], past.shape[-1]
    size = batch.numel()
    flat = index.expand(-1, *batch).reshape(-1, size) * size + torch.arange(
        size, device=index.device
    )
    return past.reshape(-1, n).index_select(0, flat.reshape(-1)).reshape(last - first, *batch, n)


def _zeros(table: Tensor, t: int, x: Tensor, value: Tensor) -> Tensor:
    delay = table[t if table.shape[0] > 1 else 0]
    return torch.where((delay == 0).unsqueeze(-1), x, value)


def _checked(value: Tensor, like: Tensor) -> Tensor:
    if value.shape != like.shape:
        raise SolverError(
            f"step returns {tuple(value.shape)}",
            where="step",
            wanted=f"the shape of the state, {tuple(like.shape)}",
        )
    return value
