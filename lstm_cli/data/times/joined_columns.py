"""Times that several columns hold together: a date and a time of day, or year, month, day and hour.

The cells of a row are joined by JOINT to one text. Parts are found by the names of the columns and by their values.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lstm_cli.data.locations import is_missing, quote_name
from lstm_cli.data.times.codes import FLAG
from lstm_cli.data.times.formats import JOINT
from lstm_cli.data.times.integer_times import PLAUSIBLE_YEARS, plain_integer
from lstm_cli.data.times.joined_cells import are_periods, clean_sample, clock_digits_of
from lstm_cli.data.times.names import MONTH_NAME
from lstm_cli.data.times.patterns import is_time, looks_like_time_of_day, text_kind
from lstm_cli.data.times.suggested_codes import suggest_formats
from lstm_cli.errors import DataError
from lstm_cli.findings import in_file
from lstm_cli.wording import quote_value

DAY_MINUTES = 24 * 60
MAX_CELLS = 200  # cells of a column that are compared with the range of a part
# Words in the names of columns. Words of `_SHORT` are parts only if --time names the column.
_WORDS = {
    "Y": {"year", "years", "yr", "yyyy", "jahr", "annee", "année", "año", "ano", "anno"},
    "m": {"month", "months", "mon", "mnth", "monat", "mois", "mes", "mese"},
    "q": {"quarter", "qtr", "quartal"},
    "d": {"day", "days", "mday", "tag", "jour", "dia", "día", "giorno"},
    "j": {"doy", "yday"},
    "V": {"week", "weeks", "isoweek", "kw", "woche", "semaine", "semana", "settimana"},
    "H": {"hour", "hours", "hr", "hrs", "stunde", "heure", "hora", "ora"},
    "M": {"minute", "minutes"},
    "S": {"second", "seconds"},
}
_SHORT = {
    "Y": {"y", "yy"},
    "m": {"m", "mm", "mo", "mth"},
    "q": {"q"},
    "d": {"d", "dd", "dy", "dom"},
    "j": {"j"},
    "V": {"w", "wk", "ww"},
    "H": {"h", "hh", "he", "time", "clock", "uhrzeit"},
    "M": {"min", "mins", "mi", "mn", "minuten"},
    "S": {"s", "ss", "sec", "secs", "sekunde"},
}
_OF = {
    ("day", "year"): "j",
    ("day", "month"): "d",
    ("week", "year"): "V",
    ("hour", "day"): "H",
    ("minute", "hour"): "M",
    ("month", "year"): "m",
}
_RANGES = {
    "Y": PLAUSIBLE_YEARS,
    "m": (1, 12),
    "q": (1, 4),
    "d": (1, 31),
    "j": (1, 366),
    "V": (1, 53),
    "H": (0, 24),
    "M": (0, 59),
    "S": (0, 59),
}
_DATES = ({"Y", "m"}, {"Y", "q"}, {"Y", "V"}, {"Y", "m", "d"}, {"Y", "j"})  # parts that make a date
_CLOCKS = (set[str](), {"H"}, {"H", "M"}, {"H", "M", "S"})


@dataclass(frozen=True, kw_only=True)
class JoinedColumns:
    """Columns that hold a time together."""

    indices: tuple[int, ...]  # in the order in which their cells are joined
    codes: str | None = None  # format of the joined text; None: a date and a time of day in plain forms
    clock_digits: int = 0  # digits of times of day without marks, such as 0130; 0 if they have marks
    is_narrow: bool = False  # such times of day have no leading zeros: 130


def join_columns(
    source: str,
    names: Sequence[str],
    sample: Sequence[Sequence[str]],
    indices: Sequence[int],
    *,
    codes: str | None,
    keep_order: bool,
) -> JoinedColumns:
    """Return how the columns that --time names are joined.

    Args:
        source: name of the file, for messages.
        names: names of all columns.
        sample: first cells [n] of each column.
        indices: columns that --time names, in that order.
        codes: format in codes of strptime for the columns in that order; None finds the parts.
        keep_order: the columns are joined in the order of `indices`, as in the data of a run.

    Raises:
        DataError: the columns do not make a time.
    """
    if codes is not None:
        return JoinedColumns(indices=tuple(indices), codes=codes)
    parts = {index: _part(names[index], sample[index], short=True) for index in indices}
    if set(parts.values()) in [date | clock for date in _DATES for clock in _CLOCKS] and len(
        set(parts.values())
    ) == len(indices):
        ordered = list(indices) if keep_order else sorted(indices)
        return _join_parts(sample, {index: str(parts[index]) for index in ordered})
    _refuse_periods(source, names, sample, indices)
    joined = _join_date_and_clock(sample, indices, parts)
    if joined is None:
        flags = " ".join(f"--time {quote_name(names[index])}" for index in indices)
        rows = zip(*(sample[index][:MAX_CELLS] for index in indices), strict=True)
        texts = [" ".join(map(str.strip, row)) for row in rows if not any(map(is_missing, row))]
        is_split = all(text.count(" ") == len(indices) - 1 for text in texts)
        formats = suggest_formats(texts, [_letters(names[index]) for index in indices] if is_split else ())
        codes_text = quote_value(formats[0]) if formats else "'%Y-%m-%d %H:%M', for example"
        raise DataError(
            f"the columns {', '.join(quote_name(names[index]) for index in indices)} cannot be joined as one "
            "time",
            hint=f"say what they hold, in the order of the flags: {flags} {FLAG} {codes_text}",
            rule="D213",
            at=in_file(source),
            flags=("--time", FLAG),
        )
    return joined


def _refuse_periods(
    source: str, names: Sequence[str], sample: Sequence[Sequence[str]], indices: Sequence[int]
) -> None:
    """Raise DataError if one of two columns numbers the periods of a day, such as 1 to 48."""
    for index in indices if len(indices) == 2 else ():
        cells = clean_sample(sample[index][:MAX_CELLS], is_date=False)
        if are_periods(cells):
            last = max(map(int, cells))
            clock = f"{DAY_MINUTES // last // 60:02d}:{DAY_MINUTES // last % 60:02d}"
            raise DataError(
                f"column {quote_name(names[index])} has numbers of periods (up to {last}), not times of day",
                hint=f"write the time of day, such as 00:00 for 1 and {clock} for 2. If the rows are in order and none "
                f"is missing, --time none --season {last} counts them instead",
                rule="D213",
                at=in_file(source),
                flags=("--time", "--season"),
            )


def find_joined_columns(
    names: Sequence[str], sample: Sequence[Sequence[str]], free: Sequence[int], date: int | None
) -> JoinedColumns | None:
    """Return columns that plainly hold a time together; None if there are none.

    Args:
        names: names of all columns.
        sample: first cells [n] of each column.
        free: columns without another role.
        date: column that reads as times, but holds only a part of them; None if there is no such column.
    """
    if date is not None:
        clocks = [index for index in free if index != date and _is_clock_column(names[index], sample[index])]
        parts = {index: _part(names[index], sample[index], short=False) for index in free if index != date}
        hours = {index: part for index, part in parts.items() if part in ("H", "M", "S")}
        for others in ([clocks[0]] if clocks else [], list(hours)):
            if others:
                joined = _join_date_and_clock(sample, [date, *others], parts)
                if joined is not None:
                    return joined
    found: dict[str, int] = {}
    for index in free:
        part = _part(names[index], sample[index], short=False)
        if part is not None:
            if part in found:
                return None  # two columns of one part are not plain
            found[part] = index

    def fineness(parts: set[str]) -> tuple[int, int]:
        """Return the number of parts, and of their distinct values: weeks of a year are finer than its months."""
        return len(parts), len(set(zip(*(sample[found[part]] for part in parts), strict=True)))

    date_parts = max((parts for parts in _DATES if parts <= set(found)), key=fineness, default=None)
    if date_parts is None:
        return None
    clock = max((parts for parts in _CLOCKS if parts <= set(found)), key=len)
    if "d" not in date_parts and "j" not in date_parts:
        clock = set()
    return _join_parts(
        sample, {found[part]: part for part in sorted(date_parts | clock, key=found.__getitem__)}
    )


def _join_parts(sample: Sequence[Sequence[str]], parts: dict[int, str]) -> JoinedColumns:
    codes = []
    for index, part in parts.items():
        cells = _measured(sample[index])
        named = part == "m" and any(cell[:1].isalpha() for cell in cells)
        prefix = "Q" if part == "q" and any(cell[:1] in "Qq" for cell in cells) else ""
        code = "b" if named else "G" if part == "Y" and "V" in parts.values() else part
        codes.append(f"{prefix}%{code}")
    return JoinedColumns(indices=tuple(parts), codes=JOINT.join(codes))


def _join_date_and_clock(
    sample: Sequence[Sequence[str]], indices: Sequence[int], parts: dict[int, str | None]
) -> JoinedColumns | None:
    """Return a column of dates and the columns of its time of day; None if they are something else."""
    dates = [index for index in indices if _are_dates(sample[index])]
    rest = [index for index in indices if index not in dates]
    if len(dates) != 1:
        return None
    if len(rest) == 1 and _are_clocks(sample[rest[0]]):
        return JoinedColumns(indices=(dates[0], rest[0]))
    clocks = clean_sample(sample[rest[0]][:MAX_CELLS], is_date=False) if len(rest) == 1 else []
    digits = clock_digits_of(clocks)
    if digits:
        is_narrow = any(len(cell) < digits for cell in clocks)
        return JoinedColumns(indices=(dates[0], rest[0]), clock_digits=digits, is_narrow=is_narrow)
    found = {parts[index]: index for index in rest}
    if len(found) == len(rest) and set(found) in _CLOCKS[1:]:
        return JoinedColumns(indices=(dates[0], *(found[part] for part in "HMS" if part in found)))
    return None


def _are_dates(cells: Sequence[str]) -> bool:
    """Return whether at least half of the cells are dates without a time of day."""
    measured = clean_sample(cells[:MAX_CELLS], is_date=True)
    fits = [
        ":" not in cell and (is_time(cell) or (text_kind(cell) == "digits" and len(cell) == 8))
        for cell in measured
    ]
    return bool(measured) and sum(fits) * 2 >= len(measured)


def _are_clocks(cells: Sequence[str]) -> bool:
    measured = clean_sample(cells[:MAX_CELLS], is_date=False)
    return bool(measured) and sum(map(looks_like_time_of_day, measured)) * 2 >= len(measured)


def _is_clock_column(name: str, cells: Sequence[str]) -> bool:
    """Return whether a column without --time holds times of day: by its marks, or by its name and its numbers."""
    named = set(name_words(name)) & (_WORDS["H"] | _SHORT["H"] | {"hhmm", "hhmmss", "hrmn"})
    return _are_clocks(cells) or bool(
        named and clock_digits_of(clean_sample(cells[:MAX_CELLS], is_date=False))
    )


def _part(name: str, cells: Sequence[str], *, short: bool) -> str | None:
    """Return the code of the part of a time that a column holds by its name and values, such as "m"; None if unknown.

    Args:
        name: name of the column.
        cells: first cells of the column.
        short: short names such as `m` are parts too.
    """
    words = name_words(name)
    if "of" in words[1:-1]:
        part = _OF.get((words[words.index("of") - 1], words[words.index("of") + 1]))
        return part if part and _in_range(part, cells) else None
    tables = (_WORDS, _SHORT) if short else (_WORDS,)
    parts = [part for part in _RANGES if any(table[part] & set(words) for table in tables)]
    return next((part for part in parts if _in_range(part, cells)), None) if len(parts) == 1 else None


def _letters(name: str) -> str:
    """Return the codes of the parts that a name such as `#YY` or `mm` may mean; "" for all."""
    words = set(name_words(name))
    parts = [part for part in _RANGES if any(table.get(part, set()) & words for table in (_WORDS, _SHORT))]
    return "".join({"Y": "Yy", "m": "mbM" if "mm" in words else "mb"}.get(part, part) for part in parts)


def name_words(name: str) -> list[str]:
    """Return the words of a name: `day of month` of DayofMonth, dayOfMonth and day_of_month."""
    lower = re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()
    lower = re.sub(r"(minute|hour|day|week|month) ?of(?=[\W_]*(hour|day|month|year))", r"\1 of ", lower)
    return [word for word in re.split(r"[\W\d_]+", lower) if word]


def _in_range(part: str, cells: Sequence[str]) -> bool:
    """Return whether at least half of the cells are values of a part; wrong ones are errors with their line later."""
    measured = _measured(cells)
    return bool(measured) and sum(_is_value(part, cell) for cell in measured) * 2 >= len(measured)


def _is_value(part: str, cell: str) -> bool:
    if part == "m" and re.fullmatch(MONTH_NAME, cell, re.IGNORECASE | re.ASCII):
        return True
    number = plain_integer(cell[1:] if part == "q" and cell[:1] in "Qq" else cell)
    low, high = _RANGES[part]
    return re.fullmatch(r"[0-9]{1,4}", number) is not None and low <= int(number) <= high


def _measured(cells: Sequence[str]) -> list[str]:
    return [cell.strip() for cell in cells[:MAX_CELLS] if not is_missing(cell)]
