"""Tests of the parser of rows: delimiter, header, skipped lines, row lengths and line numbers."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_cli.config.text import TextSettings
from lstm_cli.data.reading.csv_rows import CsvRows, open_rows
from lstm_cli.errors import DataError, UsageError
from lstm_cli.findings import finding_texts


def open_text(text: str, delimiter: str | None = None) -> CsvRows:
    return open_rows(io.StringIO(text, newline="\n"), "f.csv", TextSettings(delimiter=delimiter))


def read(text: str, delimiter: str | None = None) -> tuple[list[list[str]], list[int], list[str]]:
    rows = open_text(text, delimiter)
    pieces = list(rows.batches)
    cells = [row for piece in pieces for row in piece.cells]
    return cells, [line for piece in pieces for line in piece.lines.tolist()], [*finding_texts(rows.findings)]


def refusal(text: str, delimiter: str | None = None) -> DataError:
    with pytest.raises(DataError) as caught:
        read(text, delimiter)
    assert caught.value.hint
    return caught.value


def test_rows_come_with_their_lines():
    assert read("a,b\n1,2\n3,4\n") == ([["1", "2"], ["3", "4"]], [2, 3], [])
    assert read("a,b\n1,2\n3,4")[:2] == ([["1", "2"], ["3", "4"]], [2, 3])


def test_lines_stay_right_past_quoted_line_ends(monkeypatch):
    monkeypatch.setattr("lstm_cli.data.reading.csv_rows.BATCH_ROWS", 2)
    text = 'a,"b\nc"\n"1\n\n",2\n3,4\n"5",6\n\n7,8\n'
    assert open_text(text).header == ["a", "b\nc"]
    assert read(text)[1] == [3, 6, 7, 9]
    assert "line 10:" in refusal(text + "1,2,3\n").message


def test_blank_lines_are_skipped_with_a_warning_except_at_the_end():
    cells, lines, warnings = read("\n\na,b\n1,2\n\n  \n3,4\n\n\n")
    assert (cells, lines) == ([["1", "2"], ["3", "4"]], [4, 7])
    assert len(warnings) == 1
    assert "2 blank lines were skipped, first line 5" in warnings[0]


@pytest.mark.parametrize("piece", [1, 2, 3, 50_000])
def test_rows_of_empty_cells_count_except_at_the_end(piece, monkeypatch):
    monkeypatch.setattr("lstm_cli.data.reading.csv_rows.BATCH_ROWS", piece)
    cells, lines, warnings = read("a,b\n,\n1,2\n,\n,\n3,4\n,\n , \n\n")
    assert cells == [["", ""], ["1", "2"], ["", ""], ["", ""], ["3", "4"]]
    assert lines == [2, 3, 4, 5, 6]
    assert len(warnings) == 1
    assert "2 rows of empty cells at the end were skipped, first line 7" in warnings[0]


def test_a_blank_line_among_single_cells_is_ambiguous():
    assert "line 3" in refusal("y\n1\n\n3\n").message
    assert read("y\n1\n3\n\n\n")[0] == [["1"], ["3"]]
    assert read('y\n1\n""\n3\n')[0] == [["1"], [""], ["3"]]


@pytest.mark.parametrize(("row", "cells"), [("1,2,3", "3 cells"), ("1", "1 cell"), ("1,2,", "3 cells")])
def test_a_row_of_another_length_is_refused_with_its_line(row, cells):
    assert f"line 3: {cells}, but the header (line 1) has 2" in refusal(f"a,b\n1,2\n{row}\n4,5\n").message


def test_a_title_above_the_header_is_refused():
    assert "title or comment lines" in refusal("# made by me\na,b\n1,2\n").hint
    assert "line 3" in refusal("Load\n\na,b\n1,2\n").message


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('a,b\n1,2\n"3,4\n5,6\n', 3, "never closed"),
        ('a,b\n1,2\n"3"x,4\n', 3, "after its closing quote"),
        ('a,b\n1,2\n"' + "x\n" * 70_000, 3, "longer than"),
        ('"a,b\n1,2\n', 1, "never closed"),
    ],
)
def test_wrong_quotes_are_refused_where_they_begin(text, line, said):
    message = refusal(text).message
    assert f"line {line}:" in message
    assert said in message


@pytest.mark.parametrize("mark", [";", "\t"])
def test_a_clear_other_delimiter_is_detected_with_a_warning(mark):
    cells, _, warnings = read(f"a{mark}b\n1{mark}2,5\n")
    assert cells == [["1", "2,5"]]
    assert len(warnings) == 1
    assert "--delimiter" in warnings[0]
    assert read(f"a{mark}b\n1{mark}2\n", mark)[2] == []


def test_an_ambiguous_delimiter_is_refused_with_the_flag():
    assert "--delimiter" in refusal("a;b\n1;2;3\n").hint
    assert "--delimiter" in refusal("a;b\tc\n1;2\t3\n").hint
    assert "--delimiter ';'" in refusal("load, MW;b\n1;2\n").hint


@pytest.mark.parametrize("mark", ['"', "\n", "1", "x", ".", "-"])
def test_an_unusable_delimiter_is_a_usage_error(mark):
    with pytest.raises(UsageError):
        read("a,b\n1,2\n", mark)


def test_a_blank_may_be_the_delimiter():
    assert read("a b\n1 2\n", " ")[0] == [["1", "2"]]


@pytest.mark.parametrize("text", ["1.5,2\n3,4\n", "2020-01-01,5\n2020-01-02,6\n", "5\n6\n", ",\n1,2\n"])
def test_a_missing_header_is_refused(text):
    assert "header" in refusal(text).message or "name" in refusal(text).message


def test_some_names_may_be_numbers():
    assert open_text("date,2019,2020\n").header == ["date", "2019", "2020"]


def open_as(text: str, **settings: object) -> CsvRows:
    return open_rows(io.StringIO(text, newline="\n"), "f.csv", TextSettings(**settings))


def read_as(text: str, **settings: object) -> tuple[list[str], list[list[str]], list[int], list[str]]:
    rows = open_as(text, **settings)
    pieces = list(rows.batches)
    cells = [row for piece in pieces for row in piece.cells]
    lines = [line for piece in pieces for line in piece.lines.tolist()]
    return rows.header, cells, lines, [finding.rule for finding in rows.findings]


CELLS = [["1", "2"], ["3", "4"]]


@pytest.mark.parametrize(
    ("text", "given", "header", "lines"),
    [
        ("1,2\n3,4\n", {"no_header": True}, ["1", "2"], [1, 2]),
        ("\n\n1,2\n3,4\n", {"no_header": True}, ["1", "2"], [3, 4]),
        ("1,2\n3,4\n", {"names": ("a", "b")}, ["a", "b"], [1, 2]),
        ("x,y\n1,2\n3,4\n", {"names": ("a", "b"), "skip_rows": 1}, ["a", "b"], [2, 3]),
        ("title\n\nx,y\n1,2\n3,4\n", {"skip_rows": 1}, ["x", "y"], [4, 5]),
        ('a "title\nx,y\n1,2\n3,4\n', {"skip_rows": 1}, ["x", "y"], [3, 4]),
        (" x  y\n 1\t2 \n3   4\n", {"delimiter": "whitespace"}, ["x", "y"], [2, 3]),
        ("  1 2\n3   4\n", {"delimiter": "whitespace", "no_header": True}, ["1", "2"], [1, 2]),
        ('"1"  "2"\n3 4\n', {"delimiter": "whitespace", "names": ("a", "b c")}, ["a", "b c"], [1, 2]),
        ("\u00a01|2\n3|4", {"delimiter": "|", "names": ("a", "b")}, ["a", "b"], [1, 2]),
    ],
)
def test_the_reader_is_told_where_the_rows_are(text, given, header, lines):
    read_header, cells, read_lines, _ = read_as(text, **given)
    assert (read_header, read_lines) == (header, lines)
    assert [[cell.strip() for cell in row] for row in cells] == CELLS


def test_blank_lines_below_skipped_lines_are_still_reported():
    assert read_as("1,2\n\n3,4\n", no_header=True)[2:] == ([1, 3], ["D136"])
    assert read_as("\n1,2\n3,4\n", no_header=True)[2:] == ([2, 3], [])


@pytest.mark.parametrize("first", ["sep=;\n", '"sep=;"\n', "SEP=;\n"])
def test_the_first_line_of_excel_names_the_delimiter(first):
    assert read_as(f"{first}x;y\n1;2\n3;4\n") == (["x", "y"], CELLS, [3, 4], ["D123"])
    assert read_as(f"{first}1;2\n3;4\n", no_header=True) == (["1", "2"], CELLS, [2, 3], ["D123"])
    assert read_as(f"{first}x;y\n1;2\n3;4\n", names=("a", "b"), skip_rows=2)[:3] == (
        ["a", "b"],
        CELLS,
        [3, 4],
    )


def test_an_option_is_stronger_than_the_first_line_of_excel():
    assert read_as("sep=;\nx,y\n1,2\n3,4\n", delimiter=",") == (["x", "y"], CELLS, [3, 4], [])
    assert read_as("sep=\t\nx\ty\n1\t2\n3\t4\n")[:2] == (["x", "y"], CELLS)


def test_skipped_rows_of_data_are_reported():
    assert read_as("9,9\n8,8\nx,y\n1,2\n3,4\n", skip_rows=2)[3] == ["D143"]
    assert read_as("x,9\nx,y\n1,2\n3,4\n", skip_rows=1)[3] == []


@pytest.mark.parametrize(
    ("text", "given", "message", "hint"),
    [
        ("1,2\n3,4\n", {"names": ("a",)}, "line 1: 2 cells, but --names has 1 name", "--names a,c2"),
        ("\n1,2\n3,4\n", {"names": ("a", "b", "c")}, "line 2: 2 cells", "--names a,b"),
        ("1|2\n3|4\n", {"names": ("a", "b")}, "line 1: the delimiter seems to be '|'", "use --delimiter '|'"),
        ("1|2\n3|4\n", {"names": ("a", "b"), "delimiter": ","}, "line 1: 1 cell, but", "--delimiter '|'"),
        ("t\nx,y\n1,2\n3,4\n", {"names": ("a",)}, "line 2: 2 cells, but --names has 1", "--skip-rows 2"),
        ("1 2\n3 4\n", {"names": ("a", "b"), "delimiter": ","}, "line 1: 1 cell", "--delimiter whitespace"),
        ("1,2\n3,4,5\n", {"names": ("a", "b")}, "line 2: 3 cells, but --names has 2", ""),
        ("1,2\n3,4,5\n", {"no_header": True}, "line 2: 3 cells, but the first row (line 1) has 2", ""),
        ("x,y\n1,2\n", {"names": ("a", "b")}, "line 1: 'x,y' looks like a header", "--skip-rows 1"),
        ("t\nx,y\n1,2\n", {"names": ("a", "b"), "skip_rows": 1}, "line 2: 'x,y' looks", "--skip-rows 2"),
        ("x,y\n1,2\n", {"no_header": True}, "line 1: 'x,y' looks like a header", "leave out --no-header"),
        ("1,2\n3,4\n", {}, "line 1: the header is missing", "--no-header"),
        ("1,2\n3,4\n", {"skip_rows": 1}, "line 2: the header is missing", "--no-header"),
        ("1 2\n3 4\n", {}, "line 1: the delimiter seems", "--delimiter whitespace --no-header"),
        ("1  2  \n3  4  \n", {"delimiter": " "}, "line 1: the header is missing", "--delimiter whitespace --no-header"),
        (",\n1,2\n", {}, "line 1: no column has a name", "--names c1,c2 --skip-rows 1"),
        ("x,y\n1,2\n", {"skip_rows": 2}, "below the 2 lines", "--skip-rows"),
        ("t\nx,y\n1,2\n3,4\n", {}, "line 2: 2 cells", "--skip-rows 1"),
        ("t\nu\nx,y\n1,2\n3,4\n", {"skip_rows": 1}, "line 3: 2 cells", "--skip-rows 2"),
        ("t\nx|y\n1|2\n3|4\n", {}, "line 1: 1 cell", "--skip-rows 1 --delimiter '|'"),
        ("a title\nin lines\nx,y\n1,2\n3,4\n", {}, "line 1: 1 cell", "--skip-rows 2"),
        ("t\nx;y\n1;2\n3;4\n", {"names": ("a", "b")}, "line 1: 1 cell", "--skip-rows 2"),
        ("y\n1,5\n2,5\n", {}, "line 2: 2 cells", "--delimiter ';' --decimal ,"),
    ],
)  # fmt: skip
def test_a_wrong_way_to_read_is_refused_with_the_right_one(text, given, message, hint):
    with pytest.raises(DataError) as caught:
        read_as(text, **given)
    assert message in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize("first", ["?,?", ",", "shop 1,NA"])
def test_a_first_row_without_numbers_is_not_always_a_header(first):
    assert read_as(f"{first}\n1,2\n", names=("a", "b"), na_value=("?",))[2] == [1, 2]


@given(
    rows=st.lists(
        st.lists(st.text(st.characters(exclude_characters="\0\r", codec="utf-8")), min_size=2, max_size=2)
    ),
    piece=st.integers(1, 4),
)
def test_any_text_comes_back_as_csv_writes_it(rows, piece):
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([["name", "b"], *rows, ["x", "y"]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lstm_cli.data.reading.csv_rows.BATCH_ROWS", piece)
        cells, lines, warnings = read(out.getvalue())
    assert cells == [*rows, ["x", "y"]]
    folded = [row for row in rows if any("\n" in cell and "," in cell for cell in row)]
    assert [f"{len(folded):,} such row" in text for text in warnings] == [True] * bool(folded)
    spans = [1 + sum(cell.count("\n") for cell in row) for row in rows]
    assert lines == (2 + np.cumsum([0, *spans])).tolist()
