"""Cells without a value: counted over a grid, and told with the first of them."""

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


@dataclass(frozen=True, kw_only=True)
class CellCounts:
    """What the usable rows of a grid hold. A place is a row and a column of it."""

    missing: int  # cells
    first: tuple[int, int] | None  # the first of them
    first_empty: tuple[int, int] | None  # the first that stands in a row of the file, empty there
    sums: list[float]  # of the first target, piece by piece


def count_cells(table: Table, grid: Grid, offset: np.ndarray) -> CellCounts:
    """offset: [S] the first row of each series."""
    lines = GridLines(table, grid)
    missing, first, first_empty, sums = 0, None, None, []
    for span, which in chunks_with_series(offset, grid.rows):
        values = grid.values_between(span.start, span.stop)
        lacking = np.isnan(values)
        if grid.ahead.any():
            usable = np.arange(span.start, span.stop) < (offset + grid.counts)[which]
            lacking &= usable[:, None]
            values = values[usable]
        sums.append(float(np.nansum(values[:, 0])))
        if lacking.any():
            missing += int(np.count_nonzero(lacking))
            first = first or _first_cell(lacking, span.start)
            if first_empty is None:
                present = lines.table_rows(span.start, span.stop) >= 0
                first_empty = _first_cell(lacking & present[:, None], span.start)
    return CellCounts(missing=missing, first=first, first_empty=first_empty, sums=sums)


def _first_cell(chosen: np.ndarray, begin: int) -> tuple[int, int] | None:
    """The first of the chosen cells [n, F] of the rows from `begin` on."""
    if not chosen.any():
        return None
    row, column = divmod(int(np.argmax(chosen)), chosen.shape[1])
    return begin + row, column


def usable_rows(grid: Grid, schema: Schema) -> UsableRows:
    """Return which rows of a grid have what a forecast needs, read some at a time."""
    found = [
        UsableRows.from_measured(~np.isnan(grid.values_between(span.start, span.stop)), schema)
        for span in row_chunks(grid.rows)
    ]
    return UsableRows(
        target=np.concatenate([one.target for one in found]),
        known_ahead=np.concatenate([one.known_ahead for one in found]),
    )


def find_missing(counts: CellCounts, table: Table, grid: Grid, schema: Schema, how: str) -> list[Finding]:
    """Return a finding about missing cells in rows of the file; missing rows have one of their own.

    Raises DataError for any missing value where `how` is `refuse`.
    """
    if counts.first is None:
        return []
    total = counts.missing
    place = _missing_location(table, grid, schema, *(counts.first_empty or counts.first))
    if how == "refuse":
        raise DataError(
            f"{total:,} cells are missing, first {place}, and --missing refuse allows none",
            hint="fill them in the file, or choose --missing interpolate, last or season",
            rule="D601",
            at=in_file(table.source),
            flags=("--missing",),
        )
    holes = int((grid.counts - grid.rows_read).sum()) * grid.cells.shape[1]
    if total == holes:
        return []
    cells = "cell has" if total - holes == 1 else "cells have"
    return [
        Finding(
            rule="D602",
            text=f"{table.source}: {total - holes:,} {cells} no value, first {place}; filled by --missing {how}, "
            "never counted as truth",
            source=place.source,
            column=place.column,
            lines=place.lines,
            count=total - holes,
            flags=("--missing",),
        )
    ]


def _missing_location(table: Table, grid: Grid, schema: Schema, row: int, column: int) -> Location:
    """Return a missing cell of the grid, with its line unless the whole row is missing."""
    lines, wording = GridLines(table, grid), location_formatter(table)
    one = lines.series_of_row(row)
    series = f" in series {quote_name(grid.names[one])}" if table.series_name else ""
    time = int(grid.step.times(np.asarray(row - lines.offset[one]), grid.origin_us[one]))
    column_name = schema.columns[column]
    name, where = quote_name(column_name), f"at {wording.time(time)}{series}"
    try:
        line = lines.line(row)
    except LookupError:
        return Location(source=table.source, text=f"{name} {where}", column=column_name)
    at = wording.at(line, column_name)
    in_row = wording.row(line)
    text = f"{name} in {in_row}{series}" if table.time_name is None else f"{name} {where} ({in_row})"
    return Location(source=at.source, text=text, lines=at.lines, column=column_name)
