"""Tests of maps without a fit: by hand, and against the baselines."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_cli.evaluation.baselines import naive, seasonal_naive
from lstm_cli.linear.exponential_smoothing import Smoothing, seasonal_means, smoothings


def test_the_last_value_is_the_naive_forecast() -> None:
    values = np.array([3.0, 1.0, 4.0, 1.5])
    result = values @ Smoothing(family="last value").weights(4, 3)
    assert result.tolist() == naive(values[None, :, None], 3, 1)[0, :, 0].tolist() == [1.5, 1.5, 1.5]


def test_the_last_season_is_the_seasonal_naive_forecast() -> None:
    values = np.arange(10.0) ** 2
    result = values @ Smoothing(family="last season", season=4).weights(10, 7)
    expected = seasonal_naive(values[None, :, None], np.ones((1, 10)), 7, 1, 4)[0, :, 0]
    assert result.tolist() == expected.tolist()


def test_several_seasons_are_averaged() -> None:
    values = np.array([9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    result = values @ Smoothing(family="last season", season=3, cycles=2).weights(7, 4)
    assert result.tolist() == [2.5, 3.5, 4.5, 2.5]  # (1 + 4) / 2 and so on


def test_exponential_smoothing_by_hand() -> None:
    # Level 0.5, from the first value: 8, then 8 + .5 (4 - 8) = 6, then 6 + .5 (10 - 6) = 8.
    result = np.array([8.0, 4.0, 10.0]) @ Smoothing(family="smoothing", level=0.5).weights(3, 2)
    assert result.tolist() == [8.0, 8.0]


def test_a_damped_trend_by_hand() -> None:
    # level .5, trend .4, damping .5: from 10, trend 0.
    # 14: error 4, level 12, trend 0 + .4 * .5 * 4 = .8
    # 15: foreseen 12 + .4 = 12.4, error 2.6, level 13.7, trend .4 + .2 * 2.6 = .92
    # ahead: .5 * .92 = .46, then .46 + .23
    item = Smoothing(family="smoothing", level=0.5, trend=0.4, damping=0.5)
    result = np.array([10.0, 14.0, 15.0]) @ item.weights(3, 2)
    np.testing.assert_allclose(result, [13.7 + 0.46, 13.7 + 0.46 + 0.23])


def test_a_season_by_hand() -> None:
    # Season 2, level .5, seasonal .4: the first season 1, 3 gives level 2, effects -1 and 1.
    # 2: foreseen 1, error 1, level 2.5, effect -1 + .4 * .5 * 1 = -.8; 3: foreseen 3.5, error -.5, level 2.25,
    # effect 1 - .1 = .9. Ahead: 2.25 - .8, 2.25 + .9, again.
    item = Smoothing(family="smoothing", season=2, level=0.5, seasonal=0.4)
    np.testing.assert_allclose(np.array([1.0, 3.0, 2.0, 3.0]) @ item.weights(4, 3), [1.45, 3.15, 1.45])


@given(
    seasons=st.sampled_from([(), (4,), (7,), (4, 12)]),
    lookback=st.integers(8, 30),
    horizon=st.integers(1, 15),
    level=st.floats(-1e3, 1e3),
)
def test_a_level_passes_through_every_map(
    seasons: tuple[int, ...], lookback: int, horizon: int, level: float
) -> None:
    for item in smoothings(seasons, lookback):
        weights = item.weights(lookback, horizon)
        assert weights.shape == (lookback, horizon)
        np.testing.assert_allclose(np.full(lookback, level) @ weights, level, atol=1e-8)


@pytest.mark.parametrize("season", [4, 7, 12])
def test_a_pure_season_is_continued_by_all_seasonal_maps(season: int) -> None:
    cycle = np.random.default_rng(0).normal(size=season)
    values = np.tile(cycle, 4)
    for item in smoothings((season,), len(values)):
        if item.family != "last value":
            np.testing.assert_allclose(values @ item.weights(len(values), season), cycle, atol=1e-9)


def test_a_season_longer_than_the_lookback_is_left_out() -> None:
    assert {item.season for item in smoothings((24, 168), 30)} == {1, 24}
    assert all(item.cycles * item.season <= 60 for item in smoothings((24,), 60))


@pytest.mark.parametrize(
    ("seasons", "lookback", "cycles"),
    [
        ((24, 168), 1008, [7, 14, 28, 42]),  # whole weeks of days
        ((24, 168), 408, [7, 14]),
        ((24, 168), 335, [2, 4, 8, 13]),  # two weeks do not fit
        ((12, 30), 100, [2, 4, 8]),  # 30 is no multiple of 12
        ((7,), 84, [2, 4, 8, 12]),
        ((24,), 47, []),  # one cycle is no mean
        ((24,), 20, []),
        ((), 100, []),
    ],
)
def test_cycles_of_the_seasonal_means(seasons: tuple[int, ...], lookback: int, cycles: list[int]) -> None:
    means = seasonal_means(seasons, lookback)
    assert [item.cycles for item in means] == cycles
    assert all((item.family, item.season) == ("last season", seasons[0]) for item in means)


def test_a_seasonal_mean_of_two_weeks_by_hand() -> None:
    """With days of 2 steps and weeks of 3 days, each mean covers 3 or 6 days."""
    (three, six) = seasonal_means((2, 6), 12)
    values = np.array([9.0, 1, 3, 1, 3, 1, 3, 7, 3, 7, 3, 7])
    # Six days: (9 + 5 * 3) / 6 and (3 * 1 + 3 * 7) / 6; three days: 3 and 7.
    np.testing.assert_allclose(values @ six.weights(12, 3), [4, 4, 4])
    np.testing.assert_allclose(values @ three.weights(12, 3), [3, 7, 3])
