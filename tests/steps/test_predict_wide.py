"""Tests of forecasts from wide files, and of series that several columns name."""

import csv
import json
import math
from datetime import date, timedelta
from pathlib import Path

import pytest
from small_steps import LINEAR

from lstm_cli.config import PredictConfig, PrepareConfig
from lstm_cli.events import ignore_events
from lstm_cli.steps.predict import predict
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train

DAYS = [(date(2023, 1, 1) + timedelta(days=day)).isoformat() for day in range(80)]
SHOPS = [("1", "a/b"), ("1", "c"), ("2", "c")]
SETTINGS = {"horizon": 2, "lookback": 7, "season": (7,)}


def value(shop: int, day: int) -> str:
    return f"{10 * (shop + 1) + 3 * math.sin(day * 2 * math.pi / 7):.2f}"


def long_rows(days: int = 80) -> list[list[str]]:
    rows = [[*names, DAYS[day], value(shop, day)] for shop, names in enumerate(SHOPS) for day in range(days)]
    return [["store", "dept", "time", "value"], *rows]


def dated_rows(days: int = 80, first: int = 0) -> list[list[str]]:
    rows = [[*names, *(value(shop, day) for day in range(first, days))] for shop, names in enumerate(SHOPS)]
    return [["store", "dept", *DAYS[first:days]], *rows]


def column_rows(days: int = 80) -> list[list[str]]:
    names = ["/".join(names) for names in SHOPS]
    return [["day", *names], *([DAYS[day], *(value(shop, day) for shop in range(3))] for day in range(days))]


def write(path: Path, rows: list[list[str]]) -> str:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return str(path)


def trained(folder: Path, rows: list[list[str]], **settings) -> Path:
    run = folder / "run"
    prepare(write(folder / "data.csv", rows), run, PrepareConfig(**SETTINGS, **settings), ignore_events)
    train(run, LINEAR, ignore_events)
    return run


def forecast(
    run: Path, folder: Path, new: list[list[str]] | None = None, ending: str = "csv", **settings
) -> str:
    output = folder / f"forecast.{ending}"
    source = None if new is None else write(folder / "new.csv", new)
    predict(run, source, PredictConfig(output=str(output), intervals=False, **settings), ignore_events)
    return output.read_text() if ending != "parquet" else ""


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("long")
    return trained(folder, long_rows(), series=("store", "dept"))


@pytest.fixture(scope="module")
def dated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dated")
    return trained(folder, dated_rows(), wide=True, series=("store", "dept"))


@pytest.fixture(scope="module")
def columns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("columns")
    return trained(folder, column_rows(), wide=True)


def test_the_forecast_has_all_series_columns(long: Path, tmp_path: Path):
    rows = [line.split(",") for line in forecast(long, tmp_path).splitlines()]
    assert rows[0] == ["store", "dept", "time", "value"]
    labels = [[*names, day] for names in SHOPS for day in ("2023-03-22", "2023-03-23")]
    assert [row[:3] for row in rows[1:]] == labels
    entries = json.loads(forecast(long, tmp_path, ending="json"))
    assert [[entry[name] for name in rows[0][:3]] for entry in entries] == labels


def test_parquet_has_all_series_columns(long: Path, tmp_path: Path):
    parquet = pytest.importorskip("pyarrow.parquet")
    forecast(long, tmp_path, ending="parquet")
    table = parquet.read_table(tmp_path / "forecast.parquet")
    assert table.column_names == ["store", "dept", "time", "value"]
    assert table.column("dept").to_pylist() == ["a/b", "a/b", "c", "c", "c", "c"]


def test_a_wide_file_has_the_forecast_of_the_long_one(long: Path, dated: Path, columns: Path, tmp_path: Path):
    expected = forecast(long, tmp_path)
    assert forecast(dated, tmp_path) == expected
    rows = [line.split(",") for line in forecast(columns, tmp_path).splitlines()]
    assert rows[0] == ["series", "day", "value"]
    assert [row[1:] for row in rows[1:]] == [line.split(",")[2:] for line in expected.splitlines()[1:]]
    assert [row[0] for row in rows[1::2]] == ["1/a/b", "1/c", "2/c"]


def test_new_data_are_wide_as_the_data_of_the_run_or_long_as_its_forecast(dated: Path, tmp_path: Path):
    expected = forecast(dated, tmp_path)
    assert forecast(dated, tmp_path, dated_rows()) == expected
    assert forecast(dated, tmp_path, long_rows()) == expected
    earlier = forecast(dated, tmp_path, dated_rows(days=50)).splitlines()
    assert earlier[1].startswith("1,a/b,2023-02-20,")
    assert forecast(dated, tmp_path, long_rows(days=50)).splitlines() == earlier
    few = [["note", "more", "other", "last", *dated_rows(first=70)[0]]]
    few += [["", "x", "y", "z", *row] for row in dated_rows(first=70)[1:]]
    assert forecast(dated, tmp_path, few).splitlines()[1].startswith("1,a/b,2023-03-22,")


def test_new_data_with_columns_of_series(columns: Path, tmp_path: Path):
    assert forecast(columns, tmp_path, column_rows()) == forecast(columns, tmp_path)


def test_an_ended_series_is_named_by_all_its_columns(tmp_path: Path):
    rows = [row for row in long_rows() if not (row[:2] == ["1", "c"] and row[2] > "2023-03-10")]
    run = trained(tmp_path, rows, series=("store", "dept"))
    report = predict(run, None, PredictConfig(output=str(tmp_path / "f.csv"), ended="skip"), ignore_events)
    assert report.ended == ("1/c",)
    assert "1/c" not in (tmp_path / "f.csv").read_text()
