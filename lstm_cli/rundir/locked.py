"""Writing a run: one writer at a time, and one rename that makes a step's work count."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from lstm_cli.errors import CorruptArtifact, ForeignFolder, MissingArtifact, OutputError
from lstm_cli.rundir import lock, opening
from lstm_cli.rundir.artifacts import ARTIFACTS, STEPS
from lstm_cli.rundir.durable import again, output_error, refusals_told
from lstm_cli.rundir.opening import require_own
from lstm_cli.rundir.reading import Run
from lstm_cli.rundir.writer import Writer

_VANISHED = 100  # times that other writers may take away the directory that we are about to lock


@contextmanager
def writing(
    path: Path | str,
    *,
    step: str,
    create: bool = False,
    lock_wait: float = 0.0,
    force: bool = False,
    sources: Mapping[str, str] | None = None,
) -> Iterator[Writer]:
    """Hold the run directory's lock, from before the first read to after the last rename.

    An error, or an end without a commit, leaves the run as it was: the new folders, the lock file and a
    directory made for the run go again.

    Args:
        step: the verb that writes.
        create: make the directory where it is absent (for `prepare`).
        lock_wait: seconds to wait for another writer.
        force: with `create`, set a damaged `run.json` aside as `run.json.broken` and begin anew.
        sources: where each setting that is no default came from, to be recorded; None: not known.

    Raises:
        ForeignFolder: the directory is not a run directory; it is untouched.
        MissingArtifact: without `create`, no step has finished in it.
        CorruptArtifact: its `run.json` is damaged.
        LockedError: another process writes it.
        OutputError: the system does not let us write in it.
    """
    path = Path(path)
    if step not in STEPS:
        raise ValueError(f"'{step}' is none of {', '.join(STEPS)}")
    found = opening.refuse_foreign(path)
    if not create and found in ("absent", "empty"):
        raise opening.nothing_in(path, found)
    try:
        held, made = _enter(path, create=create, wait=lock_wait)
    except FileNotFoundError:
        raise opening.nothing_in(path, "absent") from None
    writer = None
    try:
        _require_writable(path, step)
        run, set_aside = _run_before(path, create=create, force=force)
        writer = Writer(path, step, run, sources=sources, set_aside=set_aside, made=made)
        yield writer
        writer.abandon()
        writer.tidy()
    except OSError as error:
        if not _is_within(path, error.filename):
            raise
        raise output_error(error.filename, error) from error  # from whatever library wrote by path
    finally:
        if writer is not None:
            writer.abandon()
            if writer.run is not None:
                writer.run.close()
        lock.release(held)
        _remove_empty(made)


def _enter(path: Path, *, create: bool, wait: float) -> tuple[lock.Lock, list[Path]]:
    """Take the lock, making the directory where asked; the folders made for it, outermost first."""
    made: list[Path] = []
    for _ in range(_VANISHED):
        try:
            if create:
                _make(path, made)
            return lock.take(path, wait=wait), made
        except BaseException as error:
            _remove_empty(made)
            made.clear()
            # Another first writer failed and took the directory away under us: begin again.
            if not (create and isinstance(error, FileNotFoundError)):
                raise
    raise opening.nothing_in(path, "absent")


def _make(path: Path, made: list[Path]) -> None:
    """Make the directory and its parents; `made` gets those that were not there, outermost first.

    Raises:
        FileNotFoundError: a parent vanished meanwhile.
    """
    missing = []
    folder = path
    with refusals_told(path, doing="make"):
        while not folder.exists() and folder != folder.parent:
            missing.append(folder)
            folder = folder.parent
    for folder in reversed(missing):
        try:
            again(os.mkdir, folder)
            made.append(folder)
        except FileNotFoundError:
            raise
        except FileExistsError:
            if not folder.is_dir() and os.path.lexists(folder):
                raise ForeignFolder(f"{folder} is not a folder", hint="name a run directory") from None
        except OSError as error:
            raise output_error(folder, error, doing="make") from error


def _remove_empty(made: list[Path]) -> None:
    for folder in reversed(made):
        with suppress(OSError):
            folder.rmdir()


def _require_writable(path: Path, step: str) -> None:
    """Refuse before the work starts: the lock file may be an old one, so taking it has not proved much."""
    for folder in (path, *(path / name for name, artifact in ARTIFACTS.items() if artifact.made_by == step)):
        if folder != path:
            require_own(folder)
        if folder.exists() and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise OutputError(f"cannot write in {folder}: permission denied", hint="check its owner and mode")


def _run_before(path: Path, *, create: bool, force: bool) -> tuple[Run | None, bool]:
    """The run as it is, and whether a damaged manifest is to be set aside."""
    try:
        return opening.open_run(path), False
    except MissingArtifact:
        if not create:
            raise
        return None, False
    except CorruptArtifact:
        if not (create and force):
            raise
        return None, True


def _is_within(path: Path, name: object) -> bool:
    return isinstance(name, str) and Path(name).absolute().is_relative_to(path.absolute())
