"""Errors of the operating system in words."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lstm_cli.errors import OutputError

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


def os_error_reason(error: OSError | ValueError) -> str:
    """Return why the system refused, as words that follow a colon. A ValueError is of a path that can be none."""
    return _reason_and_hint(error)[0]


def _reason_and_hint(error: OSError | ValueError) -> tuple[str, str]:
    number, text = getattr(error, "errno", None), getattr(error, "strerror", None) or str(error)
    return _REASONS.get(number or 0, (text[:1].lower() + text[1:], ""))


def output_error(path: Path | str, error: OSError, *, doing: str = "write") -> OutputError:
    """Return what the system refused, as one sentence that names the file."""
    reason, hint = _reason_and_hint(error)
    return OutputError(f"cannot {doing} {path}: {reason}", hint=hint)


@contextmanager
def as_output_error(path: Path | str, *, doing: str = "write") -> Iterator[None]:
    """Turn an OSError into an OutputError naming `path`; a reader that went away stays a BrokenPipeError."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise output_error(path, error, doing=doing) from error
