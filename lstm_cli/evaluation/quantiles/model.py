"""Interface of the quantiles of a forecast: learned, symmetric, or those of a baseline."""

from collections.abc import Sequence
from typing import Any, Protocol, Self

import numpy as np

from lstm_cli.data.dataset.windows import Batch


class QuantileModel(Protocol):
    """Quantiles of a forecast."""

    def quantiles(
        self, probabilities: Sequence[float], forecast_scaled: np.ndarray, batch: Batch
    ) -> np.ndarray:
        """Return quantiles [Q, N, H, C], scaled.

        Args:
            probabilities: Q probabilities.
            forecast_scaled: [N, H, C].
            batch: windows of the forecast.
        """


class CalibratedQuantiles(QuantileModel, Protocol):
    """Quantiles of a model, as a run stores them."""

    @property
    def symmetric(self) -> bool:
        """Return whether all intervals are as wide below the forecast as above it."""

    @property
    def supported(self) -> tuple[float, float]:
        """Return the lowest and the highest quantile that the calibration supports."""

    @property
    def growth(self) -> tuple[float, ...]:
        """Return the error of blocks 2, 3, … of the trained horizon, divided by that of block 1."""

    @property
    def horizons(self) -> float:
        """Return the number of independent horizons of the calibration."""

    def for_series(self, names: Sequence[str]) -> Self:
        """Return the quantiles for a dataset with these series."""

    def require_shape(self, *, series: int, targets: int, horizon: int) -> None:
        """Raise ValueError unless the arrays fit a model.

        Args:
            series: number of its series.
            targets: number of its targets.
            horizon: its trained horizon in steps.
        """

    def to_dict(self) -> dict[str, Any]:
        """Return what `intervals.json` stores."""
