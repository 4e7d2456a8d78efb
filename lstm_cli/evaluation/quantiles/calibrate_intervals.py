"""Calibration of quantiles: errors of a forecaster on the windows of a dataset, and what they say without a network."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import Batch, Windows, split_windows
from lstm_cli.evaluation.baselines import naive, seasonal_naive
from lstm_cli.evaluation.error_growth import LongWindows
from lstm_cli.evaluation.quantiles import intervals
from lstm_cli.evaluation.quantiles.features import count_features, window_features
from lstm_cli.evaluation.quantiles.learned import KNOTS, LearnedQuantiles

MAX_ROWS = 6000  # windows x targets per split, evenly spaced because neighbours are similar
MAX_CELLS = 4_000_000  # windows x steps x targets, a limit of memory for long horizons
SAMPLED_CELLS = (
    100_000  # windows x steps x targets per split that give knots and network; at most three times as many
)
# Errors of a series and target, one a horizon, that weigh as much as those of all others in its scale.
EQUAL_WEIGHT_ERRORS = 20.0
MIN_ERRORS = 200  # errors for the scale of a step; with fewer, neighbouring steps are added


@dataclass(frozen=True, kw_only=True)
class SampledCells:
    """Sample of the windows, steps and targets of a split."""

    features: np.ndarray  # [n, F] float32
    errors: (
        np.ndarray
    )  # [n] float32: truth - forecast, in scales; training errors are multiplied by the optimism


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Calibrated quantiles without a network, and what a network can be fitted on."""

    quantiles: LearnedQuantiles
    cells: dict[str, SampledCells]  # val and train; either may be empty
    weights: dict[str, float]  # of the cells of each split; the sum is 1
    validation_horizons: float  # independent horizons of the validation windows


@dataclass(frozen=True, kw_only=True)
class _SplitErrors:
    """Errors of a forecaster on the windows of a split, scaled."""

    signed: np.ndarray  # [N, H, C] float32: truth - forecast, NaN for missing values
    baseline: np.ndarray  # [N, H, C] |error| of the seasonal naive forecast, which is not fitted
    spread: np.ndarray  # [N, C]
    series: np.ndarray  # [N]
    horizons: float  # that the windows span without overlap, over all series
    places: np.ndarray  # [n, 3] window, step and target of the sampled cells
    features: np.ndarray  # [n, F] float32

    def magnitudes(self) -> intervals.CalibrationErrors:
        return intervals.CalibrationErrors(
            absolute=np.abs(self.signed), baseline=self.baseline, spread=self.spread, horizons=self.horizons
        )


