"""Limits of decompressed data and of data from pipes: a small file must fill neither the memory nor the disk."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from lstm_cli.errors import DataError, DeviceError
from lstm_cli.system_memory import available_memory, size_text

MAX_RATIO = 200  # decompressed bytes for each compressed byte; text files have 2 to 20
ALWAYS_READ = 1 << 30  # decompressed bytes that are read at any ratio
MAX_LINE_CHARS = 64 << 20  # of text
_CHECKED_BYTES = 64 << 20  # bytes between two looks at the free memory or disk
_FREE_DISK = 256 << 20  # bytes that stay free for other programs


def limit_ratio(
    content: Iterator[bytes], name: str, compressed_size: Callable[[], int], command: str
) -> Iterator[bytes]:
    """Yield decompressed blocks. Raise DataError for a large content that was compressed far too well.

    Args:
        content: decompressed blocks.
        name: name of the file.
        compressed_size: returns the compressed bytes that were read so far.
        command: command that decompresses the file, for the hint.
    """
    size = 0
    for block in content:
        size += len(block)
        if size > ALWAYS_READ and size > MAX_RATIO * compressed_size():
            raise DataError(
                f"{name} may be a decompression bomb: more than {size_text(ALWAYS_READ)} come from "
                f"{size_text(compressed_size())} of compressed data",
                hint=f"if you trust the file, decompress it first: {command}",
                rule="D153",
            )
        yield block


def read_whole(blocks: Iterator[bytes], name: str) -> bytes:
    """Return all blocks as one. Raise DeviceError before they fill the memory."""
    parts, size, checked = [], 0, 0
    for block in blocks:
        parts.append(block)
        size += len(block)
        if size - checked >= _CHECKED_BYTES:
            checked = size
            free = available_memory()
            if free is not None and free < size:  # the parts are joined, which takes as much again
                raise DeviceError(
                    f"{name} does not fit in memory: {size_text(size)} are read, and {size_text(free)} is free",
                    hint="write it to a file, and name the file",
                    rule="D901",
                )
    return b"".join(parts)


class DiskLimit:
    """Limit of the bytes in temporary files of a folder."""

    def __init__(self) -> None:
        self._size = 0
        self._checked = -_CHECKED_BYTES

    def add(self, size: int, folder: Path) -> None:
        """Count bytes that are written next. Raise DeviceError before they fill the disk."""
        self._size += size
        if self._size - self._checked < _CHECKED_BYTES:
            return
        self._checked = self._size
        free = shutil.disk_usage(folder).free
        if free < _FREE_DISK + self._size // 2:  # the values of the run take half as much as these files
            raise DeviceError(
                f"the data do not fit on the disk of {folder}: the temporary files have {size_text(self._size)}, and "
                f"{size_text(free)} is free",
                hint="free some space, or use fewer columns, or --start and --end for fewer rows",
                rule="D902",
            )
