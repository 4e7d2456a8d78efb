"""Tests of benchmarks/other_programs.py and of the functions that it calls in other processes."""

import sys
from pathlib import Path

import numpy as np
import openers
import pytest
from other_programs import OPENERS, find_python, largest_difference

TABLE = "day,y,y_lo80\n2024-01-01,100,0.5\n2024-01-02,2e-3,-7\n"


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ("100", "100.5", 0.005),
        ("0.5", "0.25", 0.25),
        ("2e-3", "0.003", 0.001),
        ("2024-01-02", "2025-01-02", 0.0),
    ],
)
def test_a_difference_is_relative_from_1_on(old: str, new: str, difference: float) -> None:
    assert largest_difference(TABLE.replace(old, new), TABLE) == pytest.approx(difference)


def test_another_table_has_no_difference() -> None:
    for other in (TABLE.replace("y_lo80", "y_lo95"), TABLE + "2024-01-03,1,2\n", TABLE.replace(",0.5", "")):
        with pytest.raises(ValueError, match="other columns or rows"):
            largest_difference(other, TABLE)


def test_each_opener_is_a_function() -> None:
    for opener in OPENERS:
        assert callable(getattr(openers, opener.function))


def test_the_first_python_that_has_the_packages_is_used(tmp_path: Path) -> None:
    absent = str(tmp_path / "python")
    Path(absent).write_text("#!/bin/sh\nexit 1\n")
    Path(absent).chmod(0o755)
    pythons = (absent, sys.executable)
    assert find_python(pythons, ("numpy",), ()) == (sys.executable, f"numpy {np.__version__}")
    assert find_python(pythons, ("numpy", "no_such_package"), ()) is None
