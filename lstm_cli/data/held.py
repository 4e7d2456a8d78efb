"""Arrays that grow by pieces: in memory as far as a bound allows, beyond it in a file."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from lstm_cli.rundir.durable import refusals_told

IN_MEMORY = 448 << 20  # bytes of a table that are held in memory; 5 million rows of 8 numbers are 400 MiB


class Room:
    """Where the arrays of one table lie; all of them together stay within `IN_MEMORY`, or go to files."""

    def __init__(self, spill: Callable[[], Path] | None) -> None:
        """spill: makes the folder for files when the first one is needed. None: everything stays in memory."""
        self._spill = spill
        self._taken = 0
        self._files = 0
        self.full = False

    def take(self, size: int) -> bool:
        """Whether so many bytes more fit into memory; they are then counted."""
        self.full = self.full or (self._spill is not None and self._taken + size > IN_MEMORY)
        if not self.full:
            self._taken += size
        return not self.full

    def file(self) -> Path:
        """The path of a new file."""
        assert self._spill is not None
        self._files += 1
        return self._spill() / f"{self._files}.bin"


class Held:
    """An array [R, *cell] that is given piece by piece, in the order of its rows."""

    def __init__(self, dtype: "np.typing.DTypeLike", cell: tuple[int, ...], *, rows: int, room: Room) -> None:
        """rows: so many are expected; 0 where nothing is known."""
        self.rows = 0
        self._dtype = np.dtype(dtype)
        self._cell = cell
        self._room = room
        self._path: Path | None = None
        self._stream: BinaryIO | None = None
        self._array = np.empty((0, *cell), dtype=dtype)
        self._reserve(rows)

    def append(self, piece: np.ndarray) -> None:
        """Rows [n, *cell] at the end. Raises OutputError where a file cannot be written."""
        end = self.rows + len(piece)
        if self._stream is None and end > len(self._array):
            self._reserve(max(end, len(self._array) * 3 // 2))
        if self._stream is None:
            self._array[self.rows : end] = piece
        else:
            self._write(piece)
        self.rows = end

    def whole(self) -> np.ndarray:
        """All rows [R, *cell]; from a file they are memory-mapped, not to be written."""
        if self._stream is None:
            return self._array[: self.rows]
        assert self._path is not None
        with refusals_told(self._path):
            self._stream.close()
        return np.memmap(self._path, dtype=self._dtype, mode="r", shape=(self.rows, *self._cell))

    def close(self) -> None:
        """Let the file go, where an error ended the reading."""
        if self._stream is not None:
            with suppress(OSError):  # what the error was is known already
                self._stream.close()

    def _reserve(self, rows: int) -> None:
        """Room for so many rows: pages of memory that are not written to are not taken from the system."""
        cell = int(np.prod(self._cell, dtype=np.int64)) * self._dtype.itemsize
        if self._room.take((rows - len(self._array)) * cell):
            larger = np.empty((rows, *self._cell), dtype=self._dtype)
            larger[: self.rows] = self._array[: self.rows]
            self._array = larger
            return
        self._path = self._room.file()
        with refusals_told(self._path):
            self._stream = self._path.open("wb")
        self._write(self._array[: self.rows])
        self._array = self._array[:0].copy()

    def _write(self, rows: np.ndarray) -> None:
        assert self._path is not None
        assert self._stream is not None
        with refusals_told(self._path):
            self._stream.write(np.ascontiguousarray(rows, dtype=self._dtype).tobytes())
