"""Tests of Parquet files that pyarrow opens, or refuses with an error of Python: each is a corrupt file."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lstm_cli.data.locations import CellLocation
from lstm_cli.data.reading.columns.table_rules import find_split_time
from lstm_cli.data.reading.parquet import ParquetRows, column_text, count_cells
from lstm_cli.data.reading.source import InMemory, open_source
from lstm_cli.errors import DataError

NAME = "x.parquet"


def written(table: pa.Table) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


def source(data: bytes) -> InMemory:
    return InMemory(NAME, data)


def rows(data: bytes) -> ParquetRows:
    with open_source(source(data)) as opened:
        return ParquetRows(opened)


def test_a_name_that_is_not_utf8() -> None:
    data = written(pa.table({"day": [1.0], "load": [2.0]})).replace(b"day", b"\xe8ay")
    assert count_cells(source(data)) is None
    with pytest.raises(DataError, match="corrupt"):
        rows(data)


def test_rows_that_only_the_metadata_has() -> None:
    # The number of rows is field 3 of the metadata, before the empty list of row groups: one row instead of none.
    file = io.BytesIO()
    pq.ParquetWriter(file, pa.schema({"day": pa.float64()})).close()
    data = file.getvalue()
    assert data.count(b"\x16\x00\x19\x0c") == 1
    opened = rows(data.replace(b"\x16\x00\x19\x0c", b"\x16\x02\x19\x0c"))
    assert opened.rows == 1
    with pytest.raises(DataError, match="corrupt"):
        opened.sample()


def test_text_that_is_not_utf8() -> None:
    ends = pa.py_buffer(np.array([0, 1], dtype=np.int32))
    text = pa.StringArray.from_buffers(1, ends, pa.py_buffer(b"\xff"))
    with pytest.raises(DataError, match=r"column 'shop'.*not UTF-8"):
        column_text(text, CellLocation(source=NAME, column="shop"))


def test_a_time_column_of_another_type_has_no_other_part() -> None:
    # The first cells of such a column are empty, but the series column has its cells.
    assert find_split_time(("shop", "day"), (("A", "A"), ()), 1, np.array([0, 0])) is None
