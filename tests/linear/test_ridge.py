"""Tests of the regressions of the linear forecast against scikit-learn's Ridge."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from ridge_oracle import ridge_forecast
from small_data import dataset, wave

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.linear.ridge import PENALTIES, NormalEquations, WindowRows, window_rows

NOTHING_AHEAD = np.zeros((0, 2), dtype=np.float32)


def data(**options: Any) -> Dataset:
    series = [wave(160, 2, seed=1, noise=0.3), 5 * wave(120, 2, seed=2, noise=0.3)]
    series[0][60:63, 0] = np.nan
    settings = {"lookback": 20, "horizon": 6, "seasons": (12,)} | options
    return dataset(series, train_end=[100, 80], val_end=[130, 100], **settings)


@pytest.mark.parametrize("center", ["last", "mean"])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("lookback", [5, 20])
def test_every_penalty_is_a_ridge_regression(
    center: str, scaled: bool, intercept: bool, lookback: int
) -> None:
    made = data()
    unit = np.array([1.0, 2.5], dtype=np.float32)
    train, val = split_windows(made, "train"), split_windows(made, "val")
    fitted, judged = (
        window_rows(windows, unit=unit, window=14, response=NOTHING_AHEAD) for windows in (train, val)
    )
    assert not fitted.observed.all()
    solved = NormalEquations.from_rows(fitted, center, scaled).solve(lookback, intercept=intercept, season=12)
    result = dict(zip(PENALTIES, solved.forecasts(judged, center, scaled), strict=True))
    kinds = {"lookback": lookback, "center": center, "scaled": scaled, "intercept": intercept}
    for penalty in PENALTIES:
        expected = ridge_forecast(train, val[:], **kinds, penalty=penalty, window=14, unit=unit, season=12)
        forecast = np.swapaxes(result[penalty].reshape(-1, 2, 6), 1, 2) * unit
        np.testing.assert_allclose(forecast, expected, atol=2e-4)
    assert np.abs(result[PENALTIES[0]] - result[PENALTIES[-1]]).max() > 0.1  # the regressions differ


def test_missing_targets_are_ignored_for_any_filled_value() -> None:
    whole = window_rows(split_windows(data(), "train"), unit=np.ones(2), window=20, response=NOTHING_AHEAD)
    closed = (np.arange(len(whole.truth))[:, None] + np.arange(6)) % 6 == 0  # a day of each week
    few, most = whole.observed & ~(closed & (np.arange(len(closed)) < 40)[:, None]), whole.observed & ~closed
    assert few.all(axis=1).mean() > 0.5
    assert not most.all(axis=1).any()
    complete = fitted_on(whole)
    for observed in (few, most):
        result, other = (
            fitted_on(replace(whole, observed=observed, truth=np.where(observed, whole.truth, filled)))
            for filled in (0.0, 1e6)
        )
        np.testing.assert_array_equal(result, other)
        assert np.abs(result - complete).max() < 0.25 * np.abs(complete).max()


def fitted_on(rows: WindowRows) -> np.ndarray:
    """Return the weights [K, H] of one regression."""
    solved = NormalEquations.from_rows(rows, "mean", False).solve(9, intercept=True, season=12)
    return solved.combine({PENALTIES[4]: 1.0})[0]


def test_imputed_targets_follow_the_measured_ones() -> None:
    """Half of the targets suffice if the truth is a linear map of the past."""
    rows = window_rows(split_windows(data(), "train"), unit=np.ones(2), window=20, response=NOTHING_AHEAD)
    generator = np.random.default_rng(3)
    past = generator.normal(size=(4_000, 12)).astype(np.float32)
    weights = generator.normal(size=(12, 6))
    observed = generator.random((4_000, 6)) < 0.5
    made = replace(
        rows.select(np.arange(4_000) % len(rows.past)),
        past=past, mask=np.ones_like(past), mean=np.zeros((4_000, 1), np.float32),
        truth=np.where(observed, past @ weights, 99.0).astype(np.float32), observed=observed,
    )  # fmt: skip
    result = NormalEquations.from_rows(made, "mean", False).solve(12, intercept=False, season=12)
    np.testing.assert_allclose(result.combine({PENALTIES[0]: 1.0})[0], weights, atol=0.05)


def test_combined_regressions_are_their_weighted_sum() -> None:
    made = data()
    rows = window_rows(split_windows(made, "train"), unit=np.ones(2), window=20, response=NOTHING_AHEAD)
    solved = NormalEquations.from_rows(rows, "last", False).solve(9, intercept=True, season=12)
    shares = {PENALTIES[0]: 0.125, PENALTIES[4]: 0.5, PENALTIES[-1]: 0.25}
    each = dict(zip(PENALTIES, solved.forecasts(rows, "last", False), strict=True))
    weights, bias = solved.combine(shares)
    last = rows.past[:, -1:]
    expected = sum(share * (each[penalty] - last) for penalty, share in shares.items())
    np.testing.assert_allclose((rows.past[:, -9:] - last) @ weights + bias, expected, atol=1e-5)


def test_rows_are_windows_and_targets_without_the_known_ahead_effect() -> None:
    columns = np.hstack([wave(60, 2, seed=3), np.arange(60.0)[:, None] % 5])
    made = dataset([columns], train_end=[40], val_end=[50], future=1, lookback=8, horizon=4)
    batch = split_windows(made, "train")[:]
    response = np.array([[0.5, -2.0]], dtype=np.float32)
    rows = window_rows(split_windows(made, "train"), unit=np.array([1.0, 4.0]), window=6, response=response)
    assert len(rows.past) == 2 * len(batch.series)
    place, target = 7, 1
    row = 2 * place + target
    assert (rows.series[row], rows.target[row]) == (0, target)
    past = (batch.past[place, :, target] - batch.past[place, :, 2] * -2.0) / 4
    np.testing.assert_allclose(rows.past[row], past, atol=1e-6)
    np.testing.assert_allclose(rows.ahead[row], batch.future[place, :, 0] * -2.0 / 4, atol=1e-6)
    np.testing.assert_allclose(
        rows.truth[row], (batch.target[place, :, target] - batch.future[place, :, 0] * -2.0) / 4, atol=1e-6
    )
    assert rows.mean[row, 0] == pytest.approx(past[-6:].mean(), abs=1e-6)
