"""Parser of text into rows of cells: delimiter, header, skipped lines, and errors for rows of another length.

The dialect is RFC 4180 (a quote within quotes is written twice). Any line end and blanks around cells are allowed.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np

from lstm_cli.data.locations import quote_cell
from lstm_cli.data.reading.text_format import check_header, detect_delimiter, quote_delimiter, refuse_conflict
from lstm_cli.data.times.patterns import is_time
from lstm_cli.errors import DataError, UsageError
from lstm_cli.findings import LINES, Finding, at_line, in_file
from lstm_cli.library_errors import is_long_cell, is_open_quote
from lstm_cli.text import count_noun, is_number

if TYPE_CHECKING:
    from _csv import Reader as _Reader

BATCH_ROWS = 50_000  # rows in memory as text at a time
BATCH_CELLS = 2_000_000  # cells in memory as text at a time; wide files reach it with fewer rows


@dataclass(frozen=True, kw_only=True)
class RowBatch:
    """Batch of consecutive rows of a file."""

    cells: list[list[str]]  # n rows, each with the number of cells of the header
    lines: np.ndarray  # [n] int64, first line of each row


@dataclass(frozen=True, kw_only=True)
class _RowRules:
    """Rules that each row must satisfy."""

    source: str
    delimiter: str
    width: int  # cells of the header
    line: int  # line of the header
    padded: bool  # some cells have blanks between a quote and a delimiter


@dataclass(kw_only=True)
class _ReadState:
    """State that one section of a text passes to the next section."""

    line: int = 0  # lines read so far
    last_row_line: int = 0  # last line with a row
    blank_lines: list[int] = field(default_factory=list)  # lines without any cell
    empty_rows: list[list[str]] = field(
        default_factory=list
    )  # rows of empty cells, skipped if they end the text
    empty_lines: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    latest_rows: list[list[str]] = field(default_factory=list)  # some of the most recent rows
    folded_lines: list[int] = field(default_factory=list)  # lines of rows that continue on the next line
    latest_line: str = ""  # most recent line of the text, with its line end
    findings: tuple[Finding, ...] = ()  # set when all rows are read


@dataclass(frozen=True, kw_only=True)
class CsvRows:
    """Rows of a text file."""

    header: list[str]  # names as written, without surrounding blanks and byte order mark
    header_line: int
    delimiter: str
    batches: Iterator[RowBatch]  # rows of the text passed to `open_rows`; may raise DataError with the line
    rules: _RowRules
    state: _ReadState
    delimiter_finding: Finding | None  # set if the delimiter is not the comma and was detected

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return the findings about the rows, complete after the last batch."""
        detected = () if self.delimiter_finding is None else (self.delimiter_finding,)
        return (*detected, *self.state.findings)

    def read_more(self, text: Iterable[str], *, last: bool) -> Iterator[RowBatch]:
        """Yield the batches of the next section. Earlier sections must be read to their end or skipped."""
        skip = self.delimiter != " "
        text = _track_lines(text, self.state)
        text = _strip_quote_padding((), text, self.delimiter) if self.rules.padded else text
        reader = csv.reader(text, delimiter=self.delimiter, skipinitialspace=skip, strict=True)
        return _batches(reader, self.rules, self.state, last=last)

    def skip_lines(self, lines: int) -> RowBatch | None:
        """Skip lines that another reader read: each is a row, and the last one is not empty.

        Returns the rows of empty cells before these lines, or None. They count because other rows follow.
        """
        state = self.state
        empty = RowBatch(cells=state.empty_rows, lines=state.empty_lines) if state.empty_rows else None
        state.empty_rows, state.empty_lines = [], state.empty_lines[:0]
        state.line += lines
        state.last_row_line = state.line
        return empty


def open_rows(
    text: Iterable[str],
    source: str,
    delimiter: str | None,
    *,
    is_complete: bool = True,
) -> CsvRows:
    """Parse lines of text into rows.

    Args:
        text: lines of the text.
        source: name of the file, for messages.
        delimiter: delimiter; None detects the comma, `;` or tab.
        is_complete: if False, the text is a first section of whole rows, and `read_more` reads the others.

    Raises:
        UsageError: the delimiter cannot separate cells.
        DataError: no header; while the batches are read, also rows of another length and invalid quotes.
    """
    state = _ReadState()
    text = _track_lines(text, state)
    first = list(islice(text, 1000))  # enough to skip blank lines above the header and reach the first row
    top = [line for line in first if line.strip()][:2]
    if not top:
        raise DataError(
            f"{source} contains only blank lines",
            hint="a data file needs a header line and rows below it",
            rule="D104",
        )
    delimiter_found = None
    if delimiter is None:
        delimiter, delimiter_found = detect_delimiter(top, source)
    elif delimiter in "\r\n\"'.+-_" or delimiter.isalnum():
        raise UsageError(
            f"--delimiter {delimiter!r} cannot separate numbers",
            hint="e.g. --delimiter ';'",
            flag="--delimiter",
        )
    # `strict` makes text after a closing quote and an unclosed quote an error.
    skip = delimiter != " "
    padded = skip and has_padded_quotes(first, delimiter)
    lines = _strip_quote_padding(first, text, delimiter) if padded else chain(first, text)
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=skip, strict=True)
    header: list[str] = []
    while not header or header == [""]:  # blank lines above the header
        line = reader.line_num + 1
        header = [name.strip() for name in _next_rows(reader, 1, source)[0]]
    check_header(header, line, top[0], source)
    rules = _RowRules(source=source, delimiter=delimiter, width=len(header), line=line, padded=padded)
    state.last_row_line = line
    return CsvRows(
        header=header,
        header_line=line,
        delimiter=delimiter,
        batches=_batches(reader, rules, state, last=is_complete),
        rules=rules,
        state=state,
        delimiter_finding=delimiter_found,
    )


