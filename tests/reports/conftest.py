"""Certificates of each kind, made once, and their reports."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from certdde.certificates import Certificate
from certdde.certificates.certificate import certified
from certdde.delays.classes import Constant
from certdde.learning.certify import certify
from certdde.learning.proposals import attempt
from certdde.reports import write_report
from certdde.systems import DelaySystem
from certdde.verify.bound_propagation.branch import Settings

HOSTILE = (
    '<script>alert(1)</script> & "q" \'s\' $x_1$ \\input{/etc/passwd} %c #h ~ ^ {b} | `code` *b*'
    " _i_ [l](http://e.org) www.e.org a@e.org --,, é Łódź 倒立摆 \u202e <!-- -->"
)


@dataclass(frozen=True)
class Written:
    """A certificate with its report."""

    certificate: Certificate
    files: dict[str, Path]

    def text(self, kind: str) -> str:
        return self.files[kind].read_text(encoding="utf-8")


def hutchinson(**changes: object) -> DelaySystem:
    fields = {"domain": {"x": [-0.5, 1.0]}, "name": "Hutchinson"} | changes
    return DelaySystem.from_equations(["x' = -(1 + x)*x(t - tau)"], **fields)


def logistic() -> DelaySystem:
    return DelaySystem.from_equations(
        ["x' = x*(1 - x(t - tau))"],
        equilibrium={"x": 1.0},
        domain={"x": [0.5, 2.0]},
        name="logistic",
    )


def pendulum() -> DelaySystem:
    return DelaySystem.from_equations(
        ["theta' = omega", "omega' = sin(theta) - k1*theta(t - tau) - k2*omega(t - tau)"],
        parameters={"k1": 2.0, "k2": 1.5},
        domain={"theta": [-1.0, 1.0], "omega": [-1.0, 1.0]},
        name="pendulum",
    )


def linear() -> DelaySystem:
    return DelaySystem.from_equations(["x_1' = -a_b*x_1(t - tau)"], parameters={"a_b": 1}, name=HOSTILE)


def in_parts() -> Certificate:
    """Two quadratic functionals, one for each half of the delays."""
    system, settings = hutchinson(), Settings()
    halves = [(0.0, 0.3), (0.3, 0.6)]
    found = [attempt("quadratic", system, a, b, order=1, seed=0, settings=settings) for a, b in halves]
    return certified(
        system,
        Constant("tau", 0.0, 0.6),
        [one.part for one in found],
        nonlinear={"states": ["x"], "delayed": ["x"]},
        area=None,
        engine="quadratic",
    )


def make(kind: str) -> Certificate:
    match kind:
        case "linear":
            return certify(linear(), Constant("tau", 0.0, 1.0), method="lmi")
        case "scalar":
            return certify(logistic(), Constant("tau", 0.2, 0.7), method="quadratic")
        case "planar":
            return certify(pendulum(), Constant("tau", 0.0, 0.3), method="quadratic", order=2)
        case "parts":
            return in_parts()
        case "unknown":
            return certify(hutchinson(), Constant("tau", 0.0, 1.5), method="lmi")
        case "refuted":
            return certify(hutchinson(), Constant("tau", 0.0, 1.7), method="lmi")
    raise ValueError(kind)


CERTIFIED = ("linear", "scalar", "planar", "parts")
KINDS = (*CERTIFIED, "unknown", "refuted")


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Written]:
    """A report of each kind."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    written = {}
    for kind in KINDS:
        folder = tmp_path_factory.mktemp(kind)
        certificate = make(kind).save(folder / f"{kind}.certdde")
        written[kind] = Written(certificate, write_report(certificate, folder))
    torch.set_num_threads(threads)
    return written
