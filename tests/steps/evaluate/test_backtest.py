"""Tests of the rolling-origin backtest of `evaluate`."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_data import dataset, wave
from small_steps import LINEAR, PREPARE

from lstm_cli.config import EvaluateConfig, TrainConfig, TuneConfig
from lstm_cli.data.build.backtest_folds import backtest_folds
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.frequency.step import Step
from lstm_cli.errors import DataError, Interrupted
from lstm_cli.evaluation.window_forecasts import window_forecasts
from lstm_cli.events import ignore_events
from lstm_cli.rundir import open_run
from lstm_cli.steps.evaluate import evaluate
from lstm_cli.steps.evaluate.backtest import (
    BacktestRecipe,
    _cut_off_us,
    backtest,
    backtest_recipe,
    mean_and_deviation,
)
from lstm_cli.steps.evaluate.forecast_table import ForecastSource
from lstm_cli.steps.evaluate.report import EvaluateReport
from lstm_cli.steps.evaluate.train_fold import cut_off_text
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train
from lstm_cli.steps.tune import tune


@pytest.fixture(scope="module")
def linear_run(panel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run with a linear model only, because retraining it is fast."""
    run = tmp_path_factory.mktemp("backtest") / "run"
    prepare(str(panel), run, PREPARE, ignore_events)
    train(run, LINEAR, ignore_events)
    return run


def scored(run: Path, **options: Any) -> EvaluateReport:
    return evaluate(run, EvaluateConfig(threads=1, **options), ignore_events)


def test_without_the_option_there_is_none(linear_run: Path) -> None:
    report = scored(linear_run)
    assert report.backtest is None
    assert "backtest" not in report.to_json()


def test_a_reused_model_has_the_errors_of_the_whole_in_parts(linear_run: Path) -> None:
    """With one cut-off, the fold is the test split. With several, a fold ends before the next cut-off."""
    whole = scored(linear_run, backtest=1, reuse=True)
    assert whole.backtest is not None
    (fold,) = whole.backtest["folds"]
    assert fold["windows"] == whole.windows
    assert fold["metrics"] == pytest.approx(whole.metrics)
    for metric, error in fold["baselines"]["naive"].items():
        assert error == pytest.approx(whole.baselines["naive"][metric])
    parts = scored(linear_run, backtest=3, reuse=True).backtest
    assert parts is not None
    windows = [fold["windows"] for fold in parts["folds"]]
    assert sum(windows) == whole.windows - 2 * 2 * 6  # two shops, two borders, six windows across each
    assert parts["folds"][0]["cut"] < parts["folds"][1]["cut"] < parts["folds"][2]["cut"]


def test_cutoffs_follow_the_longest_series() -> None:
    """Cut-offs ignore a series that begins earlier but is too short for the early folds."""
    day = 86_400_000_000
    short_and_long = dataset([wave(50), wave(300)], train_end=[22, 272], val_end=[36, 286], horizon=14)
    table = replace(short_and_long.series, origin_us=np.array([0, 1_000 * day]))
    daily = replace(short_and_long.schema, step=Step(kind="seconds", count=day))
    panel = replace(short_and_long, series=table, schema=daily)
    moments = [cut_off_text(panel, _cut_off_us(panel, cut)) for cut in backtest_folds(panel, 4)]
    begins = [
        np.datetime64("1970-01-01", "s") + np.timedelta64(1_000 + row, "D") for row in (244, 258, 272, 286)
    ]
    assert moments == [str(item) for item in begins]


