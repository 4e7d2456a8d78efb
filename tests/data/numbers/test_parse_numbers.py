"""Tests of the parser of numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from number_cells import MISSING, REFUSED

from lstm_cli.data.locations import CellLocation, is_missing
from lstm_cli.data.numbers.parse import read_numbers
from lstm_cli.errors import DataError
from lstm_cli.wording import is_number

PLACE = CellLocation(source="f.csv", column="y")


def numbers(*cells: str) -> np.ndarray:
    return read_numbers(cells, np.arange(2, 2 + len(cells)), PLACE)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_each_finite_number_is_read_exactly(values):
    read = numbers(*map(repr, values))
    np.testing.assert_array_equal(read.view(np.int64), np.array(values, dtype=np.float64).view(np.int64))


@pytest.mark.parametrize("cell", ["5", "+5", "5.", "5.0", " 5\t", "\u00a05", "0005", "5e0", "50E-1", ".5e+1"])
def test_plain_decimals_and_exponents(cell):
    assert numbers(cell, "").tolist()[0] == 5
    assert numbers(cell).tolist() == [5]


@pytest.mark.parametrize("cell", MISSING)
def test_missing_words(cell):
    read = numbers("1", cell, "3")
    assert np.isnan(read[1])
    assert read[[0, 2]].tolist() == [1, 3]


@pytest.mark.parametrize(("cell", "says"), [(cell, says) for _, says, cells in REFUSED for cell in cells])
def test_other_cells_are_errors_with_line_column_and_value(cell, says):
    for cells in (("1", cell, "bad"), ("", cell)):  # with and without missing cells
        with pytest.raises(DataError) as caught:
            numbers(*cells)
        quote = '"' if "'" in cell else "'"
        assert f"f.csv, line 3, column 'y': {quote}" in caught.value.message
        assert f"{quote}{cell}{quote}" in caught.value.message or not cell.isprintable()
        assert caught.value.hint
        text = caught.value.message + caught.value.hint
        assert [words for words in says if words not in text] == []


@given(st.text(max_size=8))
def test_a_cell_is_missing_a_number_or_refused(cell):
    try:
        value = numbers(cell)[0]
    except DataError:
        assert not is_missing(cell)
        assert not is_number(cell) or float(cell) in (np.inf, -np.inf)
    else:
        assert np.isnan(value) if is_missing(cell) else is_number(cell)


def test_the_whole_column_is_read_the_same_with_and_without_missing_cells():
    plain = list(map(repr, np.random.default_rng(0).normal(size=300).tolist()))
    np.testing.assert_array_equal(numbers(*plain), numbers(*plain, "NA")[:-1])


def test_a_long_cell_is_cut_in_the_message():
    with pytest.raises(DataError) as caught:
        numbers("x" * 500 + "\n")
    assert len(caught.value.message) < 120
    assert "\n" not in caught.value.message
