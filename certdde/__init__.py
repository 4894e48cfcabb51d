"""certdde trains, certifies and checks stability claims about delay differential equations.

Names are loaded when they are first used, so that importing a submodule loads no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from certdde.certificates import Certificate
    from certdde.delays.classes import Constant, Measurable, Resampled, Sampled, Several, Slow
    from certdde.errors import CertddeError, CertificateError, MissingPackageError, ProblemError
    from certdde.learning.certify import certify
    from certdde.models.learn import learn
    from certdde.systems import DelaySystem
    from certdde.systems.problem import Problem, load_problem

__all__ = [
    "CertddeError",
    "Certificate",
    "CertificateError",
    "Constant",
    "DelaySystem",
    "Measurable",
    "MissingPackageError",
    "Problem",
    "ProblemError",
    "Resampled",
    "Sampled",
    "Several",
    "Slow",
    "certify",
    "learn",
    "load_problem",
]

_HOMES = {
    "CertddeError": "certdde.errors",
    "Certificate": "certdde.certificates",
    "CertificateError": "certdde.errors",
    "Constant": "certdde.delays.classes",
    "Measurable": "certdde.delays.classes",
    "Several": "certdde.delays.classes",
    "DelaySystem": "certdde.systems",
    "MissingPackageError": "certdde.errors",
    "Problem": "certdde.systems.problem",
    "ProblemError": "certdde.errors",
    "Resampled": "certdde.delays.classes",
    "Sampled": "certdde.delays.classes",
    "Slow": "certdde.delays.classes",
    "certify": "certdde.learning.certify",
    "learn": "certdde.models.learn",
    "load_problem": "certdde.systems.problem",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("certdde")
    if name not in _HOMES:
        raise AttributeError(f"module 'certdde' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
