"""Tests of the yearly season of daily data."""

import numpy as np
import pytest

from lstm_cli.config import PrepareConfig
from lstm_cli.data.quality.yearly_season import _bin_means
from lstm_cli.events import ignore_events
from lstm_cli.steps.check import check

YEARS = 4


def daily_file(path, amplitude: float, *, period: float = 365.25, seed: int = 3) -> str:
    """Write four years of days: a wave, a weekly cycle and noise. Return the path."""
    days = np.arange(YEARS * 365)
    rng = np.random.default_rng(seed)
    values = amplitude * np.sin(2 * np.pi * days / period) + np.tile([0, 0, 0, 0, 1, 3, 2], 209)[: len(days)]
    values = values + rng.normal(size=len(days))
    dates = np.datetime64("2018-01-01") + days
    path.write_text(
        "date,y\n" + "".join(f"{day},{value:.4f}\n" for day, value in zip(dates, values, strict=True))
    )
    return str(path)


def yearly_rules(source: str, **settings) -> list[str]:
    """Return the sentences of `check` about a yearly season."""
    report = check(source, PrepareConfig(target=("y",), **settings), ignore_events)
    return [finding["text"] for finding in report.findings if finding["rule"] == "D712"]


def test_a_yearly_season_that_the_lookback_cannot_see_is_reported(tmp_path) -> None:
    (text,) = yearly_rules(daily_file(tmp_path / "a.csv", 4.0))
    assert "yearly season" in text
    assert "--calendar" in text


@pytest.mark.parametrize("settings", [{"calendar": True}, {"lookback": 400}, {"season": (7, 365)}])
def test_an_input_that_shows_the_year_needs_no_warning(tmp_path, settings) -> None:
    assert yearly_rules(daily_file(tmp_path / "a.csv", 4.0), **settings) == []


@pytest.mark.parametrize(("amplitude", "period"), [(0.0, 365.25), (4.0, 200.0), (4.0, 150.0)])
def test_noise_and_other_periods_are_not_a_year(tmp_path, amplitude: float, period: float) -> None:
    assert yearly_rules(daily_file(tmp_path / "a.csv", amplitude, period=period)) == []


def test_random_walks_are_seldom_called_yearly(tmp_path) -> None:
    days = np.datetime64("2018-01-01") + np.arange(YEARS * 365)
    reported = 0
    for seed in range(20):
        walk = np.random.default_rng(seed).normal(size=len(days)).cumsum()
        source = tmp_path / f"{seed}.csv"
        source.write_text(
            "date,y\n" + "".join(f"{day},{value:.4f}\n" for day, value in zip(days, walk, strict=True))
        )
        reported += len(yearly_rules(str(source)))
    assert reported <= 1


def test_the_bins_are_twelfths_of_a_year_without_a_part_at_the_end() -> None:
    values = np.arange(800.0)
    values[5] = np.nan
    means = _bin_means(values)
    assert len(means) == 26  # 800 / 30.4375
    assert means[0] == pytest.approx((sum(range(31)) - 5) / 30)
    assert means[1] == pytest.approx(np.arange(31, 61).mean())
