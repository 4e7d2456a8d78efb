"""Names of rows, columns and times of a file in messages, and the words for missing values."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lstm_cli.findings import Location
from lstm_cli.wording import count_noun, quote_value

# Cells that mean a missing value, in lower case and without surrounding blanks.
MISSING_WORDS = frozenset(("", "-", "na", "n/a", "#n/a", "#na", "<na>", "nan", "-nan", "nat", "null", "none"))
# End of the message, and the hint, for a cell that repeats its column's name.
REPEATED_HEADER = (
    ": the header is repeated here",
    "delete the line, or give each table its own file if another table begins here",
)
MAX_NAMES = 5  # names listed in a message
_MAX_CELL_CHARS = 40  # longer cells are cut in messages
_MAX_NAME_CHARS = 80


@dataclass(frozen=True, kw_only=True)
class FileLines:
    """Files of one data set; line numbers continue from file to file."""

    names: tuple[str, ...]
    begins: tuple[int, ...]  # number of lines before each file

    @property
    def name(self) -> str:
        """Return the name of the data set, as `dataset_name` writes it."""
        return dataset_name(self.names)

    def find(self, line: int) -> tuple[str, int]:
        """Return the name of the file that holds a line, and the line number in that file."""
        index = bisect_left(self.begins, line) - 1
        return self.names[index], line - self.begins[index]


@dataclass(frozen=True, kw_only=True)
class LocationFormatter:
    """Formatter for the rows and times of one data set in messages."""

    source: str
    unit: str = "line"  # "line" of a text file, "row" of a Parquet file, "record" of a request
    utc: bool = False  # times are shown in UTC, because the file has offsets
    whole: bool = False  # times are whole numbers that count steps
    files: FileLines | None = None  # None: one file, `source`
    to_file_clock: Callable[[np.ndarray], np.ndarray] | None = None  # converts times before they are shown

    def at(self, line: int, column: str | None = None) -> Location:
        """Return the location of a row, or of one cell of that row: `a.csv, line 5, column 'OT'`."""
        name, line = (self.source, line) if self.files is None else self.files.find(int(line))
        column_text = "" if column is None else f", column {quote_name(column)}"
        return Location(
            source=name, text=f"{name}, {self.unit} {line}{column_text}", lines=(int(line),), column=column
        )

    def row(self, line: int) -> str:
        """Return the text for a row: `line 5`, or `line 5 of a.csv` if there are several files."""
        if self.files is None or len(self.files.names) == 1:
            return f"{self.unit} {line}"
        name, line = self.files.find(int(line))
        return f"{self.unit} {line} of {name}"

    def two_rows(self, first: int, second: int) -> Location:
        """Return the location of two rows: `a.csv, lines 5 and 7`, or `a.csv, line 5 and b.csv, line 7`."""
        location_1, location_2 = self.at(first), self.at(second)
        lines = (*location_1.lines, *location_2.lines)
        if location_1.source != location_2.source:
            return Location(source=self.source, text=f"{location_1} and {location_2}", lines=lines)
        text = f"{location_1.source}, {self.unit}s {lines[0]} and {lines[1]}"
        return Location(source=location_1.source, text=text, lines=lines)

    def time(self, time_us: int) -> str:
        """Return a time as text: `2020-03-29`, `2020-03-29 02:00` or `2020-03-29 02:00:15.5`, with ` UTC` if `utc`."""
        if self.whole:
            return str(int(time_us))
        if self.to_file_clock is not None:
            time_us = int(self.to_file_clock(np.array([time_us]))[0])
        day, _, clock = str(np.datetime64(int(time_us), "us")).partition("T")
        whole, _, fraction = clock.partition(".")
        fraction = fraction.rstrip("0")
        clock = f"{whole}.{fraction}" if fraction else whole.removesuffix(":00")
        return (day if clock == "00:00" else f"{day} {clock}") + " UTC" * self.utc


def dataset_name(files: Sequence[str]) -> str:
    """Return one name for several files: `a.csv`, or `a.csv and 2 more files`."""
    more = len(files) - 1
    return files[0] + (f" and {count_noun(more, 'more file')}" if more else "")


@dataclass(frozen=True, kw_only=True)
class CellLocation:
    """Location of a column and its cells, as messages name it."""

    source: str
    column: str
    unit: str = "line"  # "line" of a text file, "row" of a Parquet file, "record" of a request
    files: FileLines | None = None  # None: one file

    def at(self, line: int) -> Location:
        """Return the location of a cell: `data.csv, line 7, column 'OT'`."""
        return self._formatter.at(line, self.column)

    @property
    def column_text(self) -> Location:
        """Return the location of the whole column: `data.csv, column 'OT'`."""
        text = f"{self.source}, column {quote_name(self.column)}"
        return Location(source=self.source, text=text, column=self.column)

    def row(self, line: int) -> str:
        """Return the text for a further row: `line 7`, or `line 7 of data.csv` if there are several files."""
        return self._formatter.row(line)

    @property
    def file_only(self) -> Location:
        """Return the location of the column, named by the file alone in messages."""
        return Location(source=self.source, text=self.source, column=self.column)

    @property
    def _formatter(self) -> LocationFormatter:
        return LocationFormatter(source=self.source, unit=self.unit, files=self.files)


def is_missing(cell: str) -> bool:
    """Return whether a cell is a missing value."""
    return cell.strip().lower() in MISSING_WORDS


def quote_name(name: str) -> str:
    """Return the name of a column or series in quotes."""
    return quote_cell(name, _MAX_NAME_CHARS)


def quote_names(names: Sequence[str], max_names: int = MAX_NAMES) -> str:
    """Return the first names in quotes and the number of further names: `'a', 'b' and 7 more`."""
    more = f" and {len(names) - max_names:,} more" if len(names) > max_names else ""
    return ", ".join(map(quote_name, names[:max_names])) + more


def series_text(name: str, column: str | None) -> str:
    """Return ` of series 'name'`, or an empty text if no column names the series."""
    return f" of series {quote_name(name)}" if column is not None else ""


def quote_cell(cell: object, width: int = _MAX_CELL_CHARS) -> str:
    """Return a cell in quotes, cut to `width` characters, with control characters escaped."""
    text = str(cell).strip()
    text = text if len(text) <= width else text[:width] + "…"
    return quote_value(
        "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    )
