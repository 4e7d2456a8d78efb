import numpy as np
import pytest

from lstm_cli.data.quality.decomposition import trend_and_season_strengths


def strength(cells: np.ndarray, *seasons: int) -> tuple[float, float | None]:
    (item,) = trend_and_season_strengths([cells[:, None]], 1, seasons)
    return item.trend, item.season


def test_a_season_without_noise_is_1_and_has_no_trend() -> None:
    trend, season = strength(np.tile([1.0, 5.0, 2.0, 8.0], 50), 4)
    assert season == pytest.approx(1)
    assert trend == pytest.approx(0, abs=1e-9)


def test_a_line_is_all_trend() -> None:
    trend, season = strength(3.0 * np.arange(200), 4)
    assert trend == pytest.approx(1)
    assert season == pytest.approx(0, abs=1e-6)


def test_the_share_of_the_season_is_that_of_its_variance() -> None:
    """A sine of variance 1/2 with noise of variance 1/8: 1 - (1/8) / (1/2 + 1/8) = 0.8."""
    rows = np.arange(48_000)
    noise = np.random.default_rng(0).normal(0, np.sqrt(1 / 8), len(rows))
    _, season = strength(np.sin(rows * 2 * np.pi / 24) + noise, 24)
    assert season == pytest.approx(0.8, abs=0.01)


def test_noise_has_neither() -> None:
    trend, season = strength(np.random.default_rng(0).normal(size=24_000), 24)
    assert season == pytest.approx(0, abs=0.01)
    assert trend == pytest.approx(1 / 24, abs=0.02)  # what a mean over 24 of them varies


def test_without_a_season_there_is_only_a_trend() -> None:
    rows = np.arange(500)
    trend, season = strength(rows / 50 + np.random.default_rng(0).normal(size=500))
    assert season is None
    assert 0.8 < trend < 1


def test_each_season_is_reported_and_missing_cells_do_not_count() -> None:
    cells = np.tile([1.0, 5.0, 2.0, 8.0, 0.0, 3.0, 7.0], 60)
    cells[40:50] = np.nan
    both = trend_and_season_strengths([np.stack([cells, np.arange(420.0)], axis=1)], 2, (7, 14))
    assert [(item.column, item.period) for item in both] == [(0, 7), (0, 14), (1, 7), (1, 14)]
    assert both[0].season == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    "cells", [np.full(100, 4.0), np.full(100, np.nan), np.arange(7.0), np.full(100, 1e300)]
)
def test_what_does_not_vary_or_is_short_is_left_out(cells: np.ndarray) -> None:
    assert trend_and_season_strengths([cells[:, None]], 1, (7,)) == []


def test_a_panel_reports_the_median() -> None:
    flat, strong = np.random.default_rng(0).normal(size=(400, 1)), np.tile([1.0, 5.0], 200)[:, None]
    (item,) = trend_and_season_strengths([strong, flat, strong], 1, (2,))
    assert item.season == pytest.approx(1)
