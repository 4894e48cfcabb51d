"""``write_report``: HTML, Markdown, LaTeX and figures for a certificate."""

from __future__ import annotations

from pathlib import Path

from certdde.certificates.certificate import Certificate
from certdde.errors import CertificateError
from certdde.reports.content import content
from certdde.reports.figure import Figure, drawn, write_figures
from certdde.reports.partition_figure import partition_figure
from certdde.reports.region_figure import region_figure
from certdde.reports.render import FORMATS, rendered
from certdde.reports.subject import Subject
from certdde.reports.trajectories_figure import (
    counterexample_figure,
    trajectories_figure,
    undecided_figure,
)
from certdde.reports.values_figure import values_figure


def write_report(certificate: Certificate, directory: Path) -> dict[str, Path]:
    """Write ``report.html``, ``report.md``, ``report.tex`` and ``figures/`` into a directory.

    Parameters
    ----------
    certificate : Certificate
        Of any status. It is shown as it is, not checked.
    directory : Path
        Made if it is not there; files of an earlier report are overwritten.

    Returns
    -------
    dict
        The files: ``html``, ``md``, ``tex``, and ``<figure>.png``, ``<figure>.pdf`` for each figure.

    Raises
    ------
    CertificateError
        If the certificate does not follow its format, or the files cannot be written.

    Soundness
    ---------
    Information in float64. The report repeats what the file says; only the checker proves it.
    """
    subject = Subject.of(certificate)
    figures = [drawn(figure) for figure in figures_of(subject)]
    files = {}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for form in FORMATS:
            files[form.key] = directory / form.file
            text = rendered(form, content(subject, figures, form.dialect))
            files[form.key].write_text(text, encoding="utf-8")
        return files | write_figures(figures, directory)
    except OSError as error:
        what = f"cannot write ({error.strerror})"
        raise CertificateError(
            what, where=str(directory), wanted="a directory that can be written"
        ) from None


def figures_of(subject: Subject) -> list[Figure]:
    """Return the figures that apply to a certificate."""
    if not subject.certified:
        found = subject.data.get("counterexample") or {}
        delay = found.get("delay")
        if isinstance(delay, (int, float)) and delay >= 0:
            return [counterexample_figure(subject, float(delay))]
        return [undecided_figure(subject)]
    if subject.data["kind"] == "spectral":  # V is that of the anchor only
        return [trajectories_figure(subject)]
    first = region_figure(subject) if subject.bounded else trajectories_figure(subject)
    partition = partition_figure(subject)
    return [first, values_figure(subject), *([partition] if partition else [])]
