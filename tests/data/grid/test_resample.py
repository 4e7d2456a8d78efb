from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_tables import hourly, micros, table

from lstm_cli.config.text import GridSettings
from lstm_cli.data.frequency.step import parse_freq
from lstm_cli.data.grid.regular_grid import to_regular_grid
from lstm_cli.data.grid.resample import resample_table
from lstm_cli.data.reading.table import Table
from lstm_cli.data.times.formats import TimeFormat
from lstm_cli.errors import DataError
from lstm_cli.findings import finding_texts

NAN = float("nan")
OFFICE_HOURS = [
    day + pd.Timedelta(hours=hour) for day in pd.date_range("2024-01-01", periods=9) for hour in (9, 12, 15)
]
TWO_HOURS = ["2020-01-01 00:05", "2020-01-01 00:10", "2020-01-01 00:55", "2020-01-01 01:30"]


def resample(read: Table, freq: str, how: str, **more) -> Table:
    duplicates = more.pop("duplicates", "error")
    return resample_table(read, GridSettings(freq=freq, resample=how, duplicates=duplicates), **more)


def labels(resampled: Table) -> list[str]:
    return [str(time)[:16] for time in pd.DatetimeIndex(resampled.times.astype("datetime64[us]"))]


@pytest.mark.parametrize(
    ("how", "first", "second"),
    [("mean", 3, 6.5), ("sum", 9, 13), ("first", 1, 6), ("last", 6, 7), ("min", 1, 6), ("max", 6, 7),
     ("median", 2, 6.5)],
)  # fmt: skip
def test_the_measured_cells_of_a_bucket_are_aggregated(how: str, first: float, second: float) -> None:
    times = [*TWO_HOURS, "2020-01-01 01:59", "2020-01-01 01:59:30"]
    read = table(times, [[1, NAN], [2, NAN], [6, NAN], [6, 5], [NAN, 5], [7, NAN]], past=("wind",))
    aggregated = resample(read, "h", how)
    wind = 10 if how == "sum" else 5
    np.testing.assert_array_equal(aggregated.values, [[first, NAN], [second, wind]])
    assert labels(aggregated) == ["2020-01-01 00:00", "2020-01-01 01:00"]
    assert aggregated.lines.tolist() == [2, 5]
    assert finding_texts(aggregated.findings) == (
        f"a.csv: 6 rows aggregated to 2 rows of hourly data, 0 empty buckets (--freq h --resample {how})",
    )


def test_empty_buckets_are_not_filled_if_gaps_are_skipped() -> None:
    times = ["2020-01-01 00:10", "2020-01-01 01:10", "2020-01-01 04:10", "2020-01-01 05:10"]
    settings_ = GridSettings(freq="h", resample="sum", gaps="skip")
    (finding,) = resample_table(table(times, [1, 2, 3, 4]), settings_).findings
    assert "4 rows of hourly data, 2 empty buckets skipped (--freq h" in finding.text


def test_the_sum_of_no_value_is_missing_and_empty_buckets_are_counted() -> None:
    times = ["2020-01-01 00:10", "2020-01-01 01:10", "2020-01-01 04:10", "2020-01-01 05:10"]
    read = table(times, [1, NAN, 3, 4])
    summed = resample(read, "h", "sum")
    np.testing.assert_array_equal(summed.values[:, 0], [1, NAN, 3, 4])
    assert "4 rows of hourly data, 2 empty buckets filled as set by --missing" in summed.findings[0].text
    grid = to_regular_grid(summed, GridSettings(freq="h", resample="sum"))
    np.testing.assert_array_equal(grid.values[:, 0], [1, NAN, NAN, NAN, 3, 4])
    assert finding_texts(grid.findings) == ()  # the gaps are counted above


def test_an_incomplete_last_bucket_is_left_out_with_its_line() -> None:
    times = pd.date_range("2020-01-01", freq="10min", periods=40, unit="us")
    complete = resample(table(times[:36], range(36)), "h", "mean")
    assert [finding.rule for finding in complete.findings] == ["D533"]
    cut = resample(table(times, range(40)), "h", "mean")
    assert cut.values[:, 0].tolist() == complete.values[:, 0].tolist()
    assert cut.findings[1].text == (
        "a.csv, line 38: the last bucket is incomplete, so it is left out: 2020-01-01 06:00 "
        "(no option for this; rows up to 2020-01-01 07:00 complete it)"
    )
    with pytest.raises(DataError, match="no bucket of --freq D is complete"):
        resample(table(times, range(40)), "D", "mean")


