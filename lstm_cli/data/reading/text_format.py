"""Detection of the format of a text file: encoding, lines, delimiter and header."""

import codecs
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from lstm_cli.config.text import WHITESPACE
from lstm_cli.data.locations import is_missing, quote_cell
from lstm_cli.data.reading.containers.limits import MAX_LINE_CHARS
from lstm_cli.data.reading.source import Source
from lstm_cli.data.times.patterns import is_time
from lstm_cli.errors import DataError, UsageError
from lstm_cli.findings import Finding, Location, at_line, in_file
from lstm_cli.library_errors import is_cut_short
from lstm_cli.wording import is_number

_BYTE_ORDER_MARKS = (  # UTF-32 first, because its little-endian mark begins with the mark of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8"),
)
_MERGE_MARK = re.compile(r"<{7}|={7}|>{7}|\|{7}")  # conflict markers of Git
_KNOWN_DELIMITERS = {";": ";", "\t": "tab"}  # delimiters that are detected
MAX_CELL_CHARS = 131_072  # the limit of csv.reader
_UNUSUAL_DELIMITERS = ("|", "^", "~", "\x1f", WHITESPACE, ":")  # delimiters that need --delimiter
_POSSIBLE_DELIMITERS = " \t" + "".join((",", *_KNOWN_DELIMITERS, *_UNUSUAL_DELIMITERS[:4], ":"))


def decode_lines(
    blocks: Iterable[bytes], name: str, codec: str, *, before: int = 0, delimiter: str | None = None
) -> Iterator[str]:
    r"""Return the lines of a text, each with its "\n". "\r\n" and "\r" also end a line.

    Args:
        blocks: bytes of the text, from the start of a line.
        name: name of the file, for messages.
        codec: name of the encoding.
        before: number of lines before these bytes.
        delimiter: delimiter of the cells; None if it is not known.

    Raises:
        DataError: a byte is not in the encoding or is a NUL character, or a line or cell is too long. The error has
            the line.
    """
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(codec)(), translate=True)
    return chain.from_iterable(_decode_blocks(blocks, name, decoder, codec, before, delimiter))


def _decode_blocks(
    blocks: Iterable[bytes],
    name: str,
    decoder: io.IncrementalNewlineDecoder,
    codec: str,
    before: int,
    delimiter: str | None,
) -> Iterator[Iterable[str]]:
    done = before  # whole lines so far
    rest: list[str] = []  # the line that has begun
    rest_limit = _RestLimit(delimiter)
    for block in chain(blocks, (None,)):
        try:
            text = decoder.decode(b"", final=True) if block is None else decoder.decode(block)
        except UnicodeError as error:
            raise decode_error(error, name, codec, done + 1) from None
        if not done and not rest:
            text = text.removeprefix("\ufeff")  # the byte order mark, if the codec does not remove it
        if "\0" in text:
            line = done + text.split("\0", 1)[0].count("\n") + 1
            raise nul_error(at_line(name, line))
        cut = len(text) if block is None else text.rfind("\n") + 1
        if cut or block is None:
            whole = "".join((*rest, text[:cut]))
            done += whole.count("\n")
            rest.clear()
            rest_limit.reset()
            yield io.StringIO(whole, newline="\n")  # lines end only at "\n", unlike str.splitlines
        if text[cut:]:
            rest.append(text[cut:])
            rest_limit.add(text[cut:], at_line(name, done + 1))


