"""Tests of the conversion between text cells and times."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_cli.data.locations import CellLocation
from lstm_cli.data.times.codes import TimeOptions
from lstm_cli.data.times.formats import JOINT, TimeFormat, format_times
from lstm_cli.data.times.parse import TimeColumn, parse_time, read_times, scan_times, time_span
from lstm_cli.errors import DataError, UsageError
from lstm_cli.findings import finding_texts

PLACE = CellLocation(source="f.csv", column="date")
EPOCH = datetime(1970, 1, 1)
DAY = 86_400 * 10**6


def read(*cells: str, pieces: int = 1, **options: Any) -> TimeColumn:
    lines = np.arange(2, 2 + len(cells))
    cuts = np.array_split(np.arange(len(cells)), pieces)
    how = TimeOptions(**options)
    scanned = [scan_times([cells[i] for i in cut], lines[cut], PLACE, how) for cut in cuts]
    return read_times(scanned, lines, PLACE, how)


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
        ("Jan-20", us(2020, 1, 1)),
        ("DEC-69", us(1969, 12, 1)),
        ("dec-68", us(2068, 12, 1)),
        ("Jan 2020", us(2020, 1, 1)),
        ("January 2020", us(2020, 1, 1)),
        ("SEP2020", us(2020, 9, 1)),
        ("2020-Sep", us(2020, 9, 1)),
        ("01-Jan-2020", us(2020, 1, 1)),
        ("29-FEB-2020 13:45:01", us(2020, 2, 29, 13, 45, 1)),
        ("29FEB2020", us(2020, 2, 29)),
        ("29 February 2020", us(2020, 2, 29)),
        ("01-Jan-20", us(2020, 1, 1)),
        ("Jan 10, 2022", us(2022, 1, 10)),
        ("January 10, 2022 5:30 PM", us(2022, 1, 10, 17, 30)),
        ("2023-W05", us(2023, 1, 30)),
        ("2020-W53", us(2020, 12, 28)),
        ("2021-W01", us(2021, 1, 4)),
        ("2023W05", us(2023, 1, 30)),
        ("2023-W05-3", us(2023, 2, 1)),
        ("01.02.2020", us(2020, 2, 1)),
        ("01.02.2020 00:30:00", us(2020, 2, 1, 0, 30)),
        ("Q1 2020", us(2020, 1, 1)),
        ("Q3/2020", us(2020, 7, 1)),
        ("3Q2020", us(2020, 7, 1)),
        ("Quarter 3 2020", us(2020, 7, 1)),
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
        "2020-01-01 24:01",
        "2020-01-01 24:00 PM",
        "2020-01-01 23:60",
        "2020-01-01 23:59:60",
        "2020-01-01 00:00+19:00",
        "2020Q5",
        "2020-13",
        "30 Feb 2020",
        "2021-W53",
        "2021-W00",
        "2021-W01-8",
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
        "12:30",
        "1 Jan",
        "2020-W5",
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
    "cells",
    [
        ("2020-01-01", "01/13/2020"),
        ("2020", "2020-01-01"),
        ("2020Q1", "2020-04"),
        ("2020", "202001"),
        ("2020-01-01", "1 Jan 2020"),
        ("2020-01-01", "2020-W05"),
    ],
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
    assert "'01/02/2020'" in error.message
    assert "--dayfirst" in error.hint
    assert "--monthfirst" in error.hint
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


@given(st.lists(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)), min_size=1))
def test_iso_times_match_the_standard_library(times):
    expected = [(time - EPOCH) // timedelta(microseconds=1) for time in times]
    column = read(*(time.isoformat() for time in times))
    assert column.times.tolist() == expected
    zone = timezone(timedelta(hours=-3, minutes=-30))
    column = read(*(time.replace(tzinfo=UTC).astimezone(zone).isoformat(" ") for time in times))
    assert column.times.tolist() == expected


@given(st.lists(st.text("0123456789-/:. TZ+QWapmJn,", max_size=20), min_size=1, max_size=4))
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


@pytest.mark.parametrize("cells", [("Jan-01", "Jan-02", "Jan-03"), ("20-Jan-01", "20-Jan-02", "20-Jan-03")])
def test_a_last_number_that_may_be_a_day_is_refused_and_codes_settle_it(cells):
    error = refusal(*cells)
    assert error.rule == "D402"
    codes = error.hint.split("'")[1]
    years = [
        time.astype("datetime64[us]").astype("datetime64[Y]") for time in read(*cells, format=codes).times
    ]
    assert [str(year) for year in years] == ["2001", "2002", "2003"]


@pytest.mark.parametrize("pieces", [1, 3])
def test_flags_settle_the_order_of_day_and_month(pieces):
    cells = ("01/02/2020", "02/02/2020", "03/02/2020")
    assert read(*cells, day_first=True, pieces=pieces).times[0] == us(2020, 2, 1)
    assert read(*cells, day_first=False, pieces=pieces).times[0] == us(2020, 1, 2)
    assert read("01.02.2020", day_first=False).times[0] == us(2020, 1, 2)
    for day_first, flag in ((True, "--dayfirst"), (False, "--monthfirst")):
        wrong = "01/13/2020" if day_first else "13/01/2020"
        with pytest.raises(DataError) as caught:
            read("01/02/2020", wrong, "02/01/2020", day_first=day_first, pieces=pieces)
        assert "line 3" in caught.value.message
        assert flag in caught.value.message
        assert caught.value.rule == "D413"


def test_dots_mean_that_the_day_comes_first_unless_the_column_shows_otherwise():
    assert read("01.02.2020", "02.02.2020").format.pattern == "%d.%m.%Y"
    assert read("01.02.2020", "01.13.2020").times[0] == us(2020, 1, 2)
    assert refusal("01.02.2020", "01/02/2020").rule == "D409"


@pytest.mark.parametrize(
    ("codes", "cells", "times"),
    [
        ("%d.%m.%y", ("31.12.20", "01.01.69"), (us(2020, 12, 31), us(1969, 1, 1))),
        ("%m/%d/%y %H:%M", ("1/2/20 5:30", "12/31/20 15:00"), (us(2020, 1, 2, 5, 30), us(2020, 12, 31, 15))),
        ("%y%m%d", ("200131", "991231"), (us(2020, 1, 31), us(1999, 12, 31))),
        ("%Y%j", ("2020060", "2021366"), (us(2020, 2, 29), None)),
        ("%Y-%m-%d %I:%M:%S.%f %p", ("2020-01-02 12:00:00.5 AM",), (us(2020, 1, 2, 0, 0, 0, 500_000),)),
        ("%d/%b/%Y:%H:%M:%S %z", ("10/Oct/2000:13:55:36 -0700",), (us(2000, 10, 10, 20, 55, 36),)),
        ("%a %b %d %H:%M:%S %z %Y", ("Wed Oct 10 20:19:24 +0000 2018",), (us(2018, 10, 10, 20, 19, 24),)),
        (
            "%A, %d. %B %Y",
            ("Friday, 31. January 2020", "Thursday, 31. January 2020"),
            (us(2020, 1, 31), None),
        ),
        ("%G week %V", ("2020 week 53",), (us(2020, 12, 28),)),
        ("%G-%V-%u", ("2021-01-7",), (us(2021, 1, 10),)),
        ("%d.%m.20%y", ("31.12.2020", "31.12.1920"), (us(2020, 12, 31), None)),
        ("100%% %Y", ("100% 2020",), (us(2020, 1, 1),)),
        ("%Y年%m月%d日", ("2020年1月31日",), (us(2020, 1, 31),)),
    ],
)
def test_times_in_codes_are_read_and_written_again(codes, cells, times):
    if times[-1] is None:
        with pytest.raises(DataError, match="line 3"):
            read(*cells, format=codes)
        cells, times = cells[:-1], times[:-1]
    column = read(*cells, format=codes)
    assert tuple(column.times.tolist()) == times
    assert tuple(format_times(column.times, column.format)) == cells


@pytest.mark.parametrize("codes", [None, "%Y-%m-%d"])
@pytest.mark.parametrize("cell", ["Total", "Total 2020"])
def test_the_hint_about_a_total_does_not_name_a_format(cell, codes):
    with pytest.raises(DataError) as caught:
        read("2020-01-01", "2020-01-02", "2020-01-03", cell, format=codes)
    assert "delete the line" in str(caught.value.hint)
    assert "--time-format" not in str(caught.value.hint)


def test_half_years_are_refused_without_a_format():
    error = refusal("2000-H1", "2000-H2")
    assert "half-years" in error.message
    assert "2000-07" in str(error.hint)


def test_decimals_of_whole_numbers_are_written_again():
    steps = read("1.0", "2.0", "3.0", named=True)
    assert steps.times.tolist() == [1, 2, 3]
    assert TimeFormat.from_dict(steps.format.to_dict()) == steps.format
    assert format_times(np.array([4]), steps.format) == ["4.0"]
    years = read("2020.0", "2021.0")
    assert format_times(years.times, years.format) == ["2020.0", "2021.0"]
    assert format_times(np.array([us(2020, 5, 1)]), years.format) == ["2020-05-01"]


def test_whole_numbers_of_weeks_and_days_of_a_year_are_named():
    weeks = [f"{year}{week:02d}" for year in (2020, 2021) for week in range(1, 53)]
    assert "%G%V" in str(refusal(*weeks).hint)
    with pytest.raises(DataError) as caught:
        read("2020003", "2020004", "2020005", named=True)
    assert "--time-format %Y%j" in str(caught.value.hint)


def test_a_cell_that_does_not_match_the_codes_is_refused_with_its_line():
    with pytest.raises(DataError) as caught:
        read("01.02.20", "2020-02-01", format="%d.%m.%y")
    assert caught.value.rule == "D412"
    assert "line 3" in caught.value.message
    assert "'2020-02-01' does not match --time-format '%d.%m.%y'" in caught.value.message
    with pytest.raises(DataError) as caught:
        read("2020111", format="%Y%m%d")  # 11 January or 1 November
    assert caught.value.rule == "D412"


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ("%d.%m", "year"),
        ("%Y-%d", "month"),
        ("%Y %H", "day"),
        ("%Y-%m-%d %I:%M", "%p"),
        ("%Y-%m-%d %H:%M %p", "%I"),
        ("%Y-W%V", "%G"),
        ("%Q", "%j %G %V"),
        ("%Y %Y", "once"),
        ("%y %Y", "once"),
        ("", "%Y"),
        ("DD.MM.YYYY", "%Y"),
        ("%", "%Y"),
    ],
)
def test_codes_that_do_not_make_a_time_are_usage_errors(codes, words):
    with pytest.raises(UsageError) as caught:
        read("x", format=codes)
    assert words in str(caught.value.hint)
    assert caught.value.flag == "--time-format"


DATE_CODES = (
    "%Y{0}%m{0}%d",
    "%d{0}%m{0}%y",
    "%d{0}%b{0}%Y",
    "%B %d, %Y",
    "%a %d{0}%b{0}%y",
    "%G{0}%V{0}%u",
    "%Y{0}%j",
)
CLOCK_CODES = ("", "%H:%M", "%I:%M %p", "%H%M%S", "%H:%M:%S.%f", "%H.%M.%S,%f", "%I o'clock %p")
STEPS = {"": DAY, "%H:%M": 60 * 10**6, "%I:%M %p": 60 * 10**6, "%H%M%S": 10**6, "%I o'clock %p": 3600 * 10**6}


@given(
    date=st.sampled_from(DATE_CODES),
    mark=st.sampled_from([".", "/", "-", " "]),
    clock=st.sampled_from(CLOCK_CODES),
    joint=st.sampled_from([" ", "T", JOINT, " 100%% "]),
    zone=st.sampled_from(["", "+0000", " +00:00", "Z"]),
    offset=st.sampled_from([0, 60, -210, 825]),
    start=st.integers(us(1970, 1, 2) // DAY, us(2056, 1, 1) // DAY),  # %y ends in 2068, 12 steps later
    step=st.integers(1, 400),
    narrow=st.booleans(),
)
def test_times_in_any_format_are_read_again(date, mark, clock, joint, zone, offset, start, step, narrow):
    codes = date.format(mark) + (joint + clock if clock else "")
    zoned = bool(clock and zone)
    pattern = re.sub("%([dmHI])", r"%-\1", codes) if narrow and clock != "%H%M%S" else codes
    fmt = TimeFormat(
        pattern=pattern, zone=zone if zoned else "", offset=offset if zoned and zone != "Z" else 0
    )
    fmt = replace(fmt, digits=6 if "%f" in codes else 0)
    times = start * DAY + np.arange(12, dtype=np.int64) * step * STEPS.get(clock, 1) - fmt.offset * 60 * 10**6
    texts = format_times(times, fmt)
    column = read(*texts, pieces=3, format=codes.replace(JOINT, " ") + "%z" * zoned)
    np.testing.assert_array_equal(column.times, times)
    assert format_times(column.times, column.format) == texts


def test_whole_numbers_count_steps_only_if_the_column_is_named():
    assert refusal("1", "2").rule == "D406"
    column = read("9", "10", "11", named=True)
    assert column.times.tolist() == [9, 10, 11]
    assert column.format.is_integer
    assert format_times(np.array([-3, 12]), column.format) == ["-3", "12"]
    assert read("-5", "0", "5", named=True).times.tolist() == [-5, 0, 5]
    assert format_times(np.array([8]), read("007", "008", named=True).format) == ["008"]
    assert read("1000", "1001", "1002", named=True).times.tolist() == [1000, 1001, 1002]


def test_digits_that_read_as_dates_stay_dates_unless_forced():
    assert read("2020", "2021", named=True).times[0] == us(2020, 1, 1)
    assert read("20200131", "20200201", named=True).times[0] == us(2020, 1, 31)
    assert read("2020", "2021", named=True, format="int").times.tolist() == [2020, 2021]
    assert read("2020", like=TimeFormat(pattern="int")).times.tolist() == [2020]
    for cells in (("20200131", "2020021", "20200202"), ("2020", "0206", "2022")):
        with pytest.raises(DataError, match="line 3") as caught:
            read(*cells, named=True)
        assert "--time-format int" in str(caught.value.hint)


def test_large_whole_numbers_of_a_date_column_are_a_guess():
    column = read("737425", "737426", named=True)  # days since the year 0
    assert [finding.rule for finding in column.findings] == ["D411"]
    assert not read("737425", "737426", format="int").findings
    for cells, words in ((("43831", "43832"), "spreadsheet"), (("310120", "010220"), "--time-format %d%m%y")):
        with pytest.raises(DataError) as caught:
            read(*cells, named=True)
        assert words in f"{caught.value.message} {caught.value.hint}"
        assert "--time-format int" in str(caught.value.hint)
    with pytest.raises(DataError, match=r"line 3.*'1\.5' is not a whole number"):
        read("1", "1.5", format="int")


def test_options_are_read_in_the_format_of_the_file():
    short = TimeFormat(pattern="%d.%m.%y")
    assert parse_time("01.02.20", short) == us(2020, 2, 1)
    assert parse_time("2020-02-01", short) == us(2020, 2, 1)
    joint = TimeFormat(pattern=f"%Y{JOINT}%-m{JOINT}%-d{JOINT}%-H")
    assert parse_time("2020 2 1 5", joint) == us(2020, 2, 1, 5)
    assert parse_time("2020-02-01 05:00", joint) == us(2020, 2, 1, 5)
    assert parse_time("500", TimeFormat(pattern="int")) == 500
    assert parse_time("-500", TimeFormat(pattern="int")) == -500
    with pytest.raises(UsageError, match="whole number"):
        parse_time("2020-01-01", TimeFormat(pattern="int"))


@pytest.mark.parametrize(
    ("text", "pattern", "span"),
    [
        ("2020", "%Y-%m-%d", "year"),
        ("Jan 2020", "%Y-%m-%d", "month"),
        ("Jan 10, 2020", "%Y-%m-%d", "day"),
        ("01/02/2020", "%d/%m/%Y", "day"),
        ("2020-W05", "%G-W%V", "week"),
        ("2020Q1", "%YQ%q", "quarter"),
        ("01.02.20", "%d.%m.%y", "day"),
        ("2020-01-05 06:00", "%Y-%m-%d", ""),
        ("2020", "int", ""),
    ],
)
def test_a_time_of_an_option_covers_its_unit(text, pattern, span):
    assert time_span(text, TimeFormat(pattern=pattern)) == span


@pytest.mark.parametrize(
    "cell", ["31/12/20", "12-31-20", "31.12.20 5:30", "12/31/20 05:30:00 PM", "31/12/20T05:30:00"]
)
def test_the_hint_about_a_short_year_has_codes_that_read_the_cell(cell):
    hint = refusal(cell).hint
    readings = []
    for codes in hint.split("'")[1::2]:
        try:
            readings.append(read(cell, format=codes).times[0])
        except DataError:
            continue
    assert [time.astype("datetime64[us]").astype("datetime64[D]").astype(str) for time in readings] == [
        "2020-12-31"
    ]
