"""What the numbers of a column betray while they are read, piece by piece; each is told, if at all, at the end."""

import numpy as np

from lstm_cli.data.locations import CellLocation
from lstm_cli.findings import Finding

_SENTINELS = (-99, -999, -9999, -99999, -999999, 9999, 99999, 999999)
_MIN_POSITIVE_SENTINEL = 9999  # the least of those above 0
_LONG_FLOAT, _DIGITS_KEPT = 1e22, 16  # with the point, digits that a float keeps in any case
_MAX_EXACT = 2**53  # beyond it not every whole number is a float


class Sentinels:
    """Looks in a column for a number such as -999 that mostly means that nothing was measured, piece by piece."""

    def __init__(self) -> None:
        self._counts: dict[int, tuple[int, int]] = {}  # each sentinel's first line and how many there are
        self._largest = -1.0  # of the other values' sizes

    def add(self, values: np.ndarray, lines: np.ndarray, minimum: float, maximum: float) -> None:
        """values, lines: [n]; least, greatest: of the values, NaN where that is not known."""
        if minimum > _SENTINELS[0] and maximum < _MIN_POSITIVE_SENTINEL:
            self._largest = max(self._largest, abs(minimum), abs(maximum))
            return
        others = ~np.isnan(values)
        for sentinel in _SENTINELS:
            same = values == sentinel
            if same.any():
                others &= ~same
                line, count = self._counts.get(sentinel, (int(lines[np.argmax(same)]), 0))
                self._counts[sentinel] = (line, count + int(same.sum()))
        self._largest = max(self._largest, float(np.abs(values[others]).max(initial=-1.0)))

    def finding(self, location: CellLocation) -> Finding | None:
        """Return a finding where one of them stands far from all other values."""
        for sentinel in _SENTINELS:
            if sentinel not in self._counts:
                continue
            largest = max([self._largest, *(abs(other) for other in self._counts if other != sentinel)])
            if largest >= 0 and largest * 5 < abs(sentinel):
                line, count = self._counts[sentinel]
                cells = "1 cell" if count == 1 else f"{count:,} cells"
                advice = "no flag: empty the cells where nothing was measured"
                return Finding.at(
                    location.at(line),
                    "D313",
                    f"{sentinel} stands in {cells}, far from all other values, and was read as a number ({advice})",
                    count=count,
                )
        return None


class LargeNumbers:
    """Looks in a column for whole numbers with more digits than a float keeps, such as long ids, piece by piece."""

    def __init__(self) -> None:
        self._first: tuple[int, float] | None = None  # its line and value
        self._count = 0

    def add(self, values: np.ndarray, lines: np.ndarray, minimum: float, maximum: float) -> None:
        """values, lines: [n]; least, greatest: of the values, NaN where that is not known."""
        if max(-minimum, maximum) < _MAX_EXACT:
            return
        large = np.abs(values) >= _MAX_EXACT
        # Beyond 1e22 few are whole numbers written out: 1e300 is not, and keeps all of its digits.
        for row in np.flatnonzero(np.abs(values) >= _LONG_FLOAT):
            large[row] = len(repr(float(values[row])).partition("e")[0].lstrip("-")) > _DIGITS_KEPT
        if large.any():
            first = int(np.argmax(large))
            self._first = self._first or (int(lines[first]), float(values[first]))
            self._count += int(large.sum())

    def finding(self, location: CellLocation) -> Finding | None:
        """Return a finding where there are any."""
        if self._first is None:
            return None
        line, value = self._first
        cells = "1 number is" if self._count == 1 else f"{self._count:,} numbers are"
        return Finding.at(
            location.at(line),
            "D314",
            f"{cells} beyond 2^53 and held to 16 digits, this one as {value:.0f} "
            "(no flag: write the column in a larger unit)",
            count=self._count,
        )


class Totals:
    """Looks whether the last number of a column is the sum of the others, as a row of totals would have it."""

    def __init__(self) -> None:
        self._sum, self._last, self._line = 0.0, 0.0, 0
        self._count = self._rows = 0

    def add(self, values: np.ndarray, lines: np.ndarray, minimum: float, maximum: float) -> None:
        """values, lines: [n]; least, greatest: of the values, not used."""
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
        """Return a finding where the last number may be a total."""
        if self._count < 4 or not self._sum or not abs(self._last - self._sum) <= 1e-9 * abs(self._sum):
            return None
        return Finding.at(
            location.at(self._line),
            "D315",
            f"{self._last:.15g} is the sum of all rows above, so may be no row but their total, and was read as a row "
            f"(--end row:{self._before} leaves it out)",
            flags=("--end",),
        )


class LateThousands:
    """Looks for dots that may stand between thousands where a column begins with whole numbers alone, piece by piece.

    `tell_thousands` sees the text of the first rows; of those below the numbers tell: all under 1,000, with three
    digits behind the dot where there is one.
    """

    def __init__(self, sample_rows: int) -> None:
        """sampled: rows whose text was seen."""
        self._sample_rows = sample_rows
        self._rows = 0
        self._possible = True
        self._first_dotted: tuple[int, float] | None = None  # the first line and number
        self._count = 0
        self._has_third_digit = False  # a third digit behind a dot was not 0

    def add(self, values: np.ndarray, lines: np.ndarray, minimum: float, maximum: float) -> None:
        """values, lines: [n]; least, greatest: of the values, NaN where that is not known."""
        if not self._possible:
            return
        if minimum <= -1000 or maximum >= 1000:
            self._possible = False
            return
        fractions = np.flatnonzero(values != np.floor(values))  # and NaN
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
        """Return a finding where there are some."""
        if not self._possible or self._first_dotted is None or not self._has_third_digit:
            return None
        line, value = self._first_dotted
        return Finding.at(
            location.at(line),
            "D312",
            f"{value:.3f} and {self._count - 1:,} more were read with a decimal point, below whole numbers alone, "
            "though their dots may stand between thousands (no flag: write 1234.5 for a thousand and more)",
            count=self._count,
        )


NumberRule = Sentinels | LargeNumbers | LateThousands | Totals
