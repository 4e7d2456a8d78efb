"""Tests of intervals beyond the trained horizon: the measured growth of the error, and its extrapolation."""

import dataclasses

import numpy as np
import pytest
from small_data import dataset, wave

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import Batch, Windows
from lstm_cli.data.forecast.fed_back import forecast_blocks
from lstm_cli.evaluation.quantiles.calibrate_intervals import calibrate
from lstm_cli.evaluation.quantiles.intervals import Intervals

HORIZON, LOOKBACK = 4, 8


def naive(batch: Batch) -> np.ndarray:
    return np.repeat(batch.past[:, -1:, :1], HORIZON, axis=1)


def random_walk(*, rows: int = 6000, val_end: int = 4000, past: int = 0) -> Dataset:
    walk = np.cumsum(np.random.default_rng(0).normal(size=(rows, 1 + past)), axis=0)
    return dataset([walk], train_end=[3000], val_end=[val_end], lookback=LOOKBACK, horizon=HORIZON, past=past)


def intervals_of(growth: tuple[float, ...], *, half: tuple[float, ...] = (1.0, 3.0)) -> Intervals:
    return Intervals(
        half=np.array([half, np.multiply(half, 2)]),
        floor=np.ones(1),
        season=1,
        lookback=LOOKBACK,
        optimism=1.0,
        horizons=100.0,
        growth=growth,
    )


def test_the_error_of_a_random_walk_grows_with_the_root_of_the_step() -> None:
    """Means of sqrt(t): those over steps 5 to 8 and 9 to 12 are 1.65 and 2.10 times that over steps 1 to 4."""
    fitted = calibrate(random_walk(), naive, lookback=LOOKBACK).quantiles.intervals
    roots = np.sqrt(np.arange(1, 13)).reshape(3, 4).mean(axis=1)
    assert fitted.growth == pytest.approx(roots[1:] / roots[0], rel=0.1)


def test_the_intervals_of_a_random_walk_cover_far_steps() -> None:
    data = random_walk()
    fitted = calibrate(data, naive, lookback=LOOKBACK).quantiles.intervals
    origins = np.arange(4100, 5900, 7)
    batch = Windows(dataset=data, lookback=LOOKBACK, origins=origins, series=np.zeros_like(origins))[:]
    forecast = np.repeat(batch.past[:, -1:, :1], 40, axis=1)
    low, high = fitted.quantiles((0.1, 0.9), forecast, batch)
    truth = data.values_scaled[origins[:, None] + np.arange(40), :1]
    covered = ((truth >= low) & (truth <= high)).mean(axis=(0, 2))
    for steps in (slice(0, 4), slice(4, 12), slice(12, 40)):
        assert covered[steps].mean() == pytest.approx(0.8, abs=0.1)


def test_a_season_that_repeats_does_not_widen() -> None:
    def last_season(batch: Batch) -> np.ndarray:
        return batch.past[:, -12 : -12 + HORIZON, :1]

    data = dataset([wave(1200)], train_end=[800], val_end=[1000], lookback=12, horizon=HORIZON, seasons=(12,))
    fitted = calibrate(data, last_season, lookback=12).quantiles.intervals
    assert fitted.growth == pytest.approx((1.0, 1.0), rel=0.1)
    wide = fitted.half_widths(100)
    assert wide[:, -1] == pytest.approx(wide[:, 3], rel=0.25)


def test_validation_rows_that_hold_two_horizons_measure_one_growth() -> None:
    assert (
        len(calibrate(random_walk(val_end=3000 + 3 * HORIZON), naive, lookback=LOOKBACK).quantiles.growth)
        == 2
    )
    assert (
        len(calibrate(random_walk(val_end=3000 + 3 * HORIZON - 1), naive, lookback=LOOKBACK).quantiles.growth)
        == 1
    )
    # The validation rows hold one horizon only, so that the training rows are measured.
    assert len(calibrate(random_walk(val_end=3000 + HORIZON), naive, lookback=LOOKBACK).quantiles.growth) == 2


def test_a_model_with_past_covariates_is_not_measured() -> None:
    assert calibrate(random_walk(past=1), naive, lookback=LOOKBACK).quantiles.growth == ()


