"""Tests of reading a data file as a table."""

import csv
import gzip
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_cli.config.text import TextSettings
from lstm_cli.data.reading.table import Table, read_table
from lstm_cli.data.spreadsheet_safety import escape_formula, unescape_formula
from lstm_cli.data.times.formats import TimeFormat, format_times
from lstm_cli.errors import DataError
from lstm_cli.findings import finding_texts

DAYS = [f"2020-01-{day:02d}" for day in range(1, 31)]
ETTH1 = Path(__file__).parents[3] / "sample_data" / "ETTh1.csv"


def read(text: str | bytes, /, **options) -> Table:
    return read_table("-", stdin=io.BytesIO(text.encode() if isinstance(text, str) else text), **options)


def refusal(text: str | bytes, /, **options) -> DataError:
    with pytest.raises(DataError) as caught:
        read(text, **options)
    assert caught.value.hint
    return caught.value


def dated(*columns: str, rows: int = 4) -> str:
    """Return a CSV of days with columns of 0.5, 1.5 and so on."""
    lines = [",".join(("date", *columns))]
    lines += [",".join((DAYS[row], *(str(row + 0.5) for _ in columns))) for row in range(rows)]
    return "\n".join(lines) + "\n"


def two_columns(header: str, *cells: str) -> str:
    """Return a CSV of two columns: cells, and the numbers 1, 2, … in column 'y'."""
    return f"{header},y\n" + "".join(f"{cell},{row}\n" for row, cell in enumerate(cells, start=1))


def test_the_defaults_are_the_time_column_and_the_only_number():
    table = read("place,date,load\nA,2020-01-01,1.5\nB,2020-01-02,NA\n")
    assert (table.time_name, table.targets, table.series_name) == ("date", ("load",), None)
    assert table.columns == ("load",)
    assert table.values[:, 0].tolist()[0] == 1.5
    assert np.isnan(table.values[1, 0])
    assert format_times(table.times, table.time_format) == ["2020-01-01", "2020-01-02"]
    assert (table.lines.tolist(), table.lines.dtype, table.series.dtype) == ([2, 3], np.int64, np.int32)
    assert (table.series_names, finding_texts(table.findings), table.delimiter) == (("",), (), ",")


def test_named_columns_come_in_the_order_of_their_roles():
    table = read(dated("a", "b", "c", "d"), targets=["c"], past=["d"], future=["a"])
    assert table.columns == ("c", "d", "a")
    assert (table.targets, table.past, table.future) == (("c",), ("d",), ("a",))
    assert table.values.shape == (4, 3)


def test_the_only_number_that_has_no_other_role_is_the_target():
    assert read(dated("temp", "load"), past=["temp"]).targets == ("load",)


def test_several_numbers_must_be_chosen_from():
    error = refusal(dated("load", "temp"))
    assert "'load', 'temp'" in error.message
    assert "--target" in error.hint


