"""Tests of the quantiles of the baselines: which errors they come from, and which quantiles these are."""

from dataclasses import replace

import numpy as np
import pytest
from small_data import dataset, wave

from lstm_cli.data.build.log_transform import log_transform
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.data.forecast.bounds import Bounds
from lstm_cli.evaluation import scoring
from lstm_cli.evaluation.quantiles.baseline_quantiles import (
    MIN_ERRORS,
    error_quantiles,
    fit_baseline_quantiles,
    max_windows,
    scaled_deviation,
)
from lstm_cli.evaluation.quantiles.interval_scores import SCORED_QUANTILES
from lstm_cli.linear.ensemble import fit_linear
from lstm_cli.linear.model import LinearEnsemble

SEASON, HORIZON = 12, 4


def made(rows: int = 300, train: int = 180, val: int = 240, seeds: tuple[int, ...] = (1,)) -> Dataset:
    """Return series of noisy waves, each with its own seed."""
    return dataset(
        [wave(rows, seed=seed) for seed in seeds],
        train_end=[train] * len(seeds),
        val_end=[val] * len(seeds),
        lookback=SEASON,
        horizon=HORIZON,
        seasons=(SEASON,),
    )


def linear_of(data: Dataset) -> LinearEnsemble:
    return fit_linear(data, lookbacks=(6, SEASON), window=SEASON)


def file_values(data: Dataset, series: int) -> np.ndarray:
    """Return the scaled values [T] of the first target of a series."""
    begin = int(data.series.offset[series])
    return np.asarray(data.values_scaled[begin : begin + int(data.series.count[series]), 0], dtype=np.float64)


def seasonal_errors(values: np.ndarray, end: int, step: int) -> np.ndarray:
    """Return the errors of the seasonal naive forecast at a step, from 0, of windows that end before row `end`."""
    origins = np.arange(SEASON, end - HORIZON + 1)
    return values[origins + step] - values[origins + step - SEASON]


@pytest.mark.parametrize("count", [1, 2, 39, 40, 200])
def test_error_quantiles_are_those_of_numpy(count: int) -> None:
    rng = np.random.default_rng(count)
    errors = np.full((3, count + 5), np.nan)
    errors[:, rng.permutation(count + 5)[:count]] = rng.standard_normal((3, count))
    expected = np.nanquantile(errors, SCORED_QUANTILES, axis=-1, method="weibull")
    np.testing.assert_allclose(error_quantiles(errors, SCORED_QUANTILES), expected, rtol=1e-12)


def test_new_errors_of_the_same_distribution_lie_below_a_quantile_with_its_probability() -> None:
    """This holds for the average over samples, already with the smallest number of errors."""
    errors = np.random.default_rng(0).exponential(size=(20_000, MIN_ERRORS + 1))
    quantiles = error_quantiles(errors[:, :-1], SCORED_QUANTILES)
    share = (errors[:, -1] <= quantiles).mean(axis=1)
    np.testing.assert_allclose(share, SCORED_QUANTILES, atol=0.015)


@pytest.mark.parametrize("split", ["test", "val"])
def test_seasonal_naive_has_the_quantiles_of_its_earlier_errors(split: str) -> None:
    """Training and validation windows count for the test rows; no window crosses the end of a split."""
    data = made()
    fitted = fit_baseline_quantiles(data, split, linear_of(data), SEASON)["seasonal_naive"]
    batch = split_windows(data, split, SEASON)[:1]
    quantiles = fitted.quantiles(SCORED_QUANTILES, np.full((1, HORIZON, 1), 2.0), batch)
    values = file_values(data, 0)
    for step in range(HORIZON):
        errors = seasonal_errors(values, 180, step)
        if split == "test":
            origins = np.arange(180, 240 - HORIZON + 1)
            errors = np.append(errors, values[origins + step] - values[origins + step - SEASON])
        expected = 2 + np.quantile(errors, SCORED_QUANTILES, method="weibull")
        np.testing.assert_allclose(quantiles[:, 0, step, 0], expected, rtol=1e-5)


