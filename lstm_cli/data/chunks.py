"""Rows taken some at a time, where all at once would take too much memory."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

CHUNK_ROWS = 1 << 15  # rows


class RowSlices(Protocol):
    """Rows [T, F] that may be read some at a time: an array, or rows of a grid that is nowhere whole."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice) -> Any: ...


def row_chunks(count: int) -> Iterator[slice]:
    """Places 0 to `count`, some at a time."""
    for begin in range(0, count, CHUNK_ROWS):
        yield slice(begin, min(begin + CHUNK_ROWS, count))


def chunks_with_series(begins: np.ndarray, count: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Rows 0 to `count`, some at a time, and the number of the series that each of them belongs to.

    begins: [S] the first row of each series, rising from 0. The numbers are one for each row, or a single one
    where the rows are all of one series.
    """
    for span in row_chunks(count):
        low = int(np.searchsorted(begins, span.start, "right")) - 1
        high = int(np.searchsorted(begins, span.stop, "left"))
        which = np.arange(low, high)
        if len(which) > 1:
            edges = np.append(np.maximum(begins[low:high], span.start), span.stop)
            which = np.repeat(which, np.diff(edges))
        yield span, which


def series_starts(series: np.ndarray) -> np.ndarray:
    """The first row of each series [S]; series: [R] which one a row belongs to, its rows side by side."""
    return np.append(0, np.flatnonzero(series[1:] != series[:-1]) + 1)
