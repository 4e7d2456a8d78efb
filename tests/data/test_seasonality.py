"""Seasons are found where they are, and only there; the lookback follows its rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_data import wave

from lstm_cli.data.seasonality import autocorrelation, automatic_lookback, confirmed_seasons, found_season


def test_autocorrelation_by_hand() -> None:
    # Symmetric about its middle, so no slope; the mean is 0.
    values = np.array([1.0, -1, -1, 1, 1, -1, -1, 1])
    assert autocorrelation(values, 4) == pytest.approx(1)
    assert autocorrelation(values, 2) == pytest.approx(-1)
    assert autocorrelation(values, 1) == pytest.approx(-1 / 7)  # products 1 at 3 of 7 pairs, -1 at 4


def test_a_straight_line_is_taken_out() -> None:
    values = np.sin(2 * np.pi * np.arange(120) / 12)
    assert autocorrelation(values + 3.0 * np.arange(120), 6) == pytest.approx(
        autocorrelation(values, 6), abs=0.05
    )


@pytest.mark.parametrize(
    "values",
    [
        np.full(50, 7.0),
        np.full(50, 0.1),
        np.arange(50.0) * 1e6,  # nothing is left beside the line
        np.full(50, np.nan),
        np.arange(3.0),
    ],
    ids=["constant", "constant 0.1", "line", "empty", "shorter than the lag"],
)
def test_autocorrelation_is_undefined_without_spread(values: np.ndarray) -> None:
    assert np.isnan(autocorrelation(values, 5))


def test_holes_are_left_out() -> None:
    values = np.sin(2 * np.pi * np.arange(240) / 12)
    values[np.random.default_rng(0).random(240) < 0.3] = np.nan
    assert autocorrelation(values, 12) == pytest.approx(1, abs=0.1)


def test_a_season_in_the_data_is_confirmed() -> None:
    # Half a turn off at 36; 48 is two turns, and as good a season.
    found = confirmed_seasons((24, 36, 48), [wave(1000, 2, season=24, noise=0.2)])
    assert set(found) == {24, 48}
    assert 0.2 < found[24] <= 1


def test_both_seasons_of_hourly_data_are_confirmed() -> None:
    hours = np.arange(2000)
    week = np.where(hours // 24 % 7 < 5, 1.0, -1.0)
    values = np.sin(2 * np.pi * hours / 24) + week + 0.3 * np.random.default_rng(0).normal(size=2000)
    assert set(confirmed_seasons((24, 168), [values[:, None]])) == {24, 168}


@pytest.mark.parametrize("seed", range(4))
def test_noise_and_a_random_walk_and_a_trend_have_no_season(seed: int) -> None:
    noise = np.random.default_rng(seed).normal(size=(600, 1))
    smooth_trend = np.exp(np.arange(600)[:, None] / 200) + 0.01 * noise
    for values in (noise, np.cumsum(noise, axis=0), smooth_trend):
        assert confirmed_seasons((24,), [values]) == {}


def test_a_season_needs_three_of_it() -> None:
    assert confirmed_seasons((12,), [wave(35)]) == {}
    assert set(confirmed_seasons((12,), [wave(36)])) == {12}


def test_the_panel_decides_by_its_long_series() -> None:
    long, short = wave(60), wave(10)
    assert set(confirmed_seasons((12,), [long, long, short])) == {12}
    assert confirmed_seasons((12,), [long, short, short]) == {}


@pytest.mark.parametrize("season", [5, 11, 23])
@pytest.mark.parametrize("seed", range(5))
def test_the_season_found_is_the_season_and_no_multiple_of_it(season: int, seed: int) -> None:
    assert set(found_season([wave(500, season=season, seed=seed, noise=0.15)])) == {season}


def test_no_season_is_found_in_noise_or_a_handful_of_rows() -> None:
    assert found_season([np.random.default_rng(0).normal(size=(400, 1))]) == {}
    for rows in range(1, 20):
        assert found_season([np.arange(float(rows))[:, None]]) == {}


@pytest.mark.parametrize(
    ("rows", "horizon", "seasons", "lookback"),
    [
        (8640, 96, (24, 168), 336),  # two of the longest season
        (10_000, 400, (24,), 336),  # as long as the horizon, up to 336
        (1000, 7, (7,), 56),  # a short season: eight of it
        (120, 12, (12,), 24),  # 144 monthly rows
        (40, 6, (), 12),  # no season: twice the horizon
        (40, 1, (), 8),
        (30, 12, (12,), 24),  # 9 would leave windows enough, but two seasons are needed
        (12, 4, (), 4),
        (3, 1, (), 2),
    ],
)
def test_the_lookback_rule(rows: int, horizon: int, seasons: tuple[int, ...], lookback: int) -> None:
    assert automatic_lookback(rows=rows, horizon=horizon, seasons=seasons) == lookback


@given(
    rows=st.integers(1, 20_000),
    horizon=st.integers(1, 800),
    seasons=st.sampled_from([(), (7,), (12,), (24, 168), (48, 336), (52,)]),
)
def test_the_lookback_is_at_least_one_and_below_the_rows(
    rows: int, horizon: int, seasons: tuple[int, ...]
) -> None:
    lookback = automatic_lookback(rows=rows, horizon=horizon, seasons=seasons)
    assert 1 <= lookback <= max(1, rows - 1)
    if seasons and rows > 2 * seasons[0]:
        assert lookback % seasons[0] == 0
        assert lookback >= 2 * seasons[0]
