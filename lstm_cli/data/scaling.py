"""Scalers with scikit-learn's names and definitions, per series and column, fitted on the training rows.

`standard`: mean and population standard deviation; `minmax`: least value and range; `robust`: median and
interquartile range; `none`: the values as they are. A column without spread is only shifted (scale 1).
See https://scikit-learn.org/stable/modules/preprocessing.html; the tests hold them equal to it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Scaler:
    """value_scaled = (value - center) / scale."""

    kind: str
    center: np.ndarray  # [S, F] float64, in the file's units
    scale: np.ndarray  # [S, F] float64, in the file's units, never 0

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "center": self.center.tolist(), "scale": self.scale.tolist()}

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> "Scaler":
        return Scaler(
            kind=stored["kind"],
            center=np.array(stored["center"], dtype=np.float64),
            scale=np.array(stored["scale"], dtype=np.float64),
        )

    def scaled(self, values: np.ndarray, series: np.ndarray | slice | int) -> np.ndarray:
        """values [..., F'] in the file's units, of the given series (one, or one for each entry of the first axis).

        Columns beyond F' are left out: the targets come first.
        """
        center, scale = self._aligned(values, series)
        return (values - center) / scale

    def unscaled(self, values_scaled: np.ndarray, series: np.ndarray | int) -> np.ndarray:
        """The inverse of `scaled`, in float64."""
        center, scale = self._aligned(values_scaled, series)
        return values_scaled.astype(np.float64) * scale + center

    def _aligned(self, values: np.ndarray, series: np.ndarray | slice | int) -> tuple[np.ndarray, np.ndarray]:
        width = values.shape[-1]
        center, scale = self.center[series, :width], self.scale[series, :width]
        if center.ndim == 2:  # one row of them for each entry of the first axis
            shape = (len(center), *(1,) * (values.ndim - 2), width)
            center, scale = center.reshape(shape), scale.reshape(shape)
        return center, scale


def fit_scaler(kind: str, training: list[np.ndarray]) -> Scaler:
    """Fits one scaler for each series and column. training: for each series [rows, F], NaN where not measured."""
    fitted = [_fit_one(kind, rows) for rows in training]
    return Scaler(
        kind=kind,
        center=np.stack([center for center, _ in fitted]),
        scale=np.stack([scale for _, scale in fitted]),
    )


def _fit_one(kind: str, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    width = rows.shape[1]
    center, scale = np.zeros(width), np.ones(width)
    if kind == "none":
        return center, scale
    for column in range(width):
        values = rows[:, column]
        values = values[~np.isnan(values)]
        if not len(values):
            continue  # nothing was measured: the column is filled with 0 and says nothing
        if kind == "standard":
            center[column], spread = _moments(values)
        elif kind == "minmax":
            center[column], spread = values.min(), _seen(np.ptp(values))
        else:
            low, center[column], high = np.percentile(values, [25, 50, 75])
            spread = _seen(high - low)
        scale[column] = spread or 1.0
    return center, scale


def _seen(spread: float) -> float:
    """0 for a spread that scikit-learn takes for rounding."""
    return spread if spread >= 10 * np.finfo(np.float64).eps else 0.0


def _moments(values: np.ndarray) -> tuple[float, float]:
    """Mean and population standard deviation, which is 0 where rounding alone can explain it.

    The bound is scikit-learn's for StandardScaler (after Chan, Golub and LeVeque 1983, "Algorithms for
    computing the sample variance").
    """
    mean = float(np.mean(values))
    variance = float(np.mean(np.square(values - mean)))
    epsilon = np.finfo(np.float64).eps
    bound = len(values) * epsilon * variance + (len(values) * mean * epsilon) ** 2
    return mean, float(np.sqrt(variance)) if variance > bound else 0.0
