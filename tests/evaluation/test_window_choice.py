"""Tests of the rule that chooses the windows of pictures, against sorted errors."""

import numpy as np
import pytest
from small_data import dataset, wave

from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.evaluation import scoring
from lstm_cli.evaluation.uncertainty import WindowErrors
from lstm_cli.evaluation.window_choice import choose_windows, names_of_windows


def test_the_chosen_windows_are_those_of_the_sorted_errors() -> None:
    rng = np.random.default_rng(7)
    for count in (2, 3, 100, 101):
        error, moment = rng.random(count), rng.permutation(count)
        order = sorted(range(count), key=lambda index: error[index])
        assert choose_windows(error, moment) == {
            "best": order[0],
            "median": order[(count + 1) // 2 - 1],
            "worst": order[-1],
            "newest": int(np.flatnonzero(moment == count - 1)[0]),
        }


def test_equal_windows_give_the_first_of_them() -> None:
    chosen = choose_windows(np.zeros(5), np.array([1, 3, 2, 3, 0]))
    assert chosen == {"best": 0, "median": 0, "worst": 0, "newest": 1}
    assert names_of_windows(chosen) == {0: "best, median and worst", 1: "newest"}


def test_windows_without_measured_values_are_not_chosen() -> None:
    chosen = choose_windows(np.array([np.nan, 5.0, 1.0, np.nan]), np.arange(4))
    assert chosen == {"best": 2, "median": 2, "worst": 1, "newest": 2}
    assert choose_windows(np.full(3, np.nan), np.array([0, 2, 1])) == {"newest": 1}
    with pytest.raises(ValueError, match="empty"):
        choose_windows(np.zeros(0), np.zeros(0))


def test_the_error_of_a_window_is_its_mase() -> None:
    data = dataset([wave(400)], train_end=[280], val_end=[340], lookback=24, seasons=(12,))
    windows, scale = split_windows(data, "test", 24), scoring.metric_scale(data)
    errors = WindowErrors(windows, scale)
    missed = np.random.default_rng(3).random((len(windows), 4, 1))
    batch = windows[np.arange(len(windows))]
    batch.observed[2, 1] = False  # a missing value does not count
    batch.observed[5] = False
    errors("naive", batch, 2 * missed)
    errors("model", batch, missed)
    expected = missed[..., 0].mean(axis=1)
    expected[2] = missed[2, [0, 2, 3], 0].mean()
    expected[5] = np.nan
    np.testing.assert_allclose(errors.mean_errors()[:, 0], expected / scale.seasonal_error[0, 0])
    assert errors.chosen_windows()["worst"] == (int(np.nanargmax(expected)), 0)


def test_the_windows_of_several_targets_are_compared_by_their_mase() -> None:
    targets = wave(400, 2) * [1.0, 1000.0]
    data = dataset([targets], train_end=[280], val_end=[340], lookback=24, seasons=(12,))
    windows, scale = split_windows(data, "test", 24), scoring.metric_scale(data)
    errors = WindowErrors(windows, scale)
    missed = np.ones((len(windows), 4, 2)) * scale.seasonal_error[0]
    missed[3, :, 0] *= 5  # less than the errors of the second target in its units, but more in MASE
    missed[4, :, 1] *= 0.5
    errors("model", windows[np.arange(len(windows))], missed)
    chosen = errors.chosen_windows()
    assert (chosen["worst"], chosen["best"]) == ((3, 0), (4, 1))
    assert chosen["newest"] == (len(windows) - 1, 0)
