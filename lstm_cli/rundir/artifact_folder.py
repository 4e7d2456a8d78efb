"""A new numbered folder of an artifact, filled before the commit; bytes are hashed as they are written."""

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_cli.os_errors import as_output_error, output_error
from lstm_cli.rundir import manifest
from lstm_cli.rundir.filesystem import CREATE, remove_tree, retry_on_eintr, sync_folder
from lstm_cli.rundir.layout import SCRATCH, Artifact

if TYPE_CHECKING:
    import numpy as np

_PIECE = 4 << 20  # bytes of an array written at once


class HashingFile:
    """A binary file being written; `close` makes it durable and tells its size and sha256 to its folder."""

    def __init__(self, path: Path, facts: dict[str, dict[str, Any]]) -> None:
        self.name = str(path)
        self.closed = False
        self._path = path
        self._facts = facts
        self._sha256 = hashlib.sha256()
        self._size = 0
        with as_output_error(path):
            # Buffered, and closed by `close`: a file left open by an error must not count as written.
            self._stream = open(os.open(path, CREATE, 0o666), "wb")  # noqa: PTH123, SIM115

    def __enter__(self) -> "HashingFile":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def write(self, data: Any) -> int:
        """Write bytes or any contiguous buffer; their number. Raises OutputError where the system refuses."""
        view = memoryview(data)
        try:
            self._stream.write(view)
        except OSError as error:
            raise output_error(self._path, error) from error
        self._sha256.update(view)
        self._size += view.nbytes
        return view.nbytes

    def flush(self) -> None:
        """Hand what was written to the system."""
        with as_output_error(self._path):
            self._stream.flush()

    def tell(self) -> int:
        """Bytes written so far."""
        return self._size

    def readable(self) -> bool:
        """Whether it can be read: no."""
        return False

    def writable(self) -> bool:
        """Whether it can be written."""
        return not self.closed

    def seekable(self) -> bool:
        """Whether one may move in it: no, the hash is that of the bytes in the order they came."""
        return False

    def close(self) -> None:
        """Write all out, fsync, close. Raises OutputError where the system refuses."""
        if self.closed:
            return
        try:
            with as_output_error(self._path):
                self._stream.flush()
                os.fsync(self._stream.fileno())
            with suppress(OSError):  # all is written
                self._stream.close()
        except BaseException:
            self.abandon()
            raise
        self.closed = True
        self._facts[self._path.name] = {"size": self._size, "sha256": self._sha256.hexdigest()}

    def abandon(self) -> None:
        """Close without counting the file as written."""
        self.closed = True
        with suppress(OSError):
            self._stream.close()


class ArtifactFolder:
    """A new numbered folder; every file name must be one that the artifact's table holds."""

    def __init__(self, artifact: Artifact, path: Path) -> None:
        self.name = artifact.name
        self.folder = path
        self._artifact = artifact
        self._files: list[HashingFile] = []
        self._facts: dict[str, dict[str, Any]] = {}
        self._paths: list[str] = []  # files that a library writes by path

    def open(self, name: str) -> HashingFile:
        """A binary file to be written once, in order: `with folder.open('history.jsonl') as file`."""
        file = HashingFile(self.folder / self._known(name), self._facts)
        self._files.append(file)
        return file

    def write_bytes(self, name: str, data: bytes) -> None:
        """Write a whole file."""
        with self.open(name) as file:
            file.write(data)

    def write_json(self, name: str, value: Any) -> None:
        """Write JSON. Raises ValueError where it holds NaN or an infinity."""
        self.write_bytes(name, manifest.to_json(value, path=self.folder / name))

    def write_json_lines(self, name: str, values: Iterable[Any]) -> None:
        """Write JSON, a line each. Raises ValueError where one holds NaN or an infinity."""
        self.write_bytes(name, b"".join(manifest.to_json(one, path=self.folder / name) for one in values))

    def write_array(self, name: str, array: "np.ndarray") -> None:
        """Write an array of any size as `.npy`, in C order. Raises ValueError for Python objects."""
        rows = array.reshape(1, *array.shape) if array.ndim == 0 else array
        count = max(1, _PIECE // max(1, rows.nbytes // max(1, len(rows))))
        pieces = (rows[start : start + count] for start in range(0, len(rows), count))
        self.write_pieces(name, pieces, shape=array.shape, dtype=array.dtype)

    def write_pieces(
        self,
        name: str,
        pieces: "Iterable[np.ndarray]",
        *,
        shape: tuple[int, ...],
        dtype: "np.typing.DTypeLike",
    ) -> None:
        """Write an array that is never whole in memory: `pieces` follow each other along its first axis.

        Raises:
            ValueError: Python objects, or the pieces do not add up to `shape`.
            OutputError: the system refuses.
        """
        import numpy as np

        dtype = np.dtype(dtype)
        if dtype.hasobject:
            raise ValueError(f"'{name}' would hold Python objects")
        header = {
            "descr": np.lib.format.dtype_to_descr(dtype),
            "fortran_order": False,
            "shape": tuple(int(length) for length in shape),
        }
        with self.open(name) as file:
            np.lib.format.write_array_header_1_0(file, header)
            start = file.tell()
            for piece in pieces:
                file.write(np.ascontiguousarray(piece, dtype=dtype).tobytes())
            count = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
            if file.tell() - start != count:
                raise ValueError(
                    f"'{name}' got {file.tell() - start} bytes of the {count} that {shape} takes"
                )

    def path(self, name: str) -> Path:
        """Where a library is to write the file by itself; it is hashed and made durable at the commit."""
        self._paths.append(self._known(name))
        return self.folder / name

    def scratch(self) -> Path:
        """A subfolder for what a library leaves on its way; gone at the commit."""
        path = self.folder / SCRATCH
        with as_output_error(path):
            path.mkdir(exist_ok=True)
        return path

    def finish(self) -> dict[str, Any]:
        """Make the folder durable; what the manifest says of it: its number, its files' sizes and sha256.

        Raises:
            ValueError: it is empty, a file was not closed, or there is a file that nobody named.
            OutputError: the system refuses.
        """
        if (self.folder / SCRATCH).exists():
            with as_output_error(self.folder / SCRATCH, doing="remove"):
                remove_tree(self.folder / SCRATCH)
        for file in self._files:
            if not file.closed:
                raise ValueError(f"{file.name} was not closed")
        for name in self._paths:
            self._facts[name] = _fact_of(self.folder / name)
        with as_output_error(self.folder):
            there = set(retry_on_eintr(os.listdir, self.folder))
        if not there or there != set(self._facts):
            raise ValueError(f"{self.folder} holds {sorted(there)}, written were {sorted(self._facts)}")
        sync_folder(self.folder)
        sync_folder(self.folder.parent)
        return {"folder": self.folder.name, "files": dict(sorted(self._facts.items()))}

    def close(self) -> None:
        """Close what an error left open."""
        for file in self._files:
            if not file.closed:
                file.abandon()

    def _known(self, name: str) -> str:
        if name not in self._artifact.files:
            known = ", ".join(self._artifact.files)
            raise ValueError(f"'{name}' is no file of {self.name}, which has {known}; see rundir/layout.py")
        return name


def _fact_of(path: Path) -> dict[str, Any]:
    with as_output_error(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with open(descriptor, "rb", buffering=0) as stream:  # noqa: PTH123
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            os.fsync(descriptor)
            return {"size": os.fstat(descriptor).st_size, "sha256": sha256}
