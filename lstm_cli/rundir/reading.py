"""Reading a run: a snapshot that stays whole while a writer replaces it, every byte checked before it is used."""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lstm_cli.errors import CorruptArtifact, ForeignFolder, LstmError, MissingArtifact, StaleArtifact
from lstm_cli.rundir import manifest
from lstm_cli.rundir.artifacts import (
    ARTIFACTS,
    LOCK,
    MANIFEST,
    MANIFEST_BROKEN,
    MANIFEST_TEMPORARY,
    SCRATCH,
    Artifact,
    command,
)
from lstm_cli.rundir.durable import output_error, refusals_told

if TYPE_CHECKING:
    import numpy as np

# O_NONBLOCK: a FIFO in an artifact's place must not hang the reader.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER_FLAGS = _FLAGS | os.O_DIRECTORY

_Files = dict[tuple[str, str], int | OSError]  # (artifact, file) -> its descriptor, or why there is none


class Run:
    """What `run.json` named at one moment; all its files are open, so a later commit takes none of them away.

    Closed by `close`, at the end of a `with` block, or with its last reference. Its dictionaries are not to
    be changed.
    """

    def __init__(self, path: Path, steps: Mapping[str, Any], files: _Files) -> None:
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
        _close(self._files)

    def has(self, name: str) -> bool:
        """Whether the artifact has been made."""
        return name in self.entry_of(name).get("wrote", {})

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
                f"{self.path} has no {artifact.title}", hint=f"run '{command(artifact.made_by, self.path)}' first"
            )

    def entry_of(self, name: str) -> Mapping[str, Any]:
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
        return manifest.digest(self.entry_of(name)["wrote"][name]["files"]) if self.has(name) else None

    def stale(self, name: str) -> tuple[str, ...]:
        """The artifacts that `name` was made from, directly or through others, and whose bytes are others now.

        Raises:
            MissingArtifact: `name` has not been made.
        """
        self.require(name)
        return tuple(dict.fromkeys(self._stale(name, set())))

    def require_fresh(self, name: str) -> None:
        """Refuse an artifact made from bytes that are no longer there.

        Raises:
            MissingArtifact: it has not been made.
            StaleArtifact: it is stale; the hint holds the commands that renew it, in their order.
        """
        causes = self.stale(name)
        if not causes:
            return
        steps = [ARTIFACTS[other].made_by for other in _sources_first(self, name) if self.stale(other)]
        commands = ", then ".join(f"'{command(step, self.path)}'" for step in steps)
        titles = " and the ".join(ARTIFACTS[cause].title for cause in causes)
        raise StaleArtifact(
            f"the {ARTIFACTS[name].title} of {self.path} was not made from the {titles} there now",
            hint=f"run {commands} again",
        )

    def _stale(self, name: str, seen: set[str]) -> Iterator[str]:
        if name in seen:
            return
        seen.add(name)
        for other, fact in _artifacts_read(self, name):
            if self.digest(other) != fact["sha256"]:
                yield other
            yield from self._stale(other, seen)


