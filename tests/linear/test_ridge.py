"""Tests of the regressions of the linear forecast against scikit-learn's Ridge."""

import itertools
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
@pytest.mark.parametrize("lookback", [5, 20])
def test_every_penalty_is_a_ridge_regression(center: str, scaled: bool, lookback: int) -> None:
    made = data()
    unit = np.array([1.0, 2.5], dtype=np.float32)
    train, val = split_windows(made, "train"), split_windows(made, "val")
    fitted, judged = (
        window_rows(windows, unit=unit, window=14, response=NOTHING_AHEAD) for windows in (train, val)
    )
    assert not fitted.observed.all()
    solved = NormalEquations.from_rows(fitted, center, scaled).solve(lookback, season=12)
    inputs, _, middle, scale = judged.centered(center, scaled)
    for penalty, intercept in itertools.product(PENALTIES, (False, True)):
        weights, bias = solved[penalty].as_map(intercept=intercept)
        mapped = inputs[:, -lookback:] @ weights + bias
        np.testing.assert_allclose(
            mapped, solved[penalty].forecasts(inputs[:, -lookback:])[intercept], atol=1e-4
        )
        expected = ridge_forecast(
            train, val[:], lookback=lookback, center=center, scaled=scaled, intercept=intercept,
            penalty=penalty, window=14, unit=unit, season=12,
        )  # fmt: skip
        forecast = np.swapaxes((mapped * scale + middle).reshape(-1, 2, 6), 1, 2) * unit
        np.testing.assert_allclose(forecast, expected, atol=1e-3)
    first, last = (solved[penalty].weights for penalty in (PENALTIES[0], PENALTIES[-1]))
    assert np.abs(first - last).max() > 0.01  # the regressions differ


def test_only_the_named_penalties_are_solved() -> None:
    rows = window_rows(split_windows(data(), "train"), unit=np.ones(2), window=20, response=NOTHING_AHEAD)
    equations = NormalEquations.from_rows(rows, "last", True)
    every, one = equations.solve(9, season=12), equations.solve(9, season=12, penalties=PENALTIES[1:2])
    assert list(one) == [PENALTIES[1]]
    np.testing.assert_array_equal(one[PENALTIES[1]].weights, every[PENALTIES[1]].weights)


def test_nearly_equal_windows_are_solved() -> None:
    """Windows of a straight line with hardly any noise are nearly one vector: the matrix is almost singular."""
    values = np.arange(3_000.0)[:, None] + 1e-3 * np.random.default_rng(0).normal(size=(3_000, 1))
    made = dataset([values], train_end=[2_500], val_end=[2_800], lookback=600, horizon=5, seasons=(24,))
    windows = split_windows(made, "train")
    rows = window_rows(windows, unit=np.ones(1), window=600, response=NOTHING_AHEAD[:, :1])
    for center in ("last", "mean"):
        solved = NormalEquations.from_rows(rows, center, False).solve(600, season=24)
        inputs, outputs, _, _ = rows.centered(center, False)
        for plain, with_intercept in (regression.forecasts(inputs) for regression in solved.values()):
            assert np.isfinite(plain).all()
            np.testing.assert_allclose(with_intercept, outputs, atol=1e-2)


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
    solved = NormalEquations.from_rows(rows, "mean", False).solve(9, season=12)
    return solved[PENALTIES[2]].as_map(intercept=True)[0]


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
    solved = NormalEquations.from_rows(made, "mean", False).solve(12, season=12)
    np.testing.assert_allclose(solved[PENALTIES[0]].weights, weights, atol=0.05)


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
