"""Tests of wide files, read as long tables."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_cli.config import PrepareConfig
from lstm_cli.config.text import TextSettings
from lstm_cli.data.quality.profile import profile_files
from lstm_cli.data.reading.table import Table, read_configured_table, read_table
from lstm_cli.data.reading.wide.layout import WideRequest
from lstm_cli.data.times.formats import format_times
from lstm_cli.errors import DataError, UsageError

DAYS = [f"2023-01-{day:02d}" for day in range(1, 8)]
DATED = "Province,Country,Lat,2023-01-01,2023-01-02,2023-01-03\n,A,0.5,1,2,3\nP,B,1.5,4,,6\nQ,B,2.5,7,8,9\n"
COLUMNS = "date,A,B,note\n2023-01-01,1,4,x\n2023-01-02,2,,y\n2023-01-03,3,6,z\n"
SHOPS = "shop,date,A,B\ns/1,2023-01-01,1,4\ns/1,2023-01-02,2,5\nk,2023-01-01,7,8\n"


def read(text: str, /, *series: str, time: tuple[str, ...] = (), **options) -> Table:
    wide = WideRequest(series=series, time=time)
    return read_table("-", stdin=io.BytesIO(text.encode()), wide=wide, **options)


def refusal(text: str, /, *series: str, **options) -> DataError:
    with pytest.raises(DataError) as caught:
        read(text, *series, **options)
    return caught.value


def rows(table: Table) -> set[tuple[str, str, float | None, int]]:
    """Return the series, time, value and line of each row."""
    values = [None if np.isnan(value) else value for value in table.values[:, 0].tolist()]
    names = [table.series_names[code] for code in table.series.tolist()]
    times = format_times(table.times, table.time_format)
    return set(zip(names, times, values, table.lines.tolist(), strict=True))


def rules(table: Table) -> list[str]:
    return [finding.rule for finding in table.findings]


def test_times_in_the_header_make_rows_series():
    table = read(DATED, "Province", "Country")
    assert rows(table) == {
        ("/A", "2023-01-01", 1, 2),
        ("/A", "2023-01-02", 2, 2),
        ("/A", "2023-01-03", 3, 2),
        ("P/B", "2023-01-01", 4, 3),
        ("P/B", "2023-01-02", None, 3),
        ("P/B", "2023-01-03", 6, 3),
        ("Q/B", "2023-01-01", 7, 4),
        ("Q/B", "2023-01-02", 8, 4),
        ("Q/B", "2023-01-03", 9, 4),
    }
    assert (table.series_columns, table.time_columns, table.targets) == (
        ("Province", "Country"),
        ("time",),
        ("value",),
    )
    assert rules(table) == ["D225", "D220"]
    assert "1 column ignored, not named by a time: 'Lat'" in table.findings[0].text


def test_columns_are_series_if_a_column_has_the_times():
    table = read(COLUMNS)
    assert rows(table) == {
        ("A", "2023-01-01", 1, 2),
        ("A", "2023-01-02", 2, 3),
        ("A", "2023-01-03", 3, 4),
        ("B", "2023-01-01", 4, 2),
        ("B", "2023-01-02", None, 3),
        ("B", "2023-01-03", 6, 4),
    }
    assert (table.series_columns, table.time_columns, table.targets) == (("series",), ("date",), ("value",))
    assert rules(table) == ["D225"]
    assert "1 column ignored, not numeric: 'note'" in table.findings[0].text


def test_series_columns_become_a_part_of_the_name():
    table = read(SHOPS, "shop")
    assert rows(table) == {
        ('"s/1"/A', "2023-01-01", 1, 2),
        ('"s/1"/A', "2023-01-02", 2, 3),
        ('"s/1"/B', "2023-01-01", 4, 2),
        ('"s/1"/B', "2023-01-02", 5, 3),
        ("k/A", "2023-01-01", 7, 4),
        ("k/B", "2023-01-01", 8, 4),
    }
    assert (table.series_columns, rules(table)) == (("shop", "series"), [])


def test_the_only_column_of_text_names_the_rows():
    table = read("city,2023-01-01,2023-01-02\nx,1,2\ny,3,4\n")
    assert (table.series_columns, table.series_names, rules(table)) == (("city",), ("x", "y"), ["D223"])


@pytest.mark.parametrize(
    "text",
    [
        "2023-01-01,2023-01-02,n\n1,2,5\n3,4,6\n",
        "a,b,2023-01-01,2023-01-02,2023-01-03\nx,y,1,2,3\nx,z,3,4,5\n",
    ],
)
def test_rows_without_one_column_of_names_are_numbered(text: str):
    table = read(text)
    assert (table.series_columns, table.series_names) == (("series",), ("1", "2"))
    assert rules(table)[0] == "D224"


def test_years_in_the_header_are_times_unless_a_column_has_times():
    table = read("Country,Code,1999,2000,2001\nX,x,1,2,3\nY,y,4,5,6\n", "Country")
    assert {(name, time) for name, time, _, _ in rows(table)} == {
        (name, str(year)) for name in "XY" for year in (1999, 2000, 2001)
    }
    shops = read("date,2001,2002\n2023-01-01,1,2\n2023-01-02,3,4\n")
    assert (shops.series_names, shops.time_columns) == (("2001", "2002"), ("date",))


def test_a_named_time_column_makes_columns_series():
    table = read("when,2020,2021\n2000,1,2\n2001,3,4\n", time=("when",))
    assert (table.series_names, table.time_columns) == (("2020", "2021"), ("when",))


def test_without_times_rows_are_steps():
    table = read("A,B\n1,4\n2,5\n")
    assert (table.series_names, table.time_columns, table.series_columns) == (("A", "B"), (), ("series",))
    assert table.values[:, 0].tolist() == [1, 2, 4, 5]
    assert "D204" in rules(table)


def test_an_empty_first_name_is_the_index_of_pandas():
    table = read(",2023-01-01,2023-01-02,2023-01-03\nx,1,2,3\ny,4,5,6\n")
    assert (table.series_columns, table.series_names) == (("column 1",), ("x", "y"))


def test_names_that_the_file_has_are_not_used_twice():
    table = read("value,time,2023-01-01,2023-01-02,2023-01-03\na,b,1,2,3\n", "value", "time")
    assert (table.series_columns, table.time_columns, table.targets) == (
        ("value", "time"),
        ("time_",),
        ("value_",),
    )


@pytest.mark.parametrize(
    ("text", "series", "error"),
    [
        (
            DATED.replace(",4,,6", ",4,x,6"),
            ("Province", "Country"),
            "line 3, column '2023-01-02': 'x' is not",
        ),
        (COLUMNS.replace("2,,y", "2,-inf,y"), (), "line 3, column 'B': '-inf'"),
        (COLUMNS.replace("2023-01-02", "2023-02-30"), (), "line 3, column 'date': '2023-02-30' is a date or"),
        (
            DATED.replace("2023-01-02", "2023-02-30"),
            ("Province", "Country"),
            "line 1, column 'time': '2023-02-30'",
        ),
        (
            DATED.replace("2023-01-02", "2023-01-01"),
            ("Province", "Country"),
            "2 columns are named '2023-01-01'",
        ),
        (COLUMNS.replace("note", "A"), (), "2 columns are named 'A'"),
        (
            COLUMNS.replace("1,4", '"1,200",4').replace("2,,", '"1,300",,'),
            (),
            "line 2, column 'A': '1,200' is not",
        ),
        (DATED, ("Land",), "column 'Land' (--series) not found"),
        ("a,b\nx,y\nz,w\n", (), "no column has numbers, and the header has no times"),
    ],
)
def test_errors_name_the_line_and_the_column_of_the_file(text, series, error):
    result = refusal(text, *series)
    assert error in result.message
    assert "--target" not in result.hint


def test_the_hint_for_equal_names_is_the_missing_series_column():
    table = read(DATED, "Country")
    assert table.series_hint.startswith("use --series Country --series Province, ")
    assert read(DATED, "Province", "Country").series_hint == ""
    assert read(SHOPS).series_hint.startswith("use --series shop, ")


@pytest.mark.parametrize("series", [(), ("Country",)])
def test_a_wide_file_without_the_flag_is_refused_with_the_flags_that_read_it(
    series: tuple[str, ...], tmp_path: Path
):
    path = tmp_path / "wide.csv"
    path.write_text(DATED)
    with pytest.raises(DataError, match="3 of 6 columns have a time as their name") as caught:
        read_table(str(path), series=series)
    flags = caught.value.hint.split()
    assert flags[:2] == ["add", "--wide"]
    named = tuple(flags[3::2])
    assert set(named) == {"Province", "Country"}
    table = read_configured_table(str(path), PrepareConfig(wide=True, series=named))
    assert len(table.series_names) == 3


@pytest.mark.parametrize(
    ("header", "flag"),
    [
        ("1/22/20,1/23/20,1/24/20", "--time-format %m/%d/%y"),
        ("22.01.20,23.01.20,24.01.20", "--time-format %d.%m.%y"),
        ("1/2/20,1/3/20,1/4/20", ""),
    ],
)
def test_years_of_two_digits_need_their_format(header: str, flag: str):
    with pytest.raises(DataError) as caught:
        read_table("-", stdin=io.BytesIO(f"k,{header}\nA,1,2,3\nB,4,5,6\n".encode()))
    assert caught.value.hint == f"add --wide --series k {flag}".strip()


def test_other_roles_are_usage_errors():
    for role in ("target", "past", "future"):
        with pytest.raises(UsageError, match=f"--{role} cannot be used with --wide"):
            PrepareConfig(wide=True, **{role: ("a",)})


def test_several_files_are_one_data_set(tmp_path: Path):
    later = DATED.replace("2023-01-0", "2023-01-1").splitlines()
    (tmp_path / "a.csv").write_text(DATED)
    (tmp_path / "b.csv").write_text("\n".join(later) + "\n")
    paths = [str(tmp_path / name) for name in ("a.csv", "b.csv")]
    table = read_table(paths, wide=WideRequest(series=("Province", "Country")))
    assert len(table.values) == 18
    assert table.files is not None
    assert {table.files.find(line)[0] for line in table.lines.tolist()} == set(paths)
    assert {time for name, time, _, _ in rows(table) if name == "/A"} == {
        *DAYS[:3],
        "2023-01-11",
        "2023-01-12",
        "2023-01-13",
    }


@pytest.mark.parametrize(
    ("text", "series"), [(DATED, ("Province", "Country")), (COLUMNS, ()), (SHOPS, ("shop",))]
)
def test_parquet_reads_as_text_does(text: str, series: tuple[str, ...], tmp_path: Path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    names, *cells = csv.reader(text.splitlines())
    columns = {}
    for name, column in zip(names, zip(*cells, strict=True), strict=True):
        numeric = name not in ("Province", "Country", "shop", "date", "note")
        columns[name] = pyarrow.array(
            [float(cell) if cell else None for cell in column] if numeric else column
        )
    parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    table = read_table(str(tmp_path / "a.parquet"), wide=WideRequest(series=series))
    expected = {(name, time, value, line - 1) for name, time, value, line in rows(read(text, *series))}
    assert rows(table) == expected


def test_large_files_read_as_small_ones_do(monkeypatch: pytest.MonkeyPatch):
    names = [f"s{number}" for number in range(9)]
    text = "".join(f"{name},{row},{row + 0.5},{row * 2}\n" for row, name in enumerate(names * 30))
    for header, series in ((f"k,{','.join(DAYS[:3])}", ("k",)), ("k,a,b,c", ("k",))):
        small = read(f"{header}\n{text}", *series)
        with monkeypatch.context() as patch:
            patch.setattr("lstm_cli.data.reading.csv_fast.BULK_MIN_BYTES", 100)
            patch.setattr("lstm_cli.data.reading.csv_fast.HEAD_BYTES", 100)
            patch.setattr("lstm_cli.data.reading.csv_fast.BLOCK_BYTES", 500)
            patch.setattr("lstm_cli.data.reading.csv_rows.BATCH_CELLS", 20)
            large = read(f"{header}\n{text}", *series)
        assert len(large.values) == len(small.values) == 270 * 3
        for table in (small, large):
            assert len(set(table.series_names)) == len(table.series_names) == (9 if header[2] == "2" else 27)
        keys = [
            sorted(
                zip(
                    [table.series_names[code] for code in table.series.tolist()],
                    table.values[:, 0].tolist(),
                    table.lines.tolist(),
                    strict=True,
                )
            )
            for table in (small, large)
        ]
        assert keys[0] == keys[1]


@settings(max_examples=40)
@given(
    st.lists(
        st.lists(st.one_of(st.none(), st.integers(-99, 99)), min_size=3, max_size=3), min_size=1, max_size=5
    ).filter(lambda values: any(cell is not None for row in values for cell in row))
)
def test_both_layouts_read_as_the_long_file(values: list[list[int | None]]):
    names = [f"s{number}" for number in range(len(values))]
    text = [["" if cell is None else str(cell) for cell in row] for row in values]
    dated = "\n".join(
        [",".join(["k", *DAYS[:3]]), *(",".join([n, *row]) for n, row in zip(names, text, strict=True))]
    )
    turned = [",".join([day, *column]) for day, column in zip(DAYS, zip(*text, strict=True), strict=False)]
    columns = "\n".join([",".join(["date", *names]), *turned])
    cells = {
        (name, day, value)
        for name, row in zip(names, values, strict=True)
        for day, value in zip(DAYS, row, strict=False)
        if value is not None
    }
    for table in (read(dated, "k"), read(columns)):
        assert {row[:3] for row in rows(table) if row[2] is not None} == cells


def test_the_format_of_times_also_reads_the_header():
    text = "k,1/22/20,1/23/20,1/24/20\nA,1,2,3\nB,4,5,6\n"
    table = read(text, "k", text=TextSettings(time_format="%m/%d/%y"))
    assert {time for _, time, _, _ in rows(table)} == {"1/22/20", "1/23/20", "1/24/20"}
    assert table.times.min() == np.datetime64("2020-01-22", "us").astype(np.int64)


def test_the_hint_for_short_years_reads_the_file():
    text = "k,1/22/20,1/23/20,1/24/20\nA,1,2,3\nB,4,5,6\n"
    with pytest.raises(DataError) as caught:
        read_table("-", stdin=io.BytesIO(text.encode()))
    flags = caught.value.hint.split()
    table = read(text, flags[3], text=TextSettings(time_format=flags[5]))
    assert table.series_names == ("A", "B")


def test_rows_are_steps_with_time_none_and_no_warning():
    table = read(COLUMNS, time=("none",))
    assert (table.time_columns, table.series_names) == ((), ("A", "B"))
    assert rules(table) == ["D225"]
    assert "'date', 'note'" in table.findings[0].text


def test_without_times_the_warning_comes_once():
    assert rules(read("A,B\n1,4\n2,5\n")) == ["D204"]


def test_whole_numbers_count_steps():
    table = read("step,A,B\n7,1,2\n8,3,4\n9,5,6\n", time=("step",))
    assert {row[:3] for row in rows(table)} == {
        *{("A", "7", 1), ("A", "8", 3), ("A", "9", 5)},
        *{("B", "7", 2), ("B", "8", 4), ("B", "9", 6)},
    }
    header = read("k,1,2,3\nA,1,2,3\nB,4,5,6\n", text=TextSettings(time_format="int"))
    assert {row[1] for row in rows(header)} == {"1", "2", "3"}


def test_joined_time_columns():
    table = read("date,hour,A,B\n2023-01-01,0,1,2\n2023-01-01,1,3,4\n", time=("date", "hour"))
    assert table.time_columns == ("date", "hour")
    assert table.series_names == ("A", "B")
    assert np.unique(np.diff(np.sort(np.unique(table.times)))).tolist() == [3_600_000_000]


@pytest.mark.parametrize("dated", [True, False])
def test_the_format_of_numbers(dated: bool, tmp_path: Path):
    text = (
        "k;2023-01-01;2023-01-02\nA;1.234,5;?\nB;2;3\n"
        if dated
        else "date;A;B\n2023-01-01;1.234,5;2\n2023-01-02;?;3\n"
    )
    settings_of_text = TextSettings(decimal=",", thousands=".", na_value=("?",))
    table = read(text, text=settings_of_text)
    assert {row[:3] for row in rows(table)} == {
        *{("A", "2023-01-01", 1234.5), ("A", "2023-01-02", None)},
        *{("B", "2023-01-01", 2), ("B", "2023-01-02", 3)},
    }
    (tmp_path / "wide.csv").write_text(text)
    profile = profile_files(str(tmp_path / "wide.csv"), wide=WideRequest(), text=settings_of_text)
    value = profile.columns[-1]
    assert (value.name, value.min_value, value.max_value, value.missing) == ("value", 2, 1234.5, 1)


@pytest.mark.parametrize("form", ["{0} [YR{0}]", "X{0}", "X{0}..YR{0}.", "YR{0}"])
def test_years_with_marks_around_them_are_times(form: str):
    years = ",".join(form.format(year) for year in range(2000, 2005))
    text = f"country,code,{years}\nA,a,1,2,3,4,5\nB,b,6,7,8,9,10\n"
    table = read(text, "country")
    assert rows(table) == rows(read(text.replace(years, "2000,2001,2002,2003,2004"), "country"))
    assert table.values[:, 0].tolist() == list(range(1, 11))


def test_all_times_of_the_header_have_one_unit():
    text = "country,2000,2001\nA,$1,$2\nB,$3,€4\n"
    assert refusal(text, "country", text=TextSettings(units=True)).rule == "D318"
    assert read(text.replace("€", "$"), "country", text=TextSettings(units=True)).units == {"value": "$"}
