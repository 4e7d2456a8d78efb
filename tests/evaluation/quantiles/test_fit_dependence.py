"""Tests of the dependence that is fitted on a dataset, and of the sums of its sample paths."""

import dataclasses

import numpy as np
import pytest
from small_data import dataset

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import Batch, split_windows
from lstm_cli.evaluation.quantiles import fit_dependence as module
from lstm_cli.evaluation.quantiles.calibrate_intervals import calibrate
from lstm_cli.evaluation.quantiles.dependence import Dependence
from lstm_cli.evaluation.quantiles.fit_dependence import fit_dependence
from lstm_cli.evaluation.quantiles.intervals import Intervals
from lstm_cli.evaluation.quantiles.normal_scores import from_scores, knot_probabilities, knot_scores

LOOKBACK, HORIZON, KEPT = 8, 12, 0.9  # KEPT: share of the last value that the next one keeps


def persistent(rows: int, seed: int) -> np.ndarray:
    """Return an autoregression of order 1, [rows, 1]."""
    noise, values = np.random.default_rng(seed).normal(size=rows), np.zeros(rows)
    for row in range(1, rows):
        values[row] = KEPT * values[row - 1] + noise[row]
    return values[:, None]


def make(**options: object) -> Dataset:
    return dataset(
        [persistent(2000, seed) for seed in range(4)],
        train_end=[600] * 4,
        val_end=[1000] * 4,
        lookback=LOOKBACK,
        horizon=HORIZON,
        **options,  # type: ignore[arg-type]
    )


def best_forecast(batch: Batch) -> np.ndarray:
    """Return the conditional mean, whose errors are sums of the same shocks."""
    return batch.past[:, -1:, :1] * (KEPT ** np.arange(1, HORIZON + 1))[:, None].astype(np.float32)


def fit(data: Dataset) -> tuple[Intervals, Dependence]:
    intervals = calibrate(data, best_forecast, lookback=LOOKBACK).quantiles.intervals
    return intervals, fit_dependence(data, intervals, best_forecast, lookback=LOOKBACK)


def theory() -> np.ndarray:
    """Return the correlations [H, H] of the errors of the best forecast."""
    shocks = np.tril(KEPT ** np.subtract.outer(np.arange(HORIZON), np.arange(HORIZON), dtype=float))
    covariance = shocks @ shocks.T
    deviation = np.sqrt(np.diag(covariance))
    return np.asarray(covariance / np.outer(deviation, deviation))


@pytest.fixture(scope="module")
def made() -> tuple[Dataset, Intervals, Dependence]:
    data = make()
    return data, *fit(data)


def test_the_correlations_are_those_of_the_errors(made: tuple[Dataset, Intervals, Dependence]) -> None:
    found = made[2].steps[:HORIZON, :HORIZON]
    assert made[2].steps.shape == (3 * HORIZON, 3 * HORIZON)
    np.testing.assert_allclose(found, theory(), atol=0.12)
    assert np.abs(found - theory()).mean() < 0.05


def sum_coverage(data: Dataset, intervals: Intervals, dependence: Dependence) -> float:
    """Return the share of test windows whose sum lies in the 80 % interval of the sums of 400 sample paths."""
    windows = split_windows(data, "test", LOOKBACK)
    batch = windows.select(np.arange(0, len(windows), 3))[:]
    probabilities = knot_probabilities(intervals)
    knots = intervals.quantiles(probabilities, best_forecast(batch), batch)
    rng = np.random.default_rng(0)
    noise = dependence.noise(rng, samples=400 * len(batch.series), steps=HORIZON, targets=1)
    noise = noise.reshape(400, len(batch.series), HORIZON, 1)
    low, high = np.quantile(
        from_scores(noise, knots, knot_scores(probabilities)).sum(axis=2), (0.1, 0.9), axis=0
    )
    truth = batch.target.sum(axis=1)
    return float(((low <= truth) & (truth <= high)).mean())


def test_the_sum_over_the_horizon_is_covered(made: tuple[Dataset, Intervals, Dependence]) -> None:
    """Independent steps give sums that hardly vary, so they miss the true sum most of the time."""
    data, intervals, dependence = made
    assert sum_coverage(data, intervals, dependence) == pytest.approx(0.8, abs=0.06)
    independent = dataclasses.replace(dependence, steps=np.eye(HORIZON, dtype=np.float32))
    assert sum_coverage(data, intervals, independent) < 0.5
    equal = 0.999 * np.ones((HORIZON, HORIZON)) + 0.001 * np.eye(HORIZON)
    assert sum_coverage(data, intervals, dataclasses.replace(dependence, steps=equal)) > 0.86


def test_many_paths_have_the_quantiles_of_the_forecast(made: tuple[Dataset, Intervals, Dependence]) -> None:
    data, intervals, dependence = made
    batch = split_windows(data, "test", LOOKBACK).select(np.array([40]))[:]
    probabilities = knot_probabilities(intervals)
    knots = intervals.quantiles(probabilities, best_forecast(batch), batch)[:, 0]
    noise = dependence.noise(np.random.default_rng(0), samples=40_000, steps=HORIZON, targets=1)
    paths = from_scores(noise, knots, knot_scores(probabilities))
    checked = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
    wanted = intervals.quantiles(checked, best_forecast(batch), batch)[:, 0]
    width = wanted[-1] - wanted[0]
    assert np.abs(np.quantile(paths, checked, axis=0) - wanted).max() < 0.02 * width.max()


def test_test_rows_change_nothing() -> None:
    data = make()
    before = fit(data)[1]
    values = data.values_scaled.copy()
    for begin in data.series.offset:
        values[begin + 1000 : begin + 2000] += 5
    after = fit(dataclasses.replace(data, values_scaled=values))[1]
    assert np.array_equal(before.steps, after.steps)


def test_missing_values_a_short_panel_and_long_horizons(monkeypatch: pytest.MonkeyPatch) -> None:
    series = [persistent(60, seed) for seed in range(2)]
    series[0][::5] = np.nan
    data = dataset(series, train_end=[30, 30], val_end=[44, 44], lookback=LOOKBACK, horizon=HORIZON)
    intervals, dependence = fit(data)
    assert np.linalg.eigvalsh(dependence.steps.astype(np.float64))[0] > 0
    monkeypatch.setattr(module, "MAX_STEPS", 5)
    monkeypatch.setattr(module, "MAX_CELLS", 10 * HORIZON)
    calls: list[tuple[int, int]] = []
    capped = fit_dependence(
        data,
        intervals,
        best_forecast,
        lookback=LOOKBACK,
        progress=lambda done, total: calls.append((done, total)),
    )
    assert capped.steps.shape == (5, 5)
    assert calls[-1][0] == calls[-1][1] <= 20
