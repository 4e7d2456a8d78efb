"""Malformed cells: numbers, times, time grids and several series."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from malformed import (
    BODY,
    GOOD,
    LETTERS,
    LOAD,
    NO_TIMES,
    NUMBERS_AS_TIMES,
    ROWS,
    SHOP,
    TOTAL,
    UNIT_STEPS,
    VALUES,
    Case,
    day,
    hour,
    insert_lines,
    panel,
    panel_total,
    read,
    refuse,
    table,
    values,
    with_load,
    with_loads,
    with_time,
    with_times,
)
from number_cells import MISSING, REFUSED


def number_cases() -> list[Case]:
    """Return cases of numbers, invalid numbers and missing values."""
    missing = {"warnings": ["1 missing value, first 'load' at 2021-01-09"], "total": TOTAL - VALUES[5]}
    dotted = ["987", "1.234", "12.345", "1.002"]
    return [
        *(read(f"missing: {word!r}", with_load(word), **missing) for word in MISSING),
        *(refuse(f"{kind}: {word!r}", with_load(word), "line 7", "'load'", *message, *([word] if word.isprintable() else []))
          for kind, message, words in REFUSED for word in words),
        refuse("semicolons and decimal commas", GOOD.replace(",", ";").replace(".", ","), "line 3", "12,25", "comma"),
        refuse("percent in every cell", with_loads(lambda row: f"{row}%"), "line 2", "0%", "percent"),
        refuse("units in every cell", with_loads(lambda row: f"{row} MW"), "line 2", "0 MW", "unit"),
        refuse("truth values", with_loads(lambda row: row % 2 == 0), "line 2", "True"),
        refuse("too large to be scaled", with_load("1e300"), "line 7", "'load'", "1e+300"),
        refuse("too large to be scaled, all", with_loads(lambda row: f"{row + 1}e300"), "line 2", "1e+300"),
        refuse("too large for 32-bit floats", with_load("1e100", 40), "line 40", "1e+100", "32-bit"),
        read("exponents, signs and bare points", with_load("+.5e1"), total=TOTAL - VALUES[5] + 5),
        read("a bare point at the end", with_load("5."), total=TOTAL - VALUES[5] + 5),
        read("large and alike", with_loads(lambda row: f"{1e9 + row % 7 * 0.001:.3f}"), total=40 * 1e9 + 0.115),
        read("alike for 32-bit floats", with_loads(lambda row: f"{1e9 + row % 7 * 0.001:.3f}"), "--scaler", "none",
             total=40 * 1e9 + 0.115, warnings=["'load' (1000000000 to 1000000000.006) are too close"]),
        read("tiny", with_loads(lambda row: f"{row + 1}e-20"), total=820e-20),
        read("too tiny to be scaled", with_loads(lambda row: f"{row + 1}e-300"), total=820e-300, warnings=["too close"]),
        read("whole numbers beyond 2^53", with_loads(lambda row: 2**53 + 1 + 2 * row), total=40.0 * 2**53 + 1600,
             warnings=["line 2, column 'load': 40 numbers are larger than 2^53"]),
        read("one whole number beyond 2^53", with_load("9007199254740993"), warnings=["line 7"], total=2.0**53 + TOTAL - VALUES[5]),
        read("a number that usually means missing", with_load("-9999"), total=TOTAL - VALUES[5] - 9999, warnings=["-9999 is in 1 of 40 cells, far below all others (the next is 3), so"]),
        read("half of the cells missing", with_loads(lambda row: row if row % 2 == 0 else "NA", 41), rows=41, total=420.0,
             end="2021-02-13T00:00:00", warnings=["20 missing values"]),
        refuse("all of the cells missing", with_loads(lambda row: "NA"), "is empty", "40", options=LOAD),
        read("dots: thousands separators or decimal points", with_loads(lambda row: dotted[row % 4]), total=10 * 1001.581,
             warnings=["'1.234' and 29 more"]),
        read("dots in all cells between semicolons", with_loads(lambda row: f"{row + 1}.125", mark=";"), total=825.0,
             warnings=["';'", "thousands"]),
        read("three decimals between commas", with_loads(lambda row: f"{row + 1}.125"), total=825.0),
        read("more digits than a float keeps", with_loads(lambda row: f"{row}.12500000000000000000001"), total=785.0),
        refuse("a past covariate without a number", table("date,load,wind", map(day, range(ROWS)), values(), ["NA"] * 40),
               "'wind'", "is empty", options=(*LOAD, "--past", "wind")),
    ]  # fmt: skip


def time_cases() -> list[Case]:
    """Return cases of time formats, offsets, digits and invalid dates."""
    epoch = 1_609_459_200  # 2021-01-01T00:00:00Z
    first, last = "2021-03-01T00:00:00", "2021-03-02T15:00:00"
    hourly = {"start": first, "end": last}
    east = {"start": "2021-02-28T23:00:00Z", "end": "2021-03-02T14:00:00Z"}
    counted = {"start": "2021-01-01T00:00:00Z", "end": "2021-01-02T15:00:00Z", "warnings": [NUMBERS_AS_TIMES]}
    months = {"start": "1980-01-01T00:00:00", "end": "1983-04-01T00:00:00"}
    quarters = {"start": "1980-01-01T00:00:00", "end": "1989-10-01T00:00:00"}

    def month(row: int) -> date:
        return date(1980 + row // 12, row % 12 + 1, 1)

    def midnight(row: int) -> str:
        return f"{hour(row + 1):%Y-%m-%d %H:%M}" if (row + 1) % 24 else f"{hour(row):%Y-%m-%d} 24:00"

    divided = (f"{hour(row):%Y-%m-%d}" for row in range(ROWS)), (f"{hour(row):%H:%M}" for row in range(ROWS))
    return [
        read("T between day and clock", with_times(lambda row: hour(row).isoformat()), **hourly),
        read("no seconds", with_times(lambda row: f"{hour(row):%Y-%m-%d %H:%M}"), **hourly),
        read("Z", with_times(lambda row: f"{hour(row).isoformat()}Z"), start=first + "Z", end=last + "Z"),
        read("an offset", with_times(lambda row: f"{hour(row).isoformat()}+01:00"), **east),
        read("an offset without a colon", with_times(lambda row: f"{hour(row)} +0100"), **east),
        read("two offsets", with_times(lambda row: f"{hour(row + row // 20).isoformat()}+0{1 + row // 20}:00"), **east),
        refuse("an offset on all but one", with_times(lambda row: f"{hour(row).isoformat()}{'' if row == 7 else 'Z'}"),
               "line 9", "line 2", "offset"),
        refuse("a zone's name", with_times(lambda row: f"{hour(row)} CET"), "line 2", "CET", "+01:00"),
        refuse("a zone's name in brackets", with_times(lambda row: f"{hour(row).isoformat()}+01:00[Europe/Berlin]"), "line 2", "zones"),
        read("microseconds", with_times(lambda row: f"{hour(row)}.000250"), start=first + ".000250", end=last + ".000250"),
        refuse("nanoseconds", with_times(lambda row: f"{hour(row)}.000000001"), "line 2", "finer than a microsecond"),
        read("AM and PM", with_times(lambda row: f"{day(row):%m/%d/%Y} 12:00 AM")),
        refuse("PM on some", with_times(lambda row: f"{day(row)} {'5:00 PM' if row == 9 else '5:00'}"), "line 11", "AM or PM"),
        read("seconds since 1970", with_times(lambda row: epoch + 3600 * row, name="ts"), **counted),
        read("milliseconds since 1970", with_times(lambda row: (epoch + 3600 * row) * 1000, name="ts"), **counted),
        read("nanoseconds since 1970", with_times(lambda row: (epoch + 3600 * row) * 10**9, name="ts"), **counted),
        read("seconds since 1970, unnamed", with_times(lambda row: epoch + 3600 * row, name="x"), **counted),
        refuse("seconds, then milliseconds", with_times(lambda row: (epoch + 3600 * row) * (1 if row < 9 else 1000), name="ts"),
               "line 11", "line 2", "digits"),
        refuse("milliseconds as decimals", with_times(lambda row: f"{(epoch + row) * 1000}.0", name="ts"), "'ts'", "000.0"),
        refuse("seconds as powers", with_times(lambda row: f"{epoch + 100 * row:.7e}", name="ts"), "'ts'", "e+09", options=LOAD),
        read("YYYYMMDD", with_times(lambda row: f"{day(row):%Y%m%d}"), warnings=[NUMBERS_AS_TIMES]),
        read("YYYYMMDDhh", with_times(lambda row: f"{hour(row):%Y%m%d%H}"), warnings=[NUMBERS_AS_TIMES], **hourly),
        refuse("YYYYMMDD with an impossible day", with_times(lambda row: f"{day(row):%Y%m%d}" if row != 9 else "20210230"),
               "line 11", "20210230"),
        refuse("DDMMYYYY", with_times(lambda row: f"{day(row):%d%m%Y}"), "'date'", "04012021"),
        refuse("YYMMDD", with_times(lambda row: f"{day(row):%y%m%d}"), "line 11", "210113"),
        read("YYYYMM", with_times(lambda row: f"{month(row):%Y%m}", name="month"), warnings=[NUMBERS_AS_TIMES], **months),
        refuse("YYYYMM or YYMMDD", with_times(lambda row: f"{2001 + row // 12}{row % 12 + 1:02d}", name="month"), "line 2", "YYMMDD"),
        read("years", with_times(lambda row: 1980 + row, name="year"), warnings=["years"], start=months["start"], end="2019-01-01T00:00:00"),
        read("years as decimals", with_times(lambda row: f"{1980 + row}.0", name="year"), *LOAD, start="1980-01-01T00:00:00",
             end="2019-01-01T00:00:00", warnings=["'year', a numeric column, was used as the time"]),
        read("quarters", with_times(lambda row: f"{1980 + row // 4}Q{row % 4 + 1}"), **quarters),
        read("quarters, the year last", with_times(lambda row: f"Q{row % 4 + 1} {1980 + row // 4}"), **quarters),
        refuse("a fifth quarter", with_times(lambda row: f"{1980 + row // 4}-Q{5 if row == 6 else row % 4 + 1}"), "line 8", "1981-Q5"),
        read("months", with_times(lambda row: f"{month(row):%Y-%m}"), **months),
        read("months with an M", with_times(lambda row: f"{month(row):%YM%m}"), **months),
        read("months, the year last", with_times(lambda row: f"{month(row):%m/%Y}"), **months),
        refuse("months by name", with_times(lambda row: ["Jan", "Feb", "Mar"][row % 3] + " 2020"), "lines 2 and 5", "duplicate timestamp"),
        read("days with names of months", with_times(lambda row: f"{row + 1}-Jan-2021", 30), rows=30, total=sum(VALUES[:30]),
             start="2021-01-01T00:00:00", end="2021-01-30T00:00:00"),
        read("the name of the month first", with_times(lambda row: f'"{day(row):%B %d, %Y}"')),
        refuse("a month that is no word", with_times(lambda row: f"{row + 1}-Jab-2021", 30), "line 2", "1-Jab-2021", options=("--time", "date")),
        read("weeks", with_times(lambda row: f"2021-W{row + 1:02d}"), end="2021-10-04T00:00:00"),
        refuse("days of the year", with_times(lambda row: f"2021-{row + 1:03d}"), "line 2", "2021-001"),
        read("days of the year by their codes", with_times(lambda row: f"2021-{row + 4:03d}"), "--time-format", "%Y-%j"),
        read("years of two digits by their codes", with_times(lambda row: f"{day(row):%d/%m/%y}"), "--time-format", "%d/%m/%y"),
        refuse("codes that do not match", with_times(lambda row: f"{day(row):%d/%m/%y}"), "no column", "%d.%m.%y", options=("--time-format", "%d.%m.%y")),
        refuse("codes that do not match one time", with_time("14.01.2021"), "line 12", "14.01.2021", options=("--time-format", "%Y-%m-%d")),
        refuse("unknown codes", GOOD, "%Q", options=("--time-format", "%Q"), code=2),
        refuse("days of a spreadsheet", with_times(lambda row: 44200 + row), "'date'", "44200", "spreadsheet"),
        refuse("days of a spreadsheet, the target named", with_times(lambda row: 44200 + row), "'44200'", "spreadsheet", options=LOAD),
        refuse("days and hours of a spreadsheet", with_times(lambda row: 44197.5 + row), "44197.5", "spreadsheet", options=LOAD),
        refuse("days of a spreadsheet as --time", with_times(lambda row: 44200 + row), "line 2", "spreadsheet", options=("--time", "date")),
        read("days of a spreadsheet as whole numbers", with_times(lambda row: 44200 + row), "--time", "date", "--time-format", "int",
             start="44200", end="44239"),
        read("numbers as times", with_times(lambda row: 5 * row, name="t"), "--time", "t", start="0", end="195"),
        refuse("one odd number among times", with_times(lambda row: 5 * row + (row == 9), name="t"), "line 11", "46", options=("--time", "t")),
        refuse("DDMMYYYY named as times", with_times(lambda row: f"{day(row):%d%m%Y}", name="t"), "line 2", "another form", options=("--time", "t")),
        read("DDMMYYYY by its codes", with_times(lambda row: f"{day(row):%d%m%Y}"), "--time-format", "%d%m%Y"),
        read("the day first, by its rows", with_times(lambda row: f"{day(row):%d/%m/%Y}")),
        read("the month first, by its rows", with_times(lambda row: f"{day(row):%m/%d/%Y}")),
        read("days and months between points", with_times(lambda row: f"{day(row):%d.%m.%Y}")),
        refuse("the day or the month first", with_times(lambda row: f"1/{row % 12 + 1}/{1980 + row // 12}"), "line 2", "1/1/1980", "ambiguous"),
        read("the day first, by its flag", with_times(lambda row: f"1/{row % 12 + 1}/{1980 + row // 12}"), "--dayfirst", **months),
        refuse("the month first, against its rows", with_times(lambda row: f"{day(row):%d/%m/%Y}"), "line 11", "13/01/2021", options=("--monthfirst",)),
        read("points with the day first", with_times(lambda row: f"01.{row % 12 + 1:02d}.{1980 + row // 12} 00:00:00"), **months),
        refuse("the day first, later the month", "date,load\n13/1/2021,5\n1/14/2021,6\n", "line 3", "line 2", "month/day"),
        refuse("years of two digits", with_times(lambda row: f"{day(row):%d/%m/%y}"), "line 2", "04/01/21", "two digits"),
        *(refuse(f"no such time: {text}", with_time(text), "line 12", "'date'", text) for text in
          ["2021-02-30", "2021-02-29", "2021-13-01", "2021-00-10", "2021-01-32", "0000-00-00", "1900-01-00",
           "2021-01-14T25:00", "2021-01-14 12:60", "never", "14.01"]),
        refuse("no such time, the day first", with_times(lambda row: f"{day(row):%d/%m/%Y}" if row != 10 else "31/4/2021"),
               "line 12", "31/4/2021"),
        read("hour 24", with_times(midnight), start=f"{hour(1):%Y-%m-%dT%H:%M:%S}", end=f"{hour(ROWS):%Y-%m-%dT%H:%M:%S}",
             warnings=["line 25, column 'date': 1 time with the hour 24 was read as 00:00 of the next day"]),
        refuse("a minute after the hour 24", with_time("2021-01-14 24:01"), "line 12", "24:01"),
        refuse("a leap second", with_time("2021-01-14 23:59:60"), "line 12", "23:59:60"),
        *(refuse(f"a missing time: {text!r}", with_time(text), "line 12", "time is missing") for text in ["", "NA", "-", "NaT"]),
        refuse("a month midway", with_time("2021-01"), "line 12", "line 2"),
        refuse("another format midway", with_time("14.01.2021"), "line 12", "line 2"),
        refuse("digits midway", with_time("20210114"), "line 12", "line 2"),
        read("slashes midway", with_time("2021/01/14")),
        read("a clock in one time", with_time("2021-01-14 00:00"), warnings=["39 times without a time of day"]),
        read("the year 1", with_times(lambda row: date(1, 1, 1) + timedelta(row)), start="0001-01-01T00:00:00", end="0001-02-09T00:00:00"),
        read("the year 9999", with_times(lambda row: date(9999, 11, 22) + timedelta(row)), start="9999-11-22T00:00:00",
             end="9999-12-31T00:00:00"),
        refuse("one time in the year 1", with_time("0001-01-01", 2), "line 2", "0001-01-01", "missing rows"),
        refuse("one time in the year 9999", with_time("9999-12-31", 41), "line 41", "9999-12-31", "missing rows"),
        read("the clock in a column of its own", table("date,time,load", *divided, values()), warnings=["--time 'date' --time 'time'"], **hourly),
        read("the hour in a column of its own", table("date,hour,load", (day(row // 24) for row in range(72)),
             (row % 24 for row in range(72)), values(72)), *LOAD, warnings=["--time 'date' --time 'hour'"], rows=72, total=sum(VALUES[:72]),
             end="2021-01-06T23:00:00"),
        read("year, month and day in columns", table("year,month,day,load", (2021 for _ in range(ROWS)),
             (day(row).month for row in range(ROWS)), (day(row).day for row in range(ROWS)), values()),
             *LOAD, warnings=["'year', 'month' and 'day' were joined"]),
        read("day, month and year by their flags", table("day,month,year,load", (day(row).day for row in range(ROWS)),
             (day(row).month for row in range(ROWS)), (2021 for _ in range(ROWS)), values()),
             *LOAD, "--time", "month", "--time", "year", "--time", "day"),
        refuse("a year and an hour", table("year,hour,load", (2021 for _ in range(20)), range(20), values(20)),
               "'year'", "'hour'", "cannot be joined", options=("--time", "year", "--time", "hour")),
        refuse("the year alone", table("year,month,load", (2021 for _ in range(12)), range(1, 13), values(12)), "'year'", "'month'",
               options=(*LOAD, "--time", "year")),
        refuse("a day that does not exist in columns", table("year,month,day,load", (2021 for _ in range(31)),
               (2 for _ in range(31)), range(1, 32), values(31)), "line 30", "year + month + day", "2021 2 29", options=LOAD),
        refuse("a missing hour in columns", table("date,hour,load", (day(row // 24) for row in range(72)),
               ("" if row == 30 else row % 24 for row in range(72)), values(72)), "line 32", "time is missing", options=LOAD),
        read("rows as steps", GOOD, "--time", "none", **NO_TIMES),
        refuse("the clock alone", with_times(lambda row: f"{row // 4:02d}:{row % 4 * 15:02d}", name="time"), "line 2", "the date is missing"),
        read("steps without a time", with_times(lambda row: row * 0.5, name="time"), *LOAD, warnings=[UNIT_STEPS], **NO_TIMES),
        read("no times", table("load", values()), warnings=[UNIT_STEPS], **NO_TIMES),
    ]  # fmt: skip


def grid_cases() -> list[Case]:
    """Return cases of rows out of order, duplicate rows, gaps, other frequencies and daylight saving."""
    lines = BODY.splitlines(keepends=True)
    workdays = [day(row) for row in range(80) if day(row).weekday() < 5]
    spring = [datetime(2021, 3, 27, 12) + timedelta(hours=row + (row >= 14)) for row in range(ROWS)]
    autumn = [datetime(2021, 10, 30, 12) + timedelta(hours=row - (row >= 15)) for row in range(ROWS)]
    zones = [f"{time.isoformat()}+0{1 + (row < 15)}:00" for row, time in enumerate(autumn)]
    springs = {"start": "2021-03-27T12:00:00", "end": "2021-03-29T04:00:00"}

    def change(row: int, row_of_change: int, before: int, after: int) -> datetime:
        past = max(0, row - row_of_change)
        return datetime(2021, 3, 1) + timedelta(minutes=before * (row - past) + after * past)

    return [
        read("out of order", "".join(["date,load\n", *lines[:2], *lines[20:22], *lines[2:20], *lines[22:]]),
             warnings=["2021-01-06"]),
        read("the newest first", "date,load\n" + "".join(reversed(lines)), warnings=["39 rows are out of order"]),
        read("a row twice", insert_lines(12, lines[9].strip()), warnings=["line 12: 1 duplicate row, the first equal to line 11"]),
        read("a row twice with two values", insert_lines(12, lines[9].split(",")[0] + ",7"), "--duplicates", "sum", total=TOTAL + 7,
             warnings=["line 11: 1 duplicate timestamp with different values, the first here, 2021-01-13"]),
        read("an empty row off the grid", insert_lines(12, "2021-01-13 12:00,"),
             warnings=["40 times without a time of day", "line 12: 1 row off the time grid without a value"]),
        read("every row twice", "date,load\n" + "".join(line * 2 for line in lines), warnings=["40 duplicate rows"]),
        refuse("two values for a time", insert_lines(12, "2021-01-13,99"), "lines 11 and 12", "'load'", "2021-01-13", "99", "--series"),
        refuse("a value and none for a time", insert_lines(12, "2021-01-13,NA"), "lines 11 and 12", "a missing value"),
        refuse("two exports that overlap and differ", GOOD + "".join(lines[30:]).replace("2021-02-12,10.25", "2021-02-12,21"),
               "lines 41 and 51", "10.25 and 21"),
        read("a gap", "date,load\n" + "".join(lines[:18] + lines[23:]), rows=35, total=TOTAL - sum(VALUES[18:23]),
             warnings=["line 19: 5 rows are missing from the daily data, the first at 2021-01-22"]),
        refuse("a gap, refused", "date,load\n" + "".join(lines[:18] + lines[23:]), "5 missing values", "2021-01-22",
               options=("--missing", "refuse")),
        refuse("irregular times", with_times(lambda row: hour(row * 60 + row * row % 7, 1)), "line 3", "is not on the time grid", "--freq"),
        refuse("one irregular time", with_times(lambda row: hour(row) if row != 9 else hour(547, 1)), "line 11", "09:07", "--freq"),
        refuse("days, then hours", with_times(lambda row: change(row, 25, 1440, 60)), "line 28", "--freq D --resample mean", "frequency changes to h"),
        read("days, then hours, aggregated", with_times(lambda row: change(row, 25, 1440, 60)), "--freq", "D", "--resample", "mean", rows=26,
             total=sum(VALUES[:25]) + sum(VALUES[25:ROWS]) / 15, start="2021-03-01T00:00:00", end="2021-03-26T00:00:00",
             warnings=["40 rows aggregated to 26 rows of daily data, 0 empty buckets"]),
        refuse("hours, then quarters of hours", with_times(lambda row: change(row, 15, 60, 15), 80), "line 2", "from 15min to h"),
        refuse("quarters of hours, then hours", with_times(lambda row: change(row, 60, 15, 60), 80), "line 62", "from 15min to h"),
        refuse("every day, then every second one", with_times(lambda row: day(row + max(0, row - 28))), "line 30", "2D", "--freq D"),
        read("every day, then every second one, as asked", with_times(lambda row: day(row + max(0, row - 28))), "--freq", "D",
             end="2021-02-23T00:00:00", warnings=["11 rows are missing"]),
        refuse("one row", "date,load\n2021-01-04,5\n", "one row", "--freq"),
        refuse("two rows", "date,load\n2021-01-04,5\n2021-01-05,6\n", "2 usable rows", "--horizon"),
        read("daylight saving begins", table("date,load", spring, values()), warnings=["line 15: 1 row is missing from the hourly data, the first at 2021-03-28 02:00", "local clocks skip in spring"],
             **springs),
        refuse("daylight saving ends", table("date,load", autumn, values()), "lines 16 and 17", "2021-10-31 02:00", "daylight"),
        read("daylight saving ends, the values alike", table("date,load", autumn, [5] * ROWS), rows=39, total=195.0,
             start="2021-10-30T12:00:00", end="2021-11-01T02:00:00", warnings=["daylight-saving", "the column is constant (39 values, all 5"]),
        read("daylight saving ends, with offsets", table("date,load", zones, values()), start="2021-10-30T10:00:00Z",
             end="2021-11-01T01:00:00Z"),
        read("business days", with_times(workdays.__getitem__), end="2021-02-26T00:00:00"),
        read("a holiday among business days", with_times(lambda row: workdays[row + (row > 20)]), end="2021-03-01T00:00:00",
             warnings=["1 row is missing from the business-day data"]),
        read("weeks by their Mondays", with_times(lambda row: day(7 * row)), end="2021-10-04T00:00:00"),
        read("ends of months", with_times(lambda row: date(2018 + (row + 1) // 12, (row + 1) % 12 + 1, 1) - timedelta(1)),
             start="2018-01-31T00:00:00", end="2021-04-30T00:00:00"),
        read("no value at either end", with_load("", 2).replace("2021-02-12,10.25", "2021-02-12,"), rows=38,
             total=TOTAL - VALUES[0] - VALUES[39], start="2021-01-05T00:00:00", end="2021-02-11T00:00:00",
             warnings=["line 2: 2 unused rows before the first or after the last measured 'load'"]),
    ]  # fmt: skip


def panel_cases() -> list[Case]:
    """Return cases of several series in a file."""
    three = {"rows": 120, "series": 3, "total": panel_total(0, 1, 2)}
    two = {"rows": 80, "series": 2, "total": panel_total(0, 1)}
    lines = panel("ABC").splitlines()
    unmeasured = "\n".join(line.rpartition(",")[0] + "," if ",B," in line else line for line in lines) + "\n"
    weekly = "".join(f"{day(7 * row)},B,{row}\n" for row in range(ROWS))
    late = "".join(f"{day(row)},C,{row}\n" for row in range(36, ROWS))  # validation begins with row 28
    return [
        read("day by day", panel("ABC"), *SHOP, **three),
        read("shop by shop", panel("ABC", blocks=True), *SHOP, **three),
        refuse("the series not named", panel("ABC"), "lines 2 and 3", "2021-01-04", "--series"),
        read("Namibia and others", panel(["NA", "null", "-"]), *SHOP, **three),
        read("numbers as names", panel(["007", "7", "7.0"]), *SHOP, **three),
        read("names that are formulas", panel(["=1+1", "+x", "@y"]), *SHOP, **three),
        read("a total as a series", panel(["A", "B", "Total"]), *SHOP, **three),
        read("blanks around names", panel([" A", "B ", "C"]).replace("2021-01-05, A", "2021-01-05,A"), *SHOP, **three),
        read("a series that begins too late", panel("AB") + late, *SHOP, warnings=["1 series left out, too short"], **two),
        read("a series that ended", panel("ABC", [40, 40, 2]), *SHOP, warnings=["1 of 3 series ended"], rows=82, series=3,
             total=panel_total(0, 1) + panel_total(2, rows=2)),
        read("a series of one row", panel("ABC", [40, 40, 1], blocks=True), *SHOP, warnings=["'C'"], **two),
        read("a series shorter than the lookback", panel("ABC", [40, 40, 20]), *SHOP, "--lookback", "21", warnings=["'C'"], **two),
        refuse("all series too short", panel("ABC", 2), "2 usable rows in the longest series", options=SHOP),
        refuse("all series shorter than the lookback", panel("ABC"), "40 usable rows", "--lookback 50", "--pad",
               options=(*SHOP, "--lookback", "50")),
        read("a series without values", unmeasured, *SHOP, rows=80, series=2, total=panel_total(0, 2), warnings=["left out, no measured value in 'load': 'B'"]),
        refuse("a missing name", "\n".join([*lines[:19], lines[19].replace(",A,", ",,"), *lines[20:]]), "line 20", "'shop'",
               options=SHOP),
        refuse("two values in a series", panel("ABC") + "2021-02-12,B,99\n", "series 'B'", "99", options=SHOP),
        read("300 series", hundreds(), *SHOP, rows=6000, series=300, total=float(300 * sum(range(20))), end="2021-01-23T00:00:00"),
        refuse("a series in another step", panel("A") + weekly, "line 42", "series 'B'", "--freq", options=SHOP),
        read("a series name in two Unicode forms", panel(LETTERS), *SHOP, warnings=["NFC"], **two),
        read("a series with a terminal's escape", panel(["a\x1b[31m", "B"], [1, 40]), *SHOP, total=panel_total(1),
             warnings=["'a\\x1b[31m'"]),
        read("a series with a name of 5,000 letters", panel(["x" * 5000, "B"], [1, 40]), *SHOP, total=panel_total(1), warnings=["xxx…"]),
        refuse("no such column of series", panel("ABC"), "'shp'", "--series 'shop'", options=("--series", "shp")),
        refuse("a column for two things", panel("ABC"), "'load'", options=("--series", "load", *LOAD), code=2),
        refuse("a column a series", table("date,A,B", map(day, range(ROWS)), values(), values()), "'A', 'B'", "--target"),
    ]  # fmt: skip


def hundreds() -> str:
    return table("date,shop,load", (day(row // 300) for row in range(6000)), (f"s{row % 300}" for row in range(6000)),
                 (row // 300 for row in range(6000)))  # fmt: skip


def warning_cases() -> list[Case]:
    """Return cases that could be read wrongly without a warning."""
    days = [day(row) for row in range(ROWS)]
    temp = [row * 7 % 30 for row in range(ROWS)]
    third = [row % 3 == 0 for row in range(ROWS)]

    def two_columns(cells: Callable[[int], str], mark: str = ",") -> str:
        """Return a file with a column of plain numbers next to a column with other numbers."""
        return table(f"date{mark}temp{mark}load", days, temp, map(cells, range(ROWS)), delimiter=mark)

    late = table(
        "time;load", [hour(row) for row in range(6_000)],
        [900 + row % 90 if row < 5_500 else f"1.{row % 90:03d}" for row in range(6_000)], delimiter=";",
    )  # fmt: skip
    labels = [f"r{row}" for row in range(ROWS)]
    counted = table("label,load", labels, values())
    spike = [f"{5000 if row == 20 else VALUES[row]:g}" for row in range(ROWS)]
    gap = "".join(
        line for number, line in enumerate(table("date,load", days, spike).splitlines(True)) if number != 22
    )
    two = ("'load'", "--target")
    return [
        refuse("plain numbers next to decimal commas",
               two_columns(lambda row: f"{VALUES[row]:g}".replace(".", ","), ";"), *two, "12,25"),
        refuse("next to thousands", two_columns(lambda row: f'"{1000 + row * 37:,}"'), *two, "1,000"),
        refuse("next to units", two_columns(lambda row: f"{VALUES[row]:g}" if third[row] else f"{VALUES[row]:g} kW"), *two, "kW"),
        refuse("next to percent", two_columns(lambda row: f"{VALUES[row]:g}%"), *two, "%"),
        refuse("next to currency", two_columns(lambda row: f"${VALUES[row]:g}"), *two, "$"),
        refuse("next to accounting", two_columns(lambda row: f"({VALUES[row]:g})"), *two, "("),
        refuse("next to other minus signs", two_columns(lambda row: f"\u2212{VALUES[row]:g}"), *two, "\u2212"),
        refuse("next to missing values", two_columns(lambda row: "n/d" if row % 2 else f"{VALUES[row]:g}"), *two),
        read("next to words", two_columns(lambda row: f"note {row}"), total=sum(temp)),
        read("next to words that begin with a number", two_columns(lambda row: "1st of 2" if row == 3 else "so"), total=sum(temp)),
        read("next to units, named", two_columns(lambda row: f"{VALUES[row]:g} kW"), "--target", "temp", total=sum(temp)),
        refuse("a column that is empty in the first 5,000 rows",
               table("time,temp,load", [hour(row) for row in range(6_000)], [row % 30 for row in range(6_000)],
                     ["" if row < 5_500 else row for row in range(6_000)]), *two, "empty in the first 5,000 rows"),
        read("dots that may be thousands separators, late", late, rows=6_000, start="2021-03-01T00:00:00", end="2021-11-05T23:00:00",
             total=float(sum(900 + row % 90 if row < 5_500 else 1 + row % 90 / 1000 for row in range(6_000))),
             warnings=["';'", "line 5502", ]),
        read("an outlier next to a gap", gap, rows=ROWS - 1, total=TOTAL - VALUES[20] + 5000 - VALUES[21],
             warnings=["line 22: 1 row is missing", "line 22, column 'load': 5000 is an outlier"]),
        refuse("years of a season", table("season,load", [f"{2000 + row}/{row + 1:02d}" for row in range(12)], values(12)),
               "line 2", "'season'", "spans of two years"),
        read("months, of which some could be years of a season",
             table("month,load", [f"{2000 + row // 12}/{row % 12 + 1:02d}" for row in range(24)], values(24)),
             rows=24, total=sum(VALUES[:24]), start="2000-01-01T00:00:00", end="2001-12-01T00:00:00"),
        refuse("rows of statistics below", counted + f"Max,{max(VALUES[:ROWS]):g}\nMin,{min(VALUES[:ROWS]):g}\n", "line 42", "'Max'"),
        refuse("an average below", counted + f"AVG,{TOTAL / ROWS:.10g}\n", "line 42", "'AVG'"),
        refuse("the sum of a column below", counted + f"Sum of load,{TOTAL:g}\n", "line 42", "'Sum of load'"),
        read("a person called Max below", counted + "Max,3.5\n", rows=ROWS + 1, total=TOTAL + 3.5, warnings=[UNIT_STEPS], **NO_TIMES),
        read("24 digits", with_loads(lambda row: f"1234567890123456{row:02d}000000"), total=40 * 1.2345678901234567e23,
             warnings=["40 numbers are larger than 2^53"]),
        read("numbers of 24 digits, of which one counts", with_loads(lambda row: f"{1 + row % 7}e23"),
             total=1e23 * sum(1 + row % 7 for row in range(ROWS))),
        refuse("a number too small", with_load("1e-400"), "line 7", "'1e-400'", "read as 0"),
        read("a zero with an exponent", with_load("0e-400"), total=TOTAL - VALUES[5]),
        refuse("a time beyond the year 9999 in UTC",
               with_times(lambda row: f"9999-12-{30 + (row + 8) // 24:02d}T{(row + 8) % 24:02d}:00-05:00"), "outside the years 1 to 9999"),
        refuse("a time before the year 1 in UTC", with_times(lambda row: f"0001-01-{1 + row // 24:02d}T{row % 24:02d}:00+14:00"),
               "line 2", "outside the years 1 to 9999"),
        read("a target that is constant in the training rows", with_loads(lambda row: 5 if row < 30 else VALUES[row]),
             total=150 + sum(VALUES[30:ROWS]), warnings=["'load' is constant in the 28 training rows (all 5)"]),
        refuse("times as names of series", GOOD, "'date'", "--time", options=("--series", "date")),
        refuse("a delimiter that is not the file's", GOOD, "--delimiter ','", options=("--delimiter", ";")),
        refuse("a first row beyond the last", GOOD, "--start 2030-01-01", options=("--start", "2030-01-01")),
    ]  # fmt: skip
