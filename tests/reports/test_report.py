"""write_report: the files are there, well formed, closed in themselves, and say what the certificate says."""

import base64
import re
import shutil
import struct
from html.parser import HTMLParser

import pytest
from example_systems import hutchinson

from certdde.certificates import Certificate
from certdde.certificates.certificate import not_certified
from certdde.certificates.claim import claim_sentence
from certdde.delays.classes import Constant
from certdde.errors import CertificateError
from certdde.reports import write_report
from certdde.reports.escape import escape_html
from certdde.reports.report import verdict

from .makers import CERTIFIED, HOSTILE, MAKERS

VOID = {"meta", "source", "img", "br", "link", "mspace"}
FIGURES = {
    "linear": {"trajectories", "values"},
    "scalar": {"region", "values", "partition"},
    "planar": {"region", "values", "partition"},
    "parts": {"region", "values", "partition"},
    "swings": {"trajectories"},
    "boxes": {"trajectories"},
    "steps": {"trajectories"},
    "held": {"trajectories"},
    "draws": {"trajectories"},
    "unknown": {"trajectories", "escape"},
    "refuted": {"trajectories"},
}


class Page(HTMLParser):
    """The text, tags and attributes of a page; fails on tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.seen, self.attributes, self.words = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.attributes += attrs
        if tag not in VOID or tag == "mspace":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


@pytest.fixture
def without_figures(monkeypatch):
    monkeypatch.setattr("certdde.reports.report.figures_of", lambda subject: [])


@pytest.mark.parametrize("kind", MAKERS)
def test_the_files(report, kind):
    files = report(kind).files
    figures = {f"{name}.{end}" for name in FIGURES[kind] for end in ("png", "pdf")}
    assert set(files) == {"html", "md", "tex"} | figures
    for name in figures:
        start = b"\x89PNG" if name.endswith("png") else b"%PDF"
        assert files[name].read_bytes().startswith(start)
        assert files[name].parent.name == "figures"


def test_the_page_is_well_formed_and_closed_in_itself(any_report):
    page = Page(any_report.text("html"))
    assert page.seen.count("h1") == 1
    assert not {"script", "link", "iframe", "object"} & set(page.seen)
    for name, value in page.attributes:
        assert not name.startswith("on")
        if name in ("src", "srcset", "href"):
            assert value.startswith("data:image/png;base64,")
    rest = any_report.text("html").replace(escape_html(HOSTILE), "")
    assert not re.search(r"url\(|@import|https?://", rest)


def test_the_pictures_of_the_page_are_pictures(any_report):
    page = Page(any_report.text("html"))
    pictures = [value for name, value in page.attributes if name in ("src", "srcset")]
    assert len(pictures) == 2 * sum(key.endswith("png") for key in any_report.files)
    for picture in pictures:
        width, height = struct.unpack(">II", base64.b64decode(picture.partition(",")[2])[16:24])
        assert min(width, height) > 300


def test_every_figure_has_a_title_a_caption_and_its_file(any_report):
    page = Page(any_report.text("html"))
    assert all(value for name, value in page.attributes if name == "alt")
    for key, path in any_report.files.items():
        if key.endswith("png"):
            assert f"](figures/{path.name})" in any_report.text("md")
        if key.endswith("pdf"):
            assert path.name in any_report.text("tex")


def test_the_claim_stands_there_word_by_word(any_report):
    assert any_report.certificate.data["claim"] in Page(any_report.text("html")).text


@pytest.mark.parametrize("kind", CERTIFIED)
def test_the_command_that_checks_and_the_digest(report, kind):
    found = report(kind)
    for form in ("html", "md"):
        assert f"certdde check {kind}.certdde" in found.text(form)
    for form in ("html", "md", "tex"):
        assert found.certificate.data["digest"] in found.text(form)


@pytest.mark.parametrize("kind", ["scalar", "planar"])
def test_the_numbers_of_the_region_are_those_of_the_certificate(report, kind):
    found = report(kind)
    region = found.certificate.data["region"]
    rows = dict(re.findall(r"^\| (.*?) \| (.*?) \|$", found.text("md"), flags=re.MULTILINE))
    assert float(rows["level c"]) == region["level"][0]
    assert float(rows["radius rho"]) == region["radius"]["rho"]
    assert float(rows["rate rho'"]) == region["radius"]["rho_rate"]
    assert float(rows["certified / simulated"]) == pytest.approx(region["area"]["ratio"], rel=1e-5)


def test_the_methods_stand_side_by_side(report):
    found = report("scalar")
    statistics = found.certificate.data["statistics"]
    lines = [
        line for line in found.text("md").splitlines() if line.startswith(("| LMI", "| quadratic"))
    ]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    lmi, own = statistics["baselines"]
    assert cells[0][2:4] == [lmi["status"], str(lmi["boxes"])]
    assert cells[1][0].endswith("this certificate")
    assert cells[1][3] == str(statistics["boxes"]["leaves"])
    area = found.certificate.data["region"]["area"]
    assert cells[1][4] == f"{100 * area['certified'] / area['domain']:.1f} %"
    assert float(cells[1][5]) == pytest.approx(own["seconds"], abs=0.01)


@pytest.mark.parametrize("kind", CERTIFIED)
def test_rigor_is_told_in_words(report, kind):
    page = Page(report(kind).text("html")).text
    rigorous = verdict(report(kind).certificate).valid
    assert rigorous, "the checker's word, not the file's"
    assert ("independent checker has proved every inequality" in page) == rigorous
    assert ("no proof" in page) == (not rigorous)
    assert (r"\begin{theorem}" in report(kind).text("tex")) == rigorous


def test_several_parts_have_a_row_each(report):
    found = report("parts")
    assert len(found.certificate.data["functional"]["parts"]) == 2
    assert "| 0 | [0.0, 0.3] |" in found.text("md")
    assert "| 1 | [0.3, 0.6] |" in found.text("md")
    assert "proved in 2 parts" in found.text("md")


@pytest.mark.parametrize("kind", ["unknown", "refuted"])
def test_what_is_not_certified_says_so_and_why(report, kind):
    found = report(kind)
    page = Page(found.text("html")).text
    assert found.certificate.data["claim"] in page
    assert "Theorem" not in page
    assert "functional" not in page.replace("quadratic functionals", "")


def test_a_counterexample_is_shown(report):
    found = report("refuted")
    example = found.certificate.data["counterexample"]
    for value in (example["delay"], example["abscissa"]):
        assert repr(value) in found.text("md")
        assert repr(value) in found.text("html")


def test_the_solution_of_a_counterexample_is_told_without_its_numbers(report):
    found = report("refuted")
    record = found.certificate.data["counterexample"]["trajectory"]
    for form in ("html", "md"):
        assert record["outcome"] in found.text(form)
        assert str(record["times"][7]) not in found.text(form).replace(record["outcome"], "")


def test_a_history_that_leaves_the_domain_is_told_and_is_no_counterexample(report):
    found = report("unknown")
    record = found.certificate.data["statistics"]["escape"]
    for form in ("html", "md"):
        assert record["outcome"] in found.text(form)
        assert "refutes no stability" in found.text(form)
    assert "Counterexample" not in found.text("md")


def test_a_counterexample_at_points_of_the_inequality(without_figures, tmp_path):
    record = not_certified(
        "refuted",
        "Refuted: V rises.",
        hutchinson(),
        Constant("tau", 0.0, 1.0),
        counterexample={"points": [[0.25, -0.5]], "delay": 0.75},
    )
    files = write_report(record, tmp_path).files
    assert "| points | 0.25, -0.5 |" in files["md"].read_text(encoding="utf-8")
    assert "| delay | 0.75 |" in files["md"].read_text(encoding="utf-8")


def test_a_check_that_failed_is_told(certificate, without_figures, tmp_path):
    good = certificate("scalar")
    first = good.data["delay"]["range"][0]
    longer = {**good.data["delay"], "range": [first, 50.0]}
    data = {**good.data, "delay": longer, "rigor": "rigorous"}
    data["claim"] = claim_sentence(data["system"], longer, data["region"])
    del data["digest"]
    text = (
        write_report(Certificate(data, good.entries), tmp_path)
        .files["md"]
        .read_text(encoding="utf-8")
    )
    assert "does not accept this file: ends after the last part (delay.range)" in text
    assert "**not proved**" in text
    assert "Theorem" not in text
    assert "has been altered" not in text


def test_a_file_that_was_altered_is_told(certificate, without_figures, tmp_path):
    good = certificate("linear")
    altered = Certificate({**good.data, "seed": 7}, good.entries)
    text = write_report(altered, tmp_path).files["md"].read_text(encoding="utf-8")
    assert "has been altered since it was written" in text


def test_the_same_certificate_gives_the_same_files(certificate, report, tmp_path):
    again = write_report(certificate("refuted"), tmp_path).files
    for key, path in report("refuted").files.items():
        assert again[key].read_bytes() == path.read_bytes(), key


def test_figures_of_an_earlier_report_go(certificate, without_figures, tmp_path):
    old = tmp_path / "figures" / "partition.png"
    other = tmp_path / "figures" / "mine.png"
    old.parent.mkdir()
    old.touch()
    other.touch()
    write_report(certificate("refuted"), tmp_path)
    assert not old.exists()
    assert other.exists()


def test_a_certificate_that_was_not_saved(without_figures, tmp_path):
    record = not_certified("unknown", "Not certified.", hutchinson(), Constant("tau", 0.0, 1.0))
    assert "Not certified" in write_report(record, tmp_path).files["md"].read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "damage",
    [
        lambda data, entries: data.pop("system"),
        lambda data, entries: data.update(delay={"name": "tau", "range": [0.5, 0.1]}),
        lambda data, entries: data.update(status="proved"),
        lambda data, entries: data["system"].update(equations=["x' = __import__('os')"]),
        lambda data, entries: data["functional"].update(order=5),
        lambda data, entries: data["functional"].update(parts=[]),
        lambda data, entries: entries.update({"part0.npz": b"nothing"}),
        lambda data, entries: entries.clear(),
    ],
)
def test_what_does_not_follow_the_format_is_an_error_in_one_sentence(certificate, tmp_path, damage):
    good = certificate("linear")
    data = {**good.data, "system": dict(good.data["system"])}
    data["functional"] = dict(data["functional"])
    entries = dict(good.entries)
    damage(data, entries)
    with pytest.raises(CertificateError, match=r"linear\.certdde"):
        write_report(Certificate(data, entries, good.path), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written(certificate, without_figures, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CertificateError, match="cannot write"):
        write_report(certificate("refuted"), tmp_path / "file")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex")
@pytest.mark.parametrize("kind", MAKERS)
def test_the_latex_compiles_alone_and_inside_another_document(report, kind, tmp_path):
    import subprocess

    source = report(kind).files["tex"]
    outer = tmp_path / "outer.tex"
    outer.write_text(
        "\\documentclass{article}\\usepackage{amsmath,amsthm,booktabs,graphicx}"
        "\\begin{document}"
        f"\\def\\certddefigures{{{source.parent / 'figures'}/}}\\input{{{source}}}"
        "\\end{document}",
        encoding="utf-8",
    )
    for file, folder in ((source, source.parent), (outer, tmp_path)):
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error"]
        command += [f"-output-directory={tmp_path}", str(file)]
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:].decode(errors="replace")
