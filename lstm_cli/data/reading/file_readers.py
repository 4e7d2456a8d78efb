"""Readers of one text or Parquet file: cells become numbers, times and series names."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice, starmap
from operator import itemgetter
from typing import Any, TypeAlias

import numpy as np

from lstm_cli.config.text import TextSettings
from lstm_cli.data.locations import CellLocation
from lstm_cli.data.reading.column_buffers import ColumnBatch
from lstm_cli.data.reading.column_roles import SAMPLE_ROWS, ColumnRoles, column_labels
from lstm_cli.data.reading.csv_fast import FastCsvReader, Layout
from lstm_cli.data.reading.csv_rows import RowBatch
from lstm_cli.data.reading.numbers import read_numbers
from lstm_cli.data.reading.source import Source
from lstm_cli.data.spreadsheet_safety import unescape_formula
from lstm_cli.data.times.parse import scan_times
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding

# Line numbers [n] and the n cells of each column, as text or pyarrow arrays.
Cells: TypeAlias = tuple[np.ndarray, Sequence[Any]]


class TextFile:
    """Text file, open after its first rows, which decide the roles of the columns."""

    unit = "line"

    def __init__(self, source: Source, text: TextSettings) -> None:
        """Read the header and the first rows. Raise DataError if either is missing."""
        self.source = source.name
        self._reader = FastCsvReader(source, text)
        rows = self._reader.rows
        self.names = column_labels(map(unescape_formula, rows.header))
        if self._reader.first is None:
            raise DataError(
                f"{source.name} has no rows below its header",
                hint="add one row for each time",
                rule="D114",
            )
        self._first = self._reader.first
        self.delimiter = rows.delimiter

    @property
    def findings(self) -> Sequence[Finding]:
        """Return the findings about the rows, complete after the last row."""
        return self._reader.rows.findings

    @property
    def sample(self) -> list[tuple[str, ...]]:
        """Return the first cells of each column."""
        return list(zip(*self._first.cells[:SAMPLE_ROWS], strict=True))

    @property
    def sample_is_complete(self) -> bool:
        """Return whether the sample holds all rows of the file."""
        return len(self._first.cells) < SAMPLE_ROWS

    @property
    def first(self) -> tuple[list[tuple[str, ...]], np.ndarray]:
        """Return the cells of each column in the first rows (all rows of a small file), and their lines."""
        return list(zip(*self._first.cells, strict=True)), self._first.lines

    @property
    def lines(self) -> int:
        """Return the number of lines read so far."""
        return self._reader.rows.state.line

    def expected_rows(self, size: int) -> int:
        """Return the estimated number of rows in `size` bytes; 0 for few rows or if it is unknown."""
        return int(1.1 * size * self._reader.rows_per_byte)  # unfilled rows take no memory

    def cells(self) -> Iterator[Cells]:
        """Yield all cells of the file in batches. Raise DataError for a row that cannot be read."""
        for batch in chain((self._first,), self._reader.batches()):
            yield batch.lines, list(zip(*batch.cells, strict=True))

    def columns(self, roles: ColumnRoles) -> Iterator[ColumnBatch]:
        """Yield all rows in batches. Raise DataError for a cell that cannot be read."""
        locations = _cell_locations(self.source, self.names, roles, self.unit)
        getters = [itemgetter(index) for index in column_order(roles)]

        def to_batch(batch: RowBatch) -> ColumnBatch:
            cells = [list(map(getter, batch.cells)) for getter in getters]
            return _to_batch(
                batch.lines, cells, roles, locations, read_numbers, lambda column, location: column
            )

        yield to_batch(self._first)
        yield from self._reader.columns(self._layout(roles, locations[0]), to_batch)

    def _layout(self, roles: ColumnRoles, time_location: CellLocation) -> Layout | None:
        """Return the layout for reading in bulk; None if only text can be read so."""
        if len(roles.time) > 1 or len(roles.series) > 1 or roles.vocabularies:
            return None
        return Layout(
            codec=self._reader.codec,
            delimiter=self.delimiter,
            width=len(self.names),
            time=next(iter(roles.time), None),
            series=next(iter(roles.series), None),
            numeric=roles.numeric,
            time_location=time_location,
        )


class ParquetFile:
    """Parquet file, open after its first rows, which decide the roles of the columns."""

    unit = "row"
    delimiter = ""
    findings: Sequence[Finding] = ()

    def __init__(self, source: Source) -> None:
        """Open the file and read its first rows. Raise DataError if it is corrupt or has no rows."""
        from lstm_cli.data.reading.parquet import ParquetRows

        self.source = source.name
        self._rows = ParquetRows(source)
        self.names = column_labels(self._rows.names)
        self.sample = self._rows.sample()
        self.first = self.sample, np.arange(1, 1 + max(map(len, self.sample), default=0))
        self.lines = self._rows.rows
        self.sample_is_complete = len(self.first[1]) >= self.lines
        if not self.lines:
            raise DataError(f"{source.name} has no rows", hint="add one row for each time", rule="D114")

    def expected_rows(self, size: int) -> int:
        """Return the number of rows of the file."""
        return self.lines

    def cells(self) -> Iterator[Cells]:
        """Yield all cells of the file in batches. Raise DataError if the file is corrupt."""
        return self._rows.batches(range(len(self.names)))

    def columns(self, roles: ColumnRoles) -> Iterator[ColumnBatch]:
        """Yield all rows in batches. Raise DataError for a cell that cannot be read."""
        from lstm_cli.data.reading.parquet import column_numbers, column_text

        locations = _cell_locations(self.source, self.names, roles, self.unit)
        for lines, cells in self._rows.batches(column_order(roles)):
            yield _to_batch(lines, cells, roles, locations, column_numbers, column_text)


File: TypeAlias = TextFile | ParquetFile


def column_order(roles: ColumnRoles) -> list[int]:
    """Return the roles columns in the order of a batch: time, series, then numeric columns."""
    return [*roles.time, *roles.series, *roles.numeric]


def roles_by_name(roles: ColumnRoles, names: Sequence[str], others: Sequence[str]) -> ColumnRoles:
    """Return the same roles for a file with another order of columns.

    Args:
        roles: roles in the first file.
        names: column names of the first file.
        others: column names of the other file.
    """

    def indices_of(indices: Sequence[int]) -> tuple[int, ...]:
        return tuple(others.index(names[index]) for index in indices)

    return replace(
        roles,
        time=indices_of(roles.time),
        series=indices_of(roles.series),
        targets=indices_of(roles.targets),
        past=indices_of(roles.past),
        future=indices_of(roles.future),
        static=indices_of(roles.static),
    )


def _cell_locations(source: str, names: Sequence[str], roles: ColumnRoles, unit: str) -> list[CellLocation]:
    return [CellLocation(source=source, column=names[index], unit=unit) for index in column_order(roles)]


def _to_batch(
    lines: np.ndarray,
    cells: Sequence[Any],
    roles: ColumnRoles,
    locations: Sequence[CellLocation],
    numbers: Callable[[Any, np.ndarray, CellLocation], np.ndarray],
    text: Callable[[Any, CellLocation], Sequence[str]],
) -> ColumnBatch:
    """Return rows [n] as a batch. cells: [n] of each roles column, as text or pyarrow arrays."""
    pairs = iter(zip(cells, locations, strict=True))
    times, codes, names = None, None, list[str]()
    if roles.time:
        columns, location = _next_columns(pairs, len(roles.time), text)
        times = scan_times(columns[0], lines, location)
    if roles.series:
        columns, location = _next_columns(pairs, len(roles.series), text)
        codes, names = _series_codes(columns[0], lines, location)

    def values_of(column: Any, location: CellLocation) -> np.ndarray:
        vocabulary = roles.vocabularies.get(location.column)
        return (
            numbers(column, lines, location)
            if vocabulary is None
            else vocabulary.codes(text(column, location))
        )

    values = np.stack(list(starmap(values_of, pairs)), axis=1)
    extremes = np.stack([values.min(axis=0), values.max(axis=0)])
    return ColumnBatch(lines=lines, values=values, extremes=extremes, times=times, codes=codes, names=names)


def _next_columns(
    pairs: Iterator[tuple[Any, CellLocation]], count: int, text: Callable[[Any, CellLocation], Sequence[str]]
) -> tuple[list[Sequence[str]], CellLocation]:
    """Return the cells of the next `count` columns as text, and the location of the first of them."""
    columns = list(islice(pairs, count))
    return [text(column, location) for column, location in columns], columns[0][1]


def _series_codes(
    cells: Sequence[str], lines: np.ndarray, location: CellLocation
) -> tuple[np.ndarray, list[str]]:
    """Return the index of each cell's series [n] int32, and the series names."""
    index: dict[str, int] = {}
    for cell in cells:
        index.setdefault(cell, len(index))
    names = [unescape_formula(cell) for cell in index]
    if not all(names):
        empty = next(cell for cell in index if not unescape_formula(cell))
        line = int(lines[cells.index(empty)])
        raise DataError(
            "the series name is missing",
            hint="write the name, or delete the line",
            rule="D207",
            at=location.at(line),
        )
    return np.fromiter(map(index.__getitem__, cells), dtype=np.int32, count=len(cells)), names
