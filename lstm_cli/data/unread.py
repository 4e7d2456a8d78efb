"""What `check` finds in the columns of a file that nobody named."""

from collections.abc import Sequence

import numpy as np

from lstm_cli.data.cells import Place, read_numbers, shown
from lstm_cli.data.finding import NOTE, Finding
from lstm_cli.data.findings import leak_told, reach_of
from lstm_cli.data.leaks import ROWS, find_leaks, longest_first
from lstm_cli.data.lines import GridLines
from lstm_cli.data.series import Grid
from lstm_cli.data.survey import Column, Survey
from lstm_cli.data.table import Table
from lstm_cli.data.wording import count_of
from lstm_cli.errors import DataError

HELD = 200  # first such columns that are held against the target


def of_columns(survey: Survey, used: Sequence[str]) -> list[Finding]:
    """What columns hold that make them useless or that keep them from being read, but for those in use."""
    found = []
    for column in survey.columns:
        if column.name in used:
            continue
        place = survey.place(column.name)
        if column.reads_as == "empty" or column.value is not None:
            found.append(_useless(column, place, survey.rows))
        elif column.first_odd is not None:
            found.append(_odd(column, place))
    return found


def _useless(column: Column, place: Place, rows: int) -> Finding:
    empty = column.value is None
    line = (column.first_missing if empty else column.first_measured) or 0
    what = f"none of the {rows:,} cells has a value" if empty else f"every value is {shown(column.value)}"
    return Finding(
        kind="empty" if empty else "constant",
        severity=NOTE,
        text=f"{place.at(line)}: {what}, so it tells nothing (name it neither by --past nor by --future)",
        column=column.name,
        lines=(line,),
        count=rows if empty else rows - column.missing,
    )


def _odd(column: Column, place: Place) -> Finding:
    """Cells that keep a column of numbers from being read, as the reader would say it."""
    assert column.first_odd is not None
    line, cell = column.first_odd
    try:
        read_numbers([cell], np.array([line]), place)
        text = f"{place.at(line)}: {shown(cell)} is not a plain number"
    except DataError as error:
        text = error.message
    return Finding(
        kind="no-number",
        severity=NOTE,
        text=f"{text}, {count_of(column.odd, 'such cell')} in a column of numbers (--target, --past and --future "
        "refuse it until it is mended)",
        column=column.name,
        lines=(line,),
        count=column.odd,
    )


def of_unread(survey: Survey, table: Table, grid: Grid, *, horizon: int, season: int) -> list[Finding]:
    """Columns of numbers that would give a target away, were they named."""
    taken = {*table.columns, table.time_name, table.series_name}
    columns = [one for one in survey.columns if one.values is not None and one.name not in taken][:HELD]
    if not columns or not survey.whole or survey.rows != len(table.lines):
        return []
    rows = GridLines(table, grid)
    laid = [_Laid(rows, one) for one in longest_first(grid.counts)]
    targets = len(table.targets)
    told = []
    for column in columns:
        assert column.values is not None
        series = [one.beside(column.values, targets) for one in laid]
        for leak in find_leaks(series, range(targets), [targets], reach=reach_of(horizon, season)):
            told.append(leak_told(leak, rows, name=column.name, role="unread", horizon=horizon))
    return [one for one in told if one is not None]


class _Laid:
    """A series of the grid, and where the file's rows stand in it."""

    def __init__(self, rows: GridLines, one: int) -> None:
        self.targets = rows.values(one, ROWS)
        begin = int(rows.offset[one])
        in_table = rows.in_table(begin, begin + len(self.targets))
        self.grid_rows = np.flatnonzero(in_table >= 0)
        self.file_rows = in_table[self.grid_rows]

    def beside(self, values: np.ndarray, targets: int) -> np.ndarray:
        """[n, targets + 1]: the targets, and a column of the file's first rows laid beside them."""
        laid = np.full((len(self.targets), targets + 1), np.nan)
        laid[:, :targets] = self.targets[:, :targets]
        known = self.file_rows < len(values)
        laid[self.grid_rows[known], targets] = values[self.file_rows[known]]
        return laid
