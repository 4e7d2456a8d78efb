"""Tests of the fast reader: it gives the table or the error that the slow reader gives."""

import gzip
import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_cli.config.text import TextSettings
from lstm_cli.data.locations import CellLocation
from lstm_cli.data.reading import csv_fast
from lstm_cli.data.reading.table import Table, read_table
from lstm_cli.data.times.parse import scan_times
from lstm_cli.data.times.patterns import scan_fixed_width_times
from lstm_cli.errors import DataError

COLUMNS = {"targets": ["y"], "past": ["x"], "time": ("date",), "series": ("id",)}


@pytest.fixture(scope="module", autouse=True)
def small_limits() -> Iterator[None]:
    """Set small limits, so that a tiny file has a head of one row, small blocks and a short tail."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("HEAD_BYTES", 0), ("SAMPLE_ROWS", 0), ("BLOCK_BYTES", 40), ("TAIL_BYTES", 20)):
            patch.setattr(csv_fast, name, value)
        for module in ("csv_rows", "csv_fast"):
            patch.setattr(
                f"lstm_cli.data.reading.{module}.MAX_COMPARED", 1
            )  # lines compared with the last one
        patch.setattr("lstm_cli.data.reading.file_readers.SAMPLE_ROWS", 1)
        patch.setattr("lstm_cli.data.reading.source._BLOCK", 16)
        patch.setattr("lstm_cli.data.reading.source._HEAD", 16)
        patch.setattr(
            "lstm_cli.data.reading.csv_rows.BATCH_ROWS", 1
        )  # so that both readers find the same error first
        yield


def outcome(data: bytes, *, large: int, **options: object) -> object:
    """Return all fields of the table, or the message and the hint of the error."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_fast, "BULK_MIN_BYTES", large)
        try:
            table = read_table("-", stdin=io.BytesIO(data), **options)
        except DataError as error:
            return error.message, error.hint
    return {
        name: (value.dtype, value.shape, value.tobytes()) if isinstance(value, np.ndarray) else value
        for name, value in (
            vars(table) | {f"static {name}": item for name, item in vars(table.static).items()}
        ).items()
        if name != "static"
    }


def read_both_ways(data: bytes, **options: object) -> object:
    """Check that both readers give one outcome, and return it."""
    in_bulk, careful = outcome(data, large=40, **options), outcome(data, large=1 << 30, **options)
    assert in_bulk == careful
    return in_bulk


NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["0", "-0", "5.", ".5", "+1", "1E5", "4e-324", "123456789012345678", "-999", "9999"]),
)
MISSING = st.sampled_from(["", "NA", "nan", "NaN", "NAN", "-", "null", "None", "#N/A", "<NA>", " ", " NA"])
ODD = st.sampled_from(['"1.5"', " 1.5", "1.5 ", '""', "\t2", '"2"'])
WRONG = st.sampled_from(
    [
        "1e400",
        "inf",
        "nan(1)",
        "1,5",
        "0x10",
        "1_0",
        "abc",
        "12%",
        '"1.5',
        '1"5',
        '"1"5',
        "\x00",
        "\u0661",
        "\ufeff1",
    ]
)
CELLS = st.one_of(*[NUMBERS] * 6, *[MISSING] * 2, ODD)
NAMES = st.sampled_from(["a", "b", "007", " a", "'=b", "Zürich", '"a"', "a b"])


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """Draw a CSV of a few rows, mostly plain, with at most one wrong cell or line."""
    rows = draw(st.integers(2, 14))
    lines = []
    for row in range(rows):
        lines.append([f"2020-01-01 {row:02d}:00", draw(NAMES), draw(CELLS), draw(CELLS)])
    written = [",".join(line) for line in lines]
    kind = draw(st.sampled_from(["none", "none", "cell", "line", "name", "time"]))
    where = draw(st.integers(0, rows - 1))
    if kind == "cell":
        lines[where][2] = draw(WRONG)
    elif kind == "name":
        lines[where][1] = draw(st.sampled_from(["", " ", "''", '"a\nb"', '"a,b"', '"a""b"', "é" * 30]))
    elif kind == "time":
        lines[where][0] = draw(
            st.sampled_from(
                ["", "NA", "2020-02-30", "2020-01-01", "2020-01-01T05:00", "20200101", "5", "01/02/2020"]
            )
        )
    written = [",".join(line) for line in lines]
    if kind == "line":
        line = draw(
            st.sampled_from(
                ["", "  ", ",,,", "# note", "#2020-01-01 00:00,a,1,2", "a;b", "1,2,3", "1,2,3,4,5"]
            )
        )
        written.insert(where, line)
    end = draw(st.sampled_from(["\n", "\r\n"]))
    text = end.join(["date,id,y,x", *written]) + draw(st.sampled_from(["", end, end + ",,," + end, end * 3]))
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig"])))


