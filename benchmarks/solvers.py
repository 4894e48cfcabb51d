"""How fast and how exact is the solver, beside torchdde, jitcdde, ddeint and torchdiffeq? One process, one thread.

Needs the peers: pip install 'certdde[peers]'. Prints the table of docs/benchmarks.md and keeps the numbers as JSON.

    python benchmarks/solvers.py [--quick] [--json FILE] [--plot FILE]
"""

import argparse
import importlib.metadata
import json
import math
import os
import platform
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from certdde.solvers import ddeint

DOUBLE = torch.float64
PEERS = ("torchdde", "jitcdde", "ddeint", "torchdiffeq")


def seconds(run: Callable[[], object], repeats: int = 3) -> float:
    """Return the least processor time of a call, after one to warm up; other work on the machine does not count."""
    run()
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        run()
        times.append(time.process_time() - begin)
    return min(times)


def logistic(_t: Tensor, x: Tensor, past: list[Tensor]) -> Tensor:
    """Return x (1 - x(t - tau))."""
    return x * (1 - past[0])


def torchdde_logistic(batch: int, steps: int) -> Callable[[], Tensor]:
    """Return torchdde's own problem: RK4, h = .01, one delay .5 for the whole batch."""
    from torchdde import integrate
    from torchdde.solver.rk4 import RK4

    y0 = torch.linspace(0.1, 1.1, batch, dtype=DOUBLE).unsqueeze(1)
    ts = torch.linspace(0, 0.01 * steps, 11, dtype=DOUBLE)
    dt, delays = torch.tensor(0.01, dtype=DOUBLE), torch.tensor([0.5], dtype=DOUBLE)

    def run() -> Tensor:
        with torch.no_grad():
            field = lambda _t, y, _args, history: y * (1 - history[0])  # noqa: E731
            return integrate(
                field, RK4(), ts[0], ts[-1], ts, lambda _t: y0, None, dt0=dt, delays=delays
            )

    return run


def our_logistic(batch: int, steps: int, delays: Tensor) -> Callable[[], Tensor]:
    """Return the same with our solver, with the delays given."""
    y0 = torch.linspace(0.1, 1.1, batch, dtype=DOUBLE).unsqueeze(1)
    ts = torch.linspace(0, 0.01 * steps, 11, dtype=DOUBLE)
    return lambda: ddeint(logistic, y0, ts, [delays], method="rk4", options={"step": 0.01})


def step_cost(steps: int) -> dict[str, float]:
    """Milliseconds a step at batch 128, and at 4,096 with a delay for each sample."""
    spread = torch.linspace(0.2, 0.8, 4096, dtype=DOUBLE)
    longer = 2 * steps
    return {
        "torchdde, 128, ms/step": 1e3 * seconds(torchdde_logistic(128, steps), 5) / steps,
        "certdde, 128, ms/step": 1e3
        * seconds(our_logistic(128, steps, torch.tensor(0.5)), 9)
        / steps,
        "torchdde, 4096, one shared delay, ms/step": 1e3
        * seconds(torchdde_logistic(4096, steps), 1)
        / steps,
        f"torchdde, 4096, one shared delay, {longer} steps, ms/step": 1e3
        * seconds(torchdde_logistic(4096, longer), 1)
        / longer,
        f"certdde, 4096, own delays, {longer} steps, ms/step": 1e3
        * seconds(our_logistic(4096, longer, spread))
        / longer,
        "certdde, 4096, one shared delay, ms/step": 1e3
        * seconds(our_logistic(4096, steps, torch.tensor(0.5)))
        / steps,
        "torchdde, 1, ms/step": 1e3 * seconds(torchdde_logistic(1, steps)) / steps,
        "certdde, 4096, own delays, ms/step": 1e3
        * seconds(our_logistic(4096, steps, spread))
        / steps,
    }


