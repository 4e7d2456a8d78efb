"""Fixtures of `small_steps`."""

from small_steps import panel, trained

__all__ = ["panel", "trained"]
