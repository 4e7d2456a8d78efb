"""Reader of a run: a snapshot that later commits do not change, with checksums verified before use."""

import hashlib
import io
import math
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_cli.errors import CorruptArtifact, LstmError, MissingArtifact
from lstm_cli.os_errors import as_output_error, output_error
from lstm_cli.rundir import manifest
from lstm_cli.rundir.filesystem import close_quietly
from lstm_cli.rundir.layout import ARTIFACTS, Artifact, command

if TYPE_CHECKING:
    import numpy as np

HEADER_BYTES = 16384  # maximum size of an .npy header
Files = dict[tuple[str, str], int | OSError]  # (artifact, file) -> descriptor, or the error of opening


def read_header(head: bytes) -> "tuple[tuple[int, ...], np.dtype, int]":
    """Return shape, dtype and offset of the first value of an .npy file.

    Raises:
        ValueError: the header is invalid, or has Python objects or Fortran order.
    """
    import numpy as np

    stream = io.BytesIO(head)
    try:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):
            raise ValueError("unsupported version of the .npy format, only 1.0 is supported")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    except ValueError:
        raise
    except Exception as error:  # NumPy evaluates the header, which can raise many classes of errors
        raise ValueError(f"invalid .npy header ({type(error).__name__})") from None
    if dtype.hasobject:
        raise ValueError("the array has Python objects")
    if fortran or any(length < 0 for length in shape):
        raise ValueError("invalid .npy header (Fortran order or negative shape)")
    return shape, dtype, stream.tell()


def count_values(shape: tuple[int, ...]) -> int:
    """Return the number of values as a Python integer, because an int64 product can overflow."""
    return math.prod(shape)


