"""Tests of times that are whole numbers, and of the columns that --time none ignores."""

import io
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lstm_cli.config import PrepareConfig
from lstm_cli.config.text import GridSettings, TextSettings
from lstm_cli.data.frequency.step import parse_freq
from lstm_cli.data.grid.local_times import localize
from lstm_cli.data.grid.regular_grid import to_regular_grid
from lstm_cli.data.reading.table import Table, read_table
from lstm_cli.errors import DataError, UsageError
from lstm_cli.findings import finding_texts


def read(header: str, *rows: str, **options: Any) -> Table:
    content = "\n".join((header, *rows)) + "\n"
    return read_table("-", stdin=io.BytesIO(content.encode()), **options)


def refusal(header: str, *rows: str, **options: Any) -> DataError:
    with pytest.raises(DataError) as caught:
        read(header, *rows, **options)
    assert caught.value.hint
    return caught.value


STEPS = tuple(f"{row},{row % 5}" for row in range(30))


def test_whole_numbers_have_no_time_zone() -> None:
    table = read("step,v", *STEPS, time=("step",))
    with pytest.raises(DataError, match="have no time zone") as caught:
        localize(table, GridSettings(tz="Europe/Berlin"))
    assert caught.value.rule == "D415"


@pytest.mark.parametrize("number", [2**63, 2**64 - 1])
def test_a_number_that_does_not_fit_64_bits_is_refused(number: int, tmp_path: Path) -> None:
    path = tmp_path / "d.parquet"
    times = pa.array([number - 2, number - 1, number], pa.uint64())
    pq.write_table(pa.table({"t": times, "v": [1.0, 2.0, 3.0]}), path)
    with pytest.raises(DataError) as caught:
        read_table(str(path), time=("t",))
    assert str(number if number == 2**63 else number - 2) in str(caught.value)
    assert refusal("t,v", f"{2**63 - 1},1", f"{2**63},2", time=("t",)).rule == "D416"


@pytest.mark.parametrize("targets", [(), ("*",)])
def test_none_leaves_a_column_of_times_out_of_the_targets(targets: tuple[str, ...]) -> None:
    table = read("year,v", *(f"{1990 + row},{row % 5}" for row in range(30)), time=("none",), targets=targets)
    assert table.targets == ("v",)
    assert [finding.rule for finding in table.findings] == ["D214"]
    assert "'year'" in finding_texts(table.findings)[0]
    rows = (f"2021,{1 + row // 28},{1 + row % 28},{row}" for row in range(60))
    assert read("year,month,day,v", *rows, time=("none",), targets=targets).targets == ("v",)


def test_none_keeps_named_targets_and_the_only_column() -> None:
    rows = [f"{1990 + row},{row % 5}" for row in range(30)]
    assert read("year,v", *rows, time=("none",), targets=("year",)).targets == ("year",)
    assert read("year", *(row[:4] for row in rows), time=("none",)).targets == ("year",)


@pytest.mark.parametrize(
    ("settings", "flag"),
    [
        ({"tz": "Europe/Berlin"}, "--tz"),
        ({"freq": "D"}, "--freq"),
        ({"freq": "D", "resample": "mean"}, "--freq"),
        ({"gaps": "skip"}, "--gaps"),
        ({"test": "2021-03-01"}, "--test"),
        ({"val": "2021-03-01"}, "--val"),
        ({"dayfirst": False}, "--monthfirst"),
    ],
)
def test_flags_of_times_cannot_be_used_without_times(settings: dict[str, Any], flag: str) -> None:
    with pytest.raises(UsageError, match="--time none") as caught:
        PrepareConfig(horizon=2, time=("none",), **settings)
    assert caught.value.flag == flag


@pytest.mark.parametrize(
    ("cell", "options"),
    [
        ("{row}.0", {}),
        ("{row}.000", {}),
        ("-{row}.0", {}),
        ('"{large:,}"', {"thousands": ","}),
        ("{row}.0", {"time_format": "int"}),
    ],
)
def test_whole_numbers_with_decimals_or_marks_are_read(cell: str, options: dict[str, Any]) -> None:
    rows = [cell.format(row=row, large=990 + row) + f",{row % 5}" for row in range(30)]
    table = read("step,v", *rows, time=("step",), text=TextSettings(**options))
    first = 990 if "thousands" in options else 0
    sign = -1 if cell.startswith("-") else 1
    assert table.times.tolist() == [first + sign * row for row in range(30)]
    assert table.time_format.is_integer


def test_years_and_days_with_decimals_are_found() -> None:
    years = read("year,v", *(f"{1990 + row}.0,{row % 5}" for row in range(30)))
    assert years.time_format.pattern == "%Y"
    days = read("date,v", *(f"202101{row:02d}.0,{row % 5}" for row in range(1, 30)))
    assert days.time_format.pattern == "%Y%m%d"


@pytest.mark.parametrize(
    ("cell", "rule"), [("", "D405"), ("1.5", "D406"), ("x", "D406"), ("2021-01-01", "D406")]
)
@pytest.mark.parametrize("start", [0, 990])
def test_a_wrong_cell_among_whole_numbers_is_named_with_its_line(cell: str, rule: str, start: int) -> None:
    rows = [f"{start + row},{row % 5}" for row in range(30)]
    rows[20] = f"{cell},3"
    error = refusal("step,v", *rows, time=("step",))
    assert "line 22" in error.message
    assert cell in error.message
    assert error.rule == rule


def test_marks_of_thousands_are_named_with_their_flag() -> None:
    rows = (f'"{990 + row:,}",{row % 5}' for row in range(30))
    assert refusal("step,v", *rows, time=("step",)).hint == "use --thousands ,"


@pytest.mark.parametrize("text", ["1.5", "0", "-1", "0.0"])
def test_a_frequency_of_whole_numbers_is_a_whole_number(text: str) -> None:
    with pytest.raises(UsageError, match="whole number of at least 1"):
        parse_freq(text)


def test_the_hint_about_missing_whole_numbers_is_a_number() -> None:
    rows = (f"{row * 10 + (row > 20) * 3000},{row % 5}" for row in range(40))
    table = read("step,v", *rows, time=("step",))
    with pytest.raises(DataError, match="too many missing rows") as caught:
        to_regular_grid(table, GridSettings())
    assert re.search(r"--freq \d+ --resample mean", str(caught.value.hint))


@pytest.mark.parametrize(
    ("cells", "count"), [("{row}", 1), ("2021-01-{row:02d}", 1), ("{row:02d}/01/2021", 0)]
)
@pytest.mark.parametrize("day_first", [True, False])
def test_an_order_without_effect_is_a_warning(cells: str, count: int, *, day_first: bool) -> None:
    rows = [f"{cells.format(row=row)},{row % 5}" for row in range(1, 13)]
    table = read("t,v", *rows, time=("t",), text=TextSettings(dayfirst=day_first))
    assert [finding.rule for finding in table.findings] == ["D418"] * count


@pytest.mark.parametrize(
    ("first", "words"),
    [(2022003, "--time-format %Y%j"), (44564, "in the spreadsheet, and save the file again")],
)
def test_the_hint_about_other_dates_in_numbers_says_how_to_read_them(first: int, words: str) -> None:
    rows = [f"{first + row},{row % 5}.5" for row in range(30)]
    error = refusal("date,v", *rows)
    assert error.rule == "D209"
    assert words in str(error.hint)
    assert "--time 'date' --time-format int" in str(error.hint)
    assert words in str(refusal("date,v", *rows, time=("date",)).hint)
    steps = read("date,v", *rows, time=("date",), text=TextSettings(time_format="int"))
    assert steps.times[0] == first
