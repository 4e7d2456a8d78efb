"""Tests of the check of a last row without a line break."""

import pytest

from lstm_cli.data.reading.dialect.last_row import looks_cut_off


@pytest.mark.parametrize(
    ("cells", "is_cut"),
    [
        (["10.25", "11.50", "12.75"], False),
        (["10.25", "11.50", "12.7"], True),  # shorter than all, and fewer decimals
        (["10.25", "9.50", "12.7"], True),  # as long as the shortest, but with fewer decimals
        (["10.25", "9", "12.7"], False),  # any number of decimals
        (["10", "9", "8"], False),
        (["10", "11", "8"], True),
        (["10", "9", "1."], True),
        (["-5", "9", "-"], True),  # `-` would be read as a missing value
        (["10", "9", ""], True),
        (["10"], False),
    ],
)
def test_a_row_that_lacks_its_end(cells: list[str], is_cut: bool) -> None:
    lines = [f"2021-01-01,{cell}\n" for cell in cells]
    assert looks_cut_off([*lines[:-1], "\n", lines[-1].removesuffix("\n")], ",") == is_cut


def test_a_closing_quote_ends_a_row() -> None:
    assert not looks_cut_off(["a,10\n", 'a,"1"'], ",")
