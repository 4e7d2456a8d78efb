"""Sums over windows that follow each other, without a product for each window."""

import numpy as np

MIN_RUN = 256  # windows; the product of fewer windows takes less time than the recursion
CHUNK_ROWS = 4096  # windows compared at a time
TOLERANCE = 1e-6  # relative; differences by rounding of the effect of known-ahead inputs


def find_runs(windows: tuple[np.ndarray, ...], groups: np.ndarray, rows: np.ndarray) -> list[np.ndarray]:
    """Return the rows of each run: windows of one group that begin one step after each other.

    Args:
        windows: parts of the windows, each [R, k]; side by side they are the steps of a window.
        groups: [R] group of each window; those of a group are in order of time.
        rows: rows to search, in order.
    """
    runs = []
    for group in np.unique(groups[rows]):
        members = rows[groups[rows] == group]
        edges = np.flatnonzero(~_follow(windows, members)) + 1
        runs += [run for run in np.split(members, edges) if len(run) >= MIN_RUN]
    return runs


def _follow(windows: tuple[np.ndarray, ...], rows: np.ndarray) -> np.ndarray:
    """Return which of the rows [n] but the last are followed by the window of the next step, as bool [n - 1]."""
    follows = np.zeros(len(rows) - 1, dtype=bool)
    for first in range(0, len(follows), CHUNK_ROWS):
        chunk = rows[first : first + CHUNK_ROWS + 1]
        last = windows[-1][chunk]
        near = _near(last[1:, -2:-1], last[:-1, -1:]) if last.shape[1] > 1 else np.ones(len(last) - 1, bool)
        if near.any():  # windows that are a sample seldom follow each other
            steps = np.hstack([part[chunk] for part in windows])
            near &= _near(steps[1:, :-1], steps[:-1, 1:])
        follows[first : first + CHUNK_ROWS] = near
    return follows


def _near(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return which rows [n] of two arrays [n, k] are equal but for rounding."""
    return np.asarray((np.abs(values - others) <= TOLERANCE * (1 + np.abs(others))).all(axis=1))


def sum_of_squares(steps: np.ndarray, center: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the sums over the windows of a run, each less its center: outer squares [K, K] and values [K], float64.

    Each square follows from the one above and to the left of it. It has the same products, but for those of the first
    and the last window. So the time grows with K squared, and not with the number of windows.

    Args:
        steps: steps of the run [n + K - 1], each once.
        center: [n] subtracted from each window.
    """
    count, width = len(center), len(steps) - len(center) + 1
    shift = steps.mean(dtype=np.float64)  # a large mean would cost digits
    steps, center = steps - shift, center - shift
    squares = np.empty((width, width))
    squares[0] = squares[:, 0] = np.correlate(steps, steps[:count], "valid")
    for row in range(width - 1):
        dropped, added = steps[row] * steps[: width - 1], steps[count + row] * steps[count:]
        squares[row + 1, 1:] = squares[row, :-1] + (added - dropped)
    mixed = np.correlate(steps, center, "valid")
    totals = np.append(0.0, np.cumsum(steps))
    return (
        squares - mixed[:, None] - mixed + center @ center,
        totals[count:] - totals[:width] - center.sum(),
    )
