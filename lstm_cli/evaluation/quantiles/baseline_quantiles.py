"""Quantiles of the baselines, from the errors that they made before the scored rows.

A quantile is the forecast plus a quantile of truth - forecast, for each step ahead, in scaled space. No error is of a
scored row: the test rows are scored with errors of training and validation windows, the validation rows with errors of
training windows.

Naive and seasonal naive are not fitted, so all earlier windows count. The linear forecast was fitted on the training
rows, where its errors are too small. So the errors of its first fit on the validation rows count, if there are at least
MIN_ERRORS windows. Else the training windows are added, and the quantiles may be too narrow. This is also the case if
the validation rows are scored.

A series with MIN_ERRORS errors of a target at each step has its own quantiles. Other series share the errors of all
series, in deviations of the training rows. If there are fewer than MIN_ERRORS of them, neighbouring steps are added.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import Batch, Windows, split_windows
from lstm_cli.evaluation.baselines import naive, seasonal_naive
from lstm_cli.evaluation.quantiles.interval_scores import SCORED_QUANTILES
from lstm_cli.linear.model import LinearEnsemble

MIN_ERRORS = 40  # the .025 quantile of fewer errors lies below the smallest
MAX_ROWS = 40_000  # windows x targets of a baseline, spread over series and time
MAX_CELLS = 8_000_000  # windows x steps x targets, a limit of memory for long horizons
EARLIER_SPLITS = {"val": ("train",), "test": ("train", "val")}
BaselineForecast = Callable[[Batch], np.ndarray]  # windows -> forecast [B, H, C], scaled


@dataclass(frozen=True, kw_only=True)
class BaselineQuantiles:
    """Quantiles SCORED_QUANTILES of the errors of a baseline, with the method `quantiles` of the model's intervals."""

    error: np.ndarray  # [G, Q, H, C] float64, in deviations; group 0 is that of all series
    group: np.ndarray  # [S] group of each series
    deviation: np.ndarray  # [S, C] of the training rows, scaled

    def quantiles(
        self, probabilities: Sequence[float], forecast_scaled: np.ndarray, batch: Batch
    ) -> np.ndarray:
        """Return quantiles [Q, N, H, C] of the forecast, float64, scaled. They never cross.

        Args:
            probabilities: Q of SCORED_QUANTILES.
            forecast_scaled: [N, H, C].
            batch: windows of the forecast.
        """
        group, deviation = self.group[batch.series], self.deviation[batch.series][:, None]
        quantiles = np.empty((len(probabilities), *forecast_scaled.shape))
        for index, probability in enumerate(probabilities):
            error = self.error[group, SCORED_QUANTILES.index(probability)]
            quantiles[index] = forecast_scaled + error * deviation
        return quantiles


def fit_baseline_quantiles(
    dataset: Dataset,
    split: str,
    linear: LinearEnsemble,
    season: int | None,
) -> dict[str, BaselineQuantiles]:
    """Return the quantiles of each baseline for the forecasts of a split.

    A baseline is left out if none of its windows before the split has measured values.

    Args:
        dataset: scaled data.
        split: `val` or `test`; no value of its rows is used.
        linear: linear forecast that was fitted on the training rows only.
        season: of the seasonal naive baseline, in steps; None without this baseline.
    """
    horizon, targets = dataset.schema.horizon, dataset.targets
    earlier = EARLIER_SPLITS[split]
    forecasts: dict[str, tuple[Windows, BaselineForecast]] = {
        "naive": (_windows(dataset, earlier, 1), lambda batch: naive(batch.past, horizon, targets))
    }
    if season is not None:
        forecasts["seasonal_naive"] = (
            _windows(dataset, earlier, season),
            lambda batch: seasonal_naive(batch.past, batch.mask, horizon, targets, season),
        )
    forecasts["linear"] = (
        _linear_windows(dataset, earlier, linear.lookback),
        lambda batch: linear(batch.past, batch.future, batch.mask),
    )
    deviation = scaled_deviation(dataset)
    fitted = {
        name: _fit(_sample(windows), forecast, deviation) for name, (windows, forecast) in forecasts.items()
    }
    return {name: quantiles for name, quantiles in fitted.items() if quantiles is not None}


def scaled_deviation(dataset: Dataset) -> np.ndarray:
    """Return the deviation [S, C] of the training rows in scaled space; 1 for logarithms.

    It makes the errors of different series comparable with any scaler. Errors of logarithms are relative already.
    """
    deviation = dataset.training.deviation
    if dataset.scaler.log_transformed:
        return np.ones_like(deviation)
    return np.asarray(deviation / dataset.scaler.scale[:, : dataset.targets])


