"""Table of the forecasts of windows as CSV or Parquet: one row for each window, target and step, written in parts.

Numbers of a CSV have 12 significant digits, so that scores computed from the file are those of the report. Parquet
holds the 64-bit numbers. In both, a measured value has the digits of the data file (`restore_decimals`).
"""

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset, Schema
from lstm_cli.data.forecast.output import arrow_times, write_times
from lstm_cli.data.reading.columns.series_names import split_names
from lstm_cli.data.spreadsheet_safety import escape_formula
from lstm_cli.data.times.formats import JOINT, format_zoned_times

if TYPE_CHECKING:
    import pyarrow

TARGET, CUT_OFF, ORIGIN, TIME, STEP = "target", "cut_off", "origin", "time", "step"
BLOCK_ROWS = 20_000  # rows of text at a time, because their cells are Python objects
ROW_GROUP = 100_000  # least rows of a row group of Parquet, except the last one


@dataclass(frozen=True, kw_only=True)
class TableColumns:
    """Columns of the table."""

    schema: Schema
    numbers: tuple[
        tuple[str, int], ...
    ]  # name and index of each column of numbers; several may share an index
    cut_off: bool = False  # a backtest has a column for its cut-off

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the names of the columns before the numbers."""
        taken = {TARGET, CUT_OFF, ORIGIN, TIME, STEP, *(name for name, _ in self.numbers)}
        series = (f"series_{name}" if name in taken else name for name in self.schema.series_columns)
        return (*series, TARGET, *((CUT_OFF,) if self.cut_off else ()), ORIGIN, TIME, STEP)

    @property
    def header(self) -> list[str]:
        return [*self.keys, *(name for name, _ in self.numbers)]


@dataclass(frozen=True, kw_only=True)
class TableRows:
    """Rows of B windows of one dataset."""

    dataset: Dataset
    series: np.ndarray  # [B] int64
    origin_us: np.ndarray  # [B] int64: time of the last known row, as `Forecast.times_us` has it
    times_us: np.ndarray  # [B, H] int64
    numbers: np.ndarray  # [K, B, H, C] float64 in the file's units; NaN: an empty cell
    cut_off_us: int | None = None  # first time after the cut-off of a backtest

    @property
    def count(self) -> int:
        """Return the number of rows."""
        return int(np.prod(self.numbers.shape[1:]))

    def blocks(self, rows: int) -> "Iterator[TableRows]":
        """Yield the windows in blocks of at most `rows` rows, or one window."""
        windows = max(1, rows // int(np.prod(self.numbers.shape[2:])))
        for first in range(0, len(self.series), windows):
            block = slice(first, first + windows)
            yield TableRows(
                dataset=self.dataset,
                series=self.series[block],
                origin_us=self.origin_us[block],
                times_us=self.times_us[block],
                numbers=self.numbers[:, block],
                cut_off_us=self.cut_off_us,
            )

    def column(self, index: int) -> np.ndarray:
        """Return one column of numbers, row by row: window, then target, then step."""
        values: np.ndarray = np.swapaxes(self.numbers[index], 1, 2).reshape(-1)
        return values


class WindowTable(ABC):
    """Open table, to which rows are added."""

    def __init__(self, columns: TableColumns) -> None:
        self.rows = 0  # rows written
        self._columns = columns

    def add(self, rows: TableRows) -> None:
        """Write the rows of some windows."""
        self.rows += rows.count
        self._add(rows)

    @abstractmethod
    def _add(self, rows: TableRows) -> None: ...

    @abstractmethod
    def close(self) -> None:
        """Write what is left. The stream stays open."""


def open_table(stream: BinaryIO, columns: TableColumns, format: str) -> WindowTable:
    """Return a table without rows.

    Args:
        stream: binary file.
        columns: columns of the table.
        format: `csv` or `parquet`.
    """
    return ParquetTable(stream, columns) if format == "parquet" else CsvTable(stream, columns)


class CsvTable(WindowTable):
    """Table as CSV, with the delimiter of the data file, in UTF-8 with LF."""

    def __init__(self, stream: BinaryIO, columns: TableColumns) -> None:
        super().__init__(columns)
        self._stream = stream
        self._delimiter = columns.schema.delimiter or ","
        header = self._delimiter.join(self._text_cells(columns.header))
        stream.write(f"{header}\n".encode())
        self._targets = self._text_cells(columns.schema.targets)

    def _add(self, rows: TableRows) -> None:
        for block in rows.blocks(BLOCK_ROWS):
            self._stream.write(self._encode(block))

    def close(self) -> None:
        """Do nothing: all rows are written."""

    def _encode(self, rows: TableRows) -> bytes:
        _, windows, horizon, targets = rows.numbers.shape
        origins, texts = self._time_cells(rows)
        keys = [key for key in self._window_keys(rows, origins) for _ in range(horizon)]
        times = np.broadcast_to(texts[:, None], (windows, targets, horizon)).reshape(-1).tolist()
        steps = [str(step) for step in range(1, horizon + 1)] * (windows * targets)
        numbers: dict[int, list[str]] = {}
        for _, column in self._columns.numbers:
            if column not in numbers:
                numbers[column] = _number_texts(rows.column(column))
        cells = (numbers[column] for _, column in self._columns.numbers)
        lines = map(self._delimiter.join, zip(keys, times, steps, *cells, strict=True))
        return ("\n".join(lines) + "\n").encode()

    def _window_keys(self, rows: TableRows, origins: list[str]) -> list[str]:
        """Return the cells before the time, joined, for each target of each window."""
        names = _series_cells(rows, len(self._columns.schema.series_columns))
        series = [self._text_cells(column) for column in names]
        return [
            self._delimiter.join((*before, target, origin))
            for *before, origin in zip(*series, origins, strict=True)
            for target in self._targets
        ]

    def _time_cells(self, rows: TableRows) -> tuple[list[str], np.ndarray]:
        """Return the cells of the cut-off and the origin of each window, joined, and the times [B, H] of its steps."""
        windows, horizon = rows.times_us.shape
        moment = rows.cut_off_us
        cut_off = np.full(windows, rows.origin_us[0] if moment is None else moment)
        times = np.concatenate([cut_off[:, None], rows.origin_us[:, None], rows.times_us], axis=1)
        # One call for all times, because the format of a time can depend on the others.
        distinct, index = np.unique(times, return_inverse=True)
        schema = self._columns.schema
        if schema.time_format.instants:  # two windows can begin in the passes of a repeated hour
            texts = format_zoned_times(distinct, schema.time_format)
        else:
            texts = [text.replace(JOINT, " ") for text in write_times(schema, distinct)]
        cells = np.array(
            [self._quote(text) if self._delimiter in text else text for text in texts], dtype=object
        )
        first, origins, steps = np.split(cells[index.reshape(windows, horizon + 2)], (1, 2), axis=1)
        if not self._columns.cut_off:
            return origins[:, 0].tolist(), steps
        before = [""] * windows if moment is None else first[:, 0].tolist()
        return list(map(self._delimiter.join, zip(before, origins[:, 0], strict=True))), steps

    def _text_cells(self, texts: Sequence[str]) -> list[str]:
        """Return text as cells: formulas are escaped."""
        cells = {text: self._quote(escape_formula(text)) for text in set(texts)}
        return [cells[text] for text in texts]

    def _quote(self, text: str) -> str:
        cell = io.StringIO()
        csv.writer(cell, lineterminator="", delimiter=self._delimiter).writerow([text])
        return cell.getvalue()


class ParquetTable(WindowTable):
    """Table as Parquet, in row groups of at least ROW_GROUP rows."""

    def __init__(self, stream: BinaryIO, columns: TableColumns) -> None:
        import pyarrow
        import pyarrow.parquet

        super().__init__(columns)
        text, time = pyarrow.string(), arrow_times(columns.schema, np.zeros(1, dtype=np.int64)).type
        types = {TARGET: text, CUT_OFF: time, ORIGIN: time, TIME: time, STEP: pyarrow.int64()}
        fields = [(name, types.get(name, text)) for name in columns.keys]
        fields += [(name, pyarrow.float64()) for name, _ in columns.numbers]
        self._schema = pyarrow.schema(fields)
        self._writer = pyarrow.parquet.ParquetWriter(stream, self._schema)
        self._waiting: list[pyarrow.Table] = []

    def _add(self, rows: TableRows) -> None:
        for block in rows.blocks(ROW_GROUP):
            self._waiting.append(self._table(block))
            if sum(table.num_rows for table in self._waiting) >= ROW_GROUP:
                self._flush()

    def close(self) -> None:
        """Write the last row group and the end of the file."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        import pyarrow

        if self._waiting:
            self._writer.write_table(pyarrow.concat_tables(self._waiting), row_group_size=2 * ROW_GROUP)
            self._waiting = []

    def _table(self, rows: TableRows) -> "pyarrow.Table":
        import pyarrow

        schema = self._columns.schema
        _, windows, horizon, targets = rows.numbers.shape
        each = targets * horizon  # rows of a window
        arrays = []
        for names in _series_cells(rows, len(schema.series_columns)):
            arrays.append(pyarrow.array(names).take(np.repeat(np.arange(windows), each)))
        arrays.append(
            pyarrow.array(schema.targets).take(np.tile(np.repeat(np.arange(targets), horizon), windows))
        )
        if self._columns.cut_off:
            moment = rows.cut_off_us
            times = np.full(rows.count, 0 if moment is None else moment)
            column = arrow_times(schema, times)
            arrays.append(pyarrow.nulls(len(times), column.type) if moment is None else column)
        arrays.append(arrow_times(schema, np.repeat(rows.origin_us, each)))
        shape = (windows, targets, horizon)
        arrays.append(arrow_times(schema, np.broadcast_to(rows.times_us[:, None], shape).reshape(-1)))
        arrays.append(pyarrow.array(np.tile(np.arange(1, horizon + 1), windows * targets)))
        for _, column in self._columns.numbers:
            numbers = rows.column(column)
            arrays.append(pyarrow.array(numbers, mask=np.isnan(numbers)))
        return pyarrow.table(arrays, schema=self._schema)


def _series_cells(rows: TableRows, columns: int) -> list[list[str]]:
    """Return the cell of each window in each series column; an empty list for a single series."""
    if not columns:
        return []
    names = rows.dataset.series.names
    return split_names([names[index] for index in rows.series.tolist()], columns)


def _number_texts(numbers: np.ndarray) -> list[str]:
    """Return numbers [n] as text of 12 significant digits, "" for NaN."""
    texts = ("%.12g\n" * len(numbers) % tuple((numbers + 0.0).tolist())).split()  # + 0.0 turns -0 into 0
    for index in np.flatnonzero(np.isnan(numbers)).tolist():
        texts[index] = ""
    return texts
