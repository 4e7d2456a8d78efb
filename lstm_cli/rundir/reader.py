"""Read a run: a snapshot that stays whole while a writer replaces it, each byte checked before its use."""

import hashlib
import io
import math
import os
import stat
from collections.abc import Iterator, Mapping
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

HEADER_BYTES = 16384  # bytes in which the header must lie
Files = dict[tuple[str, str], int | OSError]  # (artifact, file) -> its descriptor, or why there is none


def read_header(head: bytes) -> "tuple[tuple[int, ...], np.dtype, int]":
    """Shape, dtype, offset of the first value. Raises ValueError, for objects and Fortran order too."""
    import numpy as np

    stream = io.BytesIO(head)
    try:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):
            raise ValueError("it is not in version 1.0 of the .npy format")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    except ValueError:
        raise
    except Exception as error:  # NumPy evaluates and tokenizes the header: too many classes to list
        raise ValueError(f"its .npy header cannot be read ({type(error).__name__})") from None
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    if fortran or any(length < 0 for length in shape):
        raise ValueError("its .npy header is not one that we write")
    return shape, dtype, stream.tell()


def count_values(shape: tuple[int, ...]) -> int:
    """The number of values, in whole numbers of any size: a product in int64 may wrap round."""
    return math.prod(shape)


class Run:
    """What `run.json` named at one moment; all its files are open, so a later commit takes none of them away.

    Closed by `close`, at the end of a `with` block, or with its last reference. Its dictionaries are not to
    be changed.
    """

    def __init__(self, path: Path, steps: Mapping[str, Any], files: Files) -> None:
        self.path = path
        self.steps = steps
        self._files = files
        self._verified: set[tuple[str, str]] = set()

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Close the files of the run; arrays that are memory-mapped stay usable."""
        while self._files:
            _, opened = self._files.popitem()
            if isinstance(opened, int):
                close_quietly(opened)

    def has_missing_files(self) -> bool:
        """Whether a file that the manifest names was not there."""
        return any(isinstance(file, FileNotFoundError) for file in self._files.values())

    def is_file_missing(self, name: str, file: str) -> bool:
        """Whether a file that the manifest names was not there."""
        return isinstance(self._files.get((name, file)), FileNotFoundError)

    def has(self, name: str) -> bool:
        """Whether the artifact has been made."""
        return name in self.producer_entry(name).get("wrote", {})

    def artifact(self, name: str) -> "ArtifactReader":
        """The reader of an artifact.

        Raises:
            MissingArtifact: no step has made it yet.
        """
        self.require(name)
        return ArtifactReader(self, ARTIFACTS[name])

    def require(self, name: str) -> None:
        """Raise MissingArtifact, with the command that makes it, unless the artifact has been made."""
        if not self.has(name):
            artifact = ARTIFACTS[name]
            raise MissingArtifact(
                f"{self.path} has no {artifact.title}",
                hint=f"run '{command(artifact.made_by, self.path)}' first",
            )

    def producer_entry(self, name: str) -> Mapping[str, Any]:
        """The entry of the step that makes artifact `name`; empty when it has not run."""
        entry: Mapping[str, Any] = self.steps.get(ARTIFACTS[name].made_by, {})
        return entry

    def entry(self, step: str) -> Mapping[str, Any]:
        """What is recorded of a step: config, read, wrote, versions, seed, device, times, report.

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
        """The report of a step, as its `--json` printed it. Raises MissingArtifact where it has not run."""
        report: dict[str, Any] = self.entry(step)["report"]
        return report

    def digest(self, name: str) -> str | None:
        """The sha256 of an artifact (of its files' names, sizes and sha256); None where there is none."""
        return (
            manifest.artifact_digest(self.producer_entry(name)["wrote"][name]["files"])
            if self.has(name)
            else None
        )


