"""Formats in codes of strptime that fit the cells of a column, for the hints of errors."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from lstm_cli.data.times.codes import FLAG
from lstm_cli.data.times.names import MONTH_NAME, WEEKDAY_NAME
from lstm_cli.data.times.patterns import match_shape, parse_shape, shape_digits, shapes_of
from lstm_cli.errors import UsageError

MAX_SUGGESTED = 2
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
_OF_CLOCKS = re.compile("%[dmbyYj]:%[dmbyYj]")  # colons are marks of clocks only
_BEFORE = {"M": "H", "S": "M", "f": "S"}  # a clock has its parts in order


def format_hint(formats: Sequence[str]) -> str:
    """Return the hint that names formats: `use --time-format '%d/%m/%y' or '%m/%d/%y'`; "" without formats."""
    return f"use {FLAG} {' or '.join(map(_quote, formats))}" if formats else ""


def _quote(codes: str) -> str:
    return f"'{codes}'"


def suggest_formats(cells: Sequence[str], allowed: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the formats that most of the cells fit, at most MAX_SUGGESTED.

    Args:
        cells: cells [n] without missing ones; a blank separates the cells of several columns.
        allowed: codes that the name of each column allows, "" for all; () for one column.
    """
    if not cells:
        return ()
    chosen = [cells[index] for index in np.unique(np.linspace(0, len(cells) - 1, _CHECKED_CELLS).astype(int))]
    longest = max(chosen, key=len)
    counts: dict[str, int] = {}
    for codes in islice(_formats(longest, allowed), _MAX_TRIED):
        if _OF_CLOCKS.search(codes):
            continue
        counts.setdefault(codes, _fitting(chosen, codes))
    best = max(counts.values(), default=0)
    if best * 2 < len(chosen) or not best:
        return ()
    formats = [codes for codes, count in counts.items() if count == best]
    usual = [codes for codes in formats if _RARE.search(codes) is None]
    return tuple(usual or formats)[:MAX_SUGGESTED]


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
