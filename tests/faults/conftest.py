"""Fixtures of `faulty`, for all tests of this folder."""

from faulty import command, panel, rng

__all__ = ["command", "panel", "rng"]
