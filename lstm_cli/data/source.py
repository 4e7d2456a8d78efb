"""The bytes of a data file and their text: a path or `-`, gzip by its first bytes, encodings, refusals."""

import codecs
import io
import os
import re
import stat
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from lstm_cli.errors import DataError, UsageError

STDIN = "-"
_BLOCK = 1 << 20  # bytes read at a time; one block of text and its cells is what reading needs in memory
_HEAD = 4096  # bytes looked at to know what the file is
_SAVE_AS_CSV = "save the table as CSV (UTF-8) and read that"

# What a file is by its first bytes, where it is none of text, gzip and Parquet.
_FOREIGN = (
    (b"PK\x03\x04", "an Excel workbook or ZIP archive"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"%PDF", "a PDF"),
    (b"{\\rtf", "a rich text document"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ\x00", "compressed with xz"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"\x04\x22\x4d\x18", "compressed with lz4"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x89HDF", "an HDF5 file"),
    (b"CDF", "a NetCDF file"),
    (b"ARROW1", "an Arrow file"),
    (b"FEA1", "a Feather file"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x7fELF", "a program"),
)
_MARKS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8"),
)


@dataclass(frozen=True, kw_only=True)
class Source:
    """An open data file: its name for messages, and its bytes in blocks (gzip already undone)."""

    name: str
    path: Path | None  # None: standard input
    parquet: bool
    head: bytes  # its first bytes, at most 4,096
    blocks: Iterator[bytes]
    unended: list[str] = field(default_factory=list)  # once read: its last line, where no line end follows


@contextmanager
def open_source(source: str, stdin: BinaryIO | None = None) -> Iterator[Source]:
    """Open the path `source`, or standard input where it is `-`.

    Raises DataError for what is missing, empty, no regular file, or plainly no table.
    """
    stream, name = (_standard_input(stdin), "standard input") if source == STDIN else _open(source)
    try:
        blocks = _blocks(stream, name)
        head, blocks = _peek(blocks)
        if not head:
            raise DataError(f"{name} is empty", hint="a data file needs one header line and rows below it")
        if head[:2] == b"\x1f\x8b":
            head, blocks = _peek(_gunzip(blocks, name))
            if not head:
                raise DataError(f"{name} is empty once decompressed", hint="it needs a header line and rows")
            if head[:4] == b"PAR1":
                raise DataError(
                    f"{name} is Parquet within gzip", hint=f"decompress it first: gunzip {source}"
                )
        parquet = head[:4] == b"PAR1"
        if not parquet:
            _refuse_foreign(head, name)
        path = None if source == STDIN else Path(source)
        yield Source(name=name, path=path, parquet=parquet, head=head[:_HEAD], blocks=blocks)
    finally:
        if source != STDIN:
            stream.close()


def text_lines(source: Source, encoding: str | None) -> Iterator[str]:
    """The lines of a text file, each with its "\\n"; "\\r\\n" and "\\r" end a line too.

    encoding None: UTF-8, or what the byte order mark says. Raises UsageError for an unknown encoding, and
    DataError for bytes that are not in it and for NUL characters, each with the line.
    """
    codec = _codec(source, encoding)
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(codec)(), translate=True)
    return chain.from_iterable(_decoded(source, decoder, codec))


def _decoded(source: Source, decoder: io.IncrementalNewlineDecoder, codec: str) -> Iterator[Iterable[str]]:
    done = 0  # whole lines before `carry`
    carry = ""
    for block in chain(source.blocks, (None,)):
        try:
            text = decoder.decode(b"", final=True) if block is None else decoder.decode(block)
        except UnicodeError as error:
            raise _undecodable(error, source.name, codec, done + 1) from None
        if not done and not carry:
            text = text.removeprefix("\ufeff")  # the mark, where the encoding does not take it off itself
        if "\0" in text:
            line = done + (carry + text).split("\0", 1)[0].count("\n") + 1
            raise DataError(
                f"{source.name}, line {line}: there is a NUL character, as in no text file",
                hint="name the encoding of a text file, e.g. --encoding utf-16-le, or save the table as CSV",
            )
        text = carry + text
        whole = len(text) if block is None else text.rfind("\n") + 1
        if block is None and text and not text.endswith("\n"):
            source.unended.append(text[text.rfind("\n") + 1 :])
        carry = text[whole:]
        if whole:
            done += text.count("\n")
            yield io.StringIO(text[:whole], newline="\n")  # lines end at "\n" alone, unlike str.splitlines


def _undecodable(error: UnicodeError, name: str, codec: str, line: int) -> DataError:
    hint = "name the encoding of the file, e.g. --encoding cp1252"
    if not isinstance(error, UnicodeDecodeError):
        return DataError(f"{name} is not {codec}: {error}", hint=hint)
    before = error.object[: error.start].decode(codec, errors="replace")
    line += before.replace("\r\n", "\n").replace("\r", "\n").count("\n")
    if error.reason == "unexpected end of data" or error.reason == "truncated data":
        return DataError(f"{name}, line {line}: the text ends within a character of {codec}", hint=hint)
    byte = error.object[error.start]
    return DataError(f"{name}, line {line}: byte 0x{byte:02x} is not {codec}", hint=hint)


