"""Learn a delay equation and its delay from trajectories, write it as equations, and certify what was learnt.

    python examples/neural_dde.py [folder] [--steps N] [--no-proof]

The data are 64 trajectories of x' = A tanh(x + x(t - 1/2)), A = [-1 1; -1 -1]. The model is x' = W2 tanh(W1 [x, y]),
y = x(t - tau), with 6 hidden units and no biases; tau is learnt too, and begins at 1. The learnt equation is written
in the grammar of problem files with all digits of its weights, and it, not the true one, is what is certified: for
every delay within .01 of the learnt one. About a minute on two cores; --steps are passes through the data.
"""

import argparse
from pathlib import Path

import matplotlib as mpl
import torch
from matplotlib.axes import Axes

from certdde import Certificate, Constant, certify
from certdde.models.data import TaskData, spiral
from certdde.models.fit import Fit, FitSettings, error, fit
from certdde.models.neural_dde import NeuralDDE, SolverSettings
from certdde.models.to_system import delay_system

TRUE, BEGIN, STEP, BOX = 0.5, 1.0, 0.2, 0.5


def learn(data: TaskData, steps: int) -> tuple[NeuralDDE, Fit]:
    """Return the fitted model, and how the fit went."""
    model = NeuralDDE.of(
        2,
        [BEGIN],
        [6],
        torch.Generator().manual_seed(0),
        bounds=(0.05, 2.0),
        bias=False,
        settings=SolverSettings(step=STEP),
        dtype=torch.float64,
    )
    settings = FitSettings(epochs=steps, batch=64, rate=0.03, decay=0.1)

    def progress(epoch: int, entry: dict[str, float]) -> None:
        if epoch % 50 == 0 or epoch == steps - 1:
            shown = f"error {entry['validation']:.2e}, delay {entry['delay_1']:.4f}"
            print(f"step {epoch:4d}: {shown}", flush=True)

    return model, fit(model, data, settings, torch.Generator().manual_seed(1), progress=progress)


def prove(model: NeuralDDE) -> Certificate:
    """Look for a certificate of the learnt equation, for delays about the learnt one."""
    (tau,) = model.delays.values()
    domain = dict.fromkeys(("x", "y"), (-BOX, BOX))
    system = delay_system(model, domain, states=["x", "y"], name="learnt spiral")
    delays = Constant("tau", round(tau, 3) - 0.01, round(tau, 3) + 0.01)
    return certify(system, delays, method="quadratic")


def draw_fit(axes: Axes, result: Fit) -> None:
    """Draw the error and the delay over the steps."""
    epochs = [entry["epoch"] for entry in result.history]
    axes.semilogy(epochs, [entry["validation"] for entry in result.history])
    axes.set(xlabel="step", ylabel="mean squared error, validation", title="learning")
    right = axes.twinx()
    right.plot(epochs, [entry["delay_1"] for entry in result.history], color="C1")
    right.axhline(TRUE, color="C1", linestyle=":", linewidth=0.9)
    right.set_ylabel("delay (dotted: true)", color="C1")


def draw_trajectories(axes: Axes, model: NeuralDDE, data: TaskData) -> None:
    """Draw test trajectories and those of the model."""
    times = data.test.times
    fine = torch.linspace(float(times[0]), float(times[-1]), 200, dtype=times.dtype)
    with torch.no_grad():
        states = model(data.test.history(), fine)
    for k in range(3):
        axes.plot(times.numpy(), data.test.states[:, k, 0].numpy(), ".", color=f"C{k}")
        axes.plot(fine.numpy(), states[:, k, 0].numpy(), color=f"C{k}", linewidth=1)
    axes.set(xlabel="t", ylabel="x", title="test trajectories (dots) and the model")


def draw_region(axes: Axes, model: NeuralDDE, certificate: Certificate | None) -> None:
    """Draw trajectories of the model from the box, and the certified square of constant histories."""
    side = torch.linspace(-BOX, BOX, 5, dtype=torch.float64)
    starts = torch.cartesian_prod(side, side)
    with torch.no_grad():
        paths = model(starts, torch.linspace(0, 12, 601, dtype=torch.float64))
    axes.plot(paths[..., 0].numpy(), paths[..., 1].numpy(), color="0.7", linewidth=0.7)
    if certificate is not None and certificate.rigor == "rigorous":
        rho = certificate.data["region"]["radius"]["rho"]
        ends = [-rho, rho, rho, -rho, -rho]
        axes.plot(ends, ends[1:] + ends[1:2], color="C2", label=f"certified: |x|, |y| <= {rho}")
        axes.legend(fontsize=8)
    axes.set(xlabel="x", ylabel="y", title="the learnt equation")


def main() -> None:
    """Learn, certify, draw."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path("out"))
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--no-proof", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    data = spiral(train=64, validation=16, test=16, points=16, end=3.0, size=1.5)
    model, result = learn(data, options.steps)
    (tau,) = model.delays.values()
    print(f"delay {tau:.4f} (true {TRUE}), test error {error(model, data.test):.2e}")
    certificate = None
    if not options.no_proof:
        certificate = prove(model)
        certificate.save(options.folder / "neural_dde.certdde")
        where = options.folder / "neural_dde.certdde"
        print(f"{certificate.status}, {certificate.rigor}: {where}")

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, 3, figsize=(14, 4.2), layout="constrained")
    draw_fit(panels[0], result)
    draw_trajectories(panels[1], model, data)
    draw_region(panels[2], model, certificate)
    figure.savefig(options.folder / "neural_dde.png", dpi=150)
    print("plot:", options.folder / "neural_dde.png")


if __name__ == "__main__":
    main()
