"""Tests of holidays as known-ahead inputs, compared with dates known by hand."""

import sys
from datetime import date

import numpy as np
import pytest

from lstm_cli.data.dataset.holiday_inputs import HolidayDates, holiday_inputs, read_holidays, year_of
from lstm_cli.data.frequency.step import BUSINESS, Step
from lstm_cli.data.times.formats import DAY, HOUR
from lstm_cli.errors import UsageError

DAILY = Step(kind="seconds", count=DAY)


def days_of(*dates: str) -> tuple[int, ...]:
    return tuple(np.array(dates, dtype="datetime64[D]").astype(np.int64).tolist())


def times_of(*dates: str) -> np.ndarray:
    return np.array(dates, dtype="datetime64[us]").astype(np.int64)


CHRISTMAS = HolidayDates(code="DE", first_year=2020, last_year=2030, days=days_of("2023-12-25", "2023-12-26"))


def test_a_row_knows_the_holiday_of_its_day_and_of_both_neighbours():
    times = times_of("2023-12-23", "2023-12-24", "2023-12-25", "2023-12-26", "2023-12-27", "2023-12-28")
    inputs = holiday_inputs([CHRISTMAS], DAILY, times)
    assert CHRISTMAS.names == ("holiday_DE", "holiday_DE_before", "holiday_DE_after")
    assert inputs.dtype == np.float32
    assert inputs.T.tolist() == [[0, 0, 1, 1, 0, 0], [0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 0]]


def test_all_hours_of_a_day_are_equal():
    times = times_of("2023-12-24T23:59:59", "2023-12-25T00:00", "2023-12-25T23:59:59", "2023-12-27T00:00")
    hourly = Step(kind="seconds", count=HOUR)
    assert holiday_inputs([CHRISTMAS], hourly, times)[:, 0].tolist() == [0, 1, 1, 0]


def test_times_before_1970_have_their_day():
    old = HolidayDates(code="DE", first_year=1960, last_year=1970, days=days_of("1969-12-25"))
    assert holiday_inputs([old], DAILY, times_of("1969-12-25T12:00", "1969-12-24"))[:, 0].tolist() == [1, 0]
    assert [year_of(day) for day in (0, -1, 364, 365)] == [1970, 1969, 1970, 1971]


def test_the_neighbours_of_business_days_are_business_days():
    easter = HolidayDates(
        code="DE", first_year=2020, last_year=2030, days=days_of("2024-03-29", "2024-04-01")
    )
    times = times_of(
        "2024-03-28", "2024-03-29", "2024-04-01", "2024-04-02"
    )  # Thursday, Friday, Monday, Tuesday
    inputs = holiday_inputs([easter], BUSINESS, times)
    assert inputs.T.tolist() == [[0, 1, 1, 0], [1, 1, 0, 0], [0, 0, 1, 1]]


def test_the_dates_are_those_of_the_package():
    stored = read_holidays("DE-BY", 2024, 2024)
    assert stored.code == "DE-BY"
    epoch = date(1970, 1, 1)
    assert {(date(2024, 1, 6) - epoch).days, (date(2024, 10, 3) - epoch).days} < set(stored.days)
    assert (date(2024, 1, 6) - epoch).days not in read_holidays("DE", 2024, 2024).days
    assert read_holidays("de-by", 2024, 2024) == stored
    assert HolidayDates.from_dict({**vars(stored), "days": list(stored.days)}) == stored


def test_a_later_year_is_read_from_the_package():
    stored = read_holidays("DE", 2020, 2024)
    assert holiday_inputs([stored], DAILY, times_of("2031-10-03"))[0].tolist() == [1, 0, 0]


def test_stored_years_need_no_package(monkeypatch):
    monkeypatch.setattr("lstm_cli.config.extras.find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "holidays", None)
    assert holiday_inputs([CHRISTMAS], DAILY, times_of("2023-12-25"))[0, 0] == 1
    with pytest.raises(UsageError, match=r"outside of the years 2020 to 2030.* needs holidays") as caught:
        holiday_inputs([CHRISTMAS], DAILY, times_of("2031-10-03"))
    assert "pip install" in caught.value.hint


@pytest.mark.parametrize(
    ("code", "hint"), [("DE1", "did you mean 'DE'"), ("DE-BX", "DE-"), ("Q9", "use a country, such as DE")]
)
def test_an_unknown_code_is_refused(code: str, hint: str):
    with pytest.raises(UsageError, match=f"--holidays '{code}' is not a known country") as caught:
        read_holidays(code, 2020, 2021)
    assert hint in caught.value.hint
