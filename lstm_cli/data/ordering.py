"""A table's rows in order: sorted by series and time, with the doubles settled.

The same row twice is merged and told; two values for one time are refused.
"""

from dataclasses import dataclass

import numpy as np

from lstm_cli.data.grid import DAY, HOUR, first_line, origins_of, time_text
from lstm_cli.data.table import Table
from lstm_cli.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows sorted by series, then time."""

    series: np.ndarray  # [R] int64
    times: np.ndarray  # [R] int64 microseconds; in a file without times the row's number in its series, from 0
    lines: np.ndarray  # [R] int64
    values: np.ndarray  # [R, F] float64

    def taken(self, chosen: np.ndarray) -> "Rows":
        """Only the chosen rows (bool [R])."""
        if chosen.all():
            return self
        return Rows(
            series=self.series[chosen],
            times=self.times[chosen],
            lines=self.lines[chosen],
            values=self.values[chosen],
        )


def sorted_rows(table: Table) -> Rows:
    series, times, lines, values = table.series.astype(np.int64), table.times, table.lines, table.values
    rising = series[1:] > series[:-1]
    if table.time_name is None:
        order = None if (rising | (series[1:] == series[:-1])).all() else np.argsort(series, kind="stable")
    else:
        sorted_already = rising | ((series[1:] == series[:-1]) & (times[1:] >= times[:-1]))
        order = None if sorted_already.all() else np.lexsort((times, series))  # stable: doubles by line
    if order is not None:
        series, times, lines, values = series[order], times[order], lines[order], values[order]
    if table.time_name is None and len(series):
        places = np.arange(len(series))
        times = places - origins_of(places, series)
    return Rows(series=series, times=times, lines=lines, values=values)


def tell_disorder(rows: Rows, table: Table, warnings: list[str]) -> None:
    same = rows.series[1:] == rows.series[:-1]
    if not ((np.diff(rows.lines) < 0) & same).any():
        return
    order = np.lexsort((rows.lines, rows.series))
    times, lines = rows.times[order], rows.lines[order]
    early = np.append(False, (np.diff(times) < 0) & same)
    row = first_line(lines, early)
    warnings.append(
        f"{table.source}: {count_of(early.sum(), 'row')} earlier than the row before, first in line {lines[row]} "
        f"({time_text(times[row])}); the rows were sorted by '{table.time_name}' (--time names another column)"
    )


def merge_doubles(rows: Rows, table: Table, warnings: list[str]) -> Rows:
    """Keeps the first of rows that are the same in series, time and values; refuses two values for one time."""
    double = np.append(False, (np.diff(rows.times) == 0) & (np.diff(rows.series) == 0))
    if not double.any():
        return rows
    second = np.flatnonzero(double)
    before, after = rows.values[second - 1], rows.values[second]
    differ = (before != after) & ~(np.isnan(before) & np.isnan(after))
    if differ.any():
        raise _two_values(rows, table, second, differ)
    row = first_line(rows.lines, double)
    clock = ""
    if _told_twice(table, rows.times[second]).any():
        clock = "; where a daylight-saving hour was told twice, write the times with offsets"
    told_apart = "" if table.series_name else " (--series names a column that tells them apart)"
    warnings.append(
        f"{table.source}: {count_of(len(second), 'row')} the same as another at that time, first in line "
        f"{rows.lines[row]}{in_series(table, rows.series[row])} ({time_text(rows.times[row])}); one of each "
        f"was kept{told_apart}{clock}"
    )
    return rows.taken(~double)


def _two_values(rows: Rows, table: Table, second: np.ndarray, differ: np.ndarray) -> DataError:
    """second: rows [D] that follow one of the same time; differ: [D, F] where their values do."""
    one = first_line(rows.lines[second], differ.any(axis=1))
    row = second[one]
    column = int(np.argmax(differ[one]))
    said = ["nothing" if np.isnan(v) else f"{v:.15g}" for v in rows.values[row - 1 : row + 1, column]]
    hint = "keep one of the two lines"
    if table.series_name is None:
        hint = "--series names the column that tells several series apart; within one series, keep one line"
    if _told_twice(table, rows.times[row : row + 1])[0]:
        hint = (
            "this looks like a daylight-saving hour told twice: write the times with offsets such as +01:00; "
            "if the file holds several series, --series names their column"
        )
    return DataError(
        f"{table.source}, lines {rows.lines[row - 1]} and {rows.lines[row]}: two values of "
        f"'{table.columns[column]}' for {time_text(rows.times[row])}{in_series(table, rows.series[row])}, "
        f"{said[0]} and {said[1]}",
        hint=hint,
    )


def _told_twice(table: Table, times_us: np.ndarray) -> np.ndarray:
    """Which times look like the hour that clocks show twice: on a Sunday night of spring or autumn, local time.

    Somewhere clocks go back in March, April, September, October or November, on a Sunday before 4 o'clock.
    """
    if table.time_format.has_offset:
        return np.zeros(len(times_us), dtype=bool)
    sunday = (times_us // DAY + 3) % 7 == 6
    month = times_us.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    return sunday & (times_us % DAY < 4 * HOUR) & np.isin(month, (3, 4, 9, 10, 11)) & (times_us % DAY > 0)


def count_of(number: int, noun: str) -> str:
    """1 row, 2 rows."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def in_series(table: Table, series: int) -> str:
    """A series as messages name it; nothing where the file holds one series without a name."""
    return f" of series '{table.series_names[series]}'" if table.series_name is not None else ""
