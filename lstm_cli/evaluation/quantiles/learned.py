"""Quantiles of a forecast that are learned from its errors, asymmetric and different for each window; NumPy only.

A quantile is the forecast plus a number of scales. The scale of a cell is the product of

- the spread of the window (`intervals.local_scale`),
- the mean error at the step ahead, in spreads,
- the mean error of the series and target, relative to the others.

The numbers are quantiles of errors / scale on validation and training windows, the knots. A small network
(`network.py`) moves and stretches them for the window, if it made the quantiles of the validation windows better.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from lstm_cli.data.dataset.windows import Batch
from lstm_cli.data.stored_types import checked, require_numbers
from lstm_cli.evaluation.quantiles.features import window_features
from lstm_cli.evaluation.quantiles.intervals import Intervals, local_scale
from lstm_cli.evaluation.quantiles.network import QuantileNetwork

# Probabilities of the knots. Between two knots, a quantile is linear in the log-odds of its probability.
KNOTS = (0.005, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.995)
MEDIAN = KNOTS.index(0.5)
CHUNK_CELLS = 250_000  # windows x steps x targets whose features are computed at a time


@dataclass(frozen=True, kw_only=True)
class LearnedQuantiles:
    """Calibrated quantiles, fitted by `fit_quantiles`."""

    intervals: Intervals  # spread of a window, growth of the error beyond the trained horizon
    knots: np.ndarray  # [K] float64: quantiles of errors / scale at KNOTS
    step_scale: np.ndarray  # [H] float64: mean error at each step, relative to the mean over all steps
    series_scale: np.ndarray  # [S, C] float64: mean error of each series and target, relative to the others
    series: tuple[str, ...]  # names of the S series
    rows: float  # rows of validation and training targets, over all series
    network: QuantileNetwork | None = None
    share: float = 0.0  # of the correction by the network that is applied, from 0 to 1

    @property
    def symmetric(self) -> bool:
        """Return whether all intervals are as wide below the forecast as above it."""
        return False

    @property
    def growth(self) -> tuple[float, ...]:
        """Return the error of blocks 2, 3, … of the trained horizon, divided by that of block 1."""
        return self.intervals.growth

    @property
    def horizons(self) -> float:
        """Return the number of independent horizons of the calibration."""
        return self.intervals.horizons

    @property
    def supported(self) -> tuple[float, float]:
        """Return the lowest and the highest quantile that the calibration supports.

        The largest of n errors is the quantile n / (n + 1) of a new one.
        """
        lowest = max(KNOTS[0], 1 / (self.rows + 1))
        return lowest, 1 - lowest

    def for_series(self, names: Sequence[str]) -> "LearnedQuantiles":
        """Return the quantiles for a dataset with other series, or another order; a new series has the scale 1."""
        if tuple(names) == self.series:
            return self
        place = {name: index for index, name in enumerate(self.series)}
        scale = np.ones((len(names), self.series_scale.shape[1]))
        for index, name in enumerate(names):
            if name in place:
                scale[index] = self.series_scale[place[name]]
        return replace(self, series=tuple(names), series_scale=scale)

    def quantiles(
        self, probabilities: Sequence[float], forecast_scaled: np.ndarray, batch: Batch
    ) -> np.ndarray:
        """Return quantiles [Q, N, steps, C] of the forecast, float64, scaled. They never cross.

        Args:
            probabilities: Q probabilities between 0 and 1.
            forecast_scaled: [N, steps, C]; there may be more or fewer steps than H.
            batch: windows of the forecast, with at least `intervals.lookback` steps.
        """
        spread = self.spread(batch)
        scale = spread[:, None] * self.step_scales(forecast_scaled.shape[1])[None, :, None]
        scale = scale * self.series_scale[batch.series][:, None]
        corrections = self._corrections(forecast_scaled, batch, spread)
        shift, low, high = corrections[..., 0], corrections[..., 1], corrections[..., 2]
        low, high = np.exp(low), np.exp(high)
        middle = forecast_scaled + scale * (self.knots[MEDIAN] + shift)
        numbers = self._scales(tuple(probabilities))[:, None, None, None]
        quantiles = np.where(numbers < 0, low, high)
        quantiles *= scale
        quantiles *= numbers
        quantiles += middle
        return np.asarray(quantiles)

    @cached_property
    def _scales(self) -> Callable[[tuple[float, ...]], np.ndarray]:
        """Return the function from probabilities [Q] to the numbers of scales [Q] above the median, which it keeps."""

        def number_of_scales(probabilities: tuple[float, ...]) -> np.ndarray:
            return np.interp(log_odds(probabilities), KNOT_ODDS, self.knots - self.knots[MEDIAN])

        return lru_cache(maxsize=16)(number_of_scales)

    def spread(self, batch: Batch) -> np.ndarray:
        """Return the spread [N, C] of the windows."""
        fitted, targets = self.intervals, self.series_scale.shape[1]
        past, mask = batch.past[:, -fitted.lookback :, :targets], batch.mask[:, -fitted.lookback :]
        return np.maximum(local_scale(past, mask, fitted.season), fitted.floor)

    def step_scales(self, steps: int) -> np.ndarray:
        """Return the scale [steps] of each step ahead, which grows beyond the trained horizon."""
        horizon = len(self.step_scale)
        if steps <= horizon:
            return self.step_scale[:steps]
        wider = self.step_scale.mean() * self.intervals.growth_at(np.arange(horizon + 1, steps + 1))
        return np.concatenate([self.step_scale, np.maximum(wider, self.step_scale[-1])])

    def _corrections(self, forecast_scaled: np.ndarray, batch: Batch, spread: np.ndarray) -> np.ndarray:
        """Return shift, low and high [N, steps, C, 3] of each cell; 0 without a network."""
        if self.network is None:
            return np.zeros((*forecast_scaled.shape, 3))
        parts = []
        fitted, targets = self.intervals, forecast_scaled.shape[2]
        size = max(1, CHUNK_CELLS // forecast_scaled[0].size)
        for first in range(0, len(forecast_scaled), size):
            rows = slice(first, first + size)
            features = window_features(
                forecast_scaled[rows],
                batch.past[rows, -fitted.lookback :, :targets],
                batch.mask[rows, -fitted.lookback :],
                spread[rows],
                season=fitted.season,
                horizon=len(self.step_scale),
                steps=np.arange(forecast_scaled.shape[1]),
            )
            parts.append(self.share * self.network(features))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def require_shape(self, *, series: int, targets: int, horizon: int) -> None:
        """Raise ValueError unless the arrays fit a model.

        Args:
            series: number of its series.
            targets: number of its targets.
            horizon: its trained horizon in steps.
        """
        self.intervals.require_shape(series=series, targets=targets, horizon=horizon)
        require_numbers(self.knots, shape=(len(KNOTS),))
        require_numbers(self.step_scale, shape=(horizon,), above=-1)
        require_numbers(self.series_scale, shape=(len(self.series), targets), above=-1)
        if len(self.series) != series:
            raise ValueError("the number of series is not that of the model")

    def to_dict(self) -> dict[str, Any]:
        return {
            "version": 2,
            "knots": dict(zip(map(str, KNOTS), self.knots.tolist(), strict=True)),
            "step_scale": self.step_scale.tolist(),
            "series": list(self.series),
            "series_scale": self.series_scale.tolist(),
            "rows": self.rows,
            "share": self.share,
            "network": None if self.network is None else self.network.to_dict(),
            "intervals": self.intervals.to_dict(),
        }

    @staticmethod
    def from_dict(stored: Mapping[str, Any]) -> "LearnedQuantiles":
        network = stored["network"]
        learned = LearnedQuantiles(
            intervals=Intervals.from_dict(stored["intervals"]),
            knots=np.array([stored["knots"][str(probability)] for probability in KNOTS], dtype=np.float64),
            step_scale=np.array(stored["step_scale"], dtype=np.float64),
            series=tuple(stored["series"]),
            series_scale=np.array(stored["series_scale"], dtype=np.float64),
            rows=float(stored["rows"]),
            share=float(stored["share"]),
            network=None if network is None else QuantileNetwork.from_dict(network),
        )
        require_numbers(np.array([learned.rows]), shape=(None,), above=0)
        require_numbers(np.array([learned.share]), shape=(None,))
        return checked(learned)


def quantiles_from_dict(stored: Mapping[str, Any]) -> LearnedQuantiles | Intervals:
    """Return the calibrated quantiles of a run. Version 1 is that of symmetric intervals, as in release 0.1.0."""
    return Intervals.from_dict(dict(stored)) if stored["version"] == 1 else LearnedQuantiles.from_dict(stored)


def log_odds(probabilities: Sequence[float]) -> np.ndarray:
    """Return log(p / (1 - p)) of each probability."""
    values = np.array(probabilities)
    return np.asarray(np.log(values / (1 - values)))


KNOT_ODDS = log_odds(KNOTS)
