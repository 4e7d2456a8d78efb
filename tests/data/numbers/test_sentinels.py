"""Tests of the check for values that stand for a missing value."""

import numpy as np
import pytest

from lstm_cli.data.locations import CellLocation
from lstm_cli.data.numbers.sentinels import Sentinels
from lstm_cli.findings import Finding

PLACE = CellLocation(source="f.csv", column="y")
RANDOM = np.random.default_rng(0)
HOURS = np.arange(2000)
SUN = np.maximum(0, np.sin(HOURS * 2 * np.pi / 24)) * 800


def finding_of(values, batch: int = 100, known: bool = True) -> Finding | None:
    """Return the finding about values, which are added in batches."""
    values = np.asarray(values, dtype=np.float64)
    lines = np.arange(2, 2 + len(values))
    check = Sentinels()
    for begin in range(0, len(values), batch):
        piece = values[begin : begin + batch]
        extremes = (piece.min(), piece.max()) if known else (np.nan, np.nan)
        check.add(piece, lines[begin : begin + batch], *extremes)
    return check.finding(PLACE)


def with_cells(values, value: float, every: int) -> np.ndarray:
    values = np.array(values, dtype=np.float64)
    values[5::every] = value
    return values


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("batch", [7, 100, 5000])
def test_the_count_the_next_value_and_the_option_are_named(known, batch):
    values = with_cells(np.round(RANDOM.uniform(0.3, 12, 500), 1), -200, 6)
    values[0] = 0.3
    finding = finding_of(values, batch, known)
    assert (finding.rule, finding.lines, finding.count, finding.flags) == ("D313", (7,), 83, ("--na-value",))
    assert finding.text == (
        "f.csv, line 7, column 'y': -200 is in 83 of 500 cells, far below all others (the next is 0.3), so it may be "
        "a code for a missing value (use --na-value=-200 if it is)"
    )


@pytest.mark.parametrize(
    ("name", "values", "code"),
    [
        ("below a wide range", with_cells(RANDOM.integers(2, 1480, 2000), -200, 20), -200),
        ("below temperatures", with_cells(RANDOM.normal(15, 8, 2000), -200, 50), -200),
        ("in most cells", np.where(HOURS % 10 > 0, -200, HOURS % 89 + 7), -200),
        ("nines above", with_cells(RANDOM.normal(15, 8, 2000), 999.9, 50), 999.9),
        ("9999", with_cells(RANDOM.normal(4000, 500, 2000), 9999, 50), 9999),
        ("a fill value", with_cells(RANDOM.normal(15, 8, 2000), 1e20, 50), 1e20),
        ("the largest 16-bit number", with_cells(RANDOM.normal(300, 40, 2000), 65535, 40), 65535),
        ("sevens", with_cells(RANDOM.normal(300, 40, 2000), 7777, 40), 7777),
        ("eights", with_cells(RANDOM.normal(300, 40, 2000), 8888.8, 40), 8888.8),
        ("a round number", with_cells(RANDOM.normal(15, 8, 2000), 500, 40), 500),
        ("zeros of air pressure", with_cells(RANDOM.normal(1013, 8, 2000), 0, 40), 0),
        ("below a wide range around zero", with_cells(RANDOM.normal(0, 30, 2000), -200, 40), -200),
        ("next to the others", with_cells(RANDOM.normal(0, 300, 2000).clip(-990), -999, 40), -999),
        ("once, but usual", with_cells([1.5, 2, 7, 3, 4, 0, 2, 2], -999, 9), -999),
        ("among missing cells", with_cells(with_cells(RANDOM.uniform(1, 9, 500), np.nan, 3), -200, 7), -200),
    ],
)
def test_a_code_is_found(name, values, code):
    finding = finding_of(values)
    assert f"{code:.15g} is in" in finding.text
    assert finding.count == int((np.asarray(values) == code).sum())


def test_codes_on_both_sides_are_one_finding():
    values = with_cells(with_cells(RANDOM.uniform(-20, 40, 500), -999, 10), 9999, 50)
    finding = finding_of(values)
    assert "-999, 9999 are in 50 of 500 cells" in finding.text
    assert "--na-value=-999 --na-value 9999" in finding.text


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("zeros of intermittent demand", np.where(HOURS % 5, 0, 100 + HOURS % 7)),
        ("nights of solar power", SUN),
        ("a clipped sensor", np.minimum(SUN, 500)),
        ("a sensor with a limit far above", np.where(HOURS % 20, HOURS % 50, 90)),
        ("on and off", HOURS % 2),
        ("minus one and one", HOURS % 2 * 2 - 1),
        ("a constant column and a code", np.where(HOURS % 9, 5, -1)),
        ("returns of a shop", np.where(HOURS % 40, HOURS % 6, -1)),
        ("a machine with two states", np.where(HOURS % 3, HOURS % 11 / 10, 1500)),
        ("few categories", np.where(HOURS % 10, HOURS % 4, -20)),
        ("doses", np.array([1, 10, 100, 1000, 10000] * 20)),
        ("a spike", with_cells(RANDOM.normal(15, 1, 2000), -200, 10_000)),
        ("normal", RANDOM.normal(size=2000)),
        ("large negative numbers", np.array([-900, -999, -1000, np.nan] * 10)),
        ("holiday closures", with_cells(1000 + HOURS % 50, 0, 365)),
        ("closed on one day of the week", np.where(HOURS % 7, 1000 + HOURS % 50, 0)),
        ("a sensor that ends at -40", np.maximum(RANDOM.normal(-10, 15, 2000), -40)),
        ("a few prices", np.where(HOURS % 30, 1 + HOURS % 6 / 10, 8.5)),
        ("nothing", np.full(20, np.nan)),
    ],
)
def test_true_values_are_not_reported(name, values):
    assert finding_of(values) is None
