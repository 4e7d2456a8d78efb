"""Search for the run directories below a folder, by file names only."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lstm_cli.errors import ForeignFolder, MissingArtifact
from lstm_cli.os_errors import os_error_reason, output_error
from lstm_cli.rundir import MANIFEST, refuse_foreign
from lstm_cli.rundir.open import empty_run_error, inspect_path

DEPTH = 4  # levels below the folder: FOLDER/a/b/c/RUN


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """Folder that could not be searched."""

    path: Path
    reason: str


def is_run(path: Path) -> bool:
    """Return whether a folder has a `run.json` of lstm, readable or not. Raise the errors of `require_folder`."""
    if os.path.lexists(path / MANIFEST):
        with suppress(ForeignFolder):
            return refuse_foreign(path) == "run"
    require_folder(path)
    return False


def require_folder(path: Path) -> None:
    """Check that a path is a folder that can hold runs.

    Raises:
        MissingArtifact: the folder is not found, or is all that a first step left that was killed.
        ForeignFolder: it is a file.
        OutputError: the system does not allow reading it.
    """
    if not path.is_dir():
        hint = "name a run directory or a folder with runs"
        if os.path.lexists(path):
            raise ForeignFolder(f"{path} is not a folder", hint=hint)
        raise MissingArtifact(f"folder not found: {path}", hint=hint)
    with suppress(ForeignFolder):
        if inspect_path(path) == "leftovers":
            raise empty_run_error(path, "leftovers")


def find_runs(folder: Path) -> Iterator[Path | Unreadable]:
    """Yield the folders below `folder` that have a `run.json`, in the order of their names, at most DEPTH levels deep.

    A folder with a `run.json` is not searched. Links and hidden folders are skipped, so the search ends and finds a
    run once.

    Raises:
        OutputError: the system does not allow reading `folder` itself.
    """
    try:
        yield from _search(folder, DEPTH)
    except OSError as error:
        raise output_error(folder, error, doing="read") from error


def _search(folder: Path, depth: int) -> Iterator[Path | Unreadable]:
    with os.scandir(folder) as entries:
        names = sorted(
            entry.name
            for entry in entries
            if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
        )
    for name in names:
        path = folder / name
        try:
            if os.path.lexists(path / MANIFEST):
                yield path
            elif depth > 1:
                yield from _search(path, depth - 1)
            else:
                os.scandir(path).close()
        except OSError as error:
            yield Unreadable(path=path, reason=os_error_reason(error))
