"""A table's rows in order: sorted by series and time, with the doubles settled.

The same row twice is merged and told; two values for one time are refused.
"""

from dataclasses import dataclass

import numpy as np

from lstm_cli.data.cells import named
from lstm_cli.data.grid import DAY, HOUR, first_line, origins_of
from lstm_cli.data.table import Table
from lstm_cli.data.wording import Wording, count_of
from lstm_cli.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows sorted by series, then time."""

    series: np.ndarray  # [R] int64
    times: np.ndarray  # [R] int64 microseconds; without a time column the row's number in its series, from 0
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
    """All rows of a table, sorted; rows of one time stay in the file's order."""
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
    """Warns where rows of a series stand in the file before earlier ones."""
    same = rows.series[1:] == rows.series[:-1]
    if not ((np.diff(rows.lines) < 0) & same).any():
        return
    order = np.lexsort((rows.lines, rows.series))
    times, lines = rows.times[order], rows.lines[order]
    early = np.append(False, (np.diff(times) < 0) & same)
    row = first_line(lines, early)
    wording = wording_of(table)
    warnings.append(
        f"{wording.at(lines[row])}: {wording.time(times[row])} is earlier than the row before, "
        f"{count_of(early.sum(), 'such row')}; sorted by '{table.time_name}' (--time names another column)"
    )


def merge_doubles(rows: Rows, table: Table, warnings: list[str]) -> Rows:
    """Keeps the first of rows that are the same in series, time and values.

    Raises DataError for two values at one time.
    """
    double = np.append(False, (np.diff(rows.times) == 0) & (np.diff(rows.series) == 0))
    if not double.any():
        return rows
    second = np.flatnonzero(double)
    before, after = rows.values[second - 1], rows.values[second]
    differ = (before != after) & ~(np.isnan(before) & np.isnan(after))
    if differ.any():
        raise _two_values(rows, table, second, differ)
    row = first_line(rows.lines, double)
    wording = wording_of(table)
    repair = "one of each was kept"
    if table.series_name is None:
        repair += " (--series names a column that tells them apart)"
    if _told_twice(rows.times[second], table).any():
        repair += "; if they are a daylight-saving hour told twice, write the times with offsets"
    warnings.append(
        f"{wording.at(rows.lines[row])}: the same row as in {wording.unit} {rows.lines[row - 1]}"
        f"{in_series(table, rows.series[row])}, {wording.time(rows.times[row])}, "
        f"{count_of(len(second), 'such row')}; {repair}"
    )
    return rows.taken(~double)


def _two_values(rows: Rows, table: Table, second: np.ndarray, differ: np.ndarray) -> DataError:
    """second: rows [D] that follow one of the same time; differ: [D, F] where their values do."""
    one = first_line(rows.lines[second], np.asarray(differ.any(axis=1)))
    row = second[one]
    column = int(np.argmax(differ[one]))
    first, other = ("nothing" if np.isnan(v) else f"{v:.15g}" for v in rows.values[row - 1 : row + 1, column])
    wording = wording_of(table)
    hint = "keep one of the two lines"
    if table.series_name is None:
        hint = "--series names the column that tells several series apart; within one series, keep one line"
    if _told_twice(rows.times[row : row + 1], table)[0]:
        hint = (
            "this looks like a daylight-saving hour told twice: write the times with offsets such as +01:00; "
            "if the file holds several series, --series names their column"
        )
    return DataError(
        f"{table.source}, {wording.unit}s {rows.lines[row - 1]} and {rows.lines[row]}: two values of "
        f"{named(table.columns[column])} for {wording.time(rows.times[row])}{in_series(table, rows.series[row])}, "
        f"{first} and {other}",
        hint=hint,
    )


def _told_twice(times_us: np.ndarray, table: Table) -> np.ndarray:
    """Which times [n] look like an hour that local clocks show twice, at the end of daylight saving.

    Somewhere clocks go back in March, April, September, October or November, on a Sunday before 4 o'clock.
    """
    if table.time_format.has_offset:
        return np.zeros(len(times_us), dtype=bool)
    sunday = (times_us // DAY + 3) % 7 == 6
    month = times_us.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    clock = times_us % DAY  # midnight does not count: so are days written
    return sunday & np.isin(month, (3, 4, 9, 10, 11)) & (clock > 0) & (clock < 4 * HOUR)


def wording_of(table: Table) -> Wording:
    """How messages name the rows and times of a table."""
    unit = "line" if table.delimiter else "row"  # Parquet has no delimiter, and no lines
    return Wording(source=table.source, unit=unit, utc=table.time_format.has_offset)


def in_series(table: Table, series: int) -> str:
    """A series as messages name it; nothing where the file holds one series without a name."""
    return f" of series {named(table.series_names[series])}" if table.series_name is not None else ""
