import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_cli.data.frequency.infer import find_step, month_step_of_rows
from lstm_cli.data.frequency.step import (
    BUSINESS,
    DAY,
    HOUR,
    UNIT,
    Step,
    frequency_label,
    parse_freq,
    usual_seasons,
)
from lstm_cli.data.locations import LocationFormatter
from lstm_cli.errors import DataError, UsageError

FREQS = [
    "h",
    "30min",
    "15s",
    "100ms",
    "6h",
    "D",
    "3D",
    "W",
    "2W",
    "B",
    "MS",
    "ME",
    "2MS",
    "QS",
    "QE",
    "2QS",
    "YS",
    "YE",
    "BMS",
    "BME",
    "2BMS",
    "BQS",
    "BQE",
    "BYE",
    "SMS",
    "SME",
]
WEEKDAYS = ["W-MON", "W-THU", "W-SUN", "2W-WED"]  # inferred as W
STARTS = [
    "2019-11-29",
    "2020-02-29 05:30",
    "2023-02-28",
    "1999-12-31 23:59:59",
    "1899-12-15",
    "1999-12-30",
    "1970-01-01",
]

A_CSV = LocationFormatter(source="a.csv")


def micros(times) -> np.ndarray:
    return pd.DatetimeIndex(times).to_numpy().astype("datetime64[us]").astype(np.int64)


def step_of(*series: np.ndarray, lines: np.ndarray | None = None) -> Step:
    times = np.concatenate(series)
    labels = np.repeat(np.arange(len(series)), [len(times) for times in series])
    return find_step(
        times, labels, lines=np.arange(len(times)) + 2 if lines is None else lines, wording=A_CSV
    )


@pytest.mark.parametrize("freq", [*FREQS, *WEEKDAYS])
@pytest.mark.parametrize("start", STARTS)
def test_index_and_times_of_a_step_match_pandas(freq, start):
    # Some ranges cross 1900 or 2000. Each begins at the first time that the rule allows.
    times = micros(pd.date_range(start, freq=freq, periods=110 if freq[-2:-1] == "Y" else 400, unit="us"))
    step = parse_freq(freq)
    index, on_grid = step.index(times, times[0])
    assert on_grid.all()
    assert index.tolist() == list(range(len(times)))
    assert (step.times(index, times[0]) == times).all()
    assert (step.times(np.arange(-3, 3), times[3]) == times[:6]).all()
    assert step.name == freq
    assert step_of(times) == (step if freq not in WEEKDAYS else parse_freq(freq.partition("-")[0]))


def test_century_years_follow_the_gregorian_rule():
    times = micros(pd.date_range("1895-01-31", "2105-12-31", freq="ME", unit="us"))
    step = parse_freq("ME")
    assert (step.times(np.arange(len(times)), times[0]) == times).all()
    february = {1896: "29", 1900: "28", 2000: "29", 2100: "28"}
    for year, day in february.items():
        end = step.times(np.asarray((year - 1895) * 12 + 1), times[0])
        assert A_CSV.time(end) == f"{year}-02-{day}"


@pytest.mark.parametrize("day", [2, 15, 28, 29, 30])
def test_a_short_month_uses_its_last_day(day):
    start = pd.Timestamp(2019, 1, day, 7, 30)
    times = micros([start + pd.DateOffset(months=n) for n in range(60)])
    step = step_of(times)
    assert step == Step(kind="months", count=1, day=day) == parse_freq(f"MS-{day}")
    assert (step.times(np.arange(60), times[0]) == times).all()
    assert step_of(times[:2]) == step
    # A grid that begins in a short month still uses its day.
    assert (step.times(np.arange(48), times[1]) == times[1:49]).all()


def test_times_off_the_grid_are_found():
    monthly = parse_freq("MS-30")
    times = micros(["2021-01-30", "2021-02-28", "2021-03-30", "2021-03-31", "2021-04-30 01:00", "2021-05-28"])
    assert monthly.index(times, times[0])[1].tolist() == [True, True, True, False, False, False]
    times = micros(["2024-03-08 16:00", "2024-03-09 16:00", "2024-03-11 16:00", "2024-03-12 15:00"])
    index, on_grid = BUSINESS.index(times, times[0])
    assert on_grid.tolist() == [True, False, True, False]
    assert index[2] == 1
    quarters = parse_freq("QS")
    times = micros(["2020-02-01", "2020-05-01", "2020-06-01", "2020-11-01"])
    assert quarters.index(times, times[0])[1].tolist() == [True, True, False, True]
    assert parse_freq("2h").index(np.array([0, HOUR, -2 * HOUR]), 0)[1].tolist() == [True, False, True]


