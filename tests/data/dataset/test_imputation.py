"""Tests of imputation: values in gaps, and the last row that a window may use."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lstm_cli.data.dataset.imputation import Imputer, impute, last_measured_row, last_observed_row

NAN = float("nan")
HOLES = np.array([NAN, 2.0, NAN, NAN, 8.0, 9.0, NAN])
BOOLEANS = st.tuples(st.integers(1, 30), st.integers(1, 3)).flatmap(lambda shape: arrays(np.bool_, shape))


def filled(cells: np.ndarray, how: str, season: int = 1) -> list[float]:
    return impute(cells[:, None], method=how, season=season)[:, 0].tolist()


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("interpolate", [0, 2, 4, 6, 8, 9, 9]),
        ("last", [0, 2, 2, 2, 8, 9, 9]),
        ("season", [0, 2, 2, 2, 8, 9, 9]),  # no season is known: the last value
    ],
)
def test_fills_by_hand(how: str, expected: list[float]) -> None:
    assert filled(HOLES, how) == expected


def test_a_season_before_serves_and_a_filled_value_serves_the_next_season() -> None:
    cells = np.array([NAN, 1, 2, 3, NAN, NAN, 4, 5, NAN, NAN, NAN, 6])
    # Row 4 has no value one season (4 rows) before: the last one. Rows 8 and 9 take what filled rows 4 and 5.
    assert filled(cells, "season", 4) == [0, 1, 2, 3, 3, 1, 4, 5, 3, 1, 4, 6]


@given(measured=arrays(np.bool_, st.integers(1, 60)), season=st.integers(2, 9))
def test_the_season_before_serves_row_by_row(measured: np.ndarray, season: int) -> None:
    """Imputing all rows of a season at once equals imputing row by row."""
    values = np.where(measured, np.arange(float(len(measured))), NAN)
    expected, last = values.copy(), NAN
    for row in range(len(values)):
        last = values[row] if measured[row] else last
        if measured[row] or np.isnan(last):
            continue
        before = expected[row - season] if row >= season else NAN
        expected[row] = last if np.isnan(before) else before
    assert filled(values, "season", season) == np.nan_to_num(expected).tolist()


@pytest.mark.parametrize("how", ["interpolate", "last", "season"])
def test_a_column_never_measured_becomes_zero(how: str) -> None:
    assert filled(np.full(5, NAN), how, 2) == [0] * 5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_copy_of_the_same_type_is_returned(dtype: type) -> None:
    cells = HOLES[:, None].astype(dtype)
    result = impute(cells, method="interpolate", season=1)
    assert result.dtype == dtype
    np.testing.assert_array_equal(cells[:, 0], HOLES.astype(dtype))


@given(measured=BOOLEANS, how=st.sampled_from(["interpolate", "last", "season"]), season=st.integers(1, 8))
def test_measured_cells_are_unchanged_and_no_cell_is_missing(
    measured: np.ndarray, how: str, season: int
) -> None:
    values = np.where(measured, np.random.default_rng(1).normal(size=measured.shape), np.nan)
    result = impute(values, method=how, season=season)
    np.testing.assert_array_equal(result[measured], values[measured])
    assert np.isfinite(result).all()


@given(measured=BOOLEANS, how=st.sampled_from(["last", "season"]), season=st.integers(1, 8), data=st.data())
def test_last_and_season_never_look_ahead(
    measured: np.ndarray, how: str, season: int, data: st.DataObject
) -> None:
    values = np.where(measured, np.random.default_rng(1).normal(size=measured.shape), np.nan)
    cut = data.draw(st.integers(0, len(values)))
    changed = values.copy()
    changed[cut:] = np.random.default_rng(2).normal(size=changed[cut:].shape)
    item, other = (impute(cells, method=how, season=season) for cells in (values, changed))
    np.testing.assert_array_equal(item[:cut], other[:cut])


def test_the_last_measured_row() -> None:
    measured = np.array([[0, 1], [1, 0], [0, 0], [0, 1]], dtype=bool)
    assert last_measured_row(measured).tolist() == [[-1, 0], [1, 0], [1, 0], [1, 3]]
    assert last_measured_row(measured[:, 0]).tolist() == [-1, 1, 1, 1]


def test_reach_stays_within_its_series() -> None:
    measured = np.array([1, 1, 0, 0, 0, 1, 0, 1, 0], dtype=bool)[:, None]
    # Series of 3, 3 and 3 rows. Before the first measured row of a series the fill is 0: the row itself.
    assert last_observed_row(measured, np.array([0, 3, 6]))[:, 0].tolist() == [0, 1, 1, 3, 4, 5, 6, 7, 7]


@given(measured=BOOLEANS, data=st.data())
def test_reach_by_its_definition(measured: np.ndarray, data: st.DataObject) -> None:
    rows, columns = measured.shape
    others = data.draw(st.sets(st.integers(1, rows - 1))) if rows > 1 else set()
    offsets = np.array([0, *sorted(others)])
    result = last_observed_row(measured, offsets)
    for row in range(rows):
        first = offsets[offsets <= row].max()
        for column in range(columns):
            seen = [earlier for earlier in range(first, row + 1) if measured[earlier, column]]
            assert result[row, column] == (seen[-1] if seen else row)


@given(
    measured=arrays(np.bool_, st.tuples(st.integers(1, 40), st.just(2))),
    cuts=st.lists(st.integers(1, 9), max_size=12),
    how=st.sampled_from(["interpolate", "last", "season"]),
    season=st.integers(1, 6),
)
def test_a_series_filled_piece_by_piece_is_filled_alike(
    measured: np.ndarray, cuts: list[int], how: str, season: int
) -> None:
    values = np.where(measured, np.random.default_rng(1).normal(size=measured.shape), np.nan)
    filling, done, pieces = Imputer(2, method=how, season=season), 0, []
    for size in [*cuts, len(values)]:
        piece, later = values[done : done + size].copy(), values[done + size :]
        if not len(piece):
            continue

        def following(column: int, later: np.ndarray = later, size: int = size) -> tuple[int, float] | None:
            known = np.flatnonzero(~np.isnan(later[:, column]))
            return (size + int(known[0]), later[known[0], column]) if len(known) else None

        filling.fill(piece, following)
        pieces.append(piece)
        done += size
    np.testing.assert_array_equal(np.concatenate(pieces), impute(values, method=how, season=season))