class Run:
    """Snapshot of a run. All its files are open, so a later commit cannot remove them.

    `close`, the end of a `with` block and the garbage collector close it. Its dictionaries must not be changed.
    """

    def __init__(
        self,
        path: Path,
        steps: Mapping[str, Any],
        files: Files,
        *,
        models: Sequence[dict[str, Any]] = (),
    ) -> None:
        self.path = path
        self.steps = steps
        self.models = models  # versions of the model, see `rundir/manifest/versions.py`
        self._files = files
        self._verified: set[tuple[str, str]] = set()

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Close the files of the run. Memory-mapped arrays stay usable."""
        while self._files:
            _, descriptor = self._files.popitem()
            if isinstance(descriptor, int):
                close_quietly(descriptor)

    def has_missing_files(self) -> bool:
        """Return whether any file of the manifest is missing."""
        return any(isinstance(file, FileNotFoundError) for file in self._files.values())

    def is_file_missing(self, name: str, file: str) -> bool:
        """Return whether a file of the manifest is missing."""
        return isinstance(self._files.get((name, file)), FileNotFoundError)

    def has(self, name: str) -> bool:
        """Return whether the artifact has been made."""
        return name in self.producer_entry(name).get("wrote", {})

    def artifact(self, name: str) -> "ArtifactReader":
        """Return the reader of an artifact.

        Raises:
            MissingArtifact: the artifact has not been made yet.
        """
        self.require(name)
        return ArtifactReader(self, ARTIFACTS[name])

    def require(self, name: str) -> None:
        """Raise MissingArtifact if the artifact has not been made. The hint names the command that makes it."""
        if not self.has(name):
            artifact = ARTIFACTS[name]
            raise MissingArtifact(
                f"{self.path} has no {artifact.title}",
                hint=f"run '{command(artifact.made_by, self.path)}' first",
            )

    def producer_entry(self, name: str) -> Mapping[str, Any]:
        """Return the manifest entry of the step that makes an artifact, or an empty entry if it has not run."""
        entry: Mapping[str, Any] = self.steps.get(ARTIFACTS[name].made_by, {})
        return entry

    def entry(self, step: str) -> Mapping[str, Any]:
        """Return the manifest entry of a step: config, read, wrote, versions, seed, device, times and report.

        Raises:
            MissingArtifact: the step has not run.
        """
        if step not in self.steps:
            raise MissingArtifact(
                f"'lstm {step}' has not run on {self.path}", hint=f"run '{command(step, self.path)}' first"
            )
        entry: Mapping[str, Any] = self.steps[step]
        return entry

    def report(self, step: str) -> dict[str, Any]:
        """Return the report of a step, as `--json` printed it. Raise MissingArtifact if the step has not run."""
        report: dict[str, Any] = self.entry(step)["report"]
        return report

    def digest(self, name: str) -> str | None:
        """Return the sha256 of an artifact (see `artifact_digest`), or None if it has not been made."""
        return (
            manifest.artifact_digest(self.producer_entry(name)["wrote"][name]["files"])
            if self.has(name)
            else None
        )


class ArtifactReader:
    """Reader of the files of an artifact. Size and sha256 of a file are verified once, before its first use.

    All methods raise CorruptArtifact if the file is missing, not a regular file, or has a checksum mismatch. They raise
    OutputError if the system does not allow reading it. Both errors name the file.
    """

    def __init__(self, run: Run, artifact: Artifact) -> None:
        self.name = artifact.name
        self.folder = run.path / self.name / run.producer_entry(self.name)["wrote"][self.name]["folder"]
        self.digest = run.digest(self.name) or ""
        self._run = run
        self._artifact = artifact

    @property
    def files(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the files of the artifact: name -> {"sha256": ..., "size": bytes}."""
        files: Mapping[str, Mapping[str, Any]] = self._run.producer_entry(self.name)["wrote"][self.name][
            "files"
        ]
        return files

    def has(self, file: str) -> bool:
        """Return whether the step wrote this file. Some files are optional."""
        return file in self.files

    def verify(self) -> None:
        """Verify all files."""
        for file in self.files:
            self.verify_file(file)

    def verify_file(self, file: str) -> None:
        """Verify a file, which is read in pieces."""
        self._open_verified(file)

    def bytes(self, file: str) -> bytes:
        """Return the content of a file."""
        descriptor = self._descriptor(file)
        with as_output_error(self.folder / file, doing="read"), open_stream(descriptor) as stream:
            self._check_size(file, os.fstat(descriptor).st_size)  # before the whole file is read
            data: bytes = stream.read()
        self._check_size(file, len(data))
        self._check_sha256(file, hashlib.sha256(data).hexdigest())
        return data

    def json(self, file: str) -> Any:
        """Return the parsed JSON of a file. Raise CorruptArtifact if it is hostile (e.g. nested too deeply, NaN)."""
        try:
            return manifest.from_json(self.bytes(file))
        except ValueError as error:
            raise self._corrupt_error(file, str(error)) from None

    def json_lines(self, file: str) -> list[Any]:
        """Return the parsed lines of a file with one JSON value per line. Raise the errors of `json`."""
        try:
            return [manifest.from_json(line) for line in self.bytes(file).splitlines()]
        except ValueError as error:
            raise self._corrupt_error(file, str(error)) from None

    def array(self, file: str) -> "np.ndarray":
        """Return an `.npy` file as a read-only memory map. Raise CorruptArtifact for an array of objects (a pickle)."""
        import numpy as np

        descriptor = self._open_verified(file)
        with as_output_error(self.folder / file, doing="read"), open_stream(descriptor) as stream:
            try:
                shape, dtype, start = read_header(os.pread(descriptor, HEADER_BYTES, 0))
                if start + count_values(shape) * dtype.itemsize != self.files[file]["size"]:
                    raise ValueError("the size in the .npy header does not match the file")
            except ValueError as error:
                raise self._corrupt_error(file, str(error)) from None
            if count_values(shape) == 0:  # nothing to map
                return np.empty(shape, dtype)
            # From the open file, because a commit can have replaced the file at this path.
            return np.memmap(stream, dtype=dtype, mode="r", offset=start, shape=shape)

    @contextmanager
    def parsing(self, file: str = "") -> Iterator[None]:
        """Convert unexpected errors in this block into CorruptArtifact, because the file content caused them.

        A forged file can have a valid checksum if `run.json` is forged too. So its content is not trusted.
        """
        try:
            yield
        except (LstmError, OSError, MemoryError):
            raise
        except Exception as error:  # parsers can raise any class for forged content
            text = f"{type(error).__name__}: {error}".splitlines()[0]
            raise CorruptArtifact(
                f"{self.folder / file} has unexpected content ({text:.200})",
                hint=self.repair_hint(),
            ) from error

    def path(self, file: str) -> Path:
        """Verify a file and return its path, for a library that opens it. A later commit can remove the file."""
        self._open_verified(file)
        return self.folder / file

    def _open_verified(self, file: str) -> int:
        descriptor = self._descriptor(file)
        if (self.name, file) not in self._run._verified:
            with as_output_error(self.folder / file, doing="read"), open_stream(descriptor) as stream:
                self._check_size(file, os.fstat(descriptor).st_size)
                self._check_sha256(file, hashlib.file_digest(stream, "sha256").hexdigest())
            self._run._verified.add((self.name, file))
        return descriptor

    def _descriptor(self, file: str) -> int:
        if file not in self.files:
            raise CorruptArtifact(f"{self.folder} has no '{file}'", hint=self.repair_hint())
        descriptor = self._run._files.get((self.name, file))
        if descriptor is None:
            raise ValueError(f"the run {self._run.path} is closed")
        if isinstance(descriptor, int):
            with as_output_error(self.folder / file, doing="read"):
                mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise self._corrupt_error(file, "not a regular file")
            return descriptor
        if isinstance(descriptor, FileNotFoundError):
            raise CorruptArtifact(f"{self.folder / file} is missing", hint=self.repair_hint())
        if is_link(self.folder / file) or is_link(self.folder) or is_link(self.folder.parent):
            raise self._corrupt_error(file, "the file or its folder is a link")
        if isinstance(descriptor, NotADirectoryError):
            raise self._corrupt_error(file, "its folder is not a folder")
        raise output_error(self.folder / file, descriptor, doing="read")

    def _check_size(self, file: str, size: int) -> None:
        if size != self.files[file]["size"]:
            raise self._corrupt_error(file, f"{size:,} bytes instead of {self.files[file]['size']:,}")

    def _check_sha256(self, file: str, sha256: str) -> None:
        if sha256 != self.files[file]["sha256"]:
            raise self._corrupt_error(file, manifest.CHECKSUM_MISMATCH)

    def _corrupt_error(self, file: str, reason: str) -> CorruptArtifact:
        return CorruptArtifact(f"{self.folder / file} is corrupt: {reason}", hint=self.repair_hint())

    def repair_hint(self) -> str:
        """Return the hint with the command that makes the artifact again."""
        return f"run '{command(self._artifact.made_by, self._run.path)}' again"


def is_link(path: Path) -> bool:
    """Return whether `path` is a symbolic link."""
    with suppress(OSError):
        return path.is_symlink()
    return False


@contextmanager
def open_stream(descriptor: int) -> Iterator[Any]:
    """Yield a stream that reads a descriptor from its start. The descriptor stays open."""
    with open(descriptor, "rb", buffering=0, closefd=False) as stream:
        stream.seek(0)
        yield stream
