"""Tests of ticks, texts and digits, against values that a person would write."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from lstm_cli.reporting.number_text import chart_decimals, rounded, tick_texts, ticks
from lstm_cli.reporting.time_axis import DAY, HOUR, time_text, time_ticks


@pytest.mark.parametrize(
    ("low", "high", "count", "texts"),
    [
        (0, 10, 4, ["0", "2", "4", "6", "8", "10"]),
        (0.3, 9.7, 4, ["2", "4", "6", "8"]),
        (-1.2, 1.1, 4, ["\u22121.0", "\u22120.5", "0", "0.5", "1.0"]),
        (0.00012, 0.00051, 4, ["0.0002", "0.0003", "0.0004", "0.0005"]),
        (998_500, 1_001_600, 3, ["0.999M", "1.000M", "1.001M"]),
        (0, 12_345_678, 4, ["0", "5M", "10M"]),
        (-0.45, 0.42, 3, ["\u22120.4", "\u22120.2", "0", "0.2", "0.4"]),
        (1e-9, 5e-9, 4, ["1e-09", "2e-09", "3e-09", "4e-09", "5e-09"]),
        (12_000, 18_400, 3, ["12,000", "14,000", "16,000", "18,000"]),
    ],
)
def test_ticks_are_round_and_have_the_digits_that_tell_them_apart(
    low: float, high: float, count: int, texts: list[str]
) -> None:
    assert tick_texts(ticks(low, high, count)) == texts


def test_a_chart_keeps_small_differences_of_large_numbers() -> None:
    values = 1e6 + np.array([0.0, 0.001, 1.0])
    decimals = chart_decimals([values, np.array([np.nan])])
    assert rounded(values, decimals) == [1_000_000, 1_000_000.001, 1_000_001]
    assert chart_decimals([np.array([0.0, 1e6])]) == 0
    assert chart_decimals([]) == chart_decimals([np.full(3, np.nan)]) == chart_decimals([np.zeros(2)])


def test_unknown_numbers_become_null_and_whole_numbers_are_short() -> None:
    values = np.array([1.25, np.nan, np.inf, -3.0, -0.0001])
    assert json.dumps(rounded(values, 1)) == "[1.2, null, null, -3, 0]"


def at(*moment: int) -> float:
    return datetime(*moment, tzinfo=UTC).timestamp()  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (at(2018, 6, 24, 1), at(2018, 6, 26, 20), ["25 Jun 2018", "26 Jun"]),
        (at(2024, 1, 1, 5), at(2024, 1, 1, 11), ["1 Jan 06:00", "09:00"]),
        (at(2016, 7, 1), at(2018, 6, 26), ["Jul 2016", "Jan 2017", "Jul", "Jan 2018"]),
        (at(2018, 2, 1, 2), at(2018, 6, 26), ["Mar 2018", "Apr", "May", "Jun"]),
        (at(1990, 1, 1), at(2024, 1, 1), ["1990", "2000", "2010", "2020"]),
        (at(2024, 2, 26), at(2024, 3, 25), ["26 Feb 2024", "4 Mar", "11 Mar", "18 Mar", "25 Mar"]),
        (at(1969, 12, 31, 23), at(1970, 1, 1, 2), ["31 Dec 23:00", "1 Jan", "01:00", "02:00"]),
    ],
)
def test_times_have_ticks_at_round_dates(low: float, high: float, texts: list[str]) -> None:
    found = time_ticks(low, high, 4)
    assert [text for _, text in found] == texts
    assert all(low <= time <= high for time, _ in found)


def test_a_time_is_written_with_the_precision_of_its_step() -> None:
    assert time_text(at(2024, 3, 31), DAY) == "2024-03-31"
    assert time_text(at(2024, 3, 31), HOUR) == "2024-03-31 00:00"
    assert time_text(at(2024, 3, 31, 6), DAY) == "2024-03-31 06:00"