def test_each_row_may_have_its_own_origin():
    origins = micros(["2020-01-31", "2020-02-29", "2021-03-31"])
    step = parse_freq("ME")
    times = step.times(np.array([1, 2, 3]), origins)
    assert (times == micros(["2020-02-29", "2020-04-30", "2021-06-30"])).all()
    index, on_grid = step.index(times, origins)
    assert index.tolist() == [1, 2, 3]
    assert on_grid.all()


@given(
    step=st.one_of(
        st.builds(Step, kind=st.just("seconds"), count=st.integers(1, 10**15)),
        st.builds(Step, kind=st.just("months"), count=st.integers(1, 1200), day=st.integers(1, 31)),
        st.builds(
            Step, kind=st.just("business-months"), count=st.integers(1, 1200), day=st.sampled_from([1, 31])
        ),
        st.builds(Step, kind=st.just("half-months"), count=st.integers(1, 99), day=st.sampled_from([1, 31])),
        st.builds(Step, kind=st.just("weeks"), count=st.integers(1, 99), day=st.integers(1, 7)),
        st.just(BUSINESS),
        st.just(UNIT),
    ),
    index=st.lists(st.integers(-500, 500), min_size=1),
    origin=st.integers(-(10**15), 10**16),
)
def test_times_invert_index_and_names_parse_again(step, index, origin):
    steps = np.array(index)
    first = step.times(np.zeros(1, dtype=np.int64), origin)[0]  # on the grid; `origin` may be off it
    times = step.times(steps, first)
    back, on_grid = step.index(times, first)
    assert on_grid.all()
    assert back.tolist() == index
    assert (np.diff(times)[np.diff(steps) > 0] > 0).all()
    assert Step.from_dict(json.loads(json.dumps(step.to_dict()))) == step
    assert parse_freq(step.name) == step


@pytest.mark.parametrize(
    ("text", "name"),
    [("1h", "h"), ("H", "h"), ("60min", "h"), ("24h", "D"), ("7D", "W"), ("d", "D"), (" 15min ", "15min"),
     ("90s", "90s"),
     ("3MS", "QS"), ("12ME", "YE"), ("MS-1", "MS"), ("MS-31", "ME"), ("4QS", "YS"), ("1B", "B"),
     ("b", "B"), ("S", "s"),
     ("1000ms", "s"), ("15 min", "15min"), ("1", "1"),
     ("M", "M"), ("3M", "Q"), ("A", "Y"), ("12M", "Y"), ("5T", "5min"), ("AS", "YS"), ("BM", "BME"),
     ("3BMS", "BQS"), ("SM", "SME"), ("W-thu", "W-THU"), ("2W-MON", "2W-MON")],
)  # fmt: skip
def test_parse_freq_accepts_common_spellings(text, name):
    assert parse_freq(text).name == name


@pytest.mark.parametrize(
    ("text", "nearest"),
    [("5t", "5min"), ("m", "min"), ("W-15", "W"), ("MS-OCT", "MS"),
     ("hourly", "h"), ("days", "D"), ("BS", "BMS"),
     ("W-MOND", "W"), ("2B", "B"), ("MS-32", "MS"), ("ME-3", "ME"), ("hh", "h"),
     ("", "h"),
     ("1.5h", "h"), ("-1h", "h"), ("mins", "min")],
)  # fmt: skip
def test_an_unknown_freq_error_names_the_nearest(text, nearest):
    with pytest.raises(UsageError, match="is not a valid frequency") as caught:
        parse_freq(text)
    assert caught.value.message.endswith(f"(nearest: {nearest})")
    assert "MS-15" in caught.value.hint


@pytest.mark.parametrize("text", ["0h", "999999999D", "99999YS", "999999999999999999W"])
def test_a_zero_or_too_long_freq_is_refused(text):
    with pytest.raises(UsageError):
        parse_freq(text)


@pytest.mark.parametrize(
    ("freq", "expected"),
    [("h", (24, 168)), ("30min", (48, 336)), ("15min", (96, 672)), ("min", (1440, 10080)),
     ("6h", (4, 28)), ("7min", ()),
     ("s", ()), ("5h", ()), ("D", (7,)), ("2D", ()), ("B", (5,)), ("W", (52,)), ("2W", ()), ("MS", (12,)),
     ("ME", (12,)),
     ("MS-15", (12,)), ("QE", (4,)), ("YS", ()), ("1", ()), ("BME", (12,)), ("BQS", (4,)), ("SMS", (24,)),
     ("SME", (24,)), ("2SMS", ()), ("W-THU", (52,)), ("2W-THU", ())],
)  # fmt: skip
def test_usual_seasons_of_a_step(freq, expected):
    assert usual_seasons(parse_freq(freq)) == expected


