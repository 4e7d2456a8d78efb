"""Fit of the dependence between steps and targets, on the windows of a dataset."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import Batch, Windows, split_windows
from lstm_cli.data.forecast.fed_back import forecast_blocks
from lstm_cli.evaluation.error_growth import LongWindows
from lstm_cli.evaluation.quantiles.calibrate_intervals import count_horizons
from lstm_cli.evaluation.quantiles.dependence import MAX_STEPS, Dependence, ScoreMoments, fit_correlations
from lstm_cli.evaluation.quantiles.intervals import training_share
from lstm_cli.evaluation.quantiles.model import CalibratedQuantiles
from lstm_cli.evaluation.quantiles.normal_scores import (
    knot_probabilities,
    knot_scores,
    to_scores,
)

MAX_ROWS = 1000  # windows x targets per split, evenly spaced because neighbours are similar
MAX_LONG_ROWS = 300  # the same for windows of several horizons
MAX_CELLS = 2_000_000  # windows x steps x targets per split
BATCH_CELLS = 2_000_000  # windows x steps x targets x knots at a time


@dataclass(frozen=True, kw_only=True)
class _CalibratedForecaster:
    """Forecaster and the quantiles of its forecasts."""

    forecaster: Callable[[Batch], np.ndarray]  # windows -> forecast [B, H, C], scaled
    quantiles: CalibratedQuantiles

    @property
    def probabilities(self) -> tuple[float, ...]:
        return knot_probabilities(self.quantiles)

    def scores(self, blocks: Sequence[Batch]) -> np.ndarray:
        """Return the normal scores [B, steps, C] of the true values of successive blocks, NaN where missing."""
        future, target, observed = (
            np.concatenate([getattr(block, name) for block in blocks], axis=1)
            for name in ("future", "target", "observed")
        )
        forecast = forecast_blocks(blocks[0], future, self.forecaster)
        knots = self.quantiles.quantiles(self.probabilities, forecast, blocks[0])[:, :, :MAX_STEPS]
        truth = np.where(observed, target, np.nan)[:, :MAX_STEPS]
        return to_scores(truth, knots, knot_scores(self.probabilities))


def fit_dependence(
    dataset: Dataset,
    quantiles: CalibratedQuantiles,
    forecaster: Callable[[Batch], np.ndarray],
    *,
    lookback: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Dependence:
    """Return the dependence of the errors of a forecaster that was fitted only on the training rows.

    It covers as many horizons as the growth of the intervals, because forecasts that are fed back carry their errors
    on. The training windows have the weight that they have in the calibration of the intervals.

    Args:
        dataset: scaled data.
        quantiles: calibrated quantiles of the forecaster.
        forecaster: windows of `lookback` steps -> forecast [B, H, C], scaled.
        lookback: steps that the forecaster reads.
        progress: called with the number of finished windows and the total.
    """
    splits = {name: split_windows(dataset, name, lookback) for name in ("val", "train")}
    horizon, near = dataset.schema.horizon, {name: count_horizons(each) for name, each in splits.items()}
    longer = LongWindows.from_splits(splits) if horizon < MAX_STEPS else LongWindows(blocks=1, splits={})
    reaches = {  # windows by the number of blocks that they reach
        name: {1: _sample(windows, 1, MAX_ROWS)}
        | (
            {longer.blocks: _sample(longer.splits[name], longer.blocks, MAX_LONG_ROWS)}
            if name in longer.splits
            else {}
        )
        for name, windows in splits.items()
    }
    total, done = sum(len(windows) for reach in reaches.values() for windows in reach.values()), 0

    def report(count: int) -> None:
        nonlocal done
        done += count
        progress(done, total)

    calibrated = _CalibratedForecaster(forecaster=forecaster, quantiles=quantiles)
    steps = min(MAX_STEPS, horizon * (longer.blocks if longer.splits else 1))
    moments = {}
    for name, reach in reaches.items():
        horizons = np.full(steps, near[name])
        far = count_horizons(longer.splits[name]) if name in longer.splits else 0.0
        horizons[horizon:] = far / longer.blocks
        moments[name] = ScoreMoments(targets=dataset.targets, horizons=horizons)
        for blocks, windows in reach.items():
            _add(moments[name], windows, blocks, calibrated, report)
    share = training_share(near["val"])
    return fit_correlations([(moments["val"], 1 - share), (moments["train"], share)])


def _sample(windows: Windows, blocks: int, max_rows: int) -> Windows:
    """Return a sample of windows that reach a number of blocks."""
    targets, steps = windows.dataset.targets, blocks * windows.dataset.schema.horizon
    return windows.sample(max(1, min(max_rows // targets, MAX_CELLS // (steps * targets))))


def _add(
    moments: ScoreMoments,
    windows: Windows,
    blocks: int,
    calibrated: _CalibratedForecaster,
    report: Callable[[int], None],
) -> None:
    """Add the normal scores of windows to the moments.

    Args:
        moments: receives the scores.
        windows: windows of one split.
        blocks: horizons that the windows reach.
        calibrated: forecaster and its quantiles.
        report: called with a number of finished windows.
    """
    horizon, targets = windows.dataset.schema.horizon, windows.dataset.targets
    shifted = [replace(windows, origins=windows.origins + block * horizon) for block in range(blocks)]
    cells = blocks * horizon * targets * len(calibrated.probabilities)
    size = max(1, min(windows.batch_size, BATCH_CELLS // cells))
    for first in range(0, len(windows), size):
        parts = [block[first : first + size] for block in shifted]
        moments.add(calibrated.scores(parts))
        report(len(parts[0].series))
