"""Forecasts over windows and their errors in the file's units, for every step that computes scores."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
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
from lstm_cli.evaluation.quantiles.interval_scores import (
    SCORED_QUANTILES,
    IntervalSums,
    inside_windows,
    interval_sums,
)
from lstm_cli.evaluation.quantiles.model import QuantileModel
from lstm_cli.linear.model import LinearEnsemble

PART = "part."  # prefix of a part's name among forecasts and scores
TIE_MARGIN = 0.005  # relative difference below which errors count as equal
MAX_QUANTILE_CELLS = 2_000_000  # quantiles x windows x steps x targets at a time, a limit of memory
Forecaster = Callable[[Batch], dict[str, np.ndarray]]  # windows -> name: forecast [B, H, C], scaled


class Graph(Protocol):
    """Loaded graph, such as `runtime.session.Session`."""

    def __call__(self, past: np.ndarray, future: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Return the forecast [B, H, C], scaled.

        Args:
            past: [B, L, F] scaled, targets first.
            future: [B, H, A] known-ahead inputs.
            mask: [B, L], 0 for padding.
        """

    def forecast_with_parts(
        self, past: np.ndarray, future: np.ndarray, mask: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the forecast [B, H, C] and the forecasts of the P combined models [B, H, C, P].

        Args:
            past: [B, L, F] scaled, targets first.
            future: [B, H, A] known-ahead inputs.
            mask: [B, L], 0 for padding.
        """


def baseline_forecaster(dataset: Dataset, linear: LinearEnsemble, season: int | None) -> Forecaster:
    """Return a forecaster of naive, seasonal_naive (if there is a season) and linear.

    The windows need the lookback of `scoring_windows`.

    Args:
        dataset: scaled data.
        linear: linear forecast.
        season: result of `baseline_season`.
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
    """Return the forecaster of a graph, for windows with at least its lookback.

    Args:
        session: loaded graph.
        lookback: steps that the graph reads.
        name: name of its forecast.
        parts: parts whose forecasts are added as `part.NAME`.
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
    """Return a forecaster with the forecasts of several forecasters."""
    return lambda batch: {
        name: forecast for forecaster in forecasters for name, forecast in forecaster(batch).items()
    }


def scoring_windows(
    dataset: Dataset, split: str, lookback: int, linear: LinearEnsemble, season: int | None = None
) -> Windows:
    """Return the windows of a split with the lookback that the model and every baseline need.

    Args:
        dataset: scaled data.
        split: `train`, `val` or `test`.
        lookback: steps that the model reads.
        linear: linear forecast.
        season: of the seasonal naive baseline; None if it is not scored.
    """
    return split_windows(dataset, split, max(lookback, linear.lookback, season or 1))


def ignore_forecasts(name: str, batch: Batch, forecast_scaled: np.ndarray) -> None:
    """Ignore a forecast: the default of `score`.

    Args:
        name: name of the forecast.
        batch: windows.
        forecast_scaled: [B, H, C].
    """


def ignore_errors(name: str, batch: Batch, missed: np.ndarray) -> None:
    """Ignore the errors of windows: the default of `score`.

    Args:
        name: name of the forecast.
        batch: windows.
        missed: [B, H, C] absolute errors in the file's units.
    """


def each_of(
    *collectors: Callable[[str, Batch, np.ndarray], None],
) -> Callable[[str, Batch, np.ndarray], None]:
    """Return a function that passes its arguments to several collectors of `score`."""

    def collect(name: str, batch: Batch, values: np.ndarray) -> None:
        for collector in collectors:
            collector(name, batch, values)

    return collect


def score(
    windows: Windows,
    forecaster: Forecaster,
    bounds: Bounds,
    *,
    progress: Callable[[int], None] = lambda done: None,
    on_forecast: Callable[[str, Batch, np.ndarray], None] = ignore_forecasts,
    on_errors: Callable[[str, Batch, np.ndarray], None] = ignore_errors,
) -> dict[str, metrics.ErrorSums]:
    """Return the errors of each forecast over all windows.

    Args:
        windows: windows to forecast.
        forecaster: returns named forecasts of a batch.
        bounds: limits of the forecasts, in the file's units.
        progress: called with the number of finished windows.
        on_forecast: called with each forecast [B, H, C], scaled.
        on_errors: called with the absolute errors of each forecast, in the file's units.
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
    """Sums for the interval scores of one forecaster."""

    def __init__(self, dataset: Dataset, model: QuantileModel, bounds: Bounds) -> None:
        self.sums: IntervalSums | None = None
        self.inside: list[np.ndarray] = []  # [2, B] per part: measured values within the interval
        self.count: list[np.ndarray] = []  # [B] per part: measured values
        self.beyond_bounds = 0  # measured values outside the bounds, which no forecast can reach
        self._dataset, self._model, self._bounds = dataset, model, bounds

    def add(self, batch: Batch, forecast_scaled: np.ndarray) -> None:
        """Add the windows of a batch with their forecast [B, H, C], scaled."""
        size = max(1, MAX_QUANTILE_CELLS // (len(SCORED_QUANTILES) * forecast_scaled[0].size))
        for part, rows in batch_parts(batch, size):
            self._add_part(part, forecast_scaled[rows])

    def _add_part(self, batch: Batch, forecast_scaled: np.ndarray) -> None:
        dataset, bounds = self._dataset, self._bounds
        scaled = self._model.quantiles(SCORED_QUANTILES, forecast_scaled, batch)
        quantiles = inverse_transform_intervals(dataset, scaled, batch.series, bounds)
        truth = inverse_transform_truth(dataset, batch.target, batch.series, bounds)
        present, series = np.unique(batch.series, return_inverse=True)  # few of the series of a large panel
        sums = interval_sums(
            quantiles, SCORED_QUANTILES, truth, batch.observed, series, series_count=len(present)
        )
        self.inside.append(inside_windows(quantiles, SCORED_QUANTILES, truth, batch.observed))
        self.count.append(batch.observed.sum(axis=(1, 2)))
        self.beyond_bounds += int(((bounds.clip(truth) != truth) & batch.observed).sum())
        if self.sums is None:
            self.sums = sums.zeros(len(dataset.series.names))
        self.sums.add(sums, present)


def batch_parts(batch: Batch, size: int) -> Iterator[tuple[Batch, slice]]:
    """Yield parts of at most `size` windows of a batch, with their place in it."""
    for first in range(0, len(batch.series), size):
        rows = slice(first, first + size)
        yield Batch(**{field.name: getattr(batch, field.name)[rows] for field in fields(Batch)}), rows


def tally_forecasts(tallies: Mapping[str, IntervalTally]) -> Callable[[str, Batch, np.ndarray], None]:
    """Return the `on_forecast` of `score` that adds the forecasts of each name to its tally."""

    def on_forecast(name: str, batch: Batch, forecast_scaled: np.ndarray) -> None:
        if name in tallies:
            tallies[name].add(batch, forecast_scaled)

    return on_forecast


def is_as_good(baseline: Mapping[str, float | None], model: Mapping[str, float | None]) -> bool:
    """Return whether a baseline's MASE (else its scaled MAE) is at most half a percent above the model's."""
    for metric in ("mase", "mae_scaled"):
        baseline_score, model_score = baseline.get(metric), model.get(metric)
        if baseline_score is not None and model_score is not None:
            return baseline_score <= (1 + TIE_MARGIN) * model_score
    return False


def metric_scale(dataset: Dataset) -> metrics.MetricScale:
    """Return the divisors of the dataset's scaled scores."""
    return metrics.MetricScale(
        seasonal_error=dataset.training.seasonal_error, deviation=dataset.training.deviation
    )
