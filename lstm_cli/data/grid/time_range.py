"""Selection of rows by `--start` and `--end`, and meaning of a time given with a flag."""

import re

import numpy as np

from lstm_cli.data.frequency.step import DAY, MINUTE, WEEK, series_start_times
from lstm_cli.data.grid.sorting import location_formatter
from lstm_cli.data.reading.table import Table
from lstm_cli.data.times.formats import TimeFormat
from lstm_cli.data.times.parse import parse_instant, parse_time, time_span
from lstm_cli.errors import DataError, UsageError
from lstm_cli.findings import in_file


def time_range_mask(
    table: Table, series: np.ndarray, times_us: np.ndarray, *, start: str | None, end: str | None
) -> np.ndarray:
    """Return which rows [R] lie from `start` to `end`, both included.

    A bound is a time, or row:N counted from 1. row:N counts the rows of each series in order of time, including
    duplicate rows.

    Args:
        table: rows of the file.
        series: [R] series of each row, sorted by series and time.
        times_us: [R] time of each row.
        start: value of `--start`.
        end: value of `--end`.

    Raises:
        UsageError: for a bound that cannot be read.
        DataError: if no row is left.
    """
    chosen = np.ones(len(series), dtype=bool)
    if table.resampled:
        return chosen
    if start is not None:
        row = row_number("--start", start)
        chosen &= _row_numbers(series) >= row if row else times_us >= _parse_bound("--start", start, table)[0]
    if end is not None:
        row = row_number("--end", end)
        chosen &= _row_numbers(series) <= row if row else times_us <= _parse_bound("--end", end, table)[1]
    if not chosen.any():
        bounds = " ".join(f"{flag} {text}" for flag, text in (("--start", start), ("--end", end)) if text)
        raise DataError(
            f"no row is left: {bounds or 'the file'} selects none{_range_text(table, series, times_us)}",
            hint="use --start and --end to name the first and the last row to use",
            rule="D531",
            at=in_file(table.source),
            flags=(
                "--start",
                "--end",
            ),
        )
    return chosen


def row_number(flag: str, text: str) -> int | None:
    """Return N of row:N; None if the text is a time."""
    if not text.strip().lower().startswith("row:"):
        return None
    number = text.strip()[4:].strip()
    if not re.fullmatch(r"[0-9]{1,18}", number) or int(number) == 0:
        raise UsageError(
            f"{flag} '{text}' is not a valid row", hint=f"count rows from 1, e.g. {flag} row:14400", flag=flag
        )
    return int(number)


def _row_numbers(series: np.ndarray) -> np.ndarray:
    """Return the number of each row within its series, from 1."""
    rows = np.arange(1, len(series) + 1)
    return rows - series_start_times(rows, series) + 1


def _range_text(table: Table, series: np.ndarray, times_us: np.ndarray) -> str:
    if not len(times_us):
        return ""
    if table.time_name is None:
        return f" (the file has rows from row:1 to row:{_row_numbers(series).max()})"
    formatter = location_formatter(table)
    return f" (the file has rows from {formatter.time(times_us.min())} to {formatter.time(times_us.max())})"


def _parse_bound(flag: str, text: str, table: Table) -> tuple[int, int]:
    if table.time_name is None:
        raise DataError(
            f"no time column found in {table.source}, so {flag} '{text}' cannot be used",
            hint=f"count rows instead, e.g. {flag} row:100, or use --time to name the time column",
            rule="D503",
            flags=(
                flag,
                "--time",
            ),
        )
    return parse_time_range(flag, text, table.time_format)


def parse_time_range(flag: str, text: str, time_format: TimeFormat) -> tuple[int, int]:
    """Return the first and last microsecond of a time given with a flag, on the clock of the file's times.

    A whole number is both, if the times are whole numbers. `time:` before a time makes it plain that it is not a number
    of steps.

    A year, month, quarter or day covers its whole span. A time without offset has the offset of the file, if the file
    has a single one, else UTC. With `--tz`, a time may have an offset. Without one, it is local, and a repeated hour
    covers both of its passes.

    Args:
        flag: name of the flag in messages.
        text: value of the flag.
        time_format: format of the file's times.

    Raises:
        UsageError: for an invalid time.
    """
    text = text.strip().removeprefix("time:")
    instant = parse_instant(text) if time_format.tz else None
    if instant is not None:
        moment = int(time_format.from_utc(np.array(instant)))
        return moment, moment
    try:
        first = parse_time(text, time_format)
    except UsageError as error:
        raise UsageError(f"{flag}: {error.message}", hint=error.hint, flag=flag) from None
    local = first + time_format.offset * MINUTE
    last = first + _length(time_span(text, time_format), local) - 1
    if not time_format.instants:
        return first, last
    begin = time_format.from_file_clock(np.array(first))
    return int(begin), int(time_format.from_file_clock(np.array(last), later=True))


def _length(span: str, local_us: int) -> int:
    """Return the microseconds of a year, quarter, month, week or day that begins at a time; 1 for a moment."""
    months = {"year": 12, "quarter": 3, "month": 1}.get(span)
    if months:
        month = np.datetime64(local_us, "us").astype("datetime64[M]")
        return int((month + months).astype("datetime64[us]").astype(np.int64)) - local_us
    return {"week": WEEK, "day": DAY}.get(span, 1)
