"""Tests of the windows file, read by NumPy."""

import io
from dataclasses import replace

import numpy as np
import pytest
from small_data import dataset, wave

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import Windows, split_windows
from lstm_cli.data.frequency.step import UNIT
from lstm_cli.export import windows_npz as module
from lstm_cli.export.windows_npz import window_arrays, write_windows


def panel() -> Dataset:
    """Return two series with missing values, a known-ahead covariate, and padded windows."""
    first, second = wave(60, 3, seed=1), wave(40, 3, seed=2)
    first[[5, 30], 0] = np.nan
    return dataset(
        [first, second],
        train_end=[40, 20],
        val_end=[50, 30],
        lookback=18,
        horizon=4,
        future=1,
        seasons=(4,),
        lookback_fixed=False,
    )


def make_splits(data: Dataset) -> dict[str, Windows]:
    return {split: split_windows(data, split) for split in ("train", "val", "test")}


def write_and_read(splits: dict[str, Windows]) -> tuple[bytes, dict[str, np.ndarray]]:
    stream = io.BytesIO()
    write_windows(stream, window_arrays(splits))
    with np.load(io.BytesIO(stream.getvalue()), allow_pickle=False) as arrays:
        return stream.getvalue(), {name: arrays[name] for name in arrays.files}


def test_the_arrays_equal_the_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_WINDOWS", 7)  # several batches, the last one not full
    data = panel()
    splits = make_splits(data)
    _, arrays = write_and_read(splits)
    for split, windows in splits.items():
        expected = windows[:]
        assert (expected.mask == 0).any() == (split == "train")
        np.testing.assert_array_equal(arrays[f"X_{split}"], expected.past)
        np.testing.assert_array_equal(arrays[f"y_{split}"], expected.target)
        np.testing.assert_array_equal(arrays[f"mask_{split}"], expected.mask)
        np.testing.assert_array_equal(arrays[f"future_{split}"], expected.future)
        np.testing.assert_array_equal(arrays[f"measured_{split}"], expected.observed)
        np.testing.assert_array_equal(arrays[f"series_{split}"], expected.series)
        # The time of the first target on the time grid of its series.
        times = arrays[f"time_{split}"]
        assert times.dtype == np.dtype("datetime64[us]")
        rows = windows.origins - data.series.offset[windows.series]
        np.testing.assert_array_equal(times, np.datetime64(0, "us") + rows * np.timedelta64(1, "h"))
    assert set(arrays) == {array.name for array in window_arrays(splits)}
    assert not arrays["measured_train"].all()


def test_the_size_is_known_before_writing_and_batches_are_small() -> None:
    splits = make_splits(panel())
    described = window_arrays(splits)
    data, arrays = write_and_read(splits)
    for array in described:
        actual = arrays[array.name]
        assert (actual.shape, actual.dtype, actual.nbytes) == (array.shape, array.dtype, array.size)
        assert max((len(piece) for piece in array.pieces()), default=0) <= module.BATCH_WINDOWS
    total = sum(array.size for array in described)
    assert total < len(data) < total + 600 * len(described)
    progress: list[int] = []
    write_windows(io.BytesIO(), described, progress=progress.append)
    assert progress[-1] == total
    assert progress == sorted(progress)


def test_the_same_windows_give_the_same_bytes_and_a_split_can_be_empty() -> None:
    data = dataset([wave(40)], train_end=[30], val_end=[40])
    splits = make_splits(data)
    first, arrays = write_and_read(splits)
    assert first == write_and_read(splits)[0]
    assert arrays["X_test"].shape == (0, 8, 1)
    assert "future_train" not in arrays


def test_without_a_time_column_windows_have_row_numbers() -> None:
    data = dataset([wave(40)], train_end=[30], val_end=[40])
    data = replace(data, schema=replace(data.schema, time_columns=(), step=UNIT))
    splits = make_splits(data)
    _, arrays = write_and_read(splits)
    assert arrays["time_val"].dtype == np.int64
    assert arrays["time_val"][0] == 31  # the first validation row, counted from 1
    assert arrays["time_val"][-1] == 37
