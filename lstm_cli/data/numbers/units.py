"""Units of the numbers of a column, which must all be the same."""

from collections.abc import Sequence

import numpy as np

from lstm_cli.data.locations import CellLocation, quote_cell
from lstm_cli.errors import DataError


class ColumnUnit:
    """Unit of the numbers of a column, known from its first number or from the run that reads new data."""

    def __init__(self, of_run: str | None = None) -> None:
        """Create the unit of a column. of_run: unit of the run's data; None learns it."""
        self.unit = of_run
        self._from_run = of_run is not None
        self._source, self._row = "", ""  # of the first number

    def require_same(
        self, units: Sequence[str | None], cells: Sequence[str], lines: np.ndarray, location: CellLocation
    ) -> None:
        """Raise DataError for the first number that has another unit than the numbers before it.

        Args:
            units: unit of each cell [n], "" for a number without unit; None for a missing value.
            cells: text cells [n].
            lines: line numbers [n].
            location: file and column, for messages.
        """
        for row, unit in enumerate(units):
            if unit is None or unit == self.unit:
                continue
            line = int(lines[row])
            if self.unit is not None:
                raise DataError(
                    f"{quote_cell(cells[row])} has {_unit_text(unit)}, but {self._where(location.source)} "
                    f"{_unit_text(self.unit)}",
                    hint=self._hint(unit),
                    rule="D318",
                    at=location.at(line),
                    flags=("--decimal",) if self._from_run and not unit else (),
                )
            self.unit, self._source, self._row = unit, location.source, location.row(line)

    def _where(self, source: str) -> str:
        """Return the place of the first number with its verb. source: file of the other number."""
        if self._from_run:
            return "the training data have"
        return self._row + (f" of {self._source}" if self._source != source else "") + " has"

    def _hint(self, unit: str) -> str:
        """Return the hint for a number of another unit."""
        if not self._from_run:
            return "convert the numbers of the column to one unit, and write it in all cells or in none"
        if not unit:
            return f"write the unit in all cells, or use --decimal . if the numbers are in {quote_cell(self.unit)}"
        return "convert the numbers to the unit of the training data, or prepare a run from these data"


def _unit_text(unit: str) -> str:
    return f"the unit {quote_cell(unit)}" if unit else "no unit"
