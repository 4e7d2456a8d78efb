"""A data file as a table: the columns that were chosen, as numbers, times and names of series."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any, BinaryIO, TypeAlias

import numpy as np

from lstm_cli.data.cells import Place, named, read_numbers, tell_large, tell_sentinel, tell_total
from lstm_cli.data.choose import Asked, Chosen, bare_text, choose_columns, column_names
from lstm_cli.data.rows import open_rows
from lstm_cli.data.source import Source, open_source, text_lines
from lstm_cli.data.suspicions import tell_alike
from lstm_cli.data.times import TimeFormat, TimePiece, read_times, scan_times
from lstm_cli.errors import DataError

# Line numbers [n] and, in the order of `_order`, n cells of each column: text, or what pyarrow holds.
_Piece: TypeAlias = tuple[np.ndarray, list[Any]]


@dataclass(frozen=True, kw_only=True)
class Table:
    """The chosen columns of a data file, R rows in the file's order."""

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
    values: np.ndarray  # [R, F] float64, NaN where missing
    lines: np.ndarray  # [R] int64, line in the file; Parquet: row, counted from 1
    warnings: tuple[str, ...]  # guesses and repairs, each a whole sentence
    delimiter: str  # as read; "" for Parquet


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """How the cells of a kind of file become numbers and text."""

    unit: str
    numbers: Callable[[Any, np.ndarray, Place], np.ndarray]
    text: Callable[[Any, Place], list[str]]


def read_table(
    source: str,
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
) -> Table:
    """Read CSV (also gzip) or Parquet: the path `source`, or standard input for `-`.

    targets empty: the only numeric column. time None: the first column that reads as times. encoding None:
    UTF-8, or what its mark says. delimiter None: the comma. unmeasured_targets_ok: a target may hold no
    number at all, as in rows of covariates known ahead. like: how the run's data write times; it settles what
    reads both ways.

    Raises DataError, with line, column and value, for all that cannot be read as asked; UsageError for an
    encoding or delimiter that is none.
    """
    asked = Asked(
        targets=tuple(targets),
        past=tuple(past),
        future=tuple(future),
        time=time,
        series=series,
        by_model=like is not None,
    )
    with open_source(source, stdin) as opened:
        table = (
            _read_parquet(opened, asked, like)
            if opened.parquet
            else _read_text(opened, asked, like, encoding, delimiter)
        )
    for index, name in enumerate(table.columns):
        if np.isnan(table.values[:, index]).all() and not (unmeasured_targets_ok and name in table.targets):
            raise DataError(
                f"{table.source}: column '{name}' holds no number in any of its {len(table.lines):,} rows",
                hint="name another column, or leave it out",
            )
    return table


def _read_text(
    source: Source, asked: Asked, like: TimeFormat | None, encoding: str | None, delimiter: str | None
) -> Table:
    rows = open_rows(text_lines(source, encoding), source.name, delimiter, source.unended)
    names = column_names(rows.header)
    first = next(rows.pieces, None)
    if first is None:
        raise DataError(
            f"{source.name} has a header and no row below it", hint="it needs one row for each time"
        )
    sample = list(zip(*first.cells, strict=True))
    chosen = choose_columns(source.name, names, sample, asked, lines=first.lines, delimiter=rows.delimiter)
    getters = [itemgetter(index) for index in _order(chosen)]
    pieces = (
        (piece.lines, [list(map(getter, piece.cells)) for getter in getters])
        for piece in chain((first,), rows.pieces)
    )
    kind = _Kind(unit="line", numbers=read_numbers, text=lambda cells, place: cells)
    return _assemble(source.name, names, chosen, pieces, kind, like, rows.delimiter, rows.warnings)