def with_other_rows(data: Dataset, split: str) -> Dataset:
    """Return the data with other values in the rows of a split and after it."""
    values = np.array(data.values_scaled)
    table = data.series
    start = {"train": 0 * table.count, "val": table.train_end, "test": table.val_end}[split]
    for begin, first, count in zip(table.offset, start, table.count, strict=True):
        values[begin + first : begin + count] = 50 - 7 * values[begin + first : begin + count]
    return replace(data, values_scaled=values)


@pytest.mark.parametrize("split", ["val", "test"])
def test_the_scored_rows_take_no_part(split: str) -> None:
    data = made(seeds=(1, 2))
    linear = linear_of(data)
    plain, other = (
        fit_baseline_quantiles(each, split, linear, SEASON) for each in (data, with_other_rows(data, split))
    )
    assert plain.keys() == other.keys() == {"naive", "seasonal_naive", "linear"}
    for name, quantiles in plain.items():
        assert np.array_equal(quantiles.error, other[name].error)
        assert np.array_equal(quantiles.group, other[name].group)
    earlier = {"val": "train", "test": "val"}[split]
    changed = fit_baseline_quantiles(with_other_rows(data, earlier), split, linear, SEASON)
    assert not np.array_equal(changed["naive"].error, plain["naive"].error)


@pytest.mark.parametrize(("val", "uses_training"), [(240, False), (210, True)])
def test_the_linear_forecast_uses_training_rows_only_if_validation_rows_are_too_few(
    val: int, uses_training: bool
) -> None:
    data = made(val=val)
    windows = len(split_windows(data, "val", SEASON))
    assert (windows < MIN_ERRORS) is uses_training
    linear = linear_of(data)
    values = np.array(data.values_scaled)
    values[:100] = 3 * values[:100]  # training rows that no window of the validation rows reads
    other = fit_baseline_quantiles(replace(data, values_scaled=values), "test", linear, SEASON)["linear"]
    plain = fit_baseline_quantiles(data, "test", linear, SEASON)["linear"]
    assert np.array_equal(other.error, plain.error) is not uses_training


def test_a_series_with_enough_windows_has_its_own_quantiles_and_others_share_theirs() -> None:
    """Errors are shared in deviations, so a short series of large values gets quantiles of its own size."""
    rng = np.random.default_rng(3)
    noise = [size * rng.standard_normal((rows, 1)) for size, rows in ((1, 300), (1, 60), (1000, 60))]
    data = dataset(
        noise, train_end=[200, 25, 25], val_end=[250, 40, 40], lookback=4, horizon=HORIZON, scaler="none"
    )
    fitted = fit_baseline_quantiles(data, "test", fit_linear(data, lookbacks=(2, 4), window=4), None)
    assert set(fitted) == {"naive", "linear"}
    naive = fitted["naive"]
    assert naive.group.tolist() == [1, 0, 0]
    batch = split_windows(data, "test", 4)[:]
    forecast = np.zeros((len(batch.series), HORIZON, 1), dtype=np.float32)
    quantiles = naive.quantiles((0.1, 0.9), forecast, batch)
    width = [(quantiles[1] - quantiles[0])[batch.series == item].mean() for item in range(3)]
    assert width[0] == pytest.approx(2 * 1.2816 * np.sqrt(2), rel=0.15)  # difference of two normal values
    assert width[2] / width[1] == pytest.approx(float(np.divide(*scaled_deviation(data)[[2, 1], 0])))
    assert 300 < width[2] / width[1] < 3000


def test_neighbouring_steps_are_added_if_there_are_few_errors() -> None:
    data = made(rows=60, train=26, val=40)
    fitted = fit_baseline_quantiles(data, "test", linear_of(data), SEASON)["seasonal_naive"]
    values = file_values(data, 0)
    origins = np.append(np.arange(SEASON, 26 - HORIZON + 1), np.arange(26, 40 - HORIZON + 1))
    assert HORIZON * len(origins) > MIN_ERRORS > len(origins)
    errors = np.concatenate([values[origins + step] - values[origins + step - SEASON] for step in range(2)])
    assert len(errors) >= MIN_ERRORS  # one neighbour is enough
    expected = np.quantile(errors, SCORED_QUANTILES, method="weibull") / scaled_deviation(data)[0, 0]
    np.testing.assert_allclose(fitted.error[0, :, 0, 0], expected, rtol=1e-5)


