"""The text of a data file: its encoding, and its lines."""

import codecs
import io
from collections.abc import Iterable, Iterator
from itertools import chain

from lstm_cli.data.source import Source
from lstm_cli.errors import DataError, UsageError

_MARKS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8"),
)


def text_lines(source: Source, encoding: str | None) -> Iterator[str]:
    """The lines of a text file, each with its "\\n"; "\\r\\n" and "\\r" end a line too.

    encoding None: UTF-8, or what the byte order mark says. Raises UsageError for an unknown encoding, and
    DataError for bytes that are not in it and for NUL characters, each with the line.
    """
    return lines_of(source.blocks, source.name, codec_of(source, encoding))


def lines_of(
    blocks: Iterable[bytes], name: str, codec: str, *, before: int = 0, unended: list[str] | None = None
) -> Iterator[str]:
    """The lines of some bytes of a text file that begin with a line; `before`: so many lines come before.

    unended: is given the last line, where no line end follows it.
    """
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(codec)(), translate=True)
    return chain.from_iterable(_decoded(blocks, name, decoder, codec, before, unended))


def _decoded(
    blocks: Iterable[bytes],
    name: str,
    decoder: io.IncrementalNewlineDecoder,
    codec: str,
    before: int,
    unended: list[str] | None,
) -> Iterator[Iterable[str]]:
    done = before  # whole lines before `carry`
    carry = ""
    for block in chain(blocks, (None,)):
        try:
            text = decoder.decode(b"", final=True) if block is None else decoder.decode(block)
        except UnicodeError as error:
            raise _undecodable(error, name, codec, done + 1) from None
        if not done and not carry:
            text = text.removeprefix("\ufeff")  # the mark, where the encoding does not take it off itself
        if "\0" in text:
            line = done + (carry + text).split("\0", 1)[0].count("\n") + 1
            raise DataError(
                f"{name}, line {line}: there is a NUL character, as in no text file",
                hint="name the encoding of a text file, e.g. --encoding utf-16-le, or save the table as CSV",
            )
        text = carry + text
        whole = len(text) if block is None else text.rfind("\n") + 1
        if block is None and unended is not None and text and not text.endswith("\n"):
            unended.append(text[text.rfind("\n") + 1 :])
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


def codec_of(source: Source, encoding: str | None) -> str:
    """The name of the encoding of a text file. Raises UsageError for an unknown one."""
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
