"""Tests of the columns that hints suggest."""

import io

import pytest

from lstm_cli.config import PrepareConfig
from lstm_cli.data.grid.regular_grid import to_regular_grid
from lstm_cli.data.reading.columns.hints import find_series_columns, likely_target, suggest_series
from lstm_cli.data.reading.table import read_table
from lstm_cli.errors import DataError

GRID = PrepareConfig().grid
STORES = "".join(
    f"{store},{dept},{promo},2023-01-{day:02d},{store * day + dept}\n"
    for store in (1, 2)
    for dept in (3, 7)
    for day, promo in ((1, 0), (2, 1), (3, 0))
)


@pytest.mark.parametrize(
    ("names", "target"),
    [
        (["temp", "load", "price"], "load"),
        (["HUFL", "OT"], "HUFL"),
        (["store_id", "open", "WeeklySales"], "WeeklySales"),
        (["year", "Ir", "Ta"], "Ir"),
        (["id", "code"], "id"),
        (["y", "sales"], "y"),
        (["Open", "High", "Low", "Close", "Volume"], "Close"),
    ],
)
def test_the_example_of_a_target_is_a_likely_one(names, target):
    assert likely_target(names) == target


def test_the_message_names_the_likely_target():
    with pytest.raises(DataError) as caught:
        read_table("-", stdin=io.BytesIO(b"date,id,sales,Ir\n2020-01-01,1,2,3\n2020-01-02,1,2,3\n"))
    assert caught.value.hint == "e.g. --target 'sales', or --target '*' for all of them"


def test_the_fewest_columns_that_name_a_series():
    sample = [("a", "a", "b"), ("x", "y", "x"), ("1", "1", "1")]
    assert find_series_columns(sample, (), (0, 1, 2)) == (0, 1)
    assert find_series_columns(sample, (0,), (1, 2)) == (1,)
    assert find_series_columns(sample, (), (0, 2)) == ()


def test_measurements_and_rows_of_unique_names_are_no_series():
    times = ("1", "1", "2", "2")
    assert suggest_series([times, ("a", "b", "a", "b")], (), (0,), (1,)) == (1,)
    assert suggest_series([times, ("0.5", "1.5", "0.5", "1.5")], (), (0,), (1,)) == ()
    assert suggest_series([times, ("a", "b", "c", "d")], (), (0,), (1,)) == ()


@pytest.mark.parametrize("series", [(), ("store",)])
def test_the_hint_for_duplicates_names_the_columns_that_work(series):
    text = f"store,dept,promo,date,sales\n{STORES}".encode()
    table = read_table("-", stdin=io.BytesIO(text), targets=("sales",), series=series)
    with pytest.raises(DataError) as caught:
        to_regular_grid(table, GRID)
    assert caught.value.hint.startswith("use --series store --series dept, because ")
    both = read_table("-", stdin=io.BytesIO(text), targets=("sales",), series=("store", "dept"))
    assert to_regular_grid(both, GRID).names == ("1/3", "1/7", "2/3", "2/7")


def test_names_with_blanks_are_quoted_for_a_shell():
    text = b"my store,date,y\na,2020-01-01,1\nb,2020-01-01,2\na,2020-01-02,1\nb,2020-01-02,2\n"
    assert read_table("-", stdin=io.BytesIO(text)).series_hint.startswith("use --series 'my store', ")
