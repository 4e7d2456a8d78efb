from typing import Any

import numpy as np
import pytest

from lstm_cli.data.frequency.step import UNIT
from lstm_cli.data.grid import row_lookup
from lstm_cli.data.grid.regular_grid import Grid
from lstm_cli.data.grid.row_lookup import GridLines
from lstm_cli.data.quality import outliers
from lstm_cli.data.quality.outliers import find_outliers, outliers_in_column

TABLE: Any = None  # no line is asked for


def found(series: list[np.ndarray], seasons: tuple[int, ...] = ()) -> list[list[int]]:
    """Return the rows of outliers of each column, for consecutive series."""
    counts = np.array([len(rows) for rows in series])
    grid = Grid(
        step=UNIT,
        names=tuple(map(str, range(len(series)))),
        origin_us=np.zeros_like(counts),
        counts=counts,
        ahead=np.zeros_like(counts),
        cells=np.concatenate(series),
        row_index=slice(0, int(counts.sum())),
        rows_read=counts,
        findings=(),
    )
    columns = series[0].shape[1]
    reported = {
        item.column: item.rows.tolist() for item in find_outliers(GridLines(TABLE, grid), columns, seasons)
    }
    return [reported.get(column, []) for column in range(columns)]


def noise(rows: int, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=rows)


def test_the_distance_that_counts_is_ten_robust_deviations_of_differences() -> None:
    """Differences 1, -1, 1, 0, -1 have median 0 and MAD 1. So 14.826 from both neighbours is an outlier."""
    cells = np.tile([0.0, 1.0, 0.0, 1.0, 1.0], 40)
    for value, rows in ((14.8 + 1, []), (14.9 + 1, [100])):
        cells[100] = value  # its neighbours are 1
        assert outliers_in_column(cells, 1).tolist() == rows


def test_a_level_that_shifts_a_trend_and_growing_noise_are_none() -> None:
    rows = np.arange(600)
    assert found([(noise(600) + np.where(rows > 300, 500, 0))[:, None]]) == [[]]
    assert found([(noise(600) + 40 * rows)[:, None]]) == [[]]
    assert found([(noise(600) * np.exp(rows / 60))[:, None]]) == [[]]
    assert found([noise(600).cumsum()[:, None]]) == [[]]


def test_nights_that_are_calmer_than_days_make_no_outliers() -> None:
    day = np.sin(np.arange(2400) * 2 * np.pi / 24).clip(0)
    assert found([(day * (5 + noise(2400)))[:, None]], (24,)) == [[]]


def test_a_run_shorter_than_a_season_is_found_whole() -> None:
    cells = 10 + 3 * np.sin(np.arange(2400) * 2 * np.pi / 24) + 0.2 * noise(2400)
    cells[1000:1005] = 0
    assert found([cells[:, None]], (24,)) == [[1000, 1001, 1002, 1003, 1004]]


@pytest.mark.parametrize("row", [0, 1, 299, 300, 598, 599])
def test_the_first_and_last_rows_count_too(row: int) -> None:
    cells = noise(600)
    cells[row] = 60
    assert found([cells[:, None]]) == [[row]]


def test_outliers_next_to_missing_values() -> None:
    cells = noise(600)
    cells[299] = cells[302] = np.nan
    cells[300] = -60
    assert found([cells[:, None]]) == [[300]]
    assert found([np.full((600, 1), np.nan)]) == [[]]


def test_series_and_columns_are_judged_by_themselves() -> None:
    small, large = noise(300, seed=1), 1e6 * noise(300, seed=2)
    small[7] = 90
    both = [np.stack([small, noise(300, seed=3)], axis=1), np.stack([large, noise(300, seed=4)], axis=1)]
    both[1][250, 1] = 90
    assert found(both) == [[7], [550]]
    # The step from one series to the next is none.
    assert found([noise(100)[:, None], 1000 + noise(100)[:, None], noise(100)[:, None]]) == [[]]


def test_where_most_values_repeat_only_what_is_beyond_all_others_counts() -> None:
    cells = np.zeros(500)
    cells[::7] = np.tile([1.0, 3.0], 36)
    assert found([cells[:, None]]) == [[]]
    assert found([(np.arange(500) % 90 < 3).astype(float)[:, None]]) == [[]]  # a switch
    cells[100] = 900
    assert found([cells[:, None]]) == [[100]]


def test_what_happens_often_is_the_nature_of_the_series() -> None:
    cells = noise(1000)
    cells[::30] = 80
    assert found([cells[:, None]]) == [[]]


def test_blocks_of_rows_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    series = [noise(rows, seed=rows)[:, None] for rows in (90, 200, 7, 310)]
    series[1][150] = 70
    series[3][0] = -70
    whole = found(series, (7,))
    assert whole == [[240, 297]]
    for block in (1, 13, 100):
        monkeypatch.setattr(row_lookup, "BLOCK_ROWS", block)
        assert found(series, (7,)) == whole


def test_many_series_are_looked_at_where_it_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outliers, "MAX_SUSPECTS", 2)
    series = [noise(40, seed=seed)[:, None] for seed in range(500)]
    series[321][20] = 500
    series[77][20] = 400
    assert found(series) == [[77 * 40 + 20, 321 * 40 + 20]]


def test_stretches_of_a_long_column_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    cells = np.sin(np.arange(1000) * 2 * np.pi / 24) + rng.normal(0, 0.1, 1000)
    cells[[3, 298, 300, 599, 998]] += 30
    whole = outliers.outlier_rows(cells, 24).tolist()
    assert {298, 300, 599} <= set(whole)
    monkeypatch.setattr(outliers, "BLOCK_ROWS", 300)
    assert outliers.outlier_rows(cells, 24).tolist() == whole


@pytest.mark.parametrize("rows", [750, 800, 1_000, 2_000])
@pytest.mark.parametrize("value", [0.0, 120.0])
def test_a_slip_is_found_where_few_seasons_are_there_to_compare(rows: int, value: float) -> None:
    """With four weeks each phase has three differences, of which the slip makes two."""
    hours = np.arange(rows)
    cells = (
        50 + 10 * np.sin(2 * np.pi * hours / 24) + 5 * np.sin(2 * np.pi * hours / 168) + noise(rows, seed=3)
    )
    clean = cells.copy()
    for row in (rows // 3, rows // 2, 2 * rows // 3):
        cells[:] = clean
        cells[row] = value
        assert outliers_in_column(cells, 168).tolist() == [row]
    assert outliers_in_column(clean, 168).tolist() == []
