"""Fixtures of `small_steps` for all tests of the steps."""

from small_steps import panel, run, scored, trained

__all__ = ["panel", "run", "scored", "trained"]