def _track_lines(text: Iterable[str], state: _ReadState) -> Iterator[str]:
    """Yield the lines of a text, and keep the most recent one in the state."""
    for line in text:
        state.latest_line = line
        yield line


def has_padded_quotes(lines: Sequence[str], delimiter: str) -> bool:
    """Return whether a line has blanks between a closing quote and the delimiter."""
    padded = _padded_quote_pattern(delimiter)
    return any('" ' in line and padded.search(line) for line in lines)


def _padded_quote_pattern(delimiter: str) -> re.Pattern[str]:
    mark = re.escape(delimiter)
    return re.compile(rf'(?<![^{mark}])([ ]*"(?:[^"\n]|"")*")[ ]+(?=[{mark}\n]|$)')


def _strip_quote_padding(first: Sequence[str], text: Iterator[str], delimiter: str) -> Iterator[str]:
    """Return the lines without blanks between a closing quote and the delimiter, an error in csv.reader."""
    padded = _padded_quote_pattern(delimiter)
    return (padded.sub(r"\1", line) if '" ' in line else line for line in chain(first, text))


def _next_rows(reader: "_Reader", count: int, source: str, before: int = 0) -> list[list[str]]:
    """Return at most `count` rows, blank lines as []. before: number of lines of earlier sections."""
    start = before + reader.line_num
    rows: list[list[str]] = []
    try:
        rows.extend(islice(reader, count))  # rows read before an error stay in the list
    except csv.Error as error:
        line = start + 1 + sum(map(_line_count, rows))
        raise _quote_error(source, line, error) from None
    return rows


