"""Kinds that are described in words: each has a description, the claim is the theorem, the numbers are the file's."""

from dataclasses import replace

import pytest

from certdde.certificates import Certificate
from certdde.certificates.content import WITH_PARTS
from certdde.reports import write_report
from certdde.reports.kinds import SCHEMES, UNKNOWN, described
from certdde.reports.subject import Subject
from certdde.verify.checker.rules import RULES

from .makers import DESCRIBED
from .test_report import Page

FORMS = {"scheme": [{"kind": form} for form in SCHEMES]}


@pytest.fixture
def subject(certificate) -> Subject:
    return Subject.of(certificate("swings"))


@pytest.mark.parametrize("kind", sorted(RULES))
def test_every_kind_of_the_checker_is_described(subject, kind):
    for functional in FORMS.get(kind, [{"kind": "quadratic"}]):
        found = described(
            replace(subject, data={**subject.data, "kind": kind, "functional": functional})
        )
        if kind in WITH_PARTS and kind != "spectral":
            continue  # written out in full
        assert found is not UNKNOWN
        for text in (found.functional, found.proof):
            assert text.endswith(".")
            assert "  " not in text


@pytest.mark.parametrize("name", DESCRIBED)
def test_the_claim_is_the_theorem(certificate, report, name):
    text = report(name).text("html")
    page, subject = Page(text).text, Subject.of(certificate(name))
    assert page.count(subject.data["claim"]) == 1
    assert not subject.detailed
    found = described(subject)
    for words in (found.functional, found.proof):
        assert words in page
    assert "Theorem" in page
    assert r"\begin{theorem}" in report(name).text("tex")


def test_the_numbers_of_a_swing(certificate, report):
    radius = certificate("swings").data["region"]["radius"]
    text = report("swings").text("md")
    assert f"| radius rho | {radius['rho']!r} |" in text
    low, high = radius["box"]
    assert f"| interval that solutions do not leave | {low!r}, {high!r} |" in text
    assert f"On [{low!r}, {high!r}] the gain m is at most" in text


def test_a_scheme_is_written_as_one(report):
    assert "x(t + 1) =" not in report("steps").text("md")
    assert "x[t+1] = x[t] - 0.2" in report("steps").text("md").replace(r"\[", "[").replace(
        r"\]", "]"
    )
    assert r"\dot" not in report("steps").text("tex")


def test_several_delays_are_named_in_the_figure(figures, certificate):
    [figure] = figures("boxes")
    assert "for a few delays of the range" in str(figure.caption)


def test_a_kind_that_nobody_knows(certificate, tmp_path):
    good = certificate("swings")
    data = {**good.data, "kind": "magic"}
    del data["digest"]
    written = write_report(Certificate(data, good.entries), tmp_path)
    assert written.verdict is not None
    assert not written.verdict.valid
    text = written.files["md"].read_text(encoding="utf-8")
    assert "**not proved**" in text
    assert "not known to the report" in text
    assert "Theorem" not in text


def test_what_each_method_said(certificate, tmp_path, monkeypatch):
    monkeypatch.setattr("certdde.reports.report.figures_of", lambda subject: [])
    good = certificate("swings")
    said = [
        {"method": "theorem", "said": "no interval | was found", "seconds": 0.25},
        {"method": "lmi", "said": "proved", "seconds": 1.5},
    ]
    for methods, shown in ((said, True), (said[1:], False)):
        data = {**good.data, "statistics": {**good.data["statistics"], "methods": methods}}
        del data["digest"]
        files = write_report(Certificate(data, good.entries), tmp_path).files
        page = Page(files["html"].read_text(encoding="utf-8")).text
        assert ("no interval | was found" in page) is shown
        assert ("in the order in which they were tried" in page) is shown


def test_the_report_returns_what_the_checker_said(certificate, tmp_path, monkeypatch):
    monkeypatch.setattr("certdde.reports.report.figures_of", lambda subject: [])
    assert write_report(certificate("swings"), tmp_path).verdict.valid
    assert write_report(certificate("unknown"), tmp_path).verdict is None
