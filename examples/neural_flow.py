"""Learn solution maps instead of right-hand sides: neural flows, and a flow for a delay equation; certify a step map.

    python examples/neural_flow.py [folder for plots and certificates] [--quick]

* A coupling flow learns y0 + sin t, a ResNet flow the sink x' = [-4 10; -3 2] x: F(t, x0), F(0, x0) = x0 (Bilos et
  al. 2021). Neither needs a solver.
* A delayed flow learns the spiral x' = A tanh(x(t) + x(t - 1/2)): x(t + s) from x(t) and three Legendre moments of the
  history, s up to the delay. Applied again and again it replaces the solver.
* The step map x[t+1] = F(1/4, x[t]; x[t-4]) of a small ResNet flow, whose context is the delayed state, is written
  with rounded weights as a scheme; ``certify`` proves it stable, with a region, for these weights.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import torch
from torch import Tensor, nn

from certdde import Certificate, Constant, certify
from certdde.models.adam import Adam, Group
from certdde.models.flows import Composite, DelayedFlow, Flow, ResNetFlow, StepMap, coupling_flow
from certdde.solvers import ddeint

TAU, ORDER, DELAYS = 0.5, 3, 12
SINK = torch.tensor([[-4.0, 10.0], [-3.0, 2.0]])
SPIRAL = torch.tensor([[-1.0, 1.0], [-1.0, -1.0]])


def fit(model: nn.Module, loss: Callable[[], Tensor], steps: int, rate: float = 5e-3) -> float:
    """Minimise a loss and return the mean of its last values."""
    parameters = tuple(model.parameters())
    adam, last = Adam([Group(parameters, rate)]), []
    for k in range(steps):
        model.zero_grad()
        value = loss()
        value.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.step(1 - 0.95 * k / steps)
        last.append(float(value.detach()))
    return sum(last[-20:]) / len(last[-20:])


def map_loss(
    flow: Flow, truth: Callable[[Tensor, Tensor], Tensor], draw: Callable[[], tuple[Tensor, Tensor]]
) -> Callable[[], Tensor]:
    """Return the mean square error of F(t, x0) at times and starts drawn anew."""

    def loss() -> Tensor:
        t, x = draw()
        return (flow(t, x) - truth(t, x)).square().mean()

    return loss


def sine(steps: int, source: torch.Generator) -> tuple[Flow, float]:
    """Fit a coupling flow to y0 + sin t, t in [0, 10]."""
    flow = coupling_flow(1, 2, [32, 32], source, embedding="sine", span=10.0)

    def draw() -> tuple[Tensor, Tensor]:
        unit = torch.rand(2, 256, 1, generator=source)
        return 10 * unit[0], 4 * unit[1] - 2

    return flow, fit(flow, map_loss(flow, lambda t, y: y + torch.sin(t), draw), steps)


def sink(steps: int, source: torch.Generator) -> tuple[Flow, float]:
    """Fit ResNet flows in a row to exp(A t) x0 of the sink, t in [0, 1]."""
    parts = [ResNetFlow(2, [32], source, bound=0.97, timed=False) for _ in range(8)]
    flow = Composite(parts)

    def draw() -> tuple[Tensor, Tensor]:
        return torch.rand(256, 1, generator=source), torch.rand(256, 2, generator=source)

    return flow, fit(flow, map_loss(flow, exact_sink, draw), steps, 1e-2)


def exact_sink(t: Tensor, x: Tensor) -> Tensor:
    """Return exp(A t) x."""
    return (torch.matrix_exp(SINK * t.unsqueeze(-1)) @ x.unsqueeze(-1))[..., 0]


def spiral(_t: Tensor, x: Tensor, past: list[Tensor]) -> Tensor:
    """Return A tanh(x(t) + x(t - tau))."""
    return torch.tanh(x + past[0]) @ SPIRAL.to(x).T


def delayed(steps: int, source: torch.Generator) -> tuple[DelayedFlow, float]:
    """Fit a delayed flow to pieces of solutions from constant histories."""
    flow = coupling_flow(2, 4, [32], source, context=2 * ORDER, span=TAU)
    model = DelayedFlow(flow, TAU, ORDER)
    starts = 2 * torch.rand(96, 2, generator=source, dtype=torch.float64) - 1
    nodes = TAU * model.nodes.double()
    grid = torch.cat(
        [torch.cat([TAU * k + nodes, torch.tensor([TAU * (k + 1)])]) for k in range(DELAYS)]
    )
    states = ddeint(spiral, starts, torch.cat([torch.zeros(1), grid]).double(), [TAU])
    pieces = states[1:].reshape(DELAYS, len(nodes) + 1, 96, 2).float()
    first = starts.float().expand(1, len(nodes) + 1, 96, 2)
    pieces = torch.cat([first, pieces])  # history, then one piece a delay
    s = torch.cat([nodes, torch.tensor([TAU])]).float().reshape(-1, 1, 1)
    size = pieces.square().mean((1, 2, 3), keepdim=True).clamp_min(1e-6)[1:]

    def loss() -> Tensor:
        k = int(torch.randint(DELAYS, (), generator=source))
        moments = model.encode(pieces[k, :-1])
        newest = pieces[k, -1]
        count = len(s)
        found = flow(
            s.expand(count, 96, 1), newest.expand(count, 96, 2), moments.expand(count, 96, -1)
        )
        return (found - pieces[k + 1]).square().mean() / size[k, 0, 0, 0]

    return model, fit(model, loss, steps)


def certified_step(steps: int, source: torch.Generator) -> tuple[StepMap, Certificate]:
    """Fit x(t + 1/4) = F(1/4, x(t); x(t - 1)) to x' = -x(t) - .8 tanh(x(t - 1)), and certify the map."""
    flow = ResNetFlow(1, [3], source, context=1, timed=False, bias=False, dtype=torch.float64)
    starts = 2 * torch.rand(64, 1, generator=source, dtype=torch.float64) - 1
    times = torch.linspace(0, 8, 33, dtype=torch.float64)
    seen = ddeint(lambda _t, x, past: -x - 0.8 * torch.tanh(past[0]), starts, times, [1.0])
    seen = torch.cat([starts.expand(4, 64, 1), seen])
    delayed, present, later = seen[:-5], seen[4:-1], seen[5:]
    h = torch.full((len(present), 64, 1), 0.25, dtype=torch.float64)
    fit(flow, lambda: (flow(h, present, delayed) - later).square().mean(), steps)
    step = StepMap.of(flow, 0.25)
    system = step.system([(-1.0, 1.0)], name="step map of a learned flow")
    return step, certify(system, Constant("tau", 4, 4), method="lmi", budget=30)


