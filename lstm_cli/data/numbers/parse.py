"""Parser of text cells into numbers: plain decimals, exponents and missing values. Other cells are errors."""

import re
from collections.abc import Iterable, Sequence
from math import isfinite

import numpy as np

from lstm_cli.data.locations import REPEATED_HEADER, CellLocation, is_missing, quote_cell
from lstm_cli.errors import DataError
from lstm_cli.text import is_number

# With only these characters, float() reads plain decimals and exponents: no words, no 1_000.
_NUMBER_BYTES = b"0123456789+-.eE \t\n\r\v\f"


def read_numbers(cells: Sequence[str], lines: np.ndarray, location: CellLocation) -> np.ndarray:
    """Return cells as float64 [n], with NaN for missing values.

    Args:
        cells: text cells [n].
        lines: line numbers [n].
        location: file and column, for messages.

    Raises:
        DataError: a cell is not a plain, finite number. The error has line, column and value.
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
    """Raise DataError for a number so small that it would be read as 0.

    Args:
        values: parsed numbers [n].
        lines: line numbers [n].
        location: file and column, for messages.
        cells: text cells [n].
    """
    for row in np.flatnonzero(values == 0).tolist():
        digits, _, exponent = cells[row].lower().partition("e")
        if exponent and digits.strip("+-0. "):
            raise DataError(
                f"{quote_cell(cells[row])} is too small for a 64-bit float, so it would be read as 0",
                hint="write 0, or write the column in a smaller unit",
                rule="D301",
                at=location.at(int(lines[row])),
            )


def refuse_infinity(
    values: np.ndarray, lines: np.ndarray, location: CellLocation, cells: Sequence[object] | None = None
) -> None:
    """Raise DataError for the first infinite value.

    Args:
        values: parsed numbers [n].
        lines: line numbers [n].
        location: file and column, for messages.
        cells: cells of the file [n]; None shows the values.
    """
    infinite = np.isinf(values)
    if infinite.any():
        first = int(np.argmax(infinite))
        raise _too_large_error(values[first] if cells is None else cells[first], int(lines[first]), location)


def _parse_plain(cells: Sequence[str]) -> np.ndarray | None:
    """Return the numbers, or None if a cell is not a plain number."""
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
        f"{quote_cell(cell)} is too large for a 64-bit float (max 1.8e308)",
        hint="write a plain number, or leave the cell empty for a missing value",
        rule="D303",
        at=location.at(line),
    )


# Patterns of cells that are not plain numbers, each with a reason and a hint. The first match counts.
_PLAIN = "write only digits and a decimal point, such as 1234.5"
_EMPTY = "leave the cell empty or write NA for a missing value"
_DIGITS = r"[+-]?[\d.,]+"
_WORD = r"(?:[^\W\d_]|[$€£¥₹°µ])+"
_REASONS = tuple(
    (re.compile(pattern, re.IGNORECASE), reason, hint)
    for pattern, reason, hint in (
        (r"(<{7}|={7}|>{7}|\|{7}).*", "merge conflict marker", "resolve the conflict in the file"),
        (r".*[%\uff05\u2030].*", "percent sign", "remove the percent signs from all cells of the column"),
        (r"[+-]?(inf|infinity|∞)", "infinity", _EMPTY),
        (r"-+|\.+|\?+|\*+|…|\\N|missing|unknown|n\. ?[ad]\.|k\. ?a\.", "missing value?", _EMPTY),
        (r"#[A-Z0-9/]+[!?]|-?\d\.#[A-Z]+|nan\(.*\)", "failed computation", _EMPTY),
        (r"\(\s*" + _DIGITS + r"\s*\)|[\d.,]+-", "negative number in accounting style?", "write it as -5"),
        (
            r"[\u2212\u2013\u2014]\s*[\d.,]+",
            "minus sign is another character",
            "write minus signs as '-'",
        ),
        (r"[+-]?\d{1,3}(\.\d{3}){2,}", "thousands separators", _PLAIN),
        (r"[+-]?\d{1,3}([\s'_\u2019]\d{3})+([.,]\d*)?", "thousands separators", _PLAIN),
        (r"[+-]?[\d.]*,[\d.,]*(e[+-]?\d+)?", "decimal comma or thousands separator?", _PLAIN),
        (r"0x[\da-f]+", "hexadecimal", _PLAIN),
        (
            rf"{_DIGITS}\s*{_WORD}(?!.*\d[:/-]\d).*|{_WORD}\.?\s*{_DIGITS}",
            "a unit?",
            "remove the unit from all cells of the column",
        ),
        (
            r"\D+",
            "",
            "delete the line if it is not a row of data. For a missing value, leave the cell empty or write NA",
        ),
    )
)
_NUMBERLIKE = re.compile(
    r"\(?[+\u2212\u2013\u2014-]?\s*[$€£¥₹]?\s*[+\u2212-]?\d[\d.,'_\u2019\s]*(e[+-]?\d+)?"
    rf"\s*(?:[%\uff05\u2030]|{_WORD}(?:/{_WORD})?)?\.?\)?-?",
    re.IGNORECASE,
)


def is_numberlike(cell: str) -> bool:
    """Return whether a cell may be a number with thousands separators, a decimal comma, a unit or other signs."""
    return _NUMBERLIKE.fullmatch(cell.strip()[:200]) is not None


def _reason_and_hint(cell: str, location: CellLocation) -> tuple[str, str]:
    """Return the likely reason that a cell is not a number, as the end of a message, and a hint."""
    if cell == location.column:
        return REPEATED_HEADER
    for pattern, reason, hint in _REASONS:
        if pattern.fullmatch(cell[:200]):
            return f" ({reason})" if reason else "", hint
    return "", "correct the cell. For a missing value, leave it empty or write NA"
