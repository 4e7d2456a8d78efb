"""Forecasts over windows and their errors, in the file's units: one way for every step that scores."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import Batch, Windows, split_windows
from lstm_cli.data.forecast.bounds import (
    Bounds,
    inverse_transform,
    inverse_transform_intervals,
    inverse_transform_truth,
)
from lstm_cli.evaluation import metrics
from lstm_cli.evaluation.baselines import naive, seasonal_naive
from lstm_cli.evaluation.interval_scores import IntervalSums, inside_windows, interval_sums
from lstm_cli.evaluation.intervals import Intervals
from lstm_cli.linear.model import LinearEnsemble

PART = "part."  # before the name of a part, among forecasts and scores
TIE_MARGIN = 0.005  # errors that differ by a smaller share are called equal
Forecaster = Callable[[Batch], dict[str, np.ndarray]]  # windows -> name: forecast [B, H, C], scaled


class Graph(Protocol):
    """A loaded graph, such as `runtime.session.Session`."""

    def __call__(self, past: np.ndarray, future: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """The forecast [B, H, C], scaled."""

    def forecast_with_parts(
        self, past: np.ndarray, future: np.ndarray, mask: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The forecast, and those of its parts [B, H, C, P]."""


def baseline_forecaster(dataset: Dataset, linear: LinearEnsemble, season: int | None) -> Forecaster:
    """naive, seasonal_naive (where there is a season) and linear.

    season: as `baseline_season` decides it. The windows have to look back as far as `scored_windows` lets them.
    """
    horizon, targets = dataset.schema.horizon, dataset.targets

    def forecast(batch: Batch) -> dict[str, np.ndarray]:
        forecasts = {"naive": naive(batch.past, horizon, targets)}
        if season is not None:
            forecasts["seasonal_naive"] = seasonal_naive(batch.past, batch.mask, horizon, targets, season)
        return forecasts | {"linear": linear(batch.past, batch.future, batch.mask)}

    return forecast


def model_forecaster(
    session: Graph, lookback: int, *, name: str = "model", parts: Sequence[str] = ()
) -> Forecaster:
    """The forecast of a graph that looks back `lookback` steps, over windows that may look back further.

    parts: their forecasts come beside it, as `part.NAME`.
    """

    def forecast(batch: Batch) -> dict[str, np.ndarray]:
        inputs = (batch.past[:, -lookback:], batch.future, batch.mask[:, -lookback:])
        if not parts:
            return {name: session(*inputs)}
        combined, part_forecasts = session.forecast_with_parts(*inputs)
        return {name: combined} | {
            f"{PART}{part}": part_forecasts[..., index] for index, part in enumerate(parts)
        }

    return forecast


def combine_forecasters(*forecasters: Forecaster) -> Forecaster:
    """The forecasts of several forecasters."""
    return lambda batch: {
        name: forecast for forecaster in forecasters for name, forecast in forecaster(batch).items()
    }


def scoring_windows(
    dataset: Dataset, split: str, lookback: int, linear: LinearEnsemble, season: int | None = None
) -> Windows:
    """Return the windows of a split, looking back as far as the model and every simple forecast need.

    season: of the seasonal naive baseline, None where it is not scored.
    """
    return split_windows(dataset, split, max(lookback, linear.lookback, season or 1))


def ignore_forecasts(name: str, batch: Batch, forecast_scaled: np.ndarray) -> None:
    """What `score` shows its forecasts to where nobody watches."""


def ignore_errors(name: str, batch: Batch, missed: np.ndarray) -> None:
    """Ignore the errors of each window: the default of `score`."""


def score(
    windows: Windows,
    forecaster: Forecaster,
    bounds: Bounds,
    *,
    progress: Callable[[int], None] = lambda done: None,
    on_forecast: Callable[[str, Batch, np.ndarray], None] = ignore_forecasts,
    on_errors: Callable[[str, Batch, np.ndarray], None] = ignore_errors,
) -> dict[str, metrics.ErrorSums]:
    """Return the errors of each forecast over the same windows, every one of them.

    watch: sees each forecast [B, H, C], scaled. each: sees its absolute errors, in the file's units.
    """
    dataset, series_count = windows.dataset, len(windows.dataset.series.names)
    sums: dict[str, metrics.ErrorSums] = {}
    done = 0
    for batch in windows.batches(windows.batch_size):
        truth = inverse_transform_truth(dataset, batch.target, batch.series, bounds)
        for name, forecast in forecaster(batch).items():
            on_forecast(name, batch, forecast)
            units = inverse_transform(dataset, forecast, batch.series, bounds)
            on_errors(name, batch, np.abs(units - truth))
            errors = metrics.sum_errors(units, truth, batch.observed, batch.series, series_count=series_count)
            sums[name] = sums[name] + errors if name in sums else errors
        done += len(batch.series)
        progress(done)
    return sums


class IntervalTally:
    """Sums up, as `watch` of `score`, how the intervals around one forecaster's forecasts held."""

    def __init__(self, dataset: Dataset, intervals: Intervals, bounds: Bounds, *, forecaster: str) -> None:
        self.sums: IntervalSums | None = None
        self.inside: list[np.ndarray] = []  # [2, B] of each batch: measured cells within the interval
        self.count: list[np.ndarray] = []  # [B] of each batch: measured cells
        self.beyond_bounds = 0  # measured cells that no forecast can reach: they lie beyond the bounds
        self._dataset, self._intervals, self._bounds, self._forecaster = (
            dataset,
            intervals,
            bounds,
            forecaster,
        )

    def __call__(self, name: str, batch: Batch, forecast_scaled: np.ndarray) -> None:
        if name != self._forecaster:
            return
        dataset, ends = self._dataset, self._intervals.interval_ends(forecast_scaled, batch.past, batch.mask)
        ends = inverse_transform_intervals(dataset, ends, batch.series, self._bounds)
        truth = inverse_transform_truth(dataset, batch.target, batch.series, self._bounds)
        sums = interval_sums(
            ends,
            inverse_transform(dataset, forecast_scaled, batch.series, self._bounds),
            truth,
            batch.observed,
            batch.series,
            series_count=len(dataset.series.names),
        )
        self.inside.append(inside_windows(ends, truth, batch.observed))
        self.count.append(batch.observed.sum(axis=(1, 2)))
        self.beyond_bounds += int(((self._bounds.clip(truth) != truth) & batch.observed).sum())
        self.sums = sums if self.sums is None else self.sums + sums


def is_as_good(baseline: Mapping[str, float | None], model: Mapping[str, float | None]) -> bool:
    """Whether a simple forecast's MASE (else scaled MAE) is at most half a percent above the model's."""
    for metric in ("mase", "mae_scaled"):
        baseline_score, model_score = baseline.get(metric), model.get(metric)
        if baseline_score is not None and model_score is not None:
            return baseline_score <= (1 + TIE_MARGIN) * model_score
    return False


def metric_scale(dataset: Dataset) -> metrics.MetricScale:
    """What the dataset's scores are divided by."""
    return metrics.MetricScale(
        seasonal_error=dataset.training.seasonal_error, deviation=dataset.training.deviation
    )
