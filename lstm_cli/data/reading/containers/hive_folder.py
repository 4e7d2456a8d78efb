"""Hive folders: files in subfolders such as `shop=Aachen` are one data set, and the folders are columns."""

import glob
import os
import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from lstm_cli.errors import DataError
from lstm_cli.os_errors import os_error_reason

_MISSING = "__HIVE_DEFAULT_PARTITION__"  # the name that Hive and Spark give to a missing value


class PartitionedPath(str):
    """Path of a file of a hive folder, with the names and values of its partition columns."""

    partitions: tuple[tuple[str, str], ...]

    def __new__(cls, path: str, partitions: tuple[tuple[str, str], ...]) -> "PartitionedPath":
        """Return the path, with its partition columns."""
        made = super().__new__(cls, path)
        made.partitions = partitions
        return made

    def __getnewargs__(self) -> tuple[str, tuple[tuple[str, str], ...]]:  # type: ignore[override]
        """Return the arguments that make a copy."""
        return str(self), self.partitions


def partitions_of(path: str) -> tuple[tuple[str, str], ...]:
    """Return the names and values of the partition columns of a file; () for a file that is not in a hive folder."""
    return path.partitions if isinstance(path, PartitionedPath) else ()


def hive_files(folder: str) -> list[str]:
    """Return the files of a hive folder, sorted by path. Hidden files, and those that begin with `_`, are left out.

    Raises:
        DataError: the folder has no subfolder such as `shop=Aachen`, or a file lies in another subfolder.
    """
    files = [_partitioned(path, folder) for path in _visible_files(folder)]
    keys = Counter(tuple(key for key, _ in path.partitions) for path in files)
    usual = max(keys, key=lambda names: (bool(names), keys[names]), default=())
    if not usual:
        raise _folder_error(folder, files)
    for path in files:
        if tuple(key for key, _ in path.partitions) != usual:
            names = "/".join(f"{key}=…" for key in usual)
            raise DataError(
                f"{path} is not in a subfolder {names}, as the other files are",
                hint="move it out of the folder, or let its name begin with '_' to leave it out",
                rule="D152",
            )
    return list(files)


def _visible_files(folder: str) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        raise DataError(
            f"{error.filename} cannot be read: {os_error_reason(error)}",
            hint="check its permissions",
            rule="D109",
        )

    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "_")))
        for name in sorted(names):
            if not name.startswith((".", "_")):
                yield str(Path(parent) / name)


def _partitioned(path: str, folder: str) -> PartitionedPath:
    """Return a file with the columns that its subfolders name. A value is percent-encoded."""
    parts = Path(path).parent.relative_to(folder).parts
    pairs = [part.split("=", 1) for part in parts if part.find("=") > 0]
    return PartitionedPath(
        path, tuple((unquote(key), "" if value == _MISSING else unquote(value)) for key, value in pairs)
    )


def _folder_error(folder: str, files: list[PartitionedPath]) -> DataError:
    """Return the error for a folder without partitions, with a pattern that reads its files."""
    hint = "it has no files"
    if files:
        ending = Counter("".join(Path(path).suffixes[-1:]) for path in files).most_common(1)[0][0]
        deep = "" if any(Path(path).parent == Path(folder) for path in files) else "**/"
        hint = f"read its files with a pattern: {shlex.quote(str(Path(glob.escape(folder)) / f'{deep}*{ending}'))}"
    return DataError(f"{folder} is a folder without subfolders such as shop=Aachen", hint=hint, rule="D107")
