"""Tests of backtest folds: the dataset of a fold equals the data as they were at its cut-off."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from small_data import dataset, wave

from lstm_cli.config import PrepareConfig
from lstm_cli.data.build.backtest_folds import Fold, backtest_folds, dataset_at_fold
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.data.frequency.step import HOUR
from lstm_cli.data.quality.seasonality import automatic_lookback

PREPARE = PrepareConfig(season=(12,))


def data(second: np.ndarray | None = None) -> Dataset:
    series = [wave(160, 2, seed=1), 50 + 9 * wave(120, 2, seed=2) if second is None else second]
    return dataset(series, train_end=[100, 80], val_end=[120, 90], lookback=12, horizon=4, seasons=(12,))


def test_cut_offs_divide_the_test_rows_evenly() -> None:
    result = backtest_folds(data(), 4)
    assert [cut.val_end.tolist() for cut in result] == [[120, 90], [130, 97], [140, 105], [150, 112]]
    assert [cut.count.tolist() for cut in result] == [[130, 97], [140, 105], [150, 112], [160, 120]]
    assert [cut.train_end.tolist() for cut in result] == [[100, 80], [110, 87], [120, 95], [130, 102]]


def test_too_few_test_rows_are_joined_by_those_before() -> None:
    result = backtest_folds(data(), 12)  # 48 rows of horizon 4, where the second series has 30
    assert result[0].val_end.tolist() == [112, 72]
    assert result[-1].count.tolist() == [160, 120]
    assert all((cut.count - cut.val_end >= 4).all() for cut in result)


def panel() -> Dataset:
    """Hours 0 to 159, 60 to 159 and 0 to 121; validation begins at hour 100 and ends at 120 in all of them."""
    made = dataset(
        [wave(160, 2, seed=1), wave(100, 2, seed=2), wave(122, 2, seed=3)],
        train_end=[100, 40, 100],
        val_end=[120, 60, 120],
        lookback=12,
        horizon=4,
    )
    return replace(made, series=replace(made.series, origin_us=np.array([0, 60, 0]) * HOUR))


def test_one_time_divides_a_fold_of_all_series() -> None:
    result = backtest_folds(panel(), 4)
    assert [cut.val_end.tolist() for cut in result] == [
        [120, 60, 120],
        [130, 70, 122],
        [140, 80, 122],
        [150, 90, 122],
    ]
    assert [cut.count.tolist() for cut in result][-1] == [160, 100, 122]
    assert [cut.train_end.tolist() for cut in result][2] == [120, 60, 120]
    fold = dataset_at_fold(panel(), result[1], PREPARE)
    windows = split_windows(fold, "test")
    assert set(windows.series.tolist()) == {0, 1}  # the third series ended before


def test_a_fold_leaves_out_a_series_that_has_no_training_window_yet() -> None:
    result = backtest_folds(
        panel(), 23
    )  # 92 hours: the first cut-off is hour 68, and validation begins at hour 48
    assert result[0].train_end.tolist() == [48, 0, 48]
    assert dataset_at_fold(panel(), result[0], PREPARE).series.names == ("series0", "series2")
    late = next(cut for cut in result if cut.train_end[1] == 4)  # one row short of a training window
    assert dataset_at_fold(panel(), late, PREPARE).series.names == ("series0", "series2")


def test_a_fold_holds_the_same_values_under_its_own_scaler() -> None:
    whole, cut = data(), backtest_folds(data(), 3)[1]
    fold = dataset_at_fold(whole, cut, PREPARE)
    for item in range(2):
        rows = slice(whole.series.offset[item], whole.series.offset[item] + cut.count[item])
        own = slice(fold.series.offset[item], fold.series.offset[item] + cut.count[item])
        before = whole.scaler.inverse_transform(whole.values_scaled[rows], item)
        np.testing.assert_allclose(
            fold.scaler.inverse_transform(fold.values_scaled[own], item), before, rtol=1e-5
        )
        training = fold.values_scaled[own][: cut.train_end[item]]
        np.testing.assert_allclose(training.mean(axis=0), 0, atol=1e-5)
        np.testing.assert_allclose(training.std(axis=0), 1, atol=1e-5)
    assert len(fold.values_scaled) == fold.series.count.sum()


def test_nothing_after_a_cut_off_reaches_its_training() -> None:
    changed = 50 + 9 * wave(120, 2, seed=2)
    cut = backtest_folds(data(), 3)[1]
    changed[cut.val_end[1] :] = 1e6
    item, other = dataset_at_fold(data(), cut, PREPARE), dataset_at_fold(data(changed), cut, PREPARE)
    assert item.scaler.equals(other.scaler)
    for split in ("train", "val"):
        a, b = split_windows(item, split)[:], split_windows(other, split)[:]
        np.testing.assert_allclose(a.past, b.past, atol=1e-5)
        np.testing.assert_allclose(a.target, b.target, atol=1e-5)
    for name, value in vars(item.training).items():
        np.testing.assert_allclose(value, getattr(other.training, name), rtol=1e-5)


def test_every_scored_window_starts_at_the_cut_off_or_later_and_ends_before_the_next() -> None:
    whole = data()
    for cut in backtest_folds(whole, 3):
        fold = dataset_at_fold(whole, cut, PREPARE)
        windows = split_windows(fold, "test")
        first = windows.origins - fold.series.offset[windows.series]
        assert (first >= cut.val_end[windows.series]).all()
        assert (first + 4 <= cut.count[windows.series]).all()
        assert len(windows) == (cut.count - cut.val_end - 3).sum()


def test_filled_cells_stay_no_truth_and_are_not_in_the_scaler() -> None:
    series = wave(100, 1, seed=3)
    series[20:30] = np.nan
    whole = dataset([series], train_end=[60], val_end=[80], lookback=12, horizon=4)
    fold = dataset_at_fold(
        whole, Fold(train_end=np.array([50]), val_end=np.array([70]), count=np.array([90])), PREPARE
    )
    assert not fold.measured[20:30].any()
    np.testing.assert_allclose(fold.scaler.center, np.nanmean(series[:50]), rtol=1e-5)


def test_a_series_that_begins_after_the_cut_off_is_left_out() -> None:
    cut = Fold(train_end=np.array([50, -3]), val_end=np.array([60, 7]), count=np.array([70, 17]))
    assert dataset_at_fold(data(), cut, PREPARE).series.names == ("series0",)
    with pytest.raises(ValueError, match="no series"):
        dataset_at_fold(
            data(),
            Fold(train_end=np.array([0, 0]), val_end=np.array([9, 9]), count=np.array([20, 20])),
            PREPARE,
        )


def seasonal_later(rows: int = 480) -> np.ndarray:
    """Hourly noise, with a daily season in its second half alone."""
    values = np.random.default_rng(0).normal(size=(rows, 1))
    values[rows // 2 :, 0] += 9 * np.sin(np.arange(rows - rows // 2) * 2 * np.pi / 24)
    return values


def test_a_fold_settles_seasons_and_lookback_from_its_own_training_rows() -> None:
    series = seasonal_later()
    options: dict[str, Any] = {"horizon": 4, "lookback": 48, "seasons": (24,), "lookback_fixed": False}
    whole = dataset([series], train_end=[400], val_end=[440], **options)
    early, late = (
        Fold(train_end=np.array([cut - 40]), val_end=np.array([cut]), count=np.array([cut + 20]))
        for cut in (240, 440)
    )
    fold = dataset_at_fold(whole, early, PrepareConfig())
    assert fold.schema.seasons == ()
    assert fold.schema.lookback == automatic_lookback(rows=200, horizon=4, seasons=())
    pairs = np.abs(np.diff(series[:200, 0]))
    assert fold.training.seasonal_error[0, 0] == pytest.approx(pairs.mean(), rel=1e-4)
    fold = dataset_at_fold(whole, late, PrepareConfig())
    assert (fold.schema.seasons, fold.schema.lookback) == ((24,), 48)
    given = dataset_at_fold(whole, early, PrepareConfig(season=(12,), lookback=30))
    assert given.schema.seasons == (12,)  # as --season says, whatever the rows hold
    fixed = dataset([series], train_end=[400], val_end=[440], **options | {"lookback_fixed": True})
    assert dataset_at_fold(fixed, early, PrepareConfig(lookback=48)).schema.lookback == 48


@pytest.mark.parametrize("missing", ["interpolate", "last", "season"])
def test_a_fold_is_filled_as_if_its_rows_were_all_there_is(missing: str) -> None:
    """Gaps that span the cut-off and the end of what is scored; the run's own season is another."""
    series = wave(120, 3, seed=4)
    series[[30, 31, 58, 59, 60, 61], :] = np.nan
    series[76:84, 1:] = np.nan
    options: dict[str, Any] = {"past": 1, "future": 1, "missing": missing}
    whole = dataset([series], train_end=[90], val_end=[105], seasons=(5,), **options)
    cut = Fold(train_end=np.array([45]), val_end=np.array([60]), count=np.array([80]))
    fold = dataset_at_fold(whole, cut, PREPARE)
    alone = dataset([series[:80]], train_end=[45], val_end=[60], seasons=(12,), **options)
    np.testing.assert_allclose(fold.values_scaled, alone.values_scaled, atol=1e-5)
    np.testing.assert_array_equal(fold.measured, alone.measured)
    for split in ("train", "val", "test"):
        item, other = split_windows(fold, split), split_windows(alone, split)
        assert item.origins.tolist() == other.origins.tolist()
        np.testing.assert_allclose(item[:].past, other[:].past, atol=1e-5)
        np.testing.assert_allclose(item[:].future, other[:].future, atol=1e-5)
