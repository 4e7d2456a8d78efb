"""Iteration over rows in chunks, because all rows at once would take too much memory."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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
        series_index = series_of_rows(begins, span)
        yield span, series_index[:1] if series_index[0] == series_index[-1] else series_index


def series_of_rows(begins: np.ndarray, span: slice) -> np.ndarray:
    """Return the series index of each row of a slice.

    Args:
        begins: [S] first row of each series, rising from 0.
        span: rows, at least one.
    """
    low = int(np.searchsorted(begins, span.start, "right")) - 1
    high = int(np.searchsorted(begins, span.stop, "left"))
    edges = np.append(np.maximum(begins[low:high], span.start), span.stop)
    return np.repeat(np.arange(low, high), np.diff(edges))


def series_starts(series: np.ndarray) -> np.ndarray:
    """Return the first row [S] of each series, from the series index `series` [R] of adjacent rows."""
    return np.append(0, np.flatnonzero(series[1:] != series[:-1]) + 1)


@dataclass(frozen=True, kw_only=True)
class SeriesPieces:
    """Rows of several series one after another, or a part of a long series."""

    series: np.ndarray  # [k] index of each series, all different
    begins: np.ndarray  # [k] first row of each series in `values`, rising from 0
    values: np.ndarray  # [n, F]

    @property
    def lengths(self) -> np.ndarray:
        """Return the number of rows [k] of each series."""
        return np.diff(self.begins, append=len(self.values))

    def reduce(self, func: np.ufunc, values: np.ndarray) -> np.ndarray:
        """Return the reduction [k, F] by `func` of the rows of each series in `values` [n, F]."""
        reduced: np.ndarray = func.reduceat(values, self.begins, axis=0)
        return reduced


def series_pieces(rows: Sequence[RowSlices], *, overlap: int = 0) -> Iterator[Callable[[], SeriesPieces]]:
    """Yield functions that read all rows of all series, a chunk of about `CHUNK_ROWS` rows each.

    Short series are read together, so that a panel needs no operation per series. Empty series are left out.

    Args:
        rows: for each series [T, F].
        overlap: rows after a part of a long series that are read with it and again with the next part.
    """
    waiting: list[tuple[int, slice]] = []
    size = 0
    for index, length in enumerate(map(len, rows)):
        spans = [
            slice(span.start, min(span.stop + overlap, length))
            for span in row_chunks(max(length - overlap, min(length, 1)))
        ]
        for span in spans:
            if waiting and (size + span.stop - span.start > CHUNK_ROWS or len(spans) > 1):
                yield _reader(rows, waiting)
                waiting, size = [], 0
            waiting.append((index, span))
            size += span.stop - span.start
    if waiting:
        yield _reader(rows, waiting)


def _reader(rows: Sequence[RowSlices], parts: Sequence[tuple[int, slice]]) -> Callable[[], SeriesPieces]:
    """Return a function that reads parts of different series."""

    def read() -> SeriesPieces:
        lengths = [span.stop - span.start for _, span in parts]
        pieces = [rows[index][span] for index, span in parts]
        return SeriesPieces(
            series=np.array([index for index, _ in parts]),
            begins=np.cumsum([0, *lengths[:-1]]),
            values=pieces[0] if len(pieces) == 1 else np.concatenate(pieces),
        )

    return read
