"""Parser of text cells into numbers: decimals, exponents and missing values. Other cells are errors."""

from collections.abc import Sequence

import numpy as np

from lstm_cli.data.locations import CellLocation, quote_cell
from lstm_cli.data.numbers.format import PLAIN_NUMBERS, NumberFormat
from lstm_cli.data.numbers.hints import not_a_number_error, too_large_error
from lstm_cli.data.numbers.units import ColumnUnit
from lstm_cli.errors import DataError

# With only these characters, float() reads plain decimals and exponents: no words, no 1_000.
_NUMBER_BYTES = b"0123456789+-.eE \t\n\r\v\f"


def read_numbers(
    cells: Sequence[str],
    lines: np.ndarray,
    location: CellLocation,
    number_format: NumberFormat = PLAIN_NUMBERS,
    unit: ColumnUnit | None = None,
) -> np.ndarray:
    """Return cells as float64 [n], with NaN for missing values.

    Args:
        cells: text cells [n].
        lines: line numbers [n].
        location: file and column, for messages.
        number_format: format of the numbers.
        unit: unit of the column's numbers so far; None does not compare the units.

    Raises:
        DataError: a cell is not a finite number of the format, or it has another unit. The error has line, column and
            value.
    """
    texts = cells
    if not number_format.has_plain_numbers:
        texts = _plain_texts(cells, lines, location, number_format, unit)
    values = _parse_plain(texts)
    if values is None:
        measured = [index for index, text in enumerate(texts) if not number_format.is_missing_text(text)]
        numbers = _parse_plain([texts[index].strip() for index in measured])
        if numbers is None:
            raise not_a_number_error(cells, lines, location, number_format)
        values = np.full(len(cells), np.nan)
        values[measured] = numbers
    refuse_infinity(values, lines, location, cells)
    refuse_underflow(values, lines, location, texts)
    return codes_to_missing(values, number_format)


def codes_to_missing(values: np.ndarray, number_format: NumberFormat, *, stored: bool = False) -> np.ndarray:
    """Return numbers with NaN for those that are codes for a missing value.

    Args:
        values: numbers [n].
        number_format: format with the codes.
        stored: the numbers are those of a typed column, where inf and -inf can be codes. In text, 1e999 is not inf.
    """
    numbers = number_format.na_stored_numbers if stored else number_format.na_numbers
    if not numbers:
        return values
    codes = np.array(numbers).astype(values.dtype)  # 32-bit floats hold -99.9 rounded
    return np.where(np.isin(values, codes), np.nan, values)


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
        raise too_large_error(values[first] if cells is None else cells[first], int(lines[first]), location)


def _plain_texts(
    cells: Sequence[str],
    lines: np.ndarray,
    location: CellLocation,
    number_format: NumberFormat,
    unit: ColumnUnit | None,
) -> list[str]:
    """Return the cells [n] as plain decimals, "" for a missing value. Raise DataError as `read_numbers` does."""
    measured = [row for row, cell in enumerate(cells) if not number_format.is_missing_text(cell)]
    chosen = [cells[row] for row in measured]
    same = number_format.split_all(chosen)
    if same is not None:
        numbers, units = same[0], [same[1]] * len(chosen)
    else:
        parts = [part for part in map(number_format.split, chosen) if part is not None]
        if len(parts) < len(chosen):
            raise not_a_number_error(cells, lines, location, number_format)
        numbers, units = [part[0] for part in parts], [part[1] for part in parts]
    if unit is not None and number_format.units:
        compared = _units_to_compare(numbers, units, number_format)
        unit.require_same(compared, numbers, chosen, lines[measured], location)
    texts = [""] * len(cells)
    for row, number in zip(measured, numbers, strict=True):
        texts[row] = number
    return texts


def _units_to_compare(
    numbers: Sequence[str], units: Sequence[str], number_format: NumberFormat
) -> Sequence[str | None]:
    """Return the unit of each number; None for a number that is a code for a missing value."""
    codes = number_format.na_numbers
    if not codes:
        return units
    return [None if float(number) in codes else unit for number, unit in zip(numbers, units, strict=True)]


def _parse_plain(cells: Sequence[str]) -> np.ndarray | None:
    """Return the numbers, or None if a cell is not a plain number."""
    try:
        if "\n".join(cells).encode("ascii").translate(None, _NUMBER_BYTES):
            return None
        return np.fromiter(map(float, cells), dtype=np.float64, count=len(cells))
    except ValueError:  # also UnicodeEncodeError
        return None
