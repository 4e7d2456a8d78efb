"""A forecast as text: every row once and in its place, however many are written at a time."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from small_data import dataset, wave

from lstm_cli.data.forecast import output
from lstm_cli.data.forecast.output import Forecast, encode_forecast, output_format
from lstm_cli.data.times.formats import TimeFormat
from lstm_cli.errors import UsageError

HOUR_US = 3_600 * 10**6


def forecast(series: int, horizon: int) -> Forecast:
    data = dataset([wave(30), wave(30)], train_end=[20, 20], val_end=[25, 25], horizon=horizon)
    first = np.arange(series)[:, None] * HOUR_US  # each series begins at another hour
    values = np.arange(series * horizon, dtype=np.float64).reshape(series, horizon, 1) / 7
    return Forecast(
        schema=data.schema,
        names=tuple(f"shop, {item}" for item in range(series)),
        times_us=first + np.arange(horizon) * HOUR_US,
        values=values,
        quantiles=np.stack([values - 1, values + 1]),
        suffixes=("lo80", "hi80"),
    )


def expected_row(item: int, step: int, horizon: int) -> list[str]:
    value = (item * horizon + step) / 7
    numbers = [
        np.format_float_positional(np.float32(number), trim="-") for number in (value, value - 1, value + 1)
    ]
    return [f"shop, {item}", f"1970-01-01 {item + step:02d}:00:00", *numbers]


@pytest.mark.parametrize("at_once", [1, 7, 1000])
def test_rows_are_in_order_for_any_block_size(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "BLOCK_ROWS", at_once)
    expected = [expected_row(item, step, 3) for item in range(5) for step in range(3)]
    header, *rows = csv.reader(io.StringIO(encode_forecast(forecast(5, 3), "csv").decode()))
    assert header == ["series", "time", "target0", "target0_lo80", "target0_hi80"]
    assert rows == expected
    objects = json.loads(encode_forecast(forecast(5, 3), "json"), parse_float=str, parse_int=str)
    assert [list(item) for item in objects] == [header] * 15
    assert [list(item.values()) for item in objects] == [
        [*labels]
        for labels in expected  # the same digits
    ]


def test_a_target_and_its_bounds_have_the_decimals_of_its_column() -> None:
    made = forecast(1, 2)
    made = replace(made, schema=replace(made.schema, decimals=(3,)), values=np.array([[[5.0], [0.25]]]))
    rows = list(csv.reader(io.StringIO(encode_forecast(made, "csv").decode())))[1:]
    assert [row[2] for row in rows] == ["5.000", "0.250"]
    assert [row[3] for row in rows] == ["-1.000", "-0.85714287"]
    assert b'"target0": 5.000, "target0_lo80": -1.000' in encode_forecast(made, "json")


@pytest.mark.parametrize("instants", [True, False])
def test_local_times_carry_their_zone_in_json_and_parquet_but_not_in_csv(instants: bool) -> None:
    made = forecast(1, 4)
    zone = TimeFormat(pattern="%Y-%m-%d %H:%M", tz="Europe/Berlin", instants=instants)
    first = np.datetime64("2024-10-26T23:00", "us").astype(np.int64)  # 01:00 in Berlin
    made = replace(
        made,
        schema=replace(made.schema, time_format=zone),
        times_us=first + np.arange(4)[None] * HOUR_US + (0 if instants else 4 * HOUR_US),
    )
    rows = list(csv.reader(io.StringIO(encode_forecast(made, "csv").decode())))[1:]
    clocks = ["01:00", "02:00", "02:00", "03:00"] if instants else ["03:00", "04:00", "05:00", "06:00"]
    assert [row[1] for row in rows] == [f"2024-10-27 {clock}" for clock in clocks]
    offsets = ["+02:00", "+02:00", "+01:00", "+01:00"] if instants else ["+01:00"] * 4
    expected = [f"2024-10-27T{clock}:00{offset}" for clock, offset in zip(clocks, offsets, strict=True)]
    assert [row["time"] for row in json.loads(encode_forecast(made, "json"))] == expected
    column = pq.read_table(io.BytesIO(encode_forecast(made, "parquet"))).column("time")
    assert column.type.tz == "Europe/Berlin"
    assert [time.isoformat() for time in column.to_pylist()] == expected


@pytest.mark.parametrize("name", ["f.csv.gz", "f.xlsx", "f.CSV.ZST", "f.jsonl", "f.png"])
def test_an_ending_of_another_format_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="are not written") as caught:
        output_format(name, None, flag="--forecasts")
    hinted = str(caught.value.hint).split()[2].rstrip(",")
    assert output_format(hinted, None) == "csv"
    assert output_format(name, "json") == "json"  # the person has said it


def test_the_ending_chooses_the_format() -> None:
    names = ("f.csv", "f.parquet", "f.PQ", "f.json", "f", "f.txt", "f.2024-01-01", "/dev/stdout", "-")
    found = [output_format(name, None) for name in names]
    assert found == ["csv", "parquet", "parquet", "json", "csv", "csv", "csv", "csv", "csv"]
