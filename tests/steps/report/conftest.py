"""Fixtures of the tests of the report."""

from hostile_run import hostile

__all__ = ["hostile"]
