"""Missing values of a grid: their number, and the finding that names the first."""

from dataclasses import dataclass

import numpy as np

from lstm_cli.data.chunks import chunks_with_series, row_chunks
from lstm_cli.data.dataset.dataset import Schema, UsableRows
from lstm_cli.data.grid.regular_grid import Grid
from lstm_cli.data.grid.row_lookup import GridLines
from lstm_cli.data.grid.sorting import location_formatter
from lstm_cli.data.locations import quote_name
from lstm_cli.data.reading.table import Table
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding, Location, in_file
from lstm_cli.wording import count_noun


@dataclass(frozen=True, kw_only=True)
class CellCounts:
    """Counts over the usable rows of a grid. A cell is given by its row and column of the grid."""

    missing: int  # missing cells
    first: tuple[int, int] | None  # first missing cell
    first_empty: tuple[int, int] | None  # first missing cell whose row is in the file
    sums: list[float]  # of the first target, per chunk


def count_cells(table: Table, grid: Grid, offset: np.ndarray) -> CellCounts:
    """Return the counts of missing cells in the usable rows: those up to the last measured target.

    Args:
        table: rows of the file.
        grid: time grid of the table.
        offset: [S] first row of each series in the grid.
    """
    lines = GridLines(table, grid)
    missing, first, first_empty, sums = 0, None, None, []
    for span, series_index in chunks_with_series(offset, grid.rows):
        values = grid.values_between(span.start, span.stop)
        is_missing = np.isnan(values)
        if grid.ahead.any():
            usable = np.arange(span.start, span.stop) < (offset + grid.counts)[series_index]
            is_missing &= usable[:, None]
            values = values[usable]
        sums.append(float(np.nansum(values[:, 0])))
        if is_missing.any():
            missing += int(np.count_nonzero(is_missing))
            first = first or _first_cell(is_missing, span.start)
            if first_empty is None:
                present = lines.table_rows(span.start, span.stop) >= 0
                first_empty = _first_cell(is_missing & present[:, None], span.start)
    return CellCounts(missing=missing, first=first, first_empty=first_empty, sums=sums)


def _first_cell(chosen: np.ndarray, begin: int) -> tuple[int, int] | None:
    """Return the row and column of the first chosen cell [n, F] of the rows from `begin` on."""
    if not chosen.any():
        return None
    row, column = divmod(int(np.argmax(chosen)), chosen.shape[1])
    return begin + row, column


def usable_rows(grid: Grid, schema: Schema) -> UsableRows:
    """Return the rows of a grid that hold what a forecast needs, read in chunks."""
    chunks = [
        UsableRows.from_measured(~np.isnan(grid.values_between(span.start, span.stop)), schema)
        for span in row_chunks(grid.rows)
    ]
    return UsableRows(
        target=np.concatenate([chunk.target for chunk in chunks]),
        known_ahead=np.concatenate([chunk.known_ahead for chunk in chunks]),
    )


def find_missing(counts: CellCounts, table: Table, grid: Grid, schema: Schema, method: str) -> list[Finding]:
    """Return a finding about missing cells in rows of the file; missing rows have their own finding.

    Args:
        counts: result of `count_cells`.
        table: rows of the file.
        grid: time grid of the table.
        schema: columns of the data.
        method: value of `--missing`.

    Raises:
        DataError: for any missing value if `method` is `refuse`.
    """
    if counts.first is None:
        return []
    total = counts.missing
    location = _missing_location(table, grid, schema, *(counts.first_empty or counts.first))
    if method == "refuse":
        raise DataError(
            f"{count_noun(total, 'missing value')}, first {location}, but --missing refuse allows none",
            hint="fill them in the file, or use --missing interpolate, last or season",
            rule="D601",
            at=in_file(table.source),
            flags=("--missing",),
        )
    cells_in_gaps = int((grid.counts - grid.rows_read).sum()) * grid.cells.shape[1]
    if total == cells_in_gaps:
        return []
    fill = {
        "interpolate": "interpolated",
        "last": "filled with the last value",
        "season": "filled with the value one season before",
    }[method]
    return [
        Finding(
            rule="D602",
            text=f"{table.source}: {count_noun(total - cells_in_gaps, 'missing value')}, first {location}; "
            f"{fill} as inputs, never used as targets (--missing {method})",
            source=location.source,
            column=location.column,
            lines=location.lines,
            count=total - cells_in_gaps,
            flags=("--missing",),
        )
    ]


def refuse_missing_categories(table: Table, method: str) -> None:
    """Raise DataError for a missing cell of a column of categories if `method` (`--missing`) is `refuse`."""
    found = [finding for finding in table.findings if finding.rule == "D241"]
    if method == "refuse" and found:
        raise DataError(
            f"{count_noun(found[0].count, 'missing value')} in {quote_name(found[0].column or '')}, first in line "
            f"{found[0].lines[0]}, but --missing refuse allows none",
            hint="fill them in the file, or use --missing interpolate, last or season",
            rule="D601",
            at=in_file(table.source),
            flags=("--missing",),
        )


def _missing_location(table: Table, grid: Grid, schema: Schema, row: int, column: int) -> Location:
    """Return the location of a missing cell of the grid, with its line unless the whole row is missing."""
    lines, wording = GridLines(table, grid), location_formatter(table)
    series_index = lines.series_of_row(row)
    series = f" in series {quote_name(grid.names[series_index])}" if table.series_name else ""
    time = int(grid.step.times(np.asarray(row - lines.offset[series_index]), grid.origin_us[series_index]))
    column_name = schema.columns[column]
    name, time_text = quote_name(column_name), f"at {wording.time(time)}{series}"
    try:
        line = lines.line(row)
    except LookupError:
        return Location(source=table.source, text=f"{name} {time_text}", column=column_name)
    location = wording.at(line, column_name)
    in_row = wording.row(line)
    text = f"{name} in {in_row}{series}" if table.time_name is None else f"{name} {time_text} ({in_row})"
    return Location(source=location.source, text=text, lines=location.lines, column=column_name)
