"""Tests of the hints that replace a header with a duplicate name, or with too few names."""

import io

import pytest

from lstm_cli.config.text import TextSettings
from lstm_cli.data.reading.dialect.unique_names import unique_names
from lstm_cli.data.reading.table import Table, read_table
from lstm_cli.data.reading.wide.layout import WideRequest
from lstm_cli.errors import DataError

ROWS = "".join(f"2022-01-{day:02d},{day}.5,{day % 3}\n" for day in range(3, 20))


def read(text: str, settings: TextSettings = TextSettings(), **options: object) -> Table:  # noqa: B008
    return read_table("-", text=settings, stdin=io.BytesIO(text.encode()), **options)


def hint_of(text: str, settings: TextSettings = TextSettings(), **options: object) -> str:  # noqa: B008
    with pytest.raises(DataError) as caught:
        read(text, settings, **options)
    assert caught.value.rule in ("D208", "D132")
    return caught.value.hint or ""


def test_the_option_for_duplicate_names_reads_the_file():
    for title in ("", "Sales\n"):
        skip = 1 if title else 0
        settings = TextSettings(skip_rows=skip)
        hint = hint_of(f"{title}date,sales,sales\n{ROWS}", settings)
        assert hint.endswith(f"replace the header: --names date,sales,sales2 --skip-rows {1 + skip}")
        named = TextSettings(names=("date", "sales", "sales2"), skip_rows=1 + skip)
        table = read(f"{title}date,sales,sales\n{ROWS}", named, targets=["sales"])
        assert table.values[0, 0] == 3.5


def test_the_option_for_an_empty_last_column_reads_the_file():
    text = "date,sales\n" + ROWS.replace(",0\n", ",\n").replace(",1\n", ",\n").replace(",2\n", ",\n")
    assert hint_of(text).endswith("--names date,sales,x --skip-rows 1")
    assert read(text, TextSettings(names=("date", "sales", "x"), skip_rows=1)).targets == ("sales",)


def test_the_option_for_a_duplicate_time_in_the_header():
    times = ["2022-01-04", "2022-01-04", "2022-01-05", "2022-01-06", "2022-01-07"]
    text = f"shop,{','.join(times)}\nA,1,2,3,4,5\nB,5,6,7,8,9\n"
    hint = hint_of(text, wide=WideRequest(series=("shop",)))
    assert "--names shop,2022-01-04,2022-01-04_2,2022-01-05,2022-01-06,2022-01-07 --skip-rows 1" in hint
    many = ",".join(f"2022-{month:02d}-{day:02d}" for month in (1, 1, 2) for day in range(1, 21))
    hint = hint_of(f"shop,{many}\nA{',1' * 60}\n", wide=WideRequest(series=("shop",)))
    assert hint.endswith("--names with a name for each of the 61 columns, and --skip-rows 1")


def test_unique_names_keep_the_first_and_avoid_others():
    assert unique_names(["a", "a", "a2", "a"]) == ["a", "a3", "a2", "a4"]
    assert unique_names(["\u00e9", "e\u0301"]) == ["\u00e9", "e\u03012"]
    assert unique_names(["x1", "x1"]) == ["x1", "x1_2"]
