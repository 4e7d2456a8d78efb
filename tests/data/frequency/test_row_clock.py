import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_cli.data.frequency.row_clock import RowClock, restore_step
from lstm_cli.data.frequency.step import BUSINESS, DAY, HOUR, MINUTE, Step, usual_seasons
from lstm_cli.data.frequency.weekly_slots import find_weekly_slots

HALF_HOURS = Step(kind="seconds", count=30 * MINUTE)


def micros(times) -> np.ndarray:
    return pd.DatetimeIndex(times).to_numpy().astype("datetime64[us]").astype(np.int64)


def trading(start: str, end: str) -> pd.DatetimeIndex:
    """Half-hours from 09:30 to 15:30 on weekdays: 13 a day, 65 a week."""
    times = pd.date_range(start, end, freq="30min")
    minute = times.hour * 60 + times.minute
    return times[(times.day_of_week < 5) & (minute >= 570) & (minute <= 930)]


def clock_of(times, usual: Step = HALF_HOURS) -> RowClock:
    known = micros(times)
    return RowClock(usual=usual, slots=find_weekly_slots(known).slots, known=known)


def texts(times_us) -> list[str]:
    return [str(np.datetime64(int(time), "us"))[:16] for time in times_us]


def test_a_clock_continues_the_week_after_the_last_row_and_before_the_first():
    times = trading("2024-01-03", "2024-02-02 23:00")  # Wednesday to Friday
    clock = clock_of(times)
    after = clock.times(np.arange(len(times) - 1, len(times) + 14), int(clock.known[0]))
    assert texts(after)[:3] == ["2024-02-02T15:30", "2024-02-05T09:30", "2024-02-05T10:00"]
    assert texts(after)[-2:] == ["2024-02-05T15:30", "2024-02-06T09:30"]
    before = clock.times(np.array([-1, -13, -14, -27]), int(clock.known[0]))
    assert texts(before) == [
        "2024-01-02T15:30",
        "2024-01-02T09:30",
        "2024-01-01T15:30",
        "2023-12-29T15:30",
    ]
    assert usual_seasons(clock) == (13, 65)


def test_a_forecast_goes_on_within_the_day_and_after_a_row_outside_the_pattern():
    times = trading("2024-01-02", "2024-02-07 12:00").append(pd.DatetimeIndex(["2024-02-07 12:10"]))
    clock = clock_of(times)
    after = clock.times(np.arange(len(times), len(times) + 2), int(clock.known[0]))
    assert texts(after) == ["2024-02-07T12:30", "2024-02-07T13:00"]


def test_rows_count_across_a_holiday():
    times = trading("2024-01-02", "2024-02-28")
    kept = times[times.normalize() != pd.Timestamp("2024-01-15")]
    clock = clock_of(kept)
    friday, tuesday = micros(["2024-01-12 15:30", "2024-01-16 09:30"])
    assert clock.index(np.array([tuesday]), int(friday))[0].tolist() == [1]
    assert clock.times(np.array([1]), int(friday)).tolist() == [tuesday]
    index, on_clock = clock.index(micros(["2024-01-15 10:00"]), int(friday))
    assert (index.tolist(), on_clock.tolist()) == ([0], [False])
    missing = find_weekly_slots(micros(kept)).missing
    assert len(missing) == 13
    assert texts(missing[:1]) == ["2024-01-15T09:30"]


def test_rows_before_a_time_on_and_off_the_clock():
    clock = clock_of(trading("2024-01-02", "2024-02-02 23:00"))
    origins = micros(["2024-01-02 09:30", "2024-01-08 09:30", "2024-02-01 09:30"])
    monday, sunday = (int(micros([text])[0]) for text in ("2024-01-08 09:30", "2024-01-07"))
    assert clock.rows_before(monday, origins).tolist() == [52, 0, 0]
    assert clock.rows_before(sunday, origins).tolist() == [52, 0, 0]
    assert clock.rows_before(monday + 1, origins).tolist() == [53, 1, 0]


