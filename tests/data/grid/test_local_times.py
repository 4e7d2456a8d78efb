"""Local times with `--tz`: repeated and skipped hours, the clock of the rows, and what is refused."""

from pathlib import Path
from zoneinfo import ZoneInfoNotFoundError

import numpy as np
import pandas as pd
import pytest

from lstm_cli import time_zones
from lstm_cli.config import PrepareConfig
from lstm_cli.config.text import GridSettings
from lstm_cli.data.grid.local_times import _second_pass, localize
from lstm_cli.data.grid.regular_grid import to_regular_grid
from lstm_cli.data.grid.resample import resample_table
from lstm_cli.data.grid.time_range import parse_time_range
from lstm_cli.data.reading.table import Table, read_table
from lstm_cli.data.times.formats import TimeFormat
from lstm_cli.errors import DataError, UsageError

BERLIN = GridSettings(tz="Europe/Berlin")


def read(folder: Path, times, values=None, series=None) -> Table:
    columns = {"time": list(times), "load": values if values is not None else np.arange(len(times))}
    names = () if series is None else ("shop",)
    if series is not None:
        columns["shop"] = series
    pd.DataFrame(columns).to_csv(folder / "a.csv", index=False)
    return read_table(str(folder / "a.csv"), targets=("load",), time=("time",), series=names)


def local(start: str, end: str, freq: str, zone: str = "Europe/Berlin") -> pd.DatetimeIndex:
    return pd.date_range(pd.Timestamp(start, tz=zone), pd.Timestamp(end, tz=zone), freq=freq)


def micros(index: pd.DatetimeIndex) -> list[int]:
    return index.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[us]").astype(int).tolist()


@pytest.mark.parametrize(
    ("freq", "zone"),
    [
        ("h", "Europe/Berlin"),
        ("h", "America/New_York"),
        ("30min", "Australia/Lord_Howe"),
        ("15min", "Europe/Berlin"),
        ("s", "America/New_York"),
    ],
)
@pytest.mark.parametrize("backwards", [False, True])
def test_rows_of_a_year_become_the_instants_of_pandas(tmp_path, freq, zone, backwards):
    index = local("2024-01-01", "2024-12-31", freq if freq != "s" else "15min", zone)
    if freq == "s":  # seconds around the changes only
        index = local("2024-11-03 00:50", "2024-11-03 02:10", "s", zone)
    index = index[::-1] if backwards else index
    table = localize(read(tmp_path, index.strftime("%Y-%m-%d %H:%M:%S")), GridSettings(tz=zone))
    assert table.times.tolist() == micros(index)
    assert table.time_format.instants
    assert table.findings == ()


def test_series_that_alternate_row_by_row_keep_their_own_order(tmp_path):
    index = local("2024-10-27 00:00", "2024-10-27 06:00", "h")
    texts = index.strftime("%Y-%m-%d %H:%M").repeat(2)
    table = localize(read(tmp_path, texts, series=["a", "b"] * len(index)), BERLIN)
    assert table.times[::2].tolist() == micros(index)
    assert table.times[1::2].tolist() == micros(index)


@pytest.mark.parametrize(
    ("times", "second"),
    [
        ([0, 30, 0, 30], [False, False, True, True]),
        ([0, 0, 30, 30], [False, True, False, True]),
        ([0, 15, 30, 0, 30], [False, False, False, True, True]),
        ([0, 30, 0, 15, 30], [False, False, True, True, True]),
        ([0, 0, 30], [False, True, True]),
        ([30, 0], [False, True]),
        ([0, 30], [False, False]),
    ],
)
def test_order_decides_between_the_two_hours(times, second):
    assert _second_pass(times) == second


def test_an_hour_that_occurs_once_is_read_as_the_first_with_a_warning(tmp_path):
    index = local("2024-10-26 12:00", "2024-10-27 12:00", "h")
    texts = list(dict.fromkeys(index.strftime("%Y-%m-%d %H:%M")))
    table = localize(read(tmp_path, texts), BERLIN)
    assert len(texts) == len(index) - 1
    assert table.times.tolist() == micros(index.delete(15))
    (finding,) = table.findings
    assert (finding.rule, finding.lines, finding.count) == ("D563", (16,), 1)
    assert "'2024-10-27 02:00'" in finding.text


def test_a_time_that_the_zone_skips_is_refused_with_its_line(tmp_path):
    index = pd.date_range("2024-03-30", "2024-04-02", freq="h").strftime("%Y-%m-%d %H:%M")
    with pytest.raises(DataError) as caught:
        localize(read(tmp_path, index), BERLIN)
    assert (caught.value.rule, caught.value.at.lines) == ("D561", (28,))
    assert "'2024-03-31 02:00' does not exist in Europe/Berlin" in caught.value.message


