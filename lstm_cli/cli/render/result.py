"""The result of a command: its report on stdout, and its summary on stderr."""

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
    """Print a report, and its summary to stderr: as JSON for a machine, else as `draw` lays it out for a person.

    Of a step that found nothing changed the summary is all, unless JSON is asked for. stages: seconds of each.
    """
    if as_json:
        print_json(report)
    elif not getattr(report, "up_to_date", None):
        print_page(report, draw)
    print_summary(verb, report, stages=stages)
