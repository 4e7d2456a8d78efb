"""Tests of sums of squares over windows that follow each other."""

import numpy as np
import pytest
from small_data import dataset, wave

from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.linear import overlapping_windows
from lstm_cli.linear.overlapping_windows import find_runs, sum_of_squares
from lstm_cli.linear.ridge import NormalEquations, window_rows


def windows_of(values: np.ndarray, width: int) -> np.ndarray:
    """Return all windows [n, width] of a series."""
    return np.lib.stride_tricks.sliding_window_view(values, width).astype(np.float32)


@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize(("count", "width"), [(1, 5), (2, 2), (40, 1), (300, 30), (30, 300)])
def test_the_recursion_gives_the_product_of_the_windows(count: int, width: int, offset: float) -> None:
    random = np.random.default_rng(0)
    steps = (offset + random.normal(size=count + width - 1)).astype(np.float32)
    center = (offset + random.normal(size=count)).astype(np.float32)
    inputs = windows_of(steps, width).astype(np.float64) - center[:, None]
    squares, values = sum_of_squares(steps, center)
    np.testing.assert_allclose(squares, inputs.T @ inputs, rtol=1e-9, atol=1e-9 * count * width)
    np.testing.assert_allclose(values, inputs.sum(axis=0), rtol=1e-9, atol=1e-8 * count)


def test_a_run_ends_at_another_group_and_at_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlapping_windows, "MIN_RUN", 3)
    monkeypatch.setattr(overlapping_windows, "CHUNK_ROWS", 4)  # runs cross chunks
    random = np.random.default_rng(1)
    first, second = (windows_of(random.normal(size=14), 5) for _ in range(2))  # 10 windows each
    windows = np.stack([first, second], axis=1).reshape(20, 5)  # two targets in turn
    rows = np.delete(np.arange(20), [0, 11])  # target 0 begins one step later, target 1 lacks its window 5
    runs = find_runs((windows[:, :3], windows[:, 3:]), np.tile([0, 1], 10), rows)
    assert [run.tolist() for run in runs] == [
        [2, 4, 6, 8, 10, 12, 14, 16, 18],
        [1, 3, 5, 7, 9],
        [13, 15, 17, 19],
    ]


def test_a_sample_of_windows_has_no_runs() -> None:
    windows = windows_of(np.random.default_rng(2).normal(size=2_000), 8)[::2]
    groups = np.zeros(len(windows), dtype=np.int64)
    assert find_runs((windows,), groups, np.arange(len(windows))) == []


def test_the_normal_equations_are_the_same_with_and_without_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    series = [wave(200, 2, seed=1, noise=0.3), 5 * wave(150, 2, seed=2, noise=0.3)]
    series[0][90, 0] = np.nan
    made = dataset(series, train_end=[160, 110], val_end=[180, 130], lookback=20, horizon=6, seasons=(12,))
    train = split_windows(made, "train")
    rows = window_rows(train, unit=np.ones(2), window=14, response=np.zeros((0, 2), dtype=np.float32))
    without = NormalEquations.from_rows(rows, "mean", False)
    monkeypatch.setattr(overlapping_windows, "MIN_RUN", 10)
    complete = np.flatnonzero(rows.observed.all(axis=1))
    assert len(find_runs((rows.past, rows.truth), rows.series * 2 + rows.target, complete)) >= 4
    with_runs = NormalEquations.from_rows(rows, "mean", False)
    for name in ("squares", "products", "inputs", "outputs", "count"):
        np.testing.assert_allclose(getattr(with_runs, name), getattr(without, name), rtol=1e-5, atol=1e-4)
