"""DataFrames and Arrow tables as Parquet in memory, so that the reader of files reads them by the same rules."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lstm_cli.config.extras import require_installed
from lstm_cli.data.reading.source import InMemory
from lstm_cli.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

DATA_FRAME, ARROW_TABLE = "DataFrame", "table"  # names of the sources in messages and in run.json
TIME = "time"  # name of an index of times that has no name


def frame_in_memory(frame: Any, name: str = DATA_FRAME) -> InMemory:
    """Return a DataFrame of pandas as a source. Its index is a column if it has a name or holds times.

    Args:
        frame: DataFrame, [R] rows. Row labels are left out: an index of whole numbers without a name.
        name: name of the source in messages.

    Raises:
        UsageError: pyarrow is not installed, the columns have several levels, or the index has no name, or the name
            of a column.
    """
    require_installed("a DataFrame", "pyarrow")
    import pyarrow as pa

    if getattr(frame.columns, "nlevels", 1) > 1:
        raise UsageError(
            "the columns of the DataFrame have several levels",
            hint="name them by one level: frame.columns = ['_'.join(map(str, name)) for name in frame.columns]",
        )
    levels = list(_index_columns(frame.index))
    names = [_name_text(column) for column in frame.columns]
    clash = next((level for level, _ in levels if level in names), None)
    if clash is not None:
        raise UsageError(
            f"the index and a column of the DataFrame are both named '{clash}'",
            hint="leave one of them out, such as with frame.reset_index(drop=True)",
        )
    columns = [values for _, values in levels]
    columns += [frame.iloc[:, number] for number in range(len(names))]  # by number, because names may repeat
    arrays = [_to_arrow(column) for column in columns]
    return _in_memory(name, pa.Table.from_arrays(arrays, names=[level for level, _ in levels] + names))


def table_in_memory(table: Any, name: str = ARROW_TABLE) -> InMemory:
    """Return a table of pyarrow, or of a library with the Arrow C stream such as Polars, as a source.

    Args:
        table: table, [R] rows.
        name: name of the source in messages.

    Raises:
        UsageError: pyarrow is not installed.
    """
    require_installed("an Arrow table", "pyarrow")
    import pyarrow as pa

    table = pa.table(table)
    arrays = [_to_plain(column) for column in table.columns]
    return _in_memory(name, pa.Table.from_arrays(arrays, names=table.column_names))


def _in_memory(name: str, table: "pa.Table") -> InMemory:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    # Without the metadata of pandas, whose version would be part of the checksum.
    pq.write_table(table, sink, compression="lz4")
    return InMemory(name, sink.getvalue().to_pybytes())


def _name_text(name: Any) -> str:
    """Return the name of a column as text; "" for a missing name."""
    return "" if name is None or name != name else str(name)  # NaN differs from itself


def _index_columns(index: Any) -> Iterator[tuple[str, Any]]:
    """Yield the name and the values of each level of an index that holds data. Raise UsageError without a name."""
    for number, name in enumerate(index.names):
        values = index.get_level_values(number)
        if name is None and index.nlevels == 1 and values.dtype.kind in "iu":
            continue  # row labels
        if name is None and not _is_time(values.dtype):
            raise UsageError(
                "the index of the DataFrame has no name"
                if index.nlevels == 1
                else f"level {number} of the index of the DataFrame has no name",
                hint="frame.index.name = 'NAME' makes it a column; frame.reset_index(drop=True) leaves it out"
                if index.nlevels == 1
                else f"name all levels, such as frame.index.names = {_level_names(index)}",
            )
        yield _name_text(TIME if name is None else name), values


def _level_names(index: Any) -> list[str]:
    """Return a name for each level of an index: its own, or what its values are."""
    kinds = [
        "time" if _is_time(index.get_level_values(number).dtype) else "series"
        for number in range(index.nlevels)
    ]
    return [
        str(name) if name is not None else kind if kinds.count(kind) == 1 else f"{kind}{number}"
        for number, (name, kind) in enumerate(zip(index.names, kinds, strict=True))
    ]


def _is_time(dtype: Any) -> bool:
    return dtype.kind == "M" or _is_period(dtype) or str(dtype).startswith("timestamp[")


def _is_period(dtype: Any) -> bool:
    return str(dtype).startswith("period[")


def _to_arrow(column: Any) -> "pa.Array | pa.ChunkedArray":
    """Return a column or an index as an array. Values of several types become text, as in a CSV file."""
    import pyarrow as pa

    if _is_period(column.dtype):
        column = getattr(column, "dt", column).to_timestamp()  # the first instant of each period
    try:
        if column.dtype.kind == "m":  # Arrow would read a duration as its number of units
            raise TypeError
        return _to_plain(pa.array(column, from_pandas=True))
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        texts = [
            None if is_missing else str(value)
            for value, is_missing in zip(column, column.isna(), strict=True)
        ]
        return pa.array(texts, type=pa.string())


def _to_plain(array: "pa.Array | pa.ChunkedArray") -> "pa.Array | pa.ChunkedArray":
    """Return an array in a type that Parquet stores, with the values of a dictionary in place of their codes."""
    import pyarrow as pa
    import pyarrow.types as kinds

    if isinstance(array.type, pa.BaseExtensionType):
        return array.cast(array.type.storage_type)
    if kinds.is_dictionary(array.type):
        return array.cast(array.type.value_type)
    if kinds.is_float16(array.type):
        return array.cast(pa.float32())
    if str(array.type) == "string_view":  # of pyarrow 16 and later
        return array.cast(pa.string())
    return array
