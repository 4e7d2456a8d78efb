"""The way back from rows of a grid to lines of the file."""

import numpy as np

from lstm_cli.data.cells import Place
from lstm_cli.data.ordering import wording_of
from lstm_cli.data.series import Grid
from lstm_cli.data.table import Table


class GridRows:
    """The rows of a grid [T], and where the file has them."""

    def __init__(self, table: Table, grid: Grid) -> None:
        self.table, self.grid = table, grid
        lengths = grid.counts + grid.ahead
        self.offset = np.cumsum(lengths) - lengths  # [S]

    def series(self, row: int) -> int:
        """Which series of the grid a row belongs to."""
        return int(np.searchsorted(self.offset, row, side="right")) - 1

    def line(self, row: int) -> int:
        """The line of a row. Raises LookupError for one of a hole."""
        table, grid, one = self.table, self.grid, self.series(row)
        time = int(grid.step.times(np.asarray(row - self.offset[one]), grid.origin_us[one]))
        mine = self.in_table(one)
        if table.time_name is None:  # the time of a row is its number in the series
            return int(table.lines[mine[time]])
        at = mine[table.times[mine] == time]
        if not len(at):
            raise LookupError(f"{table.source} has no line for row {row} of the grid")
        return int(table.lines[at[0]])

    def in_table(self, one: int) -> np.ndarray:
        """The table's rows [n] of a series, in the file's order."""
        return np.flatnonzero(self.table.series == self.table.series_names.index(self.grid.names[one]))

    def values(self, one: int) -> np.ndarray:
        """The usable rows [n, F] of a series."""
        return self.grid.values[self.offset[one] : self.offset[one] + self.grid.counts[one]]

    def place(self, column: str) -> Place:
        """A column as messages name it."""
        return Place(source=self.table.source, column=column, unit=wording_of(self.table).unit)
