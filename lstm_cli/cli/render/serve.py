"""Report of `serve` as text."""

from typing import TYPE_CHECKING

from lstm_cli.wording import count_noun

if TYPE_CHECKING:
    from lstm_cli.cli.render.page import Page
    from lstm_cli.serving.report import ServeReport


def serve_table(report: "ServeReport", page: "Page") -> None:
    """Print the number of answers by status, and the reloads."""
    reloads = [f"{count:,} {result}" for result, count in report.reloads.items() if count]
    facts = [
        ("address", report.url),
        ("model version", report.version),
        ("requests", f"{report.requests:,}"),
        *((f"status {status}", f"{count:,}") for status, count in report.statuses.items()),
        ("reloads", ", ".join(reloads) or "none"),
    ]
    if report.unfinished:
        facts.append(("unfinished", count_noun(report.unfinished, "request")))
    page.facts(facts)
