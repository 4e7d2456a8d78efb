"""Text to rows of cells: the delimiter, the header, which lines count, and rows of another length refused.

The dialect is RFC 4180's (quotes doubled within quotes), with any line end and blanks around cells.
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

PIECE = 50_000  # rows held as text at a time


@dataclass(frozen=True, kw_only=True)
class RowBatch:
    """Some consecutive rows of a file."""

    cells: list[list[str]]  # n rows of as many cells as the header has
    lines: np.ndarray  # [n] int64, the line each row begins on


@dataclass(frozen=True, kw_only=True)
class _Frame:
    """What every row is held against."""

    source: str
    delimiter: str
    width: int  # cells of the header
    line: int  # of the header
    padded: bool  # whether blanks stand between quotes and delimiters


@dataclass(kw_only=True)
class _Seen:
    """What one stretch of a text leaves for the next to know."""

    line: int = 0  # lines read so far
    last: int = 0  # the last one that holds a row
    blank: list[int] = field(default_factory=list)  # lines without any cell
    empty: list[list[str]] = field(default_factory=list)  # rows of empty cells that may be the text's last
    empty_lines: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    latest: list[list[str]] = field(default_factory=list)  # some of the latest rows that were read here
    folded: list[int] = field(default_factory=list)  # lines of rows that go on in the next one
    latest_line: str = ""  # of the text, with its line end if it has one
    findings: tuple[Finding, ...] = ()  # once all rows are read


@dataclass(frozen=True, kw_only=True)
class CsvRows:
    """A text file as rows."""

    header: list[str]  # names as written, blanks around them and a byte order mark taken off
    header_line: int
    delimiter: str
    pieces: Iterator[RowBatch]  # of the text it was opened with; may raise DataError, with the line
    frame: _Frame
    seen: _Seen
    delimiter_found: Finding | None  # where the delimiter is not the comma, and nobody named it

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found in the pieces that were read: complete once the last one is."""
        found = () if self.delimiter_found is None else (self.delimiter_found,)
        return (*found, *self.seen.findings)

    def read_more(self, text: Iterable[str], *, last: bool) -> Iterator[RowBatch]:
        """The pieces of the stretch that follows; the ones before were read to their end, or passed over."""
        skip = self.delimiter != " "
        text = _noted(text, self.seen)
        text = _unpadded((), text, self.delimiter) if self.frame.padded else text
        reader = csv.reader(text, delimiter=self.delimiter, skipinitialspace=skip, strict=True)
        return _pieces(reader, self.frame, self.seen, last=last)

    def skip_lines(self, lines: int) -> RowBatch | None:
        """So many lines, each a row and the last not of empty cells, were read otherwise.

        Returns the rows of empty cells before them, if any: as others follow, they count.
        """
        seen = self.seen
        held = RowBatch(cells=seen.empty, lines=seen.empty_lines) if seen.empty else None
        seen.empty, seen.empty_lines = [], seen.empty_lines[:0]
        seen.line += lines
        seen.last = seen.line
        return held


def open_rows(
    text: Iterable[str],
    source: str,
    delimiter: str | None,
    *,
    whole: bool = True,
) -> CsvRows:
    """Divide lines of text into rows. delimiter None: the comma, or `;` or tab where the file plainly has it.

    whole False: the text is the first stretch of it, which ends at the end of a row; `further` reads others.
    Raises UsageError for a delimiter that can divide nothing; DataError for a text without a header, and
    while the pieces are read for rows longer or shorter than the header and for wrong quotes.
    """
    seen = _Seen()
    text = _noted(text, seen)
    first = list(islice(text, 1000))  # reaches over blank lines above the header to the first row
    top = [line for line in first if line.strip()][:2]
    if not top:
        raise DataError(
            f"{source} holds blank lines only", hint="it needs one header line and rows below it", rule="D104"
        )
    delimiter_found = None
    if delimiter is None:
        delimiter, delimiter_found = detect_delimiter(top, source)
    elif delimiter in "\r\n\"'.+-_" or delimiter.isalnum():
        raise UsageError(
            f"--delimiter {delimiter!r} cannot stand between numbers",
            hint="e.g. --delimiter ';'",
            flag="--delimiter",
        )
    # `strict`: text after a closing quote, and a quote that is never closed, must not pass in silence.
    skip = delimiter != " "
    padded = skip and has_padded_quotes(first, delimiter)
    lines = _unpadded(first, text, delimiter) if padded else chain(first, text)
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=skip, strict=True)
    header: list[str] = []
    while not header or header == [""]:  # blank lines above the header
        line = reader.line_num + 1
        header = [name.strip() for name in _take(reader, 1, source)[0]]
    check_header(header, line, top[0], source)
    frame = _Frame(source=source, delimiter=delimiter, width=len(header), line=line, padded=padded)
    seen.last = line
    return CsvRows(
        header=header,
        header_line=line,
        delimiter=delimiter,
        pieces=_pieces(reader, frame, seen, last=whole),
        frame=frame,
        seen=seen,
        delimiter_found=delimiter_found,
    )


