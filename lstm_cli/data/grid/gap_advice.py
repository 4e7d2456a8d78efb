"""Advice for a time grid with more missing rows than rows."""

import numpy as np

from lstm_cli.data.grid.sorting import SortedRows
from lstm_cli.data.times.formats import DAY
from lstm_cli.data.times.frequency import Step
from lstm_cli.data.times.infer_frequency import count_gaps
from lstm_cli.data.times.suggested_step import step_length, suggested_step

MIN_DAYS = 3  # fewer days show no opening hours
MIN_FILLED = 0.8  # share of the usual slots of the days that must have rows


def gap_advice(rows: SortedRows, step: Step) -> tuple[str, str]:
    """Return what to do about rows that are missing for the most part, and the option for it.

    Args:
        rows: sorted rows on the grid of the step.
        step: step of the grid.
    """
    if rows.table.resampled:
        return "use --freq with a longer step", "--freq"
    if has_opening_hours(rows, step):
        return (
            "use --gaps skip, because rows are missing at the same hours or weekdays, as outside of opening hours",
            "--gaps",
        )
    better = suggested_step(*count_gaps(rows.times, rows.series))
    if step_length(better) > step_length(step):
        return f"use --freq {better.name} --resample mean to aggregate the rows", "--resample"
    return "use --start and --end to leave out long gaps", "--start"


def has_opening_hours(rows: SortedRows, step: Step) -> bool:
    """Return whether the rows fill the same times of the day, on some or all weekdays, and no others."""
    if step.kind != "seconds" or DAY % step.count:
        return False
    times = rows.times
    day_of_series = np.unique(np.stack((rows.series, times // DAY)), axis=1)
    days = day_of_series.shape[1]
    slots = len(np.unique(times % DAY))
    weekdays = len(np.unique(day_of_series[1] % 7))
    partial = slots * step.count < DAY or weekdays < 7
    return partial and days >= MIN_DAYS and len(rows) >= MIN_FILLED * days * slots
