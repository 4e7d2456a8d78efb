"""Times written in digits alone: years, YYYYMM, YYYYMMDD and so on, and seconds since 1970."""

import re

import numpy as np

from lstm_cli.data.locations import CellLocation
from lstm_cli.data.times.formats import EPOCHS, SECOND, TimeFormat, to_microseconds
from lstm_cli.errors import DataError

PLAUSIBLE_YEARS = (1600, 2300)  # a year written in digits alone is plausible from here to here
_COMPACT_PATTERNS = {4: "%Y", 6: "%Y%m", 8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_EPOCH_UNITS = {9: "s", 10: "s", 12: "ms", 13: "ms", 15: "us", 16: "us", 18: "ns", 19: "ns"}


def is_time_width(width: int) -> bool:
    """Whether so many digits can be a time."""
    return width in _COMPACT_PATTERNS or width in _EPOCH_UNITS


def are_plausible_times(values: np.ndarray, width: int) -> np.ndarray:
    """Which numbers [n] of so many digits are a plausible time, for a column nobody called one."""
    if width in _COMPACT_PATTERNS:
        compact = _parse_compact(values, width)[1]
        if width not in _EPOCH_UNITS or compact.mean() >= 0.5:
            return compact
    seconds = values // EPOCHS[f"epoch-{_EPOCH_UNITS[width]}"]
    return (seconds >= 1_000_000_000) & (seconds < 4_102_444_800)  # from 2001 to 2100


def read_integer_times(
    values: np.ndarray,
    widths: dict[int, int],
    lines: np.ndarray,
    location: CellLocation,
    like: TimeFormat | None,
) -> tuple[np.ndarray, TimeFormat]:
    """Numbers [R] as int64 microseconds [R], and how they were read.

    widths: each number of digits and its first line. like: how the run's data write times; it settles what
    reads both ways.
    Raises DataError for numbers of unlike digits, dates that do not exist, and months that read both ways.
    """
    units = {_EPOCH_UNITS.get(width, str(width)) for width in widths}
    if len(units) > 1:
        first, second = sorted(widths.values())[:2]
        raise DataError(
            f"the time has another number of digits than that in {location.row(first)}",
            hint="write the times as YYYY-MM-DD or YYYY-MM-DD hh:mm:ss",
            rule="D401",
            at=location.at(second),
        )
    width = max(widths)
    in_epoch = width in _EPOCH_UNITS and like is not None and like.pattern in EPOCHS
    if width in _COMPACT_PATTERNS and len(widths) == 1 and not in_epoch:
        times, exists = _parse_compact(values, width)
        if (
            width not in _EPOCH_UNITS
            or exists.mean() >= 0.5
            or (like and like.pattern == _COMPACT_PATTERNS[width])
        ):
            return _check_compact(values, width, times, exists, lines, location, like)
    unit = EPOCHS[f"epoch-{_EPOCH_UNITS[width]}"]
    fmt = TimeFormat(pattern=f"epoch-{_EPOCH_UNITS[width]}")
    min_value = 10 ** (min(widths) - 1)  # a number of leading zeros is no time
    if unit <= SECOND:
        exists = (values >= min_value) & (values <= 9_999_999_999 * unit)
        times = values * (SECOND // unit)
    else:
        exists = (values >= min_value) & (
            values % (unit // SECOND) == 0
        )  # finer than a microsecond cannot be held
        times = values // (unit // SECOND)
    if not exists.all():
        raise _invalid_time_error(values, exists, lines, location)
    return times, fmt


def _check_compact(
    values: np.ndarray,
    width: int,
    times: np.ndarray,
    exists: np.ndarray,
    lines: np.ndarray,
    location: CellLocation,
    like: TimeFormat | None,
) -> tuple[np.ndarray, TimeFormat]:
    pattern = _COMPACT_PATTERNS[width]
    if not exists.all():
        raise _invalid_time_error(values, exists, lines, location)
    if width == 6 and not (like and like.pattern == pattern):
        _, day_exists = to_microseconds(2000 + values // 10_000, values // 100 % 100, values % 100)
        if day_exists.all() and len(values):
            raise DataError(
                f"'{values[0]}' and all below it read as YYYYMM and as YYMMDD",
                hint="write months as YYYY-MM and days as YYYY-MM-DD",
                rule="D402",
                at=location.at(int(lines[0])),
            )
    return times, TimeFormat(pattern=pattern)


def _invalid_time_error(
    values: np.ndarray, exists: np.ndarray, lines: np.ndarray, location: CellLocation
) -> DataError:
    first = int(np.argmin(exists))
    return DataError(
        f"'{values[first]}' is no year, date or time since 1970 that exists",
        hint="mend that line; --time names another column",
        rule="D403",
        at=location.at(int(lines[first])),
        flags=("--time",),
    )


def _parse_compact(values: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """YYYY, YYYYMM … YYYYMMDDhhmmss [n] as microseconds [n], and which exist [n]."""
    pairs = (width - 4) // 2
    parts = [values // 100 ** (pairs - 1 - index) % 100 for index in range(pairs)]
    year = values // 100**pairs
    one = np.ones_like(values)
    month, day = (parts[index] if len(parts) > index else one for index in range(2))
    hour, minute, second = (parts[index] if len(parts) > index else one * 0 for index in range(2, 5))
    times, exists = to_microseconds(year, month, day, ((hour * 60 + minute) * 60 + second) * SECOND)
    exists &= (
        (year >= PLAUSIBLE_YEARS[0])
        & (year <= PLAUSIBLE_YEARS[1])
        & (hour <= 23)
        & (minute <= 59)
        & (second <= 59)
    )
    return times, exists


def is_time_name(name: str) -> bool:
    """Whether a column's name says that it holds dates or times."""
    return bool(_words(name) & {"date", "time", "datetime", "timestamp", "ts", "ds", "datum"})


def is_likely_time_name(name: str) -> bool:
    """Whether a column's name fits a column of times: a date, year, month, day and the like."""
    return is_time_name(name) or bool(
        _words(name) & {"year", "month", "quarter", "day", "period", "epoch", "yyyymm", "yyyymmdd", "jahr"}
    )


def _words(name: str) -> set[str]:
    return set(re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()))


def steps_evenly(values: np.ndarray, series: np.ndarray) -> bool:
    """Whether numbers [n] always rise or always fall within each series [n], mostly by the same step.

    Times do, and readings of a meter do not.
    """
    order = np.argsort(series, kind="stable")
    steps = np.diff(values[order])[np.diff(series[order]) == 0]
    if len(steps) < 2 or not ((steps > 0).all() or (steps < 0).all()):
        return False
    return bool(np.unique(steps, return_counts=True)[1].max() * 2 >= len(steps))