def training_cost(dtype: torch.dtype, activation: type[torch.nn.Module]) -> dict[str, float]:
    """Seconds for forward and backward of 200 RK4 steps, MLP 2-64-64-1, batch 128; the delay gets a gradient too."""
    from torchdde import integrate
    from torchdde.solver.rk4 import RK4

    linear = torch.nn.Linear
    layers = [linear(2, 64), activation(), linear(64, 64), activation(), linear(64, 1)]
    net = torch.nn.Sequential(*layers).to(dtype)
    y0 = torch.linspace(-1, 1, 128, dtype=dtype).unsqueeze(1)
    ts = torch.linspace(0, 10, 201, dtype=dtype)

    class Field(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net
            self.delays = torch.nn.Parameter(torch.ones(1, dtype=dtype))

        def forward(self, _t: Tensor, y: Tensor, _args: object, history: list[Tensor]) -> Tensor:
            return self.net(torch.cat([y, history[0]], dim=-1))

    field, tau = Field(), torch.ones((), dtype=dtype, requires_grad=True)

    def theirs() -> None:
        settings = {"dt0": ts[1] - ts[0], "delays": field.delays, "discretize_then_optimize": True}
        integrate(
            field, RK4(), ts[0], ts[-1], ts, lambda _t: y0, None, **settings
        ).square().mean().backward()

    def ours(gradient: str) -> Callable[[], None]:
        f = lambda _t, x, past: net(torch.cat([x, past[0]], dim=-1))  # noqa: E731
        return lambda: (
            ddeint(f, y0, ts, [tau], method="rk4", options={"gradient": gradient})
            .square()
            .mean()
            .backward()
        )

    def network_alone() -> None:
        x = y0
        for _ in range(800):
            x = x + 0.01 * net(torch.cat([x, y0], dim=-1))
        x.square().mean().backward()

    return {
        "torchdde direct, s": seconds(theirs),
        "certdde autodiff, s": seconds(ours("autodiff")),
        "certdde checkpoint, s": seconds(ours("checkpoint")),
        "the network alone, 800 times, s": seconds(network_alone),
    }


def mackey_glass(count: int, sample: int, end: float) -> dict[str, float]:
    """Seconds for many trajectories of Mackey-Glass with different delays: one batch, and jitcdde in turn."""
    import numpy as np
    import symengine
    from jitcdde import jitcdde, t, y

    delays = np.linspace(4, 20, count)
    times = torch.linspace(0, end, 101, dtype=DOUBLE)

    def f(_t: Tensor, x: Tensor, past: list[Tensor]) -> Tensor:
        return 0.2 * past[0] / (1 + past[0] ** 10) - 0.1 * x

    adaptive = {"rtol": 1e-6, "atol": 1e-8}

    def batch(taus: Tensor, settings: dict[str, object]) -> Tensor:
        return ddeint(f, torch.full((1,), 0.5, dtype=DOUBLE), times, [taus], **settings)

    tau = symengine.Symbol("tau")
    begin = time.perf_counter()  # the compiler is a process of its own
    past = y(0, t - tau)
    system = jitcdde(
        [0.2 * past / (1 + past**10) - 0.1 * y(0)],
        control_pars=[tau],
        max_delay=20.0,
        verbose=False,
    )
    system.compile_C(verbose=False)
    compile_time = time.perf_counter() - begin

    def theirs(value: float) -> list[float]:
        system.purge_past()
        system.constant_past([0.5], time=0.0)
        system.set_parameters([value])
        system.set_integration_parameters(rtol=1e-6, atol=1e-8)
        system.adjust_diff()
        return [float(system.integrate(max(s, system.t))[0]) for s in times.tolist()[1:]]

    picks = delays[:: max(1, count // sample)]
    begin = time.process_time()
    values = [theirs(float(value)) for value in picks]
    each = (time.process_time() - begin) / len(picks)
    exact = batch(torch.as_tensor(picks), {"rtol": 1e-10, "atol": 1e-11})
    even = {"method": "rk4", "options": {"step": 0.5}}

    def error(states: Tensor) -> float:
        return float((states - exact)[..., 0].abs().amax(0).median())

    every = torch.as_tensor(delays)
    return {
        "certdde rk4, step .5, all at once, s": seconds(lambda: batch(every, even)),
        "certdde dopri5, rtol 1e-6, all at once, s": seconds(lambda: batch(every, adaptive)),
        "certdde dopri5, one, s": seconds(lambda: batch(torch.tensor(12.0), adaptive)),
        "jitcdde, one, s": each,
        "jitcdde, all, s (measured on a part)": each * count,
        "jitcdde, compile, s": compile_time,
        "error certdde rk4": error(batch(torch.as_tensor(picks), even)),
        "error certdde dopri5": error(batch(torch.as_tensor(picks), adaptive)),
        "error jitcdde": error(
            torch.cat([torch.full((1, len(picks)), 0.5), torch.tensor(values).T]).unsqueeze(-1)
        ),
        "trajectories": count,
    }


def order(steps: list[int]) -> dict[str, dict[str, float]]:
    """Error at t = 5 of x' = -x(t - 1), x = 1 before, by number of steps a unit of time."""
    from torchdde import integrate
    from torchdde.solver.rk4 import RK4

    exact = sum((-1.0) ** n * (5 - (n - 1)) ** n / math.factorial(n) for n in range(7))
    f = lambda _t, _x, past: -past[0]  # noqa: E731
    one, t = torch.ones(1, 1, dtype=DOUBLE), torch.tensor([0.0, 5.0], dtype=DOUBLE)
    result: dict[str, dict[str, float]] = {}
    for method in ("euler", "heun", "rk4", "dopri5", "esdirk3"):
        result[method] = {}
        for count in steps:
            options = {"step": 1 / count, "adaptive": False}
            # 1.0 divided unevenly too: the delay of the second sample is off the grid
            x = ddeint(
                f, one, t, [torch.tensor([0.71], dtype=DOUBLE)], method=method, options=options
            )[-1, 0, 0]
            result[method][str(count)] = abs(float(x) - off_grid_exact(5.0, 0.71))
    result["torchdde rk4 (delay 1, on the grid)"] = {}
    for count in steps:
        dt = torch.tensor(1 / count, dtype=DOUBLE)
        with torch.no_grad():
            field = lambda _t, _y, _args, history: -history[0]  # noqa: E731
            y = integrate(
                field,
                RK4(),
                t[0],
                t[-1],
                t,
                lambda _s: one,
                None,
                dt0=dt,
                delays=torch.ones(1, dtype=DOUBLE),
            )
        result["torchdde rk4 (delay 1, on the grid)"][str(count)] = abs(float(y[0, -1, 0]) - exact)
    return result


def off_grid_exact(t: float, tau: float) -> float:
    """Return the exact solution of x' = -x(t - tau), x = 1 before."""
    return sum(
        (-1.0) ** n * (t - (n - 1) * tau) ** n / math.factorial(n) for n in range(int(t / tau) + 2)
    )


def ordinary(steps: int) -> dict[str, float]:
    """Milliseconds a step of RK4 without delay, beside torchdiffeq."""
    from torchdiffeq import odeint

    y0, ts = (
        torch.linspace(0.1, 1.1, 128, dtype=DOUBLE).unsqueeze(1),
        torch.linspace(0, 0.01 * steps, steps + 1, dtype=DOUBLE),
    )

    def theirs() -> Tensor:
        with torch.no_grad():
            return odeint(lambda _t, x: x * (1 - x), y0, ts, method="rk4")

    return {
        "torchdiffeq, ms/step": 1e3 * seconds(theirs) / steps,
        "certdde, tau = 0, ms/step": 1e3
        * seconds(lambda: ddeint(logistic, y0, ts, [0.0], method="rk4"))
        / steps,
    }


def single(points: int) -> dict[str, float]:
    """Seconds for one trajectory at many points, beside ddeint."""
    import numpy as np
    from ddeint import ddeint as peer

    grid = np.linspace(0, 40, points)
    t = torch.as_tensor(grid)
    return {
        "ddeint, s": seconds(
            lambda: peer(lambda x, t: x(t) * (1 - x(t - 1)), lambda _t: 0.5, grid), 1
        ),
        "certdde, s": seconds(
            lambda: ddeint(logistic, torch.full((1,), 0.5, dtype=DOUBLE), t, [1.0])
        ),
    }


def plot(errors: dict[str, dict[str, float]], path: Path) -> None:
    """Draw error against step length."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4.2), layout="constrained")
    for name, points in errors.items():
        steps = [1 / int(count) for count in points]
        axes.loglog(
            steps,
            [max(e, 1e-16) for e in points.values()],
            "o-" if "torchdde" not in name else "s--",
            label=name,
        )
    axes.set(
        xlabel="step",
        ylabel="error at t = 5",
        title="x' = -x(t - tau): the order of each method is kept",
    )
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=150)


def machine() -> str:
    """Name the machine."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    device = "a GPU that is not used" if torch.cuda.is_available() else "no GPU"
    name = models[0] if models else platform.processor()
    return f"{os.cpu_count()} cores, {platform.machine().replace('_', '-')}, {device} ({name}), one thread"


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller runs")
    parser.add_argument("--json", type=Path, help="keep the numbers here")
    parser.add_argument("--plot", type=Path, help="draw the order plot here")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    quick = arguments.quick
    result = {
        "machine": machine(),
        "versions": {name: importlib.metadata.version(name) for name in ("torch", *PEERS)},
        "step": step_cost(50 if quick else 200),
        "training, float64, tanh": training_cost(torch.float64, torch.nn.Tanh),
        "training, float32, relu": training_cost(torch.float32, torch.nn.ReLU),
        "mackey_glass": mackey_glass(100 if quick else 1000, 5 if quick else 25, 200.0),
        "ordinary": ordinary(200),
        "single": single(1000 if quick else 4000),
        "order": order([10, 20, 40, 80] if quick else [10, 20, 40, 80, 160, 320]),
    }
    for part, numbers in result.items():
        print(part, json.dumps(numbers, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")
    if arguments.plot:
        plot(result["order"], arguments.plot)


if __name__ == "__main__":
    main()
