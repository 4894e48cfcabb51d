"""Certificates of each kind, and what a report on one is."""

from dataclasses import dataclass
from pathlib import Path

from example_systems import hutchinson, logistic

from certdde.certificates import Certificate
from certdde.certificates.certificate import certified
from certdde.delays.classes import Constant, Measurable, Resampled, Sampled, Several
from certdde.learning.certify import certify
from certdde.learning.proposals import attempt
from certdde.systems import DelaySystem
from certdde.verify.bound_propagation.branch import Settings

HOSTILE = (
    "<script>alert(1)</script> & \"q\" 's' $x_1$ \\input{/etc/passwd} %c #h ~ ^ {b} | `code` *b*"
    " _i_ [l](http://e.org) www.e.org a@e.org --,, é Łódź 倒立摆 \u202e <!-- -->"
)


@dataclass(frozen=True)
class Written:
    """A certificate with its report."""

    certificate: Certificate
    files: dict[str, Path]

    def text(self, kind: str) -> str:
        return self.files[kind].read_text(encoding="utf-8")


def linear() -> Certificate:
    system = DelaySystem.from_equations(
        ["x_1' = -a_b*x_1(t - tau)"], parameters={"a_b": 1.0}, name=HOSTILE
    )
    return certify(system, Constant("tau", 0.0, 1.0), method="lmi")


def scalar() -> Certificate:
    return certify(logistic(), Constant("tau", 0.2, 0.7), method="quadratic")


def planar() -> Certificate:
    system = DelaySystem.from_equations(
        ["theta' = omega", "omega' = sin(theta) - k1*theta(t - tau) - k2*omega(t - tau)"],
        parameters={"k1": 2.0, "k2": 1.5},
        domain={"theta": [-1.0, 1.0], "omega": [-1.0, 1.0]},
        name="pendulum",
    )
    return certify(system, Constant("tau", 0.0, 0.3), method="lmi")


def parts() -> Certificate:
    """Two quadratic functionals, one for each half of the delays; not checked."""
    found = [
        attempt("quadratic", hutchinson(), *ends, order=1, seed=0, settings=Settings())
        for ends in ((0.0, 0.3), (0.3, 0.6))
    ]
    return certified(
        hutchinson(),
        Constant("tau", 0.0, 0.6),
        [one.part for one in found],
        nonlinear={"states": ["x"], "delayed": ["x"]},
        area=None,
        engine="quadratic",
    )


def swings() -> Certificate:
    """By the 3/2 theorem: no functional, described in words."""
    return certify(hutchinson(), Measurable("tau", 0.0, 1.0), method="theorem")


def boxes() -> Certificate:
    """Two delays: described in words."""
    system = DelaySystem.from_equations(
        ["x' = -x(t - tau_1) - 0.5*x(t - sigma)"], delays=("tau_1", "sigma"), name="two delays"
    )
    delays = (Constant("tau_1", 0.0, 0.5), Constant("sigma", 0.25, 0.25))
    return certify(system, Several(delays), method="lmi")


def steps() -> Certificate:
    """A scheme: described in words."""
    system = DelaySystem.from_equations(["x[t+1] = x[t] - 0.2*x[t-tau]"], name="scheme")
    return certify(system, Measurable("tau", 0, 3), method="theorem")


def draws() -> Certificate:
    """A scheme whose delay is drawn at each step: described in words."""
    system = DelaySystem.from_equations(["x[t+1] = x[t] - 0.5*x[t-tau]"], name="drawn")
    return certify(system, Resampled("tau", 0, 3))


def held() -> Certificate:
    """Sample and hold: described in words."""
    system = DelaySystem.from_equations(["x' = -x(t - tau)"], name="held")
    return certify(system, Sampled("tau", 0.0, 1.9))


def unknown() -> Certificate:
    return certify(hutchinson(), Constant("tau", 0.0, 1.5), method="lmi")


def refuted() -> Certificate:
    return certify(hutchinson(), Constant("tau", 0.0, 1.7), method="lmi")


MAKERS = {
    make.__name__: make
    for make in (linear, scalar, planar, parts, swings, boxes, steps, draws, held, unknown, refuted)
}
DESCRIBED = ("swings", "boxes", "steps", "held", "draws")
CERTIFIED = ("linear", "scalar", "planar", "parts", *DESCRIBED)
