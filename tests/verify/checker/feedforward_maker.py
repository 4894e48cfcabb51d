"""Networks for equations, written from the specification alone, and certificates of systems that call them."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np

from certdde.verify.checker import feedforward
from certdde.verify.checker.document import parse

from . import maker, writer

MP = mpmath.mp.clone()
MP.dps = 60
Step = tuple[str, tuple[int, ...]]


@dataclass(frozen=True)
class Net:
    """A network of section 3: steps, tensors ``weight<k>`` and ``bias<k>``, and perhaps an origin and a rest."""

    inputs: int
    steps: tuple[Step, ...]
    tensors: dict[str, np.ndarray]
    origin: list[float] | None = None
    rest: list[float] | None = None

    def entry(self) -> dict[str, Any]:
        """The object in ``system.networks``."""
        body = {
            "inputs": self.inputs,
            "steps": [{"operation": name, "sources": list(taken)} for name, taken in self.steps],
            "origin": self.origin,
            "rest": self.rest,
        }
        text = json.dumps(body, sort_keys=True, separators=(",", ":"))
        total = hashlib.sha256(text.encode())
        for name in sorted(self.tensors):
            array = np.ascontiguousarray(self.tensors[name], dtype="<f8")
            total.update(b"\0" + name.encode() + b"\0")
            total.update("x".join(str(size) for size in array.shape).encode() + b"\0")
            total.update(array.tobytes())
        return body | {"fingerprint": total.hexdigest()[:32]}

    def load(self) -> feedforward.Feedforward:
        """The network as the checker reads it."""
        _, entry = parse(json.dumps(self.entry()).encode())
        return feedforward.load(entry, writer.safetensors_bytes(self.tensors), "u")

    def values(self, inputs: list[Any]) -> list[Any]:
        """The outputs in 60 digits."""
        here = self._run(inputs)
        if self.origin is None:
            return here
        there = self._run([MP.mpf(repr(x)) for x in self.origin])
        return [a - b + MP.mpf(repr(c)) for a, b, c in zip(here, there, self.rest, strict=True)]

    def _run(self, inputs: list[Any]) -> list[Any]:
        found = [[MP.mpf(x) for x in inputs]]
        for k, (name, taken) in enumerate(self.steps, 1):
            v, w = found[taken[0]], found[taken[-1]]
            if name == "sum":
                found.append([a + b for a, b in zip(v, w, strict=True)])
            elif name == "product":
                found.append([a * b for a, b in zip(v, w, strict=True)])
            elif name == "affine":
                rows = self.tensors[f"weight{k}"].tolist()
                bias = self.tensors[f"bias{k}"].tolist()
                found.append(
                    [
                        MP.fsum(MP.mpf(a) * x for a, x in zip(row, v, strict=True)) + b
                        for row, b in zip(rows, bias, strict=True)
                    ]
                )
            elif name == "scale":
                pairs = zip(self.tensors[f"weight{k}"], v, self.tensors[f"bias{k}"], strict=True)
                found.append([MP.mpf(float(a)) * x + float(b) for a, x, b in pairs])
            else:
                found.append([UNITS[name](x) for x in v])
        return found[-1]


UNITS = {
    "tanh": MP.tanh,
    "sigmoid": lambda z: 1 / (1 + MP.exp(-z)),
    "relu": lambda z: max(z, MP.mpf(0)),
}


def layers(
    activation: str, sizes: tuple[int, ...], seed: int, scale: float = 1.0, bias: float = 0.3
) -> Net:
    """Affine layers with an activation between them; the outputs are times ``scale``."""
    rng = np.random.default_rng(seed)
    steps: list[Step] = []
    tensors = {}
    for i, (a, b) in enumerate(pairwise(sizes)):
        last = i == len(sizes) - 2
        steps.append(("affine", (len(steps),)))
        factor = (scale if last else 1.0) / np.sqrt(a)
        tensors[f"weight{len(steps)}"] = rng.normal(size=(b, a)) * factor
        tensors[f"bias{len(steps)}"] = rng.normal(size=b) * bias * factor
        if not last:
            steps.append((activation, (len(steps),)))
    return Net(sizes[0], tuple(steps), tensors)


def everything(seed: int, inputs: int = 2, outputs: int = 2) -> Net:
    """All operations: normalisation, gates, a product of two branches, a sum around a layer."""
    rng = np.random.default_rng(seed)
    steps: list[Step] = [
        ("scale", (0,)),
        ("affine", (1,)),
        ("tanh", (2,)),
        ("affine", (1,)),
        ("sigmoid", (4,)),
        ("product", (3, 5)),
        ("affine", (6,)),
        ("relu", (7,)),
        ("sum", (8, 3)),
        ("affine", (9,)),
    ]
    shapes = {1: (inputs,), 2: (4, inputs), 4: (4, inputs), 7: (4, 4), 10: (outputs, 4)}
    tensors = {}
    for k, shape in shapes.items():
        tensors[f"weight{k}"] = rng.normal(size=shape)
        tensors[f"bias{k}"] = rng.normal(size=shape[0]) * 0.5
    return Net(inputs, tuple(steps), tensors)


def chain(count: int) -> Net:
    """A network of so many steps: relu and a scale in turn, from one number to one."""
    steps = tuple(("relu" if k % 2 else "scale", (k,)) for k in range(count))
    tensors = {}
    for k, (name, _) in enumerate(steps, 1):
        if name == "scale":
            tensors |= {f"weight{k}": np.array([-1.25]), f"bias{k}": np.array([0.5])}
    return Net(1, steps, tensors)


def with_networks(draft: maker.Draft, **networks: Net) -> maker.Draft:
    """The same with these networks: entries, fingerprints, and, when it is saved, the claim."""
    found = copy.deepcopy(draft)
    found.document["system"]["networks"] = {name: net.entry() for name, net in networks.items()}
    found.called = {name: net.tensors for name, net in networks.items()}
    return found


def unfinished(
    equations: list[str],
    slopes: list[tuple[np.ndarray, np.ndarray]],
    domain: dict[str, list[float]],
    networks: dict[str, Net],
    breaks: tuple[float, ...] = (0.0, 0.2),
    **system: Any,
) -> maker.Draft:
    """A quadratic functional for f = A x + B y, (A, B) each of the slopes; the rest is left to ``maker.finish``."""
    arrays = maker.quadratic_arrays(maker.lmi(slopes, list(breaks), 1), list(breaks))
    names = list(domain)
    document = writer.document(
        names,
        equations,
        [breaks[0], breaks[-1]],
        1,
        [{}],
        domain,
        (names, names),
        [1.0],
        (0.1, 0.1),
        system.pop("parameters", None),
        system.pop("equilibrium", None),
    )
    document["system"] |= system
    return with_networks(maker.Draft(document, [arrays]), **networks)


ONE = np.eye(1)
DOMAIN = {"x": [-1, 1]}
FEEDBACK = ["x' = -x + u(x(t - tau))"]


def small(activation: str = "tanh", seed: int = 0) -> Net:
    """Three units, slopes within 0.4, biased: 0 at 0 by a shift."""
    return replace(layers(activation, (1, 3, 1), seed, 0.4), origin=[0.0], rest=[0.0])


def scalar(net: Net, equations: list[str] = FEEDBACK, axes: int = 0, **system: Any) -> maker.Draft:
    """A certificate of x' = -x + u(x(t - tau)) or the like; ``axes``: the number of unknown constants."""
    slopes = [(-a * ONE, b * ONE) for a in (0.9, 1.1) for b in (-0.6, 0.6)]
    domain = system.pop("domain", DOMAIN)
    draft = unfinished(equations, slopes, domain, {"u": net}, **system)
    return maker.finish(draft, [4, 4] + [1] * axes, 0.6)


