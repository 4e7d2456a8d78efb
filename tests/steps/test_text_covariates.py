"""Tests of covariates of words, from the file to the forecast."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from small_steps import LINEAR

from lstm_cli.cli.main import run as lstm
from lstm_cli.config import PrepareConfig
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.errors import DataError
from lstm_cli.events import ignore_events
from lstm_cli.rundir import open_run
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train

ROWS, AHEAD, HORIZON = 160, 7, 7
CONFIG = PrepareConfig(
    target=("sales",), past=("sky",), future=("promo",), series=("shop",), horizon=HORIZON, lookback=14
)
WORDS = {0: "gift", 4: "half price"}


def rows_of(shop: str) -> list[list[str]]:
    """Return days of a shop whose sales double on days of a promotion."""
    rng = np.random.default_rng(len(shop))
    rows = []
    for row in range(ROWS + AHEAD):
        promo = WORDS.get(int(row * 5 % 9), "plain")
        sales = 50 * (2 if promo == "gift" else 1) + 10 * (row % 7) + rng.normal(0, 1)
        day = str(np.datetime64("2024-01-01") + row)
        rows.append([day, shop, f"{sales:.2f}" if row < ROWS else "", ("sun", "rain")[row % 2], promo])
    return rows


def write(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w") as file:
        csv.writer(file).writerows([["day", "shop", "sales", "sky", "promo"], *rows])
    return path


@pytest.fixture(scope="module")
def rows() -> list[list[str]]:
    return [row for shop in ("A", "BB") for row in rows_of(shop)]


@pytest.fixture(scope="module")
def known(tmp_path_factory, rows) -> Path:
    """Return a run with a linear forecast."""
    folder = tmp_path_factory.mktemp("words")
    prepare(str(write(folder / "shops.csv", rows)), folder / "run", CONFIG, ignore_events)
    train(folder / "run", LINEAR, ignore_events)
    return folder / "run"


def forecast(run: Path, tmp_path: Path, rows: list[list[str]] | None = None) -> list[float]:
    new = [] if rows is None else [str(write(tmp_path / "new.csv", rows))]
    assert lstm(["predict", str(run), *new, "-o", str(tmp_path / "out.csv"), "--no-intervals"]) == 0
    with (tmp_path / "out.csv").open() as file:
        return [float(row["sales"]) for row in csv.DictReader(file)]


def test_the_words_are_inputs_with_one_scale_for_all_series(known):
    data = load_dataset(open_run(known))
    assert data.schema.past == ("sky=sun", "sky=rain")
    assert data.schema.future == ("promo=gift", "promo=plain", "promo=half price")
    assert data.schema.past_columns == ("sky",)
    assert data.schema.future_columns == ("promo",)
    assert data.measured[:, 1:].all()
    gift = data.schema.columns.index("promo=gift")
    assert (data.scaler.center[:, gift] == data.scaler.center[0, gift]).all()
    assert (data.scaler.scale[:, gift] == data.scaler.scale[0, gift]).all()


def test_the_forecast_of_the_same_rows_is_the_same(known, rows, tmp_path):
    assert forecast(known, tmp_path) == pytest.approx(forecast(known, tmp_path, rows), rel=1e-4)


def test_a_promotion_ahead_changes_the_forecast_of_its_day(known, rows, tmp_path):
    changed = [list(row) for row in rows]
    for row in changed:
        row[4] = "plain" if row[2] == "" else row[4]
    plain = forecast(known, tmp_path, changed)
    changed[ROWS + 2][4] = "gift"
    with_gift = forecast(known, tmp_path, changed)
    assert with_gift[2] > 1.5 * plain[2]
    assert with_gift[3:] == plain[3:]


def test_a_new_category_is_reported_and_counts_as_other(known, rows, tmp_path, capsys):
    changed = [list(row) for row in rows]
    changed[ROWS + 2][4] = "free beer"
    blank = [list(row) for row in rows]
    blank[ROWS + 2][4] = ""
    reference = forecast(known, tmp_path, blank)
    capsys.readouterr()
    assert forecast(known, tmp_path, changed) == reference
    assert "new category 'free beer' in 1 cell" in capsys.readouterr().err


def test_a_missing_row_ahead_names_the_column_of_the_file(known, rows, tmp_path, capsys):
    new = write(tmp_path / "new.csv", rows[:ROWS])
    assert lstm(["predict", str(known), str(new)]) == 3
    assert "missing value of future covariate 'promo'" in capsys.readouterr().err


def test_a_category_without_a_training_row_is_left_out(rows, tmp_path):
    changed = [list(row) for row in rows]
    changed[ROWS - 1][3] = "hail"
    report = prepare(str(write(tmp_path / "a.csv", changed)), tmp_path / "run", CONFIG, ignore_events)
    assert report.past == ("sky=sun", "sky=rain")
    assert [finding["rule"] for finding in report.findings] == ["D640"]
    data = load_dataset(open_run(tmp_path / "run"))
    assert data.schema.categories["sky"] == ("sun", "rain")
    units = data.scaler.inverse_transform(data.values_scaled[ROWS - 1 : ROWS], 0)
    assert units[0, 1:3].tolist() == [0, 0]


def test_the_model_of_the_training_rows_does_not_depend_on_later_words(rows, tmp_path):
    changed = [list(row) for row in rows]
    for row in changed[ROWS - 20 : ROWS]:
        row[3] = "fog"
    for name, content in (("plain", rows), ("changed", changed)):
        prepare(str(write(tmp_path / f"{name}.csv", content)), tmp_path / name, CONFIG, ignore_events)
    plain, other = (load_dataset(open_run(tmp_path / name)) for name in ("plain", "changed"))
    assert plain.schema.columns == other.schema.columns
    assert np.allclose(plain.scaler.center, other.scaler.center, rtol=1e-12)
    assert np.allclose(plain.scaler.scale, other.scaler.scale, rtol=1e-12)


def test_missing_refuse_allows_no_missing_word(rows, tmp_path):
    changed = [list(row) for row in rows]
    changed[3][3] = ""
    source = str(write(tmp_path / "a.csv", changed))
    config = PrepareConfig(target=("sales",), past=("sky",), series=("shop",), horizon=7, missing="refuse")
    with pytest.raises(DataError, match="1 missing value in 'sky', first in line 5"):
        prepare(source, tmp_path / "run", config, ignore_events)


def test_the_json_of_check_lists_the_words(rows, tmp_path, capsys):
    source = str(write(tmp_path / "a.csv", rows))
    assert lstm(["check", source, "--series", "shop", "--target", "sales", "--past", "sky", "--json"]) == 0
    columns = {column["name"]: column for column in json.loads(capsys.readouterr().out)["columns"]}
    assert (columns["sky"]["part"], columns["sky"]["reads_as"]) == ("past", "text")