class ArtifactReader:
    """The files of one artifact; each one's size and sha256 are checked once, before its first use.

    Every method raises CorruptArtifact when the file is missing, is no ordinary file, or holds other bytes than
    were written, and OutputError when the system does not let us read it. Both name the file.
    """

    def __init__(self, run: Run, artifact: Artifact) -> None:
        self.name = artifact.name
        self.folder = run.path / self.name / run.entry_of(self.name)["wrote"][self.name]["folder"]
        self.digest = run.digest(self.name) or ""
        self._run = run
        self._artifact = artifact

    @property
    def files(self) -> Mapping[str, Mapping[str, Any]]:
        """File name -> {"sha256": ..., "size": bytes}."""
        files: Mapping[str, Mapping[str, Any]] = self._run.entry_of(self.name)["wrote"][self.name]["files"]
        return files

    def verify(self) -> None:
        """Check every file."""
        for file in self.files:
            self._verified(file)

    def bytes(self, file: str) -> bytes:
        """The whole file."""
        descriptor = self._descriptor(file)
        with refusals_told(self.folder / file, doing="read"), _opened(descriptor) as stream:
            data: bytes = stream.read()
        self._check(file, len(data), lambda: hashlib.sha256(data).hexdigest())
        return data

    def json(self, file: str) -> Any:
        """The file's JSON. Refused, as damaged, where it is hostile: too large, too deep, NaN."""
        try:
            return manifest.from_json(self.bytes(file))
        except ValueError as error:
            raise self._damaged(file, str(error)) from None

    def array(self, file: str) -> "np.ndarray":
        """The `.npy` file as a read-only memory map; an array of objects (a pickle) is refused."""
        import numpy as np

        descriptor = self._verified(file)
        with refusals_told(self.folder / file, doing="read"), _opened(descriptor) as stream:
            try:
                shape, dtype, start = _npy_header(os.pread(descriptor, 16384, 0))
                if start + _count(shape) * dtype.itemsize != self.files[file]["size"]:
                    raise ValueError("its header tells another size than it has")
            except ValueError as error:
                raise self._damaged(file, str(error)) from None
            if _count(shape) == 0:  # nothing to map
                return np.empty(shape, dtype)
            # From the open file rather than by np.load(path): the path may be another file by now.
            return np.memmap(stream, dtype=dtype, mode="r", offset=start, shape=shape)

    def path(self, file: str) -> Path:
        """The file's path, for a library that opens it itself; a writer may remove it meanwhile, see `bytes`."""
        self._verified(file)
        return self.folder / file

    def _verified(self, file: str) -> int:
        descriptor = self._descriptor(file)
        if (self.name, file) not in self._run._verified:
            with refusals_told(self.folder / file, doing="read"), _opened(descriptor) as stream:
                size = os.fstat(descriptor).st_size
                self._check(file, size, lambda: hashlib.file_digest(stream, "sha256").hexdigest())
            self._run._verified.add((self.name, file))
        return descriptor

    def _descriptor(self, file: str) -> int:
        if file not in self.files:
            raise CorruptArtifact(f"{self.folder} has no '{file}'", hint=self._mend())
        opened = self._run._files.get((self.name, file))
        if opened is None:
            raise ValueError(f"the run {self._run.path} is closed")
        if isinstance(opened, int):
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                raise self._damaged(file, "it is not an ordinary file")
            return opened
        if isinstance(opened, FileNotFoundError):
            raise CorruptArtifact(f"{self.folder / file} is missing", hint=self._mend())
        if _is_link(self.folder / file) or _is_link(self.folder) or _is_link(self.folder.parent):
            raise self._damaged(file, "it is a link or lies behind one")
        if isinstance(opened, NotADirectoryError):
            raise self._damaged(file, "its folder is none")
        raise output_error(self.folder / file, opened, doing="read")

    def _check(self, file: str, size: int, sha256: Any) -> None:
        fact = self.files[file]
        if size != fact["size"]:
            raise self._damaged(file, f"it has {size:,} bytes instead of {fact['size']:,}")
        if sha256() != fact["sha256"]:
            raise self._damaged(file, "its bytes are not those that were written")

    def _damaged(self, file: str, reason: str) -> CorruptArtifact:
        return CorruptArtifact(f"{self.folder / file} is damaged: {reason}", hint=self._mend())

    def _mend(self) -> str:
        return f"run '{command(self._artifact.made_by, self._run.path)}' again"


def open_run(path: Path | str) -> Run:
    """A snapshot of the run directory at `path`; takes no lock and never waits.

    Raises:
        MissingArtifact: the directory is absent, or no step has finished in it.
        ForeignFolder: it is not a run directory, or not a directory.
        CorruptArtifact: its `run.json` is damaged.
        OutputError: the system does not let us read it.
    """
    path = Path(path)
    with _directory(path) as root:
        data = read_manifest(path, root)
        if data is None:
            raise _nothing_in(path, look(path))
        steps = manifest.decode(data, path)
        files = _open_files(root, steps)
        if any(isinstance(file, FileNotFoundError) for file in files.values()):
            # A writer may have replaced what we were about to open. Once: it cannot go on for ever.
            try:
                newer = read_manifest(path, root)
                if newer is not None and newer != data:
                    steps = manifest.decode(newer, path)
                    _close(files)
                    files = _open_files(root, steps)
            except BaseException:
                _close(files)
                raise
    return Run(path, steps, files)


def read_manifest(path: Path, root: int) -> bytes | None:
    """The bytes of `run.json` in the open directory `root`; None where there is none.

    Raises:
        CorruptArtifact: it is a link, no ordinary file, or too large.
        OutputError: the system does not let us read it.
    """
    try:
        descriptor = os.open(MANIFEST, _FLAGS, dir_fd=root)
    except FileNotFoundError:
        return None
    except OSError as error:
        if _is_link(path / MANIFEST):
            raise manifest.broken(path, "it is a link") from None
        raise output_error(path / MANIFEST, error, doing="read") from error
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise manifest.broken(path, "it is not an ordinary file")
        if about.st_size > manifest.MAX_BYTES:
            raise manifest.broken(path, f"it has more than {manifest.MAX_BYTES >> 20} MiB")
        with refusals_told(path / MANIFEST, doing="read"), _opened(descriptor) as stream:
            data: bytes = stream.read()
            return data
    finally:
        os.close(descriptor)


