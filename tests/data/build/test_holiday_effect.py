"""Tests of the effect of holidays on training rows, which decides whether they become inputs."""

import numpy as np
import pytest
from small_tables import table

from lstm_cli.config.text import GridSettings
from lstm_cli.data.build.holiday_effect import holiday_effect
from lstm_cli.data.dataset.holiday_inputs import HolidayDates
from lstm_cli.data.grid.regular_grid import Grid, to_regular_grid

DAYS = np.arange("2022-01-01", "2024-01-01", dtype="datetime64[D]")
HOLIDAYS = DAYS[40::61]
DATES = HolidayDates(
    code="XX", first_year=2021, last_year=2025, days=tuple(HOLIDAYS.astype(np.int64).tolist())
)


def grid_of(values: np.ndarray, days: np.ndarray = DAYS, hours: int = 1) -> Grid:
    """Return the grid of series [D, S], each value for some hours of a day."""
    times = np.repeat(days, hours) + np.tile(np.arange(hours), len(days)) * np.timedelta64(1, "h")
    names = [f"s{number}" for number in range(values.shape[1])]
    rows = np.repeat(values, hours, axis=0)
    read = table(np.tile(times, len(names)), rows.T.reshape(-1), series=np.repeat(names, len(times)).tolist())
    return to_regular_grid(read, GridSettings())


def noise(series: int, seed: int = 0, shared: float = 0.0) -> np.ndarray:
    """Return a week of ups and downs with noise, [D, S]; shared: size of the noise that all series share."""
    rng = np.random.default_rng(seed)
    week = 10 * np.sin(np.arange(len(DAYS)) * 2 * np.pi / 7)
    return 100 + (week + shared * rng.normal(size=len(DAYS)))[:, None] + rng.normal(size=(len(DAYS), series))


def effect_of(values: np.ndarray, **options) -> float:
    grid = grid_of(values, **options)
    return holiday_effect(DATES, grid, grid.counts, 1)


@pytest.mark.parametrize("hours", [1, 24])
@pytest.mark.parametrize("days_later", [-1, 0, 1])
def test_a_change_on_a_side_is_found(hours, days_later):
    values = noise(2)
    values[np.isin(DAYS, HOLIDAYS + days_later)] -= 4
    assert effect_of(values, hours=hours) > 6


@pytest.mark.parametrize("shared", [0, 5])
def test_chance_is_no_effect_also_if_many_series_share_it(shared):
    found = [effect_of(noise(8, seed, shared)) > 3 for seed in range(20)]
    assert sum(found) <= 1


def test_few_rows_do_not_tell():
    assert np.isnan(effect_of(noise(1)[:12], days=DAYS[:12]))


def test_t_is_as_worked_by_hand():
    values = np.zeros((len(DAYS), 1))
    values[::2] = 1  # of each pair of weeks one day is 1 and one is 0: all ordinary days deviate by 1 or -1
    values[np.isin(DAYS, HOLIDAYS)] += 3
    days = len(HOLIDAYS)
    deviations = np.where(np.flatnonzero(np.isin(DAYS, HOLIDAYS)) % 2 == 0, 4, 2)
    assert effect_of(values) == pytest.approx(deviations.sum() / np.sqrt(days), rel=0.01)
