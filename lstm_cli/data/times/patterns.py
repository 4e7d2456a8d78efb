"""Patterns of times in text: the shapes of cells, and the kinds of time that are supported.

A cell's shape is the cell with each digit replaced by 0. A column has few shapes, so each shape is matched once.
The digits of all cells with one shape are then parsed together.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lstm_cli.data.times.codes import FLAG, ZONE, compile_codes, literal_digits
from lstm_cli.data.times.formats import DAY, FIRST_SHORT_YEAR, JOINT, SECOND, to_microseconds
from lstm_cli.data.times.integer_times import MAX_DIGITS, is_time_width
from lstm_cli.data.times.names import MONTH_NAME, number_of_name

# Month, day, and the first two numbers of a date whose order the column decides.
DATE_PARTS = frozenset("mdab")


PART_COLUMNS = 4  # columns of `TimePiece.parts`


@dataclass(frozen=True, kw_only=True)
class TimePiece:
    """Batch of rows of a time column, parsed as far as one batch allows."""

    kind: str
    values: np.ndarray  # [n] int64 microseconds; "day-month": only the time of day; "digits": the number
    parts: np.ndarray  # [n, 4] int64 first number, second number, year and style of "day-month"; else [0, 4]
    shapes: dict[str, tuple[int, int]]  # first line and count of each shape
    offsets: tuple[int, ...]  # distinct offsets in minutes
    padded: frozenset[str]  # date parts that have a leading zero in some cell
    next_day: tuple[int, int] = (0, 0)  # first line and count of times written 24:00
    tail: str = ""  # decimals of "digits" that all cells have, such as .0


def scan_fixed_width_times(cells: np.ndarray, codes: str | None = None) -> TimePiece | None:
    """Return the result of `scan_times` for cells [n, width] (bytes), with lines counted from 1.

    Args:
        cells: characters of the cells.
        codes: format in codes of strptime; None for a plain form.

    Returns None if the cells do not share one shape of a time, or if one of them does not exist.
    """
    shape = shapes_of([cells[0].tobytes().decode("latin-1")])[0]
    match = match_shape(shape, codes)
    if match is None:
        return None
    columns = np.ascontiguousarray(cells.T)  # [width, n], so that one character of all cells is contiguous
    digits = columns - np.uint8(ord("0"))
    for index, character in enumerate(shape):
        fits = digits[index] <= 9 if character == "0" else columns[index] == ord(character)
        if not fits.all():
            return None
    kind, groups = match
    fields = {name: digits[slice(*groups.span(name))].T for name in number_groups(groups)}
    if groups.groupdict().get("zone"):
        fields["zone"] = digits[slice(*groups.span("zone"))].T
    offsets: list[int] | None = None
    if kind == "digits":
        if len(shape) >= MAX_DIGITS:
            return None  # only `scan_times` checks for an overflow
        values = digits_to_numbers(digits.T)
    else:
        values, exists, offsets = parse_shape(fields, kind, groups, codes)
        if not exists.all():
            return None
    parts = np.empty((0, PART_COLUMNS), dtype=np.int64)
    if kind == "day-month":
        parts = day_month_parts(fields, groups)
    late = end_of_day(fields)
    return TimePiece(
        kind=kind,
        values=values,
        parts=parts,
        shapes={shape: (1, len(cells))},
        offsets=tuple(offsets or ()),
        padded=frozenset(name for name in DATE_PARTS & set(fields) if any_zero_padded(fields[name])),
        next_day=(1 + int(np.argmax(late)), int(late.sum())) if late.any() else (0, 0),
    )


_END = r"(?: ?(?P<half>[AaPp][Mm]))?(?P<zone>" + ZONE + ")?"
_SECONDS = r"(?::(?P<S>00)(?:\.(?P<f>0{1,9}))?)?"
# A time of day after a date: in the same cell, or in the next columns.
_CLOCKS = (
    r"(?:,?[Tt ](?P<H>00?):(?P<M>00)" + _SECONDS + _END + ")?",
    JOINT + r"(?P<H>00)(?P<M>00)(?P<S>00)?" + _END,
    JOINT + r"(?P<H>00?)\.(?P<M>00)\.(?P<S>00)" + _END,
    JOINT + r"(?P<H>00?)(?:[:\x1f](?P<M>00?)(?:[:\x1f](?P<S>00?)(?:\.(?P<f>0{1,9}))?)?)?" + _END,
)
_MONTH = f"(?P<b>{MONTH_NAME})"
_DATES = (
    ("date", r"(?P<Y>0000)([-/.])(?P<m>00?)\2(?P<d>00?)"),
    ("day-month", r"(?P<a>00?)([-/.])(?P<b>00?)\2(?P<Y>0000)"),
    ("named date", rf"(?P<d>00?)([-/. ]?){_MONTH}[.,]?\2(?P<Y>0000)"),
    ("named date", rf"{_MONTH}\.?([-/ ])(?P<d>00?)(?:, ?|\2)(?P<Y>0000)"),
    ("named date", rf"(?P<Y>0000)([-/ ]){_MONTH}\2(?P<d>00?)"),
    ("short date", rf"(?P<d>00?)([-/ ]){_MONTH}\2(?P<y>00)"),
)
_PATTERNS = (
    *((kind, date + clock) for clock in _CLOCKS for kind, date in _DATES),
    (
        "date",
        r"(?P<Y>0000)(?P<m>00)(?P<d>00)[Tt ](?P<H>00):?(?P<M>00)(?::?(?P<S>00))?(?P<zone>" + ZONE + ")?",
    ),
    *(("date", r"(?P<Y>0000)(?P<m>00)(?P<d>00)" + clock) for clock in _CLOCKS[1:]),
    ("month", r"(?P<Y>0000)[-/M](?P<m>00)"),
    ("month", r"(?P<m>00?)[-/](?P<Y>0000)"),
    ("named month", rf"{_MONTH}\.?,?[-/ ]?(?P<Y>0000)"),
    ("named month", rf"(?P<Y>0000)[-/ ]?{_MONTH}"),
    ("short month", rf"{_MONTH}-(?P<y>00)"),
    ("quarter", r"(?P<Y>0000)[-/ ]?[Qq](?P<q>0)"),
    ("quarter", r"[Qq](?P<q>0)[-/ ]?(?P<Y>0000)"),
    ("quarter", r"(?P<q>0)[Qq][-/ ]?(?P<Y>0000)"),
    ("quarter", r"Quarter (?P<q>0),? (?P<Y>0000)"),
    ("week", r"(?P<G>0000)[- ]?[Ww](?P<V>00)(?:-?(?P<u>0))?"),
    ("epoch", r"(?P<s>0{9,10})\.(?P<f>0{1,9})"),
    ("digits", r"0{4,19}"),
)
_KINDS = tuple((kind, re.compile(pattern, re.IGNORECASE | re.ASCII)) for kind, pattern in _PATTERNS)
_TIME_OF_DAY = re.compile(rf"00?(:00(:00(\.0+)?)?( ?[AaPp][Mm])?({ZONE})?|\.00\.00)")
CODES = "codes"  # kind of times in codes of strptime
_INTEGER = re.compile(r"[+-]?0{1,18}")
_SHAPE = str.maketrans("123456789", "000000000")
# Half-years such as 2000-H1, S2 2000 and 1H00.
HALF_YEAR = re.compile(
    r"(?:19|20)[0-9]{2}\W?[HS][12]|(?:[HS][12]|[12][HS])\W{0,2}(?:19|20)?[0-9]{2}", re.IGNORECASE | re.ASCII
)
_WITH_MONTH_NAME = re.compile(rf"(?<![a-z])({MONTH_NAME})(?![a-z])", re.IGNORECASE)


def shapes_of(cells: Sequence[str]) -> list[str]:
    """Return cells [n] with each ASCII digit replaced by 0. Cells must not contain NUL."""
    return "\0".join(cells).translate(_SHAPE).split("\0") if cells else []


def text_kind(cell: str) -> str | None:
    """Return the kind of time that fits a cell's shape, or None. Digits may also be a plain number."""
    shape = match_shape(cell.strip().translate(_SHAPE))
    return shape[0] if shape else None


