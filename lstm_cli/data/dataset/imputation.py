"""Missing cells, filled so that a model can read them; which cells were measured is kept beside.

The fill of a hole may be interpolated, which looks ahead to the hole's far side. So that no window sees what
was measured after its origin, `reach` tells for each row the last row whose value may be used there, and the
gathering of a window never goes beyond it (windows.py). A covariate that is known ahead may be used up to the
window's last step.
"""

from collections.abc import Callable

import numpy as np


def impute(values: np.ndarray, *, how: str, season: int) -> np.ndarray:
    """Fills one series. values [T, F] with NaN where not measured, any float type; returns a copy without NaN.

    `interpolate`: a straight line between the measured neighbours, the last value after the last of them.
    `last`: the last measured value. `season`: the value one season before, where there is one, else the last.
    Cells before a column's first measured one become 0: there is nothing earlier to fill them with, and
    anything later would tell the future. (Scaled, 0 is the centre of the training rows.)
    """
    filled = values.copy()
    Imputer(values.shape[1], how=how, season=season).fill(filled)
    return filled


def zero_before_first(values_scaled: np.ndarray, measured: np.ndarray) -> None:
    """Set the cells before a column's first measured one to 0, in place, in whatever scaling the values have.

    values_scaled, measured: [T, F] of one series.
    """
    for column in np.flatnonzero(~measured[:1].all(axis=0)):
        known = measured[:, column]
        values_scaled[: int(np.argmax(known)) if known.any() else len(known), column] = 0


class Imputer:
    """Fills one series piece by piece."""

    def __init__(self, width: int, *, how: str, season: int) -> None:
        """width: F columns."""
        self._how, self._season = how, season
        self._row = 0  # rows so far
        self._first = np.full(width, -1)  # [F] the first row that was measured; -1: none yet
        self._last = np.full(width, -1)  # [F] the last one so far
        self._value = np.zeros(width)  # [F] its value
        self._tail = np.zeros((0, width))  # the last rows, filled, as many as a season has

    def fill(
        self, values: np.ndarray, next_measured: Callable[[int], tuple[int, float] | None] | None = None
    ) -> None:
        """Fill the rows [n, F] that come next, in place.

        following: of a column, the row that is measured next after these, counted from 0 for the first of these,
        and its value; None: no row follows.
        """
        measured = ~np.isnan(values)
        whole = bool(measured.all())
        for column in [] if whole else np.flatnonzero(~measured.all(axis=0)).tolist():
            needed = next_measured is not None and self._how == "interpolate" and not measured[-1, column]
            after = next_measured(column) if next_measured is not None and needed else None
            self._fill_column(values[:, column], measured[:, column], column, after)
        # Of a long stretch without a hole the first and the last row say all that is to be remembered.
        self._remember(values, measured[:1] if whole else measured)

    def _fill_column(
        self, cells: np.ndarray, measured: np.ndarray, column: int, after: tuple[int, float] | None
    ) -> None:
        missing, known = np.flatnonzero(~measured), np.flatnonzero(measured)
        values = cells[known]
        if self._last[column] >= 0:
            known = np.append(self._last[column] - self._row, known)
            values = np.append(self._value[column], values)
        first = int(self._first[column]) - self._row if self._first[column] >= 0 else None
        if after is not None:
            known, values = np.append(known, after[0]), np.append(values, after[1])
        if not len(known):
            cells[:] = 0
            return
        first = int(known[0]) if first is None else first
        if self._how == "interpolate":
            cells[missing] = np.interp(missing, known, values)
        else:
            cells[missing] = values[np.maximum(np.searchsorted(known, missing, side="right") - 1, 0)]
            if self._how == "season" and self._season > 1:
                self._fill_by_season(cells, missing, column, first)
        cells[: max(first, 0)] = 0

    def _fill_by_season(self, cells: np.ndarray, missing: np.ndarray, column: int, first: int) -> None:
        """first: the first measured row of the series, counted from the first of these cells."""
        season, before = self._season, len(self._tail)
        whole = np.concatenate([self._tail[:, column], cells])
        # In order of time, a season at a time: a filled value may serve the next season.
        for block in np.split(missing, np.flatnonzero(np.diff(missing // season)) + 1):
            usable = block[block - season >= first]
            whole[before + usable] = whole[before + usable - season]
        cells[:] = whole[before:]

    def _remember(self, values: np.ndarray, measured: np.ndarray) -> None:
        columns = np.arange(values.shape[1])
        some = measured.any(axis=0)
        first = np.argmax(measured, axis=0)
        last = len(values) - 1 - np.argmax(measured[::-1], axis=0)
        self._first = np.where(some & (self._first < 0), self._row + first, self._first)
        self._last = np.where(some, self._row + last, self._last)
        self._value = np.where(some, values[last, columns], self._value)
        if self._how == "season":
            self._tail = np.concatenate([self._tail, values[-self._season :]])[-self._season :]
        self._row += len(values)


def last_measured_row(measured: np.ndarray) -> np.ndarray:
    """For each row of [T] or [T, F] booleans the last row up to it that was measured; -1 before the first."""
    rows = np.arange(len(measured)).reshape(-1, *(1,) * (measured.ndim - 1))
    return np.maximum.accumulate(np.where(measured, rows, -1), axis=0)


def last_observed_row(measured: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The last row whose value may be used by a window that ends with a row, for interpolated data.

    measured [T, F] for series one after another, beginning at rows `offsets` [S]. Returns [T, F] int64: the
    last measured row of the same series up to it; before the first measured one, the row itself (a fill of 0
    tells nothing).
    """
    own = np.arange(len(measured))[:, None]
    last = last_measured_row(measured)
    first_row = np.repeat(offsets, np.diff(np.append(offsets, len(measured))))[:, None]
    return np.where(last >= first_row, last, own)
