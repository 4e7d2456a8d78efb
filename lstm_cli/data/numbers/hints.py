"""Errors for cells that are not numbers: the likely reason, and the option that reads such cells."""

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import isfinite

import numpy as np

from lstm_cli.data.locations import REPEATED_HEADER, CellLocation, quote_cell
from lstm_cli.data.numbers.format import NumberFormat, quote_mark
from lstm_cli.errors import DataError
from lstm_cli.wording import is_number

# Formats of numbers with units, the most usual one first.
_UNIT_FORMATS = tuple(
    NumberFormat(decimal=decimal, thousands=thousands, units=True)
    for decimal, thousands in ((".", ","), (",", "."), (".", " "), (",", " "), (".", "'"), (",", "'"))
)
_MAX_CHARS = 200  # characters of a cell that are compared with the patterns
_MAX_MARK_CHARS = 20  # a longer text that does not repeat is rarely a mark
_MAX_CELLS = 1_000  # cells that show whether a column is text
_PLAIN = "write only digits and a decimal point, such as 1234.5"
_DIGITS = r"[+-]?[\d.,]+"
_WORD = r"(?:[^\W\d_]|[$€£¥₹°µ])+"
_UNITS = "use --units to read numbers with {}, or remove {} from all cells of the column"


def na_value_flag(text: str) -> str:
    """Return the option that makes a text a code for a missing value, quoted for a shell.

    >>> na_value_flag("?"), na_value_flag("-200")
    ("--na-value '?'", '--na-value=-200')
    """
    quoted = shlex.quote(text)
    return f"--na-value={quoted}" if text.startswith("-") else f"--na-value {quoted}"


def _missing_hint(cell: str) -> str:
    return f"use {na_value_flag(cell)} if it is a missing value. Otherwise leave the cell empty or write NA"


# Numbers with other marks than a decimal point, each with the options that read them.
_MARKS = tuple(
    (re.compile(pattern), flags)
    for pattern, flags in (
        (r"[+-]?\d{1,3}(,\d{3})+\.\d*|[+-]?\d{1,3}(,\d{3}){2,}", "use --thousands ,"),
        (r"[+-]?\d{1,2}(,\d{2})+,\d{3}(\.\d*)?", "use --thousands ,"),
        (r"[+-]?\d{1,3}(\.\d{3})+,\d*|[+-]?\d{1,3}(\.\d{3}){2,}", "use --decimal , --thousands ."),
        (
            r"[+-]?\d{1,3},\d{3}",
            "use --thousands , if the comma separates thousands, or --decimal , if it is a decimal comma",
        ),
        (r"[+-]?(?=,?\d)\d*,\d*(e[+-]?\d+)?", "use --decimal ,"),
        (r"[+-]?\d{1,3}(\s\d{3})+(\.\d*)?", "use --thousands ' '"),
        (r"[+-]?\d{1,3}(\s\d{3})+,\d*", "use --decimal , --thousands ' '"),
        (r"[+-]?\d{1,3}(['\u2019]\d{3})+(\.\d*)?", f"use --thousands {quote_mark(chr(39))}"),
        (r"[+-]?\d{1,3}(['\u2019]\d{3})+,\d*", f"use --decimal , --thousands {quote_mark(chr(39))}"),
        (r"[+-]?\d{1,3}(_\d{3})+(\.\d*)?", "use --thousands _"),
    )
)


def marks_hint(cell: str) -> str:
    """Return the options that read a number with other marks, as a hint; "" if there are none."""
    return next((flags for pattern, flags in _MARKS if pattern.fullmatch(cell.strip()[:_MAX_CHARS])), "")


def format_hint(cell: str, cells: Sequence[str]) -> str:
    """Return the options that read a number with other marks or with a unit, as a hint; "" if there are none.

    cells: first cells of the column, which show the marks of its numbers.
    """
    flags = unit_flags(cell, cells)
    return marks_hint(cell) or (f"use {flags} to read numbers with units" if flags else "")


