"""Formats in codes of strptime that fit the cells of a column, for the hints of errors."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from lstm_cli.data.times.codes import FLAG
from lstm_cli.data.times.integer_times import MIN_LATE_WEEKS
from lstm_cli.data.times.names import MONTH_NAME, WEEKDAY_NAME
from lstm_cli.data.times.patterns import HALF_YEAR, match_shape, parse_shape, shape_digits, shapes_of
from lstm_cli.errors import UsageError
from lstm_cli.wording import quote_value

MAX_SUGGESTED = 2
MIN_QUARTERS = 4  # rows that show no number but 1 to 4 before they may be quarters
_CHECKED_CELLS = 40  # cells, spread over those given, that a format is checked with
_MAX_TRIED = 400  # formats that are tried
_TOKEN = re.compile(
    r"(?P<zone>(?<=:[0-9]{2})(?: ?UTC|[Zz]| ?[+-][0-9]{2}:?[0-9]{2})$)|(?P<word>[A-Za-z]+)|(?P<number>[0-9]+)|."
)
_WORDS = (("b", MONTH_NAME), ("a", WEEKDAY_NAME), ("p", "am|pm"))
# Codes of a number by its digits, the most usual ones first.
_NUMBERS = {
    1: ("d", "m", "H", "M", "S"),
    2: ("d", "m", "y", "H", "M", "S"),
    3: ("j", "f"),
    4: ("Y", "HM"),
    6: ("ymd", "dmy", "mdy", "HMS", "Ym", "f"),
    7: ("Yj",),
    8: ("Ymd", "dmY", "mdY"),
    10: ("YmdH",),
    12: ("YmdHM",),
    14: ("YmdHMS",),
}
_RARE = re.compile(r"%y[/.]|%Y\W?%d\W?%m|%[dm]\W?%y\W?%[dm]")  # orders that files hardly have
_CLOCK_FIRST = re.compile("%[HI].*%[dmbyYj]")  # rare too
_OF_CLOCKS = re.compile("%[dmbyYj]:%[dmbyYj]")  # colons are marks of clocks only
# Words next to the number of a quarter or week, and the codes of that number and of its year (by its digits).
_LABELS = (
    ("q", "[1-4]", "q|t|qtr|quarter|quartal|trim|trimestre", {4: "Y", 2: "y"}),
    ("V", "[0-5]?[0-9]", "w|wk|kw|cw|week|woche|semaine|sem", {4: "G"}),
)
# Numbers of a year without a word, in both orders.
_PARTS_OF_YEAR = (
    re.compile(r"(?P<year>[0-9]{4})(?P<mark>[-/.: ])(?P<part>[0-9]{1,2})"),
    re.compile(r"(?P<part>[0-9]{1,2})(?P<mark>[-/.: ])(?P<year>[0-9]{4})"),
)
_MONTHS, _WEEKS = 12, 53
_MIN_FITTING = 0.9  # share of cells that fit a format for parts of a year
_BEFORE = {"M": "H", "S": "M", "f": "S"}  # a clock has its parts in order


def format_hint(formats: Sequence[str]) -> str:
    """Return the hint that names formats: `use --time-format '%d/%m/%y' or '%m/%d/%y'`; "" without formats."""
    return f"use {FLAG} {' or '.join(map(_quote, formats))}" if formats else ""


def _quote(codes: str) -> str:
    return quote_value(codes)


def suggest_formats(cells: Sequence[str], allowed: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the formats that most of the cells fit, at most MAX_SUGGESTED.

    Args:
        cells: cells [n] without missing ones; a blank separates the cells of several columns.
        allowed: codes that the name of each column allows, "" for all; () for one column.
    """
    if not cells:
        return ()
    chosen = _spread(cells)
    longest = max(chosen, key=len)
    if not allowed:
        if sum(map(bool, map(HALF_YEAR.fullmatch, chosen))) * 2 >= len(chosen):
            return ()  # no code means a half-year
        special = _labelled_format(chosen) or suggest_week_format(cells)
        if special:
            return (special,)
        quarters = _quarter_format(cells)
        if quarters:
            return quarters, quarters.replace("%q", "%m")
    counts: dict[str, int] = {}
    for codes in islice(_formats(longest, allowed), _MAX_TRIED):
        if _OF_CLOCKS.search(codes):
            continue
        counts.setdefault(codes, _fitting(chosen, codes))
    best = max(counts.values(), default=0)
    if best * 2 < len(chosen) or not best:
        return ()
    formats = [codes for codes, count in counts.items() if count == best]
    usual = [codes for codes in formats if not (_RARE.search(codes) or _CLOCK_FIRST.search(codes))]
    return tuple(usual or formats)[:MAX_SUGGESTED]


def _spread(cells: Sequence[str]) -> list[str]:
    """Return at most `_CHECKED_CELLS` of the cells, spread over all of them."""
    return [cells[index] for index in np.unique(np.linspace(0, len(cells) - 1, _CHECKED_CELLS).astype(int))]


