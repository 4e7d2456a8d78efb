"""Names of the columns: those of the header, those of `--names`, or 1, 2, … with `--no-header`."""

import csv
import io
import shlex
from collections.abc import Sequence

from lstm_cli.config.text import WHITESPACE, TextSettings
from lstm_cli.data.locations import is_missing, quote_cell, quote_names
from lstm_cli.data.reading.dialect.title_lines import is_data, split_cells
from lstm_cli.data.reading.dialect.top_lines import TopLines
from lstm_cli.data.reading.text_format import quote_delimiter, refuse_conflict
from lstm_cli.data.reading.wide.header import may_be_header_of_times
from lstm_cli.data.times.patterns import is_time
from lstm_cli.errors import DataError
from lstm_cli.findings import LINES, Finding, at_line
from lstm_cli.wording import count_noun, is_number

_MAX_EXAMPLE_NAMES = 12  # more names would make the hint unreadable


def check_header(header: Sequence[str], line: int, text: str, source: str, delimiter: str = ",") -> None:
    """Raise DataError for an invalid header: no names, a row of data, or a merge conflict marker.

    Args:
        header: names of the columns.
        line: line of the header.
        text: text of the line.
        source: name of the file.
        delimiter: delimiter of the file.
    """
    named = [name for name in header if not is_missing(name)]
    refuse_conflict(header[0], at_line(source, line))
    if not named:
        names = names_option([f"c{number}" for number in range(1, len(header) + 1)])
        raise DataError(
            "no column has a name",
            hint=f"name the columns in this line, or replace it: {names} --skip-rows {line}",
            rule="D128",
            at=at_line(source, line),
            flags=("--names",),
        )
    if all(is_number(name) or is_time(name) for name in named) and not may_be_header_of_times(header):
        raise DataError(
            f"the header is missing: {quote_cell(text)} looks like a row of data",
            hint=no_header_hint(header, text, delimiter),
            rule="D129",
            at=at_line(source, line),
            flags=("--no-header", "--names"),
        )


def no_header_hint(cells: Sequence[str], text: str, delimiter: str) -> str:
    """Return the hint for a file without a header.

    Args:
        cells: cells of the first row.
        text: the first row as text.
        delimiter: delimiter of the file.
    """
    flags = "--no-header"
    blanks = text.split()
    if delimiter == " " and len(blanks) != len(cells):
        cells, flags = blanks, f"--delimiter {WHITESPACE} --no-header"
    if len(cells) > _MAX_EXAMPLE_NAMES:
        return f"use {flags}"
    return f"use {flags}, or name the columns in place of --no-header: {names_option(_example_names(cells))}"


def names_option(names: Sequence[str]) -> str:
    """Return the option `--names` as a shell needs it.

    >>> print(names_option(["time", "load, kW"]))
    --names 'time,"load, kW"'
    """
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(names)
    return f"--names {shlex.quote(line.getvalue())}"


def _example_names(cells: Sequence[str]) -> list[str]:
    """Return example names: time for the first time, and c2, c3 and so on for the others."""
    first_time = next((index for index, cell in enumerate(cells) if is_time(cell)), None)
    return ["time" if index == first_time else f"c{index + 1}" for index in range(len(cells))]


def names_without_header(row: Sequence[str], settings: TextSettings, top: TopLines) -> list[str]:
    """Return the names of the columns of a file without a header.

    Args:
        row: cells of the first row.
        settings: settings of how text is read.
        top: first lines of the text, from the first row.

    Raises:
        DataError: the row has another number of cells than there are names, or it is a header.
    """
    line = top.first_line
    refuse_conflict(row[0], at_line(top.source, line))
    if settings.names is not None and len(settings.names) != len(row):
        raise DataError(
            f"{count_noun(len(row), 'cell')}, but --names has {count_noun(len(settings.names), 'name')} "
            f"({quote_names(settings.names)})",
            hint=_names_count_hint(settings.names, row, top),
            rule="D141",
            at=at_line(top.source, line),
            flags=("--names",),
        )
    names = list(settings.names or map(str, range(1, len(row) + 1)))
    if _is_header(row, names, settings, top):
        more = "leave out --no-header" if settings.no_header else f"skip it with --skip-rows {line}"
        raise DataError(
            f"{quote_cell(top.lines[0])} looks like a header, not like a row of data",
            hint=more,
            rule="D142",
            at=at_line(top.source, line),
            flags=("--no-header" if settings.no_header else "--skip-rows",),
        )
    return names


def _names_count_hint(names: Sequence[str], row: Sequence[str], top: TopLines) -> str:
    for mark in (";", "\t", "|", WHITESPACE):
        if len(split_cells(top.lines[0], mark)) == len(names) > 1:
            return f"try another delimiter: --delimiter {quote_delimiter(mark)}"
    if len(row) > _MAX_EXAMPLE_NAMES:
        return f"write {len(row)} names, separated by commas"
    more = [f"c{number}" for number in range(len(names) + 1, len(row) + 1)]
    return f"write one name for each cell, e.g. {names_option([*names[: len(row)], *more])}"


def _is_header(row: Sequence[str], names: Sequence[str], settings: TextSettings, top: TopLines) -> bool:
    """Return whether the first row names the columns: it repeats `--names`, or is words above numbers."""
    cells = [cell.strip() for cell in row]
    if settings.names is not None and cells == names:
        return True
    marks = {*settings.na_value, ""}
    if any(cell in marks or is_missing(cell) or any(map(str.isdigit, cell)) for cell in cells):
        return False
    below = top.filled[1:2]
    return any(is_number(cell) or is_time(cell) for line in below for cell in _cells(line, settings, top))


def _cells(line: str, settings: TextSettings, top: TopLines) -> list[str]:
    """Return the cells of a line for every delimiter that is likely."""
    mark = settings.delimiter or top.excel_delimiter
    return [cell for delimiter in ([mark] if mark else ",;\t") for cell in split_cells(line, delimiter)]


def find_skipped_rows(top: TopLines, width: int, delimiter: str) -> list[Finding]:
    """Return a finding about skipped lines that look like rows of data.

    Args:
        top: first lines of the text.
        width: number of columns.
        delimiter: delimiter of the file, or `whitespace`.
    """
    rows = [split_cells(line, delimiter) for line in top.above]
    lines = [number for number, row in enumerate(rows, start=1) if len(row) == width and is_data(row)]
    if not lines:
        return []
    return [
        Finding.at(
            at_line(top.source, lines[0]),
            "D143",
            f"{count_noun(len(lines), 'skipped line')} looks like a row of data "
            "(use a smaller --skip-rows to read it)"
            if len(lines) == 1
            else f"{len(lines):,} skipped lines look like rows of data (use a smaller --skip-rows to read them)",
            lines=lines[:LINES],
            count=len(lines),
            flags=("--skip-rows",),
        )
    ]
