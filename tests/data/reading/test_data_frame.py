"""Tests of DataFrames and Arrow tables as sources: types of columns, the index, and what is refused."""

import datetime
import io
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lstm_cli.config.text import TextSettings
from lstm_cli.data.reading.data_frame import frame_in_memory, table_in_memory
from lstm_cli.data.reading.table import read_table
from lstm_cli.errors import DataError, UsageError

DAYS = pd.date_range("2024-01-01", periods=3)


def stored(frame: pd.DataFrame) -> pa.Table:
    return pq.ParquetFile(io.BytesIO(frame_in_memory(frame).content)).read()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, 3], [1, 2, 3]),
        ([0.5, np.nan, 2.0], [0.5, None, 2.0]),
        (np.array([1, 2, 3], dtype=np.float16), [1.0, 2.0, 3.0]),
        (pd.array([1, None, 3], dtype="Int64"), [1, None, 3]),
        (pd.array([True, None, False], dtype="boolean"), [True, None, False]),
        (pd.Categorical(["a", None, "a"]), ["a", None, "a"]),
        (pd.Categorical([1, 2, 1]), [1, 2, 1]),
        (["x", None, "y"], ["x", None, "y"]),
        ([Decimal("1.5"), None, Decimal("2")], [Decimal("1.5"), None, Decimal("2.0")]),
        ([1, "a", None], ["1", "a", None]),  # several types are text, as in a CSV file
        ([2**70, 1, 2], [str(2**70), "1", "2"]),
        ([1j, 2j, 3j], ["1j", "2j", "3j"]),
        (pd.to_timedelta([1, 2, 3], unit="h"), ["0 days 01:00:00", "0 days 02:00:00", "0 days 03:00:00"]),
        ([None, None, None], [None, None, None]),
        (
            pd.period_range("2024-01", periods=3, freq="M"),
            [datetime.datetime(2024, month, 1) for month in (1, 2, 3)],
        ),
        (
            [datetime.date(2024, 1, day) for day in (1, 2, 3)],
            [datetime.date(2024, 1, day) for day in (1, 2, 3)],
        ),
        (pd.arrays.SparseArray([1, 0, 0]), ["1", "0", "0"]),
    ],
)
def test_columns_keep_their_values(values: Any, expected: list[Any]) -> None:
    assert stored(pd.DataFrame({"x": values})).column("x").to_pylist() == expected


@pytest.mark.parametrize(
    ("index", "names"),
    [
        (pd.RangeIndex(3), ["y"]),
        (pd.Index([5, 7, 9]), ["y"]),  # row labels, as a filter leaves them
        (pd.Index([5, 7, 9], name="hour"), ["hour", "y"]),
        (DAYS, ["time", "y"]),
        (DAYS.rename("day"), ["day", "y"]),
        (DAYS.tz_localize("Europe/Berlin"), ["time", "y"]),
        (pd.period_range("2024-01", periods=3, freq="M"), ["time", "y"]),
        (pd.Index(["a", "b", "c"], name="shop"), ["shop", "y"]),
        (pd.MultiIndex.from_arrays([["a", "a", "b"], DAYS], names=["shop", None]), ["shop", "time", "y"]),
    ],
)
def test_an_index_is_a_column_if_it_holds_data(index: pd.Index, names: list[str]) -> None:
    assert stored(pd.DataFrame({"y": [1, 2, 3]}, index=index)).column_names == names


