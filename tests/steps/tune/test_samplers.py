"""Tests of random search and grid search."""

import pytest

from lstm_cli.config import TrainConfig
from lstm_cli.config.search_space import Space, parse_space
from lstm_cli.errors import UsageError
from lstm_cli.steps.tune.samplers import DEFAULT_TRIALS, count_trials, grid_settings, random_settings


def space(*texts: str) -> Space:
    return parse_space(texts, TrainConfig())


WIDE = space("hidden=8..64:log", "lr=1e-4..1e-2:log", "loss=mae|huber")


def test_the_seed_decides_and_a_larger_search_begins_equally() -> None:
    few, many = list(random_settings(WIDE, 5, 3)), list(random_settings(WIDE, 12, 3))
    assert many[:5] == few
    assert len(many) == 12
    assert list(random_settings(WIDE, 5, 4)) != few


def test_draws_are_spread_over_the_ranges() -> None:
    drawn = list(random_settings(WIDE, 300, 0))
    below = sum(settings["lr"] < 1e-3 for settings in drawn)
    assert 120 < below < 180  # half of them, over the logarithm
    assert {settings["loss"] for settings in drawn} == {"mae", "huber"}
    assert all(8 <= settings["hidden"][0] <= 64 for settings in drawn)


def test_random_settings_have_no_duplicates() -> None:
    small = space("hidden=3..5", "loss=mae|huber")
    drawn = list(random_settings(small, 6, 0))
    assert len({(settings["hidden"], settings["loss"]) for settings in drawn}) == 6


def test_a_grid_has_all_combinations_in_a_fixed_order() -> None:
    grid = space("hidden=3..4", "loss=mae|huber")
    result = [(settings["hidden"], settings["loss"]) for settings in grid_settings(grid, 99)]
    assert result == [((3,), "mae"), ((3,), "huber"), ((4,), "mae"), ((4,), "huber")]
    assert len(list(grid_settings(grid, 3))) == 3


def test_the_number_of_trials() -> None:
    grid = space("hidden=3..4", "loss=mae|huber")
    assert count_trials(grid, None, grid=True) == 4
    assert count_trials(grid, 3, grid=True) == 3
    assert count_trials(grid, None, grid=False) == 4  # number of combinations
    assert count_trials(space("hidden=1..50"), None, grid=False) == DEFAULT_TRIALS
    assert count_trials(WIDE, None, grid=False) == DEFAULT_TRIALS
    assert count_trials(WIDE, 7, grid=False) == 7


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("lr=1e-4..1e-2", "a range of real numbers is infinite", "'lr=0.0001|"),
        ("hidden=8..64:log", "a logarithmic range has no steps", "'hidden=8|"),
        ("epochs=8..64:log", "a logarithmic range has no steps", "'epochs=8|"),
    ],
)
def test_an_infinite_grid_is_an_error_that_names_the_setting(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        count_trials(space("loss=mae|huber", text), None, grid=True)
    assert message in refused.value.message
    assert hint in refused.value.hint
