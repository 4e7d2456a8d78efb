"""The format of a text file: its encoding, its lines, its delimiter, and whether the first line is a header."""

import codecs
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from lstm_cli.data.locations import is_missing, quote_cell
from lstm_cli.data.reading.source import Source
from lstm_cli.data.times.patterns import is_time
from lstm_cli.errors import DataError, UsageError
from lstm_cli.findings import Finding, Location, at_line, in_file
from lstm_cli.library_errors import is_cut_short
from lstm_cli.text import is_number

_BYTE_ORDER_MARKS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8"),
)
_MERGE_MARK = re.compile(r"<{7}|={7}|>{7}|\|{7}")  # what Git writes between two versions
_KNOWN_DELIMITERS = {";": ";", "\t": "tab"}  # delimiters that are known without being named
_UNUSUAL_DELIMITERS = "|^~:\x1f "  # delimiters that must be named


def decode_lines(blocks: Iterable[bytes], name: str, codec: str, *, before: int = 0) -> Iterator[str]:
    """Return the lines of some bytes of a text file that begin with a line, each with its "\\n".

    "\\r\\n" and "\\r" end a line too. The last line has none where the text ends without one. before: so many lines
    come before. Raises DataError for bytes that are not in the encoding and for NUL characters, each with the line.
    """
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(codec)(), translate=True)
    return chain.from_iterable(_decode_blocks(blocks, name, decoder, codec, before))


def _decode_blocks(
    blocks: Iterable[bytes],
    name: str,
    decoder: io.IncrementalNewlineDecoder,
    codec: str,
    before: int,
) -> Iterator[Iterable[str]]:
    done = before  # whole lines before `carry`
    carry = ""
    for block in chain(blocks, (None,)):
        try:
            text = decoder.decode(b"", final=True) if block is None else decoder.decode(block)
        except UnicodeError as error:
            raise _decode_error(error, name, codec, done + 1) from None
        if not done and not carry:
            text = text.removeprefix("\ufeff")  # the mark, where the encoding does not take it off itself
        if "\0" in text:
            line = done + (carry + text).split("\0", 1)[0].count("\n") + 1
            raise DataError(
                "there is a NUL character, as in no text file",
                hint="name the encoding of a text file, e.g. --encoding utf-16-le, or save the table as CSV",
                rule="D121",
                at=at_line(name, line),
                flags=("--encoding",),
            )
        text = carry + text
        whole = len(text) if block is None else text.rfind("\n") + 1
        carry = text[whole:]
        if whole:
            done += text.count("\n")
            yield io.StringIO(text[:whole], newline="\n")  # lines end at "\n" alone, unlike str.splitlines


def _decode_error(error: UnicodeError, name: str, codec: str, line: int) -> DataError:
    hint = "name the encoding of the file, e.g. --encoding cp1252"
    if not isinstance(error, UnicodeDecodeError):
        return DataError(f"{name} is not {codec}: {error}", hint=hint, rule="D122", flags=("--encoding",))
    before = error.object[: error.start].decode(codec, errors="replace")
    line += before.replace("\r\n", "\n").replace("\r", "\n").count("\n")
    if is_cut_short(error):
        return DataError(
            f"the text ends within a character of {codec}",
            hint=hint,
            rule="D122",
            flags=("--encoding",),
            at=at_line(name, line),
        )
    byte = error.object[error.start]
    return DataError(
        f"byte 0x{byte:02x} is not {codec}",
        hint=hint,
        rule="D122",
        flags=("--encoding",),
        at=at_line(name, line),
    )


def codec_name(source: Source, encoding: str | None) -> str:
    """The name of the encoding of a text file. Raises UsageError for an unknown one."""
    if encoding is None:
        return next((codec for mark, codec in _BYTE_ORDER_MARKS if source.head.startswith(mark)), "utf-8")
    try:
        info = codecs.lookup(encoding)
        "".encode(encoding)  # refuses codecs that are no text encoding, such as base64
    except (LookupError, ValueError):
        raise UsageError(
            f"--encoding '{encoding}' is no text encoding known here",
            hint="e.g. utf-8, utf-16, cp1252, latin-1",
            flag="--encoding",
        ) from None
    if info.incrementaldecoder is None:
        raise UsageError(
            f"--encoding '{encoding}' cannot be read piece by piece",
            hint="save the file as UTF-8",
            flag="--encoding",
        )
    return info.name


