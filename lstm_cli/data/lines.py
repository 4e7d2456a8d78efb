"""The way back from rows of a grid to lines of the file."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from lstm_cli.data.cells import Place
from lstm_cli.data.grid import origins_of
from lstm_cli.data.ordering import wording_of
from lstm_cli.data.series import Grid
from lstm_cli.data.table import Table

BLOCK = 500_000  # rows that are looked at at a time


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
        mine = self.in_table(self.series(row))
        at = mine[self.places(mine) == row]
        if not len(at):
            raise LookupError(f"{self.table.source} has no line for row {row} of the grid")
        return int(self.table.lines[at[0]])

    def in_table(self, one: int) -> np.ndarray:
        """The table's rows [n] of a series, in the file's order."""
        return np.flatnonzero(self.table.series == self.table.series_names.index(self.grid.names[one]))

    def places(self, chosen: np.ndarray) -> np.ndarray:
        """Where rows of the table [n] stand in the grid; -1 where they do not, as what --start cuts off."""
        table, grid = self.table, self.grid
        of_grid = np.full(len(table.series_names), -1)
        numbers = {name: number for number, name in enumerate(table.series_names)}
        of_grid[[numbers[name] for name in grid.names]] = np.arange(len(grid.names))
        one = of_grid[table.series[chosen]]
        index, on_grid = grid.step.index(self._times[chosen], grid.origin_us[one])
        lengths = grid.counts + grid.ahead
        inside = (one >= 0) & on_grid & (index >= 0) & (index < lengths[one])
        return np.where(inside, self.offset[one] + index, -1)

    @cached_property
    def _times(self) -> np.ndarray:
        """Of each row of the table; without a time column its number in its series, as on the grid."""
        table = self.table
        if table.time_name is not None:
            return table.times
        order = np.argsort(table.series, kind="stable")
        places = np.arange(len(order))
        numbers = np.empty_like(places)
        numbers[order] = places - origins_of(places, table.series[order])
        return numbers

    def values(self, one: int, most: int | None = None) -> np.ndarray:
        """The usable rows [n, F] of a series, the first `most` of them."""
        count = int(self.grid.counts[one])
        return self.piece(int(self.offset[one]), int(self.offset[one]) + min(count, most or count))

    def piece(self, begin: int, end: int) -> np.ndarray:
        """The values [n, F] of the rows from `begin` to before `end`."""
        return self.grid.values[begin:end]

    def taken(self, chosen: np.ndarray, column: int) -> np.ndarray:
        """One column's values of some rows, of the shape of `chosen`."""
        values: np.ndarray = self.grid.values[chosen, column]
        return values

    def blocks(self, *, before: int = 0) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """All rows, some at a time: the first row, the series [n] of each, and whether it is usable [n].

        before: so many rows are repeated at the begin of each block but the first.
        """
        total = len(self.grid.values)
        for begin in range(0, total, BLOCK):
            first = max(0, begin - before)
            rows = np.arange(first, min(begin + BLOCK, total))
            one = np.searchsorted(self.offset, rows, side="right") - 1
            yield first, one, rows < self.offset[one] + self.grid.counts[one]

    def place(self, column: str) -> Place:
        """A column as messages name it."""
        return Place(source=self.table.source, column=column, unit=wording_of(self.table).unit)
