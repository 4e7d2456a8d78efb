"""Tests of the season of the baseline, the comparison with it, and the coverage warning."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_steps import LINEAR

from lstm_cli.config import EvaluateConfig, PrepareConfig
from lstm_cli.errors import GateFailed
from lstm_cli.events import ignore_events
from lstm_cli.rundir import open_run
from lstm_cli.steps.evaluate import evaluate
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train

ROWS, TEST = 400, 80
PREPARE = PrepareConfig(horizon=4, lookback=8, season=(4, 12), val="40", test=str(TEST))


def values(*, noise: float = 0.3) -> np.ndarray:
    """Return values [ROWS] with seasons of 4 steps and (larger) 12 steps, and `noise` in the test rows."""
    time, rng = np.arange(ROWS), np.random.default_rng(0)
    deviation = np.where(time >= ROWS - TEST, noise, 0.3)
    long = np.repeat([0.0, 4.0, 2.0], 4)[time % 12]
    return 50 + np.sin(2 * np.pi * time / 4) + long + deviation * rng.normal(size=ROWS)


def trained_on(folder: Path, rows: np.ndarray) -> Path:
    hours = np.datetime64("2024-01-01T00", "s") + np.arange(len(rows)) * np.timedelta64(3600, "s")
    lines = [f"{str(hour).replace('T', ' ')},{value:.4f}" for hour, value in zip(hours, rows, strict=True)]
    path = folder / "two.csv"
    path.write_text("\n".join(["time,load", *lines]) + "\n")
    prepare(str(path), folder / "run", PREPARE, ignore_events)
    train(folder / "run", LINEAR, ignore_events)
    return folder / "run"


@pytest.fixture(scope="module")
def two_seasons(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained_on(tmp_path_factory.mktemp("two"), values())


def by_hand(rows: np.ndarray, season: int) -> np.ndarray:
    """Return the errors [N, H] of the seasonal naive forecast of each test window."""
    ahead = np.arange(4)
    origins = range(ROWS - TEST, ROWS - 3)
    return np.stack([np.abs(rows[origin + ahead] - rows[origin - season + ahead]) for origin in origins])


def test_the_baseline_takes_the_best_season_and_mase_the_shortest(two_seasons: Path) -> None:
    """Windows have a lookback of 12 steps for the baseline, even if the model has a lookback of 8."""
    report = evaluate(two_seasons, EvaluateConfig(), ignore_events)
    rows = np.round(values(), 4)
    assert (report.baseline_season, report.mase_season) == (12, 4)
    error = by_hand(rows, 12).mean()
    training = rows[: ROWS - TEST - 40]
    assert report.baselines["seasonal_naive"]["mae"] == pytest.approx(error, rel=1e-5)
    scale = np.abs(training[4:] - training[:-4]).mean()
    assert report.baselines["seasonal_naive"]["mase"] == pytest.approx(error / scale, rel=1e-5)
    assert by_hand(rows, 4).mean() > 1.5 * error
    shown = report.to_json()
    assert (shown["baseline_season"], shown["mase_season"]) == (12, 4)
    kept = json.loads((Path(report.picture).parent / "scores.json").read_text())
    assert kept["comparison"] == shown["comparison"]
    assert kept["baseline_season"] == 12


def test_a_gate_uses_the_season_of_the_baseline(two_seasons: Path) -> None:
    limit = by_hand(np.round(values(), 4), 12).mean()
    report = evaluate(two_seasons, EvaluateConfig(fail_if=("mae>9*seasonal_naive.mae",)), ignore_events)
    assert report.gates[0]["limit"] == pytest.approx(9 * limit, rel=1e-5)
    with pytest.raises(GateFailed):
        evaluate(two_seasons, EvaluateConfig(fail_if=("mae>0.01*seasonal_naive.mae",)), ignore_events)


def test_the_comparison_is_with_the_best_baseline_on_these_windows(two_seasons: Path) -> None:
    report = evaluate(two_seasons, EvaluateConfig(), ignore_events)
    best = min(report.baselines, key=lambda name: report.baselines[name]["mase"] or np.inf)
    assert report.comparison is not None
    assert report.comparison["baseline"] == best
    ours, theirs = report.metrics["mase"], report.baselines[best]["mase"]
    assert ours is not None
    assert theirs is not None
    assert report.comparison["difference"] == pytest.approx(100 * (1 - ours / theirs), abs=1e-6)
    low, high = report.comparison["interval"]
    assert low <= report.comparison["difference"] <= high
    assert set(report.comparisons or {}) == set(report.baselines)


def test_train_reports_the_rows_that_chose_the_model(two_seasons: Path) -> None:
    """40 validation rows from row 280 on hold 37 windows of 4 steps."""
    with open_run(two_seasons) as run:
        report = run.report("train")
    assert report["chosen_on"] == {
        "split": "val",
        "windows": 37,
        "time_start": "2024-01-12T16:00:00",
        "time_end": "2024-01-14T07:00:00",
    }
    assert (report["baseline_season"], report["mase_season"]) == (12, 4)
    assert set(report["comparison"]) == {"baseline", "difference", "interval"}


@pytest.mark.parametrize("reuse", [True, False])
def test_each_fold_decides_the_season_from_rows_before_its_cut(tmp_path: Path, reuse: bool) -> None:
    """Only the newest rows have the longer season, and the first fold does not see these rows."""
    rows = values()
    time, late = np.arange(ROWS), np.arange(ROWS) >= ROWS - TEST
    rows -= np.repeat([0.0, 4.0, 2.0], 4)[time % 12]
    rows += 0.5 * np.cumsum(np.random.default_rng(1).normal(size=ROWS)) * ~late
    rows[late] += 80 * np.repeat([0.0, 4.0, 2.0], 4)[time % 12][late]
    run = trained_on(tmp_path, rows)
    report = evaluate(run, EvaluateConfig(backtest=2, reuse=reuse, threads=1), ignore_events)
    assert report.backtest is not None
    assert report.baseline_season == 4
    assert [fold["baseline_season"] for fold in report.backtest["folds"]] == [4, 12]


def test_one_window_compares_nothing(tmp_path: Path) -> None:
    run = tmp_path / "run"
    path = trained_on(tmp_path, values()).parent / "two.csv"
    prepare(str(path), run, replace(PREPARE, test="6"), ignore_events)
    train(run, LINEAR, ignore_events)
    report = evaluate(run, EvaluateConfig(), ignore_events)
    assert report.windows == 3
    shown = report.to_json()
    assert shown["comparison"] is None
    assert shown["comparisons"] == {}


def test_coverage_that_chance_does_not_allow_is_a_warning(two_seasons: Path, tmp_path: Path) -> None:
    assert not any(
        "interval covers" in text for text in evaluate(two_seasons, EvaluateConfig(), ignore_events).warnings
    )
    report = evaluate(trained_on(tmp_path, values(noise=12.0)), EvaluateConfig(), ignore_events)
    warned = [text for text in report.warnings if "interval covers" in text]
    assert len(warned) == 2
    assert warned[0].startswith(f"the 80 % interval covers {report.coverage['80']:.1f} % of the test rows")
    assert "too narrow" in warned[0]
    assert "--val" in warned[0]
