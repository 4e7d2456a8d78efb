"""Numbered folders that the `run.json` of a run does not name: their list, and their removal."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lstm_cli.errors import ArtifactError, ForeignFolder, LockedError, MissingArtifact, OutputError
from lstm_cli.rundir import UnnamedFolder, clean_run, list_unnamed, lock_holder, open_run
from lstm_cli.steps.runs.find_runs import Unreadable, find_runs, is_run
from lstm_cli.steps.shared.report_json import plain_value
from lstm_cli.wording import count_noun


@dataclass(frozen=True, kw_only=True)
class CleanFolder:
    """Numbered folder that `run.json` does not name."""

    run: str  # path of the run
    folder: str  # in the run, e.g. model/0003
    files: int  # files that lstm wrote
    size: int  # bytes of these files
    others: tuple[str, ...]  # other entries, which stay, and so does the folder
    in_use: bool  # another process writes the run, so the folder may be its own; always false with `delete`
    removed: bool  # the folder is gone


@dataclass(frozen=True, kw_only=True)
class CleanReport:
    """Report of `runs --clean`."""

    run: str  # the path that was given
    checked: int  # runs that were searched
    delete: bool  # the folders were to be removed
    folders: tuple[CleanFolder, ...]
    size: int  # bytes in these folders; with `delete`, those that were removed
    locked: tuple[dict[str, str], ...]  # path and reason of each run that another process writes
    skipped: tuple[dict[str, str], ...]  # path and reason of each run or folder that was not searched

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        values: dict[str, Any] = plain_value(asdict(self))
        return values


def clean(path: Path, *, delete: bool, lock_wait: float = 0.0) -> CleanReport:
    """List the unnamed folders of a run, or of each run in a folder; with `delete`, remove them.

    Args:
        path: run directory or folder.
        delete: remove the folders.
        lock_wait: seconds to wait for the lock of each run.

    Raises:
        MissingArtifact, ForeignFolder, ArtifactError: as `overview` does.
        LockedError: a run is locked, and was not cleaned. Its `report` is the CleanReport.
        OutputError: the system refuses to remove a file. Its `report` is the CleanReport.
    """
    single = is_run(path)
    folders: list[CleanFolder] = []
    locked, skipped, refused = [], [], []
    checked = 0
    for found in _runs(path, single=single):
        if isinstance(found, Unreadable):
            skipped.append({"path": str(found.path), "reason": found.reason})
            continue
        try:
            if delete:
                unnamed, kept = clean_run(found, lock_wait=lock_wait)
                folders += [_as_report(found, each, removed=str(each) not in kept) for each in unnamed]
            else:
                holder = lock_holder(found)
                folders += _list(found, in_use=holder is not None)
                locked += [] if holder is None else [{"path": str(found), "reason": f"locked by {holder}"}]
            checked += 1
        except LockedError as error:
            locked.append({"path": str(found), "reason": error.message})
        except (ForeignFolder, MissingArtifact):
            if single:
                raise
        except ArtifactError as error:
            if single and not (delete and isinstance(error, OutputError)):
                raise
            refused += [error] if delete and isinstance(error, OutputError) else []
            skipped.append({"path": str(found), "reason": error.message})
    report = CleanReport(
        run=str(path),
        checked=checked,
        delete=delete,
        folders=tuple(folders),
        size=sum(folder.size for folder in folders),
        locked=tuple(locked),
        skipped=tuple(skipped),
    )
    _raise_if_incomplete(report, refused)
    return report


def _runs(path: Path, *, single: bool) -> Iterator[Path | Unreadable]:
    if single:
        yield path
    else:
        yield from find_runs(path)


def _list(path: Path, *, in_use: bool) -> list[CleanFolder]:
    with open_run(path) as run:
        return [_as_report(path, folder, in_use=in_use) for folder in list_unnamed(run)]


def _as_report(
    path: Path, folder: UnnamedFolder, *, in_use: bool = False, removed: bool = False
) -> CleanFolder:
    return CleanFolder(
        run=str(path),
        folder=str(folder),
        files=folder.files,
        size=folder.size,
        others=folder.others,
        in_use=in_use,
        removed=removed,
    )


def _raise_if_incomplete(report: CleanReport, refused: list[OutputError]) -> None:
    """Raise the error of a removal that did not finish, with the report."""
    error: OutputError | LockedError | None = next(iter(refused), None)
    if error is None and report.delete and report.locked:
        count = count_noun(len(report.locked), "run was", "runs were")
        error = LockedError(
            f"{count} not cleaned: {'; '.join(item['reason'] for item in report.locked[:3])}",
            hint="try again when the process is done, or wait for it with --lock-wait SECONDS",
        )
    if error is not None:
        error.report = report
        raise error
