"""Parquet through pyarrow: columns to numbers, or to the text that the rules for text cells read."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_cli.config.extras import require_installed
from lstm_cli.data.locations import CellLocation
from lstm_cli.data.reading.numbers import read_numbers, refuse_infinity
from lstm_cli.data.reading.source import Source
from lstm_cli.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 50_000  # rows held at a time
SAMPLE_ROWS = 1_000  # rows by which the columns are chosen


class ParquetRows:
    """An open Parquet file."""

    def __init__(self, source: Source) -> None:
        """Raises DataError where the file is damaged, UsageError if pyarrow is not installed."""
        require_installed(f"Parquet ({source.name})", "pyarrow")
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.source = source.name
        try:
            self._file = pq.ParquetFile(source.path or pa.BufferReader(b"".join(source.blocks)))
        except (pa.ArrowException, OSError):
            raise _corrupt_error(source.name) from None
        self.names: list[str] = list(self._file.schema_arrow.names)
        self.rows: int = self._file.metadata.num_rows

    def sample(self) -> list[list[str]]:
        """The text of the first rows of each column; [] for types that are none of text, number, time."""
        import pyarrow as pa

        try:
            batch = next(self._file.iter_batches(batch_size=SAMPLE_ROWS), None)
        except (pa.ArrowException, OSError):
            raise _corrupt_error(self.source) from None
        columns = batch.columns if batch is not None else []
        texts = []
        for name, column in zip(self.names, columns, strict=False):
            try:
                texts.append(column_text(column, CellLocation(source=self.source, column=name)))
            except DataError:
                texts.append([])
        return texts

    def batches(self, indices: Sequence[int]) -> Iterator[tuple[np.ndarray, list["pa.Array"]]]:
        """Row numbers [n] from 1 and the columns at `indices`, some rows at a time.

        Raises DataError where the file is damaged.
        """
        import pyarrow as pa

        done = 0
        try:
            for batch in self._file.iter_batches(
                batch_size=BATCH_ROWS, columns=[self.names[index] for index in indices]
            ):
                lines = np.arange(done + 1, done + batch.num_rows + 1, dtype=np.int64)
                done += batch.num_rows
                yield lines, [_column(batch, self.names[index]) for index in indices]
        except (pa.ArrowException, OSError):
            raise _corrupt_error(self.source) from None


def _column(batch: "pa.RecordBatch", name: str) -> "pa.Array":
    return batch.column(batch.schema.names.index(name))


def column_is_number(column: "pa.Array") -> bool:
    """Whether a column is of a number type (truth values are none)."""
    import pyarrow.types as kinds

    kind = column.type
    return bool(kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_decimal(kind))


def column_numbers(column: "pa.Array", lines: np.ndarray, location: CellLocation) -> np.ndarray:
    """A column [n] as float64 [n], NaN where null. Raises DataError for infinities and what is no number."""
    import pyarrow as pa

    if not column_is_number(column):
        return read_numbers(column_text(column, location), lines, location)
    values: np.ndarray = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    refuse_infinity(values, lines, location)
    return values


def column_text(column: "pa.Array", location: CellLocation) -> list[str]:
    """A column [n] as text cells, "" where null. Raises DataError for nested columns and the like."""
    import pyarrow as pa
    import pyarrow.types as kinds

    kind: Any = column.type
    if kinds.is_timestamp(kind):
        column = _coarsen(column, kind)
    try:
        texts: list[str | None] = column.cast(pa.string()).to_pylist()
    except pa.ArrowException:
        raise DataError(
            f"its type {kind} is none of text, number and time",
            hint="name another column, or write this one as text, numbers or timestamps",
            rule="D112",
            at=location.column_text,
        ) from None
    return ["" if text is None else text for text in texts]


def _coarsen(column: "pa.Array", kind: Any) -> "pa.Array":
    """Timestamps in the coarsest unit that holds them: whole seconds are not written with nine zeros."""
    import pyarrow as pa

    for unit in ("s", "ms", "us"):
        try:
            return column.cast(pa.timestamp(unit, tz="UTC" if kind.tz else None))
        except pa.ArrowInvalid:
            continue
    return column


def _corrupt_error(source: str) -> DataError:
    return DataError(f"{source} is damaged, or no Parquet file", hint="write it anew", rule="D113")
