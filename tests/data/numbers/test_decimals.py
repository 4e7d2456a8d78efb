"""Tests of digits of numbers: the shortest text of a 32-bit float, and the decimals of a column."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_cli.data import chunks
from lstm_cli.data.numbers.decimals import COMPUTED, column_decimals, number_texts, shortest_decimals

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False, allow_subnormal=False)


def shortest_by_numpy(value: float) -> str:
    """Return the shortest text by NumPy, which uses the Dragon4 algorithm (Steele and White 1990)."""
    return np.format_float_positional(np.float32(value), unique=True, trim="-")


@settings(max_examples=300)
@given(st.lists(FLOATS.filter(lambda value: value == 0 or 1e-20 < abs(value) < 1e7), min_size=1, max_size=40))
def test_the_fewest_digits_that_give_the_same_float(values: list[float]) -> None:
    texts = number_texts(np.array(values))
    back = np.array(texts, dtype=np.float64).astype(np.float32)
    np.testing.assert_array_equal(back, np.array(values, dtype=np.float32))
    for text, value in zip(texts, values, strict=True):
        digits = np.format_float_positional(float(text), trim="-").strip("-0.").replace(".", "")
        theirs = shortest_by_numpy(value).strip("-0.").replace(".", "")
        assert len(digits.strip("0")) <= len(theirs.strip("0"))


@settings(max_examples=200)
@given(st.lists(FLOATS, min_size=1, max_size=40))
def test_every_float_comes_back(values: list[float]) -> None:
    texts = number_texts(np.array(values))
    back = np.array(texts, dtype=np.float64).astype(np.float32)
    np.testing.assert_array_equal(back, np.array(values, dtype=np.float32))


def test_numbers_by_hand() -> None:
    # 0.1f is 0.100000001490116... Above 16777216, some whole numbers are not 32-bit floats.
    values = np.array([0.1, 1 / 3, 12.300000001, 0.0, -0.0, 16777216.0, -2.5e-7, 100.0])
    assert number_texts(values) == ["0.1", "0.33333334", "12.3", "0", "0", "16777216", "-2.5e-07", "100"]
    _, needed = shortest_decimals(np.array([0.1, 12.34, 100.0, 5.0]))
    assert needed.tolist() == [1, 2, -2, 0]


def test_at_least_the_decimals_of_the_file() -> None:
    values = np.array([5.0, 12.5, 0.123456789, -0.0, 1000000.0312, -7.0])
    assert number_texts(values, 3) == ["5.000", "12.500", "0.12345679", "0.000", "1000000.031", "-7.000"]
    # Without decimals, digits before the point stay, even if the float does not need them.
    assert number_texts(np.array([1234567891.4, 50000000003.0])) == ["1234567891", "50000000003"]


def test_numbers_beyond_32_bit_floats_are_written_too() -> None:
    values = np.array([1e150, -3e-45, 1e-300])
    assert np.array(number_texts(values), dtype=float) == pytest.approx(values, rel=1e-7, abs=0)


def test_decimals_of_a_column() -> None:
    assert column_decimals(np.array([1.0, np.nan, -20.0, 3e15])) == 0
    assert column_decimals(np.array([1.5, 2.25, np.nan, 3.0])) == 2
    assert column_decimals(np.array([float(f"{n}.{n % 1000:03d}") for n in range(5000)])) == 3
    assert column_decimals(np.array([np.nan, np.nan])) == 0
    assert column_decimals(np.zeros(0)) == 0


def test_a_large_number_does_not_change_the_decimals_of_small_numbers() -> None:
    assert column_decimals(np.array([0.01, 123456789012345678.0, 1e100])) == 2


def test_a_computed_column_is_not_one_of_whole_numbers() -> None:
    """30.531 as a 32-bit float is 30.5310001373291, which does not show the measured digits."""
    assert column_decimals(np.array([30.5310001373291, 27.787])) == COMPUTED
    assert column_decimals(np.sin(np.arange(100.0))) == COMPUTED


def test_decimals_are_those_of_all_rows_however_many_are_read_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 7)
    column = np.full(50, 2.0)
    column[44] = 2.125
    assert column_decimals(column) == 3
