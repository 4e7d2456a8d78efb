"""Buffers for the selected columns of a file: growing arrays, in memory or in temporary files."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from lstm_cli.data.chunks import row_chunks
from lstm_cli.data.locations import CellLocation
from lstm_cli.data.numbers.rules import LargeNumbers, LateThousands, NumberRule, Totals
from lstm_cli.data.numbers.sentinels import Sentinels
from lstm_cli.data.reading.arrow_columns import Names, SeriesNames
from lstm_cli.data.reading.columns.roles import SAMPLE_ROWS
from lstm_cli.data.reading.containers.limits import DiskLimit
from lstm_cli.data.times.codes import INFERRED, TimeOptions
from lstm_cli.data.times.formats import TimeFormat
from lstm_cli.data.times.parse import TimeColumn, read_times
from lstm_cli.data.times.patterns import TimePiece
from lstm_cli.findings import Finding
from lstm_cli.rundir.filesystem import as_output_error
from lstm_cli.system_memory import require_memory

MAX_MEMORY_BYTES = 448 << 20  # bytes of a table kept in memory; 5 million rows of 8 numbers are about 400 MiB


class MemoryBudget:
    """Memory budget of one table. Arrays beyond `MAX_MEMORY_BYTES` in total go to files."""

    def __init__(self, spill: Callable[[], Path] | None) -> None:
        """Create an empty budget.

        spill: creates the folder when the first file is needed; None keeps all arrays in memory.
        """
        self._spill = spill
        self._used = 0
        self._files = 0
        self.full = False
        self.disk = DiskLimit()

    def reserve(self, size: int) -> bool:
        """Return whether `size` more bytes fit into memory. If they fit, count them as used.

        Raises DeviceError if they do not fit, and may not go to files.
        """
        if self._spill is None and size > MAX_MEMORY_BYTES // 4:
            require_memory(size, doing="reading the data", hint="use fewer rows or columns")
        self.full = self.full or (self._spill is not None and self._used + size > MAX_MEMORY_BYTES)
        if not self.full:
            self._used += size
        return not self.full

    def new_file(self) -> Path:
        """Return the path of a new file."""
        assert self._spill is not None
        self._files += 1
        return self._spill() / f"{self._files}.bin"


class GrowableArray:
    """Array [R, *cell] that grows by batches of rows."""

    def __init__(
        self, dtype: "np.typing.DTypeLike", cell: tuple[int, ...], *, rows: int, budget: MemoryBudget
    ) -> None:
        """Reserve space for the expected rows (0 if unknown)."""
        self.rows = 0
        self._dtype = np.dtype(dtype)
        self._cell = cell
        self._row_bytes = int(np.prod(cell, dtype=np.int64)) * self._dtype.itemsize
        self._budget = budget
        self._path: Path | None = None
        self._stream: BinaryIO | None = None
        self._array = np.empty((0, *cell), dtype=dtype, order="F")
        self._reserve(rows)

    def append(self, piece: np.ndarray) -> None:
        """Append rows [n, *cell]. Raises OutputError if a file cannot be written."""
        rows = self._next_rows(len(piece))
        if self._stream is None:
            self._array[rows] = piece
        else:
            self._write(piece)

    def append_columns(self, columns: Sequence[np.ndarray]) -> None:
        """Append rows given as columns [n] each. Raises OutputError if a file cannot be written."""
        rows = self._next_rows(len(columns[0]))
        if self._stream is None:
            for index, column in enumerate(columns):
                self._array[rows, index] = column
        else:
            self._write(np.stack(columns, axis=1))

    def _next_rows(self, count: int) -> slice:
        """Return the next rows of the array, and make space for them unless they go to a file."""
        begin, end = self.rows, self.rows + count
        if self._stream is None and end > len(self._array):
            self._reserve(max(end, len(self._array) * 3 // 2))
        self.rows = end
        return slice(begin, end)

    def array(self) -> np.ndarray:
        """Return all rows [R, *cell]. Rows in a file are memory-mapped and read-only."""
        if self._stream is None:
            return self._array[: self.rows]
        assert self._path is not None
        with as_output_error(self._path):
            self._stream.close()
        return np.memmap(self._path, dtype=self._dtype, mode="r", shape=(self.rows, *self._cell))

    def close(self) -> None:
        """Close the file after an error."""
        if self._stream is not None:
            with suppress(OSError):  # the first error is already on its way
                self._stream.close()

    def _reserve(self, rows: int) -> None:
        """Reserve space for rows. The system provides memory pages only when they are written."""
        if self._budget.reserve((rows - len(self._array)) * self._row_bytes):
            larger = np.empty((rows, *self._cell), dtype=self._dtype, order="F")  # a column at a time
            larger[: self.rows] = self._array[: self.rows]
            self._array = larger
            return
        self._path = self._budget.new_file()
        with as_output_error(self._path):
            self._stream = self._path.open("wb")
        for span in row_chunks(self.rows):
            self._write(self._array[span])
        self._array = self._array[:0].copy()

    def _write(self, rows: np.ndarray) -> None:
        assert self._path is not None
        assert self._stream is not None
        self._budget.disk.add(len(rows) * self._row_bytes, self._path.parent)
        with as_output_error(self._path):
            self._stream.write(np.ascontiguousarray(rows, dtype=self._dtype).tobytes())


@dataclass(frozen=True, kw_only=True)
class ColumnBatch:
    """Selected columns of consecutive rows."""

    lines: np.ndarray  # [n] int64
    values: Sequence[np.ndarray]  # F columns [n] float64, NaN where missing
    extremes: np.ndarray  # [2, F] minimum and maximum of each column, NaN if the column has a missing value
    times: TimePiece | None
    codes: np.ndarray | None  # [n] int32, indices into `names`
    names: Names  # unescaped series names, which may repeat

    def with_line_offset(self, offset: int) -> "ColumnBatch":
        """Return the batch with `offset` added to its line numbers."""
        times = self.times
        if times is not None:
            shapes = {shape: (line + offset, count) for shape, (line, count) in times.shapes.items()}
            first, late = times.next_day
            times = replace(times, shapes=shapes, next_day=(first + offset * bool(late), late))
        return replace(self, lines=self.lines + offset, times=times)


class ColumnBuilder:
    """Builder of the selected columns from batches, in memory or in files (GrowableArray)."""

    def __init__(
        self,
        width: int,
        *,
        timed: bool,
        series: bool,
        dots_are_doubtful: bool,
        spill: Callable[[], Path] | None,
    ) -> None:
        """Create an empty builder.

        width: number F of numeric columns; timed: a time column exists; series: a series column exists;
        dots_are_doubtful: dots in numbers may separate thousands; spill: creates the folder for files (None: all in
        memory).
        """
        self._width = width
        self._timed, self._series = timed, series
        self._budget = MemoryBudget(spill)
        self._arrays: dict[str, GrowableArray] = {}
        self._times: list[TimePiece] = []  # values are in `_arrays`, except for "day-month"
        self._names = SeriesNames()
        # Checks of each numeric column [F].
        self._rules: list[list[NumberRule]] = [
            [
                Sentinels(),
                LargeNumbers(),
                *([LateThousands(SAMPLE_ROWS)] if dots_are_doubtful else []),
                *([] if timed or series else [Totals()]),
            ]
            for _ in range(width)
        ]
        self.has_number = np.zeros(width, dtype=bool)  # [F] whether a column has any number

    def expect(self, rows: int) -> None:
        """Reserve space for about `rows` rows. Call it once, before the first batch."""
        budget = self._budget
        self._arrays = {
            "values": GrowableArray(np.float64, (self._width,), rows=rows, budget=budget),
            "lines": GrowableArray(np.int64, (), rows=rows, budget=budget),
        }
        if self._timed:
            self._arrays["times"] = GrowableArray(np.int64, (), rows=rows, budget=budget)
        if self._series:
            self._arrays["codes"] = GrowableArray(np.int32, (), rows=rows, budget=budget)

    def add(self, columns: ColumnBatch) -> None:
        """Append a batch. Raises OutputError if a file cannot be written."""
        if not self._arrays:
            self.expect(0)
        self._arrays["lines"].append(columns.lines)
        self._arrays["values"].append_columns(columns.values)
        if columns.times is not None:
            self._add_times(columns.times)
        if columns.codes is not None:
            self._arrays["codes"].append(self._names.codes(columns.names)[columns.codes])
        for index, (minimum, maximum) in enumerate(columns.extremes.T.tolist()):
            values = columns.values[index]
            self.has_number[index] = (
                self.has_number[index] or not np.isnan(minimum) or not np.isnan(values).all()
            )
            for rule in self._rules[index]:
                rule.add(values, columns.lines, minimum, maximum)

    def _add_times(self, piece: TimePiece) -> None:
        self._arrays["times"].append(piece.values)
        last = self._times[-1] if self._times else None
        if last is None or last.kind != piece.kind or piece.kind == "day-month":
            self._times.append(
                piece if piece.kind == "day-month" else replace(piece, values=piece.values[:0])
            )
            return
        shapes = dict(last.shapes)
        for shape, (line, count) in piece.shapes.items():
            before = shapes.get(shape, (line, 0))
            shapes[shape] = (before[0], before[1] + count)
        self._times[-1] = replace(
            last,
            shapes=shapes,
            offsets=tuple(dict.fromkeys((*last.offsets, *piece.offsets))),
            padded=last.padded | piece.padded,
            next_day=(last.next_day[0] or piece.next_day[0], last.next_day[1] + piece.next_day[1]),
        )

    @property
    def rows(self) -> int:
        """Return the number of rows so far."""
        return self._arrays["lines"].rows if self._arrays else 0

    def lines(self) -> np.ndarray:
        """Return the line numbers [R] int64."""
        return self._arrays["lines"].array()

    def values(self) -> np.ndarray:
        """Return the values [R, F] float64."""
        return self._arrays["values"].array()

    def encoded_values(self, encode: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Return the values after `encode` of each chunk of rows, [R, F']. Raises OutputError."""
        values = self.values()
        width = encode(values[:0]).shape[1]
        encoded = GrowableArray(np.float64, (width,), rows=self.rows, budget=self._budget)
        try:
            for span in row_chunks(self.rows):
                encoded.append(encode(values[span]))
        finally:
            encoded.close()
        return encoded.array()

    def times(self, location: CellLocation, options: TimeOptions = INFERRED) -> TimeColumn:
        """Return the time column, or unit steps without one. Raises the errors of `read_times`."""
        lines = self.lines()
        if not self._timed:
            return TimeColumn(times=np.arange(len(lines), dtype=np.int64), format=TimeFormat(), findings=())
        pieces = self._times
        if len(pieces) == 1 and not len(pieces[0].values):
            pieces = [replace(pieces[0], values=self._arrays["times"].array())]
        return read_times(pieces, lines, location, options)

    def series(self) -> tuple[np.ndarray, tuple[str, ...]]:
        """Return the series codes [R] int32, and the names in order of first appearance."""
        if not self._series:
            return np.zeros(self.rows, dtype=np.int32), ("",)
        return self._arrays["codes"].array(), tuple(self._names)

    def number_findings(self, locations: Sequence[CellLocation]) -> list[Finding]:
        """Return findings about doubtful numbers. locations: the numeric columns [F]."""
        findings = (
            rule.finding(location)
            for rules, location in zip(self._rules, locations, strict=True)
            for rule in rules
        )
        return [finding for finding in findings if finding is not None]

    def sentinels(self) -> tuple[tuple[float, ...], ...]:
        """Return the values of each numeric column [F] that may stand for a missing value."""
        return tuple(
            tuple(entry.value for rule in rules if isinstance(rule, Sentinels) for entry in rule.found()[0])
            for rules in self._rules
        )

    def close(self) -> None:
        """Close the files after an error."""
        for array in self._arrays.values():
            array.close()
