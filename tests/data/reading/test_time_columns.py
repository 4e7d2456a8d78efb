"""Tests of times in several columns, of whole numbers as times, and of rows without times."""

import io
import json
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lstm_cli.config import PrepareConfig
from lstm_cli.config.text import TextSettings
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.forecast.inputs import forecast_times
from lstm_cli.data.forecast.new_data import ModelSchema, read_new_data
from lstm_cli.data.forecast.output import Forecast, encode_forecast
from lstm_cli.data.reading.table import Table, read_table
from lstm_cli.data.times.formats import JOINT, format_times
from lstm_cli.errors import DataError, UsageError
from lstm_cli.events import ignore_events
from lstm_cli.findings import finding_texts
from lstm_cli.rundir import open_run
from lstm_cli.steps.prepare import prepare

HOURS = [datetime(2023, 2, 27, 20) + timedelta(hours=row) for row in range(60)]
EXPECTED = np.array(HOURS, dtype="datetime64[us]").astype(np.int64)


def csv_of(header: str, cells: Callable[[datetime], Sequence[object]]) -> str:
    """Return a CSV of the hours, with a last column 'y' of 0, 1, 2 and so on."""
    lines = [f"{header},y"]
    lines += [",".join(map(str, (*cells(hour), row))) for row, hour in enumerate(HOURS)]
    return "\n".join(lines) + "\n"


def read(content: str, **options: Any) -> Table:
    return read_table("-", stdin=io.BytesIO(content.encode()), targets=("y",), **options)


def refusal(content: str, **options: Any) -> DataError:
    with pytest.raises(DataError) as caught:
        read(content, **options)
    assert caught.value.hint
    return caught.value


PARTS = csv_of("year,month,day,hour", lambda hour: (hour.year, hour.month, hour.day, hour.hour))
DATE_AND_CLOCK = csv_of("clock,date", lambda hour: (f"{hour:%H:%M}", f"{hour:%d.%m.%Y}"))


@pytest.mark.parametrize(
    ("text", "time", "pattern"),
    [
        (PARTS, ("year", "month", "day", "hour"), "%Y|%-m|%-d|%-H"),
        (PARTS, ("hour", "day", "year", "month"), "%Y|%-m|%-d|%-H"),
        (DATE_AND_CLOCK, ("clock", "date"), "%d.%m.%Y|%H:%M"),
        (
            csv_of("DD,MM,YYYY,HH", lambda hour: (f"{hour:%d}", f"{hour:%m}", hour.year, f"{hour:%H}")),
            ("YYYY", "MM", "DD", "HH"),
            "%d|%m|%Y|%H",
        ),
        (
            csv_of("d,h,min", lambda hour: (f"{hour:%Y-%m-%d}", hour.hour, 0)),
            ("d", "min", "h"),
            "%Y-%m-%d|%-H|%-M",
        ),
        (
            csv_of("day,hour", lambda hour: (f"{hour:%Y%m%d}", f"{hour:%H}")),
            ("day", "hour"),
            "%Y%m%d|%H",
        ),
        (
            csv_of("year,month,day,hour", lambda hour: (hour.year, f"{hour:%B}", hour.day, hour.hour)),
            ("year", "month", "day", "hour"),
            "%Y|%B|%-d|%-H",
        ),
        (
            csv_of("year,day of year,hour", lambda hour: (hour.year, int(f"{hour:%j}"), hour.hour)),
            ("year", "day of year", "hour"),
            "%Y|%-j|%-H",
        ),
    ],
)
def test_columns_are_joined_in_any_order_and_written_again(
    text: str, time: tuple[str, ...], pattern: str
) -> None:
    table = read(text, time=time)
    assert table.times.tolist() == EXPECTED.tolist()
    assert table.time_format.pattern == pattern.replace("|", JOINT)
    assert set(table.time_columns) == set(time)
    repeated = format_times(table.times, table.time_format)
    rows = [line.split(",") for line in text.splitlines()]
    order = [rows[0].index(name) for name in table.time_columns]
    assert [cell.split(JOINT) for cell in repeated] == [[row[index] for index in order] for row in rows[1:]]


def test_codes_say_what_the_columns_hold_in_the_order_of_the_flags() -> None:
    text = csv_of("a,b", lambda hour: (f"{hour:%H%M}", f"{hour:%y/%m/%d}"))
    error = refusal(text, time=("b", "a"))
    assert error.rule == "D213"
    assert "--time 'b' --time 'a' --time-format" in str(error.hint)
    table = read(text, time=("b", "a"), text=TextSettings(time_format="%y/%m/%d %H%M"))
    assert table.times.tolist() == EXPECTED.tolist()


