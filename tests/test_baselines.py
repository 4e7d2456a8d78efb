"""The simple forecasts: by hand, and the linear one against scikit-learn's Ridge."""

from typing import Any

import numpy as np
import pytest
from small_data import dataset, wave

from lstm_cli.baselines import PENALTIES, Linear, fit_linear, linear_lookbacks, naive, seasonal_naive
from lstm_cli.data.dataset import Dataset
from lstm_cli.data.windows import Batch, split_windows


def test_naive_repeats_the_last_value_of_the_targets() -> None:
    past = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    assert naive(past, 3, 2).tolist() == [[[9, 10]] * 3, [[21, 22]] * 3]


def test_seasonal_naive_repeats_the_last_season() -> None:
    past = np.arange(6, dtype=np.float32)[None, :, None]
    mask = np.ones((1, 6), dtype=np.float32)
    # The step ahead is one season after the first value of the last season.
    assert seasonal_naive(past, mask, 7, 1, 3)[0, :, 0].tolist() == [3, 4, 5, 3, 4, 5, 3]
    assert seasonal_naive(past, mask, 2, 1, 3)[0, :, 0].tolist() == [3, 4]
    assert seasonal_naive(past, mask, 2, 1, 1)[0, :, 0].tolist() == [5, 5]


def test_seasonal_naive_is_exact_on_a_pure_season() -> None:
    values = np.tile([3.0, -1.0, 4.0, 1.0, 5.0], 20)[:, None]
    data = dataset([values], train_end=[50], val_end=[75], lookback=10, horizon=7)
    batch = split_windows(data, "test")[:]
    np.testing.assert_array_equal(seasonal_naive(batch.past, batch.mask, 7, 1, 5), batch.target)


def test_seasonal_naive_without_a_whole_season_is_naive() -> None:
    past = np.arange(12, dtype=np.float32).reshape(2, 6, 1)
    mask = np.array([[0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 1, 1]], dtype=np.float32)
    forecast = seasonal_naive(past, mask, 4, 1, 3)[:, :, 0].tolist()
    assert forecast == [[3, 4, 5, 3], [11, 11, 11, 11]]


def _data(**options: Any) -> Dataset:
    options = {"lookback": 20, "horizon": 6, "seasons": (12,)} | options
    series = [wave(160, 2, seed=1, noise=0.3), 5 * wave(120, 2, seed=2, noise=0.3)]
    return dataset(series, train_end=[100, 80], val_end=[130, 100], **options)


def _fit(data: Dataset, lookbacks: tuple[int, ...]) -> tuple[Linear, Batch, Batch, np.ndarray]:
    train, val = (split_windows(data, split, max(lookbacks)) for split in ("train", "val"))
    error_scale = data.training.seasonal_error / data.scaler.scale[:, :2]
    linear = fit_linear(train, val, lookbacks=lookbacks, unit=np.ones(2), error_scale=error_scale)
    return linear, train[:], val[:], error_scale


def _as_rows(batch: Batch, lookback: int) -> tuple[np.ndarray, np.ndarray]:
    """Every window and target one row, less its last value."""
    targets = batch.target.shape[2]
    last = batch.past[:, -1:, :targets].astype(np.float64)
    past = (batch.past[:, -lookback:, :targets] - last) * batch.mask[:, -lookback:, None]
    return tuple(np.swapaxes(x, 1, 2).reshape(-1, x.shape[1]) for x in (past, batch.target - last))  # type: ignore[return-value]


def _oracle(data: Dataset, lookback: int, penalty: float, train: Batch, judged: Batch) -> np.ndarray:
    """scikit-learn's Ridge on inputs that are scaled down with their lag; its forecasts [N, H, C]."""
    from sklearn.linear_model import Ridge

    past, step = _as_rows(train, lookback)
    lag = np.arange(lookback, 0, -1)
    trust = 1 / (1 + lag / data.schema.season)
    trust = np.sqrt(trust / trust.mean())
    centred = (past - past.mean(axis=0)) * trust
    alpha = penalty * np.square(centred).sum() / lookback  # the mean eigenvalue is the trace over K
    ridge = Ridge(alpha=alpha, solver="svd").fit(past * trust, step)
    forecast = ridge.predict(_as_rows(judged, lookback)[0] * trust)
    forecast = np.swapaxes(forecast.reshape(len(judged.past), 2, -1), 1, 2)
    return judged.past[:, -1:, :2] + forecast


@pytest.mark.parametrize("lookback", [5, 20])
def test_the_linear_forecast_is_a_ridge_regression(lookback: int) -> None:
    data = _data()
    linear, train, val, _ = _fit(data, (lookback,))
    assert (linear.lookback, linear.penalty in PENALTIES) == (lookback, True)
    expected = _oracle(data, lookback, linear.penalty, train, val)
    np.testing.assert_allclose(linear(val.past, val.mask), expected, atol=1e-5)


def test_lookback_and_penalty_are_the_best_on_validation() -> None:
    data = _data()
    linear, train, val, error_scale = _fit(data, (5, 13, 20))
    scores = {}
    for lookback in (5, 13, 20):
        for penalty in PENALTIES:
            error = np.abs(_oracle(data, lookback, penalty, train, val) - val.target)
            scores[lookback, penalty] = float((error / error_scale[val.series][:, None, :]).mean())
    best = min(scores, key=lambda key: scores[key])
    assert len({round(score, 4) for score in scores.values()}) > 20  # they do differ
    assert (linear.lookback, linear.penalty) == best
    assert linear.score == pytest.approx(scores[best], rel=1e-5)