def is_time(cell: str) -> bool:
    """Return whether a cell is clearly a date or time (digits only are not)."""
    return text_kind(cell) not in (None, "digits", "epoch")


def reads_in_codes(cell: str, codes: str) -> bool:
    """Return whether the shape of a cell matches a format in codes of strptime."""
    return match_shape(cell.strip().translate(_SHAPE), codes) is not None


def looks_like_date(cell: str) -> bool:
    """Return whether a cell looks like a date or a time of day, even if the format is not supported."""
    shape = cell.strip().translate(_SHAPE)
    return bool(
        re.match(r"00?([-/.])00?\1(00|0000)\b|0000([-/.])00?\3|0000-?W00?|00?:00", shape)
        or (_WITH_MONTH_NAME.search(cell) and "0" in shape)
    )


def looks_like_time_of_day(cell: str) -> bool:
    """Return whether a cell is a time of day without a date."""
    return bool(_TIME_OF_DAY.fullmatch(cell.strip().translate(_SHAPE)))


def unreadable_reason(cell: str, column: str) -> tuple[str, str]:
    """Return why a cell of a column is not a valid time, for the end of a message, and the hint; "" if unknown."""
    shape = cell.strip().translate(_SHAPE)
    if "0" not in shape:
        return (
            "",
            "delete the line if it is not a data row (title, units, total), or choose another column with --time",
        )
    if HALF_YEAR.fullmatch(cell.strip()):
        return (
            ": half-years are not supported",
            "write the first month of each half-year instead, such as 2000-01 and 2000-07",
        )
    short = re.match(r"00?([-/.])00?\1(00)(?!0)", shape)
    if short:
        return ": the year has only two digits", _short_year_hint(short[1], shape[short.end() :])
    if looks_like_time_of_day(cell):
        return ": the date is missing", f"name the column of the date too: --time DATE --time '{column}'"
    if re.search(r":00\S* ?(\[.*\]|[A-Za-z]{3,4}|[A-Z][a-z]+/\w+)$", shape):
        return ": names of time zones are not supported", "write the offset from UTC instead, such as +01:00"
    if re.fullmatch(r"00000(\.0+)?", shape) and 20_000 <= float(cell) <= 80_000:
        return (
            ": is it a serial day of a spreadsheet?",
            "format the column as YYYY-MM-DD hh:mm in the spreadsheet, and save the file again",
        )
    return "", ""


