"""`lstm refresh RUN DATA`."""

import sys
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Annotated, Any

import typer

from lstm_cli.cli.app import Work
from lstm_cli.cli.options import (
    ConfigOption,
    DryRunOption,
    JsonOption,
    KeepOption,
    LockWaitOption,
    RunArgument,
    with_options_of,
)
from lstm_cli.cli.render.dry_run import print_plan
from lstm_cli.cli.stdio import require_stdout
from lstm_cli.config.refresh import RefreshConfig
from lstm_cli.config.train import KEEP_MODELS, require_keep
from lstm_cli.errors import LstmError, UsageError

EXAMPLES = (
    "lstm refresh runs/load sample_data/ETTh1.csv -o runs/forecast.csv",
    "lstm refresh runs/load sample_data/ETTh1.csv --margin 2% --keep 5 --budget 10m --json",
)


@with_options_of(RefreshConfig, into="settings")
def refresh(
    run: RunArgument,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="File with the new rows; older rows are allowed. - is standard input.",
            show_default=False,
        ),
    ],
    *,
    settings: RefreshConfig,
    keep: KeepOption = KEEP_MODELS,
    dry_run: DryRunOption = False,
    lock_wait: LockWaitOption = 0.0,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> Work:
    """Add new rows, retrain if it pays, and forecast.

    A challenger is trained if there are enough new rows or the accuracy is lost. It replaces the model only if it is
    better on held-out rows that neither has learnt. Each forecast is recorded, and scored when it comes true.
    """
    require_keep(keep)
    to_stdout = settings.output == "-" and not dry_run
    if as_json and to_stdout:
        raise UsageError(
            "--json needs -o FILE, because the forecast goes to standard output",
            hint="add -o forecast.csv",
            flag="--json",
        )
    if to_stdout:
        require_stdout("write the forecast to a file with -o forecast.csv")

    def work() -> None:
        from lstm_cli.cli import signals
        from lstm_cli.cli.progress.reporters import progress_reporter
        from lstm_cli.cli.render import result
        from lstm_cli.cli.render.refresh import refresh_table
        from lstm_cli.cli.render.summary import print_summary
        from lstm_cli.cli.stdio import name_stdout_errors
        from lstm_cli.steps.refresh import refresh as step

        def show(report: Any, stages: Mapping[str, float]) -> None:
            if to_stdout:
                print_summary("refresh", report, stages=stages)
            else:
                result.print_result("refresh", report, refresh_table, as_json=as_json, stages=stages)

        naming = name_stdout_errors() if to_stdout else nullcontext()
        try:
            with progress_reporter() as listen, signals.defer_signals() as should_stop, naming:
                report = step(
                    run,
                    data,
                    settings,
                    listen,
                    keep=keep,
                    lock_wait=lock_wait,
                    stdin=sys.stdin.buffer,
                    stdout=sys.stdout.buffer,
                    should_stop=should_stop,
                )
        except LstmError as failed:
            if failed.report is not None:
                show(failed.report, listen.stages)
            raise
        show(report, listen.stages)

    if dry_run:
        return print_plan(lambda planning: planning.plan_refresh(run, data, settings), as_json=as_json)
    return work
