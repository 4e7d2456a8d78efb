"""Prediction intervals of a forecaster, from its errors on the windows of a dataset."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import Batch, Windows, split_windows
from lstm_cli.evaluation import intervals
from lstm_cli.evaluation.baselines import naive, seasonal_naive
from lstm_cli.evaluation.error_growth import LongWindows

MAX_ROWS = 6000  # windows x targets per split, evenly spaced because neighbours are similar
MAX_CELLS = 4_000_000  # windows x steps x targets, a limit of memory for long horizons


def fit_intervals(
    dataset: Dataset,
    forecaster: Callable[[Batch], np.ndarray],
    *,
    lookback: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> intervals.Intervals:
    """Return intervals of a forecaster that was fitted only on the training rows.

    A refitted model has seen the validation rows, so pass the model from before the refit.

    Args:
        dataset: scaled data.
        forecaster: windows of `lookback` steps -> forecast [B, H, C], scaled.
        lookback: steps that the forecaster reads.
        progress: called with the number of finished windows and the total.
    """
    horizon, targets = dataset.schema.horizon, dataset.targets
    max_windows = max(1, min(MAX_ROWS // targets, MAX_CELLS // (horizon * targets)))
    splits = {name: split_windows(dataset, name, lookback) for name in ("val", "train")}
    sampled = {name: windows.sample(max_windows) for name, windows in splits.items()}
    longer = LongWindows.from_splits(splits)
    total, done = sum(map(len, sampled.values())) + len(longer), 0

    def report(count: int) -> None:
        nonlocal done
        done += count
        progress(done, total)

    errors = {
        name: _calibration_errors(windows, forecaster, count_horizons(splits[name]), report)
        for name, windows in sampled.items()
    }
    fitted = intervals.fit_calibration(
        errors["val"], errors["train"], season=dataset.schema.season, lookback=lookback
    )
    share = intervals.training_share(errors["val"].horizons)
    weights = {"val": 1 - share, "train": share * fitted.optimism}
    return replace(fitted, growth=longer.growth(forecaster, fitted.floor, weights, report))


def count_horizons(windows: Windows) -> float:
    """Return the number of horizons that the windows span without overlap: their rows over H, at least 1 per series."""
    horizon = windows.dataset.schema.horizon
    return (len(windows) + len(np.unique(windows.series)) * (horizon - 1)) / horizon


def _calibration_errors(
    windows: Windows,
    forecaster: Callable[[Batch], np.ndarray],
    horizons: float,
    report: Callable[[int], None],
) -> intervals.CalibrationErrors:
    dataset = windows.dataset
    horizon, targets, season = dataset.schema.horizon, dataset.targets, dataset.schema.season
    absolute = np.empty((len(windows), horizon, targets), dtype=np.float32)
    baseline, spread = np.empty_like(absolute), np.empty((len(windows), targets))
    first = 0
    for batch in windows.batches(windows.batch_size):
        rows = slice(first, first + len(batch.series))
        baseline_forecast = (
            seasonal_naive(batch.past, batch.mask, horizon, targets, season)
            if season <= windows.lookback
            else naive(batch.past, horizon, targets)
        )
        unknown = np.where(batch.observed, 0.0, np.nan)
        absolute[rows] = np.abs(forecaster(batch) - batch.target) + unknown
        baseline[rows] = np.abs(baseline_forecast - batch.target) + unknown
        spread[rows] = intervals.local_scale(batch.past[:, :, :targets], batch.mask, season)
        report(len(batch.series))
        first = rows.stop
    return intervals.CalibrationErrors(absolute=absolute, baseline=baseline, spread=spread, horizons=horizons)
