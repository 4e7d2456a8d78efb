"""The fixtures of `small_steps`, for every test of the steps."""

from small_steps import panel, run, trained

__all__ = ["panel", "run", "trained"]
