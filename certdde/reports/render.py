"""Templates: HTML, LaTeX and Markdown. What a template prints is escaped, unless it is ``Markup`` already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from certdde.reports.dialect import Dialect
from certdde.reports.latex import Latex
from certdde.reports.mathml import MathML
from certdde.reports.plain import Plain

# Braces and percent signs mean something in LaTeX.
_LATEX_MARKS = {
    "block_start_string": "<%",
    "block_end_string": "%>",
    "variable_start_string": "<<",
    "variable_end_string": ">>",
    "comment_start_string": "<#",
    "comment_end_string": "#>",
}


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of report: its file, its template, and the dialect of its formulas."""

    key: str
    file: str
    dialect: Dialect
    marks: Mapping[str, str]


FORMATS = (
    Format("html", "report.html", MathML(), {}),
    Format("md", "report.md", Plain(), {}),
    Format("tex", "report.tex", Latex(), _LATEX_MARKS),
)


def rendered(form: Format, content: Mapping[str, object], template: str | None = None) -> str:
    """Return the text of a report, by the template of the format's file or another one."""
    environment = Environment(
        loader=PackageLoader("certdde.reports"),
        autoescape=False,
        finalize=_finalize(form.dialect.escape),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **form.marks,
    )
    # The output of a macro is text of the template, escaped already.
    environment.globals["mark"] = Markup
    return environment.get_template(template or f"{form.file}.j2").render(content)


def _finalize(escape: Callable[[str], Markup]) -> Callable[[object], Markup]:
    def finalize(value: object) -> Markup:
        return value if isinstance(value, Markup) else escape(str(value))

    return finalize
