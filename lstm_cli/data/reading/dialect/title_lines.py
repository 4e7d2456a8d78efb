"""Search for the table below title and comment lines."""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lstm_cli.config.text import WHITESPACE
from lstm_cli.data.locations import is_missing
from lstm_cli.data.times.patterns import is_time
from lstm_cli.wording import is_number

MAX_LINES = 200  # lines at the top that are searched
MAX_TITLES = 20  # rows above a header that are searched for it


@dataclass(frozen=True, kw_only=True)
class TableStart:
    """First line of a table below other lines."""

    above: int  # number of lines above
    width: int  # cells of most rows
    has_header: bool

    @property
    def flags(self) -> str:
        """Return the options that read the table."""
        return f"--skip-rows {self.above}" + ("" if self.has_header else " --no-header")


def split_cells(line: str, delimiter: str) -> list[str]:
    """Return the cells of one line, without surrounding blanks. An invalid line has no cells."""
    if delimiter == WHITESPACE:
        return line.split()
    try:
        rows = list(csv.reader([line], delimiter=delimiter, skipinitialspace=True, strict=True))
    except csv.Error:
        return []
    return [cell.strip() for cell in rows[0]] if rows and line.strip() else []


def is_data(cells: Sequence[str]) -> bool:
    """Return whether all cells are numbers, times or missing, and not all are missing."""
    known = [cell for cell in cells if not is_missing(cell)]
    return bool(known) and all(is_number(cell) or is_time(cell) for cell in known)


def find_table_start(lines: Sequence[str], delimiter: str) -> TableStart | None:
    """Return the start of a table of at least two columns below other lines; None if there is none.

    Args:
        lines: first lines of a text.
        delimiter: a delimiter, or `whitespace`.
    """
    rows = [split_cells(line, delimiter) for line in lines[:MAX_LINES]]
    widths = [len(row) for row in rows]
    filled = [index for index, width in enumerate(widths) if width]
    if not filled:
        return None
    width, count = Counter(widths[index] for index in filled).most_common(1)[0]
    start = next(index for index in filled if widths[index] == width)
    start += _lines_above_header(rows[start:]) or 0
    below = [index for index in filled if index > start]
    if width < 2 or count < 2 or start == filled[0] or any(widths[index] != width for index in below[:20]):
        return None
    has_number = any(is_number(cell) or is_time(cell) for cell in rows[start])
    return TableStart(above=start, width=width, has_header=not (is_data(rows[start]) or has_number))


def find_header_below(lines: Sequence[str], delimiter: str) -> TableStart | None:
    """Return the start of the table if the first row is a title with as many cells as the header; else None.

    Args:
        lines: first lines of a text.
        delimiter: a delimiter, or `whitespace`.
    """
    first = next((index for index, line in enumerate(lines) if line.strip()), 0)
    if not _is_title(split_cells(lines[first], delimiter)):
        return None
    rows = [split_cells(line, delimiter) for line in lines[: first + MAX_LINES]]
    above = _lines_above_header(rows[first:])
    if above is None:
        return None
    return TableStart(above=first + above, width=len(rows[first + above]), has_header=True)


def _lines_above_header(rows: Sequence[Sequence[str]]) -> int | None:
    """Return the number of rows above a header of plain names, if the first row is a title or a comment; else None.

    A title has an empty cell. A header below it has none, and all rows below the header have a number or a time.
    """
    if not rows or not _is_title(rows[0]):
        return None
    for index, row in enumerate(rows[1 : MAX_TITLES + 1], start=1):
        below = [cells for cells in rows[index + 1 :] if cells][:20]
        is_header = len(set(row)) == len(row) > 1 and not _is_title(row) and not any(map(_is_value, row))
        if (
            is_header
            and len(below) > 1
            and all(len(cells) == len(row) and any(map(_is_value, cells)) for cells in below)
        ):
            return index
    return None


def _is_title(cells: Sequence[str]) -> bool:
    return bool(cells) and (cells[0].startswith("#") or "" in cells)


def _is_value(cell: str) -> bool:
    return is_number(cell) or is_time(cell)
