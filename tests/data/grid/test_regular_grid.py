import itertools
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_tables import LOCAL, hourly, micros, table

from lstm_cli.config.text import GridSettings
from lstm_cli.data.frequency.step import parse_freq
from lstm_cli.data.grid.regular_grid import Grid, to_regular_grid
from lstm_cli.data.grid.row_lookup import GridLines
from lstm_cli.data.grid.sorting import sort_table
from lstm_cli.data.grid.time_range import parse_time_range
from lstm_cli.data.reading.table import Table, read_table
from lstm_cli.data.times.formats import TimeFormat
from lstm_cli.errors import DataError, DeviceError, UsageError
from lstm_cli.findings import finding_texts

NAN = float("nan")


def lay(given_table: Table, *, freq=None, start=None, end=None, step=None) -> Grid:
    return to_regular_grid(given_table, GridSettings(freq=freq), start=start, end=end, step=step)


def numbers(grid: Grid) -> list:
    return [None if np.isnan(item) else item for item in grid.values[:, 0].tolist()]


def test_a_clean_series_is_laid_as_it_is():
    grid = lay(table(hourly(5), range(5)))
    assert numbers(grid) == [0, 1, 2, 3, 4]
    assert grid.step.name == "h"
    assert grid.names == ("",)
    assert grid.origin_us.tolist() == micros(["2020-01-01"]).tolist()
    assert grid.counts.tolist() == grid.rows_read.tolist() == [5]
    assert grid.ahead.tolist() == [0]
    assert finding_texts(grid.findings) == ()
    assert {item.dtype for item in (grid.origin_us, grid.counts, grid.ahead, grid.rows_read)} == {
        np.dtype(np.int64)
    }


def test_gaps_become_nan_rows_with_a_warning():
    # The night that local clocks go forward: 02:00 does not exist.
    times = hourly(30, "2024-03-30 20:00").delete([6, 20, 21])
    grid = lay(table(times, range(27)))
    assert numbers(grid)[:8] == [0, 1, 2, 3, 4, 5, None, 6]
    assert grid.counts.tolist() == [30]
    assert grid.rows_read.tolist() == [27]
    (warning,) = finding_texts(grid.findings)
    assert "line 7: 3 rows are missing from the hourly data, the first at 2024-03-31 02:00" in warning
    assert "--missing" in warning


@pytest.mark.parametrize(
    ("freq", "start", "periods"),
    [
        ("ME", "2011-01-31", 144),
        ("MS", "1895-01-01", 144),
        ("B", "2019-12-02", 300),
        ("QE", "1999-12-31", 12),
    ],
)
def test_calendar_steps_have_no_gaps(freq, start, periods):
    times = pd.date_range(start, freq=freq, periods=periods, unit="us")
    grid = lay(table(times, range(periods)))
    assert grid.step.name == freq
    assert numbers(grid) == list(range(periods))
    assert finding_texts(grid.findings) == ()


def test_holidays_are_gaps_of_business_days():
    times = pd.bdate_range("2020-12-21", "2021-01-08", unit="us")
    times = times.delete([4, 9])  # 25 December and 1 January, both Fridays
    grid = lay(table(times, range(13)))
    assert grid.step.name == "B"
    assert numbers(grid) == [0, 1, 2, 3, None, 4, 5, 6, 7, None, 8, 9, 10, 11, 12]
    assert (
        "line 5: 2 rows are missing from the business-day data, the first at 2020-12-25"
        in finding_texts(grid.findings)[0]
    )


def test_mostly_gaps_are_refused_without_freq():
    times = [*hourly(4), *hourly(2, "2020-01-02")]
    with pytest.raises(DataError) as caught:
        lay(table(times, range(6)))
    assert "20 of 26 at frequency h" in caught.value.message
    assert "from line 5 (2020-01-01 03:00) to line 6 (2020-01-02)" in caught.value.message
    assert "--freq" in caught.value.hint
    grid = lay(table(times, range(6)), freq="1h")
    assert grid.counts.tolist() == [26]
    half = lay(table([*hourly(3), *hourly(3, "2020-01-01 09:00")], range(6)))
    assert half.counts.tolist() == [12]


def test_a_grid_that_cannot_fit_in_memory_is_refused():
    with pytest.raises(DeviceError, match=r"out of memory: .* GiB") as caught:
        lay(table(["1900-01-01", "2020-01-01", "2020-01-02"], range(3)), freq="us")
    assert caught.value.exit_code == 7


