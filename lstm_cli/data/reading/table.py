"""Reader of one or several data files as a table: numbers, times and series names of the chosen columns."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lstm_cli.config import PrepareConfig
from lstm_cli.config.extras import require_installed
from lstm_cli.config.text import PLAIN_TEXT, TextSettings
from lstm_cli.data.locations import CellLocation, FileLines, quote_name, quote_names
from lstm_cli.data.numbers.format import PLAIN_NUMBERS
from lstm_cli.data.reading.column_buffers import ColumnBuilder
from lstm_cli.data.reading.columns.categories import TextColumns, are_mixed_values
from lstm_cli.data.reading.columns.hints import suggest_series
from lstm_cli.data.reading.columns.number_formats import NumberFormats, RangeOf
from lstm_cli.data.reading.columns.requests import ColumnRequest, ColumnRoles, time_options
from lstm_cli.data.reading.columns.roles import choose_columns
from lstm_cli.data.reading.columns.series_names import find_incomplete_names
from lstm_cli.data.reading.columns.static_columns import StaticColumns, read_static_columns
from lstm_cli.data.reading.columns.table_rules import find_similar_series_names, refuse_footers, refuse_totals
from lstm_cli.data.reading.dialect.header import names_option
from lstm_cli.data.reading.dialect.unique_names import hint_at_unique_names
from lstm_cli.data.reading.file_readers import File, open_file, roles_by_name
from lstm_cli.data.reading.source import expand_paths, is_pipe, open_source
from lstm_cli.data.reading.wide.file import LongFile, WideFile, as_long
from lstm_cli.data.reading.wide.layout import WideLayout, WideRequest
from lstm_cli.data.times.formats import TimeFormat
from lstm_cli.errors import DataError
from lstm_cli.events import Listener, Progressed, WarningRaised, ignore_events
from lstm_cli.findings import Finding, in_file

MEGABYTE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Table:
    """Chosen columns of one or several data files, with R rows in the order of the files or of `sort_table`."""

    source: str  # name of the file in messages: its path, or "standard input"
    columns: tuple[str, ...]  # names of the F numeric columns: targets, then past, then future covariates
    targets: tuple[str, ...]
    past: tuple[str, ...]
    future: tuple[str, ...]
    time_columns: tuple[str, ...]  # the time column, or several that are joined; () for unit steps
    times: (
        np.ndarray
    )  # [R] int64 microseconds since 1970: UTC, or local wall clock without offsets; unit steps: 0, 1, …
    time_format: TimeFormat  # time format of the file
    series_columns: tuple[
        str, ...
    ]  # the series column, or several whose values make the name; () for one series
    series: np.ndarray  # [R] int32, index into series_names
    series_names: tuple[str, ...]  # in order of first appearance; ("",) without a series column
    values: np.ndarray  # [R, F] float64, NaN for a missing value; memory-mapped if too large for memory
    lines: (
        np.ndarray
    )  # [R] int64, line in the file (Parquet: row from 1); with several files the count continues
    findings: tuple[Finding, ...]  # guesses and repairs
    delimiter: str  # as read; "" for Parquet and records
    sentinels: tuple[tuple[float, ...], ...]  # of each target: values that may stand for a missing value
    files: FileLines | None = None  # lines of each file; None for one file
    series_hint: str = (
        ""  # hint that names the series columns, if those of the table do not tell its first rows apart
    )
    wide: WideLayout | None = None  # layout of the file if it is wide
    # Categories of each text column; each category is a column `NAME=CATEGORY` of 0 and 1.
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    static: StaticColumns = field(default_factory=StaticColumns)  # of the series in series_names
    read: dict[str, dict[str, Any]] = field(
        default_factory=dict
    )  # sha256 and size of each file or DataFrame, without standard input and pipes
    units: Mapping[str, str] = field(default_factory=dict)  # of each column of numbers with units
    unused: tuple[str, ...] = ()  # columns of the file without a role
    # [R] int32, position of each row among those of the files; None if the rows are in this order.
    file_order: np.ndarray | None = None
    unit: str = (
        "line"  # unit of `lines`: "line" of a text file, "row" of a Parquet file, "record" of a request
    )
    resampled: bool = False  # rows are those of --resample, after --start and --end
    local_buckets: bool = False  # --resample turns the instants of the times into buckets of the local clock

    @property
    def time_name(self) -> str | None:
        """Return the time column, or the joined ones, as messages name it; None without a time column."""
        return " + ".join(self.time_columns) or None

    @property
    def series_name(self) -> str | None:
        """Return the series column, or the joined ones, as messages name it; None without a series column."""
        return "/".join(self.series_columns) or None


def read_table(
    source: str | Sequence[str],
    *,
    targets: Sequence[str] = (),
    past: Sequence[str] = (),
    future: Sequence[str] = (),
    time: Sequence[str] = (),
    series: Sequence[str] = (),
    wide: WideRequest | None = None,
    static: Sequence[str] = (),
    text: TextSettings = PLAIN_TEXT,
    stdin: BinaryIO | None = None,
    unmeasured_targets_ok: bool = False,
    plain_numbers_ok: bool = False,
    units: Mapping[str, str] | None = None,
    range_of: RangeOf | None = None,
    no_target: bool = False,
    future_file_ok: bool = False,
    like: TimeFormat | None = None,
    categories: Mapping[str, Sequence[str]] | None = None,
    listen: Listener = ignore_events,
    spill: Callable[[], Path] | None = None,
) -> Table:
    """Read CSV (also gzip) or Parquet files.

    Args:
        source: a path, `-` for standard input, a pattern, several paths, or bytes in memory. Several files are one data
            set: they have the same columns, in any order.
        targets: target columns; empty selects the only numeric column.
        past: past covariates.
        future: known-ahead covariates.
        time: time columns, which are joined; empty selects the first column that reads as times.
        series: series columns, whose values together name a series.
        wide: columns of a wide file, which becomes a long table; None for a long file. The other roles are those of
            the long table, and empty without a run.
        static: columns that are constant within a series.
        text: settings of how text is read.
        stdin: standard input; None is `sys.stdin`.
        unmeasured_targets_ok: if True, a target may have no number, as in rows of known-ahead covariates.
        plain_numbers_ok: if True, the files are new data of a run. A file may have plain numbers, or another delimiter,
            in place of those of the text settings.
        units: units of the run's numbers; None learns them.
        range_of: training range of a column, which decides between two readings of numbers; None trusts the settings.
        no_target: if True, the file holds covariates only, and no target is chosen.
        future_file_ok: the command has --future-data for rows without targets; a hint names it.
        like: time format of the run's data, used for ambiguous times.
        categories: categories of the run's text columns; None detects text columns and learns their categories.
        listen: receives progress events.
        spill: creates a folder for a table that is too large for memory. The folder must last as long as the table.
            None keeps all rows in memory.

    Raises:
        DataError: the data cannot be read as requested. The error has line, column and value.
        UsageError: the encoding or the delimiter is invalid.
    """
    request = ColumnRequest(
        targets=tuple(targets),
        past=tuple(past),
        future=tuple(future),
        time=tuple(time),
        series=tuple(series),
        static=tuple(static),
        from_model=like is not None,
        has_header=text.has_header,
        times=time_options(text, named=bool(time or (wide is not None and wide.time)), like=like),
        categories=categories,
        na_values=text.na_value,
        no_target=no_target,
        future_file_ok=future_file_ok,
    )
    sources = expand_paths(source)
    total = _total_size(sources)
    on_bytes = _report_bytes(total, listen)
    guesses: list[Finding] = []

    def read_files(request: ColumnRequest) -> tuple[_TableReader, Table]:
        formats = NumberFormats(
            text=text, plain_ok=plain_numbers_ok, units_of_run=units or {}, range_of=range_of
        )
        reading = _TableReader(request, wide, formats, spill, total, is_single=len(sources) == 1)
        with closing(reading):
            try:
                for path in sources:
                    with open_source(path, stdin, on_bytes) as opened:
                        file = open_file(opened, formats)
                        with hint_at_unique_names(file.header, file.header_line):
                            reading.add(file)
                        if opened.path is not None or opened.content is not None:
                            reading.read[path] = opened.reader.checksum_and_size()
                return reading, reading.table()
            except DataError as error:
                _hint_at_names_of_run(error, request)
                guesses[:] = reading.guesses
                raise

    try:
        reading, table = _read_late_words(
            read_files,
            request,
            can_reread=not any(map(is_pipe, sources)),
        )
    except DataError:
        report_joined_times(guesses, listen)
        raise
    for name, measured in zip(reading.numeric_names, reading.builder.has_number, strict=True):
        if not measured and not (unmeasured_targets_ok and name in table.targets):
            raise DataError(
                f"column {quote_name(name)} is empty: none of its {len(table.lines):,} rows has a number",
                hint="name another column, or leave it out",
                rule="D310",
                at=in_file(table.source),
            )
    return table


def report_joined_times(findings: Sequence[Finding], listen: Listener) -> None:
    """Report which columns were joined as the time, before an error that this guess may have caused.

    Args:
        findings: findings of the table.
        listen: receives warnings.
    """
    for finding in findings:
        if finding.rule == "D212":
            listen(WarningRaised(finding=finding))


def _read_late_words(
    read_files: Callable[[ColumnRequest], tuple["_TableReader", Table]],
    request: ColumnRequest,
    *,
    can_reread: bool,
) -> tuple["_TableReader", Table]:
    """Return the table. Read the files again if the first word of a covariate is far from the first rows.

    Args:
        read_files: reads the files by a request.
        request: columns and their roles.
        can_reread: if False, a file is a pipe, which can be read only once.
    """
    try:
        return read_files(request)
    except DataError as error:
        column = _column_of_late_word(error, request)
        if column is None or not can_reread:
            raise
        try:
            reading, table = read_files(replace(request, mixed=(column,)))
        except DataError:
            raise error from None
        if not are_mixed_values(set(reading.words(column))):
            raise
        return reading, table


def _column_of_late_word(error: DataError, request: ColumnRequest) -> str | None:
    """Return the covariate in which a cell is not a number, which may be a category far from the first rows."""
    column = error.at.column if error.rule == "D302" and error.at is not None else None
    covariates = (*request.past, *request.future, *request.static)
    return column if column in covariates and request.categories is None else None


def _hint_at_names_of_run(error: DataError, request: ColumnRequest) -> None:
    """Give an error about new data without a header the option with the names of the run's columns."""
    if not request.from_model or not (
        error.rule == "D129" or (error.rule == "D202" and not request.has_header)
    ):
        return
    names = list(dict.fromkeys(request.names))
    error.hint = (
        f"name the columns as in the training data, in the order of the file: {names_option(names)} (and any name for "
        "a further column)"
    )