def test_backtest_retrains_only_on_rows_before_each_cutoff(panel: Path, tmp_path: Path) -> None:
    """Changed rows after the second cut-off change the last fold but not the first."""
    header, *rows = (line.split(",") for line in panel.read_text().splitlines())
    reports: list[list[dict[str, Any]]] = []
    for number, spoilt_from in enumerate(("9999", "2024-04-23")):
        for row in rows:
            if row[0] >= spoilt_from and row[2]:
                row[2] = "7"
        path, run = tmp_path / f"{number}.csv", tmp_path / f"run{number}"
        path.write_text("\n".join(map(",".join, [header, *rows])) + "\n")
        prepare(str(path), run, PREPARE, ignore_events)
        train(run, LINEAR, ignore_events)
        result = scored(run, backtest=3).backtest
        assert result is not None
        reports.append(result["folds"])
    before, after = reports
    assert [fold["cut"] for fold in after] == [fold["cut"] for fold in before]
    assert before[0]["cut"] < before[1]["cut"] <= "2024-04-23" < before[2]["cut"]
    assert after[0] == before[0]
    assert after[2]["metrics"]["mae"] != pytest.approx(before[2]["metrics"]["mae"])


def test_folds_side_by_side_are_the_same(linear_run: Path) -> None:
    """Reports and models of folds do not depend on the number of processes."""
    with open_run(linear_run) as run:
        dataset = load_dataset(run)
    options: dict[str, Any] = {"folds": 2, "threads": 1, "listen": ignore_events, "should_stop": lambda: None}
    recipe = BacktestRecipe(prepare=PREPARE, train=LINEAR)
    sources: dict[int, list[ForecastSource]] = {1: [], 2: []}
    reports = [
        backtest(dataset, recipe, jobs=jobs, on_fold=sources[jobs].append, **options) for jobs in (1, 2)
    ]
    assert reports[0] == reports[1]
    assert reports[0] == backtest(dataset, recipe, jobs=1, **options)
    for one, other in zip(*sources.values(), strict=True):
        assert one.cut_off_us == other.cut_off_us
        (own,), (others,) = (
            list(
                window_forecasts(
                    *(source.windows, source.forecaster, source.bounds, source.intervals),
                    season=source.season,
                )
            )
            for source in (one, other)
        )
        np.testing.assert_array_equal(own.forecast, others.forecast)
        np.testing.assert_allclose(own.quantiles, others.quantiles, rtol=1e-6)


def test_the_spread_by_hand() -> None:
    def fold(ours: float | None, naive: float) -> dict[str, Any]:
        own = {"mae": ours, "rmse": 1.0, "mase": ours, "mae_scaled": None}
        return {"metrics": own, "baselines": {"naive": {"mase": naive, "mae": naive}}}

    result = mean_and_deviation([fold(1.0, 2.0), fold(3.0, 2.0), fold(5.0, 9.0)])
    assert result["mase"] == {"mean": 3.0, "deviation": 2.0, "least": 1.0, "greatest": 5.0}
    assert result["wins"] == {"naive": 2}
    assert "mae_scaled" not in result
    assert mean_and_deviation([fold(1.0, 2.0)])["mae"]["deviation"] is None


def test_too_many_cut_offs_are_refused(linear_run: Path) -> None:
    with pytest.raises(DataError, match="training rows before the first"):
        scored(linear_run, backtest=16)


def test_a_reused_model_is_scored_only_after_its_training_rows(
    linear_run: Path, panel: Path, tmp_path: Path
) -> None:
    """26 test rows hold 3 horizons of 7: of 9 cut-offs, 6 lie before them."""
    report = scored(linear_run, backtest=9, reuse=True)
    assert report.backtest is not None
    result = report.backtest["folds"]
    with open_run(linear_run) as run:
        dataset = load_dataset(run)
    table = dataset.series
    first = dataset.schema.step.times(table.val_end, table.origin_us)[0]
    assert [fold["windows"] for fold in result] == [2, 2, 2]
    assert result[0]["cut"] >= str(np.datetime64(int(first), "us").astype("datetime64[s]"))
    assert any("6 of 9 cut-offs are left out" in text for text in report.warnings)
    run_without = tmp_path / "run"
    prepare(str(panel), run_without, replace(PREPARE, test="0"), ignore_events)
    train(run_without, LINEAR, ignore_events)
    with pytest.raises(DataError, match="no cut-off to score"):
        scored(run_without, split="val", backtest=2, reuse=True)


