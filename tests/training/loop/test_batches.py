"""Tests of windows gathered on the device, and of the order of training batches."""

import itertools

import numpy as np
import pytest
import torch
from small_data import dataset, wave

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import Windows, split_windows
from lstm_cli.training.loop.batches import DeviceWindows, shuffled_batches, training_batches, weighted_batches

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


@pytest.mark.parametrize(("count", "size"), [(10, 3), (3, 10), (7, 7), (1, 4)])
def test_every_window_is_seen_once_before_any_is_seen_again(count: int, size: int) -> None:
    batches = list(
        itertools.islice(shuffled_batches(count, size, torch.Generator().manual_seed(0)), 3 * count)
    )
    assert {len(batch) for batch in batches} == {size}
    seen = torch.cat(batches)
    passes = seen[: len(seen) // count * count].view(-1, count)
    assert len(passes) >= 3
    assert (passes.sort(dim=1).values == torch.arange(count)).all()
    if count > 3:
        assert not torch.equal(passes[0], passes[1])


def test_the_order_is_the_generators() -> None:
    item, same, other = (
        torch.cat(list(itertools.islice(shuffled_batches(20, 6, torch.Generator().manual_seed(seed)), 9)))
        for seed in (1, 1, 2)
    )
    assert torch.equal(item, same)
    assert not torch.equal(item, other)


def test_zero_windows_are_an_error_instead_of_an_endless_loop() -> None:
    with pytest.raises(ValueError, match="no windows"):
        next(shuffled_batches(0, 4, torch.Generator()))


def test_windows_are_sampled_with_their_probabilities() -> None:
    chances = np.array([0.5, 0.0, 0.3, 0.2])
    batches = weighted_batches(chances, 50, torch.Generator().manual_seed(0))
    seen = torch.cat(list(itertools.islice(batches, 400)))
    share = torch.bincount(seen, minlength=4) / len(seen)
    np.testing.assert_allclose(share.numpy(), chances, atol=0.02)
    assert share[1] == 0


@pytest.mark.parametrize(("long", "even"), [(90, True), (400, False)])
def test_long_series_do_not_dominate_short_ones(long: int, even: bool) -> None:
    """Windows of similar series come once each; a series with many times the windows is sampled less often."""
    made = dataset(
        [wave(60), wave(long, seed=1)], train_end=[40, long - 20], val_end=[50, long - 10], horizon=4
    )
    windows = DeviceWindows.from_windows(split_windows(made, "train"), CPU)
    order = training_batches(windows, 16, torch.Generator().manual_seed(0))
    seen = torch.cat(list(itertools.islice(order, 500)))
    counts = torch.bincount(windows.series)
    short = (windows.series[seen] == 0).float().mean()
    fair = counts[0] / counts.sum() if even else counts[0] ** 0.5 / (counts.float() ** 0.5).sum()
    assert short == pytest.approx(float(fair), abs=0.02)
    assert (len(torch.unique(seen[: len(windows)])) == len(windows)) is even