class ArtifactReader:
    """The files of one artifact; each one's size and sha256 are checked once, before its first use.

    Every method raises CorruptArtifact when the file is missing, is no ordinary file, or holds other bytes
    than were written, and OutputError when the system does not let us read it. Both name the file.
    """

    def __init__(self, run: Run, artifact: Artifact) -> None:
        self.name = artifact.name
        self.folder = run.path / self.name / run.producer_entry(self.name)["wrote"][self.name]["folder"]
        self.digest = run.digest(self.name) or ""
        self._run = run
        self._artifact = artifact

    @property
    def files(self) -> Mapping[str, Mapping[str, Any]]:
        """File name -> {"sha256": ..., "size": bytes}."""
        files: Mapping[str, Mapping[str, Any]] = self._run.producer_entry(self.name)["wrote"][self.name][
            "files"
        ]
        return files

    def has(self, file: str) -> bool:
        """Whether the step wrote this file; some files are not always written."""
        return file in self.files

    def verify(self) -> None:
        """Check every file."""
        for file in self.files:
            self.verify_file(file)

    def verify_file(self, file: str) -> None:
        """Check one file, read in pieces."""
        self._verified(file)

    def bytes(self, file: str) -> bytes:
        """The whole file."""
        descriptor = self._descriptor(file)
        with as_output_error(self.folder / file, doing="read"), open_stream(descriptor) as stream:
            self._check_size(file, os.fstat(descriptor).st_size)  # before all of it is read
            data: bytes = stream.read()
        self._check_size(file, len(data))
        self._check_sha256(file, hashlib.sha256(data).hexdigest())
        return data

    def json(self, file: str) -> Any:
        """The file's JSON. Refused, as damaged, where it is hostile: too large, too deep, NaN."""
        try:
            return manifest.from_json(self.bytes(file))
        except ValueError as error:
            raise self._damaged(file, str(error)) from None

    def json_lines(self, file: str) -> list[Any]:
        """The file's JSON, a value a line; refused as `json` refuses."""
        try:
            return [manifest.from_json(line) for line in self.bytes(file).splitlines()]
        except ValueError as error:
            raise self._damaged(file, str(error)) from None

    def array(self, file: str) -> "np.ndarray":
        """The `.npy` file as a read-only memory map; an array of objects (a pickle) is refused."""
        import numpy as np

        descriptor = self._verified(file)
        with as_output_error(self.folder / file, doing="read"), open_stream(descriptor) as stream:
            try:
                shape, dtype, start = read_header(os.pread(descriptor, HEADER_BYTES, 0))
                if start + count_values(shape) * dtype.itemsize != self.files[file]["size"]:
                    raise ValueError("its header tells another size than it has")
            except ValueError as error:
                raise self._damaged(file, str(error)) from None
            if count_values(shape) == 0:  # nothing to map
                return np.empty(shape, dtype)
            # From the open file rather than by np.load(path): the path may be another file by now.
            return np.memmap(stream, dtype=dtype, mode="r", offset=start, shape=shape)

    @contextmanager
    def parsing(self, file: str = "") -> Iterator[None]:
        """Within this block, what the content of the file (or of several) makes go wrong is told as its fault.

        The bytes are those that `run.json` names, so somebody made both: they are not to be trusted all the same.
        """
        try:
            yield
        except (LstmError, OSError, MemoryError):
            raise
        except Exception as error:  # whatever a parser of its own classes makes of bytes that are not ours
            text = f"{type(error).__name__}: {error}".splitlines()[0]
            raise CorruptArtifact(
                f"{self.folder / file} does not hold what this release reads ({text:.200})",
                hint=self.repair_hint(),
            ) from error

    def path(self, file: str) -> Path:
        """The file's path, for a library that opens it; a writer may remove it meanwhile, see `bytes`."""
        self._verified(file)
        return self.folder / file

    def _verified(self, file: str) -> int:
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
        opened = self._run._files.get((self.name, file))
        if opened is None:
            raise ValueError(f"the run {self._run.path} is closed")
        if isinstance(opened, int):
            with as_output_error(self.folder / file, doing="read"):
                mode = os.fstat(opened).st_mode
            if not stat.S_ISREG(mode):
                raise self._damaged(file, "it is not an ordinary file")
            return opened
        if isinstance(opened, FileNotFoundError):
            raise CorruptArtifact(f"{self.folder / file} is missing", hint=self.repair_hint())
        if is_link(self.folder / file) or is_link(self.folder) or is_link(self.folder.parent):
            raise self._damaged(file, "it is a link or lies behind one")
        if isinstance(opened, NotADirectoryError):
            raise self._damaged(file, "its folder is none")
        raise output_error(self.folder / file, opened, doing="read")

    def _check_size(self, file: str, size: int) -> None:
        if size != self.files[file]["size"]:
            raise self._damaged(file, f"it has {size:,} bytes instead of {self.files[file]['size']:,}")

    def _check_sha256(self, file: str, sha256: str) -> None:
        if sha256 != self.files[file]["sha256"]:
            raise self._damaged(file, "its bytes are not those that were written")

    def _damaged(self, file: str, reason: str) -> CorruptArtifact:
        return CorruptArtifact(f"{self.folder / file} is damaged: {reason}", hint=self.repair_hint())

    def repair_hint(self) -> str:
        return f"run '{command(self._artifact.made_by, self._run.path)}' again"


def is_link(path: Path) -> bool:
    """Whether `path` is a symbolic link."""
    with suppress(OSError):
        return path.is_symlink()
    return False


@contextmanager
def open_stream(descriptor: int) -> Iterator[Any]:
    """A stream over a descriptor that stays open, from its start."""
    with open(descriptor, "rb", buffering=0, closefd=False) as stream:
        stream.seek(0)
        yield stream
