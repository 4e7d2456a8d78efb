"""Imputation of missing values, so that a model can read the rows; a mask records which cells were measured.

Interpolation of a gap looks ahead to the value after the gap. No window may see a value that was measured after its
origin. Therefore `last_observed_row` gives for each row the last row whose value may be used, and the gathering of a
window never goes beyond it (windows.py). A known-ahead covariate may be used up to the last step of the window.
"""

from collections.abc import Callable

import numpy as np


def impute(values: np.ndarray, *, method: str, season: int) -> np.ndarray:
    """Return a copy of one series with its missing values filled.

    `interpolate`: a straight line between the measured neighbours, and the last measured value after the last of them.
    `last`: the last measured value. `season`: the value one season before, if there is one, else the last measured
    value. Cells before the first measured value of a column become 0, because a later value would leak the future.
    (Scaled, 0 is the centre of the training rows.)

    Args:
        values: [T, F], NaN where not measured, any float type.
        method: `interpolate`, `last` or `season`.
        season: steps.
    """
    filled = values.copy()
    Imputer(values.shape[1], method=method, season=season).fill(filled)
    return filled


def zero_before_first(values_scaled: np.ndarray, measured: np.ndarray) -> None:
    """Set the cells before the first measured value of each column to 0, in place, in any scaling.

    values_scaled, measured: [T, F] of one series.
    """
    for column in np.flatnonzero(~measured[:1].all(axis=0)):
        known = measured[:, column]
        values_scaled[: int(np.argmax(known)) if known.any() else len(known), column] = 0


class Imputer:
    """Imputer for one series, chunk by chunk."""

    def __init__(self, width: int, *, method: str, season: int) -> None:
        """Start before the first row. width: F columns. season: steps."""
        self._method, self._season = method, season
        self._row = 0  # rows seen so far
        self._first = np.full(width, -1)  # [F] first measured row; -1: none yet
        self._last = np.full(width, -1)  # [F] last measured row so far
        self._value = np.zeros(width)  # [F] value of the last measured row
        self._tail = np.zeros((0, width))  # the last imputed rows, at most one season

    def fill(
        self, values: np.ndarray, next_measured: Callable[[int], tuple[int, float] | None] | None = None
    ) -> None:
        """Fill the next rows [n, F] of the series, in place.

        next_measured: function of a column that returns the next measured row after these rows, counted from their
        first row, and its value. None means that no rows follow.
        """
        measured = ~np.isnan(values)
        all_measured = bool(measured.all())
        for column in [] if all_measured else np.flatnonzero(~measured.all(axis=0)).tolist():
            needed = next_measured is not None and self._method == "interpolate" and not measured[-1, column]
            next_value = next_measured(column) if next_measured is not None and needed else None
            self._fill_column(values[:, column], measured[:, column], column, next_value)
        # Without missing values, the state only needs the first and the last row.
        self._remember(values, measured[:1] if all_measured else measured)

    def _fill_column(
        self, cells: np.ndarray, measured: np.ndarray, column: int, next_value: tuple[int, float] | None
    ) -> None:
        missing, known = np.flatnonzero(~measured), np.flatnonzero(measured)
        values = cells[known]
        if self._last[column] >= 0:
            known = np.append(self._last[column] - self._row, known)
            values = np.append(self._value[column], values)
        first = int(self._first[column]) - self._row if self._first[column] >= 0 else None
        if next_value is not None:
            known, values = np.append(known, next_value[0]), np.append(values, next_value[1])
        if not len(known):
            cells[:] = 0
            return
        first = int(known[0]) if first is None else first
        if self._method == "interpolate":
            cells[missing] = np.interp(missing, known, values)
        else:
            cells[missing] = values[np.maximum(np.searchsorted(known, missing, side="right") - 1, 0)]
            if self._method == "season" and self._season > 1:
                self._fill_by_season(cells, missing, column, first)
        cells[: max(first, 0)] = 0

    def _fill_by_season(self, cells: np.ndarray, missing: np.ndarray, column: int, first: int) -> None:
        """Fill missing cells with the value one season before. first: first measured row, from the first cell."""
        season, before = self._season, len(self._tail)
        whole = np.concatenate([self._tail[:, column], cells])
        # One season at a time, because a filled value may serve the next season.
        for block in np.split(missing, np.flatnonzero(np.diff(missing // season)) + 1):
            usable = block[block - season >= first]
            whole[before + usable] = whole[before + usable - season]
        cells[:] = whole[before:]

    def _remember(self, values: np.ndarray, measured: np.ndarray) -> None:
        columns = np.arange(values.shape[1])
        any_measured = measured.any(axis=0)
        first = np.argmax(measured, axis=0)
        last = len(values) - 1 - np.argmax(measured[::-1], axis=0)
        self._first = np.where(any_measured & (self._first < 0), self._row + first, self._first)
        self._last = np.where(any_measured, self._row + last, self._last)
        self._value = np.where(any_measured, values[last, columns], self._value)
        if self._method == "season":
            self._tail = np.concatenate([self._tail, values[-self._season :]])[-self._season :]
        self._row += len(values)


def last_measured_row(measured: np.ndarray) -> np.ndarray:
    """Return for each row of [T] or [T, F] booleans the last measured row up to it; -1 before the first."""
    rows = np.arange(len(measured)).reshape(-1, *(1,) * (measured.ndim - 1))
    return np.maximum.accumulate(np.where(measured, rows, -1), axis=0)


def last_observed_row(measured: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return the last row whose value a window that ends with each row may use, [T, F] int64, for interpolated data.

    The result is the last measured row of the same series up to that row. Before the first measured row it is the row
    itself, because a fill of 0 leaks nothing. measured: [T, F], one series after another. offsets: [S] first rows.
    """
    own = np.arange(len(measured))[:, None]
    last = last_measured_row(measured)
    first_row = np.repeat(offsets, np.diff(np.append(offsets, len(measured))))[:, None]
    return np.where(last >= first_row, last, own)
