"""Tests of text columns: which columns are text, and the columns of 0 and 1 of their categories."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_cli.config.text import TextSettings
from lstm_cli.data.reading import column_buffers
from lstm_cli.data.reading.columns.categories import MAX_CATEGORIES, is_text_column
from lstm_cli.data.reading.table import Table, read_table
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding


def read(content: str, **options) -> Table:
    return read_table(
        "-", stdin=io.BytesIO(content.encode()), **{"targets": ["y"], "past": ["sky"], **options}
    )


def weather(*cells: str) -> str:
    """Return a CSV of days with the numbers 1, 2, … in `y` and cells in `sky`."""
    days = np.datetime64("2020-01-01") + np.arange(len(cells))
    return "date,y,sky\n" + "".join(
        f"{day},{row},{cell}\n" for row, (day, cell) in enumerate(zip(days, cells, strict=True), start=1)
    )


def found(table: Table, rule: str) -> Finding:
    (finding,) = (finding for finding in table.findings if finding.rule == rule)
    return finding


@pytest.mark.parametrize(
    ("cells", "is_text"),
    [
        (["sun", "snow"], True),
        (["TRUE", "FALSE"], True),
        (["half price", "2 for 1"], True),
        (["A1", "B2"], True),
        (["1.5", "2", "unknown"], False),
        (["unknown", "unknown", "3"], False),
        (["1,5", "2,5"], False),
        (["12 %", "3K", "$4"], False),
        (["2020-01-01", "2020-01-02"], False),
        (["?", "-"], False),
        (["inf", "1e5"], False),
        ([], False),
    ],
)
def test_words_are_text_but_numbers_and_dates_are_not(cells: list[str], is_text: bool):
    assert is_text_column(cells) is is_text


def test_each_category_is_a_column_of_0_and_1():
    table = read(weather("sun", "snow", " sun ", "rain"))
    assert table.columns == ("y", "sky=sun", "sky=snow", "sky=rain")
    assert (table.targets, table.past, table.future) == (("y",), ("sky=sun", "sky=snow", "sky=rain"), ())
    assert table.categories == {"sky": ("sun", "snow", "rain")}
    assert table.values.tolist() == [[1, 1, 0, 0], [2, 0, 1, 0], [3, 1, 0, 0], [4, 0, 0, 1]]
    assert table.findings == ()


def test_columns_keep_their_order_around_a_text_column():
    text = "date,a,sky,b,y\n2020-01-01,5,sun,7,1\n2020-01-02,6,rain,8,2\n"
    table = read(text, past=["a", "sky"], future=["b"])
    assert table.columns == ("y", "a", "sky=sun", "sky=rain", "b")
    assert table.values.tolist() == [[1, 5, 1, 0, 7], [2, 6, 0, 1, 8]]


@pytest.mark.parametrize("true", ["TRUE", "True", "true"])
def test_true_and_false_are_one_column(true: str):
    table = read(weather(true, "FALSE", true))
    assert table.columns == ("y", "sky=true")
    assert table.values[:, 1].tolist() == [1, 0, 1]


def test_a_boolean_parquet_column_is_one_column(tmp_path):
    days = pa.array(np.datetime64("2020-01-01") + np.arange(3))
    pq.write_table(
        pa.table({"date": days, "y": [1.0, 2.0, 3.0], "sky": [True, None, False]}), tmp_path / "a.parquet"
    )
    table = read_table(str(tmp_path / "a.parquet"), targets=["y"], past=["sky"])
    assert table.columns == ("y", "sky=true")
    assert table.values[:, 1].tolist() == [1, 0, 0]
    assert found(table, "D241").lines == (2,)


def test_a_missing_cell_counts_as_other_and_is_reported():
    table = read(weather("sun", "", "rain", "?", "fog"), text=TextSettings(na_value=("fog", "?")))
    assert table.columns == ("y", "sky=sun", "sky=rain")
    assert table.values[:, 1:].tolist() == [[1, 0], [0, 0], [0, 1], [0, 0], [0, 0]]
    finding = found(table, "D241")
    assert (finding.count, finding.lines, finding.column) == (3, (3,), "sky")


def test_only_the_most_frequent_categories_of_the_older_half_are_columns():
    rare = [f"rare{number}" for number in range(MAX_CATEGORIES)]
    older = [*rare, *["often"] * 5]
    newer = ["late"] * len(older)
    table = read(weather(*older, *newer))
    assert table.categories["sky"] == (*rare[: MAX_CATEGORIES - 1], "often")
    assert table.values[len(older) :, 1:].sum() == 0
    assert found(table, "D240").count == 2  # one of the rare ones, and the late one


def test_the_categories_of_a_run_are_kept_and_new_ones_reported():
    table = read(weather("fog", "snow", "mist", "fog"), categories={"sky": ("sun", "snow")})
    assert table.columns == ("y", "sky=sun", "sky=snow")
    assert table.values[:, 1:].tolist() == [[0, 0], [0, 1], [0, 0], [0, 0]]
    finding = found(table, "D242")
    assert (finding.count, finding.lines) == (3, (2,))
    assert "2 new categories 'fog', 'mist' in 3 cells" in finding.text


def test_false_is_known_to_a_run_of_true():
    table = read(weather("FALSE", "TRUE"), categories={"sky": ("true",)})
    assert table.values[:, 1].tolist() == [0, 1]
    assert table.findings == ()


def test_numbers_with_a_wrong_word_are_still_refused():
    with pytest.raises(DataError, match="line 4, column 'sky': 'snow' is not a plain number"):
        read(weather("1", "2", "snow", "4"))


def test_text_in_a_target_is_still_refused():
    with pytest.raises(DataError, match="'sun' is not a number"):
        read(weather("sun", "rain"), targets=["sky"], past=[])


def test_files_share_their_categories(tmp_path):
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("date,y,sky\n2020-01-01,1,sun\n2020-01-02,2,rain\n")
    second.write_text("sky,date,y\nfog,2020-01-03,3\nrain,2020-01-04,4\n")
    table = read_table([str(first), str(second)], targets=["y"], past=["sky"])
    assert table.columns == ("y", "sky=sun", "sky=rain", "sky=fog")
    assert table.values.tolist() == [[1, 1, 0, 0], [2, 0, 1, 0], [3, 0, 0, 1], [4, 0, 1, 0]]


def test_a_large_table_has_the_same_columns(tmp_path, monkeypatch):
    text = weather(*(["sun", "rain", ""] * 30))
    expected = read(text).values
    monkeypatch.setattr(column_buffers, "MAX_MEMORY_BYTES", 100)
    table = read(text, spill=lambda: tmp_path)
    assert isinstance(table.values, np.memmap)
    assert np.array_equal(table.values, expected)


@given(st.lists(st.sampled_from(["sun", "rain", "fog", "", "open sea"]), min_size=2, max_size=40))
def test_each_row_has_at_most_one_1_and_it_is_its_cell(cells: list[str]):
    if not any(cells):
        return
    table = read(weather(*cells))
    for cell, row in zip(cells, table.values[:, 1:], strict=True):
        expected = [name for name, value in zip(table.past, row, strict=True) if value == 1]
        assert expected == ([f"sky={cell}"] if cell else [])


def test_few_digits_and_words_are_categories_with_a_warning():
    table = read(weather(*"00a0", "", *"0b0c0000000"), past=[], future=["sky"])
    assert table.categories == {"sky": ("0", "a", "b", "c")}
    assert table.values[2, 1:].tolist() == [0, 1, 0, 0]
    finding = found(table, "D245")
    assert (finding.count, finding.lines) == (3, (4,))
    assert "use --na-value a --na-value b --na-value c if the column holds numbers" in finding.text
    coded = read(weather(*"00a0a0"), text=TextSettings(na_value=("a",)))
    assert coded.columns == ("y", "sky")


def test_whole_numbers_with_a_wrong_word_are_numbers():
    with pytest.raises(DataError, match="'x' is not a plain number"):
        read(weather(*"123123123123x123"))
    with pytest.raises(DataError, match="is not a plain number"):
        read(weather(*["5 kg", "1"] * 9))


def test_a_word_far_from_the_first_rows_makes_categories_too(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(weather(*"0" * 6000, "a", *"0" * 9, "b"))
    options = {"targets": ["y"], "past": ["sky"]}
    table = read_table(str(path), **options)
    assert table.categories == {"sky": ("0", "a", "b")}
    assert found(table, "D245").lines == (6002,)
    path.write_text(weather(*map(str, range(6000)), "a"))
    with pytest.raises(DataError, match="line 6002, column 'sky': 'a' is not a plain number"):
        read_table(str(path), **options)
