"""Files on disk: durable writes and atomic replacement.

`replacing` serves outputs that are no artifact, such as `predict -o FILE`: the file is replaced by one rename, whole
or not at all. It lies outside the run, or in `exports/`, which is for other programs.
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
# New files get 666 less the umask, as any program's do.
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # never follows a link, never waits
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def try_lock(descriptor: int) -> bool:
    """Lock an open file without waiting; False where another process has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, InterruptedError):
        return False
    return True


def is_same_file(path: Path, descriptor: int) -> bool:
    """Whether `path` is the file that is open, and not another by now, or gone."""
    try:
        return os.path.samestat(path.stat(follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def retry_on_eintr(call: Callable[..., Result], *arguments: Path) -> Result:
    """Call until no signal interrupts; Python itself does so for open, not for rename or scandir."""
    while True:
        try:
            return call(*arguments)
        except InterruptedError:
            continue


def close_quietly(descriptor: int) -> None:
    """Close what holds nothing unwritten: an error then, or a signal, tells nothing and loses nothing."""
    with suppress(OSError):
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    with as_output_error(folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            close_quietly(descriptor)


def write_durably(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Write a new file and fsync it; `mode` (permission bits) replaces the umask's. Removed if that fails."""
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
    """Remove a folder of ours and all in it; links are removed, never followed."""
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
    """Refuse an output that could not or must not be written, before any work. It writes nothing.

    Args:
        run: the run directory, in which no output may lie.
        exported: it may lie in the run's `exports/`, though.
        source: the input file, which must not be overwritten; None, or `-`, where there is none.
        flag: what names the output.

    Raises:
        UsageError: it is a folder, the input file itself, or in the run directory.
        OutputError: its folder is absent, or the system would not let us write.
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
            raise OutputError(f"cannot write {path}: there is no folder {parent}", hint=hint)
        if source is not None and str(source) != "-" and _is_same(target, Path(source)):
            raise UsageError(f"the output {path} is the input file itself", hint=elsewhere)
        if run is not None and _is_within(target, run, exported=exported):
            raise UsageError(f"the output {path} lies in the run directory {run}", hint=elsewhere)
        refused = target if target.exists() and not os.access(target, os.W_OK) else parent
        if not os.access(refused, os.W_OK):
            raise OutputError(f"cannot write {path}: {refused} is read-only", hint=elsewhere)


def check_output_folder(
    folder: Path | str, names: Iterable[str], *, run: Path | str, flag: str = "-o"
) -> None:
    """Refuse a folder in which the files `names` could not or must not be written, before any work.

    The folder and its parents may be missing: `replace_files` makes them. Nothing is written here.

    Raises:
        UsageError: it is a file, it lies in the run directory, or one of the names is a folder in it.
        OutputError: the system would not let us write.
    """
    target = Path(os.path.realpath(folder))
    with as_output_error(folder):
        if _is_within(target, run, exported=False):
            raise UsageError(
                f"the output {folder} lies in the run directory {run}",
                hint=f"name another folder with {flag}",
            )
        if target.is_dir():
            for name in names:
                check_output(Path(folder) / name, run=run, flag=flag)
            return
        if os.path.lexists(target):
            raise UsageError(f"the output {folder} is a file", hint=f"name a folder with {flag}")
        there = next(one for one in target.parents if os.path.lexists(one))
        if not there.is_dir():
            raise OutputError(
                f"cannot write {folder}: {there} is not a folder", hint=f"name another folder with {flag}"
            )
        if not os.access(there, os.W_OK | os.X_OK):
            raise OutputError(
                f"cannot write {folder}: {there} is read-only", hint=f"name another folder with {flag}"
            )


def replace_files(folder: Path | str, files: Mapping[str, bytes]) -> None:
    """Write each file into `folder`, as `replace_file` does; the folder is made if it is missing.

    Other files in it stay. Raises OutputError.
    """
    with as_output_error(folder, doing="make"):
        Path(folder).mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        replace_file(Path(folder) / name, [data])


@contextmanager
def open_replacement(path: Path | str) -> Iterator[BinaryIO]:
    """A binary file that takes the place of `path` when the block ends well, and leaves no trace otherwise.

    It is written beside the target, fsynced, and renamed. It keeps the mode of the file it replaces; a new
    one gets 666 less the umask. A link is kept, its target replaced. A device or a FIFO is written directly.

    Raises:
        OutputError: the system refuses (disk full, input/output error, permission denied).
        BrokenPipeError: the reader of a FIFO went away.
    """
    path = Path(path)
    if _is_device(path):
        with as_output_error(path), open(path, "wb") as stream:  # noqa: PTH123
            yield stream
        return
    target = Path(os.path.realpath(path))
    with as_output_error(path):
        temporary, descriptor = _claim(target)
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
    """Write `chunks` as the new content of `path`. See `replacing`."""
    with open_replacement(path) as stream:
        for chunk in chunks:
            stream.write(chunk)


def _is_within(target: Path, run: Path | str, *, exported: bool) -> bool:
    """Whether `target` lies in the run; with `exported`, in another folder of it than `exports/`."""
    root = Path(os.path.realpath(run))
    return target.is_relative_to(root) and not (exported and target.is_relative_to(root / EXPORTS))


def _is_same(target: Path, source: Path) -> bool:
    return target.exists() and source.exists() and target.samefile(source)


def _is_device(path: Path) -> bool:
    """Whether there is something that cannot be replaced by a rename: a device, a FIFO, /dev/stdout."""
    if str(path).startswith(
        ("/dev/std", "/dev/fd/", "/proc/")
    ):  # may lead to a file that the shell holds open
        return path.exists() and not path.is_dir()
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _claim(target: Path) -> tuple[Path, int]:
    """A new temporary file beside `target`, held by a kernel lock: one without a holder is a killed writer's.

    So a fixed name will do: after a kill the next writer takes its file away.
    """
    number = 0
    while True:
        temporary = target.parent / f".{target.name[:200]}.lstm-{number}.tmp"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(temporary, flags, 0o666)
        except FileExistsError:
            if not _remove_unheld(temporary):
                number += 1
            continue
        try:
            held = try_lock(descriptor) and is_same_file(temporary, descriptor)
        except OSError:  # a file system without locks
            held = True
        if held:
            return temporary, descriptor
        close_quietly(descriptor)


def _remove_unheld(temporary: Path) -> bool:
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
