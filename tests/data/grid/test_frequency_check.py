"""Rows off the time grid: skipped if they hold no value, else refused with options that work."""

import re

import numpy as np
import pandas as pd
import pytest
from small_tables import hourly, table

from lstm_cli.config.text import GridSettings
from lstm_cli.data.frequency.step import parse_freq
from lstm_cli.data.grid.regular_grid import Grid, to_regular_grid
from lstm_cli.data.grid.resample import resample_table
from lstm_cli.data.quality.gaps import find_gaps
from lstm_cli.data.reading.table import Table
from lstm_cli.errors import DataError
from lstm_cli.findings import finding_texts

NAN = float("nan")
RNG = np.random.default_rng(1)
SENSOR = pd.Timestamp("2023-03-01") + pd.to_timedelta(np.cumsum(RNG.choice([8, 9, 10, 19], 200)), unit="min")
EXCHANGE = [
    day + pd.Timedelta(minutes=30 * slot)
    for day in pd.bdate_range("2024-01-02", periods=5, unit="us")
    for slot in range(19, 32)
]


def lay(read: Table, **settings) -> Grid:
    grid = GridSettings(**settings)
    return to_regular_grid(resample_table(read, grid), grid)


def options(hint: str) -> list[dict[str, str]]:
    """Return the combinations of --freq and --resample in a hint."""
    result = re.findall(r"--freq (\S+?)(?: --resample (\w+))?(?=[,.]? |[,.]?$)", hint)
    return [{"freq": freq} | ({"resample": how} if how else {}) for freq, how in result]


@pytest.mark.parametrize("freq", [None, "h"])
@pytest.mark.parametrize("place", [0, 3, 9])
def test_an_empty_row_off_the_grid_is_skipped(freq: str | None, place: int) -> None:
    times = hourly(9).insert(place, hourly(9)[0] + pd.Timedelta(minutes=60 * place - 17))
    values = np.insert(np.arange(9.0), place, NAN)
    read = table(times, values)
    grid = lay(read, freq=freq)
    assert grid.values[:, 0].tolist() == list(range(9))
    (warning,) = grid.findings
    assert (warning.rule, warning.count, warning.lines) == ("D535", 1, (place + 2,))
    assert "1 row off the time grid without a value is skipped" in warning.text
    assert find_gaps(read, grid.step).rows.tolist() == []


def test_a_gap_that_hides_an_empty_row_is_counted() -> None:
    times = [*hourly(5), "2020-01-01 05:20", *hourly(5, "2020-01-01 06:00")]
    read = table(times, [*range(5), NAN, *range(5)])
    grid = lay(read)
    assert [finding.rule for finding in grid.findings] == ["D535", "D516"]
    assert find_gaps(read, grid.step).rows.tolist() == [1]


def test_a_row_off_the_grid_with_any_value_is_refused() -> None:
    times = [*hourly(5), "2020-01-01 05:20", *hourly(5, "2020-01-01 06:00")]
    read = table(times, [[1, 1]] * 5 + [[NAN, 2]] + [[1, 1]] * 5, past=("wind",))
    with pytest.raises(DataError, match="line 7: 2020-01-01 05:20 is not on the time grid") as caught:
        lay(read)
    assert (
        caught.value.hint
        == "correct the line, or use --freq h --resample nearest to round the times to the time grid"
    )
    assert lay(read, freq="h", resample="nearest").values[:, 1].tolist() == [1] * 5 + [2] + [1] * 5


@pytest.mark.parametrize(
    ("times", "settings", "first"),
    [
        (SENSOR, {}, {"freq": "10min", "resample": "mean"}),
        (SENSOR, {"freq": "h"}, {"freq": "h", "resample": "mean"}),
        (SENSOR, {"freq": "2min"}, {"freq": "10min", "resample": "mean"}),
        (hourly(50), {"freq": "2h"}, {"freq": "h"}),
        (pd.date_range("2024-03-20", freq="D", periods=20, tz="Europe/Berlin").tz_convert("UTC").tz_localize(None), {},
         {"freq": "D", "resample": "nearest"}),
        ([*pd.date_range("2020-01-01", freq="D", periods=30), *hourly(30, "2020-01-31 01:00")], {},
         {"freq": "D", "resample": "mean"}),
        ([*pd.date_range("2020-01-01", freq="D", periods=99), *hourly(72, "2020-04-09 01:00")], {},
         {"freq": "D", "resample": "mean"}),
        (pd.date_range("2020-01-02", freq="W-THU", periods=30).insert(9, pd.Timestamp("2020-02-28")), {"freq": "W-THU"},
         {"freq": "W-THU", "resample": "mean"}),
        (pd.to_datetime(["2020-01-03", "2020-01-30", "2020-03-05", "2020-04-01", "2020-05-20"]), {},
         {"freq": "MS", "resample": "mean"}),
    ],
)  # fmt: skip
def test_every_option_of_a_hint_works(times, settings: dict[str, str], first: dict[str, str]) -> None:
    read = table(times, range(len(times)))
    with pytest.raises(DataError) as caught:
        lay(read, **settings)
    named = options(caught.value.hint)
    assert named[0] == first
    for option in named:
        grid = lay(read, **option)
        assert option != first or np.isnan(grid.values).mean() <= 0.5


