"""What a method of ``certify`` comes to."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certdde.certificates.certificate import Certificate, delay_section
from certdde.learning.rounds import bounded
from certdde.learning.task import Task

if TYPE_CHECKING:
    from certdde.verify.checker import CheckResult


@dataclass(frozen=True, slots=True)
class Outcome:
    """A certificate that the checker has still to accept, or None and why there is none."""

    certificate: Certificate | None
    why: str = ""


def checked(certificate: Certificate) -> tuple[Certificate, CheckResult]:
    """Have a certificate checked from its file; return it as ``rigorous`` if it is accepted, else as it is."""
    with tempfile.TemporaryDirectory() as folder:
        claimed = Certificate({**certificate.data, "rigor": "rigorous"}, certificate.entries)
        saved = claimed.save(Path(folder) / "certificate.certdde")
        result = saved.check()
    return (Certificate(saved.data, certificate.entries) if result.valid else certificate), result


def extra(task: Task, engine: str, boxes: Mapping[str, int] | None = None) -> dict[str, Any]:
    """Return the entries ``engine``, ``statistics`` and ``seed`` of a certificate.

    Parameters
    ----------
    task : Task
    engine : str
        What found it.
    boxes : mapping of int
        ``leaves``, ``star``, ``face``; none where nothing was split.
    """
    seconds = {key: round(value, 3) for key, value in task.seconds.items()}
    seconds["total"] = round(time.monotonic() - task.started, 3)
    statistics = {
        "boxes": dict(boxes or {}),
        "seconds": seconds,
        "baselines": task.baselines,
        "cegis": bounded(task.log),
        "methods": task.said,
    }
    if task.asked is not task.delay:
        statistics["asked"] = delay_section(task.asked)
    return {"engine": engine, "statistics": statistics, "seed": task.settings.seed}
