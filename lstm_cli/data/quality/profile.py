"""Profile of each column of a file, used or not: one pass, which accepts any cell."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, BinaryIO

import numpy as np

from lstm_cli.config.text import PLAIN_TEXT, TextSettings
from lstm_cli.data.locations import CellLocation, FileLines, is_missing
from lstm_cli.data.numbers.format import NumberFormat
from lstm_cli.data.reading.columns.number_formats import NumberColumn, NumberFormats
from lstm_cli.data.reading.columns.requests import time_options
from lstm_cli.data.reading.dialect.unique_names import hint_at_unique_names
from lstm_cli.data.reading.file_readers import open_file
from lstm_cli.data.reading.source import expand_paths, open_source
from lstm_cli.data.reading.wide.file import LongFile, WideFile
from lstm_cli.data.reading.wide.layout import WideRequest
from lstm_cli.data.spreadsheet_safety import unescape_formula
from lstm_cli.data.times.patterns import is_time, shapes_of
from lstm_cli.errors import DataError

MAX_KEPT_ROWS = 200_000  # first rows whose numbers are kept
MAX_KEPT_CELLS = 20_000_000  # 160 MB


@dataclass(frozen=True, kw_only=True)
class ColumnProfile:
    """Profile of one column of a file, or of several files read as one."""

    name: str
    reads_as: str  # time, number, text, constant (all measured cells equal) or empty
    missing: int  # cells
    first_missing: int | None  # line of the first missing cell
    first_measured: int | None  # line of the first measured cell
    constant: str | None  # of a constant
    min_value: float | None  # of its numbers
    max_value: float | None
    non_numeric: int  # cells that are not plain numbers, in a column of mostly numbers
    first_non_numeric: tuple[int, str] | None  # line and cell
    number_format: NumberFormat
    values: np.ndarray | None  # [first rows] float64, NaN where missing; None unless all cells are numbers


@dataclass(frozen=True, kw_only=True)
class FileProfile:
    """Profile of all columns of a file, or of several files read as one."""

    source: str  # as messages name it
    unit: str  # "line" of a text file, "row" of a Parquet file
    files: FileLines  # line numbers continue from file to file
    rows: int
    columns: tuple[ColumnProfile, ...]
    sample: Sequence[Sequence[str]]  # the text cells of each column's first rows
    whole: bool  # False: reading stopped at a row that cannot be read

    def location(self, column: str) -> CellLocation:
        """Return a column as messages name it."""
        return CellLocation(source=self.source, column=column, unit=self.unit, files=self.files)


def profile_files(
    source: str | Sequence[str],
    *,
    wide: WideRequest | None = None,
    text: TextSettings = PLAIN_TEXT,
    stdin: BinaryIO | None = None,
    several_lines_ok: bool = False,
) -> FileProfile:
    """Return the profile of the files that `read_table` reads: one file, several, a pattern, or `-` for standard input.

    A later row that cannot be read ends the profile, and so does a file with other columns than the first.

    Args:
        source: one path or pattern, or several.
        wide: columns of a wide file, of which the long table is profiled; None for a long file.
        text: settings of how text is read.
        stdin: standard input.
        several_lines_ok: a cell may have several lines, as documents do.

    Raises:
        DataError: if nothing can be read.
        UsageError: for an invalid encoding or delimiter.
    """
    profiler: _Profiler | None = None
    formats = NumberFormats(text=text)
    whole = True
    try:
        for path in expand_paths(source):
            with open_source(path, stdin) as opened:
                plain = open_file(opened, formats, several_lines_ok=several_lines_ok)
                times = time_options(text, named=wide is not None and bool(wide.time))
                with hint_at_unique_names(plain.header, plain.header_line):
                    file = plain if wide is None else WideFile(plain, wide, times)
                profiler = profiler or _Profiler(file)
                profiler.add(file)
    except DataError:
        if profiler is None or not profiler.rows:
            raise
        whole = False
    assert profiler is not None  # `expand_paths` raises an error without files
    return profiler.result(whole=whole)


class _Profiler:
    """Profile under construction, to which files are added."""

    def __init__(self, first: LongFile) -> None:
        self._first = first
        self._counters = [
            _ColumnCounter(
                place=CellLocation(source=first.source, column=name, unit=first.unit), number=number
            )
            for name, number in zip(first.names, first.numbers, strict=True)
        ]
        self._max_kept_rows = min(MAX_KEPT_ROWS, MAX_KEPT_CELLS // max(1, len(first.names)))
        self._names: list[str] = []  # of the files
        self._begins: list[int] = []  # lines before each file
        self._lines = self.rows = 0

    def add(self, file: LongFile) -> None:
        """Count all cells of a file. Raise DataError if its columns differ, or at a row that cannot be read."""
        counters = self._counters
        if file.names != self._first.names:
            if sorted(file.names) != sorted(self._first.names) or len(set(file.names)) < len(file.names):
                raise DataError(
                    f"the columns of {file.source} differ from those of {self._first.source}", rule="D115"
                )
            counters = [counters[self._first.names.index(name)] for name in file.names]
        self._names.append(file.source)
        self._begins.append(self._lines)
        for counter, number in zip(counters, file.numbers, strict=True):
            counter.number = number
        for lines, columns in file.cells():
            for counter, cells in zip(counters, columns, strict=True):
                counter.count(cells, lines + self._lines, max(0, self._max_kept_rows - self.rows))
            self.rows += len(lines)
        self._lines += file.lines

    def result(self, *, whole: bool) -> FileProfile:
        files = FileLines(names=tuple(self._names), begins=tuple(self._begins))
        return FileProfile(
            source=files.name,
            unit=self._first.unit,
            files=files,
            rows=self.rows,
            columns=tuple(counter.column() for counter in self._counters),
            sample=self._first.sample,
            whole=whole,
        )


@dataclass(kw_only=True)
class _ColumnCounter:
    """Counts of one column while its cells are read."""

    place: CellLocation
    number: NumberColumn  # format of its numbers
    cells: int = 0
    missing: int = 0
    numbers: int = 0
    times: int = 0
    first_missing: int | None = None
    first_measured: int | None = None
    first_non_numeric: tuple[int, str] | None = None
    min_value: float = np.inf
    max_value: float = -np.inf
    texts: set[str] = field(default_factory=set)  # at most two distinct texts
    kept: list[np.ndarray] = field(default_factory=list)

    def count(self, cells: Any, lines: np.ndarray, room: int) -> None:
        """Count cells, and keep their numbers.

        Args:
            cells: [n] texts, or a pyarrow column.
            lines: [n] line of each cell.
            room: maximum number of kept cells.
        """
        texts, values = (
            (cells, None) if isinstance(cells, Sequence) else self._read_arrow_column(cells, lines)
        )
        self.cells += len(lines)
        if texts is not None:
            try:
                values = self.number.read(texts, lines, self.place)
            except DataError as error:
                wrong = 0 if error.at is None else int(np.searchsorted(lines, error.at.lines[0]))
                self._count_texts(texts, lines, wrong=wrong)
                return
        elif values is None:  # a nested type, which cannot be read
            self.first_non_numeric = self.first_non_numeric or (int(lines[0]), "")
            self._note_missing(np.asarray(cells.is_null()), lines)
            return
        missing = np.isnan(values)
        self._note_missing(missing, lines)
        self.numbers += len(values) - int(missing.sum())
        if not missing.all():
            self.min_value = min(self.min_value, float(np.nanmin(values)))
            self.max_value = max(self.max_value, float(np.nanmax(values)))
        self.kept.append(values[:room])

    def _count_texts(self, cells: Sequence[str], lines: np.ndarray, *, wrong: int) -> None:
        """Count cells of which some are not numbers, by their shapes, which are few. wrong: index of the first one."""
        number_format = self.number.format
        shapes = shapes_of([cell.strip().replace("\0", " ") for cell in cells])
        counts = Counter(shapes)
        # A digit of a shape is 0, and no number with thousands separators begins with 0.
        number_shapes = {
            shape for shape in counts if number_format.split(shape.replace("0", "1")) is not None
        }
        if number_format.na_values:
            missing = np.fromiter(map(number_format.is_missing, cells), bool, len(cells))
        else:
            missing_shapes = {shape for shape in counts if is_missing(shape)}
            missing = np.fromiter((shape in missing_shapes for shape in shapes), bool, len(shapes))
        self._note_missing(missing, lines)
        self.numbers += sum(counts[shape] for shape in number_shapes)
        self.numbers -= sum(
            shapes[row] in number_shapes for row in (*np.flatnonzero(missing).tolist(), wrong)
        )
        self.times += sum(counts[shape] for shape in counts if is_time(shape))
        if self.first_non_numeric is None:
            self.first_non_numeric = (int(lines[wrong]), cells[wrong])
        for row in np.flatnonzero(~missing).tolist():
            if len(self.texts) > 1:
                break
            self.texts.add(unescape_formula(cells[row]))

    def _read_arrow_column(
        self, column: Any, lines: np.ndarray
    ) -> tuple[list[str] | None, np.ndarray | None]:
        """Return a pyarrow column [n] as texts or as numbers, by its type; neither for a nested type."""
        from lstm_cli.data.reading.parquet import column_is_number, column_numbers, column_text

        try:
            if column_is_number(column):
                return None, column_numbers(column, lines, self.place, self.number)
            return column_text(column, self.place), None
        except DataError:  # a nested type, or an infinity
            return None, None

    def _note_missing(self, missing: np.ndarray, lines: np.ndarray) -> None:
        self.missing += int(missing.sum())
        if self.first_missing is None and missing.any():
            self.first_missing = int(lines[np.argmax(missing)])
        if self.first_measured is None and not missing.all():
            self.first_measured = int(lines[np.argmin(missing)])

    def column(self) -> ColumnProfile:
        measured = self.cells - self.missing
        numeric = measured > 0 and 2 * self.numbers >= measured
        all_numbers = numeric and self.first_non_numeric is None
        value = None
        if measured > 1 and self.first_non_numeric is None and self.min_value == self.max_value:
            value = f"{self.min_value:.15g}"
        elif measured > 1 and not self.numbers and len(self.texts) == 1:
            value = next(iter(self.texts))
        reads_as = "number" if numeric else "time" if 2 * self.times >= measured else "text"
        if reads_as == "time":
            value = None
        elif value is not None:
            reads_as = "constant"
        return ColumnProfile(
            name=self.place.column,
            reads_as=reads_as if measured else "empty",
            missing=self.missing,
            first_missing=self.first_missing,
            first_measured=self.first_measured,
            constant=value,
            min_value=self.min_value if isfinite(self.min_value) else None,
            max_value=self.max_value if isfinite(self.max_value) else None,
            non_numeric=measured - self.numbers if numeric else 0,
            first_non_numeric=self.first_non_numeric if numeric else None,
            number_format=self.number.format,
            values=np.concatenate(self.kept) if all_numbers and self.kept else None,
        )