def _short_year_hint(mark: str, rest: str) -> str:
    """Return the hint for a date with a year of two digits. rest: shape of the cell after the date."""
    clock = re.fullmatch(r"([ Tt])00?:00(:00)?( ?[AaPp][Mm])?", rest)
    after = " and the codes of the time of day" if rest.strip() and clock is None else ""
    tail = ""
    if clock is not None:
        tail = f"{clock[1]}{'%I' if clock[3] else '%H'}:%M{':%S' if clock[2] else ''}"
        tail += re.sub("[AaPp][Mm]", "%p", clock[3] or "")
    first, second = (mark.join(order) + tail for order in (("%d", "%m", "%y"), ("%m", "%d", "%y")))
    return f"use {FLAG} with the order of day, month and year{after}, such as '{first}' or '{second}'"


def match_shape(shape: str, codes: str | None = None) -> tuple[str, re.Match[str]] | None:
    """Return the kind of time of a shape and its named parts, or None if the shape is not a time.

    Args:
        shape: shape of a cell.
        codes: format in codes of strptime; None tries all plain forms.
    """
    if codes is None:
        return _match_plain(shape)
    match = compile_codes(codes).fullmatch(shape)
    return None if match is None else (CODES, match)


@lru_cache(maxsize=4096)
def _match_plain(shape: str) -> tuple[str, re.Match[str]] | None:
    for kind, pattern in _KINDS:
        match = pattern.fullmatch(shape)
        if match and (kind != "digits" or is_time_width(len(shape))):
            return kind, match
    return None


def is_integer_shape(shape: str) -> bool:
    """Return whether a shape is of a whole number, which may count steps."""
    return _INTEGER.fullmatch(shape) is not None


def match_group(shape: str, name: str, codes: str | None = None) -> str | None:
    """Return the text of a named part of a shape, or None if the shape has no such part.

    Args:
        shape: shape of a cell.
        name: name of the part.
        codes: format in codes of strptime; None for a plain form.
    """
    match = match_shape(shape, codes)
    return match[1].groupdict().get(name) if match else None


