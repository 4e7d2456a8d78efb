"""Messages for errors of the operating system."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lstm_cli.errors import OutputError

_FREE_SPACE = "free some disk space and run the command again"
_CHECK_MODE = "check the owner and the mode of the file and its folder"
_REASONS: dict[int, tuple[str, str]] = {
    errno.ENOSPC: ("disk full", _FREE_SPACE),
    errno.EDQUOT: ("disk full (quota exceeded)", _FREE_SPACE),
    errno.EFBIG: ("disk full (file size limit reached)", "raise the limit, see 'ulimit -f'"),
    errno.EROFS: ("the file system is read-only", "name a writable folder"),
    errno.EACCES: ("permission denied", _CHECK_MODE),
    errno.EPERM: ("permission denied", _CHECK_MODE),
    errno.EIO: ("input/output error", "check the disk, then run the command again"),
}


def os_error_reason(error: OSError | ValueError) -> str:
    """Return the reason of an error as a phrase. A ValueError comes from a path that is not a valid path."""
    return _reason_and_hint(error)[0]


def _reason_and_hint(error: OSError | ValueError) -> tuple[str, str]:
    number, text = getattr(error, "errno", None), getattr(error, "strerror", None) or str(error)
    return _REASONS.get(number or 0, (text[:1].lower() + text[1:], ""))


def output_error(path: Path | str, error: OSError, *, doing: str = "write") -> OutputError:
    """Return an OutputError that names the file and the reason.

    Args:
        path: File or folder.
        error: Error of the operating system.
        doing: Verb of the failed action, e.g. "read".
    """
    reason, hint = _reason_and_hint(error)
    return OutputError(f"cannot {doing} {path}: {reason}", hint=hint)


@contextmanager
def as_output_error(path: Path | str, *, doing: str = "write") -> Iterator[None]:
    """Convert an OSError in this block into an OutputError that names `path`. A BrokenPipeError is not converted."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise output_error(path, error, doing=doing) from error
