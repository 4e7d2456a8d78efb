"""Files on disk: durable writes and atomic replacement.

`open_replacement` is for outputs that are not artifacts, such as `predict -o FILE`. One rename replaces the file, so
it is replaced completely or not at all. Such a file is outside the run, or in `exports/`.
"""

import fcntl
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

from lstm_cli.os_errors import as_output_error

Result = TypeVar("Result")
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # follows no link, never blocks on a FIFO
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def try_lock(descriptor: int) -> bool:
    """Lock an open file without waiting. Return False if another process holds the lock."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, InterruptedError):
        return False
    return True


def is_same_file(path: Path, descriptor: int) -> bool:
    """Return whether `path` is still the open file, and was not replaced or removed."""
    try:
        return os.path.samestat(path.stat(follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def retry_on_eintr(call: Callable[..., Result], *arguments: Path) -> Result:
    """Repeat a call that a signal interrupts. Python itself does this for open, but not for rename and scandir."""
    while True:
        try:
            return call(*arguments)
        except InterruptedError:
            continue


def close_quietly(descriptor: int) -> None:
    """Close a descriptor that has no unwritten data, so an error can be ignored."""
    with suppress(OSError):
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Sync the file names of a folder to disk."""
    with as_output_error(folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            close_quietly(descriptor)


def write_durably(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Write and fsync a new file, which is removed if an error occurs.

    Args:
        path: File to create; it must not exist.
        data: Content.
        mode: Permission bits; by default those of the umask.
    """
    with as_output_error(path):
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
            close_quietly(descriptor)


def remove_tree(folder: Path) -> None:
    """Remove a folder and its content. Links are removed, not followed."""
    with os.scandir(folder) as entries:
        for entry in list(entries):
            if entry.is_dir(follow_symlinks=False):
                remove_tree(folder / entry.name)
            else:
                (folder / entry.name).unlink()
    folder.rmdir()


def replace_files(folder: Path | str, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, which is made if it is missing. Other files in the folder are kept.

    Raises:
        OutputError: the system refuses.
    """
    with as_output_error(folder, doing="make"):
        Path(folder).mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        replace_file(Path(folder) / name, [data])


@contextmanager
def open_replacement(path: Path | str) -> Iterator[BinaryIO]:
    """Yield a binary file that replaces `path` if the block succeeds, and is removed otherwise.

    The temporary file is in the same folder. It is fsynced and renamed. It gets the mode of the file that it replaces;
    a new file gets the mode of the umask. If `path` is a link, its target is replaced. A device or a FIFO is written
    directly.

    Raises:
        OutputError: the system refuses (disk full, input/output error, permission denied).
        BrokenPipeError: the reader of a FIFO has closed it.
    """
    path = Path(path)
    if is_device(path):
        with as_output_error(path), open(path, "wb") as stream:  # noqa: PTH123
            yield stream
        return
    target = Path(os.path.realpath(path))
    with as_output_error(path):
        temporary, descriptor = _create_temporary(target)
        try:
            with suppress(FileNotFoundError):
                os.fchmod(descriptor, stat.S_IMODE(target.stat().st_mode) & 0o777)
            with open(descriptor, "wb", closefd=False) as stream:
                yield stream
            os.fsync(descriptor)
            retry_on_eintr(os.replace, temporary, target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        finally:
            close_quietly(descriptor)
        sync_folder(target.parent)


def replace_file(path: Path | str, chunks: Iterable[bytes]) -> None:
    """Replace the content of a file with `chunks`. See `open_replacement`."""
    with open_replacement(path) as stream:
        for chunk in chunks:
            stream.write(chunk)


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files of `open_replacement` in a folder whose writers were killed."""
    for temporary in folder.glob(".*.lstm-*.tmp"):
        _remove_unlocked(temporary)


def is_device(path: Path) -> bool:
    """Return whether `path` exists and a rename cannot replace it: a device, a FIFO or /dev/stdout."""
    # These can point to a file that the shell has opened.
    if str(path).startswith(("/dev/std", "/dev/fd/", "/proc/")):
        return path.exists() and not path.is_dir()
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _create_temporary(target: Path) -> tuple[Path, int]:
    """Create a locked temporary file in the folder of `target`.

    An unlocked temporary file is from a writer that was killed, so the next writer removes it.
    """
    number = 0
    while True:
        temporary = target.parent / f".{target.name[:200]}.lstm-{number}.tmp"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(temporary, flags, 0o666)
        except FileExistsError:
            if not _remove_unlocked(temporary):
                number += 1
            continue
        try:
            is_locked = try_lock(descriptor) and is_same_file(temporary, descriptor)
        except OSError:  # a file system without locks
            is_locked = True
        if is_locked:
            return temporary, descriptor
        close_quietly(descriptor)


def _remove_unlocked(temporary: Path) -> bool:
    try:
        descriptor = os.open(temporary, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        if not try_lock(descriptor):
            return False
        if is_same_file(temporary, descriptor):
            temporary.unlink()
        return True
    except OSError:
        return False
    finally:
        close_quietly(descriptor)
