"""Output of a forecast as CSV, JSON or Parquet, with times, names and units as in the file.

CSV and JSON hold the same digits (`decimals.number_texts`). Parquet holds the 64-bit numbers, not rounded.
"""

import csv
import io
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from lstm_cli.data.dataset.dataset import Schema
from lstm_cli.data.numbers.decimals import number_texts
from lstm_cli.data.reading.columns.series_names import split_names
from lstm_cli.data.spreadsheet_safety import escape_formula
from lstm_cli.data.times.formats import JOINT, format_times, format_zoned_times
from lstm_cli.errors import UsageError

if TYPE_CHECKING:
    import pyarrow

SAMPLE_COLUMN = "sample"
BLOCK_ROWS = 10_000  # rows of text at a time, because their cells are Python objects
ENDINGS = {".csv": "csv", ".json": "json", ".parquet": "parquet", ".pq": "parquet"}
# Endings that a program would believe. With any other one, such as .txt or a date, the file is CSV.
COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".tgz")
OTHER_FORMATS = (
    *(".xlsx", ".xls", ".xlsm", ".ods", ".jsonl", ".ndjson", ".feather", ".arrow", ".orc", ".avro", ".pkl"),
    *(".h5", ".hdf5", ".npy", ".npz", ".html", ".md", ".png", ".svg", ".pdf"),
)


