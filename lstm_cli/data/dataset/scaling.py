"""Scalers with the names and definitions of scikit-learn, per series and column, fitted on the training rows.

`standard`: mean and population standard deviation. `minmax`: minimum and range. `robust`: median and interquartile
range. `none`: unchanged values. A column without spread is only shifted (scale 1). A column of 0 and 1 that stands for
a category has the mean and the deviation of all series together, so that 1 is the same number in each.

A scaler may first take the logarithm of the targets, so that steps up and down by the same factor have the same size.
Below a floor, the tangent of the logarithm at the floor replaces it, so that zero and negative values can be scaled
too.
See https://scikit-learn.org/stable/modules/preprocessing.html; the tests compare the results with scikit-learn.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lstm_cli.data.chunks import RowSlices, SeriesPieces, row_chunks, series_pieces
from lstm_cli.data.parallel import ordered_map
from lstm_cli.data.stored_types import checked, require_numbers

MAX_LOG = 700.0  # keeps a diverging forecast finite
MIN_INDICATOR_SCALE = 0.2  # least scale of a column of 0 and 1, so that a rare 1 is no outlier
FLOAT32_ROUNDING = 2.0**-23  # relative; twice the largest rounding error of a 32-bit float


@dataclass(frozen=True, kw_only=True)
class Scaler:
    """Scaler: value_scaled = (value - center) / scale; targets with a floor use the logarithm of the value."""

    kind: str
    center: np.ndarray  # [S, F] float64, in the file's units, or in units of their logarithm
    scale: np.ndarray  # [S, F] float64, in the units of center, never 0
    floor: np.ndarray | None = None  # [S, C] in the file's units: see `logarithm`

    @property
    def log_transformed(self) -> bool:
        """Return whether the targets are scaled by their logarithm."""
        return self.floor is not None

    def equals(self, other: "Scaler") -> bool:
        """Return whether both scalers give the same scaled values."""
        own_floor, other_floor = (
            np.zeros(0) if scaler.floor is None else scaler.floor for scaler in (self, other)
        )
        return (
            np.array_equal(self.center, other.center)
            and np.array_equal(self.scale, other.scale)
            and np.array_equal(own_floor, other_floor)
        )

    def select(self, indices: np.ndarray) -> "Scaler":
        """Return the scaler of the series at `indices`, in that order."""
        floor = None if self.floor is None else self.floor[indices]
        return Scaler(kind=self.kind, center=self.center[indices], scale=self.scale[indices], floor=floor)

    def to_dict(self) -> dict[str, Any]:
        stored = {"kind": self.kind, "center": self.center.tolist(), "scale": self.scale.tolist()}
        return stored if self.floor is None else stored | {"floor": self.floor.tolist()}

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> "Scaler":
        scaler = Scaler(
            kind=stored["kind"],
            center=np.array(stored["center"], dtype=np.float64),
            scale=np.array(stored["scale"], dtype=np.float64),
            floor=np.array(stored["floor"], dtype=np.float64) if "floor" in stored else None,
        )
        checked(scaler)
        require_numbers(scaler.center, shape=(None, None))
        require_numbers(scaler.scale, shape=scaler.center.shape, above=0)
        if scaler.floor is not None:
            require_numbers(scaler.floor, shape=(len(scaler.center), None), above=0)
        return scaler

    def transform(self, values: np.ndarray, series: np.ndarray | slice | int) -> np.ndarray:
        """Return scaled values [..., F'] of the given series: one, or one for each entry of the first axis.

        values: [..., F'] in the file's units. The targets come first; columns beyond F' are left out.
        """
        if self.floor is not None:
            floor = _broadcast(self.floor, values[..., : self.floor.shape[1]], series)
            values = values.astype(np.float64)  # a copy
            logged = values[..., : self.floor.shape[1]]
            logged[...] = logarithm(logged, floor)
        return (values - _broadcast(self.center, values, series)) / _broadcast(self.scale, values, series)

    def inverse_transform(self, values_scaled: np.ndarray, series: np.ndarray | int) -> np.ndarray:
        """Return the inverse of `transform`, in float64.

        Results that 32-bit floats cannot distinguish from 0 become 0, so that a 0 of the file comes back as 0.
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
        """Return the largest rounding error [S, F'] of 32-bit scaled values near `values` [F'], in the file's units."""
        everywhere = np.broadcast_to(values, (len(self.center), values.shape[-1]))
        return self.float32_spacings(everywhere, slice(None))

    def float32_spacings(self, values: np.ndarray, series: np.ndarray | slice) -> np.ndarray:
        """Return the largest rounding error of each 32-bit scaled value, in the file's units and the shape of `values`.

        With a log transform, the values were 32-bit floats before the logarithm, so both roundings count.

        Args:
            values: [N, ..., F'] in the file's units, targets first.
            series: [N] series of each entry of the first axis.
        """
        distances: np.ndarray = np.abs(values - _broadcast(self.center, values, series))
        if self.floor is not None:
            targets = values[..., : self.floor.shape[1]]
            floor, middle = (_broadcast(side, targets, series) for side in (self.floor, self.center))
            slope = np.maximum(targets, floor)  # of the inverse: units per step of the logarithm
            # The center of the values before the logarithm is not known.
            distance = np.maximum(np.abs(targets), np.abs(targets - inverse_logarithm(middle, floor)))
            logs = np.abs(logarithm(targets, floor) - middle)
            distances[..., : targets.shape[-1]] = slope * logs + distance
        return FLOAT32_ROUNDING * distances


def logarithm(values: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Return log(value) at or above the floor (above 0), and below it the tangent of the logarithm at the floor."""
    return np.where(values >= floor, np.log(np.maximum(values, floor)), np.log(floor) + values / floor - 1)


def inverse_logarithm(logs: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Return the inverse of `logarithm`."""
    level = np.log(floor)
    return np.where(logs >= level, np.exp(np.minimum(logs, MAX_LOG)), floor * (1 + logs - level))


def _broadcast(figures: np.ndarray, values: np.ndarray, series: np.ndarray | slice | int) -> np.ndarray:
    """Return figures [S, F] of the given series, shaped to broadcast against values [..., F']."""
    width = values.shape[-1]
    chosen = figures[series, :width]
    if chosen.ndim == 2:  # one row for each entry of the first axis
        chosen = chosen.reshape(len(chosen), *(1,) * (values.ndim - 2), width)
    return chosen


def fit_scaler(kind: str, training: Sequence[RowSlices], *, indicators: np.ndarray | None = None) -> Scaler:
    """Return a scaler fitted to each series and column; a column of 0 and 1 has one scale for all series.

    Args:
        kind: value of `--scaler`.
        training: for each series [rows, F], NaN where not measured.
        indicators: [F] bool, columns of 0 and 1; None: no column.
    """
    center, spread = _fit(kind, training)
    # A column without measured values is filled with 0.
    center = np.where(np.isnan(center), 0.0, center)
    scale = np.where(np.isnan(spread) | (spread == 0), 1.0, spread)
    if indicators is not None and indicators.any() and kind != "none":
        share = _pooled_means(training)[indicators]
        center[:, indicators] = share
        scale[:, indicators] = np.maximum(np.sqrt(share * (1 - share)), MIN_INDICATOR_SCALE)
    return Scaler(kind=kind, center=center, scale=scale)


def _pooled_means(training: Sequence[RowSlices]) -> np.ndarray:
    """Return the mean [F] of the measured values of all series; 0 without any."""
    counts, means = column_means(training, lambda piece: piece.values)
    total = counts.sum(axis=0)
    pooled: np.ndarray = (counts * np.nan_to_num(means)).sum(axis=0) / np.maximum(total, 1)
    return pooled


def _fit(kind: str, training: Sequence[RowSlices]) -> tuple[np.ndarray, np.ndarray]:
    """Return the center and the spread [S, F] of each series; NaN for a column without measured values."""
    if kind == "standard":
        return _moments(training)
    if kind == "minmax":
        minimum, maximum = column_ranges(training)
        return minimum, _drop_rounding(maximum - minimum)
    if kind == "robust":
        center, spread = (np.stack(figures) for figures in zip(*map(_quartiles, training), strict=True))
        return center, spread
    shape = len(training), training[0].shape[1]
    return np.zeros(shape), np.ones(shape)


def _quartiles(rows: RowSlices) -> tuple[np.ndarray, np.ndarray]:
    """Return the median and the interquartile range [F] of rows [T, F]; NaN for a column without measured values."""
    center, spread = np.full(rows.shape[1], np.nan), np.full(rows.shape[1], np.nan)
    for column in range(rows.shape[1]):
        values = np.concatenate([rows[span][:, column] for span in row_chunks(len(rows))] or [np.zeros(0)])
        values = values[~np.isnan(values)]
        if len(values):
            low, center[column], high = np.percentile(values, [25, 50, 75])
            spread[column] = _drop_rounding(high - low)
    return center, spread


def column_ranges(rows: Sequence[RowSlices]) -> tuple[np.ndarray, np.ndarray]:
    """Return the minimum and the maximum of each column [S, F] of each series; NaN without a measured value."""
    shape = len(rows), rows[0].shape[1]
    minimum, maximum = np.full(shape, np.nan), np.full(shape, np.nan)

    def ranges(read: Callable[[], SeriesPieces]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        piece = read()
        return piece.series, piece.reduce(np.fmin, piece.values), piece.reduce(np.fmax, piece.values)

    for series, low, high in ordered_map(ranges, series_pieces(rows)):
        minimum[series], maximum[series] = np.fmin(minimum[series], low), np.fmax(maximum[series], high)
    return minimum, maximum


def _drop_rounding(spread: np.ndarray) -> np.ndarray:
    """Return the spread, or 0 if scikit-learn would treat the spread as rounding."""
    return np.where(spread < 10 * np.finfo(np.float64).eps, 0.0, spread)


def _moments(rows: Sequence[RowSlices]) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and population standard deviation [S, F] of the rows of each series.

    The deviation is 0 if rounding alone explains it, and NaN if nothing was measured. The bound is that of
    scikit-learn's StandardScaler (after Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance").
    """
    count, mean = column_means(rows, lambda piece: piece.values)

    def squares(piece: SeriesPieces) -> np.ndarray:
        return np.square(piece.values - piece.repeat(mean[piece.series]))

    _, variance = column_means(rows, squares)
    epsilon = np.finfo(np.float64).eps
    bound = count * epsilon * variance + (count * mean * epsilon) ** 2
    return mean, np.where(variance <= bound, 0.0, np.sqrt(variance))


def column_means(
    rows: Sequence[RowSlices], func: Callable[[SeriesPieces], np.ndarray], *, overlap: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return the means of a function of the rows of each series.

    Args:
        rows: for each series [T, F].
        func: returns a value for each cell of a piece [n, F], NaN where it does not count.
        overlap: rows that the pieces of a long series share.

    Returns:
        The number of values [S, F], and their mean [S, F], NaN without any.
    """
    shape = len(rows), rows[0].shape[1]
    count, total = np.zeros(shape), np.zeros(shape)

    def sums(read: Callable[[], SeriesPieces]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        piece = read()
        return piece.series, *_column_sums(piece, func(piece))

    for series, piece_count, piece_total in ordered_map(sums, series_pieces(rows, overlap=overlap)):
        count[series] += piece_count
        total[series] += piece_total
    return count, np.divide(total, count, out=np.full(shape, np.nan), where=count > 0)


def _column_sums(piece: SeriesPieces, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the number and the sum [k, F] of the values [n, F] of each series that are not NaN."""
    measured = ~np.isnan(values)
    if measured.all():
        counts = np.repeat(piece.lengths[:, None].astype(np.float64), values.shape[1], axis=1)
    else:
        counts, values = piece.reduce(np.add, measured.astype(np.float64)), np.where(measured, values, 0.0)
    # NumPy adds rows one after another. Sums of at most 128 rows keep the rounding errors small.
    edges = piece.edges()
    blocks = np.union1d(edges, np.arange(0, len(values), 128))
    sums = np.add.reduceat(values, blocks, axis=0)
    return counts, np.add.reduceat(sums, np.searchsorted(blocks, edges), axis=0)[::2]