@pytest.mark.parametrize(
    ("text", "names"),
    [(PARTS, ("year", "month", "day", "hour")), (DATE_AND_CLOCK, ("date", "clock"))],
)
def test_plain_columns_are_joined_without_flags_but_with_a_warning(text: str, names: tuple[str, ...]) -> None:
    table = read(text)
    assert table.time_columns == names
    assert table.times.tolist() == EXPECTED.tolist()
    flags = " ".join(f"--time '{name}'" for name in names)
    assert [finding.rule for finding in table.findings] == ["D212"]
    assert flags in finding_texts(table.findings)[0]
    assert not read(text, time=names).findings


def test_columns_that_only_look_like_parts_are_left_alone() -> None:
    text = csv_of("date,day of week,hours", lambda hour: (hour, hour.weekday(), 7.5))
    assert read(text).time_columns == ("date",)
    assert read(csv_of("month,minutes", lambda hour: (hour.month, 5))).time_columns == ()


def test_a_single_part_is_refused_with_the_flags_that_join_all() -> None:
    error = refusal(PARTS, time=("year",))
    assert error.rule == "D210"
    assert "--time 'year' --time 'month' --time 'day' --time 'hour'" in str(error.hint)


@pytest.mark.parametrize(
    ("cell", "rule", "words"),
    [("", "D405", "time is missing"), ("25", "D403", "does not exist"), ("x", "D406", "2023 2 28 x")],
)
def test_a_wrong_part_is_an_error_with_its_line(cell: str, rule: str, words: str) -> None:
    lines = PARTS.splitlines()
    lines[10] = f"2023,2,28,{cell},9"
    error = refusal("\n".join(lines), time=("year", "month", "day", "hour"))
    assert error.rule == rule
    assert "line 11, column 'year + month + day + hour'" in error.message
    assert words in f"{error.message} {error.hint}"


def test_none_ignores_the_times() -> None:
    table = read(DATE_AND_CLOCK, time=("none",))
    assert table.time_columns == ()
    assert table.times.tolist() == list(range(60))
    assert not table.findings


def test_a_format_finds_its_column() -> None:
    text = csv_of("id,when", lambda hour: ("a", f"{hour:%y%m%d-%H}"))
    table = read(text, text=TextSettings(time_format="%y%m%d-%H"))
    assert table.time_columns == ("when",)
    assert table.times.tolist() == EXPECTED.tolist()
    assert refusal(text, text=TextSettings(time_format="%d.%m.%y")).rule == "D414"


@pytest.mark.parametrize(
    ("options", "flag"),
    [
        ({"time_format": "int"}, "--time-format"),
        ({"time_format": "int", "time": ("a", "b")}, "--time-format"),
        ({"time": ("none",), "dayfirst": True}, "--dayfirst"),
        ({"time": ("none",), "time_format": "%Y"}, "--time-format"),
        ({"time_format": "%Y", "dayfirst": False}, "--monthfirst"),
    ],
)
def test_flags_that_contradict_each_other_are_usage_errors(options: dict[str, Any], flag: str) -> None:
    with pytest.raises(UsageError) as caught:
        PrepareConfig(**options)
    assert caught.value.flag == flag


