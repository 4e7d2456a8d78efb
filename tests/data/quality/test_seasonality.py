"""Seasons are found where they are, and only there; the lookback follows its rule."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_data import wave

from lstm_cli.data.dataset.windows import MAX_LOOKBACK
from lstm_cli.data.quality.seasonality import (
    autocorrelation,
    automatic_lookback,
    confirm_seasons,
    find_season,
    lookback_reason,
    subtract_moving_mean,
)
from lstm_cli.linear.ensemble import linear_lookbacks

SAMPLES = Path(__file__).resolve().parents[3] / "sample_data"


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
        np.arange(50.0) * 1e6,  # nothing is left after the line is subtracted
        np.full(50, np.nan),
        np.arange(3.0),
    ],
    ids=["constant", "constant 0.1", "line", "empty", "shorter than the lag"],
)
def test_autocorrelation_is_undefined_without_spread(values: np.ndarray) -> None:
    assert np.isnan(autocorrelation(values, 5))


def test_missing_values_do_not_count() -> None:
    values = np.sin(2 * np.pi * np.arange(240) / 12)
    values[np.random.default_rng(0).random(240) < 0.3] = np.nan
    assert autocorrelation(values, 12) == pytest.approx(1, abs=0.1)


def test_a_season_in_the_data_is_confirmed() -> None:
    # Half a turn off at 36; 48 is two turns, and as good a season.
    result = confirm_seasons((24, 36, 48), [wave(1000, 2, season=24, noise=0.2)])
    assert set(result) == {24, 48}
    assert 0.2 < result[24] <= 1


def test_both_seasons_of_hourly_data_are_confirmed() -> None:
    hours = np.arange(2000)
    week = np.where(hours // 24 % 7 < 5, 1.0, -1.0)
    values = np.sin(2 * np.pi * hours / 24) + week + 0.3 * np.random.default_rng(0).normal(size=2000)
    assert set(confirm_seasons((24, 168), [values[:, None]])) == {24, 168}


@pytest.mark.parametrize("seed", range(4))
def test_noise_and_a_random_walk_and_a_trend_have_no_season(seed: int) -> None:
    noise = np.random.default_rng(seed).normal(size=(600, 1))
    smooth_trend = np.exp(np.arange(600)[:, None] / 200) + 0.01 * noise
    for values in (noise, np.cumsum(noise, axis=0), smooth_trend):
        assert confirm_seasons((24,), [values]) == {}


def test_the_moving_mean_by_hand() -> None:
    # Means over 3: 2, 3, 5, 6; beyond them lines as steep as over a season, 3 rows: (6 - 2) / 3.
    values = np.array([1.0, 2, 3, 4, 8, 6])
    slope = 4 / 3
    np.testing.assert_allclose(
        subtract_moving_mean(values, 3), [1 - (2 - slope), 0, 0, -1, 2, 6 - (6 + slope)], atol=1e-12
    )
    # Over 4, both ends by half: (1/2 + 2 + 3 + 4 + 8/2) / 4 and (2/2 + 3 + 4 + 8 + 6/2) / 4, then the line.
    first, second = 13.5 / 4, 19 / 4
    slope = second - first
    expected = values - [first - 2 * slope, first - slope, first, second, second + slope, second + 2 * slope]
    np.testing.assert_allclose(subtract_moving_mean(values, 4), expected, atol=1e-12)


@given(
    season=st.integers(2, 60),
    cycles=st.integers(3, 8),
    level=st.floats(-1e6, 1e6),
    slope=st.floats(-100, 100),
    seed=st.integers(0, 1000),
)
def test_the_moving_mean_takes_a_line_and_leaves_a_cycle(
    season: int, cycles: int, level: float, slope: float, seed: int
) -> None:
    cycle = np.random.default_rng(seed).normal(size=season)
    cycle -= cycle.mean()
    rows = np.arange(season * cycles)
    rest = subtract_moving_mean(level + slope * rows + np.tile(cycle, cycles), season)
    np.testing.assert_allclose(rest, np.tile(cycle, cycles), atol=1e-6)


def test_the_moving_mean_of_missing_values() -> None:
    values = np.arange(40.0)
    values[[5, 6, 20]] = np.nan
    rest = subtract_moving_mean(values, 4)
    assert (np.isnan(rest) == np.isnan(values)).all()
    values[8:20] = np.nan  # a hole longer than a season has no mean in its midst
    assert np.isnan(subtract_moving_mean(values, 4)[8:20]).all()
    assert np.isnan(subtract_moving_mean(np.full(40, np.nan), 4)).all()


NULLS = {
    "white noise": lambda noise: noise,
    "a random walk": np.cumsum,
    "AR(1) of .95": lambda noise: np.convolve(noise, 0.95 ** np.arange(len(noise)))[: len(noise)],
    "a smooth trend": lambda noise: np.exp(np.arange(len(noise)) * 3 / len(noise)) + 0.001 * noise,
    "a curve": lambda noise: 10 * np.square(np.arange(len(noise)) / len(noise)) + noise,
}


@pytest.mark.parametrize("kind", NULLS)
@pytest.mark.parametrize("rows", [30, 100, 300, 1000])
def test_what_has_no_season_is_seldom_confirmed(kind: str, rows: int) -> None:
    """At most 1.5 of 100 simulated series, over all the steps whose season fits."""
    tried, confirmed = 0, 0
    for seed in range(60):
        values = NULLS[kind](np.random.default_rng(seed).normal(size=rows))[:, None]
        for seasons in [known for known in ((4,), (7,), (12,), (24, 168), (52,)) if 3 * known[0] <= rows]:
            tried += 1
            confirmed += bool(confirm_seasons(seasons, [values]))
    assert confirmed <= 0.015 * tried


@pytest.mark.parametrize("kind", NULLS)
@pytest.mark.parametrize("rows", [100, 400])
def test_what_has_no_cycle_gets_none(kind: str, rows: int) -> None:
    noise = [np.random.default_rng(seed).normal(size=rows) for seed in range(40)]
    assert sum(bool(find_season([NULLS[kind](item)[:, None]])) for item in noise) <= 1


def seasonal(kind: str, rows: int, season: int, seed: int) -> np.ndarray:
    """[rows, 1] of a sine of deviation .7 with noise of deviation .5, and what else `kind` says."""
    generator = np.random.default_rng(seed)
    place, noise = np.arange(rows), generator.normal(size=rows)
    sine = np.sin(2 * np.pi * place / season)
    values = {
        "noise": sine + 0.5 * noise,
        "trend": sine + 0.5 * noise + 0.02 * place + 1e-5 * np.square(place),
        "walk": sine + 0.2 * np.cumsum(noise),
        "growing": sine * (0.3 + 1.4 * place / rows) + 0.5 * noise,
        "multiplied": np.exp(0.01 * place) * (1 + 0.3 * sine) * np.exp(0.1 * noise),
        "holes": sine + 0.5 * noise,
    }[kind]
    if kind == "holes":
        values[generator.random(rows) < 0.3] = np.nan
        values[rows // 2 : rows // 2 + season] = np.nan
    return values[:, None]


@pytest.mark.parametrize("kind", ["noise", "trend", "walk", "growing", "multiplied", "holes"])
@pytest.mark.parametrize(
    ("season", "rows"), [(24, 200), (24, 400), (12, 105), (52, 300), (52, 420), (4, 56), (7, 100)]
)
def test_a_season_is_seen_through_all_of_this(kind: str, season: int, rows: int) -> None:
    if kind == "holes":
        rows = rows * 3 // 2  # a third of the rows is missing
    seen = sum(season in confirm_seasons((season,), [seasonal(kind, rows, season, s)]) for s in range(20))
    assert seen >= 18


@given(seed=st.integers(0, 10_000), scale=st.floats(1e-3, 1e6), level=st.floats(-1e6, 1e6))
def test_units_do_not_matter(seed: int, scale: float, level: float) -> None:
    values = seasonal("walk", 200, 12, seed)
    item, other = confirm_seasons((12,), [values]), confirm_seasons((12,), [scale * values + level])
    assert other == pytest.approx(item, abs=1e-5)


def test_a_long_season_needs_partial_autocorrelation() -> None:
    """A daily cycle that drifts: the value a week ago is alike, for the days between are."""
    for seed in range(10):
        generator = np.random.default_rng(seed)
        days = np.zeros((60, 24))
        for day in range(60):
            days[day] = 0.9 * days[day - 1] * (day > 0) + generator.normal(size=24)
        values = (days - days.mean(axis=1, keepdims=True)).reshape(-1, 1)
        assert autocorrelation(values[:, 0], 168) > 0.3
        assert set(confirm_seasons((24, 168), [values])) == {24}


def test_a_weekly_season_without_a_daily_one_is_confirmed() -> None:
    hours = np.arange(1000)
    week = np.where(hours // 24 % 7 < 5, 0.7, -0.7) + 0.5 * np.random.default_rng(1).normal(size=1000)
    assert set(confirm_seasons((24, 168), [week[:, None]])) == {168}


def test_a_part_of_the_columns_is_enough_for_a_season() -> None:
    noise = np.random.default_rng(0).normal(size=(200, 5))
    two, three = noise.copy(), noise.copy()
    two[:, :2] += 2 * seasonal("noise", 200, 12, 0)
    three[:, :1] += 2 * seasonal("noise", 200, 12, 0)
    assert set(confirm_seasons((12,), [two])) == {12}
    assert confirm_seasons((12,), [three]) == {}  # one column of five


def test_the_seasons_of_the_sample_data() -> None:
    rows = np.genfromtxt(SAMPLES / "ETTh1.csv", delimiter=",", skip_header=1, max_rows=8640)[:, 1:]
    for columns in (rows, rows[:, -1:]):
        assert set(confirm_seasons((24, 168), [columns])) == {24, 168}
    monthly = np.genfromtxt(SAMPLES / "monthly.csv", delimiter=",", skip_header=1)[:, 1:2]
    assert set(confirm_seasons((12,), [monthly])) == {12}


def test_a_season_needs_three_of_it() -> None:
    assert confirm_seasons((12,), [wave(35)]) == {}
    assert set(confirm_seasons((12,), [wave(36)])) == {12}


def test_the_panel_decides_by_its_long_series() -> None:
    long, short = wave(60), wave(10)
    assert set(confirm_seasons((12,), [long, long, short])) == {12}
    assert confirm_seasons((12,), [long, short, short]) == {}


@pytest.mark.parametrize("season", [5, 11, 23])
@pytest.mark.parametrize("seed", range(5))
def test_the_season_found_is_the_season_and_no_multiple_of_it(season: int, seed: int) -> None:
    assert set(find_season([wave(500, season=season, seed=seed, noise=0.15)])) == {season}


def test_a_cycle_without_a_clock_is_found() -> None:
    """Ten rows a turn, of an amplitude and phase that wander, as sunspots and lynxes have it (Yule 1927)."""
    result = []
    for seed in range(10):
        noise, values = np.random.default_rng(seed).normal(size=420), np.zeros(420)
        for row in range(2, 420):
            values[row] = (
                1.9 * np.cos(2 * np.pi / 10) * values[row - 1] - 0.9025 * values[row - 2] + noise[row]
            )
        result += list(find_season([values[200:, None]]))
    assert len(result) >= 9
    assert set(result) <= {9, 10, 11}


def test_no_season_is_found_in_noise_or_a_handful_of_rows() -> None:
    assert find_season([np.random.default_rng(0).normal(size=(400, 1))]) == {}
    for rows in range(1, 20):
        assert find_season([np.arange(float(rows))[:, None]]) == {}


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
        (12_194, 24, (24, 168), 336),  # hourly
        (17_520, 48, (48, 336), 672),  # half-hourly
        (35_040, 96, (96, 672), 1344),  # 15 minutes: two weeks
        (52_560, 144, (144, 1008), 2016),  # 10 minutes: two weeks, and as many steps as a lookback may have
        (105_120, 288, (288, 2016), 2016),  # 5 minutes: 4,032 would be two weeks; 7 days of 288
        (
            262_800,
            720,
            (720, 5040),
            1440,
        ),  # 2 minutes: two days, since three of 720 steps are more than 2,016
        (700_000, 60, (1440, 10080), 1440),  # minutes: a day
        (700_000, 60, (5000,), 2016),  # not even one season fits
        (700_000, 5000, (), 2016),  # no season: twice the horizon would be 10,000
    ],
)
def test_the_lookback_rule(rows: int, horizon: int, seasons: tuple[int, ...], lookback: int) -> None:
    assert automatic_lookback(rows=rows, horizon=horizon, seasons=seasons) == lookback


def test_the_reason_for_a_lookback_names_the_bound_and_the_flag_that_lifts_it() -> None:
    assert lookback_reason(rows=12_194, horizon=24, seasons=(24, 168)) == (
        "by rule from seasons 24 and 168, horizon 24 and 12,194 training rows"
    )
    assert lookback_reason(rows=140_000, horizon=60, seasons=(1440, 10080)) == (
        "by rule from seasons 1440 and 10080, horizon 60 and 140,000 training rows, limited to 1,440 steps, because "
        "20,160 would take too much memory and time (use --lookback to override)"
    )


@given(
    rows=st.integers(1, 2_000_000),
    horizon=st.integers(1, 100_000),
    seasons=st.lists(st.integers(2, 50_000), max_size=3),
)
def test_no_data_ask_for_a_longer_lookback_than_the_bound(
    rows: int, horizon: int, seasons: list[int]
) -> None:
    result = tuple(sorted(set(seasons)))
    lookback = automatic_lookback(rows=rows, horizon=horizon, seasons=result)
    assert 1 <= lookback <= MAX_LOOKBACK == 2016
    steps = linear_lookbacks(
        lookback=lookback, rows=rows, horizon=horizon, season=min(result, default=1), fixed=False
    )
    assert 1 <= len(steps) <= 5
    assert max(steps) <= MAX_LOOKBACK


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


def test_the_correlation_that_is_reported_never_exceeds_1() -> None:
    """Three seasons, the middle one highest: pairs one season apart vary more than the residual."""
    rows, season = 72, 24
    height = np.repeat([1.0, 1.5, 1.0], season)
    values = height * np.sin(2 * np.pi * np.arange(rows) / season)
    rest = subtract_moving_mean(values, season)
    biased = np.mean(rest[season:] * rest[:-season]) / np.mean(np.square(rest))
    assert biased > 1.01
    result = confirm_seasons((season,), [values[:, None]])
    first, second = rest[:-season], rest[season:]
    assert result[season] == pytest.approx(first @ second / np.sqrt((first @ first) * (second @ second)))
    assert 0.9 < result[season] <= 1


def test_a_cycle_that_repeats_exactly_correlates_by_1() -> None:
    values = np.tile(np.arange(12.0), 10)
    assert confirm_seasons((12,), [values[:, None]])[12] == pytest.approx(1, abs=1e-3)
    assert confirm_seasons((12,), [values[:, None]])[12] <= 1