def test_missing_rows_do_not_hide_the_step():
    hours = micros(pd.date_range("2020-01-01", freq="h", periods=100))
    assert step_of(np.delete(hours, [3, 4, 50])).name == "h"
    months = micros(pd.date_range("2020-01-31", freq="ME", periods=40))
    assert step_of(np.delete(months, [1, 7, 8])).name == "ME"
    business = micros(pd.bdate_range("2020-12-01", periods=60))
    assert step_of(np.delete(business, [18, 23])).name == "B"  # holidays


def test_all_series_share_one_step_with_their_own_phase():
    first = micros(["2020-01-01 00:10", "2020-01-01 03:10"])
    second = micros(pd.date_range("2021-05-05 00:40", freq="h", periods=5))
    assert step_of(first, second, micros(["1999-01-01 00:00:07"])).name == "h"
    quarters = [micros(pd.date_range(start, freq="QS-" + month, periods=3)) for start, month in
                (("2020-01-01", "JAN"), ("2020-02-01", "FEB"))]  # fmt: skip
    assert step_of(*quarters).name == "QS"


@pytest.mark.parametrize(
    ("times", "name"),
    [(["2021-01-01", "2021-02-01"], "MS"), (["2021-02-01", "2021-03-01"], "MS"),
     (["2021-06-30", "2021-09-30"], "QE"),
     (["2021-04-30", "2021-05-30", "2021-06-30"], "MS-30"), (["2021-01-30", "2021-02-28"], "MS-30"),
     (["2021-02-01", "2021-03-01", "2021-03-29"], "4W"), (["2021-01-04", "2021-01-05"], "D"),
     (["2021-01-07", "2021-01-08", "2021-01-11", "2021-01-12"], "B"), (["2021-01-08", "2021-01-11"], "3D"),
     (["2020-02-29", "2021-02-28", "2022-02-28", "2023-02-28"], "YE"), (["2017-01-01", "2018-01-01"], "YS"),
     (["2021-01-05", "2021-01-12", "2021-02-02"], "W"), (["2021-01-01 10:00", "2021-02-01 10:00"], "MS")],
)  # fmt: skip
def test_few_rows_give_the_likely_step(times, name):
    assert step_of(micros(times)).name == name


@pytest.mark.parametrize(
    ("times", "line"),
    [(["2020-01-01", "2020-01-01 01:00", "2020-01-01 02:07", "2020-01-01 03:00", "2020-01-01 04:00"], 4),
     (["2020-01-01", "2020-02-01", "2020-03-02", "2020-04-01", "2020-05-01"], 4),
     (["2020-01-06", "2020-01-07", "2020-01-08", "2020-01-09 12:00", "2020-01-10", "2020-01-13"], 5)],
)  # fmt: skip
def test_irregular_times_are_refused_with_the_first_line_off_the_grid(times, line):
    with pytest.raises(DataError) as caught:
        step_of(micros(times))
    assert caught.value.message.startswith(f"a.csv, line {line}: ")
    assert "--freq" in caught.value.hint


def test_the_first_line_off_the_grid_is_the_first_in_the_file():
    times = micros(
        ["2020-01-01 00:00", "2020-01-01 01:07", "2020-01-01 02:00", "2020-01-01 03:00", "2020-01-01 04:09"]
    )
    with pytest.raises(DataError, match="line 2: 2020-01-01 04:09 "):
        step_of(times, lines=np.array([6, 5, 4, 3, 2]))


def test_local_days_with_offsets_have_their_own_hint():
    days = (
        pd.date_range("2024-03-20", freq="D", periods=20, tz="Europe/Berlin")
        .tz_convert("UTC")
        .tz_localize(None)
    )
    with pytest.raises(DataError) as caught:
        step_of(micros(days))
    assert "without offsets" in caught.value.hint


def test_one_row_gives_no_step():
    with pytest.raises(DataError, match=r"a.csv has only one row, so") as caught:
        step_of(micros(["2020-01-01"]))
    assert "--freq" in caught.value.hint
    with pytest.raises(DataError, match="only one row in each series"):
        step_of(micros(["2020-01-01"]), micros(["2020-01-02"]))


@settings(max_examples=50)
@given(data=st.data())
def test_random_missing_rows_keep_the_step(data):
    freq = data.draw(st.sampled_from(FREQS))
    start = data.draw(st.datetimes(pd.Timestamp(1950, 1, 1), pd.Timestamp(2050, 1, 1)))
    times = micros(pd.date_range(start, freq=freq, periods=60, unit="us"))
    keep = np.ones(60, dtype=bool)
    keep[data.draw(st.lists(st.integers(20, 58), max_size=10))] = False
    assert step_of(times[keep]).name == freq


def test_a_day_is_86400_seconds():
    assert DAY == 86_400_000_000


