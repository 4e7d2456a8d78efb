"""Missing cells, filled so that a model can read them; which cells were measured is kept beside.

The fill of a hole may be interpolated, which looks ahead to the hole's far side. So that no window sees what
was measured after its origin, `reach` tells for each row the last row whose value may be used there, and the
gathering of a window never goes beyond it (windows.py).
"""

import numpy as np


def fill(values: np.ndarray, *, how: str, season: int) -> np.ndarray:
    """Fills one series. values [T, F] with NaN where not measured, any float type; returns a copy without NaN.

    `interpolate`: a straight line between the measured neighbours, the last value after the last of them.
    `last`: the last measured value. `season`: the value one season before, where there is one, else the last.
    Cells before a column's first measured one become 0: there is nothing earlier to fill them with, and
    anything later would tell the future. (Scaled, 0 is the centre of the training rows.)
    """
    filled = values.copy()
    for column in range(values.shape[1]):
        _fill_column(filled[:, column], how=how, season=season)
    return filled


def _fill_column(cells: np.ndarray, *, how: str, season: int) -> None:
    measured = ~np.isnan(cells)
    if measured.all():
        return
    rows = np.arange(len(cells))
    if not measured.any():
        cells[:] = 0
        return
    last = last_measured(measured)
    first = int(np.argmax(measured))
    missing = rows[~measured]
    if how == "interpolate":
        cells[missing] = np.interp(missing, rows[measured], cells[measured])
    elif how == "season" and season > 1:
        # In order of time, a season at a time: a filled value may serve the next season.
        begins = np.flatnonzero(np.diff(missing // season)) + 1
        for block in np.split(missing, begins):
            before = block - season
            usable = before >= first
            cells[block[usable]] = cells[before[usable]]
            rest = block[~usable]
            cells[rest] = cells[np.maximum(last[rest], 0)]
    else:
        cells[missing] = cells[np.maximum(last[missing], 0)]
    cells[:first] = 0


def last_measured(measured: np.ndarray) -> np.ndarray:
    """For each row of [T] or [T, F] booleans the last row up to it that was measured; -1 before the first."""
    rows = np.arange(len(measured)).reshape(-1, *(1,) * (measured.ndim - 1))
    return np.maximum.accumulate(np.where(measured, rows, -1), axis=0)


def reach(measured: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The last row whose value may be used by a window that ends with a row, for interpolated data.

    measured [T, F] for series one after another, beginning at rows `offsets` [S]. Returns [T, F] int64: the
    last measured row of the same series up to it; before the first measured one, the row itself (a fill of 0
    tells nothing).
    """
    own = np.arange(len(measured))[:, None]
    last = last_measured(measured)
    first_row = np.repeat(offsets, np.diff(np.append(offsets, len(measured))))[:, None]
    return np.where(last >= first_row, last, own)
