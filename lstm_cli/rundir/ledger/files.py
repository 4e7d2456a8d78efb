"""Files of the ledger in a run: recorded forecasts and what came true.

Each file is replaced by one rename. `predict` takes no lock: a name holds the origin of the forecast and a digest, so
two processes write one name only for the same forecast.
"""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from lstm_cli.errors import ArtifactError
from lstm_cli.os_errors import as_output_error
from lstm_cli.rundir.filesystem import READ, close_quietly, remove_abandoned, replace_file, retry_on_eintr
from lstm_cli.rundir.layout import LEDGER
from lstm_cli.rundir.ledger.file_format import (
    MAX_BYTES,
    LedgerFile,
    corrupt_error,
    decode_ledger_file,
    encode_ledger_file,
)
from lstm_cli.rundir.open import ledger_folder, require_own
from lstm_cli.rundir.reader import open_stream

FORECAST, ACTUAL, CORRUPT = ".forecast", ".actual", ".corrupt"
_NAME = re.compile(r"(\d{8}T\d{6}(?:\d{6})?|n[0-9a-f]{16})-[0-9a-f]{16}")
_DAY = re.compile(r"\d{8}(?=T)")


def forecast_names(run: Path) -> list[str]:
    """Return the names of all recorded forecasts without their ending, the earliest origin first.

    Raises:
        ForeignFolder: the ledger is a file or a link.
        OutputError: the system does not allow reading it.
    """
    return [name for name, ending in _files(run) if ending == FORECAST]


def forecast_name(origin_us: int, digest: str, *, calendar: bool) -> str:
    """Return the name of a forecast. Names sort by origin.

    Args:
        origin_us: time of the first step in microseconds, or its number.
        digest: hexadecimal digest of what distinguishes forecasts with one origin.
        calendar: whether the origin is a date and time.
    """
    if not calendar:
        return f"n{origin_us + 2**63:016x}-{digest[:16]}"
    from datetime import datetime, timedelta

    time = datetime(1970, 1, 1) + timedelta(microseconds=origin_us)
    text = f"{time:%m%dT%H%M%S}" + (f"{time.microsecond:06d}" if time.microsecond else "")
    return f"{time.year:04d}{text}-{digest[:16]}"


def read_ledger_file(run: Path, name: str, ending: str) -> LedgerFile | None:
    """Return a file of the ledger, or None if it is missing. No link is followed.

    Args:
        run: run directory.
        name: name of the forecast.
        ending: FORECAST or ACTUAL.

    Raises:
        CorruptArtifact: a checksum is wrong, or the content is invalid.
        ArtifactError: a newer release wrote the file.
        OutputError: the system does not allow reading it.
    """
    path = run / LEDGER / (name + ending)
    with as_output_error(path, doing="read"):
        try:
            descriptor = os.open(path, READ)
        except FileNotFoundError:
            return None
        try:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode) or about.st_size > MAX_BYTES:
                raise corrupt_error(path, "not a regular file, or too large")
            with open_stream(descriptor) as stream:
                data: bytes = stream.read()
        finally:
            close_quietly(descriptor)
    return decode_ledger_file(data, path)


def write_ledger_file(run: Path, name: str, ending: str, content: LedgerFile) -> Path:
    """Write a file of the ledger by one rename, and return its path.

    Args:
        run: run directory.
        name: name of the forecast.
        ending: FORECAST or ACTUAL.
        content: facts and arrays.

    Raises:
        ForeignFolder: the ledger is a file or a link.
        OutputError: the system does not allow writing.
    """
    path = ledger_folder(run) / (name + ending)
    replace_file(path, encode_ledger_file(content, path))
    return path


def set_aside(run: Path, name: str, ending: str) -> None:
    """Rename a corrupt file of the ledger, so that it is reported once.

    Args:
        run: run directory.
        name: name of the forecast.
        ending: FORECAST or ACTUAL.

    Raises:
        OutputError: the system refuses.
    """
    path = run / LEDGER / (name + ending)
    with as_output_error(path), suppress(FileNotFoundError):
        retry_on_eintr(path.replace, path.with_name(path.name + CORRUPT))


def remove_old_forecasts(run: Path, *, keep_days: int) -> int:
    """Remove the forecasts of all but the newest days that have forecasts. Return the number of removed forecasts.

    A day is that of the origin, and no clock is read, so a wrong date of one forecast removes at most one day. Without
    dates, each origin counts as a day. A file that another process has removed is skipped.

    Args:
        run: run directory.
        keep_days: number of days to keep.

    Raises:
        OutputError: the system refuses.
    """
    files = list(_files(run, corrupt=True))
    days = sorted({day_of(name) for name, _ in files})
    removed, old = 0, set(days[:-keep_days])
    for name, ending in files:
        if day_of(name) in old:
            path = run / LEDGER / (name + ending)
            with as_output_error(path, doing="remove"), suppress(FileNotFoundError):
                path.unlink()
                removed += ending == FORECAST
    remove_abandoned(run / LEDGER)
    return removed


def verify_files(run: Path) -> tuple[int, int, list[str]]:
    """Verify all files of the ledger. Return their number, their size in bytes, and a sentence for each bad one.

    Raises:
        ForeignFolder: the ledger is a file or a link.
        OutputError: the system does not allow reading it.
    """
    count = size = 0
    problems: list[str] = []
    for name, ending in _files(run):
        with suppress(OSError):
            size += (run / LEDGER / (name + ending)).stat(follow_symlinks=False).st_size
        try:
            count += read_ledger_file(run, name, ending) is not None
        except ArtifactError as error:
            count += 1
            problems.append(error.message)
    return count, size, problems


def _files(run: Path, *, corrupt: bool = False) -> Iterator[tuple[str, str]]:
    """Yield name and ending of each file of the ledger, by name; files of people are skipped."""
    folder = run / LEDGER
    require_own(folder)
    with as_output_error(folder, doing="read"):
        try:
            entries = sorted(os.listdir(folder))  # noqa: PTH208 - names are enough
        except FileNotFoundError:
            return
    for entry in entries:
        name, dot, rest = entry.partition(".")
        known = (FORECAST, ACTUAL, *((FORECAST + CORRUPT, ACTUAL + CORRUPT) if corrupt else ()))
        if dot + rest in known and _NAME.fullmatch(name):
            yield name, dot + rest


def day_of(name: str) -> str:
    """Return the day of the origin of a forecast; the origin itself without dates."""
    day = _DAY.match(name)
    return day[0] if day else name.partition("-")[0]