def test_a_third_time_is_refused_with_its_line(tmp_path):
    index = list(local("2024-10-27 00:00", "2024-10-27 06:00", "h").strftime("%Y-%m-%d %H:%M"))
    with pytest.raises(DataError) as caught:
        localize(read(tmp_path, [*index[:4], index[3], *index[4:]]), BERLIN)
    assert (caught.value.rule, caught.value.at.lines) == ("D562", (6,))


def test_times_with_an_offset_are_refused(tmp_path):
    index = local("2024-03-30", "2024-04-02", "h")
    with pytest.raises(DataError) as caught:
        localize(read(tmp_path, index.strftime("%Y-%m-%dT%H:%M:%S+01:00")), BERLIN)
    assert (caught.value.rule, caught.value.hint) == ("D560", "leave out --tz")


@pytest.mark.parametrize(("freq", "form"), [("D", "%Y-%m-%d"), ("6h", "%Y-%m-%d %H:%M"), ("MS", "%Y-%m-%d")])
def test_days_months_and_even_local_hours_stay_on_the_local_clock(tmp_path, freq, form):
    times = pd.date_range("2024-01-01", "2024-12-31", freq=freq)
    before = read(tmp_path, times.strftime(form))
    table = localize(before, GridSettings(tz="America/Sao_Paulo"))
    assert not table.time_format.instants
    assert table.time_format.tz == "America/Sao_Paulo"
    assert table.times.tolist() == before.times.tolist()


def test_three_hours_that_are_even_in_utc_go_to_utc(tmp_path):
    index = pd.date_range("2024-01-01", "2024-12-31", freq="3h", tz="UTC").tz_convert("Europe/Berlin")
    table = localize(read(tmp_path, index.strftime("%Y-%m-%d %H:%M")), BERLIN)
    assert table.times.tolist() == micros(index)
    assert to_regular_grid(table, BERLIN).step.name == "3h"


def test_a_midnight_that_does_not_exist_is_a_valid_day(tmp_path):
    days = pd.date_range("2017-10-10", "2017-10-20", freq="D")  # São Paulo skipped 15 October, 00:00
    table = localize(read(tmp_path, days.strftime("%Y-%m-%d")), GridSettings(tz="America/Sao_Paulo"))
    assert to_regular_grid(table).step.name == "D"


def test_rows_of_an_exchange_stay_on_the_local_clock_with_gaps_skip(tmp_path):
    days = pd.bdate_range("2024-02-01", "2024-12-20")
    times = [day + pd.Timedelta(hours=hour) for day in days for hour in range(10, 16)]
    settings = GridSettings(tz="America/New_York", gaps="skip")
    table = localize(read(tmp_path, times), settings)
    grid = to_regular_grid(table, settings)
    assert not table.time_format.instants
    assert grid.step.pattern_seasons == (6, 30)
    # Rows that repeat the hour cannot stay there.
    index = local("2024-10-01", "2024-11-10", "h", "America/New_York")
    assert localize(read(tmp_path, index.strftime("%Y-%m-%d %H:%M")), settings).time_format.instants


def test_new_data_have_the_clock_of_the_run(tmp_path):
    times = pd.date_range("2024-11-01", "2024-11-05", freq="D").strftime("%Y-%m-%d")
    like = localize(read(tmp_path, local("2024-01-01", "2024-01-05", "h").strftime("%Y-%m-%d %H:%M")), BERLIN)
    table = localize(read(tmp_path, times), BERLIN, like=like.time_format)
    assert table.time_format.instants


def test_start_end_and_dates_of_splits_are_local(tmp_path):
    index = local("2024-10-25", "2024-10-30", "h")
    table = localize(read(tmp_path, index.strftime("%Y-%m-%d %H:%M")), BERLIN)
    grid = to_regular_grid(table, BERLIN, start="2024-10-27", end="2024-10-27")
    assert grid.counts.tolist() == [25]
    assert grid.origin_us.tolist() == micros(index[48:49])
    first, last = parse_time_range("--val", "2024-10-27 02:00", table.time_format)
    assert (first, last) == tuple(micros(index[50:52]))


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("America/NewYork", "America/New_York"),
        ("New York", "America/New_York"),
    ],
)
def test_an_unknown_zone_is_a_usage_error_with_a_near_name(wrong, near):
    with pytest.raises(UsageError) as caught:
        PrepareConfig(tz=wrong)
    assert caught.value.hint == f"did you mean --tz {near}?"


