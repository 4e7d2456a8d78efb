"""A data file, or several as one, as a table: the columns that were chosen, as numbers, times and names of series."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lstm_cli.config import PrepareConfig
from lstm_cli.data.locations import CellLocation, FileLines, quote_cell, quote_name
from lstm_cli.data.reading.column_buffers import ColumnBuilder
from lstm_cli.data.reading.column_roles import ColumnRequest, choose_columns
from lstm_cli.data.reading.file_readers import File, ParquetFile, TextFile, roles_by_name
from lstm_cli.data.reading.source import NOTHING_HELD, expand_paths, is_pipe, open_source
from lstm_cli.data.reading.table_rules import find_similar_series_names, refuse_footers, refuse_totals
from lstm_cli.data.times.formats import TimeFormat
from lstm_cli.errors import DataError
from lstm_cli.events import Listener, Progressed, ignore_events
from lstm_cli.findings import Finding, in_file

MEGABYTE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Table:
    """The chosen columns of a data file, R rows in the file's order; of several files, one after the other."""

    source: str  # how messages name the file: its path, or "standard input"
    columns: tuple[str, ...]  # names of the F numeric columns: targets, then past, then future covariates
    targets: tuple[str, ...]
    past: tuple[str, ...]
    future: tuple[str, ...]
    time_name: str | None  # the time column; None: unit steps
    times: (
        np.ndarray
    )  # [R] int64 microseconds since 1970: UTC, or local wall clock without offsets; unit steps: 0, 1, …
    time_format: TimeFormat  # how the file writes times
    series_name: str | None  # the column that names the series
    series: np.ndarray  # [R] int32, index into series_names
    series_names: tuple[str, ...]  # in order of first appearance; ("",) without a series column
    values: np.ndarray  # [R, F] float64, NaN where missing; memory-mapped where they are too many
    lines: np.ndarray  # [R] int64, line in the file; Parquet: row, counted from 1; several files: counted on
    findings: tuple[Finding, ...]  # guesses and repairs
    delimiter: str  # as read; "" for Parquet
    files: FileLines | None = None  # which of `lines` lie in which file; None: all in one
    read: dict[str, dict[str, Any]] = field(
        default_factory=dict
    )  # sha256 and size of each file, but of standard input and pipes


def read_table(
    source: str | Sequence[str],
    *,
    targets: Sequence[str] = (),
    past: Sequence[str] = (),
    future: Sequence[str] = (),
    time: str | None = None,
    series: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    stdin: BinaryIO | None = None,
    unmeasured_targets_ok: bool = False,
    like: TimeFormat | None = None,
    listen: Listener = ignore_events,
    spill: Callable[[], Path] | None = None,
    held: Mapping[str, bytes] = NOTHING_HELD,
) -> Table:
    """Read CSV (also gzip) or Parquet: the path `source`, or standard input for `-`.

    source: several paths, or a pattern such as `data/*.csv`, are one data set: the files have the same columns,
    in whatever order. targets empty: the only numeric column. time None: the first column that reads as times.
    encoding None: UTF-8, or what its mark says. delimiter None: the comma. unmeasured_targets_ok: a target may
    hold no number at all, as in rows of covariates known ahead. like: how the run's data write times; it settles
    what reads both ways. listen: hears how far the reading is. spill: makes the folder for a table that is too
    large for memory, and stays as long as the table does; None: all is held in memory.
    held: what `read_pipes` has read already.

    Raises DataError, with line, column and value, for all that cannot be read as asked; UsageError for an
    encoding or delimiter that is none.
    """
    request = ColumnRequest(
        targets=tuple(targets),
        past=tuple(past),
        future=tuple(future),
        time=time,
        series=series,
        from_model=like is not None,
    )
    sources = expand_paths(source)
    total = _total_size(sources)
    on_bytes = _report_bytes(total, listen)
    reading = _TableReader(request, spill, total, is_single=len(sources) == 1)
    with closing(reading):
        for path in sources:
            with open_source(path, stdin, on_bytes, held=held) as opened:
                reading.add(ParquetFile(opened) if opened.parquet else TextFile(opened, encoding, delimiter))
                if opened.path is not None:
                    reading.read[path] = opened.reader.checksum_and_size()
        table = reading.table(like)
    for name, measured in zip(table.columns, reading.builder.has_number, strict=True):
        if not measured and not (unmeasured_targets_ok and name in table.targets):
            raise DataError(
                f"column {quote_name(name)} holds no number in any of its {len(table.lines):,} rows",
                hint="name another column, or leave it out",
                rule="D310",
                at=in_file(table.source),
            )
    return table


def read_configured_table(
    source: str | Sequence[str],
    config: PrepareConfig,
    *,
    stdin: BinaryIO | None = None,
    listen: Listener = ignore_events,
    spill: Callable[[], Path] | None = None,
    held: Mapping[str, bytes] = NOTHING_HELD,
) -> Table:
    """`read_table` with the settings of `prepare`."""
    return read_table(
        source,
        targets=config.target,
        past=config.past,
        future=config.future,
        time=config.time,
        series=config.series,
        encoding=config.encoding,
        delimiter=config.delimiter,
        stdin=stdin,
        listen=listen,
        spill=spill,
        held=held,
    )