@pytest.mark.parametrize(
    ("options", "flag"),
    [
        ({"targets": ["Lod"]}, "--target"),
        ({"targets": ["load"], "past": ["lod"]}, "--past"),
        ({"targets": ["load"], "time": ("LOAD",)}, "--time"),
        ({"targets": ["load"], "series": ("loads",)}, "--series"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(options, flag):
    error = refusal(dated("load", "temp"), **options)
    assert flag in error.message
    assert "'date', 'load', 'temp'" in error.message
    assert "'load'" in error.hint


def test_a_duplicate_name_is_refused_only_if_it_is_used():
    text = dated("load", "x", "x")
    assert read(text, targets=["load"]).columns == ("load",)
    assert "(3, 4)" in refusal(text, targets=["x"]).message
    assert "(1, 2)" in refusal("date,date,y\n2020-01-01,2020-01-01,5\n").message


def test_columns_without_a_name_are_named_by_their_number():
    assert read(",y\n2020-01-01,5\n2020-01-02,6\n").time_name == "column 1"
    assert read("date,\n2020-01-01,5\n", targets=["column 2"]).values.tolist() == [[5]]
    assert read("date,y,\n2020-01-01,5,\n2020-01-02,6,\n").targets == ("y",)


def test_a_formula_apostrophe_is_taken_off_names_and_series_only():
    table = read(
        "date,'=id,'-y,'z\n2020-01-01,'@a,5,1\n2020-01-01,'b,6,2\n",
        series=("=id",),
        targets=["-y"],
        past=["'z"],
    )
    assert table.series_names == ("@a", "'b")
    assert table.columns == ("-y", "'z")


def test_series_stay_text():
    table = read(
        "id,date,y\n007,2020-01-01,1\nNA,2020-01-01,2\n 007 ,2020-01-02,3\n7,2020-01-01,4\n", series=("id",)
    )
    assert table.series_names == ("007", "NA", "7")
    assert table.series.tolist() == [0, 1, 0, 2]
    assert (
        "line 3, column 'id'"
        in refusal("id,date,y\na,2020-01-01,1\n ,2020-01-01,2\n", series=("id",)).message
    )


def test_a_file_without_times_gets_unit_steps_with_a_warning():
    table = read("y\n5\n6\n7\n")
    assert (table.time_name, table.times.tolist(), table.time_format) == (None, [0, 1, 2], TimeFormat())
    assert len(finding_texts(table.findings)) == 1
    assert "--time" in finding_texts(table.findings)[0]


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        (two_columns("year", "2000", "2001", "2002"), "%Y"),
        (two_columns("k", "2000", "2001", "2002"), "%Y"),
        (two_columns("k", "20200130", "20200131", "20200201", "20200202"), "%Y%m%d"),
        (two_columns("k", "202001", "202002", "202003"), "%Y%m"),
        (two_columns("k", "1577836800", "1577840400", "1577844000"), "epoch-s"),
        (two_columns("k", "1577836800000", "1577840400000", "1577844000000"), "epoch-ms"),
        (two_columns("ts", "1577836800.0", "1577840400.0", "1577844001.0"), "epoch-s"),
    ],
)
def test_clear_times_of_digits_are_the_time_column_with_a_warning(text, pattern):
    table = read(text)
    assert (table.targets, table.time_format.pattern) == (("y",), pattern)
    assert len(finding_texts(table.findings)) == 1
    assert "--time" in finding_texts(table.findings)[0]


@pytest.mark.parametrize(
    "text",
    [
        two_columns("k", "1", "2", "3"),
        two_columns("hour", "0", "1", "2"),
        two_columns("k", "2000", "1950", "2010"),  # plausible years, in no order of times
        two_columns("k", "1900", "1950", "1990", "2100"),  # a meter
        two_columns("k", "20200130", "20200131", "20200132"),
    ],
)
def test_plain_numbers_are_not_times(text):
    table = read(text, targets=["y"])
    assert table.time_name is None
    assert len(finding_texts(table.findings)) == 1


def test_a_lone_column_of_plausible_years_is_the_target():
    assert read("y\n1900\n1901\n1902\n").targets == ("y",)


def test_years_of_a_panel_begin_again_in_each_series():
    text = "id,k,y\na,2000,1\na,2001,2\na,2002,3\nb,2000,4\nb,2001,5\n"
    assert read(text, series=("id",)).time_name == "k"
    assert read(text, series=("id",), targets=["y"]).values.shape == (5, 1)


def test_dates_come_before_digits_and_time_names():
    assert (
        read("year,day,date,y\n2020,Mon,2020-01-06,1\n2020,Tue,2020-01-07,2\n", targets=["y"]).time_name
        == "date"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (two_columns("date", *DAYS[:9], "yesterday"), "line 11, column 'date': 'yesterday'"),
        (two_columns("date", "2020-02-29", "2020-02-30"), "line 3, column 'date': '2020-02-30'"),
        (two_columns("date", *DAYS[:3], "", DAYS[4]), "line 5, column 'date': the time is missing"),
        (two_columns("year", "2000", "2001", "20x2"), "line 4, column 'year': '20x2'"),
        (two_columns("day", "20200131", "20200230", "20200301"), "line 3, column 'day': '20200230'"),
        (two_columns("k", "01/02/20", "02/02/20"), "two digits"),
        (two_columns("k", "1-Jan-2020", "30-Feb-2020"), "line 3, column 'k': '30-Feb-2020'"),
        (two_columns("time", "noon", "night"), "line 2, column 'time': 'noon'"),
        (two_columns("when", "00:00", "01:00"), "line 2, column 'when': '00:00'"),
    ],
)
def test_a_time_column_that_cannot_be_read_is_refused(text, words):
    assert words in refusal(text).message


def test_a_named_time_column_must_read_as_times():
    assert "line 2, column 'b'" in refusal(dated("a", "b"), targets=["a"], time=("b",)).message


@pytest.mark.parametrize("cell", ["12%", "1 kg", "1e999", "1,5"])
def test_a_wrong_number_is_refused_with_its_line_also_where_it_decides_the_target(cell):
    assert (
        "line 3, column 'y'" in refusal(f'date,y\n2020-01-01,1\n2020-01-02,"{cell}"\n2020-01-03,2\n').message
    )
    assert "line 2, column 'y'" in refusal(f'date,y\n2020-01-01,"{cell}"\n2020-01-02,"{cell}"\n').message


