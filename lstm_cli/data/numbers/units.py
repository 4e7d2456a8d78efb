"""Units of the numbers of a column, which must all be the same."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstm_cli.data.locations import CellLocation, quote_cell
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding
from lstm_cli.wording import count_noun


@dataclass(kw_only=True)
class _AssumedCells:
    """Numbers without a unit that were read in the unit of the run."""

    column: str
    line: int  # of the first cell
    cell: str  # the first cell
    count: int = 0


class ColumnUnit:
    """Unit of the numbers of a column, known from its first number or from the run that reads new data."""

    def __init__(
        self,
        of_run: str | None = None,
        *,
        limits: tuple[float, float] | None = None,
        is_confirmed: bool = False,
    ) -> None:
        """Create the unit of a column.

        Args:
            of_run: unit of the run's data; None learns it.
            limits: training range of the column. New numbers without a unit are read if most of them are inside.
            is_confirmed: an option says that new numbers without a unit are in the unit of the run.
        """
        self.unit = of_run
        self._from_run = of_run is not None
        self._limits, self._is_confirmed = limits, is_confirmed
        self._source, self._row = "", ""  # of the first number
        self._assumed: dict[str, _AssumedCells] = {}  # by file

    def require_same(
        self,
        units: Sequence[str | None],
        numbers: Sequence[str],
        cells: Sequence[str],
        lines: np.ndarray,
        location: CellLocation,
    ) -> None:
        """Raise DataError for the first number that has another unit than the numbers before it.

        Args:
            units: unit of each cell [n], "" for a number without unit; None for a missing value.
            numbers: the numbers [n] as plain decimals.
            cells: text cells [n].
            lines: line numbers [n].
            location: file and column, for messages.
        """
        bare = [row for row, unit in enumerate(units) if unit == ""] if self.is_of_run else []
        bare_ok = self._is_confirmed or (bool(bare) and self._are_inside([numbers[row] for row in bare]))
        if bare and bare_ok and not self._is_confirmed:
            first = _AssumedCells(column=location.column, line=int(lines[bare[0]]), cell=cells[bare[0]])
            self._assumed.setdefault(location.source, first).count += len(bare)
        for row, unit in enumerate(units):
            if unit is None or unit == self.unit or (bare_ok and not unit and self.is_of_run):
                continue
            line = int(lines[row])
            if self.unit is not None:
                raise DataError(
                    f"{quote_cell(cells[row])} has {_unit_text(unit)}, but {self._where(location.source)} "
                    f"{_unit_text(self.unit)}",
                    hint=self._hint(unit),
                    rule="D318",
                    at=location.at(line),
                    flags=("--units",) if self._from_run and not unit else (),
                )
            self.unit, self._source, self._row = unit, location.source, location.row(line)

    @property
    def is_of_run(self) -> bool:
        """Return whether the run's data have a unit, so that numbers without one are compared with their range."""
        return self._from_run and bool(self.unit)

    def finding(self, location: CellLocation) -> Finding | None:
        """Return the finding about numbers without a unit in a file and column, None if there are none."""
        assumed = self._assumed.get(location.source)
        if assumed is None or assumed.column != location.column:
            return None
        unit = quote_cell(self.unit)
        return Finding.at(
            location.at(assumed.line),
            "D322",
            f"{count_noun(assumed.count, 'new number')} without a unit, such as {quote_cell(assumed.cell)}, read in "
            f"{unit}, because most of them are inside the training range (use --units to confirm it)",
            count=assumed.count,
            flags=("--units",),
        )

    def _are_inside(self, numbers: Sequence[str]) -> bool:
        """Return whether most numbers [n] are inside the training range."""
        if self._limits is None:
            return False
        values = np.array(numbers, dtype=np.float64)
        inside = (values >= self._limits[0]) & (values <= self._limits[1])
        return 2 * int(np.count_nonzero(inside)) > len(values)

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
            return f"use --units if the numbers are in {quote_cell(self.unit)}. Otherwise convert them to this unit"
        return "convert the numbers to the unit of the training data, or prepare a run from these data"


def _unit_text(unit: str) -> str:
    return f"the unit {quote_cell(unit)}" if unit else "no unit"
