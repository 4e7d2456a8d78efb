"""How messages name the rows, columns and times of a file, and which cells count as missing."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstm_cli.findings import Location
from lstm_cli.text import count_noun

# What a missing cell may hold, in lower case and without blanks around it.
MISSING_WORDS = frozenset(("", "-", "na", "n/a", "#n/a", "#na", "<na>", "nan", "-nan", "nat", "null", "none"))
# What is said of a cell that is its column's name, and how to mend it.
REPEATED_HEADER = (
    ": the header stands here again",
    "delete the line; if another table begins here, keep each table in a file of its own",
)
MAX_NAMES = 5  # series that a message names
_MAX_CELL_CHARS = 40  # so much of a cell stands in a message
_MAX_NAME_CHARS = 80  # and so much of a name


@dataclass(frozen=True, kw_only=True)
class FileLines:
    """The files of one data set. Their lines are counted on from file to file."""

    names: tuple[str, ...]
    begins: tuple[int, ...]  # lines before the first one of each file

    @property
    def name(self) -> str:
        """See `name_of`."""
        return dataset_name(self.names)

    def find(self, line: int) -> tuple[str, int]:
        """The name of the file that a line stands in, and its number there."""
        place = bisect_left(self.begins, line) - 1
        return self.names[place], line - self.begins[place]


@dataclass(frozen=True, kw_only=True)
class LocationFormatter:
    """How the rows and times of one data set are named."""

    source: str
    unit: str = "line"  # what the numbers of rows count; "row" in Parquet
    utc: bool = False  # the times are UTC, whatever offsets the file writes
    files: FileLines | None = None  # None: one file, `source`

    def at(self, line: int, column: str | None = None) -> Location:
        """Return a row, and a column of it: `a.csv, line 5, column 'OT'`."""
        name, line = (self.source, line) if self.files is None else self.files.find(int(line))
        beside = "" if column is None else f", column {quote_name(column)}"
        return Location(
            source=name, text=f"{name}, {self.unit} {line}{beside}", lines=(int(line),), column=column
        )

    def row(self, line: int) -> str:
        """line 5; where there are several files, line 5 of a.csv."""
        if self.files is None or len(self.files.names) == 1:
            return f"{self.unit} {line}"
        name, line = self.files.find(int(line))
        return f"{self.unit} {line} of {name}"

    def two_rows(self, first: int, second: int) -> Location:
        """Return two rows: `a.csv, lines 5 and 7`, or `a.csv, line 5 and b.csv, line 7`."""
        one, other = self.at(first), self.at(second)
        lines = (*one.lines, *other.lines)
        if one.source != other.source:
            return Location(source=self.source, text=f"{one} and {other}", lines=lines)
        text = f"{one.source}, {self.unit}s {lines[0]} and {lines[1]}"
        return Location(source=one.source, text=text, lines=lines)

    def time(self, time_us: int) -> str:
        """2020-03-29, 2020-03-29 02:00, 2020-03-29 02:00:15.5; times in UTC with that word."""
        day, _, clock = str(np.datetime64(int(time_us), "us")).partition("T")
        whole, _, fraction = clock.partition(".")
        fraction = fraction.rstrip("0")
        clock = f"{whole}.{fraction}" if fraction else whole.removesuffix(":00")
        return (day if clock == "00:00" else f"{day} {clock}") + " UTC" * self.utc


def dataset_name(files: Sequence[str]) -> str:
    """Several files as one: a.csv, or a.csv and 2 more files."""
    more = len(files) - 1
    return files[0] + (f" and {count_noun(more, 'more file')}" if more else "")


@dataclass(frozen=True, kw_only=True)
class CellLocation:
    """A column of a file, as messages name it."""

    source: str
    column: str
    unit: str = "line"  # what is counted: "line" of a text file, "row" of a Parquet file
    files: FileLines | None = None  # where lines are counted on over several files

    def at(self, line: int) -> Location:
        """Return a cell: `data.csv, line 7, column 'OT'`."""
        return self._formatter.at(line, self.column)

    @property
    def column_text(self) -> Location:
        """The column as a whole: `data.csv, column 'OT'`."""
        text = f"{self.source}, column {quote_name(self.column)}"
        return Location(source=self.source, text=text, column=self.column)

    def row(self, line: int) -> str:
        """A row beside one that was named: `line 7`; where there are several files, `line 7 of data.csv`."""
        return self._formatter.row(line)

    @property
    def file_only(self) -> Location:
        """Return the column as a place that messages name by the file alone."""
        return Location(source=self.source, text=self.source, column=self.column)

    @property
    def _formatter(self) -> LocationFormatter:
        return LocationFormatter(source=self.source, unit=self.unit, files=self.files)


def is_missing(cell: str) -> bool:
    """Whether a cell says that nothing was measured."""
    return cell.strip().lower() in MISSING_WORDS


def quote_name(name: str) -> str:
    """The name of a column or series in quotes for a message."""
    return quote_cell(name, _MAX_NAME_CHARS)


def quote_names(names: Sequence[str], max_names: int = MAX_NAMES) -> str:
    """The first names in quotes, and how many more there are: 'a', 'b' and 7 more."""
    more = f" and {len(names) - max_names:,} more" if len(names) > max_names else ""
    return ", ".join(map(quote_name, names[:max_names])) + more


def series_text(name: str, column: str | None) -> str:
    """A series as messages name it; nothing where no column names series."""
    return f" of series {quote_name(name)}" if column is not None else ""


def quote_cell(cell: object, width: int = _MAX_CELL_CHARS) -> str:
    """A cell in quotes for a message, cut where it is long, control characters spelt out."""
    text = str(cell).strip()
    text = text if len(text) <= width else text[:width] + "…"
    return (
        "'"
        + "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
        + "'"
    )
