"""Tests of `--target '*'`, and of the message about files with other columns."""

import io
from pathlib import Path

import pytest

from lstm_cli.config import PrepareConfig
from lstm_cli.data.reading.table import Table, read_table
from lstm_cli.errors import DataError, UsageError


def read(text: str, **options) -> Table:
    return read_table("-", stdin=io.BytesIO(text.encode()), targets=("*",), **options)


ROWS = "date,b,name,a,empty,x\n2020-01-01,1,u,2,,5\n2020-01-02,3,v,4,,6\n"


def test_every_numeric_column_without_a_role_is_a_target():
    table = read(ROWS, past=("x",))
    assert (table.targets, table.past, table.time_columns) == (("b", "a"), ("x",), ("date",))
    assert table.values.tolist() == [[1, 2, 5], [3, 4, 6]]
    assert [finding.rule for finding in table.findings] == ["D221"]
    assert "1 column left out of --target '*', empty in the first 2 rows: 'empty'" in table.findings[0].text


def test_numbers_with_marks_are_not_left_out_in_silence():
    with pytest.raises(DataError, match=r"line 2, column 'b': '1,200' is not a plain number"):
        read(ROWS.replace(",1,u", ',"1,200",u').replace(",3,v", ',"3,400",v'))


def test_a_file_without_numbers_is_refused():
    with pytest.raises(DataError, match="no numeric column"):
        read("date,name\n2020-01-01,a\n2020-01-02,b\n")


def test_a_named_target_beside_it_is_a_usage_error():
    with pytest.raises(UsageError, match="cannot be combined with a named target"):
        PrepareConfig(target=("*", "a"))
    with pytest.raises(UsageError, match="column 'a' is given to --target twice"):
        PrepareConfig(target=("a", "a"))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("date,sales,promo", "date,promo", "missing 'sales'"),
        ("date,sales", "date,sales,promo", "extra 'promo'"),
        ("date,sales,promo", "date,sales,price", "missing 'promo' and extra 'price'"),
        ("date,sales", "date,sales,sales", "duplicate 'sales'"),
    ],
)
def test_other_columns_of_a_second_file_are_named(tmp_path: Path, first: str, second: str, expected: str):
    paths = [str(tmp_path / name) for name in ("a.csv", "b.csv")]
    for day, (path, header) in enumerate(zip(paths, (first, second), strict=True), start=1):
        cells = ",".join("1" for _ in header.split(",")[1:])
        Path(path).write_text(f"{header}\n2020-01-0{day},{cells}\n")
    with pytest.raises(DataError) as caught:
        read_table(paths, targets=("sales",))
    assert str(caught.value).endswith(f"b.csv has other columns than {paths[0]}: {expected}")
