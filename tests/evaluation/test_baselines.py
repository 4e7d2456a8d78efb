"""Tests of the simple baselines, by hand."""

import numpy as np
from small_data import dataset

from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.evaluation.baselines import naive, seasonal_naive


def test_naive_repeats_the_last_value_of_the_targets() -> None:
    past = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    assert naive(past, 3, 2).tolist() == [[[9, 10]] * 3, [[21, 22]] * 3]


def test_seasonal_naive_repeats_the_last_season() -> None:
    past = np.arange(6, dtype=np.float32)[None, :, None]
    mask = np.ones((1, 6), dtype=np.float32)
    # The step ahead is one season after the first value of the last season.
    assert seasonal_naive(past, mask, 7, 1, 3)[0, :, 0].tolist() == [3, 4, 5, 3, 4, 5, 3]
    assert seasonal_naive(past, mask, 2, 1, 3)[0, :, 0].tolist() == [3, 4]
    assert seasonal_naive(past, mask, 2, 1, 1)[0, :, 0].tolist() == [5, 5]


def test_seasonal_naive_is_exact_on_a_pure_season() -> None:
    values = np.tile([3.0, -1.0, 4.0, 1.0, 5.0], 20)[:, None]
    data = dataset([values], train_end=[50], val_end=[75], lookback=10, horizon=7)
    batch = split_windows(data, "test")[:]
    np.testing.assert_array_equal(seasonal_naive(batch.past, batch.mask, 7, 1, 5), batch.target)


def test_seasonal_naive_without_a_whole_season_is_naive() -> None:
    past = np.arange(12, dtype=np.float32).reshape(2, 6, 1)
    mask = np.array([[0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 1, 1]], dtype=np.float32)
    forecast = seasonal_naive(past, mask, 4, 1, 3)[:, :, 0].tolist()
    assert forecast == [[3, 4, 5, 3], [11, 11, 11, 11]]
