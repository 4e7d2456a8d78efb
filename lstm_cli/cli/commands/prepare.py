"""`lstm prepare DATA... RUN`."""

import sys
from typing import Annotated, Any

import typer

from lstm_cli.cli import option_values
from lstm_cli.cli.app import Work
from lstm_cli.cli.options import (
    TEXT,
    ConfigOption,
    DataArgument,
    DryRunOption,
    EncodingOption,
    JsonOption,
    LockWaitOption,
    RunArgument,
    option,
    switch,
)
from lstm_cli.cli.render.dry_run import show_plan
from lstm_cli.cli.settings import sources_of
from lstm_cli.cli.verbs import COMMON
from lstm_cli.config.prepare import MISSING, OUTLIERS, SCALERS, PrepareConfig

EXAMPLES = (
    "lstm prepare sample_data/ETTh1.csv runs/load --target OT --horizon 24",
    "cat sample_data/ETTh1.csv | lstm prepare - runs/piped --target OT --calendar --lookback 48 --end row:2000",
)
DEFAULTS = PrepareConfig()
NAMES = "COLUMN"
COLUMNS, WINDOWS, SPLITS, VALUES = "Columns", "Steps and windows", "Splits", "Values"  # panels


def prepare(
    context: typer.Context,
    data: DataArgument,
    run: RunArgument,
    target: Annotated[
        list[str] | None,
        option(
            "--target",
            "Column to forecast; repeat for several.",
            NAMES,
            default="the only numeric column",
            panel=COLUMNS,
        ),
    ] = None,
    past: Annotated[
        list[str] | None,
        option(
            "--past", "Covariate known up to the forecast's origin; repeat for several.", NAMES, panel=COLUMNS
        ),
    ] = None,
    future: Annotated[
        list[str] | None,
        option(
            "--future",
            "Covariate known ahead, over the horizon too; repeat for several.",
            NAMES,
            panel=COLUMNS,
        ),
    ] = None,
    calendar: Annotated[
        bool,
        option(
            "--calendar/--no-calendar",
            "Add hour, weekday, month and the like, which are known ahead.",
            panel=COLUMNS,
        ),
    ] = DEFAULTS.calendar,
    time: Annotated[
        str | None,
        option("--time", "The time column.", NAMES, default="the first that reads as times", panel=COLUMNS),
    ] = DEFAULTS.time,
    series: Annotated[
        str | None,
        option(
            "--series",
            "The column that names the series of a panel.",
            NAMES,
            default="one series",
            panel=COLUMNS,
        ),
    ] = DEFAULTS.series,
    freq: Annotated[
        str | None,
        option(
            "--freq",
            "The time step: 15min, h, D, B, W, MS, ME, QS and so on.",
            "STEP",
            default="found",
            panel=WINDOWS,
        ),
    ] = DEFAULTS.freq,
    lookback: Annotated[
        Any,
        option(
            "--lookback",
            "Steps that a window looks back.",
            "N|auto",
            parse=option_values.whole_or_auto,
            default="auto",
            panel=WINDOWS,
        ),
    ] = DEFAULTS.lookback,
    horizon: Annotated[
        int | None,
        option(
            "--horizon",
            "Steps to forecast.",
            "N",
            parse=option_values.whole,
            default="one season, else 1",
            panel=WINDOWS,
        ),
    ] = DEFAULTS.horizon,
    season: Annotated[
        Any,
        option(
            "--season",
            "Steps in a season, or in several.",
            "N,N|auto|none",
            parse=option_values.seasons,
            panel=WINDOWS,
        ),
    ] = DEFAULTS.season,
    val: Annotated[
        str,
        option(
            "--val",
            "Validation rows: a fraction, a number of steps, or the first date.",
            "SIZE",
            panel=SPLITS,
        ),
    ] = DEFAULTS.val,
    test: Annotated[
        str,
        option(
            "--test", "Test rows, likewise; 0 for a model that learns the newest rows.", "SIZE", panel=SPLITS
        ),
    ] = DEFAULTS.test,
    start: Annotated[
        str | None,
        option(
            "--start",
            "First row used: a time, or row:N counted from 1.",
            "WHEN",
            default="the first",
            panel=SPLITS,
        ),
    ] = DEFAULTS.start,
    end: Annotated[
        str | None, option("--end", "Last row used, likewise.", "WHEN", default="the last", panel=SPLITS)
    ] = DEFAULTS.end,
    scaler: Annotated[
        str, option("--scaler", "How values are scaled, by the training rows.", choices=SCALERS, panel=VALUES)
    ] = DEFAULTS.scaler,
    missing: Annotated[
        str, option("--missing", "How missing cells and holes are filled.", choices=MISSING, panel=VALUES)
    ] = DEFAULTS.missing,
    outliers: Annotated[
        str,
        option(
            "--outliers",
            "Whether outliers of the targets, outside of the test rows, become missing values.",
            choices=OUTLIERS,
            panel=VALUES,
        ),
    ] = DEFAULTS.outliers,
    pad: Annotated[
        bool, option("--pad/--no-pad", "Pad windows shorter than --lookback at the front.", panel=WINDOWS)
    ] = DEFAULTS.pad,
    encoding: EncodingOption = DEFAULTS.encoding,
    delimiter: Annotated[
        str | None,
        option("--delimiter", "The character between cells.", "CHAR", default="the comma", panel=TEXT),
    ] = DEFAULTS.delimiter,
    dry_run: DryRunOption = False,
    force: Annotated[
        bool,
        switch(
            "--force",
            "Read again although nothing has changed; a run.json that is broken is kept aside.",
            panel=COMMON,
        ),
    ] = False,
    lock_wait: LockWaitOption = 0.0,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> Work:
    """Read a table of measurements and make a run directory of it.

    Several files, or a pattern in quotes such as 'data/*.csv', are one data set.
    Every guess and repair is told in one warning; a refusal leaves nothing behind.
    """
    settings = PrepareConfig(
        target=tuple(target or ()),
        past=tuple(past or ()),
        future=tuple(future or ()),
        calendar=calendar,
        time=time,
        series=series,
        freq=freq,
        lookback=lookback,
        horizon=horizon,
        season=season,
        val=val,
        test=test,
        start=start,
        end=end,
        scaler=scaler,
        missing=missing,
        outliers=outliers,
        pad=pad,
        encoding=encoding,
        delimiter=delimiter,
    )

    def work() -> None:
        from lstm_cli.cli.progress.reporters import listening
        from lstm_cli.cli.render import result
        from lstm_cli.cli.render.prepare import prepare_table
        from lstm_cli.steps.prepare import prepare as step

        with listening() as listen:
            report = step(
                data,
                run,
                settings,
                listen,
                force=force,
                lock_wait=lock_wait,
                sources=sources_of(context, settings),
                stdin=sys.stdin.buffer,
            )
        result.show("prepare", report, prepare_table, as_json=as_json, stages=listen.stages)

    if dry_run:
        return show_plan(
            lambda planning: planning.plan_prepare(data, run, settings, force=force), as_json=as_json
        )
    return work