def error_quantiles(errors: np.ndarray, probabilities: Sequence[float]) -> np.ndarray:
    """Return quantiles [Q, ...] of errors [..., N]; NaN is ignored, and without errors the quantile is NaN.

    Quantile p is the error of rank p (n + 1), interpolated, at least the smallest and at most the largest. So a new
    error lies below it with probability p, if it has the distribution of the others.

    Args:
        errors: [..., N].
        probabilities: Q probabilities.
    """
    ordered = np.sort(errors, axis=-1)  # NaN last
    count = np.isfinite(ordered).sum(axis=-1)
    quantiles = np.empty((len(probabilities), *count.shape))
    for index, probability in enumerate(probabilities):
        rank = np.clip(probability * (count + 1) - 1, 0, np.maximum(count - 1, 0))
        below = np.floor(rank).astype(np.int64)
        above = np.minimum(below + 1, np.maximum(count - 1, 0))
        low, high = (
            np.take_along_axis(ordered, each[..., None], axis=-1)[..., 0].astype(np.float64)
            for each in (below, above)
        )
        quantiles[index] = low + (rank - below) * (high - low)
    return quantiles


def _windows(dataset: Dataset, splits: Sequence[str], lookback: int) -> Windows:
    """Return the windows of splits from which `predict` would forecast, in order of series."""
    parts = [split_windows(dataset, split, lookback) for split in splits]
    windows = replace(
        parts[0],
        origins=np.concatenate([part.origins for part in parts]),
        series=np.concatenate([part.series for part in parts]),
    )
    windows = windows.select(np.argsort(windows.series, kind="stable"))
    if bool(dataset.measured.all()):
        return windows
    return windows.select(dataset.usable_rows.are_origins(windows.origins, dataset.schema.horizon))


def _linear_windows(dataset: Dataset, earlier: Sequence[str], lookback: int) -> Windows:
    """Return the windows of the rows that the linear forecast was not fitted on; all earlier if those are few."""
    if "val" in earlier:
        unseen = _windows(dataset, ("val",), lookback)
        if len(unseen) >= MIN_ERRORS:
            return unseen
    return _windows(dataset, earlier, lookback)


def max_windows(horizon: int, targets: int) -> int:
    """Return the largest number of windows whose errors are used."""
    return max(2 * MIN_ERRORS, min(MAX_ROWS // targets, MAX_CELLS // (horizon * targets)))


def _sample(windows: Windows) -> Windows:
    return windows.sample(max_windows(windows.dataset.schema.horizon, windows.dataset.targets))


def _fit(windows: Windows, forecast: BaselineForecast, deviation: np.ndarray) -> BaselineQuantiles | None:
    """Return the quantiles of the errors on windows; None if a target has no error."""
    errors = _errors(windows, forecast, deviation)
    shared = _shared_quantiles(errors)  # [Q, H, C]
    if not np.isfinite(shared).all():
        return None
    group = np.zeros(len(deviation), dtype=np.int64)
    groups = [shared]
    series, first, counts = np.unique(windows.series, return_index=True, return_counts=True)
    for item, begin, count in zip(series, first, counts, strict=True):
        if count < MIN_ERRORS or len(deviation) == 1:
            continue
        own_errors = errors[..., begin : begin + count]
        enough = np.isfinite(own_errors).sum(axis=-1).min(axis=0) >= MIN_ERRORS  # [C]
        if enough.any():
            group[item] = len(groups)
            groups.append(np.where(enough, error_quantiles(own_errors, SCORED_QUANTILES), shared))
    return BaselineQuantiles(
        error=np.stack(groups),
        group=group,
        deviation=deviation,
    )


def _errors(windows: Windows, forecast: BaselineForecast, deviation: np.ndarray) -> np.ndarray:
    """Return truth - forecast [H, C, N] float32 in deviations, NaN for missing values."""
    dataset = windows.dataset
    errors = np.empty((dataset.schema.horizon, dataset.targets, len(windows)), dtype=np.float32)
    first = 0
    for batch in windows.batches(windows.batch_size):
        error = (batch.target - forecast(batch)) / deviation[batch.series][:, None]
        error[~batch.observed] = np.nan
        errors[..., first : first + len(error)] = error.transpose(1, 2, 0)
        first += len(error)
    return errors


def _shared_quantiles(errors: np.ndarray) -> np.ndarray:
    """Return quantiles [Q, H, C] of the errors [H, C, N] of all series.

    With fewer than MIN_ERRORS at a step, the errors of neighbouring steps are added; without any, of all steps.
    """
    horizon, targets, windows = errors.shape
    quantiles = np.full((len(SCORED_QUANTILES), horizon, targets), np.nan)
    if not windows:
        return quantiles
    known = np.isfinite(errors).sum(axis=-1)  # [H, C]
    for target in range(targets):
        few = int(known[:, target].min())
        if few >= MIN_ERRORS:
            quantiles[..., target] = error_quantiles(errors[:, target], SCORED_QUANTILES)
            continue
        neighbors = -(-(MIN_ERRORS - few) // (2 * max(1, few)))
        for step in range(horizon):
            near = slice(max(0, step - neighbors), step + neighbors + 1)
            rows = errors[near if known[near, target].any() else slice(None), target]
            quantiles[:, step, target] = error_quantiles(rows.reshape(-1), SCORED_QUANTILES)
    return quantiles