def detect_delimiter(top: Sequence[str], source: str) -> tuple[str, Finding | None]:
    """Return the delimiter of a file whose first lines, one or two that are not blank, are `top`, and a finding.

    That is the comma, or, with a finding, `;` or tab where the lines plainly have it. Raises DataError where
    the cells are plainly divided, but not by which of several.
    """
    bare = [re.sub(r'"[^"]*"', "", line) for line in top]
    if bare[0].strip().lower().startswith("sep="):
        mark = bare[0].strip()[4:5] or "\t"
        raise DataError(
            "'sep=' is a mark of Excel's, not a header",
            hint=f"delete the line and name the delimiter: --delimiter {quote_delimiter(mark)}",
            rule="D123",
            at=at_line(source, 1),
            flags=("--delimiter",),
        )
    found = [mark for mark in _KNOWN_DELIMITERS if mark in bare[0]]
    if "," in bare[0]:
        other = next((mark for mark in ";\t|" if 0 < bare[0].count(mark) == bare[-1].count(mark)), None)
        if other and len(bare) > 1:
            raise DataError(
                f"are cells divided by commas, or by {other!r}? the header and the first row have "
                "as many of these",
                hint=f"name the delimiter: --delimiter {quote_delimiter(other)}, or --delimiter ','",
                rule="D124",
                at=at_line(source, 1),
                flags=("--delimiter",),
            )
        return ",", None
    if not found:
        _refuse_undivided(top, bare, source)
        return ",", None
    plain = len(found) == 1 and (len(bare) == 1 or bare[1].count(found[0]) == bare[0].count(found[0]))
    if not plain:
        names = " or ".join(f"'{_KNOWN_DELIMITERS[mark]}'" for mark in found)
        raise DataError(
            f"cells are not divided by commas, and it is not plain by what: {names}",
            hint=f"name the delimiter, e.g. --delimiter {quote_delimiter(found[0])}",
            rule="D124",
            at=at_line(source, 1),
            flags=("--delimiter",),
        )
    return found[0], Finding.at(
        in_file(source),
        "D125",
        f"cells were divided at {_KNOWN_DELIMITERS[found[0]]!r}, as the header (line 1) has no comma "
        "(--delimiter decides it otherwise)",
        lines=(1,),
        flags=("--delimiter",),
    )


def _refuse_undivided(top: Sequence[str], bare: Sequence[str], source: str) -> None:
    """Refuse lines that are one cell each, where they plainly hold several."""
    if len(top) < 2:
        return
    if not any(line.strip() for line in bare) and top[0].count(",") == top[1].count(",") > 0:
        raise DataError(
            "the whole line stands in double quotes, as one cell",
            hint="take off the quotes around the lines",
            rule="D126",
            at=at_line(source, 1),
        )
    if is_number(top[1]) or is_missing(top[1]) or is_time(top[1]):
        return
    first, second = (line.strip() for line in bare)
    mark = next((mark for mark in _UNUSUAL_DELIMITERS if 0 < first.count(mark) == second.count(mark)), None)
    if mark:
        raise DataError(
            f"cells are not divided by commas, but seem to be by {mark!r}",
            hint=f"name the delimiter: --delimiter {quote_delimiter(mark)}",
            rule="D124",
            at=at_line(source, 1),
            flags=("--delimiter",),
        )


def refuse_conflict(cell: str, at: Location) -> None:
    """Raise DataError for the first cell of a row that is a mark of a merge conflict."""
    if _MERGE_MARK.match(cell):
        raise DataError(
            f"{quote_cell(cell)} is a mark of a merge conflict",
            hint="settle the conflict in the file",
            rule="D127",
            at=at,
        )


def check_header(header: Sequence[str], line: int, text: str, source: str) -> None:
    """Raises DataError for a first line that is no header: no names, a row of data, a mark of Git's."""
    named = [name for name in header if not is_missing(name)]
    refuse_conflict(header[0], at_line(source, line))
    if not named:
        raise DataError(
            "no column has a name",
            hint="the first line must name the columns",
            rule="D128",
            at=at_line(source, line),
        )
    if all(is_number(name) or is_time(name) for name in named):
        raise DataError(
            f"{quote_cell(text)} reads as a row of data, and the header is missing",
            hint="write a first line that names the columns",
            rule="D129",
            at=at_line(source, line),
        )


def quote_delimiter(mark: str) -> str:
    """A delimiter as a shell takes it."""
    return "$'\\t'" if mark == "\t" else f"'{mark}'"
