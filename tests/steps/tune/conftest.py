"""The fixtures of `small_search`, for every test of `tune`."""

from small_search import fresh, prepared, unshipped

__all__ = ["fresh", "prepared", "unshipped"]
