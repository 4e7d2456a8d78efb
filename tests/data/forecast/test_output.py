"""A forecast as text: every row once and in its place, however many are written at a time."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from small_data import dataset, wave

from lstm_cli.data.forecast import output
from lstm_cli.data.forecast.output import Forecast, encode_forecast

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
        interval_ends=np.stack([values - 1, values + 1]),
        interval_suffixes=("lo80", "hi80"),
    )


def told(item: int, step: int, horizon: int) -> list[str]:
    value = (item * horizon + step) / 7
    numbers = [
        np.format_float_positional(np.float32(number), trim="-") for number in (value, value - 1, value + 1)
    ]
    return [f"shop, {item}", f"1970-01-01 {item + step:02d}:00:00", *numbers]


@pytest.mark.parametrize("at_once", [1, 7, 1000])
def test_rows_are_in_order_for_any_block_size(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "BLOCK_ROWS", at_once)
    expected = [told(item, step, 3) for item in range(5) for step in range(3)]
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