def test_test_rows_change_nothing() -> None:
    series = [wave(160, 2, seed=1)]
    changed = [series[0].copy()]
    changed[0][130:] = -50.0
    fits = []
    for rows in (series, changed):
        data = dataset(rows, train_end=[100], val_end=[130], lookback=20, horizon=6, seasons=(12,))
        fits.append(_fit(data, (10, 20))[0])
    np.testing.assert_array_equal(fits[0].weights, fits[1].weights)
    assert fits[0].settings() == fits[1].settings()


def test_filled_targets_are_no_truth() -> None:
    series = [wave(160, 2, seed=1)]
    series[0][60:64, 0] = np.nan
    series[0][110:113, 1] = np.nan
    fits = []
    for how in ("interpolate", "last"):  # the filled values differ
        data = dataset(series, train_end=[100], val_end=[130], lookback=1, horizon=6, missing=how)
        train, val = split_windows(data, "train"), split_windows(data, "val")
        linear = fit_linear(train, val, lookbacks=(1,), unit=np.ones(2), error_scale=np.ones((1, 2)))
        batch = train[:]
        whole = np.swapaxes(batch.observed.all(axis=1), 0, 1)
        step = batch.target - batch.past[:, -1:, :2]
        mean = np.concatenate([step[use, :, target] for target, use in enumerate(whole)]).mean(axis=0)
        np.testing.assert_allclose(linear.bias, mean, atol=1e-6)  # with K=1 only the intercept is left
        fits.append(linear)
    np.testing.assert_array_equal(fits[0].bias, fits[1].bias)
    assert fits[0].score == pytest.approx(fits[1].score)


def test_a_straight_line_and_a_pure_season_are_forecast_exactly() -> None:
    rows = np.arange(120.0)
    for values in (3 * rows, np.tile([1.0, 5.0, 2.0, 0.0], 30)):
        data = dataset([values[:, None]], train_end=[70], val_end=[95], lookback=8, horizon=5)
        train, val, test = (split_windows(data, split) for split in ("train", "val", "test"))
        linear = fit_linear(train, val, lookbacks=(8,), unit=np.ones(1), error_scale=np.ones((1, 1)))
        batch = test[:]
        np.testing.assert_allclose(linear(batch.past, batch.mask), batch.target, atol=1e-4)


def test_padding_changes_nothing() -> None:
    linear, _, val, _ = _fit(_data(), (20,))
    mask = val.mask.copy()
    mask[:, :7] = 0
    past = val.past.copy()
    forecast = linear(past, mask)
    past[:, :7] = 1e6
    np.testing.assert_array_equal(linear(past, mask), forecast)
    longer = np.concatenate([np.full_like(past[:, :5], -3), past], axis=1)
    more = np.concatenate([np.zeros_like(mask[:, :5]), mask], axis=1)
    np.testing.assert_array_equal(linear(longer, more), forecast)


def test_a_unit_is_only_another_way_to_write_the_values() -> None:
    """With the values in units of 8 instead of 1 the forecast is 8 times as large, and no other."""
    plain = _data(scaler="standard")
    large = Dataset(**vars(plain) | {"values_scaled": plain.values_scaled * np.float32(8)})
    fits = []
    for data, unit in ((plain, 1.0), (large, 8.0)):
        windows = [split_windows(data, split) for split in ("train", "val")]
        scale = unit * np.array([[0.5, 1], [2, 4]])
        linear = fit_linear(*windows, lookbacks=(10, 20), unit=np.full(2, unit), error_scale=scale)
        batch = split_windows(data, "test")[:]
        fits.append((linear.settings(), linear(batch.past, batch.mask) / unit))
    assert fits[0][0] == fits[1][0]
    np.testing.assert_allclose(fits[0][1], fits[1][1], rtol=1e-5)


def test_a_series_without_seasonal_error_does_not_judge_unless_all_are_so() -> None:
    data = _data()
    train, val = split_windows(data, "train"), split_windows(data, "val")

    def fitted(error_scale: np.ndarray) -> Linear:
        return fit_linear(train, val, lookbacks=(5, 20), unit=np.ones(2), error_scale=error_scale)

    nan = float("nan")
    first = split_windows(data, "val")[:]
    one = fitted(np.array([[1.0, nan], [nan, nan]]))
    mine = first.series == 0
    forecast = one(first.past[mine], first.mask[mine])
    assert one.score == pytest.approx(np.abs(forecast - first.target[mine])[:, :, 0].mean(), rel=1e-4)
    assert fitted(np.full((2, 2), nan)).settings() == fitted(np.ones((2, 2))).settings()


@pytest.mark.parametrize(
    ("lookback", "rows", "fixed", "expected"),
    [
        (336, 8640, False, (168, 336, 504, 672, 1008)),
        (336, 2000, False, (168, 336, 504, 672, 856)),  # .45 (2000 - 96) at most
        (24, 110, False, (24,)),  # least is the season, most .45 (110 - 96) = 6: the season
        (48, 500, True, (24, 48)),
        (1, 500, True, (1,)),
    ],
)
def test_the_lookbacks_to_choose_from(
    lookback: int, rows: int, fixed: bool, expected: tuple[int, ...]
) -> None:
    assert linear_lookbacks(lookback=lookback, rows=rows, horizon=96, season=24, fixed=fixed) == expected
