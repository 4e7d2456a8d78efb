"""Tests of times whose parts several columns hold in the ways in which programs write them."""

import io
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lstm_cli.config.text import TextSettings
from lstm_cli.data.reading.table import Table, read_table
from lstm_cli.data.times.codes import TimeOptions
from lstm_cli.data.times.formats import JOINT, format_times
from lstm_cli.data.times.joined_cells import clock_digits_of, join_cells
from lstm_cli.errors import DataError
from lstm_cli.events import WarningRaised
from lstm_cli.findings import finding_texts

HOURS = [datetime(2020, 1, 1) + timedelta(hours=hour) for hour in range(24 * 40)]
DAYS = HOURS[::24]
WEEKS = [datetime(2020, 12, 14) + timedelta(weeks=week) for week in range(60)]


def microseconds(times: list[datetime]) -> list[int]:
    return np.array(times, dtype="datetime64[us]").astype(np.int64).tolist()


def read(header: str, times: list[datetime], cells: Callable[[datetime], str], **options: Any) -> Table:
    rows = [f"{cells(time)},{row % 5}" for row, time in enumerate(times)]
    content = "\n".join((f"{header},v", *rows)) + "\n"
    return read_table("-", stdin=io.BytesIO(content.encode()), **options)


@pytest.mark.parametrize(
    ("header", "times", "cells"),
    [
        ("Year,Month,DayofMonth,Hour", HOURS, lambda t: f"{t.year},{t.month},{t.day},{t.hour}"),
        ("year,month,day_of_month", DAYS, lambda t: f"{t.year},{t.month},{t.day}"),
        ("YEAR,MONTH,dayofmonth", DAYS, lambda t: f"{t.year},{t.month},{t.day}"),
        ("year,month,mday,hr", HOURS, lambda t: f"{t.year},{t.month},{t.day},{t.hour}"),
        ("year,doy", DAYS, lambda t: f"{t:%Y,%j}"),
        ("year,dayofyear", DAYS, lambda t: f"{t.year},{t:%j}"),
        ("year,week", WEEKS, lambda t: "{},{}".format(*t.isocalendar())),
        ("year,month,day", DAYS, lambda t: f"{t.year}.0,{t.month}.0,{t.day}.0"),
        ("date,time", HOURS, lambda t: f"{t:%Y%m%d,%H%M}"),
        ("date,time", HOURS, lambda t: f"{t:%Y-%m-%d},{t.hour * 100}"),
    ],
)
def test_plain_parts_are_joined_with_a_warning(
    header: str, times: list[datetime], cells: Callable[[datetime], str]
) -> None:
    table = read(header, times, cells)
    assert table.times.tolist() == microseconds(times)
    assert [finding.rule for finding in table.findings] == ["D212"]
    assert table.targets == ("v",)


@pytest.mark.parametrize(
    ("header", "cells", "options"),
    [
        ("a,b", lambda t: f"{t:%Y%m%d,%H%M}", {}),
        ("a,b", lambda t: f"{t:%Y%m%d,%H%M%S}", {}),
        ("a,b", lambda t: f"{t:%Y%m%d},{t.hour * 10000}", {}),
        ("a,b", lambda t: f"{t:%Y%m%d},{t.hour * 100}", {"time_format": "%Y%m%d %H%M"}),
        ("a,b", lambda t: f"{t:%m/%d/%Y,%H.%M.%S}", {}),
        ("a,b", lambda t: f"{t:%Y-%m-%d 00:00:00,%H:%M}", {}),
        ("a,b", lambda t: f"{t:%Y-%m-%d,1899-12-30 %H:%M:%S}", {}),
        ("a,b", lambda t: f"{t:%Y-%m-%d,%H:%MZ}", {}),
        ("a,hour", lambda t: f"{t:%Y-%m-%d 00:00:00},{t.hour}.0", {}),
    ],
)
def test_named_columns_are_joined(
    header: str, cells: Callable[[datetime], str], options: dict[str, Any]
) -> None:
    table = read(header, HOURS, cells, time=tuple(header.split(",")), text=TextSettings(**options))
    assert table.times.tolist() == microseconds(HOURS)
    assert table.findings == ()


def test_dates_and_hours_of_parquet_are_joined(tmp_path: Path) -> None:
    path = tmp_path / "d.parquet"
    dates = pa.array([hour.replace(hour=0) for hour in HOURS], pa.timestamp("ns"))
    columns = {"date": dates, "hour": [hour.hour for hour in HOURS], "v": [1.5] * len(HOURS)}
    pq.write_table(pa.table(columns), path)
    table = read_table(str(path), targets=("v",))
    assert table.times.tolist() == microseconds(HOURS)


