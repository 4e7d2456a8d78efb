"""Units of the numbers of a column, which must all be the same."""

from collections.abc import Sequence

import numpy as np

from lstm_cli.data.locations import CellLocation, quote_cell
from lstm_cli.errors import DataError


class ColumnUnit:
    """Unit of the numbers of a column, known from its first number."""

    def __init__(self) -> None:
        self._unit: str | None = None
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
            if unit is None or unit == self._unit:
                continue
            line = int(lines[row])
            if self._unit is not None:
                where = self._row + (f" of {self._source}" if self._source != location.source else "")
                raise DataError(
                    f"{quote_cell(cells[row])} has {_unit_text(unit)}, but {where} has {_unit_text(self._unit)}",
                    hint="convert the numbers of the column to one unit, and write it in all cells or in none",
                    rule="D318",
                    at=location.at(line),
                )
            self._unit, self._source, self._row = unit, location.source, location.row(line)


def _unit_text(unit: str) -> str:
    return f"the unit {quote_cell(unit)}" if unit else "no unit"
