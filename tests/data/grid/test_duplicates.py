from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_tables import hourly, table

from lstm_cli.config.text import GridSettings
from lstm_cli.data.frequency.step import parse_freq
from lstm_cli.data.grid.regular_grid import Grid, to_regular_grid
from lstm_cli.data.reading.table import Table
from lstm_cli.errors import DataError
from lstm_cli.findings import finding_texts

NAN = float("nan")


def lay(given_table: Table, how: str) -> Grid:
    return to_regular_grid(given_table, GridSettings(duplicates=how))


@pytest.mark.parametrize(
    ("how", "load", "wind"),
    [("mean", 3, 7), ("sum", 6, 14), ("first", 1, 6), ("last", 5, 8)],
)
def test_the_measured_cells_of_one_time_are_combined(how: str, load: float, wind: float) -> None:
    # 01:00 has the loads 1, 5 and missing, and the winds missing, 6 and 8.
    values = [[0, 0], [1, NAN], [5, 6], [NAN, 8], [2, 2]]
    read = table(hourly(3)[[0, 1, 1, 1, 2]], values, past=("wind",))
    before = read.values.copy()
    grid = lay(read, how)
    np.testing.assert_array_equal(grid.values, [[0, 0], [load, wind], [2, 2]])
    np.testing.assert_array_equal(read.values, before)
    assert grid.rows_read.tolist() == [3]
    assert finding_texts(grid.findings) == (
        "a.csv, line 3: 1 duplicate timestamp with different values, the first here, 2020-01-01 01:00. "
        f"The {how} of the measured values is used (--duplicates {how})",
    )


@pytest.mark.parametrize("how", ["mean", "sum", "first", "last"])
def test_identical_rows_count_once_wherever_they_stand(how: str) -> None:
    # -0 is 0, and a missing value equals a missing value.
    values = [[1, NAN], [2, 5], [1, NAN], [2, 5], [0, 1], [-0.0, 1]]
    grid = lay(table(hourly(2)[[0, 0, 0, 0, 1, 1]], values, past=("wind",)), how)
    expected = {"mean": 1.5, "sum": 3, "first": 1, "last": 2}[how]
    np.testing.assert_array_equal(grid.values, [[expected, 5], [0, 1]])
    identical, combined = grid.findings
    assert (identical.rule, identical.count) == ("D522", 3)
    assert identical.text.startswith(
        "a.csv, line 4: 3 duplicate rows, the first equal to line 2, 2020-01-01. "
    )
    assert (combined.rule, combined.count, combined.flags) == ("D532", 1, ("--duplicates", "--series"))


@pytest.mark.parametrize("how", ["error", "mean", "sum"])
def test_only_identical_rows_give_the_same_data_in_every_mode(how: str) -> None:
    grid = lay(table(hourly(2)[[0, 0, 1, 1]], [4, 4, NAN, NAN]), how)
    assert grid.values[:, 0].tolist() == [4]
    assert [item.rule for item in grid.findings] == ["D522", "D513"]


@pytest.mark.parametrize(("how", "expected"), [("sum", 20), ("mean", 20 / 3), ("first", 5), ("last", 10)])
def test_equal_rows_of_a_file_with_unused_columns_all_count(how: str, expected: float) -> None:
    """Two customers may buy the same amount on one day."""
    sales = pd.DataFrame(
        {"date": ["2024-01-01"] * 3, "customer": ["a", "b", "c"], "amount": [5.0, 5.0, 10.0]}
    )
    read = replace(table(hourly(2)[[0, 0, 0, 1]], [*sales["amount"], 1]), unused=("customer",))
    assert lay(read, how).values[:, 0] == pytest.approx([expected, 1])
    assert sales.groupby("date")["amount"].agg(how).item() == pytest.approx(expected)


def test_equal_rows_of_a_file_with_unused_columns_are_equal_in_the_columns_used() -> None:
    read = replace(table(hourly(2)[[0, 0, 1]], [5, 5, 1]), unused=("customer",))
    (finding,) = lay(read, "error").findings
    assert finding.text.startswith(
        "a.csv, line 3: 1 duplicate row, the first equal in the columns used to line 2"
    )
    assert "--duplicates sum" in finding.text
    assert finding.flags == ("--series", "--duplicates")


def test_all_missing_cells_stay_missing() -> None:
    values = [[1, NAN, 1], [1, NAN, 2], [3, 3, 3]]
    grid = lay(table(hourly(2)[[0, 0, 1]], values, past=("p", "q")), "sum")
    np.testing.assert_array_equal(grid.values, [[2, NAN, 3], [3, 3, 3]])


def test_a_time_of_two_series_is_not_combined() -> None:
    times = hourly(2)[[0, 1, 0, 0, 1]]
    grid = lay(table(times, [1, 2, 10, 20, 30], series=[*"aabbb"]), "mean")
    assert grid.values[:, 0].tolist() == [1, 2, 15, 30]
    assert "line 4: 1 duplicate timestamp with different values, the first here of series 'b'" in (
        grid.findings[0].text
    )


def test_a_memory_map_is_not_changed(tmp_path: Path) -> None:
    read = table(hourly(3)[[0, 1, 1, 2]], [1, 2, 4, 5])
    path = tmp_path / "1.bin"
    read.values.tofile(path)
    mapped = np.memmap(path, dtype=np.float64, mode="r", shape=read.values.shape)
    grid = lay(Table(**(vars(read) | {"values": mapped})), "mean")
    assert grid.values[:, 0].tolist() == [1, 3, 5]
    assert isinstance(grid.cells, np.memmap)
    assert np.fromfile(path).tolist() == [1, 2, 4, 5]


def test_new_data_name_no_option_that_predict_lacks() -> None:
    read = table(hourly(3)[[0, 1, 1, 2]], [1, 2, 4, 5])
    with pytest.raises(DataError) as caught:
        to_regular_grid(read, GridSettings(), step=parse_freq("h"))
    assert "run prepare again with --duplicates mean" in caught.value.hint
    assert caught.value.flags == ()


@settings(max_examples=60)
@given(
    cells=st.lists(
        st.tuples(
            st.sampled_from("ab"),
            st.integers(0, 5),
            st.sampled_from([NAN, 0.0, 1.0, 2.5]),
            st.sampled_from([NAN, 3.0, 4.0]),
        ),
        min_size=1,
        max_size=40,
    ),
    how=st.sampled_from(["mean", "sum", "first", "last"]),
)
def test_combined_rows_are_those_of_pandas(cells, how: str) -> None:
    cells = [("a", 0, 1.0, 3.0), ("b", 0, 1.0, 3.0), ("a", 5, 2.0, NAN), ("b", 5, 2.0, 3.0), *cells]
    frame = pd.DataFrame(cells, columns=["id", "hour", "load", "wind"]).drop_duplicates()
    grouped = frame.groupby(["id", "hour"])[["load", "wind"]]
    expected = grouped.sum(min_count=1) if how == "sum" else grouped.agg(how)
    times = [hourly(6)[hour] for _, hour, _, _ in cells]
    read = table(times, [cell[2:] for cell in cells], past=("wind",), series=[cell[0] for cell in cells])
    grid = to_regular_grid(read, GridSettings(freq="h", duplicates=how))
    names = pd.MultiIndex.from_product([["a", "b"], range(6)])
    np.testing.assert_allclose(grid.values, expected.reindex(names).to_numpy(), rtol=1e-12)
