"""Lookup from rows of a grid to lines of the file."""

from collections.abc import Iterator

import numpy as np

from lstm_cli.data.chunks import series_of_rows
from lstm_cli.data.grid.regular_grid import Grid
from lstm_cli.data.grid.sorting import location_formatter
from lstm_cli.data.locations import CellLocation
from lstm_cli.data.reading.table import Table

BLOCK_ROWS = 500_000  # rows read at a time


class GridLines:
    """Rows of a grid [T] and their lines in the file."""

    def __init__(self, table: Table, grid: Grid) -> None:
        self.table, self.grid = table, grid
        lengths = grid.counts + grid.ahead
        self.offset = np.cumsum(lengths) - lengths  # [S]

    def series_of_row(self, row: int) -> int:
        """Return the index of the series that a row of the grid belongs to."""
        return int(np.searchsorted(self.offset, row, side="right")) - 1

    def line(self, row: int) -> int:
        """Return the line of a row. Raise LookupError for a row of a gap."""
        table_row = int(self.table_rows(row, row + 1)[0])
        if table_row < 0:
            raise LookupError(f"row {row} of the grid is a gap, so {self.table.source} has no line for it")
        return int(self.table.lines[table_row])

    def table_rows(self, begin: int, end: int) -> np.ndarray:
        """Return the rows of the table [n] for the rows from `begin` to before `end`; -1 in a gap."""
        row_index = self.grid.row_index
        if isinstance(row_index, slice):
            return np.arange(row_index.start + begin, row_index.start + end)
        return row_index[begin:end]

    def values(self, series: int, max_rows: int | None = None) -> np.ndarray:
        """Return the usable rows [n, F] of a series, at most the first `max_rows`."""
        count = int(self.grid.counts[series])
        return self.values_between(
            int(self.offset[series]), int(self.offset[series]) + min(count, max_rows or count)
        )

    def cells(self, series: int, column: int) -> np.ndarray:
        """Return one column [n] of the usable rows of a series."""
        begin = int(self.offset[series])
        return self.select(np.arange(begin, begin + int(self.grid.counts[series])), column)

    def values_between(self, begin: int, end: int) -> np.ndarray:
        """Return the values [n, F] of the rows from `begin` to before `end`."""
        return self.grid.values_between(begin, end)

    def select(self, chosen: np.ndarray, column: int) -> np.ndarray:
        """Return the values of one column in some rows, in the shape of `chosen`."""
        row_index = self.grid.row_index
        in_table = row_index.start + chosen if isinstance(row_index, slice) else row_index[chosen]
        values: np.ndarray = self.grid.cells[in_table, column]
        values[in_table < 0] = np.nan
        emptied = self.grid.emptied_rows(column)
        if len(emptied):
            values[np.isin(chosen, emptied)] = np.nan
        return values

    def chunks(self, *, before: int = 0) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Yield all rows in blocks: the first row, the series [n] of each row, and its usable mask [n].

        before: number of rows that are repeated at the start of each block after the first.
        """
        total = self.grid.rows
        for begin in range(0, total, BLOCK_ROWS):
            first = max(0, begin - before)
            span = slice(first, min(begin + BLOCK_ROWS, total))
            series = series_of_rows(self.offset, span)
            usable = np.arange(span.start, span.stop) < (self.offset + self.grid.counts)[series]
            yield first, series, usable

    def location(self, column: str) -> CellLocation:
        """Return a column as messages name it."""
        wording = location_formatter(self.table)
        return CellLocation(source=wording.source, column=column, unit=wording.unit, files=wording.files)
