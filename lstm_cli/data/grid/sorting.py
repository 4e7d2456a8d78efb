"""A table's rows in order: sorted by series and time, with the doubles settled.

The same row twice is merged and told; two values for one time are refused.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstm_cli.data.chunks import row_chunks
from lstm_cli.data.locations import LocationFormatter, quote_name, series_text
from lstm_cli.data.reading.table import Table
from lstm_cli.data.times.daylight_saving import is_ambiguous_hour
from lstm_cli.data.times.frequency import series_start_times
from lstm_cli.data.times.infer_frequency import first_in_file
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding
from lstm_cli.text import count_noun


@dataclass(frozen=True, kw_only=True)
class SortedRows:
    """Rows of a table sorted by series, then time. They stay where they are; `at` tells their order."""

    table: Table
    row_index: slice | np.ndarray  # [R] rows of the table; a slice where those are in order as they are
    time_keys: np.ndarray  # the table's times; without a time column the row's number in its series, from 0

    @property
    def series(self) -> np.ndarray:
        """[R] int32."""
        return self.table.series[self.row_index]

    @property
    def times(self) -> np.ndarray:
        """[R] int64 microseconds, or numbers of rows."""
        return self.time_keys[self.row_index]

    @property
    def lines(self) -> "SortedLines":
        """[R]."""
        return SortedLines(self)

    def table_rows(self, rows: np.ndarray | int) -> np.ndarray:
        """Where some of the rows stand in the table."""
        if isinstance(self.row_index, slice):
            return np.asarray(rows) + self.row_index.start
        return np.asarray(self.row_index[rows])

    def slice(self, span: slice) -> slice | np.ndarray:
        """The same of all rows from one to before another, as an index."""
        if isinstance(self.row_index, slice):
            return slice(self.row_index.start + span.start, self.row_index.start + span.stop)
        return self.row_index[span]

    def values(self, rows: np.ndarray | int) -> np.ndarray:
        """[n, F] of some of the rows."""
        return self.table.values[self.table_rows(rows)]

    def select(self, chosen: np.ndarray) -> "SortedRows":
        """Only the chosen rows (bool [R])."""
        if chosen.all():
            return self
        places = np.flatnonzero(chosen)
        if isinstance(self.row_index, slice) and len(places) and places[-1] - places[0] + 1 == len(places):
            begin = self.row_index.start + int(places[0])
            return replace(self, row_index=slice(begin, begin + len(places)))
        return replace(self, row_index=self.table_rows(places))

    def __len__(self) -> int:
        return (
            self.row_index.stop - self.row_index.start
            if isinstance(self.row_index, slice)
            else len(self.row_index)
        )


class SortedLines:
    """The lines that rows stand on, looked up where they are asked for."""

    def __init__(self, rows: SortedRows) -> None:
        self._rows = rows

    def __getitem__(self, rows: Any) -> Any:
        return self._rows.table.lines[self._rows.table_rows(rows)]


def sort_rows(table: Table) -> SortedRows:
    """All rows of a table, sorted; rows of one time stay in the file's order."""
    whole = slice(0, len(table.lines))
    clock = table.times
    if table.time_name is None:
        places = np.arange(len(table.lines), dtype=np.int64)
        if _in_order(table.series, clock, whole):
            return SortedRows(
                table=table, row_index=whole, time_keys=places - series_start_times(places, table.series)
            )
        at = group_by_series(table.series, len(table.series_names))
        clock = np.empty_like(places)
        clock[at] = places - series_start_times(places, table.series[at])
        return SortedRows(table=table, row_index=at, time_keys=clock)
    if _in_order(table.series, clock, whole):
        return SortedRows(table=table, row_index=whole, time_keys=clock)
    at = group_by_series(table.series, len(table.series_names))
    if not _in_order(table.series, clock, at):
        at = np.lexsort((clock, table.series))  # stable: doubles by line
    return SortedRows(table=table, row_index=at, time_keys=clock)


def _in_order(series: np.ndarray, clock: np.ndarray, at: slice | np.ndarray) -> bool:
    """Whether series [R] and the times in each [R] rise, taken at these rows."""
    count = at.stop if isinstance(at, slice) else len(at)
    for span in row_chunks(count - 1):
        both = slice(span.start, span.stop + 1)
        rows = both if isinstance(at, slice) else at[both]
        one, time = series[rows], clock[rows]
        same = one[1:] == one[:-1]
        if not ((one[1:] > one[:-1]) | (same & (time[1:] >= time[:-1]))).all():
            return False
    return True


