"""Iteration over rows in chunks, because all rows at once would take too much memory."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

CHUNK_ROWS = 1 << 15
MAX_STORED_SHARE = 3  # stored rows for each needed row, up to which series are read in one slice


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


class SeriesRows(Sequence[RowSlices]):
    """Rows of several series that are stored one after another, perhaps with other rows between them."""

    begins: np.ndarray  # [S] int64, first row of each series
    lengths: np.ndarray  # [S] int64, rows of each series

    def between(self, begin: int, end: int) -> np.ndarray:
        """Return the stored rows [n, F] from `begin` to before `end`."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class SeriesPieces:
    """Rows of several series one after another, or a part of a long series."""

    series: np.ndarray  # [k] index of each series, all different
    begins: np.ndarray  # [k] first row of each series in `values`, rising from 0
    lengths: np.ndarray  # [k] rows of each series, at least 1; other rows may follow them
    values: np.ndarray  # [n, F]

    def edges(self) -> np.ndarray:
        """Return the first row of each series, and the row after its last one, in turn; without the end."""
        edges = np.stack([self.begins, self.begins + self.lengths], axis=1).ravel()
        return edges[:-1] if edges[-1] == len(self.values) else edges

    def reduce(self, func: np.ufunc, values: np.ndarray) -> np.ndarray:
        """Return the reduction [k, F] by `func` of the rows of each series in `values` [n, F]."""
        reduced: np.ndarray = func.reduceat(values, self.edges(), axis=0)[::2]
        return reduced

    def repeat(self, figures: np.ndarray) -> np.ndarray:
        """Return the figures [k, ...] of each series for each row [n, ...]."""
        return np.repeat(figures, np.diff(self.begins, append=len(self.values)), axis=0)


def series_pieces(rows: Sequence[RowSlices], *, overlap: int = 0) -> Iterator[Callable[[], SeriesPieces]]:
    """Yield functions that read all rows of all series, a chunk of about `CHUNK_ROWS` rows each.

    Short series are read together, so that a panel needs no operation per series. Empty series are left out.

    Args:
        rows: for each series [T, F].
        overlap: rows after a part of a long series that are read with it and again with the next part.
    """
    lengths = rows.lengths if isinstance(rows, SeriesRows) else np.array([len(one) for one in rows])
    is_long = lengths > CHUNK_ROWS
    group = np.cumsum(lengths) // CHUNK_ROWS
    edges = np.flatnonzero((group[1:] != group[:-1]) | is_long[1:] | is_long[:-1]) + 1
    for first, end in pairwise([0, *edges.tolist(), len(lengths)]):
        if not is_long[first]:
            if lengths[first:end].any():
                yield partial(_read_series, rows, lengths, first, end)
            continue
        for span in row_chunks(max(int(lengths[first]) - overlap, 1)):
            last = min(span.stop + overlap, int(lengths[first]))
            yield partial(_read_part, rows, first, slice(span.start, last))


def _read_part(rows: Sequence[RowSlices], index: int, span: slice) -> SeriesPieces:
    """Return a part of one series."""
    values = rows[index][span]
    return SeriesPieces(
        series=np.array([index]), begins=np.zeros(1, np.int64), lengths=np.array([len(values)]), values=values
    )


def _read_series(rows: Sequence[RowSlices], lengths: np.ndarray, first: int, end: int) -> SeriesPieces:
    """Return the rows of the series from `first` to before `end`."""
    series = first + np.flatnonzero(lengths[first:end])
    own = lengths[series]
    if isinstance(rows, SeriesRows):
        begins = rows.begins[series]
        stored_rows = int(begins[-1] + own[-1] - begins[0])
        if stored_rows <= MAX_STORED_SHARE * own.sum():
            values = rows.between(int(begins[0]), int(begins[0]) + stored_rows)
            return SeriesPieces(series=series, begins=begins - begins[0], lengths=own, values=values)
    values = np.concatenate([rows[index][:] for index in series.tolist()])
    return SeriesPieces(series=series, begins=np.cumsum(own) - own, lengths=own, values=values)