def _batches(reader: "_Reader", rules: _RowRules, state: _ReadState, *, last: bool) -> Iterator[RowBatch]:
    before = state.line
    start = before + reader.line_num
    batch_rows = min(BATCH_ROWS, 1 + BATCH_CELLS // rules.width)
    while rows := _next_rows(reader, batch_rows, rules.source, before):
        if before + reader.line_num - start == len(rows):
            lines = np.arange(start + 1, before + reader.line_num + 1, dtype=np.int64)
        else:  # some cells hold line ends
            lines = start + 1 + np.cumsum([0, *map(_line_count, rows[:-1])], dtype=np.int64)
            _refuse_swallowed_rows(rows, lines, rules)
            state.folded_lines += [
                line for row, line in zip(rows, lines.tolist(), strict=True) if _is_folded(row, rules)
            ]
        start = state.line = before + reader.line_num
        if set(map(len, rows)) != {rules.width}:
            rows, lines, blank = _drop_blank_lines(rows, lines, rules)
            state.blank_lines += blank
        if state.empty_rows:
            rows, lines = state.empty_rows + rows, np.concatenate([state.empty_lines, lines])
        kept = len(rows)
        while kept and not any(map(str.strip, rows[kept - 1])):
            kept -= 1
        state.last_row_line = int(lines[-1]) if rows else state.last_row_line
        state.empty_rows, state.empty_lines = rows[kept:], lines[kept:]
        if kept:
            state.latest_rows = rows[max(0, kept - 1000) : kept]
            yield RowBatch(cells=rows[:kept] if state.empty_rows else rows, lines=lines[:kept])
    if last:
        blank = [line for line in state.blank_lines if line < state.last_row_line]
        state.findings = (
            *_cut_off_findings(rules, state),
            *_folded_findings(rules, state),
            *_skipped_line_findings(blank, state, rules),
        )


def _drop_blank_lines(
    rows: list[list[str]], lines: np.ndarray, rules: _RowRules
) -> tuple[list[list[str]], np.ndarray, list[int]]:
    """Return the rows without blank lines, their lines, and the blank lines.

    Raises DataError for a row of more or fewer cells than the header.
    """
    keep, blank = [], []
    for index, row in enumerate(rows):
        if len(row) == rules.width:
            keep.append(index)
        elif len(row) <= 1 and not "".join(row).strip():
            blank.append(int(lines[index]))
        else:
            raise _cell_count_error(row, int(lines[index]), rules)
    return [rows[index] for index in keep], lines[keep], blank


def _refuse_swallowed_rows(rows: Sequence[Sequence[str]], lines: np.ndarray, rules: _RowRules) -> None:
    """Raise DataError for a cell with several lines that look like rows, caused by a wrong quote."""
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


def _looks_complete(line: str, rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the last row, on a line without a line end, is certainly complete."""
    if line.rstrip().endswith('"'):
        return True
    *others, cell = (row[-1].strip() for row in rows)
    decimals = {len(other.partition(".")[2]) for other in others}
    return len(others) > 1 and (
        {len(other) for other in others} == {len(cell)} or decimals == {len(cell.partition(".")[2])} != {0}
    )


def _cell_count_error(row: Sequence[str], line: int, rules: _RowRules) -> DataError:
    where = at_line(rules.source, line)
    refuse_conflict(row[0], where)
    cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
    return DataError(
        f"{cells}, but the header (line {rules.line}) has {rules.width}",
        hint=_cell_count_hint(row, rules),
        rule="D132",
        flags=("--delimiter",),
        at=where,
    )


def _cell_count_hint(row: Sequence[str], rules: _RowRules) -> str:
    marks = (mark for mark in ";\t|" if mark != rules.delimiter and any(mark in cell for cell in row))
    other = next(marks, None)
    if other:
        return f"try another delimiter: --delimiter {quote_delimiter(other)}"
    if rules.width == 1:
        return "delete title and comment lines above the header"
    if len(row) == 1:
        return "delete the line if it is a title, a comment or a footer. Otherwise add the missing cells"
    if len(row) == rules.width + 1 and not row[-1].strip():
        return "add a delimiter at the end of the header, or remove it from the ends of the rows"
    if len(row) == rules.width + 1 and row[-2].strip().isdigit() and row[-1].strip().isdigit():
        return "if the last comma is a decimal comma, write decimal points or use another delimiter"
    return "correct the line. Put a cell that contains the delimiter in double quotes, and name each column"


def _cut_off_findings(rules: _RowRules, state: _ReadState) -> Iterator[Finding]:
    """Yield a finding if the file may break off within its last row."""
    line = state.latest_line
    if state.empty_rows or not state.latest_rows or line.endswith("\n") or not line.strip():
        return
    if not _looks_complete(line, state.latest_rows):
        yield Finding.at(
            at_line(rules.source, state.last_row_line),
            "D133",
            "the file does not end with a newline, so the last row may be cut off. "
            "It was read as is (add the newline, or delete the row)",
        )


def _is_folded(row: Sequence[str], rules: _RowRules) -> bool:
    """Return whether a cell contains a line end and a delimiter, as two wrong quotes would make."""
    return any("\n" in cell and rules.delimiter in cell for cell in row)


def _folded_findings(rules: _RowRules, state: _ReadState) -> Iterator[Finding]:
    """Yield a finding for cells that two wrong quotes may have made of parts of two rows."""
    if state.folded_lines:
        yield Finding.at(
            at_line(rules.source, state.folded_lines[0]),
            "D134",
            "a quoted cell continues in the next line, so both lines were read as one row, "
            f"{count_noun(len(state.folded_lines), 'such row')} (delete quotes that do not belong there)",
            lines=state.folded_lines,
            count=len(state.folded_lines),
        )


def _skipped_line_findings(blank: Sequence[int], state: _ReadState, rules: _RowRules) -> Iterator[Finding]:
    """Yield findings for skipped lines: blank lines between rows, and rows of empty cells at the end.

    Raises DataError for a blank line in a file of one column, which may be a missing value.
    """
    empty = state.empty_lines
    if blank and rules.width == 1:
        raise DataError(
            "the line is blank, which is ambiguous in a file of one column (a missing value, or not a row)",
            hint="write NA for a missing value, or delete the line",
            rule="D135",
            at=at_line(rules.source, blank[0]),
        )
    if blank:
        lines = "1 blank line was" if len(blank) == 1 else f"{len(blank):,} blank lines were"
        advice = "a row of missing values needs its delimiters"
        yield Finding.at(
            in_file(rules.source),
            "D136",
            f"{lines} skipped, first line {blank[0]} ({advice})",
            lines=blank,
            count=len(blank),
        )
    if len(empty):
        count = len(empty)
        rows = (
            "1 row of empty cells at the end was"
            if count == 1
            else f"{count:,} rows of empty cells at the end were"
        )
        advice = "write NA for missing values"
        yield Finding.at(
            in_file(rules.source),
            "D137",
            f"{rows} skipped, first line {empty[0]} ({advice})",
            lines=empty[:LINES].tolist(),
            count=count,
        )


def _line_count(row: Sequence[str]) -> int:
    return 1 + sum(cell.count("\n") for cell in row)


def _quote_error(source: str, line: int, error: csv.Error) -> DataError:
    where = at_line(source, line)
    if is_open_quote(error):
        return DataError(
            "a quote opens in this row and is never closed",
            hint="close the quote, or delete it",
            rule="D131",
            at=where,
        )
    if is_long_cell(error):
        return DataError(
            "a cell is longer than 131,072 characters",
            hint="check for a double quote that is never closed",
            rule="D138",
            at=where,
        )
    return DataError(
        "a cell continues after its closing quote",
        hint='write a quote within quotes twice: ""',
        rule="D131",
        at=where,
    )
