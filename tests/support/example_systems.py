"""Systems that many tests use."""

from certdde.systems.delay_system import DelaySystem


def hutchinson() -> DelaySystem:
    return DelaySystem.from_equations(
        ["x' = -(1 + x)*x(t - tau)"], domain={"x": [-0.5, 1.0]}, name="hutchinson"
    )


def pendulum() -> DelaySystem:
    return DelaySystem.from_equations(
        ["theta' = omega", "omega' = sin(theta) - k1*theta(t - tau) - k2*omega(t - tau)"],
        parameters={"k1": 2.0, "k2": 1.5},
        domain={"theta": [-2.0, 2.0], "omega": [-2.0, 2.0]},
        name="pendulum",
    )


def logistic() -> DelaySystem:
    return DelaySystem.from_equations(
        ["x' = x*(1 - x(t - tau))"],
        equilibrium={"x": 1.0},
        domain={"x": [0.5, 2.0]},
        name="logistic",
    )


def kolmanovskii_richard() -> DelaySystem:
    """KR: exact stable set [0, 6.172581)."""
    return DelaySystem.from_equations(
        ["x' = -2*x - x(t - tau)", "y' = -0.9*y - x(t - tau) - y(t - tau)"], name="KR"
    )


def trap() -> DelaySystem:
    """LD: stable for every delay but pi + 2 k pi; proofs at single delays trap a tool that bisects."""
    return DelaySystem.from_equations(["x' = y", "y' = -x - y - y(t - tau)"], name="LD")


def scalar() -> DelaySystem:
    """SC: exact stable set [0, pi/2)."""
    return DelaySystem.from_equations(["x' = -x(t - tau)"], name="SC")
