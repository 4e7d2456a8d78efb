"""`--gaps skip`: rows count, seasons and forecast times follow the weekly pattern, and gaps are reported."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lstm_cli.config import PrepareConfig
from lstm_cli.config.text import PLAIN_TEXT, GridSettings
from lstm_cli.data.build.assemble import Assembled, assemble
from lstm_cli.data.dataset.dataset import Schema
from lstm_cli.data.forecast.inputs import forecast_times
from lstm_cli.data.forecast.new_data import ModelSchema, read_new_data
from lstm_cli.data.grid.regular_grid import to_regular_grid
from lstm_cli.data.reading.table import read_configured_table
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding

EARLY = pd.Timestamp("2024-04-10 08:00")
HOLIDAY = pd.Timestamp("2024-02-19")


def trading(start: str, end: str, first: int = 570, last: int = 930) -> pd.DatetimeIndex:
    times = pd.date_range(start, end, freq="30min")
    minute = times.hour * 60 + times.minute
    return times[(times.day_of_week < 5) & (minute >= first) & (minute <= last)]


def write(path: Path, *parts: pd.DatetimeIndex) -> str:
    """Write a file with one series, or a panel of series named a, b and so on."""
    rng = np.random.default_rng(0)
    frames = []
    for name, times in zip("abc", parts, strict=False):
        minute = times.hour * 60 + times.minute
        values = 50 + 5 * np.cos(minute / 60) + rng.normal(0, 0.3, len(times))
        frames.append(pd.DataFrame({"time": times, "shop": name, "price": values.round(2)}))
    frame = pd.concat(frames)
    (frame if len(parts) > 1 else frame.drop(columns="shop")).to_csv(path, index=False)
    return str(path)


def prepare(path: str, **given) -> tuple[Assembled, list[Finding]]:
    config = PrepareConfig(gaps="skip", **given)
    table = read_configured_table(path, config)
    grid = to_regular_grid(table, config.grid, start=config.start, end=config.end)
    assembled = assemble(table, grid, config)
    return assembled, [*table.findings, *grid.findings, *assembled.findings]


def new_times(path: str, assembled: Assembled) -> tuple[list[str], list[Finding]]:
    """Return the times of a forecast of new rows, and the findings."""
    model = ModelSchema(
        schema=Schema.from_dict(assembled.schema.to_dict()),
        series=assembled.series,
        scaler=assembled.scaler,
        training=assembled.training,
        rows_read=assembled.schema.lookback,
    )
    read = read_new_data(path, model, text=PLAIN_TEXT, stdin=None)
    dataset, findings = read.dataset, read.findings
    times = forecast_times(dataset.schema, dataset.series, dataset.schema.horizon)
    return texts(times[0]), list(findings)


def texts(times_us: np.ndarray) -> list[str]:
    return [str(np.datetime64(int(time), "us"))[:16].replace("T", " ") for time in times_us]


@pytest.fixture
def rows() -> pd.DatetimeIndex:
    """Half a year of trading hours without one holiday, and with one early row."""
    times = trading("2024-01-01", "2024-06-27 13:00")
    return times[times.normalize() != HOLIDAY].union(pd.DatetimeIndex([EARLY]))


def test_rows_count_and_no_row_is_filled(tmp_path, rows):
    assembled, findings = prepare(write(tmp_path / "a.csv", rows))
    assert assembled.series.count.tolist() == [len(rows)]
    assert assembled.filled == 0
    assert assembled.schema.seasons == (13, 65)
    assert assembled.schema.horizon == 13
    finding, early = findings
    assert "delete the row" in early.text  # 08:00 is on the time grid
    assert (early.rule, early.count, early.lines) == ("D564", 1, (2 + int((rows < EARLY).sum()),))
    assert "1 row is outside of the usual times, the first at 2024-04-10 08:00; each row counts" in early.text
    assert (finding.rule, finding.count, finding.flags) == ("D550", 13, ("--gaps",))
    assert "the first at 2024-02-19 09:30" in finding.text
    assert finding.lines == (1 + int((rows < HOLIDAY).sum()),)


def test_a_late_row_may_be_rounded(tmp_path):
    times = trading("2024-01-01", "2024-06-27 13:00")
    late = pd.DatetimeIndex([*times[:400], times[400] + pd.Timedelta(minutes=7), *times[401:]])
    _, findings = prepare(write(tmp_path / "a.csv", late))
    found = next(finding for finding in findings if finding.rule == "D564")
    assert "--freq 30min --resample nearest" in found.text
    assert found.flags == ("--freq", "--resample")


def test_an_empty_cell_is_still_a_missing_value(tmp_path, rows):
    path = write(tmp_path / "a.csv", rows)
    lines = Path(path).read_text().splitlines()
    lines[40] = lines[40].split(",")[0] + ","
    Path(path).write_text("\n".join(lines) + "\n")
    assembled, findings = prepare(path)
    assert assembled.filled == 1
    assert {finding.rule for finding in findings} == {"D550", "D564", "D602"}


def test_dates_of_splits_divide_at_the_time(tmp_path, rows):
    assembled, _ = prepare(write(tmp_path / "a.csv", rows), val="2024-05-01", test="2024-06-01")
    assert assembled.series.train_end.tolist() == [int((rows < "2024-05-01").sum())]
    assert assembled.series.val_end.tolist() == [int((rows < "2024-06-01").sum())]


@pytest.mark.parametrize(
    ("start", "end", "first", "second"),
    [
        ("2024-06-05 11:00", "2024-07-03 15:30", "2024-07-04 09:30", "2024-07-04 10:00"),
        ("2024-06-03", "2024-07-05 15:30", "2024-07-08 09:30", "2024-07-08 10:00"),
        ("2024-06-01", "2024-07-10 14:00", "2024-07-10 14:30", "2024-07-10 15:00"),
    ],
)
def test_new_rows_may_start_and_end_anywhere_in_the_week(tmp_path, rows, start, end, first, second):
    assembled, _ = prepare(write(tmp_path / "a.csv", rows))
    times, findings = new_times(write(tmp_path / "b.csv", trading(start, end)), assembled)
    assert times[:2] == [first, second]
    assert findings == []


def test_new_rows_with_a_holiday_are_reported_and_not_filled(tmp_path, rows):
    assembled, _ = prepare(write(tmp_path / "a.csv", rows))
    new = trading("2024-06-03", "2024-07-05 15:30")
    _, findings = new_times(
        write(tmp_path / "b.csv", new[new.normalize() != pd.Timestamp("2024-06-19")]), assembled
    )
    assert [(finding.rule, finding.count) for finding in findings] == [("D550", 13)]


def test_new_rows_of_another_frequency_are_refused(tmp_path, rows):
    assembled, _ = prepare(write(tmp_path / "a.csv", rows))
    hourly = trading("2024-06-03", "2024-07-05 15:30")[::2]
    with pytest.raises(DataError) as caught:
        new_times(write(tmp_path / "b.csv", hourly), assembled)
    assert caught.value.rule == "D505"


def test_a_panel_shares_one_clock_and_is_split_at_one_time(tmp_path):
    short, long = trading("2024-02-05", "2024-06-28 23:00"), trading("2024-01-01", "2024-06-28 23:00")
    missing = long[60:62]
    assembled, findings = prepare(
        write(tmp_path / "a.csv", short, long.drop(missing)), series=("shop",), test="0.2"
    )
    table, step = assembled.series, assembled.schema.step
    assert table.count.tolist() == [len(short), len(long) - 2]
    for ends in (table.train_end, table.val_end):
        times = [int(step.times(end, origin)) for end, origin in zip(ends, table.origin_us, strict=True)]
        assert len(set(times)) == 1
    assert [(finding.rule, finding.count) for finding in findings] == [("D550", 2)]


def test_a_row_that_only_other_series_have_is_filled_with_a_warning(tmp_path):
    both = trading("2024-01-01", "2024-06-28 23:00")
    assembled, findings = prepare(write(tmp_path / "a.csv", both, both.drop(both[60:62])), series=("shop",))
    assert assembled.filled == 2
    (finding,) = [finding for finding in findings if finding.rule == "D516"]
    assert (finding.count, "all series share one clock" in finding.text) == (2, True)


def test_irregular_rows_continue_with_the_usual_step_and_a_warning(tmp_path):
    rng = np.random.default_rng(1)
    minutes = np.sort(rng.choice(100_000, 600, replace=False))
    rows = pd.Timestamp("2024-01-01") + pd.to_timedelta(minutes, unit="min")
    assembled, findings = prepare(write(tmp_path / "a.csv", pd.DatetimeIndex(rows)))
    assert assembled.series.count.tolist() == [600]
    assert [finding.rule for finding in findings] == ["D552"]


def test_few_weeks_are_a_guess(tmp_path):
    _, findings = prepare(write(tmp_path / "a.csv", trading("2024-01-02", "2024-01-12")))
    assert [finding.rule for finding in findings] == ["D551"]
    assert "65 rows a week on 5 days" in findings[0].text


@pytest.mark.parametrize("freq", [None, "30min"])
def test_closed_hours_are_refused_with_the_flag_that_works(tmp_path, rows, freq):
    config = PrepareConfig(freq=freq)
    table = read_configured_table(write(tmp_path / "a.csv", rows), config)
    with pytest.raises(DataError) as caught:
        to_regular_grid(table, config.grid)
    assert (caught.value.rule, "--gaps skip" in caught.value.hint) == ("D514", True)
    assert to_regular_grid(table, GridSettings(freq=freq, gaps="fill")).step.name == "30min"
    assert to_regular_grid(table, GridSettings(freq=freq, gaps="skip")).rows == len(rows)


def test_lessons_of_fifty_minutes_are_refused_with_the_flag_that_works(tmp_path):
    days = pd.bdate_range("2024-01-01", "2024-03-29")
    rows = pd.DatetimeIndex(
        [day + pd.Timedelta(minutes=minute) for day in days for minute in (480, 530, 600, 650)]
    )
    table = read_configured_table(write(tmp_path / "a.csv", rows), PrepareConfig())
    with pytest.raises(DataError) as caught:
        to_regular_grid(table)
    assert (caught.value.rule, "--gaps skip" in caught.value.hint) == ("D502", True)
    with pytest.raises(DataError) as caught:
        to_regular_grid(table, GridSettings(gaps="skip", freq="50min"))
    assert (caught.value.rule, "leave out --freq" in caught.value.hint) == ("D504", True)
    grid = to_regular_grid(table, GridSettings(gaps="skip"))
    assert (grid.rows, len(grid.step.slots)) == (len(rows), 20)


def test_gaps_skip_without_gaps_changes_nothing_but_the_clock(tmp_path):
    rows = pd.date_range("2024-01-01", periods=24 * 40, freq="h")
    plain = PrepareConfig()
    path = write(tmp_path / "a.csv", rows)
    table = read_configured_table(path, plain)
    expected = assemble(table, to_regular_grid(table), plain)
    assembled, findings = prepare(path)
    assert findings == list(expected.findings)
    assert asdict(assembled.series)["count"].tolist() == expected.series.count.tolist()
    assert assembled.schema.seasons == expected.schema.seasons
