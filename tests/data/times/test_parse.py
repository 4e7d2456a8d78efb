"""Tests of the conversion between text cells and times."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_cli.data.locations import CellLocation
from lstm_cli.data.times.formats import TimeFormat, format_times
from lstm_cli.data.times.parse import TimeColumn, parse_time, read_times, scan_times
from lstm_cli.errors import DataError, UsageError
from lstm_cli.findings import finding_texts

PLACE = CellLocation(source="f.csv", column="date")
EPOCH = datetime(1970, 1, 1)
DAY = 86_400 * 10**6


def read(*cells: str, pieces: int = 1, like: TimeFormat | None = None) -> TimeColumn:
    lines = np.arange(2, 2 + len(cells))
    cuts = np.array_split(np.arange(len(cells)), pieces)
    scanned = [scan_times([cells[i] for i in cut], lines[cut], PLACE) for cut in cuts]
    return read_times(scanned, lines, PLACE, like=like)


def us(*args: int) -> int:
    return (datetime(*args) - EPOCH) // timedelta(microseconds=1)  # type: ignore[arg-type]


def refusal(*cells: str, pieces: int = 1) -> DataError:
    with pytest.raises(DataError) as caught:
        read(*cells, pieces=pieces)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("cell", "time"),
    [
        ("2020-02-29", us(2020, 2, 29)),
        ("2020/02/29", us(2020, 2, 29)),
        ("2020.2.9", us(2020, 2, 9)),
        ("2020-02-29 13:45", us(2020, 2, 29, 13, 45)),
        ("2020-02-29T13:45:01", us(2020, 2, 29, 13, 45, 1)),
        ("2020-02-29 9:45", us(2020, 2, 29, 9, 45)),
        ("2020-02-29 13:45:01.5", us(2020, 2, 29, 13, 45, 1, 500_000)),
        ("2020-02-29 13:45:01.000001", us(2020, 2, 29, 13, 45, 1, 1)),
        ("2020-02-29T13:45:01.0000010Z", us(2020, 2, 29, 13, 45, 1, 1)),
        ("2020-02-29T13:45:01Z", us(2020, 2, 29, 13, 45, 1)),
        ("2020-02-29T13:45:01+01:00", us(2020, 2, 29, 12, 45, 1)),
        ("2020-02-29 13:45:01 +0530", us(2020, 2, 29, 8, 15, 1)),
        ("2020-02-29 13:45:01-03", us(2020, 2, 29, 16, 45, 1)),
        ("2020-02-29 13:45:01 UTC", us(2020, 2, 29, 13, 45, 1)),
        ("20200229T134501Z", us(2020, 2, 29, 13, 45, 1)),
        ("20200229 1345", us(2020, 2, 29, 13, 45)),
        ("31/12/2020 23:00", us(2020, 12, 31, 23)),
        ("12/31/2020 11:00 PM", us(2020, 12, 31, 23)),
        ("12/31/2020 12:00:00 am", us(2020, 12, 31)),
        ("31.12.2020", us(2020, 12, 31)),
        ("2020-03", us(2020, 3, 1)),
        ("2020M03", us(2020, 3, 1)),
        ("3/2020", us(2020, 3, 1)),
        ("2020Q3", us(2020, 7, 1)),
        ("2020-Q4", us(2020, 10, 1)),
        ("Q1 2020", us(2020, 1, 1)),
        ("2020", us(2020, 1, 1)),
        ("202003", us(2020, 3, 1)),
        ("20200229", us(2020, 2, 29)),
        ("2020022913", us(2020, 2, 29, 13)),
        ("202002291345", us(2020, 2, 29, 13, 45)),
        ("20200229134501", us(2020, 2, 29, 13, 45, 1)),
        ("1582983901", us(2020, 2, 29, 13, 45, 1)),
        ("1582983901.5", us(2020, 2, 29, 13, 45, 1, 500_000)),
        ("1582983901500", us(2020, 2, 29, 13, 45, 1, 500_000)),
        ("1582983901000001", us(2020, 2, 29, 13, 45, 1, 1)),
        ("1582983901000001000", us(2020, 2, 29, 13, 45, 1, 1)),
        ("0001-01-01", us(1, 1, 1)),
        ("9999-12-31 23:59:59", us(9999, 12, 31, 23, 59, 59)),
    ],
)
def test_each_format_is_read_and_written_again(cell, time):
    column = read(f" {cell} ")
    assert column.times.tolist() == [time]
    assert format_times(column.times, column.format) == [cell]
    assert TimeFormat.from_dict(column.format.to_dict()) == column.format


@pytest.mark.parametrize(
    "cell",
    [
        "2020-02-30",
        "2019-02-29",
        "1900-02-29",
        "2020-13-01",
        "2020-00-01",
        "2020-01-00",
        "0000-01-01",
        "2020-01-01 24:00",
        "2020-01-01 23:60",
        "2020-01-01 23:59:60",
        "2020-01-01 00:00+19:00",
        "2020Q5",
        "2020-13",
        "2020-01-01 00:00:00.0000001",
    ],
)
def test_an_invalid_time_is_refused_with_its_line(cell):
    assert f"line 2, column 'date': '{cell}'" in refusal(cell, cell).message


@pytest.mark.parametrize("cell", ["30/02/2020", "13/13/2020", "00/01/2020", "1/31/2020 13:00 PM"])
def test_an_impossible_day_month_date_is_refused(cell):
    good = "31/01/2020" if " " not in cell else "1/30/2020 1:00 PM"
    assert "line 3" in refusal(good, cell).message


@pytest.mark.parametrize(
    "cell",
    [
        "yesterday",
        "01/02/20",
        "1 Jan 2020",
        "12:30",
        "2020-W05",
        "2020-01-01 00:00 CET",
        "5",
        "-1",
        "2020-1-1x",
    ],
)
def test_text_that_is_not_a_time_is_refused_with_its_line(cell):
    assert f"line 3, column 'date': '{cell}' is not a valid time" in refusal("2020-01-01", cell).message


@pytest.mark.parametrize("cell", ["", " ", "NA", "NaT"])
def test_a_missing_time_is_refused(cell):
    assert "line 3, column 'date': the time is missing" in refusal("2020-01-01", cell).message


@pytest.mark.parametrize(
    "cells", [("2020-01-01", "01/13/2020"), ("2020", "2020-01-01"), ("2020Q1", "2020-04"), ("2020", "202001")]
)
@pytest.mark.parametrize("pieces", [1, 2])
def test_two_formats_in_one_column_are_refused(cells, pieces):
    assert "line 3" in refusal(*cells, pieces=pieces).message


@pytest.mark.parametrize("pieces", [1, 2])
def test_offsets_on_only_some_rows_are_refused(pieces):
    error = refusal("2020-01-01 00:00Z", "2020-01-01 01:00", pieces=pieces)
    assert "line 3" in error.message
    assert "without an offset" in error.message
    assert "with AM or PM" in refusal("1/13/2020 1:00", "1/13/2020 2:00 PM", pieces=pieces).message


def test_one_offset_is_kept_and_several_become_utc():
    single = read("2020-01-01T00:00+05:30", "2020-01-01T01:00+05:30")
    assert format_times(single.times + 3600 * 10**6, single.format) == [
        "2020-01-01T01:00+05:30",
        "2020-01-01T02:00+05:30",
    ]
    assert single.times[0] == us(2019, 12, 31, 18, 30)
    assert single.format.has_offset
    several = read("2020-03-29 01:00+01:00", "2020-03-29 03:00+02:00")
    assert format_times(several.times, several.format) == ["2020-03-29 00:00Z", "2020-03-29 01:00Z"]


@pytest.mark.parametrize("pieces", [1, 3])
def test_the_whole_column_decides_between_day_and_month(pieces):
    assert read("01/02/2020", "02/02/2020", "13/02/2020", pieces=pieces).times[0] == us(2020, 2, 1)
    assert read("01/02/2020", "01/03/2020", "01/13/2020", pieces=pieces).times[0] == us(2020, 1, 2)
    error = refusal("01/02/2020", "13/02/2020", "02/13/2020", pieces=pieces)
    assert "line 4" in error.message
    assert "line 3" in error.message


def test_ambiguous_dates_are_refused_unless_the_run_decides():
    error = refusal("01/02/2020", "02/02/2020")
    assert "'1/2/2020'" in error.message
    assert "YYYY-MM-DD" in error.hint
    day_first, month_first = (TimeFormat(pattern=pattern) for pattern in ("%d/%m/%Y", "%-m/%-d/%Y %H:%M"))
    assert read("01/02/2020", like=day_first).times[0] == us(2020, 2, 1)
    assert read("01/02/2020", like=month_first).times[0] == us(2020, 1, 2)
    with pytest.raises(DataError):
        read("01/02/2020", like=TimeFormat(pattern="%Y-%m-%d"))


def test_ambiguous_months_of_six_digits_are_refused():
    assert "YYMMDD" in refusal("200101", "200102").message
    assert read("200112", "200201", "201301").times[0] == us(2001, 12, 1)


def test_a_date_among_times_is_midnight_with_a_warning():
    column = read("2020-01-01 23:00:00", "2020-01-02", "2020-01-02 01:00:00")
    assert column.times[1] == us(2020, 1, 2)
    assert "line 3" in finding_texts(column.findings)[0]
    assert "1 time without a time of day" in finding_texts(column.findings)[0]
    assert format_times(column.times, column.format)[1] == "2020-01-02 00:00:00"
    assert finding_texts(read("2020-01-01", "2020-01-02").findings) == ()


def test_numbers_without_leading_zeros_keep_that_format():
    column = read("9/30/2020 9:00", "10/1/2020 10:00")
    assert format_times(column.times, column.format) == ["9/30/2020 9:00", "10/1/2020 10:00"]
    assert format_times(np.array([us(2020, 1, 5)]), column.format) == ["1/5/2020 0:00"]


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        ("%Y-%m-%d", "2020-01-05 06:00:00"),
        ("%d/%m/%Y", "05/01/2020 06:00:00"),
        ("%Y%m%d", "2020-01-05 06:00:00"),
        ("%Y-%m", "2020-01-05 06:00:00"),
        ("%Y%m%d%H", "2020010506"),
        ("%Y-%m-%d %H:%M", "2020-01-05 06:00"),
        ("epoch-s", "1578204000"),
    ],
)
def test_a_too_coarse_format_is_refined(pattern, written):
    assert format_times(np.array([us(2020, 1, 5, 6)]), TimeFormat(pattern=pattern)) == [written]


@settings(deadline=None)
@given(
    pattern=st.sampled_from(
        [
            "%Y",
            "%Y-%m",
            "%YQ%q",
            "%Y%m%d",
            "%Y%m%d%H",
            "%Y-%m-%d",
            "%Y-%m-%d %H:%M",
            "%Y/%m/%dT%H:%M:%S",
            "%-m/%-d/%Y %-I:%M %p",
            "%d.%m.%Y %H:%M:%S",
        ]
    ),
    step=st.sampled_from([1, 500, 10**6, 60 * 10**6, 3600 * 10**6, DAY]),
    start=st.integers(us(1990, 1, 1) // 60_000_000, us(2090, 1, 1) // 60_000_000),
    offset=st.sampled_from([None, 0, 60, -210, 825]),
)
def test_formatted_times_parse_to_the_same_times(pattern, step, start, offset):
    fmt = TimeFormat(pattern=pattern)
    if offset is not None and ("%H:" in pattern or "%p" in pattern):
        fmt = TimeFormat(pattern=pattern, zone="+00:00", offset=offset)
    times = start * 60_000_000 + np.arange(40, dtype=np.int64) * step
    assert len(set(format_times(times, fmt))) == 40
    column = read(*format_times(times, fmt), pieces=3, like=fmt)
    np.testing.assert_array_equal(column.times, times)


@settings(deadline=None)
@given(st.lists(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)), min_size=1))
def test_iso_times_match_the_standard_library(times):
    expected = [(time - EPOCH) // timedelta(microseconds=1) for time in times]
    column = read(*(time.isoformat() for time in times))
    assert column.times.tolist() == expected
    zone = timezone(timedelta(hours=-3, minutes=-30))
    column = read(*(time.replace(tzinfo=UTC).astimezone(zone).isoformat(" ") for time in times))
    assert column.times.tolist() == expected


@settings(deadline=None)
@given(st.lists(st.text("0123456789-/:. TZ+QWapm", max_size=20), min_size=1, max_size=4))
def test_any_text_gives_times_or_an_error(cells):
    try:
        column = read(*cells)
    except DataError:
        return
    repeated = read(*format_times(column.times, column.format), like=column.format)
    assert repeated.times.tolist() == column.times.tolist()


def test_unit_steps_are_written_as_numbers():
    assert format_times(np.arange(3), TimeFormat()) == ["0", "1", "2"]


def test_parse_time_of_an_option():
    local, zoned = (
        TimeFormat(pattern="%Y-%m-%d %H:%M"),
        TimeFormat(pattern="%Y-%m-%dT%H:%M", zone="+00:00", offset=60),
    )
    assert parse_time("2020-01-31", local) == us(2020, 1, 31)
    assert parse_time("2020-02", local) == us(2020, 2, 1)
    assert parse_time("2020-01-31", zoned) == us(2020, 1, 30, 23)
    assert parse_time("2020-01-31T00:00Z", zoned) == us(2020, 1, 31)
    assert parse_time("01/02/2020", TimeFormat(pattern="%d/%m/%Y")) == us(2020, 2, 1)
    assert parse_time("20200131", TimeFormat(pattern="epoch-s")) == us(2020, 1, 31)
    for text in ("2020-01-31T00:00Z", "01/02/2020", "soon", "", "2020-02-30"):
        with pytest.raises(UsageError):
            parse_time(text, local)