def test_only_measured_targets_complete_a_bucket_and_covariates_ahead_stay() -> None:
    times = pd.date_range("2020-01-01", freq="30min", periods=8, unit="us")
    values = [[1, 1]] * 5 + [[NAN, 2], [NAN, 3], [NAN, 4]]
    read = table(times, values, future=("f",))
    aggregated = resample(read, "h", "mean")
    np.testing.assert_array_equal(aggregated.values, [[1, 1], [1, 1], [NAN, 1.5], [NAN, 3.5]])
    grid = to_regular_grid(aggregated, GridSettings(freq="h", resample="mean"))
    assert (grid.counts.tolist(), grid.ahead.tolist()) == ([2], [2])


@pytest.mark.parametrize(
    ("times", "freq", "complete"),
    [
        (pd.bdate_range("2024-01-01", "2024-03-01", unit="us"), "W", True),  # ends on a Friday
        (pd.bdate_range("2024-01-01", "2024-02-29", unit="us"), "W", False),
        (pd.bdate_range("2021-01-01", "2021-10-29", unit="us"), "MS", True),  # the 30th is a Saturday
        (pd.bdate_range("2021-01-01", "2021-10-28", unit="us"), "MS", False),
        (pd.date_range("2021-01-01", "2021-10-31", unit="us"), "ME", True),
        (pd.date_range("2021-01-01", "2021-10-30", unit="us"), "ME", False),
        # Office hours: the last row of the day is the usual one, though midnight is far.
        (OFFICE_HOURS,
         "D", True),
        (OFFICE_HOURS[:-1],
         "D", False),
    ],
)  # fmt: skip
def test_the_usual_next_row_decides_whether_a_bucket_is_complete(times, freq: str, complete: bool) -> None:
    rules = [finding.rule for finding in resample(table(times, range(len(times))), freq, "mean").findings]
    assert rules == ["D533"] + ["D534"] * (not complete)


def test_each_series_has_its_own_buckets() -> None:
    times = [*hourly(24), *hourly(30, "2020-03-05"), *hourly(48, "2020-01-03")]
    read = table(times, range(102), series=["a"] * 24 + ["b"] * 30 + ["a"] * 48)
    aggregated = resample(read, "D", "max")
    assert aggregated.series.tolist() == [0, 0, 0, 1]
    assert aggregated.values[:, 0].tolist() == [23, 77, 101, 53 - 6]
    assert "102 rows aggregated to 5 rows of daily data, 1 empty bucket " in aggregated.findings[0].text
    assert "the last bucket of series 'b' is incomplete" in aggregated.findings[1].text


def test_rows_are_sorted_and_cut_before_they_are_aggregated() -> None:
    times = pd.date_range("2020-01-01", freq="30min", periods=8, unit="us")[[1, 0, *range(2, 8)]]
    read = table(times, [1, 0, *range(2, 8)])
    aggregated = resample(read, "h", "first", start="row:2", end="2020-01-01 02:30")
    assert aggregated.values[:, 0].tolist() == [2, 4]  # the hour of row 2 lacks row 1
    assert [finding.rule for finding in aggregated.findings] == ["D533", "D539"]
    grid = to_regular_grid(
        aggregated, GridSettings(freq="h", resample="first"), start="row:2", end="2020-01-01 02:30"
    )
    assert grid.counts.tolist() == [2]
    assert "D521" in [finding.rule for finding in resample(read, "h", "first").findings]


