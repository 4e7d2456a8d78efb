"""Checks of a numeric column for doubtful numbers. Each check sees batches and reports a finding at the end."""

import numpy as np

from lstm_cli.data.locations import CellLocation
from lstm_cli.data.numbers.sentinels import Sentinels
from lstm_cli.findings import Finding

_LONG_FLOAT, _DIGITS_KEPT = 1e22, 16  # size, and number of characters (with the point) that a float keeps
_MAX_EXACT = 2**53  # above this, some whole numbers are not floats


class LargeNumbers:
    """Check for whole numbers with more digits than a float keeps, such as long ids."""

    def __init__(self) -> None:
        self._first: tuple[int, float] | None = None  # line and value
        self._count = 0

    def add(self, values: np.ndarray, lines: np.ndarray, minimum: float, maximum: float) -> None:
        """Add a batch of rows.

        Args:
            values: numbers [n].
            lines: line of each number [n].
            minimum: smallest value, or NaN if unknown.
            maximum: largest value, or NaN if unknown.
        """
        if max(-minimum, maximum) < _MAX_EXACT:
            return
        large = np.abs(values) >= _MAX_EXACT
        # Above 1e22, 1e300 keeps all of its digits, but a whole number with more than 16 digits does not.
        for row in np.flatnonzero(np.abs(values) >= _LONG_FLOAT):
            large[row] = len(repr(float(values[row])).partition("e")[0].lstrip("-")) > _DIGITS_KEPT
        if large.any():
            first = int(np.argmax(large))
            self._first = self._first or (int(lines[first]), float(values[first]))
            self._count += int(large.sum())

    def finding(self, location: CellLocation) -> Finding | None:
        """Return a finding if the column has such numbers, else None."""
        if self._first is None:
            return None
        line, value = self._first
        cells = "1 number is" if self._count == 1 else f"{self._count:,} numbers are"
        return Finding.at(
            location.at(line),
            "D314",
            f"{cells} larger than 2^53 and rounded to 16 digits, this one to {value:.0f} "
            "(write the column in a larger unit)",
            count=self._count,
        )


class Totals:
    """Check for a last number that is the sum of the others, as in a row of totals."""

    def __init__(self) -> None:
        self._sum, self._last, self._line = 0.0, 0.0, 0
        self._count = self._rows = 0

    def add(self, values: np.ndarray, lines: np.ndarray, minimum: float, maximum: float) -> None:
        """Add a batch of rows.

        Args:
            values: numbers [n].
            lines: line of each number [n].
            minimum: not used.
            maximum: not used.
        """
        measured = np.flatnonzero(~np.isnan(values))
        if len(measured):
            last = int(measured[-1])
            with np.errstate(over="ignore", invalid="ignore"):
                self._sum += self._last + float(values[measured[:-1]].sum())
            self._last, self._line = float(values[last]), int(lines[last])
            self._count += len(measured)
            self._before = self._rows + last
        self._rows += len(values)

    def finding(self, location: CellLocation) -> Finding | None:
        """Return a finding if the last number may be a total, else None."""
        if self._count < 4 or not self._sum or not abs(self._last - self._sum) <= 1e-9 * abs(self._sum):
            return None
        return Finding.at(
            location.at(self._line),
            "D315",
            f"{self._last:.15g} is the sum of all rows above, so it may be a total, but it was read as a row "
            f"(use --end row:{self._before} to leave it out)",
            flags=("--end",),
        )


class LateThousands:
    """Check for dots that may separate thousands in a column that begins with only whole numbers.

    `find_thousands_separators` sees the text of the first rows. Later rows are doubtful if all numbers are below
    1,000 and have no or three digits after the dot.
    """

    def __init__(self, sample_rows: int) -> None:
        """Create the check. sample_rows: rows whose text was checked before."""
        self._sample_rows = sample_rows
        self._rows = 0
        self._possible = True
        self._first_dotted: tuple[int, float] | None = None  # first line and number with a dot
        self._count = 0
        self._has_third_digit = False  # some third digit after a dot is not 0

    def add(self, values: np.ndarray, lines: np.ndarray, minimum: float, maximum: float) -> None:
        """Add a batch of rows.

        Args:
            values: numbers [n].
            lines: line of each number [n].
            minimum: smallest value, or NaN if unknown.
            maximum: largest value, or NaN if unknown.
        """
        if not self._possible:
            return
        if minimum <= -1000 or maximum >= 1000:
            self._possible = False
            return
        fractions = np.flatnonzero(values != np.floor(values))  # includes NaN
        fractions = fractions[~np.isnan(values[fractions])]
        thousandths = values[fractions] * 1000
        seen = (
            self._rows < self._sample_rows
            and len(fractions)
            and fractions[0] < self._sample_rows - self._rows
        )
        self._rows += len(values)
        apart = np.abs(thousandths - np.round(thousandths)) > 1e-6
        if seen or apart.any() or (np.abs(values[~np.isnan(values)]) >= 1000).any():
            self._possible = False
            return
        if len(fractions):
            self._first_dotted = self._first_dotted or (int(lines[fractions[0]]), float(values[fractions[0]]))
            self._count += len(fractions)
            self._has_third_digit = self._has_third_digit or bool((np.round(thousandths) % 10 != 0).any())

    def finding(self, location: CellLocation) -> Finding | None:
        """Return a finding if the column has such dots, else None."""
        if not self._possible or self._first_dotted is None or not self._has_third_digit:
            return None
        line, value = self._first_dotted
        return Finding.at(
            location.at(line),
            "D312",
            f"{value:.3f} and {self._count - 1:,} more, after rows of whole numbers, were read with a decimal point, "
            "but the dots may separate thousands (use --decimal , --thousands . if they do)",
            count=self._count,
            flags=("--thousands", "--decimal"),
        )


NumberRule = Sentinels | LargeNumbers | LateThousands | Totals
