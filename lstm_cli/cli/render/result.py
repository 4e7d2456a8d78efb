"""Result of a command: its report on stdout and its summary on stderr."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_cli.cli.render.page import print_json, print_page
from lstm_cli.cli.render.summary import print_summary
from lstm_cli.rundir import reading_manifest

if TYPE_CHECKING:
    from lstm_cli.plots.terminal import Terminal


def print_result(
    verb: str,
    report: Any,
    draw: Callable[[Any, Any], None],
    *,
    as_json: bool,
    as_markdown: bool = False,
    stored: bool = False,
    stages: Mapping[str, float] | None = None,
    terminal: "Terminal | None" = None,
) -> None:
    """Print a report to stdout and its summary to stderr.

    If the step is up to date, only the summary is printed, unless JSON is requested.

    Args:
        verb: name of the command.
        report: report of the step.
        draw: function that adds the report to a page.
        as_json: whether to print JSON instead of a page.
        as_markdown: whether to print the page as Markdown.
        stored: the report comes from the run, as that of a step that is up to date.
        stages: seconds of each stage.
        terminal: drawing of `--plot -`, printed below the report.
    """
    up_to_date = getattr(report, "up_to_date", None)
    with reading_manifest(Path(report.run)) if stored or up_to_date else nullcontext():
        if as_json:
            print_json(report)
        elif not up_to_date:
            print_page(report, draw, as_markdown=as_markdown)
        if terminal is not None and terminal.drawn:
            from lstm_cli.cli.render.drawing import print_drawings

            print_drawings(terminal, stdout_is_taken=as_json)
        print_summary(verb, report, stages=stages)
