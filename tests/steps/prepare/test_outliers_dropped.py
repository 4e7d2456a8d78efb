"""Tests of `prepare --outliers drop`: dropped values, without any use of test rows."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_cli.config import PrepareConfig
from lstm_cli.config.text import PLAIN_TEXT
from lstm_cli.data.dataset.load import load_dataset, load_dropped_outliers
from lstm_cli.data.forecast.new_data import ModelSchema, read_new_data
from lstm_cli.errors import UsageError
from lstm_cli.events import ignore_events
from lstm_cli.rundir import open_run
from lstm_cli.steps.check import check
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.prepare.report import PrepareReport

ROWS, TRAIN_END, VAL_END = 1000, 700, 800
SPIKES = {90: 300.0, 233: -250.0, 371: 410.0, 548: 280.0, 640: -333.0, 741: 350.0, 777: -290.0, 905: 400.0}
DROPPED = [row for row in SPIKES if row < VAL_END]
DROP = PrepareConfig(outliers="drop", target=("y",))


def load(*, spikes: dict[int, float] = SPIKES, seed: int = 3) -> np.ndarray:
    """Hours with a daily wave of 3 around 50 and noise, all at least 40; a spike replaces its value."""
    noise = np.random.default_rng(seed).normal(0, 0.4, ROWS)
    values = 50 + 3 * np.sin(2 * np.pi * np.arange(ROWS) / 24) + noise
    values[list(spikes)] = list(spikes.values())
    return values


def write(path: Path, series: dict[str, np.ndarray]) -> str:
    """Write a CSV of hours with one column for each series."""
    hours = np.datetime64("2024-01-01T00") + np.arange(ROWS)
    lines = [",".join(("time", *series))]
    for row, hour in enumerate(hours):
        cells = ("" if np.isnan(values[row]) else f"{values[row]:.3f}" for values in series.values())
        lines.append(",".join((str(hour).replace("T", " ") + ":00", *cells)))
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def prepared(
    path: Path, values: np.ndarray, config: PrepareConfig = DROP, **more: np.ndarray
) -> PrepareReport:
    """Write a file with column y and more columns, and prepare a run next to it."""
    return prepare(write(path, {"y": values, **more}), path.with_suffix(""), config, ignore_events)


def files(run: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (run / "data/0001").iterdir()}


def test_the_season_shows_and_the_cells_are_missing(tmp_path: Path) -> None:
    kept = prepared(tmp_path / "kept.csv", load(), replace(DROP, outliers="keep"))
    report = prepared(tmp_path / "dropped.csv", load())
    assert (kept.seasons, kept.outliers, kept.filled) == ((), None, 0)
    assert "outliers" not in kept.to_json()
    assert report.seasons[0] == report.horizon == 24
    assert (report.to_json()["outliers"], report.filled) == ({"y": 7}, 7)
    assert report.target_sum == kept.target_sum == pytest.approx(load().round(3).sum())
    dataset = load_dataset(open_run(tmp_path / "dropped"))
    assert np.flatnonzero(~dataset.measured[:, 0]).tolist() == DROPPED
    units = dataset.inverse_transform_targets(dataset.values_scaled, np.zeros(1, dtype=int))[:, 0]
    assert units[905] == pytest.approx(400, rel=1e-5)  # a test row
    for row in DROPPED:
        assert units[row] == pytest.approx((units[row - 1] + units[row + 1]) / 2, rel=1e-5)
    assert dataset.training.greatest.max() < 60
    stored = json.loads(files(tmp_path / "dropped")["outliers.json"])
    assert stored == {"cells": [[row, 0] for row in DROPPED], "values": [SPIKES[row] for row in DROPPED]}
    assert "outliers.json" not in files(tmp_path / "kept")
    with open_run(tmp_path / "dropped") as run, open_run(tmp_path / "kept") as other:
        assert load_dropped_outliers(run).cells.tolist() == stored["cells"]
        assert load_dropped_outliers(other).cells.tolist() == []


def test_the_warning_has_count_lines_and_flag(tmp_path: Path) -> None:
    report = prepared(tmp_path / "a.csv", load())
    first, left = report.warnings
    assert first == (
        f"{tmp_path}/a.csv, line 92, column 'y': 300 is an outlier, 7 such values set to missing in training and "
        "validation rows, also in line 235, line 373, line 550 and more. Filled by --missing interpolate as inputs, "
        "never used as targets "
        "(--outliers keep keeps them)"
    )
    assert "line 907, column 'y': 400 is an outlier" in left
    assert "--outliers drop keeps test rows" in left


def test_emptied_by_hand_gives_the_same_data(tmp_path: Path) -> None:
    values = load()
    values[DROPPED] = np.nan
    prepared(tmp_path / "hand.csv", values, replace(DROP, outliers="keep"))
    prepared(tmp_path / "dropped.csv", load())
    hand, dropped = files(tmp_path / "hand"), files(tmp_path / "dropped")
    del dropped["outliers.json"]
    assert dropped == hand


def test_garbage_in_the_test_rows_changes_nothing_before_them(tmp_path: Path) -> None:
    values = load()
    values[VAL_END:] = 1000 * np.random.default_rng(8).normal(size=ROWS - VAL_END)
    prepared(tmp_path / "clean.csv", load())
    prepared(tmp_path / "spoiled.csv", values)
    clean, spoiled = files(tmp_path / "clean"), files(tmp_path / "spoiled")
    arrays = [np.load(tmp_path / name / "data/0001/values.npy") for name in ("clean", "spoiled")]
    assert clean.pop("values.npy") != spoiled.pop("values.npy")
    assert clean == spoiled  # which cells were measured among them
    assert arrays[0][:VAL_END].tobytes() == arrays[1][:VAL_END].tobytes()


def test_garbage_in_the_validation_rows_drops_the_same_training_cells(tmp_path: Path) -> None:
    values = load()
    values[TRAIN_END:VAL_END] = 1000 * np.random.default_rng(9).normal(size=VAL_END - TRAIN_END)
    prepared(tmp_path / "clean.csv", load())
    prepared(tmp_path / "spoiled.csv", values)
    clean, spoiled = files(tmp_path / "clean"), files(tmp_path / "spoiled")
    for name in ("scaler.json", "training.json", "schema.json"):
        assert clean[name] == spoiled[name]
    cells = [json.loads(item["outliers.json"])["cells"] for item in (clean, spoiled)]
    training = [[cell for cell in each if cell[0] < TRAIN_END] for each in cells]
    assert training[0] == training[1] == [[row, 0] for row in DROPPED if row < TRAIN_END]


def test_covariates_keep_their_outliers(tmp_path: Path) -> None:
    config = replace(DROP, target=("y",), past=("price",), future=("promo",))
    report = prepared(tmp_path / "a.csv", load(), config, price=load(seed=4), promo=load(seed=5))
    assert report.outliers == {"y": 7}
    measured = load_dataset(open_run(tmp_path / "a")).measured
    assert (~measured).sum(axis=0).tolist() == [7, 0, 0]


def test_a_panel_is_judged_series_by_series(tmp_path: Path) -> None:
    """Both series are split at one time; the second begins 300 hours later, at another level."""
    series = {"A": load(spikes={90: 300.0, 777: 300.0}), "B": 9000 + load(spikes={100: 300.0}, seed=5)[:700]}
    begins = {"A": 0, "B": 300}
    lines = ["time,id,y"]
    for name, values in series.items():
        for row, value in enumerate(values):
            hour = np.datetime64("2024-01-01T00") + begins[name] + row
            lines.append(f"{str(hour).replace('T', ' ')}:00,{name},{value:.3f}")
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    report = prepare(str(tmp_path / "a.csv"), tmp_path / "a", replace(DROP, series=("id",)), ignore_events)
    assert report.outliers == {"y": 3}
    dataset = load_dataset(open_run(tmp_path / "a"))
    assert dataset.series.train_end.tolist() == [700, 400]
    assert np.flatnonzero(~dataset.measured[:, 0]).tolist() == [90, 777, 1000 + 100]


def test_missing_refuse_allows_no_dropping() -> None:
    with pytest.raises(UsageError, match="--missing refuse does not allow them"):
        PrepareConfig(outliers="drop", missing="refuse")


def test_another_choice_makes_the_step_run_again(tmp_path: Path) -> None:
    assert prepared(tmp_path / "a.csv", load()).up_to_date is None
    repeated = prepared(tmp_path / "a.csv", load())
    assert (repeated.up_to_date, repeated.outliers) == (True, {"y": 7})
    assert prepared(tmp_path / "a.csv", load(), replace(DROP, outliers="keep")).up_to_date is None


def test_new_data_keep_their_outliers(tmp_path: Path) -> None:
    prepared(tmp_path / "a.csv", load())
    dataset = load_dataset(open_run(tmp_path / "a"))
    known: dict[str, Any] = {
        name: getattr(dataset, name) for name in ("schema", "series", "scaler", "training")
    }
    new = read_new_data(
        str(tmp_path / "a.csv"),
        ModelSchema(rows_read=48, **known),
        text=PLAIN_TEXT,
        stdin=None,
    ).dataset
    assert new.measured.all()
    assert new.inverse_transform_targets(new.values_scaled, np.zeros(1, dtype=int))[90, 0] == pytest.approx(
        300, rel=1e-5
    )


def test_check_names_all_outliers_and_settles_what_prepare_would(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", {"y": load()})
    kept, dropped = (
        check(source, replace(DROP, outliers=choice), ignore_events) for choice in ("keep", "drop")
    )
    assert (kept.seasons, dropped.seasons[:1]) == ((), (24,))
    expected = {
        "column": "y",
        "count": 8,
        "lines": [row + 2 for row in SPIKES],
        "values": list(SPIKES.values()),
    }
    assert kept.outliers == dropped.outliers == [expected]
