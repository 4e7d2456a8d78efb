"""Tests of the outliers that `--outliers drop` removes."""

import numpy as np
import pytest
from small_data import dataset, wave

from lstm_cli.config import PrepareConfig
from lstm_cli.data.build.backtest_folds import Fold, dataset_at_fold
from lstm_cli.data.build.drop_outliers import NeighbourDistance, outlier_rows_of_series
from lstm_cli.data.dataset.dropped_outliers import DroppedOutliers
from lstm_cli.data.quality.outliers import outliers_in_column

NEIGHBOR_STEPS = NeighbourDistance(training=(1,), validation=(1,))
FAR = 15.9  # 14.9 above neighbours of 1: more than 10 x 1.4826 MAD
NEAR = 15.8  # 14.8 above them


def column(*slips: tuple[int, float]) -> np.ndarray:
    """400 rows of 0, 1, 0, 1, 1. The differences have the median 0 and the MAD 1."""
    cells = np.tile([0.0, 1.0, 0.0, 1.0, 1.0], 80)
    for row, value in slips:
        cells[row] = value
    return cells


def test_outliers_of_training_and_validation_rows_are_found_and_those_of_test_rows_are_not() -> None:
    cells = column((100, FAR), (320, FAR), (380, FAR))
    assert outlier_rows_of_series(cells, 300, 360, NEIGHBOR_STEPS).tolist() == [100, 320]
    assert outlier_rows_of_series(column((100, NEAR), (320, NEAR)), 300, 360, NEIGHBOR_STEPS).tolist() == []


def test_a_missing_cell_is_not_found() -> None:
    assert outlier_rows_of_series(column((100, np.nan), (120, FAR)), 300, 360, NEIGHBOR_STEPS).tolist() == [
        120
    ]


def test_outliers_of_training_rows_depend_only_on_training_rows() -> None:
    """Row 299 is the last training row. Both of its neighbours lie before it, so it must be half as far again."""
    cells = column((299, FAR))
    assert outliers_in_column(cells[:360], 1).tolist() == [299]
    assert outlier_rows_of_series(cells, 300, 360, NEIGHBOR_STEPS).tolist() == []
    assert outlier_rows_of_series(column((299, 1 + 1.5 * 14.9)), 300, 360, NEIGHBOR_STEPS).tolist() == [299]


def test_a_validation_row_is_judged_by_rows_up_to_the_end_of_validation() -> None:
    cells = column((359, FAR))
    assert outliers_in_column(cells, 1).tolist() == [359]
    assert outlier_rows_of_series(cells, 300, 360, NEIGHBOR_STEPS).tolist() == []


@pytest.mark.parametrize("garbage", [1e9, np.nan, -3.0])
def test_later_rows_change_nothing(garbage: float) -> None:
    cells = column((20, FAR), (100, FAR), (320, FAR))
    malformed = np.where(np.arange(400) >= 360, garbage, cells)
    assert outlier_rows_of_series(malformed, 300, 360, NEIGHBOR_STEPS).tolist() == [20, 100, 320]
    malformed = np.where(np.arange(400) >= 300, garbage, cells)
    result = outlier_rows_of_series(malformed, 300, 360, NEIGHBOR_STEPS)
    assert result[result < 300].tolist() == [20, 100]


def test_two_looks_are_made_where_the_seasons_differ() -> None:
    ends = np.array([150]), np.array([180])
    assert NeighbourDistance.from_rows(*ends, [(), (24,)]) == NeighbourDistance(
        training=(1, 24), validation=(1, 24)
    )
    assert NeighbourDistance.from_rows(*ends, [(24,), (24,)]) == NeighbourDistance(
        training=(24,), validation=(24,)
    )
    # 40 steps fit four times into 180 rows, not into 150
    assert NeighbourDistance.from_rows(*ends, [(24, 40), (24, 40)]) == NeighbourDistance(
        training=(24,), validation=(40,)
    )


