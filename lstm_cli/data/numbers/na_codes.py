"""Codes of `--na-value` that no cell has, which are mostly written in another way than in the file."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lstm_cli.data.numbers.format import NumberFormat
from lstm_cli.data.numbers.hints import na_value_flag
from lstm_cli.findings import Finding, in_file


class UnseenCodes:
    """Codes for a missing value that no cell has had so far."""

    def __init__(self, codes: Sequence[str] = ()) -> None:
        """Create the record. codes: values of `--na-value`."""
        self._codes = dict.fromkeys(code.strip() for code in codes)  # in order

    def __bool__(self) -> bool:
        return bool(self._codes)

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the codes that no cell has had."""
        return tuple(self._codes)

    def see_cells(self, cells: Sequence[str], values: np.ndarray, number_format: NumberFormat) -> None:
        """Record the codes among cells.

        Args:
            cells: text cells [n].
            values: their numbers [n], NaN where they are missing.
            number_format: format of the numbers.
        """
        if self._codes:
            for cell in {cells[row] for row in np.flatnonzero(np.isnan(values)).tolist()}:
                self.see_cell(cell, number_format)

    def see_cell(self, cell: str, number_format: NumberFormat) -> None:
        """Record the codes that a missing cell has."""
        number = number_format.split(cell)
        for text in self.texts:
            if text == cell.strip() or (
                number is not None and _number_of(text, number_format) == float(number[0])
            ):
                self._codes.pop(text, None)  # another thread may see it too

    def see_numbers(self, values: np.ndarray, number_format: NumberFormat) -> None:
        """Record the codes among numbers [n]."""
        for text in self.texts:
            codes = replace(number_format, na_values=(text,)).na_stored_numbers
            if codes and bool((values == values.dtype.type(codes[0])).any()):
                self._codes.pop(text, None)

    def see_block(self, data: bytes, number_format: NumberFormat) -> None:
        """Record the codes among the bytes of lines. Codes that are numbers are found by their values."""
        for text in self.texts:
            if _number_of(text, number_format) is None and text.encode() in data:
                self._codes.pop(text, None)

    def findings(self, source: str) -> list[Finding]:
        """Return a finding for each code that no cell has. source: name of the file."""
        return [
            Finding.at(
                in_file(source),
                "D320",
                f"no cell of the columns that were read is {text!r} (leave out {na_value_flag(text)}, or write "
                "the code as in the file)",
                flags=("--na-value",),
            )
            for text in self.texts
        ]


def _number_of(text: str, number_format: NumberFormat) -> float | None:
    """Return a code as a number, in a format or as a plain decimal; None if it is not a number."""
    return next(iter(replace(number_format, na_values=(text,)).na_numbers), None)
