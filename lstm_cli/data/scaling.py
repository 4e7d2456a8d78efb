"""Scalers with scikit-learn's names and definitions, per series and column, fitted on the training rows.

`standard`: mean and population standard deviation; `minmax`: least value and range; `robust`: median and
interquartile range; `none`: the values as they are. A column without spread is only shifted (scale 1). A
scaler may take the logarithm of the targets first: then a step up and a step down by the same factor count alike.
Below a floor the logarithm goes on as the line that touches it, so that 0 and what is negative keep their values too.
See https://scikit-learn.org/stable/modules/preprocessing.html; the tests hold them equal to it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

LARGEST_LOG = 700.0  # a forecast that runs away stays a finite number


@dataclass(frozen=True, kw_only=True)
class Scaler:
    """value_scaled = (value - center) / scale, or (logarithm - center) / scale for targets that have a floor."""

    kind: str
    center: np.ndarray  # [S, F] float64, in the file's units, or their logarithm
    scale: np.ndarray  # [S, F] float64, likewise, never 0
    floor: np.ndarray | None = None  # [S, C] in the file's units: see `logarithm`

    @property
    def in_logs(self) -> bool:
        """Whether the targets are scaled by their logarithm."""
        return self.floor is not None

    def equals(self, other: "Scaler") -> bool:
        """Whether both scale alike."""
        floor, others = (np.zeros(0) if one.floor is None else one.floor for one in (self, other))
        return (
            np.array_equal(self.center, other.center)
            and np.array_equal(self.scale, other.scale)
            and np.array_equal(floor, others)
        )

    def taken(self, places: np.ndarray) -> "Scaler":
        """The scaler of some of the series, in that order."""
        floor = None if self.floor is None else self.floor[places]
        return Scaler(kind=self.kind, center=self.center[places], scale=self.scale[places], floor=floor)

    def to_dict(self) -> dict[str, Any]:
        stored = {"kind": self.kind, "center": self.center.tolist(), "scale": self.scale.tolist()}
        return stored if self.floor is None else stored | {"floor": self.floor.tolist()}

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> "Scaler":
        return Scaler(
            kind=stored["kind"],
            center=np.array(stored["center"], dtype=np.float64),
            scale=np.array(stored["scale"], dtype=np.float64),
            floor=np.array(stored["floor"], dtype=np.float64) if "floor" in stored else None,
        )

    def scaled(self, values: np.ndarray, series: np.ndarray | slice | int) -> np.ndarray:
        """values [..., F'] in the file's units, of the given series (one, or one for each entry of the first axis).

        Columns beyond F' are left out: the targets come first.
        """
        if self.floor is not None:
            floor = _aligned(self.floor, values[..., : self.floor.shape[1]], series)
            values = values.astype(np.float64)  # a copy
            logged = values[..., : self.floor.shape[1]]
            logged[...] = logarithm(logged, floor)
        return (values - _aligned(self.center, values, series)) / _aligned(self.scale, values, series)

    def unscaled(self, values_scaled: np.ndarray, series: np.ndarray | int) -> np.ndarray:
        """The inverse of `scaled`, in float64."""
        values = values_scaled.astype(np.float64)  # a copy
        values *= _aligned(self.scale, values, series)
        values += _aligned(self.center, values, series)
        if self.floor is not None:
            logged = values[..., : self.floor.shape[1]]
            logged[...] = from_logarithm(logged, _aligned(self.floor, logged, series))
        return values


def logarithm(values: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """log(value) at or above the floor (above 0), and below it the line that touches the logarithm there."""
    return np.where(values >= floor, np.log(np.maximum(values, floor)), np.log(floor) + values / floor - 1)


def from_logarithm(logs: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """The inverse of `logarithm`."""
    level = np.log(floor)
    return np.where(logs >= level, np.exp(np.minimum(logs, LARGEST_LOG)), floor * (1 + logs - level))


def _aligned(figures: np.ndarray, values: np.ndarray, series: np.ndarray | slice | int) -> np.ndarray:
    """figures [S, F] of the given series, shaped so that they go with values [..., F']."""
    width = values.shape[-1]
    chosen = figures[series, :width]
    if chosen.ndim == 2:  # one row of them for each entry of the first axis
        chosen = chosen.reshape(len(chosen), *(1,) * (values.ndim - 2), width)
    return chosen


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
