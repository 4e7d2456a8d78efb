"""Fixtures of `small_search` for the tests of `tune`."""

from small_search import fresh, prepared, unshipped

__all__ = ["fresh", "prepared", "unshipped"]
