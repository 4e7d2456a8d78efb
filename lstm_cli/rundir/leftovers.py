"""Numbered folders of artifacts that `run.json` does not name: those of killed writers, and replaced ones.

Folders are opened one inside the other without following links, so a link cannot lead out of the run. A removal that is
killed leaves a smaller folder, which no reader opens and the next removal finds again.
"""

import os
import re
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lstm_cli.os_errors import as_output_error
from lstm_cli.rundir import manifest
from lstm_cli.rundir.filesystem import close_quietly
from lstm_cli.rundir.layout import ARTIFACTS, SCRATCH
from lstm_cli.rundir.manifest.versions import named_folders
from lstm_cli.rundir.reader import Run

_READ_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Temporary files of `prepare` (columns that exceed the memory) and of `quantize` (graphs).
_TEMPORARY = re.compile(r"\d+\.bin|(source|folded|folded-inferred|quantized)\.onnx", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class UnnamedFolder:
    """Numbered folder of an artifact that `run.json` does not name."""

    artifact: str
    number: str  # name of the folder, such as 0003
    files: int  # files of lstm in it, also those in its subfolder for temporary files
    size: int  # bytes of these files
    others: tuple[str, ...]  # names of other entries, which are never removed

    def __str__(self) -> str:
        return f"{self.artifact}/{self.number}"


def list_unnamed(run: Run) -> tuple[UnnamedFolder, ...]:
    """Return the numbered folders that the run does not name. Nothing is changed.

    A writer that holds the lock can have made one of them. So only `clean_run` knows that a folder is not in use.

    Raises:
        OutputError: the system does not allow reading a folder.
    """
    return tuple(
        _describe(run.path, name, number, _known_files(run, name))
        for name in ARTIFACTS
        for number in unnamed_folders(run.path, name, named_folders(name, run.steps, run.models))
    )


def tidy_artifact(path: Path, name: str, named: Collection[str], files: Collection[str]) -> None:
    """Remove the unnamed folders of an artifact, and its empty folder. The caller holds the lock.

    Args:
        path: Run directory.
        name: Name of the artifact.
        named: Folders that the manifest names, see `named_folders`.
        files: Names of the files that can be removed.

    Raises:
        OSError: the system refuses.
    """
    for number in unnamed_folders(path, name, named):
        _remove(path, name, number, files)
    if not named and not (path / name).is_symlink():
        with suppress(OSError):  # fails if it has other files
            (path / name).rmdir()


def unnamed_folders(path: Path, name: str, named: Collection[str]) -> list[str]:
    """Return the numbers of an artifact's folders that the manifest does not name.

    Args:
        path: Run directory.
        name: Name of the artifact.
        named: Folders that the manifest names, see `named_folders`.

    Raises:
        OutputError: the system does not allow reading the folder of the artifact.
    """
    with as_output_error(path / name, doing="read"), _opened(path, name) as parent:
        if parent is None:
            return []
        numbers = [entry for entry in os.listdir(parent) if manifest.is_folder_number(entry)]  # noqa: PTH208
        return sorted(
            number
            for number in numbers
            if number not in named
            and stat.S_ISDIR(os.stat(number, dir_fd=parent, follow_symlinks=False).st_mode)
        )


def _known_files(run: Run, name: str) -> set[str]:
    """Return the names of the files that lstm writes for an artifact, also in the release that made the run."""
    return {*ARTIFACTS[name].files, *run.producer_entry(name).get("wrote", {}).get(name, {}).get("files", {})}


@contextmanager
def _opened(path: Path, *names: str) -> Iterator[int | None]:
    """Yield a descriptor of a folder below the run, which may itself be a link. None: missing, a link, or a file."""
    descriptors: list[int] = []
    try:
        descriptors.append(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        for name in names:
            descriptors.append(os.open(name, _READ_FOLDER, dir_fd=descriptors[-1]))
    except (FileNotFoundError, NotADirectoryError):
        found = False
    except OSError:
        found = False
        if not path.joinpath(*names).is_symlink():
            raise
    else:
        found = True
    try:
        yield descriptors[-1] if found else None
    finally:
        for descriptor in descriptors:
            close_quietly(descriptor)


def _describe(path: Path, name: str, number: str, known: Collection[str]) -> UnnamedFolder:
    files, size, others = 0, 0, []
    with as_output_error(path / name / number, doing="read"), _opened(path, name, number) as folder:
        for entry in sorted(os.listdir(folder)) if folder is not None else ():  # noqa: PTH208
            about = os.stat(entry, dir_fd=folder, follow_symlinks=False)
            if entry == SCRATCH and stat.S_ISDIR(about.st_mode):
                inner = list(_scratch_entries(path, name, number))
                sizes = [about.st_size for _, about, is_temporary in inner if is_temporary]
                files, size = files + len(sizes), size + sum(sizes)
                others += [f"{SCRATCH}/{item}" for item, _, is_temporary in inner if not is_temporary]
            elif entry in known and not stat.S_ISDIR(about.st_mode):
                files, size = files + 1, size + about.st_size
            else:
                others.append(entry)
    return UnnamedFolder(artifact=name, number=number, files=files, size=size, others=tuple(others))


def _scratch_entries(path: Path, name: str, number: str) -> Iterator[tuple[str, os.stat_result, bool]]:
    """Yield each entry of the folder for temporary files, in order: its name, its facts, and whether lstm wrote it."""
    with _opened(path, name, number, SCRATCH) as folder:
        for entry in sorted(os.listdir(folder)) if folder is not None else ():  # noqa: PTH208
            about = os.stat(entry, dir_fd=folder, follow_symlinks=False)
            yield entry, about, stat.S_ISREG(about.st_mode) and _TEMPORARY.fullmatch(entry) is not None


def remove_unnamed(run: Run, folder: UnnamedFolder) -> bool:
    """Remove an unnamed folder, and return whether it is gone. The caller holds the lock.

    Raises:
        OutputError: the system does not allow removing a file.
    """
    path = run.path / str(folder)
    with as_output_error(path, doing="remove"):
        _remove(run.path, folder.artifact, folder.number, _known_files(run, folder.artifact))
    return not os.path.lexists(path)


def _remove(path: Path, name: str, number: str, known: Collection[str]) -> None:
    """Remove the known files of a folder, then the folder if it is empty. Links are removed, not followed."""
    with _opened(path, name) as parent, _opened(path, name, number) as folder:
        if parent is None or folder is None:
            return
        for entry in os.listdir(folder):  # noqa: PTH208
            is_folder = stat.S_ISDIR(os.stat(entry, dir_fd=folder, follow_symlinks=False).st_mode)
            if entry == SCRATCH and is_folder:
                _remove_scratch(path, name, number)
            elif entry in known and not is_folder:
                os.unlink(entry, dir_fd=folder)
        with suppress(OSError):  # fails if the folder has other files, which are kept
            os.rmdir(number, dir_fd=parent)


def _remove_scratch(path: Path, name: str, number: str) -> None:
    """Remove the temporary files of a folder, then their subfolder if it is empty."""
    with _opened(path, name, number) as parent, _opened(path, name, number, SCRATCH) as folder:
        for entry, _, is_temporary in _scratch_entries(path, name, number):
            if is_temporary:
                os.unlink(entry, dir_fd=folder)
        with suppress(OSError):  # fails if it has other files, which are kept
            os.rmdir(SCRATCH, dir_fd=parent)
