"""One data file, text or Parquet, as the columns of a plan: cells become numbers, times and names of series."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from operator import itemgetter
from typing import Any, TypeAlias

import numpy as np

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

# Line numbers [n] and the n cells of each column: text, or what pyarrow holds.
Cells: TypeAlias = tuple[np.ndarray, Sequence[Any]]


class TextFile:
    """A text file, read up to its first rows."""

    unit = "line"

    def __init__(self, source: Source, encoding: str | None, delimiter: str | None) -> None:
        """Raises DataError where there is no header or no row."""
        self.source = source.name
        self._reader = FastCsvReader(source, encoding, delimiter)
        rows = self._reader.rows
        self.names = column_labels(map(unescape_formula, rows.header))
        if self._reader.first is None:
            raise DataError(
                f"{source.name} has a header and no row below it",
                hint="it needs one row for each time",
                rule="D114",
            )
        self._first = self._reader.first
        self.delimiter = rows.delimiter

    @property
    def findings(self) -> Sequence[Finding]:
        """What was found in the rows: complete once all of them are read."""
        return self._reader.rows.findings

    @property
    def sample(self) -> list[tuple[str, ...]]:
        """The first cells of each column."""
        return list(zip(*self._first.cells[:SAMPLE_ROWS], strict=True))

    @property
    def sample_is_complete(self) -> bool:
        """Whether there are no rows beyond the sample."""
        return len(self._first.cells) < SAMPLE_ROWS

    @property
    def first(self) -> tuple[list[tuple[str, ...]], np.ndarray]:
        """The cells of each column in the first rows, in a small file all of them, and the lines of these rows."""
        return list(zip(*self._first.cells, strict=True)), self._first.lines

    @property
    def lines(self) -> int:
        """Lines read so far."""
        return self._reader.rows.state.line

    def expected_rows(self, size: int) -> int:
        """How many rows so many bytes of such files hold, about; 0 where they are few, or it is not known."""
        return int(1.1 * size * self._reader.rows_per_byte)  # what is not filled takes no memory

    def cells(self) -> Iterator[Cells]:
        """All cells of the file, some rows at a time. Raises DataError for a row that cannot be read."""
        for piece in chain((self._first,), self._reader.batches()):
            yield piece.lines, list(zip(*piece.cells, strict=True))

    def columns(self, chosen: ColumnRoles) -> Iterator[ColumnBatch]:
        """All rows, some at a time. Raises DataError for what cannot be read."""
        locations = _cell_locations(self.source, self.names, chosen, self.unit)
        getters = [itemgetter(index) for index in column_order(chosen)]

        def careful(piece: RowBatch) -> ColumnBatch:
            cells = [list(map(getter, piece.cells)) for getter in getters]
            return _to_batch(
                piece.lines, cells, chosen, locations, read_numbers, lambda column, place: column
            )

        yield careful(self._first)
        layout = Layout(
            codec=self._reader.codec,
            delimiter=self.delimiter,
            width=len(self.names),
            time=chosen.time,
            series=chosen.series,
            numeric=chosen.numeric,
            time_location=locations[0],
        )
        yield from self._reader.columns(layout, careful)


class ParquetFile:
    """A Parquet file, read up to its first rows."""

    unit = "row"
    delimiter = ""
    findings: Sequence[Finding] = ()

    def __init__(self, source: Source) -> None:
        """Raises DataError where it is damaged or has no rows."""
        from lstm_cli.data.reading.parquet import ParquetRows

        self.source = source.name
        self._rows = ParquetRows(source)
        self.names = column_labels(self._rows.names)
        self.sample = self._rows.sample()
        self.first = self.sample, np.arange(1, 1 + max(map(len, self.sample), default=0))
        self.lines = self._rows.rows
        self.sample_is_complete = len(self.first[1]) >= self.lines
        if not self.lines:
            raise DataError(f"{source.name} has no rows", hint="it needs one row for each time", rule="D114")

    def expected_rows(self, size: int) -> int:
        """How many rows the file holds."""
        return self.lines

    def cells(self) -> Iterator[Cells]:
        """All cells of the file, some rows at a time. Raises DataError where it is damaged."""
        return self._rows.batches(range(len(self.names)))

    def columns(self, chosen: ColumnRoles) -> Iterator[ColumnBatch]:
        """All rows, some at a time. Raises DataError for what cannot be read."""
        from lstm_cli.data.reading.parquet import column_numbers, column_text

        locations = _cell_locations(self.source, self.names, chosen, self.unit)
        for lines, cells in self._rows.batches(column_order(chosen)):
            yield _to_batch(lines, cells, chosen, locations, column_numbers, column_text)


File: TypeAlias = TextFile | ParquetFile


def column_order(chosen: ColumnRoles) -> list[int]:
    """The chosen columns in the order of a piece: the time, the series, then the numeric ones."""
    return [index for index in (chosen.time, chosen.series) if index is not None] + list(chosen.numeric)


def roles_by_name(chosen: ColumnRoles, names: Sequence[str], others: Sequence[str]) -> ColumnRoles:
    """The same columns in a file that has them, under the names `others`, in another order."""

    def place(index: int | None) -> int | None:
        return None if index is None else others.index(names[index])

    def places(indices: Sequence[int]) -> tuple[int, ...]:
        return tuple(others.index(names[index]) for index in indices)

    return replace(
        chosen,
        time=place(chosen.time),
        series=place(chosen.series),
        targets=places(chosen.targets),
        past=places(chosen.past),
        future=places(chosen.future),
    )


def _cell_locations(source: str, names: Sequence[str], chosen: ColumnRoles, unit: str) -> list[CellLocation]:
    return [CellLocation(source=source, column=names[index], unit=unit) for index in column_order(chosen)]


def _to_batch(
    lines: np.ndarray,
    cells: Sequence[Any],
    chosen: ColumnRoles,
    locations: Sequence[CellLocation],
    numbers: Callable[[Any, np.ndarray, CellLocation], np.ndarray],
    text: Callable[[Any, CellLocation], Sequence[str]],
) -> ColumnBatch:
    """Rows [n] as columns. cells: [n] of each chosen column, text or what pyarrow holds."""
    rest = iter(zip(cells, locations, strict=True))
    times, codes, names = None, None, list[str]()
    if chosen.time is not None:
        column, place = next(rest)
        times = scan_times(text(column, place), lines, place)
    if chosen.series is not None:
        column, place = next(rest)
        codes, names = _series_codes(text(column, place), lines, place)
    values = np.stack([numbers(column, lines, place) for column, place in rest], axis=1)
    ends = np.stack([values.min(axis=0), values.max(axis=0)])
    return ColumnBatch(lines=lines, values=values, extremes=ends, times=times, codes=codes, names=names)


def _series_codes(
    cells: Sequence[str], lines: np.ndarray, location: CellLocation
) -> tuple[np.ndarray, list[str]]:
    """The place of each cell's series [n] int32 in the names beside it."""
    index: dict[str, int] = {}
    for cell in cells:
        index.setdefault(cell, len(index))
    names = [unescape_formula(cell) for cell in index]
    if not all(names):
        wrong = next(cell for cell in index if not unescape_formula(cell))
        line = int(lines[cells.index(wrong)])
        raise DataError(
            "the name of the series is missing",
            hint="write it, or delete the line",
            rule="D207",
            at=location.at(line),
        )
    return np.fromiter(map(index.__getitem__, cells), dtype=np.int32, count=len(cells)), names