def test_rows_of_one_time_are_aggregated_with_a_warning() -> None:
    times = pd.DatetimeIndex(["2020-01-01 00:00", "2020-01-01 00:00", "2020-01-01 00:30", "2020-01-01 01:30"])
    read = table(times, [1, 1, 4, 5])
    aggregated = resample(read, "h", "sum")
    assert aggregated.values[:, 0].tolist() == [6, 5]
    (warning, _) = aggregated.findings
    assert warning.rule == "D537"
    assert warning.text.startswith(
        "a.csv, line 3: 1 row with the time of another row, the first at 2020-01-01; "
    )
    assert warning.flags == ("--series", "--duplicates")
    once = resample(read, "h", "sum", duplicates="first")
    assert once.values[:, 0].tolist() == [5, 5]
    assert [finding.rule for finding in once.findings] == ["D522", "D533"]


def test_nearest_rounds_jitter_and_keeps_the_nearer_row() -> None:
    times = [
        "2020-01-01 00:00:10",
        "2020-01-01 00:59:50",
        "2020-01-01 01:02",
        "2020-01-01 03:30",
        "2020-01-01 05:00",
    ]
    rounded = resample(table(times, range(5)), "h", "nearest")
    assert labels(rounded) == ["2020-01-01 00:00", "2020-01-01 01:00", "2020-01-01 03:00", "2020-01-01 05:00"]
    assert rounded.values[:, 0].tolist() == [0, 1, 3, 4]
    assert rounded.lines.tolist() == [2, 3, 5, 6]
    assert finding_texts(rounded.findings) == (
        "a.csv: 4 times of 5 rows rounded to the hourly data, 1 row left out because another row is nearer to its "
        "time, 2 empty buckets filled as set by --missing (--freq h --resample nearest)",
    )
    with pytest.raises(DataError, match="duplicate timestamp"):
        resample(table(["2020-01-01 00:00:10"] * 2, [1, 2]), "h", "nearest")


def test_without_the_option_or_times_the_table_is_the_same() -> None:
    read = table(hourly(3), range(3))
    assert resample_table(read, GridSettings(freq="h")) is read
    without = table(None, range(3))
    assert resample(without, "h", "mean") is without


def test_new_data_have_the_buckets_of_the_run() -> None:
    read = table(pd.date_range("2020-01-07 23:00", freq="h", periods=900, unit="us"), range(900))
    step = parse_freq("2W")
    long = table(pd.date_range("2019-12-01", freq="h", periods=2500, unit="us"), range(2500))
    run = set(labels(resample(long, "2W", "mean")))
    new = resample_table(read, GridSettings(resample="mean"), step=step)
    assert set(labels(new)) <= run


def test_m_is_labelled_by_the_start() -> None:
    read = table(pd.date_range("2020-01-01", "2020-03-31", unit="us"), range(91))
    assert labels(resample(read, "M", "mean")) == ["2020-01-01 00:00", "2020-02-01 00:00", "2020-03-01 00:00"]


PANDAS_RULES = {"h": "h", "15min": "15min", "D": "D", "W": "W-MON", "MS": "MS", "ME": "ME", "QS": "QS"}


@settings(max_examples=40)
@given(
    seconds=st.lists(st.integers(0, 40 * 86_400), min_size=3, max_size=60, unique=True),
    how=st.sampled_from(["mean", "sum", "first", "last", "min", "max", "median"]),
    freq=st.sampled_from(list(PANDAS_RULES)),
    data=st.data(),
)
def test_buckets_have_the_values_of_pandas(seconds, how: str, freq: str, data) -> None:
    cell = st.one_of(st.just(NAN), st.integers(-9, 9).map(float))
    values = data.draw(st.lists(cell, min_size=len(seconds), max_size=len(seconds)))
    times = pd.Timestamp("2024-01-20") + pd.to_timedelta(sorted(seconds), unit="s")
    sides = {"closed": "left", "label": "left"} if freq == "W" else {}
    resampler = pd.Series(values, index=times).resample(PANDAS_RULES[freq], **sides)
    expected = resampler.sum(min_count=1) if how == "sum" else resampler.agg(how)
    expected = expected[resampler.size() > 0]
    # The first and the last bucket may be incomplete.
    others = ["2022-05-07", "2025-12-31 12:00", "2026-07-07"]
    aggregated = resample(table([others[0], *times, *others[1:]], [0, *values, 0, 0]), freq, how)
    begin, end = micros(["2023-12-31", "2025-01-01"])
    between = (begin < aggregated.times) & (aggregated.times < end)
    assert aggregated.times[between].tolist() == micros(expected.index).tolist()
    np.testing.assert_allclose(aggregated.values[between, 0], expected)


