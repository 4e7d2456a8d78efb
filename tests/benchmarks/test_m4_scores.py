"""Tests of the M4 competition's scores against numbers worked by hand."""

import csv
from pathlib import Path

import m4
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st


def test_smape_by_hand() -> None:
    # 200 * 10/210 = 9.5238 and 200 * 40/360 = 22.2222
    assert m4.smape(np.array([100.0, 200]), np.array([110.0, 160])) == pytest.approx(
        (9.523810 + 22.222222) / 2
    )


def test_mase_by_hand() -> None:
    # inside the training rows, with season 2: |3-1| and |5-2|, mean 2.5; errors 1 and 2, mean 1.5
    result = m4.mase(np.array([4.0, 6]), np.array([5.0, 4]), np.array([1.0, 2, 3, 5]), season=2)
    assert result == pytest.approx(0.6)


def test_scores_are_means_over_series_and_owa_is_relative_to_naive2() -> None:
    training = {"a": np.arange(26.0), "b": np.arange(26.0) * 2}  # scales 24 and 48
    truth = {"a": np.array([10.0]), "b": np.array([100.0])}
    forecast = {"a": np.array([34.0]), "b": np.array([100.0])}
    result = m4.scores(training, truth, forecast)
    assert result["mase"] == pytest.approx((24 / 24 + 0) / 2)
    assert result["smape"] == pytest.approx((200 * 24 / 44 + 0) / 2)
    assert result["owa"] == pytest.approx((result["smape"] / 18.383 + result["mase"] / 2.395) / 2)


@pytest.mark.parametrize("forecast", [{}, {"a": np.array([1.0, 2])}])
def test_a_series_without_a_forecast_is_an_error(forecast: dict) -> None:
    with pytest.raises(ValueError, match="series a"):
        m4.scores({"a": np.arange(30.0)}, {"a": np.array([1.0])}, forecast)


def test_naive2_of_a_series_without_season_is_its_last_value() -> None:
    assert m4.naive2(np.array([3.0, 1, 4, 1, 5]), 3, season=24).tolist() == [5, 5, 5]


@given(
    factors=st.lists(st.integers(1, 20), min_size=4, max_size=4).filter(lambda some: len(set(some)) > 1),
    rows=st.integers(40, 47),
    level=st.floats(0.1, 1e4),
)
def test_naive2_repeats_the_season(factors: list[int], rows: int, level: float) -> None:
    season = level * np.array(factors)
    training = np.resize(season, rows)
    if m4.is_seasonal(training, 4):
        expected = np.resize(season, rows + 6)[rows:]
        assert m4.naive2(training, 6, season=4) == pytest.approx(expected)


def test_a_clear_season_is_found_and_noise_is_not() -> None:
    random = np.random.default_rng(0)
    cycle = np.resize(np.array([1.0, 2, 3, 2]), 60)
    assert m4.is_seasonal(cycle + random.normal(0, 0.1, 60), 4)
    assert not m4.is_seasonal(random.normal(10, 1, 60), 4)
    assert not m4.is_seasonal(cycle[:11], 4)


def test_wide_files_become_long_ones_that_end_at_the_same_hour(tmp_path: Path) -> None:
    wide = tmp_path / "wide.csv"
    wide.write_text('"V1","V2","V3","V4"\n"H1","605","586.5",""\n"H2","3","2","1"\n')
    m4.write_long(m4.read_wide(wide), tmp_path / "long.csv")
    with (tmp_path / "long.csv").open(newline="") as file:
        rows = [tuple(row) for row in csv.reader(file)]
    assert rows[0] == ("series", "time", "value")
    assert rows[1:4] == [
        ("H1", "2001-12-31 22:00:00", "605"),
        ("H1", "2001-12-31 23:00:00", "586.5"),
        ("H2", "2001-12-31 21:00:00", "3"),
    ]
    assert rows[5] == ("H2", "2001-12-31 23:00:00", "1")
    assert len(rows) == 6


def test_a_forecast_is_read_in_the_order_of_time(tmp_path: Path) -> None:
    file = tmp_path / "forecast.csv"
    file.write_text("series,time,value\nb,2001-01-02 01:00:00,2\nb,2001-01-02 00:00:00,1\na,2001-01-02,7\n")
    result = m4.read_forecast(file)
    assert {name: values.tolist() for name, values in result.items()} == {"a": [7], "b": [1, 2]}


def test_coverage_counts_the_true_values_within_both_ends(tmp_path: Path) -> None:
    file = tmp_path / "forecast.csv"
    file.write_text(
        "series,time,value,value_lo80,value_hi80\na,2001-01-02,5,4,6\na,2001-01-03,5,4,6\nb,2001-01-02,1,0,2\n"
    )
    truth = {"a": np.array([6.0, 6.1]), "b": np.array([-0.5])}
    assert m4.coverage(truth, file, 80) == pytest.approx(100 / 3)
