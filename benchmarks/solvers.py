"""How fast and how exact is the solver, beside torchdde, jitcdde, ddeint and torchdiffeq? One process, one thread, ratios.

Needs the peers: pip install 'certdde[peers]'. Prints the table of docs/benchmarks.md and keeps the numbers as JSON.

    python benchmarks/solvers.py [--quick] [--json FILE] [--plot FILE]
"""

import argparse
import importlib.metadata
import json
import math
import platform
import statistics
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
    """Return the median time of a call, after one to warm up."""
    run()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


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
            field = lambda t, y, args, history: y * (1 - history[0])  # noqa: E731
            return integrate(
                field, RK4(), ts[0], ts[-1], ts, lambda t: y0, None, dt0=dt, delays=delays
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
    return {
        "torchdde, 128, ms/step": 1e3 * seconds(torchdde_logistic(128, steps)) / steps,
        "certdde, 128, ms/step": 1e3 * seconds(our_logistic(128, steps, torch.tensor(0.5))) / steps,
        "torchdde, 4096, one shared delay, ms/step": 1e3
        * seconds(torchdde_logistic(4096, steps), 1)
        / steps,
        "torchdde, 1, ms/step": 1e3 * seconds(torchdde_logistic(1, steps)) / steps,
        "certdde, 4096, own delays, ms/step": 1e3
        * seconds(our_logistic(4096, steps, spread))
        / steps,
    }


def network() -> torch.nn.Sequential:
    """Return the MLP 2-64-64-1."""
    layers = [
        torch.nn.Linear(2, 64),
        torch.nn.Tanh(),
        torch.nn.Linear(64, 64),
        torch.nn.Tanh(),
        torch.nn.Linear(64, 1),
    ]
    return torch.nn.Sequential(*layers).double()


def training_cost() -> dict[str, float]:
    """Seconds for forward and backward of 200 steps of the MLP at batch 128."""
    from torchdde import integrate
    from torchdde.solver.rk4 import RK4

    net = network()
    y0 = torch.linspace(-1, 1, 128, dtype=DOUBLE).unsqueeze(1)
    ts = torch.linspace(0, 10, 201, dtype=DOUBLE)
    delays = torch.tensor([1.0], dtype=DOUBLE)

    class Field(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net
            self.delays = torch.nn.Parameter(delays)

        def forward(self, _t: Tensor, y: Tensor, _args: object, history: list[Tensor]) -> Tensor:
            return self.net(torch.cat([y, history[0]], dim=-1))

    field = Field()

    def theirs() -> None:
        ys = integrate(
            field, RK4(), ts[0], ts[-1], ts, lambda t: y0, None,
            dt0=ts[1] - ts[0], delays=field.delays, discretize_then_optimize=True,
        )  # fmt: skip
        ys.square().mean().backward()

    tau = torch.tensor(1.0, dtype=DOUBLE, requires_grad=True)

    def ours(gradient: str) -> Callable[[], None]:
        def run() -> None:
            f = lambda t, x, past: net(torch.cat([x, past[0]], dim=-1))  # noqa: E731
            xs = ddeint(
                f,
                y0,
                ts,
                [tau],
                method="rk4",
                options={"gradient": gradient, "parameters": tuple(net.parameters())},
            )
            xs.square().mean().backward()

        return run

    return {
        "torchdde direct, s": seconds(theirs, 1),
        "certdde autodiff, s": seconds(ours("autodiff")),
        "certdde checkpoint, s": seconds(ours("checkpoint")),
    }


def mackey_glass(count: int, sample: int, end: float) -> dict[str, float]:
    """Seconds for many trajectories of Mackey-Glass with different delays: one batch, and jitcdde one after the other."""
    import numpy as np
    import symengine
    from jitcdde import jitcdde, t, y

    delays = np.linspace(4, 20, count)
    times = torch.linspace(0, end, 101, dtype=DOUBLE)

    def f(_t: Tensor, x: Tensor, past: list[Tensor]) -> Tensor:
        return 0.2 * past[0] / (1 + past[0] ** 10) - 0.1 * x

    def ours(taus: Tensor) -> Tensor:
        return ddeint(f, torch.full((1,), 0.5, dtype=DOUBLE), times, [taus], rtol=1e-6, atol=1e-8)

    tau = symengine.Symbol("tau")
    begin = time.perf_counter()
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
        return [
            float(system.integrate(system.t + (s - system.t) if s > system.t else system.t)[0])
            for s in times.tolist()[1:]
        ]

    picks = delays[:: max(1, count // sample)]
    begin = time.perf_counter()
    for value in picks:
        theirs(float(value))
    each = (time.perf_counter() - begin) / len(picks)
    return {
        "certdde, all at once, s": seconds(lambda: ours(torch.as_tensor(delays)), 1),
        "certdde, one, s": seconds(lambda: ours(torch.tensor(12.0))),
        "jitcdde, one, s": each,
        "jitcdde, all, s (measured on a part)": each * count,
        "jitcdde, compile, s": compile_time,
        "trajectories": count,
    }


def order(steps: list[int]) -> dict[str, dict[str, float]]:
    """Error at t = 5 of x' = -x(t - 1), x = 1 before, by number of steps a unit of time."""
    from torchdde import integrate
    from torchdde.solver.rk4 import RK4

    exact = sum((-1.0) ** n * (5 - (n - 1)) ** n / math.factorial(n) for n in range(7))
    f = lambda t, x, past: -past[0] * (1 + 0 * t)  # noqa: E731
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
            field = lambda t, y, args, history: -history[0]  # noqa: E731
            y = integrate(
                field,
                RK4(),
                t[0],
                t[-1],
                t,
                lambda s: one,
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
            return odeint(lambda t, x: x * (1 - x), y0, ts, method="rk4")

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
            lambda: peer(lambda x, t: x(t) * (1 - x(t - 1)), lambda t: 0.5, grid), 1
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
        "machine": f"{platform.machine()}, {platform.processor() or 'unknown processor'}, 1 thread",
        "versions": {name: importlib.metadata.version(name) for name in ("torch", *PEERS)},
        "step": step_cost(50 if quick else 200),
        "training": training_cost(),
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
