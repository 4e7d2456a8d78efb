"""Every regression of the linear forecast is scikit-learn's Ridge."""

from typing import Any

import numpy as np
import pytest
from ridge_oracle import ridge_forecast
from small_data import dataset, wave

from lstm_cli.data.dataset import Dataset
from lstm_cli.data.windows import split_windows
from lstm_cli.linear.regression import PENALTIES, Moments, rows_of

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
        rows_of(windows, unit=unit, window=14, response=NOTHING_AHEAD) for windows in (train, val)
    )
    assert not fitted.observed.all()
    solved = Moments.of(fitted, center, scaled).solved(lookback, intercept=intercept, season=12)
    found = dict(zip(PENALTIES, solved.forecasts(judged, center, scaled), strict=True))
    kinds = {"lookback": lookback, "center": center, "scaled": scaled, "intercept": intercept}
    for penalty in PENALTIES:
        expected = ridge_forecast(train, val[:], **kinds, penalty=penalty, window=14, unit=unit, season=12)
        forecast = np.swapaxes(found[penalty].reshape(-1, 2, 6), 1, 2) * unit
        np.testing.assert_allclose(forecast, expected, atol=2e-4)
    assert np.abs(found[PENALTIES[0]] - found[PENALTIES[-1]]).max() > 0.1  # they do differ


def test_regressions_mixed_are_their_weighted_sum() -> None:
    made = data()
    rows = rows_of(split_windows(made, "train"), unit=np.ones(2), window=20, response=NOTHING_AHEAD)
    solved = Moments.of(rows, "last", False).solved(9, intercept=True, season=12)
    shares = {PENALTIES[0]: 0.125, PENALTIES[4]: 0.5, PENALTIES[-1]: 0.25}
    each = dict(zip(PENALTIES, solved.forecasts(rows, "last", False), strict=True))
    weights, bias = solved.mixed(shares)
    last = rows.past[:, -1:]
    expected = sum(share * (each[penalty] - last) for penalty, share in shares.items())
    np.testing.assert_allclose((rows.past[:, -9:] - last) @ weights + bias, expected, atol=1e-5)


def test_rows_are_every_window_and_target_with_what_is_known_ahead_taken_out() -> None:
    columns = np.hstack([wave(60, 2, seed=3), np.arange(60.0)[:, None] % 5])
    made = dataset([columns], train_end=[40], val_end=[50], future=1, lookback=8, horizon=4)
    batch = split_windows(made, "train")[:]
    response = np.array([[0.5, -2.0]], dtype=np.float32)
    rows = rows_of(split_windows(made, "train"), unit=np.array([1.0, 4.0]), window=6, response=response)
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