def group_by_series(series: np.ndarray, count: int) -> np.ndarray:
    """The rows [R] of series [R] out of `count`, series by series, each in the order of the rows."""
    # NumPy sorts 16 bits by counting, which is many times faster than comparing.
    order = np.argsort((series & 0xFFFF).astype(np.uint16), kind="stable")
    if count > 1 << 16:
        order = order[np.argsort((series >> 16).astype(np.uint16)[order], kind="stable")]
    return order.astype(np.int32) if len(series) < 1 << 31 else order


def find_disorder(rows: SortedRows, table: Table) -> list[Finding]:
    """Return a finding where rows of a series stand in the file before earlier ones."""
    if isinstance(rows.row_index, slice):
        return []
    series = rows.series
    same = series[1:] == series[:-1]
    if not ((rows.row_index[1:] < rows.row_index[:-1]) & same).any():
        return []
    order = np.lexsort((rows.row_index, series))
    times, lines = rows.times[order], rows.lines[order]
    early = np.append(False, (np.diff(times) < 0) & same)
    row = first_in_file(lines, early)
    wording = location_formatter(table)
    count = int(early.sum())
    return [
        Finding.at(
            wording.at(lines[row]),
            "D521",
            f"{wording.time(times[row])} is earlier than the row before, {count_noun(count, 'such row')}; "
            f"sorted by '{table.time_name}' (--time names another column)",
            count=count,
            flags=("--time",),
        )
    ]


def drop_duplicate_rows(rows: SortedRows, table: Table) -> tuple[SortedRows, list[Finding]]:
    """Keep the first of rows that are the same in series, time and values. Return the rest, and a finding.

    Raises DataError for two values at one time.
    """
    times, series = rows.times, rows.series
    double = np.append(False, (times[1:] == times[:-1]) & (series[1:] == series[:-1]))
    if not double.any():
        return rows, []
    second = np.flatnonzero(double)
    before, after = rows.values(second - 1), rows.values(second)
    differ = (before != after) & ~(np.isnan(before) & np.isnan(after))
    if differ.any():
        raise _duplicate_timestamp_error(rows, table, second, differ)
    row = first_in_file(rows.lines, double)
    wording = location_formatter(table)
    repair = "one of each was kept"
    if table.series_name is None:
        repair += " (--series names a column that tells them apart)"
    if is_ambiguous_hour(rows.times[second], table.time_format).any():
        repair += "; if they are a daylight-saving hour told twice, write the times with offsets"
    found = Finding.at(
        wording.at(rows.lines[row]),
        "D522",
        f"the same row as in {wording.row(rows.lines[row - 1])}{in_series_text(table, rows.series[row])}, "
        f"{wording.time(rows.times[row])}, {count_noun(len(second), 'such row')}; {repair}",
        lines=[*wording.at(rows.lines[row]).lines, *wording.at(rows.lines[row - 1]).lines],
        count=len(second),
        flags=() if table.series_name is not None else ("--series",),
    )
    return rows.select(~double), [found]


def _duplicate_timestamp_error(
    rows: SortedRows, table: Table, second: np.ndarray, differ: np.ndarray
) -> DataError:
    """second: rows [D] that follow one of the same time; differ: [D, F] where their values do."""
    one = first_in_file(rows.lines[second], np.asarray(differ.any(axis=1)))
    row = second[one]
    column = int(np.argmax(differ[one]))
    first, other = (
        "nothing" if np.isnan(v) else f"{v:.15g}" for v in rows.values(np.array([row - 1, row]))[:, column]
    )
    wording = location_formatter(table)
    hint = "keep one of the two lines"
    if table.series_name is None:
        hint = "--series names the column that tells several series apart; within one series, keep one line"
    if is_ambiguous_hour(rows.times[row : row + 1], table.time_format)[0]:
        hint = (
            "this looks like a daylight-saving hour told twice: write the times with offsets such as +01:00; "
            "if the file holds several series, --series names their column"
        )
    return DataError(
        f"two values of {quote_name(table.columns[column])} for {wording.time(rows.times[row])}"
        f"{in_series_text(table, rows.series[row])}, {first} and {other}",
        hint=hint,
        rule="D523",
        flags=("--series",) if table.series_name is None else (),
        at=replace(wording.two_rows(rows.lines[row - 1], rows.lines[row]), column=table.columns[column]),
    )


def location_formatter(table: Table) -> LocationFormatter:
    """How messages name the rows and times of a table."""
    unit = "line" if table.delimiter else "row"  # Parquet has no delimiter, and no lines
    return LocationFormatter(
        source=table.source, unit=unit, utc=table.time_format.has_offset, files=table.files
    )


def in_series_text(table: Table, series: int) -> str:
    """A series as messages name it; nothing where the file holds one series without a name."""
    return series_text(table.series_names[series], table.series_name)
