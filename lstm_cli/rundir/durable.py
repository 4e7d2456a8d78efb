"""Writing that survives a loss of power, and the system's refusals in words."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from lstm_cli.errors import OutputError

Result = TypeVar("Result")

_ROOM = "make room and run the command again"
_RIGHTS = "check the owner and the mode of the file and its folder"
_REASONS: dict[int, tuple[str, str]] = {
    errno.ENOSPC: ("disk full", _ROOM),
    errno.EDQUOT: ("disk full (the quota is used up)", _ROOM),
    errno.EFBIG: ("disk full (the limit of a file's size is reached)", "raise the limit, see 'ulimit -f'"),
    errno.EROFS: ("the file system is read-only", "name a folder that can be written"),
    errno.EACCES: ("permission denied", _RIGHTS),
    errno.EPERM: ("permission denied", _RIGHTS),
    errno.EIO: ("input/output error", "check the disk, then run the command again"),
}

# New files get 666 less the umask, as any program's do.
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def output_error(path: Path | str, error: OSError, *, doing: str = "write") -> OutputError:
    """What the system refused, as one sentence that names the file."""
    code = error.errno or 0
    reason, hint = _REASONS.get(code, ((error.strerror or str(error)).lower(), ""))
    return OutputError(f"cannot {doing} {path}: {reason}", hint=hint)


@contextmanager
def refusals_told(path: Path | str, *, doing: str = "write") -> Iterator[None]:
    """Turn an OSError into an OutputError naming `path`; a reader that went away stays a BrokenPipeError."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise output_error(path, error, doing=doing) from error


def again(call: Callable[..., Result], *arguments: Path) -> Result:
    """Call until no signal interrupts; Python itself does so for open, not for rename or scandir."""
    while True:
        try:
            return call(*arguments)
        except InterruptedError:
            continue


def let_go(descriptor: int) -> None:
    """Close what holds nothing unwritten: an error then, or a signal, tells nothing and loses nothing."""
    with suppress(OSError):
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    with refusals_told(folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            let_go(descriptor)


def write_durably(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Write a new file and fsync it; `mode` (permission bits) replaces the umask's. Removed if that fails."""
    with refusals_told(path):
        descriptor = os.open(path, CREATE, 0o666)
        try:
            if mode is not None:
                os.fchmod(descriptor, mode)
            with open(descriptor, "wb", closefd=False) as file:
                file.write(data)
            os.fsync(descriptor)
        except BaseException:
            with suppress(OSError):
                path.unlink()
            raise
        finally:
            let_go(descriptor)


def remove_tree(folder: Path) -> None:
    """Remove a folder of ours and all in it; links are removed, never followed."""
    with os.scandir(folder) as entries:
        for entry in list(entries):
            if entry.is_dir(follow_symlinks=False):
                remove_tree(folder / entry.name)
            else:
                (folder / entry.name).unlink()
    folder.rmdir()
