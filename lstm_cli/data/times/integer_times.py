"""Times written as whole numbers: years, YYYYMM, YYYYMMDD and so on, seconds since 1970, and numbers of steps."""

import re
from collections.abc import Sequence

import numpy as np

from lstm_cli.data.locations import CellLocation
from lstm_cli.data.times.codes import FLAG, TimeOptions
from lstm_cli.data.times.formats import EPOCHS, INTEGERS, SECOND, TimeFormat, to_microseconds
from lstm_cli.errors import DataError, UsageError
from lstm_cli.findings import Finding

PLAUSIBLE_YEARS = (1600, 2300)  # range of plausible years
MAX_DIGITS = 19  # digits of the largest number of 64 bits
_LARGEST = str(2**63 - 1)
MIN_LATE_WEEKS = 0.2  # share of numbers above 12 in a column of weeks; with fewer, they are wrong months
MIN_DOUBTFUL = 10_000  # whole numbers from here may be days or seconds of an unknown count
_COMPACT_PATTERNS = {4: "%Y", 6: "%Y%m", 8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
# Formats of days by their number of digits, which need `--time-format`, and the order of their parts.
_OTHER_DATES = {
    6: (("%y%m%d", "ymd"), ("%d%m%y", "dmy"), ("%m%d%y", "mdy")),
    7: (("%Y%j", "Yj"),),
    8: (("%d%m%Y", "dmY"), ("%m%d%Y", "mdY")),
}
_EPOCH_UNITS = {9: "s", 10: "s", 12: "ms", 13: "ms", 15: "us", 16: "us", 18: "ns", 19: "ns"}


def is_time_width(width: int) -> bool:
    """Return whether a number with `width` digits can be a time."""
    return width in _COMPACT_PATTERNS or width in _EPOCH_UNITS


def are_plausible_times(values: np.ndarray, width: int) -> np.ndarray:
    """Return which numbers [n] of `width` digits are plausible times, for a column not named as a time."""
    if width in _COMPACT_PATTERNS:
        compact = _parse_compact(values, width)[1]
        if width not in _EPOCH_UNITS or compact.mean() >= 0.5:
            return compact
    seconds = values // EPOCHS[f"epoch-{_EPOCH_UNITS[width]}"]
    return (seconds >= 1_000_000_000) & (seconds < 4_102_444_800)  # from 2001 to 2100


def refuse_large_numbers(cells: Sequence[str], lines: np.ndarray, location: CellLocation) -> None:
    """Raise DataError for a cell of `MAX_DIGITS` digits that 64 bits cannot hold.

    Args:
        cells: text of the cells [n], which are digits only.
        lines: line of each row [n].
        location: the time column, for messages.
    """
    if len(cells[0]) < MAX_DIGITS or max(cells) <= _LARGEST:
        return
    row = next(row for row, cell in enumerate(cells) if cell > _LARGEST)
    raise DataError(
        f"'{cells[row]}' is too large for a time, which is {_LARGEST} at most",
        hint="correct the line, or choose another column with --time",
        rule="D416",
        at=location.at(int(lines[row])),
        flags=("--time",),
    )


def parse_integer(text: str) -> int:
    """Return the whole number of an option such as --end.

    Raises:
        UsageError: not a whole number.
    """
    if re.fullmatch(r"[+-]?[0-9]{1,18}", text.strip()) is None:
        raise UsageError(
            f"'{text}' is not a whole number, but the times of the data are whole numbers",
            hint="give a whole number, such as one of the time column",
        )
    return int(text)


def is_decorated_integer(shape: str, thousands: str | None) -> bool:
    """Return whether a shape may be of a whole number with decimals (12.0) or with the mark of thousands (1,000).

    Args:
        shape: shape of a cell.
        thousands: mark of thousands; None without one.
    """
    mark = re.escape(thousands) if thousands else "$"
    return (
        re.fullmatch(rf"[+-]?(0{{1,8}}|0{{1,3}}({mark}000)+)(\.0+)?", shape) is not None
        and not shape[1:].isdigit()
    )


def plain_integer(cell: str, thousands: str | None = None) -> str:
    """Return a whole number without decimals and marks of thousands; another cell as it is.

    Args:
        cell: text of the cell.
        thousands: mark of thousands; None without one.
    """
    mark = re.escape(thousands) if thousands else "$"
    parts = re.fullmatch(rf"([+-]?([0-9]{{1,8}}|[0-9]{{1,3}}({mark}[0-9]{{3}})+))(\.0+)?", cell)
    return parts[1].replace(thousands or ",", "") if parts else cell


def integer_format(shapes: dict[str, tuple[int, int]], *, is_padded: bool) -> TimeFormat:
    """Return the format of whole numbers.

    Args:
        shapes: first line and count of each shape.
        is_padded: a number has a leading zero.
    """
    widths = {len(shape) for shape in shapes}
    return TimeFormat(pattern=INTEGERS, digits=max(widths) if is_padded and len(widths) == 1 else 0)


def read_whole_numbers(
    values: np.ndarray,
    shapes: dict[str, tuple[int, int]],
    lines: np.ndarray,
    location: CellLocation,
    options: TimeOptions,
    *,
    is_padded: bool,
) -> tuple[np.ndarray, TimeFormat, tuple[Finding, ...]]:
    """Return numbers [R] as times: dates where they read as dates, else numbers of steps.

    Args:
        values: numbers [R].
        shapes: first line and count of each shape.
        lines: line of each row [R].
        location: the time column, for messages.
        options: how the text is read.
        is_padded: a number has a leading zero.

    Returns:
        Times [R], in microseconds if they are dates, their format, and findings.

    Raises:
        DataError: dates that are invalid or ambiguous.
    """
    if not options.is_integer and not (options.named and not _are_dates(values)):
        widths = {len(shape): line for shape, (line, _) in shapes.items()}
        odd = [width for width in widths if not is_time_width(width)]
        if odd:
            row = int(np.flatnonzero(lines == widths[odd[0]])[0])
            raise _invalid_time_error(values, np.arange(len(values)) != row, lines, location)
        return (*read_integer_times(values, widths, lines, location, options.like), ())
    if not options.is_integer:
        _refuse_unread_dates(values, {len(shape) for shape in shapes}, lines, location)
    findings: tuple[Finding, ...] = ()
    if (
        not options.is_integer
        and is_likely_time_name(location.column)
        and np.abs(values).max() >= MIN_DOUBTFUL
    ):
        findings = (
            Finding.at(
                location.at(int(lines[0])),
                "D411",
                f"{len(values):,} whole numbers such as {values[0]} do not read as dates, so they count steps "
                f"(use {FLAG} int if that is right)",
                count=len(values),
                flags=(FLAG,),
            ),
        )
    return values, integer_format(shapes, is_padded=is_padded), findings


def _refuse_unread_dates(
    values: np.ndarray, widths: set[int], lines: np.ndarray, location: CellLocation
) -> None:
    """Raise DataError if whole numbers [R] seem to be dates in another form, or days of a spreadsheet."""
    serial = is_likely_time_name(location.column) and values.min() >= 20_000 and values.max() <= 80_000
    codes = (
        [codes for codes, order in _OTHER_DATES.get(next(iter(widths)), ()) if _exist(values, order)]
        if len(widths) == 1
        else []
    )
    if not serial and not codes:
        return
    reason = ": is it a serial day of a spreadsheet?" if serial else ", but it may be a date in another form"
    hint = (
        " or ".join(f"{FLAG} {text}" for text in codes)
        or "format the column as YYYY-MM-DD in the spreadsheet, and save the file again"
    )
    raise DataError(
        f"'{values[0]}' is not a valid time{reason}",
        hint=f"{'use ' * bool(codes)}{hint}, or use {FLAG} int if the numbers count steps",
        rule="D406",
        at=location.at(int(lines[0])),
        flags=(FLAG,),
    )


def _exist(values: np.ndarray, order: str) -> bool:
    """Return whether all numbers [R] are plausible dates, whose parts Y, y, m, d and j have this order."""
    parts: dict[str, np.ndarray] = {}
    for part in reversed(order):
        size = {"Y": 10_000, "j": 1_000}.get(part, 100)
        parts[part], values = values % size, values // size
    year = parts["Y"] if "Y" in parts else 2000 + parts["y"]
    if "j" in parts:
        exists = (parts["j"] >= 1) & (parts["j"] <= 366)
    else:
        exists = to_microseconds(year, parts["m"], parts["d"])[1]
    return bool((exists & (year >= PLAUSIBLE_YEARS[0]) & (year <= PLAUSIBLE_YEARS[1])).all())


def _are_dates(values: np.ndarray) -> bool:
    """Return whether at least half of some numbers [R] are plausible dates or seconds since 1970."""
    widths = np.char.str_len(values.astype(str))
    plausible = 0
    for width in np.unique(widths).tolist():
        if is_time_width(width):
            plausible += int(are_plausible_times(values[widths == width], width).sum())
    return plausible * 2 >= len(values)


def read_integer_times(
    values: np.ndarray,
    widths: dict[int, int],
    lines: np.ndarray,
    location: CellLocation,
    like: TimeFormat | None,
) -> tuple[np.ndarray, TimeFormat]:
    """Return numbers [R] as int64 microseconds [R], and the format that they have.

    Args:
        values: numbers [R].
        widths: first line of each number of digits.
        lines: line of each row [R].
        location: the time column, for messages.
        like: time format of the run's data, which decides ambiguous numbers; None if there is no run.

    Raises:
        DataError: different numbers of digits, an invalid date, or ambiguous months.
    """
    units = {_EPOCH_UNITS.get(width, str(width)) for width in widths}
    if len(units) > 1:
        first, second = sorted(widths.values())[:2]
        raise DataError(
            f"this time and the time in {location.row(first)} have different numbers of digits",
            hint=f"write the times as YYYY-MM-DD, or use {FLAG} int if they count steps",
            rule="D401",
            at=location.at(second),
            flags=(FLAG,),
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
    min_value = 10 ** (min(widths) - 1)  # a number with leading zeros is not a time
    if unit <= SECOND:
        exists = (values >= min_value) & (values <= 9_999_999_999 * unit)
        times = values * (SECOND // unit)
    else:
        # The array cannot hold times finer than a microsecond.
        exists = (values >= min_value) & (values % (unit // SECOND) == 0)
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
                f"'{values[0]}' and all times below it are ambiguous (YYYYMM or YYMMDD)",
                hint=f"use {FLAG} %Y%m if they are months, {FLAG} %y%m%d if they are days",
                rule="D402",
                at=location.at(int(lines[0])),
                flags=(FLAG,),
            )
    return times, TimeFormat(pattern=pattern)


def _invalid_time_error(
    values: np.ndarray, exists: np.ndarray, lines: np.ndarray, location: CellLocation
) -> DataError:
    first = int(np.argmin(exists))
    hint = (
        f"correct the line, choose another column with --time, or use {FLAG} int if the numbers count steps"
    )
    years, weeks = values // 100, values % 100
    if (
        (years >= PLAUSIBLE_YEARS[0]).all()
        and (years <= PLAUSIBLE_YEARS[1]).all()
        and (weeks >= 1).all()
        and (weeks <= 53).all()
        and (weeks > 12).mean() >= MIN_LATE_WEEKS
    ):
        hint = f"use {FLAG} %G%V if the numbers are weeks of a year, or correct the line"
    return DataError(
        f"'{values[first]}' is not a valid year, date or time since 1970",
        hint=hint,
        rule="D403",
        at=location.at(int(lines[first])),
        flags=("--time", FLAG),
    )


def _parse_compact(values: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return YYYY, YYYYMM … YYYYMMDDhhmmss [n] as microseconds [n], and which of them exist [n]."""
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
    """Return whether a column's name means dates or times."""
    return bool(_words(name) & {"date", "time", "datetime", "timestamp", "ts", "ds", "datum"})


def is_likely_time_name(name: str) -> bool:
    """Return whether a column's name fits a time column: date, year, month, day or a similar word."""
    return is_time_name(name) or bool(
        _words(name) & {"year", "month", "quarter", "day", "period", "epoch", "yyyymm", "yyyymmdd", "jahr"}
    )


def _words(name: str) -> set[str]:
    return set(re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()))


def steps_evenly(values: np.ndarray, series: np.ndarray) -> bool:
    """Return whether numbers [n] only rise or only fall within each series [n], mostly by one step.

    Times do, but meter readings do not.
    """
    order = np.argsort(series, kind="stable")
    steps = np.diff(values[order])[np.diff(series[order]) == 0]
    if len(steps) < 2 or not ((steps > 0).all() or (steps < 0).all()):
        return False
    return bool(np.unique(steps, return_counts=True)[1].max() * 2 >= len(steps))
