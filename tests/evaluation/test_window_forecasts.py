"""Tests of the forecasts of windows in the file's units, compared with the raw rows."""

import numpy as np
import pytest
from small_data import HOURLY, dataset, wave

from lstm_cli.data.dataset.windows import Batch, split_windows
from lstm_cli.data.forecast.bounds import Bounds
from lstm_cli.evaluation import metrics, scoring
from lstm_cli.evaluation.quantiles import intervals
from lstm_cli.evaluation.window_forecasts import row_times, window_forecasts

SEASON, HORIZON = 12, 4
BOUNDS = Bounds(lower=np.array([9.5, -np.inf]), upper=np.array([np.inf, np.inf]))


def raw_series() -> list[np.ndarray]:
    """Return two series [rows, 2], with two missing values in the test rows of the first."""
    first, second = wave(120, 2, seed=1), wave(90, 2, seed=2)
    first[106, 0] = first[110, 1] = np.nan
    return [first, second]


def last_value(batch: Batch) -> dict[str, np.ndarray]:
    return {"model": np.repeat(batch.past[:, -1:, :2], HORIZON, axis=1)}


def calibration() -> intervals.Intervals:
    half = np.array([[1.0] * HORIZON, [2.0] * HORIZON])
    return intervals.Intervals(
        half=half, floor=np.full(2, 0.1), season=SEASON, lookback=SEASON, optimism=1.0, horizons=9.0
    )


def test_each_window_has_truth_forecast_and_seasonal_naive_of_the_raw_rows() -> None:
    raw = raw_series()
    data = dataset(raw, train_end=[80, 60], val_end=[100, 70], lookback=SEASON, seasons=(SEASON,))
    windows = split_windows(data, "test", SEASON)
    (part,) = window_forecasts(windows, last_value, BOUNDS, calibration(), season=SEASON)
    assert part.index.tolist() == list(range(len(windows)))
    assert part.quantiles.shape == (11, len(windows), HORIZON, 2)
    for number, (series, origin) in enumerate(zip(part.series, part.origin, strict=True)):
        rows = raw[series]
        np.testing.assert_allclose(part.truth[number], rows[origin : origin + HORIZON], rtol=1e-6)
        known = np.maximum(rows[origin - 1], [9.5, -np.inf])
        if np.isfinite(known).all():
            np.testing.assert_allclose(part.forecast[number], np.tile(known, (HORIZON, 1)), rtol=1e-6)
        cycle = np.maximum(rows[origin - SEASON : origin - SEASON + HORIZON], [9.5, -np.inf])
        whole = np.isfinite(rows[origin - SEASON : origin]).all()
        if whole:
            np.testing.assert_allclose(part.baseline[number], cycle, rtol=1e-6)
    assert np.isnan(part.truth).sum() == 2 * HORIZON
    assert (np.diff(part.quantiles, axis=0) >= 0).all()
    np.testing.assert_allclose(part.quantiles[5], part.forecast, rtol=1e-12)  # the median


def test_small_parts_hold_the_same_numbers_and_the_scored_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    data = dataset(raw_series(), train_end=[80, 60], val_end=[100, 70], lookback=SEASON, seasons=(SEASON,))
    windows = split_windows(data, "test", SEASON)
    (whole,) = window_forecasts(windows, last_value, BOUNDS, calibration(), season=SEASON)
    monkeypatch.setattr(scoring, "MAX_QUANTILE_CELLS", 5 * 11 * HORIZON * 2)
    parts = list(window_forecasts(windows, last_value, BOUNDS, calibration(), season=SEASON))
    assert [len(part.series) for part in parts] == [5] * 6 + [4]
    for name in ("index", "series", "origin", "truth", "forecast", "baseline"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_array_equal(joined, getattr(whole, name))
    np.testing.assert_array_equal(np.concatenate([part.quantiles for part in parts], axis=1), whole.quantiles)
    sums = scoring.score(windows, last_value, BOUNDS)["model"]
    mae = metrics.overall_scores(sums, scoring.metric_scale(data))["mae"]
    assert np.nanmean(np.abs(whole.truth - whole.forecast)) == pytest.approx(mae, rel=1e-12)


def test_a_model_without_quantiles_and_data_without_a_season_have_neither() -> None:
    raw = raw_series()
    data = dataset(raw, train_end=[80, 60], val_end=[100, 70])
    windows = split_windows(data, "val", 8)
    (part,) = window_forecasts(windows, last_value, BOUNDS, None, season=None)
    assert part.quantiles.shape == (0, len(windows), HORIZON, 2)
    np.testing.assert_array_equal(part.baseline, part.forecast)  # naive


def test_the_times_are_those_of_the_rows() -> None:
    data = dataset(raw_series(), train_end=[80, 60], val_end=[100, 70])
    times = row_times(data, np.array([0, 1]), np.array([[0, 119, 120], [1, 2, 3]]))
    np.testing.assert_array_equal(times, HOURLY.count * np.array([[0, 119, 120], [1, 2, 3]]))
