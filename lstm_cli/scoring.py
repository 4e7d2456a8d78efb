"""Forecasts over windows and their errors, in the file's units: one way for every step that scores."""

from collections.abc import Callable, Mapping

import numpy as np

from lstm_cli import metrics
from lstm_cli.baselines import Linear, naive, seasonal_naive
from lstm_cli.data.clamp import Bounds, in_units
from lstm_cli.data.dataset import Dataset
from lstm_cli.data.windows import Batch, Windows, split_windows
from lstm_cli.intervals import Held, Intervals, held

BATCH = 512  # windows forecast at a time; int8 results depend on it, since activations are scaled by batch
Forecaster = Callable[[Batch], np.ndarray]  # windows -> [B, H, C] scaled


def simple_forecasters(dataset: Dataset, linear: Linear) -> dict[str, Forecaster]:
    """naive, seasonal_naive (where there is a season) and linear."""
    horizon, targets, season = dataset.schema.horizon, dataset.targets, dataset.schema.season
    found: dict[str, Forecaster] = {"naive": lambda batch: naive(batch.past, horizon, targets)}
    if dataset.schema.seasons:
        found["seasonal_naive"] = lambda batch: seasonal_naive(
            batch.past, batch.mask, horizon, targets, season
        )
    found["linear"] = lambda batch: linear(batch.past, batch.mask)
    return found


def shortened(session: Callable[..., np.ndarray], lookback: int) -> Forecaster:
    """A model that looks back `lookback` steps as a forecaster over windows that may look back further."""
    return lambda batch: session(batch.past[:, -lookback:], batch.future, batch.mask[:, -lookback:])


def scored_windows(dataset: Dataset, split: str, lookback: int, linear: Linear) -> Windows:
    """The windows of a split, looking back as far as the model and every simple forecast need."""
    return split_windows(dataset, split, max(lookback, linear.lookback, dataset.schema.season))


def unwatched(name: str, batch: Batch, forecast_scaled: np.ndarray) -> None:
    """What `score` shows its forecasts to where nobody watches."""


def score(
    windows: Windows,
    forecasters: Mapping[str, Forecaster],
    bounds: Bounds,
    *,
    progress: Callable[[int], None] = lambda done: None,
    watch: Callable[[str, Batch, np.ndarray], None] = unwatched,
) -> dict[str, metrics.Errors]:
    """The errors of each forecaster over the same windows, every one of them; `watch` sees each forecast."""
    dataset, of = windows.dataset, len(windows.dataset.series.names)
    sums: dict[str, metrics.Errors] = {}
    done = 0
    for batch in windows.batches(BATCH):
        truth = dataset.in_units(batch.target, batch.series)
        for name, forecast in forecasters.items():
            scaled = forecast(batch)
            watch(name, batch, scaled)
            found = metrics.errors(
                in_units(dataset, scaled, batch.series, bounds),
                truth,
                batch.observed,
                batch.series,
                of=of,
            )
            sums[name] = sums[name] + found if name in sums else found
        done += len(batch.series)
        progress(done)
    return sums


def ends_in_units(
    dataset: Dataset, intervals: Intervals, forecast_scaled: np.ndarray, batch: Batch, bounds: Bounds
) -> np.ndarray:
    """The intervals around a scaled forecast [N, H, C]: their ends [4, N, H, C] in the file's units, clipped as it."""
    ends = intervals.around(forecast_scaled, batch.past, batch.mask)
    return np.stack([in_units(dataset, end, batch.series, bounds) for end in ends])


class IntervalTally:
    """Sums up, as `watch` of `score`, how the intervals around one forecaster's forecasts held."""

    def __init__(self, dataset: Dataset, intervals: Intervals, bounds: Bounds, *, of: str) -> None:
        self.sums: Held | None = None
        self._dataset, self._intervals, self._bounds, self._of = dataset, intervals, bounds, of

    def __call__(self, name: str, batch: Batch, forecast_scaled: np.ndarray) -> None:
        if name != self._of:
            return
        dataset = self._dataset
        found = held(
            ends_in_units(dataset, self._intervals, forecast_scaled, batch, self._bounds),
            in_units(dataset, forecast_scaled, batch.series, self._bounds),
            dataset.in_units(batch.target, batch.series),
            batch.observed,
            batch.series,
            of=len(dataset.series.names),
        )
        self.sums = found if self.sums is None else self.sums + found


def scale_of(dataset: Dataset) -> metrics.Scale:
    """What the dataset's scores are divided by."""
    return metrics.Scale(seasonal_error=dataset.training.seasonal_error, deviation=dataset.training.deviation)
