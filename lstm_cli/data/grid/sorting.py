"""Sorting of the rows of a table by series and time."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstm_cli.data.chunks import row_chunks
from lstm_cli.data.frequency.infer import first_in_file
from lstm_cli.data.frequency.step import series_start_times
from lstm_cli.data.locations import LocationFormatter, series_text
from lstm_cli.data.reading.table import Table
from lstm_cli.findings import Finding
from lstm_cli.wording import count_noun


@dataclass(frozen=True, kw_only=True)
class SortedRows:
    """Rows of a table sorted by series, then time. The table is not copied; `row_index` holds the order."""

    table: Table
    row_index: slice | np.ndarray  # [R] rows of the table; a slice if the table is already sorted
    time_keys: np.ndarray  # times of the table; without a time column the row number in the series, from 0

    @property
    def series(self) -> np.ndarray:
        """Return the series index [R] int32 of each row."""
        return self.table.series[self.row_index]

    @property
    def times(self) -> np.ndarray:
        """Return the times [R] int64 in microseconds, or row numbers."""
        return self.time_keys[self.row_index]

    @property
    def lines(self) -> "SortedLines":
        """Return the lines [R] of the file."""
        return SortedLines(self)

    def table_rows(self, rows: np.ndarray | int) -> np.ndarray:
        """Return the rows of the table for some sorted rows."""
        if isinstance(self.row_index, slice):
            return np.asarray(rows) + self.row_index.start
        return np.asarray(self.row_index[rows])

    def slice(self, span: slice) -> slice | np.ndarray:
        """Return an index into the table for the sorted rows of a slice."""
        if isinstance(self.row_index, slice):
            return slice(self.row_index.start + span.start, self.row_index.start + span.stop)
        return self.row_index[span]

    def values(self, rows: np.ndarray | int) -> np.ndarray:
        """Return the values [n, F] of some rows."""
        return self.table.values[self.table_rows(rows)]

    def measured(self, first: int, last: int) -> np.ndarray:
        """Return which rows [R] have a measured cell in the columns from `first` to before `last`."""
        measured = np.zeros(len(self), dtype=bool)
        if last > first:
            for span in row_chunks(len(self)):
                measured[span] = ~np.isnan(self.table.values[self.slice(span), first:last]).all(axis=1)
        return measured

    def select(self, chosen: np.ndarray) -> "SortedRows":
        """Return only the chosen rows (bool [R])."""
        if chosen.all():
            return self
        positions = np.flatnonzero(chosen)
        if (
            isinstance(self.row_index, slice)
            and len(positions)
            and positions[-1] - positions[0] + 1 == len(positions)
        ):
            begin = self.row_index.start + int(positions[0])
            return replace(self, row_index=slice(begin, begin + len(positions)))
        return replace(self, row_index=self.table_rows(positions))

    def __len__(self) -> int:
        return (
            self.row_index.stop - self.row_index.start
            if isinstance(self.row_index, slice)
            else len(self.row_index)
        )


class SortedLines:
    """Lines of sorted rows, looked up when they are indexed."""

    def __init__(self, rows: SortedRows) -> None:
        self._rows = rows

    def __getitem__(self, rows: Any) -> Any:
        return self._rows.table.lines[self._rows.table_rows(rows)]


def sort_rows(table: Table) -> SortedRows:
    """Return all rows of a table, sorted; rows with equal times keep the order of the file."""
    all_rows = slice(0, len(table.lines))
    time_keys = table.times
    if table.time_name is None:
        row_numbers = np.arange(len(table.lines), dtype=np.int64)
        if _in_order(table.series, time_keys, all_rows):
            return SortedRows(
                table=table,
                row_index=all_rows,
                time_keys=row_numbers - series_start_times(row_numbers, table.series),
            )
        order = group_by_series(table.series, len(table.series_names))
        time_keys = np.empty_like(row_numbers)
        time_keys[order] = row_numbers - series_start_times(row_numbers, table.series[order])
        return SortedRows(table=table, row_index=order, time_keys=time_keys)
    if _in_order(table.series, time_keys, all_rows):
        return SortedRows(table=table, row_index=all_rows, time_keys=time_keys)
    order = group_by_series(table.series, len(table.series_names))
    if not _in_order(table.series, time_keys, order):
        order = np.lexsort((time_keys, table.series))  # stable: duplicate rows stay in file order
    return SortedRows(table=table, row_index=order, time_keys=time_keys)


def sort_table(table: Table) -> Table:
    """Return the table with its rows in the order of `sort_rows`, unless parts of it are in a memory map.

    Later steps then read slices, not rows from all over the memory. The values are moved in place, because two copies
    of a large table may not fit in memory: the given table must not be used again.
    """
    order = sort_rows(table).row_index
    arrays = (table.values, table.times, table.series, table.lines)
    if isinstance(order, slice) or any(isinstance(array, np.memmap) for array in arrays):
        return table
    moved = np.empty(len(order))
    for column in table.values.T:
        for span in row_chunks(len(order)):
            np.take(column, order[span], out=moved[span], mode="clip")  # "raise" would copy the result
        column[:] = moved
    del moved
    return replace(
        table,
        times=table.times[order],
        series=table.series[order],
        lines=table.lines[order],
        file_order=order,
    )


def _in_order(series: np.ndarray, time_keys: np.ndarray, row_index: slice | np.ndarray) -> bool:
    """Return whether series [R] and the times in each series rise, taken in the order of the row index."""
    count = row_index.stop if isinstance(row_index, slice) else len(row_index)
    for span in row_chunks(count - 1):
        span_and_next = slice(span.start, span.stop + 1)
        rows = span_and_next if isinstance(row_index, slice) else row_index[span_and_next]
        series_index, times = series[rows], time_keys[rows]
        same_series = series_index[1:] == series_index[:-1]
        if not ((series_index[1:] > series_index[:-1]) | (same_series & (times[1:] >= times[:-1]))).all():
            return False
    return True


def group_by_series(series: np.ndarray, count: int) -> np.ndarray:
    """Return the rows [R] grouped by series, in their order within each; series: [R] values below `count`."""
    # NumPy sorts 16 bits by counting, which is many times faster than comparing.
    order = np.argsort((series & 0xFFFF).astype(np.uint16), kind="stable")
    if count > 1 << 16:
        order = order[np.argsort((series >> 16).astype(np.uint16)[order], kind="stable")]
    return order.astype(np.int32) if len(series) < 1 << 31 else order


def find_disorder(rows: SortedRows, table: Table) -> list[Finding]:
    """Return a finding if a row comes after a later row of its series in the file."""
    positions = rows.row_index if table.file_order is None else table.file_order[rows.row_index]
    if isinstance(positions, slice):
        return []
    series = rows.series
    same_series = series[1:] == series[:-1]
    if not ((positions[1:] < positions[:-1]) & same_series).any():
        return []
    order = np.lexsort((positions, series))
    times, lines = rows.times[order], rows.lines[order]
    early = np.append(False, (np.diff(times) < 0) & same_series)
    row = first_in_file(lines, early)
    formatter = location_formatter(table)
    count = int(early.sum())
    return [
        Finding.at(
            formatter.at(lines[row]),
            "D521",
            f"{count_noun(count, 'row')} {'is' if count == 1 else 'are'} out of order, the first here with "
            f"{formatter.time(times[row])}; sorted by '{table.time_name}' (use --time to choose another column)",
            count=count,
            flags=("--time",),
        )
    ]


def location_formatter(table: Table) -> LocationFormatter:
    """Return the formatter for rows and times of a table in messages."""
    return LocationFormatter(
        source=table.source,
        unit=table.unit,
        utc=table.time_format.has_offset,
        whole=table.time_name is not None and table.time_format.is_integer,
        files=table.files,
        to_file_clock=table.time_format.to_file_clock if table.time_format.instants else None,
    )


def in_series_text(table: Table, series: int) -> str:
    """Return ` of series 'name'`, or an empty text if the file holds one series without a name."""
    return series_text(table.series_names[series], table.series_name)
