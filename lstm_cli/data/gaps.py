"""Holes of the time grid one by one, and those among them that local clocks make in spring."""

from dataclasses import dataclass

import numpy as np

from lstm_cli.data.bounds import cut_mask
from lstm_cli.data.grid import DAY, HOUR, UNIT, Step, origins_of
from lstm_cli.data.ordering import on_a_night_of_change, sorted_rows
from lstm_cli.data.table import Table


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
    rows = sorted_rows(table)
    rows = rows.taken(cut_mask(table, rows.series, rows.times, start=start, end=end))
    index = step.index(rows.times, origins_of(rows.times, rows.series))[0]
    apart = np.where(np.diff(rows.series) == 0, np.diff(index), 0)
    at = np.flatnonzero(apart > 1)
    return Gaps(
        series=rows.series[at],
        before=rows.lines[at],
        first_us=step.times(np.ones(len(at), dtype=np.int64), rows.times[at]),
        last_us=step.times(apart[at] - 1, rows.times[at]),
        rows=apart[at] - 1,
    )


def spring_hours(gaps: Gaps, table: Table, step: Step) -> np.ndarray:
    """Which of the gaps [G] are one hour that local clocks skip as daylight saving begins.

    Only times without an offset, in steps of an hour or less, can show it.
    """
    if step == UNIT or step.kind != "seconds" or step.count > HOUR or table.time_format.has_offset:
        return np.zeros(len(gaps.rows), dtype=bool)
    hour = gaps.rows * step.count == HOUR
    return hour & on_a_night_of_change(gaps.first_us) & (gaps.first_us % DAY % HOUR == 0)


def double_lines(table: Table, *, start: str | None = None, end: str | None = None) -> np.ndarray:
    """The lines [D] of rows that follow one of the same series and time, in the order of the file."""
    rows = sorted_rows(table)
    rows = rows.taken(cut_mask(table, rows.series, rows.times, start=start, end=end))
    double = np.append(False, (np.diff(rows.times) == 0) & (np.diff(rows.series) == 0))
    return np.sort(rows.lines[double])
