"""Small problem files of ``certdde learn``, with data that anyone can check: x' = -x(t - 1/2) by steps."""

import numpy as np

IMITATED = """
name = "small"
[system]
equations = ["x' = -x - 0.8*tanh(x(t - tau))"]
domain = { x = [-1.0, 1.0] }
[delays.tau]
range = [0.5, 0.5]
[learn]
model = "dde"
hidden = 2
epochs = 30
batch = 16
rate = 0.1
step = 0.25
[learn.data]
trajectories = 20
end = 2.0
points = 9
[learn.delays]
start = [0.8]
bounds = [0.1, 1.5]
[certify]
method = "lmi"
"""

FROM_FILE = """
[learn]
model = "dde"
hidden = 2
epochs = 4
step = 0.25
[learn.data]
file = "data.npz"
[learn.delays]
start = [0.5]
bounds = [0.1, 1.0]
"""

SCHEME = """
name = "steps"
[system]
equations = ["x' = -x(t - tau)"]
domain = { x = [-1.0, 1.0] }
[delays.tau]
range = [0.1, 0.3]
[learn]
model = "scheme"
hidden = 2
bounded = true
epochs = 8
window = 10
[learn.data]
trajectories = 12
end = 4.0
points = 41
[learn.delays]
range = [0.5, 0.5]
"""

FLOW = """
name = "map"
[system]
equations = ["x' = -x - 0.8*tanh(x(t - tau))"]
domain = { x = [-1.0, 1.0] }
[delays.tau]
range = [1.0, 1.0]
[learn]
model = "flow"
hidden = 3
epochs = 40
window = 4
[learn.data]
trajectories = 40
end = 6.0
points = 25
[certify]
method = "lmi"
"""


def arrays(samples=8, times=17, end=4.0):
    """Decaying oscillations with their histories; times from 0 on, histories from -1 on."""
    clock, before = np.linspace(0.0, end, times), np.linspace(-1.0, 0.0, 9)
    size = np.linspace(-1.0, 1.0, samples)[:, None, None]

    def values(t):
        return size * (np.exp(-0.2 * t) * np.cos(1.5 * t))[None, :, None]

    return {
        "times": clock,
        "states": values(clock),
        "history_times": before,
        "history": values(before),
    }


def write_npz(folder, **changes):
    """Write data.npz; an array that is None is left out."""
    found = {k: v for k, v in (arrays() | changes).items() if v is not None}
    np.savez(folder / "data.npz", **found)
    return folder / "data.npz"


def csv_text(data=None, columns=("x",), extra=()):
    """Rows of a .csv, histories first; ``extra`` are pairs of a column and a value."""
    data = data or arrays()
    lines = [",".join(["sample", "t", *columns, *(name for name, _ in extra)])]
    for k, (past, states) in enumerate(zip(data["history"], data["states"], strict=True)):
        times = np.concatenate([data["history_times"][:-1], data["times"]])
        rows = np.concatenate([past[:-1], states])
        for t, row in zip(times.tolist(), rows.tolist(), strict=True):
            values = [repr(v) for v in (t, *row)] + [str(value) for _, value in extra]
            lines.append(",".join([str(k), *values]))
    return "\n".join(lines) + "\n"
