"""Parser of text into rows of cells: delimiter, header, skipped lines, and errors for rows of another length.

The dialect is RFC 4180 (a quote within quotes is written twice). Any line end and blanks around cells are allowed.
"""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np

from lstm_cli.config.text import PLAIN_TEXT, WHITESPACE, TextSettings
from lstm_cli.data.reading.dialect.header import check_header, find_skipped_rows, names_without_header
from lstm_cli.data.reading.dialect.last_row import MAX_COMPARED, looks_cut_off
from lstm_cli.data.reading.dialect.row_errors import (
    RowRules,
    cell_count_error,
    quote_error,
    refuse_swallowed_rows,
    refuse_title,
    refuse_title_as_header,
)
from lstm_cli.data.reading.dialect.top_lines import TopLines, excel_finding, read_top_lines
from lstm_cli.data.reading.dialect.whitespace import BLANK, squeeze_blanks
from lstm_cli.data.reading.text_format import detect_delimiter
from lstm_cli.errors import DataError, UsageError
from lstm_cli.findings import LINES, NOTE, Finding, at_line, in_file
from lstm_cli.wording import count_noun

if TYPE_CHECKING:
    from _csv import Reader as _Reader

BATCH_ROWS = 50_000  # rows in memory as text at a time
BATCH_CELLS = 2_000_000  # cells in memory as text at a time; wide files reach it with fewer rows


@dataclass(frozen=True, kw_only=True)
class RowBatch:
    """Batch of consecutive rows of a file."""

    cells: list[list[str]]  # n rows, each with the number of cells of the header
    lines: np.ndarray  # [n] int64, first line of each row


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
    folded_lines: list[int] = field(default_factory=list)  # lines of rows that continue on the next line
    latest_lines: deque[str] = field(
        default_factory=lambda: deque(maxlen=MAX_COMPARED + 1)
    )  # with their line ends
    findings: tuple[Finding, ...] = ()  # set when all rows are read