@dataclass(frozen=True, kw_only=True)
class ForecastTexts:
    """Cells of the forecast of one series as text, made together with those of other forecasts."""

    times: list[str]  # [H], of one column
    cells: list[str]  # [H * columns] numbers, row by row; none is missing
    around: list[str]  # JSON of the forecast: the text before, between and after the cells

    def columns(self) -> list[list[str]]:
        """Return the numbers [H] of each column."""
        count = len(self.cells) // len(self.times)
        return [self.cells[column::count] for column in range(count)]


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """Forecast of the H steps after the last row of each series."""

    schema: Schema
    names: tuple[str, ...]  # of the S series
    times_us: np.ndarray  # [S, H] int64; row numbers from 0 if the file has no times
    values: np.ndarray  # [S, H, C] float64, in the file's units
    quantiles: np.ndarray  # [Q, S, H, C] float64, in the order of `suffixes`; NaN: not known
    suffixes: tuple[str, ...] = ()  # column names are `<target>_<suffix>`
    samples: int = (
        0  # sample paths of each series: S counts the paths, and a series has successive ones; 0: none
    )
    recorded: np.ndarray | None = (
        None  # [P, S, H, C] quantiles for the ledger, which the output does not have
    )
    texts: ForecastTexts | None = None  # None: they are made when the forecast is written

    @property
    def header(self) -> list[str]:
        return [*self.schema.series_columns, *self.time_columns, *self.sample_columns, *self.columns]

    @property
    def sample_columns(self) -> tuple[str, ...]:
        """Return the name of the column that counts the sample paths of a series, if there are any."""
        return (SAMPLE_COLUMN,) if self.samples else ()

    @property
    def time_columns(self) -> tuple[str, ...]:
        """Return the names of the columns of the time: those of the file, or `row`."""
        return self.schema.time_columns or ("row",)

    @property
    def columns(self) -> list[str]:
        """Return the columns of numbers: each target, followed by its quantiles."""
        return [name for target in self.schema.targets for name in (target, *self._quantile_columns(target))]

    @property
    def decimals(self) -> list[int]:
        """Return the minimum number of decimals of each column: that of its target in the file."""
        known = self.schema.decimals or (0,) * len(self.schema.targets)
        return [decimals for decimals in known for _ in range(1 + len(self.suffixes))]

    @property
    def cells(self) -> np.ndarray:
        """Return the numbers [S, H, len(columns)]."""
        cells = np.stack([self.values, *self.quantiles], axis=-1)
        return cells.reshape(*self.values.shape[:2], len(self.columns))

    def name_clash(self) -> str | None:
        """Return the first sample or quantile column whose name is a duplicate; None if all names are unique."""
        quantile_columns = [name for target in self.schema.targets for name in self._quantile_columns(target)]
        added = [*self.sample_columns, *quantile_columns]
        return next((name for name in added if self.header.count(name) > 1), None)

    def _quantile_columns(self, target: str) -> list[str]:
        return [f"{target}_{suffix}" for suffix in self.suffixes]

    def blocks(self, *, zoned: bool = False) -> Iterator[tuple[list[list[str]], np.ndarray]]:
        """Yield the rows in blocks, series by series. zoned: with `--tz`, times have the offset of the zone.

        Each block holds the label columns (the series columns, the columns of the time, the sample column) and the
        numbers [rows, len(columns)].
        """
        if self.texts is not None:
            yield [*self.series_labels(slice(None)), self.texts.times], self.values[0]  # not used with texts
            return
        horizon = self.values.shape[1]
        # Format each distinct time once, because most series share their times.
        distinct, indices = np.unique(self.times_us, return_inverse=True)
        zoned = zoned and bool(self.schema.time_format.tz) and len(self.time_columns) == 1
        written = (
            format_zoned_times(distinct, self.schema.time_format) if zoned else self.written_times(distinct)
        )
        texts = [np.array(column, dtype=object) for column in split_columns(written, self.time_columns)]
        indices = indices.reshape(self.times_us.shape)
        size = max(1, BLOCK_ROWS // horizon)
        cells = self.cells
        for first in range(0, len(self.names), size):
            block = slice(first, first + size)
            times = [column[indices[block].reshape(-1)].tolist() for column in texts]
            labels = [*self.series_labels(block), *times]
            if self.samples:
                labels.append([str(number) for number in self.sample_numbers(block).tolist()])
            yield labels, cells[block].reshape(-1, cells.shape[2])

    def series_labels(self, block: slice) -> list[list[str]]:
        """Return the cells of each series column for a block of series, once for each step."""
        columns = self.schema.series_columns
        values = split_names(self.names[block], len(columns)) if columns else []
        horizon = self.values.shape[1]
        return [[value for value in column for _ in range(horizon)] for column in values]

    def sample_numbers(self, block: slice) -> np.ndarray:
        """Return the number of the sample path, from 1, of each row of a block of paths."""
        numbers = np.arange(len(self.names))[block] % self.samples + 1
        return np.repeat(numbers, self.values.shape[1])

    def written_times(self, times_us: np.ndarray) -> list[str]:
        """Return times as the file writes them, with JOINT between columns; rows are counted from 1."""
        return write_times(self.schema, times_us)

    @property
    def first_time(self) -> str:
        """Return the earliest time as reports show it; "" for a shard without series."""
        return self._shown_time(self.times_us.min()) if self.names else ""

    @property
    def last_time(self) -> str:
        """Return the latest time as reports show it; "" for a shard without series."""
        return self._shown_time(self.times_us.max()) if self.names else ""

    def _shown_time(self, time_us: int) -> str:
        """Return one time with a blank between columns."""
        return self.written_times(np.array([time_us]))[0].replace(JOINT, " ")


def split_columns(texts: Sequence[str], names: Sequence[str]) -> list[list[str]]:
    """Return the texts [n] of each column of `names`, from times [n] that are written with JOINT between columns."""
    if len(names) == 1:
        return [list(texts)]
    return [list(column) for column in zip(*(text.split(JOINT) for text in texts), strict=True)]


def write_times(schema: Schema, times_us: np.ndarray) -> list[str]:
    """Return times [n] as the file writes them, with JOINT between columns; without times, row numbers from 1."""
    if schema.time_name is None:
        return [str(row + 1) for row in times_us.tolist()]
    return format_times(times_us, schema.time_format)


def whole_columns(schema: Schema) -> list[bool]:
    """Return which columns of the time hold whole numbers, such as a year or an hour next to its date."""
    if schema.time_format.is_integer:
        return [True]
    parts = schema.time_format.pattern.split(JOINT)
    return [len(parts) > 1 and re.fullmatch("%-?[YymdjHMSVu]", part) is not None for part in parts]


def output_format(output: str, requested: str | None, *, flag: str = "-o") -> str:
    """Return csv, json or parquet: as requested, else by the suffix of the output, else csv.

    Args:
        output: path of the output.
        requested: requested format; None: by the suffix.
        flag: option that names the output.

    Raises:
        UsageError: the suffix is that of a format which is not written.
    """
    path = PurePath(output)
    suffix = path.suffix.lower()
    if requested is None and suffix in (*COMPRESSED, *OTHER_FORMATS):
        stem = path.with_suffix("")
        name = str(stem if stem.suffix.lower() in ENDINGS else stem.with_suffix(".csv"))
        raise UsageError(
            f"{flag} {output} has the ending {suffix}, but "
            f"{'compressed files' if suffix in COMPRESSED else 'files of that format'} are not written",
            hint=f"use {flag} {shlex.quote(name)}, or the ending .parquet",
            flag=flag,
        )
    return requested or ENDINGS.get(suffix, "csv")


def encode_forecast(forecast: Forecast, format: str) -> bytes:
    """Return the whole output file; text is UTF-8 with LF."""
    return {"csv": _csv, "json": _json, "parquet": _parquet}[format](forecast)


def _csv(forecast: Forecast) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", delimiter=forecast.schema.delimiter or ",")
    writer.writerow([escape_formula(name) for name in forecast.header])
    for labels, numbers in forecast.blocks():
        count = len(forecast.schema.series_columns)
        named = [[escape_formula(name) for name in column] for column in labels[:count]]
        texts = _texts(forecast, numbers, missing="")
        writer.writerows(zip(*named, *labels[count:], *texts, strict=True))
    return text.getvalue().encode()


def _texts(forecast: Forecast, numbers: np.ndarray, *, missing: str) -> list[list[str]]:
    """Return the numbers [rows, len(columns)] of a block as text, column by column.

    Args:
        forecast: forecast of the block.
        numbers: numbers of the block, NaN for a quantile that is not known.
        missing: text of NaN.
    """
    if forecast.texts is not None:
        return forecast.texts.columns()
    return column_texts(numbers, forecast.decimals, missing=missing)


def column_texts(numbers: np.ndarray, decimals: Sequence[int], *, missing: str) -> list[list[str]]:
    """Return numbers [rows, columns] as text, column by column.

    Args:
        numbers: numbers in the file's units, NaN for a quantile that is not known.
        decimals: least decimals of each column.
        missing: text of NaN.
    """
    # One call for all columns with the same decimals, because a forecast of one series has few rows.
    texts: dict[int, list[str]] = {}
    for least in set(decimals):
        columns = np.flatnonzero(np.array(decimals) == least)
        cells = numbers[:, columns].T.reshape(-1)
        known = ~np.isnan(cells)
        if known.all():
            written = number_texts(cells, least)
        else:
            written = number_texts(np.where(known, cells, 0.0), least)
            written = [cell if one else missing for cell, one in zip(written, known.tolist(), strict=True)]
        rows = len(numbers)
        for place, column in enumerate(columns.tolist()):
            texts[column] = written[place * rows : (place + 1) * rows]
    return [texts[column] for column in range(len(decimals))]


def _json(forecast: Forecast) -> bytes:
    if forecast.texts is not None:
        parts = [""] * (2 * len(forecast.texts.cells) + 1)
        parts[::2], parts[1::2] = forecast.texts.around, forecast.texts.cells
        return "".join(parts).encode()
    rows: list[str] = []
    for labels, numbers in forecast.blocks(zoned=True):
        rows += _json_rows(forecast, labels, _texts(forecast, numbers, missing="null"))
    return _json_text(rows).encode()


def json_around(forecast: Forecast, times: list[str]) -> list[str]:
    """Return the JSON of a forecast of one series: the text before, between and after the numbers.

    Args:
        forecast: forecast without texts.
        times: times [H] of one column, as the file writes them.
    """
    number = "\0"  # which no text of JSON has
    columns = [[number] * len(times)] * len(forecast.columns)
    rows = _json_rows(forecast, [*forecast.series_labels(slice(None)), times], columns)
    return _json_text(rows).split(number)


def _json_rows(forecast: Forecast, labels: Sequence[list[str]], texts: Sequence[list[str]]) -> Iterator[str]:
    """Yield the record of each row.

    Args:
        forecast: forecast of the rows.
        labels: label columns of the rows, as `Forecast.blocks` yields them.
        texts: columns of numbers as text: the digits of the CSV are JSON's too.
    """
    whole = [*whole_columns(forecast.schema), *(True for _ in forecast.sample_columns)]
    names = [encode_basestring(name).replace("%", "%%") for name in forecast.header]
    record = "{" + ", ".join(f"{name}: %s" for name in names) + "}"
    count = len(forecast.schema.series_columns)
    quoted = [list(map(encode_basestring, column)) for column in labels[:count]]
    quoted += [
        [str(int(label)) for label in column] if is_whole else list(map(encode_basestring, column))
        for column, is_whole in zip(labels[count:], whole, strict=True)
    ]
    return (record % row for row in zip(*quoted, *texts, strict=True))


def _json_text(rows: Iterable[str]) -> str:
    lines = ",\n".join(rows)
    return f"[\n{lines}\n]\n"


def arrow_times(schema: Schema, times_us: np.ndarray) -> "pyarrow.Array":
    """Return times [n] as a column of Parquet: instants, whole numbers, or row numbers from 1."""
    import pyarrow

    if schema.time_name is None:
        return pyarrow.array(times_us + 1)
    if schema.time_format.is_integer:
        return pyarrow.array(times_us)
    zone = schema.time_format.tz or ("UTC" if schema.time_format.has_offset else None)
    instants = pyarrow.array(schema.time_format.to_utc(times_us), type=pyarrow.int64())
    return instants.cast(pyarrow.timestamp("us", zone))


def _parquet(forecast: Forecast) -> bytes:
    import pyarrow
    import pyarrow.parquet

    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(forecast_table(forecast), sink)
    return bytes(sink.getvalue())


def forecast_table(forecast: Forecast, *, as_csv: bool = False) -> "pyarrow.Table":
    """Return the rows of a forecast with typed times. as_csv: the numbers have the digits of the CSV file."""
    import pyarrow

    schema = forecast.schema
    times = forecast.times_us.reshape(-1)
    columns: dict[str, pyarrow.Array] = {}
    for name, labels in zip(schema.series_columns, forecast.series_labels(slice(None)), strict=True):
        columns[name] = pyarrow.array(labels)
    if len(schema.time_columns) > 1:
        texts = split_columns(forecast.written_times(times), schema.time_columns)
        for name, column, is_whole in zip(schema.time_columns, texts, whole_columns(schema), strict=True):
            columns[name] = pyarrow.array([int(text) for text in column] if is_whole else column)
    else:
        columns[forecast.time_columns[0]] = arrow_times(schema, times)
    for name in forecast.sample_columns:
        columns[name] = pyarrow.array(forecast.sample_numbers(slice(None)))
    cells = forecast.cells
    for index, (name, decimals) in enumerate(zip(forecast.columns, forecast.decimals, strict=True)):
        numbers = cells[:, :, index].reshape(-1)
        missing = np.isnan(numbers)
        if as_csv:
            numbers = np.array(number_texts(np.where(missing, 0.0, numbers), decimals), dtype=np.float64)
        columns[name] = pyarrow.array(numbers, mask=missing)
    return pyarrow.table(columns)