def test_parquet_holds_dates_clocks_and_parts(tmp_path: Path) -> None:
    columns = {
        "date": pa.array([hour.date() for hour in HOURS]),
        "clock": pa.array([hour.time() for hour in HOURS], pa.time64("us")),
        "year": pa.array([hour.year for hour in HOURS]),
        "month": pa.array([hour.month for hour in HOURS], pa.int8()),
        "day": pa.array([hour.day for hour in HOURS]),
        "hour": pa.array([hour.hour for hour in HOURS]),
        "t": pa.array(range(7, 67)),
        "y": pa.array(range(60)),
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    for time in (("date", "clock"), ("year", "month", "day", "hour")):
        table = read_table(str(tmp_path / "a.parquet"), targets=("y",), time=time)
        assert table.times.tolist() == EXPECTED.tolist()
    table = read_table(str(tmp_path / "a.parquet"), targets=("y",), time=("t",))
    assert table.times.tolist() == list(range(7, 67))


def days(count: int) -> list[date]:
    return [date(2021, 1, 1) + timedelta(row) for row in range(count)]


TIMES: dict[str, tuple[str, dict[str, Any], list[str], list[str]]] = {
    "parts": (
        "year,month,day,y\n"
        + "".join(f"{day.year},{day.month},{day.day},{row}\n" for row, day in enumerate(days(60))),
        {"time": ("day", "month", "year")},
        ["2021,3,2", "2021,3,3"],
        ['"year": 2021, "month": 3, "day": 2', '"year": 2021, "month": 3, "day": 3'],
    ),
    "codes": (
        "when,y\n" + "".join(f"{day:%d.%m.%y},{row}\n" for row, day in enumerate(days(60))),
        {"time_format": "%d.%m.%y"},
        ["02.03.21", "03.03.21"],
        ['"when": "02.03.21"', '"when": "03.03.21"'],
    ),
    "names": (
        "when,y\n" + "".join(f'"{day:%b %d, %Y}",{row}\n' for row, day in enumerate(days(60))),
        {},
        ['"Mar 02, 2021"', '"Mar 03, 2021"'],
        ['"when": "Mar 02, 2021"', '"when": "Mar 03, 2021"'],
    ),
    "order": (
        "when,y\n" + "".join(f"01/{row % 12 + 1:02d}/{1990 + row // 12},{row}\n" for row in range(60)),
        {"dayfirst": True},
        ["01/01/1995", "01/02/1995"],
        ['"when": "01/01/1995"', '"when": "01/02/1995"'],
    ),
    "numbers": (
        "t,y\n" + "".join(f"{5 * row - 10},{row}\n" for row in range(60)),
        {"time": ("t",)},
        ["290", "295"],
        ['"t": 290', '"t": 295'],
    ),
    "none": (
        "when,y\n" + "".join(f"{day},{row}\n" for row, day in enumerate(days(60))),
        {"time": ("none",)},
        ["61", "62"],
        ['"row": "61"', '"row": "62"'],
    ),
}


@pytest.mark.parametrize("name", list(TIMES))
def test_a_forecast_of_new_data_has_the_form_of_the_file(name: str, tmp_path: Path) -> None:
    text, options, rows, objects = TIMES[name]
    (tmp_path / "a.csv").write_text(text)
    model = model_of(tmp_path / "a.csv", **options)
    dataset = load_dataset(open_run(tmp_path / "a"))
    # Few rows: they do not show the order of day and month, or the width of numbers.
    header, *lines = text.splitlines()
    (tmp_path / "new.csv").write_text("\n".join([header, *lines[-8:]]) + "\n")
    new = read_new_data(str(tmp_path / "new.csv"), model, text=TextSettings(), stdin=None).dataset
    for data in (dataset, new) if name != "none" else (dataset,):
        forecast = Forecast(
            schema=data.schema,
            names=data.series.names,
            times_us=forecast_times(data.schema, data.series, 2),
            values=np.zeros((1, 2, 1)),
            quantiles=np.zeros((0, 1, 2, 1)),
        )
        assert encode_forecast(forecast, "csv").decode().splitlines()[1:] == [f"{row},0" for row in rows]
        written = encode_forecast(forecast, "json").decode()
        assert [
            line.rstrip(",").removesuffix(', "y": 0}').lstrip("{") for line in written.splitlines()[1:-1]
        ] == objects
        json.loads(written)
        columns = pq.read_table(io.BytesIO(encode_forecast(forecast, "parquet"))).to_pydict()
        assert list(columns) == [*forecast.time_columns, "y"]
    if name == "numbers":
        assert columns["t"] == [290, 295]
    if name == "parts":
        assert columns["year"] == [2021, 2021]


def model_of(source: Path, **options: Any) -> ModelSchema:
    """Return the schema of a run that is prepared from a file."""
    config = PrepareConfig(target=("y",), horizon=2, lookback=5, season="none", **options)
    run = source.with_suffix("")
    prepare([str(source)], run, config, ignore_events)
    dataset = load_dataset(open_run(run))
    known: dict[str, Any] = {
        part: getattr(dataset, part) for part in ("schema", "series", "scaler", "training")
    }
    return ModelSchema(rows_read=5, **known)


def test_flags_of_predict_win_over_those_of_the_run(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "when,y\n" + "".join(f"{day:%d/%m/%Y},{row}\n" for row, day in enumerate(days(60)))
    )
    model = model_of(tmp_path / "a.csv", time_format="%d/%m/%Y")
    new = tmp_path / "new.csv"
    new.write_text("when,y\n" + "".join(f"{day:%m/%d/%Y},{row}\n" for row, day in enumerate(days(12))))
    dataset = read_new_data(str(new), model, text=TextSettings(dayfirst=False), stdin=None).dataset
    assert dataset.series.origin_us.tolist() == [np.datetime64("2021-01-01", "us").astype(np.int64)]
    with pytest.raises(DataError, match=r"line 3.*'01/02/2021'|wrong frequency"):
        read_new_data(str(new), model, text=TextSettings(), stdin=None)