def calibrate(
    dataset: Dataset,
    forecaster: Callable[[Batch], np.ndarray],
    *,
    lookback: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Calibration:
    """Return the calibration of a forecaster that was fitted only on the training rows.

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

    spreads = {name: _spreads(windows) for name, windows in sampled.items()}
    floor = intervals.min_spread(np.concatenate(list(spreads.values())))
    errors = {
        name: _split_errors(windows, forecaster, spreads[name], floor, count_horizons(splits[name]), report)
        for name, windows in sampled.items()
    }
    fitted = intervals.fit_calibration(
        errors["val"].magnitudes(),
        errors["train"].magnitudes(),
        season=dataset.schema.season,
        lookback=lookback,
    )
    share = intervals.training_share(errors["val"].horizons)
    weights = {"val": 1 - share, "train": share * fitted.optimism}
    fitted = replace(fitted, growth=longer.growth(forecaster, fitted.floor, weights, report))
    return _without_network(dataset, errors, fitted, share)


def count_horizons(windows: Windows) -> float:
    """Return the number of horizons that the windows span without overlap: their rows over H, at least 1 per series."""
    horizon = windows.dataset.schema.horizon
    return (len(windows) + len(np.unique(windows.series)) * (horizon - 1)) / horizon


def _split_errors(
    windows: Windows,
    forecaster: Callable[[Batch], np.ndarray],
    spread: np.ndarray,
    floor: np.ndarray,
    horizons: float,
    report: Callable[[int], None],
) -> _SplitErrors:
    dataset, lookback = windows.dataset, windows.lookback
    horizon, targets, season = dataset.schema.horizon, dataset.targets, dataset.schema.season
    signed = np.empty((len(windows), horizon, targets), dtype=np.float32)
    baseline = np.empty_like(signed)
    features = [np.zeros((0, count_features(lookback, season)), dtype=np.float32)]
    places = [np.zeros((0, 3), dtype=np.int64)]
    window_stride, step_stride = _strides(len(windows), horizon, targets)
    first = 0
    for batch in windows.batches(windows.batch_size):
        rows = slice(first, first + len(batch.series))
        baseline_forecast = (
            seasonal_naive(batch.past, batch.mask, horizon, targets, season)
            if season <= lookback
            else naive(batch.past, horizon, targets)
        )
        forecast = forecaster(batch)
        unknown = np.where(batch.observed, 0.0, np.nan)
        signed[rows] = batch.target - forecast + unknown
        baseline[rows] = np.abs(baseline_forecast - batch.target) + unknown
        chosen = np.arange(-first % window_stride, len(batch.series), window_stride)
        steps = np.arange((first // window_stride) % step_stride, horizon, step_stride)
        if len(chosen) and len(steps):
            features.append(
                window_features(
                    forecast[chosen],
                    batch.past[chosen, :, :targets],
                    batch.mask[chosen],
                    np.maximum(spread[rows][chosen], floor),
                    season=season,
                    horizon=horizon,
                    steps=steps,
                ).reshape(-1, features[0].shape[1])
            )
            grid = np.meshgrid(first + chosen, steps, np.arange(targets), indexing="ij")
            places.append(np.stack(grid, axis=-1).reshape(-1, 3))
        report(len(batch.series))
        first = rows.stop
    return _SplitErrors(
        signed=signed,
        baseline=baseline,
        spread=spread,
        series=windows.series,
        horizons=horizons,
        places=np.concatenate(places),
        features=np.concatenate(features),
    )


def _spreads(windows: Windows) -> np.ndarray:
    """Return the spread [N, C] of each window."""
    dataset = windows.dataset
    spreads = [
        intervals.local_scale(batch.past[:, :, : dataset.targets], batch.mask, dataset.schema.season)
        for batch in windows.batches(windows.batch_size)
    ]
    return np.concatenate([np.zeros((0, dataset.targets)), *spreads])


def _strides(windows: int, horizon: int, targets: int) -> tuple[int, int]:
    """Return the strides over windows and steps that leave about SAMPLED_CELLS cells."""
    excess = windows * horizon * targets / SAMPLED_CELLS
    if excess <= 1:
        return 1, 1
    step_stride = min(horizon, int(np.ceil(np.sqrt(excess))))
    return max(1, int(np.ceil(excess / step_stride))), step_stride


def _without_network(
    dataset: Dataset, errors: dict[str, _SplitErrors], fitted: intervals.Intervals, share: float
) -> Calibration:
    """Return the calibration from the errors of both splits; `share` is the weight of the training windows."""
    factors = {"val": 1.0, "train": fitted.optimism}
    weights = (
        {"val": 1 - share, "train": share} if len(errors["train"].signed) else {"val": 1.0, "train": 0.0}
    )
    if not len(errors["val"].signed):
        weights = {"val": 0.0, "train": 1.0}
    relative = {
        name: factors[name] * split.signed / np.maximum(split.spread, fitted.floor)[:, None]
        for name, split in errors.items()
    }
    step_scale = _step_scale(relative, weights)
    series_scale = _series_scale(dataset, relative, errors, step_scale)
    cells = {}
    for name, split in errors.items():
        window, step, target = split.places.T
        scale = step_scale[step] * series_scale[split.series[window], target]
        cell_errors = relative[name][window, step, target] / scale
        known = np.isfinite(cell_errors)
        cells[name] = SampledCells(
            features=split.features[known], errors=cell_errors[known].astype(np.float32)
        )
    horizons = sum(split.horizons for split in errors.values())
    return Calibration(
        quantiles=LearnedQuantiles(
            intervals=fitted,
            knots=_knots(cells, weights, horizons),
            step_scale=step_scale,
            series_scale=series_scale,
            series=tuple(dataset.series.names),
            rows=horizons * dataset.schema.horizon,
        ),
        cells=cells,
        weights=weights,
        validation_horizons=errors["val"].horizons,
    )


def _step_scale(relative: dict[str, np.ndarray], weights: dict[str, float]) -> np.ndarray:
    """Return the mean |error| [H] at each step, relative to the mean over all steps, smoothed over neighbours."""
    mean, windows = 0.0, 0
    for name, errors in relative.items():
        if weights[name] and len(errors):
            known = np.isfinite(errors)
            total = np.where(known, np.abs(errors), 0.0).sum(axis=(0, 2))
            mean = mean + weights[name] * total / np.maximum(known.sum(axis=(0, 2)), 1)
            windows += len(errors) * errors.shape[2]
    by_step = np.atleast_1d(mean)
    neighbors = max(1, -(-(MIN_ERRORS - windows) // (2 * max(1, windows))))
    padded = np.pad(by_step, neighbors, mode="edge")
    smooth = np.convolve(padded, np.full(2 * neighbors + 1, 1 / (2 * neighbors + 1)), mode="valid")
    return np.maximum(smooth / smooth.mean(), 1e-3) if smooth.mean() > 0 else np.ones_like(smooth)


def _series_scale(
    dataset: Dataset,
    relative: dict[str, np.ndarray],
    errors: dict[str, _SplitErrors],
    step_scale: np.ndarray,
) -> np.ndarray:
    """Return the mean |error| [S, C] of each series and target, relative to that of all; few errors count less."""
    shape = (len(dataset.series.names), dataset.targets)
    total, count = np.zeros(shape), np.zeros(shape)
    for name, split in errors.items():
        known = np.isfinite(relative[name])
        magnitude = np.where(known, np.abs(relative[name]), 0.0) / step_scale[None, :, None]
        np.add.at(total, split.series, magnitude.sum(axis=1))
        np.add.at(count, split.series, known.sum(axis=1))
    overall = total.sum() / max(1.0, count.sum())
    if overall <= 0:
        return np.ones(shape)
    count, total = count / len(step_scale), total / len(step_scale)  # the windows overlap
    mean = (total + EQUAL_WEIGHT_ERRORS * overall) / (count + EQUAL_WEIGHT_ERRORS)
    return np.asarray(mean / overall)


def cell_weights(cells: dict[str, SampledCells], weights: dict[str, float]) -> np.ndarray:
    """Return the weight [n] of each cell, one split after the other; the cells of a split share its weight."""
    return np.concatenate(
        [
            np.full(len(split.errors), weights[name] / max(1, len(split.errors)))
            for name, split in cells.items()
        ]
    )


def _knots(cells: dict[str, SampledCells], weights: dict[str, float], horizons: float) -> np.ndarray:
    """Return the quantiles [K] of the errors at KNOTS, wider around the median if there are few horizons."""
    values = np.concatenate([split.errors for split in cells.values()]).astype(np.float64)
    weight = cell_weights(cells, weights)
    if not weight.sum() > 0:
        return np.zeros(len(KNOTS))
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weight[order]) - weight[order] / 2
    knots = np.interp(KNOTS, cumulative / weight.sum(), values[order])
    median = knots[KNOTS.index(0.5)]
    widening = np.array(
        [
            1.0 if probability == 0.5 else intervals.t_correction(max(probability, 1 - probability), horizons)
            for probability in KNOTS
        ]
    )
    return np.maximum.accumulate(median + widening * (knots - median))
