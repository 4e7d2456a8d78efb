"""Forecasts over windows and their errors, in the file's units: one way for every step that scores."""

from collections.abc import Callable, Mapping

import numpy as np

from lstm_cli import metrics
from lstm_cli.baselines import Linear, naive, seasonal_naive
from lstm_cli.data.clamp import Bounds, in_units
from lstm_cli.data.dataset import Dataset
from lstm_cli.data.windows import Batch, Windows, split_windows

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


def score(
    windows: Windows,
    forecasters: Mapping[str, Forecaster],
    bounds: Bounds,
    *,
    progress: Callable[[int], None] = lambda done: None,
) -> dict[str, metrics.Errors]:
    """The errors of each forecaster over the same windows, every one of them."""
    dataset, of = windows.dataset, len(windows.dataset.series.names)
    sums: dict[str, metrics.Errors] = {}
    done = 0
    for batch in windows.batches(BATCH):
        truth = dataset.in_units(batch.target, batch.series)
        for name, forecast in forecasters.items():
            found = metrics.errors(
                in_units(dataset, forecast(batch), batch.series, bounds),
                truth,
                batch.observed,
                batch.series,
                of=of,
            )
            sums[name] = sums[name] + found if name in sums else found
        done += len(batch.series)
        progress(done)
    return sums


def scale_of(dataset: Dataset) -> metrics.Scale:
    """What the dataset's scores are divided by."""
    return metrics.Scale(seasonal_error=dataset.training.seasonal_error, deviation=dataset.training.deviation)
