"""Forecasts over windows and their errors, in the file's units: one way for every step that scores."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_cli import metrics
from lstm_cli.baselines import Linear, naive, seasonal_naive
from lstm_cli.data.dataset import Dataset
from lstm_cli.data.windows import Batch, Windows, split_windows

BATCH = 512  # windows forecast at a time; int8 results depend on it, since activations are scaled by batch
Forecaster = Callable[[Batch], np.ndarray]  # windows -> [B, H, C] scaled


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What no forecast leaves, in the file's units; -inf and inf where there is no bound."""

    lower: np.ndarray  # [C]
    upper: np.ndarray  # [C]

    def clip(self, forecast: np.ndarray) -> np.ndarray:
        """forecast [..., C] in the file's units, held within the bounds."""
        return np.clip(forecast, self.lower, self.upper)

    def to_dict(self) -> dict[str, Any]:
        return {
            name: [float(bound) if np.isfinite(bound) else None for bound in value]
            for name, value in vars(self).items()
        }

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> "Bounds":
        def read(side: str, none: float) -> np.ndarray:
            return np.array([none if bound is None else bound for bound in stored[side]])

        return Bounds(lower=read("lower", -np.inf), upper=read("upper", np.inf))


def in_units(dataset: Dataset, forecast_scaled: np.ndarray, series: np.ndarray, bounds: Bounds) -> np.ndarray:
    """A scaled forecast [N, H, C] of series [N] in the file's units, within the bounds; float64."""
    return bounds.clip(dataset.in_units(forecast_scaled, series))


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
