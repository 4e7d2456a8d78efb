"""Tests of the search for a table below title lines."""

import pytest

from lstm_cli.data.reading.dialect.title_lines import find_header_below, find_table_start

TABLE = ["date,load", "2021-01-01,5", "2021-01-02,6"]


@pytest.mark.parametrize(
    ("lines", "delimiter", "flags"),
    [
        (["Load of Berlin", *TABLE], ",", "--skip-rows 1"),
        (["# made by hand", "# in MW, as always, roughly", "", *TABLE], ",", "--skip-rows 3"),
        (["Load of Berlin", *TABLE[1:]], ",", "--skip-rows 1 --no-header"),
        (["Load", *(line.replace(",", "  ") for line in TABLE)], "whitespace", "--skip-rows 1"),
        (
            ["Load", *TABLE, "Source: the grid"],
            ",",
            None,
        ),  # below the first twenty rows, a footer is not seen
        (["# made by hand", "# in MW, as always", *TABLE], ",", "--skip-rows 2"),
        (TABLE, ",", None),
        (["load", "5", "6"], ",", None),
        (["", ""], ",", None),
        (['an open "quote', *TABLE], ",", "--skip-rows 1"),
    ],
)
def test_the_first_line_of_the_table(lines: list[str], delimiter: str, flags: str | None) -> None:
    start = find_table_start([line + "\n" for line in lines], delimiter)
    assert (start and start.flags) == flags


@pytest.mark.parametrize(
    ("lines", "above"),
    [
        (["My load,", "Made,2021-01-01", *TABLE], 2),
        (["", "# in MW, as always", *TABLE], 2),
        ([",load", *TABLE[1:]], None),  # a column of labels has no name
        (["# date,load", *TABLE[1:]], None),
        (["#YY,load", "#yr,MW", *TABLE[1:]], None),  # a header with units below
        ([",load", "date,MW", "a,b", "c,d"], None),
        (TABLE, None),
    ],
)
def test_a_header_is_found_below_titles_with_as_many_cells(lines: list[str], above: int | None) -> None:
    start = find_header_below([line + "\n" for line in lines], ",")
    assert (start and start.above) == above
