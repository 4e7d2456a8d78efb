"""Transactions on a run directory: a lock for one writer at a time, and cleanup after errors.

The lock is a kernel lock (flock) on a file in the run directory. The kernel releases it when its holder dies, so a
killed process leaves no lock. The content of the file is only for messages.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lstm_cli.errors import CorruptArtifact, ForeignFolder, LockedError, MissingArtifact, OutputError
from lstm_cli.os_errors import as_output_error, output_error
from lstm_cli.rundir.filesystem import close_quietly, is_same_file, retry_on_eintr, try_lock
from lstm_cli.rundir.layout import ARTIFACTS, LOCK, STEPS
from lstm_cli.rundir.leftovers import UnnamedFolder, list_unnamed, remove_unnamed
from lstm_cli.rundir.lock_owner import has_owner, owner_name
from lstm_cli.rundir.open import empty_run_error, open_run, refuse_foreign, require_own
from lstm_cli.rundir.reader import Run
from lstm_cli.rundir.writer import Writer

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_RETRY_SECONDS = 0.05
_NAMELESS_SECONDS = 0.5  # to wait for a holder that has locked the file, and not yet written its name
_MAX_ATTEMPTS = 100  # to lock a directory that other writers remove meanwhile


@dataclass(frozen=True, kw_only=True)
class Lock:
    """Lock on a run directory."""

    path: Path
    descriptor: int
    owner: int  # id of the process that took it, because a fork must not release it


def acquire_lock(run: Path, *, wait: float = 0.0) -> Lock:
    """Take the lock of a run. Wait for it for at most `wait` seconds.

    Raises:
        LockedError: another process holds the lock; the message has its process id and host.
        FileNotFoundError: the run directory is not found.
        OutputError: the system does not allow writing in it.
    """
    path = run / LOCK
    deadline = time.monotonic() + wait
    while True:
        descriptor = _open(path)
        is_held = False
        try:
            with as_output_error(path, doing="lock"):
                locked = try_lock(descriptor)
                if locked and is_same_file(path, descriptor):
                    _write_owner(path, descriptor)
                    is_held = True
                    return Lock(path=path, descriptor=descriptor, owner=os.getpid())
        finally:
            if not is_held:
                close_quietly(descriptor)
        if locked:  # the previous holder has removed this lock file: lock the new one
            continue
        overdue = time.monotonic() - deadline
        if overdue >= _NAMELESS_SECONDS or (overdue >= 0 and has_owner(run)):
            raise LockedError(
                f"{run} is locked: it is being written by {owner_name(run)}",
                hint="try again when it is done, or wait for it with --lock-wait SECONDS",
            )
        time.sleep(min(_RETRY_SECONDS, max(deadline - time.monotonic(), 0.001)))


def release_lock(lock: Lock) -> None:
    """Remove the lock file while the lock is held, then release the lock."""
    if lock.owner == os.getpid():
        with suppress(OSError):
            lock.path.unlink()
    close_quietly(lock.descriptor)


def _open(path: Path) -> int:
    try:
        return os.open(path, _FLAGS, 0o666)
    except FileNotFoundError:  # the run directory is not found
        raise
    except OSError as error:
        raise output_error(path, error) from error


def _write_owner(path: Path, descriptor: int) -> None:
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {os.uname().nodename}\n".encode(), 0)
    except OSError:
        with suppress(OSError):
            path.unlink()
        raise


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
    """Yield a writer for a run directory that is locked from before the first read to after the last rename.

    After an error, or without a commit, the run is unchanged. The new folders, the lock file and a directory that was
    made for the run are removed.

    Args:
        path: Run directory.
        step: Verb of the step that writes.
        create: Make the directory if it is missing (for `prepare`).
        lock_wait: Seconds to wait for another writer.
        force: With `create`, rename a corrupt `run.json` to `run.json.broken` and start over.
        sources: Source of each setting that is not a default, to be recorded; None: unknown.

    Raises:
        ForeignFolder: the directory is not a run directory. It is not changed.
        MissingArtifact: no step has finished in it, and `create` is not set.
        CorruptArtifact: its `run.json` is corrupt.
        LockedError: another process is writing it.
        OutputError: the system does not allow writing in it.
    """
    path = Path(path)
    if step not in STEPS:
        raise ValueError(f"'{step}' is not one of {', '.join(STEPS)}")
    content = refuse_foreign(path)
    if not create and content in ("absent", "empty"):
        raise empty_run_error(path, content)
    try:
        lock, made = _lock_directory(path, create=create, wait=lock_wait)
    except FileNotFoundError:
        raise empty_run_error(path, "absent") from None
    writer = None
    try:
        _require_writable(path, step)
        run, set_aside = _open_previous(path, create=create, force=force)
        writer = Writer(path, step, run, sources=sources, set_aside=set_aside, made=made)
        yield writer
        writer.abandon()
        writer.tidy()
    except OSError as error:
        if not _is_within(path, error.filename):
            raise
        raise output_error(error.filename, error) from error  # of a library that writes files itself
    finally:
        if writer is not None:
            writer.abandon()
            if writer.run is not None:
                writer.run.close()
        release_lock(lock)
        _remove_empty(made)


def clean_run(path: Path, *, lock_wait: float = 0.0) -> tuple[tuple[UnnamedFolder, ...], tuple[str, ...]]:
    """Lock a run, and remove its unnamed folders. Return them as they were, and those that stay, as paths in the run.

    `run.json` is read again under the lock. A folder stays if it has other files, which are kept. A run without such
    folders is not locked.

    Args:
        path: Run directory.
        lock_wait: Seconds to wait for another writer.

    Raises:
        ArtifactError: the folder is not a run, or its `run.json` is not readable. Nothing is changed.
        LockedError: another process is writing the run.
        OutputError: the system does not allow removing a file.
    """
    with open_run(path) as run:  # before a lock file is made
        if not list_unnamed(run):
            return (), ()
    try:
        lock = acquire_lock(path, wait=lock_wait)
    except FileNotFoundError:
        raise empty_run_error(path, "absent") from None
    try:
        with open_run(path) as run:
            folders = list_unnamed(run)
            kept = tuple(str(folder) for folder in folders if not remove_unnamed(run, folder))
            return folders, kept
    finally:
        release_lock(lock)


def _lock_directory(path: Path, *, create: bool, wait: float) -> tuple[Lock, list[Path]]:
    """Lock the directory, which `create` makes. Return the lock and the new folders, outermost first."""
    made: list[Path] = []
    for _ in range(_MAX_ATTEMPTS):
        try:
            if create:
                for folder in _make_directory(path):
                    made.append(folder)  # one by one, so that an error removes them again
            return acquire_lock(path, wait=wait), made
        except BaseException as error:
            _remove_empty(made)
            made.clear()
            # Another writer failed and removed the directory meanwhile: try again.
            if not (create and isinstance(error, FileNotFoundError)):
                raise
    raise empty_run_error(path, "absent")


def _make_directory(path: Path) -> Iterator[Path]:
    """Make the directory and its missing parents, and yield the new ones, outermost first.

    Raises:
        FileNotFoundError: a parent was removed meanwhile.
    """
    missing = []
    folder = path
    with as_output_error(path, doing="make"):
        while not folder.exists() and folder != folder.parent:
            missing.append(folder)
            folder = folder.parent
    for folder in reversed(missing):
        try:
            retry_on_eintr(os.mkdir, folder)
            yield folder
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
    """Raise OutputError before the work starts. Locking alone does not prove that new files can be written."""
    for folder in (path, *(path / name for name, artifact in ARTIFACTS.items() if artifact.made_by == step)):
        if folder != path:
            require_own(folder)
        if folder.exists() and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise OutputError(f"cannot write in {folder}: permission denied", hint="check its owner and mode")


def _open_previous(path: Path, *, create: bool, force: bool) -> tuple[Run | None, bool]:
    """Return the run before this step, and whether a corrupt manifest must be set aside."""
    try:
        return open_run(path), False
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
