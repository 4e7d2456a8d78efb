"""Iteration over rows in chunks, because all rows at once would take too much memory."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

CHUNK_ROWS = 1 << 15


class RowSlices(Protocol):
    """Rows [T, F] that can be read in slices: an array, or rows of a grid that is never whole in memory."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice) -> Any: ...


def row_chunks(count: int) -> Iterator[slice]:
    """Yield slices of at most `CHUNK_ROWS` rows that cover rows 0 to `count`."""
    for begin in range(0, count, CHUNK_ROWS):
        yield slice(begin, min(begin + CHUNK_ROWS, count))


def chunks_with_series(begins: np.ndarray, count: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield slices that cover rows 0 to `count`, each with the series index of its rows.

    The index array has one entry per row. If all rows of the slice are of one series, it has a single entry.

    Args:
        begins: [S] first row of each series, rising from 0.
        count: number of rows.
    """
    for span in row_chunks(count):
        low = int(np.searchsorted(begins, span.start, "right")) - 1
        high = int(np.searchsorted(begins, span.stop, "left"))
        series_index = np.arange(low, high)
        if len(series_index) > 1:
            edges = np.append(np.maximum(begins[low:high], span.start), span.stop)
            series_index = np.repeat(series_index, np.diff(edges))
        yield span, series_index


def series_starts(series: np.ndarray) -> np.ndarray:
    """Return the first row [S] of each series, from the series index `series` [R] of adjacent rows."""
    return np.append(0, np.flatnonzero(series[1:] != series[:-1]) + 1)