@settings(max_examples=60)
@given(st.data())
def test_times_and_index_are_inverse_of_each_other(data):
    gaps = data.draw(st.lists(st.integers(1, 400), min_size=1, max_size=40))
    known = micros(["2024-01-01"])[0] + np.cumsum(np.array([0, *gaps])) * 30 * MINUTE
    slots = find_weekly_slots(known).slots
    clock = RowClock(usual=HALF_HOURS, slots=slots, known=known)
    origin = int(known[data.draw(st.integers(0, len(known) - 1))])
    index = np.arange(-100, 200)
    times = clock.times(index, origin)
    assert (np.diff(times) > 0).all()
    assert clock.index(times, origin)[0].tolist() == index.tolist()
    assert clock.index(times, origin)[1].all()
    stored = restore_step(json.loads(json.dumps(clock.to_dict())))
    assert stored == clock
    assert stored.times(index, origin).tolist() == times.tolist()


def test_slots_of_the_newest_weeks_are_used_when_hours_change():
    summer = pd.date_range("2024-04-01 08:00", "2024-06-30", freq="h")
    winter = pd.date_range("2024-07-01", "2024-09-29", freq="h")
    times = summer[(summer.hour >= 8) & (summer.hour < 20)].append(
        winter[(winter.hour >= 10) & (winter.hour < 16)]
    )
    result = find_weekly_slots(micros(times))
    assert sorted(set((result.slots % DAY // HOUR).tolist())) == [10, 11, 12, 13, 14, 15]
    assert len(result.slots) == 42


def test_saturdays_with_shorter_hours():
    hours = pd.date_range("2024-01-01", "2024-03-31", freq="h")
    opened = (
        (hours.hour >= 9) & (hours.hour < np.where(hours.day_of_week == 5, 13, 18)) & (hours.day_of_week < 6)
    )
    clock = clock_of(hours[opened], Step(kind="seconds", count=HOUR))
    assert len(clock.slots) == 5 * 9 + 4
    assert usual_seasons(clock) == (9, 49)


@pytest.mark.parametrize("days", [1, 4])
def test_few_days_continue_at_their_times_of_day(days):
    times = pd.DatetimeIndex(
        [
            pd.Timestamp("2024-01-02") + pd.Timedelta(days=day, hours=hour)
            for day in range(days)
            for hour in (9, 10, 11)
        ]
    )
    clock = clock_of(times, Step(kind="seconds", count=HOUR))
    after = clock.times(np.arange(len(times), len(times) + 4), int(clock.known[0]))
    first = pd.Timestamp("2024-01-02") + pd.Timedelta(days=days)
    assert after[:3].tolist() == [int(micros([first])[0]) + hour * HOUR for hour in (9, 10, 11)]


def test_a_weekend_inside_few_days_is_closed():
    times = trading("2024-01-04", "2024-01-09")  # Thursday, Friday, Monday
    clock = clock_of(times)
    assert sorted(set((clock.slots // DAY).tolist())) == [0, 1, 2, 3, 4]


def test_random_times_have_no_pattern_and_continue_with_the_usual_step():
    rng = np.random.default_rng(0)
    known = micros(["2024-01-01"])[0] + np.sort(rng.choice(100_000, 600, replace=False)) * MINUTE
    clock = RowClock(usual=HALF_HOURS, slots=find_weekly_slots(known).slots, known=known)
    assert not len(clock.slots)
    assert np.diff(clock.times(np.arange(599, 603), int(known[0]))).tolist() == [30 * MINUTE] * 3
    assert usual_seasons(clock) == ()


def test_business_days_count_rows_of_a_week():
    days = pd.bdate_range("2023-01-02", "2023-06-30")
    clock = clock_of(days.drop(pd.Timestamp("2023-04-07")), BUSINESS)
    assert usual_seasons(clock) == (5,)
    assert texts(clock.times(np.array([len(days) - 1]), int(clock.known[0]))) == ["2023-07-03T00:00"]
