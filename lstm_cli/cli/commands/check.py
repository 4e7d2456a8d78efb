"""`lstm check DATA`."""

import sys
from typing import Annotated

from lstm_cli.cli.app import Work
from lstm_cli.cli.options import ConfigOption, DataArgument, DryRunOption, JsonOption, option, with_options_of
from lstm_cli.cli.render.dry_run import print_plan
from lstm_cli.config.prepare import PrepareConfig
from lstm_cli.config.tasks import PrepareOfTasks
from lstm_cli.errors import LstmError

EXAMPLES = (
    "lstm check sample_data/ETTh1.csv",
    "lstm check sample_data/ETTh1.csv --target OT --horizon 24 --plot runs/check.png",
    "lstm check sample_data/gestures.csv --sequence id --label gesture --group person",
)


@with_options_of(PrepareConfig, into="settings")
@with_options_of(PrepareOfTasks, into="columns")
def check(
    data: DataArgument,
    *,
    plot: Annotated[
        str | None,
        option(
            "--plot",
            "Plot of the series, gaps and autocorrelation, or of lengths and classes, as a PNG, SVG or PDF file; - "
            "draws series in the terminal.",
            "FILE",
            default="no plot",
        ),
    ] = None,
    settings: PrepareConfig,
    columns: PrepareOfTasks,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> Work:
    """Inspect a CSV or Parquet file and report problems.

    The options are those of prepare, and check reads the file in the same way. It writes no file except --plot.
    If prepare would fail, check prints its report and fails with the same error.
    """

    def work() -> None:
        from lstm_cli.cli.progress.reporters import progress_reporter
        from lstm_cli.cli.render import result
        from lstm_cli.cli.render.check import check_table
        from lstm_cli.cli.render.check_sequences import check_sequences_table
        from lstm_cli.cli.render.classify import draw_task
        from lstm_cli.cli.render.drawing import make_terminal
        from lstm_cli.steps.check import check as step

        draw = draw_task(check_table, {"classify": check_sequences_table})
        terminal = make_terminal(stdout_is_taken=as_json)
        try:
            with progress_reporter() as listen:
                report = step(
                    data,
                    settings,
                    listen,
                    plot=plot,
                    terminal=terminal,
                    stdin=sys.stdin.buffer,
                    columns=columns,
                )
        except LstmError as error:
            if error.report is not None:
                result.print_result("check", error.report, draw, as_json=as_json, terminal=terminal)
            raise
        result.print_result(
            *("check", report, draw),
            as_json=as_json,
            stages=listen.stages,
            terminal=terminal,
        )

    if dry_run:
        return print_plan(
            lambda planning: planning.plan_check(data, settings, plot, columns=columns), as_json=as_json
        )
    return work
