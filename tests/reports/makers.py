"""Certificates of each kind, and what a report on one is."""

from dataclasses import dataclass
from pathlib import Path

from example_systems import hutchinson, logistic

from certdde.certificates import Certificate
from certdde.certificates.certificate import certified
from certdde.delays.classes import Constant
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


def unknown() -> Certificate:
    return certify(hutchinson(), Constant("tau", 0.0, 1.5), method="lmi")


def refuted() -> Certificate:
    return certify(hutchinson(), Constant("tau", 0.0, 1.7), method="lmi")


MAKERS = {make.__name__: make for make in (linear, scalar, planar, parts, unknown, refuted)}
CERTIFIED = ("linear", "scalar", "planar", "parts")
