"""Fixtures of `small_steps` and `text_runs` for all tests of the steps."""

from small_steps import panel, run, scored, trained
from text_runs import text_run, text_run_made_once

__all__ = ["panel", "run", "scored", "text_run", "text_run_made_once", "trained"]
