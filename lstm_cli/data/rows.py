"""Text to rows of cells: the delimiter, the header, which lines count, and rows of another length refused.

The dialect is RFC 4180's (quotes doubled within quotes), with any line end and blanks around cells.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np

from lstm_cli.data.cells import is_number, shown
from lstm_cli.data.header import CONFLICT, check_header, quoted, settled_delimiter
from lstm_cli.data.time_shapes import is_time
from lstm_cli.errors import DataError, UsageError

if TYPE_CHECKING:
    from _csv import Reader as _Reader

PIECE = 50_000  # rows held as text at a time


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Some consecutive rows of a file."""

    cells: list[list[str]]  # n rows of as many cells as the header has
    lines: np.ndarray  # [n] int64, the line each row begins on


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A text file as rows."""

    header: list[str]  # names as written, blanks around them and a byte order mark taken off
    header_line: int
    delimiter: str
    pieces: Iterator[Piece]  # may raise DataError, with the line
    warnings: list[str]  # grows while the pieces are read


@dataclass(frozen=True, kw_only=True)
class _Frame:
    """What every row is held against."""

    source: str
    delimiter: str
    width: int  # cells of the header
    line: int  # of the header


def open_rows(text: Iterable[str], source: str, delimiter: str | None, unended: Sequence[str] = ()) -> Rows:
    """Divide lines of text into rows. delimiter None: the comma, or `;` or tab where the file plainly has it.

    unended: grows by the last line, once it is read, where no line end follows it.

    Raises UsageError for a delimiter that can divide nothing; DataError for a text without a header, and
    while the pieces are read for rows longer or shorter than the header and for wrong quotes.
    """
    text = iter(text)
    first = list(islice(text, 1000))  # reaches over blank lines above the header to the first row
    top = [line for line in first if line.strip()][:2]
    if not top:
        raise DataError(f"{source} holds blank lines only", hint="it needs one header line and rows below it")
    warnings: list[str] = []
    if delimiter is None:
        delimiter = settled_delimiter(top, source, warnings)
    elif delimiter in "\r\n\"'.+-_" or delimiter.isalnum():
        raise UsageError(
            f"--delimiter {delimiter!r} cannot stand between numbers", hint="e.g. --delimiter ';'"
        )
    # `strict`: text after a closing quote, and a quote that is never closed, must not pass in silence.
    skip = delimiter != " "
    lines = _unpadded(first, text, delimiter) if skip else chain(first, text)
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=skip, strict=True)
    header: list[str] = []
    while not header or header == [""]:  # blank lines above the header
        line = reader.line_num + 1
        header = [name.strip() for name in _take(reader, 1, source)[0]]
    check_header(header, line, top[0], source)
    frame = _Frame(source=source, delimiter=delimiter, width=len(header), line=line)
    return Rows(
        header=header,
        header_line=line,
        delimiter=delimiter,
        pieces=_pieces(reader, frame, unended, warnings),
        warnings=warnings,
    )


def _unpadded(first: Sequence[str], text: Iterator[str], delimiter: str) -> Iterator[str]:
    """The lines, without the blanks between a closing quote and the delimiter; csv.reader takes them for text.

    Where none of the first lines has any, the others are left as they are.
    """
    mark = re.escape(delimiter)
    padded = re.compile(rf'(?<![^{mark}])([ ]*"(?:[^"\n]|"")*")[ ]+(?=[{mark}\n]|$)')
    if not any('" ' in line and padded.search(line) for line in first):
        return chain(first, text)
    return (padded.sub(r"\1", line) if '" ' in line else line for line in chain(first, text))


def _take(reader: "_Reader", count: int, source: str) -> list[list[str]]:
    """The next rows, at most `count`, blank lines among them as []."""
    start = reader.line_num
    rows: list[list[str]] = []
    try:
        rows.extend(islice(reader, count))  # rows read before an error stay in the list
    except csv.Error as error:
        line = start + 1 + sum(map(_lines_of, rows))
        raise _quote_error(source, line, str(error)) from None
    return rows


def _pieces(reader: "_Reader", frame: _Frame, unended: Sequence[str], warnings: list[str]) -> Iterator[Piece]:
    blank: list[int] = []  # lines without any cell
    empty: list[list[str]] = []  # rows of empty cells that may be the file's last
    empty_lines = np.zeros(0, dtype=np.int64)
    latest: list[list[str]] = []
    done = 0
    last = frame.line
    start = reader.line_num
    while rows := _take(reader, PIECE, frame.source):
        if reader.line_num - start == len(rows):
            lines = np.arange(start + 1, reader.line_num + 1, dtype=np.int64)
        else:  # some cells hold line ends
            lines = start + 1 + np.cumsum([0, *map(_lines_of, rows[:-1])], dtype=np.int64)
            _refuse_swallowed(rows, lines, frame)
        start = reader.line_num
        if set(map(len, rows)) != {frame.width}:
            rows, lines = _even(rows, lines, frame, blank)
        if empty:
            rows, lines = empty + rows, np.concatenate([empty_lines, lines])
        kept = len(rows)
        while kept and not any(map(str.strip, rows[kept - 1])):
            kept -= 1
        last = int(lines[-1]) if rows else last
        empty, empty_lines = rows[kept:], lines[kept:]
        if kept:
            done += kept
            latest = rows[max(0, kept - 1000) : kept]
            yield Piece(cells=rows[:kept] if empty else rows, lines=lines[:kept])
    if unended and unended[0].strip() and latest and not empty and not _shows_whole(unended[0], latest):
        advice = f"--end row:{done - 1} leaves it out"
        warnings.append(
            f"{frame.source}, line {last}: the file ends without a line end, so this last row may be cut off, "
            f"and was read as it stands ({advice})"
        )
    _tell([line for line in blank if line < last], empty_lines, frame, warnings)


def _even(
    rows: list[list[str]], lines: np.ndarray, frame: _Frame, blank: list[int]
) -> tuple[list[list[str]], np.ndarray]:
    """Leave blank lines out, noted in `blank`; refuse a row of more or fewer cells than the header."""
    keep = []
    for index, row in enumerate(rows):
        if len(row) == frame.width:
            keep.append(index)
        elif len(row) <= 1 and not "".join(row).strip():
            blank.append(int(lines[index]))
        else:
            raise _ragged(row, int(lines[index]), frame)
    return [rows[index] for index in keep], lines[keep]


def _refuse_swallowed(rows: Sequence[Sequence[str]], lines: np.ndarray, frame: _Frame) -> None:
    """Refuse a cell of several lines that read as rows: a quote opened there by mistake swallowed them."""
    for row, line in zip(rows, lines.tolist(), strict=True):
        for cell in row:
            for inside in cell.split("\n")[1:]:
                cells = inside.split(frame.delimiter)
                if len(cells) == frame.width > 1 and any(is_number(one) or is_time(one) for one in cells):
                    raise DataError(
                        f"{frame.source}, line {line}: a quote opens in this row and closes in a later line, and "
                        f"what lies between reads as rows, such as {shown(inside)}",
                        hint="close the quote where its cell ends, or delete it",
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
    where = f"{frame.source}, line {line}"
    if CONFLICT.match(row[0]):
        return DataError(
            f"{where}: {shown(row[0])} is a mark of a merge conflict", hint="settle the conflict in the file"
        )
    cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
    return DataError(
        f"{where}: {cells} where the header (line {frame.line}) has {frame.width}",
        hint=_how_to_even(row, frame),
    )


def _how_to_even(row: Sequence[str], frame: _Frame) -> str:
    marks = (mark for mark in ";\t|" if mark != frame.delimiter and any(mark in cell for cell in row))
    other = next(marks, None)
    if other:
        return f"is another delimiter meant? try --delimiter {quoted(other)}"
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


def _tell(blank: Sequence[int], empty: np.ndarray, frame: _Frame, warnings: list[str]) -> None:
    """Warn of lines that did not count: blank lines between rows, rows of empty cells at the end."""
    if blank and frame.width == 1:
        raise DataError(
            f"{frame.source}, line {blank[0]}: the line is blank, which in a file of one column may be a "
            "missing value or none at all",
            hint="write NA where a value is missing, or delete the line",
        )
    if blank:
        lines = "1 blank line was" if len(blank) == 1 else f"{len(blank):,} blank lines were"
        advice = "no flag keeps them; a row of missing values has its delimiters"
        warnings.append(f"{frame.source}: {lines} skipped, first line {blank[0]} ({advice})")
    if len(empty):
        rows = "1 row of empty cells" if len(empty) == 1 else f"{len(empty):,} rows of empty cells"
        advice = "no flag keeps them; write NA for missing values"
        warnings.append(f"{frame.source}: {rows} at the end did not count, first line {empty[0]} ({advice})")


def _lines_of(row: Sequence[str]) -> int:
    return 1 + sum(cell.count("\n") for cell in row)


def _quote_error(source: str, line: int, error: str) -> DataError:
    where = f"{source}, line {line}"
    if "unexpected end" in error:
        return DataError(
            f"{where}: a quote opens in this row and is never closed", hint="close it, or delete it"
        )
    if "field limit" in error:
        return DataError(
            f"{where}: a cell is longer than 131,072 characters", hint="is a double quote in it never closed?"
        )
    return DataError(
        f"{where}: a cell goes on after its closing quote", hint='a quote within quotes is written twice: ""'
    )
