"""`lstm predict RUN [NEW]`."""

import sys
from contextlib import nullcontext
from typing import Annotated

import typer

from lstm_cli.cli.app import Work
from lstm_cli.cli.options import (
    TEXT,
    ConfigOption,
    DryRunOption,
    EncodingOption,
    RunArgument,
    ThreadsOption,
    option,
    switch,
)
from lstm_cli.cli.render.dry_run import show_plan
from lstm_cli.cli.stdio import require_stdout
from lstm_cli.cli.verbs import COMMON
from lstm_cli.config.predict import ENDED, FORMATS, PredictConfig
from lstm_cli.config.quantize import PRECISIONS
from lstm_cli.errors import UsageError

EXAMPLES = (
    "lstm predict runs/load -o runs/forecast.csv",
    "lstm predict runs/load sample_data/ETTh1.csv --format json",
)
DEFAULTS = PredictConfig()
FORECAST = "The forecast"  # a panel


def predict(
    run: RunArgument,
    new: Annotated[
        str | None,
        typer.Argument(
            metavar="NEW",
            help="New data to forecast from, - for standard input; without it, the run's own.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str,
        option(
            "-o --output",
            "Where the forecast goes, replaced as a whole; -: standard output.",
            "FILE",
            panel=FORECAST,
        ),
    ] = DEFAULTS.output,
    format: Annotated[
        str | None,
        option(
            "--format",
            "How the forecast is written.",
            choices=FORMATS,
            default="by the file's ending, else csv",
            panel=FORECAST,
        ),
    ] = DEFAULTS.format,
    precision: Annotated[
        str,
        option(
            "--precision",
            "The model that forecasts; auto: the quantised one where it is fresh.",
            choices=("auto", *PRECISIONS),
            panel=FORECAST,
        ),
    ] = DEFAULTS.precision,
    intervals: Annotated[
        bool,
        option(
            "--intervals/--no-intervals",
            "Write the ends of the 80 % and 95 % intervals after each target: TARGET_lo80, _hi80, _lo95, _hi95.",
            panel=FORECAST,
        ),
    ] = DEFAULTS.intervals,
    ended: Annotated[
        str,
        option(
            "--ended",
            "Series of a panel that end more than a horizon before its newest row: leave out, forecast, or exit 3.",
            choices=ENDED,
            panel=FORECAST,
        ),
    ] = DEFAULTS.ended,
    encoding: EncodingOption = DEFAULTS.encoding,
    delimiter: Annotated[
        str | None,
        option(
            "--delimiter",
            "The character between cells of NEW.",
            "CHAR",
            default="as the run's file has it",
            panel=TEXT,
        ),
    ] = DEFAULTS.delimiter,
    threads: ThreadsOption = DEFAULTS.threads,
    dry_run: DryRunOption = False,
    as_json: Annotated[
        bool,
        switch(
            "--json",
            "Print what was done as one JSON object; needs -o FILE, since rows fill stdout.",
            panel=COMMON,
        ),
    ] = False,
    config: ConfigOption = None,
) -> Work:
    """Forecast the steps after the last row.

    The forecast is in the file's own units, times and names, per series, with the 80 % and 95 % intervals of each
    step. Nothing in the run is changed.
    """
    settings = PredictConfig(
        output=output,
        format=format,
        precision=precision,
        ended=ended,
        intervals=intervals,
        encoding=encoding,
        delimiter=delimiter,
        threads=threads,
    )
    if as_json and output == "-" and not dry_run:
        raise UsageError(
            "--json needs -o FILE, since the forecast fills standard output",
            hint="add -o forecast.csv",
            flag="--json",
        )

    if output == "-" and not dry_run:
        require_stdout("write the forecast to a file: -o forecast.csv")

    def work() -> None:
        from lstm_cli.cli.progress.reporters import listening
        from lstm_cli.cli.render import page
        from lstm_cli.cli.render.summary import tell_summary
        from lstm_cli.cli.stdio import writing_out
        from lstm_cli.steps.predict import predict as step

        with listening() as listen, writing_out() if output == "-" else nullcontext():
            report = step(run, new, settings, listen, stdin=sys.stdin.buffer, stdout=sys.stdout.buffer)
        if as_json:
            page.show_json(report)
        tell_summary("predict", report, stages=listen.stages)

    if dry_run:
        return show_plan(lambda planning: planning.plan_predict(run, new, settings), as_json=as_json)
    return work
