"""Forecasts in the file's units, held within their bounds."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_cli.data.dataset import Dataset


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
