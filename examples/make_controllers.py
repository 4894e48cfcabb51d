"""Make the neural controllers of examples/controllers/: small networks that imitate saturated linear feedback.

    python examples/make_controllers.py [DIR]

Each network is fitted, by full-batch Adam in float64 from a fixed seed, to a law u = s tanh(K x / s) and to its
slopes on a box of states. K is chosen by hand (the pendulum) or by LQR with a high price on the input, which leaves
room for delays. Weights are rounded to multiples of 2^-12, so that they are short numbers in any format, and written
as ONNX of opset 17. Twenty seconds on one core.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from scipy.linalg import solve_continuous_are
from torch import Tensor

from certdde.learning.threads import torch_threads

HERE = Path(__file__).parent / "controllers"
GRID = 2.0**12  # weights are multiples of its reciprocal
POINTS, STEPS, RATE = 600, 2500, 0.02
GRAVITY = 9.81


@dataclass(frozen=True)
class Law:
    """What a network is to imitate: x -> size * tanh(gains x / size), componentwise.

    Attributes
    ----------
    name : str
        Of the file.
    gains : (m, n) array
    size : float
        Of each output; ``inf`` leaves the law linear.
    box : tuple of float
        Half the sides of the box of inputs on which it is imitated.
    hidden : tuple of int
    activation : str
        ``Tanh`` (without biases: the network is odd, and 0 at 0) or ``LeakyRelu`` (with biases).
    clip : (float, float), optional
        Of the output, as the last node.
    """

    name: str
    gains: np.ndarray
    size: float
    box: tuple[float, ...]
    hidden: tuple[int, ...]
    activation: str = "Tanh"
    clip: tuple[float, float] | None = None

    def __call__(self, x: Tensor) -> Tensor:
        """Return the law at inputs (k, n), (k, m)."""
        linear = x @ torch.from_numpy(self.gains).T
        return self.size * torch.tanh(linear / self.size)


def lqr(a: Sequence, b: Sequence, states: Sequence[float], inputs: Sequence[float]) -> np.ndarray:
    """Return K for x' = a x + b u, u = K x, with these prices on the squares of states and inputs."""
    a, b, r = np.array(a, float), np.array(b, float), np.diag(inputs)
    return -np.linalg.solve(r, b.T @ solve_continuous_are(a, b, np.diag(states), r))


def pendulum() -> Law:
    """Theta'' = 9.81 sin theta - 0.1 omega + u."""
    return Law("pendulum", np.array([[-14.0, -4.0]]), 15.0, (2.0, 6.0), (8, 8))


def dai_pendulum() -> Law:
    """The same plant, with the network of Dai et al. 2021: leaky relu, 2-3-2-1; |u| <= 20 is left to the equations."""
    gains = lqr([[0, 1], [GRAVITY, -0.1]], [[0], [1]], [1, 1], [1])
    return Law("dai_pendulum", gains, 20.0, (1.0, 3.0), (3, 2), "LeakyRelu")


def path() -> Law:
    """A bicycle on a circle of radius 10: v = 2, wheel base 1; u is what is added to the steering at rest, 0.1."""
    gains = lqr([[0, 2], [0, -0.04]], [[0], [2]], [0.2, 1], [3])
    return Law("path", gains, 0.84, (2.0, 1.5), (8, 8), clip=(-0.94, 0.74))


def cart_pole() -> Law:
    """Cart 1 kg, pole 0.1 kg and 1 m: (position, angle, velocity, rate) to the force on the cart."""
    a = [[0, 0, 1, 0], [0, 0, 0, 1], [0, -0.1 * GRAVITY, 0, 0], [0, 1.1 * GRAVITY, 0, 0]]
    gains = lqr(a, [[0], [0], [1], [-1]], [0.1, 1, 0.1, 0.1], [1])
    return Law("cart_pole", gains, 30.0, (1.0, 0.5, 1.5, 1.5), (8,))


def quadrotor() -> Law:
    """Mass 0.486, arm 0.25, inertia 0.00383: (x, y, theta, their rates) to two thrusts less that of hovering."""
    arm, mass = 0.25 / 0.00383, 0.486
    a = np.zeros((6, 6))
    a[:3, 3:] = np.eye(3)
    a[3, 2] = -GRAVITY
    b = np.zeros((6, 2))
    b[4], b[5] = 1 / mass, (arm, -arm)
    gains = lqr(a, b, [1, 1, 10, 1, 1, 1], [200, 200])
    return Law("quadrotor", gains, 4.0, (0.7, 0.7, 0.8, 2.0, 2.0, 2.5), (6, 4))


def observer() -> Law:
    """The innovation of the angle to the corrections of the observer's two states."""
    return Law("observer", np.array([[7.0], [22.0]]), 60.0, (1.0,), (6,))


LAWS = (pendulum, dai_pendulum, path, cart_pole, quadrotor, observer)


