import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_tables import micros

from lstm_cli.data.frequency.buckets import Buckets
from lstm_cli.data.frequency.step import parse_freq

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
    buckets = Buckets(step=parse_freq(freq))
    bucket = buckets.containing(micros([time]))
    assert buckets.times(bucket).tolist() == micros([label]).tolist()
    assert buckets.ends(bucket).tolist() == micros([end]).tolist()


@pytest.mark.parametrize("freq", STEPS)
def test_buckets_cover_all_times_and_their_rows_are_on_the_grid(freq: str) -> None:
    step = parse_freq(freq)
    buckets = Buckets(step=step)
    times = micros(pd.date_range("1968-11-20 13:37", periods=4_000, freq="1237min", unit="us"))
    holding = buckets.containing(times)
    assert (np.diff(holding) >= 0).all()
    assert (times < buckets.ends(holding)).all()
    assert (times >= buckets.ends(holding - 1)).all()
    every = np.arange(holding[0], holding[0] + 500)
    labels = buckets.times(every)
    assert (buckets.containing(labels) == every).all()
    index, on_grid = step.index(labels, labels[0])
    assert on_grid.all()
    assert index.tolist() == list(range(500))


@settings(max_examples=50)
@given(freq=st.sampled_from(STEPS), time=st.datetimes(pd.Timestamp(1960, 1, 1), pd.Timestamp(2040, 1, 1)))
def test_no_row_is_nearer_than_the_nearest(freq: str, time: pd.Timestamp) -> None:
    buckets, times = Buckets(step=parse_freq(freq)), micros([time])
    near = int(buckets.nearest_times(times)[0])
    around = buckets.times(buckets.containing(times) + np.arange(-3, 4))
    assert abs(near - times[0]) == np.abs(around - times[0]).min()
    assert near in around


def test_days_begin_at_the_midnight_of_the_offset() -> None:
    buckets = Buckets(step=parse_freq("D"), offset_us=3_600_000_000)
    bucket = buckets.containing(micros(["2024-03-06 22:59", "2024-03-06 23:00"]))
    assert buckets.times(bucket).tolist() == micros(["2024-03-05 23:00", "2024-03-06 23:00"]).tolist()
    assert buckets.ends(bucket[:1]).tolist() == micros(["2024-03-06 23:00"]).tolist()