def draw(flows: tuple[Flow, Flow, DelayedFlow], path: Path) -> None:
    """Draw learned maps over true ones."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4.2), layout="constrained")
    with torch.no_grad():
        t = torch.linspace(0, 10, 200).unsqueeze(1)
        for y in (-1.5, 0.0, 1.5):
            start = torch.full_like(t, y)
            left.plot(t, start + torch.sin(t), "k--", lw=0.8)
            left.plot(t, flows[0](t, start))
        t = torch.linspace(0, 1, 100).unsqueeze(1)
        for start in torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.9, 0.9]]):
            wide = start.expand(100, 2)
            middle.plot(*exact_sink(t, wide).T, "k--", lw=0.8)
            middle.plot(*flows[1](t, wide).T)
        inner = torch.linspace(0.05, TAU, 10)
        for start in torch.tensor([[0.9, 0.1], [-0.6, 0.7]]):
            found = flows[2].rollout(lambda s, x=start: x.expand(len(s), 2), DELAYS, inner)
            times = torch.linspace(0, DELAYS * TAU, 10 * DELAYS + 1).double()
            true = ddeint(spiral, start.double(), times, [TAU])
            right.plot(*true.T, "k--", lw=0.8)
            right.plot(*found.T)
    left.set(title="coupling flow: $y_0 + \\sin t$", xlabel="t")
    middle.set(title="ResNet flow: sink")
    right.set(title=f"delayed flow: spiral, {DELAYS} delays")
    figure.savefig(path, dpi=150)


def main() -> None:
    """Fit, certify, draw."""
    quick = "--quick" in sys.argv
    named = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    folder = Path(named[0] if named else "out/neural_flow")
    folder.mkdir(parents=True, exist_ok=True)
    source, flows = torch.Generator().manual_seed(0), []
    for name, run, steps in (("sine", sine, 600), ("sink", sink, 800), ("spiral", delayed, 800)):
        began = time.monotonic()
        flow, error = run(20 if quick else steps, source)
        flows.append(flow)
        print(f"{name:8s}mean square error {error:.2e} ({time.monotonic() - began:.0f} s)")
    _, found = certified_step(20 if quick else 400, source)
    print(f"step map: {found.rigor}: {found.claim}")
    found.save(folder / "step_map.certdde")
    draw((flows[0], flows[1], flows[2]), folder / "neural_flow.png")
    print("plots and certificates:", folder)


if __name__ == "__main__":
    main()