@dataclass(frozen=True, kw_only=True)
class CsvRows:
    """Rows of a text file."""

    header: list[str]  # names as written, without surrounding blanks and byte order mark
    header_line: int
    delimiter: str
    batches: Iterator[RowBatch]  # rows of the text passed to `open_rows`; may raise DataError with the line
    rules: RowRules
    state: _ReadState
    top_findings: tuple[Finding, ...]  # about the delimiter and the skipped lines

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return the findings about the rows, complete after the last batch."""
        return (*self.top_findings, *self.state.findings)

    def read_more(self, text: Iterable[str], *, last: bool) -> Iterator[RowBatch]:
        """Yield the batches of the next section. Earlier sections must be read to their end or skipped."""
        reader = _open_reader(_track_lines(text, self.state), self.rules)
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
    settings: TextSettings = PLAIN_TEXT,
    *,
    is_complete: bool = True,
    other_delimiter_ok: bool = False,
    several_lines_ok: bool = False,
) -> CsvRows:
    """Parse lines of text into rows.

    Args:
        text: lines of the text.
        source: name of the file, for messages.
        settings: settings of how text is read. Without a delimiter, the comma, `;` or tab is detected.
        is_complete: if False, the text is a first section of whole rows, and `read_more` reads the others.
        other_delimiter_ok: if True, the delimiter is detected if the first row lacks the given one.
        several_lines_ok: if True, a cell may have several lines, so these are neither refused nor reported.

    Raises:
        UsageError: the delimiter cannot separate cells.
        DataError: no header; while the batches are read, also rows of another length and invalid quotes.
    """
    state = _ReadState()
    text = _track_lines(text, state)
    top = read_top_lines(text, source, settings)
    top = top if settings.has_header else top.without_blanks()
    if other_delimiter_ok and _lacks_delimiter(top, settings.delimiter):
        settings = replace(settings, delimiter=None)
    delimiter, findings = _choose_delimiter(top, settings)
    squeezed = settings.delimiter == WHITESPACE
    rules = RowRules(
        source=source,
        delimiter=delimiter,
        squeezed=squeezed,
        padded=delimiter != BLANK and has_padded_quotes(top.lines, delimiter),
        width=0,
        width_from="",
        has_header=settings.has_header,
        line=top.skipped,
        top=top,
        several_lines_ok=several_lines_ok,
    )
    reader = _open_reader(chain(top.lines, text), rules)
    if settings.has_header:
        header, line = _read_header(reader, rules)
        rules = replace(rules, width=len(header), width_from=f"the header (line {line})", line=line)
    else:
        first = _next_rows(_open_reader(top.lines, rules), 1, source, top.skipped)[0]
        header = names_without_header(first, settings, top)
        width_from = "--names" if settings.names else f"the first row (line {top.skipped + 1})"
        rules = replace(rules, width=len(header), width_from=width_from)
    rules = replace(rules, names=tuple(header))
    findings += find_skipped_rows(top, len(header), WHITESPACE if squeezed else delimiter)
    state.line, state.last_row_line = top.skipped, rules.line
    return CsvRows(
        header=header,
        header_line=rules.line,
        delimiter=delimiter,
        batches=_batches(reader, rules, state, last=is_complete),
        rules=rules,
        state=state,
        top_findings=tuple(findings),
    )


def _lacks_delimiter(top: TopLines, delimiter: str | None) -> bool:
    """Return whether the first row has another usual delimiter in place of the given one."""
    if delimiter is None or not top.filled:
        return False
    bare = re.sub(r'"[^"]*"', "", top.filled[0])
    given = BLANK if delimiter == WHITESPACE else delimiter
    return given not in bare and any(mark in bare for mark in (",", ";", "\t", "|"))


def _choose_delimiter(top: TopLines, settings: TextSettings) -> tuple[str, list[Finding]]:
    """Return the delimiter, one character, and findings about it. Raise UsageError if it cannot separate cells."""
    delimiter = settings.delimiter
    if delimiter == WHITESPACE:
        return BLANK, []
    if delimiter is None and top.excel_delimiter is not None:
        return top.excel_delimiter, [excel_finding(top.source, top.excel_delimiter)]
    if delimiter is None:
        refuse_title(top, has_header=settings.has_header)
        delimiter, finding = detect_delimiter(
            top.filled[:2], top.source, top.first_line, has_header=settings.has_header
        )
        return delimiter, [] if finding is None else [finding]
    if delimiter in "\r\n\"'.+-_" or delimiter.isalnum():
        raise UsageError(
            f"--delimiter {delimiter!r} cannot separate numbers",
            hint="e.g. --delimiter ';'",
            flag="--delimiter",
        )
    return delimiter, []


def _read_header(reader: "_Reader", rules: RowRules) -> tuple[list[str], int]:
    """Return the names of the columns and the line of the header. Raise DataError for an invalid header."""
    top = rules.top
    header: list[str] = []
    while not header or header == [""]:  # blank lines above the header
        line = top.skipped + reader.line_num + 1
        header = [name.strip() for name in _next_rows(reader, 1, top.source, top.skipped)[0]]
    refuse_title_as_header(rules, line)
    check_header(header, line, top.filled[0], top.source, rules.delimiter)
    return header, line


def _open_reader(text: Iterable[str], rules: RowRules) -> "_Reader":
    """Return a reader of lines of the text. `strict` refuses text after a closing quote and an open quote."""
    if rules.squeezed:
        text = squeeze_blanks(text)
    elif rules.padded:
        text = _strip_quote_padding(text, rules.delimiter)
    skip = rules.delimiter != BLANK
    return csv.reader(text, delimiter=rules.delimiter, skipinitialspace=skip, strict=True)


def _track_lines(text: Iterable[str], state: _ReadState) -> Iterator[str]:
    """Yield the lines of a text, and keep the most recent ones in the state."""
    keep = state.latest_lines.append
    for line in text:
        keep(line)
        yield line


def has_padded_quotes(lines: Sequence[str], delimiter: str) -> bool:
    """Return whether a line has blanks between a closing quote and the delimiter."""
    padded = _padded_quote_pattern(delimiter)
    return any('" ' in line and padded.search(line) for line in lines)


def _padded_quote_pattern(delimiter: str) -> re.Pattern[str]:
    mark = re.escape(delimiter)
    return re.compile(rf'(?<![^{mark}])([ ]*"(?:[^"\n]|"")*")[ ]+(?=[{mark}\n]|$)')


def _strip_quote_padding(text: Iterable[str], delimiter: str) -> Iterator[str]:
    """Return the lines without blanks between a closing quote and the delimiter, an error in csv.reader."""
    padded = _padded_quote_pattern(delimiter)
    return (padded.sub(r"\1", line) if '" ' in line else line for line in text)


def _next_rows(reader: "_Reader", count: int, source: str, before: int = 0) -> list[list[str]]:
    """Return at most `count` rows, blank lines as []. before: number of lines of earlier sections."""
    start = before + reader.line_num
    rows: list[list[str]] = []
    try:
        rows.extend(islice(reader, count))  # rows read before an error stay in the list
    except csv.Error as error:
        line = start + 1 + sum(map(_line_count, rows))
        raise quote_error(source, line, error) from None
    return rows


def _batches(reader: "_Reader", rules: RowRules, state: _ReadState, *, last: bool) -> Iterator[RowBatch]:
    before = state.line
    start = before + reader.line_num
    batch_rows = min(BATCH_ROWS, 1 + BATCH_CELLS // rules.width)
    while rows := _next_rows(reader, batch_rows, rules.source, before):
        if before + reader.line_num - start == len(rows):
            lines = np.arange(start + 1, before + reader.line_num + 1, dtype=np.int64)
        else:  # some cells hold line ends
            lines = start + 1 + np.cumsum([0, *map(_line_count, rows[:-1])], dtype=np.int64)
            if not rules.several_lines_ok:
                refuse_swallowed_rows(rows, lines, rules)
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
            yield RowBatch(cells=rows[:kept] if state.empty_rows else rows, lines=lines[:kept])
    if last:
        blank = [line for line in state.blank_lines if line < state.last_row_line]
        state.findings = (
            *_cut_off_findings(rules, state),
            *_folded_findings(rules, state),
            *_skipped_line_findings(blank, state, rules),
        )


def _drop_blank_lines(
    rows: list[list[str]], lines: np.ndarray, rules: RowRules
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
            raise cell_count_error(row, int(lines[index]), rules)
    return [rows[index] for index in keep], lines[keep], blank


def _cut_off_findings(rules: RowRules, state: _ReadState) -> Iterator[Finding]:
    """Yield a finding if the file does not end with a line break: its last row may be cut off."""
    lines = list(state.latest_lines)[-max(1, state.line - rules.line) :]  # without the header
    if (
        state.empty_rows
        or state.last_row_line == rules.line
        or lines[-1].endswith("\n")
        or not lines[-1].strip()
    ):
        return
    where = at_line(rules.source, state.last_row_line)
    if looks_cut_off(lines, rules.delimiter):
        yield Finding.at(
            where,
            "D133",
            "the file does not end with a newline, and its last row seems to lack its end, compared with the rows "
            "above. It was read as is (add the newline, or delete the row)",
        )
    else:
        yield Finding.at(
            where, "D144", "the file does not end with a newline. Its last row looks complete", severity=NOTE
        )


def _is_folded(row: Sequence[str], rules: RowRules) -> bool:
    """Return whether a cell contains a line end and a delimiter, as two wrong quotes would make."""
    return any("\n" in cell and rules.delimiter in cell for cell in row)


def _folded_findings(rules: RowRules, state: _ReadState) -> Iterator[Finding]:
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


def _skipped_line_findings(blank: Sequence[int], state: _ReadState, rules: RowRules) -> Iterator[Finding]:
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
