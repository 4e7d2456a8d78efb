"""Tests of the formats that hints suggest."""

import shlex
from datetime import datetime, timedelta

import numpy as np
import pytest

from lstm_cli.data.locations import CellLocation
from lstm_cli.data.times.codes import TimeOptions
from lstm_cli.data.times.parse import read_times, scan_times
from lstm_cli.data.times.suggested_codes import format_hint, suggest_correction, suggest_formats

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
    ("cell", "codes"),
    [
        ("{q}Q{y:02d}", "%qQ%y"),
        ("Q{q}/{y:02d}", "Q%q/%y"),
        ("Q{q} '{y:02d}", "Q%q '%y"),
        ("T{q} 20{y:02d}", "T%q %Y"),
        ("20{y:02d} Quartal {q}", "%Y Quartal %q"),
        ("20{y:02d} W{w}", "%G W%V"),
        ("20{y:02d}-W{w}", "%G-W%V"),
        ("KW {w:02d}/20{y:02d}", "KW %V/%G"),
        ("{w}/20{y:02d}", "%V/%G"),
        ("20{y:02d}-{w:02d}", "%G-%V"),
    ],
)
def test_quarters_and_weeks_are_no_months(cell: str, codes: str) -> None:
    cells = [cell.format(q=1 + row % 4, w=1 + row % 52, y=1 + row // 52) for row in range(120)]
    assert suggest_formats(cells) == (codes,)


def test_numbers_that_end_at_4_may_be_quarters() -> None:
    cells = [f"{2000 + row // 4}-{1 + row % 4}" for row in range(40)]
    assert suggest_formats(cells) == ("%Y-%q", "%Y-%m")


def test_a_clock_before_the_date_is_suggested_only_if_nothing_else_fits() -> None:
    assert suggest_formats([f"{time:%Y-%m-%d %H}" for time in TIMES]) == ("%Y-%m-%d %H",)


def test_the_hint_survives_a_shell() -> None:
    cells = [f"'{time:%Y-%m-%d}'" for time in TIMES]
    hint = format_hint(suggest_formats(cells))
    assert shlex.split(hint)[-2:] == ["--time-format", "'%Y-%m-%d'"]


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([f"{1 + week % 52}/2022" for week in range(52)], "'%V/%G'"),
        ([f"{year}/{(year + 1) % 100:02d}" for year in range(1940, 1960)], "spans of two years"),
        ([f"2022-{month:02d}" for month in (*range(1, 13), 13)], ""),
    ],
)
def test_months_that_do_not_exist_may_be_weeks_or_spans(cells: list[str], words: str) -> None:
    hint = suggest_correction(cells)
    assert words in hint
    assert bool(hint) == bool(words)


@pytest.mark.parametrize(
    "cells",
    [
        ["2000-H1", "2000-H2"],
        ["1H00", "2H00"],
        [],
        ["abc"],
        ["1.5", "2.5"],
        ["12:30", "12:45"],
        ["30.30.2020"],
        ["9" * 40],
    ],
)
def test_nothing_is_suggested_for_other_cells(cells: list[str]) -> None:
    assert suggest_formats(cells) == ()
    assert format_hint(()) == ""
