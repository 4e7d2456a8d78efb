"""How messages name the rows, columns and times of a file, and which cells count as missing."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstm_cli.text import count_of

# What a missing cell may hold, in lower case and without blanks around it.
MISSING_WORDS = frozenset(("", "-", "na", "n/a", "#n/a", "#na", "<na>", "nan", "-nan", "nat", "null", "none"))
# What is said of a cell that is its column's name, and how to mend it.
HEADER_AGAIN = (
    ": the header stands here again",
    "delete the line; if another table begins here, keep each table in a file of its own",
)
NAMED = 5  # series that a message names
_SHOWN = 40  # so much of a cell stands in a message
_SHOWN_NAME = 80  # and so much of a name


@dataclass(frozen=True, kw_only=True)
class Files:
    """The files of one data set. Their lines are counted on from file to file."""

    names: tuple[str, ...]
    begins: tuple[int, ...]  # lines before the first one of each file

    @property
    def name(self) -> str:
        """See `name_of`."""
        return name_of(self.names)

    def find(self, line: int) -> tuple[str, int]:
        """The name of the file that a line stands in, and its number there."""
        place = bisect_left(self.begins, line) - 1
        return self.names[place], line - self.begins[place]


@dataclass(frozen=True, kw_only=True)
class Wording:
    """How the rows and times of one data set are named."""

    source: str
    unit: str = "line"  # what the numbers of rows count; "row" in Parquet
    utc: bool = False  # the times are UTC, whatever offsets the file writes
    files: Files | None = None  # None: one file, `source`

    def at(self, line: int) -> str:
        """a.csv, line 5."""
        name, line = (self.source, line) if self.files is None else self.files.find(int(line))
        return f"{name}, {self.unit} {line}"

    def row(self, line: int) -> str:
        """line 5; where there are several files, line 5 of a.csv."""
        if self.files is None or len(self.files.names) == 1:
            return f"{self.unit} {line}"
        name, line = self.files.find(int(line))
        return f"{self.unit} {line} of {name}"

    def both(self, first: int, second: int) -> str:
        """a.csv, lines 5 and 7; a.csv, line 5 and b.csv, line 7."""
        name, line = (self.source, first) if self.files is None else self.files.find(int(first))
        other, further = (self.source, second) if self.files is None else self.files.find(int(second))
        if name == other:
            return f"{name}, {self.unit}s {line} and {further}"
        return f"{self.at(first)} and {self.at(second)}"

    def time(self, time_us: int) -> str:
        """2020-03-29, 2020-03-29 02:00, 2020-03-29 02:00:15.5; times in UTC with that word."""
        day, _, clock = str(np.datetime64(int(time_us), "us")).partition("T")
        whole, _, fraction = clock.partition(".")
        fraction = fraction.rstrip("0")
        clock = f"{whole}.{fraction}" if fraction else whole.removesuffix(":00")
        return (day if clock == "00:00" else f"{day} {clock}") + " UTC" * self.utc


def name_of(files: Sequence[str]) -> str:
    """Several files as one: a.csv, or a.csv and 2 more files."""
    more = len(files) - 1
    return files[0] + (f" and {count_of(more, 'more file')}" if more else "")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A column of a file, as messages name it."""

    source: str
    column: str
    unit: str = "line"  # what is counted: "line" of a text file, "row" of a Parquet file
    files: Files | None = None  # where lines are counted on over several files

    def at(self, line: int) -> str:
        """Where a cell stands: `data.csv, line 7, column 'OT'`."""
        return f"{self._wording.at(line)}, column {named(self.column)}"

    def row(self, line: int) -> str:
        """A row beside one that was named: `line 7`; where there are several files, `line 7 of data.csv`."""
        return self._wording.row(line)

    @property
    def _wording(self) -> Wording:
        return Wording(source=self.source, unit=self.unit, files=self.files)


def is_missing(cell: str) -> bool:
    """Whether a cell says that nothing was measured."""
    return cell.strip().lower() in MISSING_WORDS


def named(name: str) -> str:
    """The name of a column or series in quotes for a message."""
    return shown(name, _SHOWN_NAME)


def listed(names: Sequence[str], most: int = NAMED) -> str:
    """The first names in quotes, and how many more there are: 'a', 'b' and 7 more."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(named, names[:most])) + more


def of_series(name: str, column: str | None) -> str:
    """A series as messages name it; nothing where no column names series."""
    return f" of series {named(name)}" if column is not None else ""


def shown(cell: object, width: int = _SHOWN) -> str:
    """A cell in quotes for a message, cut where it is long, control characters spelt out."""
    text = str(cell).strip()
    text = text if len(text) <= width else text[:width] + "…"
    return (
        "'"
        + "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
        + "'"
    )
