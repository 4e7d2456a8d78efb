"""Tests of series that several columns name."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_cli.data.reading.columns.series_names import join_name, split_name, split_names
from lstm_cli.data.reading.table import Table, read_table
from lstm_cli.errors import DataError
from lstm_cli.findings import finding_texts

PANEL = (
    "store,dept,date,sales\n1,a/b,2020-01-01,1\n1,c,2020-01-01,2\n2,a/b,2020-01-01,3\n1,a/b,2020-01-02,4\n"
)


def read(text: str, **options) -> Table:
    return read_table("-", stdin=io.BytesIO(text.encode()), **options)


@given(st.lists(st.text(alphabet='ab/" ,\n'), min_size=2, max_size=4))
def test_a_name_splits_into_the_values_that_it_was_joined_from(values):
    assert split_name(join_name(values), len(values)) == values


@given(st.lists(st.lists(st.text(alphabet='a/"'), min_size=2, max_size=2), unique_by=tuple))
def test_different_values_have_different_names(rows):
    assert len({join_name(values) for values in rows}) == len(rows)


def test_one_column_leaves_its_names_as_they_are():
    assert (join_name(['a/"b"']), split_name('a/"b"', 1), split_names(['a/"b"'], 1)) == (
        'a/"b"',
        ['a/"b"'],
        [['a/"b"']],
    )


def test_two_columns_name_the_series():
    table = read(PANEL, series=("store", "dept"))
    assert table.series_names == ('1/"a/b"', "1/c", '2/"a/b"')
    assert table.series.tolist() == [0, 1, 2, 0]
    assert (table.series_columns, table.series_name) == (("store", "dept"), "store/dept")
    assert table.targets == ("sales",)


def test_the_order_of_the_flags_is_the_order_of_the_name():
    assert read(PANEL, series=("dept", "store")).series_names == ('"a/b"/1', "c/1", '"a/b"/2')


def test_large_files_read_two_columns_as_small_ones_do(monkeypatch):
    text = PANEL + "".join(f"{row % 3},x,2021-01-01,{row}\n" for row in range(500))
    small = read(text, series=("store", "dept"))
    monkeypatch.setattr("lstm_cli.data.reading.csv_fast.BULK_MIN_BYTES", 40)
    monkeypatch.setattr("lstm_cli.data.reading.csv_fast.HEAD_BYTES", 40)
    large = read(text, series=("store", "dept"))
    assert large.series_names == small.series_names
    assert large.series.tolist() == small.series.tolist()


def test_a_missing_part_is_a_value_with_a_warning():
    table = read(PANEL.replace("1,c,", ",c,"), series=("store", "dept"))
    assert table.series_names == ('1/"a/b"', "/c", '2/"a/b"')
    assert [finding.rule for finding in table.findings] == ["D220"]
    assert finding_texts(table.findings)[0].startswith(
        "standard input, column 'store': 1 series without a value in this column: '/c'. "
    )


def test_a_row_without_any_name_is_refused():
    with pytest.raises(DataError, match=r"line 3, column 'store': the series name is missing"):
        read(PANEL.replace("1,c,", ",,"), series=("store", "dept"))
