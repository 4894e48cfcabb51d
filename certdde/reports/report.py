"""``write_report``: HTML, Markdown, LaTeX and figures for a certificate."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from certdde.certificates.certificate import Certificate
from certdde.errors import CertificateError
from certdde.reports.content import content
from certdde.reports.described_figure import described_figure
from certdde.reports.drawn_figure import drawn_figure
from certdde.reports.figure import Figure, drawn, write_figures
from certdde.reports.held_figure import held_figure
from certdde.reports.partition_figure import partition_figure
from certdde.reports.random_figure import random_figure
from certdde.reports.recorded_figure import recorded_figures
from certdde.reports.region_figure import region_figure
from certdde.reports.render import FORMATS, rendered
from certdde.reports.subject import Subject
from certdde.reports.training_figure import training_figure
from certdde.reports.trajectories_figure import (
    counterexample_figure,
    trajectories_figure,
    undecided_figure,
)
from certdde.reports.values_figure import values_figure
from certdde.verify.checker import CheckResult, check_file


@dataclass(frozen=True, slots=True)
class Report:
    """What was written, by kind, and what the checker said of the certificate (None if it claims nothing)."""

    files: dict[str, Path]
    verdict: CheckResult | None


def write_report(certificate: Certificate, directory: Path) -> Report:
    """Write ``report.html``, ``report.md``, ``report.tex`` and ``figures/`` into a directory.

    Parameters
    ----------
    certificate : Certificate
        Of any status. What is certified is checked first, and the report says what the checker said.
    directory : Path
        Made if it is not there; files of an earlier report are overwritten.

    Returns
    -------
    Report
        The files: ``html``, ``md``, ``tex``, and ``<figure>.png``, ``<figure>.pdf`` for each figure; and the verdict
        of the checker.

    Raises
    ------
    CertificateError
        If the certificate does not follow its format, or the files cannot be written.

    Soundness
    ---------
    Whether the claim is proved is what the checker says of the file just now; everything else in the report is
    information in float64.
    """
    subject = replace(Subject.of(certificate), verdict=verdict(certificate))
    try:
        figures = [drawn(figure) for figure in figures_of(subject)]
        texts = [rendered(form, content(subject, figures, form.dialect)) for form in FORMATS]
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        what = f"no report can be made of it ({type(error).__name__}: {error})"
        wanted = "a file that certdde certify wrote"
        raise CertificateError(what, where=subject.file, wanted=wanted) from None
    files = {}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for form, text in zip(FORMATS, texts, strict=True):
            files[form.key] = directory / form.file
            files[form.key].write_text(text, encoding="utf-8")
        return Report(files | write_figures(figures, directory), subject.verdict)
    except OSError as error:
        what = f"cannot write ({error.strerror})"
        raise CertificateError(
            what, where=str(directory), wanted="a directory that can be written"
        ) from None


def verdict(certificate: Certificate) -> CheckResult | None:
    """Have a certificate checked, from a copy if it is not saved; None if it claims nothing."""
    if certificate.status != "certified":
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = certificate.path
        if path is None:
            path = certificate.save(Path(folder) / "certificate.certdde").path
        return check_file(path)


def figures_of(subject: Subject) -> list[Figure]:
    """Return the figures that apply to a certificate."""
    training = training_figure(subject)
    return [*_solutions_and_proof(subject), *([training] if training else [])]


def _solutions_and_proof(subject: Subject) -> list[Figure]:
    if subject.data["delay"]["class"] == "resampled":
        return [drawn_figure(subject), *recorded_figures(subject)]
    if subject.data["delay"]["class"] == "sampled":  # no constant delay belongs to it
        return recorded_figures(subject) or [held_figure(subject)]
    if not subject.certified:
        found = subject.data.get("counterexample") or {}
        recorded = recorded_figures(subject)
        if found and recorded:
            return recorded
        if not subject.simple:
            return [described_figure(subject), *recorded]
        delay = found.get("delay")
        if isinstance(delay, (int, float)) and delay >= 0:
            return [counterexample_figure(subject, float(delay))]
        return [undecided_figure(subject), *recorded]
    if subject.kind == "random":
        return [random_figure(subject), described_figure(subject)]
    if not subject.detailed:
        return [described_figure(subject)]
    if subject.kind == "spectral":  # V is that of the anchor only
        return [trajectories_figure(subject)]
    first = region_figure(subject) if subject.bounded else trajectories_figure(subject)
    partition = partition_figure(subject)
    return [first, values_figure(subject), *([partition] if partition else [])]