def read_configured_table(
    source: str | Sequence[str],
    config: PrepareConfig,
    *,
    stdin: BinaryIO | None = None,
    listen: Listener = ignore_events,
    spill: Callable[[], Path] | None = None,
) -> Table:
    """Read a table with the settings of `prepare`, see `read_table`.

    Args:
        source: a path, `-`, a pattern, or several paths.
        config: settings of `prepare`.
        stdin: standard input; None is `sys.stdin`.
        listen: receives progress events.
        spill: creates a folder for a table that is too large for memory; None keeps all rows in memory.
    """
    if config.holidays:
        require_installed("--holidays", "holidays")  # before a large file is read
    return read_table(
        source,
        targets=config.target,
        past=config.past,
        future=config.future,
        time=() if config.wide else config.time,
        series=() if config.wide else config.series,
        wide=wide_request(config),
        static=config.static,
        text=config.text_settings,
        stdin=stdin,
        listen=listen,
        spill=spill,
    )


def wide_request(config: PrepareConfig) -> WideRequest | None:
    """Return which columns of a wide file to read; None without --wide."""
    return WideRequest(series=config.series, time=config.time) if config.wide else None


def _total_size(sources: Sequence[str]) -> int:
    """Return the size of all files in bytes, or 0 if it is unknown."""
    try:
        return 0 if any(map(is_pipe, sources)) else sum(Path(source).stat().st_size for source in sources)
    except (OSError, ValueError):
        return 0  # opening the file reports the reason


