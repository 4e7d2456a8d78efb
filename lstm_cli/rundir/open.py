"""Opening a run directory: what lies there, and a snapshot of it that a later commit does not disturb."""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from lstm_cli.errors import ArtifactError, ForeignFolder, MissingArtifact
from lstm_cli.os_errors import as_output_error, output_error
from lstm_cli.rundir import manifest
from lstm_cli.rundir.filesystem import READ, close_quietly, retry_on_eintr
from lstm_cli.rundir.layout import (
    ARTIFACTS,
    EXPORTS,
    LOCK,
    LOGS,
    MANIFEST,
    MANIFEST_BROKEN,
    MANIFEST_TEMPORARY,
    SCRATCH,
    command,
)
from lstm_cli.rundir.reader import Files, Run, is_link, open_stream


def exports_folder(run: Path | str) -> Path:
    """The folder `exports/` of a run, which no step reads; made where it is absent.

    Raises:
        ForeignFolder: it is a link, which may lead out of the run, or a file.
        OutputError: the system refuses.
    """
    return _made(Path(run) / EXPORTS)


def logs_folder(run: Path | str, program: str | None = None) -> Path:
    """Return the folder `logs/` of a run, or that of a program in it; made where it is absent.

    Raises what `exports_of` raises.
    """
    logs = _made(Path(run) / LOGS)
    return logs if program is None else _made(logs / program)


def _made(folder: Path) -> Path:
    require_own(folder)
    with as_output_error(folder), suppress(FileExistsError):
        retry_on_eintr(os.mkdir, folder)
    return folder


# O_NONBLOCK: a FIFO in an artifact's place must not hang the reader.
_READ_FOLDER = READ | os.O_DIRECTORY
_SWAPS = 10  # commits that may overtake one reader, which needs less than a millisecond


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
            raise empty_run_error(path, inspect_path(path))
        run = _snapshot(path, root, data)
        # A file that is gone may have been replaced since: the manifest is read again, once for each manifest met.
        for _ in range(_SWAPS):
            newer = read_manifest(path, root) if run.has_missing_files() else None
            if newer is None or newer == data:
                break
            data = newer
            run = _snapshot(path, root, data)
    return run


def _snapshot(path: Path, root: int, data: bytes) -> Run:
    steps = manifest.decode_manifest(data, path)
    return Run(path, steps, _open_files(root, steps))


def read_manifest(path: Path, root: int) -> bytes | None:
    """The bytes of `run.json` in the open directory `root`; None where there is none.

    Raises:
        CorruptArtifact: it is a link, no ordinary file, or too large.
        OutputError: the system does not let us read it.
    """
    try:
        descriptor = os.open(MANIFEST, READ, dir_fd=root)
    except FileNotFoundError:
        return None
    except OSError as error:
        if is_link(path / MANIFEST):
            raise manifest.corrupt_manifest_error(path, "it is a link") from None
        raise output_error(path / MANIFEST, error, doing="read") from error
    try:
        with as_output_error(path / MANIFEST, doing="read"):
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode):
                raise manifest.corrupt_manifest_error(path, "it is not an ordinary file")
            if about.st_size > manifest.MAX_BYTES:
                raise manifest.corrupt_manifest_error(
                    path, f"it has more than {manifest.MAX_BYTES >> 20} MiB"
                )
            with open_stream(descriptor) as stream:
                data: bytes = stream.read()
                return data
    finally:
        close_quietly(descriptor)


def inspect_path(path: Path) -> Literal["absent", "empty", "run", "leftovers"]:
    """What lies at `path`, by names alone; `leftovers` is what a killed first step left.

    Raises:
        ForeignFolder: something that is not ours.
        OutputError: the system does not let us look.
    """
    while True:
        with as_output_error(path, doing="read"):
            try:
                entries = sorted(retry_on_eintr(os.scandir, path), key=lambda entry: entry.name)
            except FileNotFoundError:
                return "absent"
            except NotADirectoryError:
                raise _not_a_folder(path) from None
            if not entries:
                return "empty"
            if any(entry.name == MANIFEST for entry in entries):
                return "run"
            try:
                stranger = next((entry.name for entry in entries if not _is_leftover(entry)), None)
            except FileNotFoundError:  # a writer tidied up while we looked
                continue
        if stranger is None:
            return "leftovers"
        raise ForeignFolder(
            f"{path} is not a run directory: it holds '{stranger}' and no {MANIFEST}",
            hint="name an absent or an empty folder",
        )


def refuse_foreign(path: Path) -> Literal["absent", "empty", "run", "leftovers"]:
    """`look`, and whose `run.json` it is: raises ForeignFolder where it is another program's."""
    found = inspect_path(path)
    if found == "run":
        with suppress(MissingArtifact), _directory(path) as root:
            try:
                manifest.decode_manifest(read_manifest(path, root) or b"", path)
            except ForeignFolder:
                raise
            except ArtifactError:  # damaged: decided under the lock
                pass
    return found


def empty_run_error(path: Path, found: str) -> MissingArtifact:
    """The error of a run directory in which no step has finished; `found` is what `look` said."""
    words = {"absent": "does not exist", "empty": "is empty"}.get(found, "holds no finished step")
    return MissingArtifact(f"{path} {words}", hint=f"run '{command('prepare', path)}' first")


@contextmanager
def _directory(path: Path) -> Iterator[int]:
    """The descriptor of the run directory, which may be a link."""
    try:
        root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise empty_run_error(path, "absent") from None
    except NotADirectoryError:
        raise _not_a_folder(path) from None
    except OSError as error:
        raise output_error(path, error, doing="read") from error
    try:
        yield root
    finally:
        close_quietly(root)


def _not_a_folder(path: Path) -> ForeignFolder:
    return ForeignFolder(f"{path} is not a folder", hint="name a run directory")


def _is_leftover(entry: "os.DirEntry[str]") -> bool:
    if not entry.is_dir(follow_symlinks=False):
        ours = (LOCK, MANIFEST_TEMPORARY, MANIFEST_BROKEN)
        return entry.name in ours and entry.is_file(follow_symlinks=False)
    if entry.name not in ARTIFACTS:
        return False
    known = {*ARTIFACTS[entry.name].files, SCRATCH}
    return all(
        manifest.is_folder_number(folder.name)
        and folder.is_dir(follow_symlinks=False)
        and known.issuperset(os.listdir(folder.path))  # noqa: PTH208
        for folder in list(os.scandir(entry.path))
    )


def _open_files(root: int, steps: Mapping[str, Any]) -> Files:
    """Open every file that the manifest names, following no link below the run directory."""
    files: Files = {}
    for entry in steps.values():
        for name, wrote in entry["wrote"].items():
            try:
                folder = _open_below(root, name, wrote["folder"])
            except OSError as error:
                files |= {(name, file): error for file in wrote["files"]}
                continue
            for file in wrote["files"]:
                try:
                    files[name, file] = os.open(file, READ, dir_fd=folder)
                except OSError as error:
                    files[name, file] = error
            close_quietly(folder)
    return files


def _open_below(root: int, name: str, number: str) -> int:
    parent = os.open(name, _READ_FOLDER, dir_fd=root)
    try:
        return os.open(number, _READ_FOLDER, dir_fd=parent)
    finally:
        close_quietly(parent)


def require_own(folder: Path) -> None:
    """Raise ForeignFolder where an artifact's folder is a link, which may lead out of the run, or a file."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ForeignFolder(f"{folder} is not a folder of the run", hint="move it away")