def _noted(text: Iterable[str], seen: _Seen) -> Iterator[str]:
    """Yield the lines of a text; the latest one stays known."""
    for line in text:
        seen.latest_line = line
        yield line


def has_padded_quotes(lines: Sequence[str], delimiter: str) -> bool:
    """Whether blanks stand between a closing quote and the delimiter in some of the lines."""
    padded = _padded(delimiter)
    return any('" ' in line and padded.search(line) for line in lines)


def _padded(delimiter: str) -> re.Pattern[str]:
    mark = re.escape(delimiter)
    return re.compile(rf'(?<![^{mark}])([ ]*"(?:[^"\n]|"")*")[ ]+(?=[{mark}\n]|$)')


def _unpadded(first: Sequence[str], text: Iterator[str], delimiter: str) -> Iterator[str]:
    """The lines, without the blanks between a closing quote and the delimiter; csv.reader takes them for text."""
    padded = _padded(delimiter)
    return (padded.sub(r"\1", line) if '" ' in line else line for line in chain(first, text))


def _take(reader: "_Reader", count: int, source: str, before: int = 0) -> list[list[str]]:
    """The next rows, at most `count`, blank lines among them as []. before: lines of earlier stretches."""
    start = before + reader.line_num
    rows: list[list[str]] = []
    try:
        rows.extend(islice(reader, count))  # rows read before an error stay in the list
    except csv.Error as error:
        line = start + 1 + sum(map(_lines_of, rows))
        raise _quote_error(source, line, error) from None
    return rows


def _pieces(reader: "_Reader", frame: _Frame, seen: _Seen, *, last: bool) -> Iterator[RowBatch]:
    before = seen.line
    start = before + reader.line_num
    while rows := _take(reader, PIECE, frame.source, before):
        if before + reader.line_num - start == len(rows):
            lines = np.arange(start + 1, before + reader.line_num + 1, dtype=np.int64)
        else:  # some cells hold line ends
            lines = start + 1 + np.cumsum([0, *map(_lines_of, rows[:-1])], dtype=np.int64)
            _refuse_swallowed(rows, lines, frame)
            seen.folded += [
                line for row, line in zip(rows, lines.tolist(), strict=True) if _is_folded(row, frame)
            ]
        start = seen.line = before + reader.line_num
        if set(map(len, rows)) != {frame.width}:
            rows, lines, blank = _even(rows, lines, frame)
            seen.blank += blank
        if seen.empty:
            rows, lines = seen.empty + rows, np.concatenate([seen.empty_lines, lines])
        kept = len(rows)
        while kept and not any(map(str.strip, rows[kept - 1])):
            kept -= 1
        seen.last = int(lines[-1]) if rows else seen.last
        seen.empty, seen.empty_lines = rows[kept:], lines[kept:]
        if kept:
            seen.latest = rows[max(0, kept - 1000) : kept]
            yield RowBatch(cells=rows[:kept] if seen.empty else rows, lines=lines[:kept])
    if last:
        blank = [line for line in seen.blank if line < seen.last]
        seen.findings = (*_unended(frame, seen), *_folded(frame, seen), *_skipped(blank, seen, frame))


def _even(
    rows: list[list[str]], lines: np.ndarray, frame: _Frame
) -> tuple[list[list[str]], np.ndarray, list[int]]:
    """Return the rows without blank lines, their lines, and the blank lines.

    Raises DataError for a row of more or fewer cells than the header.
    """
    keep, blank = [], []
    for index, row in enumerate(rows):
        if len(row) == frame.width:
            keep.append(index)
        elif len(row) <= 1 and not "".join(row).strip():
            blank.append(int(lines[index]))
        else:
            raise _ragged(row, int(lines[index]), frame)
    return [rows[index] for index in keep], lines[keep], blank


def _refuse_swallowed(rows: Sequence[Sequence[str]], lines: np.ndarray, frame: _Frame) -> None:
    """Refuse a cell of several lines that read as rows: a quote opened there by mistake swallowed them."""
    for row, line in zip(rows, lines.tolist(), strict=True):
        for cell in row:
            for inside in cell.split("\n")[1:]:
                cells = inside.split(frame.delimiter)
                if len(cells) == frame.width > 1 and any(is_number(one) or is_time(one) for one in cells):
                    raise DataError(
                        f"a quote opens in this row and closes in a later line, and "
                        f"what lies between reads as rows, such as {quote_cell(inside)}",
                        hint="close the quote where its cell ends, or delete it",
                        rule="D131",
                        at=at_line(frame.source, line),
                    )


