"""Owner of the lock of a run, from the content of the lock file. The lock itself is not touched."""

import os
import re
from pathlib import Path

from lstm_cli.rundir.filesystem import close_quietly
from lstm_cli.rundir.layout import LOCK

_OWNER = re.compile(r"(\d+) (\S+)\n")


def has_owner(run: Path) -> bool:
    """Return whether the lock file of a run has the name of its holder."""
    return _read(run) is not None


def owner_name(run: Path) -> str:
    """Return the process that took the lock of a run, as text for messages."""
    owner = _read(run)
    return "another process" if owner is None else f"process {owner[0]} on host '{owner[1]}'"


def lock_holder(run: Path) -> str | None:
    """Return the process that seems to write a run, or None. No writer is disturbed, because the lock is not taken.

    A killed process leaves its file. So a process of this host must still exist. One of another host is believed.
    """
    if not os.path.lexists(run / LOCK):
        return None
    owner = _read(run)
    if owner is not None and owner[1] == os.uname().nodename:
        try:
            os.kill(int(owner[0]), 0)  # signal 0 only checks that the process exists
        except (ProcessLookupError, OverflowError):
            return None
        except PermissionError:  # of another user
            pass
    return owner_name(run)


def _read(run: Path) -> tuple[str, str] | None:
    """Return the process id and the host in the lock file; None if it has none, or is not readable."""
    try:
        descriptor = os.open(run / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            text = os.read(descriptor, 300).decode("ascii", "replace")
        finally:
            close_quietly(descriptor)
    except OSError:
        return None
    match = _OWNER.fullmatch(text)
    return None if match is None else (match[1], match[2])
