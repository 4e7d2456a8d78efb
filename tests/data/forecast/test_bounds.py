"""Bounds: as one scaled number a target in a graph, and for forecasts and truth in the file's units."""

from dataclasses import replace

import numpy as np
import pytest
from small_data import dataset

from lstm_cli.config import PrepareConfig
from lstm_cli.data.build.backtest_folds import backtest_folds, dataset_at_fold
from lstm_cli.data.build.log_transform import log_transform
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.scaling import Scaler
from lstm_cli.data.forecast.bounds import (
    Bounds,
    ScaledBounds,
    inverse_transform,
    inverse_transform_intervals,
    inverse_transform_truth,
    make_bounds,
)

INFINITE = np.inf
LONELY = Scaler(kind="standard", center=np.array([[10.0, 4.0, 7.0]]), scale=np.array([[2.0, 5.0, 3.0]]))


def bounds(lower: list[float], upper: list[float]) -> Bounds:
    return Bounds(lower=np.array(lower), upper=np.array(upper))


def test_bounds_are_scaled_as_the_targets_are() -> None:
    result = bounds([0, -INFINITE], [INFINITE, 9]).transform(LONELY)
    np.testing.assert_array_equal(result.lower, np.array([-5, -INFINITE], np.float32))
    np.testing.assert_array_equal(result.upper, np.array([INFINITE, 1], np.float32))
    assert result.reason == ""


def test_series_that_are_scaled_alike_share_their_bounds_and_others_do_not() -> None:
    alike = LONELY.select(np.array([0, 0]))
    assert bounds([0, 0], [9, 9]).transform(alike).lower is not None
    apart = Scaler(kind="standard", center=np.array([[1.0], [1.0]]), scale=np.array([[1.0], [2.0]]))
    result = bounds([0], [INFINITE]).transform(apart)
    assert result.lower is None
    assert "different scales" in result.reason
    # A bound at the center is the same number for all.
    np.testing.assert_array_equal(bounds([1], [INFINITE]).transform(apart).lower, [0])


def test_without_bounds_there_is_nothing_to_hold() -> None:
    assert bounds([-INFINITE], [INFINITE]).transform(LONELY) == ScaledBounds()


@pytest.mark.parametrize("lower", [0.0, -3.0])
def test_a_bound_below_the_floor_of_the_logarithm_uses_its_linear_part(lower: float) -> None:
    """log(floor) + lower / floor - 1, one number a series."""
    logs = Scaler(kind="standard", center=np.ones((2, 1)), scale=np.ones((2, 1)), floor=np.full((2, 1), 0.5))
    result = bounds([lower], [INFINITE]).transform(logs)
    np.testing.assert_allclose(result.lower, [np.log(0.5) + lower / 0.5 - 2], rtol=1e-6)
    apart = replace(logs, floor=np.array([[0.5], [0.6]]))
    assert bounds([lower], [INFINITE]).transform(apart).reason
    assert bounds([-INFINITE], [INFINITE]).transform(apart) == ScaledBounds()


def test_the_bound_of_a_logarithm_is_its_logarithm() -> None:
    logs = Scaler(kind="standard", center=np.array([[1.0]]), scale=np.array([[2.0]]), floor=np.array([[5.0]]))
    result = bounds([2.0], [100.0]).transform(logs)
    assert result.lower is not None
    assert result.upper is not None
    ends = np.stack([result.lower, result.upper])[:, :, None]
    np.testing.assert_allclose(logs.inverse_transform(ends, 0)[:, 0, 0], [2, 100], rtol=1e-6)


ROWS, TRAINED = 400, 300
SCALERS = ("standard", "minmax", "robust", "none")
DECIMALS = (3.1, 6.3, 9.7)  # none of them is a 32-bit float
LIMITS: list[tuple[str | float, float | None]] = [
    ("none", None),
    ("auto", None),
    (3.1, None),
    ("auto", 9.7),
    ("none", 6.3),
    (3.1, 6.3),
]


def shops(*, logs: bool) -> list[np.ndarray]:
    """Two intermittent series [ROWS, 1] of other levels; for logarithms the training rows have no 0."""
    rng = np.random.default_rng(3)
    series = []
    for level in (1.0, 37.0):
        values = np.where(rng.random(ROWS) < 0.6, 0.0, rng.choice(DECIMALS, ROWS)) * level
        if logs:
            values[:TRAINED] = np.where(values[:TRAINED] == 0, 0.7 * level, values[:TRAINED])
        series.append(values[:, None])
    return series


def returned(data: Dataset, bounds: Bounds) -> list[np.ndarray]:
    """Return the truth of each series, inverted from its scaled values."""
    table = data.series
    return [
        inverse_transform_truth(
            data, data.values_scaled[begin : begin + count][:, None], np.full(count, item), bounds
        )[:, 0]
        for item, (begin, count) in enumerate(zip(table.offset, table.count, strict=True))
    ]


@pytest.mark.parametrize(("least", "most"), LIMITS)
@pytest.mark.parametrize("logs", [False, True])
@pytest.mark.parametrize("scaler", SCALERS)
def test_truth_on_a_bound_comes_back_as_the_bound_and_zero_as_zero(
    scaler: str, logs: bool, least: str | float, most: float | None
) -> None:
    file = shops(logs=logs)
    data = dataset(file, train_end=[TRAINED] * 2, val_end=[350] * 2, scaler=scaler)
    if logs:
        data = log_transform(data)
    bounds, _ = make_bounds(data, least, most)
    assert (bounds.lower[0] == 0) == (least == "auto")
    for result, values in zip(returned(data, bounds), file, strict=True):
        np.testing.assert_allclose(result, values, rtol=3e-6)
        exact = np.isin(values, [0.0, bounds.lower[0], bounds.upper[0]])
        np.testing.assert_array_equal(result[exact], values[exact])
        assert exact.any()