def test_rows_out_of_order_are_sorted_with_a_warning():
    times = hourly(5)[[0, 2, 1, 3, 4]]
    grid = lay(table(times, [0, 2, 1, 3, 4]))
    assert numbers(grid) == [0, 1, 2, 3, 4]
    (warning,) = finding_texts(grid.findings)
    assert "line 4: 1 row is out of order, the first here with 2020-01-01 01:00" in warning
    newest_first = lay(table(hourly(5)[::-1], range(5)))
    assert numbers(newest_first) == [4, 3, 2, 1, 0]
    assert "4 rows are out of order" in finding_texts(newest_first.findings)[0]
    assert "line 3" in finding_texts(newest_first.findings)[0]


@settings(max_examples=50)
@given(st.randoms(use_true_random=False), st.integers(1, 4), st.booleans())
def test_a_sorted_table_has_the_same_grid_lines_and_findings(random, count, timed):
    times = [time for time in hourly(9) for _ in range(count)]
    names = [f"s{index % count}" for index in range(len(times))]
    rows = random.sample(range(len(times)), len(times) - 3)
    grids = []
    for sort in (False, True):
        given_table = table(
            [times[row] for row in rows] if timed else None,
            np.arange(len(rows), dtype=float),
            series=[names[row] for row in rows],
        )
        try:
            one = sort_table(given_table) if sort else given_table
            grid = lay(one)
        except DataError as error:
            grids.append((error.message, error.hint))
            continue
        lines = GridLines(one, grid)
        present = np.flatnonzero(lines.table_rows(0, grid.rows) >= 0)
        grids.append(
            (
                np.nan_to_num(grid.values, nan=-1.0).tolist(),
                [lines.line(int(row)) for row in present],
                finding_texts(grid.findings),
                grid.names,
                grid.origin_us.tolist(),
            )
        )
    assert grids[0] == grids[1]


def test_interleaved_series_are_in_order():
    times = [time for time in hourly(4) for _ in "ab"]
    grid = lay(table(times, range(8), series=["b", "a"] * 4))
    assert grid.names == ("b", "a")
    assert numbers(grid) == [0, 2, 4, 6, 1, 3, 5, 7]
    assert finding_texts(grid.findings) == ()


def test_duplicate_rows_are_dropped_with_a_warning():
    times = hourly(4)[[0, 1, 1, 2, 3, 3, 3]]
    values = [[0, NAN], [1, NAN], [1, NAN], [2, 2], [3, NAN], [3, NAN], [3, NAN]]
    grid = lay(table(times, values, past=("wind",)))
    assert numbers(grid) == [0, 1, 2, 3]
    assert grid.rows_read.tolist() == [4]
    (warning,) = finding_texts(grid.findings)
    assert "line 4: 3 duplicate rows, the first equal to line 3, 2020-01-01 01:00" in warning
    assert "--series" in warning


def test_two_values_for_one_time_are_refused_with_both_lines():
    times = hourly(4, "2020-01-02")[[0, 1, 2, 1, 3]]
    with pytest.raises(DataError) as caught:
        lay(table(times, [0, 1, 2, 1.5, 3]))
    assert (
        caught.value.message
        == "a.csv, lines 3 and 5: duplicate timestamp 2020-01-02 01:00 with two values of 'load': 1 and 1.5"
    )
    assert "--series" in caught.value.hint
    assert "daylight" not in caught.value.hint
    with pytest.raises(
        DataError,
        match=r"lines 2 and 3: duplicate timestamp 2020-01-02 with two values of 'load': a missing value and 1",
    ):
        lay(table(hourly(2, "2020-01-02")[[0, 0, 1]], [NAN, 1, 2]))
    with pytest.raises(
        DataError, match=r"timestamp 2020-01-02 of series 'x' with two values of 'wind': 5 and 6"
    ) as caught:
        lay(
            table(
                hourly(2, "2020-01-02")[[0, 0, 1]], [[1, 5], [1, 6], [2, 7]], past=("wind",), series=["x"] * 3
            )
        )
    assert "repeat --series" in caught.value.hint
    assert "--duplicates mean" in caught.value.hint


def test_the_first_and_last_of_three_doubles_are_compared_too():
    with pytest.raises(DataError, match="lines 3 and 4"):
        lay(table(hourly(2)[[0, 0, 0, 1]], [1, 1, 2, 3]))


