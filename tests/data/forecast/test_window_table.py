"""Tests of the table of windows: decimals, names of columns, times without a calendar."""

import io
from dataclasses import replace

import numpy as np
import pyarrow.parquet
import pytest
from small_data import dataset, wave

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.forecast.bounds import restore_decimals
from lstm_cli.data.forecast.window_table import TableColumns, TableRows, open_table
from lstm_cli.data.frequency.step import UNIT
from lstm_cli.data.times.formats import JOINT, TimeFormat

NUMBERS = (("truth", 0), ("forecast", 1), ("q50", 1))


def panel() -> Dataset:
    return dataset([wave(40), wave(40, seed=1)], train_end=[20, 20], val_end=[30, 30], horizon=2)


def rows_of(data: Dataset, *, cut_off_us: int | None = None) -> TableRows:
    """Return the rows of two windows, one of each series."""
    hour = data.schema.step.count
    numbers = np.array([[[[1.0], [np.nan]], [[-0.0], [2.5]]], [[[1.25], [1e-9]], [[3.0], [1e15 / 3]]]])
    return TableRows(
        dataset=data,
        series=np.array([0, 1]),
        origin_us=hour * np.array([4, 5]),
        times_us=hour * np.array([[5, 6], [6, 7]]),
        numbers=numbers,
        cut_off_us=cut_off_us,
    )


def text_of(columns: TableColumns, *rows: TableRows) -> list[str]:
    stream = io.BytesIO()
    table = open_table(stream, columns, "csv")
    for each in rows:
        table.add(each)
    table.close()
    assert table.rows == sum(each.count for each in rows)
    return stream.getvalue().decode().splitlines()


def test_rows_as_csv_worked_by_hand() -> None:
    data = panel()
    columns = TableColumns(schema=replace(data.schema, delimiter=";"), numbers=NUMBERS)
    assert text_of(columns, rows_of(data)) == [
        "series;target;origin;time;step;truth;forecast;q50",
        "series0;target0;1970-01-01 04:00:00;1970-01-01 05:00:00;1;1;1.25;1.25",
        "series0;target0;1970-01-01 04:00:00;1970-01-01 06:00:00;2;;1e-09;1e-09",
        "series1;target0;1970-01-01 05:00:00;1970-01-01 06:00:00;1;0;3;3",
        "series1;target0;1970-01-01 05:00:00;1970-01-01 07:00:00;2;2.5;3.33333333333e+14;3.33333333333e+14",
    ]


def test_a_cut_off_is_empty_for_the_windows_of_the_split() -> None:
    data = panel()
    columns = TableColumns(schema=data.schema, numbers=NUMBERS, cut_off=True)
    lines = text_of(columns, rows_of(data), rows_of(data, cut_off_us=0))
    assert lines[0] == "series,target,cut_off,origin,time,step,truth,forecast,q50"
    assert [line.split(",")[2] for line in lines[1:]] == [""] * 4 + ["1970-01-01 00:00:00"] * 4


def test_times_without_a_calendar_and_of_several_columns() -> None:
    data = panel()
    unit = replace(data.schema, step=UNIT, time_columns=(), time_format=TimeFormat())
    rows = replace(
        rows_of(data), origin_us=np.array([4, 5]), times_us=np.array([[5, 6], [6, 7]]), cut_off_us=3
    )
    lines = text_of(TableColumns(schema=unit, numbers=NUMBERS, cut_off=True), rows)
    assert [line.split(",")[2:5] for line in lines[1:3]] == [["4", "5", "6"], ["4", "5", "7"]]  # rows from 1
    joined = replace(
        data.schema, time_columns=("day", "hour"), time_format=TimeFormat(pattern=f"%d/%m/%Y{JOINT}%H")
    )
    lines = text_of(TableColumns(schema=joined, numbers=NUMBERS), rows_of(data))
    assert lines[1].split(",")[2:4] == ["01/01/1970 04", "01/01/1970 05"]


def test_times_too_fine_for_the_format_of_the_file_all_have_the_same_form() -> None:
    data = panel()
    dated = replace(data.schema, time_format=TimeFormat(pattern="%Y-%m-%d"))
    rows = replace(rows_of(data), origin_us=np.array([0, 0]))
    lines = text_of(TableColumns(schema=dated, numbers=NUMBERS), rows)
    assert lines[1].split(",")[2:4] == ["1970-01-01 00:00:00", "1970-01-01 05:00:00"]


def test_a_series_column_with_a_name_of_the_table_gets_another_name() -> None:
    data = panel()
    schema = replace(data.schema, series_columns=("step", "q50", "shop"))
    columns = TableColumns(schema=schema, numbers=NUMBERS)
    assert columns.keys[:4] == ("series_step", "series_q50", "shop", "target")


def test_parquet_types_and_empty_cells() -> None:
    data = panel()
    stream = io.BytesIO()
    table = open_table(stream, TableColumns(schema=data.schema, numbers=NUMBERS, cut_off=True), "parquet")
    table.add(rows_of(data))
    table.add(rows_of(data, cut_off_us=0))
    table.close()
    read = pyarrow.parquet.read_table(stream)
    assert [str(field.type) for field in read.schema] == [
        *("string", "string"),
        *["timestamp[us]"] * 3,
        "int64",
        *["double"] * 3,
    ]
    assert read["truth"].null_count == 2
    assert read["cut_off"].null_count == 4
    assert read["forecast"][3].as_py() == 1e15 / 3


@pytest.mark.parametrize("log", [False, True])
def test_a_measured_value_has_its_decimals_again(log: bool) -> None:
    """Numbers between two values of the file keep their digits, and the order stays."""
    from lstm_cli.data.build.log_transform import log_transform

    raw = np.round(np.exp(np.random.default_rng(5).normal(6, 1, size=(400, 1))), 2)
    data = dataset([raw], train_end=[300], val_end=[350])
    data = replace(data, schema=replace(data.schema, decimals=(2,)))
    if log:
        data = log_transform(data)
    stored = data.inverse_transform_targets(data.values_scaled[:, None, :1], np.zeros(400, dtype=int))
    assert (stored[:, 0] != raw).any()
    restored = restore_decimals(data, stored[None], np.zeros(400, dtype=int))[0]
    np.testing.assert_array_equal(restored[:, 0], raw)
    between = stored * (1 + 1e-4 / 3)
    changed = restore_decimals(data, between[None], np.zeros(400, dtype=int))[0]
    assert np.abs(changed - between).max() < 1e-6 * np.abs(between).max()
    order = np.argsort(np.concatenate([stored, between], axis=None), kind="stable")
    assert (np.diff(np.concatenate([restored, changed], axis=None)[order]) >= 0).all()
