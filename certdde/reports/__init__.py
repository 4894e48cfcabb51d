"""Reports: HTML, Markdown, LaTeX and figures for a certificate."""

from certdde.reports.report import write_report

__all__ = ["write_report"]
