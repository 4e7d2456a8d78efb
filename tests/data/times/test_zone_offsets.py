import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_cli.data.times.formats import MINUTE, TimeFormat, format_times, format_zoned_times
from lstm_cli.data.times.zone_offsets import ZoneOffsets, zone_with_change

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "UTC",
)


def micros(index: pd.DatetimeIndex) -> np.ndarray:
    return index.to_numpy().astype("datetime64[us]").astype(np.int64)


@settings(max_examples=60)
@given(st.sampled_from(ZONES), st.integers(1_970 * 366, 2_030 * 365), st.integers(0, 1439))
def test_offsets_agree_with_pandas(zone, day, minute):
    times = np.array([(day - 719_528) * 1440 + minute + step for step in range(0, 4_000, 10)]) * MINUTE
    offsets = ZoneOffsets.spanning(zone, times)
    index = pd.DatetimeIndex(times.astype("datetime64[us]"))
    local = micros(index.tz_localize("UTC").tz_convert(zone).tz_localize(None))
    assert (offsets.to_local(times) == local).all()
    exists = ~index.tz_localize(zone, ambiguous=np.ones(len(index), bool), nonexistent="NaT").isna()
    for later in (False, True):
        ambiguous = np.full(len(index), not later)
        zoned = index.tz_localize(zone, ambiguous=ambiguous, nonexistent="shift_forward")
        utc = offsets.to_utc(times, later=later)
        assert (utc == micros(zoned.tz_convert("UTC").tz_localize(None)))[exists].all()
        # pandas 3.1 shifts 02:00 of a half-hour change too far. A skipped time is the moment of the change.
        skipped, changes = times[~exists], utc[~exists]
        assert ((offsets.to_local(changes - 1) < skipped) & (skipped <= offsets.to_local(changes))).all()
    assert (offsets.is_skipped(times) == ~exists).all()
    repeated = index.tz_localize(zone, ambiguous="NaT", nonexistent="shift_forward").isna()
    assert (offsets.is_repeated(times) == repeated).all()


@pytest.mark.parametrize(
    ("time", "repeated", "zone"),
    [
        ("2023-11-05 01:00", True, "America/New_York"),
        ("2024-10-27 02:00", True, "Europe/Berlin"),
        ("2024-10-27 01:30", True, "Europe/London"),
        ("2024-03-10 02:00", False, "America/New_York"),
        ("2024-04-07 02:00", True, "Australia/Sydney"),
        ("2014-11-02 02:00", True, ""),  # hours named by their end
    ],
)
def test_a_hint_names_a_zone_that_has_the_change(time, repeated, zone):
    assert zone_with_change(int(micros(pd.DatetimeIndex([time]))[0]), repeated=repeated) == zone


def test_times_in_utc_are_written_as_local_times_and_the_repeated_hour_twice():
    fmt = TimeFormat(pattern="%d.%m.%Y %H:%M", tz="Europe/Berlin", instants=True)
    times = micros(pd.date_range("2024-10-26 23:00", periods=4, freq="h"))
    assert format_times(times, fmt) == [
        "27.10.2024 01:00",
        "27.10.2024 02:00",
        "27.10.2024 02:00",
        "27.10.2024 03:00",
    ]
    assert format_zoned_times(times, fmt) == [
        "2024-10-27T01:00:00+02:00",
        "2024-10-27T02:00:00+02:00",
        "2024-10-27T02:00:00+01:00",
        "2024-10-27T03:00:00+01:00",
    ]
    assert TimeFormat.from_dict(fmt.to_dict()) == fmt


def test_days_on_the_local_clock_are_written_with_the_offset_of_their_midnight():
    fmt = TimeFormat(pattern="%Y-%m-%d", tz="America/New_York")
    times = micros(pd.DatetimeIndex(["2024-03-10", "2024-03-11"]))
    assert format_times(times, fmt) == ["2024-03-10", "2024-03-11"]
    assert format_zoned_times(times, fmt) == ["2024-03-10T00:00:00-05:00", "2024-03-11T00:00:00-04:00"]


def test_files_without_a_zone_store_the_format_of_release_0_1_0():
    assert sorted(TimeFormat(pattern="%Y").to_dict()) == ["digits", "offset", "pattern", "zone"]
