"""Decompression of gzip, bzip2, xz, lzma and zstd, block by block: a decompression bomb costs time but not memory."""

import bz2
import lzma
import shlex
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from lstm_cli.config.extras import require_installed
from lstm_cli.errors import DataError
from lstm_cli.library_errors import is_memory_limit, is_truncated_stream

BLOCK = 1 << 20  # maximum size of a decompressed block
_MAX_XZ_MEMORY = 1 << 27  # `xz -9` needs 65 MiB; the limit of pyarrow for zstd is the same


@dataclass(frozen=True, kw_only=True)
class Compression:
    """Compression of whole files."""

    name: str
    magic: bytes  # first bytes of a file
    open: Callable[[Iterator[bytes], str], Iterator[bytes]]  # from blocks and the name of the file
    program: str  # decompresses a file with the option -dc

    def command(self, path: str) -> str:
        """Return the command that decompresses a file into another one."""
        return f"{self.program} -dc {shlex.quote(path)} > table.csv"


def corrupt_error(name: str, kind: str, *, program: str = "", truncated: bool = False) -> DataError:
    """Return the error for compressed data that cannot be read.

    Args:
        name: name of the file.
        kind: name of the compression.
        program: program that checks a file with the option -t; by default that of the name.
        truncated: the data end too early.
    """
    fault = (
        f"truncated: its {kind} data end too early"
        if truncated
        else f"corrupt: its {kind} data cannot be decompressed"
    )
    return DataError(
        f"{name} is {fault}", hint=f"copy the file again ('{program or kind} -t' checks it)", rule="D110"
    )


def _gunzip(blocks: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Yield the content of gzip data. Zeros may pad the last member."""
    member = zlib.decompressobj(wbits=31)
    for block in blocks:
        rest = block
        while rest:
            if member.eof:
                rest = rest.lstrip(b"\0")
                if not rest:
                    break
                member = zlib.decompressobj(wbits=31)
            try:
                yield member.decompress(rest, BLOCK)
            except zlib.error:
                raise corrupt_error(name, "gzip") from None
            rest = member.unused_data if member.eof else member.unconsumed_tail
    if not member.eof:
        yield member.flush()  # output beyond the last block
    if not member.eof:
        raise corrupt_error(name, "gzip", truncated=True)


def _bunzip2(blocks: Iterator[bytes], name: str) -> Iterator[bytes]:
    return _decompress(blocks, name, "bzip2", bz2.BZ2Decompressor, (OSError, ValueError))


def _unxz(blocks: Iterator[bytes], name: str) -> Iterator[bytes]:
    def new_member() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MAX_XZ_MEMORY)

    return _decompress(blocks, name, "xz", new_member, (lzma.LZMAError,))


def _unlzma(blocks: Iterator[bytes], name: str) -> Iterator[bytes]:
    def new_member() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_MAX_XZ_MEMORY)

    return _decompress(blocks, name, "lzma", new_member, (lzma.LZMAError,))


def _decompress(
    blocks: Iterator[bytes],
    name: str,
    kind: str,
    new_member: Callable[[], Any],
    errors: tuple[type[Exception], ...],
) -> Iterator[bytes]:
    """Yield the content of compressed data, one member after another.

    Args:
        blocks: compressed bytes.
        name: name of the file.
        kind: name of the compression, and of its program.
        new_member: returns a decompressor of the standard library.
        errors: errors of the decompressor.
    """
    member = new_member()
    for block in blocks:
        rest = block
        while rest or not (member.eof or member.needs_input):
            if member.eof:
                rest = rest.lstrip(b"\0")  # xz pads members with zeros
                if not rest:
                    break
                member = new_member()
            try:
                yield member.decompress(rest, BLOCK)
            except errors as error:
                raise _decompression_error(error, name, kind) from None
            rest = member.unused_data if member.eof else b""
    if not member.eof:
        raise corrupt_error(name, kind, truncated=True)


def _decompression_error(error: Exception, name: str, kind: str) -> DataError:
    """Return the error for data that a library cannot decompress."""
    if is_memory_limit(error):
        return DataError(
            f"{name} needs more than 128 MiB of memory to be decompressed",
            hint=f"compress it again with the normal options of {kind}",
            rule="D110",
        )
    return corrupt_error(name, kind, truncated=is_truncated_stream(error))


class _BlockReader:
    """File object that pyarrow reads: bytes of blocks."""

    closed = False

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._rest = blocks, b""

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes; b"" at the end."""
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return b""
            self._rest = block
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def close(self) -> None:
        """Do nothing: `open_source` closes the file."""


def _unzstd(blocks: Iterator[bytes], name: str) -> Iterator[bytes]:
    require_installed(f"zstd ({name})", "pyarrow")
    import pyarrow as pa

    reader = pa.PythonFile(_BlockReader(blocks), mode="r")
    try:
        with pa.CompressedInputStream(reader, "zstd") as stream:
            while data := stream.read(BLOCK):
                yield data
    except (pa.ArrowException, OSError) as error:
        raise _decompression_error(error, name, "zstd") from None


COMPRESSIONS = (
    Compression(name="gzip", magic=b"\x1f\x8b", open=_gunzip, program="gzip"),
    Compression(name="bzip2", magic=b"BZh", open=_bunzip2, program="bzip2"),
    Compression(name="xz", magic=b"\xfd7zXZ\x00", open=_unxz, program="xz"),
    Compression(name="lzma", magic=b"]\0\0", open=_unlzma, program="xz"),
    Compression(name="zstd", magic=b"\x28\xb5\x2f\xfd", open=_unzstd, program="zstd"),
)


def compression_of(head: bytes) -> Compression | None:
    """Return the compression that the first bytes of a file show, or None."""
    return next((kind for kind in COMPRESSIONS if head.startswith(kind.magic)), None)
