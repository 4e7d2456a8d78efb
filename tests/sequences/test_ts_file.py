"""Tests of the reader of `.ts` files."""

from pathlib import Path

import numpy as np
import pytest

from lstm_cli.errors import DataError
from lstm_cli.sequences.ts_file import read_ts

HEADER = "# a comment\n@problemName Toy\n@timeStamps false\n@univariate true\n@classLabel true 1 2\n@data\n"


def read(text: str, *, labelled: bool = True):
    return read_ts(Path("toy.ts"), text.encode(), labelled=labelled)


def test_sequences_of_unequal_length_and_missing_values() -> None:
    raw = read(HEADER + "1,2,?:1\n\n4.5,-6e1:2\n")
    assert raw.columns == ("value",)
    np.testing.assert_array_equal(raw.values[0][:, 0], [1, 2, np.nan])
    assert raw.values[1].tolist() == [[4.5], [-60]]
    assert (raw.labels, raw.names) == (("1", "2"), ("1", "2"))


def test_a_header_without_classes_allows_all_labels() -> None:
    assert read(HEADER.replace("true 1 2", "true") + "1:left\n").labels == ("left",)


def test_several_columns() -> None:
    raw = read(HEADER + "1,2,3:4,5,6:1\n1,2:4,5,6:2\n")
    assert raw.columns == ("value1", "value2")
    assert raw.values[0].tolist() == [[1, 4], [2, 5], [3, 6]]
    np.testing.assert_array_equal(raw.values[1][:, 0], [1, 2, np.nan])


def test_sequences_without_labels_are_new_data() -> None:
    text = HEADER.replace("@classLabel true 1 2", "@classLabel false") + "1,2\n"
    assert read(text, labelled=False).values[0].tolist() == [[1], [2]]
    with pytest.raises(DataError, match="no labels"):
        read(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,value\n1,2\n", "'@data' is missing"),
        (HEADER, "no sequence"),
        (HEADER + "1,x:1\n", "line 7: 'x' is not a number"),
        (HEADER + "1,2:1\n1,,2:2\n", "line 8: '' is not a number"),
        (HEADER + "1,2:1\n1,2:3,4:2\n", "line 8: 2 columns"),
        (HEADER + "1,inf:1\n", "infinite"),
        (HEADER + "1,2:1\n1,2:\n", "line 8: the label is missing"),
        (HEADER + "1,2:1\n1,2:3\n", "line 8: the label '3' is not in the header: @classLabel has 1, 2"),
        (HEADER.replace("@timeStamps false", "@timeStamps true") + "(1,2):1\n", "timestamps"),
    ],
)
def test_an_invalid_file_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(DataError) as error:
        read(text)
    assert message in error.value.message
    assert error.value.rule == "D160"
    assert error.value.hint
