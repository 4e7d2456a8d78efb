"""One writer at a time: a kernel lock (flock) on a file in the run directory.

The kernel frees the lock when its holder dies, however it dies, so there is nothing to clean up by hand and
no process number to guess from: what the file says serves messages only.
"""

import fcntl
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lstm_cli.errors import LockedError
from lstm_cli.rundir.artifacts import LOCK
from lstm_cli.rundir.durable import let_go, output_error, refusals_told

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PAUSE = 0.05  # seconds between two tries


@dataclass(frozen=True, kw_only=True)
class Lock:
    """A lock that is held."""

    path: Path
    descriptor: int
    owner: int  # the process that took it: a fork of it must not release it


def take(run: Path, *, wait: float = 0.0) -> Lock:
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
            with refusals_told(path, doing="lock"):
                locked = lock_now(descriptor)
                if locked and is_still(path, descriptor):
                    _sign(path, descriptor)
                    held = True
                    return Lock(path=path, descriptor=descriptor, owner=os.getpid())
        finally:
            if not held:
                let_go(descriptor)
        if locked:  # its holder removed the file that we waited for: lock the one there now
            continue
        if time.monotonic() >= deadline:
            raise LockedError(
                f"{run} is being written by {_holder(path)}",
                hint="try again when it is done, or wait for it with --lock-wait SECONDS",
            )
        time.sleep(min(_PAUSE, max(deadline - time.monotonic(), 0.001)))


def release(lock: Lock) -> None:
    """Remove the lock file while it is held, then let go."""
    if lock.owner == os.getpid():
        with suppress(OSError):
            lock.path.unlink()
    let_go(lock.descriptor)


def lock_now(descriptor: int) -> bool:
    """Lock an open file without waiting; False where another process has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, InterruptedError):
        return False
    return True


def is_still(path: Path, descriptor: int) -> bool:
    """Whether `path` is the file that is open, and not another by now, or gone."""
    try:
        return os.path.samestat(path.stat(follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False


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
            let_go(descriptor)
    except OSError:
        text = ""
    signed = re.fullmatch(r"(\d+) (\S+)\n", text)
    return f"process {signed[1]} on host '{signed[2]}'" if signed else "another process"
