"""Tests of chunks of rows: every row of every series is read, in the right series."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_cli.data import chunks
from lstm_cli.data.chunks import SeriesRows, chunks_with_series, series_pieces


@pytest.fixture(scope="module", autouse=True)
def small_chunks():
    """Read ten rows at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "CHUNK_ROWS", 10)
        yield


LENGTHS = st.lists(st.integers(0, 35), min_size=1, max_size=12)


@given(
    st.lists(st.tuples(st.integers(0, 35), st.integers(0, 60)), min_size=1, max_size=12), st.integers(0, 12)
)
def test_series_that_are_stored_with_other_rows_are_reduced_alone(shape, overlap):
    """Each series is followed by other rows."""

    class Stored(SeriesRows):
        lengths = np.array([length for length, _ in shape])
        begins = np.cumsum([0, *(length + others for length, others in shape[:-1])])
        values = np.arange(sum(map(sum, shape)), dtype=float)[:, None]

        def __len__(self):
            return len(shape)

        def __getitem__(self, index):
            return self.values[self.begins[index] :][: self.lengths[index]]

        def between(self, begin, end):
            return self.values[begin:end]

    stored = Stored()
    sums = np.zeros(len(shape))
    for read in series_pieces(stored):
        piece = read()
        sums[piece.series] += piece.reduce(np.add, piece.values)[:, 0]
        same = piece.repeat(piece.series)[piece.begins] == piece.series
        assert same.all()
        assert len(piece.values) <= 3 * piece.lengths.sum()
    assert sums.tolist() == [stored[index].sum() for index in range(len(shape))]
    pairs = sum(max(0, int(length) - overlap) for length in stored.lengths)
    pieces = [read() for read in series_pieces(stored, overlap=overlap)]
    assert sum(int(np.maximum(piece.lengths - overlap, 0).sum()) for piece in pieces) == pairs


@given(LENGTHS, st.integers(0, 12))
def test_pieces_hold_each_row_and_each_pair_once(lengths, overlap):
    """A pair is a row and the row `overlap` rows later."""
    series = [100 * index + np.arange(length)[:, None] for index, length in enumerate(lengths)]
    pairs = []
    for read in series_pieces(series, overlap=overlap):
        piece = read()
        assert len(set(piece.series.tolist())) == len(piece.series)
        assert len(piece.values) < 20 + overlap
        for index, begin, length in zip(piece.series, piece.begins, piece.lengths, strict=True):
            values = piece.values[begin : begin + length, 0]
            assert len(values) == length
            assert set(values // 100) <= {index}
            pairs += values[: max(0, length - overlap)].tolist()
            assert (np.diff(values) == 1).all()
    assert pairs == [value for rows in series for value in rows[: max(0, len(rows) - overlap), 0]]


@given(LENGTHS.filter(any))
def test_chunks_know_the_series_of_each_row(lengths):
    lengths = [length for length in lengths if length]
    begins = np.cumsum([0, *lengths[:-1]])
    found = []
    for span, series in chunks_with_series(begins, sum(lengths)):
        assert len(series) in (1, span.stop - span.start)
        found += np.broadcast_to(series, span.stop - span.start).tolist()
    assert found == np.repeat(np.arange(len(lengths)), lengths).tolist()
