"""The command line in a test: run it, and stand-ins for the parts that take minutes."""

import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from certdde.cli.main import main

HUTCHINSON = """
[system]
equations = ["x' = -(1 + x)*x(t - tau)"]
domain = { x = [-0.5, 1.0] }
[delays.tau]
range = [0.0, 0.9]
"""


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str

    def complaint(self) -> str:
        """The one line of an exit with status 2; nothing else may have been printed."""
        assert self.status == 2, self
        assert self.out == "", self
        assert self.err.startswith("certdde: "), self
        assert self.err.endswith("\n"), self
        assert self.err.count("\n") == 1, self
        assert "internal error" not in self.err, self
        return self.err.removeprefix("certdde: ").rstrip("\n")


def run_certdde(*words: object) -> Outcome:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main([str(word) for word in words])
    return Outcome(status, out.getvalue(), err.getvalue())


class FakeCertificate:
    def __init__(self, status: str = "certified") -> None:
        self.status = status
        self.data = {
            "status": status,
            "rigor": "rigorous",
            "claim": "For every constant delay tau in [0.0, 0.9], ...",
            "engine": "neural",
            "statistics": {
                "baselines": [
                    {"method": "lmi", "delay_margin": 0.677},
                    {"method": "quadratic", "delay_margin": None, "note": "none"},
                ],
                "seconds": {"check": float("nan")},
            },
        }

    def save(self, path: Path) -> "FakeCertificate":
        path.write_bytes(b"PK")
        return self

    def check(self) -> SimpleNamespace:
        return SimpleNamespace(valid=True)


def write_fake_report(certificate: object, directory: Path) -> SimpleNamespace:
    path = directory / "report.md"
    path.write_text("# Report\n", encoding="utf-8")
    return SimpleNamespace(files={"markdown": path}, verdict=None)
