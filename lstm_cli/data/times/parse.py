"""Text cell to time, by the whole column, and back (`format_times`).

A column is read piece by piece (`scan_times`) as far as that goes; `read_times` settles what only the whole
column can: which of two numbers is the day, one manner of writing, one offset or several.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstm_cli.data.locations import REPEATED_HEADER, CellLocation, is_missing, quote_cell
from lstm_cli.data.times.formats import FIRST_US, LAST_US, SECOND, TimeFormat, to_microseconds
from lstm_cli.data.times.integer_times import read_integer_times
from lstm_cli.data.times.patterns import (
    DATE_PARTS,
    TimePiece,
    any_zero_padded,
    digits_to_numbers,
    match_group,
    match_shape,
    parse_shape,
    shape_digits,
    shapes_of,
    unreadable_reason,
)
from lstm_cli.errors import DataError, UsageError
from lstm_cli.findings import Finding

SEASONS = 3  # different ones from where on they are no chance
_WRITE_ISO = "write the times as YYYY-MM-DD or YYYY-MM-DD hh:mm:ss"


@dataclass(frozen=True, kw_only=True)
class TimeColumn:
    """A whole time column."""

    times: np.ndarray  # [R] int64 microseconds
    format: TimeFormat
    findings: tuple[Finding, ...]


def parse_time(text: str, fmt: TimeFormat) -> int:
    """One time that a person gave, e.g. with --end, in microseconds on the clock of the file's times.

    A date is its first moment, and so is a month, quarter or year. Where the file has offsets, a time without
    one is read with the file's (UTC where it has several).
    Raises UsageError for a text that is no time, for an offset where the file has none, and for dates that
    read both ways unless `fmt` settles them.
    """
    one = np.ones(1, dtype=np.int64)
    place = CellLocation(source="", column="")
    try:
        column = read_times([scan_times([text], one, place)], one, place, like=fmt)
    except DataError:
        raise UsageError(
            f"'{text}' does not read as a time", hint="write it as YYYY-MM-DD or 'YYYY-MM-DD hh:mm:ss'"
        ) from None
    if column.format.has_offset and not fmt.has_offset:
        raise UsageError(
            f"'{text}' has an offset from UTC, and the times of the data have none",
            hint="write it without an offset",
        )
    shift = 0 if column.format.has_offset else fmt.offset * 60 * SECOND
    return int(column.times[0]) - shift


def scan_times(cells: Sequence[str], lines: np.ndarray, place: CellLocation) -> TimePiece:
    """Read some rows [n] of a time column. lines: [n].

    Raises DataError, with the line, for a missing time, a cell that is no time, a date or clock that does not
    exist, and times written in different ways.
    """
    cells = [cell.strip() for cell in cells]
    shapes = shapes_of(cells)
    seen = {shape: match_shape(shape) for shape in dict.fromkeys(shapes)}
    kinds = {match[0] if match else None for match in seen.values()}
    if len(kinds) != 1 or None in kinds:
        raise _mixed(cells, shapes, lines, place)
    kind = str(kinds.pop())
    values = np.empty(len(cells), dtype=np.int64)
    parts = np.empty((len(cells) if kind == "day-month" else 0, 3), dtype=np.int64)
    code_of = {shape: code for code, shape in enumerate(seen)}
    codes = np.fromiter(map(code_of.__getitem__, shapes), dtype=np.int64, count=len(cells))
    told: dict[str, tuple[int, int]] = {}
    offsets: dict[int, None] = {}
    padded: set[str] = set()
    for code, (shape, match) in enumerate(seen.items()):
        where = np.flatnonzero(codes == code)
        chosen = cells if len(seen) == 1 else [cells[index] for index in where.tolist()]
        told[shape] = (int(lines[where[0]]), len(where))
        assert match is not None
        fields = shape_digits(chosen, shape, match[1])
        padded |= {name for name in DATE_PARTS & set(fields) if any_zero_padded(fields[name])}
        if kind == "digits":
            values[where] = digits_to_numbers(fields["all"])
            continue
        us, exists, offset = parse_shape(fields, kind, match[1])
        if not exists.all():
            first = int(np.argmin(exists))
            finer = ", or is finer than a microsecond" if len(match_group(shape, "f") or "") > 6 else ""
            where_it_is = place.at(int(lines[where[first]]))
            midnight = "H" in fields and digits_to_numbers(fields["H"])[first] == 24
            raise DataError(
                f"{quote_cell(chosen[first])} is a date or time that does not exist{finer}",
                hint="write 24:00 as 00:00 of the next day" if midnight else "mend that line",
                rule="D403",
                at=where_it_is,
            )
        values[where] = us
        if kind == "day-month":
            parts[where] = np.stack([digits_to_numbers(fields[name]) for name in "abY"], axis=1)
        if offset is not None:
            offsets |= dict.fromkeys(offset)
    return TimePiece(
        kind=kind, values=values, parts=parts, shapes=told, offsets=tuple(offsets), padded=frozenset(padded)
    )


def read_times(
    pieces: Sequence[TimePiece], lines: np.ndarray, place: CellLocation, *, like: TimeFormat | None = None
) -> TimeColumn:
    """All pieces of a time column as times. lines: [R] of all rows.

    like: how the run's data write times; it settles dates that read both as day/month and as month/day.
    Raises DataError for pieces written in different ways, offsets on some rows only, and dates that read both
    ways.
    """
    kind = pieces[0].kind
    shapes: dict[str, tuple[int, int]] = {}
    for piece in pieces:
        if piece.kind != kind:
            first, second = next(iter(shapes.values()))[0], next(iter(piece.shapes.values()))[0]
            raise _two_manners(place, second, first)
        for shape, (line, count) in piece.shapes.items():
            before = shapes.get(shape, (line, 0))
            shapes[shape] = (before[0], before[1] + count)
    values = pieces[0].values if len(pieces) == 1 else np.concatenate([piece.values for piece in pieces])
    if kind == "digits":
        widths = {len(shape): line for shape, (line, _) in shapes.items()}
        times, fmt = read_integer_times(values, widths, lines, place, like)
        return TimeColumn(times=times, format=fmt, findings=())
    if kind == "epoch":
        digits = max(len(shape.partition(".")[2]) for shape in shapes)
        return TimeColumn(times=values, format=TimeFormat(pattern="epoch-s", digits=digits), findings=())
    _refuse_mixed(shapes, place)
    if kind == "month":
        _refuse_seasons(values, lines, place)
    day_first = True
    if kind == "day-month":
        parts = np.concatenate([piece.parts for piece in pieces])
        day_first = _day_first(parts, lines, place, like)
        day, month = (parts[:, 0], parts[:, 1]) if day_first else (parts[:, 1], parts[:, 0])
        dates, exists = to_microseconds(parts[:, 2], month, day)
        if not exists.all():
            raise _no_date(parts, ~exists, lines, place)
        values = values + dates
    offsets = tuple(dict.fromkeys(offset for piece in pieces for offset in piece.offsets))
    beyond = (values < FIRST_US) | (values > LAST_US)
    if any(offsets) and beyond.any():
        raise DataError(
            "the time is, in UTC, beyond the years 1 to 9999",
            hint="mend that line",
            rule="D404",
            at=place.at(int(lines[np.argmax(beyond)])),
        )
    padded = frozenset().union(*(piece.padded for piece in pieces))
    fmt = _format(shapes, offsets, padded, day_first)
    return TimeColumn(times=values, format=fmt, findings=_no_clock(shapes, place))


def _refuse_seasons(values: np.ndarray, lines: np.ndarray, place: CellLocation) -> None:
    """Raises DataError for 2000/01, 2001/02, 2002/03: years from one to the next, no months."""
    months = np.unique(values.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64))
    years, month = 1970 + months // 12, 1 + months % 12
    if len(months) >= SEASONS and (month == (years + 1) % 100).all():
        raise DataError(
            "this and all times below it read as months, and as years that begin in one and end in the next",
            hint="write years as 2000, and months as 2000-01-01",
            rule="D402",
            at=place.at(int(lines[0])),
        )


def _mixed(cells: Sequence[str], shapes: Sequence[str], lines: np.ndarray, place: CellLocation) -> DataError:
    first = None
    for cell, shape, line in zip(cells, shapes, lines.tolist(), strict=True):
        where = place.at(line)
        match = match_shape(shape)
        if match is None:
            if is_missing(cell):
                hint = "write the time, or delete the line if it is no row of data (units, a total)"
                return DataError("the time is missing", hint=hint, rule="D405", at=where)
            if cell.strip("\ufeff ") == place.column:
                why, hint = REPEATED_HEADER
            else:
                why, hint = unreadable_reason(cell)
            hint = hint or f"{_WRITE_ISO}; --time names another column"
            return DataError(
                f"{quote_cell(cell)} does not read as a time{why}",
                hint=hint,
                rule="D406",
                at=where,
                flags=("--time",),
            )
        first = first or (match[0], line)
        if match[0] != first[0]:
            return _two_manners(place, line, first[1])
    raise AssertionError("every cell is of one kind")


def _two_manners(place: CellLocation, line: int, first: int) -> DataError:
    return DataError(
        f"the time is written otherwise than in {place.row(first)}",
        hint=_WRITE_ISO,
        rule="D407",
        at=place.at(line),
    )


def _refuse_mixed(shapes: dict[str, tuple[int, int]], place: CellLocation) -> None:
    """Offsets, and AM or PM, stand on all times or on none."""
    clocks = {shape: line for shape, (line, _) in shapes.items() if match_group(shape, "H")}
    lines = {shape: line for shape, (line, _) in shapes.items()}
    for name, told, some in (("zone", "an offset from UTC", lines), ("half", "AM or PM", clocks)):
        with_it = [line for shape, line in some.items() if match_group(shape, name)]
        without = [line for shape, line in some.items() if not match_group(shape, name)]
        if with_it and without:
            first, second = sorted((min(with_it), min(without)))
            how = "with" if second in with_it else "without"
            raise DataError(
                f"the time is written {how} {told}, unlike that in {place.row(first)}",
                hint=f"write all times with {told} or all without",
                rule="D407",
                at=place.at(second),
            )


def _day_first(parts: np.ndarray, lines: np.ndarray, place: CellLocation, like: TimeFormat | None) -> bool:
    """Whether the first number is the day, as the whole column decides it; parts: [R, 3]."""
    day, month = parts[:, 0] > 12, parts[:, 1] > 12
    if (day & month).any():
        raise _no_date(parts, day & month, lines, place)
    if day.any() and month.any():
        first, second = sorted(
            ((int(lines[np.argmax(day)]), "day/month"), (int(lines[np.argmax(month)]), "month/day"))
        )
        raise DataError(
            f"the date reads as {second[1]} only, and that in {place.row(first[0])} as {first[1]} only",
            hint="mend the wrong ones, or write all dates as YYYY-MM-DD",
            rule="D408",
            at=place.at(second[0]),
        )
    if day.any() or month.any():
        return bool(day.any())
    known = re.search(r"%-?[dm]", like.pattern) if like else None
    if known and like and not like.pattern.startswith("%Y"):
        return known[0].endswith("d")
    said = "/".join(map(str, parts[0].tolist()))
    raise DataError(
        f"'{said}' and all below it read both as day/month and as month/day",
        hint="write the dates as YYYY-MM-DD",
        rule="D409",
        at=place.at(int(lines[0])),
    )


def _no_date(parts: np.ndarray, wrong: np.ndarray, lines: np.ndarray, place: CellLocation) -> DataError:
    first = int(np.argmax(wrong))
    said = "/".join(map(str, parts[first].tolist()))
    return DataError(
        f"'{said}' is a date that does not exist",
        hint="mend that line",
        rule="D403",
        at=place.at(int(lines[first])),
    )


def _no_clock(shapes: dict[str, tuple[int, int]], place: CellLocation) -> tuple[Finding, ...]:
    bare = [told for shape, told in shapes.items() if not match_group(shape, "H")]
    if not bare or len(bare) == len(shapes):
        return ()
    count, line = sum(told[1] for told in bare), min(told[0] for told in bare)
    times = "1 time has no clock and was" if count == 1 else f"{count:,} times have no clock and were"
    advice = "no flag: write 00:00, or --time names another column"
    return (
        Finding.at(
            place.at(line), "D410", f"{times} read as midnight ({advice})", count=count, flags=("--time",)
        ),
    )


def _format(
    shapes: dict[str, tuple[int, int]], offsets: tuple[int, ...], padded: frozenset[str], day_first: bool
) -> TimeFormat:
    matches = {shape: found[1] for shape in shapes if (found := match_shape(shape))}
    narrow = {name for match in matches.values() for name, text in match.groupdict().items() if text == "0"}
    if narrow & DATE_PARTS:
        narrow |= DATE_PARTS - padded  # in 1/30/2020 nothing says that the ninth would have a zero
    finest = max(matches, key=lambda shape: (bool(match_group(shape, "S")), bool(match_group(shape, "H"))))
    match = matches[finest]
    names = {"a": "d" if day_first else "m", "b": "m" if day_first else "d"}
    spans = sorted((match.span(name), name) for name, text in match.groupdict().items() if text)
    pattern, end = "", 0
    for (start, stop), name in spans:
        literal = finest[end:start]
        end = stop
        if name == "f":
            continue  # the dot before it is written with the digits
        pattern += literal
        if name == "half":
            pattern += "%p" if finest[start:stop].isupper() else "%P"
        elif name != "zone":
            letter = "I" if name == "H" and match.groupdict().get("half") else names.get(name, name)
            pattern += f"%{'-' if name in narrow and name != 'q' else ''}{letter}"
    styles = dict.fromkeys(style for shape in shapes if (style := match_group(shape, "zone")))
    zone = next(iter(styles), "").replace("z", "Z").replace("-", "+")
    several = len(offsets) > 1
    digits = max(len(match_group(shape, "f") or "") for shape in shapes)
    return TimeFormat(
        pattern=pattern,
        digits=digits,
        zone="Z" if several else zone,
        offset=0 if several else next(iter(offsets), 0),
    )