def _labelled_format(cells: Sequence[str]) -> str:
    """Return the format of quarters or weeks with a word, such as `1Q2000` or `KW 01/2022`; "" for other cells."""
    for cell in (min(cells, key=len), max(cells, key=len)):  # one of them is no title or total
        for code, number, words, years in _LABELS:
            word, part = rf"(?:{words})\.?[- ]?", f"(?P<part>{number})"
            year = r"(?P<year>[0-9]{4}|[0-9]{2})"
            for pattern in (
                rf"{word}{part}\W{{1,2}}{year}",
                rf"{year}\W?{word}{part}",
                rf"{part}\W?{word}{year}",
            ):
                match = re.fullmatch(pattern, cell, re.IGNORECASE | re.ASCII)
                if match is None or len(match["year"]) not in years:
                    continue
                spans = [(match.span("part"), code), (match.span("year"), years[len(match["year"])])]
                codes, end = "", 0
                for (start, stop), letter in sorted(spans):
                    codes += cell[end:start] + f"%{letter}"
                    end = stop
                codes += cell[end:]
                if _fitting(cells, codes) >= _MIN_FITTING * len(cells):
                    return codes
    return ""


def suggest_week_format(cells: Sequence[str]) -> str:
    """Return the format of weeks without a word, such as `13/2022` or `2022-13`; "" if the cells are no weeks."""
    parts, codes = _parts_of_year(cells, "%V", "%G")
    late = sum(part > _MONTHS for part in parts) >= MIN_LATE_WEEKS * len(parts)
    return codes if parts and late and max(parts) <= _WEEKS else ""


def _quarter_format(cells: Sequence[str]) -> str:
    """Return the format of quarters without a word, such as `2000-1`, if only the numbers 1 to 4 occur; else ""."""
    parts, codes = _parts_of_year(cells, "%q", "%Y")
    return codes if set(parts) == {1, 2, 3, 4} and len(parts) > MIN_QUARTERS else ""


def _parts_of_year(cells: Sequence[str], part: str, year: str) -> tuple[list[int], str]:
    """Return the numbers next to the years of the cells, and the format that most cells fit; [] and "" for others.

    Args:
        cells: cells of a column.
        part: code of the numbers.
        year: code of the years.
    """
    chosen = _spread(cells)
    for pattern in _PARTS_OF_YEAR:
        found = [match for match in map(pattern.fullmatch, cells) if match]
        if len(found) < max(1, _MIN_FITTING * len(cells)):
            continue
        order = (year, part) if pattern is _PARTS_OF_YEAR[0] else (part, year)
        codes = found[0]["mark"].join(order)
        if _fitting(chosen, codes) >= _MIN_FITTING * len(chosen):
            return [int(match["part"]) for match in found], codes
    return [], ""


def suggest_correction(cells: Sequence[str]) -> str:
    """Return the hint for months that do not exist, if the cells [n] are weeks or spans of two years; else ""."""
    cells = [cell for cell in cells if cell]
    weeks = suggest_week_format(cells) if cells else ""
    if weeks:
        return f"{format_hint([weeks])} if the numbers are weeks, or correct the line"
    spans = [re.fullmatch(r"([0-9]{4})[-/]([0-9]{2})", cell) for cell in _spread(cells)] if cells else []
    pairs = [(int(span[1]), int(span[2])) for span in spans if span]
    if pairs and sum((first + 1) % 100 == second for first, second in pairs) > len(spans) / 2:
        return (
            f"if these are spans of two years, write one year for each, such as {pairs[0][0]}. "
            "Otherwise correct the line"
        )
    return ""


def _formats(cell: str, allowed: Sequence[str]) -> Iterator[str]:
    """Yield the formats that a cell may have, without a check of their numbers."""
    tokens = list(_TOKEN.finditer(cell))
    half = bool(re.search(r"[AaPp][Mm]\b", cell))

    def extend(index: int, codes: str, used: str) -> Iterator[str]:
        if index == len(tokens):
            yield codes.replace("%H", "%I") if half else codes
            return
        token = tokens[index]
        column = cell.count(" ", 0, token.start())
        letters = allowed[column] if column < len(allowed) else ""
        for choice in _choices(token):
            if choice.startswith("%"):
                new = choice.replace("%", "")
                if not _follows(used, new) or (letters and not set(new) <= set(letters)):
                    continue
                yield from extend(index + 1, codes + choice, used + new)
            else:
                yield from extend(index + 1, codes + choice, used)

    yield from extend(0, "", "")


def _follows(used: str, new: str) -> bool:
    """Return whether codes may follow those used: each once, a clock in its order, and no date around a clock."""
    for letter in new:
        if letter in used or _BEFORE.get(letter, used[-1:]) != used[-1:]:
            return False
        if letter in "dmyj" and used.find("H") > 0:
            return False
        used += letter
    return True


def _choices(token: re.Match[str]) -> Iterator[str]:
    """Yield the codes, or the text, that a token of a cell may be in a format."""
    if token["zone"]:
        yield "%z"
    elif token["number"]:
        for letters in _NUMBERS.get(len(token[0]), ("f",)):
            yield "".join(f"%{letter}" for letter in letters)
    else:
        code = next(
            (
                code
                for code, names in _WORDS
                if token["word"] and re.fullmatch(names, token[0], re.IGNORECASE)
            ),
            "",
        )
        yield f"%{code}" if code else token[0].replace("%", "%%")


def _fitting(cells: Sequence[str], codes: str) -> int:
    """Return how many cells are times in a format."""
    count = 0
    for cell, shape in zip(cells, shapes_of(cells), strict=True):
        try:
            match = match_shape(shape, codes)
        except UsageError:  # the codes do not make a time
            return 0
        if match is not None:
            fields = shape_digits([cell], shape, match[1])
            count += int(parse_shape(fields, match[0], match[1], codes)[1].all())
    return count
