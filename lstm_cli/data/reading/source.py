"""Reader of the bytes of data files: paths, patterns, folders and `-`. The first bytes show the format."""

import hashlib
import io
import os
import shlex
import stat
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Self, TypeAlias

from lstm_cli.data.reading.containers.decompress import compression_of
from lstm_cli.data.reading.containers.foreign import STDIN_NAME, refuse_foreign
from lstm_cli.data.reading.containers.hive_folder import hive_files, partitions_of
from lstm_cli.data.reading.containers.limits import MAX_LINE_CHARS, limit_ratio, read_whole
from lstm_cli.data.reading.containers.zip_archive import is_zip, open_zip
from lstm_cli.errors import DataError, UsageError
from lstm_cli.os_errors import os_error_reason
from lstm_cli.wording import did_you_mean

STDIN = "-"
RUN_MANIFEST = "run.json"  # file that makes a folder a run directory
_BLOCK = 1 << 20  # bytes read at a time; memory holds one block of text and its cells
_MAX_PENDING_HASHES = 4  # maximum number of blocks that wait to be hashed
MAX_LINE_BYTES = 4 * MAX_LINE_CHARS + _BLOCK  # a character has at most four bytes
_HEAD = 4096  # first bytes that show the format
Cell: TypeAlias = str | bool | int | float | None  # value of a record


class InMemory(str):
    """Name of a source whose bytes are in memory: a pipe that was read, or a DataFrame. It replaces a path."""

    __slots__ = ("content",)
    content: bytes

    def __new__(cls, name: str, content: bytes) -> Self:
        source = super().__new__(cls, name)
        source.content = content
        return source

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)  # a copy, such as that of a finding, is only the name


class InMemoryRecords(InMemory):
    """Name of a source whose rows are in memory, such as the records of a JSON request. It replaces a path."""

    __slots__ = ("columns",)
    columns: Mapping[str, Sequence[Cell]]

    @classmethod
    def of(cls, name: str, columns: Mapping[str, Sequence[Cell]]) -> Self:
        """Return the source. columns: values [n] by column name, None for a missing value."""
        source = cls(name, b"")
        source.columns = columns
        return source


@dataclass(frozen=True, kw_only=True)
class Source:
    """Open data file: its name for messages, and its bytes in blocks (after decompression)."""

    name: str
    path: (
        Path | None
    )  # None for standard input or a pipe, which can be read only once, and for bytes in memory
    content: bytes | None  # the same bytes as the blocks, if they are in memory
    parquet: bool
    packed: bool  # the blocks are not those of the path
    head: bytes  # its first bytes, at most 4,096
    blocks: Iterator[bytes]
    reader: "HashingReader"
    partitions: tuple[
        tuple[str, str], ...
    ] = ()  # names and values of the columns that the folder of the file gives
    records: Mapping[str, Sequence[Cell]] | None = None  # rows that are in memory, in place of the blocks


class HashingReader:
    """Reader that counts and hashes the bytes of a file as stored on disk."""

    def __init__(self, stream: BinaryIO, name: str, on_bytes: Callable[[int], None]) -> None:
        self._sha256 = hashlib.sha256()
        self._blocks = _blocks(stream, name)
        self._on_bytes = on_bytes  # called with the size of each block
        self.size = 0  # bytes read so far
        self._pool: ThreadPoolExecutor | None = (
            None  # hashes all blocks except the first; a small file has only one
        )
        self._pending: deque[Future[None]] = deque()

    def __iter__(self) -> Iterator[bytes]:
        for block in self._blocks:
            self._hash(block)
            self.size += len(block)
            self._on_bytes(len(block))
            yield block

    def _hash(self, block: bytes) -> None:
        if not self.size:
            self._sha256.update(block)
            return
        self._pool = self._pool or ThreadPoolExecutor(1)
        self._pending.append(self._pool.submit(self._sha256.update, block))
        if len(self._pending) > _MAX_PENDING_HASHES:
            self._pending.popleft().result()

    def checksum_and_size(self) -> dict[str, Any]:
        """Read to the end of the file, and return the sha256 and the size of the whole file."""
        for _ in self:
            pass
        self.close()
        return {"sha256": self._sha256.hexdigest(), "size": self.size}

    def close(self) -> None:
        """Wait until all blocks are hashed."""
        if self._pool is not None:
            self._pool.shutdown()


def is_pipe(source: str) -> bool:
    """Return whether `source` can be read only once: standard input, a FIFO, or a pipe such as /dev/fd/63."""
    if isinstance(source, InMemory):
        return False
    if source == STDIN:
        return True
    try:
        return stat.S_ISFIFO(os.stat(source).st_mode)  # noqa: PTH116 - Path would turn '' into the current folder
    except (OSError, ValueError):
        return False  # opening the file reports the reason


