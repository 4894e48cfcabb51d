"""The cell of benchmarks/flows.py for a delayed flow: how fast and how right it is in place of a solver."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from certdde.models.adam import Adam, Group
from certdde.models.flows import DelayedFlow, coupling_flow
from certdde.solvers import ddeint

TAU, ORDER, SEEN, BEYOND = 0.5, 3, 12, 24
TRAIN, TEST, RATE = 96, 200, 5e-3
STEPS = {"ddeint, RK4, step .05": 0.05, "ddeint, RK4, step .25": 0.25}
SPIRAL = torch.tensor([[-1.0, 1.0], [-1.0, -1.0]])
Solver = Callable[[], Tensor]


def field(_t: Tensor, x: Tensor, past: Sequence[Tensor]) -> Tensor:
    """Return A tanh(x(t) + x(t - tau))."""
    return torch.tanh(x + past[0]) @ SPIRAL.to(x).T


def starts(count: int, generator: torch.Generator) -> Tensor:
    """Draw constant histories in the square of side 2."""
    return 2 * torch.rand(count, 2, generator=generator, dtype=torch.float64) - 1


def pieces(model: DelayedFlow, initial: Tensor) -> tuple[Tensor, Tensor]:
    """Return the histories (1 + SEEN, nodes, samples, 2) of each delay, and the states (1 + SEEN, samples, 2) there."""
    nodes = TAU * model.nodes.double()
    ends = torch.cat([nodes, nodes.new_tensor([TAU])])
    grid = (TAU * torch.arange(SEEN, dtype=torch.float64)[:, None] + ends).flatten()
    times = torch.cat([grid.new_zeros(1), grid])
    states = ddeint(field, initial, times, [TAU], rtol=1e-9, atol=1e-10)[1:]
    later = states.reshape(SEEN, len(ends), *initial.shape)
    return torch.cat([initial.expand(1, len(ends), *initial.shape), later]).split(
        [len(nodes), 1], 1
    )


def trained(seconds: float) -> tuple[DelayedFlow, int]:
    """Fit a flow over one delay to pieces of true solutions, for so much processor time; return it and its steps."""
    source = torch.Generator().manual_seed(0)
    flow = coupling_flow(2, 4, [32, 32], source, context=2 * ORDER, span=TAU, gated=True)
    model = DelayedFlow(flow, TAU, ORDER)
    history, last = (part.float() for part in pieces(model, starts(TRAIN, source)))
    size = history.square().mean((1, 2, 3))
    s = torch.cat([TAU * model.nodes, torch.tensor([TAU])]).reshape(-1, 1, 1)
    adam = Adam([Group(tuple(model.parameters()), RATE)])
    began, spent, steps = time.process_time(), 0.0, 0
    while spent < seconds:
        k = int(torch.randint(SEEN, (), generator=source))
        model.zero_grad()
        found = model(s, last[k, 0], model.encode(history[k]))
        wanted = torch.cat([history[k + 1], last[k + 1]])
        ((found - wanted).square().mean() / size[k + 1]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step(1 - 0.95 * spent / seconds)
        spent, steps = time.process_time() - began, steps + 1
    return model, steps


def least(solver: Solver, repeats: int = 5) -> float:
    """Return the least processor time of some calls."""
    taken = []
    for _ in range(repeats):
        began = time.process_time()
        solver()
        taken.append(time.process_time() - began)
    return min(taken)


def delayed(seconds: float) -> dict[str, Any]:
    """Return error and time of the flow and of the solver over many delays, from histories that were not seen.

    The error is that of the states at the ends of the delays, in the root mean square, over that of the states there.
    """
    model, steps = trained(seconds)
    initial = starts(TEST, torch.Generator().manual_seed(1))
    times = TAU * torch.arange(BEYOND + 1, dtype=torch.float64)
    true = ddeint(field, initial, times, [TAU], rtol=1e-9, atol=1e-10)
    single = initial.float()

    def by_flow() -> Tensor:
        return model.rollout(lambda s: single.expand(len(s), *single.shape), BEYOND)

    def by_solver(step: float) -> Solver:
        options = {"step": step}
        return lambda: ddeint(field, single, times.float(), [TAU], method="rk4", options=options)

    solvers: dict[str, Solver] = {"delayed flow": by_flow}
    solvers |= {name: by_solver(step) for name, step in STEPS.items()}
    rows = []
    with torch.no_grad():
        for name, solver in solvers.items():
            off = (solver().double() - true).square().mean((1, 2)) / true.square().mean((1, 2))
            errors = {str(k): float(off[k].sqrt()) for k in (1, SEEN // 2, SEEN, BEYOND)}
            rows.append({"solver": name, "seconds": least(solver), "errors": errors})
    return {"steps": steps, "samples": TEST, "seen": SEEN, "delays": BEYOND, "rows": rows}
