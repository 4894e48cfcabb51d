"""Nonlinear delay systems of the literature, with their sources, for benchmarks/nonlinear.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """A system on a domain, where its delay margin is searched, and where it comes from."""

    equations: tuple[str, ...]
    domain: dict[str, list[float]]
    stop: float
    source: str
    equilibrium: dict[str, float] = field(default_factory=dict)
    parameters: dict[str, float] = field(default_factory=dict)

    def problem(
        self, lower: float = 0.0, upper: float | None = None, **certify: Any
    ) -> dict[str, Any]:
        """Return the content of a problem file."""
        return {
            "system": {
                "equations": list(self.equations),
                "domain": self.domain,
                "equilibrium": self.equilibrium,
                "parameters": self.parameters,
            },
            "delays": {"tau": {"range": [lower, self.stop if upper is None else upper]}},
            "certify": certify,
        }


CASES = {
    "hutchinson": Case(
        ("x' = -(1 + x)*x(t - tau)",), {"x": [-0.5, 1.0]}, 1.58, "Hutchinson 1948; Wright 1955"
    ),
    "hutchinson, wide": Case(
        ("x' = -(1 + x)*x(t - tau)",), {"x": [-0.9, 2.0]}, 1.58, "the same on a wider domain"
    ),
    "Mackey-Glass": Case(
        ("x' = 0.2*x(t - tau)/(1 + x(t - tau)^10) - 0.1*x",),
        {"x": [0.6, 1.5]},
        4.72,
        "Mackey, Glass 1977",
        {"x": 1.0},
    ),
    "Nicholson": Case(
        ("x' = -x + x(t - tau)*exp(a*(1 - x(t - tau)))",),
        {"x": [0.2, 2.4]},
        1.22,
        "Gurney, Blythe, Nisbet 1980, scaled by the equilibrium",
        {"x": 1.0},
        {"a": 3.0},
    ),
    "neuron": Case(
        ("x' = -x - a*tanh(x(t - tau))",),
        {"x": [-2.0, 2.0]},
        1.3,
        "Marcus, Westervelt 1989",
        {},
        {"a": 2.0},
    ),
    "pendulum": Case(
        ("theta' = omega", "omega' = sin(theta) - 2*theta(t - tau) - 1.5*omega(t - tau)"),
        {"theta": [-2.0, 2.0], "omega": [-2.0, 2.0]},
        0.6,
        "inverted pendulum, delayed state feedback",
    ),
    "Van der Pol": Case(
        ("x' = -y", "y' = x - (1 - x^2)*y(t - tau)"),
        {"x": [-0.9, 0.9], "y": [-0.9, 0.9]},
        0.98,
        "reversed Van der Pol oscillator, delayed damping",
    ),
    "sunflower": Case(
        ("x' = y", "y' = -y - sin(x(t - tau))"),
        {"x": [-2.5, 2.5], "y": [-2.5, 2.5]},
        1.16,
        "Israelsson, Johnsson 1967; Somolinos 1978",
    ),
    "predator-prey": Case(
        ("x' = x*(1 - x(t - tau)) - 0.5*x*y", "y' = y*(x - 0.5)"),
        {"x": [0.2, 1.0], "y": [0.4, 2.0]},
        2.0,
        "May 1973",
        {"x": 0.5, "y": 1.0},
    ),
    "TCP": Case(
        ("w' = 1 - w*w(t - tau)*q(t - tau)", "q' = w - 1"),
        {"w": [0.4, 2.0], "q": [0.4, 2.0]},
        1.58,
        "Misra, Gong, Towsley 2000; Hollot et al. 2002, scaled by the equilibrium",
        {"w": 1.0, "q": 1.0},
    ),
    "SIR": Case(
        ("s' = 0.5*(1 - s) - 2*s*i(t - tau)", "i' = 2*s*i(t - tau) - i"),
        {"s": [0.2, 0.9], "i": [0.05, 0.6]},
        12.0,
        "Cooke 1979, delayed incidence",
        {"s": 0.5, "i": 0.25},
    ),
    "cubic oscillator": Case(
        ("x' = y", "y' = -x - x^3 - y(t - tau)"),
        {"x": [-1.5, 1.5], "y": [-1.5, 1.5]},
        0.98,
        "Duffing oscillator, delayed damping",
    ),
    "four neurons": Case(
        (
            "u1' = -u1 - 0.8*tanh(u1(t - tau)) + 0.4*tanh(u2(t - tau)) + 0.4*tanh(u4(t - tau))",
            "u2' = -u2 - 0.8*tanh(u2(t - tau)) + 0.4*tanh(u3(t - tau)) + 0.4*tanh(u1(t - tau))",
            "u3' = -u3 - 0.8*tanh(u3(t - tau)) + 0.4*tanh(u4(t - tau)) + 0.4*tanh(u2(t - tau))",
            "u4' = -u4 - 0.8*tanh(u4(t - tau)) + 0.4*tanh(u1(t - tau)) + 0.4*tanh(u3(t - tau))",
        ),
        {"u1": [-1.0, 1.0], "u2": [-1.0, 1.0], "u3": [-1.0, 1.0], "u4": [-1.0, 1.0]},
        1.8,
        "Hopfield network, ring with delayed self and nearest-neighbour connections (Lu, Guo 2008)",
    ),
}