def read_pipes(sources: Sequence[str], stdin: BinaryIO | None) -> tuple[str, ...]:
    """Return the sources, with the bytes of those that can be read only once, so that they can be read twice.

    A terminal is skipped, because `open_source` refuses it. Text is read up to a line without end, which a reader
    refuses. Raises DataError if a source cannot be opened.
    """
    return tuple(
        _read_pipe(source, stdin)
        if is_pipe(source) and (source != STDIN or (stdin is not None and not stdin.isatty()))
        else source
        for source in sources
    )


def _read_pipe(source: str, stdin: BinaryIO | None) -> InMemory:
    stream, name = (stdin, STDIN_NAME) if source == STDIN else _open_file(source)
    assert stream is not None
    try:
        return InMemory(source, read_whole(_until_endless_line(_blocks(stream, name)), name))
    finally:
        if source != STDIN:
            stream.close()


@contextmanager
def open_source(
    source: str,
    stdin: BinaryIO | None = None,
    on_bytes: Callable[[int], None] = lambda size: None,
) -> Iterator[Source]:
    """Open a data file, standard input or bytes in memory.

    Args:
        source: a path, `-` for standard input, or bytes in memory.
        stdin: standard input; None is `sys.stdin`.
        on_bytes: called with the number of bytes of each block.

    Yields:
        The open file.

    Raises:
        DataError: the file is missing, empty, a socket, a device, or clearly not a table.
    """
    stream, name = _open_stream(source, stdin)
    reader = HashingReader(stream, name, on_bytes)
    if isinstance(source, InMemoryRecords):
        yield Source(
            name=name,
            path=None,
            content=None,
            parquet=False,
            packed=False,
            head=b"",
            blocks=iter(()),
            reader=reader,
            records=source.columns,
        )
        return
    with ExitStack() as stack:
        stack.callback(_close, reader, stream, source)
        head, blocks = _peek(iter(reader))
        if not head:
            raise DataError(
                f"{name} is empty", hint="a data file needs one header line and rows below it", rule="D104"
            )
        content = source.content if isinstance(source, InMemory) else None
        path = None if content is not None or is_pipe(source) else Path(source)
        packed = is_packed(head)
        head, blocks = _unpack(head, blocks, path, reader, name, stack)
        parquet = head[:4] == b"PAR1"
        if not parquet:
            refuse_foreign(head, name)
        yield Source(
            name=name,
            path=path,
            content=None if packed else content,
            parquet=parquet,
            packed=packed,
            head=head[:_HEAD],
            blocks=blocks,
            reader=reader,
            partitions=partitions_of(source),
        )


def _close(reader: HashingReader, stream: BinaryIO, source: str) -> None:
    reader.close()
    if source != STDIN:
        stream.close()


def _unpack(
    head: bytes,
    blocks: Iterator[bytes],
    path: Path | None,
    reader: HashingReader,
    name: str,
    stack: ExitStack,
) -> tuple[bytes, Iterator[bytes]]:
    """Return the first bytes and the blocks of a file after decompression.

    Args:
        head: first bytes of the file.
        blocks: bytes of the file.
        path: path of the file; None for a pipe.
        reader: reader of the file.
        name: name of the file, for messages.
        stack: closes the archive.

    Raises:
        DataError: the file is corrupt, or its content is compressed or empty, or Parquet outside of an archive.
        DeviceError: a ZIP archive from a pipe does not fit in memory.
    """
    compression = compression_of(head)
    if compression is not None:
        command = compression.command("FILE" if path is None else str(path))
        content = limit_ratio(compression.open(blocks, name), name, lambda: reader.size, command)
    elif is_zip(head):  # the list of its files is at its end
        archive = io.BytesIO(read_whole(blocks, name)) if path is None else str(path)
        content = stack.enter_context(open_zip(archive, name))
    else:
        return head, blocks
    head, blocks = _peek(content)
    if not head:
        raise DataError(
            f"{name} is empty after decompression",
            hint="a data file needs a header line and rows",
            rule="D104",
        )
    if head[:4] == b"PAR1" and compression is not None:
        raise DataError(
            f"{name} is a compressed Parquet file",
            hint="decompress it and name the Parquet file, which is compressed by itself",
            rule="D105",
        )
    if is_packed(head):
        raise DataError(f"{name} is compressed twice", hint="decompress it once", rule="D103")
    return head, blocks


def is_packed(head: bytes) -> bool:
    """Return whether the first bytes of a file show that its content is compressed."""
    return compression_of(head) is not None or is_zip(head)


def _open_stream(source: str, stdin: BinaryIO | None) -> tuple[BinaryIO, str]:
    """Return the stream and the name of a source."""
    name = STDIN_NAME if source == STDIN else str(source)
    if isinstance(source, InMemory):
        return io.BytesIO(source.content), name
    return (_standard_input(stdin), name) if source == STDIN else _open_file(source)


