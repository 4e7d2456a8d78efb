"""Tests of windows gathered on the device, and of their order in training."""

import itertools

import numpy as np
import pytest
import torch
from small_data import dataset, wave

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import Windows, split_windows
from lstm_cli.training.windows.device_windows import DeviceWindows

CPU = torch.device("cpu")


def panel(*, missing: str = "interpolate", gaps: bool = True, pad: bool = True) -> Dataset:
    series = [wave(rows, 4, seed=rows) for rows in (60, 34, 50)]
    if gaps:
        for rows in series:
            generator = np.random.default_rng(len(rows))
            rows[:, :3][generator.random((len(rows), 3)) < 0.25] = np.nan
            rows[generator.random(len(rows)) < 0.05, 3] = np.nan
            rows[18:22, [0, 3]] = np.nan
    return dataset(
        series,
        train_end=[34, 20, 30],
        val_end=[46, 27, 40],
        lookback=18,
        past=1,
        future=1,
        calendar=True,
        ahead=[3, 0, 0],
        missing=missing,
        pad=pad,
        seasons=(4,),
    )


@pytest.mark.parametrize("split", ["train", "val", "test"])
@pytest.mark.parametrize("missing", ["interpolate", "last", "season"])
@pytest.mark.parametrize("gaps", [True, False])
def test_both_ways_of_gathering_are_equal_to_the_bit(split: str, missing: str, gaps: bool) -> None:
    data = panel(missing=missing, gaps=gaps)
    windows = split_windows(data, split)
    on_device = DeviceWindows.from_windows(windows, CPU)
    assert len(on_device) == len(windows) > 0
    places = np.random.default_rng(0).permutation(len(windows))
    item, other = windows[places], on_device.gather(torch.from_numpy(places))
    assert split != "train" or not item.mask.all()
    for name, value in vars(item).items():
        tensor = getattr(other, name).numpy()
        assert tensor.dtype == (np.float32 if name == "observed" else value.dtype)
        np.testing.assert_array_equal(tensor, value)


@pytest.mark.parametrize("origin", [20, 34, 46])  # in a gap, and at each split
def test_nothing_after_the_origin_changes_a_bit_of_the_inputs_on_the_device(origin: int) -> None:
    rows = wave(60, 2, seed=1)
    rows[[18, 19, 20, 21, 33, 34, 45, 46, 47], 0] = np.nan
    changed = rows.copy()
    changed[origin:] = 1e3 * np.random.default_rng(0).normal(size=changed[origin:].shape)
    pasts = []
    for values in (rows, changed):
        data = dataset([values], train_end=[34], val_end=[46], scaler="none", past=1)
        windows = Windows(
            dataset=data, lookback=8, origins=np.array([origin]), series=np.zeros(1, dtype=np.int64)
        )
        pasts.append(DeviceWindows.from_windows(windows, CPU).gather(torch.tensor([0])).past)
    assert torch.equal(*pasts)


def test_batches_in_order_include_the_remainder() -> None:
    windows = split_windows(panel(), "train")
    batches = list(DeviceWindows.from_windows(windows, CPU).batches(5))
    assert {len(batch.series) for batch in batches[:-1]} == {5}
    np.testing.assert_array_equal(torch.cat([batch.target for batch in batches]).numpy(), windows[:].target)


def test_the_device_holds_a_copy() -> None:
    data = panel(gaps=False)
    windows = DeviceWindows.from_windows(split_windows(data, "train"), CPU)
    before = windows.gather(torch.arange(3)).past.clone()
    data.values_scaled[:] = 0
    assert torch.equal(windows.gather(torch.arange(3)).past, before)


@pytest.mark.parametrize(("long", "even"), [(90, True), (400, False)])
def test_long_series_do_not_dominate_short_ones(long: int, even: bool) -> None:
    """Windows of similar series come once each; a series with many times the windows is sampled less often."""
    made = dataset(
        [wave(60), wave(long, seed=1)], train_end=[40, long - 20], val_end=[50, long - 10], horizon=4
    )
    windows = DeviceWindows.from_windows(split_windows(made, "train"), CPU)
    order = windows.order(16, torch.Generator().manual_seed(0))
    seen = torch.cat(list(itertools.islice(order, 500)))
    counts = torch.bincount(windows.series)
    short = (windows.series[seen] == 0).float().mean()
    fair = counts[0] / counts.sum() if even else counts[0] ** 0.5 / (counts.float() ** 0.5).sum()
    assert short == pytest.approx(float(fair), abs=0.02)
    assert (len(torch.unique(seen[: len(windows)])) == len(windows)) is even
