"""Windows: which there are, what they hold, and what they never see."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_data import dataset, wave

from lstm_cli.data.dataset.dataset import Dataset, UsableRows, describe_dataset, pack_mask, restore_dataset
from lstm_cli.data.dataset.windows import (
    allocate_windows,
    count_windows,
    gather_windows,
    require_windows,
    sampling_weights,
    split_windows,
)
from lstm_cli.errors import DataError

SPLITS = ("train", "val", "test")


def panel(**options: object) -> Dataset:
    """Three series of 60, 45 and 80 rows; a target, a past and a known-ahead covariate."""
    series = [1000.0 * number + wave(rows, 3, seed=number) for number, rows in enumerate((60, 45, 80))]
    return dataset(series, train_end=[30, 25, 50], val_end=[45, 34, 65], past=1, future=1, **options)  # type: ignore[arg-type]


def test_window_counts_of_the_published_tables() -> None:
    data = dataset([wave(14_400)], train_end=[8640], val_end=[11_520], lookback=336, horizon=96)
    assert [len(split_windows(data, split)) for split in SPLITS] == [8640 - 336 - 95, 2785, 2785]


@pytest.mark.parametrize("split", SPLITS)
def test_all_targets_of_a_window_lie_in_its_split_and_every_such_window_is_there(split: str) -> None:
    data = panel()
    windows = split_windows(data, split)
    expected = []
    for number in range(3):
        first = int(data.series.offset[number])
        edges = [0, data.series.train_end[number], data.series.val_end[number], data.series.count[number]]
        begin, end = (int(edge) for edge in edges[SPLITS.index(split) :][:2])
        expected += [
            (number, first + origin)
            for origin in range(begin, end)
            if origin + data.schema.horizon <= end and origin >= data.schema.lookback
        ]
    assert list(zip(windows.series.tolist(), windows.origins.tolist(), strict=True)) == expected


def test_inputs_and_targets_are_the_rows_around_the_origin() -> None:
    data = panel()
    windows = split_windows(data, "val")
    for place in range(len(windows)):
        batch, origin = windows[place], int(windows.origins[place])
        np.testing.assert_array_equal(batch.past[0], data.values_scaled[origin - 8 : origin])
        np.testing.assert_array_equal(batch.target[0], data.values_scaled[origin : origin + 4, :1])
        np.testing.assert_array_equal(batch.future[0], data.values_scaled[origin : origin + 4, 2:])
        assert batch.mask.all()
        assert batch.observed.all()
        assert batch.past.dtype == batch.future.dtype == batch.mask.dtype == batch.target.dtype == np.float32


def test_the_last_window_ends_on_the_last_usable_row() -> None:
    data = dataset([wave(50, 2), wave(40, 2)], train_end=[20, 20], val_end=[30, 28], future=1, ahead=[3, 0])
    windows = split_windows(data, "test")
    for number, last in enumerate([46, 39]):  # 50 rows, 3 of them ahead; then 40 rows, from row 50 on
        ends = (
            windows.origins[windows.series == number] + data.schema.horizon - 1 - data.series.offset[number]
        )
        assert ends.max() == last


@pytest.mark.parametrize("pad", [False, True])
@pytest.mark.parametrize("split", SPLITS)
def test_no_window_straddles_two_series(split: str, pad: bool) -> None:
    data = panel(lookback=30, pad=pad)
    # Scaled values are turned into the number of their series.
    lengths = data.series.count + data.series.ahead
    numbers = np.repeat(np.arange(3, dtype=np.float32), lengths)[:, None]
    data = replace(data, values_scaled=np.tile(numbers, (1, 3)))
    windows = split_windows(data, split)
    assert len(windows) > 0
    batch = windows[:]
    for cells in (batch.past, batch.future, batch.target):
        assert (cells == batch.series[:, None, None]).all()


def test_short_history_is_padded_at_the_front_with_the_first_row_and_masked() -> None:
    data = dataset([wave(30)], train_end=[20], val_end=[25], lookback=18, pad=True, seasons=(2,))
    windows = split_windows(data, "train")
    assert windows.origins.tolist() == list(range(4, 17))  # two seasons of history at least
    batch = windows[0]
    assert batch.mask[0].tolist() == [0] * 14 + [1] * 4
    np.testing.assert_array_equal(batch.past[0, 14:], data.values_scaled[:4])
    assert (batch.past[0, :14] == data.values_scaled[0]).all()


def test_a_fixed_lookback_is_never_padded() -> None:
    data = dataset([wave(30)], train_end=[20], val_end=[25], lookback=18)
    assert [len(split_windows(data, split)) for split in SPLITS] == [0, 2, 2]
    for split in ("val", "test"):
        assert split_windows(data, split)[:].mask.all()


def test_rows_beyond_the_data_are_not_observed() -> None:
    data = dataset([wave(30, 2)], train_end=[20], val_end=[24], future=1, ahead=[2])
    batch = gather_windows(data, np.array([28]), np.array([0]), 8)
    assert batch.observed[0, :, 0].tolist() == [True, True, False, False]
    np.testing.assert_array_equal(batch.future[0, :2], data.values_scaled[28:, 1:])


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000), missing=st.sampled_from(["interpolate", "last", "season"]), pad=st.booleans()
)
def test_nothing_after_the_origin_changes_a_bit_of_the_inputs(seed: int, missing: str, pad: bool) -> None:
    """Holes at random, at each split and origin; of a covariate known ahead, also at the end of the horizon."""
    generator = np.random.default_rng(seed)
    series = [wave(rows, 4, seed=seed + rows) for rows in (40, 30)]
    options = {
        "train_end": [20, 15],
        "val_end": [30, 22],
        "past": 1,
        "future": 1,
        "seasons": (5,),
        "pad": pad,
    }
    options |= {"missing": missing, "calendar": True}
    origins = [20, 30, int(generator.integers(9, 36))]
    for rows in series:
        rows[generator.random(rows.shape) < 0.2] = np.nan
        for origin in origins:
            rows[max(0, origin - 3) : origin + 2, : generator.integers(1, 4)] = np.nan
            rows[origin + int(generator.integers(0, 4)) : origin + 6, 3] = np.nan
    series[0][0, :3] = series[1][0, :3] = 1.0  # some training row is measured
    series[0][1, 3] = series[1][1, 3] = 1.0
    data = dataset(series, **options)  # type: ignore[arg-type]
    for origin in origins:
        changed = [rows.copy() for rows in series]
        for first, columns in ((origin, slice(0, 3)), (origin + 4, slice(3, 4))):
            width = changed[0][first:, columns].shape
            changed[0][first:, columns] = np.where(
                generator.random(width) < 0.3, np.nan, 1e3 * generator.normal(size=width)
            )
        changed[1][:] = np.where(np.isnan(changed[1]), np.nan, 7.0)
        # The scaler is that of the training rows; an origin among them needs the same one.
        other = dataset(changed, **options)  # type: ignore[arg-type]
        if origin < 20:
            other = _with_values(other, changed, data)
        item, two = (gather_windows(each, np.array([origin]), np.array([0]), 8) for each in (data, other))
        np.testing.assert_array_equal(item.past, two.past)
        np.testing.assert_array_equal(item.future, two.future)
        np.testing.assert_array_equal(item.mask, two.mask)


def _with_values(other: Dataset, series: list[np.ndarray], fitted: Dataset) -> Dataset:
    """`other` scaled as `fitted` is."""
    from lstm_cli.data.dataset.imputation import impute

    season = fitted.schema.season
    scaled = [fitted.scaler.transform(rows, number).astype(np.float32) for number, rows in enumerate(series)]
    values = np.concatenate([impute(rows, method=fitted.schema.missing, season=season) for rows in scaled])
    return replace(other, values_scaled=values, scaler=fitted.scaler)


def test_a_gap_at_the_origin_takes_the_last_value_and_an_earlier_gap_is_interpolated() -> None:
    values = np.arange(40.0)[:, None]
    values[[10, 11, 18, 19, 20, 21]] = np.nan
    data = dataset([values], train_end=[30], val_end=[35], scaler="none")
    past = gather_windows(data, np.array([20]), np.array([0]), 10).past[0, :, 0]
    assert past.tolist() == [10, 11, 12, 13, 14, 15, 16, 17, 17, 17]
    later = gather_windows(data, np.array([23]), np.array([0]), 10).past[0, :, 0]
    assert later.tolist() == [13, 14, 15, 16, 17, 18, 19, 20, 21, 22]  # closed by row 22


def test_a_covariate_known_ahead_is_used_up_to_the_end_of_the_horizon() -> None:
    values = np.stack([np.zeros(40), np.arange(40.0)], axis=1)
    values[[8, 9, 22, 23, 24, 25], 1] = np.nan
    data = dataset([values], train_end=[30], val_end=[35], scaler="none", future=1, lookback=10)
    past, future = (
        {
            origin: getattr(gather_windows(data, np.array([origin]), np.array([0]), 10), side)
            for origin in (9, 21, 24)
        }
        for side in ("past", "future")
    )
    assert past[9][0, :, 1].tolist() == [0, 0, 1, 2, 3, 4, 5, 6, 7, 8]  # row 8, from row 10 of the horizon
    assert future[9][0, :, 0].tolist() == [9, 10, 11, 12]
    assert future[21][0, :, 0].tolist() == [21, 21, 21, 21]  # the gap is open at row 24, the last one known
    assert past[24][0, :, 1].tolist() == list(range(14, 24))  # closed by row 26, of the horizon
    assert future[24][0, :, 0].tolist() == [24, 25, 26, 27]


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), missing=st.sampled_from(["interpolate", "last"]))
def test_validation_and_test_windows_begin_where_a_forecast_would(seed: int, missing: str) -> None:
    """After a row with a measured target, all future covariates of the horizon measured; counts agree."""
    generator = np.random.default_rng(seed)
    series = [wave(rows, 5, seed=rows) for rows in (60, 45)]
    for rows in series:
        rows[generator.random(rows.shape) < generator.choice([0.02, 0.2])] = np.nan
        rows[0] = 1.0
    data = dataset(series, train_end=[30, 20], val_end=[45, 33], past=1, future=2, missing=missing)
    rows_measured = UsableRows.from_measured(data.measured, data.schema)
    for split in SPLITS:
        windows = split_windows(data, split)
        expected = []
        for number, rows in enumerate(series):
            edges = [0, data.series.train_end[number], data.series.val_end[number], data.series.count[number]]
            begin, end = (int(edge) for edge in edges[SPLITS.index(split) :][:2])
            for origin in range(max(begin, data.schema.lookback), end - data.schema.horizon + 1):
                measured = ~np.isnan(rows)
                begins = measured[origin - 1, :2].any() and measured[origin : origin + 4, 3:].all()
                if split == "train" or begins:
                    expected.append(int(data.series.offset[number]) + origin)
        assert windows.origins.tolist() == expected
        assert count_windows(data.schema, data.series, split, rows_measured) == len(expected)


def test_a_split_whose_windows_all_lack_a_value_is_refused() -> None:
    values = wave(60, 2)
    values[32:44:3, 1] = np.nan
    data = dataset([values], train_end=[30], val_end=[45], future=1)
    with pytest.raises(DataError, match="none of the 12 validation windows can be forecast") as raised:
        require_windows(data.schema, data.series, "a.csv", test_wanted=True, measured=data.usable_rows)
    assert "'future0'" in raised.value.message
    assert "--past" in raised.value.hint


def test_a_filled_cell_is_never_observed() -> None:
    values = wave(40, 2)
    values[22, 0] = np.nan
    batch = split_windows(dataset([values], train_end=[20], val_end=[30]), "val")[:]
    places = np.argwhere(~batch.observed)
    assert [(origin, step, target) for origin, step, target in places.tolist()] == [
        (0, 2, 0),
        (1, 1, 0),
        (2, 0, 0),
    ]


def test_the_arrays_of_one_series_are_views_and_equal_the_gathered_windows() -> None:
    data = dataset([wave(60, 3)], train_end=[30], val_end=[45], past=1, future=1)
    for split in SPLITS:
        windows = split_windows(data, split)
        past, target = windows.arrays()
        assert np.shares_memory(past, data.values_scaled)
        assert np.shares_memory(target, data.values_scaled)
        assert past.shape == (len(windows), 8, 3)
        assert target.shape == (len(windows), 4, 1)
        np.testing.assert_array_equal(past, windows[:].past)
        np.testing.assert_array_equal(target, windows[:].target)


@pytest.mark.parametrize("case", ["panel", "padded", "a hole", "a hole ahead", "calendar"])
def test_the_arrays_equal_the_gathered_windows_elsewhere_too(case: str) -> None:
    holed = wave(60, 3)
    holed[25:35, 0] = np.nan
    data = {
        "panel": panel,
        "padded": lambda: dataset([wave(60)], train_end=[30], val_end=[45], lookback=28, pad=True),
        "a hole": lambda: dataset([holed], train_end=[30], val_end=[45]),
        "a hole ahead": lambda: dataset([holed[:, ::-1]], train_end=[29], val_end=[45], future=1),
        "calendar": lambda: dataset([wave(60)], train_end=[30], val_end=[45], calendar=True),
    }[case]()
    for split in SPLITS:
        windows = split_windows(data, split)
        past, target = windows.arrays()
        np.testing.assert_array_equal(past, windows[:].past)
        np.testing.assert_array_equal(target, windows[:].target)


def test_a_split_without_windows_has_no_arrays() -> None:
    data = dataset([wave(30)], train_end=[20], val_end=[22])
    with pytest.raises(DataError, match="this split has no windows"):
        split_windows(data, "val").arrays()


def test_batches_leave_no_remainder_out() -> None:
    windows = split_windows(panel(), "train")
    batches = list(windows.batches(7))
    assert [len(batch.series) for batch in batches[:-1]] == [7] * (len(batches) - 1)
    np.testing.assert_array_equal(np.concatenate([batch.past for batch in batches]), windows[:].past)
    assert sum(len(batch.series) for batch in batches) == len(windows)


def test_a_part_of_the_windows_of_one_series_is_evenly_spaced() -> None:
    windows = split_windows(dataset([wave(60)], train_end=[30], val_end=[45]), "train")
    part = windows.sample(5)
    assert len(windows) == 19
    assert (part.origins - windows.origins[0]).tolist() == [0, 4, 9, 14, 18]  # 4.5 and 13.5 to the even one
    assert windows.sample(10_000) is windows


def test_a_part_of_the_windows_holds_every_series_from_its_oldest_to_its_newest() -> None:
    windows = split_windows(panel(), "train")  # 19, 14 and 39 windows
    part = windows.sample(10)
    # The roots are 4.36, 3.74 and 6.24; .801 of each, rounded down, are 3, 2 and 5, and .802 are no more.
    assert np.bincount(part.series).tolist() == [3, 2, 5]
    for item in range(3):
        own, kept = windows.origins[windows.series == item], part.origins[part.series == item]
        assert (kept[0], kept[-1]) == (own[0], own[-1])


def test_more_series_than_windows_asked_for_are_sampled_at_their_newest() -> None:
    data = dataset([wave(30) for _ in range(9)], train_end=[20] * 9, val_end=[25] * 9)
    part = split_windows(data, "train").sample(3)
    assert part.series.tolist() == [0, 4, 8]
    assert (part.origins - data.series.offset[part.series]).tolist() == [16] * 3


@given(counts=st.lists(st.integers(1, 3000), min_size=1, max_size=60), share=st.floats(0, 1))
def test_a_part_is_as_large_as_asked_and_drowns_no_series(counts: list[int], share: float) -> None:
    numbers = np.array(counts)
    most = len(counts) + int(share * (numbers.sum() - len(counts)))
    if most >= numbers.sum():
        return
    taken = allocate_windows(numbers, most)
    assert taken.sum() == most
    assert (taken >= 1).all()
    assert (taken <= numbers).all()
    order = np.argsort(numbers, kind="stable")
    assert (np.diff(taken[order]) >= -1).all()  # a longer series gives no fewer, but for rounding
    for item, other in pairwise(order):  # yet fewer of its windows
        if taken[other] > 2:
            assert taken[other] / numbers[other] <= (taken[item] + 1) / numbers[item]


def test_windows_in_any_order_are_asked_by_series() -> None:
    windows = split_windows(panel(), "train")
    shuffle = np.random.default_rng(0).permutation(len(windows))
    mixed = replace(windows, origins=windows.origins[shuffle], series=windows.series[shuffle])
    assert np.bincount(mixed.sample(10).series).tolist() == [3, 2, 5]


def test_balanced_probabilities_by_hand() -> None:
    series = np.array([0, 0, 0, 0, 7])
    assert sampling_weights(series, power=1).tolist() == [0.2] * 5
    assert sampling_weights(series, power=0).tolist() == [1 / 8] * 4 + [1 / 2]
    assert sampling_weights(series, power=0.5) == pytest.approx([1 / 6] * 4 + [1 / 3])  # 2 to 1
    assert sampling_weights(np.empty(0, dtype=np.int64), power=0.5).tolist() == []
    with pytest.raises(ValueError, match="sampling weights is 2"):
        sampling_weights(series, power=2)


@given(
    series=st.lists(st.integers(0, 30), min_size=1, max_size=300).map(np.array),
    power=st.floats(0, 1),
)
def test_balanced_series_count_for_a_power_of_their_windows(series: np.ndarray, power: float) -> None:
    weight = sampling_weights(series, power=power)
    assert weight.shape == series.shape
    assert weight.sum() == pytest.approx(1)
    assert (weight > 0).all()
    _, place, counts = np.unique(series, return_inverse=True, return_counts=True)
    shares = np.bincount(place, weights=weight)
    expected = counts.astype(float) ** power
    np.testing.assert_allclose(shares, expected / expected.sum(), rtol=1e-9)
    # Short series never weigh less than by their windows alone.
    assert shares[np.argmin(counts)] >= counts.min() / len(series) - 1e-12


def test_the_calendar_joins_the_inputs_known_ahead() -> None:
    data = dataset([wave(60, 2)], train_end=[30], val_end=[45], future=1, calendar=True)
    calendar = len(data.schema.calendar)
    assert data.schema.known_ahead == 1 + calendar
    batch = split_windows(data, "test")[0]
    assert batch.past.shape == (1, 8, 2 + calendar)
    assert batch.future.shape == (1, 4, 1 + calendar)
    # The first step ahead is an hour after the last step seen.
    np.testing.assert_array_equal(split_windows(data, "test")[1].past[0, -1, 1:], batch.future[0, 0])


def test_a_dataset_comes_back_from_its_files_to_the_bit() -> None:
    import json

    holed = wave(60, 3)
    holed[25:35, 0] = np.nan
    data = dataset(
        [holed, wave(30, 3)], train_end=[30, 20], val_end=[45, 25], past=1, future=1, seasons=(40,)
    )
    assert np.isnan(data.training.seasonal_error).any()  # no pair a season apart: stored as null
    files = json.loads(json.dumps(describe_dataset(data), allow_nan=False))
    back = restore_dataset(files, data.values_scaled, pack_mask(data.measured))
    assert back.schema == data.schema
    assert describe_dataset(back) == describe_dataset(data)
    for split in SPLITS:
        item, other = split_windows(data, split)[:], split_windows(back, split)[:]
        for name, value in vars(item).items():
            np.testing.assert_array_equal(value, getattr(other, name))
    np.testing.assert_array_equal(
        back.inverse_transform_targets(item.target, item.series),
        data.inverse_transform_targets(item.target, item.series),
    )