def test_a_slip_within_the_daily_range_needs_the_season_that_spikes_hide() -> None:
    cells = np.tile(np.repeat([0.0, 30.0], 12), 20) + 0.5 * np.random.default_rng(4).normal(size=480)
    cells[203] = 30.0  # the rise from 0 to 30 comes an hour early: row 204 is 30, as every day
    assert outlier_rows_of_series(cells, 400, 440, NEIGHBOR_STEPS).tolist() == []
    assert outlier_rows_of_series(
        cells, 400, 440, NeighbourDistance(training=(1, 24), validation=(1, 24))
    ).tolist() == [203]


def test_validation_rows_are_looked_at_as_often() -> None:
    """Two spikes a season apart hide each other from a look at the season alone."""
    cells = np.tile(np.arange(24.0), 20) + 0.1 * np.random.default_rng(4).normal(size=480)
    cells[[405, 429]] = 90.0
    assert (
        outlier_rows_of_series(cells, 400, 440, NeighbourDistance(training=(24,), validation=(24,))).tolist()
        == []
    )
    assert outlier_rows_of_series(
        cells, 400, 440, NeighbourDistance(training=(1, 24), validation=(1, 24))
    ).tolist() == [
        405,
        429,
    ]


def test_dropped_cells_come_back_from_json() -> None:
    dropped = DroppedOutliers(cells=np.array([[3, 0], [3, 1], [90, 0]]), values=np.array([0.1, 1e300, -7.0]))
    repeated = DroppedOutliers.from_dict(dropped.to_dict(), columns=2)
    np.testing.assert_array_equal(repeated.cells, dropped.cells)
    np.testing.assert_array_equal(repeated.values, dropped.values)
    assert dropped.count_by_column(("a", "b", "c")) == {"a": 2, "b": 1, "c": 0}
    with pytest.raises(ValueError, match="number of dropped cells differs"):
        DroppedOutliers.from_dict(dropped.to_dict() | {"values": [1.0]}, columns=2)
    for cells in ([[3, 0], [3, 2], [90, 0]], [[3, 0], [3, -1], [90, 0]], [[90, 0], [3, 0], [3, 1]]):
        with pytest.raises(ValueError, match="out of order, or not in a target column"):
            DroppedOutliers.from_dict(dropped.to_dict() | {"cells": cells}, columns=2)


def test_a_fold_judges_its_own_rows_and_is_scored_on_what_the_file_has() -> None:
    """Two series of 400 rows, split at 250 and 300. `prepare` dropped rows 50 and 265 of the second one.

    At the cut-off of row 240 row 265 is scored, so it holds the value of the file again. Row 50 is dropped again.
    """
    series = [wave(400, seed=1), wave(400, seed=2)]
    series[1][[50, 265, 330]] = [[500.0], [600.0], [700.0]]
    stored = [series[0], series[1].copy()]
    stored[1][[50, 265]] = np.nan
    data = dataset(stored, train_end=[250, 250], val_end=[300, 300], seasons=(12,))
    dropped = DroppedOutliers(cells=np.array([[450, 0], [665, 0]]), values=np.array([500.0, 600.0]))
    early = Fold(train_end=np.array([200, 200]), val_end=np.array([240, 240]), count=np.array([280, 280]))
    config = PrepareConfig(season=(12,), outliers="drop")
    fold = dataset_at_fold(data, early, config, dropped)
    assert np.flatnonzero(~fold.measured[:, 0]).tolist() == [280 + 50]
    units = fold.scaler.inverse_transform(fold.values_scaled[280:], 1)
    assert units[265, 0] == pytest.approx(600, rel=1e-5)
    # Later, row 330 is a validation row of the fold. It was a test row of the run.
    late = Fold(train_end=np.array([300, 300]), val_end=np.array([350, 350]), count=np.array([400, 400]))
    fold = dataset_at_fold(data, late, config, dropped)
    assert np.flatnonzero(~fold.measured[:, 0]).tolist() == [400 + 50, 400 + 265, 400 + 330]