class _RestLimit:
    """Limit of a line that has no end so far, and of its cells."""

    def __init__(self, delimiter: str | None) -> None:
        marks = _POSSIBLE_DELIMITERS if delimiter in (None, WHITESPACE) else delimiter
        self._delimiters = re.compile(f"[{re.escape(marks or '')}]")
        self.reset()

    def reset(self) -> None:
        """Start with the next line."""
        self._size, self._tail = 0, ""

    def add(self, text: str, at: Location) -> None:
        """Count the next characters of the line. Raise DataError if the line or one of its cells is too long."""
        self._size += len(text)
        if self._size <= MAX_CELL_CHARS:
            self._tail += text
            return
        text = self._tail + text
        if self._has_long_cell(text):
            raise long_cell_error(at)
        if self._size > MAX_LINE_CHARS:
            raise DataError(
                "the line is longer than 64 MiB",
                hint="check that the lines of the file end, and that it is a text table",
                rule="D139",
                at=at,
            )
        self._tail = self._delimiters.split(text[-MAX_CELL_CHARS:])[-1]

    def _has_long_cell(self, text: str) -> bool:
        # A cell that is too long fills at least one of these parts, which are searched much faster than split.
        part = MAX_CELL_CHARS // 2
        if all(
            self._delimiters.search(text, begin, begin + part)
            for begin in range(0, len(text) - part + 1, part)
        ):
            return False
        return max(map(len, self._delimiters.split(text))) > MAX_CELL_CHARS


def long_cell_error(at: Location) -> DataError:
    """Return the error for a cell that is longer than csv.reader allows. at: the line where it begins."""
    return DataError(
        f"a cell is longer than {MAX_CELL_CHARS:,} characters",
        hint="check for a double quote that is never closed, and that the lines of the file end",
        rule="D138",
        at=at,
    )


def nul_error(at: Location) -> DataError:
    """Return the error for a NUL character in a line of a text."""
    return DataError(
        "invalid NUL character in a text file",
        hint="name the encoding of a text file, e.g. --encoding utf-16-le, or save the file as UTF-8",
        rule="D121",
        at=at,
        flags=("--encoding",),
    )


def decode_error(error: UnicodeError, name: str, codec: str, line: int) -> DataError:
    """Return the error for bytes that are not in the encoding of a text.

    Args:
        error: error of the codec.
        name: name of the file, for messages.
        codec: name of the encoding.
        line: line of the first of the bytes that were decoded.
    """
    hint = "name the encoding of the file, e.g. --encoding cp1252"
    if not isinstance(error, UnicodeDecodeError):
        return DataError(
            f"{name} is not valid {codec}: {error}", hint=hint, rule="D122", flags=("--encoding",)
        )
    before = error.object[: error.start].decode(codec, errors="replace")
    line += before.replace("\r\n", "\n").replace("\r", "\n").count("\n")
    if is_cut_short(error):
        return DataError(
            f"the file is truncated: it ends inside a {codec} character",
            hint=hint,
            rule="D122",
            flags=("--encoding",),
            at=at_line(name, line),
        )
    byte = error.object[error.start]
    return DataError(
        f"byte 0x{byte:02x} is not valid {codec}",
        hint=hint,
        rule="D122",
        flags=("--encoding",),
        at=at_line(name, line),
    )


def codec_name(source: Source, encoding: str | None) -> str:
    """Return the name of the encoding of a text file. Raise UsageError for an unknown encoding."""
    if encoding is None:
        return next((codec for mark, codec in _BYTE_ORDER_MARKS if source.head.startswith(mark)), "utf-8")
    try:
        info = codecs.lookup(encoding)
        "".encode(encoding)  # refuses codecs that are not text encodings, such as base64
    except (LookupError, ValueError):
        raise UsageError(
            f"--encoding '{encoding}' is not a known text encoding",
            hint="use e.g. utf-8, utf-16, cp1252, latin-1",
            flag="--encoding",
        ) from None
    if info.incrementaldecoder is None:
        raise UsageError(
            f"--encoding '{encoding}' cannot be decoded in parts",
            hint="save the file as UTF-8",
            flag="--encoding",
        )
    return info.name