def _shows_whole(line: str, rows: Sequence[Sequence[str]]) -> bool:
    """Whether the last of the rows, on a line without an end, cannot have been cut off within its last cell."""
    if line.rstrip().endswith('"'):
        return True
    *others, cell = (row[-1].strip() for row in rows)
    decimals = {len(other.partition(".")[2]) for other in others}
    return len(others) > 1 and (
        {len(other) for other in others} == {len(cell)} or decimals == {len(cell.partition(".")[2])} != {0}
    )


def _ragged(row: Sequence[str], line: int, frame: _Frame) -> DataError:
    where = at_line(frame.source, line)
    refuse_conflict(row[0], where)
    cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
    return DataError(
        f"{cells} where the header (line {frame.line}) has {frame.width}",
        hint=_how_to_even(row, frame),
        rule="D132",
        flags=("--delimiter",),
        at=where,
    )


def _how_to_even(row: Sequence[str], frame: _Frame) -> str:
    marks = (mark for mark in ";\t|" if mark != frame.delimiter and any(mark in cell for cell in row))
    other = next(marks, None)
    if other:
        return f"is another delimiter meant? try --delimiter {quote_delimiter(other)}"
    if frame.width == 1:
        return "the first line must be the header: delete title and comment lines above it"
    if len(row) == 1:
        return "delete the line if it is a title, a comment or a footer; a row needs all of its cells"
    if len(row) == frame.width + 1 and not row[-1].strip():
        return "end the header with a delimiter too, or take it off the ends of the rows"
    if len(row) == frame.width + 1 and row[-2].strip().isdigit() and row[-1].strip().isdigit():
        return "is the last comma a decimal comma? write decimal points, or divide the cells otherwise"
    return (
        "mend the line; a cell that holds the delimiter stands in double quotes, and each column has a name"
    )


def _unended(frame: _Frame, seen: _Seen) -> Iterator[Finding]:
    """Yield a finding for a last row that the file breaks off in, for all that can be seen."""
    line = seen.latest_line
    if seen.empty or not seen.latest or line.endswith("\n") or not line.strip():
        return
    if not _shows_whole(line, seen.latest):
        yield Finding.at(
            at_line(frame.source, seen.last),
            "D133",
            "the file ends without a line end, so this last row may be cut off, and was read as it stands "
            "(no flag: end the line, or delete it)",
        )


def _is_folded(row: Sequence[str], frame: _Frame) -> bool:
    """Whether a cell holds both a line end and a delimiter, as where two quotes stand by mistake."""
    return any("\n" in cell and frame.delimiter in cell for cell in row)


def _folded(frame: _Frame, seen: _Seen) -> Iterator[Finding]:
    """Yield a finding for cells that two quotes by mistake may have made of parts of two rows."""
    if seen.folded:
        yield Finding.at(
            at_line(frame.source, seen.folded[0]),
            "D134",
            "a quoted cell goes on in the next line, so both were read as one row, "
            f"{count_noun(len(seen.folded), 'such row')} (no flag: delete quotes that do not belong there)",
            lines=seen.folded,
            count=len(seen.folded),
        )


def _skipped(blank: Sequence[int], seen: _Seen, frame: _Frame) -> Iterator[Finding]:
    """Yield findings for lines that do not count: blank lines between rows, rows of empty cells at the end.

    Raises DataError for a blank line in a file of one column, which may be a missing value.
    """
    empty = seen.empty_lines
    if blank and frame.width == 1:
        raise DataError(
            "the line is blank, which in a file of one column may be a missing value or none at all",
            hint="write NA where a value is missing, or delete the line",
            rule="D135",
            at=at_line(frame.source, blank[0]),
        )
    if blank:
        lines = "1 blank line was" if len(blank) == 1 else f"{len(blank):,} blank lines were"
        advice = "no flag keeps them; a row of missing values has its delimiters"
        yield Finding.at(
            in_file(frame.source),
            "D136",
            f"{lines} skipped, first line {blank[0]} ({advice})",
            lines=blank,
            count=len(blank),
        )
    if len(empty):
        rows = "1 row of empty cells" if len(empty) == 1 else f"{len(empty):,} rows of empty cells"
        advice = "no flag keeps them; write NA for missing values"
        yield Finding.at(
            in_file(frame.source),
            "D137",
            f"{rows} at the end did not count, first line {empty[0]} ({advice})",
            lines=empty[:LINES].tolist(),
            count=len(empty),
        )


def _lines_of(row: Sequence[str]) -> int:
    return 1 + sum(cell.count("\n") for cell in row)


def _quote_error(source: str, line: int, error: csv.Error) -> DataError:
    where = at_line(source, line)
    if is_open_quote(error):
        return DataError(
            "a quote opens in this row and is never closed",
            hint="close it, or delete it",
            rule="D131",
            at=where,
        )
    if is_long_cell(error):
        return DataError(
            "a cell is longer than 131,072 characters",
            hint="is a double quote in it never closed?",
            rule="D138",
            at=where,
        )
    return DataError(
        "a cell goes on after its closing quote",
        hint='a quote within quotes is written twice: ""',
        rule="D131",
        at=where,
    )