@pytest.mark.parametrize(
    ("first", "freq", "left_out"),
    [
        ("2020-01-01 00:00", "D", False),
        ("2020-01-01 00:59", "D", False),  # an hour before is another day
        ("2020-01-01 01:00", "D", True),
        ("2020-01-01 00:00", "MS", False),
        ("2020-01-02 00:00", "MS", True),
        ("2020-01-06 00:00", "W", False),
        ("2020-01-08 00:00", "W", True),
    ],
)
def test_an_incomplete_first_bucket_is_left_out(first: str, freq: str, left_out: bool) -> None:
    read = table(pd.date_range(first, freq="h", periods=2000, unit="us"), range(2000))
    findings = resample(read, freq, "sum").findings
    assert ("D539" in [finding.rule for finding in findings]) == left_out
    if left_out:
        assert (
            f"rows from {str(pd.Timestamp(first).to_period(freq[0]).start_time)[:10]} on" in findings[1].text
        )


def test_business_days_complete_a_month_that_begins_on_a_weekend() -> None:
    days = pd.bdate_range("2022-01-03", "2022-06-30", unit="us")  # 1 and 2 January are a weekend
    assert labels(resample(table(days, range(len(days))), "MS", "mean"))[0] == "2022-01-01 00:00"


@pytest.mark.parametrize("freq", ["2D", "3D", "10D"])
def test_buckets_of_several_days_begin_with_the_first_day(freq: str) -> None:
    days = pd.date_range("2021-01-04", periods=90, unit="us")
    expected = pd.Series(np.arange(90.0), index=days).resample(freq).sum()
    aggregated = resample(table(days, range(90)), freq, "sum")
    assert aggregated.times.tolist() == micros(expected.index).tolist()
    assert aggregated.values[:, 0].tolist() == expected.tolist()
    later = table(days[25:], range(25, 90))
    step, origin_us = parse_freq(freq), int(aggregated.times[0])
    new = resample_table(later, GridSettings(resample="sum"), step=step, origin_us=origin_us)
    assert set(new.times.tolist()) <= set(aggregated.times.tolist())


def test_days_of_times_with_an_offset_begin_at_its_midnight() -> None:
    read = table(hourly(72, "2023-12-31 23:00"), range(72), time_format=TimeFormat(zone="+00:00", offset=60))
    assert labels(resample(read, "D", "mean")) == ["2023-12-31 23:00", "2024-01-01 23:00", "2024-01-02 23:00"]


def test_the_sum_of_categories_is_the_share_of_their_rows() -> None:
    times = [*TWO_HOURS, "2020-01-01 01:59"]
    read = table(times, [[1, 1], [2, 1], [6, 0], [6, 0], [7, 0]], past=("sky=sun",))
    summed = resample(replace(read, categories={"sky": ("sun",)}), "h", "sum")
    np.testing.assert_allclose(summed.values, [[9, 2 / 3], [13, 0]])
    assert "categories as the share of their rows" in summed.findings[0].text


@pytest.mark.parametrize(
    ("freq", "first", "second"),
    [
        ("7D", "2024-01-03", "2024-01-10"),
        ("14D", "2024-01-03", "2024-01-17"),
        ("W", "2024-01-08", "2024-01-15"),
    ],
)
def test_weeks_written_as_days_begin_on_the_day_of_the_first_row(freq: str, first: str, second: str) -> None:
    days = [f"{day:%Y-%m-%d}" for day in pd.date_range("2024-01-03", periods=56)]  # from a Wednesday
    resampled = resample(table(days, [[1.0]] * 56), freq, "sum")
    assert [label[:10] for label in labels(resampled)[:2]] == [first, second]
    later = table(days[3:], [[1.0]] * 53)
    continued = resample(later, freq, "sum", step=parse_freq(freq), origin_us=int(resampled.times[0]))
    assert set(labels(continued)) <= set(labels(resampled))