@pytest.mark.parametrize(
    ("frame", "message", "hint"),
    [
        (pd.DataFrame({"y": [1]}, index=["a"]), "the index of the DataFrame has no name", "frame.index.name"),
        (
            pd.DataFrame({"y": [1]}, index=pd.MultiIndex.from_tuples([("a", 1)])),
            "level 0 of the index of the DataFrame has no name",
            "frame.index.names = ['series0', 'series1']",
        ),
        (
            pd.DataFrame({"y": [1]}, index=pd.MultiIndex.from_tuples([("a", DAYS[0])])),
            "level 0 of the index",
            "frame.index.names = ['series', 'time']",
        ),
        (
            pd.DataFrame({"time": [1]}, index=DAYS[:1]),
            "the index and a column of the DataFrame are both named 'time'",
            "reset_index",
        ),
        (
            pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])),
            "the columns of the DataFrame have several levels",
            "frame.columns",
        ),
    ],
)
def test_names_that_are_missing_or_twice_are_refused(frame: pd.DataFrame, message: str, hint: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        frame_in_memory(frame)
    assert hint in caught.value.hint


def test_names_of_columns_become_text() -> None:
    frame = pd.DataFrame([[1, 2, 3]], columns=[0, None, pd.Timestamp("2024-01-01")])
    assert stored(frame).column_names == ["0", "", "2024-01-01 00:00:00"]


def test_the_same_content_has_the_same_bytes() -> None:
    frame = pd.DataFrame({"t": DAYS, "y": [1.0, 2.0, 3.0]})
    assert frame_in_memory(frame.copy()).content == frame_in_memory(frame).content
    frame.loc[2, "y"] = 4.0
    assert (
        frame_in_memory(frame.copy()).content != frame_in_memory(pd.DataFrame({"t": DAYS, "y": 1.0})).content
    )


@pytest.mark.parametrize(
    ("frame", "rule"),
    [
        (pd.DataFrame(), "D114"),
        (pd.DataFrame({"t": [], "y": []}), "D114"),
        (pd.DataFrame({"t": [*DAYS[:2], pd.NaT], "y": [1, 2, 3]}), "D405"),
        (pd.DataFrame({"t": DAYS, "y": [1.0, np.inf, 2.0]}), "D303"),
        (pd.DataFrame({"t": DAYS, "y": [[1], [2], [3]]}), "D112"),
        (pd.DataFrame({"t": DAYS, "y": pd.to_timedelta([1, 2, 3], unit="h")}), "D317"),
        (pd.DataFrame([[1, 2, 3]] * 3, columns=["t", "y", "y"]), "D208"),
    ],
)
def test_bad_frames_are_refused_by_the_rules_of_files(frame: pd.DataFrame, rule: str) -> None:
    with pytest.raises(DataError) as caught:
        read_table(frame_in_memory(frame), targets=["y"])
    assert caught.value.rule == rule
    assert "DataFrame" in str(caught.value)


def test_an_infinite_value_is_named_and_can_be_a_missing_value() -> None:
    frame = pd.DataFrame({"t": DAYS, "y": [1.0, -np.inf, np.inf]})
    with pytest.raises(DataError, match=r"row 2, column 'y': the value is infinite \(-inf\)") as caught:
        read_table(frame_in_memory(frame), targets=["y"])
    assert "--na-value=-inf" in caught.value.hint
    table = read_table(frame_in_memory(frame), targets=["y"], text=TextSettings(na_value=("inf", "-inf")))
    assert table.values[:, 0].tolist() == pytest.approx([1.0, np.nan, np.nan], nan_ok=True)
    assert not table.findings


def test_a_number_or_a_time_as_the_name_of_a_column_is_no_row() -> None:
    table = read_table(frame_in_memory(pd.DataFrame({0: DAYS, 1: [1.0, 2.0, 3.0]})))
    assert (table.time_columns, table.targets) == (("0",), ("1",))
    table = read_table(frame_in_memory(pd.DataFrame({"2024-01-01": DAYS, "y": [1.0, 2.0, 3.0]})))
    assert table.time_columns == ("2024-01-01",)


def test_a_panel_by_its_index() -> None:
    index = pd.MultiIndex.from_product([["a", "b"], DAYS], names=["shop", "day"])
    table = read_table(frame_in_memory(pd.DataFrame({"y": range(6)}, index=index)), series=["shop"])
    assert (table.series_names, table.time_columns, table.source) == (("a", "b"), ("day",), "DataFrame")
    assert table.values[:, 0].tolist() == [0, 1, 2, 3, 4, 5]


class Streamed:
    """Table of another library, which has only the Arrow C stream."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


def test_arrow_tables_are_read() -> None:
    table = pa.table(
        {"t": pa.array(DAYS), "shop": pa.array(["a", "a", "a"]).dictionary_encode(), "y": [1, 2, 3]}
    )
    for given in (table, Streamed(table)):
        read = read_table(table_in_memory(given), targets=["y"], series=["shop"])
        assert (read.series_names, read.source, len(read.times)) == (("a",), "table", 3)