@settings(max_examples=60)
@given(texts())
def test_both_engines_read_the_same(data: bytes) -> None:
    read_both_ways(data, **COLUMNS)


def rows_in_bulk(data: bytes, monkeypatch: pytest.MonkeyPatch, **options: object) -> tuple[int, Table]:
    """Return the number of rows that the fast reader read, and the table."""
    counted = []
    read_block = csv_fast.read_block

    def counting(block: bytes, layout: csv_fast.Layout) -> object:
        columns = read_block(block, layout)
        counted.append(0 if columns is None else len(columns.lines))
        return columns

    monkeypatch.setattr(csv_fast, "BULK_MIN_BYTES", 40)
    monkeypatch.setattr(csv_fast, "read_block", counting)
    table = read_table("-", stdin=io.BytesIO(data), **options)
    return sum(counted), table


def dated(rows: int, cell: str = "{row}.5") -> list[str]:
    return [f"2020-01-{row + 1:02d},{cell.format(row=row)}" for row in range(rows)]


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(["date,y", *dated(30)]),
        "\r\n".join(['"date","y"', *dated(30, '"{row}"')]),
        "\n".join(["date,y", *dated(30, "NA")[:15], *dated(30)[15:]]),
    ],
    ids=["plain", "quoted", "missing"],
)
def test_plain_rows_are_read_in_bulk(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    count, table = rows_in_bulk(text.encode(), monkeypatch, targets=["y"])
    assert count > 20
    assert len(table.lines) == 30
    assert table.lines.tolist() == list(range(2, 32))


def test_without_pyarrow_a_large_file_is_read_with_care(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyarrow, the slow reader gives an equal table."""
    data = "\n".join(["date,y", *dated(30)]).encode()
    expected = outcome(data, large=40, targets=["y"])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert outcome(data, large=40, targets=["y"]) == expected


def test_only_the_block_with_an_odd_cell_is_read_with_care(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["date,y", *dated(30)]
    lines[15] = "2020-01-15, NA "
    plain, _ = rows_in_bulk("\n".join(["date,y", *dated(30)]).encode(), monkeypatch)
    count, table = rows_in_bulk("\n".join(lines).encode(), monkeypatch)
    assert plain - 5 < count < plain
    assert np.flatnonzero(np.isnan(table.values[:, 0])).tolist() == [14]


def test_an_error_in_the_middle_of_a_large_file_names_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["date,y", *dated(30)]
    lines[20] = "2020-01-20,12 kW"
    with pytest.raises(DataError, match=r"line 21, column 'y': '12 kW'"):
        rows_in_bulk("\n".join(lines).encode(), monkeypatch)


@pytest.mark.parametrize("note", ["", "\n,\n,\n", "\n\n\n"])
def test_the_end_of_a_large_file_is_checked_as_in_a_small_file(note: str) -> None:
    result = read_both_ways(("\n".join(["date,y", *dated(30)]) + note).encode())
    assert len(result["findings"]) == (1 if "," in note or not note else 0)  # "": without a last line end


def test_a_cell_of_several_lines_ends_the_reading_in_bulk(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        f'2020-01-{row + 1:02d},{row},"a\nb"' if row > 9 else f"2020-01-{row + 1:02d},{row},c"
        for row in range(30)
    ]
    data = "\n".join(["date,y,note", *rows]).encode()
    count, table = rows_in_bulk(data, monkeypatch, targets=["y"])
    assert 0 < count < 10
    assert table.values[:, 0].tolist() == list(range(30))
    assert table.lines.tolist() == [*range(2, 13), *range(14, 51, 2)]
    read_both_ways(data, targets=["y"])


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "utf-8"])
def test_other_encodings_and_packed_files_read_alike(encoding: str) -> None:
    text = "\n".join(["date,id,y,x", *(f"2020-01-{row + 1:02d},Köln,{row},1" for row in range(20))])
    result = read_both_ways(text.encode(encoding), **COLUMNS, text=TextSettings(encoding=encoding))
    assert result["series_names"] == ("Köln",)
    assert (
        read_both_ways(gzip.compress(text.encode(encoding)), **COLUMNS, text=TextSettings(encoding=encoding))
        == result
    )


WITHOUT_HEADER = {"targets": ["2"], "time": ("1",)}
NAMED = {"targets": ["y"], "time": ("date",)}


@pytest.mark.parametrize(
    ("above", "given", "columns", "begin"),
    [
        ("", {"no_header": True}, WITHOUT_HEADER, 1),
        ("", {"names": ("date", "y")}, NAMED, 1),
        ("a,b\n", {"names": ("date", "y"), "skip_rows": 1}, NAMED, 2),
        ("a title\n\ndate,y\n", {"skip_rows": 1}, NAMED, 4),
        ("title\n" * 20 + "date,y\n", {"skip_rows": 20}, NAMED, 22),
        ("sep=,\ndate,y\n", {}, NAMED, 3),
        ("sep=,\n", {"no_header": True}, WITHOUT_HEADER, 2),
        ('5" title\ndate,y\n', {"skip_rows": 1}, NAMED, 3),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_rows_below_skipped_lines_or_without_a_header_read_alike(
    above, given, columns, begin, end, pack
) -> None:
    data = pack((above + "\n".join(dated(30)) + "\n").replace("\n", end).encode())
    findings = read_both_ways(data, **columns, text=TextSettings(**given))["findings"]
    assert [finding.rule for finding in findings] == ["D123"] * ("sep=" in above)
    table = read_table("-", stdin=io.BytesIO(data), **columns, text=TextSettings(**given))
    assert table.lines.tolist() == list(range(begin, begin + 30))
    assert table.values[:, 0].tolist() == [row + 0.5 for row in range(30)]


def test_a_file_without_a_header_is_read_in_bulk(monkeypatch: pytest.MonkeyPatch) -> None:
    data = "\n".join(dated(30)).encode()
    count, table = rows_in_bulk(data, monkeypatch, **WITHOUT_HEADER, text=TextSettings(no_header=True))
    assert count > 20
    assert table.lines.tolist() == list(range(1, 31))


@pytest.mark.parametrize("wrong", ["2020-01-20,12 kW", "2020-01-20,1,2"])
def test_an_error_below_skipped_lines_names_its_line(wrong: str) -> None:
    lines = ["title", *dated(30)]
    lines[20] = wrong
    message, _ = read_both_ways(
        "\n".join(lines).encode(), **NAMED, text=TextSettings(names=("date", "y"), skip_rows=1)
    )
    assert "line 21" in message


@pytest.mark.parametrize("odd", ["", '2020-01-15 "14.5"', "2020-01-15", "# 1", "  ", '"2020-01-15"\t 14.5'])
def test_blanks_between_cells_read_alike_also_with_an_odd_line(odd: str) -> None:
    lines = ["date y", *(line.replace(",", "   ") for line in dated(30))]
    lines[15] = odd or lines[15]
    read_both_ways("\n".join(lines).encode(), text=TextSettings(delimiter="whitespace"), **NAMED)


def test_blanks_between_cells_are_read_in_bulk(monkeypatch: pytest.MonkeyPatch) -> None:
    data = "\n".join(["date y", *(line.replace(",", " \t ") + " " for line in dated(30))]).encode()
    count, table = rows_in_bulk(data, monkeypatch, text=TextSettings(delimiter="whitespace"), **NAMED)
    assert count > 20
    assert table.lines.tolist() == list(range(2, 32))


def test_blanks_between_cells_read_alike() -> None:
    rows = [f"  2020-01-{row + 1:02d}\t  {row}.5 " for row in range(30)]
    data = "\n".join([" date   y", *rows]).encode()
    table = read_both_ways(data, text=TextSettings(delimiter="whitespace"), **NAMED)
    assert table == read_both_ways(
        data.replace(b"\n", b"\r\n"), text=TextSettings(delimiter="whitespace"), **NAMED
    )
    values = read_table(
        "-", stdin=io.BytesIO(data), text=TextSettings(delimiter="whitespace"), **NAMED
    ).values
    assert values[:, 0].tolist() == [row + 0.5 for row in range(30)]


SHAPES = [
    "2020-01-{:02d}",
    "2020-01-{:02d}T05:06:07Z",
    "2020-01-{:02d} 05:06:07.25+02:00",
    "{:02d}/01/2020",
    "157779{:04d}",
]
SHAPES += [
    "{:02d}.3.2020 5:07 PM",
    "2020Q{:d}",
    "200001{:02d}",
    "15777{:05d}.25",
    "2020/1/{:02d} 23:59 -0330",
]


@pytest.mark.parametrize("shape", SHAPES)
def test_times_of_one_shape_read_as_each_by_itself(shape: str) -> None:
    cells = [shape.format(day) for day in (1, 2, 2, 3, 4)]
    place, lines = CellLocation(source="a.csv", column="date"), np.arange(1, 6)
    matrix = np.frombuffer("".join(cells).encode(), dtype=np.uint8).reshape(5, -1)
    even, each = scan_fixed_width_times(matrix), scan_times(cells, lines, place)
    assert even is not None
    assert vars(even).keys() == vars(each).keys()
    for name, value in vars(each).items():
        np.testing.assert_array_equal(getattr(even, name), value, err_msg=name)


@pytest.mark.parametrize(
    "cells", [["2020-01-01", "2020-01-32"], ["2020-01-01", "2020 01-02"], ["12345678x", "123456789"]]
)
def test_times_that_are_not_all_of_one_shape_are_left_to_the_other_reader(cells: list[str]) -> None:
    matrix = np.frombuffer("".join(cells).encode(), dtype=np.uint8).reshape(len(cells), -1)
    assert scan_fixed_width_times(matrix) is None


def test_a_table_too_large_for_memory_is_stored_in_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = "\n".join(["date,id,y,x", *(f"2020-01-{row + 1:02d},a,{row},1" for row in range(30))]).encode()
    held = read_table("-", stdin=io.BytesIO(data), **COLUMNS)
    for limit in (0, 500):  # from the start, and after some rows
        monkeypatch.setattr("lstm_cli.data.reading.column_buffers.MAX_MEMORY_BYTES", limit)
        table = read_table("-", stdin=io.BytesIO(data), spill=lambda: tmp_path, **COLUMNS)
        assert isinstance(table.values, np.memmap)
        for name in ("values", "times", "lines", "series"):
            np.testing.assert_array_equal(getattr(table, name), getattr(held, name))


def test_a_large_file_is_read_without_pandas(tmp_path: Path) -> None:
    """Importing pandas takes longer than reading the file; some functions of pyarrow import it."""
    path = tmp_path / "load.csv"
    rows = "".join(f"shop{row % 50},{row // 50},{'' if row % 7 else row}\n" for row in range(700_000))
    path.write_text("name,t,y\n" + rows)
    program = (
        "import sys; from lstm_cli.data.reading.table import read_table;"
        f"table = read_table({str(path)!r}, targets=['y'], time=('t',), series=('name',));"
        "print(len(table.lines), 'pyarrow' in sys.modules, 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["700000", "True", "False"]
