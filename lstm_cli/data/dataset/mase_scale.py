"""Score of all choices: |error| in the file's units divided by the seasonal error of the series (MASE)."""

from dataclasses import dataclass

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.scaling import inverse_logarithm


@dataclass(frozen=True, kw_only=True)
class MaseScale:
    """Scale that turns scaled forecasts into MASE terms. Each array is [S, C]."""

    center: np.ndarray
    scale: np.ndarray
    weight: np.ndarray  # 1 / seasonal error in the file's units; 0 if a series has none
    floor: np.ndarray | None  # floor of the log transform, see `Scaler`

    @staticmethod
    def from_dataset(dataset: Dataset) -> "MaseScale":
        """Return the scale of a dataset; if no series has a seasonal error, the training deviation is used instead."""
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
        """Return scaled values in multiples of the seasonal error, float64; differences of terms are errors.

        All terms of a series without a seasonal error are 0. values_scaled: [N, H, C]. series: [N].
        """
        return self.mase_terms_of_rows(
            values_scaled, series[:, None], np.arange(self.center.shape[1])[None], axis=1
        )

    def mase_terms_of_rows(
        self, values_scaled: np.ndarray, series: np.ndarray, target: np.ndarray, axis: int = -1
    ) -> np.ndarray:
        """Return the MASE terms of rows of different series and targets.

        Args:
            values_scaled: [R, H].
            series: [R] series of each row.
            target: [R] target of each row.
            axis: axis that the figures of a row are repeated along.
        """
        center, scale, weight = (
            np.expand_dims(figures[series, target], axis)
            for figures in (self.center, self.scale, self.weight)
        )
        values = values_scaled * scale
        if self.floor is not None:
            values = inverse_logarithm(values + center, np.expand_dims(self.floor[series, target], axis))
        return values * weight