def _standard_input(stdin: BinaryIO | None) -> BinaryIO:
    if stdin is None:
        if sys.stdin is None:
            raise DataError("standard input is closed", hint="name a file instead of '-'", rule="D106")
        stdin = sys.stdin.buffer
    if stdin.isatty():
        raise DataError(
            "standard input is a terminal",
            hint="pipe the data in, or name a file instead of '-'",
            rule="D106",
        )
    return stdin


def _open_file(source: str) -> tuple[BinaryIO, str]:
    try:
        mode = os.stat(source).st_mode  # noqa: PTH116 - Path would turn '' into the current folder
        if stat.S_ISDIR(mode):
            raise DataError(f"{source} is a folder", hint="name one file in it", rule="D107")
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            kind = "a socket" if stat.S_ISSOCK(mode) else "a device"
            raise DataError(
                f"{source} is {kind}, not a file",
                hint="read it as standard input: name '-' instead",
                rule="D107",
            )
        return open(source, "rb", buffering=0), str(source)  # noqa: PTH123 - open_source closes it
    except FileNotFoundError:
        if Path(source).is_symlink():
            raise DataError(
                f"{source} is a broken link: its target was not found",
                hint="name the file itself, or correct the link",
                rule="D108",
            ) from None
        raise DataError(
            f"file not found: {source or repr(source)}", hint=_nearest_file(source), rule="D108"
        ) from None
    except (OSError, ValueError) as error:
        raise DataError(
            f"{source} cannot be read: {os_error_reason(error)}",
            hint="check the path and its permissions",
            rule="D109",
        ) from None


def _nearest_file(source: str) -> str:
    path = Path(source)
    try:
        names = sorted(entry.name for entry in path.parent.iterdir())[:10_000]
    except OSError:
        return "check the path"
    return (
        did_you_mean(path.name, names, quoted=lambda near: shlex.quote(str(path.parent / near)))
        or "check the path; '-' reads standard input"
    )


def _blocks(stream: BinaryIO, name: str) -> Iterator[bytes]:
    while True:
        try:
            block = stream.read(_BLOCK)
        except (OSError, ValueError) as error:
            raise DataError(
                f"{name} cannot be read: {os_error_reason(error)}",
                hint="copy the file again and retry",
                rule="D109",
            ) from None
        if not block:
            return
        yield block


def _until_endless_line(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the blocks of a file; of a text only up to a line that is too long in each encoding."""
    head, blocks = _peek(blocks)
    is_binary = head[:4] == b"PAR1" or is_packed(head)
    size = 0
    for block in blocks:
        yield block
        end = max(block.rfind(b"\n"), block.rfind(b"\r"))
        size = size + len(block) if end < 0 else len(block) - end
        if size > MAX_LINE_BYTES and not is_binary:
            return


def _peek(blocks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return at least 4,096 bytes (fewer only for a shorter text), and all blocks."""
    head = b""
    for block in blocks:
        head += block
        if len(head) >= _HEAD:
            break
    return head, chain((head,), blocks)


def expand_paths(source: str | Sequence[str]) -> tuple[str, ...]:
    """Return the paths of one data set. A pattern such as `data/*.csv` becomes the files that match.

    A folder with subfolders such as `shop=Aachen` becomes its files, which have these columns in addition. The files
    of a pattern or a folder are sorted by name. Raises DataError for another folder, or if no file matches a pattern.
    Raises UsageError if standard input is one of several files, or a file is named twice.
    """
    paths: list[str] = []
    for given in [source] if isinstance(source, str) else source:
        if isinstance(given, InMemory):
            paths.append(given)
            continue
        if os.path.isdir(given):  # noqa: PTH112 - Path would turn '' into the current folder
            _refuse_run(given)
            paths += hive_files(given)
            continue
        if not _is_pattern(given):
            paths.append(given)
            continue
        import glob

        matches = sorted(path for path in glob.glob(given, recursive=True) if not os.path.isdir(path))  # noqa: PTH112, PTH207
        if not matches:
            raise DataError(f"no file matches the pattern '{given}'", hint="check the path", rule="D111")
        paths += matches
    if STDIN in paths and len(paths) > 1:
        raise UsageError("standard input cannot be one of several files", hint="write it to a file first")
    named: dict[str, str] = {}
    for path in paths:
        real = os.path.realpath(path)
        first = named.get(real)
        if first is not None:
            alias = "" if first == path else f", also as {first}"
            raise UsageError(f"{path} is named twice{alias}", hint="name each file once")
        named[real] = path
    return tuple(paths)


def _refuse_run(folder: str) -> None:
    """Raise DataError if a folder is a run directory."""
    if (Path(folder) / RUN_MANIFEST).is_file():
        raise DataError(
            f"{folder} is a run directory, not data",
            hint=f"name the data file; 'lstm runs {shlex.quote(folder)}' shows the run",
            rule="D107",
        )


def _is_pattern(given: str) -> bool:
    return any(mark in given for mark in "*?[") and not os.path.lexists(given)
