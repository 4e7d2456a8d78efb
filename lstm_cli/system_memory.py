"""How much memory there is, and the refusal of work that would need more, before it starts."""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from lstm_cli.errors import DeviceError

USABLE_SHARE = 0.9  # of what is there; the rest is for what an estimate overlooks
_CGROUPS = (  # files of version 2 and of version 1: the limit, the use, and what of it the kernel can take back
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat", "total_inactive_file"),
)


def available_memory(root: Path = Path("/"), *, mapped: int = 0) -> int | None:
    """Bytes that this process may still take: of the machine, of its control groups, of `ulimit -v`; None: unknown."""
    found = [_of_the_machine(root), *_of_the_groups(root), _of_the_limit(root, mapped)]
    return min((size for size in found if size is not None), default=None)


def require_memory(
    need: int, *, doing: str, hint: str, mapped: int = 0, have: Callable[..., int | None] = available_memory
) -> None:
    """Raise DeviceError where the work would need more bytes than there are.

    doing: a phrase, as `training with --batch-size 64 and a lookback of 1,000,000`. hint: the flag that lowers it.
    mapped: bytes of addresses that the work takes beside its memory, which `ulimit -v` counts.
    """
    there = have(mapped=mapped)
    if there is not None and need > USABLE_SHARE * there:
        raise DeviceError(
            f"{doing} needs some {size_text(need)} of memory, and {size_text(there)} are free", hint=hint
        )


def size_text(size: int) -> str:
    """A size as a person reads it.

    >>> in_words(1_234_567), in_words(78_000_000_000)
    ('1.2 MB', '78.0 GB')
    """
    for factor, unit in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB")):
        if size >= factor:
            return f"{size / factor:,.1f} {unit}"
    return f"{size / 1e3:,.1f} KB"


def _of_the_machine(root: Path) -> int | None:
    found = re.search(r"^MemAvailable:\s+(\d+) kB", _text(root / "proc/meminfo"), flags=re.MULTILINE)
    return None if found is None else 1024 * int(found[1])


def _of_the_groups(root: Path) -> list[int]:
    """What each control group of this process, and each above it, has left."""
    left = []
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        mount = root / "sys/fs/cgroup" / controllers
        folder = mount / path.lstrip("/")
        for one in (folder, *folder.parents):
            left += [size for names in _CGROUPS if (size := _left_in(one, *names)) is not None]
            if one == mount:
                break
    return left


def _left_in(folder: Path, limit: str, use: str, statistics: str, reclaimable: str) -> int | None:
    most, used = _text(folder / limit).strip(), _text(folder / use).strip()
    if not (most.isdigit() and used.isdigit()) or int(most) >= 1 << 60:  # "max", or version 1's word for it
        return None
    found = re.search(rf"^{reclaimable} (\d+)$", _text(folder / statistics), flags=re.MULTILINE)
    return max(0, int(most) - int(used) + (int(found[1]) if found else 0))


def _of_the_limit(root: Path, mapped: int) -> int | None:
    """What `ulimit -v` leaves: of addresses, which are more than the memory behind them."""
    import resource

    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    pages = _text(root / "proc/self/statm").split()
    if most == resource.RLIM_INFINITY or not pages:
        return None
    return max(0, most - mapped - int(pages[0]) * os.sysconf("SC_PAGE_SIZE"))


def _text(path: Path) -> str:
    with suppress(OSError):
        return path.read_text()
    return ""