def _codec(source: Source, encoding: str | None) -> str:
    if encoding is None:
        return next((codec for mark, codec in _MARKS if source.head.startswith(mark)), "utf-8")
    try:
        info = codecs.lookup(encoding)
        "".encode(encoding)  # refuses codecs that are no text encoding, such as base64
    except (LookupError, ValueError):
        raise UsageError(
            f"--encoding '{encoding}' is no text encoding known here",
            hint="e.g. utf-8, utf-16, cp1252, latin-1",
        ) from None
    if info.incrementaldecoder is None:
        raise UsageError(
            f"--encoding '{encoding}' cannot be read piece by piece", hint="save the file as UTF-8"
        )
    return info.name


def _standard_input(stdin: BinaryIO | None) -> BinaryIO:
    if stdin is None:
        if sys.stdin is None:
            raise DataError("standard input is closed", hint="name a file instead of '-'")
        stdin = sys.stdin.buffer
    if stdin.isatty():
        raise DataError(
            "standard input is a terminal", hint="pipe the data in, or name a file instead of '-'"
        )
    return stdin


def _open(source: str) -> tuple[BinaryIO, str]:
    try:
        mode = os.stat(source).st_mode  # noqa: PTH116 - Path would turn '' into the current folder
        if stat.S_ISDIR(mode):
            raise DataError(f"{source} is a folder", hint="name one file in it")
        if not stat.S_ISREG(mode):
            kind = "a FIFO" if stat.S_ISFIFO(mode) else "a socket" if stat.S_ISSOCK(mode) else "a device"
            raise DataError(
                f"{source} is {kind}, not a file", hint="read it as standard input: name '-' instead"
            )
        return open(source, "rb", buffering=0), source  # noqa: PTH123 - open_source closes it
    except FileNotFoundError:
        if Path(source).is_symlink():
            raise DataError(
                f"{source} is a link to a file that is not there",
                hint="name the file itself, or mend the link",
            ) from None
        raise DataError(f"there is no file {source or repr(source)}", hint=_nearest_file(source)) from None
    except (OSError, ValueError) as error:
        raise DataError(
            f"{source} cannot be read: {_reason(error)}", hint="check the path and its mode"
        ) from None


def _nearest_file(source: str) -> str:
    import difflib

    path = Path(source)
    try:
        names = sorted(entry.name for entry in path.parent.iterdir())[:10_000]
    except OSError:
        return "check the path"
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean {path.parent / close[0]}?" if close else "check the path; '-' reads standard input"


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return text[:1].lower() + text[1:]


def _blocks(stream: BinaryIO, name: str) -> Iterator[bytes]:
    while True:
        try:
            block = stream.read(_BLOCK)
        except (OSError, ValueError) as error:
            raise DataError(
                f"{name} cannot be read: {_reason(error)}", hint="copy it anew and try again"
            ) from None
        if not block:
            return
        yield block


def _peek(blocks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """At least 4,096 bytes of what is to come (fewer only at its end), and all of it."""
    head = b""
    for block in blocks:
        head += block
        if len(head) >= _HEAD:
            break
    return head, chain((head,), blocks)


def _gunzip(blocks: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Undo gzip block by block, members one after another; a bomb costs time but no memory."""
    hint = "copy it anew; 'gzip -t' checks it"
    member = zlib.decompressobj(wbits=31)
    for block in blocks:
        rest = block
        while rest:
            if member.eof:  # the next member; zeros may pad the last one
                rest = rest.lstrip(b"\0")
                if not rest:
                    break
                member = zlib.decompressobj(wbits=31)
            try:
                yield member.decompress(rest, _BLOCK)
            except zlib.error:
                raise DataError(f"{name} is damaged: its gzip data do not decompress", hint=hint) from None
            rest = member.unused_data if member.eof else member.unconsumed_tail
    if not member.eof:
        yield member.flush()  # what did not fit into the last block
    if not member.eof:
        raise DataError(f"{name} is cut short: its gzip data end too early", hint=hint)


def _refuse_foreign(head: bytes, name: str) -> None:
    kind = next((kind for mark, kind in _FOREIGN if head.startswith(mark)), None)
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:200]
    if kind is None and re.match(rb"<[A-Za-z!?]", start):
        html = re.match(rb"<!doctype html|<html|<head|<body", start, re.IGNORECASE)
        kind = "a web page (HTML)" if html else "XML"
    if kind is None and re.match(rb'\{\s*["}]|\[\s*[\[{"\]\d-]', start):
        kind = "JSON"
    if kind is not None:
        raise DataError(f"{name} is {kind}, not a table of text", hint=_SAVE_AS_CSV)
    if start.startswith(b"version https://git-lfs.github.com/spec/"):
        raise DataError(
            f"{name} is a Git LFS pointer, and the data it stands for are elsewhere",
            hint="fetch them: 'git lfs pull'",
        )
    if head[:2] == b"\x1f\x8b":
        raise DataError(f"{name} is compressed twice", hint="decompress it once")