def test_a_repeated_daylight_saving_hour_asks_for_the_zone():
    times = hourly(6, "2024-10-27")[[0, 1, 2, 2, 3, 4, 5]]
    with pytest.raises(DataError) as caught:
        lay(table(times, range(7)))
    assert "repeated daylight-saving hour" in caught.value.hint
    assert "--tz Europe/Berlin" in caught.value.hint
    same = lay(table(times, [0] * 7))
    assert "daylight-saving" in finding_texts(same.findings)[0]
    monday = hourly(6, "2024-10-28")[[0, 1, 2, 2, 3, 4, 5]]
    assert "daylight" not in finding_texts(lay(table(monday, [0] * 7)).findings)[0]


def test_the_same_time_in_two_series_is_no_double():
    grid = lay(table([*hourly(3), *hourly(3)], range(6), series=[*"aaabbb"]))
    assert grid.counts.tolist() == [3, 3]
    assert finding_texts(grid.findings) == ()


def test_a_series_begins_and_ends_where_a_target_is_measured():
    values = [
        [NAN, 1, 1],
        [NAN, 1, 1],
        [5, 1, 1],
        [NAN, 1, 1],
        [NAN, 1, 1],
        [6, 1, 1],
        [NAN, 1, NAN],
        [NAN, 1, NAN],
    ]
    grid = lay(table(hourly(8), values, past=("p",), future=("f",)))
    assert numbers(grid) == [5, None, None, 6]
    assert grid.origin_us.tolist() == micros(["2020-01-01 02:00"]).tolist()
    assert grid.counts.tolist() == grid.rows_read.tolist() == [4]
    assert grid.ahead.tolist() == [0]
    (warning,) = finding_texts(grid.findings)
    assert "line 2: 4 unused rows before the first or after the last measured 'load'" in warning


def test_any_of_several_targets_makes_a_row_usable():
    grid = lay(table(hourly(4), [[NAN, NAN], [NAN, 1], [2, NAN], [NAN, NAN]], targets=("a", "b")))
    assert grid.counts.tolist() == [2]


def test_rows_after_the_last_target_are_kept_where_a_future_covariate_is_known():
    times = hourly(9).delete(6)
    values = [[1, 1]] * 3 + [[NAN, 2], [NAN, 3], [NAN, NAN], [NAN, 4], [NAN, NAN]]
    grid = lay(table(times, values, future=("f",)))
    assert grid.counts.tolist() == [3]
    assert grid.rows_read.tolist() == [3]
    assert grid.ahead.tolist() == [5]  # 03:00 to 07:00, with the hole at 06:00
    np.testing.assert_array_equal(grid.values[:, 1], [1, 1, 1, 2, 3, NAN, NAN, 4])
    assert len(grid.values) == 8
    assert any("1 unused row " in warning for warning in finding_texts(grid.findings))


def test_rows_ahead_of_one_series_are_not_those_of_the_next():
    values = [[1, 1], [2, 1], [NAN, 7], [3, NAN], [4, NAN], [5, NAN], [6, 1], [7, 1], [NAN, NAN]]
    grid = lay(table([*hourly(3)] * 3, values, future=("f",), series=[*"aaabbbccc"]))
    assert grid.counts.tolist() == [2, 3, 2]
    assert grid.ahead.tolist() == [1, 0, 0]


def test_a_series_without_a_measured_target_is_left_out_by_name():
    series = [*"aabbcc"]
    grid = lay(table([*hourly(2)] * 3, [1, 2, NAN, NAN, 3, 4], series=series))
    assert grid.names == ("a", "c")
    assert numbers(grid) == [1, 2, 3, 4]
    assert "1 series left out, no measured value in 'load': 'b'" in finding_texts(grid.findings)[0]
    with pytest.raises(DataError, match="no measured value found in 'load'"):
        lay(table([*hourly(2)] * 3, [NAN] * 6, series=series))


def test_many_left_out_series_are_counted_not_all_named():
    series = [f"s{n}" for n in range(20) for _ in "ab"]
    values = [1, 2] + [NAN] * 38
    grid = lay(table([*hourly(2)] * 20, values, series=series))
    assert finding_texts(grid.findings)[0].endswith(
        "'s1', 's2', 's3', 's4', 's5' and 14 more (use --target to name another column)"
    )


def test_short_series_use_the_evidence_of_the_others():
    times = [*hourly(5), "2020-03-01 00:20", "2020-05-01", "2020-05-01 01:00"]
    grid = lay(table(times, range(8), series=[*"aaaaabcc"]))
    assert grid.step.name == "h"
    assert grid.counts.tolist() == [5, 1, 2]
    assert grid.origin_us[1] == micros(["2020-03-01 00:20"])[0]


