"""Rules that the rows of a text satisfy, and the errors for those that do not."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lstm_cli.config.text import WHITESPACE
from lstm_cli.data.locations import quote_cell
from lstm_cli.data.reading.dialect.header import names_option
from lstm_cli.data.reading.dialect.title_lines import TableStart, find_header_below, find_table_start
from lstm_cli.data.reading.dialect.top_lines import TopLines
from lstm_cli.data.reading.dialect.unique_names import replace_header, unique_names
from lstm_cli.data.reading.text_format import long_cell_error, quote_delimiter, refuse_conflict
from lstm_cli.data.times.patterns import is_time
from lstm_cli.errors import DataError
from lstm_cli.findings import at_line
from lstm_cli.library_errors import is_long_cell, is_open_quote
from lstm_cli.wording import is_number

_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True, kw_only=True)
class RowRules:
    """Rules that each row must satisfy."""

    source: str
    delimiter: str
    squeezed: bool  # runs of blanks are one delimiter
    padded: bool  # some cells have blanks between a quote and a delimiter
    width: int  # cells of each row
    width_from: str  # what decides the width: "the header (line 1)"
    has_header: bool
    line: int  # line of the header; the last line above the first row if there is no header
    top: TopLines  # for hints
    names: tuple[str, ...] = ()  # of the columns, for hints
    several_lines_ok: bool = False  # a cell may have several lines


def refuse_title(top: TopLines, *, has_header: bool) -> None:
    """Raise DataError if the first line is a title without a delimiter, and a table begins below.

    Args:
        top: first lines of the text.
        has_header: the file has a header; False with `--no-header` and `--names`.
    """
    first, *others = top.filled[:2]
    if any(mark in first for mark in _DELIMITERS):
        return
    for mark in _DELIMITERS:
        start = find_table_start(top.lines, mark)
        if start is None or (
            mark == "," and mark in "".join(others)
        ):  # reading the second line raises the error
            continue
        named = f" --delimiter {quote_delimiter(mark)}" if mark == "|" else ""
        raise DataError(
            f"1 cell, but most lines below have {start.width} cells",
            hint=_title_hint(start, top, has_header=has_header) + named,
            rule="D132",
            at=at_line(top.source, top.first_line),
            flags=("--skip-rows",),
        )


def refuse_title_as_header(rules: RowRules, line: int) -> None:
    """Raise DataError if the first row is a title or comment, and a header of plain names is below.

    Args:
        rules: rules of the rows.
        line: line of the first row.
    """
    start = find_header_below(rules.top.lines, WHITESPACE if rules.squeezed else rules.delimiter)
    if start is not None:
        raise DataError(
            f"the line is a title or a comment, and the header is line {rules.top.skipped + start.above + 1}",
            hint=_title_hint(start, rules.top, has_header=True),
            rule="D145",
            at=at_line(rules.source, line),
            flags=("--skip-rows",),
        )


def _title_hint(start: TableStart, top: TopLines, *, has_header: bool) -> str:
    above = top.skipped + start.above
    flags = (
        f"--skip-rows {above + start.has_header}"  # with `--names` or `--no-header`, a header is skipped too
    )
    if has_header:
        flags = replace(start, above=above).flags
    return f"skip the title or comment lines above the table: {flags}"


def refuse_swallowed_rows(rows: Sequence[Sequence[str]], lines: np.ndarray, rules: RowRules) -> None:
    """Raise DataError for a cell with several lines that look like rows, caused by a wrong quote.

    Args:
        rows: rows of cells.
        lines: first line of each row.
        rules: rules of the rows.
    """
    for row, line in zip(rows, lines.tolist(), strict=True):
        for cell in row:
            for inside in cell.split("\n")[1:]:
                cells = inside.split(rules.delimiter)
                if len(cells) == rules.width > 1 and any(is_number(text) or is_time(text) for text in cells):
                    raise DataError(
                        f"a quote opens in this row and closes in a later line, but the text between "
                        f"looks like rows, such as {quote_cell(inside)}",
                        hint="close the quote where its cell ends, or delete it",
                        rule="D131",
                        at=at_line(rules.source, line),
                    )


def cell_count_error(row: Sequence[str], line: int, rules: RowRules) -> DataError:
    """Return the error for a row with more or fewer cells than the header.

    Args:
        row: cells of the row.
        line: line of the row.
        rules: rules of the rows.
    """
    where = at_line(rules.source, line)
    refuse_conflict(row[0], where)
    cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
    return DataError(
        f"{cells}, but {rules.width_from} has {rules.width}",
        hint=_cell_count_hint(row, rules),
        rule="D132",
        flags=("--delimiter",),
        at=where,
    )


def _cell_count_hint(row: Sequence[str], rules: RowRules) -> str:
    marks = (mark for mark in ";\t|" if mark != rules.delimiter and any(mark in cell for cell in row))
    other = next(marks, None)
    if other:
        return f"try another delimiter: --delimiter {quote_delimiter(other)}"
    if (
        rules.width == 1
        and len(row) == 2
        and row[0].strip().lstrip("-").isdigit()
        and row[1].strip().isdigit()
    ):
        return "if the commas are decimal commas, use --delimiter ';' --decimal ,"
    start = find_table_start(rules.top.lines, WHITESPACE if rules.squeezed else rules.delimiter)
    if start is not None and _is_above(rules, start):
        return _title_hint(start, rules.top, has_header=rules.has_header)
    if rules.width == 1:
        return "delete title and comment lines above the header, or skip N lines with --skip-rows N"
    if len(row) == 1:
        return "delete the line if it is a title, a comment or a footer. Otherwise add the missing cells"
    if len(row) == rules.width + 1 and not row[-1].strip():
        options = _option_for_empty_column(rules)
        return f"remove the delimiter from the ends of the rows, or name a column for it{options}"
    if len(row) == rules.width + 1 and row[-2].strip().isdigit() and row[-1].strip().isdigit():
        return "if the last comma is a decimal comma, write decimal points or use another delimiter"
    return "correct the line. Put a cell that contains the delimiter in double quotes, and name each column"


def _option_for_empty_column(rules: RowRules) -> str:
    """Return the options that name one more column, after a colon."""
    names = unique_names([*rules.names, "x"])
    return f": {replace_header(names, rules.line) if rules.has_header else names_option(names)}"


def _is_above(rules: RowRules, start: TableStart) -> bool:
    """Return whether the header, or the first row, is a line above the table, and not a header that lacks a name."""
    is_other_line = rules.top.skipped + start.above >= rules.line
    return is_other_line and (start.has_header or rules.width == 1 or not rules.has_header)


def quote_error(source: str, line: int, error: csv.Error) -> DataError:
    """Return the error for quotes that csv.reader cannot read.

    Args:
        source: name of the file.
        line: line where the row begins.
        error: error of csv.reader.
    """
    where = at_line(source, line)
    if is_open_quote(error):
        return DataError(
            "a quote opens in this row and is never closed",
            hint="close the quote, or delete it",
            rule="D131",
            at=where,
        )
    if is_long_cell(error):
        return long_cell_error(where)
    return DataError(
        "a cell continues after its closing quote",
        hint='write a quote within quotes twice: ""',
        rule="D131",
        at=where,
    )
