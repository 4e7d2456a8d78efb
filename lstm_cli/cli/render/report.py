"""Report of `report` as text: the verdict, and where the page is."""

from typing import Any

from lstm_cli.cli.render.page import Page


def report_table(report: Any, page: Page) -> None:
    """Print the verdict and the file."""
    page.line(
        f"{report.run}: {report.model} ({report.precision}) on {report.windows:,} {report.split} windows"
    )
    page.blank()
    page.line(report.verdict, "bold")
    page.blank()
    page.line(f"wrote {report.output} ({report.size / 1000:,.0f} KB)")
