"""Memory that a training step gives back is kept for the next one."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4  # of glibc's mallopt(3)
_LARGE = 256 << 20  # bytes


def keep_freed_memory() -> None:
    """From now on this process keeps the memory that it frees, up to blocks of 256 MiB.

    The same buffers of some megabytes are needed in every step. glibc hands each back to the kernel, and gets it again
    as pages that have to be cleared: a third of the time of a step of the textbook LSTM (benchmarks/README.md). Where
    the C library is another one nothing happens.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(_TRIM_THRESHOLD, 2**31 - 1)
    if not mallopt(_MMAP_THRESHOLD, _LARGE):  # older versions refuse more than 32 MiB
        mallopt(_MMAP_MAX, 0)


def return_freed_memory() -> None:
    """Hand the memory that was kept back to the kernel: what follows has arrays of other sizes."""
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
