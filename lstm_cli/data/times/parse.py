"""Parser of time columns in text. `format_times` is the inverse.

`scan_times` reads a batch of rows. `read_times` decides what only the whole column shows: which of two numbers is
the day, whether all times have one format, and whether there is one offset or several.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lstm_cli.data.locations import REPEATED_HEADER, CellLocation, is_missing, quote_cell
from lstm_cli.data.times.ambiguous_dates import (
    invalid_date_error,
    is_day_first,
    refuse_days_as_years,
    refuse_seasons,
)
from lstm_cli.data.times.codes import FLAG, INFERRED, TimeOptions
from lstm_cli.data.times.column_format import column_format
from lstm_cli.data.times.formats import (
    EPOCHS,
    FIRST_US,
    JOINT,
    LAST_US,
    SECOND,
    TimeFormat,
    narrow_clock,
    to_microseconds,
)
from lstm_cli.data.times.integer_times import (
    is_decorated_integer,
    parse_integer,
    plain_integer,
    read_whole_numbers,
    refuse_large_numbers,
)
from lstm_cli.data.times.patterns import (
    CODES,
    DATE_PARTS,
    PART_COLUMNS,
    TimePiece,
    any_zero_padded,
    day_month_parts,
    digits_to_numbers,
    end_of_day,
    match_group,
    match_shape,
    parse_shape,
    reads_in_codes,
    shape_digits,
    shapes_of,
    unreadable_reason,
)
from lstm_cli.data.times.scan_integers import are_integers, scan_integers
from lstm_cli.data.times.suggested_codes import format_hint, suggest_correction, suggest_formats
from lstm_cli.errors import DataError, UsageError
from lstm_cli.findings import Finding, Location
from lstm_cli.wording import count_noun, quote_value

_WRITE_ISO = "write the times as YYYY-MM-DD or YYYY-MM-DD hh:mm:ss"
_GIVE_CODES = f"say the format, such as {FLAG} '%d.%m.%Y %H:%M'"


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
    if fmt.is_integer:
        return parse_integer(text)
    column = _read_in_codes(text, fmt) or _read_text(text, TimeOptions(like=fmt))
    if column is None:
        raise UsageError(
            f"'{text}' is not a valid time", hint="write it as YYYY-MM-DD or 'YYYY-MM-DD hh:mm:ss'"
        )
    if column.format.has_offset and not fmt.has_offset:
        raise UsageError(
            f"'{text}' has an offset from UTC, but the times of the data have none",
            hint="write the time without an offset",
        )
    shift = 0 if column.format.has_offset else fmt.offset * 60 * SECOND
    return int(column.times[0]) - shift


def parse_instant(text: str) -> int | None:
    """Return the time of an option that has an offset from UTC, in microseconds in UTC; None for another text."""
    column = _read_text(text, INFERRED)
    return int(column.times[0]) if column is not None and column.format.zone else None


def _read_in_codes(text: str, fmt: TimeFormat) -> TimeColumn | None:
    """Return a time that is written as in the file, but without an offset; None if it is written otherwise."""
    if fmt.pattern in ("", *EPOCHS):
        return None
    codes = fmt.pattern.replace(JOINT, " ")
    return _read_text(text, TimeOptions(format=codes + ".%f" * ("%S" in codes and bool(fmt.digits))))


def _read_text(text: str, options: TimeOptions) -> TimeColumn | None:
    one = np.ones(1, dtype=np.int64)
    location = CellLocation(source="", column="")
    try:
        return read_times([scan_times([text], one, location, options)], one, location, options)
    except DataError:
        return None


def time_span(text: str, fmt: TimeFormat) -> str:
    """Return what a time of an option covers: year, quarter, month, week or day; "" for one moment.

    Args:
        text: value of the option, which `parse_time` accepts.
        fmt: format of the file's times.
    """
    text = text.strip()
    shape = shapes_of([text])[0]
    match = None
    if fmt.is_integer:
        return ""
    if _read_in_codes(text, fmt) is not None:
        match = match_shape(shape, fmt.pattern.replace(JOINT, " "))
    match = match or match_shape(shape)
    if match is None:
        return ""
    if match[0] == "digits":
        return {4: "year", 6: "month", 8: "day"}.get(len(text), "")
    groups = {name for name, part in match[1].groupdict().items() if part}
    day = {"d", "j", "u"} | ({"a"} if match[0] in ("day-month", CODES) else set())
    parts = (("", {"H", "s"}), ("day", day), ("week", {"V"}), ("month", {"m", "b"}), ("quarter", {"q"}))
    return next((name for name, marks in parts if groups & marks), "year")


def scan_times(
    cells: Sequence[str], lines: np.ndarray, location: CellLocation, options: TimeOptions = INFERRED
) -> TimePiece:
    """Read a batch of rows [n] of a time column.

    Args:
        cells: text of the cells [n].
        lines: line of each row [n].
        location: the time column, for messages.
        options: how the text is read.

    Raises:
        DataError: a missing time, an invalid time, or times in different formats (with the line).
    """
    cells = [cell.strip() for cell in cells]
    shapes = shapes_of(cells)
    codes = options.codes
    distinct = dict.fromkeys(shapes)
    tail = ""
    if codes is None and any(is_decorated_integer(shape, options.thousands) for shape in distinct):
        tails = {"".join(shape.rpartition(".")[1:]) if "." in shape else "" for shape in distinct}
        tail = tails.pop() if len(tails) == 1 and options.thousands != "." else ""
        cells = [plain_integer(cell, options.thousands) for cell in cells]
        shapes = shapes_of(cells)
        distinct = dict.fromkeys(shapes)
    if options.is_integer or (options.named and codes is None and are_integers(shapes, list(distinct))):
        return replace(scan_integers(cells, shapes, lines, location, options), tail=tail)
    matches = {shape: match_shape(shape, codes) for shape in distinct}
    kinds = {match[0] if match else None for match in matches.values()}
    if len(kinds) != 1 or None in kinds:
        raise _unreadable_cell_error(cells, shapes, lines, location, options)
    kind = str(kinds.pop())
    values = np.empty(len(cells), dtype=np.int64)
    parts = np.empty((len(cells) if kind == "day-month" else 0, PART_COLUMNS), dtype=np.int64)
    late = np.zeros(len(cells), dtype=bool)
    index_of = {shape: index for index, shape in enumerate(matches)}
    indices = np.fromiter(map(index_of.__getitem__, shapes), dtype=np.int64, count=len(cells))
    shape_counts: dict[str, tuple[int, int]] = {}
    offsets: dict[int, None] = {}
    padded: set[str] = set()
    for index, (shape, match) in enumerate(matches.items()):
        rows = np.flatnonzero(indices == index)
        chosen = cells if len(matches) == 1 else [cells[row] for row in rows.tolist()]
        shape_counts[shape] = (int(lines[rows[0]]), len(rows))
        assert match is not None
        fields = shape_digits(chosen, shape, match[1])
        padded |= {name for name in DATE_PARTS & set(fields) if any_zero_padded(fields[name])}
        if kind == "digits":
            refuse_large_numbers(chosen, lines[rows], location)
            values[rows] = digits_to_numbers(fields["all"])
            continue
        us, exists, offset = parse_shape(fields, kind, match[1], codes)
        if not exists.all():
            first = int(np.argmin(exists))
            numbers = {name: int(digits_to_numbers(fields[name])[first]) for name in "YmdH" if name in fields}
            finer = len(match_group(shape, "f", codes) or "") > 6
            raise _no_such_time_error(
                chosen[first], numbers, location.at(int(lines[rows[first]])), cells, finer=finer
            )
        values[rows] = us
        late[rows] = end_of_day(fields)
        if kind == "day-month":
            parts[rows] = day_month_parts(fields, match[1])
        if offset is not None:
            offsets |= dict.fromkeys(offset)
    return TimePiece(
        kind=kind,
        values=values,
        parts=parts,
        shapes=shape_counts,
        offsets=tuple(offsets),
        padded=frozenset(padded),
        next_day=(int(lines[np.argmax(late)]), int(late.sum())) if late.any() else (0, 0),
        tail=tail,
    )


def _common_tail(pieces: Sequence[TimePiece]) -> str:
    """Return the decimals that all whole numbers have, such as .0; "" if some have none or others."""
    tails = {piece.tail for piece in pieces}
    return tails.pop() if len(tails) == 1 else ""


def _no_such_time_error(
    cell: str, numbers: dict[str, int], location: Location, cells: Sequence[str], *, finer: bool
) -> DataError:
    """Return the error for a cell that has the shape of a time, but does not exist.

    numbers: Y, m, d and H; cells: [n] of the column.
    """
    hint = suggest_correction(cells) or "correct the line"
    if numbers.get("m", 1) > 12 and 1 <= numbers.get("d", 0) <= 12:
        hint = f"correct the line. If the day comes before the month, use {FLAG} with %d before %m"
    return DataError(
        f"{_quote(cell)} is a date or time that does not exist{' (or is finer than a microsecond)' * finer}",
        hint=hint,
        rule="D403",
        at=location,
    )


def _quote(cell: str) -> str:
    """Return a cell in quotes; the cells of several columns are separated by a blank."""
    return quote_cell(cell.replace(JOINT, " "))


def read_times(
    pieces: Sequence[TimePiece], lines: np.ndarray, location: CellLocation, options: TimeOptions = INFERRED
) -> TimeColumn:
    """Return the whole time column from its batches.

    Args:
        pieces: batches that `scan_times` read.
        lines: line of each row [R].
        location: the time column, for messages.
        options: how the text is read.

    Raises:
        DataError: different formats, offsets on only some rows, or ambiguous dates (day/month or month/day).
    """
    kind = pieces[0].kind
    order = _unused_order_findings(kind, location, options)
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
        is_padded = any(piece.padded for piece in pieces)
        times, fmt, findings = read_whole_numbers(
            values, shapes, lines, location, options, is_padded=is_padded
        )
        fmt = replace(fmt, tail=_common_tail(pieces))
        return TimeColumn(times=times, format=fmt, findings=(*findings, *order))
    if kind == "epoch":
        digits = max(len(shape.partition(".")[2]) for shape in shapes)
        return TimeColumn(times=values, format=TimeFormat(pattern="epoch-s", digits=digits), findings=order)
    codes = options.codes
    _refuse_mixed_markers(shapes, location, codes)
    if kind == "month":
        refuse_seasons(values, lines, location)
    if kind.startswith("short") and options.like is None:
        refuse_days_as_years(values, lines, location, kind)
    day_first = True
    if kind == "day-month":
        parts = np.concatenate([piece.parts for piece in pieces])
        dotted = all(shape.lstrip("0").startswith(".") for shape in shapes)
        day_first = is_day_first(parts, lines, location, options, dotted=dotted)
        day, month = (parts[:, 0], parts[:, 1]) if day_first else (parts[:, 1], parts[:, 0])
        dates, exists = to_microseconds(parts[:, 2], month, day)
        if not exists.all():
            raise invalid_date_error(parts, ~exists, lines, location)
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
    fmt = column_format(shapes, offsets, padded, day_first, codes)
    if options.narrow_clock:
        fmt = replace(fmt, pattern=narrow_clock(fmt.pattern))
    findings = (
        *_midnight_findings(shapes, location, codes),
        *_next_day_findings([piece.next_day for piece in pieces], location),
        *order,
    )
    return TimeColumn(times=values, format=fmt, findings=findings)


def _unreadable_cell_error(
    cells: Sequence[str],
    shapes: Sequence[str],
    lines: np.ndarray,
    location: CellLocation,
    options: TimeOptions,
) -> DataError:
    first = None
    for cell, shape, line in zip(cells, shapes, lines.tolist(), strict=True):
        where = location.at(line)
        match = match_shape(shape, options.codes)
        if match is None:
            if any(map(is_missing, cell.split(JOINT))):
                hint = "write the time, or delete the line if it is not a data row (units, a total)"
                return DataError("the time is missing", hint=hint, rule="D405", at=where)
            repeated = cell.strip("\ufeff ").replace(JOINT, " + ") == location.column
            wrong_line = _wrong_line_hint(cell, cells, shapes, options)
            if JOINT in cell and not repeated:
                return DataError(
                    f"{_quote(cell)} is not a valid time",
                    hint=wrong_line
                    or f"correct the line, or {_suggestion(cells) or f'say what the columns hold with {FLAG}'}",
                    rule="D406",
                    at=where,
                    flags=("--time", FLAG),
                )
            if options.codes is not None and not repeated:
                return DataError(
                    f"{_quote(cell)} does not match {FLAG} {quote_value(options.codes_text)}",
                    hint=wrong_line or f"correct the line, or {_suggestion(cells) or f'change {FLAG}'}",
                    rule="D412",
                    at=where,
                    flags=(FLAG,),
                )
            why, hint = REPEATED_HEADER if repeated else unreadable_reason(cell, location.column)
            if wrong_line and not why:
                hint = wrong_line
            is_known = hint != "" and "two digits" not in why
            formats = "" if is_known and (why or wrong_line) else _suggestion(cells)
            hint = f"{formats}, or choose another column with --time" if formats else hint
            return DataError(
                f"{_quote(cell)} is not a valid time{why}",
                hint=hint or f"{_GIVE_CODES}, or choose another column with --time",
                rule="D406",
                at=where,
                flags=(FLAG, "--time") if formats or not hint else ("--time",),
            )
        first = first or (match[0], line)
        if match[0] != first[0]:
            return _mixed_formats_error(location, line, first[1])
    raise AssertionError("all cells are of one kind")


def _wrong_line_hint(cell: str, cells: Sequence[str], shapes: Sequence[str], options: TimeOptions) -> str:
    """Return the hint for a cell in a column whose other cells are times; "" if a format for all cells exists.

    cells, shapes: [n] of the column.
    """
    readable = sum(match_shape(shape, options.codes) is not None for shape in shapes)
    if readable * 2 <= len(cells):
        return ""
    if any(reads_in_codes(cell.replace(JOINT, " "), codes) for codes in suggest_formats(_measured(cells))):
        return ""
    return "delete the line if it is not a data row (a title, units, a total). Otherwise correct it"


def _measured(cells: Sequence[str]) -> list[str]:
    """Return the cells [n] that are not missing; a blank separates the cells of several columns."""
    return [cell.replace(JOINT, " ") for cell in cells if not any(map(is_missing, cell.split(JOINT)))]


def _suggestion(cells: Sequence[str]) -> str:
    """Return the hint with the formats that most of the cells [n] fit; "" if there are none."""
    return format_hint(suggest_formats(_measured(cells)))


def _mixed_formats_error(location: CellLocation, line: int, first: int) -> DataError:
    return DataError(
        f"the time and the time in {location.row(first)} have different formats",
        hint=_WRITE_ISO,
        rule="D407",
        at=location.at(line),
    )


def _refuse_mixed_markers(
    shapes: dict[str, tuple[int, int]], location: CellLocation, codes: str | None
) -> None:
    """Raise DataError if only some times have an offset, or only some have AM or PM."""
    clocks = {shape: line for shape, (line, _) in shapes.items() if match_group(shape, "H", codes)}
    lines = {shape: line for shape, (line, _) in shapes.items()}
    for name, marker, candidates in (("zone", "an offset from UTC", lines), ("half", "AM or PM", clocks)):
        marked = [line for shape, line in candidates.items() if match_group(shape, name, codes)]
        unmarked = [line for shape, line in candidates.items() if not match_group(shape, name, codes)]
        if marked and unmarked:
            first, second = sorted((min(marked), min(unmarked)))
            how = "with" if second in marked else "without"
            raise DataError(
                f"the time is written {how} {marker}, unlike the time in {location.row(first)}",
                hint=f"write all times with {marker}, or all times without",
                rule="D407",
                at=location.at(second),
            )


def _midnight_findings(
    shapes: dict[str, tuple[int, int]], location: CellLocation, codes: str | None
) -> tuple[Finding, ...]:
    bare = [entry for shape, entry in shapes.items() if not match_group(shape, "H", codes)]
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


def _next_day_findings(found: Sequence[tuple[int, int]], location: CellLocation) -> tuple[Finding, ...]:
    """Return a finding about times written 24:00. found: first line and count of each batch."""
    count = sum(count for _, count in found)
    if not count:
        return ()
    line = next(line for line, count in found if count)
    return (
        Finding.at(
            location.at(line),
            "D417",
            f"{count_noun(count, 'time')} with the hour 24 {'was' if count == 1 else 'were'} read as 00:00 of the next "
            "day (no option for this; subtract 1 from hours 1 to 24 if they name the hour that begins)",
            count=count,
        ),
    )


def _unused_order_findings(kind: str, location: CellLocation, options: TimeOptions) -> tuple[Finding, ...]:
    """Return a finding if --dayfirst or --monthfirst has no effect. That of a run may have none on new data."""
    if options.day_first is None or options.like is not None or kind == "day-month":
        return ()
    flag = "--dayfirst" if options.day_first else "--monthfirst"
    return (
        Finding.at(
            location.column_text,
            "D418",
            f"{flag} has no effect: no time has a day and a month as numbers before the year (leave out {flag}, or "
            "use --time to choose another column)",
            flags=(flag, "--time"),
        ),
    )