def unit_flags(cell: str, cells: Sequence[str]) -> str:
    """Return the options that read a number with a unit and most of the other cells; "" if there are none.

    >>> unit_flags("$1.5", ["$1.5"]), unit_flags("1.250 €", ["1.250 €", "1.250,5 €"])
    ('--units', '--units --decimal , --thousands .')
    """
    text = cell.strip()
    formats = [form for form in _UNIT_FORMATS if form.split(text) is not None]
    if not formats:
        return ""
    first = cells[:_MAX_CELLS]
    counts = [sum(form.split(other) is not None for other in first) for form in formats]
    chosen = formats[counts.index(max(counts))]
    return " ".join(filter(None, ("--units", replace(chosen, units=False).flags * (chosen.thousands != ","))))


def _marks_hint_or_advice(cell: str) -> str:
    return marks_hint(cell) or _PLAIN


def _constant(hint: str) -> Callable[[str], str]:
    return lambda cell: hint


# Patterns of cells that are not plain numbers, each with a reason and a hint. The first match counts.
_REASONS = tuple(
    (re.compile(pattern, re.IGNORECASE), reason, hint if callable(hint) else _constant(hint))
    for pattern, reason, hint in (
        (r"(<{7}|={7}|>{7}|\|{7}).*", "merge conflict marker", "resolve the conflict in the file"),
        (
            r".*\d.*[%\uff05\u2030].*|[%\uff05\u2030].*\d.*",
            "percent sign",
            _UNITS.format("percent signs", "the percent signs"),
        ),
        (r"[+-]?(inf|infinity|∞)", "infinity", _missing_hint),
        (r"-+|\.+|\?+|\*+|…|\\N|missing|unknown|n\. ?[ad]\.|k\. ?a\.", "missing value?", _missing_hint),
        (r"#[A-Z0-9/]+[!?]|-?\d\.#[A-Z]+|nan\(.*\)", "failed computation", _missing_hint),
        (
            r"\(\s*" + _DIGITS + r"\s*\)",
            "negative number in accounting style?",
            "use --units to read numbers in parentheses as negative ones, or write it as -5",
        ),
        (r"[\d.,]+-", "negative number in accounting style?", "write it as -5"),
        (
            r"[\u2212\u2013\u2014]\s*[\d.,]+",
            "minus sign is another character",
            "write minus signs as '-'",
        ),
        (r"[+-]?\d{1,3}(\.\d{3}){2,}", "thousands separators", _marks_hint_or_advice),
        (
            r"[+-]?\d{1,3}([\s'_\u2019]\d{3})+([.,]\d*)?",
            "thousands separators",
            _marks_hint_or_advice,
        ),
        (
            r"[+-]?[\d.]*,[\d.,]*(e[+-]?\d+)?",
            "decimal comma or thousands separator?",
            _marks_hint_or_advice,
        ),
        (r"0x[\da-f]+", "hexadecimal", _PLAIN),
        (
            rf"{_DIGITS}\s*{_WORD}(?!.*\d[:/-]\d).*|{_WORD}\.?\s*{_DIGITS}",
            "a unit?",
            _UNITS.format("units", "the unit"),
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
    return _NUMBERLIKE.fullmatch(cell.strip()[:_MAX_CHARS]) is not None


def not_a_number_error(
    cells: Sequence[str], lines: np.ndarray, location: CellLocation, number_format: NumberFormat
) -> DataError:
    """Return the error for the first cell that is not a finite number.

    Args:
        cells: text cells [n], one of them not a number.
        lines: line numbers [n].
        location: file and column.
        number_format: format of the numbers.
    """
    cell, line = next(
        (cell, int(line))
        for cell, line in zip(cells, lines, strict=True)
        if not number_format.is_missing(cell) and not _is_finite(cell, number_format)
    )
    if number_format.split(cell) is not None:
        return too_large_error(cell, line, location)
    reason, hint = _reason_and_hint(cell.strip(), cells, location, number_format)
    first = [cell for cell in cells[:_MAX_CELLS] if not number_format.is_missing(cell)]
    if not reason and _is_text(first):
        return DataError(
            f"{quote_cell(cell)} is not a number, and neither is any other of the first {len(first):,} values, "
            "so the column holds text",
            hint="name a column of numbers with --target. A column of text can be named by --past or --future",
            rule="D317",
            at=location.at(line),
            flags=("--target", "--past", "--future"),
        )
    return DataError(
        f"{quote_cell(cell)} is not a plain number{reason}",
        hint=hint,
        rule="D302",
        at=location.at(line),
        flags=tuple(dict.fromkeys(re.findall(r"--[a-z]+(?:-[a-z]+)*", hint))),
    )


def too_large_error(cell: object, line: int, location: CellLocation) -> DataError:
    """Return the error for a number that is infinite as a float.

    Args:
        cell: cell of text, or infinite number of a typed column.
        line: line of the cell.
        location: file and column.
    """
    if not isinstance(cell, str):
        return DataError(
            f"the value is infinite ({cell})",
            hint=f"use {na_value_flag(str(cell))} to read it as a missing value, or write a number",
            rule="D303",
            at=location.at(line),
            flags=("--na-value",),
        )
    return DataError(
        f"{quote_cell(cell)} is too large for a 64-bit float (max 1.8e308)",
        hint="write a plain number, or leave the cell empty for a missing value",
        rule="D303",
        at=location.at(line),
    )


def _is_finite(cell: str, number_format: NumberFormat) -> bool:
    number = number_format.split(cell)
    return number is not None and isfinite(float(number[0]))


def _is_text(cells: Sequence[str]) -> bool:
    """Return whether several cells are words, and none of them looks like a number."""
    return len(cells) > 1 and not any(is_number(cell) or is_numberlike(cell) for cell in cells)


def _reason_and_hint(
    cell: str, cells: Sequence[str], location: CellLocation, number_format: NumberFormat
) -> tuple[str, str]:
    """Return the likely reason that a cell is not a number, as the end of a message, and a hint.

    Args:
        cell: cell that is not a number.
        cells: cells of the column [n].
        location: file and column.
        number_format: format of the numbers.
    """
    if cell == location.column:
        return REPEATED_HEADER
    if number_format.flags and (is_numberlike(cell) or marks_hint(cell)):
        return _other_format_reason(cell, cells, number_format)
    units = unit_flags(cell, cells)
    for pattern, reason, hint in _REASONS:
        if pattern.fullmatch(cell[:_MAX_CHARS]):
            return f" ({reason})" if reason else "", hint(cell).replace("--units", units or "--units")
    if units and (is_numberlike(cell) or re.search(r"[()+-]", cell)):  # such as -$2,425.26
        return " (a unit?)", _UNITS.format("units", "the unit").replace("--units", units)
    if not any(map(str.isdigit, cell)) and (len(cell) <= _MAX_MARK_CHARS or cells.count(cell) > 1):
        return "", _missing_hint(cell)
    return "", f"correct the cell. For a missing value, leave it empty, write NA or use {na_value_flag(cell)}"


def _other_format_reason(cell: str, cells: Sequence[str], number_format: NumberFormat) -> tuple[str, str]:
    """Return the reason and the hint for a number of another format than the options name.

    Args:
        cell: cell that is not a number of the format.
        cells: cells of the column [n].
        number_format: format of the numbers.
    """
    reason = f" with {number_format.flags}"
    options = " and ".join(re.findall("--[a-z]+", number_format.flags))
    if number_format.decimal == "," and not number_format.thousands and re.search(r"\d\.\d{3}(\D|$)", cell):
        return (
            reason,
            f"add --thousands . if its dots separate thousands, or leave out {options} if they are decimal points",
        )
    if is_number(cell):
        return reason, f"leave out {options}, or write all numbers of the column in one format"
    if marks_hint(cell):
        return reason, f"{marks_hint(cell)} instead, or write all numbers of the column in one format"
    with_unit = replace(number_format, units=True).split(cell)
    if not number_format.units and with_unit is not None:
        return reason, "add --units if all numbers of the column have a unit"
    if flags := unit_flags(cell, cells):
        return reason, f"use {flags} instead, or write all numbers of the column in one format"
    for pattern, other, hint in _REASONS:
        if pattern.fullmatch(cell) and "--" not in hint(cell) and hint(cell) != _PLAIN:
            return f"{reason} ({other})", hint(cell)
    return reason, "write all numbers of the column in one format, or correct the options"
