"""`lstm report RUN`."""

import sys
from contextlib import nullcontext
from typing import Annotated

from lstm_cli.cli.app import Work
from lstm_cli.cli.options import ConfigOption, DryRunOption, RunArgument, switch, with_options_of
from lstm_cli.cli.render.dry_run import print_plan
from lstm_cli.cli.stdio import require_stdout
from lstm_cli.cli.verbs import COMMON_PANEL
from lstm_cli.config.report import ReportConfig
from lstm_cli.errors import UsageError

EXAMPLES = (
    "lstm report runs/load -o report.html",
    "lstm report runs/load --format md",
)


@with_options_of(ReportConfig, into="settings")
def report(
    run: RunArgument,
    *,
    settings: ReportConfig,
    dry_run: DryRunOption = False,
    as_json: Annotated[
        bool,
        switch("--json", "Report as one JSON object; --format md then needs -o FILE.", panel=COMMON_PANEL),
    ] = False,
    config: ConfigOption = None,
) -> Work:
    """Write a page that shows what a model can do.

    The page has the verdict of 'lstm evaluate', forecasts with their truth, the data, the errors and the commands. It
    is one file, loads nothing from the network, and can be sent to a colleague. The run itself does not change.
    """
    to_stdout = settings.output_for(str(run)) == "-"
    if as_json and to_stdout and not dry_run:
        raise UsageError(
            "--json needs -o FILE, because the report goes to standard output",
            hint="add -o report.html",
            flag="--json",
        )
    if to_stdout and not dry_run:
        require_stdout("write the report to a file with -o report.html")

    def work() -> None:
        from lstm_cli.cli.progress.reporters import progress_reporter
        from lstm_cli.cli.render import page
        from lstm_cli.cli.render.classify import draw_task
        from lstm_cli.cli.render.report import class_report_table, report_table
        from lstm_cli.cli.render.summary import print_summary
        from lstm_cli.cli.stdio import name_stdout_errors
        from lstm_cli.steps.report import report as step

        with progress_reporter() as listen, name_stdout_errors() if to_stdout else nullcontext():
            result = step(run, settings, listen, stdout=sys.stdout.buffer)
        if as_json:
            page.print_json(result)
        elif not to_stdout:
            page.print_page(result, draw_task(report_table, {"classify": class_report_table}))
        print_summary("report", result, stages=listen.stages)

    if dry_run:
        return print_plan(lambda planning: planning.plan_report(run, settings), as_json=as_json)
    return work