def train(law: Law, seed: int = 0) -> list[tuple[Tensor, Tensor | None]]:
    """Return weights (out, in) and biases of the layers, for inputs and outputs in their units."""
    generator = torch.Generator().manual_seed(seed)
    box = torch.tensor(law.box, dtype=torch.float64)
    points = 2 * torch.rand(POINTS, len(box), generator=generator, dtype=torch.float64) - 1
    points[: POINTS // 4] *= 0.2  # slopes at rest decide how much delay there may be
    wanted = [v / law.size for v in law_and_slopes(law, points, box)]
    layers = start(law, generator)
    free = [p for layer in layers for p in layer if p is not None]
    adam = torch.optim.Adam(free, lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, STEPS)
    for _ in range(STEPS):
        adam.zero_grad()
        found = values_and_slopes(lambda x: network(law, layers, x), points)
        loss = sum((f - w).square().mean() for f, w in zip(found, wanted, strict=True))
        loss.backward()
        adam.step()
        schedule.step()
    weights = [(w.detach(), None if b is None else b.detach()) for w, b in layers]
    weights[0] = (weights[0][0] / box, weights[0][1])
    last, bias = weights[-1]
    weights[-1] = (last * law.size, None if bias is None else bias * law.size)
    return [(rounded(w), None if b is None else rounded(b)) for w, b in weights]


def start(law: Law, generator: torch.Generator) -> list[tuple[Tensor, Tensor | None]]:
    """Draw layers."""
    widths = (len(law.box), *law.hidden, len(law.gains))
    layers: list[tuple[Tensor, Tensor | None]] = []
    for into, out in pairwise(widths):
        weight = torch.randn(out, into, generator=generator, dtype=torch.float64) / into**0.5
        bias = torch.zeros(out, dtype=torch.float64).requires_grad_()
        layers.append((weight.requires_grad_(), None if law.activation == "Tanh" else bias))
    return layers


def network(law: Law, layers: Sequence[tuple[Tensor, Tensor | None]], x: Tensor) -> Tensor:
    """Return the network's values, without the clip."""
    for k, (weight, bias) in enumerate(layers):
        x = torch.nn.functional.linear(x, weight, bias)
        if k < len(layers) - 1:
            x = (
                torch.tanh(x)
                if law.activation == "Tanh"
                else torch.nn.functional.leaky_relu(x, 0.1)
            )
    return x


def law_and_slopes(law: Law, points: Tensor, box: Tensor) -> list[Tensor]:
    """Return the law on the box as a function on [-1, 1]^n, and its slopes."""
    return [v.detach() for v in values_and_slopes(lambda x: law(x * box), points)]


def values_and_slopes(function, points: Tensor) -> list[Tensor]:
    """Return values (k, m) and the slopes of each component, (k, n) each."""
    x = points.clone().requires_grad_()
    values = function(x)
    columns = values.sum(0)
    return [values] + [torch.autograd.grad(c, x, create_graph=True)[0] for c in columns]


def rounded(value: Tensor) -> Tensor:
    """Round to the grid."""
    return torch.round(value * GRID) / GRID


def model(law: Law, layers: Sequence[tuple[Tensor, Tensor | None]]) -> onnx.ModelProto:
    """Return the network as ONNX: Gemm, the activation, and a Clip where the law has one."""
    nodes, tensors, value = [], [], "x"
    for k, (weight, bias) in enumerate(layers, 1):
        names = [f"weight{k}"] + ([] if bias is None else [f"bias{k}"])
        arrays = [weight] + ([] if bias is None else [bias])
        tensors += [
            numpy_helper.from_array(a.numpy().astype(np.float32), n)
            for a, n in zip(arrays, names, strict=True)
        ]
        nodes.append(helper.make_node("Gemm", [value, *names], [f"z{k}"], transB=1))
        value = f"z{k}"
        if k < len(layers):
            slope = {"alpha": 0.1} if law.activation == "LeakyRelu" else {}
            nodes.append(helper.make_node(law.activation, [value], [f"a{k}"], **slope))
            value = f"a{k}"
    if law.clip is not None:
        ends = zip(("low", "high"), law.clip, strict=True)
        tensors += [numpy_helper.from_array(np.array(v, np.float32), n) for n, v in ends]
        nodes.append(helper.make_node("Clip", [value, "low", "high"], ["clipped"]))
        value = "clipped"
    kind, rows, columns = onnx.TensorProto.FLOAT, len(law.gains), len(law.box)
    graph = helper.make_graph(
        nodes,
        law.name,
        [helper.make_tensor_value_info("x", kind, ["batch", columns])],
        [helper.make_tensor_value_info(value, kind, ["batch", rows])],
        tensors,
    )
    opsets = [helper.make_opsetid("", 17)]
    made = helper.make_model(graph, producer_name="certdde", opset_imports=opsets, ir_version=8)
    onnx.checker.check_model(made, full_check=True)
    return made


def main(directory: Path = HERE) -> None:
    """Write all files."""
    directory.mkdir(parents=True, exist_ok=True)
    for make in LAWS:
        law = make()
        with torch_threads(1):  # small tensors
            layers = train(law)
        (directory / f"{law.name}.onnx").write_bytes(model(law, layers).SerializeToString())
        print(f"{law.name}: {report(law, layers)}")


def report(law: Law, layers: Sequence[tuple[Tensor, Tensor | None]]) -> str:
    """Say how well a network imitates its law: gains at rest, and the largest error on the box."""
    zero = torch.zeros(1, len(law.box), dtype=torch.float64)
    gains = [g[0].tolist() for g in values_and_slopes(lambda x: network(law, layers, x), zero)[1:]]
    generator = torch.Generator().manual_seed(1)
    unit = torch.rand(4000, len(law.box), generator=generator, dtype=torch.float64)
    points = (2 * unit - 1) * torch.tensor(law.box, dtype=torch.float64)
    error = float((network(law, layers, points) - law(points)).abs().max())
    told = "; ".join(", ".join(f"{g:.3f}" for g in row) for row in gains)
    return f"gains ({told}), off by at most {error:.2f}"


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
