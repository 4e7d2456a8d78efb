"""Files on disk: durable writes and atomic replacement.

`open_replacement` is for outputs that are not artifacts, such as `predict -o FILE`. One rename replaces the file, so
it is replaced completely or not at all. Such a file is outside the run, or in `exports/`.
"""

import fcntl
import os
import shlex
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

from lstm_cli.errors import OutputError, UsageError
from lstm_cli.os_errors import as_output_error
from lstm_cli.rundir.layout import EXPORTS

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


def check_output(
    path: Path | str,
    *,
    run: Path | str | None = None,
    source: Path | str | None = None,
    exported: bool = False,
    flag: str = "-o",
) -> None:
    """Raise an error if an output cannot be written or must not be written. Nothing is written.

    Args:
        path: Output file.
        run: Run directory, which must not contain the output.
        source: Input file, which must not be overwritten; None or `-` if there is no input file.
        exported: True allows an output in `exports/` of the run.
        flag: Option that names the output.

    Raises:
        UsageError: the output is a folder, the input file, or in the run directory.
        OutputError: its folder is not found, or the system does not allow writing.
    """
    path = Path(path)
    elsewhere = f"name another file with {flag}"
    with as_output_error(path):
        if _is_device(path):
            return
        target = Path(os.path.realpath(path))
        if target.is_dir():
            raise UsageError(f"the output {path} is a folder", hint=f"name a file in it with {flag}")
        parent = target.parent
        if not parent.is_dir():
            hint = f"mkdir -p {shlex.quote(str(parent))}"
            raise OutputError(f"cannot write {path}: folder not found: {parent}", hint=hint)
        if source is not None and str(source) != "-" and _is_same(target, Path(source)):
            raise UsageError(f"the output {path} is the input file itself", hint=elsewhere)
        if run is not None and _is_within(target, run, exported=exported):
            raise UsageError(f"the output {path} is in the run directory {run}", hint=elsewhere)
        refused = target if target.exists() and not os.access(target, os.W_OK) else parent
        if not os.access(refused, os.W_OK):
            raise OutputError(f"cannot write {path}: {refused} is read-only", hint=elsewhere)


def check_output_folder(
    folder: Path | str, names: Iterable[str], *, run: Path | str, flag: str = "-o"
) -> None:
    """Raise an error if files cannot be written or must not be written into a folder. Nothing is written.

    The folder and its parents may be missing, because `replace_files` makes them.

    Args:
        folder: Output folder.
        names: Names of the files to write.
        run: Run directory, which must not contain the folder.
        flag: Option that names the folder.

    Raises:
        UsageError: the folder is a file or in the run directory, or one of the names is a folder.
        OutputError: the system does not allow writing.
    """
    target = Path(os.path.realpath(folder))
    with as_output_error(folder):
        if _is_within(target, run, exported=False):
            raise UsageError(
                f"the output {folder} is in the run directory {run}",
                hint=f"name another folder with {flag}",
            )
        if target.is_dir():
            for name in names:
                check_output(Path(folder) / name, run=run, flag=flag)
            return
        if os.path.lexists(target):
            raise UsageError(f"the output {folder} is a file", hint=f"name a folder with {flag}")
        existing = next(parent for parent in target.parents if os.path.lexists(parent))
        if not existing.is_dir():
            raise OutputError(
                f"cannot write {folder}: {existing} is not a folder", hint=f"name another folder with {flag}"
            )
        if not os.access(existing, os.W_OK | os.X_OK):
            raise OutputError(
                f"cannot write {folder}: {existing} is read-only", hint=f"name another folder with {flag}"
            )


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
    if _is_device(path):
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


def _is_within(target: Path, run: Path | str, *, exported: bool) -> bool:
    """Return whether `target` is in the run. With `exported`, files in `exports/` do not count."""
    root = Path(os.path.realpath(run))
    return target.is_relative_to(root) and not (exported and target.is_relative_to(root / EXPORTS))


def _is_same(target: Path, source: Path) -> bool:
    return target.exists() and source.exists() and target.samefile(source)


def _is_device(path: Path) -> bool:
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
