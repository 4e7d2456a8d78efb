"""Gaps of the time grid, and duplicate rows with the repeated hours of local clocks."""

from dataclasses import dataclass

import numpy as np

from lstm_cli.data.frequency.daylight_saving import is_ambiguous_hour
from lstm_cli.data.frequency.step import Step, series_start_times
from lstm_cli.data.grid.frequency_check import empty_off_grid
from lstm_cli.data.grid.sorting import sort_rows
from lstm_cli.data.grid.time_range import time_range_mask
from lstm_cli.data.reading.table import Table


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """Gaps between two rows, in order of series and time. Each array is [G]."""

    series: np.ndarray  # index into `series_names` of the table
    before: np.ndarray  # line of the row before the gap
    first_us: np.ndarray  # first missing time
    last_us: np.ndarray  # last missing time
    rows: np.ndarray  # number of missing rows


def find_gaps(table: Table, step: Step, *, start: str | None = None, end: str | None = None) -> Gaps:
    """Return the gaps of a table on its time grid, between `--start` and `--end`.

    Args:
        table: rows of the file.
        step: step of the time grid.
        start: value of `--start`.
        end: value of `--end`.
    """
    rows = sort_rows(table)
    rows = rows.select(time_range_mask(table, rows.series, rows.times, start=start, end=end))
    index, on_grid = step.index(rows.times, series_start_times(rows.times, rows.series))
    if not on_grid.all():  # such rows hold no value and are skipped, see `choose_grid_rows`
        rows = rows.select(~empty_off_grid(rows, step))
        index = step.index(rows.times, series_start_times(rows.times, rows.series))[0]
    steps_to_next = np.where(np.diff(rows.series) == 0, np.diff(index), 0)
    positions = np.flatnonzero(steps_to_next > 1)
    return Gaps(
        series=rows.series[positions],
        before=rows.lines[positions],
        first_us=step.times(np.ones(len(positions), dtype=np.int64), rows.times[positions]),
        last_us=step.times(steps_to_next[positions] - 1, rows.times[positions]),
        rows=steps_to_next[positions] - 1,
    )


@dataclass(frozen=True, kw_only=True)
class DuplicateRows:
    """Rows with the series and time of an earlier row, in file order. Both arrays are [D]."""

    lines: np.ndarray
    ambiguous_hour: np.ndarray  # bool: in the hour that local clocks repeat when daylight saving ends


def find_duplicates(table: Table, *, start: str | None = None, end: str | None = None) -> DuplicateRows:
    """Return the duplicate rows of a table, between `--start` and `--end`; none without a time column.

    Args:
        table: rows of the file.
        start: value of `--start`.
        end: value of `--end`.
    """
    rows = sort_rows(table)
    rows = rows.select(time_range_mask(table, rows.series, rows.times, start=start, end=end))
    times, series = rows.times, rows.series
    repeated = np.flatnonzero((np.diff(times) == 0) & (np.diff(series) == 0)) + 1
    lines = rows.lines[repeated]
    order = np.argsort(lines, kind="stable")
    return DuplicateRows(
        lines=lines[order], ambiguous_hour=is_ambiguous_hour(times[repeated], table.time_format)[order]
    )