def _total_size(sources: Sequence[str]) -> int:
    """The bytes of all files; 0 where that cannot be known."""
    try:
        return 0 if any(map(is_pipe, sources)) else sum(Path(one).stat().st_size for one in sources)
    except (OSError, ValueError):
        return 0  # opening it tells why


def _report_bytes(total: int, listen: Listener) -> Callable[[int], None]:
    """What hears of bytes that were read, and tells it on in MB."""
    done = 0

    def heard(size: int) -> None:
        nonlocal done
        done += size
        whole = total // MEGABYTE or None
        listen(Progressed(stage="reading", done=done // MEGABYTE, total=whole, unit="MB"))

    return heard


class _TableReader:
    """Files on their way to one table."""

    def __init__(
        self, request: ColumnRequest, spill: Callable[[], Path] | None, total: int, *, is_single: bool
    ) -> None:
        """total: the bytes of all files; 0 where that is not known. sole: there is one file."""
        self._request, self._spill, self._total, self._is_single = request, spill, total, is_single
        self._files: list[File] = []
        self._begins: list[int] = []  # lines before each file
        self._lines = 0
        self._findings: list[Finding] = []
        self.read: dict[str, dict[str, Any]] = {}

    def add(self, file: File) -> None:
        """Read a file to its end. Raises DataError."""
        if not self._files:
            self._roles = choose_columns(
                file.source,
                file.names,
                file.sample,
                self._request,
                delimiter=file.delimiter,
                is_complete=self._is_single and file.sample_is_complete,
            )
            if self._roles.time is None:
                refuse_totals(file.source, file.names, *file.first, unit=file.unit)
                refuse_footers(file.source, file.names, *file.first, unit=file.unit)
            self.builder = ColumnBuilder(
                len(self._roles.numeric),
                timed=self._roles.time is not None,
                series=self._roles.series is not None,
                text=file.unit == "line",
                spill=self._spill,
            )
            self.builder.expect(file.expected_rows(self._total))
        else:
            self._findings += _require_same_columns(file, self._files[0])
        first = self._files[0] if self._files else file
        self._files.append(file)
        self._begins.append(self._lines)
        for columns in file.columns(roles_by_name(self._roles, first.names, file.names)):
            self.builder.add(columns.with_line_offset(self._lines) if self._lines else columns)
        self._lines += file.lines
        self._findings += file.findings

    def table(self, like: TimeFormat | None) -> Table:
        """All rows. like: as in `read_table`. Raises DataError for times that the whole column cannot settle."""
        names, chosen, gathered = self._files[0].names, self._roles, self.builder
        first = self._files[0]
        files = FileLines(names=tuple(file.source for file in self._files), begins=tuple(self._begins))

        def place(index: int) -> CellLocation:
            return CellLocation(source=files.name, column=names[index], unit=first.unit, files=files)

        time_place = place(0 if chosen.time is None else chosen.time)
        column = gathered.times(time_place, like)
        codes, series_names = gathered.series()
        alike = [] if chosen.series is None else find_similar_series_names(series_names, place(chosen.series))
        doubtful = gathered.number_findings([place(index) for index in chosen.numeric])
        return Table(
            source=files.name,
            columns=tuple(names[index] for index in chosen.numeric),
            targets=tuple(names[index] for index in chosen.targets),
            past=tuple(names[index] for index in chosen.past),
            future=tuple(names[index] for index in chosen.future),
            time_name=None if chosen.time is None else names[chosen.time],
            times=column.times,
            time_format=column.format,
            series_name=None if chosen.series is None else names[chosen.series],
            series=codes,
            series_names=series_names,
            values=gathered.values(),
            lines=gathered.lines(),
            findings=(*self._findings, *chosen.findings, *column.findings, *alike, *doubtful),
            delimiter=first.delimiter,
            files=files,
            read=self.read,
        )

    def close(self) -> None:
        """Let files of a large table go; what was mapped of them stays."""
        if self._files:
            self.builder.close()


def _require_same_columns(file: File, first: File) -> list[Finding]:
    """Raise DataError unless a file has the columns of the first one. Return a finding if they are in another order."""
    if file.unit != first.unit:
        kinds = ["Parquet" if one.unit == "row" else "text" for one in (file, first)]
        raise DataError(
            f"{file.source} is {kinds[0]} and {first.source} {kinds[1]}: they cannot be one data set",
            hint="give files of one kind",
            rule="D116",
        )
    missing = [name for name in first.names if name not in file.names]
    extra = [name for name in file.names if name not in first.names]
    if missing or extra or len(file.names) != len(first.names):
        raise DataError(
            f"{file.source} has other columns than {first.source}: "
            + " and ".join(
                f"{what} {', '.join(quote_cell(name) for name in some[:5])}"
                for what, some in (("not", missing), ("besides", extra or ["one of them twice"]))
                if some
            ),
            hint="files that are one data set have the same columns; name the files that belong together",
            rule="D115",
        )
    if file.names == first.names:
        return []
    return [
        Finding.at(
            in_file(file.source),
            "D117",
            f"the columns stand in another order than in {first.source} and were matched by name "
            "(no flag: write them in one order)",
        )
    ]