def test_a_single_row_needs_a_freq():
    with pytest.raises(DataError, match="one row"):
        lay(table(["2020-01-01"], [1]))
    grid = lay(table(["2020-01-31"], [1]), freq="ME")
    assert grid.counts.tolist() == [1]
    assert grid.step.name == "ME"


def test_freq_must_fit_the_rows():
    with pytest.raises(DataError) as caught:
        lay(table(hourly(5), range(5)), freq="2h")
    assert (
        "line 3: 2020-01-01 01:00 is not on the time grid of --freq 2h, which begins at 2020-01-01"
        in caught.value.message
    )
    assert "--freq h" in caught.value.hint
    with pytest.raises(DataError, match="line 2: 2020-01-15 is not on the time grid of --freq MS") as caught:
        lay(table(["2020-01-15", "2020-02-15", "2020-03-15"], range(3)), freq="MS")
    assert "--freq MS-15" in caught.value.hint
    with pytest.raises(UsageError):
        lay(table(hourly(5), range(5)), freq="fortnight")


def test_a_file_without_times_has_unit_steps():
    grid = lay(table(None, range(5)))
    assert grid.step.name == "1"
    assert grid.origin_us.tolist() == [0]
    assert numbers(grid) == [0, 1, 2, 3, 4]
    same = lay(table(None, [1, 1, 1]))  # rows that look alike are not doubles: nothing names their time
    assert same.counts.tolist() == [3]
    assert finding_texts(same.findings) == ()
    item = lay(table(None, [1]))
    assert item.counts.tolist() == [1]
    panel = lay(table(None, range(6), series=[*"ababba"]), freq="1")
    assert numbers(panel) == [0, 2, 5, 1, 3, 4]
    assert panel.origin_us.tolist() == [0, 0]
    with pytest.raises(DataError, match="no time column"):
        lay(table(None, range(5)), freq="h")
    with pytest.raises(DataError, match="without times"):
        lay(table(hourly(5), range(5)), freq="1")
    late = lay(table(None, [NAN, NAN, 5, 6]))
    assert late.origin_us.tolist() == [2]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [("2020-01-02", None, (24, 71)), (None, "2020-01-02", (0, 47)),
     ("2020-01-01 05:00", "2020-01-01 07:00", (5, 7)),
     ("2020-01-01 05:30", "2020-01-01 07:30", (6, 7)), ("row:3", "row:5", (2, 4)),
     ("row:3", "2020-01-01", (2, 23)),
     (None, "row:500", (0, 71)), ("2019", "2020-01", (0, 71)), (None, "2020", (0, 71)),
     (None, "20200101", (0, 23))],
)  # fmt: skip
def test_start_and_end_are_both_included(start, end, expected):
    grid = lay(table(hourly(72), range(72)), start=start, end=end)
    assert (grid.values[0, 0], grid.values[-1, 0]) == expected
    assert finding_texts(grid.findings) == ()


def test_row_numbers_count_each_series_in_the_order_of_time():
    times = [*hourly(4)[::-1], *hourly(3)]
    grid = lay(table(times, [3, 2, 1, 0, 10, 11, 12], series=[*"aaaabbb"]), start="row:2", end="row:3")
    assert numbers(grid) == [1, 2, 11, 12]
    assert lay(table(None, range(6), series=[*"ababab"]), end="row:2").counts.tolist() == [2, 2]


def test_a_cut_comes_before_anything_is_judged():
    times = [*hourly(5), pd.Timestamp("2020-01-01 04:00"), pd.Timestamp("2020-01-01 06:13")]
    malformed = table(times, range(7))
    with pytest.raises(DataError):
        lay(malformed)
    assert finding_texts(lay(malformed, end="row:5").findings) == ()
    assert lay(malformed, end="2020-01-01 03:00").counts.tolist() == [4]


@pytest.mark.parametrize(
    ("start", "end"), [("2021", None), (None, "2019"), ("row:73", None), ("row:9", "row:8")]
)
def test_an_empty_range_names_the_first_and_last_time(start, end):
    with pytest.raises(DataError, match=r"from 2020-01-01 to 2020-01-03 23:00") as caught:
        lay(table(hourly(72), range(72)), start=start, end=end)
    assert (start or end) in caught.value.message


