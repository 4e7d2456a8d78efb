"""Readers of one text or Parquet file: cells become numbers, times and series names."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from operator import itemgetter
from typing import TypeAlias

import numpy as np

from lstm_cli.data.locations import CellLocation
from lstm_cli.data.reading.column_buffers import ColumnBatch
from lstm_cli.data.reading.columns.names import column_labels, refuse_many_columns
from lstm_cli.data.reading.columns.number_formats import NumberFormats, plain_sample
from lstm_cli.data.reading.columns.requests import ColumnRoles
from lstm_cli.data.reading.columns.roles import SAMPLE_ROWS
from lstm_cli.data.reading.csv_fast import FastCsvReader, Layout
from lstm_cli.data.reading.csv_rows import RowBatch
from lstm_cli.data.reading.file_columns import (
    Cells,
    as_text,
    cell_locations,
    column_order,
    number_findings,
    read_text,
    to_batch,
)
from lstm_cli.data.reading.records import RecordsFile
from lstm_cli.data.reading.source import Source
from lstm_cli.data.spreadsheet_safety import unescape_formula
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding


class TextFile:
    """Text file, open after its first rows, which decide the roles of the columns."""

    unit = "line"

    def __init__(self, source: Source, formats: NumberFormats, *, several_lines_ok: bool = False) -> None:
        """Read the header and the first rows. Raise DataError if either is missing."""
        self.source = source.name
        self._reader = FastCsvReader(
            source, formats.text, other_delimiter_ok=formats.plain_ok, several_lines_ok=several_lines_ok
        )
        rows = self._reader.rows
        refuse_many_columns(source.name, len(rows.header))
        names = column_labels(map(unescape_formula, rows.header))
        self._width = len(names)
        partitions = [(name, value) for name, value in source.partitions if name not in names]
        self.names = names + [name for name, _ in partitions]
        self._folder_cells = [value for _, value in partitions]  # cells of each row that the folder gives
        if self._reader.first is None:
            raise DataError(
                f"{source.name} has no rows below its header",
                hint="add one row for each time",
                rule="D114",
            )
        self._first = self._with_folder_cells(self._reader.first)
        self.delimiter = rows.delimiter
        self._raw_sample = list(zip(*self._first.cells[:SAMPLE_ROWS], strict=True))
        self._formats = formats
        self.marks_are_known = formats.marks_are_known
        self.numbers = formats.columns(self.names, self._raw_sample, [True] * len(self.names))
        self.sample = plain_sample(self.numbers, self._raw_sample)
        self._number_findings: list[Finding] = []
        self.unit_of = formats.unit

    @property
    def findings(self) -> Sequence[Finding]:
        """Return the findings about the rows, complete after the last row."""
        return (*self._reader.rows.findings, *self._number_findings)

    @property
    def sample_is_complete(self) -> bool:
        """Return whether the sample holds all rows of the file."""
        return len(self._first.cells) < SAMPLE_ROWS

    @property
    def first(self) -> tuple[list[Sequence[str]], np.ndarray]:
        """Return the cells of each column in the first rows (all rows of a small file), and their lines."""
        cells = list(zip(*self._first.cells, strict=True))
        return plain_sample(self.numbers, cells), self._first.lines

    @property
    def header(self) -> list[str]:
        """Return the names of the columns without those that the folder gives."""
        return self.names[: self._width]

    @property
    def header_line(self) -> int:
        """Return the line of the header."""
        return self._reader.rows.header_line

    @property
    def lines(self) -> int:
        """Return the number of lines read so far."""
        return self._reader.rows.state.line

    def expected_rows(self, size: int) -> int:
        """Return the estimated number of rows in `size` bytes; 0 for few rows or if it is unknown."""
        return int(1.1 * size * self._reader.rows_per_byte)  # unfilled rows take no memory

    def cells(self) -> Iterator[Cells]:
        """Yield all cells of the file in batches. Raise DataError for a row that cannot be read."""
        for batch in chain((self._first,), map(self._with_folder_cells, self._reader.batches())):
            yield batch.lines, list(zip(*batch.cells, strict=True))

    def columns(self, roles: ColumnRoles) -> Iterator[ColumnBatch]:
        """Yield all rows in batches. Raise DataError for a cell that cannot be read."""
        locations = cell_locations(self.source, self.names, roles, self.unit)
        getters = [itemgetter(index) for index in column_order(roles)]
        numbers = [self.numbers[index] for index in roles.numeric]
        self._number_findings = self._formats.settle(
            self.source,
            [self.names[index] for index in roles.numeric],
            numbers,
            [self._raw_sample[index] for index in roles.numeric],
        )

        def read_batch(batch: RowBatch) -> ColumnBatch:
            cells = [list(map(getter, batch.cells)) for getter in getters]
            return to_batch(batch.lines, cells, roles, locations, numbers, read_text, as_text)

        yield read_batch(self._first)
        yield from self._reader.columns(
            self._layout(roles, locations[0]), lambda batch: read_batch(self._with_folder_cells(batch))
        )
        self._number_findings += number_findings(numbers, locations)

    def _with_folder_cells(self, batch: RowBatch) -> RowBatch:
        """Return rows with the cells that the folder of the file gives to each row."""
        if not self._folder_cells:
            return batch
        return RowBatch(cells=[row + self._folder_cells for row in batch.cells], lines=batch.lines)

    def _layout(self, roles: ColumnRoles, time_location: CellLocation) -> Layout | None:
        """Return the layout for reading in bulk; None if only text can be read so."""
        formats = {self.numbers[index].format for index in roles.numeric}
        number_format = next(iter(formats), None)
        in_folder = max(column_order(roles)) >= self._width
        if len(roles.time) > 1 or len(roles.series) > 1 or in_folder or roles.vocabularies:
            return None
        if len(formats) != 1 or number_format is None or number_format.thousands or number_format.units:
            return None
        return Layout(
            codec=self._reader.codec,
            delimiter=self.delimiter,
            width=self._width,
            time=next(iter(roles.time), None),
            series=next(iter(roles.series), None),
            numeric=roles.numeric,
            number_format=number_format,
            time_location=time_location,
            times=roles.times,
            unseen=self._formats.unseen,
        )


class ParquetFile:
    """Parquet file, open after its first rows, which decide the roles of the columns."""

    unit = "row"
    delimiter = ""
    header_line = 0

    def __init__(self, source: Source, formats: NumberFormats) -> None:
        """Open the file and read its first rows. Raise DataError if it is corrupt or has no rows."""
        from lstm_cli.data.reading.parquet import ParquetRows

        self.source = source.name
        self._rows = ParquetRows(source)
        refuse_many_columns(source.name, len(self._rows.names))
        self.names = self.header = column_labels(self._rows.names)
        self.lines = self._rows.rows
        if not self.lines:
            raise DataError(f"{source.name} has no rows", hint="add one row for each time", rule="D114")
        raw_sample = self._rows.sample()
        self._raw_sample, self._formats = raw_sample, formats
        self.unit_of = formats.unit
        self.marks_are_known = formats.marks_are_known
        self.numbers = formats.columns(self.names, raw_sample, self._rows.text_columns())
        self.sample = plain_sample(self.numbers, raw_sample)
        self.findings: list[Finding] = []
        self.first = self.sample, np.arange(1, 1 + max(map(len, self.sample), default=0))
        self.sample_is_complete = len(self.first[1]) >= self.lines

    def expected_rows(self, size: int) -> int:
        """Return the number of rows of the file."""
        return self.lines

    def cells(self) -> Iterator[Cells]:
        """Yield all cells of the file in batches. Raise DataError if the file is corrupt."""
        return self._rows.batches(range(len(self.names)))

    def columns(self, roles: ColumnRoles) -> Iterator[ColumnBatch]:
        """Yield all rows in batches. Raise DataError for a cell that cannot be read."""
        from lstm_cli.data.reading.parquet import column_numbers, column_text

        locations = cell_locations(self.source, self.names, roles, self.unit)
        numbers = [self.numbers[index] for index in roles.numeric]
        self.findings = self._formats.settle(
            self.source,
            [self.names[index] for index in roles.numeric],
            numbers,
            [self._raw_sample[index] for index in roles.numeric],
        )
        for lines, cells in self._rows.batches(column_order(roles)):
            yield to_batch(lines, cells, roles, locations, numbers, column_numbers, column_text)
        self.findings += number_findings(numbers, locations)


File: TypeAlias = TextFile | ParquetFile | RecordsFile


def open_file(source: Source, formats: NumberFormats, *, several_lines_ok: bool = False) -> File:
    """Return a file, open after its first rows.

    Args:
        source: open source.
        formats: formats of its numbers.
        several_lines_ok: a cell may have several lines, as documents do.

    Raises:
        DataError: the file cannot be read.
    """
    if source.records is not None:
        return RecordsFile(source, formats)
    if source.parquet:
        return ParquetFile(source, formats)
    return TextFile(source, formats, several_lines_ok=several_lines_ok)


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