def number_groups(match: re.Match[str]) -> list[str]:
    """Return the names of the groups of a match that hold digits only."""
    return [name for name, text in match.groupdict().items() if text and not text.strip("0")]


def shape_digits(cells: Sequence[str], shape: str, match: re.Match[str]) -> dict[str, np.ndarray]:
    """Return the digits, uint8 [n, width], of each named part of cells with one shape.

    Args:
        cells: text of the cells [n].
        shape: shape that all cells share.
        match: match of the shape; its named groups are the parts.
    """
    text = "".join(cells)
    encoded = text.encode("latin-1", errors="replace")  # one byte for each character; digits are ASCII
    matrix = np.frombuffer(encoded, dtype=np.uint8).reshape(len(cells), len(shape)) - ord("0")
    fields = {name: matrix[:, slice(*match.span(name))] for name in number_groups(match)}
    if match.groupdict().get("zone"):
        fields["zone"] = matrix[:, slice(*match.span("zone"))]
    return fields or {"all": matrix}


def digits_to_numbers(digits: np.ndarray) -> np.ndarray:
    """Return digits [n, width] uint8 as numbers [n] int64."""
    width = digits.shape[1]
    total = digits[:, 0].astype(np.int64) if width % 2 else np.zeros(len(digits), dtype=np.int64)
    for column in range(width % 2, width, 2):
        pair = digits[:, column] * np.uint8(10) + digits[:, column + 1]  # at most 99, so it fits uint8
        total = total * 100 + pair if column else pair.astype(np.int64)
    return total


def end_of_day(fields: dict[str, np.ndarray]) -> np.ndarray:
    """Return which times are 24:00. fields: digits [n, width] of each named part."""
    if "H" not in fields or fields["H"].shape[1] < 2:
        return np.zeros(1, dtype=bool)
    return np.asarray(digits_to_numbers(fields["H"]) == 24)


def day_month_parts(fields: dict[str, np.ndarray], match: re.Match[str]) -> np.ndarray:
    """Return the first number, the second number, the year and the style [n, 4] of dates of kind "day-month".

    The style holds the mark between the numbers and the digits of both numbers, for `day_month_text`.

    Args:
        fields: digits [n, width] of each named part.
        match: match of the shape.
    """
    numbers = [digits_to_numbers(fields[name]) for name in "abY"]
    style = ord(match.string[match.end("a")]) * 100 + fields["a"].shape[1] * 10 + fields["b"].shape[1]
    return np.stack([*numbers, np.full(len(numbers[0]), style)], axis=1)


