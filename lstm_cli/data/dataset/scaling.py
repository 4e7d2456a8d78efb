"""Scalers with scikit-learn's names and definitions, per series and column, fitted on the training rows.

`standard`: mean and population standard deviation; `minmax`: least value and range; `robust`: median and
interquartile range; `none`: the values as they are. A column without spread is only shifted (scale 1). A
scaler may take the logarithm of the targets first: then a step up and a step down by the same factor count alike.
Below a floor the logarithm goes on as the line that touches it, so that 0 and what is negative keep their values too.
See https://scikit-learn.org/stable/modules/preprocessing.html; the tests hold them equal to it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lstm_cli.data.chunks import RowSlices, row_chunks
from lstm_cli.data.parallel import ordered_map

MAX_LOG = 700.0  # a forecast that runs away stays a finite number
FLOAT32_ROUNDING = 2.0**-23  # of a number: twice what rounding it to a 32-bit float can move it


@dataclass(frozen=True, kw_only=True)
class Scaler:
    """value_scaled = (value - center) / scale, or (logarithm - center) / scale for targets that have a floor."""

    kind: str
    center: np.ndarray  # [S, F] float64, in the file's units, or their logarithm
    scale: np.ndarray  # [S, F] float64, likewise, never 0
    floor: np.ndarray | None = None  # [S, C] in the file's units: see `logarithm`

    @property
    def log_transformed(self) -> bool:
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

    def select(self, indices: np.ndarray) -> "Scaler":
        """The scaler of some of the series, in that order."""
        floor = None if self.floor is None else self.floor[indices]
        return Scaler(kind=self.kind, center=self.center[indices], scale=self.scale[indices], floor=floor)

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

    def transform(self, values: np.ndarray, series: np.ndarray | slice | int) -> np.ndarray:
        """values [..., F'] in the file's units, of the given series (one, or one for each entry of the first axis).

        Columns beyond F' are left out: the targets come first.
        """
        if self.floor is not None:
            floor = _broadcast(self.floor, values[..., : self.floor.shape[1]], series)
            values = values.astype(np.float64)  # a copy
            logged = values[..., : self.floor.shape[1]]
            logged[...] = logarithm(logged, floor)
        return (values - _broadcast(self.center, values, series)) / _broadcast(self.scale, values, series)

    def inverse_transform(self, values_scaled: np.ndarray, series: np.ndarray | int) -> np.ndarray:
        """Return the inverse of `scaled`, in float64.

        What 32-bit floats cannot tell from 0 is 0: a 0 comes back as the 0 of the file.
        """
        values = values_scaled.astype(np.float64)  # a copy
        values *= _broadcast(self.scale, values, series)
        values += _broadcast(self.center, values, series)
        if self.floor is not None:
            logged = values[..., : self.floor.shape[1]]
            logged[...] = inverse_logarithm(logged, _broadcast(self.floor, logged, series))
        near = np.abs(values) <= _broadcast(self._spacing_at_zero, values, series)
        np.copyto(values, 0.0, where=near)
        return values

    @cached_property
    def _spacing_at_zero(self) -> np.ndarray:
        return self.float32_spacing(np.zeros(self.center.shape[1]))

    def float32_spacing(self, values: np.ndarray) -> np.ndarray:
        """Return how far from `values` [F'], in the file's units, 32-bit scaled values may come back: [S, F'].

        A logarithm is taken of values that were 32-bit floats before, so both roundings count.
        """
        width = values.shape[-1]
        center = self.center[:, :width]
        apart = np.abs(values - center)
        if self.floor is not None:
            floor = self.floor[:, :width]
            targets = floor.shape[1]
            logs, middle = logarithm(values[:targets], floor), center[:, :targets]
            slope = np.maximum(values[:targets], floor)  # of the inverse: units for a step of the logarithm
            before = np.abs(values[:targets] - inverse_logarithm(middle, floor))
            apart[:, :targets] = slope * np.abs(logs - middle) + before
        return FLOAT32_ROUNDING * apart


def logarithm(values: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """log(value) at or above the floor (above 0), and below it the line that touches the logarithm there."""
    return np.where(values >= floor, np.log(np.maximum(values, floor)), np.log(floor) + values / floor - 1)


def inverse_logarithm(logs: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """The inverse of `logarithm`."""
    level = np.log(floor)
    return np.where(logs >= level, np.exp(np.minimum(logs, MAX_LOG)), floor * (1 + logs - level))


def _broadcast(figures: np.ndarray, values: np.ndarray, series: np.ndarray | slice | int) -> np.ndarray:
    """figures [S, F] of the given series, shaped so that they go with values [..., F']."""
    width = values.shape[-1]
    chosen = figures[series, :width]
    if chosen.ndim == 2:  # one row of them for each entry of the first axis
        chosen = chosen.reshape(len(chosen), *(1,) * (values.ndim - 2), width)
    return chosen


def fit_scaler(kind: str, training: Sequence[RowSlices]) -> Scaler:
    """Fits one scaler for each series and column. training: for each series [rows, F], NaN where not measured."""
    fitted = [_fit_series(kind, rows) for rows in training]
    return Scaler(
        kind=kind,
        center=np.stack([center for center, _ in fitted]),
        scale=np.stack([scale for _, scale in fitted]),
    )


def _fit_series(kind: str, rows: RowSlices) -> tuple[np.ndarray, np.ndarray]:
    width = rows.shape[1]
    center, spread = np.zeros(width), np.ones(width)
    if kind == "standard":
        center, spread = _moments(rows)
    elif kind == "minmax":
        least, greatest = column_ranges(rows)
        center, spread = least, _drop_rounding(greatest - least)
    elif kind == "robust":
        for column in range(width):
            values = np.concatenate(
                [rows[span][:, column] for span in row_chunks(len(rows))] or [np.zeros(0)]
            )
            values = values[~np.isnan(values)]
            if len(values):
                low, center[column], high = np.percentile(values, [25, 50, 75])
                spread[column] = _drop_rounding(high - low)
    # A column of which nothing was measured is filled with 0 and says nothing.
    return np.where(np.isnan(center), 0.0, center), np.where(np.isnan(spread) | (spread == 0), 1.0, spread)


def column_ranges(rows: RowSlices) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest value of each column of rows [T, F]; NaN where nothing was measured."""
    least, greatest = np.full(rows.shape[1], np.nan), np.full(rows.shape[1], np.nan)

    def of(span: slice) -> tuple[np.ndarray, np.ndarray]:
        piece = rows[span]
        return np.fmin.reduce(piece, axis=0), np.fmax.reduce(piece, axis=0)

    for low, high in ordered_map(of, row_chunks(len(rows))):
        least, greatest = np.fmin(least, low), np.fmax(greatest, high)
    return least, greatest


def _drop_rounding(spread: np.ndarray) -> np.ndarray:
    """0 for a spread that scikit-learn takes for rounding."""
    return np.where(spread < 10 * np.finfo(np.float64).eps, 0.0, spread)


def _moments(rows: RowSlices) -> tuple[np.ndarray, np.ndarray]:
    """Mean and population standard deviation [F], which is 0 where rounding alone can explain it; NaN: no value.

    The bound is scikit-learn's for StandardScaler (after Chan, Golub and LeVeque 1983, "Algorithms for
    computing the sample variance").
    """
    count, mean = column_means(rows, lambda piece: piece)
    _, variance = column_means(rows, lambda piece: np.square(piece - mean))
    epsilon = np.finfo(np.float64).eps
    bound = count * epsilon * variance + (count * mean * epsilon) ** 2
    return mean, np.where(variance <= bound, 0.0, np.sqrt(variance))


def column_means(rows: RowSlices, func: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """How many values of each column [F] were measured, and the mean of `what` is made of them; NaN: of none."""
    count, total = np.zeros(rows.shape[1]), np.zeros(rows.shape[1])
    for some, sums in ordered_map(lambda span: column_sums(func(rows[span])), row_chunks(len(rows))):
        count, total = count + some, total + sums
    return count, np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)


def column_sums(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many values of each column of [n, F] are not NaN, and their sums; as exact as NumPy's of one column."""
    measured = ~np.isnan(values)
    if measured.all():
        counts = np.full(values.shape[1], float(len(values)))
    else:
        counts, values = measured.sum(axis=0, dtype=np.float64), np.where(measured, values, 0.0)
    # NumPy adds rows one after another: a few at a time, the rounding errors stay those of few.
    whole = len(values) // 128 * 128
    blocks = values[:whole].reshape(-1, 128, values.shape[1]).sum(axis=1)
    return counts, np.concatenate([blocks, values[whole:].sum(axis=0)[None]]).sum(axis=0)