def test_the_test_rows_do_not_change_the_growth() -> None:
    data = random_walk()
    values = data.values_scaled.copy()
    values[4000:] += 50
    changed = dataclasses.replace(data, values_scaled=values)
    growth = [calibrate(item, naive, lookback=LOOKBACK).quantiles.growth for item in (data, changed)]
    assert growth[0] == growth[1]


def test_fewer_steps_have_the_first_half_widths_and_more_steps_keep_them() -> None:
    fitted = intervals_of((2.0,))
    assert fitted.half_widths(1).tolist() == [[1.0], [2.0]]
    assert fitted.half_widths(2).tolist() == [[1.0, 3.0], [2.0, 6.0]]
    assert fitted.half_widths(5)[:, :2].tolist() == [[1.0, 3.0], [2.0, 6.0]]


def test_the_growth_is_linear_between_the_middles_and_a_power_after_them() -> None:
    """With a horizon of 2, the middles of the blocks are the steps 1.5, 3.5 and 5.5. The mean half width is 2."""
    growth = intervals_of((2.0, 4.0)).half_widths(11)[0] / 2
    # Steps 3 and 5 lie at three quarters between the middles.
    assert growth[2:5] == pytest.approx([1.75, 2.5, 3.5])
    # 4 = (5.5 / 1.5) ** p gives p = 1.067, and at most 1 is used.
    assert growth[10] == pytest.approx(4.0 * 11 / 5.5)
    # 1.2 = (3.5 / 1.5) ** p gives p = 0.215.
    slow = intervals_of((1.2,)).half_widths(11)[0] / 2
    assert slow[10] == pytest.approx(1.2 * (11 / 3.5) ** (np.log(1.2) / np.log(3.5 / 1.5)))


def test_without_a_measurement_the_width_grows_with_the_root_of_the_step() -> None:
    widths = intervals_of((), half=(2.0, 2.0)).half_widths(24)[0]
    assert widths[5] == pytest.approx(2 * np.sqrt(6 / 1.5))
    assert widths[23] == pytest.approx(2 * np.sqrt(24 / 1.5))


def test_a_later_block_is_never_narrower() -> None:
    widths = intervals_of((0.5, 0.3)).half_widths(20)
    assert (np.diff(widths, axis=1) >= 0).all()
    assert (widths[:, 2:] == widths[:, 1:2]).all()


def test_the_growth_is_stored_and_old_runs_have_none() -> None:
    stored = intervals_of((2.0, 4.0)).to_dict()
    assert Intervals.from_dict(stored).growth == (2.0, 4.0)
    del stored["growth"]
    assert Intervals.from_dict(stored).growth == ()


def test_each_block_reads_the_forecasts_and_known_inputs_of_the_blocks_before() -> None:
    """A forecast of the sum of the last two rows continues 1, 2 as 3, 5, 8. Padding moves out of the window."""
    batch = Batch(
        past=np.array([[[9.0, 0.0], [1.0, 10.0], [2.0, 20.0]]]),
        future=np.zeros((1, 1, 1)),
        mask=np.array([[0.0, 1.0, 1.0]]),
        target=np.zeros((1, 1, 1)),
        observed=np.zeros((1, 1, 1), dtype=bool),
        series=np.zeros(1, dtype=np.int64),
    )
    seen: list[Batch] = []

    def fibonacci(window: Batch) -> np.ndarray:
        seen.append(window)
        return window.past[:, -2:, :1].sum(axis=1, keepdims=True)

    future = np.array([[[30.0], [40.0], [50.0]]])
    assert forecast_blocks(batch, future, fibonacci)[0, :, 0].tolist() == [3.0, 5.0, 8.0]
    assert seen[2].past.tolist() == [[[2.0, 20.0], [3.0, 30.0], [5.0, 40.0]]]
    assert [window.mask.tolist() for window in seen] == [[[0.0, 1.0, 1.0]], [[1.0] * 3], [[1.0] * 3]]
    assert [window.future.tolist() for window in seen] == [[[[30.0]]], [[[40.0]]], [[[50.0]]]]
    clipped = forecast_blocks(batch, future, fibonacci, clip=lambda forecast: np.minimum(forecast, 4.0))
    assert clipped[0, :, 0].tolist() == [3.0, 5.0, 7.0]  # 5 is fed back as 4
