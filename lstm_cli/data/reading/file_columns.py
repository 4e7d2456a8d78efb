"""Columns of an open file as batches: cells become numbers, times and series names."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, TypeAlias

import numpy as np

from lstm_cli.data.locations import CellLocation
from lstm_cli.data.reading.column_buffers import ColumnBatch
from lstm_cli.data.reading.columns.number_formats import NumberColumn
from lstm_cli.data.reading.columns.requests import ColumnRoles
from lstm_cli.data.reading.columns.series_names import join_name
from lstm_cli.data.spreadsheet_safety import unescape_formula
from lstm_cli.data.times.joined_cells import join_cells
from lstm_cli.data.times.parse import scan_times
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding

# Line numbers [n] and the n cells of each column, as text or pyarrow arrays.
Cells: TypeAlias = tuple[np.ndarray, Sequence[Any]]


def column_order(roles: ColumnRoles) -> list[int]:
    """Return the roles columns in the order of a batch: time, series, then numeric columns."""
    return [*roles.time, *roles.series, *roles.numeric]


def cell_locations(source: str, names: Sequence[str], roles: ColumnRoles, unit: str) -> list[CellLocation]:
    """Return the location of each column of the roles, in the order of a batch.

    Args:
        source: name of the file.
        names: names of all columns.
        roles: roles of the columns.
        unit: "line", "row" or "record".
    """
    return [CellLocation(source=source, column=names[index], unit=unit) for index in column_order(roles)]


def to_batch(
    lines: np.ndarray,
    cells: Sequence[Any],
    roles: ColumnRoles,
    locations: Sequence[CellLocation],
    numbers: Sequence[NumberColumn],
    read: Callable[[Any, np.ndarray, CellLocation, NumberColumn], np.ndarray],
    text: Callable[[Any, CellLocation], Sequence[str]],
) -> ColumnBatch:
    """Return rows [n] as a batch.

    Args:
        lines: line numbers [n].
        cells: cells [n] of each column of the roles, as text or pyarrow arrays.
        roles: roles of the columns.
        locations: location of each column.
        numbers: formats of the numeric columns.
        read: reads the cells of a numeric column.
        text: returns the cells of another column as text.
    """
    pairs = iter(zip(cells, locations, strict=True))
    times, codes, names = None, None, list[str]()
    if roles.time:
        columns, location = _next_columns(pairs, len(roles.time), text)
        if len(columns) > 1:
            names_joined = " + ".join(place.column for place in locations[: len(columns)])
            columns, location = [join_cells(columns, roles.times)], replace(location, column=names_joined)
        times = scan_times(columns[0], lines, location, roles.times)
    if roles.series:
        columns, location = _next_columns(pairs, len(roles.series), text)
        codes, names = _series_codes(columns, lines, location)

    def values_of(column: Any, location: CellLocation, number: NumberColumn) -> np.ndarray:
        vocabulary = roles.vocabularies.get(location.column)
        if vocabulary is not None:
            return vocabulary.codes(text(column, location))
        return read(column, lines, location, number)

    values = [
        values_of(column, location, number) for (column, location), number in zip(pairs, numbers, strict=True)
    ]
    extremes = np.array([[column.min() for column in values], [column.max() for column in values]])
    return ColumnBatch(lines=lines, values=values, extremes=extremes, times=times, codes=codes, names=names)


def read_text(cells: Any, lines: np.ndarray, location: CellLocation, number: NumberColumn) -> np.ndarray:
    """Return text cells [n] as float64 [n].

    Args:
        cells: text cells [n].
        lines: line numbers [n].
        location: file and column, for messages.
        number: format of the column.
    """
    return number.read(cells, lines, location)


def as_text(cells: Any, location: CellLocation) -> Sequence[str]:
    """Return text cells [n] as they are."""
    texts: Sequence[str] = cells
    return texts


def number_findings(numbers: Sequence[NumberColumn], locations: Sequence[CellLocation]) -> list[Finding]:
    """Return the findings about the formats of the numeric columns, which are the last of the locations."""
    pairs = zip(numbers, locations[len(locations) - len(numbers) :], strict=True)
    return [finding for finding in (number.finding(location) for number, location in pairs) if finding]


def _next_columns(
    pairs: Iterator[tuple[Any, CellLocation]], count: int, text: Callable[[Any, CellLocation], Sequence[str]]
) -> tuple[list[Sequence[str]], CellLocation]:
    """Return the cells of the next `count` columns as text, and the location of the first of them."""
    columns = list(islice(pairs, count))
    return [text(column, location) for column, location in columns], columns[0][1]


def _series_codes(
    columns: Sequence[Sequence[str]], lines: np.ndarray, location: CellLocation
) -> tuple[np.ndarray, list[str]]:
    """Return the index of each row's series [n] int32, and the series names.

    One of several columns may be empty, because its other values still tell the series apart.

    Args:
        columns: cells [n] of each series column.
        lines: line of each row [n].
        location: the first series column, for messages.
    """
    cells: Sequence[Any] = columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))
    index: dict[Any, int] = {}
    for cell in cells:
        index.setdefault(cell, len(index))
    parts = [[unescape_formula(cell) for cell in ((key,) if len(columns) == 1 else key)] for key in index]
    if not all(map(any, parts)):
        empty = next(key for key, values in zip(index, parts, strict=True) if not any(values))
        line = int(lines[cells.index(empty)])
        raise DataError(
            "the series name is missing",
            hint="write the name, or delete the line",
            rule="D207",
            at=location.at(line),
        )
    codes = np.fromiter(map(index.__getitem__, cells), dtype=np.int32, count=len(cells))
    return codes, list(map(join_name, parts))
