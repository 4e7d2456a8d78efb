"""The way back from rows of a grid to lines of the file."""

from collections.abc import Iterator

import numpy as np

from lstm_cli.data.grid.regular_grid import Grid
from lstm_cli.data.grid.sorting import location_formatter
from lstm_cli.data.locations import CellLocation
from lstm_cli.data.reading.table import Table

BLOCK_ROWS = 500_000  # rows that are looked at at a time


class GridLines:
    """The rows of a grid [T], and where the file has them."""

    def __init__(self, table: Table, grid: Grid) -> None:
        self.table, self.grid = table, grid
        lengths = grid.counts + grid.ahead
        self.offset = np.cumsum(lengths) - lengths  # [S]

    def series_of_row(self, row: int) -> int:
        """Which series of the grid a row belongs to."""
        return int(np.searchsorted(self.offset, row, side="right")) - 1

    def line(self, row: int) -> int:
        """The line of a row. Raises LookupError for one of a hole."""
        at = int(self.table_rows(row, row + 1)[0])
        if at < 0:
            raise LookupError(f"{self.table.source} has no line for row {row} of the grid")
        return int(self.table.lines[at])

    def table_rows(self, begin: int, end: int) -> np.ndarray:
        """The row of the table [n] in each row from `begin` to before `end`; -1 in a hole."""
        at = self.grid.row_index
        if isinstance(at, slice):
            return np.arange(at.start + begin, at.start + end)
        return at[begin:end]

    def values(self, series: int, max_rows: int | None = None) -> np.ndarray:
        """The usable rows [n, F] of a series, the first `most` of them."""
        count = int(self.grid.counts[series])
        return self.values_between(
            int(self.offset[series]), int(self.offset[series]) + min(count, max_rows or count)
        )

    def cells(self, series: int, column: int) -> np.ndarray:
        """One column of the usable rows [n] of a series."""
        begin = int(self.offset[series])
        return self.select(np.arange(begin, begin + int(self.grid.counts[series])), column)

    def values_between(self, begin: int, end: int) -> np.ndarray:
        """The values [n, F] of the rows from `begin` to before `end`."""
        return self.grid.values_between(begin, end)

    def select(self, chosen: np.ndarray, column: int) -> np.ndarray:
        """One column's values of some rows, of the shape of `chosen`."""
        at = self.grid.row_index
        in_table = at.start + chosen if isinstance(at, slice) else at[chosen]
        values: np.ndarray = self.grid.cells[in_table, column]
        values[in_table < 0] = np.nan
        emptied = self.grid.emptied_rows(column)
        if len(emptied):
            values[np.isin(chosen, emptied)] = np.nan
        return values

    def chunks(self, *, before: int = 0) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """All rows, some at a time: the first row, the series [n] of each, and whether it is usable [n].

        before: so many rows are repeated at the begin of each block but the first.
        """
        total = self.grid.rows
        for begin in range(0, total, BLOCK_ROWS):
            first = max(0, begin - before)
            rows = np.arange(first, min(begin + BLOCK_ROWS, total))
            one = np.searchsorted(self.offset, rows, side="right") - 1
            yield first, one, rows < self.offset[one] + self.grid.counts[one]

    def location(self, column: str) -> CellLocation:
        """A column as messages name it."""
        wording = location_formatter(self.table)
        return CellLocation(source=wording.source, column=column, unit=wording.unit, files=wording.files)