@pytest.mark.parametrize("scaler", SCALERS)
def test_truth_beyond_a_bound_stays_and_a_forecast_does_not(scaler: str) -> None:
    """A bound that the truth breaks must not hide the error."""
    file = shops(logs=False)
    data = dataset(file, train_end=[TRAINED] * 2, val_end=[350] * 2, scaler=scaler)
    bounds = Bounds(lower=np.array([3.1]), upper=np.array([6.3]))
    scaled = data.values_scaled[:ROWS][:, None]
    series = np.zeros(ROWS, dtype=np.int64)
    truth, forecast = (
        make(data, scaled, series, bounds)[:, 0] for make in (inverse_transform_truth, inverse_transform)
    )
    np.testing.assert_allclose(truth, file[0], rtol=3e-6)
    assert truth.min() == 0
    assert truth.max() > 9.6
    np.testing.assert_array_equal(forecast, np.clip(truth, 3.1, 6.3))


@pytest.mark.parametrize("scaler", SCALERS)
def test_a_value_near_a_bound_is_not_rounded_to_it(scaler: str) -> None:
    values = np.tile([0.0, 1e-5, 3.1, 3.1001, 9.7], 20)[:, None]
    data = dataset([values], train_end=[60], val_end=[80], scaler=scaler)
    (result,) = returned(data, Bounds(lower=np.array([3.1]), upper=np.array([np.inf])))
    np.testing.assert_allclose(result, values, rtol=1e-6, atol=1e-6)
    assert (result[1::5] > 0).all()
    assert (result[3::5] > 3.10005).all()


@pytest.mark.parametrize("scaler", SCALERS)
def test_a_backtest_refits_the_scaler_and_keeps_zeros_and_the_bound(scaler: str) -> None:
    file = shops(logs=False)
    data = dataset(file, train_end=[TRAINED] * 2, val_end=[350] * 2, scaler=scaler)
    for cut in backtest_folds(data, 3):
        fold = dataset_at_fold(data, cut, PrepareConfig(season=data.schema.seasons or "none"))
        bounds, _ = make_bounds(fold, "auto", None)
        assert bounds.lower.tolist() == [0]
        for result, values in zip(returned(fold, bounds), file, strict=True):
            np.testing.assert_array_equal(result == 0, values[: len(result)] == 0)


@pytest.mark.parametrize("logs", [False, True])
def test_a_count_comes_back_as_a_whole_number(logs: bool) -> None:
    """Else the 32-bit rounding puts a count of 3 above its quantile of 3. A test row with a fraction keeps it."""
    file = [np.random.default_rng(2).poisson(level, (200, 1)) + 1.0 for level in (3.0, 700.0)]
    file[0][180] = 3.4
    data = dataset(file, train_end=[120] * 2, val_end=[150] * 2)
    if logs:
        data = log_transform(data)
    limits, _ = make_bounds(data, "auto", None)
    for result, values in zip(returned(data, limits), file, strict=True):
        np.testing.assert_array_equal(np.delete(result, 180, axis=0), np.delete(values, 180, axis=0))
        assert result[180] == pytest.approx(values[180], rel=1e-5)
    unrounded = returned(data, replace(limits, counts=None))
    assert any((result != values).any() for result, values in zip(unrounded, file, strict=True))


@pytest.mark.parametrize("scaler", SCALERS)
def test_counts_are_found_and_have_whole_quantiles(scaler: str) -> None:
    """Four targets: counts with a missing value, halves, whole numbers below 0, and large counts."""
    counts = np.tile([0.0, 0.0, 3.0, np.nan, 1.0], 20)
    columns = [counts, counts / 2, np.nan_to_num(counts) - 1, np.nan_to_num(counts) + 3e7]
    values = np.stack(columns, axis=1)
    data = dataset([values], train_end=[60], val_end=[80], scaler=scaler)
    found, _ = make_bounds(data, "auto", 2.5)
    assert found.counts is not None
    assert found.counts.tolist() == [
        True,
        False,
        False,
        scaler != "none",
    ]  # 32-bit floats near 3e7 are 2 apart
    wanted = np.array([[[0.4, 0.4, 0.4, 3e7]], [[1.6, 1.6, 1.6, 3e7]], [[9.0, 9.0, 9.0, 3e7]]])[:, None]
    scaled = [data.scaler.transform(part, np.array([0])) for part in wanted]
    result = inverse_transform_intervals(data, scaled, np.array([0]), replace(found, upper=np.full(4, 2.5)))
    np.testing.assert_allclose(result[:, 0, 0, 0], [0, 2, 2.5])  # whole numbers, within the bounds
    np.testing.assert_allclose(result[:2, 0, 0, 1], [0.4, 1.6], rtol=1e-5)
    again = Bounds.from_dict(found.to_dict())
    np.testing.assert_array_equal(again.counts, found.counts)
    assert Bounds.from_dict({"lower": [0.0], "upper": [None]}).counts is None
