"""`lstm score RUN [ACTUALS]`."""

import sys
from typing import Annotated

import typer

from lstm_cli.cli.app import Work
from lstm_cli.cli.options import (
    ConfigOption,
    DryRunOption,
    JsonOption,
    LockWaitOption,
    RunArgument,
    with_options_of,
)
from lstm_cli.cli.render.dry_run import print_plan
from lstm_cli.config.score import ScoreConfig
from lstm_cli.errors import GateFailed

EXAMPLES = (
    "lstm score runs/load sample_data/ETTh1.csv",
    "lstm score runs/load sample_data/ETTh1.csv --fail-if 'mase>1.1*trained.mase'",
    "lstm score runs/load --fail-if 'alarms>0' --json",
)


@with_options_of(ScoreConfig, into="settings")
def score(
    run: RunArgument,
    actuals: Annotated[
        str | None,
        typer.Argument(
            metavar="ACTUALS",
            help="File with measured values; - is standard input. Default: the data of the run.",
            show_default=False,
        ),
    ] = None,
    *,
    settings: ScoreConfig,
    dry_run: DryRunOption = False,
    lock_wait: LockWaitOption = 0.0,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> Work:
    """Score recorded forecasts against what came true.

    The forecasts are those of predict --record. Each measured value counts once, however often this runs. A test
    says when the accuracy is worse than the model promised. If a condition of --fail-if is true, the report is still
    printed, and the exit code is 5.
    """

    def work() -> None:
        from lstm_cli.cli.progress.reporters import progress_reporter
        from lstm_cli.cli.render import result
        from lstm_cli.cli.render.score import score_table
        from lstm_cli.steps.score import score as step

        try:
            with progress_reporter() as listen:
                report = step(run, actuals, settings, listen, lock_wait=lock_wait, stdin=sys.stdin.buffer)
        except GateFailed as failed:
            if failed.report is not None:
                result.print_result("score", failed.report, score_table, as_json=as_json)
            raise
        result.print_result("score", report, score_table, as_json=as_json, stages=listen.stages)

    if dry_run:
        return print_plan(lambda planning: planning.plan_score(run, actuals, settings), as_json=as_json)
    return work
