"""Report of `report` as text: the verdict, and where the page is."""

from typing import Any

from lstm_cli.cli.render.page import Page
from lstm_cli.data.dataset.windows import SPLITS
from lstm_cli.wording import count_noun


def class_report_table(report: Any, page: Page) -> None:
    """Print the verdict on labelled sequences, and the file."""
    page.line(f"{report.run}: {count_noun(report.sequences, f'{SPLITS[report.split]} sequence')}")
    page.blank()
    page.line(report.verdict, "bold")
    page.blank()
    page.line(f"wrote {report.output} ({report.size / 1000:,.0f} KB)")


def report_table(report: Any, page: Page) -> None:
    """Print the verdict and the file."""
    windows = count_noun(report.windows, f"{SPLITS[report.split]} window")
    page.line(f"{report.run}: {report.model} ({report.precision}) on {windows}")
    page.blank()
    page.line(report.verdict, "bold")
    page.blank()
    page.line(f"wrote {report.output} ({report.size / 1000:,.0f} KB)")