def _read_parquet(source: Source, asked: Asked, like: TimeFormat | None) -> Table:
    from lstm_cli.data.parquet import ParquetRows, column_numbers, column_text

    file = ParquetRows(source)
    names = [name or f"column {place}" for place, name in enumerate(file.names, start=1)]
    sample = file.sample()
    if not file.rows:
        raise DataError(f"{source.name} has no rows", hint="it needs one row for each time")
    chosen = choose_columns(source.name, names, sample, asked)
    kind = _Kind(unit="row", numbers=column_numbers, text=column_text)
    return _assemble(source.name, names, chosen, file.pieces(_order(chosen)), kind, like, "", [])


def _order(chosen: Chosen) -> list[int]:
    """The chosen columns in the order of a piece: the time, the series, then the numeric ones."""
    return [index for index in (chosen.time, chosen.series) if index is not None] + list(chosen.numeric)


def _assemble(
    source: str,
    names: Sequence[str],
    chosen: Chosen,
    pieces: Iterator[_Piece],
    kind: _Kind,
    like: TimeFormat | None,
    delimiter: str,
    reading_warnings: list[str],  # still grows while the pieces are read
) -> Table:
    places = [Place(source=source, column=names[index], unit=kind.unit) for index in _order(chosen)]
    numeric = places[len(places) - len(chosen.numeric) :]
    all_lines: list[np.ndarray] = []
    values: list[np.ndarray] = []
    stamps: list[TimePiece] = []
    codes: list[np.ndarray] = []
    ids: dict[str, int] = {}
    for lines, columns in pieces:
        rest = iter(zip(columns, places, strict=True))
        if chosen.time is not None:
            column, place = next(rest)
            stamps.append(scan_times(kind.text(column, place), lines, place))
        if chosen.series is not None:
            column, place = next(rest)
            codes.append(_series_codes(kind.text(column, place), lines, place, ids))
        values.append(np.stack([kind.numbers(column, lines, place) for column, place in rest], axis=1))
        all_lines.append(lines)
    lines = np.concatenate(all_lines)
    numbers = np.concatenate(values)
    times, fmt = np.arange(len(lines), dtype=np.int64), TimeFormat()
    told: tuple[str, ...] = ()
    if stamps:
        read = read_times(stamps, lines, places[0], like=like)
        times, fmt, told = read.times, read.format, read.warnings
    alike = (
        tell_alike(ids, f"{source}, column {named(names[chosen.series])}")
        if chosen.series is not None
        else []
    )
    doubtful = [
        tell(numbers[:, index], lines, place)
        for index, place in enumerate(numeric)
        for tell in (tell_sentinel, tell_large, *([] if stamps or codes else [tell_total]))
    ]
    return Table(
        source=source,
        columns=tuple(names[index] for index in chosen.numeric),
        targets=tuple(names[index] for index in chosen.targets),
        past=tuple(names[index] for index in chosen.past),
        future=tuple(names[index] for index in chosen.future),
        time_name=None if chosen.time is None else names[chosen.time],
        times=times,
        time_format=fmt,
        series_name=None if chosen.series is None else names[chosen.series],
        series=np.concatenate(codes) if codes else np.zeros(len(lines), dtype=np.int32),
        series_names=tuple(ids) if codes else ("",),
        values=numbers,
        lines=lines,
        warnings=(*reading_warnings, *chosen.warnings, *told, *alike, *filter(None, doubtful)),
        delimiter=delimiter,
    )


def _series_codes(cells: Sequence[str], lines: np.ndarray, place: Place, ids: dict[str, int]) -> np.ndarray:
    """The index of each cell's series [n] int32; `ids` grows by those not seen before."""
    index: dict[str, int] = {}
    for cell in dict.fromkeys(cells):
        name = bare_text(cell)
        if not name:
            line = int(lines[cells.index(cell)])
            raise DataError(
                f"{place.at(line)}: the name of the series is missing", hint="write it, or delete the line"
            )
        index[cell] = ids.setdefault(name, len(ids))
    return np.fromiter(map(index.__getitem__, cells), dtype=np.int32, count=len(cells))
