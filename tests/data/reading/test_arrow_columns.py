"""Tests of series codes: both lookups give equal codes."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_cli.data.reading.arrow_columns import SeriesNames, unescape_names
from lstm_cli.data.spreadsheet_safety import unescape_formula


def test_names_are_numbered_as_they_first_appear() -> None:
    names = SeriesNames()
    assert names.codes(pa.array(["b", "a"])).tolist() == [0, 1]
    assert names.codes(pa.array(["a", "b"])).tolist() == [1, 0]  # looked up
    assert names.codes(["c", "a", "c"]).tolist() == [2, 1, 2]
    assert names.codes(pa.array(["c", "d", "b"])).tolist() == [2, 3, 0]  # one name is new
    assert list(names) == ["b", "a", "c", "d"]


@pytest.mark.parametrize("name", [" a", "a ", "\ta", "'=a", "a\x1f", "a\xa0", "\u2003a", "'a"])
def test_blanks_around_a_name_are_removed(name: str) -> None:
    assert list(unescape_names(pa.array(["x", name])) or ()) == ["x", unescape_formula(name)]


@pytest.mark.parametrize("name", ["", " ", "\u2003"])
def test_an_empty_name_is_left_to_the_slow_reader(name: str) -> None:
    assert unescape_names(pa.array(["x", name])) is None


@given(st.lists(st.text(max_size=4), min_size=1, unique=True))
def test_names_equal_those_of_the_slow_reader(raw: list[str]) -> None:
    expected = [unescape_formula(name) for name in raw]
    result = unescape_names(pa.array(raw, pa.string()))
    if not all(expected):
        assert result is None
        return
    item, other = SeriesNames(), SeriesNames()
    assert result is not None
    assert item.codes(result).tolist() == other.codes(expected).tolist()
    assert item.codes(result).tolist() == other.codes(expected).tolist()
    assert list(item) == list(other)
