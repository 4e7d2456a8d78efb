"""Tests of the rows that `refresh` adds: dropped outliers, new and short series, and files without times."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_ledger import rows_of, until, write_rows
from small_nights import FIRST
from small_steps import LINEAR, PREPARE

from lstm_cli.config import PrepareConfig, RefreshConfig
from lstm_cli.data.dataset.load import load_dataset, load_dropped_outliers
from lstm_cli.events import ignore_events
from lstm_cli.rundir import open_run
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.refresh import refresh
from lstm_cli.steps.train import train

SPIKE = 5_000.0


def made(run: Path, source: str, config: PrepareConfig) -> Path:
    prepare(source, run, config, ignore_events)
    train(run, LINEAR, ignore_events)
    return run


def test_dropped_outliers_are_kept_and_dropped_again(big: Path, tmp_path: Path) -> None:
    """A file with the outlier, and one with only newer rows: the value stays known, and is not learnt."""
    spiked = [
        row | {"sales": str(SPIKE)} if (row["day"], row["shop"]) == ("2024-02-10", "A") else row
        for row in rows_of(big)
    ]
    whole = Path(write_rows(tmp_path / "spiked.csv", spiked))
    config = replace(PREPARE, outliers="drop")
    run = made(tmp_path / "run", until(whole, FIRST, tmp_path / "first.csv"), config)
    refresh(run, until(whole, "2024-05-12", tmp_path / "new.csv"), RefreshConfig(), ignore_events)
    newer = [
        row for row in rows_of(Path(until(whole, "2024-05-14", tmp_path / "w.csv"))) if row["day"] > FIRST
    ]
    refresh(run, write_rows(tmp_path / "part.csv", newer), RefreshConfig(), ignore_events)
    with open_run(run) as opened:
        dropped, report = load_dropped_outliers(opened), opened.report("prepare")
        greatest = load_dataset(opened).training.greatest.max(axis=1)
    assert SPIKE in np.round(dropped.values, 1)
    assert report["outliers"]["sales"] == len(dropped.values)
    assert greatest[0] < 100  # of shop A, whose level is 50


def test_new_series_are_forecast_and_short_ones_get_the_baseline(big: Path, tmp_path: Path) -> None:
    run = made(tmp_path / "run", until(big, FIRST, tmp_path / "first.csv"), PREPARE)
    output = tmp_path / "forecast.csv"
    for day in ("2024-05-20", "2024-05-21"):
        rows = rows_of(Path(until(big, day, tmp_path / "w.csv")))
        own = [row for row in rows if row["shop"] == "A"]
        more = [row | {"shop": "new"} for row in own if row["day"] > "2024-03-01"]
        short = [row | {"shop": "short"} for row in own if row["day"] > "2024-05-16"]
        source = write_rows(tmp_path / "new.csv", [*rows, *more, *short])
        report = refresh(run, source, RefreshConfig(output=str(output), new_rows=900), ignore_events)
        counts: dict[str, int] = {}
        for row in csv.DictReader(output.read_text().splitlines()):
            counts[row["shop"]] = counts.get(row["shop"], 0) + 1
            assert np.isfinite(float(row["sales"]))
        assert counts == dict.fromkeys(("A", "B", "new", "short"), 7)
        assert report.verdict == "not trained"
    assert report.rows["added"] == 4
    assert report.ledger is not None
    assert report.ledger["forecasts"] == 1


def test_a_file_without_times_continues_by_its_row_numbers(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = [f"{50 + 10 * np.sin(row * 2 * np.pi / 7) + rng.normal():.3f}" for row in range(200)]

    def rows(count: int) -> str:
        path = tmp_path / "load.csv"
        path.write_text("load\n" + "\n".join(values[:count]) + "\n")
        return str(path)

    config = PrepareConfig(target=("load",), time=("none",), horizon=3, lookback=14)
    run = made(tmp_path / "run", rows(140), config)
    output = tmp_path / "forecast.csv"
    for count in (150, 153):
        report = refresh(run, rows(count), RefreshConfig(output=str(output)), ignore_events)
    assert (report.rows["added"], report.rows["total"], report.time_end) == (3, 153, None)
    assert report.rows["overlap"] == 150
    assert report.ledger is not None
    assert report.ledger["forecasts"] == 1  # that of the first night
    with open_run(run) as opened:
        data = load_dataset(opened)
        stored = data.scaler.inverse_transform(data.values_scaled, 0)[:153, 0]
    np.testing.assert_allclose(stored, np.array(values[:153], dtype=float), rtol=1e-5)


def test_a_value_that_arrives_late_is_stored(run: Path, big: Path, tmp_path: Path) -> None:
    """No row is new, and one known row gets its value."""
    late = ("2024-05-20", "A")
    rows = rows_of(Path(until(big, "2024-05-21", tmp_path / "w.csv")))
    missing = [row | {"sales": ""} if (row["day"], row["shop"]) == late else row for row in rows]
    refresh(run, write_rows(tmp_path / "new.csv", missing), RefreshConfig(), ignore_events)
    before = open_run(run).digest("data")
    report = refresh(run, write_rows(tmp_path / "new.csv", rows), RefreshConfig(), ignore_events)
    assert (report.rows["added"], report.rows["changed"], report.rows["filled"]) == (0, 0, 1)
    after = open_run(run).digest("data")
    assert after != before
    refresh(run, str(tmp_path / "new.csv"), RefreshConfig(), ignore_events)
    assert open_run(run).digest("data") == after  # the same rows are not stored again


@pytest.mark.parametrize("always", [False, True])
def test_a_repeated_night_keeps_the_data_and_the_model(
    run: Path, big: Path, tmp_path: Path, always: bool
) -> None:
    source, config = until(big, "2024-05-20", tmp_path / "new.csv"), RefreshConfig(always=always, margin=9.0)
    digests = set()
    for _ in range(3):
        refresh(run, source, config, ignore_events)
        with open_run(run) as opened:
            digests.add((opened.digest("data"), opened.digest("model")))
    assert len(digests) == 1