def _report_bytes(total: int, listen: Listener) -> Callable[[int], None]:
    """Return a function that takes the size of a block and reports progress in MB."""
    done = 0

    def on_bytes(size: int) -> None:
        nonlocal done
        done += size
        megabytes = total // MEGABYTE or None
        listen(Progressed(stage="reading", done=done // MEGABYTE, total=megabytes, unit="MB"))

    return on_bytes


class _TableReader:
    """Reader of several files into one table."""

    def __init__(
        self,
        request: ColumnRequest,
        wide: WideRequest | None,
        formats: NumberFormats,
        spill: Callable[[], Path] | None,
        total: int,
        *,
        is_single: bool,
    ) -> None:
        """Create the reader. total: bytes of all files, or 0 if unknown. is_single: True for one file."""
        self._request, self._wide, self._formats, self._spill = request, wide, formats, spill
        self._total, self._is_single = total, is_single
        self._files: list[LongFile] = []
        self._begins: list[int] = []  # lines before each file
        self._lines = 0
        self._findings: list[Finding] = []
        self.read: dict[str, dict[str, Any]] = {}

    def add(self, opened: File) -> None:
        """Read a file to its end. Raise DataError for invalid data."""
        file = (
            opened
            if self._wide is None
            else as_long(opened, self._wide, self._request.times, self._request.names)
        )
        if not self._files:
            if isinstance(file, WideFile) and not self._request.names:
                self._request = file.request
            is_text = (
                file.unit == "line"
            )  # columns of Parquet and of a DataFrame have no header that may be a row
            self._roles = choose_columns(
                file.source,
                file.names,
                file.sample,
                self._request if is_text else replace(self._request, has_header=False),
                delimiter=file.delimiter,
                is_complete=self._is_single and file.sample_is_complete,
                marks_are_known=self._formats.marks_are_known,
            )
            if not self._roles.time:
                refuse_totals(file.source, file.names, *file.first, unit=file.unit)
                refuse_footers(file.source, file.names, *file.first, unit=file.unit)
            self.builder = ColumnBuilder(
                len(self._roles.numeric),
                timed=bool(self._roles.time),
                series=bool(self._roles.series),
                dots_are_doubtful=is_text and not self._formats.marks_are_known,
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

    @property
    def guesses(self) -> Sequence[Finding]:
        """Return the findings about the roles of the columns, () before the first file."""
        return self._roles.findings if self._files else ()

    def table(self) -> Table:
        """Return the table of all rows. Raise DataError if times stay ambiguous in the whole column."""
        names, roles, builder = self._files[0].names, self._roles, self.builder
        unseen = self._formats.unseen
        for cell in chain.from_iterable(item.missing_cells for item in roles.vocabularies.values()):
            unseen.see_cell(cell, PLAIN_NUMBERS)
        first = self._files[0]
        files = FileLines(names=tuple(file.source for file in self._files), begins=tuple(self._begins))

        def location_of(index: int) -> CellLocation:
            return CellLocation(source=files.name, column=names[index], unit=first.unit, files=files)

        time_location = location_of(roles.time[0] if roles.time else 0)
        if len(roles.time) > 1:
            time_location = replace(time_location, column=" + ".join(names[index] for index in roles.time))
        column = builder.times(time_location, roles.times)
        codes, series_names = builder.series()
        doubtful_names = (
            find_similar_series_names(series_names, location_of(roles.series[0])) if roles.series else []
        )
        doubtful_names += find_incomplete_names(
            files.name, [names[index] for index in roles.series], series_names
        )
        locations = [location_of(index) for index in roles.numeric]
        values, lines, stored = builder.values(), builder.lines(), len(locations) - len(roles.static)
        static = read_static_columns(
            values[:, stored:], codes, series_names, lines, locations[stored:], roles.vocabularies
        )
        text = TextColumns.read(values, locations[:stored], roles.vocabularies, lines, column.times)
        doubtful = [
            finding
            for finding in builder.number_findings(locations)
            if finding.column not in roles.vocabularies
        ]
        stored_names = self.numeric_names[:stored]
        return Table(
            source=files.name,
            columns=text.expand(stored_names),
            targets=tuple(names[index] for index in roles.targets),
            past=text.expand(names[index] for index in roles.past),
            future=text.expand(names[index] for index in roles.future),
            time_columns=tuple(names[index] for index in roles.time),
            times=column.times,
            time_format=column.format,
            series_columns=tuple(names[index] for index in roles.series),
            series=codes,
            series_names=series_names,
            values=builder.encoded_values(text.encoder(stored_names)) if text.columns else values[:, :stored],
            lines=lines,
            static=static,
            findings=(
                *self._findings,
                *roles.findings,
                *column.findings,
                *doubtful_names,
                *doubtful,
                *([] if self._request.from_model else unseen.findings(files.name)),
                *text.findings,
                *static.findings,
            ),
            categories=text.categories,
            delimiter=first.delimiter,
            unit=first.unit,
            sentinels=builder.sentinels()[: len(roles.targets)],
            files=files,
            series_hint=_series_hint(first, roles),
            wide=first.layout if isinstance(first, WideFile) else None,
            read=self.read,
            units=self._formats.units,
            unused=tuple(name for index, name in enumerate(names) if index not in roles.used),
        )

    def words(self, column: str) -> tuple[str, ...]:
        """Return the distinct cells of a column of categories."""
        return self._roles.vocabularies[column].words

    @property
    def numeric_names(self) -> list[str]:
        """Return the names of the columns of the file that became numbers."""
        return [self._files[0].names[index] for index in self._roles.numeric]

    def close(self) -> None:
        """Close the files of a large table. Memory-mapped parts remain readable."""
        if self._files:
            self.builder.close()


def _series_hint(file: LongFile, roles: ColumnRoles) -> str:
    """Return the flags of the series columns if some are missing, as a hint; "" if the first rows need no others."""
    if isinstance(file, WideFile):
        names = file.suggested_series()
    elif roles.time:
        others = [
            index
            for index in range(len(file.names))
            if index not in (*roles.time, *roles.series, *roles.numeric)
        ]
        names = tuple(
            file.names[index] for index in suggest_series(file.sample, roles.series, roles.time, others)
        )
    else:
        names = ()
    flags = " ".join(f"--series {shlex.quote(name)}" for name in names)
    return flags and f"use {flags}, because these columns together tell the series apart"


def _require_same_columns(file: LongFile, first: LongFile) -> list[Finding]:
    """Raise DataError unless a file has the columns of the first one. Return a finding if they are in another order."""
    if file.unit != first.unit:
        kinds = ["Parquet" if part.unit == "row" else "text" for part in (file, first)]
        raise DataError(
            f"{file.source} is {kinds[0]} but {first.source} is {kinds[1]}, so they cannot be one data set",
            hint="convert the files to one format",
            rule="D116",
        )
    missing = [name for name in first.names if name not in file.names]
    extra = [name for name in file.names if name not in first.names]
    if missing or extra or len(file.names) != len(first.names):
        repeated = [
            name
            for name in dict.fromkeys(first.names)
            if name not in missing and first.names.count(name) != file.names.count(name)
        ]
        kinds_of_names = (("missing", missing), ("extra", extra), ("duplicate", repeated))
        differences = [f"{kind} {quote_names(columns)}" for kind, columns in kinds_of_names if columns]
        raise DataError(
            f"{file.source} has other columns than {first.source}: " + " and ".join(differences),
            hint="give only files with the same columns",
            rule="D115",
        )
    if file.names == first.names:
        return []
    return [
        Finding.at(
            in_file(file.source),
            "D117",
            f"the order of the columns differs from {first.source}, so they were matched by name "
            "(no option for this; write the columns in one order)",
        )
    ]