def test_a_machine_without_time_zones_is_a_usage_error_with_the_pip_command(monkeypatch):
    def load(name):
        raise ZoneInfoNotFoundError(name)

    monkeypatch.setattr(time_zones, "ZoneInfo", load)
    monkeypatch.setattr(time_zones, "available_timezones", set)
    with pytest.raises(UsageError) as caught:
        PrepareConfig(tz="Europe/Berlin")
    assert caught.value.hint == "pip install tzdata"


def write_berlin_autumn(folder: Path) -> pd.Series:
    """Write the half hours around the autumn change with distinct values, and return them."""
    index = local("2021-10-29", "2021-11-02 23:30", "30min")
    values = np.arange(len(index), dtype=float)
    frame = pd.DataFrame({"time": index.strftime("%Y-%m-%d %H:%M"), "load": values})
    frame.to_csv(folder / "a.csv", index=False)
    return pd.Series(values, index.tz_localize(None))


@pytest.mark.parametrize("freq", ["2h", "3h", "D"])
@pytest.mark.parametrize("how", ["mean", "sum", "first", "last", "max"])
@pytest.mark.parametrize("duplicates", ["error", "first", "mean"])
def test_buckets_of_the_local_clock_hold_both_passes_of_the_repeated_hour(tmp_path, freq, how, duplicates):
    rows = write_berlin_autumn(tmp_path)
    expected = rows.groupby(rows.index.floor(freq)).agg(how)
    grid = GridSettings(tz="Europe/Berlin", freq=freq, resample=how, duplicates=duplicates)
    table = resample_table(
        localize(read_table(str(tmp_path / "a.csv"), targets=("load",), time=("time",)), grid), grid
    )
    assert {finding.rule for finding in table.findings} <= {"D533", "D534"}
    np.testing.assert_array_equal(table.values[:, 0], expected.to_numpy()[: len(table.values)])
    assert not table.time_format.instants
    assert (
        table.times.tolist()
        == expected.index.to_numpy().astype("datetime64[us]").astype(int).tolist()[: len(table.times)]
    )


def test_nearest_keeps_the_rows_nearest_to_the_local_clock(tmp_path):
    write_berlin_autumn(tmp_path)
    grid = GridSettings(tz="Europe/Berlin", freq="3h", resample="nearest")
    table = resample_table(
        localize(read_table(str(tmp_path / "a.csv"), targets=("load",), time=("time",)), grid), grid
    )
    assert (np.diff(table.times) == 3 * 3_600_000_000).all()
    # From 31 October 03:00 on, the row is two half hours later in the file.
    late = table.times >= int(np.datetime64("2021-10-31T03:00", "us").astype(np.int64))
    expected = 6 * np.arange(len(table.values)) + 2 * late
    expected[-1] = 241  # the last row, 23:30, is rounded to midnight
    np.testing.assert_array_equal(table.values[:, 0], expected)


@pytest.mark.parametrize(
    ("offset", "zone", "hours"),
    [
        ("+01:00", "Etc/GMT-1", 1),
        ("-5", "Etc/GMT+5", -5),
        ("UTC+0200", "Etc/GMT-2", 2),
        ("+05:30", "Europe/Berlin", 1),
    ],
)
def test_an_offset_is_no_zone(offset: str, zone: str, hours: int) -> None:
    with pytest.raises(UsageError, match="is an offset from UTC, and not a time zone") as caught:
        time_zones.load_zone(offset)
    assert f"--tz {zone}" in caught.value.hint
    winter = pd.Timestamp("2024-01-01", tz=time_zones.load_zone(zone))
    assert winter.utcoffset() == pd.Timedelta(hours=hours)


def test_a_bound_with_an_offset_names_one_pass_of_a_repeated_hour() -> None:
    fmt = TimeFormat(pattern="%Y-%m-%d %H:%M", tz="Europe/Berlin", instants=True)
    second = int(np.datetime64("2024-10-27T01:00", "us").astype(np.int64))
    first, hour = second - 3_600_000_000, 3_600_000_000
    assert parse_time_range("--start", "2024-10-27 02:00", fmt) == (first, second)
    assert parse_time_range("--start", "2024-10-27T02:00+02:00", fmt) == (first, first)
    assert parse_time_range("--end", "2024-10-27T01:00Z", fmt) == (second, second)
    local = TimeFormat(pattern="%Y-%m-%d %H:%M", tz="Europe/Berlin")
    assert parse_time_range("--end", "2024-10-27T04:00Z", local) == (second + 4 * hour, second + 4 * hour)
    with pytest.raises(UsageError, match="has an offset from UTC, but the times of the data have none"):
        parse_time_range("--end", "2024-10-27T04:00Z", TimeFormat(pattern="%Y-%m-%d %H:%M"))