def look(path: Path) -> Literal["absent", "empty", "run", "leftovers"]:
    """What lies at `path`, by names alone; `leftovers` is what a killed first step left.

    Raises:
        ForeignFolder: something that is not ours.
        OutputError: the system does not let us look.
    """
    try:
        with refusals_told(path, doing="read"):
            try:
                entries = {entry.name: entry for entry in os.scandir(path)}
            except FileNotFoundError:
                return "absent"
            except NotADirectoryError:
                raise _not_a_folder(path) from None
            if not entries:
                return "empty"
            if MANIFEST in entries:
                return "run"
            stranger = next((name for name in sorted(entries) if not _is_leftover(entries[name])), None)
    except FileNotFoundError:  # it went while we looked
        return "absent"
    if stranger is None:
        return "leftovers"
    raise ForeignFolder(
        f"{path} is not a run directory: it holds '{stranger}' and no {MANIFEST}",
        hint="name an absent or an empty folder",
    )


def open_directory(path: Path) -> int:
    """The descriptor of the run directory (which may be a link), to be closed by the caller.

    Raises:
        FileNotFoundError: it is absent.
        ForeignFolder: it is not a directory.
        OutputError: the system does not let us read it.
    """
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except NotADirectoryError:
        raise _not_a_folder(path) from None
    except OSError as error:
        raise output_error(path, error, doing="read") from error


def nothing_in(path: Path, found: str) -> MissingArtifact:
    """The error of a run directory in which no step has finished; `found` is what `look` said."""
    words = {"absent": "does not exist", "empty": "is empty"}.get(found, "holds no finished step")
    return MissingArtifact(f"{path} {words}", hint=f"run '{command('prepare', path)}' first")


_nothing_in = nothing_in


@contextmanager
def _directory(path: Path) -> Iterator[int]:
    try:
        root = open_directory(path)
    except FileNotFoundError:
        raise nothing_in(path, "absent") from None
    try:
        yield root
    finally:
        os.close(root)


def _not_a_folder(path: Path) -> LstmError:
    return ForeignFolder(f"{path} is not a folder", hint="name a run directory")


def _is_leftover(entry: "os.DirEntry[str]") -> bool:
    if not entry.is_dir(follow_symlinks=False):
        ours = (LOCK, MANIFEST_TEMPORARY, MANIFEST_BROKEN)
        return entry.name in ours and entry.is_file(follow_symlinks=False)
    if entry.name not in ARTIFACTS:
        return False
    known = {*ARTIFACTS[entry.name].files, SCRATCH}
    for folder in os.scandir(entry.path):
        if not (manifest.is_number(folder.name) and folder.is_dir(follow_symlinks=False)):
            return False
        if any(inner.name not in known for inner in os.scandir(folder.path)):
            return False
    return True


def _is_link(path: Path) -> bool:
    with suppress(OSError):
        return path.is_symlink()
    return False


@contextmanager
def _opened(descriptor: int) -> Iterator[Any]:
    """A stream over a descriptor that stays open, from its start."""
    with open(descriptor, "rb", buffering=0, closefd=False) as stream:  # noqa: PTH123
        stream.seek(0)
        yield stream


def _open_files(root: int, steps: Mapping[str, Any]) -> _Files:
    """Open every file that the manifest names, following no link below the run directory."""
    files: _Files = {}
    for entry in steps.values():
        for name, wrote in entry["wrote"].items():
            try:
                folder = _open_below(root, name, wrote["folder"])
            except OSError as error:
                files |= {(name, file): error for file in wrote["files"]}
                continue
            for file in wrote["files"]:
                try:
                    files[name, file] = os.open(file, _FLAGS, dir_fd=folder)
                except OSError as error:
                    files[name, file] = error
            os.close(folder)
    return files


def _open_below(root: int, name: str, number: str) -> int:
    parent = os.open(name, _FOLDER_FLAGS, dir_fd=root)
    try:
        return os.open(number, _FOLDER_FLAGS, dir_fd=parent)
    finally:
        os.close(parent)


def _close(files: _Files) -> None:
    while files:
        _, opened = files.popitem()
        if isinstance(opened, int):
            os.close(opened)


def _artifacts_read(run: Run, name: str) -> list[tuple[str, Mapping[str, Any]]]:
    return [(other, fact) for other, fact in run.entry_of(name).get("read", {}).items() if other in ARTIFACTS]


def _sources_first(run: Run, name: str) -> list[str]:
    """`name` and all it was made from, each after its own sources."""
    order: list[str] = []
    seen: set[str] = set()

    def visit(artifact: str) -> None:
        if artifact in seen or not run.has(artifact):
            return
        seen.add(artifact)
        for other, _ in _artifacts_read(run, artifact):
            visit(other)
        order.append(artifact)

    visit(name)
    return order


def _npy_header(head: bytes) -> "tuple[tuple[int, ...], np.dtype, int]":
    """Shape, dtype and the offset of the first value. Raises ValueError, for objects and Fortran order too."""
    import io

    import numpy as np

    stream = io.BytesIO(head)
    try:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):
            raise ValueError("it is not in version 1.0 of the .npy format")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    except (SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise ValueError(f"its .npy header cannot be read ({type(error).__name__})") from None
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    if fortran or any(length < 0 for length in shape):
        raise ValueError("its .npy header is not one that we write")
    return shape, dtype, stream.tell()


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for length in shape:
        count *= length
    return count
