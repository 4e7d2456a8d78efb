"""`lstm predict RUN [NEW]`."""

import sys
from contextlib import nullcontext
from typing import Annotated

import typer

from lstm_cli.cli.app import Work
from lstm_cli.cli.options import ConfigOption, DryRunOption, RunArgument, switch, with_options_of
from lstm_cli.cli.render.dry_run import print_plan
from lstm_cli.cli.stdio import require_stdout
from lstm_cli.cli.verbs import COMMON_PANEL
from lstm_cli.config.predict import PredictConfig, TextSampling
from lstm_cli.errors import UsageError

EXAMPLES = (
    "lstm predict runs/load -o runs/forecast.csv",
    "lstm predict runs/load sample_data/ETTh1.csv --format json",
    "lstm predict runs/load --level 90 --quantiles 0.1,0.5,0.9",
    "lstm predict runs/load --samples 100 -o runs/paths.csv",
    "lstm predict runs/load --origin '2016-10-01 07:00:00'",
    "lstm predict runs/load -o runs/forecast.csv --plot runs/forecast.png",
)


@with_options_of(PredictConfig, into="settings")
@with_options_of(TextSampling, into="sampling")
def predict(
    run: RunArgument,
    new: Annotated[
        str | None,
        typer.Argument(
            metavar="NEW",
            help="File with new data; - is standard input. Default: the data of the run.",
            show_default=False,
        ),
    ] = None,
    *,
    settings: PredictConfig,
    sampling: TextSampling,
    dry_run: DryRunOption = False,
    as_json: Annotated[
        bool,
        switch(
            "--json",
            "Report as one JSON object; needs -o FILE.",
            panel=COMMON_PANEL,
        ),
    ] = False,
    config: ConfigOption = None,
) -> Work:
    """Forecast the steps after the last row.

    The forecast has the units, times and column names of the file, and 80 % and 95 % prediction intervals for each
    step. --level and --quantiles choose others. --samples draws sample paths instead. Only --record
    writes in the run. A run of text continues --prompt, and writes the text while it is made.
    """
    if as_json and settings.output == "-" and not dry_run:
        raise UsageError(
            "--json needs -o FILE, because the forecast goes to standard output",
            hint="add -o forecast.csv",
            flag="--json",
        )

    if as_json and settings.shard is not None:
        raise UsageError(
            "--json and --shard cannot be combined: a shard writes only CSV",
            hint="leave out --json",
            flag="--json",
        )
    if settings.output == "-" and not dry_run:
        require_stdout("write the forecast to a file with -o forecast.csv")

    def work() -> None:
        from lstm_cli.cli.progress.reporters import progress_reporter
        from lstm_cli.cli.render import page
        from lstm_cli.cli.render.summary import print_summary
        from lstm_cli.cli.stdio import name_stdout_errors
        from lstm_cli.steps.predict import predict as step

        stdout_is_taken = as_json or settings.output == "-"
        terminal = None
        if settings.plot == "-":  # the import costs time
            from lstm_cli.cli.render.drawing import make_terminal, print_drawings

            terminal = make_terminal(stdout_is_taken=stdout_is_taken)
        with progress_reporter() as listen, name_stdout_errors() if settings.output == "-" else nullcontext():
            report = step(
                *(run, new, settings, listen),
                stdin=sys.stdin.buffer,
                stdout=sys.stdout.buffer,
                terminal=terminal,
                sampling=sampling,
            )
        if as_json:
            page.print_json(report)
        if terminal is not None:
            print_drawings(terminal, stdout_is_taken=stdout_is_taken)
        print_summary("predict", report, stages=listen.stages)

    if dry_run:
        return print_plan(
            lambda planning: planning.plan_predict(run, new, settings, sampling), as_json=as_json
        )
    return work