@pytest.mark.parametrize(
    ("time", "text"),
    [("2020-03-29", "2020-03-29"), ("2020-03-29 02:00", "2020-03-29 02:00"),
     ("1899-01-01 10:00:20", "1899-01-01 10:00:20"),
     ("2020-01-01 00:00:15.5", "2020-01-01 00:00:15.5"),
     ("2020-01-01 00:00:00.000100", "2020-01-01 00:00:00.0001"),
     ("2020-10-10 10:10:10", "2020-10-10 10:10:10"), ("2020-10-10 20:00:00", "2020-10-10 20:00")],
)  # fmt: skip
def test_times_in_messages(time, text):
    stamp = int(np.datetime64(time, "us").astype(np.int64))
    assert A_CSV.time(stamp) == text
    assert LocationFormatter(source="a.csv", utc=True).time(stamp) == f"{text} UTC"


@pytest.mark.parametrize(
    "freq",
    [
        "h",
        "7h",
        "D",
        "W",
        "W-THU",
        "B",
        "MS",
        "ME",
        "MS-15",
        "MS-30",
        "QS",
        "YE",
        "BMS",
        "BME",
        "SMS",
        "SME",
        "1",
    ],
)
def test_rows_before_counts_earlier_rows(freq):
    step = parse_freq(freq)
    origins = step.times(
        np.zeros(3, dtype=np.int64), micros(["2020-01-31", "2020-02-28 05:00", "2021-04-30"])
    )
    for when in [
        "2019-01-01",
        "2020-02-28 05:00",
        "2020-02-29",
        "2021-05-01",
        "2022-05-07",
        "2023-03-30 12:00",
    ]:
        time = int(micros([when])[0]) if freq != "1" else int(origins[0]) + 7
        grids = step.times(np.arange(40_000)[None, :], origins[:, None])
        expected = (grids < time).sum(axis=1)
        assert step.rows_before(time, origins).tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("freq", "name"),
    [
        ("h", "hourly data"),
        ("30min", "half-hourly data"),
        ("B", "business-day data"),
        ("ME", "monthly data"),
        ("QS", "quarterly data"),
        ("7min", "data of step 7min"),
        ("2MS", "data of step 2MS"),
        ("BME", "monthly data"),
        ("SMS", "semi-monthly data"),
        ("W-THU", "weekly data"),
    ],
)
def test_frequency_label(freq: str, name: str) -> None:
    assert frequency_label(parse_freq(freq)) == name


@pytest.mark.parametrize(
    ("freq", "times", "name"),
    [
        ("M", pd.date_range("2021-01-31", freq="ME", periods=20), "ME"),
        ("M", pd.date_range("2021-01-01", freq="MS", periods=20), "MS"),
        ("M", ["2021-02-28"], "ME"),
        ("M", ["2021-01-15", "2021-02-15", "2021-04-15"], "MS-15"),
        ("M", ["2021-01-30", "2021-02-28", "2021-03-30"], "MS-30"),
        ("M", pd.date_range("2021-01-29", freq="BME", periods=20), "BME"),
        ("Q", ["2021-04-30", "2021-07-31"], "QE"),
        ("A", ["2019-12-31", "2020-12-31", "2023-12-31"], "YE"),
        ("Y", ["2019-07-01", "2020-07-01"], "YS"),
    ],
)
def test_the_rows_decide_the_day_of_a_month_step(freq: str, times, name: str) -> None:
    stamps = micros(times)
    step = month_step_of_rows(parse_freq(freq), stamps, np.zeros(len(stamps), dtype=np.int32))
    assert step.name == name
    assert step.index(stamps, stamps[0])[1].all()


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("1h30min", 90), ("1D12h", 36 * 60), ("1h 15T", 75), ("2H30MIN", 150), ("1W1D", 8 * 24 * 60)],
)
def test_units_may_be_added(text: str, minutes: int) -> None:
    assert parse_freq(text) == Step(kind="seconds", count=minutes * 60_000_000)


@pytest.mark.parametrize("text", ["1h30", "1h30x", "0h0min", "h30min", "1MS2D"])
def test_other_sums_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a valid frequency"):
        parse_freq(text)


@pytest.mark.parametrize(
    ("text", "plain"),
    [("Q-DEC", "Q"), ("A-DEC", "Y"), ("QS-OCT", "QS"),
     ("QS-FEB", "QS"), ("QE-FEB", "QE"), ("YE-JUN", "YE"), ("YS-APR", "YS"), ("A-JUN", "Y"), ("BQS-FEB", "BQS"),
     ("2QS-FEB", "2QS")],
)  # fmt: skip
def test_a_month_in_a_freq_has_a_hint_that_works(text: str, plain: str) -> None:
    with pytest.raises(UsageError, match="names a month, which the rows decide") as caught:
        parse_freq(text)
    assert caught.value.hint.startswith(f"use --freq {plain}: ")
    assert parse_freq(plain).in_months