def detect_delimiter(
    top: Sequence[str], source: str, line: int = 1, *, has_header: bool = True
) -> tuple[str, Finding | None]:
    """Return the delimiter of a file, and a finding if it is not the comma.

    `;` and tab are detected if they are unambiguous.

    Args:
        top: the first one or two lines that are not blank.
        source: name of the file, for messages.
        line: number of the first of these lines.
        has_header: whether the first line is the header.

    Raises:
        DataError: several delimiters are possible.
    """
    bare = [re.sub(r'"[^"]*"', "", text) for text in top]
    detected = [mark for mark in _KNOWN_DELIMITERS if mark in bare[0]]
    name = "header" if has_header else "first row"
    if "," in bare[0]:
        other = next((mark for mark in ";\t|" if 0 < bare[0].count(mark) == bare[-1].count(mark)), None)
        if other and len(bare) > 1:
            raise _delimiter_error(
                f"the delimiter is ambiguous: comma and {other!r} are equally frequent in the header and the first row",
                f"name the delimiter with --delimiter {quote_delimiter(other)}, or --delimiter ','",
                at_line(source, line),
            )
        return ",", None
    if not detected:
        _refuse_undetected_delimiter(top, bare, at_line(source, line), has_header=has_header)
        return ",", None
    plain = len(detected) == 1 and (
        len(bare) == 1 or bare[1].count(detected[0]) == bare[0].count(detected[0])
    )
    if not plain:
        names = " or ".join(f"'{_KNOWN_DELIMITERS[mark]}'" for mark in detected)
        raise _delimiter_error(
            f"the delimiter is ambiguous: not the comma, but {names}",
            f"name the delimiter, e.g. --delimiter {quote_delimiter(_likely_delimiter(top, detected))}",
            at_line(source, line),
        )
    return detected[0], Finding.at(
        in_file(source),
        "D125",
        f"the delimiter is {_KNOWN_DELIMITERS[detected[0]]!r}, because the {name} (line {line}) has no comma "
        "(use --delimiter to choose another)",
        lines=(line,),
        flags=("--delimiter",),
    )


def _likely_delimiter(top: Sequence[str], detected: Sequence[str]) -> str:
    """Return a delimiter for the hint: `whitespace` if only runs of blanks and tabs give rows of equal length."""
    widths = {len(line.split()) for line in top}
    return WHITESPACE if list(detected) == ["\t"] and len(widths) == 1 else detected[0]


def _delimiter_error(message: str, hint: str, at: Location) -> DataError:
    return DataError(message, hint=hint, rule="D124", at=at, flags=("--delimiter",))


def _refuse_undetected_delimiter(
    top: Sequence[str], bare: Sequence[str], at: Location, *, has_header: bool
) -> None:
    """Raise DataError for lines of one cell that clearly contain several values."""
    if len(top) < 2:
        return
    if not any(line.strip() for line in bare) and top[0].count(",") == top[1].count(",") > 0:
        raise DataError(
            "the whole line is in double quotes, so it is one cell",
            hint="remove the quotes around the lines",
            rule="D126",
            at=at,
        )
    if is_number(top[1]) or is_missing(top[1]) or is_time(top[1]):
        return
    first, second = (line.strip() for line in bare)
    mark = next(
        (mark for mark in _UNUSUAL_DELIMITERS if _count(first, mark) == _count(second, mark) > 0), None
    )
    if mark:
        cells = top[0].split() if mark == WHITESPACE else top[0].split(mark)
        is_row = has_header and all(is_number(cell) or is_time(cell) for cell in cells)
        name = "a run of blanks" if mark == WHITESPACE else repr(mark)
        raise _delimiter_error(
            f"the delimiter seems to be {name}, not the comma" + ", and the header is missing" * is_row,
            f"use --delimiter {quote_delimiter(mark)}" + " --no-header" * is_row,
            at,
        )


def _count(line: str, mark: str) -> int:
    """Return the number of delimiters in a line; a run of blanks and tabs counts once."""
    return len(line.split()) - 1 if mark == WHITESPACE else line.count(mark)


def refuse_conflict(cell: str, at: Location) -> None:
    """Raise DataError if the first cell of a row is a merge conflict marker."""
    if _MERGE_MARK.match(cell):
        raise DataError(
            f"{quote_cell(cell)} is a merge conflict marker",
            hint="resolve the conflict in the file",
            rule="D127",
            at=at,
        )


def quote_delimiter(mark: str) -> str:
    """Return a delimiter quoted for a shell. The word `whitespace` needs no quotes."""
    if mark == WHITESPACE:
        return mark
    return "$'\\t'" if mark == "\t" else f"'{mark}'"
