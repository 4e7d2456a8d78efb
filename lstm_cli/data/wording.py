"""How messages name the rows and times of a file."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Wording:
    """How the rows and times of one file are named."""

    source: str
    unit: str = "line"  # what the numbers of rows count; "row" in Parquet
    utc: bool = False  # the times are UTC, whatever offsets the file writes

    def at(self, line: int) -> str:
        """a.csv, line 5."""
        return f"{self.source}, {self.unit} {line}"

    def time(self, time_us: int) -> str:
        """2020-03-29, 2020-03-29 02:00, 2020-03-29 02:00:15.5; times in UTC with that word."""
        day, _, clock = str(np.datetime64(int(time_us), "us")).partition("T")
        whole, _, fraction = clock.partition(".")
        fraction = fraction.rstrip("0")
        clock = f"{whole}.{fraction}" if fraction else whole.removesuffix(":00")
        return (day if clock == "00:00" else f"{day} {clock}") + " UTC" * self.utc


def count_of(number: int, noun: str) -> str:
    """1 row, 2 rows."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