@pytest.mark.parametrize(
    "text", ["row:0", "row:", "row:x", "row:-3", "row:1.5", "yesterday", "", "2020-13-01"]
)
def test_a_bound_that_names_nothing_is_a_usage_error(text):
    with pytest.raises(UsageError, match="--end"):
        lay(table(hourly(72), range(72)), end=text)


def test_a_file_without_times_takes_rows_as_bounds_only():
    assert lay(table(None, range(9)), start="row:4", end="row:6").origin_us.tolist() == [3]
    with pytest.raises(DataError, match="no time column") as caught:
        lay(table(None, range(9)), start="2020-01-01")
    assert "row:" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "time_format", "first", "last"),
    [("2020", LOCAL, "2020-01-01", "2020-12-31 23:59:59.999999"),
     ("2020-02", LOCAL, "2020-02-01", "2020-02-29 23:59:59.999999"),
     ("202002", LOCAL, "2020-02-01", "2020-02-29 23:59:59.999999"),
     ("2020Q4", LOCAL, "2020-10-01", "2020-12-31 23:59:59.999999"),
     ("20200229", LOCAL, "2020-02-29", "2020-02-29 23:59:59.999999"),
     ("2020-02-29T10:30", LOCAL, "2020-02-29 10:30", "2020-02-29 10:30"),
     ("03/02/2020", TimeFormat(pattern="%d/%m/%Y"), "2020-02-03", "2020-02-03 23:59:59.999999"),
     ("02/03/2020 05:00", TimeFormat(pattern="%m/%d/%Y"), "2020-02-03 05:00", "2020-02-03 05:00"),
     ("2020-03", TimeFormat(zone="+00:00", offset=60), "2020-02-29 23:00", "2020-03-31 22:59:59.999999"),
     ("2020-03-01", TimeFormat(zone="+00:00", offset=-300), "2020-03-01 05:00", "2020-03-02 04:59:59.999999"),
     ("2020-03-01 01:00+02:00", TimeFormat(zone="Z"), "2020-02-29 23:00", "2020-02-29 23:00"),
     ("1583000000", TimeFormat(pattern="epoch-s"), "2020-02-29 18:13:20", "2020-02-29 18:13:20")],
)  # fmt: skip
def test_a_time_given_with_a_flag_names_all_that_it_writes(text, time_format, first, last):
    assert parse_time_range("--end", text, time_format) == tuple(micros([first, last]).tolist())


def test_messages_name_utc_for_offsets_and_row_for_parquet():
    instants = table(
        hourly(5).delete(2), range(4), time_format=TimeFormat(pattern="%Y-%m-%d %H:%M", zone="Z")
    )
    assert "2020-01-01 02:00 UTC" in finding_texts(lay(instants).findings)[0]
    parquet = Table(**(vars(instants) | {"delimiter": "", "unit": "row"}))
    assert finding_texts(lay(parquet).findings)[0].startswith("a.csv, row 3: ")


def test_etth1_cut_as_published():
    source = Path(__file__).parents[3] / "sample_data" / "ETTh1.csv"
    read = read_table(str(source), targets=("OT",), past=("HUFL",))
    grid = lay(read, end="row:14400")
    assert grid.counts.tolist() == grid.rows_read.tolist() == [14400]
    assert grid.step.name == "h"
    assert finding_texts(grid.findings) == ()
    last = grid.step.times(grid.counts - 1, grid.origin_us)
    assert (last == micros(["2018-02-20 23:00"])).all()
    np.testing.assert_array_equal(grid.values, read.values[:14400])


def fits(times, step: str, series=None) -> Grid:
    return lay(table(times, range(len(times)), series=series), step=parse_freq(step))


def test_new_data_of_the_same_step_is_laid_with_its_own_phase():
    assert fits(hourly(5, "2030-01-01 00:30"), "h").step.name == "h"
    assert fits(["2030-02-28"], "ME").counts.tolist() == [1]
    assert fits(["2020-01-06", "2020-01-07"], "B").counts.tolist() == [2]  # alone it would be daily
    assert fits(["2021-02-28", "2021-03-30"], "MS-30").counts.tolist() == [2]
    gap = fits([*hourly(3), *hourly(3, "2020-01-05")], "h")  # a gap goes by --missing
    assert gap.counts.tolist() == [99]
    assert "--missing" in finding_texts(gap.findings)[0]
    one_weekend_off = pd.date_range("2024-01-01", freq="D", periods=12, unit="us").delete([5, 6])
    assert fits(one_weekend_off, "D").counts.tolist() == [12]


