"""Learn schemes x[t+1] = x[t] - F_tau(x[t - tau]) from short delays, run them at longer ones, and certify them.

    python examples/learned_scheme.py [folder for plots and certificates] [--quick]

True equations: x' = -x(t - tau), and the delayed logistic equation in x = log n, seen every 0.1. Delays of 1 to 3 steps
are seen in training; 3 to 15 steps are tried. F is a hidden layer of tanh whose gains read tau, trained

    plain        on the data alone;
    regularised  with a hinge on the decrease of max |x| over a window, at delays up to 15, by simulation;
    certified    with bounds of the slopes of F inside the loss, at counterexamples, for delays up to 9, and
                 made smaller at delays up to 15 where the slopes near 0 ask for it;
    bounded      within slopes that cannot leave what is certified, for delays up to 15.

A certificate is about one delay and the numbers of F at that delay. It covers histories within its radius.
"""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import matplotlib as mpl
import torch

from certdde import Certificate, Constant, Measurable, certify
from certdde.models.schemes import (
    MODES,
    DelayScore,
    DelayTable,
    FixedScheme,
    ModeSettings,
    SchemeTask,
    damped_linear,
    logistic,
    score,
    train_mode,
)

STEP, SEEN, TRIED, WANTED = 0.1, 3, 15, 9
SETTINGS = ModeSettings(seen=SEEN, wanted=WANTED, tried=TRIED)


@dataclass(frozen=True)
class Result:
    """What became of one mode: its numbers at each delay, scores, and certificates from delay 1 on without a gap."""

    table: DelayTable
    scores: list[DelayScore]
    certificates: list[Certificate]


def certificates(table: DelayTable, task: SchemeTask, last: int) -> Iterator[Certificate]:
    """Certify delay after delay, until one is not."""
    for delay in range(1, last + 1):
        system = table.schemes[delay].system([task.domain], name=f"{task.name}, learned")
        for method in ("theorem", "lmi"):
            found = certify(system, Constant("tau", delay, delay), method=method, budget=20)
            if found.rigor == "rigorous":
                break
        if found.rigor != "rigorous":
            return
        yield found


def run(task: SchemeTask, mode: str, *, quick: bool) -> Result:
    """Train, score, certify, and print a line a delay."""
    began = time.monotonic()
    table = train_mode(task, mode, replace(SETTINGS, steps=40 if quick else 300), seed=0)
    trained = time.monotonic() - began
    tried = range(SEEN, TRIED + 1, SEEN)
    source = torch.Generator().manual_seed(1)
    scores = [score(table, task, d, source, long=200 if quick else 1000) for d in tried]
    found = list(certificates(table, task, 2 if quick else TRIED))
    seconds = time.monotonic() - began
    print(f"{task.name:9s}{mode:12s} certified: delays 1..{len(found)}", end="  ")
    print(f"({trained:.0f} s training, {seconds:.0f} s in all)")
    for s in scores:
        ratio = s.delay // SEEN
        print(f"    {ratio} x tau_train: error {s.error:.4f}, not settled {s.unsettled:.0%}")
    return Result(table, scores, found)


def any_sequence(task: SchemeTask, steps: int) -> tuple[FixedScheme, Certificate]:
    """Train one F for all delays, bounded for any sequence of delays 0 .. 9, and certify it for them."""
    settings = replace(SETTINGS, steps=steps, reads_delay=False)
    scheme = train_mode(task, "bounded", settings, seed=0).schemes[WANTED]
    system = scheme.system([task.domain], name=f"{task.name}, one F for all delays")
    return scheme, certify(system, Measurable("tau", 0, WANTED), method="theorem")


def draw(results: dict[str, dict[str, Result]], path: Path) -> None:
    """Draw errors, shares that do not settle, and certified delays."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(
        2, len(results), figsize=(5.6 * len(results), 6.4), layout="constrained", squeeze=False
    )
    for (name, modes), (above, below) in zip(results.items(), axes.T, strict=True):
        for k, (mode, result) in enumerate(modes.items()):
            delays = [s.delay * STEP for s in result.scores]
            above.semilogy(delays, [s.error for s in result.scores], "o-", label=mode)
            shift = 0.012 * (k - 1.5)
            below.bar(
                [d + shift for d in delays],
                [s.unsettled for s in result.scores],
                width=0.012,
                label=mode,
            )
            reach = STEP * len(result.certificates)
            below.plot([0, reach], [-0.08 - 0.08 * k] * 2, lw=4, color=f"C{k}")
        above.axvspan(0, SEEN * STEP, color="0.9")
        above.set(title=name, ylabel="error after 30 steps / size of the histories")
        below.axhline(0, color="black", lw=0.8)
        below.set(xlabel="delay", ylabel="share that does not settle;\nbelow 0: certified delays")
        above.legend(fontsize=8)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Train, score, certify, draw."""
    quick = "--quick" in sys.argv
    named = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    folder = Path(named[0] if named else "out/learned_scheme")
    folder.mkdir(parents=True, exist_ok=True)
    tasks = [damped_linear(STEP)] if quick else [damped_linear(STEP), logistic(STEP)]
    results: dict[str, dict[str, Result]] = {}
    for task in tasks:
        results[task.name] = {mode: run(task, mode, quick=quick) for mode in MODES}
        for mode, result in results[task.name].items():
            if result.certificates:
                result.certificates[-1].save(folder / f"{task.name}_{mode}.certdde")
        _, found = any_sequence(task, 40 if quick else 300)
        found.save(folder / f"{task.name}_any_sequence.certdde")
        print(f"{task.name:9s}one F for all delays: {found.rigor}: {found.claim}")
    draw(results, folder / "learned_scheme.png")
    print("plots and certificates:", folder)


if __name__ == "__main__":
    main()