def test_a_header_of_data_is_refused_also_with_text_in_it():
    assert "header" in refusal("2020-01-01,A,5\n2020-01-02,A,6\n2020-01-03,A,7\n").message
    assert "header" in refusal("A,5.1\nB,5.2\nC,5.3\n").message


@pytest.mark.parametrize("text", ["date,y\n", "y\n\n", "date,y\n,\n,\n"])
def test_a_header_without_rows_is_refused(text):
    assert "no rows below" in refusal(text).message


def test_a_column_without_any_number_is_refused_unless_targets_are_to_come():
    text = "date,y,x\n2020-01-01,,1\n2020-01-02,NA,2\n"
    assert "'y' is empty" in refusal(text, targets=["y"]).message
    assert np.isnan(read(text, targets=["y"], future=["x"], unmeasured_targets_ok=True).values[:, 0]).all()
    assert "'y' is empty" in refusal(text, targets=["x"], past=["y"], unmeasured_targets_ok=True).message


def test_the_format_of_the_run_decides_days_and_months():
    text = two_columns("date", "01/02/2020", "02/02/2020")
    assert "ambiguous" in refusal(text).message
    assert read(text, time=("date",), like=TimeFormat(pattern="%d/%m/%Y")).time_format.pattern == "%d/%m/%Y"


def test_warnings_come_from_every_stage():
    table = read("k;y\n2000;5\n\n2001;-999\n2002;7\n2003;8\n;\n")
    expected = ("delimiter", "blank", "empty cells", "used as the time column", "-999")
    assert len(finding_texts(table.findings)) == len(expected)
    for word, warning in zip(expected, finding_texts(table.findings), strict=True):
        assert word in warning


@pytest.mark.parametrize("piece", [1, 3, 50_000])
def test_the_batch_size_does_not_change_the_table(piece, monkeypatch):
    monkeypatch.setattr("lstm_cli.data.reading.csv_rows.BATCH_ROWS", piece)
    lines = ["id,date,y,note"]
    lines += [f'{row % 3},{day}/01/2020,{row},"a\nb"' for row, day in enumerate(range(3, 30))]
    table = read("\n".join(lines), series=("id",), targets=["y"], time=("date",))
    assert table.values[:, 0].tolist() == list(range(27))
    assert table.lines.tolist() == list(range(2, 56, 2))
    assert table.series.tolist() == [row % 3 for row in range(27)]
    assert format_times(table.times[:1], table.time_format) == ["3/01/2020"]


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def tables(draw: st.DrawFn) -> np.ndarray:
    rows, columns = draw(st.integers(1, 12)), draw(st.integers(1, 4))
    cells = draw(st.lists(NUMBERS, min_size=rows * columns, max_size=rows * columns))
    return np.array(cells, dtype=np.float64).reshape(rows, columns)


@given(
    values=tables(),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    packed=st.booleans(),
)
def test_any_table_of_numbers_comes_back(values, delimiter, quoting, end, encoding, packed):
    names = [f"c{column}" for column in range(values.shape[1])]
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerow(["date", *names])
    writer.writerows([f"{1990 + row}-01-01", *map(repr, line)] for row, line in enumerate(values.tolist()))
    data = out.getvalue().encode(encoding)
    table = read(
        gzip.compress(data) if packed else data, targets=names, text=TextSettings(delimiter=delimiter)
    )
    np.testing.assert_array_equal(table.values.view(np.int64), values.view(np.int64))
    assert table.delimiter == delimiter


