import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_tables import micros

from lstm_cli.data.times.buckets import bucket_ends, bucket_times, buckets_of_times, nearest_times
from lstm_cli.data.times.frequency import parse_freq

STEPS = [
    "7min", "h", "6h", "5h", "D", "3D", "W", "2W", "W-THU", "B", "MS", "ME", "MS-15", "2MS", "QS", "QE", "YS",
    "YE", "BMS", "BME", "BQE", "SMS", "SME",
]  # fmt: skip


@pytest.mark.parametrize(
    ("freq", "time", "label", "end"),
    [
        ("h", "2024-03-06 05:59:59", "2024-03-06 05:00", "2024-03-06 06:00"),
        ("6h", "2024-03-06 05:59", "2024-03-06", "2024-03-06 06:00"),
        ("D", "2024-03-06 23:59", "2024-03-06", "2024-03-07"),
        ("W", "2024-03-10 23:00", "2024-03-04", "2024-03-11"),  # Monday to Sunday
        ("W-THU", "2024-03-06 12:00", "2024-02-29", "2024-03-07"),
        ("B", "2024-03-09 12:00", "2024-03-08", "2024-03-11"),  # Saturday belongs to Friday
        ("MS", "2024-02-29 12:00", "2024-02-01", "2024-03-01"),
        ("ME", "2024-02-03 12:00", "2024-02-29", "2024-03-01"),
        ("MS-15", "2024-03-14 23:00", "2024-02-15", "2024-03-15"),
        ("QE", "2024-02-03", "2024-03-31", "2024-04-01"),
        ("YS", "2024-02-03", "2024-01-01", "2025-01-01"),
        ("BME", "2024-03-31", "2024-03-29", "2024-04-01"),  # Sunday after the last business day
        ("BMS", "2024-06-01", "2024-06-03", "2024-07-01"),  # Saturday before the first business day
        ("SMS", "2024-02-14 23:00", "2024-02-01", "2024-02-15"),
        ("SME", "2024-02-16", "2024-02-29", "2024-03-01"),
        ("SME", "2024-02-15 12:00", "2024-02-15", "2024-02-16"),
    ],
)
def test_a_time_is_in_the_bucket_of_the_calendar(freq: str, time: str, label: str, end: str) -> None:
    step = parse_freq(freq)
    bucket = buckets_of_times(step, micros([time]))
    assert bucket_times(step, bucket).tolist() == micros([label]).tolist()
    assert bucket_ends(step, bucket).tolist() == micros([end]).tolist()


@pytest.mark.parametrize("freq", STEPS)
def test_buckets_cover_all_times_and_their_rows_are_on_the_grid(freq: str) -> None:
    step = parse_freq(freq)
    times = micros(pd.date_range("1968-11-20 13:37", periods=4_000, freq="1237min", unit="us"))
    buckets = buckets_of_times(step, times)
    assert (np.diff(buckets) >= 0).all()
    assert (times < bucket_ends(step, buckets)).all()
    assert (times >= bucket_ends(step, buckets - 1)).all()
    every = np.arange(buckets[0], buckets[0] + 500)
    labels = bucket_times(step, every)
    assert (buckets_of_times(step, labels) == every).all()
    index, on_grid = step.index(labels, labels[0])
    assert on_grid.all()
    assert index.tolist() == list(range(500))


@settings(max_examples=50, deadline=None)
@given(freq=st.sampled_from(STEPS), time=st.datetimes(pd.Timestamp(1960, 1, 1), pd.Timestamp(2040, 1, 1)))
def test_no_row_is_nearer_than_the_nearest(freq: str, time: pd.Timestamp) -> None:
    step, times = parse_freq(freq), micros([time])
    near = int(nearest_times(step, times)[0])
    around = bucket_times(step, buckets_of_times(step, times) + np.arange(-3, 4))
    assert abs(near - times[0]) == np.abs(around - times[0]).min()
    assert near in around