def test_a_weekday_that_the_step_does_not_name_is_named() -> None:
    times = pd.date_range("2020-01-01", freq="W-WED", periods=5, unit="us")
    with pytest.raises(DataError) as caught:
        lay(table(times, range(5)), freq="W-THU")
    assert (
        "2020-01-01 is not on the time grid of --freq W-THU, because it is a Wednesday"
        in caught.value.message
    )
    assert caught.value.hint.startswith("use --freq W, which fits all rows")
    grid = lay(table(times + pd.Timedelta(days=1), range(5)), freq="W-THU")
    assert grid.counts.tolist() == [5]
    assert grid.step == parse_freq("W-THU")


@pytest.mark.parametrize(
    ("freq", "times", "name"),
    [("M", pd.date_range("2020-01-31", freq="ME", periods=9), "ME"),
     ("M", pd.date_range("2020-01-31", freq="MS", periods=9), "MS"),
     (None, pd.date_range("2020-01-31", freq="BME", periods=9), "BME"),
     (None, pd.date_range("2020-01-31", freq="SMS", periods=9), "SMS")],
)  # fmt: skip
def test_the_rows_decide_the_side_of_the_month(freq: str | None, times: pd.DatetimeIndex, name: str) -> None:
    assert lay(table(times, range(9)), freq=freq).step.name == name


def test_rows_that_fit_no_side_of_the_month_are_refused() -> None:
    with pytest.raises(DataError, match="2020-02-20 is not on the time grid of --freq MS-15") as caught:
        lay(table(["2020-01-15", "2020-02-20", "2020-03-15"], range(3)), freq="M")
    assert options(caught.value.hint) == [{"freq": "MS-15", "resample": "mean"}]


def test_a_step_that_leaves_most_of_the_grid_missing_is_a_warning() -> None:
    grid = lay(table(SENSOR, range(200)), freq="min")
    (warning,) = grid.findings
    assert warning.rule == "D536"
    assert f"rows of {grid.rows:,} are missing from the data of step min" in warning.text
    assert warning.text.endswith("(use --freq 10min --resample mean to aggregate the rows)")
    fine = lay(table(SENSOR, range(200)), freq="min", resample="mean")
    assert fine.findings[0].rule == "D536"
    assert finding_texts(fine.findings)[0].endswith("(use --freq with a longer step)")


def test_opening_hours_are_not_aggregated_but_skipped() -> None:
    read = table(EXCHANGE, range(len(EXCHANGE)))
    for freq in (None, "30min"):  # --freq alone does not say whether nights are gaps
        with pytest.raises(DataError, match="too many missing rows") as caught:
            lay(read, freq=freq)
        assert caught.value.hint.startswith("use --gaps skip, because the gaps repeat like closed hours")
        assert caught.value.flags == ("--gaps",)
    outage = table([*hourly(24), *hourly(24, "2020-02-01")], range(48))
    with pytest.raises(DataError, match="too many missing rows") as caught:
        lay(outage)
    assert "--gaps" not in caught.value.hint


@pytest.mark.parametrize(("freq", "stray"), [("D", "1h"), ("h", "7min"), ("W-MON", "1D")])
def test_one_stray_row_is_no_weekly_pattern(freq: str, stray: str) -> None:
    times = pd.date_range("2021-01-04", freq=freq, periods=600, unit="us")
    times = times.insert(50, times[49] + pd.Timedelta(stray))
    with pytest.raises(DataError, match=r"line 52: .* is not on the time grid") as caught:
        lay(table(times, range(601)))
    name = {"W-MON": "W"}.get(freq, freq)
    assert caught.value.hint.startswith(f"correct the line, or use --freq {name} --resample nearest")


def test_rows_around_a_usual_step_are_rounded_to_it() -> None:
    jitter = pd.to_timedelta(RNG.integers(-90, 90, 300), unit="s")
    times = pd.date_range("2021-01-04", freq="10min", periods=300, unit="us") + jitter
    read = table(times, range(300))
    with pytest.raises(DataError) as caught:
        lay(read)
    assert caught.value.hint == "use --freq 10min --resample nearest to round the times to the time grid"
    assert lay(read, freq="10min", resample="nearest").values[:, 0].tolist() == list(range(300))