@given(st.data())
def test_any_bytes_are_a_table_or_refused(data):
    """Byte mutations of a good file end in a table or in a DataError, never in another exception."""
    text = bytearray(dated("y", "z", rows=9).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        text = text or bytearray(b"x")
    try:
        table = read(bytes(text), targets=["y"])
    except DataError:
        return
    assert table.values.shape == (len(table.lines), 1)
    assert not np.isinf(table.values).any()


def test_etth1_is_read_as_published():
    table = read_table(str(ETTH1), targets=["HUFL", "OT"])
    assert table.values.shape == (17_420, 2)
    assert table.values[0].tolist() == [5.827000141143799, 30.5310001373291]
    assert table.lines[-1] == 17_421
    with ETTH1.open() as file:
        rows = list(csv.DictReader(file))
    assert table.values.tolist() == [[float(row["HUFL"]), float(row["OT"])] for row in rows]
    assert format_times(table.times, table.time_format) == [row["date"] for row in rows]


def test_reading_a_csv_imports_nothing_heavy():
    code = (
        "import sys; from lstm_cli.data.reading.table import read_table; read_table(sys.argv[1], targets=['OT']);"
        "print([name for name in ('pandas', 'torch', 'sklearn', 'pyarrow') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(ETTH1)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


class TestParquet:
    """Tests of tables in Parquet files."""

    @staticmethod
    def packed(columns: dict, tmp_path: Path) -> str:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = tmp_path / "data.parquet"
        pq.write_table(pa.table(columns), path, row_group_size=2)
        return str(path)

    def test_types_become_numbers_times_and_text(self, tmp_path):
        import pyarrow as pa

        path = self.packed(
            {
                "when": pa.array([0, 3_600_000, 7_200_000], pa.timestamp("ms")),
                "id": pa.array([7, 8, 7]),
                "y": pa.array([1.5, None, float("nan")]),
                "n": pa.array([1, None, 3], pa.int32()),
                "dec": pa.array(["1.5", "2", None]),
            },
            tmp_path,
        )
        for source, stdin in ((path, None), ("-", io.BytesIO(Path(path).read_bytes()))):
            table = read_table(source, targets=["y", "n"], past=["dec"], series=("id",), stdin=stdin)
            np.testing.assert_array_equal(
                table.values, [[1.5, 1, 1.5], [np.nan, np.nan, 2], [np.nan, 3, np.nan]]
            )
            assert format_times(table.times, table.time_format) == [
                f"1970-01-01 0{hour}:00:00" for hour in range(3)
            ]
            assert (table.series_names, table.series.tolist()) == (("7", "8"), [0, 1, 0])
            assert (table.lines.tolist(), table.delimiter) == ([1, 2, 3], "")

    def test_zones_become_utc_and_dates_stay_dates(self, tmp_path):
        import datetime

        import pyarrow as pa

        zoned = self.packed(
            {"t": pa.array([0, 10**6], pa.timestamp("us", "Europe/Berlin")), "y": [1, 2]}, tmp_path
        )
        table = read_table(zoned)
        assert (table.times.tolist(), table.time_format.zone) == ([0, 10**6], "Z")
        dates = self.packed({"t": [datetime.date(2020, 1, day) for day in (1, 2)], "y": [1.0, 2.0]}, tmp_path)
        table = read_table(dates)
        assert format_times(table.times, table.time_format) == ["2020-01-01", "2020-01-02"]

    @pytest.mark.parametrize(
        ("columns", "words"),
        [
            ({"t": ["2020-01-01", "2020-01-02"], "y": [1.0, float("inf")]}, "row 2, column 'y'"),
            ({"t": ["2020-01-01", None], "y": [1.0, 2.0]}, "row 2, column 't': the time is missing"),
            ({"t": ["2020-01-01", "2020-01-02"], "y": [True, False]}, "row 1, column 'y': 'true'"),
            ({"t": ["2020-01-01", "2020-01-02"], "y": [[1.0], [2.0]]}, "column 'y'"),
            ({"t": ["2020-01-01", "2020-01-02"], "y": ["5%", "6%"]}, "row 1, column 'y': '5%'"),
        ],
    )
    def test_invalid_cells_are_refused_with_their_row(self, columns, words, tmp_path):
        with pytest.raises(DataError) as caught:
            read_table(self.packed(columns, tmp_path), targets=["y"], time=("t",))
        assert words in caught.value.message

    def test_corrupt_files_are_refused(self, tmp_path):
        path = Path(self.packed({"t": DAYS, "y": list(map(float, range(30)))}, tmp_path))
        data = path.read_bytes()
        for broken in (data[:-10], data[:100], b"PAR1", data[:20] + bytes(len(data) - 40) + data[-20:]):
            path.write_bytes(broken)
            with pytest.raises(DataError):
                read_table(str(path), targets=["y"])


@pytest.mark.parametrize("name", ["=a", "+a", "-1+2", "@a", "\t=a", "\ra", "a", "'a", "'=a"])
def test_text_written_for_a_spreadsheet_comes_back(name):
    written = escape_formula(name)
    assert written[:1] not in tuple("=+-@\t\r")
    assert unescape_formula(written) == (name if name != "'=a" else "=a")


@pytest.mark.parametrize("number", ["-1", "+2.5", "-1e3"])
def test_a_number_is_no_formula(number):
    assert escape_formula(number) == number
