"""Holes of the time grid one by one, and those among them that local clocks make in spring."""

from dataclasses import dataclass

import numpy as np

from lstm_cli.data.grid.sorting import sort_rows
from lstm_cli.data.grid.time_range import time_range_mask
from lstm_cli.data.reading.table import Table
from lstm_cli.data.times.daylight_saving import is_ambiguous_hour
from lstm_cli.data.times.frequency import Step, series_start_times


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """Times without a row between two rows, in order of series and time. Every array is [G]."""

    series: np.ndarray  # index into the table's series_names
    before: np.ndarray  # line of the row before
    first_us: np.ndarray  # the first time that has no row
    last_us: np.ndarray  # the last one
    rows: np.ndarray  # how many rows are missing


def find_gaps(table: Table, step: Step, *, start: str | None = None, end: str | None = None) -> Gaps:
    """The holes of a table on a grid of this step, between `--start` and `--end`."""
    rows = sort_rows(table)
    rows = rows.select(time_range_mask(table, rows.series, rows.times, start=start, end=end))
    index = step.index(rows.times, series_start_times(rows.times, rows.series))[0]
    apart = np.where(np.diff(rows.series) == 0, np.diff(index), 0)
    at = np.flatnonzero(apart > 1)
    return Gaps(
        series=rows.series[at],
        before=rows.lines[at],
        first_us=step.times(np.ones(len(at), dtype=np.int64), rows.times[at]),
        last_us=step.times(apart[at] - 1, rows.times[at]),
        rows=apart[at] - 1,
    )


@dataclass(frozen=True, kw_only=True)
class DuplicateRows:
    """Rows that follow one of the same series and time, in the order of the file. Both arrays are [D]."""

    lines: np.ndarray
    ambiguous_hour: np.ndarray  # bool: in an hour that local clocks show twice, as daylight saving ends


def find_duplicates(table: Table, *, start: str | None = None, end: str | None = None) -> DuplicateRows:
    """Those of a table between `--start` and `--end`; without a time column there are none."""
    rows = sort_rows(table)
    rows = rows.select(time_range_mask(table, rows.series, rows.times, start=start, end=end))
    times, series = rows.times, rows.series
    double = np.flatnonzero((np.diff(times) == 0) & (np.diff(series) == 0)) + 1
    lines = rows.lines[double]
    order = np.argsort(lines, kind="stable")
    return DuplicateRows(
        lines=lines[order], ambiguous_hour=is_ambiguous_hour(times[double], table.time_format)[order]
    )
