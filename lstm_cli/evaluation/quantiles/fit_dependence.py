"""Fit of the dependence between steps and targets, on the windows of a dataset."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import Batch, Windows, split_windows
from lstm_cli.evaluation.calibrate_intervals import count_horizons
from lstm_cli.evaluation.intervals import training_share
from lstm_cli.evaluation.quantiles.dependence import MAX_STEPS, Dependence, ScoreMoments, fit_correlations
from lstm_cli.evaluation.quantiles.normal_scores import (
    QuantileModel,
    knot_probabilities,
    knot_scores,
    to_scores,
)

MAX_ROWS = 2000  # windows x targets per split, evenly spaced because neighbours are similar
MAX_CELLS = 2_000_000  # windows x steps x targets per split
BATCH_CELLS = 2_000_000  # windows x steps x targets x knots at a time


@dataclass(frozen=True, kw_only=True)
class _CalibratedForecaster:
    """Forecaster and the quantiles of its forecasts."""

    forecaster: Callable[[Batch], np.ndarray]  # windows -> forecast [B, H, C], scaled
    quantiles: QuantileModel

    def scores(self, batch: Batch) -> np.ndarray:
        """Return the normal scores [B, H, C] of the true values of windows, NaN where they are missing."""
        probabilities = knot_probabilities(self.quantiles)
        forecast = self.forecaster(batch)
        knots = self.quantiles.quantiles(probabilities, forecast, batch)[:, :, :MAX_STEPS]
        truth = np.where(batch.observed, batch.target, np.nan)[:, :MAX_STEPS]
        return to_scores(truth, knots, knot_scores(probabilities))


def fit_dependence(
    dataset: Dataset,
    quantiles: QuantileModel,
    forecaster: Callable[[Batch], np.ndarray],
    *,
    lookback: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Dependence:
    """Return the dependence of the errors of a forecaster that was fitted only on the training rows.

    The training windows have the weight that they have in the calibration of the intervals.

    Args:
        dataset: scaled data.
        quantiles: calibrated quantiles of the forecaster.
        forecaster: windows of `lookback` steps -> forecast [B, H, C], scaled.
        lookback: steps that the forecaster reads.
        progress: called with the number of finished windows and the total.
    """
    horizon, targets = dataset.schema.horizon, dataset.targets
    max_windows = max(1, min(MAX_ROWS // targets, MAX_CELLS // (horizon * targets)))
    splits = {name: split_windows(dataset, name, lookback) for name in ("val", "train")}
    sampled = {name: windows.sample(max_windows) for name, windows in splits.items()}
    calibrated = _CalibratedForecaster(forecaster=forecaster, quantiles=quantiles)
    total, done = sum(map(len, sampled.values())), 0

    def report(count: int) -> None:
        nonlocal done
        done += count
        progress(done, total)

    moments = {
        name: _moments(windows, calibrated, count_horizons(splits[name]), report)
        for name, windows in sampled.items()
    }
    share = training_share(moments["val"].horizons)
    return fit_correlations([(moments["val"], 1 - share), (moments["train"], share)])


def _moments(
    windows: Windows, calibrated: _CalibratedForecaster, horizons: float, report: Callable[[int], None]
) -> ScoreMoments:
    """Return the moments of the normal scores of windows.

    Args:
        windows: windows of one split.
        calibrated: forecaster and its quantiles.
        horizons: horizons that the split spans without overlap.
        report: called with a number of finished windows.
    """
    schema, targets = windows.dataset.schema, windows.dataset.targets
    moments = ScoreMoments(steps=min(schema.horizon, MAX_STEPS), targets=targets, horizons=horizons)
    knots = len(knot_probabilities(calibrated.quantiles))
    size = max(1, min(windows.batch_size, BATCH_CELLS // (schema.horizon * targets * knots)))
    for batch in windows.batches(size):
        moments.add(calibrated.scores(batch))
        report(len(batch.series))
    return moments
