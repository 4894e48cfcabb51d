"""Reports: HTML, Markdown, LaTeX and figures for a certificate."""

from certdde.reports.report import Report, write_report

__all__ = ["Report", "write_report"]
