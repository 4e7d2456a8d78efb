"""Tests of wide files whose header counts steps, as those of M4 and M5 do."""

import io

import pytest

from lstm_cli.data.reading.table import Table, read_table
from lstm_cli.data.reading.wide.layout import WideRequest
from lstm_cli.data.reading.wide.steps import plain_step, steps_in_header
from lstm_cli.errors import DataError

SHOPS = (("north", 1), ("south", 50))  # name and first value


def text_of(prefix: str, *, first: int = 1, steps: int = 12) -> str:
    names = (f"{prefix}{number}" for number in range(first, first + steps))
    rows = (f"{shop},food,{','.join(map(str, range(at, at + steps)))}\n" for shop, at in SHOPS)
    return f"id,cat,{','.join(names)}\n" + "".join(rows)


def read(text: str, **options: object) -> Table:
    return read_table("-", stdin=io.BytesIO(text.encode()), **options)


@pytest.mark.parametrize("prefix", ["d_", "V", "", "step ", "q1_"])
def test_a_header_that_counts_steps_is_named_once_and_the_hint_reads_it(prefix):
    text = text_of(prefix, first=2)
    with pytest.raises(DataError) as caught:
        read(text)
    error = caught.value
    assert error.rule == "D222"
    assert f"12 of 14 columns count steps, from '{prefix}2' to '{prefix}13'" in error.message
    assert error.hint.startswith("add --wide --series id, or")
    table = read(text, wide=WideRequest(series=("id",)))
    assert table.time_format.is_integer
    assert table.times[:12].tolist() == list(range(2, 14))
    assert table.values[:, 0].tolist() == [*range(1, 13), *range(50, 62)]
    assert list(table.series_names) == ["north", "south"]


def test_new_data_go_on_counting_with_few_columns_and_any_prefix():
    table = read(text_of("d_"), wide=WideRequest(series=("id",)))
    for prefix in ("d_", ""):
        new = read(
            text_of(prefix, first=13, steps=1),
            wide=WideRequest(series=("id",), dated=True, from_model=True),
            targets=("value",),
            time=("time",),
            series=("id",),
            like=table.time_format,
        )
        assert new.times.tolist() == [13, 13]


def test_features_with_numbers_are_no_steps():
    names = [f"V{number}" for number in range(1, 13)]
    rows = "".join(f"{row},{','.join(str(row * 7 % 5) for _ in names)}\n" for row in range(20))
    with pytest.raises(DataError, match="numeric columns, so the target must be named"):
        read(f"load,{','.join(names)}\n{rows}")
    days = "".join(f"2023-01-{row:02d},{','.join(str(row * 7 % 5) for _ in names)}\n" for row in range(1, 20))
    table = read(f"date,{','.join(names)}\n{days}", wide=WideRequest())
    assert len(table.series_names) == 12


@pytest.mark.parametrize(
    ("names", "steps"),
    [
        (["d_1", "d_2", "d_3", "x"], [0, 1, 2]),
        (["d_1", "d_2", "d_4"], []),
        (["d_1", "d_2"], []),
        (["d_1", "d_2", "d_3", "x", "y", "z"], []),
        (["2", "3", "4"], [0, 1, 2]),
        (["d_09", "d_10", "d_11"], [0, 1, 2]),
    ],
)
def test_most_columns_count_by_one_with_one_prefix(names, steps):
    assert steps_in_header(names, range(len(names))) == steps


def test_the_number_is_at_the_end_of_the_name():
    assert [plain_step(name) for name in ("q1_12", "7", "cat")] == ["12", "7", "cat"]
