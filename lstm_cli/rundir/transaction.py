"""Write a run: one writer at a time, and one rename that makes a step's work count.

The lock is a kernel lock (flock) on a file in the run directory. The kernel frees it when its holder dies, so there is
nothing to clean up. What the file says serves messages only.
"""

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lstm_cli.errors import CorruptArtifact, ForeignFolder, LockedError, MissingArtifact, OutputError
from lstm_cli.os_errors import as_output_error, output_error
from lstm_cli.rundir.filesystem import close_quietly, is_same_file, retry_on_eintr, try_lock
from lstm_cli.rundir.layout import ARTIFACTS, LOCK, STEPS
from lstm_cli.rundir.open import empty_run_error, open_run, refuse_foreign, require_own
from lstm_cli.rundir.reader import Run
from lstm_cli.rundir.writer import Writer

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PAUSE = 0.05  # seconds between two tries
_VANISHED = 100  # times that other writers may take away the directory that we are about to lock


@dataclass(frozen=True, kw_only=True)
class Lock:
    """A lock that is held."""

    path: Path
    descriptor: int
    owner: int  # the process that took it: a fork of it must not release it


def acquire_lock(run: Path, *, wait: float = 0.0) -> Lock:
    """Take the run's lock, waiting for it up to `wait` seconds.

    Raises:
        LockedError: another process holds it; the message names its number and host.
        FileNotFoundError: the run directory is absent.
        OutputError: the system does not let us write there.
    """
    path = run / LOCK
    deadline = time.monotonic() + wait
    while True:
        descriptor = _open(path)
        held = False
        try:
            with as_output_error(path, doing="lock"):
                locked = try_lock(descriptor)
                if locked and is_same_file(path, descriptor):
                    _sign(path, descriptor)
                    held = True
                    return Lock(path=path, descriptor=descriptor, owner=os.getpid())
        finally:
            if not held:
                close_quietly(descriptor)
        if locked:  # its holder removed the file that we waited for: lock the one there now
            continue
        if time.monotonic() >= deadline:
            raise LockedError(
                f"{run} is being written by {_holder(path)}",
                hint="try again when it is done, or wait for it with --lock-wait SECONDS",
            )
        time.sleep(min(_PAUSE, max(deadline - time.monotonic(), 0.001)))


def release_lock(lock: Lock) -> None:
    """Remove the lock file while it is held, then let go."""
    if lock.owner == os.getpid():
        with suppress(OSError):
            lock.path.unlink()
    close_quietly(lock.descriptor)


def _open(path: Path) -> int:
    try:
        return os.open(path, _FLAGS, 0o666)
    except FileNotFoundError:  # the run directory is absent
        raise
    except OSError as error:
        raise output_error(path, error) from error


def _sign(path: Path, descriptor: int) -> None:
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {os.uname().nodename}\n".encode(), 0)
    except OSError:
        with suppress(OSError):
            path.unlink()
        raise


def _holder(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            text = os.read(descriptor, 300).decode("ascii", "replace")
        finally:
            close_quietly(descriptor)
    except OSError:
        text = ""
    signed = re.fullmatch(r"(\d+) (\S+)\n", text)
    return f"process {signed[1]} on host '{signed[2]}'" if signed else "another process"


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
    found = refuse_foreign(path)
    if not create and found in ("absent", "empty"):
        raise empty_run_error(path, found)
    try:
        held, made = _enter(path, create=create, wait=lock_wait)
    except FileNotFoundError:
        raise empty_run_error(path, "absent") from None
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
        release_lock(held)
        _remove_empty(made)


def _enter(path: Path, *, create: bool, wait: float) -> tuple[Lock, list[Path]]:
    """Take the lock, making the directory where asked; the folders made for it, outermost first."""
    made: list[Path] = []
    for _ in range(_VANISHED):
        try:
            if create:
                for folder in _make(path):
                    made.append(folder)  # at once, so that an error takes it away again
            return acquire_lock(path, wait=wait), made
        except BaseException as error:
            _remove_empty(made)
            made.clear()
            # Another first writer failed and took the directory away under us: begin again.
            if not (create and isinstance(error, FileNotFoundError)):
                raise
    raise empty_run_error(path, "absent")


def _make(path: Path) -> Iterator[Path]:
    """Make the directory and its parents, and yield those that were not there, outermost first.

    Raises:
        FileNotFoundError: a parent vanished meanwhile.
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
    """Refuse before the work starts: the lock file may be an old one, so taking it has not proved much."""
    for folder in (path, *(path / name for name, artifact in ARTIFACTS.items() if artifact.made_by == step)):
        if folder != path:
            require_own(folder)
        if folder.exists() and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise OutputError(f"cannot write in {folder}: permission denied", hint="check its owner and mode")


def _run_before(path: Path, *, create: bool, force: bool) -> tuple[Run | None, bool]:
    """The run as it is, and whether a damaged manifest is to be set aside."""
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
