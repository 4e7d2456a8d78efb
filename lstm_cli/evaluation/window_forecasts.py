"""Forecasts of windows in the file's units, for tables, pages and pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import Batch, Windows
from lstm_cli.data.forecast.bounds import (
    Bounds,
    inverse_transform,
    inverse_transform_intervals,
    inverse_transform_truth,
)
from lstm_cli.evaluation import scoring
from lstm_cli.evaluation.baselines import naive, seasonal_naive
from lstm_cli.evaluation.quantiles.interval_scores import SCORED_QUANTILES
from lstm_cli.evaluation.quantiles.model import QuantileModel


@dataclass(frozen=True, kw_only=True)
class WindowForecasts:
    """Forecasts of B successive windows, float64 in the file's units."""

    index: np.ndarray  # [B] int64: position of each window in its `Windows`
    series: np.ndarray  # [B] int64
    origin: (
        np.ndarray
    )  # [B] int64: row of step 1, counted from 0 in its series; the row before is the last known
    truth: np.ndarray  # [B, H, C], NaN where not measured
    forecast: np.ndarray  # [B, H, C]
    quantiles: (
        np.ndarray
    )  # [Q, B, H, C] in the order of the probabilities; Q is 0 for a model without quantiles
    baseline: np.ndarray  # [B, H, C]: seasonal naive; naive without a season
    batch: Batch  # the windows, scaled


def window_forecasts(
    windows: Windows,
    forecaster: scoring.Forecaster,
    bounds: Bounds,
    fitted: QuantileModel | None,
    *,
    season: int | None,
    probabilities: Sequence[float] = SCORED_QUANTILES,
) -> Iterator[WindowForecasts]:
    """Yield the forecasts of all windows in their order, some windows at a time.

    The windows are forecast in the batches of `scoring.score`, because the forecasts of int8 depend on the batch. So
    the errors of these forecasts are exactly the scored ones. A yielded part can be smaller than a batch. Its quantiles
    have at most `scoring.MAX_QUANTILE_CELLS` numbers, or those of one window.

    Args:
        windows: windows to forecast, with a lookback of at least that of the model and the season.
        forecaster: scaled forecasts with the name `model`; others are ignored.
        bounds: limits of the forecasts, in the file's units.
        fitted: quantiles of the model; None if it has none.
        season: steps of the seasonal naive baseline; None: the baseline is naive.
        probabilities: Q probabilities of the quantiles. By default .1 to .9, and the ends of the intervals of 80 and
            95 %: .025, .1, .9 and .975.
    """
    dataset, done = windows.dataset, 0
    cells = max(1, len(probabilities)) * dataset.schema.horizon * dataset.targets  # of a window
    size = max(1, scoring.MAX_QUANTILE_CELLS // cells)
    for whole in windows.batches(windows.batch_size):
        scaled = forecaster(whole)["model"]
        for batch, rows in scoring.batch_parts(whole, size):
            index = np.arange(done + rows.start, done + rows.start + len(batch.series))
            yield WindowForecasts(
                index=index,
                series=batch.series,
                origin=windows.origins[index] - dataset.series.offset[batch.series],
                truth=_measured_truth(dataset, batch, bounds),
                forecast=inverse_transform(dataset, scaled[rows], batch.series, bounds),
                quantiles=_quantiles(dataset, batch, scaled[rows], bounds, fitted, probabilities),
                baseline=_baseline(dataset, batch, bounds, season),
                batch=batch,
            )
        done += len(whole.series)


def row_times(dataset: Dataset, series: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the times [B, n] of rows as `Forecast.times_us` has them: int64 microseconds, or row numbers from 0.

    Args:
        dataset: data of the windows.
        series: [B] series of each window.
        rows: [B, n] rows, counted from 0 in the series; they may be after its last row.
    """
    return dataset.schema.step.times(rows, dataset.series.origin_us[series][:, None])


def _measured_truth(dataset: Dataset, batch: Batch, bounds: Bounds) -> np.ndarray:
    truth = inverse_transform_truth(dataset, batch.target, batch.series, bounds)
    return np.where(batch.observed, truth, np.nan)


def _quantiles(
    dataset: Dataset,
    batch: Batch,
    scaled: np.ndarray,
    bounds: Bounds,
    fitted: QuantileModel | None,
    probabilities: Sequence[float],
) -> np.ndarray:
    """Return the quantiles [Q, B, H, C] of a scaled forecast [B, H, C] in the file's units."""
    if fitted is None or not len(probabilities):
        return np.empty((0, *scaled.shape))
    quantiles = fitted.quantiles(probabilities, scaled, batch)
    return inverse_transform_intervals(dataset, quantiles, batch.series, bounds)


def _baseline(dataset: Dataset, batch: Batch, bounds: Bounds, season: int | None) -> np.ndarray:
    horizon, targets = dataset.schema.horizon, dataset.targets
    if season is None:
        scaled = naive(batch.past, horizon, targets)
    else:
        scaled = seasonal_naive(batch.past, batch.mask, horizon, targets, season)
    return inverse_transform(dataset, scaled, batch.series, bounds)
