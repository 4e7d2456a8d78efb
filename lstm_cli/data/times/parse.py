"""Parser of time columns in text. `format_times` is the inverse.

`scan_times` reads a batch of rows. `read_times` decides what only the whole column shows: which of two numbers is
the day, whether all times have one format, and whether there is one offset or several.
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

MIN_SEASONS = 3  # distinct months that must fit before a column counts as seasons (2000/01)
_WRITE_ISO = "write the times as YYYY-MM-DD or YYYY-MM-DD hh:mm:ss"


@dataclass(frozen=True, kw_only=True)
class TimeColumn:
    """Whole time column."""

    times: np.ndarray  # [R] int64 microseconds
    format: TimeFormat
    findings: tuple[Finding, ...]


def parse_time(text: str, fmt: TimeFormat) -> int:
    """Return the time of an option such as --end, in microseconds on the clock of the file's times.

    A date, month, quarter or year means its first moment. If the file has offsets, a time without an offset gets
    the file's offset (UTC if the file has several).

    Raises:
        UsageError: not a time, an offset where the file has none, or a date that `fmt` leaves ambiguous.
    """
    one = np.ones(1, dtype=np.int64)
    location = CellLocation(source="", column="")
    try:
        column = read_times([scan_times([text], one, location)], one, location, like=fmt)
    except DataError:
        raise UsageError(
            f"'{text}' is not a valid time", hint="write it as YYYY-MM-DD or 'YYYY-MM-DD hh:mm:ss'"
        ) from None
    if column.format.has_offset and not fmt.has_offset:
        raise UsageError(
            f"'{text}' has an offset from UTC, but the times of the data have none",
            hint="write the time without an offset",
        )
    shift = 0 if column.format.has_offset else fmt.offset * 60 * SECOND
    return int(column.times[0]) - shift


def scan_times(cells: Sequence[str], lines: np.ndarray, location: CellLocation) -> TimePiece:
    """Read a batch of rows [n] of a time column.

    Args:
        cells: text of the cells [n].
        lines: line of each row [n].
        location: the time column, for messages.

    Raises:
        DataError: a missing time, an invalid time, or times in different formats (with the line).
    """
    cells = [cell.strip() for cell in cells]
    shapes = shapes_of(cells)
    matches = {shape: match_shape(shape) for shape in dict.fromkeys(shapes)}
    kinds = {match[0] if match else None for match in matches.values()}
    if len(kinds) != 1 or None in kinds:
        raise _unreadable_cell_error(cells, shapes, lines, location)
    kind = str(kinds.pop())
    values = np.empty(len(cells), dtype=np.int64)
    parts = np.empty((len(cells) if kind == "day-month" else 0, 3), dtype=np.int64)
    code_of = {shape: code for code, shape in enumerate(matches)}
    codes = np.fromiter(map(code_of.__getitem__, shapes), dtype=np.int64, count=len(cells))
    shape_counts: dict[str, tuple[int, int]] = {}
    offsets: dict[int, None] = {}
    padded: set[str] = set()
    for code, (shape, match) in enumerate(matches.items()):
        rows = np.flatnonzero(codes == code)
        chosen = cells if len(matches) == 1 else [cells[index] for index in rows.tolist()]
        shape_counts[shape] = (int(lines[rows[0]]), len(rows))
        assert match is not None
        fields = shape_digits(chosen, shape, match[1])
        padded |= {name for name in DATE_PARTS & set(fields) if any_zero_padded(fields[name])}
        if kind == "digits":
            values[rows] = digits_to_numbers(fields["all"])
            continue
        us, exists, offset = parse_shape(fields, kind, match[1])
        if not exists.all():
            first = int(np.argmin(exists))
            finer = " (or is finer than a microsecond)" if len(match_group(shape, "f") or "") > 6 else ""
            cell = location.at(int(lines[rows[first]]))
            midnight = "H" in fields and digits_to_numbers(fields["H"])[first] == 24
            raise DataError(
                f"{quote_cell(chosen[first])} is a date or time that does not exist{finer}",
                hint="write 24:00 as 00:00 of the next day" if midnight else "correct the line",
                rule="D403",
                at=cell,
            )
        values[rows] = us
        if kind == "day-month":
            parts[rows] = np.stack([digits_to_numbers(fields[name]) for name in "abY"], axis=1)
        if offset is not None:
            offsets |= dict.fromkeys(offset)
    return TimePiece(
        kind=kind,
        values=values,
        parts=parts,
        shapes=shape_counts,
        offsets=tuple(offsets),
        padded=frozenset(padded),
    )


def read_times(
    pieces: Sequence[TimePiece], lines: np.ndarray, location: CellLocation, *, like: TimeFormat | None = None
) -> TimeColumn:
    """Return the whole time column from its batches.

    Args:
        pieces: batches that `scan_times` read.
        lines: line of each row [R].
        location: the time column, for messages.
        like: time format of the run's data, which decides ambiguous dates; None if there is no run.

    Raises:
        DataError: different formats, offsets on only some rows, or ambiguous dates (day/month or month/day).
    """
    kind = pieces[0].kind
    shapes: dict[str, tuple[int, int]] = {}
    for piece in pieces:
        if piece.kind != kind:
            first, second = next(iter(shapes.values()))[0], next(iter(piece.shapes.values()))[0]
            raise _mixed_formats_error(location, second, first)
        for shape, (line, count) in piece.shapes.items():
            before = shapes.get(shape, (line, 0))
            shapes[shape] = (before[0], before[1] + count)
    values = pieces[0].values if len(pieces) == 1 else np.concatenate([piece.values for piece in pieces])
    if kind == "digits":
        widths = {len(shape): line for shape, (line, _) in shapes.items()}
        times, fmt = read_integer_times(values, widths, lines, location, like)
        return TimeColumn(times=times, format=fmt, findings=())
    if kind == "epoch":
        digits = max(len(shape.partition(".")[2]) for shape in shapes)
        return TimeColumn(times=values, format=TimeFormat(pattern="epoch-s", digits=digits), findings=())
    _refuse_mixed_markers(shapes, location)
    if kind == "month":
        _refuse_seasons(values, lines, location)
    day_first = True
    if kind == "day-month":
        parts = np.concatenate([piece.parts for piece in pieces])
        day_first = _is_day_first(parts, lines, location, like)
        day, month = (parts[:, 0], parts[:, 1]) if day_first else (parts[:, 1], parts[:, 0])
        dates, exists = to_microseconds(parts[:, 2], month, day)
        if not exists.all():
            raise _invalid_date_error(parts, ~exists, lines, location)
        values = values + dates
    offsets = tuple(dict.fromkeys(offset for piece in pieces for offset in piece.offsets))
    beyond = (values < FIRST_US) | (values > LAST_US)
    if any(offsets) and beyond.any():
        raise DataError(
            "the time in UTC is outside the years 1 to 9999",
            hint="correct the line",
            rule="D404",
            at=location.at(int(lines[np.argmax(beyond)])),
        )
    padded = frozenset().union(*(piece.padded for piece in pieces))
    fmt = _column_format(shapes, offsets, padded, day_first)
    return TimeColumn(times=values, format=fmt, findings=_midnight_findings(shapes, location))


def _refuse_seasons(values: np.ndarray, lines: np.ndarray, location: CellLocation) -> None:
    """Raise DataError for 2000/01, 2001/02, 2002/03, which are spans of two years and not months."""
    months = np.unique(values.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64))
    years, month = 1970 + months // 12, 1 + months % 12
    if len(months) >= MIN_SEASONS and (month == (years + 1) % 100).all():
        raise DataError(
            "this time and all times below it are ambiguous (months, or spans of two years such as 2000/01)",
            hint="write years as 2000 and months as 2000-01-01",
            rule="D402",
            at=location.at(int(lines[0])),
        )


def _unreadable_cell_error(
    cells: Sequence[str], shapes: Sequence[str], lines: np.ndarray, location: CellLocation
) -> DataError:
    first = None
    for cell, shape, line in zip(cells, shapes, lines.tolist(), strict=True):
        where = location.at(line)
        match = match_shape(shape)
        if match is None:
            if is_missing(cell):
                hint = "write the time, or delete the line if it is not a data row (units, a total)"
                return DataError("the time is missing", hint=hint, rule="D405", at=where)
            if cell.strip("\ufeff ") == location.column:
                why, hint = REPEATED_HEADER
            else:
                why, hint = unreadable_reason(cell)
            hint = hint or f"{_WRITE_ISO}, or choose another column with --time"
            return DataError(
                f"{quote_cell(cell)} is not a valid time{why}",
                hint=hint,
                rule="D406",
                at=where,
                flags=("--time",),
            )
        first = first or (match[0], line)
        if match[0] != first[0]:
            return _mixed_formats_error(location, line, first[1])
    raise AssertionError("all cells are of one kind")


def _mixed_formats_error(location: CellLocation, line: int, first: int) -> DataError:
    return DataError(
        f"the time and the time in {location.row(first)} have different formats",
        hint=_WRITE_ISO,
        rule="D407",
        at=location.at(line),
    )


def _refuse_mixed_markers(shapes: dict[str, tuple[int, int]], location: CellLocation) -> None:
    """Raise DataError if only some times have an offset, or only some have AM or PM."""
    clocks = {shape: line for shape, (line, _) in shapes.items() if match_group(shape, "H")}
    lines = {shape: line for shape, (line, _) in shapes.items()}
    for name, marker, candidates in (("zone", "an offset from UTC", lines), ("half", "AM or PM", clocks)):
        marked = [line for shape, line in candidates.items() if match_group(shape, name)]
        unmarked = [line for shape, line in candidates.items() if not match_group(shape, name)]
        if marked and unmarked:
            first, second = sorted((min(marked), min(unmarked)))
            how = "with" if second in marked else "without"
            raise DataError(
                f"the time is written {how} {marker}, unlike the time in {location.row(first)}",
                hint=f"write all times with {marker}, or all times without",
                rule="D407",
                at=location.at(second),
            )


def _is_day_first(
    parts: np.ndarray, lines: np.ndarray, location: CellLocation, like: TimeFormat | None
) -> bool:
    """Return whether the whole column shows that the first number is the day. parts: [R, 3]."""
    day, month = parts[:, 0] > 12, parts[:, 1] > 12
    if (day & month).any():
        raise _invalid_date_error(parts, day & month, lines, location)
    if day.any() and month.any():
        first, second = sorted(
            ((int(lines[np.argmax(day)]), "day/month"), (int(lines[np.argmax(month)]), "month/day"))
        )
        raise DataError(
            f"the date can only be {second[1]}, but the date in {location.row(first[0])} can only be {first[1]}",
            hint="correct the wrong dates, or write all dates as YYYY-MM-DD",
            rule="D408",
            at=location.at(second[0]),
        )
    if day.any() or month.any():
        return bool(day.any())
    known = re.search(r"%-?[dm]", like.pattern) if like else None
    if known and like and not like.pattern.startswith("%Y"):
        return known[0].endswith("d")
    date = "/".join(map(str, parts[0].tolist()))
    raise DataError(
        f"'{date}' and all dates below it are ambiguous (day/month or month/day)",
        hint="write the dates as YYYY-MM-DD",
        rule="D409",
        at=location.at(int(lines[0])),
    )


def _invalid_date_error(
    parts: np.ndarray, wrong: np.ndarray, lines: np.ndarray, location: CellLocation
) -> DataError:
    first = int(np.argmax(wrong))
    date = "/".join(map(str, parts[first].tolist()))
    return DataError(
        f"'{date}' is a date that does not exist",
        hint="correct the line",
        rule="D403",
        at=location.at(int(lines[first])),
    )


def _midnight_findings(shapes: dict[str, tuple[int, int]], location: CellLocation) -> tuple[Finding, ...]:
    bare = [entry for shape, entry in shapes.items() if not match_group(shape, "H")]
    if not bare or len(bare) == len(shapes):
        return ()
    count, line = sum(count for _, count in bare), min(line for line, _ in bare)
    times = (
        "1 time without a time of day was" if count == 1 else f"{count:,} times without a time of day were"
    )
    advice = "write 00:00, or choose another column with --time"
    return (
        Finding.at(
            location.at(line), "D410", f"{times} read as midnight ({advice})", count=count, flags=("--time",)
        ),
    )


def _column_format(
    shapes: dict[str, tuple[int, int]], offsets: tuple[int, ...], padded: frozenset[str], day_first: bool
) -> TimeFormat:
    matches = {shape: parsed[1] for shape in shapes if (parsed := match_shape(shape))}
    narrow = {name for match in matches.values() for name, text in match.groupdict().items() if text == "0"}
    if narrow & DATE_PARTS:
        narrow |= DATE_PARTS - padded  # 1/30/2020 does not show whether the 9th would have a zero
    finest = max(matches, key=lambda shape: (bool(match_group(shape, "S")), bool(match_group(shape, "H"))))
    match = matches[finest]
    names = {"a": "d" if day_first else "m", "b": "m" if day_first else "d"}
    spans = sorted((match.span(name), name) for name, text in match.groupdict().items() if text)
    pattern, end = "", 0
    for (start, stop), name in spans:
        literal = finest[end:start]
        end = stop
        if name == "f":
            continue  # `digits` covers the fraction and the dot before it
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
