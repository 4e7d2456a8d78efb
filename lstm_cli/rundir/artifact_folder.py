"""Writer of a new numbered artifact folder, which computes checksums while it writes."""

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

_CHUNK_BYTES = 4 << 20  # of an array, per write


class HashingFile:
    """Writable binary file. `close` syncs it to disk and records its size and sha256."""

    def __init__(self, path: Path, facts: dict[str, dict[str, Any]]) -> None:
        self.name = str(path)
        self.closed = False
        self._path = path
        self._facts = facts
        self._sha256 = hashlib.sha256()
        self._size = 0
        with as_output_error(path):
            # Closed by `close`, not by a `with` block, because a file left open by an error must not count as written.
            self._stream = open(os.open(path, CREATE, 0o666), "wb")  # noqa: PTH123, SIM115

    def __enter__(self) -> "HashingFile":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def write(self, data: Any) -> int:
        """Write bytes or a contiguous buffer and return the number of bytes. Raise OutputError on failure."""
        view = memoryview(data)
        try:
            self._stream.write(view)
        except OSError as error:
            raise output_error(self._path, error) from error
        self._sha256.update(view)
        self._size += view.nbytes
        return view.nbytes

    def flush(self) -> None:
        """Flush the buffer to the operating system."""
        with as_output_error(self._path):
            self._stream.flush()

    def tell(self) -> int:
        """Return the number of bytes written so far."""
        return self._size

    def readable(self) -> bool:
        """Return False, because the file is write-only."""
        return False

    def writable(self) -> bool:
        """Return whether the file is open for writing."""
        return not self.closed

    def seekable(self) -> bool:
        """Return False, because the sha256 is computed in the order of writing."""
        return False

    def close(self) -> None:
        """Flush, fsync and close the file. Raise OutputError if the system refuses."""
        if self.closed:
            return
        try:
            with as_output_error(self._path):
                self._stream.flush()
                os.fsync(self._stream.fileno())
            with suppress(OSError):  # the data are already on disk
                self._stream.close()
        except BaseException:
            self.abandon()
            raise
        self.closed = True
        self._facts[self._path.name] = {"size": self._size, "sha256": self._sha256.hexdigest()}

    def abandon(self) -> None:
        """Close the file without recording it as written."""
        self.closed = True
        with suppress(OSError):
            self._stream.close()


class ArtifactFolder:
    """New numbered folder of an artifact. Only file names of the artifact are allowed."""

    def __init__(self, artifact: Artifact, path: Path) -> None:
        self.name = artifact.name
        self.folder = path
        self._artifact = artifact
        self._files: list[HashingFile] = []
        self._facts: dict[str, dict[str, Any]] = {}
        self._paths: list[str] = []  # files that a library writes by path

    def open(self, name: str) -> HashingFile:
        """Open a binary file for sequential writing: `with folder.open('history.jsonl') as file`."""
        file = HashingFile(self.folder / self._check_name(name), self._facts)
        self._files.append(file)
        return file

    def write_bytes(self, name: str, data: bytes) -> None:
        """Write a whole file."""
        with self.open(name) as file:
            file.write(data)

    def write_json(self, name: str, value: Any) -> None:
        """Write JSON. Raise ValueError for NaN and infinity."""
        self.write_bytes(name, manifest.to_json(value, path=self.folder / name))

    def write_json_lines(self, name: str, values: Iterable[Any]) -> None:
        """Write one JSON value per line. Raise ValueError for NaN and infinity."""
        self.write_bytes(name, b"".join(manifest.to_json(value, path=self.folder / name) for value in values))

    def write_array(self, name: str, array: "np.ndarray") -> None:
        """Write an array of any size as `.npy` in C order. Raise ValueError for Python objects."""
        rows = array.reshape(1, *array.shape) if array.ndim == 0 else array
        count = max(1, _CHUNK_BYTES // max(1, rows.nbytes // max(1, len(rows))))
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
        """Write an array as `.npy` piece by piece, so it is never complete in memory.

        Args:
            name: File name.
            pieces: Consecutive parts of the array along its first axis.
            shape: Shape of the array.
            dtype: Data type of the array.

        Raises:
            ValueError: the array has Python objects, or the pieces do not add up to `shape`.
            OutputError: the system refuses.
        """
        import numpy as np

        dtype = np.dtype(dtype)
        if dtype.hasobject:
            raise ValueError(f"'{name}' would contain Python objects")
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
                    f"'{name}' got {file.tell() - start} bytes, but the shape {shape} needs {count}"
                )

    def path(self, name: str) -> Path:
        """Return the path of a file that a library writes itself; the commit hashes and syncs it."""
        self._paths.append(self._check_name(name))
        return self.folder / name

    def scratch(self) -> Path:
        """Create and return a subfolder for temporary files; it is removed at the commit."""
        path = self.folder / SCRATCH
        with as_output_error(path):
            path.mkdir(exist_ok=True)
        return path

    def finish(self) -> dict[str, Any]:
        """Sync the folder to disk and return its manifest entry: folder number, file sizes and sha256.

        Raises:
            ValueError: the folder is empty, a file is not closed, or the folder has an unknown file.
            OutputError: the system refuses.
        """
        if (self.folder / SCRATCH).exists():
            with as_output_error(self.folder / SCRATCH, doing="remove"):
                remove_tree(self.folder / SCRATCH)
        for file in self._files:
            if not file.closed:
                raise ValueError(f"{file.name} was not closed")
        for name in self._paths:
            self._facts[name] = _hash_and_sync(self.folder / name)
        with as_output_error(self.folder):
            names = set(retry_on_eintr(os.listdir, self.folder))
        if not names or names != set(self._facts):
            raise ValueError(f"{self.folder} has {sorted(names)}, but {sorted(self._facts)} were written")
        sync_folder(self.folder)
        sync_folder(self.folder.parent)
        return {"folder": self.folder.name, "files": dict(sorted(self._facts.items()))}

    def close(self) -> None:
        """Close the files that an error left open."""
        for file in self._files:
            if not file.closed:
                file.abandon()

    def _check_name(self, name: str) -> str:
        if name not in self._artifact.files:
            known = ", ".join(self._artifact.files)
            raise ValueError(f"'{name}' is not a file of {self.name} ({known}), see rundir/layout.py")
        return name


def _hash_and_sync(path: Path) -> dict[str, Any]:
    with as_output_error(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with open(descriptor, "rb", buffering=0) as stream:  # noqa: PTH123
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            os.fsync(descriptor)
            return {"size": os.fstat(descriptor).st_size, "sha256": sha256}