def planar() -> maker.Draft:
    """Two states and a network with two outputs of every operation."""
    net = everything(3)
    tensors = net.tensors | {"weight10": 0.08 * net.tensors["weight10"]}
    net = replace(net, tensors=tensors, origin=[0.0, 0.0], rest=[0.0, 0.0])
    equations = ["x' = -x + u_1(x(t - tau), y(t - tau))", "y' = -y + u_2(x(t - tau), y)"]
    slopes = [
        (-np.eye(2), b * np.array([[1, a], [a, c]]))
        for a in (-1, 1)
        for b in (-0.3, 0.3)
        for c in (-1, 1)
    ]
    domain = {"x": [-0.5, 0.5], "y": [-0.5, 0.5]}
    return maker.finish(unfinished(equations, slopes, domain, {"u": net}), [1, 1, 1, 1], 0.5)


def leaky() -> maker.Draft:
    """x' = u(x(t - tau)) with slopes -1 above 0 and -1/2 below: the kink is at the equilibrium."""
    steps: tuple[Step, ...] = (("affine", (0,)), ("relu", (1,)), ("affine", (2,)))
    tensors = {"weight1": np.array([[1.0], [-1.0]]), "weight3": np.array([[-1.0, 0.5]])}
    net = Net(1, steps, tensors | {"bias1": np.zeros(2), "bias3": np.zeros(1)})
    slopes = [(0 * ONE, -b * ONE) for b in (0.5, 1.0)]
    draft = unfinished(["x' = u(x(t - tau))"], slopes, DOMAIN, {"u": net})
    return maker.finish(draft, [2, 2], 0.6)


def resting(net: Net) -> float:
    """The fixed point of a contraction."""
    x = MP.mpf(0)
    for _ in range(200):
        [x] = net.values([x])
    return float(x)


def enclosed(activation: str = "tanh") -> maker.Draft:
    """A biased network and no shift: the equilibrium is in a box."""
    net = layers(activation, (1, 3, 1), 0, 0.4)
    x = round(resting(net), 7)
    box = [round(x - 1e-6, 7), round(x + 1e-6, 7)]
    return scalar(net, axes=1, equilibrium={"x": box}, domain={"x": [-1, 0.9]})


def uncertain() -> maker.Draft:
    """An unknown constant inside and outside of a network: f(0, 0) is 0 since two of its values are the same."""
    equations = ["x' = -a*x + u(x(t - tau) + a) - u(a)"]
    net = layers("tanh", (1, 3, 1), 0, 0.4)
    return scalar(net, equations, 1, parameters={"a": [0.95, 1.05]})


def called(draft: maker.Draft, name: str = "u") -> Net:
    """A network of a draft."""
    entry = draft.document["system"]["networks"][name]
    steps = tuple((step["operation"], tuple(step["sources"])) for step in entry["steps"])
    return Net(entry["inputs"], steps, dict(draft.called[name]), entry["origin"], entry["rest"])


def times(net: Net, factor: float) -> Net:
    """A network with its last layer times a factor."""
    last = len(net.steps)
    names = (f"weight{last}", f"bias{last}")
    return replace(net, tensors=net.tensors | {k: factor * net.tensors[k] for k in names})


def destabilising(draft: maker.Draft) -> Net:
    """The network u of a draft, scaled so that its slope in its first input at 0 is 3: x' = -x + u grows."""
    net = called(draft)
    step = MP.mpf(10) ** -20
    rest = [MP.mpf(0)] * (net.inputs - 1)
    slope = (net.values([step, *rest])[0] - net.values([MP.mpf(0), *rest])[0]) / step
    return times(net, float(3 / slope))