def day_month_text(parts: np.ndarray) -> str:
    """Return a date [4] of `day_month_parts` as the file writes it."""
    first, second, year, style = parts.tolist()
    mark = chr(style // 100)
    return f"{first:0{style // 10 % 10}d}{mark}{second:0{style % 10}d}{mark}{year:04d}"


def any_zero_padded(digits: np.ndarray) -> bool:
    """Return whether one of the numbers [n, width] begins with a zero."""
    return digits.shape[1] == 2 and bool((digits[:, 0] == 0).any())


def parse_shape(
    fields: dict[str, np.ndarray], kind: str, match: re.Match[str], codes: str | None = None
) -> tuple[np.ndarray, np.ndarray, list[int] | None]:
    """Parse cells [n] of one shape.

    Args:
        fields: digits [n, width] of each named part.
        kind: kind of time; for "day-month" the microseconds are only the time of day.
        match: match of the shape.
        codes: format in codes of strptime; None for a plain form.

    Returns:
        Microseconds [n], which times exist [n], and the distinct offsets in minutes (None if there are none).
    """
    numbers = {name: digits_to_numbers(digits) for name, digits in fields.items() if name != "zone"}
    us, exists = _clock(fields, numbers, match.groupdict().get("half"))
    for index, digit in enumerate(literal_digits(codes or "")):
        exists &= numbers[f"literal{index}"] == digit
    if kind == "epoch":
        return (
            us + numbers["s"] * SECOND,
            exists & (numbers["s"] >= 10**8),
            None,
        )  # a number with leading zeros is not a time
    if kind != "day-month":
        us, real = _dates(numbers, match, us)
        exists &= real
    zone = match.groupdict().get("zone")
    if not zone:
        return us, exists, None
    minutes = np.zeros(len(us), dtype=np.int64)
    if "0" in zone:
        digits = fields["zone"][:, [index for index, char in enumerate(zone) if char == "0"]]
        past_hour = digits_to_numbers(digits[:, 2:])
        exists &= (digits_to_numbers(digits[:, :2]) <= 18) & (past_hour <= 59)
        minutes = (digits_to_numbers(digits[:, :2]) * 60 + past_hour) * (-1 if "-" in zone else 1)
    return us - minutes * 60 * SECOND, exists, np.unique(minutes).tolist()


def _clock(
    fields: dict[str, np.ndarray], numbers: dict[str, np.ndarray], half: str | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the times of day [n] in microseconds, and which of them exist. half: AM or PM of the shape."""
    zeros = np.zeros(len(next(iter(fields.values()))), dtype=np.int64)
    hour, minute, second = (numbers.get(name, zeros) for name in "HMS")
    exists = (hour <= 23) & (minute <= 59) & (second <= 59)
    if not half and "f" not in numbers:
        exists |= (hour == 24) & (minute == 0) & (second == 0)  # 00:00 of the next day
    if half:
        exists &= (hour >= 1) & (hour <= 12)
        hour = hour % 12 + (12 if half.lower() == "pm" else 0)
    us = ((hour * 60 + minute) * 60 + second) * SECOND
    if "f" in numbers:
        scaled = numbers["f"] * 10 ** (9 - fields["f"].shape[1])
        exists &= scaled % 1000 == 0  # the array cannot hold times finer than a microsecond
        us = us + scaled // 1000
    return us, exists


def _dates(
    numbers: dict[str, np.ndarray], match: re.Match[str], clock_us: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the times [n] in microseconds, and which of them exist.

    Args:
        numbers: number [n] of each part that the shape holds as digits.
        match: match of the shape, which holds names of months and weekdays.
        clock_us: times of day [n].
    """
    names = match.groupdict()
    ones = np.ones(len(clock_us), dtype=np.int64)
    exists = np.ones(len(clock_us), dtype=bool)
    year, month, day = numbers.get("Y", ones), numbers.get("m", ones), numbers.get("d", ones)
    if "y" in numbers:
        year = FIRST_SHORT_YEAR + (numbers["y"] - FIRST_SHORT_YEAR) % 100
    if "q" in numbers:
        exists &= (numbers["q"] >= 1) & (numbers["q"] <= 4)
        month = numbers["q"] * 3 - 2
    if names.get("b"):
        month = ones * number_of_name("b", names["b"])
    weekday = ones * number_of_name("a", names["a"]) if names.get("a") else None
    if "V" in numbers:
        day_of_week = numbers.get("u", ones if weekday is None else weekday)
        days, real = _week_days(numbers["G"], numbers["V"], day_of_week)
    else:
        us, real = to_microseconds(year, month, day)
        days = us // DAY
    if "j" in numbers:
        length = to_microseconds(year + 1, ones, ones)[0] // DAY - days
        exists &= (numbers["j"] >= 1) & (numbers["j"] <= length)
        days = days + numbers["j"] - 1
    for given in (weekday, numbers.get("u")):
        if given is not None:
            exists &= (days + 3) % 7 + 1 == given  # a wrong weekday shows that the date is misread
    return days * DAY + clock_us, exists & real


def _week_days(year: np.ndarray, week: np.ndarray, weekday: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the days since 1970 of weekdays [n] (1 is Monday) of ISO weeks [n], and which of them exist."""
    fourth, exists = to_microseconds(year, np.ones_like(year), np.full_like(year, 4))
    monday = fourth // DAY - (fourth // DAY + 3) % 7  # 4 January is in week 1
    days = monday + (week - 1) * 7 + weekday - 1
    thursday = days - weekday + 4
    years = thursday.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    return days, exists & (years == year) & (week >= 1) & (weekday >= 1) & (weekday <= 7)
