"""Cells of several time columns as one text for each row.

Programs write parts of a time in odd ways: 2021.0, a date with the clock at midnight, a clock with the day on which
a spreadsheet counts from, and 100 for 01:00. Joined cells have none of these.
"""

import re
from collections.abc import Callable, Sequence

from lstm_cli.data.locations import is_missing
from lstm_cli.data.times.codes import TimeOptions
from lstm_cli.data.times.formats import JOINT
from lstm_cli.data.times.integer_times import plain_integer

CLOCK_DIGITS = (4, 6)  # of a time of day without marks: hhmm and hhmmss
_AT_MIDNIGHT = re.compile(r"(.*[0-9])[Tt ]0?0:00(:00(\.0+)?)?")
_FIRST_DAYS = re.compile(
    r"(?:1899-12-3[01]|1900-0?1-0?[01]|1970-01-01)[Tt ]([0-9:.]+)"
)  # days 0 and 1 of programs
_NUMBERS = re.compile(r"(?:%[YymdHMS]){2,}")  # codes of numbers with nothing between them


def join_cells(columns: Sequence[Sequence[str]], options: TimeOptions) -> list[str]:
    """Return the cells [n] of several columns as one text for each row; a missing cell becomes `-`.

    Args:
        columns: cells [n] of each column.
        options: how the times are read.
    """
    codes = options.codes
    pieces = split_codes(codes, len(columns)) if codes else None
    texts = []
    for index, column in enumerate(columns):
        piece = None if codes is None else pieces[index] if pieces else codes
        clean = _cleaner(piece, is_date=index == 0, clock_digits=options.clock_digits)
        cleaned = {cell: "-" if is_missing(cell) else clean(cell.strip()) for cell in dict.fromkeys(column)}
        texts.append(list(map(cleaned.__getitem__, column)))
    return list(map(JOINT.join, zip(*texts, strict=True)))


def split_codes(codes: str, count: int) -> list[str] | None:
    """Return the codes of each of `count` columns; None if the format does not show where a column ends."""
    pieces = codes.split(JOINT) if JOINT in codes else codes.split()
    return pieces if len(pieces) == count else None


def _cleaner(piece: str | None, *, is_date: bool, clock_digits: int) -> Callable[[str], str]:
    """Return the function that cleans a cell of one column.

    Args:
        piece: codes of the column; None for a date or a time of day in a plain form.
        is_date: the column holds the date.
        clock_digits: digits of times of day without marks; 0 if they have marks.
    """
    if piece is not None:
        width = sum(4 if code == "%Y" else 2 for code in re.findall("%[A-Za-z]", piece))
        width = width if _NUMBERS.fullmatch(piece) else 0
        return (lambda cell: cell) if "." in piece else lambda cell: plain_integer(cell).zfill(width)
    if is_date:
        return without_midnight
    return lambda cell: _zero_filled(_FIRST_DAYS.sub(r"\1", plain_integer(cell)), clock_digits)


def without_midnight(cell: str) -> str:
    """Return a date such as 2021-01-30 00:00:00 without its time of day, and 20210130.0 without its decimals."""
    return _AT_MIDNIGHT.sub(r"\1", plain_integer(cell))


def _zero_filled(cell: str, width: int) -> str:
    return cell.zfill(width) if cell.isdigit() else cell


def clean_sample(cells: Sequence[str], *, is_date: bool) -> list[str]:
    """Return the first cells of a column as `join_cells` has them in a plain form, without missing cells."""
    clean = _cleaner(None, is_date=is_date, clock_digits=0)
    return [clean(cell.strip()) for cell in cells if not is_missing(cell)]


def are_periods(cells: Sequence[str]) -> bool:
    """Return whether cells [n] number the periods of a day, such as 1 to 48, and are no hours or times of day."""
    if not cells or not all(cell.isascii() and cell.isdigit() for cell in cells):
        return False
    numbers = set(map(int, cells))
    longest, shortest = max(map(len, cells)), min(map(len, cells))
    is_padded = longest == shortest and longest in CLOCK_DIGITS
    return (
        not is_padded
        and min(numbers) <= 1
        and max(numbers) > 24
        and len(numbers) > max(numbers) - min(numbers)
    )


def clock_digits_of(cells: Sequence[str]) -> int:
    """Return the digits of times of day without marks: 4 for 0130 and 130, 6 for 013000; 0 for other cells.

    Numbers up to 24 without leading zeros are hours.
    """
    if not cells or not all(cell.isascii() and cell.isdigit() for cell in cells):
        return 0
    if are_periods(cells):
        return 0
    longest, shortest = max(map(len, cells)), min(map(len, cells))
    for width in CLOCK_DIGITS:
        if longest <= width and (shortest == width or max(map(int, cells)) > 24):
            pairs = ((cell.zfill(width)[at : at + 2] for at in range(0, width, 2)) for cell in cells)
            wrong = sum(any(map(int.__gt__, map(int, pair), (24, 59, 59))) for pair in pairs)
            return width if wrong * 2 < len(cells) else 0
    return 0
