"""Tests of the season that the seasonal naive baseline repeats."""

from dataclasses import replace

import numpy as np
import pytest
from small_data import dataset

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.evaluation.baseline_season import baseline_season


def shaped(rows: int, *, week: float, noise: float = 0.1, seed: int = 0) -> np.ndarray:
    """Return values [rows, 1] with a season of 4 of height 1, and one of 12 of height `week`."""
    time = np.arange(rows)
    long = np.repeat([0.0, 1.0, 0.5], 4)[time % 12]
    values = np.sin(2 * np.pi * time / 4) + week * long
    return (10 + values + noise * np.random.default_rng(seed).normal(size=rows))[:, None]


def made(series: list[np.ndarray], seasons: tuple[int, ...] = (4, 12), horizon: int = 4) -> Dataset:
    ends = [len(rows) for rows in series]
    return dataset(
        series,
        train_end=[end * 6 // 10 for end in ends],
        val_end=[end * 8 // 10 for end in ends],
        horizon=horizon,
        seasons=seasons,
    )


def test_baseline_season_is_none_without_seasons_and_the_only_one_with_one() -> None:
    assert baseline_season(made([shaped(120, week=1)], seasons=())) is None
    assert baseline_season(made([shaped(120, week=1)], seasons=(12,))) == 12


@pytest.mark.parametrize(("week", "season"), [(2.0, 12), (0.0, 4)])
@pytest.mark.parametrize("horizon", [1, 4, 15])
def test_the_season_with_the_smallest_error_is_chosen(week: float, season: int, horizon: int) -> None:
    """Checked window by window by the definition. Without a long season, the shorter one wins if the level drifts."""
    values = shaped(240, week=week, noise=0.0)
    values += np.cumsum(np.random.default_rng(3).normal(size=values.shape) * 0.1, axis=0)
    data = made([values], horizon=horizon)
    errors = {}
    for item in (4, 12):
        missed = []
        for origin in range(12, 192 - horizon + 1):
            ahead = np.arange(horizon)
            forecast = values[origin - item + ahead % item, 0]
            missed.append(np.abs(forecast - values[origin + ahead, 0]))
        errors[item] = np.mean(missed)
    assert min(errors, key=lambda item: errors[item]) == season
    assert baseline_season(data) == season


def test_test_rows_do_not_affect_the_choice() -> None:
    """Test rows lack the long season."""
    values = shaped(240, week=2.0)
    values[192:] = shaped(48, week=0.0, seed=1)
    data = made([values])
    assert baseline_season(data) == 12
    values[192:] = 1e6
    assert baseline_season(replace(data, values_scaled=made([values]).values_scaled)) == 12


def test_measured_validation_rows_affect_the_weights() -> None:
    """Validation rows have a far larger long season than the training rows, which would decide otherwise."""
    rng = np.random.default_rng(0)
    values = shaped(240, week=0.0) + np.cumsum(0.05 * rng.normal(size=(240, 1)), axis=0)
    assert baseline_season(made([values])) == 4
    values[130:192] += shaped(240, week=20.0)[130:192]
    data = made([values])
    assert baseline_season(data) == 12
    measured = data.measured.copy()
    measured[130:192] = False
    assert baseline_season(replace(data, measured=measured)) == 4


def test_every_series_counts_equally() -> None:
    """Two small series with a long season outvote one that is a thousand times as large."""
    large = 1000 * (
        shaped(240, week=0.0) + np.cumsum(np.random.default_rng(0).normal(size=(240, 1)) * 0.05, axis=0)
    )
    small = [shaped(240, week=2.0, seed=seed) for seed in (1, 2)]
    assert baseline_season(made([large])) == 4
    assert baseline_season(made([large, *small])) == 12


def test_a_series_shorter_than_the_long_season_uses_its_newest_window() -> None:
    """Repeating 12 steps falls back to the last value there, whose error is the short season."""
    short = shaped(15, week=0.0, noise=0.0)
    assert baseline_season(made([short])) == 4
    long = [shaped(240, week=3.0, seed=seed) for seed in range(4)]
    assert baseline_season(made([short, *long])) == 12


def test_a_choice_without_any_scored_window_is_the_shortest() -> None:
    assert baseline_season(made([shaped(120, week=2.0)], horizon=110)) == 4


def test_sampled_windows_are_spread_and_choose_the_same_season(monkeypatch: pytest.MonkeyPatch) -> None:
    data = made([shaped(2_000, week=2.0)])
    monkeypatch.setattr("lstm_cli.evaluation.baseline_season.MAX_ROWS", 37)
    assert baseline_season(data) == 12
