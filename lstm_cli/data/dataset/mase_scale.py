"""The one score that every choice goes by: |error| in the file's units over the series' seasonal error (MASE)."""

from dataclasses import dataclass

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.scaling import inverse_logarithm


@dataclass(frozen=True, kw_only=True)
class MaseScale:
    """Turns scaled forecasts into scaled errors. Every array is [S, C]."""

    center: np.ndarray
    scale: np.ndarray
    weight: np.ndarray  # 1 / seasonal error in the file's units; 0 where a series has none
    floor: np.ndarray | None  # of targets in logarithms, as the scaler has it

    @staticmethod
    def from_dataset(dataset: Dataset) -> "MaseScale":
        """Where no series has a seasonal error, errors are taken over the training rows' deviation."""
        seasonal = dataset.training.seasonal_error
        usable = np.isfinite(seasonal) & (seasonal > 0)
        if not usable.any():
            seasonal, usable = dataset.training.deviation, np.ones_like(usable)
        return MaseScale(
            center=dataset.scaler.center[:, : dataset.targets],
            scale=dataset.scaler.scale[:, : dataset.targets],
            weight=np.where(usable, 1 / np.where(usable, seasonal, 1), 0.0),
            floor=dataset.scaler.floor,
        )

    def mase_terms(self, values_scaled: np.ndarray, series: np.ndarray) -> np.ndarray:
        """values_scaled [N, H, C] of series [N] in multiples of the seasonal error: differences of two are errors.

        float64; 0 everywhere for a series that has no seasonal error.
        """
        return self.mase_terms_of_rows(
            values_scaled, series[:, None], np.arange(self.center.shape[1])[None], axis=1
        )

    def mase_terms_of_rows(
        self, values_scaled: np.ndarray, series: np.ndarray, target: np.ndarray, axis: int = -1
    ) -> np.ndarray:
        """The same where the rows [R] of values [R, H] belong to different series [R] and targets [R]."""
        center, scale, weight = (
            np.expand_dims(figures[series, target], axis)
            for figures in (self.center, self.scale, self.weight)
        )
        values = values_scaled * scale
        if self.floor is not None:
            values = inverse_logarithm(values + center, np.expand_dims(self.floor[series, target], axis))
        return values * weight
