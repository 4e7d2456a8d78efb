"""Reader of a wide file as long rows: one row for each series and time, with the line of its cell."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from lstm_cli.config.text import NO_TIMES
from lstm_cli.data.locations import CellLocation
from lstm_cli.data.numbers.format import NumberFormat
from lstm_cli.data.numbers.na_codes import UnseenCodes
from lstm_cli.data.numbers.units import ColumnUnit
from lstm_cli.data.reading.column_buffers import ColumnBatch
from lstm_cli.data.reading.columns.hints import suggest_series
from lstm_cli.data.reading.columns.number_formats import NumberColumn, plain_sample
from lstm_cli.data.reading.columns.requests import ColumnRequest, ColumnRoles
from lstm_cli.data.reading.columns.roles import SAMPLE_ROWS
from lstm_cli.data.reading.columns.series_names import join_name, split_name
from lstm_cli.data.reading.file_columns import Cells
from lstm_cli.data.reading.file_readers import File
from lstm_cli.data.reading.wide.header import time_text
from lstm_cli.data.reading.wide.layout import WideRequest, find_layout
from lstm_cli.data.times.codes import TimeOptions
from lstm_cli.data.times.parse import scan_times
from lstm_cli.data.times.patterns import TimePiece
from lstm_cli.findings import Finding


class WideFile:
    """Wide file with the interface of a long one: a batch of n rows becomes n x K rows, K columns of values."""

    def __init__(self, file: File, request: WideRequest, times: TimeOptions) -> None:
        """Find the layout of an open file. Raises the errors of `find_layout` and of reading the times."""
        self._file = file
        self.layout = find_layout(file, request, times)
        if self.layout.dated:  # the columns are times of one long column
            unit = file.unit_of(self.layout.value_name)
            for index in self.layout.values:
                file.numbers[index].unit = unit
        self.source, self.unit, self.delimiter = file.source, file.unit, file.delimiter
        self.names = self.layout.names
        # `cells` writes the values as plain numbers.
        plain = NumberColumn(format=NumberFormat(), unit=ColumnUnit(), unseen=UnseenCodes())
        self.numbers = [plain for _ in self.names]
        self._header = [file.names[index] for index in self.layout.values]
        if self.layout.dated:
            self._header = [time_text(name, self.layout.times) for name in self._header]
        self._sample_rows = 1 + SAMPLE_ROWS // len(self._header)
        self._done = 0  # rows of the file that were read
        self._times = self._header_times() if self.layout.dated else None

    @property
    def request(self) -> ColumnRequest:
        """Return the roles of the columns of the long table."""
        layout = self.layout
        return ColumnRequest(
            targets=(layout.value_name,),
            past=(),
            future=(),
            time=layout.time_names or (NO_TIMES,),
            series=layout.series_names,
            times=layout.times,
        )

    def suggested_series(self) -> tuple[str, ...]:
        """Return the series columns that `suggest_series` finds."""
        layout = self.layout
        others = [index for index in range(len(self._file.names)) if index not in (*layout.ids, *layout.time)]
        texts = [index for index in others if index not in layout.values]
        chosen = suggest_series(self._file.sample, layout.ids, layout.time, texts)
        return tuple(self._file.names[index] for index in chosen)

    @property
    def findings(self) -> Sequence[Finding]:
        """Return the findings about the layout and the rows, complete after the last row."""
        return (*self.layout.findings, *self._file.findings)

    @property
    def sample(self) -> list[Sequence[str]]:
        """Return the first cells of each column."""
        return self._long_cells([cells[: self._sample_rows] for cells in self._file.sample])

    @property
    def sample_is_complete(self) -> bool:
        """Return whether the sample holds all rows of the file."""
        return self._file.sample_is_complete and len(self._file.first[1]) <= self._sample_rows

    @property
    def first(self) -> tuple[list[Sequence[str]], np.ndarray]:
        """Return the cells of each column in the first rows, and their lines."""
        cells, lines = self._file.first
        return self._long_cells(cells), self._long_lines(lines)

    @property
    def lines(self) -> int:
        """Return the number of lines read so far."""
        return self._file.lines

    def expected_rows(self, size: int) -> int:
        """Return the estimated number of rows in `size` bytes; 0 for few rows or if it is unknown."""
        return self._file.expected_rows(size) * len(self._header)

    def cells(self) -> Iterator[Cells]:
        """Yield all cells of the long table in batches. Raise DataError for a row that cannot be read."""
        self._done = 0
        for lines, columns in self._file.cells():
            yield self._long_lines(lines), self._long_cells(columns, plain=False)
            self._done += len(lines)

    def columns(self, roles: ColumnRoles) -> Iterator[ColumnBatch]:
        """Yield all rows in batches. Raise DataError for a cell that cannot be read.

        roles: roles of the long table, which the layout has decided.
        """
        self._done = 0
        for batch in self._file.columns(self.layout.roles):
            yield self._to_long(batch)
            self._done += len(batch.lines)

    def _header_times(self) -> TimePiece:
        """Return the times [K] in the header."""
        location = CellLocation(source=self.source, column=self.layout.time_names[0], unit=self.unit)
        lines = np.full(len(self._header), self._file.header_line, dtype=np.int64)
        return scan_times(self._header, lines, location, self.layout.times)

    def _to_long(self, batch: ColumnBatch) -> ColumnBatch:
        """Return rows [n] with values [n, K] as n x K rows: series by series within the batch."""
        rows, width = len(batch.lines), len(batch.values)
        values = np.stack(batch.values, axis=1).ravel() if self.layout.dated else np.concatenate(batch.values)
        times = batch.times if self._times is None else self._times
        codes, names = self._long_series(batch)
        return ColumnBatch(
            lines=self._long_lines(batch.lines),
            values=(values,),
            extremes=np.stack([batch.extremes[0].min(keepdims=True), batch.extremes[1].max(keepdims=True)]),
            times=None if times is None else _repeat_times(times, rows if self.layout.dated else width),
            codes=codes,
            names=names,
        )

    def _long_series(self, batch: ColumnBatch) -> tuple[np.ndarray, list[str]]:
        """Return the index of each long row's series [n x K] int32, and the series names."""
        rows, width = len(batch.lines), len(batch.values)
        ids = batch.names if isinstance(batch.names, Sequence) else batch.names.to_pylist()
        if self.layout.dated:
            if batch.codes is None:
                ids = [str(self._done + number) for number in range(1, rows + 1)]
            codes = np.arange(rows, dtype=np.int32) if batch.codes is None else batch.codes
            return np.repeat(codes, width), list(ids)
        columns = np.repeat(np.arange(width, dtype=np.int32), rows)
        if batch.codes is None:
            return columns, self._header
        parts = [split_name(name, len(self.layout.ids)) for name in ids]
        names = [join_name([*values, column]) for values in parts for column in self._header]
        return np.tile(batch.codes, width) * np.int32(width) + columns, names

    def _long_lines(self, lines: np.ndarray) -> np.ndarray:
        width = len(self._header)
        return np.repeat(lines, width) if self.layout.dated else np.tile(lines, width)

    def _long_cells(self, columns: Sequence[Any], *, plain: bool = True) -> list[Sequence[str]]:
        """Return the cells of the long table for the cells [n] of each column of the file.

        plain: the numbers are plain decimals; otherwise they are as written.
        """
        texts = {index: self._texts(columns, index) for index in (*self.layout.ids, *self.layout.time)}
        values: Sequence[Sequence[str]] = [self._texts(columns, index) for index in self.layout.values]
        if not plain:
            values = plain_sample([self._file.numbers[index] for index in self.layout.values], values)
        rows, width = len(values[0]), len(values)
        if self.layout.dated:
            ids = [[cell for cell in texts[index] for _ in range(width)] for index in self.layout.ids]
            if self.layout.has_names:
                numbers = range(self._done + 1, self._done + rows + 1)
                ids.append([str(number) for number in numbers for _ in range(width)])
            long_values = [cell for row in zip(*values, strict=True) for cell in row]
            return [*map(tuple, ids), tuple(self._header * rows), tuple(long_values)]
        ids = [texts[index] * width for index in self.layout.ids]
        names = [name for name in self._header for _ in range(rows)]
        times = [texts[index] * width for index in self.layout.time]
        return [*map(tuple, (*ids, names, *times)), tuple(cell for column in values for cell in column)]

    def _texts(self, columns: Sequence[Any], index: int) -> list[str]:
        """Return the cells [n] of a column of the file as text."""
        if isinstance(columns[index], Sequence):
            return list(columns[index])
        from lstm_cli.data.reading.parquet import column_text

        location = CellLocation(source=self.source, column=self._file.names[index], unit=self.unit)
        return column_text(columns[index], location)


LongFile: TypeAlias = File | WideFile


def as_long(file: File, request: WideRequest, times: TimeOptions, long_names: Sequence[str]) -> LongFile:
    """Return a wide file as a long one. New data of a run may also be long already, as a forecast is.

    Args:
        file: the file, open after its first rows.
        request: columns of the wide file.
        times: how times are read.
        long_names: columns of the run's long table; () if there is no run.
    """
    if long_names and set(long_names) <= set(file.names):
        return file
    return WideFile(file, request, times)


def _repeat_times(piece: TimePiece, times: int) -> TimePiece:
    """Return a batch of times [n] repeated as a whole, [times x n]."""
    return replace(
        piece,
        values=np.tile(piece.values, times),
        parts=np.tile(piece.parts, (times, 1)),
        next_day=(piece.next_day[0], piece.next_day[1] * times),
        shapes={shape: (line, count * times) for shape, (line, count) in piece.shapes.items()},
    )