def test_the_hour_24_is_the_next_midnight_with_a_warning() -> None:
    ends = [hour + timedelta(hours=1) for hour in HOURS]
    table = read("date,hour", HOURS, lambda t: f"{t:%Y-%m-%d},{t.hour + 1}")
    assert table.times.tolist() == microseconds(ends)
    assert [finding.rule for finding in table.findings] == ["D212", "D417"]
    assert "line 25" in finding_texts(table.findings)[1]
    assert table.findings[1].count == 40


def test_numbers_of_hours_are_not_times_of_day_without_marks() -> None:
    assert clock_digits_of(["0", "5", "24"]) == 0
    assert clock_digits_of(["0", "100", "2359"]) == 4
    assert clock_digits_of(["0015", "0030"]) == 4
    assert clock_digits_of(["0", "10000", "235959"]) == 6
    assert clock_digits_of(["61", "75", "99"]) == 0


def test_periods_of_a_day_are_not_times_of_day() -> None:
    halves = [datetime(2020, 1, 1) + timedelta(minutes=30 * row) for row in range(480)]
    with pytest.raises(DataError) as caught:
        read(
            "date,period",
            halves,
            lambda t: f"{t:%Y-%m-%d},{1 + t.hour * 2 + t.minute // 30}",
            time=("date", "period"),
        )
    assert "numbers of periods" in caught.value.message
    assert "--time none --season 48" in str(caught.value.hint)
    assert clock_digits_of([str(number) for number in range(1, 97)]) == 0


@pytest.mark.parametrize(("digits", "later"), [(4, 100), (6, 10_000)])
def test_times_of_day_without_leading_zeros_are_written_again(digits: int, later: int) -> None:
    table = read("date,time", HOURS, lambda t: f"{t:%Y%m%d},{t.hour * later}")
    texts = [text.split(JOINT)[1] for text in format_times(table.times[:24], table.time_format)]
    assert texts == [str(hour * later) for hour in range(24)]


def test_decimals_stay_where_the_format_has_them() -> None:
    options = TimeOptions(format="%Y-%m-%d %H:%M:%S.0")
    assert join_cells([["2020-01-01"], ["00:00:00.0"]], options) == [f"2020-01-01{JOINT}00:00:00.0"]


def test_a_clock_of_another_day_is_not_joined_in_silence() -> None:
    cells = [f"2020-01-{day:02d} 00:00:00" for day in range(1, 20)]
    cells[9] = "2020-01-10 05:00:00"
    rows = "\n".join(f"{cell},{row},1" for row, cell in enumerate(cells))
    with pytest.raises(DataError, match="line 11"):
        read_table("-", stdin=io.BytesIO(f"date,hour,v\n{rows}\n".encode()), time=("date", "hour"))


def test_the_hint_for_other_columns_has_their_codes() -> None:
    header = "#YY,MM,DD,hh,mm"
    names = tuple(header.split(","))

    def cells(time: datetime) -> str:
        return f"{time.year % 100},{time.month},{time.day},{time.hour},0"

    with pytest.raises(DataError) as caught:
        read(header, HOURS, cells, time=names)
    codes = "%y %m %d %H %M"
    assert f"--time-format '{codes}'" in str(caught.value.hint)
    assert caught.value.message.count("standard input") == 1
    table = read(header, HOURS, cells, time=names, text=TextSettings(time_format=codes))
    assert table.times.tolist() == microseconds(HOURS)


def test_a_wrong_time_comes_after_the_warning_about_joined_columns() -> None:
    events: list[Any] = []
    rows = "\n".join(f"2021,{1 + row // 28},{1 + row % 28},{row}" for row in range(40))
    with pytest.raises(DataError, match="2021 2 30"):
        read_table(
            "-", stdin=io.BytesIO(f"year,month,day,v\n{rows}\n2021,2,30,1\n".encode()), listen=events.append
        )
    assert [event.finding.rule for event in events if isinstance(event, WarningRaised)] == ["D212"]


def test_months_of_a_decimal_point_are_named_with_their_format() -> None:
    months = [f"{1 + row % 12:02d}.{2010 + row // 12}" for row in range(30)]
    content = "\n".join(("month,v", *(f"{month},{row}" for row, month in enumerate(months)))).encode()
    with pytest.raises(DataError) as caught:
        read_table("-", stdin=io.BytesIO(content))
    assert "--time 'month' --time-format '%m.%Y'" in str(caught.value.hint)
    table = read_table(
        "-", stdin=io.BytesIO(content), time=("month",), text=TextSettings(time_format="%m.%Y")
    )
    assert table.times.astype("datetime64[us]").astype("datetime64[M]").astype(str).tolist()[11:13] == [
        "2010-12",
        "2011-01",
    ]


def test_weeks_of_a_year_are_joined_before_its_months() -> None:
    table = read(
        "year,month,week", WEEKS, lambda t: f"{t.year},{t.month},{t.isocalendar()[1]}", targets=("v",)
    )
    assert table.time_columns == ("year", "week")
    assert table.times.tolist() == microseconds(WEEKS)
