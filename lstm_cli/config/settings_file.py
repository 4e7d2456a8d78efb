"""Reading of the TOML file of `--config`, with limits, so that no file makes a command hang or fail.

tomllib needs a time that grows with the square of the number of dots in a key, and with the depth of a table times the
number of its keys. So both are limited before the text is parsed.
"""

import os
import stat
from typing import Any

from lstm_cli.errors import UsageError
from lstm_cli.os_errors import os_error_reason

MAX_BYTES = 256 << 10
MAX_DOTS = 2_000  # in keys, numbers and texts together
MAX_COMPARISONS = 200_000  # dots x equals signs: parts of keys that are compared, at most
MAX_INTEGER = 2**63  # of TOML


def read_settings_file(path: str) -> dict[str, Any]:
    """Return the tables of a TOML file.

    Raises:
        UsageError: the file is missing, not a regular file, too large or not valid.
    """
    import tomllib

    data = _read(path)
    if len(data) > MAX_BYTES:
        raise UsageError(
            f"{path} is too large for a settings file (the maximum is {MAX_BYTES >> 10} KiB)",
            hint="give --config the path of a TOML file",
        )
    dots, equals = data.count(b"."), data.count(b"=")
    if dots > MAX_DOTS or dots * equals > MAX_COMPARISONS:
        raise UsageError(
            f"{path} has too many keys and dots for a settings file ({equals:,} equals signs, {dots:,} dots)",
            hint="give --config only the settings of lstm, each as a line in a table such as [train]",
        )
    try:
        tables = tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is not valid UTF-8", hint="save the file as UTF-8 (required by TOML)"
        ) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(
            f"{path} is not valid TOML: {error}", hint='write strings in quotes: device = "cpu"'
        ) from error
    except ValueError as error:  # Python reads no number of more than 4,300 digits
        raise _too_large_error(path) from error
    _require_small_integers(path, tables)
    return tables


def _read(path: str) -> bytes:
    """Return the first bytes of a file, at most one more than the limit."""
    try:
        # Without O_NONBLOCK, a FIFO would wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UsageError(
                    f"{path} is not a regular file", hint="write the settings into a file for --config"
                )
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise UsageError(f"file '{path}' not found", hint="give --config the path of a TOML file") from None
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {os_error_reason(error)}", hint="give --config a readable TOML file"
        ) from error
    except ValueError:  # a NUL character
        raise UsageError(f"file {path!r} not found", hint="give --config the path of a TOML file") from None


def _require_small_integers(path: str, tables: dict[str, Any]) -> None:
    """Raise UsageError for an integer of more than 64 bits: as text, it can have any number of digits."""
    pending: list[Any] = [tables]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, list):
            pending += value
        elif isinstance(value, int) and abs(value) >= MAX_INTEGER:
            raise _too_large_error(path)


def _too_large_error(path: str) -> UsageError:
    return UsageError(f"{path} has an integer of more than 64 bits", hint="write a smaller number")
