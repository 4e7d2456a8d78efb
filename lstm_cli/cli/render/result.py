"""Result of a command: its report on stdout and its summary on stderr."""

from collections.abc import Callable, Mapping
from typing import Any

from lstm_cli.cli.render.page import Page, print_json, print_page
from lstm_cli.cli.render.summary import print_summary


def print_result(
    verb: str,
    report: Any,
    draw: Callable[[Any, Page], None],
    *,
    as_json: bool,
    stages: Mapping[str, float] | None = None,
) -> None:
    """Print a report to stdout and its summary to stderr.

    If the step is up to date, only the summary is printed, unless JSON is requested.

    Args:
        verb: name of the command.
        report: report of the step.
        draw: function that adds the report to a page.
        as_json: whether to print JSON instead of a page.
        stages: seconds of each stage.
    """
    if as_json:
        print_json(report)
    elif not getattr(report, "up_to_date", None):
        print_page(report, draw)
    print_summary(verb, report, stages=stages)
