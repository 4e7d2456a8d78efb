"""Tests of the time grid of whole numbers, which count steps and have no calendar."""

import io
from typing import Any

import pytest

from lstm_cli.config.text import GridSettings
from lstm_cli.data.grid.regular_grid import Grid, to_regular_grid
from lstm_cli.data.grid.time_range import parse_time_range
from lstm_cli.data.reading.table import read_table
from lstm_cli.data.times.formats import INTEGERS, TimeFormat
from lstm_cli.errors import DataError, LstmError, UsageError
from lstm_cli.findings import finding_texts


def grid(times: list[int], *, freq: str | None = None, **options: Any) -> Grid:
    text = "t,y\n" + "".join(f"{time},{time / 2}\n" for time in times)
    table = read_table("-", stdin=io.BytesIO(text.encode()), time=("t",))
    return to_regular_grid(table, GridSettings(freq=freq), **options)


def test_the_step_is_the_most_frequent_difference_and_gaps_are_missing_rows() -> None:
    made = grid([100, 110, 120, 150, 160])
    assert (made.step.kind, made.step.count, made.step.name) == ("unit", 10, "10")
    assert made.origin_us.tolist() == [100]
    assert made.counts.tolist() == [7]
    assert made.values[:3, 0].tolist() == [50, 55, 60]
    assert "2 rows are missing from the data of step 10, the first at 130" in finding_texts(made.findings)[0]


def test_numbers_out_of_order_are_sorted_and_one_row_given_twice_counts_once() -> None:
    made = grid([3, 1, 2, 2, 4])
    assert made.values[:, 0].tolist() == [0.5, 1, 1.5, 2]
    assert [finding.rule for finding in made.findings] == ["D521", "D522"]
    assert "1970" not in "".join(finding_texts(made.findings))


def test_start_and_end_are_whole_numbers_and_both_included() -> None:
    assert grid([1, 2, 3, 4, 5], start="2", end="4").values[:, 0].tolist() == [1, 1.5, 2]
    assert parse_time_range("--val", "time:-7", TimeFormat(pattern=INTEGERS)) == (-7, -7)
    with pytest.raises(UsageError, match="--end: '2020-01-01' is not a whole number"):
        grid([1, 2, 3], end="2020-01-01")
    with pytest.raises(DataError, match="from 1 to 3"):
        grid([1, 2, 3], start="4")


@pytest.mark.parametrize(
    ("times", "freq", "words"),
    [
        (
            [10, 20, 30, 45, 50],
            None,
            "45 is not on the time grid (the frequency seems to be 10, starting at 10)",
        ),
        ([10, 20, 35], "10", "35 is not on the time grid of --freq 10"),
        ([10, 20, 30], "h", "whole numbers without a calendar"),
        ([7], None, "only one row"),
    ],
)
def test_errors_show_whole_numbers(times: list[int], freq: str | None, words: str) -> None:
    with pytest.raises(LstmError) as caught:
        grid(times, freq=freq)
    assert words in caught.value.message
    assert "1970" not in caught.value.message
    assert caught.value.hint