def test_missing_values_are_no_errors_and_a_target_without_errors_has_no_quantiles() -> None:
    values = wave(300, 2, seed=4)
    values[40:60, 0] = np.nan
    data = dataset([values], train_end=[180], val_end=[240], lookback=SEASON, horizon=HORIZON)
    linear = linear_of(data)
    fitted = fit_baseline_quantiles(data, "test", linear, None)["naive"]
    origins = np.append(np.arange(1, 180 - HORIZON + 1), np.arange(180, 240 - HORIZON + 1))
    scaled = data.values_scaled[:, 0].astype(np.float64)
    known = ~np.isnan(values[origins, 0])
    last = np.array([scaled[:origin][~np.isnan(values[:origin, 0])][-1] for origin in origins])
    errors = (scaled[origins] - last)[known]
    expected = np.quantile(errors, SCORED_QUANTILES, method="weibull")
    np.testing.assert_allclose(fitted.error[0, :, 0, 0], expected, rtol=1e-5)
    unknown = replace(data, measured=data.measured & np.array([True, False]))
    assert fit_baseline_quantiles(unknown, "test", linear, None) == {}


@pytest.mark.parametrize("logs", [False, True])
def test_quantiles_are_ordered_and_within_the_bounds(logs: bool) -> None:
    rng = np.random.default_rng(6)
    data = dataset([rng.exponential(size=(300, 1)) + 0.01], train_end=[180], val_end=[240], horizon=HORIZON)
    data = log_transform(data) if logs else data
    linear = linear_of(data)
    fitted = fit_baseline_quantiles(data, "test", linear, None)
    windows = scoring.scoring_windows(data, "test", 8, linear)
    batch = windows[:]
    bounds = Bounds(lower=np.array([0.0]), upper=np.array([3.0]))
    for name, forecast in scoring.baseline_forecaster(data, linear, None)(batch).items():
        scaled = fitted[name].quantiles(SCORED_QUANTILES, forecast, batch)
        units = scoring.inverse_transform_intervals(data, scaled, batch.series, bounds)
        assert (np.diff(units, axis=0) >= 0).all()
        assert units.min() >= 0
        assert units.max() <= 3


def test_a_tally_in_parts_has_the_scores_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    data = made(seeds=(1, 2, 3))
    linear = linear_of(data)
    fitted = fit_baseline_quantiles(data, "test", linear, SEASON)["naive"]
    bounds = Bounds(lower=np.array([-np.inf]), upper=np.array([np.inf]))
    batch = scoring.scoring_windows(data, "test", 8, linear)[:]
    forecast = scoring.naive(batch.past, HORIZON, 1)
    tallies = []
    for cells in (1, 11 * HORIZON * 50, 10**9):
        monkeypatch.setattr(scoring, "MAX_QUANTILE_CELLS", cells)
        tallies.append(scoring.IntervalTally(data, fitted, bounds))
        tallies[-1].add(batch, forecast)
    assert [len(tally.count) for tally in tallies] == [len(batch.series), -(-len(batch.series) // 50), 1]
    for tally in tallies[:-1]:
        assert np.array_equal(
            np.concatenate(tally.inside, axis=1), np.concatenate(tallies[-1].inside, axis=1)
        )
        assert tally.sums is not None
        assert tallies[-1].sums is not None
        for name, value in vars(tallies[-1].sums).items():
            np.testing.assert_allclose(getattr(tally.sums, name), value, rtol=1e-12)


def test_the_number_of_windows_is_limited_for_long_horizons_and_many_targets() -> None:
    assert max_windows(24, 1) == 40_000
    assert max_windows(720, 7) == 8_000_000 // (720 * 7)
    assert max_windows(720, 321) == 2 * MIN_ERRORS
