"""Reader of Parquet with pyarrow: columns become numbers or text cells."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_cli.config.extras import require_installed
from lstm_cli.data.locations import CellLocation
from lstm_cli.data.numbers.parse import codes_to_missing, refuse_infinity
from lstm_cli.data.reading.arrow_columns import to_numpy
from lstm_cli.data.reading.columns.number_formats import NumberColumn
from lstm_cli.data.reading.containers.limits import read_whole
from lstm_cli.data.reading.source import InMemory, Source
from lstm_cli.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 50_000  # rows in memory at a time
SAMPLE_ROWS = 1_000  # first rows that decide the roles of columns


class ParquetRows:
    """Rows of an open Parquet file."""

    def __init__(self, source: Source) -> None:
        """Open the file. Raise DataError if it is corrupt, and UsageError if pyarrow is not installed."""
        require_installed(f"Parquet ({source.name})", "pyarrow")
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.source = source.name
        try:
            if source.content is not None:
                self._file = pq.ParquetFile(pa.BufferReader(source.content))
            elif source.packed or source.path is None:
                self._file = pq.ParquetFile(pa.BufferReader(read_whole(source.blocks, source.name)))
            else:
                self._file = pq.ParquetFile(source.path)
        except (pa.ArrowException, OSError, UnicodeDecodeError):  # the last one: names of columns
            raise _corrupt_error(source.name) from None
        names = list(self._file.schema_arrow.names)
        self._folder_values = {
            name: value or None for name, value in source.partitions if name not in names
        }  # of columns that the folder of the file gives
        self.names: list[str] = [*names, *self._folder_values]
        self.rows: int = self._file.metadata.num_rows

    def text_columns(self) -> list[bool]:
        """Return whether each column is text, or another type than numbers."""
        stored = [not _is_number_type(field.type) for field in self._file.schema_arrow]
        return stored + [True] * len(self._folder_values)

    def sample(self) -> list[list[str]]:
        """Return the first rows of each column as text; [] for types other than text, number and time."""
        import pyarrow as pa

        try:
            batch = next(self._file.iter_batches(batch_size=SAMPLE_ROWS), None)
        except (pa.ArrowException, OSError):
            raise _corrupt_error(self.source) from None
        if batch is None:
            if self.rows:  # says the metadata
                raise _corrupt_error(self.source)
            return [[] for _ in self.names]
        columns = [*batch.columns, *(self._column(batch, name) for name in self._folder_values)]
        texts = []
        for name, column in zip(self.names, columns, strict=False):
            try:
                texts.append(column_text(column, CellLocation(source=self.source, column=name)))
            except DataError:
                texts.append([])
        return texts

    def batches(self, indices: Sequence[int]) -> Iterator[tuple[np.ndarray, list["pa.Array"]]]:
        """Yield batches of row numbers [n] from 1 and the columns at `indices`.

        Raises DataError if the file is corrupt.
        """
        import pyarrow as pa

        done = 0
        try:
            names = [self.names[index] for index in indices]
            stored = [name for name in names if name not in self._folder_values]
            for batch in self._file.iter_batches(batch_size=BATCH_ROWS, columns=stored):
                lines = np.arange(done + 1, done + batch.num_rows + 1, dtype=np.int64)
                done += batch.num_rows
                yield lines, [self._column(batch, name) for name in names]
        except (pa.ArrowException, OSError):
            raise _corrupt_error(self.source) from None

    def _column(self, batch: "pa.RecordBatch", name: str) -> "pa.Array":
        import pyarrow as pa

        if name in self._folder_values:
            return pa.repeat(pa.scalar(self._folder_values[name], pa.string()), batch.num_rows)
        return batch.column(batch.schema.names.index(name))


def count_cells(source: InMemory) -> int | None:
    """Return the rows times the columns of a Parquet file in memory, without reading them; None if it is corrupt."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        about = pq.read_metadata(pa.BufferReader(source.content))
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        return None
    return int(about.num_rows) * int(about.num_columns)


def _is_number_type(kind: Any) -> bool:
    """Return whether a type is a number type (not boolean)."""
    import pyarrow.types as kinds

    return bool(kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_decimal(kind))


def column_is_number(column: "pa.Array") -> bool:
    """Return whether the type of a column is a number type (not boolean)."""
    return _is_number_type(column.type)


def column_numbers(
    column: "pa.Array", lines: np.ndarray, location: CellLocation, number: NumberColumn
) -> np.ndarray:
    """Return a column [n] as float64 [n], with NaN for null.

    Args:
        column: pyarrow array.
        lines: row numbers [n].
        location: file and column, for messages.
        number: format of the column.

    Raises:
        DataError: a value is infinite or not a number.
    """
    import pyarrow as pa

    if not column_is_number(column):
        return number.read(column_text(column, location), lines, location)
    small = pa.types.is_float32(column.type) or pa.types.is_float16(column.type)
    stored = to_numpy(column.cast(column.type if small else pa.float64(), safe=False))
    number.unseen.see_numbers(stored, number.format)
    values: np.ndarray = codes_to_missing(stored, number.format, stored=True).astype(np.float64)
    refuse_infinity(values, lines, location)
    measured = np.flatnonzero(~np.isnan(values))
    if not number.unit.is_of_run:
        measured = measured[:1]
    texts = list(map(repr, values[measured].tolist()))
    number.unit.require_same([""] * len(measured), texts, texts, lines[measured], location)
    return values


def column_text(column: "pa.Array", location: CellLocation) -> list[str]:
    """Return a column [n] as text cells, with "" for null. Raise DataError for types such as nested columns."""
    import pyarrow as pa
    import pyarrow.types as kinds

    kind: Any = column.type
    if kinds.is_timestamp(kind):
        column = _coarsen(column, kind)
    try:
        texts: list[str | None] = column.cast(pa.string()).to_pylist()
    except UnicodeDecodeError:
        raise DataError(
            "it has text that is not UTF-8",
            hint="write the file again, with text in UTF-8",
            rule="D113",
            at=location.column_text,
        ) from None
    except pa.ArrowException:
        raise DataError(
            f"its type {kind} is not text, number or time",
            hint="choose another column, or write it as text, numbers or timestamps",
            rule="D112",
            at=location.column_text,
        ) from None
    return ["" if text is None else text for text in texts]


def _coarsen(column: "pa.Array", kind: Any) -> "pa.Array":
    """Cast timestamps to the coarsest exact unit, so that whole seconds have no decimals as text."""
    import pyarrow as pa

    for unit in ("s", "ms", "us"):
        try:
            return column.cast(pa.timestamp(unit, tz="UTC" if kind.tz else None))
        except pa.ArrowInvalid:
            continue
    return column


def _corrupt_error(source: str) -> DataError:
    return DataError(f"{source} is corrupt, or not a Parquet file", hint="write the file again", rule="D113")
