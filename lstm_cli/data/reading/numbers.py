"""Text cell to number: plain decimals and exponents; what counts as missing; everything else is an error."""

import re
from collections.abc import Iterable, Sequence
from math import isfinite

import numpy as np

from lstm_cli.data.locations import REPEATED_HEADER, CellLocation, is_missing, quote_cell
from lstm_cli.errors import DataError
from lstm_cli.text import is_number

# Within these characters float() reads plain decimals and exponents and nothing else: no words, no 1_000.
_NUMBER_BYTES = b"0123456789+-.eE \t\n\r\v\f"


def read_numbers(cells: Sequence[str], lines: np.ndarray, location: CellLocation) -> np.ndarray:
    """Cells [n] as float64 [n], NaN where missing. lines: [n] line numbers.

    Raises DataError with line, column and value for anything that is no plain, finite number.
    """
    values = _parse_plain(cells)
    if values is None:
        measured = [index for index, cell in enumerate(cells) if not is_missing(cell)]
        numbers = _parse_plain([cells[index].strip() for index in measured])
        if numbers is None:
            raise _not_a_number_error(cells, lines, location)
        values = np.full(len(cells), np.nan)
        values[measured] = numbers
    refuse_infinity(values, lines, location, cells)
    refuse_underflow(values, lines, location, cells)
    return values


def refuse_underflow(
    values: np.ndarray, lines: np.ndarray, location: CellLocation, cells: Sequence[str]
) -> None:
    """Raises DataError for a number so small that it would be read as 0."""
    for row in np.flatnonzero(values == 0).tolist():
        digits, _, exponent = cells[row].lower().partition("e")
        if exponent and digits.strip("+-0. "):
            raise DataError(
                f"{quote_cell(cells[row])} is smaller than the numbers that can be held, and would be read as 0",
                hint="write 0, or the column in a smaller unit",
                rule="D301",
                at=location.at(int(lines[row])),
            )


def refuse_infinity(
    values: np.ndarray, lines: np.ndarray, location: CellLocation, cells: Sequence[object] | None = None
) -> None:
    """Raises DataError for the first infinity in values [n]; `cells` [n] is what the file says."""
    infinite = np.isinf(values)
    if infinite.any():
        first = int(np.argmax(infinite))
        raise _too_large_error(values[first] if cells is None else cells[first], int(lines[first]), location)


def _parse_plain(cells: Sequence[str]) -> np.ndarray | None:
    """The numbers, where every cell is plain; None where any is not."""
    try:
        if "\n".join(cells).encode("ascii").translate(None, _NUMBER_BYTES):
            return None
        return np.fromiter(map(float, cells), dtype=np.float64, count=len(cells))
    except ValueError:  # also UnicodeEncodeError
        return None


def _not_a_number_error(cells: Iterable[str], lines: np.ndarray, location: CellLocation) -> DataError:
    pairs = zip(cells, lines, strict=True)
    cell, line = next(pair for pair in pairs if not is_missing(pair[0]) and not _is_finite(pair[0]))
    if is_number(cell):
        return _too_large_error(cell, int(line), location)
    reason, hint = _reason_and_hint(cell.strip(), location)
    return DataError(
        f"{quote_cell(cell)} is not a plain number{reason}", hint=hint, rule="D302", at=location.at(int(line))
    )


def _is_finite(cell: str) -> bool:
    return is_number(cell) and isfinite(float(cell))


def _too_large_error(cell: object, line: int, location: CellLocation) -> DataError:
    return DataError(
        f"{quote_cell(cell)} is beyond the numbers that can be held (1.8e308)",
        hint="write a plain number, or leave the cell empty where nothing was measured",
        rule="D303",
        at=location.at(line),
    )


# What cells look like that are no plain numbers, what is said of them, and how to mend them; the first fit counts.
_PLAIN = "write numbers with a decimal point and nothing else, such as 1234.5"
_EMPTY = "leave the cell empty, or write NA, where nothing was measured"
_DIGITS = r"[+-]?[\d.,]+"
_WORD = r"(?:[^\W\d_]|[$€£¥₹°µ])+"
_REASONS = tuple(
    (re.compile(pattern, re.IGNORECASE), said, hint)
    for pattern, said, hint in (
        (r"(<{7}|={7}|>{7}|\|{7}).*", "a mark of a merge conflict", "settle the conflict in the file"),
        (r".*[%\uff05\u2030].*", "percent sign", "take the percent signs off, from every cell of the column"),
        (r"[+-]?(inf|infinity|∞)", "infinity", _EMPTY),
        (r"-+|\.+|\?+|\*+|…|\\N|missing|unknown|n\. ?[ad]\.|k\. ?a\.", "a mark for no value?", _EMPTY),
        (r"#[A-Z0-9/]+[!?]|-?\d\.#[A-Z]+|nan\(.*\)", "a failed computation", _EMPTY),
        (r"\(\s*" + _DIGITS + r"\s*\)|[\d.,]+-", "a negative number of accounting?", "write it as -5"),
        (
            r"[\u2212\u2013\u2014]\s*[\d.,]+",
            "its minus sign is another character",
            "write minus signs as '-'",
        ),
        (r"[+-]?\d{1,3}(\.\d{3}){2,}", "divided thousands", _PLAIN),
        (r"[+-]?\d{1,3}([\s'_\u2019]\d{3})+([.,]\d*)?", "divided thousands", _PLAIN),
        (r"[+-]?[\d.]*,[\d.,]*(e[+-]?\d+)?", "is the comma a decimal comma or between thousands?", _PLAIN),
        (r"0x[\da-f]+", "hexadecimal", _PLAIN),
        (
            rf"{_DIGITS}\s*{_WORD}(?!.*\d[:/-]\d).*|{_WORD}\.?\s*{_DIGITS}",
            "a unit?",
            "take the unit off, from every cell of the column",
        ),
        (r"\D+", "", "delete the line if it is no row of data; a cell without a value is empty or NA"),
    )
)
_NUMBERLIKE = re.compile(
    r"\(?[+\u2212\u2013\u2014-]?\s*[$€£¥₹]?\s*[+\u2212-]?\d[\d.,'_\u2019\s]*(e[+-]?\d+)?"
    rf"\s*(?:[%\uff05\u2030]|{_WORD}(?:/{_WORD})?)?\.?\)?-?",
    re.IGNORECASE,
)


def is_numberlike(cell: str) -> bool:
    """Whether a cell may be meant as a number: with divided thousands, a decimal comma, a unit, other signs."""
    return _NUMBERLIKE.fullmatch(cell.strip()[:200]) is not None


def _reason_and_hint(cell: str, location: CellLocation) -> tuple[str, str]:
    """What seems to keep a cell from being a number, for the end of a message, and the hint that mends it."""
    if cell == location.column:
        return REPEATED_HEADER
    for pattern, said, hint in _REASONS:
        if pattern.fullmatch(cell[:200]):
            return f" ({said})" if said else "", hint
    return "", "mend the cell; one without a value is empty or NA"
