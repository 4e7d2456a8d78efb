"""Settings of glibc's allocator: memory freed by a training step is kept for the next step."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4  # of glibc's mallopt(3)
_LARGE = 256 << 20  # bytes


def keep_freed_memory() -> None:
    """Make this process keep the memory that it frees, in blocks of up to 256 MiB.

    Every step needs the same buffers of some megabytes. By default glibc returns each one to the kernel and gets it
    back as pages that must be cleared. That costs a third of a step of the stacked LSTM (benchmarks/README.md). With
    another C library, this function does nothing.
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
    """Return the kept memory to the kernel, because later arrays have other sizes."""
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
