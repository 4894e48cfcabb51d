"""Solve one equation with a delay for each sample, and find a delay by its gradient.

    python examples/solve.py [folder for the plot]

Left: Hutchinson's equation x' = r x (1 - x(t - tau)) with r = 1.2 for 200 delays at once. It settles if r tau < pi/2
and swings for ever beyond. Right: one trajectory with an unknown delay is given at 40 times; Newton's method on the
squared error, with the first and second derivative in tau from the solver, finds it.
"""

import sys
from pathlib import Path

import matplotlib as mpl
import torch
from torch import Tensor

from certdde.solvers import ddeint

RATE = 1.2


def hutchinson(_t: Tensor, x: Tensor, past: list[Tensor]) -> Tensor:
    """Return r x (1 - x(t - tau))."""
    return RATE * x * (1 - past[0])


def many_delays() -> tuple[Tensor, Tensor, Tensor]:
    """Return delays (200,), times (601,) and states (601, 200)."""
    tau = torch.linspace(0.3, 1.9, 200, dtype=torch.float64)
    t = torch.linspace(0, 60, 601, dtype=torch.float64)
    x = ddeint(hutchinson, torch.full((1,), 0.5, dtype=torch.float64), t, [tau])
    return tau, t, x[..., 0]


def find_delay(seen: Tensor, t: Tensor, guess: float) -> list[float]:
    """Return the guesses of Newton's method on the mean squared error."""
    guesses = [guess]
    for _ in range(8):
        tau = torch.tensor(guesses[-1], dtype=torch.float64, requires_grad=True)
        x = ddeint(hutchinson, torch.full((1,), 0.5, dtype=torch.float64), t, [tau])[:, 0]
        loss = (x - seen).square().mean()
        (slope,) = torch.autograd.grad(loss, tau, create_graph=True)
        (bend,) = torch.autograd.grad(slope, tau)
        step = slope.item() / abs(bend.item())
        guesses.append(guesses[-1] - max(-0.2, min(0.2, step)))
        if abs(step) < 1e-10:
            break
    return guesses


def main() -> None:
    """Solve, fit, draw."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "out")
    folder.mkdir(parents=True, exist_ok=True)
    tau, t, x = many_delays()
    true = 1.1
    times = torch.linspace(0, 12, 40, dtype=torch.float64)
    seen = ddeint(hutchinson, torch.full((1,), 0.5, dtype=torch.float64), times, [true])[:, 0]
    guesses = find_delay(seen, times, 0.8)
    print("guesses of tau:", ", ".join(f"{g:.10f}" for g in guesses), f"(true {true})")

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    colours = plt.get_cmap("viridis")(((tau - tau[0]) / (tau[-1] - tau[0])).numpy())
    for b in range(0, 200, 8):
        left.plot(t.numpy(), x[:, b].numpy(), color=colours[b], linewidth=0.9)
    scale = plt.cm.ScalarMappable(mpl.colors.Normalize(float(tau[0]), float(tau[-1])), "viridis")
    bar = figure.colorbar(scale, ax=left, label="delay of the sample")
    bar.ax.axhline(torch.pi / 2 / RATE, color="red")
    left.set(xlabel="t", ylabel="x", title="one batch, 200 delays (red: $r\\tau = \\pi/2$)")
    fine = torch.linspace(0, 12, 400, dtype=torch.float64)
    fits = ddeint(
        hutchinson,
        torch.full((1,), 0.5, dtype=torch.float64),
        fine,
        [torch.tensor(guesses).double()],
    )[..., 0]
    for k in (0, 1, 2, len(guesses) - 1):
        right.plot(
            fine.numpy(),
            fits[:, k].numpy(),
            label=f"step {k}: $\\tau$ = {guesses[k]:.6f}",
            linewidth=1.2,
        )
    right.plot(times.numpy(), seen.numpy(), "k.", markersize=5, label=f"given, $\\tau$ = {true}")
    right.set(xlabel="t", title="a delay found by its first and second derivative")
    right.legend(fontsize=8)
    figure.savefig(folder / "solve.png", dpi=150)
    print("plot:", folder / "solve.png")


if __name__ == "__main__":
    main()
