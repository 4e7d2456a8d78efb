"""Available memory, and the check of it before work starts."""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from lstm_cli.errors import DeviceError

USABLE_SHARE = 0.9  # of the available memory; the rest is a margin for errors of the estimate
_CGROUP_FILES = (  # for cgroup versions 2 and 1: limit, usage, statistics, key of the reclaimable bytes in them
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat", "total_inactive_file"),
)


def available_memory(root: Path = Path("/"), *, mapped: int = 0) -> int | None:
    """Return the bytes that this process can still allocate.

    The machine, its control groups and `ulimit -v` limit them. None: unknown.
    """
    sizes = [_machine_memory(root), *_cgroup_memory(root), _address_space(root, mapped)]
    return min((size for size in sizes if size is not None), default=None)


def require_memory(
    need: int, *, doing: str, hint: str, mapped: int = 0, have: Callable[..., int | None] = available_memory
) -> None:
    """Raise DeviceError if the work needs more memory than is available.

    Args:
        need: Bytes that the work needs.
        doing: Phrase for the work, e.g. `training with --batch-size 64 and a lookback of 1,000,000`.
        hint: Flag that lowers the need.
        mapped: Bytes of address space that the work maps in addition; `ulimit -v` counts them.
        have: Function that returns the available bytes.
    """
    available = have(mapped=mapped)
    if available is not None and need > USABLE_SHARE * available:
        raise DeviceError(
            f"{doing} needs about {size_text(need)} of memory, but only {size_text(available)} is free",
            hint=hint,
        )


def size_text(size: int) -> str:
    """Return a number of bytes as text with a unit.

    >>> size_text(1_234_567), size_text(78_000_000_000)
    ('1.2 MB', '78.0 GB')
    """
    for factor, unit in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB")):
        if size >= factor:
            return f"{size / factor:,.1f} {unit}"
    return f"{size / 1e3:,.1f} KB"


def _machine_memory(root: Path) -> int | None:
    match = re.search(r"^MemAvailable:\s+(\d+) kB", _read(root / "proc/meminfo"), flags=re.MULTILINE)
    return None if match is None else 1024 * int(match[1])


def _cgroup_memory(root: Path) -> list[int]:
    """Return the free bytes of each control group of this process and of their parents."""
    free = []
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        mount = root / "sys/fs/cgroup" / controllers
        folder = mount / path.lstrip("/")
        for group in (folder, *folder.parents):
            free += [size for names in _CGROUP_FILES if (size := _free_in_group(group, *names)) is not None]
            if group == mount:
                break
    return free


def _free_in_group(folder: Path, limit: str, usage: str, statistics: str, reclaimable: str) -> int | None:
    maximum, used = _read(folder / limit).strip(), _read(folder / usage).strip()
    if (
        not (maximum.isdigit() and used.isdigit()) or int(maximum) >= 1 << 60
    ):  # no limit: "max", or a huge number
        return None
    match = re.search(rf"^{reclaimable} (\d+)$", _read(folder / statistics), flags=re.MULTILINE)
    return max(0, int(maximum) - int(used) + (int(match[1]) if match else 0))


def _address_space(root: Path, mapped: int) -> int | None:
    """Return the free bytes of address space under `ulimit -v`; a process maps more than it uses."""
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    pages = _read(root / "proc/self/statm").split()
    if limit == resource.RLIM_INFINITY or not pages:
        return None
    return max(0, limit - mapped - int(pages[0]) * os.sysconf("SC_PAGE_SIZE"))


def _read(path: Path) -> str:
    with suppress(OSError):
        return path.read_text()
    return ""
