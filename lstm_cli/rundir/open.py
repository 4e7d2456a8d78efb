"""Functions that open a run directory: checks of its content, and a snapshot that later commits do not change."""

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
    LEDGER,
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
    """Return the folder `exports/` of a run. Make it if it is missing.

    Raises:
        ForeignFolder: it is a file, or a link that can point outside the run.
        OutputError: the system refuses.
    """
    return _make_folder(Path(run) / EXPORTS)


def logs_folder(run: Path | str, program: str | None = None) -> Path:
    """Return the folder `logs/` of a run, or its subfolder for a program. Make it if it is missing.

    Raises:
        ForeignFolder: it is a file, or a link that can point outside the run.
        OutputError: the system refuses.
    """
    logs = _make_folder(Path(run) / LOGS)
    return logs if program is None else _make_folder(logs / program)


def ledger_folder(run: Path | str) -> Path:
    """Return the folder `ledger/` of a run. Make it if it is missing.

    Raises:
        ForeignFolder: it is a file, or a link that can point outside the run.
        OutputError: the system refuses.
    """
    return _make_folder(Path(run) / LEDGER)


def _make_folder(folder: Path) -> Path:
    require_own(folder)
    with as_output_error(folder), suppress(FileExistsError):
        retry_on_eintr(os.mkdir, folder)
    return folder


# READ has O_NONBLOCK, so a FIFO in place of an artifact does not block the reader.
_READ_FOLDER = READ | os.O_DIRECTORY
_MAX_SWAPS = 10  # commits that can happen while a reader opens the files, which takes less than a millisecond


def open_run(path: Path | str) -> Run:
    """Return a snapshot of the run directory at `path`. It takes no lock and never waits.

    Raises:
        MissingArtifact: the directory is not found, or has no finished step.
        ForeignFolder: it is not a run directory, or not a directory.
        CorruptArtifact: its `run.json` is corrupt.
        OutputError: the system does not allow reading it.
    """
    path = Path(path)
    with _directory(path) as root:
        data = read_manifest(path, root)
        if data is None:
            raise empty_run_error(path, inspect_path(path))
        run = _snapshot(path, root, data)
        # A missing file may have been replaced by a commit, so the manifest is read again until it stops changing.
        for _ in range(_MAX_SWAPS):
            newer = read_manifest(path, root) if run.has_missing_files() else None
            if newer is None or newer == data:
                break
            data = newer
            run = _snapshot(path, root, data)
    return run


def _snapshot(path: Path, root: int, data: bytes) -> Run:
    document = manifest.decode_document(data, path)
    steps = document["steps"]
    return Run(path, steps, _open_files(root, steps), models=document.get("models", ()))


def open_version(path: Path, record: Mapping[str, Any]) -> Run:
    """Return a snapshot of a kept version of the model, and of its quantized model if that is kept too.

    Raises:
        MissingArtifact: the directory is not found.
        OutputError: the system does not allow reading it.
    """
    with _directory(path) as root:
        return Run(path, record["steps"], _open_files(root, record["steps"]))


def read_manifest(path: Path, root: int) -> bytes | None:
    """Return the bytes of `run.json` in the open directory `root`, or None if it is missing.

    Raises:
        CorruptArtifact: it is a link, not a regular file, or too large.
        OutputError: the system does not allow reading it.
    """
    try:
        descriptor = os.open(MANIFEST, READ, dir_fd=root)
    except FileNotFoundError:
        return None
    except OSError as error:
        if is_link(path / MANIFEST):
            raise manifest.corrupt_manifest_error(path, "the file is a link") from None
        raise output_error(path / MANIFEST, error, doing="read") from error
    try:
        with as_output_error(path / MANIFEST, doing="read"):
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode):
                raise manifest.corrupt_manifest_error(path, "not a regular file")
            if about.st_size > manifest.MAX_BYTES:
                raise manifest.corrupt_manifest_error(
                    path, f"too large (more than {manifest.MAX_BYTES >> 20} MiB)"
                )
            with open_stream(descriptor) as stream:
                data: bytes = stream.read()
                return data
    finally:
        close_quietly(descriptor)


def inspect_path(path: Path) -> Literal["absent", "empty", "run", "leftovers"]:
    """Return the kind of content at `path`, by file names. `leftovers` are files of a first step that was killed.

    Raises:
        ForeignFolder: the folder has files of another program.
        OutputError: the system does not allow reading it.
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
                foreign = next((entry.name for entry in entries if not _is_leftover(entry)), None)
            except FileNotFoundError:  # a writer removed files meanwhile
                continue
        if foreign is None:
            return "leftovers"
        raise ForeignFolder(
            f"{path} is not a run directory: it contains '{foreign}' but no {MANIFEST}",
            hint="name a new or an empty folder",
        )


def refuse_foreign(path: Path) -> Literal["absent", "empty", "run", "leftovers"]:
    """Inspect `path` and raise ForeignFolder if the folder or its `run.json` belongs to another program."""
    content = inspect_path(path)
    if content == "run":
        with suppress(MissingArtifact), _directory(path) as root:
            try:
                manifest.decode_manifest(read_manifest(path, root) or b"", path)
            except ForeignFolder:
                raise
            except ArtifactError:  # a corrupt manifest is handled later, under the lock
                pass
    return content


def empty_run_error(path: Path, content: str) -> MissingArtifact:
    """Return the error for a run directory without a finished step. `content` is the result of `inspect_path`."""
    problems = {"absent": f"run directory not found: {path}", "empty": f"{path} is empty"}
    return MissingArtifact(
        problems.get(content, f"{path} has no finished step"), hint=f"run '{command('prepare', path)}' first"
    )


@contextmanager
def _directory(path: Path) -> Iterator[int]:
    """Yield a descriptor of the run directory, which may be a link."""
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
        known_files = (LOCK, MANIFEST_TEMPORARY, MANIFEST_BROKEN)
        return entry.name in known_files and entry.is_file(follow_symlinks=False)
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
    """Open each file of the manifest without following links inside the run directory."""
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
    """Raise ForeignFolder if a folder of the run is a file, or a link that can point outside the run."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ForeignFolder(f"{folder} is not a folder of the run", hint="move it away")
