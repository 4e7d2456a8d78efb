"""Choice of the holiday inputs: those that vary in the training rows, and change the targets there."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lstm_cli.data.build.holiday_effect import holiday_effect
from lstm_cli.data.dataset.holiday_inputs import (
    YEARS_AHEAD,
    HolidayDates,
    holiday_inputs,
    read_holidays,
    year_of,
)
from lstm_cli.data.frequency.step import Step
from lstm_cli.data.grid.regular_grid import Grid
from lstm_cli.data.locations import quote_names
from lstm_cli.data.times.formats import DAY
from lstm_cli.findings import Finding, in_file

_MIN_T = (
    3.0  # |t| from which the days of a calendar differ; each calendar has three chances to differ by accident
)


def choose_holidays(
    codes: Sequence[str], grid: Grid, train_end: np.ndarray, targets: int, source: str
) -> tuple[tuple[HolidayDates, ...], list[Finding]]:
    """Return the holidays with the inputs that vary in the training rows, and findings about holidays without effect.

    An input without effect only adds noise to the forecast.

    Args:
        codes: values of `--holidays`.
        grid: time grid of the data.
        train_end: [S] end of the training rows of each series.
        targets: number of targets, the first columns of the grid.
        source: name of the file, for messages.

    Raises:
        UsageError: the package `holidays` is not installed, or does not know a code.
    """
    if not codes:
        return (), []
    if not _has_days(grid.step):
        text = (
            f"--holidays adds nothing at frequency {grid.step.name}: it needs times, at most a day apart "
            "(use --freq or --time, or leave out --holidays)"
        )
        return (), [Finding.at(in_file(source), "D642", text, flags=("--holidays", "--freq", "--time"))]
    last = grid.step.times(grid.counts + grid.ahead - 1, grid.origin_us)
    years = year_of(int(grid.origin_us.min()) // DAY - 1), year_of(int(last.max()) // DAY) + YEARS_AHEAD
    read = {dates.code: dates for dates in (read_holidays(code, *years) for code in codes)}
    chosen = [_keep_varying(dates, grid, train_end) for dates in read.values()]
    useless = [dates.code for dates in chosen if not dates.sides]
    findings = []
    if useless:
        text = (
            f"no training row is at or next to a holiday of {quote_names(useless)}, so --holidays adds nothing "
            "(use more training rows: --start, --val, --test)"
        )
        flags = ("--holidays", "--start", "--val", "--test")
        findings.append(Finding.at(in_file(source), "D642", text, flags=flags))
    chosen = [dates for dates in chosen if dates.sides]
    effects = [holiday_effect(dates, grid, train_end, targets) for dates in chosen]
    weak = [dates.code for dates, effect in zip(chosen, effects, strict=True) if effect <= _MIN_T]
    if weak:
        text = (
            f"the targets of the training rows do not change at holidays of {quote_names(weak)}, so these are left out "
            "(name a column of 0 and 1 with --future to use such days)"
        )
        findings.append(Finding.at(in_file(source), "D643", text, flags=("--holidays", "--future")))
    return tuple(dates for dates in chosen if dates.code not in weak), findings


def _has_days(step: Step) -> bool:
    return step.kind == "business" or (step.kind == "seconds" and step.count <= DAY)


def _keep_varying(dates: HolidayDates, grid: Grid, train_end: np.ndarray) -> HolidayDates:
    """Return the dates with the sides that are not equal in all training rows, in at least one series."""
    varying = np.zeros(len(dates.sides), dtype=bool)
    for rows, origin in zip(train_end.tolist(), grid.origin_us, strict=True):
        if rows > 0:
            inputs = holiday_inputs([dates], grid.step, grid.step.times(np.arange(rows), origin))
            varying |= inputs.min(axis=0) < inputs.max(axis=0)
    return replace(
        dates, sides=tuple(side for side, varies in zip(dates.sides, varying, strict=True) if varies)
    )
