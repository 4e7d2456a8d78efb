"""Tests of static columns: one value for each series, and the line where a column changes."""

import io

import numpy as np
import pytest

from lstm_cli.data.reading.table import Table, read_table
from lstm_cli.errors import DataError

HEADER = "date,shop,y,kind,size\n"


def read(*rows: str, **options) -> Table:
    text = HEADER + "\n".join(rows) + "\n"
    return read_table(
        "-",
        stdin=io.BytesIO(text.encode()),
        **{"targets": ["y"], "series": ["shop"], "static": ["kind", "size"], **options},
    )


ROWS = (
    "2020-01-01,A,1,mall,",
    "2020-01-01,B,2,street,7",
    "2020-01-02,A,3,,5",
    "2020-01-02,B,4,street,7.0",
    "2020-01-01,C,5,,",
)


def test_a_series_has_its_first_value_and_words_are_columns_of_0_and_1():
    table = read(*ROWS)
    assert table.columns == ("y",)
    assert table.values[:, 0].tolist() == [1, 2, 3, 4, 5]
    assert table.static.names == ("kind=mall", "kind=street", "size")
    assert table.static.categories == {"kind": ("mall", "street")}
    assert np.array_equal(table.static.values, [[1, 0, 5], [0, 1, 7], [0, 0, np.nan]], equal_nan=True)


def test_a_series_without_a_value_is_reported():
    findings = [finding for finding in read(*ROWS).findings if finding.rule == "D244"]
    assert [(finding.column, finding.count) for finding in findings] == [("kind", 1), ("size", 1)]
    assert "missing for 1 of 3 series, the first 'C'; counted as 'other'" in findings[0].text
    assert "filled with the mean of the others" in findings[1].text


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("2020-01-02,C,4,street,7.5", "line 7, column 'size': .*series 'C': 7.5, but 7 in line 5"),
        ("2020-01-02,C,4,mall,7", "line 7, column 'kind': .*series 'C': 'mall', but 'street' in line 5"),
    ],
)
def test_a_column_that_changes_is_refused_with_both_lines(row: str, message: str):
    with pytest.raises(DataError, match=message) as caught:
        read(*ROWS[:3], "2020-01-01,C,2,street,7", ROWS[3], row)
    assert caught.value.rule == "D243"


def test_a_column_that_changes_after_many_rows_is_refused():
    days = np.datetime64("1900-01-01") + np.arange(40_000)
    rows = [f"{day},A,1,mall,{5 + (day == days[-1])}" for day in days]
    with pytest.raises(DataError, match=r"line 40001.*series 'A': 6, but 5 in line 2"):
        read(*rows)


def test_the_categories_of_a_run_are_kept_and_new_ones_reported():
    table = read("2020-01-01,A,1,kiosk,5", "2020-01-01,B,1,mall,5", categories={"kind": ("street", "mall")})
    assert table.static.names == ("kind=street", "kind=mall", "size")
    assert table.static.values.tolist() == [[0, 0, 5], [0, 1, 5]]
    (finding,) = table.findings
    assert (finding.rule, finding.lines, finding.count) == ("D242", (2,), 1)


def test_static_and_other_covariates_keep_their_order():
    table = read(*ROWS, static=["size"], past=["kind"])
    assert table.columns == ("y", "kind=mall", "kind=street")
    assert table.static.names == ("size",)
    assert table.static.of_series(table.series_names, ["B", "A"]).tolist() == [[7], [5]]
    assert read(*ROWS, static=[]).static.of_series(("A",), ["A"]) is None
