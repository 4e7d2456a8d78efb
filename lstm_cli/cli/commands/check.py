"""`lstm check DATA`."""

import sys
from typing import Annotated

from lstm_cli.cli.app import Work
from lstm_cli.cli.options import ConfigOption, DataArgument, DryRunOption, JsonOption, option, with_options_of
from lstm_cli.cli.render.dry_run import print_plan
from lstm_cli.config.prepare import PrepareConfig
from lstm_cli.errors import LstmError

EXAMPLES = (
    "lstm check sample_data/ETTh1.csv",
    "lstm check sample_data/ETTh1.csv --target OT --horizon 24 --plot runs/check.png",
)


@with_options_of(PrepareConfig, into="settings")
def check(
    data: DataArgument,
    *,
    plot: Annotated[
        str | None,
        option(
            "--plot",
            "Draw the series, their gaps and their autocorrelation as a PNG, replaced as a whole.",
            "FILE.png",
            default="no picture",
        ),
    ] = None,
    settings: PrepareConfig,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> Work:
    """Look at a table of measurements, and tell what is in it and what is wrong with it.

    It reads as prepare does, with the options of prepare, and writes nothing but the picture asked for. Where
    prepare would refuse the file, so does this, after all that is known nevertheless.
    """

    def work() -> None:
        from lstm_cli.cli.progress.reporters import progress_reporter
        from lstm_cli.cli.render import check as checking
        from lstm_cli.cli.render import result
        from lstm_cli.steps.check import check as step

        try:
            with progress_reporter() as listen:
                report = step(data, settings, listen, plot=plot, stdin=sys.stdin.buffer)
        except LstmError as refused:
            if refused.report is not None:
                result.print_result("check", refused.report, checking.check_table, as_json=as_json)
            raise
        result.print_result("check", report, checking.check_table, as_json=as_json, stages=listen.stages)

    if dry_run:
        return print_plan(lambda planning: planning.plan_check(data, settings, plot), as_json=as_json)
    return work
