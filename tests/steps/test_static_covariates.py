"""Tests of `--static`, from the file to the forecast."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from small_steps import TRAIN

from lstm_cli.cli.main import run as lstm
from lstm_cli.config import PredictConfig, PrepareConfig
from lstm_cli.data.dataset.dataset import Schema, SeriesTable
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.errors import UsageError
from lstm_cli.events import ignore_events
from lstm_cli.rundir import open_run
from lstm_cli.steps.predict import predict
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train

ROWS, HORIZON = 120, 7
SHOPS = {"A": ("mall", "100"), "B": ("street", "400"), "C": ("mall", "")}
CONFIG = PrepareConfig(
    target=("sales",), static=("kind", "size"), series=("shop",), horizon=HORIZON, lookback=14, calendar=True
)


def write(path: Path, shops: dict[str, tuple[str, str]] = SHOPS) -> Path:
    rng = np.random.default_rng(0)
    with path.open("w") as file:
        writer = csv.writer(file)
        writer.writerow(["day", "shop", "sales", "kind", "size"])
        for shop, static in shops.items():
            for row in range(ROWS):
                sales = f"{50 + 10 * (row % 7) + rng.normal():.2f}"
                writer.writerow([np.datetime64("2024-01-01") + row, shop, sales, *static])
    return path


@pytest.fixture(scope="module")
def known(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("static")
    prepare(str(write(folder / "shops.csv")), folder / "run", CONFIG, ignore_events)
    train(folder / "run", TRAIN, ignore_events)
    return folder / "run"


def test_static_inputs_are_scaled_over_the_series_and_constant_in_time(known):
    data = load_dataset(open_run(known))
    assert data.schema.static == ("kind=mall", "kind=street", "size")
    assert data.schema.static_scaling == ((0.5, 1), (0.5, 1), (250, 150))
    expected = [[0.5, -0.5, -1], [-0.5, 0.5, 1], [0.5, -0.5, 0]]
    for rows, static in zip(data.series.row_slices, expected, strict=True):
        assert (data.inputs[rows, -3:] == static).all()
    assert data.schema.known_ahead == len(data.schema.calendar) + 3


def test_schema_and_series_come_back_from_their_json(known):
    data = load_dataset(open_run(known))
    assert Schema.from_dict(data.schema.to_dict()) == data.schema
    assert np.array_equal(
        SeriesTable.from_dict(data.series.to_dict()).static, data.series.static, equal_nan=True
    )
    chosen = data.select(np.array([2, 0]))
    assert np.array_equal(chosen.series.static, data.series.static[[2, 0]], equal_nan=True)


def test_the_forecast_of_new_data_depends_on_the_static_columns(known, tmp_path):
    outputs = []
    for index, kind in enumerate(("mall", "street")):
        new = write(tmp_path / f"{index}.csv", {**SHOPS, "A": (kind, "100")})
        assert lstm(["predict", str(known), str(new), "-o", str(tmp_path / "out.csv")]) == 0
        outputs.append((tmp_path / "out.csv").read_text().splitlines())
    assert lstm(["predict", str(known), "-o", str(tmp_path / "own.csv")]) == 0
    own = (tmp_path / "own.csv").read_text().splitlines()
    assert outputs[0][1 + HORIZON :] == outputs[1][1 + HORIZON :]
    assert outputs[0][1] != outputs[1][1]
    first, second = (float(lines[1].split(",")[2]) for lines in (own, outputs[0]))
    assert first == pytest.approx(second, rel=1e-4)


def test_a_column_equal_in_all_series_is_reported(tmp_path):
    shops = {"A": ("mall", "100"), "B": ("mall", "200")}
    report = prepare(str(write(tmp_path / "a.csv", shops)), tmp_path / "run", CONFIG, ignore_events)
    (finding,) = (finding for finding in report.findings if finding["rule"] == "D641")
    assert "'kind' adds nothing" in finding["text"]
    assert report.static == ("kind=mall", "size")


def test_static_without_series_is_a_usage_error():
    with pytest.raises(UsageError, match="--static needs --series"):
        PrepareConfig(target=("y",), static=("kind",))


def test_static_with_another_role_is_a_usage_error():
    with pytest.raises(UsageError, match="is given to --static and to --past"):
        PrepareConfig(target=("y",), past=("kind",), static=("kind",), series=("id",))


def test_a_new_category_is_counted_once_for_each_series(known, tmp_path):
    path = write(tmp_path / "new.csv", {**SHOPS, "B": ("pier", "400")})
    report = predict(known, str(path), PredictConfig(threads=1), ignore_events, stdout=io.BytesIO())
    (finding,) = (finding for finding in report.findings if finding["rule"] == "D242")
    assert "new category 'pier' in 1 series" in finding["text"]
    assert finding["count"] == 1