@pytest.mark.parametrize(
    ("freq", "step"),
    [("D", "h"), ("2h", "h"), ("30min", "h"), ("h", "D"), ("D", "B"), ("B", "D"), ("MS", "ME"),
     ("QS", "MS"), ("MS", "QS"),
     ("D", "MS"), ("h", "1"), ("W", "D")],
)  # fmt: skip
def test_new_data_of_another_step_is_refused_naming_both(freq, step):
    times = pd.date_range("2020-01-01", freq=freq, periods=30, unit="us")
    with pytest.raises(DataError, match="wrong frequency") as caught:
        fits(times, step)
    assert f"frequency {freq}, but the run has {step}" in caught.value.message


def test_new_data_without_a_step_names_the_line():
    with pytest.raises(
        DataError, match=r"no regular frequency \(see line 4, 2020-01-01 02:10\), but the run has h"
    ):
        fits(["2020-01-01 00:00", "2020-01-01 01:00", "2020-01-01 02:10", "2020-01-01 03:00"], "h")
    with pytest.raises(DataError, match="frequency 1, but the run has h"):
        lay(table(None, range(5)), step=parse_freq("h"))


def expected_grid(rows: dict, names, freq: str) -> tuple[list, list]:
    """Return the expected grid: each series reindexed by pandas."""
    values, counts = [], []
    for name in names:
        frame = pd.Series({time: value for (item, time), value in rows.items() if item == name}).sort_index()
        frame = frame.asfreq(freq)
        values += frame.tolist()
        counts.append(len(frame))
    return values, counts


@settings(max_examples=60)
@given(data=st.data())
def test_gaps_shuffles_and_doubles_come_back_as_pandas_lays_them(data):
    freq = data.draw(st.sampled_from(["h", "30min", "D", "B", "MS", "ME", "QE"]))
    rows: dict = {}
    for name in data.draw(st.lists(st.sampled_from("abcde"), min_size=1, max_size=4, unique=True)):
        length = data.draw(st.integers(20, 40))
        start = data.draw(st.datetimes(pd.Timestamp(1990, 1, 1), pd.Timestamp(2030, 1, 1))).replace(
            minute=0, second=0, microsecond=0
        )
        holes = data.draw(st.sets(st.integers(14, length - 2), max_size=6))
        times = pd.date_range(start, freq=freq, periods=length, unit="us")
        rows |= {(name, time): float(n) for n, time in enumerate(times) if n not in holes}
    listed = list(rows.items())
    doubles = data.draw(st.lists(st.sampled_from(listed), max_size=5))
    mixed = data.draw(st.permutations(listed + doubles))
    names = list(dict.fromkeys(name for (name, _), _ in mixed))
    grid = lay(
        table(
            [when for (_, when), _ in mixed], [value for _, value in mixed], series=[n for (n, _), _ in mixed]
        )
    )
    values, counts = expected_grid(rows, names, freq)
    assert grid.step.name == freq
    assert grid.names == tuple(names)
    np.testing.assert_array_equal(grid.values[:, 0], values)
    assert grid.counts.tolist() == counts
    assert grid.rows_read.sum() == len(rows)
    first_times = [min(when for item, when in rows if item == name) for name in names]
    assert grid.origin_us.tolist() == micros(first_times).tolist()
    assert any("duplicate row" in warning for warning in finding_texts(grid.findings)) == bool(doubles)


def test_a_panel_of_many_series_is_quick():
    names = [f"s{n}" for n in range(5_000)]
    times = hourly(20).tolist() * len(names)
    panel = table(times, np.zeros(len(times)), series=["s0"] * len(times))
    labels = np.repeat(np.arange(len(names), dtype=np.int32), 20)
    panel = Table(**(vars(panel) | {"series": labels, "series_names": tuple(names)}))
    began = time.process_time()
    grid = lay(panel)
    assert time.process_time() - began < 2
    assert grid.counts.tolist() == [20] * len(names)


def test_what_was_read_is_not_changed():
    for holes, order in itertools.product((False, True), repeat=2):
        times = hourly(6).delete(2) if holes else hourly(5)
        read = table(times[::-1] if order else times, range(5))
        before = read.values.copy(), read.times.copy(), read.series.copy()
        lay(read)
        for old, new in zip(before, (read.values, read.times, read.series), strict=True):
            np.testing.assert_array_equal(old, new)
