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

from lstm_cli.data.cells import is_missing, is_number, shown
from lstm_cli.data.time_shapes import is_time
from lstm_cli.errors import DataError, UsageError

if TYPE_CHECKING:
    from _csv import Reader as _Reader

PIECE = 50_000  # rows held as text at a time
_OTHERS = {";": ";", "\t": "tab"}  # delimiters that are known without being named


@dataclass(frozen=True, kw_only=True)
class Piece:
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


@dataclass(kw_only=True)
class _Seen:
    """What one stretch of a text leaves for the next to know."""

    line: int = 0  # lines read so far
    last: int = 0  # the last one that holds a row
    blank: list[int] = field(default_factory=list)  # lines without any cell
    empty: list[list[str]] = field(default_factory=list)  # rows of empty cells that may be the text's last
    empty_lines: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A text file as rows."""

    header: list[str]  # names as written, blanks around them and a byte order mark taken off
    header_line: int
    delimiter: str
    pieces: Iterator[Piece]  # of the text it was opened with; may raise DataError, with the line
    warnings: list[str]  # grows while the pieces are read
    frame: _Frame
    seen: _Seen

    def further(self, text: Iterable[str], *, last: bool) -> Iterator[Piece]:
        """The pieces of the stretch that follows; the ones before were read to their end, or passed over."""
        skip = self.delimiter != " "
        reader = csv.reader(text, delimiter=self.delimiter, skipinitialspace=skip, strict=True)
        return _pieces(reader, self.frame, self.seen, self.warnings, last=last)

    def passed(self, lines: int) -> Piece | None:
        """So many lines, each a row and the last not of empty cells, were read otherwise.

        Returns the rows of empty cells before them, if any: as others follow, they count.
        """
        seen = self.seen
        held = Piece(cells=seen.empty, lines=seen.empty_lines) if seen.empty else None
        seen.empty, seen.empty_lines = [], seen.empty_lines[:0]
        seen.line += lines
        seen.last = seen.line
        return held


def open_rows(text: Iterable[str], source: str, delimiter: str | None, *, whole: bool = True) -> Rows:
    """Divide lines of text into rows. delimiter None: the comma, or `;` or tab where the file plainly has it.

    whole False: the text is the first stretch of it, which ends at the end of a row; `further` reads others.
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
        delimiter = _settled_delimiter(top, source, warnings)
    elif delimiter in "\r\n\"'.+-_" or delimiter.isalnum():
        raise UsageError(
            f"--delimiter {delimiter!r} cannot stand between numbers", hint="e.g. --delimiter ';'"
        )
    # `strict`: text after a closing quote, and a quote that is never closed, must not pass in silence.
    skip = delimiter != " "
    reader = csv.reader(chain(first, text), delimiter=delimiter, skipinitialspace=skip, strict=True)
    header: list[str] = []
    while not header or header == [""]:  # blank lines above the header
        line = reader.line_num + 1
        header = [name.strip() for name in _take(reader, 1, source)[0]]
    _check_header(header, line, top[0], source)
    frame = _Frame(source=source, delimiter=delimiter, width=len(header), line=line)
    seen = _Seen(last=line)
    return Rows(
        header=header,
        header_line=line,
        delimiter=delimiter,
        pieces=_pieces(reader, frame, seen, warnings, last=whole),
        warnings=warnings,
        frame=frame,
        seen=seen,
    )


def _take(reader: "_Reader", count: int, source: str, before: int = 0) -> list[list[str]]:
    """The next rows, at most `count`, blank lines among them as []. before: lines of earlier stretches."""
    start = before + reader.line_num
    rows: list[list[str]] = []
    try:
        rows.extend(islice(reader, count))  # rows read before an error stay in the list
    except csv.Error as error:
        line = start + 1 + sum(map(_lines_of, rows))
        raise _quote_error(source, line, str(error)) from None
    return rows


def _pieces(
    reader: "_Reader", frame: _Frame, seen: _Seen, warnings: list[str], *, last: bool
) -> Iterator[Piece]:
    before = seen.line
    start = before + reader.line_num
    while rows := _take(reader, PIECE, frame.source, before):
        if before + reader.line_num - start == len(rows):
            lines = np.arange(start + 1, before + reader.line_num + 1, dtype=np.int64)
        else:  # some cells hold line ends
            lines = start + 1 + np.cumsum([0, *map(_lines_of, rows[:-1])], dtype=np.int64)
        start = seen.line = before + reader.line_num
        if set(map(len, rows)) != {frame.width}:
            rows, lines = _even(rows, lines, frame, seen.blank)
        if seen.empty:
            rows, lines = seen.empty + rows, np.concatenate([seen.empty_lines, lines])
        kept = len(rows)
        while kept and not any(map(str.strip, rows[kept - 1])):
            kept -= 1
        seen.last = int(lines[-1]) if rows else seen.last
        seen.empty, seen.empty_lines = rows[kept:], lines[kept:]
        if kept:
            yield Piece(cells=rows[:kept] if seen.empty else rows, lines=lines[:kept])
    if last:
        _tell([line for line in seen.blank if line < seen.last], seen.empty_lines, frame, warnings)


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


def _ragged(row: Sequence[str], line: int, frame: _Frame) -> DataError:
    cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
    marks = (mark for mark in ";\t|" if mark != frame.delimiter and any(mark in cell for cell in row))
    other = next(marks, None)
    hint = "mend the line; a cell that holds the delimiter stands in double quotes"
    if other:
        hint = f"is another delimiter meant? try --delimiter {_quoted(other)}"
    elif frame.width == 1:
        hint = "the first line must be the header: delete title and comment lines above it"
    return DataError(
        f"{frame.source}, line {line}: {cells} where the header (line {frame.line}) has {frame.width}",
        hint=hint,
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


def _settled_delimiter(top: Sequence[str], source: str, warnings: list[str]) -> str:
    bare = [re.sub(r'"[^"]*"', "", line) for line in top]
    if bare[0].strip().lower().startswith("sep="):
        mark = bare[0].strip()[4:5] or "\t"
        raise DataError(
            f"{source}, line 1: 'sep=' is a mark of Excel's, not a header",
            hint=f"delete the line and name the delimiter: --delimiter {_quoted(mark)}",
        )
    found = [mark for mark in _OTHERS if mark in bare[0]]
    if "," in bare[0] or not found:
        return ","
    plain = len(found) == 1 and (len(bare) == 1 or bare[1].count(found[0]) == bare[0].count(found[0]))
    if not plain:
        names = " or ".join(f"'{_OTHERS[mark]}'" for mark in found)
        raise DataError(
            f"{source}, line 1: cells are not divided by commas, and it is not plain by what: {names}",
            hint=f"name the delimiter, e.g. --delimiter {_quoted(found[0])}",
        )
    warnings.append(
        f"{source}: cells were divided at {_OTHERS[found[0]]!r}, as the header (line 1) has no comma "
        "(--delimiter decides it otherwise)"
    )
    return found[0]


def _check_header(header: list[str], line: int, text: str, source: str) -> None:
    named = [name for name in header if not is_missing(name)]
    if not named:
        raise DataError(
            f"{source}, line {line}: no column has a name", hint="the first line must name the columns"
        )
    if all(is_number(name) or is_time(name) for name in named):
        raise DataError(
            f"{source}, line {line}: {shown(text)} reads as a row of data, and the header is missing",
            hint="write a first line that names the columns",
        )


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


def _quoted(mark: str) -> str:
    return "$'\\t'" if mark == "\t" else f"'{mark}'"
