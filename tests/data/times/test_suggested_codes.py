"""Tests of the formats that hints suggest."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from lstm_cli.data.locations import CellLocation
from lstm_cli.data.times.codes import TimeOptions
from lstm_cli.data.times.parse import read_times, scan_times
from lstm_cli.data.times.suggested_codes import format_hint, suggest_formats

TIMES = [datetime(2021, 1, 4) + timedelta(hours=17 * row) for row in range(200)]
PLACE = CellLocation(source="f.csv", column="a")


@pytest.mark.parametrize(
    "codes",
    [
        "%a %d %b %Y",
        "%d%b%Y:%H:%M:%S",
        "%Y-%j",
        "%Y%j",
        "%m.%Y",
        "%d/%m/%y",
        "%Y%m%d %H%M",
        "%d.%m.%Y um %H:%M",
        "%d.%m.%y %H.%M",
        "%b %d %Y %I:%M:%S %p",
        "%Y-%m-%dT%H-%M-%S",
        "%y%m%d",
        "%H:%M %d/%m/%Y",
    ],
)
def test_the_format_of_the_cells_is_suggested_and_reads_them(codes: str) -> None:
    cells = [time.strftime(codes) for time in TIMES]
    formats = suggest_formats(cells)
    assert codes in formats
    lines, options = np.arange(2, 2 + len(cells)), TimeOptions(format=formats[0])
    column = read_times([scan_times(cells, lines, PLACE, options)], lines, PLACE, options)
    expected = [datetime.strptime(cell, formats[0]) for cell in cells]
    assert column.times.tolist() == np.array(expected, dtype="datetime64[us]").astype(np.int64).tolist()


def test_both_orders_of_an_ambiguous_date_are_suggested() -> None:
    assert suggest_formats(["01/02/21", "02/03/21"]) == ("%d/%m/%y", "%m/%d/%y")


def test_names_of_columns_decide_what_their_numbers_are() -> None:
    cells = [f"{time.year % 100} {time.month} {time.day} {time.hour} 0" for time in TIMES]
    assert suggest_formats(cells, ("Yy", "mM", "d", "H", "mM")) == ("%y %m %d %H %M",)


@pytest.mark.parametrize(
    "cells", [[], ["abc"], ["1.5", "2.5"], ["12:30", "12:45"], ["30.30.2020"], ["9" * 40]]
)
def test_nothing_is_suggested_for_other_cells(cells: list[str]) -> None:
    assert suggest_formats(cells) == ()
    assert format_hint(()) == ""