def test_an_early_fold_settles_nothing_from_the_rows_after_its_cut_off(panel: Path, tmp_path: Path) -> None:
    """Five folds of 7 rows begin at row 95, and only 7 rows are test rows. Rows after the first fold are changed."""
    header, *rows = (line.split(",") for line in panel.read_text().splitlines())
    reports = []
    for number, spoilt_from in enumerate(("9999", "2024-04-12")):
        rng = np.random.default_rng(0)
        for row in rows:
            if row[0] >= spoilt_from and row[2]:
                row[2] = f"{1e4 * rng.random():.2f}"
        path, run = tmp_path / f"{number}.csv", tmp_path / f"run{number}"
        path.write_text("\n".join(map(",".join, [header, *rows])) + "\n")
        # 14 of the 116 training rows, which decide the seasons and the lookback, are changed.
        report = prepare(str(path), run, replace(PREPARE, lookback=None, val="7", test="7"), ignore_events)
        assert report.seasons == (() if number else (7,))
        train(run, LINEAR, ignore_events)
        result = scored(run, backtest=5).backtest
        assert result is not None
        reports.append(result["folds"])
    before, after = (folds[0] for folds in reports)
    assert before["cut"].startswith("2024-04-05")
    assert (after["cut"], after["seasons"], after["lookback"]) == (before["cut"], [7], before["lookback"])
    assert after["metrics"] == pytest.approx(before["metrics"], rel=1e-2)


@pytest.mark.parametrize("sources", [None, {}])
def test_a_fold_takes_the_winner_of_a_search_only_where_all_its_rows_lie_before(
    panel: Path, tmp_path: Path, sources: dict[str, str] | None
) -> None:
    """Sources give the origin of each setting; None means that it is unknown."""
    run = tmp_path / "run"
    prepare(str(panel), run, PREPARE, ignore_events)
    fixed = TrainConfig(parts=("linear",), threads=1, refit=False)
    tune(run, TuneConfig(trials=1, space=("log_transform=off",)), fixed, ignore_events, sources=sources)
    with open_run(run) as opened:
        recipe = backtest_recipe(opened)
    assert recipe.searched == ("log_transform",)
    assert (recipe.train.log_transform, recipe.train.parts) == ("off", ("linear",))
    report = scored(run, backtest=5)
    assert report.backtest is not None
    assert [fold["defaults"] for fold in report.backtest["folds"]] == [
        ["log_transform"],
        ["log_transform"],
        [],
        [],
        [],
    ]
    assert any("2 of 5 cut-offs use the default of log_transform" in text for text in report.warnings)


def test_the_settings_of_a_fold() -> None:
    whole = dataset([wave(100)], train_end=[60], val_end=[80])
    tuned = TrainConfig(lr=0.5, seed=3)
    early, late = backtest_folds(whole, 6)[0], backtest_folds(whole, 5)[0]  # from rows 76 and 80 on
    recipe = BacktestRecipe(prepare=PREPARE, train=tuned, searched=("lr",))
    assert recipe.config_at(whole, early) == (replace(tuned, lr=None), ("lr",))
    assert recipe.config_at(whole, late) == (tuned, ())
    assert replace(recipe, searched_other_data=True).config_at(whole, late) == (
        replace(tuned, lr=None),
        ("lr",),
    )
    assert BacktestRecipe(prepare=PREPARE, train=tuned).config_at(whole, early) == (tuned, ())


def test_a_signal_ends_it_and_leaves_the_old_scores(linear_run: Path) -> None:
    scored(linear_run)
    with open_run(linear_run) as run:
        before = run.digest("scores")
    with pytest.raises(Interrupted):
        evaluate(linear_run, EvaluateConfig(backtest=2), ignore_events, should_stop=lambda: 15)
    with open_run(linear_run) as run:
        assert run.digest("scores") == before


def test_the_report_is_kept_in_the_scores(linear_run: Path) -> None:
    report = scored(linear_run, backtest=2, reuse=True)
    with open_run(linear_run) as run:
        kept = run.artifact("scores").json("scores.json")
    assert kept["backtest"] == report.to_json()["backtest"]
    assert kept["backtest"]["reused"] is True
    assert np.isfinite(kept["backtest"]["spread"]["mase"]["mean"])
