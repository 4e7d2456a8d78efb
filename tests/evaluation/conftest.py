"""Fixtures of `small_steps`."""

from small_steps import panel, scored, trained

__all__ = ["panel", "scored", "trained"]
